#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The arrows of the source tree, read from the #include lines:
    base <- {proto, io, priv, store, auth} <- service <- daemons, supervisor, ctl
The rooms in braces do not know each other; daemons do not know each other; supervisor and ctl see of a daemon only its
options (the configuration schema), its commands (the tables their documents come from) and how to ask the queue. common/proto and every
session*/commands* file of a daemon, and whatever says "Pure" in its head, are pure: base, proto and their own kind only, no system header that does I/O.
In common/service: what both sides of a daemon say to each other <- config <- launch <- login, the root side, and <- net,
the side that speaks with clients; the two sides do not know each other."""
import os
import re
import subprocess
import sys

ROOMS = {"proto", "io", "priv", "store", "auth"}
SERVICE = {"": set(), "config": {""}, "launch": {"", "config"}, "login": {"", "config", "launch"}, "net": {""}}
TOOLS = {"supervisor", "ctl", "clients"}
PURE_SYSTEM = re.compile(r"^(unistd\.h|fcntl\.h|poll\.h|netdb\.h|pwd\.h|sys/|event2/|openssl/ssl|security/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def room(path):
    """'base', 'proto' ... 'service', or the top folder of anything outside common/."""
    parts = path.split("/")
    return parts[1] if parts[0] == "common" else parts[0]


def side(path):
    """Of a file of common/service: 'launch', 'net' ... or '' for what all of them share."""
    parts = path.split("/")
    return parts[2] if len(parts) > 3 else ""


def says_pure(path):
    """Whether the head of a file claims it."""
    with open(path) as file:
        return any(re.match(r"//.*\bPure\b", line) for line in file.readlines()[:12])


def is_pure(path):
    stem = os.path.basename(path)
    if path.startswith("common/proto/") or says_pure(path):
        return True
    return not path.startswith(("common/", "tests/")) and stem.startswith(("session", "commands"))


def allowed(path, target):
    """Why `path` may not include `target`, or None."""
    here, there = room(path), room(target)
    in_common = path.startswith("common/")
    target_common = target.startswith("common/")
    if here == there == "service" and in_common and target_common:
        known = side(path) == side(target) or side(target) in SERVICE[side(path)]
        return None if known else f"service/{side(path)} must not include service/{side(target)}"
    if here == there and in_common == target_common:
        return None
    if in_common:
        if not target_common:
            return "common/ must not know a daemon"
        if here == "base":
            return "base stands alone"
        if here in ROOMS and there != "base":
            return f"{here} may include base only"
        return None
    if target_common:
        return None
    if here in TOOLS and os.path.basename(target) in ("options.h", "commands.h", "queue_open.h"):
        return None
    return f"{here} must not include {there}"


def impure(path, target, quoted):
    if not quoted:
        return "a pure file does no I/O" if PURE_SYSTEM.match(target) else None
    if target.startswith("common/") and room(target) not in ("base", "proto"):
        return "a pure file sees base and proto only"
    if target == "common/base/fd.h":
        return "a pure file holds no descriptor"
    return None


def check(path):
    problems = []
    with open(path, encoding="utf-8") as source:
        text = source.read()
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        why = allowed(path, target) if quoted and "/" in target else None
        if quoted and "/" not in target:
            why = "include with the path from the top of the tree"
        if not why and is_pure(path):
            why = impure(path, target, quoted)
        if why:
            problems.append(f"{path}:{number}: #include {target}: {why}")
    if is_pure(path) and re.search(r"\bSystemClock\b", text):
        problems.append(f"{path}: a pure file is told the time, it does not read a clock")
    return problems


def main():
    listed = subprocess.run(["git", "ls-files", "*.cc", "*.h"], capture_output=True, text=True, check=True).stdout
    files = [f for f in listed.split() if not f.startswith("tests/") and os.path.exists(f)]
    problems = [p for f in files for p in check(f)]
    print("\n".join(problems))
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
