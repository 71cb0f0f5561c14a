#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""POP3: posada beside Debian's Dovecot on the same mails, ratio per row.

One machine, one file system, one run. Each server has its own copy of the same Maildirs (names with S= and W=, as both
deliver), the same certificate, the same users and hashes; TLS version, cipher and group are pinned by the client,
tests/bench/pop3_load.cc. Rounds alternate, and so does who begins; medians, spread and ratio are printed.
pop3.py [--rounds N] [--quick] [--only REGEX] [--list] [--keep]; needs root: both servers switch to the user.
Dovecot runs with Debian's settings (tests/support/dovecot.sh) in its default login mode; its high-performance login
mode has rows of its own. Its limits are raised where they would refuse the load, see DOVECOT_LIMITS, as are posada's.
"""
import json
import os
import signal
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import beside  # noqa: E402
from beside import BUILD, PASSWORD, ROOT, spread  # noqa: E402
from ports import free_port  # noqa: E402

DOVECOT = os.path.join(ROOT, "tests/support/dovecot.sh")
FIRST_UID = 61300
MAX_SESSIONS = 500
SPREAD_MAILS, FEW_MAILS, PAM_USERS = 200, 20, 50  # per mailbox, with 50 and 500 sessions
DOVECOT_LIMITS = """
service pop3-login {
  process_limit = 1100
}
service pop3 {
  process_limit = 1100
}
service anvil {
  client_limit = 5000
}
service stats {
  client_limit = 5000
}
service auth {
  client_limit = 5000
}
"""
# https://doc.dovecot.org, "Login processes": high-performance mode.
DOVECOT_FAST_LOGIN = DOVECOT_LIMITS + """
service pop3-login {
  service_count = 0
  process_min_avail = 2
}
"""


def users():
    """name -> (uid, number of mails, octets of each); the order fixes the uids."""
    boxes = [("warm0", 0, 0), ("ten0", 10, 4096), ("thousand0", 1000, 4096), ("many0", 100_000, 400), ("big0", 1, 50 << 20)]
    boxes += [(f"u{i}", SPREAD_MAILS if i < 50 else FEW_MAILS, 4096) for i in range(MAX_SESSIONS)]
    boxes += [(f"pam{i}", FEW_MAILS, 4096) for i in range(PAM_USERS)]
    return {name: (FIRST_UID + i, count, octets) for i, (name, count, octets) in enumerate(boxes)}


def mail(octets, number):
    """A mail as it is stored: LF, no line that starts with a dot."""
    head = f"From: lir@micasa.test\nTo: daniel@micasa.test\nSubject: {number:08}\n\n"
    line = "All work and no play makes a long and rather even text of seventy-odd octets\n"
    body = line * ((octets - len(head)) // len(line) + 1)
    return (head + body[:octets - len(head) - 1] + "\n").encode()


class Server:
    def __init__(self, name, work):
        self.name, self.dir, self.homes = name, os.path.join(work, name), os.path.join(work, name + "-homes")
        self.made = set()
        self.ports = {False: free_port(), True: free_port()}
        os.makedirs(self.dir)
        os.makedirs(self.homes)

    def home(self, user):
        return os.path.join(self.homes, user)

    def make_mailbox(self, user, count, octets, uid):
        if user in self.made:
            return
        self.made.add(user)
        maildir = os.path.join(self.home(user), "Maildir")
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(maildir, folder))
        for i in range(count):
            text = mail(octets, i)
            name = f"{1700000000 + i}.M{i:06}P1.bench,S={len(text)},W={len(text) + text.count(b'%c' % 10)}:2,S"
            path = os.path.join(maildir, "cur", name)
            with open(path, "wb") as file:
                file.write(text)
            os.chown(path, uid, uid)
        for path in (self.home(user), maildir, *(os.path.join(maildir, f) for f in ("cur", "new", "tmp"))):
            os.chown(path, uid, uid)
            os.chmod(path, 0o700)

    def forget_index(self, user):
        maildir = os.path.join(self.home(user), "Maildir")
        for name in os.listdir(maildir):
            if name.startswith(("dovecot", "posada")):
                os.unlink(os.path.join(maildir, name))


class Dovecot(Server):
    def __init__(self, work, certificate, hashed, name="dovecot", conf=DOVECOT_LIMITS, homes=None):
        super().__init__(name, work)
        self.homes = homes or self.homes
        known = users()
        with open(os.path.join(self.dir, "users"), "w") as file:
            for user, (uid, _, _) in known.items():
                if not user.startswith("pam"):
                    file.write(f"{user}:{hashed}:{uid}:{uid}::{self.home(user)}::\n")
        with open(os.path.join(self.dir, "bench.conf"), "w") as file:
            file.write(conf)
        os.chmod(os.path.join(self.dir, "users"), 0o644)
        accounts = [word for user, (uid, _, _) in known.items() if user.startswith("pam")
                    for word in ("--account", f"{user}:{uid}:{self.home(user)}:{hashed}")]
        out = subprocess.run([DOVECOT, "start", self.dir, "--pop3", str(self.ports[False]), "--pop3s", str(self.ports[True]),
                              "--users", os.path.join(self.dir, "users"), "--pam", *accounts, "--cert", certificate[0],
                              "--key", certificate[1], "--conf", os.path.join(self.dir, "bench.conf")],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
        if out.returncode == 77:
            print("SKIP: bench of pop3d: Dovecot could not be started")
            sys.exit(0)
        self.pid = int(out.stdout)

    def stop(self):
        subprocess.run([DOVECOT, "stop", self.dir], check=True, timeout=60)


class Posada(Server):
    """pop3d in Dovecot's mount namespace, where the accounts for PAM exist."""

    def __init__(self, work, certificate, hashed, dovecot):
        super().__init__("posada", work)
        with open(os.path.join(self.dir, "users"), "w") as file:
            for user, (uid, _, _) in users().items():
                if not user.startswith("pam"):
                    file.write(f"{user}:{hashed}::{uid}:{uid}:{self.home(user)}\n")
        os.chmod(os.path.join(self.dir, "users"), 0o600)
        for folder in ("state", "run"):
            os.mkdir(os.path.join(self.dir, folder))
        os.chmod(self.dir, 0o711)
        with open(os.path.join(self.dir, "posada.toml"), "w") as file:
            file.write(f'''hostname = "bench.test"
uid_base = 61184
[paths]
state_dir = "{self.dir}/state"
run_dir = "{self.dir}/run"
users_file = "{self.dir}/users"
[tls]
chain = "{certificate[0]}"
key = "{certificate[1]}"
[log]
target = "stderr"
[auth]
workers = 100
[limits]
per_source = 5000
per_service = 5000
[[pop3d.listen]]
name = "pop3"
address = ["127.0.0.1"]
port = {self.ports[False]}
tls = "starttls"
[[pop3d.listen]]
name = "pop3s"
address = ["127.0.0.1"]
port = {self.ports[True]}
tls = "implicit"
''')
        # An account of PAM has one home directory: posada's mailboxes of these users are Dovecot's.
        reader, writer = os.pipe()
        self.process = subprocess.Popen([DOVECOT, "run", dovecot.dir, os.path.join(BUILD, "sbin/pop3d"), "--config",
                                         os.path.join(self.dir, "posada.toml"), "--ready-fd", str(writer)],
                                        stdin=subprocess.DEVNULL, stderr=open(os.path.join(self.dir, "log"), "w"),
                                        pass_fds=[writer])
        os.close(writer)
        if os.read(reader, 1) != b"\n":
            sys.exit("pop3d did not start; see " + self.dir + "/log")
        os.close(reader)
        self.pid = self.process.pid

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def load_command(server, mode, prefix, tls=False, **options):
    words = [os.path.join(BUILD, "tests/pop3-load"), "--mode", mode, "--prefix", prefix, "--password", PASSWORD, "--port",
             str(server.ports[tls]), *(["--tls"] if tls else [])]
    for name, value in options.items():
        words += ["--" + name, str(value)]
    return words


def load(server, mode, prefix, **options):
    out = subprocess.run(load_command(server, mode, prefix, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         timeout=300)
    if out.returncode != 0:
        sys.exit(f"{server.name}: the load {mode} {prefix} {options} failed; see {server.dir}/log")
    return json.loads(out.stdout)


class Row:
    """what() gives one figure of one server; higher is better unless lower is True."""

    def __init__(self, name, unit, boxes, what, lower=False, counts=True):
        self.name, self.unit, self.boxes, self.what, self.lower, self.counts = name, unit, boxes, what, lower, counts

    def run(self, servers, rounds):
        figures = beside.alternate(servers, rounds, self.what)
        ours, theirs = (figures[server] for server in servers)
        ratio = statistics.median(ours) / statistics.median(theirs)
        ratio = 1 / ratio if self.lower else ratio
        print(f"{self.name:44} posada {spread(ours):>24}  dovecot {spread(theirs):>24} {self.unit:7} ratio {ratio:5.2f}",
              flush=True)
        return ratio


SHORT = 5  # times that a figure of a few milliseconds is taken in one round


def logins(prefix, clients, total, **options):
    def what(server):
        return total / load(server, "login", prefix, sessions=clients, total=total, **options)["work"]
    return what


def listing(prefix, cold, part):
    def what(server):
        if cold:
            server.forget_index(prefix + "0")
            beside.drop_caches()
            load(server, "login", "warm", total=3)  # its programs are in memory again
        results = [load(server, "list", prefix) for _ in range(1 if cold or prefix == "many" else SHORT)]
        return 1000 * statistics.mean(r["work"] + (r["login"] if part == "all" else 0) for r in results)
    return what


def retrieval(prefix, sessions, messages, depth, **options):
    def what(server):
        results = [load(server, "retr", prefix, sessions=sessions, messages=messages, depth=depth, **options)
                   for _ in range(SHORT if sessions == 1 else 1)]
        amount = sum(r["octets"] / (1 << 20) if prefix == "big" else r["replies"] for r in results)
        return amount / sum(r["work"] for r in results)
    return what


def memory(sessions, which, **options):
    def what(server):
        load(server, "login", "u", total=1)
        before = beside.memory(server.pid)[which]
        with subprocess.Popen(load_command(server, "idle", "u", sessions=sessions, **options), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            during = beside.memory(server.pid)[which]
            process.stdin.close()
        return (during - before) / sessions
    return what


def rows(share):
    spread_boxes, few = [f"u{i}" for i in range(50)], [f"u{i}" for i in range(MAX_SESSIONS)]
    pam = [f"pam{i}" for i in range(PAM_USERS)]
    count = 400 // share
    for name, boxes, prefix, clients in (("1 client, 1,000 mails", ["thousand0"], "thousand", 1),
                                         ("8 clients, 200 mails each", spread_boxes, "u", 8),
                                         ("50 clients, 200 mails each", spread_boxes, "u", 50)):
        yield Row("logins, users file, " + name, "/s", boxes, logins(prefix, clients, count))
        yield Row("logins, users file, fast mode, " + name, "/s", boxes, logins(prefix, clients, count), counts=False)
    yield Row("logins, PAM, 8 clients", "/s", pam, logins("pam", 8, count))
    yield Row("logins, TLS, 8 clients", "/s", spread_boxes, logins("u", 8, count, tls=True))
    for prefix, size in (("ten", "10"), ("thousand", "1,000"), ("many", "100,000")):
        for cold in (False, True):
            for part in ("all", "listing"):
                name = f"{'login+' if part == 'all' else ''}STAT+LIST+UIDL, {size}, {'cold' if cold else 'warm'}"
                yield Row(name, "ms", [prefix + "0", "warm0"], listing(prefix, cold, part), lower=True,
                          counts=part == "all" or not cold)
    for tls in (False, True):
        kind = "TLS" if tls else "plain"
        for sessions, prefix, boxes, messages in ((1, "thousand", ["thousand0"], 1000), (50, "u", spread_boxes, SPREAD_MAILS),
                                                  (500, "u", few, FEW_MAILS)):
            for depth in (1, 1000):
                how = "waiting for each" if depth == 1 else "pipelined"
                yield Row(f"RETR 4 KiB, {kind}, {sessions} sessions, {how}", "mails/s", boxes,
                          retrieval(prefix, sessions, messages, depth, tls=tls))
        yield Row(f"RETR 50 MiB, {kind}", "MiB/s", ["big0"], retrieval("big", 1, 1, 1, tls=tls))
    for tls in (False, True):
        for which, word in ((0, "PSS"), (1, "private")):
            yield Row(f"memory of an idle session, {'TLS' if tls else 'plain'}, {word}", "KiB", few,
                      memory(100, which, tls=tls), lower=True)


def run(wanted, rounds, work):
    hashed = beside.cheap_hash()
    servers, tls, known = [], beside.certificate(work), users()
    try:
        servers.append(dovecot := Dovecot(work, tls, hashed))
        servers.append(fast := Dovecot(work, tls, hashed, "dovecot-fast", DOVECOT_FAST_LOGIN, dovecot.homes))
        servers.append(posada := Posada(work, tls, hashed, dovecot))
        ratios = []
        for row in wanted:
            for user in row.boxes:
                uid, count, octets = known[user]
                for server in (posada, dovecot):
                    if server is dovecot or not user.startswith("pam"):
                        server.make_mailbox(user, count, octets, uid)
            ratio = row.run((posada, fast if "fast mode" in row.name else dovecot), rounds)
            if row.counts:
                ratios.append(ratio)
        behind = sum(1 for ratio in ratios if ratio < 1)
        print(f"{len(ratios) - behind} rows ahead of Dovecot, {behind} behind; smallest ratio {min(ratios):.2f}")
    finally:
        for server in servers:
            server.stop()


def main():
    arguments = beside.arguments(__doc__, "a fifth of the logins: a smoke test, not a measurement")
    wanted = beside.chosen(rows(5 if arguments.quick else 1), arguments)
    if arguments.list or not wanted:
        return print(*(row.name for row in wanted), sep="\n")
    if os.geteuid() != 0:
        print("SKIP: bench of pop3d: both servers switch to the user, which needs root")
        return None
    print(f"POP3 beside Dovecot, {arguments.rounds} alternating rounds, median (min-max); its limits raised for this load: "
          + " ".join(DOVECOT_LIMITS.split()))
    with beside.work_folder(arguments.keep) as work:
        return run(wanted, arguments.rounds, work)


if __name__ == "__main__":
    main()
