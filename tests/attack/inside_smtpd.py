#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The attacker inside smtpd, port 25: one process serves all clients, and has channels to the queue and to the lookup
worker besides those to the monitor. The puppet of inside.py stands in for smtpd-net; the queue is the real one."""
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from inside import AFTER, BEFORE, HEADER, KINDS, Puppet, attempts, packed, text  # noqa: E402
from server import BUILD, Server, eventually  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402

HELLO, PART, RCPT, SUBMIT, SPACES, LOOKUP, WANT = 2, 4, 6, 8, 22, 2, 6
SMALL = "[limits]\npenalty_start = \"100ms\"\npenalty_max = \"200ms\"\n[mail]\ndomains = [\"micasa.test\"]\n"
TESTS = {}


def test(function):
    TESTS[function.__name__] = function
    return function


def recipients(*addresses):
    return struct.pack("<H", len(addresses)) + b"".join(text(a) + b"\0" for a in addresses)


def envelope(size, *addresses, sender=b"eve@micasa.test"):
    return (text(sender) + recipients(*addresses) + b"\0" + text(b"192.0.2.1") + text(b"puppet") + text(b"") +
            struct.pack("<QQ", 0, size))


class Captured(Server):
    """smtpd with a puppet for its net program, and its queue."""

    def __init__(self, config=""):
        super().__init__(config=SMALL + config)
        self.violations_expected, self.seen = True, 0
        for folder in ("sbin", "libexec/posada"):
            os.makedirs(f"{self.folder}/tree/{folder}")
        self.program, self.listener = f"{self.folder}/tree/sbin/smtpd", "smtp="
        shutil.copy(f"{BUILD}/sbin/smtpd", self.program)
        shutil.copy(f"{BUILD}/tests/puppet-net", f"{self.folder}/tree/libexec/posada/smtpd-net")

    def __enter__(self):
        reader, writer = os.pipe()
        with open(f"{self.folder}/queue.log", "w") as log:
            self.queue = subprocess.Popen([f"{BUILD}/sbin/smtpd", "--queue", "--config", f"{self.folder}/posada.toml",
                                           "--ready-fd", str(writer)],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[writer])
        os.close(writer)
        try:
            assert os.read(reader, 1) == b"\n", self.log("queue.log")
            super().__enter__()
        except BaseException:
            self.queue.kill()
            self.queue.wait()
            raise
        finally:
            os.close(reader)
        p = Puppet(self)
        rows = p.table()
        p.close()
        self.rows = {whose: [r for r in rows if r.whose == whose] for whose in ("monitor", "launcher", "queue", "lookup")}
        return self

    def __exit__(self, kind, *rest):
        self.queue.terminate()
        try:
            self.queue.wait(20)
        finally:
            super().__exit__(kind, *rest)

    def log(self, name="log"):
        with open(f"{self.folder}/{name}", errors="replace") as f:
            return f.read()

    def both_logs(self):
        return self.log() + self.log("queue.log")

    def newcomer(self):
        """A client after a breach: who comes before the launcher has seen the process end goes with it."""
        end = time.monotonic() + 10
        while True:
            try:
                return Puppet(self)
            except (AssertionError, OSError):
                assert time.monotonic() < end, self.log()[-2000:]

    def at(self, service, puppet=None):
        """A client of the puppet whose packets go to a channel of this service that was not there before."""
        p = puppet or self.newcomer()
        assert p.order(f"want {service}") == "ok"
        eventually(lambda: p.order(f"at {service}") == "ok", 10, lambda: f"no {service}: {self.both_logs()[-2000:]}")
        return p

    def mail(self, p, session=7):
        """Hands a message in as smtpd-net does; the answer."""
        p.packet(packed(SUBMIT, envelope(0, b"lir@micasa.test"), fds=1, session=session), 0, "fresh")
        return p.answer()

    def still_well(self):
        """The queue takes a message that arrives in the mailbox, and the worker knows who lives here."""
        assert self.process.poll() is None and self.queue.poll() is None, self.both_logs()[-3000:]
        p = self.at("queue")
        new = f"{self.maildir('lir')}/new"
        before = len(os.listdir(new))
        got = self.mail(p)
        assert got and got[0][HEADER] == 0, (got, self.both_logs()[-2000:])
        eventually(lambda: len(os.listdir(new)) > before, 10, lambda: self.both_logs()[-2000:])
        self.at("lookup", p)
        p.packet(packed(LOOKUP, struct.pack("<H", 2) + text(b"lir") + text(b"nobody-here")))
        assert p.answer()[0][HEADER + 1:] == b"\2\0\1\0"
        p.close()

    def refused(self, p, log, what, why):
        """It is logged by name, and the channel is closed without an answer; the client of the puppet stays."""
        try:
            eventually(lambda: re.search(what, self.log(log)[self.seen:]), 10, why)
        except AssertionError:
            raise AssertionError(f"{why}: no {what!r} in\n{self.log(log)[self.seen:][-1500:]}") from None
        assert p.answer(2000) is None, f"{why}: an answer came"
        assert p.order("table") is not None, f"{why}: the net process ended"
        while p.line() != ".":
            pass


@test
def what_is_against_the_queues_table_closes_the_channel_and_is_logged_by_name():
    """What the other roles may ask (lease, done, list, stats, retry, remove) is among the unknown requests."""
    with Captured() as d:
        p = Puppet(d)
        for name, _, octets, pad, fds, what in attempts(d.rows["queue"]):
            d.seen = len(d.log("queue.log"))
            d.at("queue", p).packet(octets, pad, fds)
            d.refused(p, "queue.log", f"queue-breach .*({what}|queue_hello: allowed once)" if name.startswith("queue_hello")
                      else f"queue-breach .*({what})", name)
        p.close()
        d.still_well()


@test
def a_channel_to_the_queue_keeps_the_role_that_its_launcher_named():
    with Captured() as d:
        p = Puppet(d)
        for role in range(6):
            d.seen = len(d.log("queue.log"))
            d.at("queue", p).packet(packed(HELLO, struct.pack("<BQ", role, 0)))
            d.refused(p, "queue.log", "queue-breach .*queue_hello: allowed once", f"hello as {role}")
        p.close()
        d.still_well()


@test
def what_a_message_is_made_of_is_a_memfd_that_can_be_sealed():
    with Captured() as d:
        p = Puppet(d)
        for kind in KINDS:
            if kind == "memfd":
                continue
            for name, type, body in (("queue_submit_part", PART, b""),
                                     ("queue_submit", SUBMIT, envelope(0, b"lir@micasa.test"))):
                d.seen = len(d.log("queue.log"))
                d.at("queue", p).packet(packed(type, body, fds=1), 0, kind)
                d.refused(p, "queue.log", f"queue-breach .*({name}: descriptor cannot be sealed|truncated)", f"{name}: {kind}")
        p.close()
        d.still_well()


@test
def messages_that_are_begun_and_never_ended_are_few_and_their_recipients_bounded():
    with Captured() as d:
        for why, sessions in (("too many unfinished messages", range(1, 40)), ("too many recipients", [1] * 400)):
            p = d.at("queue")
            d.seen = len(d.log("queue.log"))
            for session in sessions:
                p.packet(packed(RCPT, recipients(*[b"a@b"] * 6000), session=session))
            eventually(lambda: re.search(f"queue-breach .*queue_submit_rcpt: {why}", d.log("queue.log")[d.seen:]), 10,
                       f"{why}: not refused")
            p.close()
        d.still_well()


@test
def senseless_requests_that_the_tables_permit_store_nothing_and_are_answered_or_logged_by_name():
    with Captured() as d:
        p = Puppet(d)
        for service, log in (("queue", "queue.log"), ("lookup", "log")):
            for r in d.rows[service]:
                for size in sorted({0, min(1, r.max), r.max // 2, r.max}):
                    for filling in (b"A", b"\xff", b"\0"):
                        if r.type == HELLO and service == "queue":
                            continue
                        if r.type == SPACES and service == "queue" and size == 8 and filling == b"\0":
                            continue  # asks for news; answered when there are any
                        d.seen = len(d.log(log))
                        d.at(service, p).packet(packed(r.type, filling * size, fds=r.fds_in), 0, "fresh" if r.fds_in else "-")
                        why = f"{r.name} of {size} {filling}"
                        if got := p.answer(3000):
                            assert struct.unpack("<H", got[0][:2])[0] == r.type + 1 and not got[1], (why, got)
                        else:
                            eventually(lambda: r.name in d.log(log)[d.seen:], 5, f"{why}: not logged by name")
        p.close()
        assert "accept" not in d.log("queue.log"), d.log("queue.log")
        d.still_well()


@test
def what_is_against_the_lookup_workers_table_ends_the_worker_and_the_next_one_answers():
    with Captured() as d:
        p = Puppet(d)
        for name, phase, octets, pad, fds, what in attempts(d.rows["lookup"]):
            d.seen = len(d.log())
            d.at("lookup", p).packet(octets, pad, fds)
            d.refused(p, "log", f"agent-error .*({what})", name)
        p.close()
        d.still_well()


def breaches_end_the_process(d, whose, wrong):
    for name, phase, octets, pad, fds, what in wrong:
        if phase == AFTER:
            continue  # nobody logs in on port 25
        p = d.newcomer()
        if whose == "launcher":
            p.order("at launcher")
        d.seen = len(d.log())
        p.packet(octets, pad, fds)
        eventually(lambda: re.search(f"privilege-breach .*({what})", d.log()[d.seen:]), 10,
                   lambda: f"{name}: not logged: {d.log()[d.seen:][-1500:]}")
        assert p.ended(10), f"{name}: the client is still served"
        p.close()
    d.still_well()


@test
def what_is_against_the_monitors_table_ends_the_process_and_a_new_one_serves():
    with Captured() as d:
        breaches_end_the_process(d, "monitor", attempts(d.rows["monitor"]))


@test
def what_is_against_the_launchers_table_ends_the_process_and_a_new_one_serves():
    with Captured() as d:
        wrong = [(name, phase, octets, pad, fds, f"{what}|ready: allowed once" if name.startswith("ready") else what)
                 for name, phase, octets, pad, fds, what in attempts(d.rows["launcher"])]
        wrong += [(f"want {words}", BEFORE, packed(WANT, words), 0, "-", what)
                  for words, what in ((b"", "want: malformed"), (b"\xff\xff", "want: malformed"),
                                      (text(b"queue") + b"x", "want: malformed"), (text(b""), "want: no such channel"),
                                      (text(b"queue\0"), "want: no such channel"),
                                      (text(b"../queue"), "want: no such channel"))]
        breaches_end_the_process(d, "launcher", wrong)


@test
def whoever_wants_a_channel_without_end_keeps_the_launcher_from_nothing():
    with Captured() as d:
        for name in (b"queue", b"lookup"):
            p = d.newcomer()
            p.order("at launcher")
            p.send(f"flood 2000 {packed(WANT, text(name)).hex()} 0 -")
            d.process.send_signal(signal.SIGHUP)
            eventually(lambda: "config-loaded" in d.log()[d.seen:], 5, lambda: f"{name}: no reload: {d.log()[-1500:]}")
            d.seen = len(d.log())
            assert (p.line() or "").startswith("sent")  # until then it takes the lookup worker from the new process
            p.close()
        d.still_well()


@test
def whoever_keeps_all_channels_to_the_queue_that_he_can_get_leaves_some_for_the_others():
    """The flood is not read: what the launcher has opened lies in the process's own channel."""
    with Captured() as d:
        p = d.newcomer()
        p.order("at launcher")
        assert p.order(f"flood 300 {packed(WANT, text(b'queue')).hex()} 0 -") == "sent 300"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.connect(f"{d.folder}/queue.sock")
            other.settimeout(1)
            try:
                assert other.recv(1), "somebody else's channel was closed"
            except TimeoutError:
                pass  # it waits for our first word
        assert "may not use" not in d.log("queue.log"), d.log("queue.log")[-1500:]
        p.close()
        d.still_well()


@test
def whoever_wants_a_channel_often_gets_one():
    """The launcher is stopped meanwhile, so that it hears all of it at once: seven turns, not a hundred channels."""
    with Captured() as d:
        p = d.newcomer()
        p.order("at launcher")
        d.process.send_signal(signal.SIGSTOP)
        try:
            assert p.order(f"flood 100 {packed(WANT, text(b'queue')).hex()} 0 -") == "sent 100"
        finally:
            d.process.send_signal(signal.SIGCONT)
        d.at("queue", p)
        d.still_well()
        assert "too many channels" not in d.log("queue.log"), d.log("queue.log")[-1500:]
        p.close()


def main():
    return run_tests(TESTS, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
