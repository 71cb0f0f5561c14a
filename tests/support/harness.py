# SPDX-License-Identifier: BSD-2-Clause
"""echod in a folder of its own, and clients that talk to it over loopback."""
import contextlib
import crypt
import fcntl
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, free_port, wait_until  # noqa: E402,F401

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
ECHOD = os.path.join(BUILD, "sbin", "echod")
SHARED = ECHOD + "-shared"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def make_certificate(folder, name="localhost", kind=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
    chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", chain, "-days", "2",
                    "-subj", "/CN=" + name, "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1,IP:::1"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return chain, key


class Client:
    connected = []  # closed at a test's end: a daemon that stops would wait for them

    def __init__(self, port, source=None, banner=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10,
                                               source_address=(source, 0) if source else None)
        self.buffer = b""
        self.connected.append(self)
        if banner:
            self.expect("+hello")

    @classmethod
    def over(cls, connected, banner=True):
        self = cls.__new__(cls)
        self.socket, self.buffer = connected, b""
        self.socket.settimeout(10)
        self.connected.append(self)
        if banner:
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

    @classmethod
    def close_all(cls):
        while cls.connected:
            cls.connected.pop().close()


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


def make_user(folder, name="daniel", password="hungry", rounds=1000):
    """In the users file of this folder, with a home that has one file in it."""
    uid = USER if os.geteuid() == 0 else os.geteuid()
    home = os.path.join(folder, name)
    os.mkdir(home)
    with open(os.path.join(home, "letter"), "w") as f:
        f.write("so be it\n")
    for path in (home, os.path.join(home, "letter")):
        os.chown(path, uid, uid if os.geteuid() == 0 else os.getegid())
    hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA512, rounds=rounds))
    users = os.path.join(folder, "users")
    with open(users, "a") as f:
        f.write(f"{name}:{hashed}::{uid}:{uid}:{home}\n")
    os.chmod(users, 0o600)
    return home


@contextlib.contextmanager
def echod(config="", users=(), rounds=1000, **options):
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        for name in users:
            make_user(folder, name, rounds=rounds)
        daemon = Daemon(folder, config, **options)
        try:
            yield daemon
        finally:
            Client.close_all()
            daemon.stop()
        assert "sandbox-violation" not in daemon.log(), daemon.log()


def children(pid):
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(p) for p in out.split()]


@contextlib.contextmanager
def launched(fds=(), names="", stdin=None, folder=None, config="", program=ECHOD, args=(), env=()):
    """echod as others start it: with sockets from descriptor 3 on, as systemd does (LISTEN_PID = its own pid), or with
    one as descriptor 0, as inetd does. folder: shared by several of them."""
    with contextlib.ExitStack() as at_end:
        if folder is None:
            folder = at_end.enter_context(tempfile.TemporaryDirectory(prefix="posada-service-"))
            os.chmod(folder, 0o755)
        d = Daemon.__new__(Daemon)
        d.folder, d.config = folder, os.path.join(folder, "posada.toml")
        d.log_path = os.path.join(folder, f"log{len(os.listdir(folder))}")
        d.write(config)
        ready, ready_write = os.pipe()
        given = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in (*fds, ready_write)]
        os.close(ready_write)
        script = " ".join(f"exec {3 + i}<&{fd};" for i, fd in enumerate(given[:-1]))
        if fds:
            script += f" export LISTEN_PID=$$ LISTEN_FDS={len(fds)} LISTEN_FDNAMES={names};"
        script += " " + " ".join(f"exec {fd}<&-;" for fd in given[:-1]) + ' exec "$@"'
        command = [program, "--config", d.config, "--ready-fd", str(given[-1]), *args]
        with open(d.log_path, "w") as log:
            d.process = subprocess.Popen(["bash", "-c", script, "bash", *command], stderr=log, stdout=log,
                                         stdin=stdin or subprocess.DEVNULL, pass_fds=given,
                                         env={**os.environ, **dict(env)})
        for fd in given:
            os.close(fd)
        d.ready = os.read(ready, 1) == b"\n"
        os.close(ready)
        try:
            yield d
        finally:
            Client.close_all()
            d.stop()


def listening(family=socket.AF_INET, address=("127.0.0.1", 0)):
    at = socket.socket(family)
    at.bind(address)
    at.listen()
    return at


def connected_pair(source="127.0.0.1"):
    with listening() as listener:
        ours = socket.create_connection(listener.getsockname(), source_address=(source, 0))
        return ours, listener.accept()[0]


def waiting_process(zygote, without=()):
    """The process that is there for the next client: the zygote's child that is not one of these."""
    end = time.time() + 5
    while time.time() < end:
        found = [p for p in children(zygote) if p not in without]
        if len(found) == 1:
            return found[0]
        time.sleep(0.01)
    raise AssertionError(f"one process should wait; the children are {children(zygote)}")


def served_certificate(port):
    c = Client(port)
    c.ask("STARTTLS", "+go")
    return c.starttls().getpeercert(binary_form=True)
