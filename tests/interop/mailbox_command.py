#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""posada mailbox: mboxes that mutt, s-nail and Python wrote are brought in, and POP3 shows the same octets; a mailbox is
handed to Debian's Dovecot and back with its folders, keywords and unique ids; what is wrong in a mailbox is found."""
import email
import imaplib
import json
import mailbox
import os
import poplib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import POSADA, ROOT, Demo, Skip, free_port, run_tests  # noqa: E402

DOVECOT = os.path.join(ROOT, "tests/support/dovecot.sh")
FOLDER, ON_DISK = "Año & más", "A&APE-o &- m&AOE-s"
BODY = ("Hola\n.\n..two dots\nFrom the start of a line\n>From quoted\n\n"
        "From a@b Mon Nov 23 01:44:05 2026\nis inside\n\nthe end\n")
demo = None
work = None


def posada(*args, status=0, stdin=None, user="lir"):
    command = [POSADA, "mailbox", *args, "--config", f"{demo.dir}/posada.toml", "--user", user]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == status, f"{args}: {done.returncode} {done.stdout} {done.stderr}"
    return done


def imported(*args, **more):
    return json.loads(posada("import", "--json", *args, **more).stdout)


def folder(name="INBOX"):
    found = json.loads(posada("list", "--json", "--folder", name).stdout)["folders"]
    assert len(found) == 1, found
    return found[0]


def through_pop3():
    box = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
    box.user("lir")
    box.pass_(demo.passwords["lir"])
    mails = [b"\n".join(box.retr(n + 1)[1]) + b"\n" for n in range(box.stat()[0])]
    box.quit()
    return mails


def client(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed")
    return name


def place(name, *parts):
    path = f"{work}/{name}"
    with open(path, "wb") as out:
        out.write(b"".join(parts))
    os.chmod(path, 0o644)
    return path


def run_client(*argv):
    env = {"PATH": os.environ["PATH"], "HOME": work, "LANG": "C.UTF-8", "TERM": "dumb", "MAILRC": "/dev/null"}
    done = subprocess.run(argv, input=BODY.encode(), capture_output=True, timeout=60, env=env, check=False)
    assert done.returncode == 0, done


def from_mutt():
    demo.empty("lir")
    path = place("mutt.mbox")
    rc = place("muttrc", b'set record="%s"\nset copy=yes\nset sendmail="/bin/true"\nset mbox_type=mbox\nset encode_from=no\n'
               b'set from="daniel@micasa.test"\nset edit_headers=no\nset signature=""\n' % path.encode())
    for subject in ("one", "two"):
        run_client(client("mutt"), "-n", "-F", rc, "-s", subject, "lir@micasa.test")
    assert b"Content-Length: " in open(path, "rb").read()
    assert imported(path)["imported"] == 2
    mails = through_pop3()
    assert [email.message_from_bytes(m)["Subject"] for m in mails] == ["one", "two"], mails
    for mail in mails:
        head, body = mail.split(b"\n\n", 1)
        assert body == BODY.encode(), body
        assert b"\nStatus: " not in head and b"Content-Length" not in head, head
    assert imported(path) == {**imported(path), "imported": 0, "already_there": 2}


def from_s_nail():
    demo.empty("lir")
    path = place("nail.mbox")
    for subject in ("one", "two"):
        run_client(client("s-nail"), "-n", "-S", f"record={path}", "-S", "mta=/bin/true", "-S", "from=daniel@micasa.test",
                   "-s", subject, "lir@micasa.test")
    # It encodes such lines as quoted-printable, and quotes none.
    assert imported("--quoting", "none", path)["imported"] == 2
    mails = [email.message_from_bytes(m) for m in through_pop3()]
    assert [m["Subject"] for m in mails] == ["one", "two"], mails
    for mail in mails:
        assert mail.get_payload(decode=True).decode() == BODY, mail.get_payload(decode=True)


def from_python():
    """Flags, quoting without Content-Length, and as a stream."""
    demo.empty("lir")
    path = place("python.mbox")
    box = mailbox.mbox(path)
    for number, flags in enumerate(("", "RO", "ROAF", "O")):
        message = mailbox.mboxMessage(f"Subject: n{number}\n\nFrom x\nbody {number}\n")
        message.set_from("a@b", time.gmtime(1_600_000_000 + number))
        message.set_flags(flags)
        box.add(message)
    box.close()
    with open(path, "rb") as text:
        assert imported("-", stdin=text.read())["imported"] == 4
    assert imported(path)["already_there"] == 4
    listed = {m["received"]: (m["new"], m["flags"]) for m in folder()["messages"]}
    assert sorted(listed.values()) == [(False, ""), (False, "FRS"), (False, "S"), (True, "")], listed
    assert min(listed).startswith("2020-09-13"), listed
    assert sorted(through_pop3()) == [b"Subject: n%d\n\nFrom x\nbody %d\n" % (n, n) for n in range(4)]


def refused():
    path = place("locked.mbox", b"From a@b Mon Nov 23 01:44:05 2026\n\nx\n")
    done = posada("import", place("none", b"no mbox\n"), status=1)
    assert b"not an mbox" in done.stderr, done
    posada("import", f"{work}/absent", status=1)
    posada("import", "--folder", "../x", path, status=1)
    if os.geteuid() == 0:
        os.chmod(path, 0o600)
        assert b"may not read" in posada("import", path, status=1).stderr
        os.chmod(path, 0o644)
        alone = subprocess.run([POSADA, "mailbox", "list", "--config", f"{demo.dir}/posada.toml"], capture_output=True, check=False)
        assert alone.returncode == 1 and b"--user" in alone.stderr, alone
    posada("import", path, status=1, user="nobody-here")


def changing():
    """A writer that holds the fcntl lock is waited for, and one that adds meanwhile is noticed."""
    path = place("changing.mbox", b"From a@b Mon Nov 23 01:44:05 2026\n\nx\n\n")
    holder = subprocess.Popen([sys.executable, "-c", "import fcntl,sys,time\nf=open(sys.argv[1],'r+')\n"
                               "fcntl.lockf(f,fcntl.LOCK_EX)\nprint(flush=True)\ntime.sleep(60)", path], stdout=subprocess.PIPE)
    holder.stdout.readline()
    done = posada("import", path, status=75)
    assert f"by process {holder.pid}".encode() in done.stderr, done
    holder.kill()
    holder.wait()


def wrong_things_are_found():
    demo.empty("lir")
    assert posada("check").stdout == b"nothing is wrong\n"
    maildir = demo.maildir("lir")
    owner = os.stat(maildir)

    def put(name, mode=0o600, age=0):
        with open(f"{maildir}/{name}", "wb") as out:
            out.write(b"a: b\n\nc\n")
        os.chown(f"{maildir}/{name}", owner.st_uid, owner.st_gid)
        os.chmod(f"{maildir}/{name}", mode)
        if age:
            os.utime(f"{maildir}/{name}", (time.time() - age,) * 2)

    put("cur/1.right,S=8,W=11:2,S")
    put("cur/2.size,S=9,W=11:2,S")
    put("cur/3.crlf,S=8,W=12:2,S")
    put("cur/4.mode:2,S", 0o644)
    put("cur/5.letter:2,Sq")
    put("cur/6.twice:2,S")
    put("new/6.twice")
    put("tmp/7.stale", age=40 * 3600)
    put("tmp/8.fresh")
    if os.geteuid() == 0:
        put("cur/9.owner:2,S", 0o644)
        os.chown(f"{maildir}/cur/9.owner:2,S", 0, 0)
    found = json.loads(posada("check", "--json", status=1).stdout)["findings"]
    by_file = {}
    for finding in found:
        assert finding["remedy"], finding
        by_file.setdefault(finding["file"].split("/")[-1].split(",")[0].split(":")[0], []).append(finding["problem"])
    wrong = {"2.size", "3.crlf", "4.mode", "5.letter", "6.twice", "7.stale"} | ({"9.owner"} if os.geteuid() == 0 else set())
    assert set(by_file) == wrong, found
    for name in ("new/6.twice", "tmp/7.stale", "tmp/8.fresh"):
        os.unlink(f"{maildir}/{name}")
    demo.empty("lir")


def with_dovecot():
    """Folder, keyword and unique id: from Dovecot to us, and from us to Dovecot."""
    if os.geteuid() != 0:
        raise Skip("Dovecot is started by root only")
    demo.empty("lir")
    home = os.path.dirname(demo.maildir("lir"))
    owner = os.stat(home)
    users = place("dovecot-users", f"lir:{{PLAIN}}secret:{owner.st_uid}:{owner.st_gid}::{home}::\n".encode())
    imap_port, pop3_port = free_port(), free_port()
    started = subprocess.run([DOVECOT, "start", f"{work}/dovecot", "--imap", str(imap_port), "--pop3", str(pop3_port), "--users",
                              users], capture_output=True, timeout=120, check=False)
    if started.returncode == 77:
        raise Skip(started.stderr.decode().strip().splitlines()[-1])
    assert started.returncode == 0, started
    try:
        from_dovecot(imap_port, pop3_port)
        to_dovecot(imap_port, pop3_port)
    finally:
        subprocess.run([DOVECOT, "stop", f"{work}/dovecot"], timeout=60, check=False)


def imap(port):
    box = imaplib.IMAP4("127.0.0.1", port)
    box.login("lir", "secret")
    return box


def from_dovecot(imap_port, _):
    box = imap(imap_port)
    assert box.create(f'"{ON_DISK}"')[0] == "OK"
    assert box.subscribe(f'"{ON_DISK}"')[0] == "OK"
    assert box.append(f'"{ON_DISK}"', r"(\Seen invoice $Forwarded)", None, b"Subject: d\r\n\r\nby Dovecot\r\n")[0] == "OK"
    box.select(f'"{ON_DISK}"')
    box.store("1", "+FLAGS", r"(\Flagged later)")
    box.logout()
    seen = folder(FOLDER)
    assert seen["directory"] == "." + ON_DISK and seen["subscribed"], seen
    message, = seen["messages"]
    assert (message["flags"], sorted(message["keywords"])) == ("FS", ["$Forwarded", "invoice", "later"]), message
    assert message["uid"] == 1 and message["uidl"] == "%08x%08x" % (1, seen["uidvalidity"]), seen
    assert posada("check").stdout == b"nothing is wrong\n"
    # The same again as a source: its unique id and keywords come along.
    copy = imported("--folder", "Copy", "--keep-uidl", "--keep-keywords", f"{demo.maildir('lir')}/.{ON_DISK}")
    assert (copy["imported"], copy["uidls_kept"]) == (1, 1), copy
    copied, = folder("Copy")["messages"]
    assert (copied["uidl"], copied["flags"], sorted(copied["keywords"])) == (message["uidl"], "FS", sorted(message["keywords"]))


def to_dovecot(imap_port, pop3_port):
    path = place("to.mbox", b"From a@b Mon Nov 23 01:44:05 2026\nSubject: p\nStatus: RO\nX-Status: A\nX-Keywords: invoice new$one\n"
                 b"X-UIDL: from.qpopper.1\n\nby posada\n\n")
    name, on_disk = "Ñandú & Co.2026", "&ANE-and&APo- &- Co.2026"
    done = imported("--folder", name, "--keep-keywords", path)
    assert done["imported"] == 1, done
    done = imported("--keep-uidl", path)
    assert done["uidls_kept"] == 1, done
    box = imap(imap_port)
    names = [line.decode() for line in box.list()[1]]
    assert any(on_disk in line for line in names), names
    assert box.select(f'"{on_disk}"')[0] == "OK"
    flags = box.fetch("1", "(FLAGS INTERNALDATE)")[1][0].decode()
    for flag in (r"\Seen", r"\Answered", "invoice", "new$one", "23-Nov-2026 01:44:05"):
        assert flag in flags, flags
    # A keyword of Dovecot's beside ours.
    box.store("1", "+FLAGS", "(theirs)")
    box.logout()
    assert sorted(folder(name)["messages"][0]["keywords"]) == ["invoice", "new$one", "theirs"]
    pop = poplib.POP3("127.0.0.1", pop3_port, timeout=20)
    pop.user("lir")
    pop.pass_("secret")
    assert pop.uidl()[1] == [b"1 from.qpopper.1"], pop.uidl()
    pop.quit()
    pop = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=20)
    pop.user("lir")
    pop.pass_(demo.passwords["lir"])
    assert pop.uidl()[1] == [b"1 from.qpopper.1"], pop.uidl()
    pop.quit()


def main():
    global demo, work
    work = tempfile.mkdtemp(prefix="posada-mailbox-")
    os.chmod(work, 0o755)
    tests = {f.__name__: f for f in (from_mutt, from_s_nail, from_python, refused, changing, wrong_things_are_found, with_dovecot)}
    try:
        with Demo() as demo:
            return run_tests(tests, sys.argv[1:])
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
