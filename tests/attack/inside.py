#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The attacker inside: the net program is tests/puppet-net, which does what its client says from behind the real
sandbox. What it tries is made from the tables of the requests (type, phases, once, octets, descriptors), for the
monitor and for the user's agent alike; a new daemon is one row of DAEMONS here and one in the puppet."""
import itertools
import os
import re
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import BUILD, ROOT, USERS, Client, Server, eventually, pss_kib  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402

DAEMONS = {"echod": "echod-net", "pop3d": "pop3d-net"}  # launchers, and the net programs that are replaced
HEADER, MAX_PACKET, CHECK_PASSWORD = 16, 64 * 1024, 2
BEFORE, AFTER = 1, 2
KINDS = ["file", "directory", "path", "device", "memfd", "unix", "socket", "listening", "pipe", "pidfd", "epoll",
         "channel", "client"]
TESTS = {}


def test(function, daemons=tuple(DAEMONS)):
    for daemon in daemons:
        TESTS[f"{daemon}_{function.__name__}"] = lambda daemon=daemon: function(daemon)
    return function


def once(function):
    """What no table changes is tried on one of them."""
    return test(function, ("echod",))


class Row:
    def __init__(self, line):
        self.whose, self.name, *numbers = line.split()
        self.type, self.phases, self.once, self.max, self.fds_in, self.fds_out = map(int, numbers)


def packed(type, payload=b"", fds=0, length=None, session=1):
    return struct.pack("<HHIQ", type, fds, len(payload) if length is None else length, session) + payload


def text(words):
    return struct.pack("<H", len(words)) + words


def credentials(name=b"lir", password=b"pamplona"):
    return packed(CHECK_PASSWORD, text(name) + text(password))


class Puppet(Client):
    sources = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(2, 250), range(1, 250), range(1, 250)))

    def __init__(self, server):
        super().__init__(server, source=next(self.sources), greeting=False)
        assert (self.line() or "").startswith("at your orders"), server.log()

    def order(self, words):
        """None: the process has ended."""
        try:
            return self.ask(words)
        except OSError:
            return None

    def packet(self, octets, pad=0, fds="-", verb="packet"):
        return self.order(f"{verb} {octets.hex()} {pad} {fds}")

    def answer(self, milliseconds=3000):
        """(octets, kinds of descriptors); None: nothing came, or the end."""
        said = self.order(f"answer {milliseconds}")
        if said in (None, "none", "end"):
            return None
        octets, *kinds = said.split()
        return bytes.fromhex(octets.replace("-", "")), kinds

    def log_in(self, user="lir", password=None):
        self.packet(credentials(user.encode(), (password or USERS[user]).encode()))
        octets, kinds = self.answer()
        assert octets[HEADER] == 0 and kinds == ["socket"], (octets, kinds)
        return self

    def table(self):
        self.send("table")
        rows = []
        while (line := self.line()) != ".":
            rows.append(Row(line))
        return rows


class Captured(Server):
    """The daemon with a puppet for its net program, and a second client who is honest all the time."""

    def __init__(self, daemon, config="", launcher=None):
        super().__init__(config="[limits]\npenalty_start = \"100ms\"\npenalty_max = \"200ms\"\n" + config)
        self.daemon, self.violations_expected = daemon, True
        for folder in ("sbin", "libexec/posada"):
            os.makedirs(f"{self.folder}/tree/{folder}")
        self.program = f"{self.folder}/tree/sbin/{daemon}"
        shutil.copy(launcher or f"{BUILD}/sbin/{daemon}", self.program)
        shutil.copy(f"{BUILD}/tests/puppet-net", f"{self.folder}/tree/libexec/posada/{DAEMONS[daemon]}")
        self.listener = ""
        self.seen = 0

    def __enter__(self):
        super().__enter__()
        self.honest = Puppet(self)
        rows = self.honest.table()
        self.monitor_rows = [r for r in rows if r.whose == "monitor"]
        self.agent_rows = [r for r in rows if r.whose == "agent"]
        self.honest.log_in("daniel")
        self.honest.order("agent")
        return self

    def still_well(self):
        """The monitor answers a newcomer, and the agent of the other client answers him."""
        assert self.process.poll() is None, self.log()
        first = self.agent_rows[0]
        self.honest.packet(packed(first.type, text(b"none") if first.max else b""))
        octets, kinds = self.honest.answer()
        assert struct.unpack("<H", octets[:2])[0] == first.type + 1 and not kinds, octets
        self.honest.close()
        self.honest = Puppet(self).log_in("daniel")
        self.honest.order("agent")

    def new_log(self):
        return self.log()[self.seen:]

    def breach(self, puppet, what, why, agent=False):
        """It was noticed, by name, nothing came back, and whoever did it is gone."""
        pattern = rf'{"agent-error" if agent else "privilege-breach"} .*(?:{what})'
        try:
            eventually(lambda: re.search(pattern, self.new_log()), 10, why)
        except AssertionError:
            raise AssertionError(f"{why}: no {pattern!r} in\n{self.new_log()[-1500:]}") from None
        if agent:
            assert puppet.answer(1000) is None, f"{why}: an answer came"
        else:
            assert puppet.ended(10), f"{why}: the process lives: {self.log()[-3000:]}"
        puppet.close()
        self.seen = len(self.log())


def in_agent(d, opened):
    p = Puppet(d).log_in()
    p.order("agent")
    if opened:  # pop3d: the mailbox; whoever has no such row has one phase only
        p.packet(packed(opened.type))
        assert p.answer()[0][HEADER] == 0
    return p


def attempts(rows):
    """(name, phase, octets, padding, descriptors, what must be said) for all that is against the table."""
    known = {r.type for r in rows}
    for number in [n for n in range(max(known) + 20) if n not in known] + [254, 255, 256, 32767, 65534, 65535]:
        yield f"request {number}", BEFORE, packed(number), 0, "-", f"{number}: unknown request"
    for r in rows:
        phase = BEFORE if r.phases & BEFORE else AFTER
        for wrong in (BEFORE, AFTER):
            if not r.phases & wrong:
                yield f"{r.name} in phase {wrong}", wrong, packed(r.type), 0, "-", f"{r.name}: not allowed in this"
        body = b"A" * (r.max + 1)
        if r.max < MAX_PACKET - HEADER:
            yield f"{r.name} of one octet more", phase, packed(r.type, body), 0, "-", f"{r.name}: too large"
            yield f"{r.name} of a whole packet", phase, packed(r.type, length=MAX_PACKET - HEADER), MAX_PACKET - HEADER, \
                "-", f"{r.name}: too large"
        yield f"{r.name} larger than a packet", phase, packed(r.type, length=MAX_PACKET), MAX_PACKET, "-", "truncated"
        for length in (1, 0xffffffff, 0x80000000):
            yield f"{r.name} lying about {length} octets", phase, packed(r.type, length=length), 0, "-", "malformed"
        yield f"{r.name} lying about descriptors", phase, packed(r.type, fds=1), 0, "-", "malformed"
        yield f"{r.name} with half a header", phase, packed(r.type)[:9], 0, "-", "truncated"
        for kind in KINDS if r.fds_in != 1 else ():
            yield f"{r.name} with {kind}", phase, packed(r.type, fds=1), 0, kind, "truncated|wrong number"
        for count in (2, 65, 253):
            yield f"{r.name} with {count}", phase, packed(r.type, fds=count), 0, f"memfd*{count}", "truncated|malformed"


@test
def what_is_against_the_monitors_table_ends_who_asks_and_is_logged_by_name(daemon):
    with Captured(daemon) as d:
        for name, phase, octets, pad, fds, what in attempts(d.monitor_rows):
            p = Puppet(d)
            if phase == AFTER:
                p.log_in()
            d.seen = len(d.log())
            p.packet(octets, pad, fds)
            d.breach(p, what, name)
        d.still_well()


@test
def what_is_against_the_agents_table_ends_the_agent_and_is_logged_by_name(daemon):
    with Captured(daemon) as d:
        opening = next((r for r in d.agent_rows if r.phases == BEFORE), None)
        for name, phase, octets, pad, fds, what in attempts(d.agent_rows):
            p = in_agent(d, opening if phase == AFTER else None)
            d.seen = len(d.log())
            p.packet(octets, pad, fds)
            d.breach(p, what, name, agent=True)
        d.still_well()


@test
def a_request_of_any_size_that_the_table_permits_is_answered_or_refused_and_opens_nothing(daemon):
    """Senseless content, of no octets, one, all: only what carries a descriptor by its table may bring one."""
    with Captured(daemon) as d:
        opening = next((r for r in d.agent_rows if r.phases == BEFORE), None)
        for r in d.monitor_rows + d.agent_rows:
            for size in sorted({0, min(1, r.max), r.max // 2, r.max}):
                for filling in (b"A", b"\xff", b"\0"):
                    if r.whose == "agent":
                        p = in_agent(d, opening if r.phases == AFTER else None)
                    else:
                        p = Puppet(d)
                    d.seen = len(d.log())
                    p.packet(packed(r.type, filling * size))
                    got = p.answer()
                    if got:
                        octets, kinds = got
                        assert struct.unpack("<H", octets[:2])[0] == r.type + 1, (r.name, octets)
                        assert len(kinds) <= r.fds_out, (r.name, kinds)
                        assert not kinds or octets[HEADER] == 0, (r.name, kinds)
                        logins = r.whose == "monitor" and r.type == CHECK_PASSWORD
                        assert not logins or octets[HEADER] != 0, "nobody logs in by noise"
                    else:
                        said = "privilege-breach .*" if r.whose == "monitor" else "agent-error .*"
                        eventually(lambda: re.search(said + r.name, d.new_log()), 3, f"{r.name} of {size}: not logged")
                    p.close()
        d.still_well()


@test
def a_second_request_of_a_row_that_is_allowed_once_is_a_breach(daemon):
    with Captured(daemon) as d:
        for r in (r for r in d.agent_rows if r.once):
            opening = next(o for o in d.agent_rows if o.phases == BEFORE)
            p = in_agent(d, opening if r.phases == AFTER else None)
            d.seen = len(d.log())
            p.packet(packed(r.type))
            p.answer()
            p.packet(packed(r.type))
            d.breach(p, f"{r.name}: (allowed once|not allowed)", r.name, agent=True)
        p = Puppet(d)
        d.seen = len(d.log())
        p.packet(packed(254, b""))
        d.breach(p, "254: unknown request", "control")
        d.still_well()


@test
def while_a_login_is_pending_and_after_it_no_other_begins(daemon):
    with Captured(daemon) as d:
        for r in d.monitor_rows:
            if r.phases & AFTER or r.type < CHECK_PASSWORD:
                continue
            p = Puppet(d)
            d.seen = len(d.log())
            p.packet(credentials(b"lir", b"wrong"))  # answered late
            p.packet(packed(r.type, credentials(b"daniel", b"hungry")[HEADER:]))
            d.breach(p, f"{r.name}: (while a login is under way|names its client too late|without a challenge)",
                     f"{r.name} while a login is pending")
            p = Puppet(d).log_in()
            d.seen = len(d.log())
            p.packet(credentials(b"daniel", b"hungry") if r.type == CHECK_PASSWORD else packed(r.type))
            d.breach(p, f"{r.name}: not allowed in this phase", f"{r.name} after the login")
        d.still_well()


@once
def names_that_are_no_users_are_refused_like_a_wrong_password(daemon):
    names = [b"../lir", b"/etc/passwd", b"lir\0", b"\0lir", b"lir\nx", b"lir:x", b"-lir", b"--", b"", b".", b"..",
             b"root", b"locked", b"*", b"lir\xff", b"A" * 255, b"lir/../daniel", b"%s%n", b"$(id)"]
    with Captured(daemon) as d:
        puppets = [Puppet(d) for _ in names]
        for p, name in zip(puppets, names):
            p.packet(credentials(name))
        for p, name in zip(puppets, names):
            octets, kinds = p.answer(8000) or (b"", [])
            assert octets and octets[HEADER] != 0 and not kinds, (name, octets, kinds, d.log()[-800:])
        assert d.count_log("auth-ok") == 1 and d.count_log(r"\n\S*root") == 0
        d.still_well()


@test
def a_flood_of_requests_whose_answers_nobody_reads_costs_the_monitor_neither_memory_nor_the_others(daemon):
    with Captured(daemon) as d:
        d.still_well()
        before = pss_kib([d.process.pid], "Anonymous")
        for r in d.monitor_rows:
            p = Puppet(d)
            p.send(f"flood 20000 {packed(r.type, b'A' * min(r.max, 64)).hex()} 0 -")
            started = time.monotonic()
            d.still_well()
            assert time.monotonic() - started < 5, "the others wait"
            p.line()
            assert p.ended(5), f"{r.name}: a flood goes on"
        for r in d.agent_rows:
            p = in_agent(d, next((o for o in d.agent_rows if o.phases == BEFORE and o is not r), None))
            p.send(f"flood 20000 {packed(r.type, b'A' * min(r.max, 64)).hex()} 0 -")
            d.still_well()
            p.close()
        grown = pss_kib([d.process.pid], "Anonymous") - before
        assert grown < 512, f"the monitor has {grown} KiB more"


@test
def whoever_dies_leaves_or_falls_silent_at_any_moment_harms_nobody(daemon):
    with Captured(daemon) as d:
        d.still_well()
        held = d.descriptors()
        for end in ("abort", "leave", "drop", "half"):
            for before in (None, credentials(), packed(4, text(b"lir")), packed(2, b"")[:7]):
                p = Puppet(d)
                if before:
                    p.packet(before)
                p.order(end)
                p.close()
            p = Puppet(d).log_in()
            p.order("agent")
            p.packet(packed(d.agent_rows[0].type, text(b"x") if d.agent_rows[0].max else b""))
            p.order(end)
            p.close()
        d.still_well()
        eventually(lambda: len(d.agents()) <= 1, 10, lambda: f"agents stay: {list(map(str, d.agents()))}")
        eventually(lambda: d.descriptors() <= held + 2, 10, lambda: f"sessions stay: {held}, now {d.descriptors()} descriptors")


def documented():
    """What SECURITY.md says of net_connection: permitted, permitted with some arguments, deadly."""
    page = open(f"{ROOT}/SECURITY.md").read()
    own = re.search(r"^\| `net_connection` \|[^|]*\|([^|]*)\|", page, re.M).group(1).split()
    all_ = re.search(r"^Every profile[^:]*: (.*)\.$", page, re.M).group(1).split()
    fatal = re.search(r"^The kernel kills the process that calls one of: (.*)\.$", page, re.M).group(1).split()
    words = own + all_
    return {w for w in words if not w.endswith("*")}, {w[:-1] for w in words if w.endswith("*")}, set(fatal)


def numbers_of_calls():
    out = subprocess.run(["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True,
                         text=True, check=True).stdout
    return {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)", out)}


@once
def every_system_call_does_what_the_table_says(daemon):
    """Each number is called with senseless arguments: trapped, reached or deadly as SECURITY.md's tables have it."""
    permitted, conditional, fatal = documented()
    numbers = numbers_of_calls()
    names = {n: name for name, n in numbers.items()}
    ending = {numbers[n] for n in ("exit", "exit_group", "rt_sigreturn")}
    # uretprobe and uprobe, for the kernel's own breakpoints: no filter sees them, and elsewhere they do nothing.
    ending |= {335, 336}
    # A mask that is met by all ones is met here; any other condition is not.
    met = {"newfstatat"}
    with Captured(daemon) as d:
        deadly = {numbers[n] for n in fatal if n in numbers}
        assert len(deadly) > 35 and len(permitted) > 60
        p, wrong = Puppet(d), []
        assert p.order("catch") == "ok"
        for n in range(600):
            if n in deadly | ending:
                continue
            name = names.get(n, str(n))
            got = p.order(f"sweep {n} {n + 1}")
            wanted = "r" if name in permitted or name in met else "t"
            if got != wanted:
                wrong.append(f"{name}: {got}, wanted {wanted}")
                if got is None:
                    p = Puppet(d)
                    p.order("catch")
        p.close()
        for n in sorted(deadly) + [0x40000000 | 39, 0x40000000 | 59, 0x40000000 | 520]:
            p = Puppet(d)
            p.order("catch")
            if p.order(f"sweep {n} {n + 1}") is not None:
                wrong.append(f"{names.get(n, hex(n))} does not kill")
            p.close()
        assert not wrong, wrong
        d.still_well()


@once
def what_a_call_could_reach_is_out_of_reach(daemon):
    with Captured(daemon) as d:
        p, launcher = Puppet(d), d.process.pid
        number = numbers_of_calls()
        p.order("catch")
        for call in ("open @/etc/passwd 0", "openat -100 @/etc/passwd 0", f"openat -100 @/proc/{launcher}/mem 2",
                     "openat -100 @/proc/self/mem 2", f"openat2 -100 @{d.folder}/users 0 0", "socket 2 1 0",
                     "socket 1 1 0", "connect 3 @x 2", "bind 3 @x 2", "listen 3 1", f"kill {launcher} 9", "kill -1 9",
                     f"tgkill {launcher} {launcher} 9", "setuid 0", "setresuid 0 0 0", "clone 17 0 0 0 0",
                     "clone 0x10000000 0 0 0 0", "clone3 @x 64", "fork", "vfork", "memfd_create @x 0",
                     "mmap 0 4096 7 0x22 -1 0", "mprotect 0x400000 4096 7", "unlink @/tmp/x", "mkdir @/tmp/x 511",
                     f"prlimit64 {launcher} 7 0 0", "prctl 4 1", "setgid 0",
                     "seccomp 1 0 0", "syslog 3 0 0", "capset 0 0", "sethostname @x 1", "chmod @/etc/passwd 511",
                     "truncate @/etc/passwd 0", "shmget 1 4096 950", "msgget 1 950", "inotify_init1 0"):
            name, *arguments = call.split()
            got = p.order(f"call {number[name]} {' '.join(arguments)}")
            assert got == "trapped", f"{call}: {got}"
        assert p.order(f"call {number['getpid']}").isdigit()
        p.close()
        d.still_well()


def main():
    only = sys.argv[1:]  # a daemon, or names of tests
    return run_tests({n: t for n, t in TESTS.items() if not only or n in only or n.split("_")[0] in only})


if __name__ == "__main__":
    sys.exit(main())
