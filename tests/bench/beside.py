# SPDX-License-Identifier: BSD-2-Clause
"""What the measurements beside other servers share: rounds that alternate, medians and spread, memory of process trees."""
import argparse
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build/opt")
PASSWORD = "hungry"
CHEAP_SALT = "$y$j1T$abcdefgh$"  # yescrypt, about 0.2 ms: what is compared is the servers, not the hash


def cheap_hash():
    return subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, CHEAP_SALT], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def certificate(folder):
    chain, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", chain], check=True, stderr=subprocess.DEVNULL)
    return chain, key


def descendants(pid):
    """pid and all below it."""
    parents = {}
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
            parents[int(number)] = int(file.read().rsplit(")", 1)[1].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def memory(pid):
    """(PSS, private) of pid and all below it, KiB."""
    pss = private = 0
    for process in descendants(pid):
        with contextlib.suppress(OSError), open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == "Pss:":
                    pss += int(words[1])
                elif words[0].startswith("Private_") and words[0] != "Private_Hugetlb:":
                    private += int(words[1])
    return pss, private


def spread(values):
    middle = statistics.median(values)
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def alternate(servers, rounds, what):
    """{server: [what(server), ...]}; who begins changes with each round."""
    figures = {server: [] for server in servers}
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            figures[server].append(what(server))
    return figures


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
        file.write("3")


def arguments(doc, quick):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--only", default="", help="rows whose name this regular expression finds")
    parser.add_argument("--list", action="store_true", help="prints the names of the rows")
    parser.add_argument("--keep", action="store_true", help="leaves the files and the logs")
    return parser.parse_args()


def chosen(rows, options):
    return [row for row in rows if re.search(options.only, row.name)]


@contextlib.contextmanager
def work_folder(keep, parent="/var/tmp"):
    """It goes at the end, whatever that is."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended by SIGTERM"))  # the servers end too
    work = tempfile.mkdtemp(prefix="posada-bench-", dir=parent)
    os.chmod(work, 0o711)
    try:
        yield work
    finally:
        if keep:
            print("kept: " + work)
        else:
            shutil.rmtree(work)
