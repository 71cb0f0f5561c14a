#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""POP3 programs of other people, each without TLS (loopback), with STLS and with TLS from the start: it takes all mail,
leaves it on the server, takes only what is new the next time, deletes it; and it refuses a certificate of a stranger. What
arrives is compared octet by octet with the file in the mailbox. Then sequences of commands as Thunderbird, K-9 and Outlook
send them."""
import base64
import glob
import os
import poplib
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, wait_until  # noqa: E402
from pop3 import Wire, make_maildir, put  # noqa: E402
from programs import run_with_demo  # noqa: E402

USER = "lir"
BODY = b"Hola ni\xc3\xb1o\n.\n..two\n.one\nFrom the start\n\n" + b"x" * 900 + b"\nQUIT\nthe end\n"
LONE = b"the end\n"  # in every mail once
demo = home = None  # run_with_demo sets them


# ---- the mailbox, filled as another delivery agent would: a rename into new/

def deliver(number):
    maildir = demo.maildir(USER)
    name = f"{1_700_000_000 + number}.M{time.monotonic_ns()}P{os.getpid()}.example.org"
    put(maildir, name, b"Return-Path: <a@example.org>\nFrom: Ana <a@example.org>\nTo: lir@micasa.test\nSubject: number "
        b"%d\nMessage-ID: <%d@example.org>\nDate: Mon, 02 Nov 2026 10:00:%02d +0000\nMIME-Version: 1.0\n"
        b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" % (number, number, number) + BODY,
        owner())


def owner():
    return os.stat(os.path.dirname(demo.maildir(USER))).st_uid


def fill(count=3):
    make_maildir(demo.maildir(USER), owner())
    demo.empty(USER)
    for number in range(1, count + 1):
        deliver(number)


def on_server():
    """The numbers of the mails that are left."""
    return sorted(int(text.split(b"Subject: number ")[1].split(b"\n")[0]) for text in demo.mails(USER))


def password():
    return demo.passwords[USER]


def port(tls):
    return demo.port("pop3s" if tls == "implicit" else "pop3")


def check(text, numbers):
    """The mails with these numbers are in text once each, whole."""
    text = text.replace(b"\r\n", b"\n")
    for number in range(1, 10):
        assert text.count(b"Subject: number %d\n" % number) == (number in numbers), (number, numbers, text[:500])
    assert text.count(BODY) == len(numbers), (text.count(BODY), text[:3000])


def keep_resume_delete(fetch):
    """fetch(keep) runs the program once and returns what it has taken by now in all, as one text."""
    fill()
    texts, names = sorted(demo.mails(USER)), uidls()
    check(fetch(True), {1, 2, 3})
    check(fetch(True), {1, 2, 3})  # nothing twice
    assert sorted(demo.mails(USER)) == texts and uidls() == names
    deliver(4)
    check(fetch(True), {1, 2, 3, 4})  # what is new
    assert on_server() == [1, 2, 3, 4] and uidls()[:3] == names and len(set(uidls())) == 4
    fill()
    fetch(False)
    assert on_server() == []


def uidls():
    with Wire(port("none")) as wire:
        assert wire.line().startswith(b"+OK")
        wire.login(USER, password())
        names = [line.split()[1] for line in wire.ask("UIDL").splitlines()]
        assert wire.say("QUIT").startswith(b"+OK")
    return names


def stranger():
    """The certificate of another authority."""
    path = f"{home.path}/stranger.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=stranger", "-days", "2", "-keyout", "/dev/null", "-out", path], check=True, capture_output=True)
    return path


def nobody_logged_in(since):
    return "event=auth-" not in demo.log()[since:] and " auth-" not in demo.log()[since:]


# ---- fetchmail

def fetchmail(tls, keep, options="", ca=None, status=(0,)):
    how = {"none": "sslproto ''", "stls": 'sslproto "TLS1.2+"', "implicit": "ssl"}[tls]
    config = home.write("fetchmailrc", f"""set no bouncemail
poll 127.0.0.1 protocol POP3 port {port(tls)} uidl timeout 20
  user "{USER}" password "{password()}" {"keep" if keep else "nokeep"} no rewrite mda "cat >> {home.path}/fetched" {options}
  {how} sslcertck sslcertfile "{ca or demo.endpoints['ca_file']}" sslcommonname "localhost"
""")
    done = subprocess.run(["fetchmail", "-f", config, "--idfile", f"{home.path}/fetchids", "--pidfile",
                           f"{home.path}/fetchmail.pid", "--nosyslog", "-v"], capture_output=True, text=True, timeout=60,
                          check=False, env={"PATH": os.environ["PATH"], "HOME": home.path, "LANG": "C.UTF-8"})
    assert done.returncode in status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return open(f"{home.path}/fetched", "rb").read() if os.path.exists(f"{home.path}/fetched") else b""


def fetchmail_case(tls):
    for path in glob.glob(f"{home.path}/fetch*"):
        os.unlink(path)
    keep_resume_delete(lambda keep: fetchmail(tls, keep, status=(0, 1)))  # 1: no new mail


def test_fetchmail_without_tls():
    fetchmail_case("none")


def test_fetchmail_stls():
    fetchmail_case("stls")


def test_fetchmail_implicit_tls():
    fetchmail_case("implicit")


def test_fetchmail_fetchall_takes_seen_mail_again():
    fill()
    os.path.exists(f"{home.path}/fetched") and os.unlink(f"{home.path}/fetched")
    fetchmail("implicit", True, status=(0, 1))
    os.unlink(f"{home.path}/fetched")
    check(fetchmail("implicit", True, "fetchall"), {1, 2, 3})


def test_fetchmail_refuses_a_strangers_certificate():
    fill()
    since = len(demo.log())
    for tls in ("stls", "implicit"):
        fetchmail(tls, True, ca=stranger(), status=(2,))
    assert nobody_logged_in(since)


# ---- getmail

def getmail(tls, keep, box, options=""):
    kind = "SSL" if tls == "implicit" else ""
    secure = f"ca_certs = {home.write('ca.pem', open(demo.endpoints['ca_file'], encoding='ascii').read(), 0o644)}" if kind else ""
    # It watches for the end of a delivery only after it has started it, and has missed it if that was too late.
    store = home.write("store", '#!/bin/sh\ncat > "$1/$$" && sleep 0.1\n', 0o700)
    config = home.write(f"getmailrc-{tls}", f"""[retriever]
type = SimplePOP3{kind}Retriever
server = {"localhost" if kind else "127.0.0.1"}
port = {port(tls)}
username = {USER}
password = {password()}
{secure}
[destination]
type = MDA_external
path = {store}
arguments = ("{box}/new",)
allow_root_commands = true
[options]
read_all = false
delete = {"false" if keep else "true"}
delivered_to = false
received = false
verbose = 0
{options}
""")
    home.run("getmail", "--getmaildir", home.path, "--rcfile", config)
    return b"".join(open(path, "rb").read() for path in glob.glob(f"{box}/new/*"))


def test_getmail_without_tls():
    box = home.new_maildir()
    keep_resume_delete(lambda keep: getmail("none", keep, box))


def test_getmail_implicit_tls():
    box = home.new_maildir()
    keep_resume_delete(lambda keep: getmail("implicit", keep, box))


# It remembers when it first saw which UIDL: they must stay the same for days.
def test_getmail_deletes_after_days():
    fill()
    box = home.new_maildir()
    getmail("implicit", True, box, "delete_after = 3")
    assert on_server() == [1, 2, 3]
    memory = max(glob.glob(f"{home.path}/oldmail-*"), key=os.path.getmtime)
    seen = open(memory, "rb").read().decode()
    four_days_ago = str(int(time.time()) - 4 * 86_400)
    with open(memory, "w", encoding="ascii", newline="") as out:
        for record in seen.split("\n"):
            name, mark, _ = record.partition("\0")
            out.write(f"{name}\0{four_days_ago}\n" if mark else record)
    deliver(4)
    getmail("implicit", True, box, "delete_after = 3")
    assert on_server() == [4], on_server()


# ---- mpop

def mpop(tls, keep, box, ca=None, status=0, more="", auth="plain"):
    config = home.write("mpoprc", f"""account default
host 127.0.0.1
port {port(tls)}
tls {"off" if tls == "none" else "on"}
tls_starttls {"on" if tls == "stls" else "off"}
tls_trust_file {ca or demo.endpoints["ca_file"]}
auth {"user" if tls == "none" else auth}
user {USER}
passwordeval echo {password()}
delivery maildir {box}
uidls_file {box}/uidls
keep {"on" if keep else "off"}
received_header off
{more}
""")
    home.run("mpop", "-C", config, status=status)
    return b"".join(open(path, "rb").read() for path in glob.glob(f"{box}/new/*"))


def mpop_case(tls):
    for pipelining in ("on", "off"):
        box = home.new_maildir()
        keep_resume_delete(lambda keep: mpop(tls, keep, box, more=f"pipelining {pipelining}"))


def test_mpop_without_tls():
    mpop_case("none")


def test_mpop_stls():
    mpop_case("stls")


def test_mpop_implicit_tls():
    mpop_case("implicit")


def test_mpop_scram_sha_256():
    if b"scram-sha-256" not in home.run("mpop", "--version").stdout:
        raise Skip("this mpop has no SCRAM-SHA-256")
    fill()
    check(mpop("stls", True, home.new_maildir(), auth="scram-sha-256"), {1, 2, 3})


def test_mpop_refuses_a_strangers_certificate():
    fill()
    since = len(demo.log())
    for tls in ("stls", "implicit"):
        mpop(tls, True, home.new_maildir(), ca=stranger(), status=None)
    assert nobody_logged_in(since)


# ---- mutt and neomutt

def mutt(program, tls, keys, delete="no"):
    scheme = "pops" if tls == "implicit" else "pop"
    config = home.write("muttrc", f"""set ssl_ca_certificates_file = "{demo.endpoints['ca_file']}"
set certificate_file = "{demo.endpoints['ca_file']}"
set ssl_verify_host = no
set ssl_starttls = {"yes" if tls == "stls" else "no"}
set ssl_force_tls = {"no" if tls == "none" else "yes"}
set pop_pass = "{password()}"
set pop_delete = no
set delete = {"yes" if delete == "yes" else "no"}
set quit = yes
set header_cache = ""
set confirmappend = no
set confirmcreate = no
set sleep_time = 0
set wait_key = no
set resolve = no
set mark_old = no
""")
    home.in_terminal([program, "-F", config, "-e", f'push "{keys}<quit>"', "-f",
                      f"{scheme}://{USER}@127.0.0.1:{port(tls)}/"])


def mutt_case(program):
    for tls in ("none", "stls", "implicit"):
        fill()
        box = f"{home.path}/{program}-{tls}"
        mutt(program, tls, "".join(f"<jump>{n}<enter><copy-message>{box}<enter>" for n in (1, 2, 3)))
        text = open(box, "rb").read()
        assert all(text.count(b"Subject: number %d\n" % n) == 1 for n in (1, 2, 3)), text[:2000]
        assert text.count(LONE) == 3 and on_server() == [1, 2, 3]
        mutt(program, tls, "<jump>2<enter><delete-message>", delete="yes")
        assert on_server() == [1, 3], (tls, on_server())


def test_mutt_reads_and_deletes():
    mutt_case("mutt")


def test_neomutt_reads_and_deletes():
    mutt_case("neomutt")


# ---- curl

def curl(tls, path="", *options, status=0, ca=None):
    scheme = "pop3s" if tls == "implicit" else "pop3"
    secure = {"none": [], "stls": ["--ssl-reqd"], "implicit": []}[tls]
    return home.run("curl", "-sS", "--cacert", ca or demo.endpoints["ca_file"], *secure, "--user", f"{USER}:{password()}",
                    f"{scheme}://127.0.0.1:{port(tls)}/{path}", *options, status=status).stdout


def test_curl_lists_reads_and_deletes():
    for tls in ("none", "stls", "implicit"):
        fill()
        assert len(curl(tls).splitlines()) == 3
        uidls = curl(tls, "", "-X", "UIDL")
        assert len(uidls.splitlines()) == 3 and curl(tls, "", "-X", "UIDL") == uidls
        check(b"".join(curl(tls, str(n)) for n in (1, 2, 3)), {1, 2, 3})
        top = curl(tls, "", "-X", "TOP 1 1")
        assert top.endswith(b"Hola ni\xc3\xb1o\r\n") and b"the end" not in top, top
        curl(tls, "2", "-X", "DELE", "-I")
        assert on_server() == [1, 3], (tls, on_server())


def test_curl_sasl_mechanisms():
    fill()
    for tls in ("stls", "implicit"):
        for mechanism in ("PLAIN", "LOGIN"):
            for initial in ([], ["--sasl-ir"]):
                assert curl(tls, "", "--login-options", f"AUTH={mechanism}", *initial).count(b"\n") == 3
        assert curl(tls, "", "--login-options", "AUTH=*").count(b"\n") == 3


def test_curl_scram_needs_a_curl_with_gnu_sasl():
    """Debian's curl has none: asked for SCRAM it gives up after CAPA, by itself; left alone it takes PLAIN."""
    fill()
    able = b"gsasl" in home.run("curl", "--version").stdout
    curl("implicit", "", "--login-options", "AUTH=SCRAM-SHA-256", status=0 if able else 67)


def test_curl_wrong_password():
    curl("implicit", "", "--user", f"{USER}:wrong", status=67)


def test_curl_refuses_a_strangers_certificate():
    since = len(demo.log())
    for tls in ("stls", "implicit"):
        curl(tls, ca=stranger(), status=60)
    assert nobody_logged_in(since)


# ---- Python's poplib, every method

def pop(tls):
    if tls == "implicit":
        server = poplib.POP3_SSL("127.0.0.1", port(tls), context=demo.tls())
    else:
        server = poplib.POP3("127.0.0.1", port(tls))
    if tls == "stls":
        server.stls(context=demo.tls())
    return server


def refused(call, *arguments):
    try:
        call(*arguments)
    except poplib.error_proto as why:
        assert why.args[0].startswith(b"-ERR"), why
        return why.args[0]
    raise AssertionError(f"{call} {arguments} was not refused")


def test_poplib_every_method():
    for tls in ("none", "stls", "implicit"):
        fill()
        server = pop(tls)
        capabilities = server.capa()
        assert {"TOP", "UIDL", "UTF8"} <= set(capabilities) and ("STLS" in capabilities) == (tls == "none"), capabilities
        refused(server.apop, USER, "secret") if b"<" in server.getwelcome() else None
        refused(server.rpop, USER)
        server.utf8()
        server.user(USER)
        server.pass_(password())
        count, octets = server.stat()
        sizes = [int(line.split()[1]) for line in server.list()[1]]
        assert count == 3 and sum(sizes) == octets
        for number, size in enumerate(sizes, 1):
            assert server.list(number).split()[2] == str(size).encode()
            lines = server.retr(number)[1]
            assert sum(len(line) + 2 for line in lines) == size
            check(b"\n".join(lines) + b"\n", {number})
            assert server.top(number, 0)[1] == lines[:lines.index(b"") + 1]
        uidls = server.uidl()[1]
        assert server.uidl(2).split()[1:] == uidls[1].split()
        server.noop()
        server.dele(1)
        refused(server.retr, 1)
        server.rset()
        server.dele(2)
        server.quit()
        assert on_server() == [1, 3]
        again = pop(tls)
        again.user(USER)
        again.pass_(password())
        assert [line.split()[1] for line in again.uidl()[1]] == [uidls[0].split()[1], uidls[2].split()[1]]
        again.quit()


def test_a_session_before_a_lost_connection_deletes_nothing():
    fill()
    server = pop("implicit")
    server.user(USER)
    server.pass_(password())
    server.dele(1)
    server.close()
    later = wait_until(lambda: login_or_none("implicit"))
    assert later.stat()[0] == 3
    later.quit()


def test_one_session_per_mailbox():
    fill()
    first = pop("none")
    first.user(USER)
    first.pass_(password())
    second = pop("none")
    second.user(USER)
    assert b"[IN-USE]" in refused(second.pass_, password())
    first.quit()


def login_or_none(tls):
    server = pop(tls)
    server.user(USER)
    try:
        server.pass_(password())
    except poplib.error_proto:
        return None
    return server


# ---- sequences of commands of programs that have no command line

class Dialog(Wire):
    def __init__(self, tls):
        super().__init__(port(tls), demo.tls() if tls == "implicit" else None)
        assert self.line().startswith(b"+OK")
        if tls == "stls":
            self.ask_line("STLS")
            self.start_tls(demo.tls())

    def ask_line(self, command):
        line = self.say(command)
        assert line.startswith(b"+"), (command, line)
        return line[:-2]

    def ask_lines(self, command):
        return self.ask(command).split(b"\r\n")[:-1]

    def authenticate(self):
        assert self.ask_line("AUTH PLAIN") == b"+ ", "Thunderbird waits for exactly this"
        self.ask_line(base64.b64encode(f"\0{USER}\0{password()}".encode()).decode())


# CAPA, AUTH without initial response, STAT, LIST, all UIDLs, RETR of what is new; NOOP in between, whose answer is dropped.
def test_like_thunderbird():
    for tls in ("none", "stls", "implicit"):
        fill()
        known = {}
        for round_ in range(2):
            client = Dialog(tls)
            assert "UIDL" in [line.decode() for line in client.ask_lines("CAPA")]
            client.authenticate()
            count = int(client.ask_line("STAT").split()[1])
            sizes = dict(map(bytes.split, client.ask_lines("LIST")))
            uidls = dict(map(bytes.split, client.ask_lines("UIDL")))
            assert count == len(sizes) == len(uidls) == 3 + round_
            for number, uidl in uidls.items():
                if uidl in known:
                    continue
                assert client.ask_lines(f"TOP {number.decode()} 0")[-1] == b""
                assert client.ask_line("NOOP").startswith(b"+OK")
                known[uidl] = client.ask_lines(f"RETR {number.decode()}")
                assert sum(len(line) + 2 for line in known[uidl]) == int(sizes[number])
            client.ask_line("QUIT")
            assert client.line() == b""
            if round_ == 0:
                deliver(4)
        check(b"\n".join(b"\n".join(text) for text in known.values()) + b"\n", {1, 2, 3, 4})


# Few of many: UIDL n and LIST n one by one from the newest, TOP with the size divided by 76 as a preview.
def test_like_k9():
    fill(9)
    client = Dialog("implicit")
    capabilities = client.ask_lines("CAPA")
    assert {b"TOP", b"UIDL"} <= set(capabilities), "it compares whole lines"
    client.authenticate()
    count = int(client.ask_line("STAT").split()[1])
    for number in range(count, count - 5, -1):
        size = int(client.ask_line(f"LIST {number}").split()[2])
        assert client.ask_line(f"UIDL {number}").split()[1] == str(number).encode()
        preview = client.ask_lines(f"TOP {number} {size // 76}")
        assert preview[preview.index(b"") + 1] == b"Hola ni\xc3\xb1o"
    client.ask_line("QUIT")


# Bare AUTH as a probe, USER and PASS, UIDL; "remove from the server after N days" is a DELE of UIDLs it remembers.
def test_like_outlook_with_days_on_the_server():
    fill()
    first = Dialog("implicit")
    assert b"PLAIN" in first.ask_lines("AUTH")
    first.ask_line(f"USER {USER}")
    first.ask_line(f"PASS {password()}")
    seen = [line.split()[1] for line in first.ask_lines("UIDL")]
    for number in (1, 2, 3):
        assert first.ask_lines(f"RETR {number}")
    first.ask_line("QUIT")
    deliver(4)
    later = Dialog("implicit")
    later.ask_line(f"USER {USER}")
    later.ask_line(f"PASS {password()}")
    now = [line.split() for line in later.ask_lines("UIDL")]
    assert [uidl for _, uidl in now][:3] == seen
    for number, uidl in now:
        if uidl in seen:
            later.ask_line(f"DELE {number.decode()}")
    later.ask_line("QUIT")
    assert on_server() == [4]


# ---- other programs at the same mailbox

def test_files_that_move_during_a_session():
    fill()
    client = Dialog("none")
    client.ask_line(f"USER {USER}")
    client.ask_line(f"PASS {password()}")
    maildir = demo.maildir(USER)
    for name in os.listdir(f"{maildir}/new"):  # as mutt does when it opens and leaves the mailbox
        os.rename(f"{maildir}/new/{name}", f"{maildir}/cur/{name}:2,S")
    check(b"\n".join(client.ask_lines("RETR 1")) + b"\n", {1})
    moved = next(p for p in glob.glob(f"{maildir}/cur/*") if b"number 2\n" in open(p, "rb").read())
    os.rename(moved, moved + "T" if not moved.endswith("T") else moved)
    check(b"\n".join(client.ask_lines("RETR 2")) + b"\n", {2})
    client.ask_line("DELE 2")
    deliver(4)
    assert client.ask_line("STAT").split()[1] == b"2", "mail that comes during a session belongs to the next one"
    client.ask_line("QUIT")
    assert on_server() == [1, 3, 4]


if __name__ == "__main__":
    sys.exit(run_with_demo(globals()))
