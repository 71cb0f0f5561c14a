#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random kills under load: `smtpd --queue` with a stream of messages coming in, and pop3d with users who read and
delete them meanwhile; again and again one process of theirs (a service, the spool's process, a net process, an agent)
is killed without warning, and now and then a mailbox loses its list of ids. Afterwards every acknowledged message is
in its mailbox or was deleted by its user, whole, and no message is there more often than it was handed in; every id
always stood for one message, every message had one id, and nothing deleted came back.
    kills.py [--kills N] [--seed N]
Last line: "kills=N accepted=N violations=N".
"""
import argparse
import collections
import contextlib
import crypt
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../support")]
from pop_reader import Reader  # noqa: E402
from ports import free_port  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build/opt")
USERS = ["daniel", "lir"]
FIRST_UID = 70001


def configuration(directory):
    text = f"""hostname = "mx.micasa.test"
[paths]
state_dir = "{directory}/state"
run_dir = "{directory}/run"
users_file = "{directory}/users"
[auth]
backends = ["users"]
[mail]
domains = ["micasa.test"]
[limits]
penalty_start = "100ms"
penalty_max = "100ms"
[pop3d]
lock_wait = "2s"
[smtpd.queue]
retry = ["1s"]
"""
    if os.geteuid() == 0:
        text = "uid_base = 61184\n" + text
    with open(f"{directory}/posada.toml", "w") as out:
        out.write(text)
    with open(f"{directory}/users", "w") as out:
        for n, user in enumerate(USERS):
            home = f"{directory}/mail/{user}"
            os.makedirs(home)
            uid, gid = (FIRST_UID + n, FIRST_UID + n) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
            os.chown(home, uid, gid)
            out.write(f"{user}:{crypt.crypt(user, '$6$rounds=1000$killtests')}::{uid}:{gid}:{home}\n")
    os.chmod(f"{directory}/users", 0o600)


def children_of(pid):
    """All descendants, nearest first."""
    found, todo = [], [pid]
    while todo:
        try:
            with open(f"/proc/{todo[0]}/task/{todo[0]}/children") as f:
                kids = [int(k) for k in f.read().split()]
        except OSError:
            kids = []
        todo = todo[1:] + kids
        found += kids
    return found


class Service:
    """One daemon of the two, started with --config; command: what is special about it."""

    def __init__(self, directory, name, *command):
        self.directory, self.name, self.command = directory, name, command
        self.log = open(f"{directory}/log", "ab")
        self.process = None

    def start(self):
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            [*self.command, "--config", f"{self.directory}/posada.toml", "--ready-fd", str(write_end)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[write_end])
        os.close(write_end)
        ready = os.read(read_end, 1)
        os.close(read_end)
        if not ready:
            raise SystemExit(f"{self.name} did not start; see {self.directory}/log")

    def kill_one(self, chance, while_down):
        """Kills one process of the service; returns what it was. while_down: called when all of it is."""
        below = children_of(self.process.pid)
        victim = chance.choice([self.process.pid] + below)
        try:
            with open(f"/proc/{victim}/cmdline") as f:
                name = f.read().replace("\0", " ").strip()
            if not name:
                return None  # it has ended and waits for its parent
            if victim == self.process.pid:  # it may be starting another child just now
                os.kill(victim, signal.SIGSTOP)
                below = children_of(victim)
            os.kill(victim, signal.SIGKILL)
        except OSError:
            return None
        if victim != self.process.pid:
            return "agent" if "agent]" in name or "delivery]" in name else os.path.basename(name.split()[0].rstrip(":"))
        self.process.wait()
        # Its programs see the end of their channel and go; the next one must not meet the old ones at its files.
        deadline = time.monotonic() + 60  # one that is in the middle of a sync ends after it
        while any(os.path.exists(f"/proc/{pid}") and not zombie(pid) for pid in below) and time.monotonic() < deadline:
            time.sleep(0.01)
        while_down()
        self.start()
        return self.name

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def read_acks(path):
    acked, handed_in = set(), collections.Counter()
    with open(path) as f:
        for line in f:
            what, token = line.split()
            if what == "ack":
                acked.add(int(token))
            handed_in[int(token)] += 1  # an ack or a repeat stands for one time it was handed in
    return acked, handed_in


def wait_until_empty(directory, seconds):
    """The queue is empty: nothing new appears and the spool has no message."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{directory}/state/spool/spool.db?mode=ro", uri=True)) as db:
                if db.execute("SELECT count(*) FROM message").fetchone()[0] == 0:
                    return True
        except sqlite3.OperationalError:
            pass  # a queue is just starting
        time.sleep(0.2)
    return False


class Host:
    def __init__(self, chance):
        self.chance = chance
        self.directory = tempfile.mkdtemp(prefix="posada-kills-")
        os.chmod(self.directory, 0o755)
        configuration(self.directory)
        port = free_port()
        self.services = [Service(self.directory, "smtpd", f"{BUILD}/sbin/smtpd", "--queue"),
                         Service(self.directory, "pop3d", f"{BUILD}/sbin/pop3d", "--listen", f"pop3=127.0.0.1:{port}")]
        self.readers = [Reader(port, user, chance.random()) for user in USERS]
        self.acks = f"{self.directory}/acks"
        open(self.acks, "w").close()
        self.victims = collections.Counter()
        self.lists_lost = 0

    def __enter__(self):
        try:
            for part in (*self.services, *self.readers):
                part.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for service in self.services:
            service.stop()

    def kill_one(self):
        service = self.chance.choice(self.services)
        pop3d = service is self.services[1]
        name = service.kill_one(self.chance, self.lose_a_list if pop3d else lambda: None)
        if name:
            self.victims[name if name != "agent" else f"agent of {service.name}"] += 1

    def lose_a_list(self):
        """No pop3d runs: a mailbox's list of ids gets lost, as if by a file system check."""
        if self.chance.random() < 0.3:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.directory}/mail/{self.chance.choice(USERS)}/Maildir/dovecot-uidlist")
                self.lists_lost += 1

    def load(self, first, count):
        size = self.chance.choice([300, 1000, 4096, 30000])
        return subprocess.Popen([f"{BUILD}/tests/crash-inject", "--run-dir", f"{self.directory}/run", "--to",
                                 ",".join(f"{u}@micasa.test" for u in USERS), "--count", str(count), "--window", "20",
                                 "--size", str(size), "--acks", self.acks, "--first", str(first)],
                                stdout=subprocess.DEVNULL)

    def run(self, kills):
        """Loads of a few hundred messages; the last one is left to finish by itself. Returns what is wrong."""
        first, count, wrong = 1, 400, []
        while sum(self.victims.values()) < kills:
            load = self.load(first, count)
            first += count
            while load.poll() is None and sum(self.victims.values()) < kills:
                time.sleep(self.chance.uniform(0.0, 0.06))
                self.kill_one()
            if load.wait(timeout=120) != 0:
                return ["the load could not be handed in"]
        if not wait_until_empty(self.directory, 300):
            wrong.append("the queue does not become empty")
        return wrong

    def judge(self):
        for reader in self.readers:
            reader.stop()
        acked, handed_in = read_acks(self.acks)
        wrong = []
        for reader in self.readers:
            wrong += reader.judge(reader.read_all(), acked, handed_in)
        return len(acked), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with Host(random.Random(options.seed)) as host:
        wrong = host.run(options.kills)
        accepted, more = host.judge()
        wrong += more
    for line in wrong[:20]:
        print("violation:", line)
    print("victims:", ", ".join(f"{name} {n}" for name, n in sorted(host.victims.items())), f"(seed {options.seed})")
    for reader in host.readers:
        print(f"{reader.user}: {reader.logins} logins, {reader.sessions} whole sessions, {reader.retrieved} messages "
              f"read, {len(reader.gone)} deleted, {len(reader.maybe)} perhaps, {reader.again} delivered again; refusals {dict(reader.refusals)}")
    if wrong:
        print("kept:", host.directory)
    else:
        shutil.rmtree(host.directory, ignore_errors=True)
    print(f"kills={options.kills} accepted={accepted} lists-lost={host.lists_lost} violations={len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
