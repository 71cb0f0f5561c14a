#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One Maildir handed to Debian's Dovecot and back, with mail delivered, read, deleted and lost on both sides: every
unique id stays what it was, and none is ever given to another message."""
import os
import poplib
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402
from pop3_pair import DOVECOT, PASSWORD, UID, USER, Pair  # noqa: E402


class Handover:
    """Both servers on the Maildir of the first."""

    def __init__(self, pair):
        self.pair, self.count, self.ever = pair, 0, {}
        self.posada, self.dovecot = pair.sides
        self.maildir = self.posada.maildir
        shutil.rmtree(self.maildir)
        for part in ("", "tmp", "new", "cur"):
            os.makedirs(f"{self.maildir}/{part}", mode=0o700, exist_ok=True)
        self.owned()
        with open(f"{self.dovecot.dir}/users", encoding="ascii") as users:
            line = users.read().replace(self.dovecot.home, self.posada.home)
        with open(f"{self.dovecot.dir}/users", "w", encoding="ascii") as users:
            users.write(line)

    def owned(self):
        for folder, _, files in os.walk(self.maildir):
            for path in [folder] + [f"{folder}/{name}" for name in files]:
                os.chown(path, UID, UID)

    # sizes: as posada's delivery names files; without, as other programs do.
    def deliver(self, how_many, sizes=True, content=None):
        for _ in range(how_many):
            self.count += 1
            text = content or f"Subject: {self.count}\nMessage-ID: <{self.count}@x>\n\nbody of {self.count}\n"
            name = f"{1700000000 + self.count}.M{self.count}P1Q1.host"
            if sizes:
                name += f",S={len(text)},W={len(text) + text.count(chr(10))}"
            with open(f"{self.maildir}/new/{name}", "w", encoding="ascii") as out:
                out.write(text)
        self.owned()

    def session(self, side):
        connection = poplib.POP3("127.0.0.1", side.ports["pop3"], timeout=30)
        connection.user(USER)
        connection.pass_(PASSWORD)
        return connection

    # {unique id: what the message says}; each of them says the same for ever.
    def look(self, side, delete=()):
        connection = self.session(side)
        ids = [line.split()[1].decode() for line in connection.uidl()[1]]
        sizes = [int(line.split()[1]) for line in connection.list()[1]]
        out = {}
        for number, uidl in enumerate(ids, 1):
            answer, lines, octets = connection.retr(number)
            text = b"\n".join(lines).rstrip(b"\n")
            assert octets == sizes[number - 1], f"{side.name}: {uidl}: LIST {sizes[number - 1]}, sent {octets}: {answer}"
            assert self.ever.setdefault(uidl, text) == text, f"{side.name}: {uidl} was another message before"
            out[uidl] = (text, sizes[number - 1])
            if number in delete:
                connection.dele(number)
        connection.quit()
        assert len(out) == len(ids), f"{side.name}: a unique id twice: {ids}"
        return {uidl: out[uidl] for number, uidl in enumerate(ids, 1) if number not in delete}

    def same(self, expected, why):
        for side in (self.posada, self.dovecot, self.posada):
            found = self.look(side)
            assert list(found) == list(expected), f"{why}: {side.name} says\n{list(found)}\nnot\n{list(expected)}"

    def doveadm(self, *arguments, data=None):
        done = subprocess.run([*DOVECOT, "run", self.pair.dovecot, "doveadm", *arguments], input=data, text=True,
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout


def handed_over():
    with Pair() as pair:
        try:
            steps(Handover(pair))
        except BaseException:
            pair.logs()
            raise


def steps(box):
    box.deliver(20)
    box.deliver(5, sizes=False)
    at_posada = box.look(box.posada)
    assert len(at_posada) == 25
    at_dovecot = box.look(box.dovecot)
    assert at_dovecot == at_posada, "sizes and contents too"

    # Mail comes and goes while Dovecot has it.
    for number in range(3):
        box.doveadm("save", "-u", USER, "-m", "INBOX", data=f"Subject: saved {number}\n\nby doveadm\n")
    box.deliver(2, sizes=False)
    box.doveadm("expunge", "-u", USER, "mailbox", "INBOX", "subject", "7")
    box.doveadm("flags", "add", "-u", USER, "\\Flagged", "mailbox", "INBOX", "subject", "9")
    left = box.look(box.dovecot, delete=(1, 3))
    assert len(left) == 25, len(left)
    box.same(left, "back from Dovecot")

    # And while posada has it.
    box.deliver(3)
    left = box.look(box.posada, delete=(2, 20, 28))
    assert len(left) == 25, len(left)
    box.same(left, "back from posada")
    box.deliver(1, sizes=False)
    left = box.look(box.posada)
    box.doveadm("force-resync", "-u", USER, "INBOX")
    box.same(left, "after doveadm force-resync")

    losses(box, left)


def losses(box, left):
    os.remove(f"{box.maildir}/dovecot-uidlist")
    assert list(box.look(box.posada)) == list(left), "without dovecot-uidlist"
    box.deliver(1)
    left = box.look(box.posada)
    box.same(left, "after the loss of dovecot-uidlist")

    with open(f"{box.maildir}/dovecot-uidlist", "r+b") as uidlist:
        uidlist.truncate(os.path.getsize(uidlist.name) // 2)
    assert list(box.look(box.posada)) == list(left), "half a dovecot-uidlist"
    box.same(left, "after the damage of dovecot-uidlist")

    moved = box.maildir + ".moved"
    os.rename(box.maildir, moved)
    subprocess.run(["cp", "-a", moved, box.maildir], check=True)
    box.same(left, "after cp -a")

    for name in os.listdir(box.maildir):
        if name.startswith("posada") or name.startswith("dovecot"):
            os.remove(f"{box.maildir}/{name}")
    time.sleep(1)  # nothing is left that says what UIDVALIDITY there was: time has to tell
    before, box.ever = box.ever, {}
    anew = box.look(box.posada)
    assert len(anew) == len(left) and not set(anew) & set(before), "all lists lost"
    box.same(anew, "after the loss of all lists")


if __name__ == "__main__":
    sys.exit(run_tests({"a Maildir handed to Dovecot and back": handed_over}, sys.argv[1:]))
