#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is linked where. A net program holds no code that opens accounts, starts programs or listens; a program that runs
as root holds exactly the objects that priv.objects lists, none of which parses a protocol.

    links.py            checks, prints one line per failure and a summary
    links.py --objects  prints priv.objects anew (read the difference before you commit it: it is the list of root code)
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
LIST = os.path.join(ROOT, "priv.objects")
TEST_DAEMONS = {"echod", "echod-net", "echod-shared", "echod-shared-net"}

NET_LIBRARIES = {"libevent_core-2.1.so.7", "libssl.so.3", "libcrypto.so.3", "libc.so.6", "libm.so.6"}
QUEUE_LIBRARIES = {"libsqlite3.so.0"}
# Imported functions: accounts, PAM, programs, name resolution (NSS), listening.
NET_FORBIDDEN = re.compile(r"pam_.*|crypt(_.*)?|get(pw|gr|sp)(nam|uid|gid|ent)(_r)?|getgrouplist|initgroups|getaddrinfo|"
                           r"gethostby.*|getnameinfo|exec[vl].*|fexecve|system|popen|posix_spawnp?|dlopen|bind|listen")
NET_FORBIDDEN_OBJECTS = re.compile(r"common/(auth|store)/.*|common/service/(launch|login)/.*|common/service/config/config.*|"
                                   r"common/io/tls_server_sign\.cc|"
                                   r"common/priv/(process|agent)\.cc|.*/(main|monitor|agent|deliver|spool\w*|sqlite|"
                                   r"lookup_worker|queue_service)\.cc")
# What the queue has beside: the spool, in its own program.
QUEUE_OBJECTS = re.compile(r"smtpd/(spool\w*|sqlite)\.cc")
# A parser of what strangers send, in root: never. The address of a recipient is data of the queue, checked there.
ROOT_FORBIDDEN_OBJECTS = re.compile(r"common/proto/.*|common/io/(stream|tls_session|tls_remote_key|tls\.).*|common/service/net/.*|"
                                    r".*/(session(_\w+)?|commands|conn|net_main|body|received)\.cc")


def programs(folder):
    path = os.path.join(BUILD, folder)
    names = sorted(os.listdir(path)) if os.path.isdir(path) else []
    return [os.path.join(folder, name) for name in names if name not in TEST_DAEMONS]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def libraries(program):
    return set(re.findall(r"NEEDED.*\[(lib.*)\]", run("readelf", "-d", os.path.join(BUILD, program))))


def imports(program):
    out = run("nm", "-D", "--undefined-only", os.path.join(BUILD, program))
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def objects(program):
    """The translation units that really are in the program, by its debug information."""
    out = run("readelf", "--debug-dump=info", "--dwarf-depth=1", os.path.join(BUILD, program))
    return set(re.findall(r"DW_AT_name +:(?: \(.*\):)? (\S+\.cc)$", out, re.M))


def check_net(program):
    allowed = NET_LIBRARIES | (QUEUE_LIBRARIES if program.endswith("-queue") else set())
    for library in sorted(libraries(program) - allowed):
        yield f"links {library}"
    # The queue's socket is bound by `smtpd --queue`, so the same holds for the queue.
    # ftpd-net listens on sockets that its monitor has bound; it has no way to make or to bind one.
    may_listen = {"listen"} if program.endswith("/ftpd-net") else set()
    for name in sorted(set(filter(NET_FORBIDDEN.fullmatch, imports(program))) - may_listen):
        yield f"calls {name}()"
    forbidden = {o for o in objects(program) if NET_FORBIDDEN_OBJECTS.fullmatch(o)}
    if program.endswith("-queue"):
        forbidden = {o for o in forbidden if not QUEUE_OBJECTS.fullmatch(o)}
    for name in sorted(forbidden):
        yield f"contains {name}"


def read_list():
    listed = {}
    with open(LIST) as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                listed[words[0]] = set(words[1:])
    return listed


def root_objects():
    found = {}
    for program in programs("sbin"):
        for name in objects(program):
            found.setdefault(name, set()).add(os.path.basename(program))
    return found


def check_root(program, listed):
    name, have = os.path.basename(program), objects(program)
    want = {o for o, users in listed.items() if name in users}
    if not have:
        yield "has no debug information: nothing can be said about its objects"
    for o in sorted(have - want):
        yield f"contains {o}, which priv.objects does not list for it"
    for o in sorted(want - have):
        yield f"does not contain {o}, which priv.objects lists for it"
    for o in sorted(o for o in have if ROOT_FORBIDDEN_OBJECTS.fullmatch(o) and not o.startswith("common/store/")):
        yield f"contains {o}: no parser of network input runs as root"


def print_objects():
    print("# SPDX-License-Identifier: BSD-2-Clause")
    print("# Every object that is linked into a program which runs as root, and into which. tests/priv/links.py compares it with")
    print("# the programs; `tests/priv/links.py --objects` prints it anew. A line added here is code added to root.")
    for name, users in sorted(root_objects().items()):
        print(f"{name:42} {' '.join(sorted(users))}")


def main():
    if sys.argv[1:] == ["--objects"]:
        return print_objects()
    passed = failed = 0
    listed = read_list()
    checks = [(p, check_net(p)) for p in programs("libexec/posada")]
    checks += [(p, check_root(p, listed)) for p in programs("sbin")]
    for program, wrong in checks:
        wrong = list(wrong)
        passed, failed = passed + (not wrong), failed + bool(wrong)
        print(f"{'FAIL' if wrong else 'ok'}: links of {program}")
        for sentence in wrong:
            print(f"    {program} {sentence}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
