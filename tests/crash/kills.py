#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random kills under load: `smtpd --queue` with a stream of messages coming in; again and again one of its processes
(the service, the spool's process, a delivery agent) is killed without warning. Afterwards every acknowledged message
is in its mailbox, whole, and no message is there more often than it was handed in.
    kills.py [--kills N] [--seed N]
Last line: "kills=N accepted=N violations=N".
"""
import argparse
import collections
import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

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
            out.write(f"{user}:!x::{uid}:{gid}:{home}\n")
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
    def __init__(self, directory):
        self.directory = directory
        self.log = open(f"{directory}/log", "ab")
        self.process = None

    def start(self):
        read_end, write_end = os.pipe()
        self.process = subprocess.Popen(
            [f"{BUILD}/sbin/smtpd", "--queue", "--config", f"{self.directory}/posada.toml", "--ready-fd", str(write_end)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[write_end])
        os.close(write_end)
        ready = os.read(read_end, 1)
        os.close(read_end)
        if not ready:
            raise SystemExit("smtpd --queue did not start; see " + self.directory + "/log")

    def kill_one(self, chance):
        """Kills one process of the service; returns what it was."""
        below = children_of(self.process.pid)
        victim = chance.choice([self.process.pid] + below)
        try:
            with open(f"/proc/{victim}/cmdline") as f:
                name = f.read().replace("\0", " ").strip()
            os.kill(victim, signal.SIGKILL)
        except (OSError, ProcessLookupError):
            return "gone"
        if victim != self.process.pid:
            return "queue" if "smtpd-queue" in name else "agent"
        self.process.wait()
        # Its programs see the end of their channel and go; the next queue must not meet the old one at the spool.
        deadline = time.monotonic() + 10
        while any(os.path.exists(f"/proc/{pid}") and not zombie(pid) for pid in below) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.start()
        return "service"

    def stop(self):
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


def read_mailboxes(directory):
    """(user, token) -> copies, and what is wrong with single files."""
    copies, wrong = collections.Counter(), []
    for user in USERS:
        new = f"{directory}/mail/{user}/Maildir/new"
        for name in os.listdir(new) if os.path.isdir(new) else []:
            with open(f"{new}/{name}", "rb") as f:
                text = f.read()
            token = re.search(rb"^X-Token: (\d+)$", text, re.M)
            if not token or not text.endswith(b"end of " + token.group(1) + b"\n"):
                wrong.append(f"{user}: {name} is not a whole message")
                continue
            copies[(user, int(token.group(1)))] += 1
    return copies, wrong


def judge(directory, acks):
    acked, handed_in = read_acks(acks)
    copies, wrong = read_mailboxes(directory)
    for token in acked:
        for user in USERS:
            if copies[(user, token)] == 0:
                wrong.append(f"{user}: message {token} was acknowledged and is lost")
    for (user, token), count in copies.items():
        if count > handed_in[token]:
            wrong.append(f"{user}: message {token} is there {count} times, handed in {handed_in[token]} times")
    return len(acked), wrong


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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    directory = tempfile.mkdtemp(prefix="posada-kills-")
    os.chmod(directory, 0o755)
    configuration(directory)
    service = Service(directory)
    service.start()
    acks = f"{directory}/acks"
    open(acks, "w").close()
    victims, accepted_until = collections.Counter(), 1
    wrong = []
    while sum(victims.values()) < options.kills:
        # A load of a few hundred messages at a time; the last one is left to finish by itself.
        count = 400
        load = subprocess.Popen([f"{BUILD}/tests/crash-inject", "--run-dir", f"{directory}/run", "--to",
                                 ",".join(f"{u}@micasa.test" for u in USERS), "--count", str(count), "--window", "20",
                                 "--size", str(chance.choice([300, 1000, 4096, 30000])), "--acks", acks,
                                 "--first", str(accepted_until)], stdout=subprocess.DEVNULL)
        accepted_until += count
        while load.poll() is None and sum(victims.values()) < options.kills:
            time.sleep(chance.uniform(0.0, 0.06))
            victims[service.kill_one(chance)] += 1
        if load.wait(timeout=120) != 0:
            wrong.append("the load could not be handed in")
            break
    if not wait_until_empty(directory, 120):
        wrong.append("the queue does not become empty")
    service.stop()
    accepted, more = judge(directory, acks)
    wrong += more
    for line in wrong[:20]:
        print("violation:", line)
    print("victims:", ", ".join(f"{name} {n}" for name, n in sorted(victims.items())), f"(seed {options.seed})")
    if wrong:
        print("kept:", directory)
    else:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"kills={options.kills} accepted={accepted} violations={len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
