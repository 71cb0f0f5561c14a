# SPDX-License-Identifier: BSD-2-Clause
"""What a captured process could do: system calls made in its name (tests/inject), and what must come of them."""
import os
import platform
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INJECT = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"), "tests", "inject")

AT_FDCWD = -100
O_RDONLY, O_RDWR = 0, 2
AF_UNIX, AF_INET, SOCK_STREAM, SOCK_DGRAM = 1, 2, 1, 2
SIGTERM, SIGCHLD, SIGSYS = 15, 17, 31
READ_EXEC, PRIVATE_ANONYMOUS = 5, 0x22
RLIMIT_NOFILE = 7
EACCES = "result -13"
TRAPPED = "trapped"


def possible():
    return platform.machine() == "x86_64"


def inject(p, call, *arguments):
    out = subprocess.run([INJECT, str(p.pid), call, *map(str, arguments)], capture_output=True, text=True, timeout=10)
    if out.returncode != 0:
        raise AssertionError(f"{call} could not be tried on {p}: {out.stderr.strip()}")
    return out.stdout.strip()


def expect(p, wanted, call, *arguments):
    got = inject(p, call, *arguments)
    if got != wanted:
        yield f"{call}{arguments}: {got}, wanted: {wanted}"


def succeeds(p, call, *arguments):
    """A control: the refusals beside it are not refusals of everything."""
    got = inject(p, call, *arguments)
    if not got.startswith("result ") or int(got[7:]) < 0:
        yield f"{call}{arguments}: {got}, although it is permitted"
    elif call in ("openat", "socket"):
        inject(p, "close", got[7:])


def on_anybody(p):
    """No process of ours that handles the input of others can do any of this."""
    yield from expect(p, f"result {p.pid}", "getpid")
    yield from expect(p, TRAPPED, "kill", p.parent, SIGTERM)
    yield from expect(p, TRAPPED, "prlimit64", p.parent, RLIMIT_NOFILE, 0, 0)
    yield from expect(p, TRAPPED, "mmap", 0, 4096, READ_EXEC, PRIVATE_ANONYMOUS, -1, 0)
    yield from expect(p, TRAPPED, "setuid", 0)
    yield from expect(p, TRAPPED, "bind", 0, 0, 0)


def on_network(p, forks=False):
    yield from on_anybody(p)
    yield from expect(p, TRAPPED, "openat", AT_FDCWD, "@/etc/passwd", O_RDONLY)
    yield from expect(p, TRAPPED, "openat", AT_FDCWD, "@/proc/self/mem", O_RDWR)
    yield from expect(p, TRAPPED, "socket", AF_INET, SOCK_STREAM, 0)
    yield from expect(p, TRAPPED, "connect", 0, 0, 0)
    if not forks:
        yield from expect(p, TRAPPED, "clone", SIGCHLD, 0, 0, 0, 0)


def on_relay(p):
    yield from on_anybody(p)
    yield from succeeds(p, "socket", AF_INET, SOCK_STREAM, 0)
    yield from expect(p, TRAPPED, "socket", AF_INET, SOCK_DGRAM, 0)
    yield from expect(p, TRAPPED, "socket", AF_UNIX, SOCK_STREAM, 0)
    yield from expect(p, TRAPPED, "listen", 0, 1)
    yield from expect(p, TRAPPED, "openat", AT_FDCWD, "@/etc/passwd", O_RDONLY)
    yield from expect(p, TRAPPED, "clone", SIGCHLD, 0, 0, 0, 0)


def on_files(p, own, others):
    """own: a path it lives from; others: paths that only Landlock keeps from it, or its uid."""
    yield from on_anybody(p)
    yield from expect(p, TRAPPED, "socket", AF_INET, SOCK_STREAM, 0)
    yield from expect(p, TRAPPED, "clone", SIGCHLD, 0, 0, 0, 0)
    yield from succeeds(p, "openat", AT_FDCWD, "@" + own, O_RDONLY)
    for path in others:
        yield from expect(p, EACCES, "openat", AT_FDCWD, "@" + path, O_RDONLY)


def fatal(p):
    yield from expect(p, f"killed {SIGSYS}", "execve", "@/bin/true", 0, 0)
