#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the foundation costs: a connection in each launch mode, a TLS handshake, a privileged request, an idle session.

Measured by a client (tests/bench/core_load.cc) on echod, the smallest daemon, as one process per client ("isolated")
and as one for all ("shared"), and on pop3d. Rounds alternate between what is compared; median (min-max) is printed,
beside it the goal where there is one. Handshakes stand beside `openssl s_server` with the same certificate.
core.py [--rounds N] [--only REGEX]; needs root for what it says about pop3d.
"""
import argparse
import contextlib
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_port  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build/opt")
LOAD = os.path.join(BUILD, "tests/core-load")
PASSWORD = "hungry"
FIRST_UID = 61300
MAX_SESSIONS = 500
met = missed = 0


def make_certificate(folder, kind):
    chain, key = os.path.join(folder, kind + ".pem"), os.path.join(folder, kind + ".key")
    how = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ecdsa" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *how, "-nodes", "-keyout", key, "-out", chain, "-days", "2",
                    "-subj", "/CN=bench.test"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return chain, key


def parents_of_all():
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
            parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
    return parents


def descendants(pid):
    parents = parents_of_all()
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def figures(path, *keys):
    """Sum of the figures of these keys in a file of /proc; 0 when the process is gone."""
    total = 0
    with contextlib.suppress(OSError), open(path) as file:
        for line in file:
            key, _, rest = line.partition(":")
            if key in keys:
                total += int(rest.split()[0])
    return total


def uss(pid):
    return figures(f"/proc/{pid}/smaps_rollup", "Private_Clean", "Private_Dirty")


def pss(pid):
    return figures(f"/proc/{pid}/smaps_rollup", "Pss")


def wake_ups(pid):
    return figures(f"/proc/{pid}/status", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")


class Server:
    """Something that listens on one port, with its process and all below it."""

    running = []

    def __init__(self, port, process):
        self.port, self.process = port, process
        Server.running.append(self)

    def cpu(self):
        """Seconds of its processes and of those it has waited for."""
        ticks = 0
        for pid in descendants(self.process.pid):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
                ticks += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def sum(self, figure):
        return sum(figure(pid) for pid in descendants(self.process.pid))

    def stop(self):
        Server.running.remove(self)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def config(folder, section, listener="", extra=""):
    path = os.path.join(folder, "posada.toml")
    with open(path, "w") as file:
        file.write(f'''hostname = "bench.test"
{"uid_base = 61184" if os.geteuid() == 0 else ""}
[paths]
run_dir = "{folder}"
state_dir = "{folder}"
users_file = "{folder}/users"
[log]
target = "stderr"
[limits]
per_source = 5000
per_service = 5000
{extra}
[[{section}.listen]]
name = "{section}"
address = ["127.0.0.1"]
{listener}''')
    return path


def posada(work, program, tls=None, mode="listen", extra="", users=lambda folder: None):
    """A daemon of ours; tls: (chain, key) of an implicit TLS port. mode: listen, fds (systemd, posadad) or inetd."""
    folder = tempfile.mkdtemp(dir=work)
    os.chmod(folder, 0o711)
    users(folder)
    port = free_port()
    section = program.removesuffix("-shared")
    certificate = f'[tls]\nchain = "{tls[0]}"\nkey = "{tls[1]}"\n' if tls else ""
    path = config(folder, section, f'port = {port}\ntls = "{"implicit" if tls else "none"}"\n', certificate + extra)
    command = [os.path.join(BUILD, "sbin", program), "--config", path]
    log = open(os.path.join(folder, "log"), "w")
    options = {"stdin": subprocess.DEVNULL, "stderr": log}
    if mode == "inetd":
        process = subprocess.Popen([LOAD, "--mode", "inetd", "--port", str(port), "--", *command],
                                   stdout=subprocess.PIPE, **options)
        process.stdout.readline()
        return Server(port, process)
    reader, writer = os.pipe()
    options["pass_fds"] = [writer]
    command += ["--ready-fd", str(writer)]
    if mode == "fds":
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        # LISTEN_PID is the number of the process that execs us: a shell sets it.
        command = ["bash", "-c", f'exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", *command]
        options["pass_fds"].append(listener.fileno())
    process = subprocess.Popen(command, **options)
    os.close(writer)
    if os.read(reader, 1) != b"\n":
        with open(os.path.join(folder, "log")) as said:
            sys.exit(f"{program} did not start:\n{said.read()}")
    os.close(reader)
    return Server(port, process)


def openssl_server(tls):
    port = free_port()
    process = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", tls[0], "-key", tls[1],
                                "-rev", "-quiet", "-num_tickets", "1", "-groups", "X25519:P-256"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            break
        time.sleep(0.05)
    return Server(port, process)


def load(server, mode, *flags, **options):
    words = [LOAD, "--mode", mode, "--port", str(server.port), *flags]
    for name, value in options.items():
        words += ["--" + name, str(value)]
    out = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120)
    if out.returncode != 0:
        sys.exit(f"the load {mode} {flags} {options} failed")
    return json.loads(out.stdout)


def row(name, values, unit, goal=None, lower=True):
    """One line; the median is what is compared with the goal."""
    global met, missed
    median = statistics.median(values)
    digits = 0 if max(values) >= 100 else 2
    text = f"{name:58} {median:10.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f}) {unit}"
    if goal is not None:
        reached = median <= goal if lower else median >= goal
        met, missed = met + reached, missed + (not reached)
        text = f"{text:98} goal {'<=' if lower else '>='} {goal:g}: {'met' if reached else 'NOT MET'}"
    print(text, flush=True)


@contextlib.contextmanager
def running(servers):
    """A dictionary of servers, all there at once; those that wait cost nothing."""
    try:
        yield servers
    finally:
        for server in servers.values():
            server.stop()


def bare(how):
    """A server with nothing but a greeting: what the kernel takes for these processes."""
    port = free_port()
    process = subprocess.Popen([LOAD, "--mode", "bare", "--line", how, "--port", str(port)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    return Server(port, process)


def bench_connections(work, rounds):
    """A client a millisecond after the one before, which says how long one waits; eight at once, which says how many can be
    served. On an idle machine a process that sleeps takes some 40 us to wake up: "bare" shows it."""
    cases = {"bare, one process": (bare("one"),),
             "bare, one accepts, the other greets": (bare("two"),),
             "echod shared, --listen": (posada(work, "echod-shared"), 100),
             "echod shared, LISTEN_FDS": (posada(work, "echod-shared", mode="fds"), 100),
             "bare, a fork each": (bare("fork"),),
             "echod isolated, --listen": (posada(work, "echod"), 500, 1000, 2500),
             "echod isolated, LISTEN_FDS": (posada(work, "echod", mode="fds"), 500, 1000, 2500),
             "echod, inetd nowait": (posada(work, "echod", mode="inetd"),)}
    if os.geteuid() == 0:
        cases["pop3d isolated, --listen"] = (posada(work, "pop3d"), 500, 1000, 2500)
    with running({name: case[0] for name, case in cases.items()}):
        calm, rates = {name: [] for name in cases}, {name: [] for name in cases}
        for _ in range(rounds):
            for name, (server, *_) in cases.items():
                few = "inetd" in name
                calm[name].append(load(server, "greet", total=100 if few else 1000, pause=1000))
                total = 200 if few else 3000
                rates[name].append(total / load(server, "greet", total=total, clients=8)["seconds"])
        for name, (_, *goals) in cases.items():
            p50, p99, rate = (goals + [None] * 3)[:3]
            row(f"{name}: connect to greeting, median", [r["p50"] for r in calm[name]], "us", p50)
            row(f"{name}: connect to greeting, 99th percentile", [r["p99"] for r in calm[name]], "us", p99)
            row(f"{name}: connections, 8 clients", rates[name], "/s", rate, lower=False)


def bench_handshakes(work, rounds):
    total = 400
    for kind in ("ecdsa", "rsa"):
        certificate = make_certificate(work, kind)
        servers = {"openssl s_server": openssl_server(certificate),
                   "echod shared": posada(work, "echod-shared", certificate),
                   "echod isolated": posada(work, "echod", certificate)}
        servers |= {f"{name}, signer = false": posada(work, program, certificate, extra="signer = false\n")
                    for name, program in (("echod shared", "echod-shared"), ("echod isolated", "echod"))}
        with running(servers):
            for version in (13, 12):
                for flags in ((), ("--resume",)):
                    took, cpu = {name: [] for name in servers}, {name: [] for name in servers}
                    for _ in range(rounds):
                        for name, server in servers.items():
                            say = ("--say",) if name.startswith("openssl") else ()
                            before = server.cpu()
                            took[name].append(load(server, "tls", *flags, *say, version=version, total=total)["p50"])
                            cpu[name].append((server.cpu() - before) / total * 1e6)
                    what = f"TLS 1.{version - 10} {kind} {'resumed' if flags else 'full'}"
                    for name in servers:
                        row(f"{what}, {name}: connect to handshake done", took[name], "us")
                        row(f"{what}, {name}: processor time of the server", cpu[name], "us")
                    for name in (n for n in servers if f"{n}, signer = false" in servers and not flags):
                        for of, said in ((took, "connect to handshake done"), (cpu, "processor time of the server")):
                            row(f"{what}, {name}: the signer adds, {said}",
                                [(a / b - 1) * 100 for a, b in zip(of[name], of[f"{name}, signer = false"])], "%")


def bench_requests(work, rounds):
    with running({"isolated": posada(work, "echod"), "shared": posada(work, "echod-shared")}) as servers:
        taken = {}
        for _ in range(rounds):
            for model, server in servers.items():
                for line in ("ECHO x", "UPPER x", "OPEN"):
                    result = load(server, "ask", total=3000, line=line)
                    taken.setdefault((model, line), []).append(result)
        for model in servers:
            echo = taken[model, "ECHO x"]
            row(f"{model}: a line and its answer, median", [r["p50"] for r in echo], "us")
            for line, what, goal in (("UPPER x", "a request to the monitor", None),
                                     ("OPEN", "a request answered with a descriptor", 100)):
                results = taken[model, line]
                for share, wanted in (("p50", goal), ("p99", None)):
                    row(f"{model}: {what}, {'median' if share == 'p50' else '99th percentile'}",
                        [max(0, r[share] - e["p50"]) for r, e in zip(results, echo)], "us", wanted)


@contextlib.contextmanager
def held(words):
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if not process.stdout.readline():
            sys.exit(f"{words}: failed")
        time.sleep(0.5)
        try:
            yield
        finally:
            process.stdin.close()


def idle_words(server, count, *flags):
    return [LOAD, "--mode", "idle", "--port", str(server.port), "--clients", str(count), *flags]


def memory_rows(what, server, words_of, goal, kinds=("net",)):
    """Private memory of a session's own processes, and what a session adds to the proportional memory of all."""
    with held(words_of(1)):
        pass  # what only the first one costs is there
    for count in (1, 50, MAX_SESSIONS):
        before, pss_before = private_by_kind(server), server.sum(pss)
        with held(words_of(count)):
            by_kind = {kind: (size - before[kind]) / count for kind, size in private_by_kind(server).items()}
            private = sum(by_kind.values())
            shared = (server.sum(pss) - pss_before) / count
        time.sleep(0.5)
        name = f"{what}, {count} session{'s' if count > 1 else ''}"
        row(f"{name}: private memory", [private], "KiB", goal)
        if len(kinds) > 1:
            for kind in kinds:
                row(f"{name}: of it in the {kind} process", [by_kind[kind]], "KiB")
        row(f"{name}: proportional memory", [shared], "KiB")


def private_by_kind(server):
    """Of agents, the launcher's children, and of the zygote's, one of which waits for the next client."""
    launcher, parents = server.process.pid, parents_of_all()
    sizes = {"net": 0, "agent": 0}
    for pid in descendants(launcher) - {launcher}:
        if parents.get(pid, launcher) != launcher:
            sizes["net"] += uss(pid)
        elif is_agent(pid):
            sizes["agent"] += uss(pid)
    return sizes


def is_agent(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return b"[agent]" in file.read()
    return False


def quiet_row(what, server, words):
    with held(words):
        time.sleep(1)
        before = server.sum(wake_ups)
        time.sleep(10)
        row(f"{what}: wake-ups of all processes in 10 s", [server.sum(wake_ups) - before], "", 0)


def bench_idle(work, _):
    certificate = make_certificate(work, "ecdsa")
    with running({"plain": posada(work, "echod"), "tls": posada(work, "echod", certificate)}) as servers:
        memory_rows("echod isolated, idle", servers["plain"], lambda n: idle_words(servers["plain"], n), 100)
        memory_rows("echod isolated, idle after TLS", servers["tls"], lambda n: idle_words(servers["tls"], n, "--tls"), 500)
        quiet_row("echod isolated, 50 idle sessions", servers["plain"], idle_words(servers["plain"], 50))
        quiet_row("echod isolated, 50 idle sessions, TLS", servers["tls"], idle_words(servers["tls"], 50, "--tls"))
    with running({"shared": posada(work, "echod-shared")}) as servers:
        quiet_row("echod shared, 50 idle sessions", servers["shared"], idle_words(servers["shared"], 50))
    if os.geteuid() == 0:
        bench_idle_pop3(work, certificate)


def make_users(folder):
    hashed = subprocess.run(["perl", "-e", f'print crypt("{PASSWORD}", q($y$j1T$abcdefgh$))'], check=True,
                            capture_output=True, text=True).stdout
    with open(os.path.join(folder, "users"), "w") as file:
        for i in range(MAX_SESSIONS):
            home, uid = os.path.join(folder, f"u{i}"), FIRST_UID + i
            os.makedirs(os.path.join(home, "Maildir"), 0o700)
            for path in (home, os.path.join(home, "Maildir")):
                os.chown(path, uid, uid)
            file.write(f"u{i}:{hashed}::{uid}:{uid}:{home}\n")
    os.chmod(os.path.join(folder, "users"), 0o600)


def bench_idle_pop3(work, certificate):
    for tls in (False, True):
        server = posada(work, "pop3d", certificate if tls else None, extra="[auth]\nworkers = 100\n", users=make_users)
        words = [os.path.join(BUILD, "tests/pop3-load"), "--mode", "idle", "--prefix", "u", "--password", PASSWORD,
                 "--port", str(server.port), *(["--tls"] if tls else [])]
        how = "after TLS and login" if tls else "after login"
        with running({"pop3d": server}):
            memory_rows(f"pop3d, idle {how}", server, lambda n, w=words: [*w, "--sessions", str(n)], None,
                        kinds=("net", "agent"))
            quiet_row(f"pop3d, 50 idle sessions {how}", server, [*words, "--sessions", "50"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    parts = {"connections": bench_connections, "handshakes": bench_handshakes, "requests": bench_requests,
             "idle": bench_idle}
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o711)
        try:
            for name, part in parts.items():
                if re.search(args.only, name):
                    part(work, args.rounds)
        finally:
            for server in list(Server.running):
                server.stop()
    print(f"{met} goals met, {missed} not met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
