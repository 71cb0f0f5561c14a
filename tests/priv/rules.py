# SPDX-License-Identifier: BSD-2-Clause
"""What must hold for a process of posada. Each rule yields the sentences that are wrong; none = all is well."""
import re

CONNECTION_FDS = "256"
# Beside 0-2: sockets (not listening), the event loop's own, sealed memfds.
NET_FD = re.compile(r"socket:\[\d+\]|anon_inode:\[(eventpoll|eventfd|timerfd)\]|pipe:\[\d+\]|/memfd:posada-.*")
RULESET = "anon_inode:[landlock-ruleset]"


def confined(p, root_mode, own_uid):
    """Of every process that reads what strangers send or acts for a user."""
    if p.status["Seccomp"] != "2":
        yield "has no system call filter"
    yield from powerless(p, root_mode, own_uid)


def powerless(p, root_mode, own_uid):
    """An identity without rights, for good."""
    if p.status["NoNewPrivs"] != "1":
        yield "could gain privileges by exec"
    if p.limit("Max core file size") != ["0", "0"]:
        yield "could dump core"
    if p.capabilities() and root_mode:
        yield f"has capabilities in {p.capabilities()}"
    if {"CapEff", "CapPrm", "CapAmb"} & set(p.capabilities()):
        yield "has effective or permitted capabilities"
    if root_mode and (0 in p.uids or 0 in p.gids or 0 in p.groups):
        yield "is or may become root"
    if len(p.uids) != 1 or len(p.gids) != 1:
        yield f"keeps more than one identity: {p.uids} {p.gids}"
    if not root_mode and p.uids != {own_uid}:
        yield f"runs as {p.uids}, not as {own_uid}"


def closed(p, allowed, listening):
    """No descriptor that the process was not meant to have."""
    for fd, target in sorted(p.fds.items()):
        if fd < 2 and target != "/dev/null":
            yield f"descriptor {fd} is {target}"
        if fd > 2 and not allowed(target):
            yield f"has descriptor {fd} open: {target}"
        if target.startswith("socket:[") and target[8:-1] in listening:
            yield f"holds a listening socket on descriptor {fd}"


def zygote(p, listening):
    yield from closed(p, lambda t: NET_FD.fullmatch(t) or t == RULESET, listening)
    if sum(t == RULESET for t in p.fds.values()) > 1:
        yield "keeps more than the one ruleset its children need"


def connection(p, listening):
    yield from closed(p, NET_FD.fullmatch, listening)
    yield from childless(p)
    receives_files = p.program == "ftpd-net"
    if not receives_files and p.limit("Max file size") != ["0", "0"]:
        yield "could write files it is given"
    if p.limit("Max open files") != [CONNECTION_FDS, CONNECTION_FDS]:
        yield "may open many descriptors"


def signer(p, listening):
    yield from closed(p, lambda t: t.startswith("socket:["), listening)
    yield from childless(p)
    if len(p.fds) != 5:
        yield f"holds more than its channel and the log: {p.fds}"
    if p.limit("Max open files") != ["16", "16"]:
        yield "may open many descriptors"


def shared_net(p, listening):
    yield from closed(p, NET_FD.fullmatch, listening)
    yield from childless(p)
    if p.limit("Max file size") != ["262144", "262144"]:
        yield "could write more than a memfd of 256 KiB"


def childless(p):
    if p.limit("Max processes") != ["0", "0"]:
        yield "may fork as far as its limits go"
