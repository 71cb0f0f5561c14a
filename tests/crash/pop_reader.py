# SPDX-License-Identifier: BSD-2-Clause
"""A POP3 user while processes are being killed: logs in, lists, reads, deletes, quits, again and again; writes down
which id stood for which message and which deletions were confirmed, and what contradicts that."""
import collections
import random
import re
import socket
import threading
import time


MOST_PER_SESSION = 200  # a long session seldom lives to its QUIT here


class Lost(Exception):
    """The connection or the answer did not come: somebody was killed."""


class Pop:
    def __init__(self, port):
        try:
            self.file = socket.create_connection(("127.0.0.1", port), timeout=30).makefile("rwb")
        except OSError as error:
            raise Lost() from error
        self.check(self.line())

    def line(self):
        try:
            line = self.file.readline()
        except OSError as error:
            raise Lost() from error
        if not line.endswith(b"\r\n"):
            raise Lost()
        return line[:-2]

    @staticmethod
    def check(line):
        if not line.startswith(b"+OK"):
            raise Lost(line)

    def ask(self, command):
        try:
            self.file.write(command.encode() + b"\r\n")
            self.file.flush()
        except OSError as error:
            raise Lost() from error
        self.check(self.line())

    def lines(self, command):
        self.ask(command)
        out = []
        while (line := self.line()) != b".":
            out.append(line[1:] if line.startswith(b".") else line)
        return out

    def close(self):
        try:
            self.file.close()
        except OSError:
            pass


class Reader(threading.Thread):
    """Runs until stop(); then what it knows is in the members."""

    def __init__(self, port, user, seed):
        super().__init__(daemon=True)
        self.port, self.user, self.chance = port, user, random.Random(seed)
        self.token_of = {}  # id -> token, as once shown
        self.gone, self.maybe = set(), set()  # ids: deletion confirmed; asked for, but nobody knows
        self.sessions = self.logins = self.retrieved = self.again = 0
        self.refusals = collections.Counter()
        self.wrong = []
        self.over = threading.Event()

    def stop(self):
        self.over.set()
        self.join()

    def run(self):
        while not self.over.is_set():
            try:
                self.session()
                self.sessions += 1
            except Lost as lost:
                if lost.args:
                    self.refusals[lost.args[0].decode(errors="replace")] += 1
                time.sleep(0.01)

    def note(self, what):
        self.wrong.append(f"{self.user}: {what}")

    def session(self):
        pop = Pop(self.port)
        try:
            pop.ask("USER " + self.user)
            pop.ask("PASS " + self.user)
            self.logins += 1
            listed = self.listed(pop)
            some = self.chance.sample(listed, min(len(listed), MOST_PER_SESSION))
            deleted = [uidl for number, uidl in some if self.wants_gone(pop, number, uidl)]
            self.maybe.update(deleted)
            pop.ask("QUIT")
            self.gone.update(deleted)
            self.maybe.difference_update(deleted)
        finally:
            pop.close()

    def listed(self, pop):
        listed = [line.split() for line in pop.lines("UIDL")]
        listed = [(int(number), uidl.decode()) for number, uidl in listed]
        if len({uidl for _, uidl in listed}) != len(listed):
            self.note("two messages have one id")
        back = self.gone & {uidl for _, uidl in listed}
        self.again += len(back)  # see judge()
        self.gone -= back
        return listed

    def wants_gone(self, pop, number, uidl):
        """Reads some, and of those deletes some; what it has never seen it always reads."""
        if uidl in self.token_of and self.chance.random() < 0.4:
            return False
        self.read(pop, number, uidl)
        if self.chance.random() < 0.2:
            return False
        pop.ask(f"DELE {number}")
        return True

    def read(self, pop, number, uidl):
        text = pop.lines(f"RETR {number}")
        self.retrieved += 1
        tokens = [line[9:] for line in text if re.fullmatch(rb"X-Token: \d+", line)]
        if len(tokens) != 1 or not text or text[-1] != b"end of " + tokens[0]:
            return self.note(f"{uidl} is not a whole message")
        token = int(tokens[0])
        if self.token_of.setdefault(uidl, token) != token:
            self.note(f"{uidl} stood for {self.token_of[uidl]} and stands for {token}")

    def read_all(self):
        """The end: every id that is left must be for the message it always was; returns those ids."""
        while True:
            try:
                pop = Pop(self.port)
                pop.ask("USER " + self.user)
                pop.ask("PASS " + self.user)
                listed = self.listed(pop)
                for number, uidl in listed:
                    self.read(pop, number, uidl)
                pop.ask("QUIT")
                return {uidl for _, uidl in listed}
            except Lost:
                time.sleep(0.05)

    def judge(self, left, acked, handed_in):
        """left: read_all()'s ids. Nothing acknowledged is lost, no id vanished that the user did not delete, and no
        message is there more often than it was handed in. What was deleted while its delivery agent lay dead may have
        been delivered again: the queue never heard of the first time. (That deletions last is judged in pop_states.cc,
        where nothing is delivered twice.) Returns what is wrong."""
        ids, known = collections.defaultdict(set), left | self.gone | self.maybe
        for uidl, token in self.token_of.items():
            ids[token].add(uidl)
            if uidl not in known:
                self.note(f"message {token} was there as {uidl} and nobody deleted it")
        for token, its in ids.items():
            if len(its & left) > handed_in[token]:
                self.note(f"message {token}, handed in {handed_in[token]} times, has the ids {sorted(its & left)}")
            self.again += max(0, len(its) - handed_in[token])
        for token in acked:
            if not ids[token]:
                self.note(f"message {token} was acknowledged and is lost")
        return self.wrong
