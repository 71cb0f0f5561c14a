#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages per second accepted and delivered: posada beside Debian's Postfix, and the bare disk loops as the limit.

One machine, one file system, one run; each row alternates the two servers for several rounds and prints the medians,
their spread and the ratio. The load is Postfix's own smtp-source. Both promise the same: 250 after the message is on
stable storage, mailbox files synced. `run.py [--rounds N] [--quick]`; needs root, since both switch to the recipient.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_port  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build/opt")
PEER = os.path.join(ROOT, "build/peers/postfix")
WORK = os.path.join(ROOT, "build/bench")
MESSAGE_OCTETS = 4096
POSTFIX_USER = "games"


class Postfix:
    name = "postfix"

    def __init__(self):
        self.dir = os.path.join(WORK, "postfix")
        shutil.rmtree(self.dir, ignore_errors=True)
        self.port = free_port()
        self.recipient = POSTFIX_USER + "@bench.test"
        subprocess.run([os.path.join(ROOT, "tests/bench/postfix.sh"), "start", self.dir, str(self.port), POSTFIX_USER],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)
        self.new = os.path.join(self.dir, "mail", POSTFIX_USER, "new")

    def stop(self):
        subprocess.run([os.path.join(ROOT, "tests/bench/postfix.sh"), "stop", self.dir], check=True, timeout=60)


class Posada:
    name = "posada"

    def __init__(self):
        self.dir = os.path.join(WORK, "posada")
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        ready, ready_write = os.pipe()
        os.set_inheritable(ready_write, True)
        self.process = subprocess.Popen([os.path.join(BUILD, "bin/posada"), "demo", "--dir", self.dir, "--base-port", "0",
                                         "--ready-fd", str(ready_write)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, pass_fds=[ready_write])
        os.close(ready_write)
        if os.read(ready, 1) != b"\n":
            sys.exit("posada demo did not start; see " + self.dir + "/log")
        with open(os.path.join(self.dir, "endpoints.json")) as f:
            endpoints = json.load(f)
        self.port = endpoints["services"]["smtp"]["port"]
        self.recipient = "daniel@" + endpoints["domain"]
        self.new = find_maildir(endpoints["maildir_root"], "daniel")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def find_maildir(root, user):
    for folder, _, _ in os.walk(root):
        if os.path.basename(folder) == user:
            return os.path.join(folder, "Maildir", "new")
    sys.exit(f"no mailbox of {user} below {root}")


def count(folder):
    try:
        return len(os.listdir(folder))
    except FileNotFoundError:
        return 0


def empty(folder):
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        os.unlink(os.path.join(folder, name))


def load(server, connections, messages, kept):
    """Messages per second (accepted, delivered)."""
    empty(server.new)
    command = [os.path.join(PEER, "usr/sbin/smtp-source"), *(["-d"] if kept else []), "-l", str(MESSAGE_OCTETS),
               "-m", str(messages), "-s", str(connections), "-f", "sender@bench.test", "-t", server.recipient,
               f"127.0.0.1:{server.port}"]
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(PEER, "usr/lib/postfix"))
    began = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment,
                   timeout=300)
    accepted = time.monotonic() - began
    while count(server.new) < messages:
        if time.monotonic() - began > 300:
            sys.exit(f"{server.name}: {count(server.new)} of {messages} delivered after 300 s")
        time.sleep(0.01)
    return messages / accepted, messages / (time.monotonic() - began)


def spread(values):
    return f"{statistics.median(values):7.0f} ({min(values):.0f}-{max(values):.0f})"


def row(servers, connections, messages, kept, rounds):
    results = {s.name: ([], []) for s in servers}
    for _ in range(rounds):
        for server in servers:
            accepted, delivered = load(server, connections, messages, kept)
            results[server.name][0].append(accepted)
            results[server.name][1].append(delivered)
    for index, what in enumerate(("accepted", "delivered")):
        ours, theirs = results["posada"][index], results["postfix"][index]
        ratio = statistics.median(ours) / statistics.median(theirs)
        print(f"{connections:4} conn, {'kept' if kept else 'new ':4}  {what:9}  posada {spread(ours):>22}/s   "
              f"postfix {spread(theirs):>22}/s   ratio {ratio:5.2f}", flush=True)
        yield ratio


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a fifth of the messages: a smoke test, not a measurement")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root: both servers deliver as the recipient")
    os.makedirs(WORK, exist_ok=True)
    subprocess.run([os.path.join(ROOT, "tests/bench/postfix.sh"), "unpack"], check=True)
    share = 5 if arguments.quick else 1
    print(f"{MESSAGE_OCTETS}-octet messages, 1 recipient, {arguments.rounds} alternating rounds; median (min-max)")
    bare = os.path.join(BUILD, "tests/bare-loops")
    if os.path.exists(bare):
        subprocess.run([bare, WORK], check=True)
    servers = [Posada(), Postfix()]
    try:
        ratios = [ratio for kept in (True, False) for connections, messages in ((1, 1000), (20, 3000), (100, 3000))
                  for ratio in row(servers, connections, messages // share, kept, arguments.rounds)]
    finally:
        for server in servers:
            server.stop()
    behind = sum(1 for ratio in ratios if ratio < 1)
    print(f"{len(ratios) - behind} rows ahead of Postfix, {behind} behind; smallest ratio {min(ratios):.2f}")


if __name__ == "__main__":
    main()
