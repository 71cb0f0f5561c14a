#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What whoever takes over a session's process has: looked at from outside (ids, capabilities, filter, descriptors) and
tried from inside (tests/inject makes the process call the kernel) while two users are logged in."""
import contextlib
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Client, Server, eventually, process_of  # noqa: E402
import attacks  # noqa: E402  (tests/priv)
import procs  # noqa: E402
import rules  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, run_tests  # noqa: E402

TESTS = {}
MAIL = b"Subject: of the owner\n\ntext\n"


def test(function):
    TESTS[function.__name__] = function
    return function


def from_inside():
    if os.geteuid() != 0 or not attacks.possible():
        raise Skip("needs root and x86-64: system calls are made in the name of another process")


def settle(wrong):
    wrong = list(wrong)
    assert not wrong, "\n".join(wrong)


class TwoSessions(Server):
    """lir and daniel are logged in; lir's connection and agent are looked at."""

    def __init__(self, over_tls=True):
        super().__init__(tls=True, mails=[MAIL])
        self.over_tls = over_tls

    def __enter__(self):
        super().__enter__()
        self.client, self.other = Client(self, tls=self.over_tls), Client(self)
        assert self.client.log_in("lir").startswith("+OK lir has 1 ")
        assert self.other.log_in("daniel").startswith("+OK daniel has 1 ")
        self.connection = procs.Process(process_of(self, self.client))
        self.agent = next(p for p in self.agents() if "lir" in p.title)
        return self


@test
def a_session_process_has_no_root_no_capability_a_filter_and_cannot_gain_privileges():
    with TwoSessions() as d:
        root = os.geteuid() == 0
        for p in (d.connection, d.agent, procs.Process(process_of(d, d.other))):
            settle(rules.confined(p, root, os.geteuid()))
            assert p.status["Seccomp"] == "2" and p.status["NoNewPrivs"] == "1"
            assert int(p.status["CapEff"], 16) == 0 and (not root or 0 not in p.uids | p.gids | p.groups)


@test
def a_session_process_holds_sockets_and_not_one_file_or_directory():
    with TwoSessions() as d:
        d.client.listing("RETR 1")
        p = procs.Process(d.connection.pid)
        settle(rules.connection(p, procs.listening_sockets()))
        assert not any(d.folder in target for fd, target in p.fds.items() if fd > 2), p.fds
        own = {t for t in p.fds.values() if t.startswith("socket:")}
        others = procs.Process(process_of(d, d.other))
        shared = own & {t for t in others.fds.values() if t.startswith("socket:")}
        assert len(shared) <= 1, f"beside the log no socket is common to two clients: {shared}"


@test
def a_session_process_can_open_no_mailbox_not_even_its_own():
    from_inside()
    with TwoSessions() as d:
        p, wrong = d.connection, []
        for path in (d.maildir("lir"), d.maildir("daniel"), f"{d.maildir('daniel')}/new", f"{d.folder}/users",
                     f"{d.folder}/key.pem", "/etc/shadow", "/proc/self/mem", f"/proc/{d.agent.pid}/mem"):
            for flags in (attacks.O_RDONLY, attacks.O_RDWR):
                wrong += attacks.expect(p, attacks.TRAPPED, "openat", attacks.AT_FDCWD, "@" + path, flags)
            wrong += attacks.expect(p, attacks.TRAPPED, "unlink", "@" + path)
            wrong += attacks.expect(p, attacks.TRAPPED, "rename", "@" + path, "@/tmp/x")
        wrong += attacks.on_network(p)
        settle(wrong)
        assert d.client.ask("NOOP").startswith("+OK"), "the session goes on"
        d.violations_expected = True


@test
def an_agent_opens_its_own_maildir_and_nothing_else():
    from_inside()
    with TwoSessions() as d:
        home = os.path.dirname(d.maildir("lir"))
        settle(attacks.on_files(d.agent, f"{d.maildir('lir')}/new",
                                [home, d.maildir("daniel"), f"{d.maildir('daniel')}/new", f"{d.folder}/users",
                                 d.folder, "/etc/passwd", "/proc/self/status", f"/proc/{d.connection.pid}/status"]))
        d.violations_expected = True


@test
def row_19_CVE_2020_24386_nobody_else_can_hand_a_session_or_an_agent_a_command():
    with TwoSessions() as d:
        with open("/proc/net/unix") as f:
            named = {line.split()[6]: line.split()[7] for line in f.read().splitlines()[1:] if len(line.split()) > 7}
        listening = procs.listening_sockets()
        for p in d.tree():
            for target in p.fds.values():
                inode = target[8:-1]
                assert inode not in named, f"{p} has a socket with a name: {named.get(inode)}"
                assert p.pid == d.process.pid or inode not in listening, f"{p} accepts connections"


def sockets_by_peer(d):
    """The descriptors of lir's connection by what is at their other end."""
    listed = subprocess.run(["ss", "-xanH"], check=True, capture_output=True, text=True).stdout
    peers = {line.split()[5]: line.split()[7] for line in listed.splitlines()}  # inodes
    others = (("monitor", procs.Process(d.process.pid)), ("agent", d.agent))
    held = {target[8:-1]: name for name, p in others for target in p.fds.values() if target.startswith("socket:")}
    zygote = procs.Process(d.connection.parent)
    out = {}
    for fd, target in d.connection.fds.items():
        if fd > 2 and target.startswith("socket:"):
            shared = target in zygote.fds.values()
            out["log" if shared else held.get(peers.get(target[8:-1]), "client")] = fd
    return out


CRAFTED = "@crafted by hand, no row of the table"


@test
def row_19_CVE_2020_24386_a_crafted_request_to_monitor_or_agent_ends_who_sent_it():
    from_inside()
    breaches = []
    for who in ("log", "client", "monitor", "agent"):  # at the other end
        with TwoSessions(over_tls=False) as d:
            sockets = sockets_by_peer(d)
            assert sorted(sockets) == ["agent", "client", "log", "monitor"], (sockets, d.connection.fds)
            with contextlib.suppress(AssertionError):  # the monitor may be quicker than the tracer's good-bye
                attacks.inject(d.connection, "sendto", sockets[who], CRAFTED, len(CRAFTED) - 1, 0, 0, 0)
            if d.client.ended(0.5):
                eventually(lambda: re.search("privilege-breach|agent-fail", d.log()), 5, d.log)
                breaches += re.findall("(privilege-breach|agent-error) (.*)", d.log())
            assert d.count_log("auth-") == 2, "nobody's login or failure can be invented"
            assert d.other.listing("RETR 1"), "the neighbour's session goes on"
            d.violations_expected = True
    # The net process logs the loss of its agent besides.
    assert {event for event, _ in breaches} == {"agent-error", "privilege-breach"}, breaches
    assert not any("forged" in what for _, what in breaches), breaches


def main():
    return run_tests(TESTS, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
