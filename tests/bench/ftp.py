#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""FTP: posada beside vsftpd, ProFTPD and Pure-FTPd on the same files, and beside bare loops of sendfile, recv, SSL_write,
SSL_read and fstatat, which are what is possible.

One machine, one file system, one run, one client for all (tests/bench/ftp_load.cc): it waits for each reply, and pins
TLS version, cipher and group. Rounds alternate, and so does who begins; medians and spread are printed. Ratios are to
vsftpd, where it can do the thing, else to the fastest of the others.
ftp.py [--rounds N] [--quick] [--only REGEX] [--list] [--keep]; needs root: the servers switch to the user.
Debian's settings hold (tests/support/ftp_peers.py), but for limits that would refuse the load and ProFTPD's delays at
logins. posada's sessions log in by its users file, the others' by PAM, with the same cheap hash; PAM has a row of its own.
"""
import glob
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import beside  # noqa: E402
import ftp_peers  # noqa: E402
from beside import BUILD, PASSWORD, spread  # noqa: E402

USER, PAM_USER, UID = "bench", "benchpam", 61300
GIB = 1 << 30
SMALL = 4096
ENTRIES = 100_000
IDLE = 50
LOAD = os.path.join(BUILD, "tests/ftp-load")


class Posada(ftp_peers.Peer):
    name = "posada"

    def unpacked(self):
        os.makedirs(f"{self.dir}/nothing/usr")
        return f"{self.dir}/nothing"

    def configure(self):
        for folder in ("state", "run", "state/ftp"):
            os.mkdir(f"{self.dir}/{folder}", 0o711)
        for path in glob.glob(os.path.join(beside.ROOT, "packaging/pam.d/*")):
            with open(path, encoding="utf-8") as text:
                self.write("pam.d/" + os.path.basename(path), text.read())
        user = next(account for account in self.accounts if account.name == USER)
        os.symlink(user.home, f"{self.dir}/state/ftp/{USER}")  # where users of that file have theirs
        self.write("posada/users", f"{USER}:{user.hashed}::{user.uid}:{user.uid}:{user.home}\n", 0o600)
        self.write("posada/posada.toml", f'''hostname = "bench.test"
uid_base = 61184
[paths]
state_dir = "{self.dir}/state"
run_dir = "{self.dir}/run"
[tls]
chain = "{self.certificate[0]}"
key = "{self.certificate[1]}"
[log]
target = "stderr"
[limits]
per_source = 5000
per_service = 5000
[[ftpd.listen]]
name = "ftp"
address = ["127.0.0.1"]
port = {self.port}
tls = "starttls"
''')

    def command(self):
        return [os.path.join(BUILD, "sbin/ftpd"), "--config", "/etc/posada/posada.toml"]


class Bare:
    """Not a server: the loops that ftp-load has."""
    name, listing = "bare", ""

    def __init__(self, home, certificate):
        self.home, self.certificate, self.dir = home, certificate, home

    def stop(self):
        """Each ends by itself."""


def load(server, mode, user=USER, **options):
    words = [LOAD, "--mode", mode]
    if server.name == "bare":
        words[2] = "bare-" + mode
        options["file"] = os.path.join(server.home, options["file"])
        words += ["--cert", server.certificate[0], "--key", server.certificate[1]]
    else:
        words += ["--user", user, "--password", PASSWORD, "--port", str(server.port)]
    for name, value in options.items():
        words += [] if value is False else ["--" + name] if value is True else ["--" + name, str(value)]
    return words


def measured(server, *what, **options):
    out = subprocess.run(load(server, *what, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=600)
    if out.returncode != 0:
        sys.exit(f"{server.name}: the load {what} {options} failed; see {server.dir}/log")
    return json.loads(out.stdout)


class Row:
    """what(server) is one figure; higher is better unless lower. goal: of the ratio; bare: of that to the bare loop."""

    def __init__(self, name, unit, what, goal, lower=False, bare=None, without=()):
        self.name, self.unit, self.what, self.goal, self.lower = name, unit, what, goal, lower
        self.bare, self.without = bare, without

    def run(self, servers, rounds):
        taking = [s for s in servers if s.name not in self.without and (self.bare is not None or s.name != "bare")]
        figures = {server.name: values for server, values in beside.alternate(taking, rounds, self.what).items()}
        print(f"{self.name} [{self.unit}]")
        ours = statistics.median(figures["posada"])
        ratios = {name: ours / statistics.median(values) for name, values in figures.items()}
        if self.lower:
            ratios = {name: 1 / ratio for name, ratio in ratios.items()}
        for name, values in figures.items():
            print(f"    {name:10} {spread(values):>28}" + ("" if name == "posada" else f"   posada is {ratios[name]:.2f} of it"))
        others = [ratio for name, ratio in ratios.items() if name not in ("posada", "bare")]
        ratio = ratios.get("vsftpd", min(others))
        met = ratio >= self.goal and (self.bare is None or ratios["bare"] >= self.bare)
        wanted = f"{self.goal}" + ("" if self.bare is None else f", and {self.bare} of the bare loop")
        print(f"    {'met' if met else 'MISSED'}: {ratio:.2f}, goal {wanted}", flush=True)
        return met


def bulk(mode, size, **options):
    def what(server):
        name = f"{server.name}.{mode}" if mode == "stor" else "text" if options.get("ascii") else "big"
        seconds = measured(server, mode, file=name, size=size, **options)["work"]
        if mode == "stor":
            remove(name)
        return size / (1 << 20) / seconds
    return what


def small(mode, count, sessions, **options):
    def what(server):
        prefix = f"small/{server.name}." if mode == "stor" else "small/f"
        seconds = measured(server, mode, file=prefix, size=SMALL, total=count, sessions=sessions, **options)["work"]
        if mode == "stor":
            for number in range(count):
                remove(f"{prefix}{number}")
        return count / seconds
    return what


def listing(command):
    def what(server):
        got = measured(server, "list", file="many", command=command)
        if not ENTRIES <= got["lines"] <= ENTRIES + 3:  # "." and ".." of some, the sum of others
            sys.exit(f"{server.name}: {got['lines']} lines of {ENTRIES}")
        return ENTRIES / got["work"] / 1000
    return what


def logins(total, sessions, **options):
    return lambda server: total / measured(server, "login", total=total, sessions=sessions, **options)["work"]


def first_octet(total, **options):
    return lambda server: 1000 * measured(server, "first", total=total, file="small/f0", **options)["work"] / total


def memory(which, **options):
    def what(server):
        measured(server, "login", total=1)
        before = beside.memory(server.pid)[which]
        with subprocess.Popen(load(server, "idle", sessions=IDLE, **options), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            during = beside.memory(server.pid)[which]
            process.stdin.close()
        return (during - before) / IDLE
    return what


def rows(share):
    size, count = GIB // share, 10_000 // share
    for mode in ("retr", "stor"):
        yield Row(f"{mode.upper()} 1 GiB, plain", "MiB/s", bulk(mode, size), 1.0, bare=0.95)
        yield Row(f"{mode.upper()} 1 GiB, TLS 1.3", "MiB/s", bulk(mode, size, tls=True), 1.3, bare=0.95)
        yield Row(f"{mode.upper()} 1 GiB of text, ASCII", "MiB/s", bulk(mode, size, ascii=True), 1.0)
    for mode in ("retr", "stor"):
        for sessions in (1, 16):
            name = f"{mode.upper()} {count:,} files of 4 KiB, {sessions} connection{'s' if sessions > 1 else ''}"
            yield Row(name, "files/s", small(mode, count, sessions), 2.0)
    yield Row("RETR files of 4 KiB, TLS 1.3, 1 connection", "files/s", small("retr", count // 10, 1, tls=True), 1.3)
    yield Row("LIST of 100,000 files", "1000 files/s", listing("LIST"), 2.0, bare=0.8)
    yield Row("MLSD of 100,000 files", "1000 files/s", listing("MLSD"), 2.0, bare=0.8, without=("vsftpd",))
    for sessions in (1, 8):
        yield Row(f"logins, {sessions} at once", "/s", logins(500 // share, sessions), 2.0)
    yield Row("logins, PAM, 8 at once", "/s", logins(500 // share, 8, user=PAM_USER), 2.0)
    yield Row("logins, TLS 1.3, 8 at once", "/s", logins(500 // share, 8, tls=True), 2.0)
    yield Row("connect, log in, first octet of a file", "ms", first_octet(100 // share), 2.0, lower=True)
    for tls in (False, True):
        for which, word in ((0, "PSS"), (1, "private")):
            yield Row(f"memory of an idle session, {'TLS' if tls else 'plain'}, {word}", "KiB", memory(which, tls=tls), 2.0,
                      lower=True)


home = ""


def remove(name):
    os.unlink(os.path.join(home, name))


def make_files(share):
    """What is read: in memory when the rounds begin, as all of it has just been written."""
    for folder in ("", "small", "many"):
        os.makedirs(os.path.join(home, folder), exist_ok=True)
    with open(f"{home}/big", "wb") as file:
        for _ in range(GIB // share >> 20):
            file.write(os.urandom(1 << 20))
    with open(f"{home}/text", "wb") as file:
        for _ in range(GIB // share >> 20):
            file.write((b"All work and no play makes a long and even text of 64 octets.." + b"\n") * ((1 << 20) // 64) + b"." * (1 << 14))
    for number in range(10_000 // share):
        with open(f"{home}/small/f{number}", "wb") as file:
            file.write(os.urandom(SMALL))
    for number in range(ENTRIES):
        with open(f"{home}/many/entry-{number:06}.txt", "wb"):
            pass
    subprocess.run(["chown", "-R", f"{UID}:{UID}", home], check=True)


def run(wanted, arguments, work):
    global home
    home = f"{work}/home"
    hashed, certificate = beside.cheap_hash(), beside.certificate(work)
    make_files(8 if arguments.quick else 1)
    accounts = [ftp_peers.Account(name, UID, home, hashed) for name in (USER, PAM_USER)]
    servers = []
    try:
        for kind in (Posada, ftp_peers.Vsftpd, ftp_peers.ProFtpd, ftp_peers.PureFtpd):
            try:
                servers.append(kind(f"{work}/{kind.name}", accounts, certificate).start())
            except ftp_peers.NotHere as why:
                print(f"SKIP: bench of ftpd beside {kind.name}: {why}")
        servers.append(Bare(home, certificate))
        missed = [row.name for row in wanted if not row.run(servers, arguments.rounds)]
        print(f"{len(wanted) - len(missed)} goals met, {len(missed)} missed" + "".join(f"; {name}" for name in missed))
    finally:
        for server in servers:
            server.stop()


def main():
    arguments = beside.arguments(__doc__, "an eighth of it all: a smoke test, not a measurement")
    wanted = beside.chosen(rows(8 if arguments.quick else 1), arguments)
    if arguments.list or not wanted:
        return print(*(row.name for row in wanted), sep="\n")
    if os.geteuid() != 0:
        return print("SKIP: bench of ftpd: the servers switch to the user, which needs root")
    print(f"FTP beside others, {arguments.rounds} alternating rounds, median (min-max)")
    with beside.work_folder(arguments.keep) as work:
        run(wanted, arguments, work)
    return None


if __name__ == "__main__":
    main()
