#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The agent that lies to the net process: pop3d's launcher starts tests/support/liar in the place of the user's agent,
which answers one request of its table wrongly, as a file in the mailbox says. Whatever the answer is, the client hears
whole replies and never that something was done which was not; nobody waits for ever; the lie is logged with the
request's name; no process crashes; and other users, whose agents are honest, notice nothing."""
import itertools
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import BUILD, ROOT, Client, Server, eventually, pss_kib  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402

MAIL = "From: noe\r\nSubject: one\r\n\r\nAgua.\r\n"
TESTS = {}
sources = (f"127.{a}.{b}.1" for a, b in itertools.product(range(2, 250), range(1, 250)))


def test(function):
    TESTS[function.__name__] = function
    return function


def table():
    """{request: descriptors that its answer may carry}, from the table that the code prints."""
    page = open(f"{ROOT}/SECURITY.md").read()
    section = re.search(r"\*\*A POP3 connection asks the agent.*?\*\*\n\n(.*?)\n\n", page, re.S).group(1)
    rows = re.findall(r"^\| `(\w+)` \|(?:[^|]*\|){3} ([^|]*) \|", section, re.M)
    return {name: 0 if fds == "none" else int(re.sub(r"\D", "", fds)) for name, fds in rows}


class House(Server):
    def __init__(self, config=""):
        super().__init__(config=config)
        self.violations_expected = False
        for folder in ("sbin", "libexec/posada"):
            os.makedirs(f"{self.folder}/tree/{folder}")
        self.program = f"{self.folder}/tree/sbin/pop3d"
        shutil.copy(f"{BUILD}/tests/liar-pop3d", self.program)
        shutil.copy(f"{BUILD}/libexec/posada/pop3d-net", f"{self.folder}/tree/libexec/posada/pop3d-net")
        self.seen = 0

    def lie(self, words):
        """Three messages for lir, and the lie; what was there before is gone, and nobody has the mailbox open."""
        eventually(lambda: not self.agents(), 20, lambda: f"agents stay: {list(map(str, self.agents()))}")
        maildir = self.maildir("lir")
        for sub in ("new", "cur"):
            for name in os.listdir(f"{maildir}/{sub}"):
                os.unlink(f"{maildir}/{sub}/{name}")
        for n in range(3):
            self.put_mail("lir", f"{n}.x.y", MAIL.encode())
        path = f"{maildir}/lie"
        with open(path, "w") as f:
            f.write(words)
        os.chown(path, *self.ids(0))
        self.seen = len(self.log())

    def new_log(self):
        return self.log()[self.seen:]

    def left(self):
        maildir = self.maildir("lir")
        return len(os.listdir(f"{maildir}/new")) + len(os.listdir(f"{maildir}/cur"))

    def others_are_well(self):
        assert self.process.poll() is None, self.log()
        c = Client(self, source="127.0.0.9", timeout=5)
        assert c.log_in("daniel").startswith("+OK"), self.log()[-2000:]
        assert c.ask("STAT").startswith("+OK 1 ") and "Subject: one" in c.listing("RETR 1")
        assert c.ask("QUIT").startswith("+OK")
        c.close()


class Reader(Client):
    """Reads everything, as a mail program does: what it says, and how far it came."""

    def __init__(self, server):
        super().__init__(server, source=next(sources), timeout=10)
        self.replies = {}

    def step(self, command):
        """The reply, whole; None: the connection ended instead."""
        self.send(command)
        try:
            line = self.line()
        except TimeoutError:
            raise AssertionError(f"{command}: nothing within 10 s") from None
        except OSError:
            line = None
        assert line is None or line.startswith(("+OK", "-ERR")), (command, line)
        self.replies[command] = line
        return line

    def whole(self, command):
        line = self.step(command)
        if line is None or line.startswith("-ERR"):
            return None
        text = ""
        while (line := self.line()) is not None:
            if line == ".":
                return text
            text += line + "\r\n"
        return None  # broken off without its dot: the client knows

    def session(self):
        """What was done, as far as the client was told so."""
        done = {"in": False, "read": [], "quit": False}
        self.step("USER lir")
        if not (self.step("PASS pamplona") or "").startswith("+OK"):
            return done
        done["in"] = True
        self.whole("UIDL")
        for n in (1, 2):
            text = self.whole(f"RETR {n}")
            if text is not None:
                done["read"].append(text)
        deleted = (self.step("DELE 3") or "").startswith("+OK")
        done["quit"] = deleted and (self.step("QUIT") or "").startswith("+OK")
        return done


def lies(rows):
    """(request, lie, whether it is a breach of the table, which is logged)"""
    for name, most in rows.items():
        for type_ in (0, 1, 2, 255, 65535):
            yield name, f"type {type_}", True
        for session in (0, (1 << 64) - 1):
            yield name, f"session {session}", True
        for octets in ("00", "0100", "ff" * 9, "ff" * 16, "00" * 16, "0300000001000000" + "00" * 8):
            yield name, f"packet {octets}", True
        for edit in ("cut 1", "cut 100000", "add 1"):
            yield name, edit, True
        for size, octet in itertools.product((1, 7, 64, 65000), (0, 65, 255)):
            yield name, f"fill {size} {octet}", True
        for count in (2, 500):
            yield name, f"times {count}", name != "commit"  # after the last answer nobody is there to notice
            yield name, f"before {count}", name != "commit"
        for kinds in (f"file*{most + 1}", "file*253"):
            yield name, f"fds {kinds}", True
        for kind in ("file", "directory", "path", "write-only", "pipe", "epoll", "channel"):
            yield name, f"fds {kind}", most == 0
        for end in ("die", "exit", "hold"):
            yield name, end, False
        if most:
            yield name, "fds -", False
            for size in (0, 1, len(MAIL) + 1, 1 << 31, 1 << 63, (1 << 64) - 1):
                yield name, f"sizes {size}", False


def judge(d, words, breach):
    request, lie = words.split(" ", 1)
    c = Reader(d)
    try:
        done = c.session()
        assert not done["quit"] or d.left() == 2, "QUIT was answered +OK, and the message is still there"
        # What a file says is the user's own affair; its size is not: what is missing is not made up.
        mine = request == "fetch" and lie.split()[0] in ("fds", "sizes", "fill")
        assert mine or all(text == MAIL for text in done["read"]), done["read"]
        if breach:
            eventually(lambda: "answer-breach" in d.new_log(), 5, "not logged")
            record = re.search("answer-breach.*", d.new_log()).group()
            assert "session=" in record and (request in record or "nobody asked for" in record), record
    except AssertionError as failed:
        raise AssertionError(f"{words}: {failed}: {c.replies}\n{d.new_log()[-1500:]}") from None
    finally:
        c.close()


@test
def whatever_an_agent_answers_its_client_is_told_the_truth_and_nobody_else_notices():
    rows = table()
    assert len(rows) == 6 and sum(rows.values()) > 0, rows
    with House("[pop3d]\nlock_wait = \"0s\"\nagent_timeout = \"300ms\"\n") as d:
        d.put_mail("daniel", "1.x.y", MAIL.encode())
        for n, (request, lie, breach) in enumerate(lies(rows)):
            d.lie(f"{request} {lie}")
            judge(d, f"{request} {lie}", breach)
            if n % 20 == 0:
                d.others_are_well()
            if n == 40:
                before = pss_kib([d.process.pid], "Anonymous")
        assert n > 200
        d.others_are_well()
        eventually(lambda: not d.agents(), 10, lambda: f"agents stay: {list(map(str, d.agents()))}")
        eventually(lambda: not d.connections(), 10, "connections stay")
        grown = pss_kib([d.process.pid], "Anonymous") - before
        assert grown < 1024, f"the monitor has {grown} KiB more"
        # Neither a crash nor a penalty for the client: it is not he who lied.
        for word in ("child-crash", "penalty-start", "sandbox-violation"):
            assert word not in d.log(), re.search(f".*{word}.*", d.log()).group()


if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
