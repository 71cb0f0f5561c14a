#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Starts the real daemons, lets clients use them, and looks at every process meanwhile: who it is, what it holds, what it
could still do. As root (uids apart) and without, on this kernel's Landlock and as on Debian 12's own (ABI 2).

    processes.py [part of a test's name]
"""
import base64
import contextlib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

import attacks
import procs
import rules

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_port  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
ORDINARY_UID = 61300  # of no account
LANDLOCK = "POSADA_LANDLOCK_ABI_MAX"
TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


class Wrong(list):
    """Collects what is wrong; a test fails with all of it at once."""

    def note(self, process, sentences):
        self += [f"{process} {sentence}" for sentence in sentences]

    def settle(self):
        if self:
            raise AssertionError("\n".join(self))


@contextlib.contextmanager
def workplace(uid):
    """A folder of uid's with a copy of the programs, reachable by it."""
    folder = tempfile.mkdtemp(prefix="posada-priv-")
    try:
        os.chmod(folder, 0o755)
        for sub in ("bin", "sbin", "libexec"):
            if os.path.isdir(os.path.join(BUILD, sub)):
                shutil.copytree(os.path.join(BUILD, sub), os.path.join(folder, sub))
        os.chown(folder, uid, uid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(command, uid, abi, folder):
    environment = {name: value for name, value in os.environ.items() if name != LANDLOCK}
    if abi is not None:
        environment[LANDLOCK] = str(abi)
    who = {} if uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": []}
    ready, ready_write = os.pipe()
    log = open(os.path.join(folder, "output"), "w")
    forgotten = os.open(folder, os.O_RDONLY)  # as a careless starter leaves it open: no child may have it
    process = subprocess.Popen([*command, "--ready-fd", str(ready_write)], stdin=subprocess.DEVNULL, stdout=log,
                               stderr=log, pass_fds=[ready_write, forgotten], env=environment, cwd=folder, **who)
    os.close(ready_write)
    os.close(forgotten)
    said = os.read(ready, 1)
    os.close(ready)
    if said != b"\n":
        process.kill()
        process.wait()
        raise AssertionError("did not start:\n" + read(log.name))
    return process


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("did not stop within 20 s of SIGTERM")


def read(path):
    with open(path, errors="replace") as f:
        return f.read()


def no_violation(log):
    for line in log.splitlines():
        if "sandbox-violation" in line or "privilege-breach" in line or "child-crash" in line:
            yield "the log says: " + line


# ---- echod: the service layer by itself ----


@contextlib.contextmanager
def echod(uid, abi, extra=""):
    with workplace(uid) as folder:
        config = os.path.join(folder, "posada.toml")
        with open(config, "w") as f:
            base = "uid_base = 61184\n" if uid == 0 else ""
            f.write(f'hostname = "echo.test"\n{base}[paths]\nrun_dir = "{folder}"\nstate_dir = "{folder}"\n{extra}')
        os.chmod(config, 0o644)
        port = free_port()
        process = start([os.path.join(folder, "sbin/echod"), "--config", config, "--listen", f"127.0.0.1:{port}"],
                        uid, abi, folder)
        try:
            yield process.pid, port, os.path.join(folder, "output")
        finally:
            stop(process)


def look_at_echod(uid, abi):
    wrong = Wrong()
    with echod(uid, abi) as (pid, port, log):
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(b"UPPER word\r\n")
            deadline = time.time() + 10
            answer = b""
            while b"+WORD" not in answer and b"WORD" not in answer and time.time() < deadline:
                answer += client.recv(4096)
            net = [p for p in procs.descendants(pid) if p.in_libexec]
            listening = procs.listening_sockets()
            while (len(net) < 3 or not all(p.asleep for p in net)) and time.time() < deadline:
                time.sleep(0.05)
                net = [p for p in procs.descendants(pid) if p.in_libexec]
            assert len(net) == 3, f"a zygote, a connection and the next one were expected: {[str(p) for p in net]}"
            for p in net:
                wrong.note(p, rules.confined(p, uid == 0, uid))
                wrong.note(p, attacks.on_network(p, forks=p is net[0]))
            wrong.note(net[0], rules.zygote(net[0], listening))
            for p in net[1:]:
                wrong.note(p, rules.connection(p, listening))
        wrong += no_violation(read(log))
        if abi == 0 and "sandbox-weak" not in read(log):
            wrong.append("a kernel without Landlock is not mentioned in the log")
    wrong.settle()


# ---- the whole suite, as `posada demo` starts it ----


class Demo:
    def __init__(self, folder, process):
        self.process = process
        self.dir = os.path.join(folder, "demo")
        with open(os.path.join(self.dir, "endpoints.json")) as f:
            self.endpoints = json.load(f)
        self.services = self.endpoints["services"]
        self.user = self.endpoints["users"][0]

    def log(self):
        return read(self.endpoints["log_file"])

    def send_mail(self, subject, service="submission"):
        at = self.services[service]
        address = f"{self.user['name']}@{self.endpoints['domain']}"
        with smtplib.SMTP(at["host"], at["port"], timeout=20) as smtp:
            if service == "submission":
                smtp.login(self.user["name"], self.user["password"])
            smtp.sendmail(address, [address], f"From: {address}\r\nSubject: {subject}\r\n\r\ntext\r\n")

    def use_tls(self):
        """Every way into TLS once: OpenSSL does its first work of many kinds in a confined process."""
        context = ssl.create_default_context(cafile=self.endpoints["ca_file"])
        context.check_hostname = False
        at = self.services["submission"]
        with smtplib.SMTP(at["host"], at["port"], timeout=20) as smtp:
            smtp.starttls(context=context)
            smtp.login(self.user["name"], self.user["password"])
        at = self.services["submissions"]
        with smtplib.SMTP_SSL(at["host"], at["port"], timeout=20, context=context) as smtp:
            smtp.login(self.user["name"], self.user["password"])
        at = self.services["pop3s"]
        pop = poplib.POP3_SSL(at["host"], at["port"], timeout=20, context=context)
        pop.user(self.user["name"])
        pop.pass_(self.user["password"])
        pop.quit()

    def mailbox(self):
        at = self.services["pop3"]
        pop = poplib.POP3(at["host"], at["port"], timeout=20)
        pop.user(self.user["name"])
        pop.pass_(self.user["password"])
        return pop

    def wait_mail(self, count):
        deadline = time.time() + 20
        while time.time() < deadline:
            pop = self.mailbox()
            if pop.stat()[0] >= count:
                return pop
            pop.quit()
            time.sleep(0.1)
        raise AssertionError("the mail was not delivered:\n" + self.log())


@contextlib.contextmanager
def demo(uid, abi, *more):
    with workplace(uid) as folder:
        process = start([os.path.join(folder, "bin/posada"), "demo", "--dir", os.path.join(folder, "demo"),
                         "--base-port", "0", *more], uid, abi, folder)
        try:
            yield Demo(folder, process)
        finally:
            stop(process)


def is_connection(p, tree):
    return any(q.pid == p.parent and q.in_libexec for q in tree)


def is_zygote(p, tree):
    return p.program in ("pop3d-net", "ftpd-net") and not is_connection(p, tree)


def look_at_net(wrong, p, tree, listening):
    if is_connection(p, tree):
        wrong.note(p, rules.connection(p, listening))
    elif is_zygote(p, tree):
        wrong.note(p, rules.zygote(p, listening))
    else:
        wrong.note(p, rules.shared_net(p, listening))
    wrong.note(p, attacks.on_network(p, forks=is_zygote(p, tree)))


def look_at_queue(wrong, p, listening):
    """The spool's files, its channels, and the one socket it accepts on."""
    spool = os.path.dirname(next(t for t in p.fds.values() if t.endswith(".db")))
    own = {t for t in p.fds.values() if t.startswith("socket:[") and t[8:-1] in listening}
    if len(own) != 1:
        wrong.append(f"{p} listens on {len(own)} sockets, not on queue.sock alone")
    wrong.note(p, rules.closed(p, lambda t: rules.NET_FD.fullmatch(t) or t.startswith(spool), set()))
    wrong.note(p, rules.childless(p))
    wrong.note(p, attacks.on_files(p, spool, ["/etc/passwd", "/etc", "/tmp", os.path.dirname(spool)]))


def look_at_relay(wrong, p, listening):
    wrong.note(p, rules.closed(p, rules.NET_FD.fullmatch, listening))
    wrong.note(p, rules.childless(p))
    wrong.note(p, attacks.on_relay(p))


def look_at_lookup(wrong, p, uid, listening):
    """Name services do what they like: no filter, but no rights and nothing to read either."""
    wrong.note(p, rules.powerless(p, uid == 0, uid))
    wrong.note(p, rules.closed(p, rules.NET_FD.fullmatch, listening))


def look_at_agent(wrong, p, listening, mail_root):
    """Forked by a root daemon to act for one user: its channel, the log, and files of that user's mailbox only."""
    def allowed(target):
        return target.startswith("socket:[") or target.startswith(mail_root + "/")
    wrong.note(p, rules.closed(p, allowed, listening))
    sockets = sum(t.startswith("socket:[") for fd, t in p.fds.items() if fd > 2)
    if sockets != 2:
        wrong.append(f"{p} has {sockets} sockets, not its channel and the log")
    wrong.note(p, rules.childless(p))
    home = next(t for t in p.fds.values() if t.startswith(mail_root + "/"))
    while os.path.dirname(home) != os.path.join(mail_root, "micasa.test"):
        home = os.path.dirname(home)
    wrong.note(p, attacks.on_files(p, os.path.join(home, "Maildir", "new"),
                                   [home, mail_root, "/etc/passwd", "/proc/self/status", "/tmp"]))


def look_at_tree(wrong, tree, uid, mail_root, user_uids):
    listening = procs.listening_sockets()
    seen = dict.fromkeys(("pop3d-net", "ftpd-net", "smtpd-net", "smtpd-submission-net", "smtpd-queue", "connection", "agent",
                          "lookup", "signer"), 0)
    for p in tree:
        if p.in_libexec:
            seen[p.program] = seen.get(p.program, 0) + 1
            seen["connection"] += is_connection(p, tree)
            wrong.note(p, rules.confined(p, uid == 0, uid))
            if p.program == "smtpd-queue":
                look_at_queue(wrong, p, listening)
            elif p.program == "smtpd-relay":
                look_at_relay(wrong, p, listening)
            else:
                look_at_net(wrong, p, tree, listening)
        elif p.title.endswith(" [signer]"):
            seen["signer"] += 1
            wrong.note(p, rules.confined(p, uid == 0, uid))
            wrong.note(p, rules.signer(p, listening))
        elif p.title.endswith(": lookup"):
            seen["lookup"] += 1
            look_at_lookup(wrong, p, uid, listening)
        elif "[agent]" in p.title or "[delivery]" in p.title:
            seen["agent"] += 1
            wrong.note(p, rules.confined(p, uid == 0, uid))
            look_at_agent(wrong, p, listening, mail_root)
            if uid == 0 and not p.uids <= user_uids:
                wrong.append(f"{p} does not run as a user of the mailboxes")
    return seen


def different_uids(tree):
    """As root each net program has a uid of its own; smtpd for port 25 and for submission too."""
    roles = {}
    for p in tree:
        if p.in_libexec and not is_connection(p, tree):
            roles.setdefault(tuple(sorted(p.uids)), []).append(p)
    for uids, members in roles.items():
        if len({p.parent for p in members}) > 1:
            yield f"uid {uids} is shared by " + ", ".join(map(str, members))


def captured_connection(wrong, d):
    """A connection's process that tries to start a program dies; the service does not, and its log says so."""
    pop = d.mailbox()
    tree = procs.descendants(d.process.pid)
    victim = next(p for p in tree if is_connection(p, tree))
    wrong.note(victim, attacks.fatal(victim))
    deadline = time.time() + 10
    while "child-crash" not in d.log() and time.time() < deadline:
        time.sleep(0.05)
    if "child-crash" not in d.log():
        wrong.append("the death of a connection's process is not in the log")
    pop.close()


def look_at_demo(uid, abi):
    if not os.path.exists(os.path.join(BUILD, "bin/posada")) or not os.path.exists(os.path.join(BUILD, "sbin/pop3d")):
        raise AssertionError("posada and pop3d are not built")
    wrong = Wrong()
    with demo(uid, abi) as d:
        d.send_mail("to be read")
        d.send_mail("to be read as well", "smtp")
        d.use_tls()
        pop = d.wait_mail(2)
        pop.retr(1)
        mail_root = d.endpoints["maildir_root"]
        user_uids = {e.stat().st_uid for e in os.scandir(os.path.join(mail_root, d.endpoints["domain"]))}
        tree = procs.descendants(d.process.pid)
        seen = look_at_tree(wrong, tree, uid, mail_root, user_uids)
        pop.dele(1)
        pop.quit()
        if uid == 0:
            wrong += different_uids(tree)
        wrong += no_violation(d.log())
        captured_connection(wrong, d)
        for kind, count in seen.items():
            if count == 0:
                wrong.append(f"no process of kind '{kind}' was found in " + "; ".join(map(str, tree)))
    wrong.settle()


def writable_memory(pid):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            span, rights = line.split()[:2]
            if "w" not in rights:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            memory.seek(begin)
            yield memory.read(end - begin)


LONG = "a-pass-phrase-that-no-short-string-buffer-holds-0123456789"
GUESS = "the-guess-of-somebody-who-waits-for-his-refusal-0123456789"


def secrets_of(d, passwords):
    """What no agent may know. Of long texts the end is looked for: malloc writes over the beginning of what it frees."""
    secrets = [("a password", word[-16:].encode()) for word in passwords] + [("a refused guess", GUESS[-16:].encode())]
    with open(os.path.join(d.dir, "users")) as f:
        lines = [line.strip().split(":") for line in f if line.strip() and line[0] != "#"]
    for line in lines:
        secrets.append(("a hash", line[1][-24:].encode()))
        for key in line[2].split(",")[3:]:  # stored and server key: as text in the file, as octets in memory
            secrets += [("a SCRAM key", key[-24:].encode()), ("a SCRAM key", base64.b64decode(key)[-16:])]
    return secrets


def refused_meanwhile(d):
    """A wrong password whose refusal is held back: the launcher still has the attempt when it forks for the others."""
    at = d.services["pop3"]
    client = socket.create_connection((at["host"], at["port"]), 20, ("127.0.0.7", 0))
    client.sendall(f"USER {d.user['name']}\r\nPASS {GUESS}\r\n".encode())
    deadline = time.time() + 10
    while "auth-fail" not in d.log():
        assert time.time() < deadline, d.log()
        time.sleep(0.02)
    return client


def agents_know_no_secret(*classroom):
    """The login worker that has checked a password goes on as the agent: neither the password, nor another's, nor a line
    of the users file, its own user's included, is anywhere in its memory."""
    needs_root()
    wrong = Wrong()
    with demo(0, None, *classroom) as d:
        at = d.services["pop3"]
        passwords = {u["name"]: u["password"] for u in d.endpoints["users"]}
        subprocess.run([os.path.join(BUILD, "bin/posada"), "user", "add", "long", "--password-fd", "0", "--config",
                        os.path.join(d.dir, "posada.toml")], input=LONG.encode() + b"\n", check=True, capture_output=True)
        passwords["long"] = LONG
        secrets = secrets_of(d, passwords.values())
        held = refused_meanwhile(d)
        sessions = []
        for name, password in passwords.items():
            pop = poplib.POP3(at["host"], at["port"], timeout=20)
            pop.user(name)
            pop.pass_(password)
            sessions.append(pop)
        agents = [p for p in procs.descendants(d.process.pid) if "[agent]" in p.title]
        assert len(agents) == len(passwords) > 2, f"an agent per session was expected: {[str(p) for p in agents]}"
        for agent in agents:
            memory = list(writable_memory(agent.pid))
            assert any(b"Maildir" in part for part in memory), "a control: its memory can be read"
            wrong += sorted({f"{agent} knows {what}" for what, text in secrets if any(text in part for part in memory)})
        held.close()
    wrong.settle()


def agents_know_no_short_secret():
    """Short strings lie in their objects, and a move copies them."""
    agents_know_no_secret("--classroom")


def private_numbers(key):
    """The octets of what makes the key private, in both orders: as text says it and as OpenSSL's numbers lie in memory."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, capture_output=True, text=True)
    for name, digits in re.findall(r"^(priv|privateExponent|prime1|prime2):\n((?: +[0-9a-f:]+\n)+)", text.stdout, re.M):
        octets = bytes.fromhex("".join(digits.split()).replace(":", "")).lstrip(b"\0")
        for order in (octets, octets[::-1]):
            yield name, order[4:28]


def key_holders(signer, kind):
    """Which processes of a TLS echod have the private key in their memory: (kinds of processes, those with a key)."""
    with tempfile.TemporaryDirectory() as folder:
        chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", chain, "-days",
                        "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
        secrets = list(private_numbers(key))
        assert secrets
        tls = f'[tls]\nchain = "{chain}"\nkey = "{key}"\nsigner = {signer}\n'
        with echod(0, None, tls) as (pid, port, log):
            context = ssl._create_unverified_context()
            with socket.create_connection(("127.0.0.1", port), 10) as client:
                reader = client.makefile("rb")
                reader.readline()
                client.sendall(b"STARTTLS\r\n")
                reader.readline()
                with context.wrap_socket(client) as secure:
                    secure.sendall(b"ECHO x\r\n")
                    assert b"+x" in secure.recv(100), read(log)
                    found = {}
                    for number, p in enumerate(procs.descendants(pid)):
                        kind_of = "signer" if "[signer]" in p.title else "net" if p.in_libexec else "launcher"
                        memory = list(writable_memory(p.pid))
                        assert any(b"localhost" in part for part in memory) or kind_of == "launcher", "a control"
                        found[kind_of, number] = any(octets in part for part in memory for _, octets in secrets)
    return sorted(kind for kind, _ in found), {kind for (kind, _), has in found.items() if has}


def private_keys_are_in_the_signer_only():
    needs_root()
    for kind in (["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ["rsa:2048"]):
        assert key_holders("false", kind)[1] == {"net"}, "a control: without the signer the search finds the keys"
        processes, holders = key_holders("true", kind)
        assert set(processes) == {"launcher", "net", "signer"} and processes.count("signer") == 1, processes
        assert holders == {"signer"}, f"{kind[0]}: the private key is in {holders}"


# ---- the relay: it runs only where there is a route ----


@contextlib.contextmanager
def queue_with_route(uid, abi):
    with workplace(uid) as folder:
        config = os.path.join(folder, "posada.toml")
        with open(config, "w") as f:
            base = "uid_base = 61184\n" if uid == 0 else ""
            f.write(f'hostname = "relay.test"\n{base}[paths]\nrun_dir = "{folder}"\nstate_dir = "{folder}/state"\n'
                    f'users_file = "{folder}/users"\n[[smtpd.route]]\ndomain = "*"\nhost = "127.0.0.1"\nport = 9\n')
        os.chmod(config, 0o644)
        os.mkdir(os.path.join(folder, "state"))
        os.chown(os.path.join(folder, "state"), uid, uid)
        process = start([os.path.join(folder, "sbin/smtpd"), "--queue", "--config", config], uid, abi, folder)
        try:
            yield process.pid, os.path.join(folder, "output")
        finally:
            stop(process)


def look_at_relay_service(uid, abi):
    wrong = Wrong()
    with queue_with_route(uid, abi) as (pid, log):
        net = [p for p in procs.descendants(pid) if p.in_libexec]
        listening = procs.listening_sockets()
        if sorted(p.program for p in net) != ["smtpd-queue", "smtpd-relay"]:
            raise AssertionError(f"the queue and the relay were expected: {[str(p) for p in net]}")
        for p in net:
            wrong.note(p, rules.confined(p, uid == 0, uid))
            (look_at_queue if p.program == "smtpd-queue" else look_at_relay)(wrong, p, listening)
        if uid == 0 and net[0].uids == net[1].uids:
            wrong.append("queue and relay share a uid")
        wrong += no_violation(read(log))
    wrong.settle()


# ---- the tests: subject, user, Landlock ----


def needs_root():
    if os.geteuid() != 0:
        raise Skip("needs root: uids apart, and a look at other users' processes")
    if not attacks.possible():
        raise Skip("system calls are made in the name of others on x86-64 only")


def variants(look, name):
    for who, uid in (("root", 0), ("ordinary user", ORDINARY_UID)):
        for abi in (None, 2) + ((0,) if name == "echod" else ()):
            def run(uid=uid, abi=abi):
                needs_root()
                look(uid, abi)
            run.__name__ = f"{name} as {who}" + (f", Landlock ABI {abi}" if abi is not None else "")
            test(run)


variants(look_at_echod, "echod")
variants(look_at_relay_service, "relay")
variants(look_at_demo, "suite")
test(private_keys_are_in_the_signer_only)
test(agents_know_no_secret)
test(agents_know_no_short_secret)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    passed = failed = skipped = 0
    for function in TESTS:
        if wanted not in function.__name__:
            continue
        try:
            function()
            passed += 1
            print(f"ok: {function.__name__}")
        except Skip as reason:
            skipped += 1
            print(f"SKIP: {function.__name__}: {reason}")
        except Exception as error:
            failed += 1
            print(f"FAIL: {function.__name__}: {error}")
            if not isinstance(error, AssertionError):
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
