#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The mailbox on disk, beside and below POP3 sessions: mail as procmail and Postfix drop it, mutt that opens the same Maildir
meanwhile, and what programs that only read leave behind: every octet, every file name but the folder and the flags, and every
UIDL as before. s-nail reads, keeps and deletes."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from pop3 import Wire, mails_of, make_maildir, put  # noqa: E402
from programs import run_with_demo  # noqa: E402

USER = "lir"
demo = home = None  # run_with_demo sets them
delivered = {}  # base name -> octets


def owner():
    return os.stat(os.path.dirname(demo.maildir(USER))).st_uid


def message(number):
    return b"From: ana@example.org\nTo: lir@micasa.test\nSubject: number %d\nDate: Mon, 02 Nov 2026 10:00:%02d +0000\n\n" \
           b"Hola ni\xc3\xb1o\n.\n..two\nFrom the start\nthe end\n" % (number, number)


# The names these programs give (procmail 3.22, maildrop and Postfix's virtual(8)); none says a size.
NAMES = ("{t}.{n}_0.mail.example.org", "{t}.M{n}P99V0000000000000802I00000000000A_0.mail.example.org",
         "{t}.V802I{n}M421.mail.example.org")


def drop(number):
    name = NAMES[number % 3].format(t=1_700_000_000 + number, n=time.monotonic_ns())
    put(demo.maildir(USER), name, message(number), owner())
    delivered[name] = message(number)
    return name


def fill(count):
    make_maildir(demo.maildir(USER), owner())
    demo.empty(USER)
    delivered.clear()
    return [drop(number) for number in range(1, count + 1)]


def session(service="pop3"):
    wire = Wire(demo.port(service), demo.tls() if service == "pop3s" else None)
    assert wire.line().startswith(b"+OK")
    return wire.login(USER, demo.passwords[USER])


def uidls():
    with session() as wire:
        names = [line.split()[1] for line in wire.ask("UIDL").splitlines()]
        assert wire.say("QUIT").startswith(b"+OK")
    return names


def untouched(names=None):
    """What is left on disk is what was delivered, under its base name."""
    found = {base: text for base, (_, _, text) in mails_of(demo.maildir(USER)).items()}
    assert found == {name: delivered[name] for name in (names if names is not None else delivered)}, sorted(found)


def crlf(text):
    return text.replace(b"\n", b"\r\n")


def test_names_without_sizes_are_counted_exactly():
    fill(6)
    with session() as wire:
        octets = dict(line.split() for line in wire.ask("LIST").splitlines())
        for number in range(1, 7):
            text = wire.ask(f"RETR {number}")
            assert text == crlf(message(number)) and int(octets[b"%d" % number]) == len(text)
        wire.say("QUIT")
    untouched()


def test_reading_leaves_octets_names_and_uidls():
    fill(4)
    before = uidls()
    ca = demo.endpoints["ca_file"]
    login = ["--user", f"{USER}:{demo.passwords[USER]}", "--cacert", ca]
    for _ in range(2):
        home.run("curl", "-sS", *login, f"pop3s://127.0.0.1:{demo.port('pop3s')}/[1-4]")
        untouched()
        assert uidls() == before
    drop(5)
    after = uidls()
    assert after[:4] == before and len(set(after)) == 5


# mutt opens the Maildir itself: new/ becomes cur/, flags are set; the POP3 session goes on.
def mutt_on_the_maildir(keys):
    config = home.write("muttrc-local", "set mbox_type=Maildir\nset quit=yes\nset delete=yes\nset sleep_time=0\nset wait_key=no\n"
                        "set resolve=no\nset mark_old=yes\nset move=no\nset header_cache=\"\"\n")
    home.in_terminal(["mutt", "-F", config, "-e", f'push "{keys}<quit>"', "-f", demo.maildir(USER)])


def test_mutt_opens_the_maildir_during_a_session():
    names = fill(5)
    with session() as wire:
        before = wire.ask("UIDL")
        assert wire.ask("RETR 1") == crlf(message(1))
        mutt_on_the_maildir("<jump>2<enter><flag-message><jump>3<enter><display-message><exit>")
        found = mails_of(demo.maildir(USER))
        flags = {name: flags for name, (_, flags, _) in found.items()}
        assert {folder for folder, _, _ in found.values()} == {"cur"} and sorted(flags.values())[3:] == ["F", "S"], flags
        for number in range(1, 6):
            assert wire.ask(f"RETR {number}") == crlf(message(number))
        assert wire.ask("UIDL") == before
        assert wire.say("DELE 4").startswith(b"+OK") and wire.say("QUIT").startswith(b"+OK")
    untouched(names[:3] + names[4:])
    found = mails_of(demo.maildir(USER))
    for name, (_, now, _) in found.items():
        assert set(flags[name]) <= set(now), "the flags that another program has set stay"
    kept = [line.split()[1] for line in before.splitlines()]
    assert uidls() == kept[:3] + kept[4:]


def test_mutt_deletes_a_mail_of_the_session():
    names = fill(3)
    with session() as wire:
        kept = [line.split()[1] for line in wire.ask("UIDL").splitlines()]
        mutt_on_the_maildir("<jump>2<enter><delete-message>")
        gone = next(n for n in (1, 2, 3) if names[n - 1] not in mails_of(demo.maildir(USER)))
        assert wire.say(f"RETR {gone}").startswith(b"-ERR"), "it is gone, and the others are there"
        for number in {1, 2, 3} - {gone}:
            assert wire.ask(f"RETR {number}") == crlf(message(number))
        assert wire.say(f"DELE {gone}").startswith(b"+OK") and wire.say("QUIT").startswith(b"+OK"), "gone is gone"
    untouched(names[:gone - 1] + names[gone:])
    assert uidls() == kept[:gone - 1] + kept[gone:]


def test_mails_dropped_during_a_session_come_next_time():
    fill(2)
    with session() as wire:
        drop(3)
        assert wire.say("STAT").split()[1] == b"2"
        mutt_on_the_maildir("<jump>3<enter><flag-message>")
        assert wire.say("STAT").split()[1] == b"2" and wire.say("RETR 3").startswith(b"-ERR")
        assert wire.say("DELE 1").startswith(b"+OK") and wire.say("QUIT").startswith(b"+OK")
    untouched(list(delivered)[1:])
    with session("pop3s") as wire:
        assert wire.ask("RETR 2") == crlf(message(3))


def snail(tls, *commands, ca=None, good=(0,)):
    scheme = "pop3s" if tls == "implicit" else "pop3"
    port = demo.port("pop3s" if tls == "implicit" else "pop3")
    options = ["v15-compat=yes", f"tls-ca-file={ca or demo.endpoints['ca_file']}", "tls-verify=strict", "tls-ca-no-defaults",
               "pop3-auth=plain", "nopop3-keepalive", "nosave", "nohold", "nokeepsave", "pop3-no-apop"]
    options += ["pop3-use-starttls"] if tls == "stls" else []
    config = home.write("mailrc", "".join(f"set {option}\n" for option in options))
    done = subprocess.run(["s-nail", "-:u", "-#", "-f", f"{scheme}://{USER}:{demo.passwords[USER]}@localhost:{port}"], timeout=60,
                          input="".join(command + "\n" for command in commands).encode(), capture_output=True, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": home.path, "MAILRC": config, "LANG": "C.UTF-8", "TERM": "dumb"})
    assert done.returncode in good, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_s_nail_reads_keeps_and_deletes():
    for tls in ("none", "stls", "implicit"):
        names = fill(3)
        before = uidls()
        copy = f"{home.path}/snail-{tls}"
        out = snail(tls, f"copy * {copy}", "exit")
        text = open(copy, "rb").read() if os.path.exists(copy) else out
        assert all(text.count(b"Subject: number %d\n" % n) == 1 for n in (1, 2, 3)) and text.count(b"the end\n") == 3, text[-2000:]
        untouched()
        assert uidls() == before
        out = snail(tls, "delete 2", "quit")
        assert set(mails_of(demo.maildir(USER))) == {names[0], names[2]}, out
        untouched([names[0], names[2]])
        assert uidls() == [before[0], before[2]]


def test_s_nail_refuses_a_strangers_certificate():
    fill(1)
    path = f"{home.path}/stranger.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=stranger", "-days", "2", "-keyout", "/dev/null", "-out", path], check=True, capture_output=True)
    for tls in ("stls", "implicit"):
        since = len(demo.log())
        assert b"certificate verify failed" in snail(tls, "exit", ca=path, good=(0, 1))
        assert " auth-" not in demo.log()[since:]


if __name__ == "__main__":
    sys.exit(run_with_demo(globals()))
