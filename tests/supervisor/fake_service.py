#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stands in for smtpd and pop3d: writes what it was given to $FAKE_DIR/<name>.<argument>.json, says READY=1, and then does
what $FAKE_DIR/<name>.mode says: serve (default), exit N at once, say why before it, ignore SIGTERM, have a helper, never
ready, answer on its sockets."""
import json
import os
import signal
import socket
import stat
import sys
import time

name = os.path.basename(sys.argv[0])
role = [a.lstrip("-") for a in sys.argv[1:] if a in ("--queue", "--submission")]
name = role[0] if role else name
folder = os.environ["FAKE_DIR"]


def mode():
    try:
        return open(f"{folder}/{name}.mode", encoding="ascii").read().split()
    except FileNotFoundError:
        return ["serve"]


def notify(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def signals(which):
    return int(open("/proc/self/status", encoding="ascii").read().split(which + ":")[1].split()[0], 16)


fds = []
for entry in os.listdir("/proc/self/fd"):
    try:
        kind = "socket" if stat.S_ISSOCK(os.fstat(int(entry)).st_mode) else os.readlink(f"/proc/self/fd/{entry}")
    except OSError:
        continue
    fds.append([int(entry), kind])
state = {
    "pid": os.getpid(), "pgid": os.getpgid(0), "ppid": os.getppid(), "argv": sys.argv[1:], "fds": sorted(fds),
    "listen_pid": os.environ.get("LISTEN_PID"), "listen_fds": os.environ.get("LISTEN_FDS"),
    "names": os.environ.get("LISTEN_FDNAMES"), "blocked": signals("SigBlk"), "ignored": signals("SigIgn"),
    "hups": 0,
}


def save():
    with open(f"{folder}/{name}.json.new", "w", encoding="ascii") as out:
        json.dump(state, out)
    os.rename(f"{folder}/{name}.json.new", f"{folder}/{name}.json")


def hup(*_):
    state["hups"] += 1
    save()


signal.signal(signal.SIGHUP, hup)
what = mode()
if what[0] == "ignore-term":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:  # a helper that must be ended with its leader
        time.sleep(600)
        os._exit(0)
if what[0] == "helper" and os.fork() == 0:
    time.sleep(600)
    os._exit(0)
if what[0] == "slow-term":
    signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), os._exit(0)))
with open(f"{folder}/{name}.starts", "a", encoding="ascii") as out:
    out.write(f"{time.monotonic()}\n")
save()
if what[0] == "says":
    notify("STATUS=cannot start: /x/chain.pem\tis damaged")
    what = what[1:]
if what[0] == "exit":
    sys.exit(int(what[1]))
if what[0] != "never-ready":
    notify("STATUS=hello\nREADY=1")
for fd in range(3, 3 + int(os.environ.get("LISTEN_FDS", "0"))):
    socket.socket(fileno=os.dup(fd)).setblocking(True)
listeners = [socket.socket(fileno=3 + i) for i in range(int(os.environ.get("LISTEN_FDS", "0")))]
while True:
    if not listeners:
        time.sleep(600)
        continue
    client, _ = listeners[0].accept()
    client.sendall(f"{name} {os.getpid()}\r\n".encode())
    client.close()
