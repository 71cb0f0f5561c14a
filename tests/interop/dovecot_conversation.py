#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One long POP3 conversation, held with posada and with Debian's Dovecot over the same mails, command by command. Every
answer is reduced to what a program sees: +OK, -ERR or a continuation, the response code, the numbers that have a meaning,
and every octet of a multi-line answer. What differs must stand in DIFFERENCES with its reason; a reason that is no longer
needed fails as well. `dovecot_conversation.py -v` prints both answers of every exchange."""
import base64
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import ROOT, Demo, free_port, run_tests, Skip, wait_until  # noqa: E402

USER = "lir"
DOVECOT_UID = 61180
DOVECOT = os.path.join(ROOT, "tests/support/dovecot.sh")
VERBOSE = "-v" in sys.argv[1:]

HEAD = b"From: a@example.org\nSubject: %s\n"
MAILS = [  # name, the file's octets; in this order in the mailbox
    ("simple", HEAD % b"simple" + b"\nhello\nworld\n"),
    ("dots", HEAD % b"dots" + b"\n.\n..\n.one\nend.\n"),
    ("no final line end", HEAD % b"open" + b"\nthe last line is open"),
    ("CRLF", (HEAD % b"crlf" + b"\nstored with\nCRLF\n").replace(b"\n", b"\r\n")),
    ("mixed line ends", HEAD % b"mixed" + b"\none\r\ntwo\nthree\r\n"),
    ("8-bit", HEAD % b"eight" + b"\nni\xc3\xb1o \xff\xfe\n"),
    ("long line", HEAD % b"long" + b"\n" + b"x" * 1_000_000 + b"\n"),
    ("header and blank line", HEAD % b"empty body" + b"\n"),
    ("empty lines", HEAD % b"empty lines" + b"\n\n\n\n"),
    ("folded header", HEAD % b"folded" + b"X-Long: one\n two\n\tthree\n\nbody\n"),
    ("dot in the header", HEAD % b"dot" + b".X-Dot: odd\n\nbody\n"),
    ("from line", HEAD % b"from" + b"\nFrom the start\n>From quoted\n"),
    ("no header end", HEAD % b"no blank line"),
    ("NUL", HEAD % b"nul" + b"\na\0b\n"),
    ("bare CR", HEAD % b"cr" + b"\none\rtwo\nthree\n"),
]

# What differs, and why: every exchange ("scene: command", "#2" the second time) that the pattern matches as a whole must
# differ. The scenes in which the mailbox was opened:
OPENED = "(?!before login)[a-z ]+"
DIFFERENCES = [
    (".*: (CAPA|Capa|capa) *( #2)?",
     "RFC 2449 and its registry: posada announces EXPIRE, LANG, UTF8, SCRAM and, to who is logged in, IMPLEMENTATION; it leaves out "
     "CAPA itself, which is no capability, and says USER and SASL in both states, as the registry has them"),
    (OPENED + ": (STAT|LIST)( #[2-9])?",
     "exact sizes (RFC 1939 11): mail 3 has no line end at its end, both send one, posada counts it; mail 13, see there"),
    ("every mail: LIST 3", "both send a line end that the file lacks; posada counts what it sends"),
    ("every mail: ((TOP|RETR) 13.*|LIST 13)",
     "a header without an end: posada adds the blank line, without which Outlook waits for ever, and counts it"),
    ("every mail: (RETR 14|TOP 14 [19].*)", "NUL is sent as 0x80: Outlook stops reading at a NUL"),
    ("every mail: (RETR 15|TOP 15 [19].*)",
     "a CR that ends no line is sent as a blank: a client that ends lines at it could be made to read a reply out of a mail"),
    ("more arguments: (STAT|RSET|NOOP) 1", "these commands have no argument (RFC 1939 5)"),
    ("too many mistakes: .end.", "posada closes at the third mistake before login, Dovecot at the fourth"),
    ("before login mistakes: (QUIT now|USER)", "no argument where one is wanted, one where none is: bad syntax"),
    ("(before login mistakes: AUTH UNKNOWN|auth probe: !!!.*|auth plain empty initial: AUTH PLAIN =)",
     "[AUTH] says that the credentials are wrong (RFC 3206 4), and clients ask for a new password then; here no credentials came"),
    ("auth probe: AUTH", "SCRAM-SHA-256 is offered"),
    ("stls forgets user: PASS .*", "what was said before STLS is forgotten (RFC 2595 4)"),
    ("unusual commands: LANG.*", "LANG (RFC 6856 3) exists"),
    ("unusual commands: HELP", "HELP exists: people type this protocol by hand"),
]


class Line:
    """A client that speaks raw octets."""

    def __init__(self, port, context=None, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        if context:
            self.secure(context)

    def secure(self, context):
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, data, step=0):
        for at in range(0, len(data), step or max(len(data), 1)):
            self.socket.sendall(data[at:at + step] if step else data)

    def line(self):
        while b"\n" not in self.rest:
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        assert line.endswith(b"\r"), f"a line without CR: {line[:80]!r}"
        return line[:-1]

    def answer(self, multi):
        """What a program makes of the next answer."""
        line = self.line()
        if line is None:
            return ("closed",)
        status, _, text = line.partition(b" ")
        seen = [status.decode("latin-1")]
        code = re.match(rb"\[([A-Z/-]+)", text)
        if code:
            seen.append(code[1].decode())
        if status == b"+":
            seen.append(text.decode("latin-1"))
        if multi and status == b"+OK":
            seen.append(self.lines())
        seen.append(line)  # for numbers and -v; dropped by seen_by_program
        return tuple(seen)

    def lines(self):
        out = []
        while True:
            line = self.line()
            if line is None:
                return out + [b"(connection closed)"]
            if line == b".":
                return out
            out.append(line[1:] if line.startswith(b".") else line)


MULTI = re.compile(rb"(CAPA|RETR .*|TOP .*|LIST|UIDL|AUTH|LANG)\r?\n$", re.I)
NUMBERS = re.compile(rb"(STAT|LIST \d+)\r?\n$", re.I)  # their +OK line has a fixed form
PASSWORD = None  # set in main


def plain(user, password):
    return base64.b64encode(b"\0" + user.encode() + b"\0" + password.encode())


class Server:
    def __init__(self, name, pop3, pop3s, tls):
        self.name, self.pop3, self.pop3s, self.tls = name, pop3, pop3s, tls


class Scene:
    """Plays one scene with one server; keeps what was seen under the exchange's name."""

    def __init__(self, server, name, seen):
        self.server, self.name, self.seen = server, name, seen
        self.connection = None

    def note(self, what, value):
        key, n = f"{self.name}: {what}", 1
        while key in self.seen:
            n += 1
            key = f"{self.name}: {what} #{n}"
        self.seen[key] = value

    def connect(self, implicit=False, source="127.0.0.1"):
        port = self.server.pop3s if implicit else self.server.pop3
        self.connection = Line(port, self.server.tls if implicit else None, source)
        self.note("(greeting)", self.reduce(b"", self.connection.answer(False)))

    def reduce(self, command, answer):
        if answer[0] == "closed":
            return answer
        *seen, line = answer
        if NUMBERS.match(command) and seen[0] == "+OK":
            seen.append(b" ".join(line.split()[1:]))
        if seen[0] == "+OK" and re.match(rb"UIDL", command, re.I):
            # the validity is each server's own; the UIDs count from 1 in both
            seen = [seen[0], self.uids(seen[1] if isinstance(seen[-1], list) else [line.split(b" ", 1)[1]])]
        if seen[0] == "+OK" and re.match(rb"CAPA", command, re.I):
            seen = [seen[0], sorted(seen[1])]
        return tuple(seen)

    @staticmethod
    def uids(lines):
        return [(line.split()[0], line.split()[1][:8], len(line.split()[1])) for line in lines]

    def say(self, text, name=None, multi=None, step=0):
        """One command; its answer is noted and returned."""
        data = text if isinstance(text, bytes) else text.encode() + b"\r\n"
        self.connection.send(data, step)
        return self.hear(data, name, multi)

    def hear(self, data, name=None, multi=None):
        answer = self.connection.answer(bool(MULTI.match(data)) if multi is None else multi)
        if VERBOSE:
            print(f"{self.server.name:8} {data[:60]!r} -> {str(answer)[:200]}")
        seen = self.reduce(data, answer)
        self.note(name or data.strip()[:60].decode("latin-1"), seen)
        return seen

    def pipeline(self, *commands, step=0):
        lines = [c.encode() + b"\r\n" for c in commands]
        self.connection.send(b"".join(lines), step)
        for line in lines:
            self.hear(line)

    def login(self):
        self.say(f"USER {USER}")
        assert self.say(f"PASS {PASSWORD}", name="PASS (right)")[0] == "+OK", (self.server.name, self.seen)

    def ends(self):
        self.note("(end)", ("closed",) if self.connection.line() is None else ("more",))
        self.connection.socket.close()

    def drop(self):
        self.connection.socket.close()


# ---- the scenes: before login

def scene_before_login(s):
    s.connect()
    s.say("CAPA")
    s.say("QUIT")
    s.ends()


def scene_too_many_mistakes(s):
    s.connect()
    for _ in range(3):
        s.say("XYZZY")
    s.ends()


def scene_before_login_mistakes(s):
    for command in ("NOOP", "STAT", "LIST", "UIDL", "RETR 1", "TOP 1 1", "DELE 1", "RSET", "LAST", "", "XYZZY", ":", "capa", "Capa", "CAPA  ", "USER", "PASS x",
                    "PASS", "USER a b", "AUTH UNKNOWN", "QUIT now", "QUIT"):
        s.connect()
        s.say(command, name=command or "(empty line)", multi=command.strip().lower() == "capa")
        s.drop()


def scene_user_then_others(s):
    s.connect()
    s.say("USER nobody-here")
    s.say(f"USER {USER}")
    s.say("CAPA")
    s.say(f"PASS {PASSWORD}", name="PASS (right)")
    s.say("STAT")
    s.say("QUIT")
    s.ends()


def scene_auth_probe(s):
    s.connect()
    s.say("AUTH")
    s.say("AUTH PLAIN", multi=False)
    s.say("*")
    s.say("AUTH PLAIN", multi=False)
    s.say("!!! no base64 !!!")
    s.drop()


def scene_auth_plain_two_steps(s):
    s.connect()
    s.say("AUTH PLAIN", multi=False)
    s.say(plain(USER, PASSWORD) + b"\r\n", name="(response)")
    s.say("STAT")
    s.say("AUTH PLAIN", multi=False)
    s.say("USER x")
    s.say("STLS")
    s.say("QUIT")
    s.ends()


def scene_auth_plain_initial(s):
    s.connect()
    s.say(b"AUTH PLAIN " + plain(USER, PASSWORD) + b"\r\n", name="AUTH PLAIN (initial response)", multi=False)
    s.say("NOOP")
    s.say("QUIT")


def scene_auth_plain_empty_initial(s):
    s.connect()
    s.say("AUTH PLAIN =", multi=False)
    s.drop()


def scene_auth_login(s):
    s.connect()
    s.say("AUTH LOGIN", multi=False)
    s.say(base64.b64encode(USER.encode()) + b"\r\n", name="(name)")
    s.say(base64.b64encode(PASSWORD.encode()) + b"\r\n", name="(password)")
    s.say("STAT")
    s.say("QUIT")


def scene_wrong_password(s):
    s.connect(implicit=True, source="127.0.0.9")
    s.say(f"USER {USER}")
    s.say("PASS wrong")
    s.say("CAPA")
    s.say(f"USER {USER}")
    s.say(f"PASS {PASSWORD}", name="PASS (right)")
    s.say("QUIT")


def scene_unknown_user(s):
    s.connect(implicit=True, source="127.0.0.10")
    s.say("USER nobody-here")
    s.say(f"PASS {PASSWORD}", name="PASS (of another)")
    s.drop()


# ---- TLS

def scene_stls(s):
    s.connect()
    s.say("STLS")
    s.connection.secure(s.server.tls)
    s.say("CAPA")
    s.say("STLS")
    s.login()
    s.say("STLS")
    s.say("CAPA")
    s.say("STAT")
    s.say("QUIT")
    s.ends()


def scene_implicit_tls(s):
    s.connect(implicit=True)
    s.say("CAPA")
    s.login()
    s.say("LIST 1")
    s.say("QUIT")
    s.ends()


def scene_stls_forgets_user(s):
    s.connect()
    s.say(f"USER {USER}")
    s.say("STLS")
    s.connection.secure(s.server.tls)
    s.say(f"PASS {PASSWORD}", name="PASS (without USER)")
    s.drop()


# ---- the mails

def scene_every_mail(s):
    s.connect()
    s.login()
    s.say("STAT")
    s.say("LIST")
    s.say("UIDL")
    for n in range(1, len(MAILS) + 1):
        for command in (f"LIST {n}", f"UIDL {n}", f"TOP {n} 0", f"TOP {n} 1", f"TOP {n} 99999999", f"RETR {n}"):
            s.say(command)
    s.say("STAT")
    s.say("QUIT")
    s.ends()


def scene_arguments(s):
    s.connect()
    s.login()
    count = len(MAILS)
    for command in ("LIST 0", f"LIST {count + 1}", "LIST -1", "LIST x", "LIST 1x", "LIST 4294967297", "LIST 1 2",
                    "UIDL 0", f"UIDL {count + 1}", "UIDL x", "LIST 01", "RETR", "RETR 0", "RETR 99", "RETR x",
                    "TOP"):
        s.say(command)
    s.say("QUIT")


def scene_more_arguments(s):
    s.connect()
    s.login()
    for command in ("TOP 1", "TOP 1 x", "TOP 1 -1", "TOP 0 1", "TOP 99 1", "DELE", "DELE 0", "DELE 99", "DELE x", "STAT 1",
                    "RSET 1", "NOOP 1", "LAST", "XYZZY", "", "list 1", "Retr 1", "  LIST 1"):
        s.say(command, name=command or "(empty line)")
    s.say("QUIT")


def scene_delete_and_reset(s):
    s.connect()
    s.login()
    for command in ("DELE 1", "DELE 1", "STAT", "LIST", "UIDL", "LIST 1", "UIDL 1", "RETR 1", "TOP 1 0", "LIST 2", "DELE 2",
                    "STAT", "RSET", "STAT", "LIST 1", "DELE 3", "RSET", "DELE 3", "STAT", "RSET", "LIST"):
        s.say(command)
    s.say("QUIT")
    s.ends()


def scene_lost_connection(s):
    s.connect()
    s.login()
    s.say("DELE 1")
    s.say("DELE 2")
    s.drop()


def scene_after_lost_connection(s):
    s.connect()
    s.login()
    s.say("STAT")
    s.say("UIDL")
    s.say("QUIT")


def scene_pipelined(s):
    s.connect()
    s.pipeline("CAPA", f"USER {USER}")
    s.say(f"PASS {PASSWORD}", name="PASS (right)")
    s.pipeline("STAT", "LIST", "UIDL", "RETR 1", "TOP 2 1", "NOOP", "DELE 1", "RSET", "STAT", "RETR 2")
    s.pipeline("NOOP", "QUIT")
    s.ends()


def scene_one_octet_at_a_time(s):
    s.connect()
    s.say(f"USER {USER}", step=1)
    s.say(f"PASS {PASSWORD}", name="PASS (right)", step=1)
    s.pipeline("STAT", "RETR 2", "QUIT", step=1)
    s.ends()


def scene_bare_lf(s):
    s.connect()
    s.say(b"USER %s\n" % USER.encode())
    s.say(b"PASS %s\n" % PASSWORD.encode(), name="PASS (right)")
    s.say(b"STAT\n")
    s.say(b"QUIT\n")


def scene_thunderbird(s):
    s.connect()
    s.say("CAPA")
    s.say("AUTH PLAIN", multi=False)
    s.say(plain(USER, PASSWORD) + b"\r\n", name="(response)")
    for command in ("STAT", "LIST", "UIDL", "TOP 1 0", "TOP 2 20", "NOOP", "RETR 2", "QUIT"):
        s.say(command)


def scene_fetchmail(s):
    s.connect()
    s.say("CAPA")
    s.login()
    for command in ("STAT", "LAST", "UIDL 1", "LIST 1", "TOP 1 99999999", "UIDL 2", "LIST 2", "TOP 2 99999999", "QUIT"):
        s.say(command)


def scene_unusual_commands(s):
    s.connect()
    s.login()
    for command in ("UTF8", "LANG", "LANG *", "APOP lir 0123456789abcdef0123456789abcdef", "HELP", "XTND XMIT"):
        s.say(command, multi=command in ("LANG", "HELP"))
    s.say("QUIT")


def scene_deleting(s):
    s.connect()
    s.login()
    for command in ("RETR 1", "DELE 1", "DELE 3", "STAT", "QUIT"):
        s.say(command)
    s.ends()


def scene_after_deleting(s):
    s.connect()
    s.login()
    for command in ("STAT", "LIST", "UIDL", "RETR 1", "DELE 99", "QUIT"):
        s.say(command)


SCENES = {name[6:].replace("_", " "): f for name, f in globals().items() if name.startswith("scene_")}


# ---- both servers

def fill(maildir, uid):
    shutil.rmtree(maildir, ignore_errors=True)
    for folder in ("tmp", "new", "cur"):
        os.makedirs(f"{maildir}/{folder}", mode=0o700)
    for n, (_, text) in enumerate(MAILS):
        path = f"{maildir}/new/{1_700_000_000 + n}.M{n:06}P1Q{n}.example.org,S={len(text)}"
        with open(path, "wb") as out:
            out.write(text)
    for folder, _, files in os.walk(maildir):
        for path in (folder, *(f"{folder}/{name}" for name in files)):
            os.chown(path, uid, uid)


class Dovecot:
    """Debian's, on free ports, with one user."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="posada-dovecot-")
        os.chmod(self.dir, 0o755)
        home = f"{self.dir}/home"
        os.mkdir(home)
        os.chown(home, DOVECOT_UID, DOVECOT_UID)
        fill(f"{home}/Maildir", DOVECOT_UID)
        with open(f"{self.dir}/users", "w", encoding="ascii") as out:
            out.write(f"{USER}:{{PLAIN}}{PASSWORD}:{DOVECOT_UID}:{DOVECOT_UID}::{home}::\n")
        os.chmod(f"{self.dir}/users", 0o644)
        with open(f"{self.dir}/conf", "w", encoding="ascii") as out:
            out.write("auth_mechanisms = plain login\n")
        self.pop3, self.pop3s = free_port(), free_port()
        done = subprocess.run([DOVECOT, "start", f"{self.dir}/run", "--pop3", str(self.pop3), "--pop3s", str(self.pop3s),
                               "--users", f"{self.dir}/users", "--conf", f"{self.dir}/conf"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 77:
            raise Skip(done.stderr.strip().splitlines()[-1])
        assert done.returncode == 0, done.stderr
        wait_until(lambda: socket.create_connection(("127.0.0.1", self.pop3)).close() is None)
        return self

    def __exit__(self, *_):
        subprocess.run([DOVECOT, "stop", f"{self.dir}/run"], timeout=60, check=False, stdin=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


def play(server):
    seen = {}
    for name, scene in SCENES.items():
        scene(Scene(server, name, seen))
    return seen


def conversations():
    global PASSWORD
    with Demo() as demo:
        PASSWORD = demo.passwords[USER]
        maildir = demo.maildir(USER)
        fill(maildir, os.stat(os.path.dirname(maildir)).st_uid)
        with Dovecot() as dovecot:
            anyone = ssl.create_default_context()
            anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
            theirs = play(Server("dovecot", dovecot.pop3, dovecot.pop3s, anyone))
        ours = play(Server("posada", demo.port("pop3"), demo.port("pop3s"), demo.tls()))
    return ours, theirs


def test_the_same_conversation():
    ours, theirs = conversations()
    assert set(ours) == set(theirs), sorted(set(ours) ^ set(theirs))
    differ = {key for key in ours if ours[key] != theirs[key]}
    explained = set()
    for pattern, reason in DIFFERENCES:
        keys = {key for key in ours if re.fullmatch(pattern, key)}
        explained |= keys
        for key in sorted(keys - differ) or ([] if keys else ["no exchange"]):
            print(f"NOT NEEDED for {key}: {pattern}: {reason}")
            explained.add(f"({pattern})")
    for key in sorted(differ - explained):
        print(f"UNEXPLAINED {key}\n    posada:  {str(ours[key])[:600]}\n    dovecot: {str(theirs[key])[:600]}")
    print(f"NOTE: {len(ours)} exchanges with posada and with Debian's Dovecot; {len(differ)} differ for {len(DIFFERENCES)} reasons")
    assert len(ours) >= 150 and differ == explained


if __name__ == "__main__":
    sys.exit(run_tests({"the_same_conversation": test_the_same_conversation}))
