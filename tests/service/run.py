#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The service layer, tried on echod: launch modes, limits, penalties, TLS, reload, readiness, stop.

Every test starts the real sbin/echod in a folder of its own and talks to it over loopback.
"""
import contextlib
import crypt
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
ECHOD = os.path.join(BUILD, "sbin", "echod")
SHARED = ECHOD + "-shared"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificate(folder, name="localhost"):
    chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=" + name,
                    "-addext", "subjectAltName=DNS:" + name], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return chain, key


class Skip(Exception):
    pass


class Client:
    def __init__(self, port, source=None, banner=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10,
                                               source_address=(source, 0) if source else None)
        self.buffer = b""
        if banner:
            self.expect("+hello")

    @classmethod
    def over(cls, connected):
        self = cls.__new__(cls)
        self.socket, self.buffer = connected, b""
        self.socket.settimeout(10)
        self.expect("+hello")
        return self

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def line(self):
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(4096)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode()

    def expect(self, wanted):
        got = self.line()
        assert got == wanted, f"wanted {wanted!r}, got {got!r}"

    def ask(self, text, wanted):
        self.send(text)
        self.expect(wanted)

    def starttls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        return self.socket

    def close(self):
        self.socket.close()


class Daemon:
    """sbin/echod with its configuration in a folder; stops it on exit and keeps what it logged."""

    def __init__(self, folder, config="", listen=True, args=(), popen=None, prefix=(), program=ECHOD, **options):
        self.port = free_port()
        self.config = os.path.join(folder, "posada.toml")
        self.folder = folder
        self.write(config)
        self.log_path = os.path.join(folder, "log")
        command = [*prefix, program, "--config", self.config, *args]
        if listen:
            command += ["--listen", f"127.0.0.1:{self.port}"]
        ready, ready_write = os.pipe()
        os.set_inheritable(ready_write, True)
        if popen is None:
            options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(command + ["--ready-fd", str(ready_write)], stderr=log, stdout=log,
                                            pass_fds=[ready_write, *options.pop("fds", [])], **options)
        os.close(ready_write)
        self.ready = os.read(ready, 1) == b"\n"
        os.close(ready)

    def write(self, config):
        with open(self.config, "w") as f:
            f.write(f'hostname = "echo.test"\n{"uid_base = 61184" if os.geteuid() == 0 else ""}\n'
                    f'[paths]\nrun_dir = "{self.folder}"\nstate_dir = "{self.folder}"\n'
                    f'users_file = "{self.folder}/users"\n{config}')

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def wait_log(self, pattern, seconds=10):
        end = time.time() + seconds
        while time.time() < end:
            found = re.search(pattern, self.log())
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in the log:\n{self.log()}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("did not stop within 10 s of SIGTERM")


USER = 70001


def make_user(folder, name="daniel", password="hungry"):
    """In the users file of this folder, with a home that has one file in it."""
    uid = USER if os.geteuid() == 0 else os.geteuid()
    home = os.path.join(folder, name)
    os.mkdir(home)
    with open(os.path.join(home, "letter"), "w") as f:
        f.write("so be it\n")
    for path in (home, os.path.join(home, "letter")):
        os.chown(path, uid, uid if os.geteuid() == 0 else os.getegid())
    hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA512, rounds=1000))
    users = os.path.join(folder, "users")
    with open(users, "a") as f:
        f.write(f"{name}:{hashed}::{uid}:{uid}:{home}\n")
    os.chmod(users, 0o600)
    return home


@contextlib.contextmanager
def echod(config="", users=(), **options):
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        for name in users:
            make_user(folder, name)
        daemon = Daemon(folder, config, **options)
        try:
            yield daemon
        finally:
            daemon.stop()
        assert "sandbox-violation" not in daemon.log(), daemon.log()


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(p) for p in out.split()]


@test
def listen_mode_serves_and_asks_the_monitor():
    with echod() as d:
        assert d.ready, d.log()
        c = Client(d.port)
        c.ask("ECHO hola", "+hola")
        c.ask("upper hola", "+HOLA")
        c.ask("UPPER", "-no")
        c.ask("QUIT", "+bye")
        assert c.line() is None
        d.wait_log(r"session-end rip=127\.0\.0\.1 .*reason=quit")


@test
def a_user_logs_in_and_the_own_agent_reads_the_own_files():
    """In both models; what lies outside of the home, or is reached by a link, is out of reach."""
    for program in (ECHOD, SHARED):
        with echod(users=["daniel"], program=program) as d:
            os.symlink("/etc/passwd", f"{d.folder}/daniel/link")
            c = Client(d.port)
            c.ask("READ letter", "-no")
            c.ask("LOGIN daniel wrong", "-wrong")
            c.ask("LOGIN daniel hungry", "+daniel")
            c.ask("LOGIN daniel hungry", "-no")
            c.send("READ letter")
            c.expect("+9")
            c.expect("so be it")
            for name in ("none", "link", "../users", "/etc/passwd"):
                c.ask("READ " + name, "-no file")
            c.ask("QUIT", "+bye")
            d.wait_log(r"auth-fail service=echod rip=127\.0\.0\.1 .*user=daniel")
            d.wait_log(r"auth-ok service=echod rip=127\.0\.0\.1 .*user=daniel")


@test
def pipelined_commands_are_answered_in_order():
    with echod() as d:
        c = Client(d.port)
        c.send(b"ECHO 1\r\nUPPER two\r\nECHO 3\nQUIT\r\n")
        assert [c.line() for _ in range(5)] == ["+1", "+TWO", "+3", "+bye", None]


@test
def one_byte_at_a_time_works():
    with echod() as d:
        c = Client(d.port)
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"UPPER slow\r\n":
            c.send(bytes([byte]))
        c.expect("+SLOW")


@test
def listen_fds_with_names():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with with_fd3(listener.fileno(), "echo") as d:
            assert d.ready, d.log()
            Client(port).ask("UPPER fds", "+FDS")


@contextlib.contextmanager
def with_fd3(fd, name):
    """Starts echod as systemd does: the socket on descriptor 3 and LISTEN_PID = its own pid."""
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        d = Daemon.__new__(Daemon)
        d.folder, d.config, d.log_path = folder, os.path.join(folder, "posada.toml"), os.path.join(folder, "log")
        d.write("")
        ready, ready_write = os.pipe()
        os.set_inheritable(ready_write, True)
        script = (f'exec 3<&{fd}; ' if fd != 3 else '') + \
            f'export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES={name}; ' + \
            f'exec "{ECHOD}" --config "{d.config}" --ready-fd {ready_write}'
        with open(d.log_path, "w") as log:
            d.process = subprocess.Popen(["bash", "-c", script], stderr=log, stdout=log, stdin=subprocess.DEVNULL,
                                         pass_fds=[fd, ready_write])
        os.close(ready_write)
        d.ready = os.read(ready, 1) == b"\n"
        os.close(ready)
        try:
            yield d
        finally:
            d.stop()


@test
def an_unknown_listen_fdname_is_a_configuration_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with with_fd3(listener.fileno(), "nonsense") as d:
            assert not d.ready
            assert d.process.wait(10) == 78
            assert "unknown listener 'nonsense'; configured are: echo" in d.log(), d.log()


@test
def accept_yes_serves_one_connection_and_exits():
    ours, theirs = connected_pair()
    with theirs, with_fd3(theirs.fileno(), "connection") as d:
        theirs.close()
        c = Client.over(ours)
        c.ask("UPPER one", "+ONE")
        c.ask("QUIT", "+bye")
        assert d.process.wait(10) == 0


def connected_pair():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


@test
def inetd_serves_descriptor_0_and_keeps_its_log_from_the_client():
    ours, theirs = connected_pair()
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        config = os.path.join(folder, "posada.toml")
        d = Daemon.__new__(Daemon)
        d.folder, d.config = folder, config
        d.write("")
        process = subprocess.Popen([ECHOD, "--config", config], stdin=theirs, stdout=theirs, stderr=theirs)
        theirs.close()
        c = Client.over(ours)
        c.ask("UPPER inetd", "+INETD")
        c.ask("QUIT", "+bye")
        assert c.line() is None, "something else was written to the client"
        assert process.wait(10) == 0


GREETINGS = """import socket, sys
for host in ("127.0.0.1", "::1"):
    print(socket.create_connection((host, int(sys.argv[1])), timeout=10).makefile().readline().strip())"""


@test
def without_a_written_address_every_address_is_served():
    """In a network of its own: this machine's other addresses are not to be listened on."""
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        raise Skip("no network namespace to be had")
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        own_network = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        d = Daemon(folder, f'[[echod.listen]]\nname = "echo"\nport = {free_port()}\ntls = "none"\n', listen=False,
                   prefix=own_network)
        try:
            assert d.ready, d.log()
            port = re.search(r"port = (\d+)", open(d.config).read()).group(1)
            out = subprocess.run(["nsenter", f"--net=/proc/{d.process.pid}/ns/net", sys.executable, "-c", GREETINGS, port],
                                 capture_output=True, text=True, timeout=30)
            assert out.stdout.split() == ["+hello"] * 2, (out, d.log())
        finally:
            d.stop()


@test
def a_configuration_error_exits_78_and_names_the_line():
    with echod("[echod]\nsandbx = \"off\"\n") as d:
        assert not d.ready
        assert d.process.wait(10) == 78
        assert re.search(r"posada\.toml:\d+:1: .*sandbx.*sandbox", d.log(), re.S), d.log()


@test
def a_crash_penalises_the_source_only_and_renews_the_zygote():
    with echod('[limits]\npenalty_start = "30s"\n') as d:
        other = Client(d.port, source="127.0.0.2")
        zygote = d.wait_log(r"net-pid=(\d+)").group(1)
        bad = Client(d.port, source="127.0.0.3")
        bad.send("CRASH")
        assert bad.line() is None
        d.wait_log(r"child-crash .*rip=127\.0\.0\.3 signal=6")
        d.wait_log(r"penalty-start .*rip=127\.0\.0\.3 seconds=30 reason=crash")
        other.ask("ECHO still here", "+still here")
        refused = Client(d.port, source="127.0.0.3", banner=False)
        refused.expect("-busy, try again later")
        d.wait_log(r"limit-refuse .*rip=127\.0\.0\.3 limit=penalty")
        end = time.time() + 5
        while time.time() < end and children(d.process.pid)[-1:] in ([], [int(zygote)]):
            time.sleep(0.05)
        assert any(p != int(zygote) for p in children(d.process.pid)), "no new zygote"
        Client(d.port, source="127.0.0.4").ask("UPPER new", "+NEW")


def waiting_process(zygote, without=()):
    """The process that is there for the next client: the zygote's child that is not one of these."""
    end = time.time() + 5
    while time.time() < end:
        found = [p for p in children(zygote) if p not in without]
        if len(found) == 1:
            return found[0]
        time.sleep(0.01)
    raise AssertionError(f"one process should wait; the children are {children(zygote)}")


@test
def a_process_waits_for_the_next_client_and_for_one_only():
    with echod() as d:
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        first = waiting_process(zygote)
        client = Client(d.port)
        client.ask("UPPER a", "+A")
        second = waiting_process(zygote, without=[first])
        other = Client(d.port)
        other.ask("UPPER b", "+B")
        waiting_process(zygote, without=[first, second])
        d.wait_log(rf"connect .*session=1 pid={first}")
        d.wait_log(rf"connect .*session=2 pid={second}")
        client.close()
        other.ask("ECHO mine", "+mine")
        end = time.time() + 5
        while first in children(zygote):
            assert time.time() < end, "a process serves one client and ends"
            time.sleep(0.01)


@test
def without_a_waiting_process_clients_are_served_all_the_same():
    with echod() as d:
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        os.kill(waiting_process(zygote), signal.SIGKILL)
        end = time.time() + 5
        while children(zygote):
            assert time.time() < end, "it is not awaited"
            time.sleep(0.01)
        for text in ("one", "two"):
            Client(d.port).ask("ECHO " + text, "+" + text)
        assert "child-crash" not in d.log() and "penalty" not in d.log(), d.log()


@test
def a_reload_ends_the_process_that_waited():
    with echod() as d:
        old = int(d.wait_log(r"net-pid=(\d+)").group(1))
        waiting = waiting_process(old)
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-loaded")
        end = time.time() + 5
        while os.path.exists(f"/proc/{waiting}"):
            assert time.time() < end, "the process that waited with the old configuration is still there"
            time.sleep(0.02)
        Client(d.port).ask("ECHO new", "+new")


@test
def per_source_limit_does_not_keep_others_out():
    with echod("[limits]\nper_source = 3\n") as d:
        held = [Client(d.port, source="127.0.0.5") for _ in range(3)]
        Client(d.port, source="127.0.0.5", banner=False).expect("-busy, try again later")
        Client(d.port, source="127.0.0.6").ask("ECHO me", "+me")
        held[0].ask("QUIT", "+bye")
        d.wait_log("reason=quit")
        end = time.time() + 5
        while time.time() < end:
            c = Client(d.port, source="127.0.0.5", banner=False)
            if c.line() == "+hello":
                return
        raise AssertionError("the slot was not freed")


@test
def a_full_service_where_nobody_logs_in_ends_no_only_connection():
    """Port 25: it may be a mail on its way."""
    with echod("[limits]\nper_source = 3\nper_service = 3\n") as d:
        alone = Client(d.port, source="127.0.0.5")
        two = [Client(d.port, source="127.0.0.6") for _ in range(2)]
        third = Client(d.port, source="127.0.0.7")
        assert two[0].line() is None, "the oldest of the busiest goes"
        Client(d.port, source="127.0.0.8", banner=False).expect("-busy, try again later")
        for one in (alone, two[1], third):
            one.ask("ECHO still here", "+still here")


@test
def who_expects_a_handshake_is_refused_in_silence():
    """A text before the TLS handshake is garbage to a client."""
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        port = free_port()
        listeners = "".join(f'[[echod.listen]]\nname = "{name}"\naddress = ["127.0.0.1"]\nport = {at}\ntls = "{tls}"\n'
                            for name, at, tls in (("echo", port, "starttls"), ("echos", free_port(), "implicit")))
        with echod(f'[limits]\nper_source = 1\n[tls]\nchain = "{chain}"\nkey = "{key}"\n{listeners}', listen=False) as d:
            assert d.ready, d.log()
            implicit = int(re.findall(r"port = (\d+)", open(d.config).read())[1])
            held = Client(port)
            Client(port, banner=False).expect("-busy, try again later")
            assert Client(implicit, banner=False).line() is None, "told in plain text"
            held.close()


PROXY_LISTENER = """[[echod.listen]]
name = "echo"
address = ["127.0.0.1"]
port = 10007
proxy_from = ["127.0.0.2"]
"""


@test
def a_monitor_knows_both_ends_whatever_the_net_process_claims():
    with echod(PROXY_LISTENER) as d:
        direct = Client(d.port, source="127.0.0.7")
        direct.ask("WHERE", f"+127.0.0.7 127.0.0.7 127.0.0.1 {d.port}")
        behind = Client(d.port, source="127.0.0.2", banner=False)
        behind.send("PROXY TCP4 192.0.2.9 192.0.2.1 4711 7")
        behind.expect("+hello")
        behind.ask("WHERE", f"+192.0.2.9 127.0.0.2 127.0.0.1 {d.port}")


@test
def only_a_proxy_may_name_a_client():
    with echod(PROXY_LISTENER) as d:
        liar = Client(d.port, source="127.0.0.7")
        liar.send("NAME 192.0.2.9")
        assert liar.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=127\.0\.0\.7 what=\"names a client without being a proxy\"")
        assert "rip=192.0.2.9" not in d.log()


@test
def a_client_is_named_once_and_first():
    with echod(PROXY_LISTENER) as d:
        twice = Client(d.port, source="127.0.0.2", banner=False)
        twice.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 5 6\r\nUPPER x\r\n")
        twice.expect("+hello")
        twice.expect("+X")
        twice.send("NAME 192.0.2.10")
        assert twice.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=192\.0\.2\.9 .*client_address")
        late = Client(d.port, source="127.0.0.2", banner=False)
        late.send(b"PROXY UNKNOWN\r\nUPPER x\r\n")
        late.expect("+hello")
        late.expect("+X")
        late.send("NAME 192.0.2.11")
        assert late.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=127\.0\.0\.2")
        assert "rip=192.0.2.11" not in d.log()


@test
def a_crash_penalises_the_client_behind_the_proxy():
    with echod(PROXY_LISTENER + '[limits]\npenalty_start = "30s"\n') as d:
        bad = Client(d.port, source="127.0.0.2", banner=False)
        bad.send(b"PROXY TCP4 192.0.2.66 192.0.2.1 5 6\r\nCRASH\r\n")
        bad.expect("+hello")
        d.wait_log(r"penalty-start .*rip=192\.0\.2\.66 seconds=30 reason=crash")
        again = Client(d.port, source="127.0.0.2", banner=False)
        again.send(b"PROXY TCP4 192.0.2.66 192.0.2.1 5 6\r\n")
        assert again.line() is None
        d.wait_log(r"limit-refuse .*rip=192\.0\.2\.66 limit=penalty")
        other = Client(d.port, source="127.0.0.2", banner=False)
        other.send(b"PROXY TCP4 192.0.2.67 192.0.2.1 5 6\r\n")
        other.expect("+hello")


@test
def starttls_works_and_is_offered_once():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            c = Client(d.port)
            c.ask("STARTTLS", "+go")
            c.starttls()
            c.ask("UPPER secret", "+SECRET")
            c.ask("STARTTLS", "-no")
            d.wait_log(r"tls-ok rip=127\.0\.0\.1 .*version=TLSv1\.3")


@test
def bytes_behind_starttls_end_the_connection_CVE_2011_0411():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            c = Client(d.port)
            c.send(b"STARTTLS\r\nECHO injected\r\n")
            c.expect("+go")
            assert c.line() is None
            d.wait_log("tls-injection")


def renewal_is_served(d, first, renew):
    old = Client(d.port)
    renew()
    end = time.time() + 6
    while served_certificate(d.port) == first:
        assert time.time() < end, "the old certificate is still served:\n" + d.log()
        time.sleep(0.1)
    old.ask("UPPER kept", "+KEPT")


@test
def a_renewed_certificate_is_served_after_a_reload():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder, "old.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: (make_certificate(folder, "new.test"),
                                                                      d.process.send_signal(signal.SIGHUP)))


@test
def a_renewed_certificate_is_noticed_when_its_files_are_written():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder, "old.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            for name in ("new.test", "newer.test"):
                renewal_is_served(d, served_certificate(d.port), lambda n=name: make_certificate(folder, n))


@test
def a_renewed_certificate_is_noticed_behind_links():
    """As Let's Encrypt's clients renew: a link for each file. As containers do: one link for all."""
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2, 3):
            os.mkdir(os.path.join(folder, f"archive{number}"))
            make_certificate(os.path.join(folder, f"archive{number}"), f"n{number}.test")
        live = os.path.join(folder, "live")
        os.mkdir(live)

        def switch(target, link):
            os.symlink(target, link + ".new")
            os.rename(link + ".new", link)

        def files(number):
            for name in ("chain.pem", "key.pem"):
                switch(f"../archive{number}/{name}", os.path.join(live, name))

        files(1)
        with echod(f'[tls]\nchain = "{live}/chain.pem"\nkey = "{live}/key.pem"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: files(2))
        data = os.path.join(folder, "data")
        switch("archive2", data)
        with echod(f'[tls]\nchain = "{data}/chain.pem"\nkey = "{data}/key.pem"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: switch("archive3", data))


@test
def half_a_renewal_keeps_the_old_certificate():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as next_one:
        chain, key = make_certificate(folder, "old.test")
        new_chain, new_key = make_certificate(next_one, "new.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            first = served_certificate(d.port)
            os.rename(new_chain, chain)
            d.wait_log(r"cert-rejected .*error=")
            assert served_certificate(d.port) == first
            renewal_is_served(d, first, lambda: os.rename(new_key, key))


def served_certificate(port):
    c = Client(port)
    c.ask("STARTTLS", "+go")
    return c.starttls().getpeercert(binary_form=True)


@test
def reload_with_a_bad_file_keeps_the_old_configuration():
    with echod() as d:
        c = Client(d.port)
        d.write("[echod]\nnonsense = 1\n")
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-rejected")
        c.ask("UPPER old", "+OLD")
        Client(d.port).ask("UPPER new", "+NEW")


@test
def sigterm_ends_sessions_and_leaves_no_process():
    with echod() as d:
        clients = [Client(d.port) for _ in range(5)]
        tree = children(d.process.pid)
        assert d.stop() == 0
        for c in clients:
            assert c.line() is None
        for pid in tree:
            assert not os.path.exists(f"/proc/{pid}"), f"{pid} is still there: " + subprocess.run(["ps", "-o", "pid,ppid,stat,args", "-p", str(pid)], capture_output=True, text=True).stdout + d.log()


@test
def sandbox_is_on_in_every_net_process():
    with echod() as d:
        Client_kept = Client(d.port)
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        for pid in [zygote, *children(zygote)]:
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            assert re.search(r"^Seccomp:\s+2$", status, re.M), status
            assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status
            assert re.search(r"^CapEff:\s+0+$", status, re.M), status
            if os.geteuid() == 0:
                assert re.search(r"^Uid:\s+61190\s+61190\s+61190\s+61190$", status, re.M), status
        Client_kept.ask("QUIT", "+bye")


@test
def sandbox_off_is_obeyed_and_log_mode_serves():
    for mode in ("off", "log"):
        with echod(f'[echod]\nsandbox = "{mode}"\n') as d:
            Client(d.port).ask("UPPER x", "+X")
            zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
            with open(f"/proc/{zygote}/status") as f:
                seccomp = re.search(r"^Seccomp:\s+(\d)$", f.read(), re.M).group(1)
            assert seccomp == ("0" if mode == "off" else "2"), (mode, seccomp)


@test
def the_net_program_is_not_started_by_hand():
    done = subprocess.run([os.path.join(BUILD, "libexec/posada/echod-net")], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 64 and "never by hand" in done.stderr, done


def main():
    wanted = sys.argv[1:]
    passed = failed = skipped = 0
    for function in TESTS:
        if wanted and function.__name__ not in wanted:
            continue
        try:
            function()
            passed += 1
            print(f"ok   {function.__name__}", flush=True)
        except Skip as reason:
            skipped += 1
            print(f"SKIP: {function.__name__}: {reason}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {function.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
