# SPDX-License-Identifier: BSD-2-Clause
"""A real pop3d in a folder of its own for the attack tests, a client that says one line and reads one, and what its
processes hold of the machine."""
import base64
import crypt
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
sys.path[:0] = [os.path.join(ROOT, "tests", room) for room in ("priv", "support")]

import procs  # noqa: E402  (tests/priv)
from ports import free_port  # noqa: E402  (tests/support)

USERS = {"lir": "pamplona", "daniel": "hungry", "guest": "guest"}
FIRST_UID = 70001


def cheap_hash(password):
    return crypt.crypt(password, "$6$rounds=1000$attacktests")


def eventually(what, seconds, why):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, why() if callable(why) else why
        time.sleep(0.02)


class Server:
    """with Server("[limits]...") as d: ..."""

    def __init__(self, config="", auth="", tls=False, mails=()):
        self.folder = tempfile.mkdtemp(prefix="posada-attack-")
        os.chmod(self.folder, 0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.tls = tls
        self.clients = []
        self.violations_expected = False  # a test makes them by itself
        self.program, self.listener = f"{BUILD}/sbin/pop3d", "pop3="
        self.write_users()
        for user in USERS:
            for n, text in enumerate(mails):
                self.put_mail(user, f"{1_000_000_000 + n}.M{n}P1.test", text)
        self.write_config(config, auth)

    def write_users(self):
        with open(f"{self.folder}/users", "w") as f:
            for n, (user, password) in enumerate(USERS.items()):
                home = f"{self.folder}/mail/{user}"
                os.makedirs(f"{home}/Maildir")
                for sub in ("cur", "new", "tmp"):
                    os.mkdir(f"{home}/Maildir/{sub}", 0o700)
                uid, gid = self.ids(n)
                for path in (home, *(f"{home}/Maildir/{sub}" for sub in ("", "cur", "new", "tmp"))):
                    os.chown(path, uid, gid)
                f.write(f"{user}:{cheap_hash(password)}::{uid}:{gid}:{home}\n")
            f.write(f"locked:!{cheap_hash('wrong')}::{FIRST_UID + 9}:{FIRST_UID + 9}:{self.folder}/mail/locked\n")
        os.chmod(f"{self.folder}/users", 0o600)

    @staticmethod
    def ids(n):
        return (FIRST_UID + n, FIRST_UID + n) if os.geteuid() == 0 else (os.geteuid(), os.getegid())

    def put_mail(self, user, name, text):
        path = f"{self.maildir(user)}/new/{name}"
        with open(path, "wb") as f:
            f.write(text)
        os.chown(path, *self.ids(list(USERS).index(user)))

    def maildir(self, user):
        return f"{self.folder}/mail/{user}/Maildir"

    def write_config(self, config, auth):
        base = "uid_base = 61184\n" if os.geteuid() == 0 else ""
        with open(f"{self.folder}/posada.toml", "w") as f:
            f.write(f'hostname = "mail.micasa.test"\n{base}[paths]\nrun_dir = "{self.folder}"\n'
                    f'state_dir = "{self.folder}"\nusers_file = "{self.folder}/users"\n'
                    f'[auth]\nbackends = ["users"]\n{auth}{config}')
            if self.tls:
                f.write(self.certificate())

    def certificate(self):
        chain, key = f"{self.folder}/chain.pem", f"{self.folder}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", chain, "-days", "2", "-subj", "/CN=mail.micasa.test",
                        "-addext", "subjectAltName=DNS:mail.micasa.test"], check=True, capture_output=True)
        os.chmod(key, 0o600)
        return f'\n[tls]\nchain = "{chain}"\nkey = "{key}"\n'

    def __enter__(self):
        command = [self.program, "--config", f"{self.folder}/posada.toml",
                   "--listen", f"{self.listener}127.0.0.1:{self.port}"]
        if self.tls:
            command += ["--listen", f"pop3s=127.0.0.1:{self.tls_port}"]
        reader, writer = os.pipe()
        with open(f"{self.folder}/log", "w") as log:
            self.process = subprocess.Popen([*command, "--ready-fd", str(writer)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, pass_fds=[writer])
        os.close(writer)
        ready = os.read(reader, 1)
        os.close(reader)
        if ready != b"\n":
            self.process.kill()
            self.process.wait()
            raise AssertionError("pop3d did not start:\n" + self.log())
        return self

    def __exit__(self, kind, *_):
        for client in self.clients:  # one that stays would be waited for
            client.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            assert kind, "did not stop within 20 s of SIGTERM"
        log = self.log()
        shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None and not self.violations_expected:
            for line in log.splitlines():
                for bad in ("sandbox-violation", "privilege-breach", "child-crash"):
                    assert bad not in line, line

    def log(self):
        with open(f"{self.folder}/log", errors="replace") as f:
            return f.read()

    def count_log(self, pattern):
        return len(re.findall(pattern, self.log()))

    def tree(self):
        return procs.descendants(self.process.pid)

    def connections(self):
        """The processes of clients: children of the zygote, which is in libexec like them. The one that waits for the next
        client has the log and one channel; those with a client have him besides."""
        tree = self.tree()
        net = {p.pid for p in tree if p.in_libexec}
        sockets = lambda p: sum(target.startswith("socket:") for target in p.fds.values())  # noqa: E731
        return [p for p in tree if p.in_libexec and p.parent in net and sockets(p) > 2]

    def agents(self):
        return [p for p in self.tree() if "[agent]" in p.title]

    def descriptors(self):
        """How many the launcher holds: some for each session."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def pss_kib(pids, what="Pss"):
    """Proportional memory of processes, shared pages divided among those who share them; or "Anonymous": what they have
    written, whoever else runs the same programs."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += int(re.search(rf"^{what}:\s+(\d+)", f.read(), re.M).group(1))
        except (OSError, AttributeError):
            pass  # ended meanwhile
    return total


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M).group(1))


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M).group(1))


class Client:
    """source: an address of 127/8; tls: True (implicit), or a context."""

    def __init__(self, server, source="127.0.0.1", tls=False, greeting=True, timeout=20):
        port = server.tls_port if tls else server.port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.clients.append(self)
        self.buffer = b""
        self.port = self.socket.getsockname()[1]
        if tls:
            self.start_tls(server_name="mail.micasa.test")
        if greeting:
            line = self.line()
            assert line and line.startswith("+OK "), line

    def start_tls(self, server_name="mail.micasa.test"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name)

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode("latin-1") + b"\r\n")

    def line(self):
        """None at the end of the connection."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                data = b""
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def ask(self, text):
        self.send(text)
        return self.line()

    def listing(self, text):
        first, lines = self.ask(text), []
        assert first and first.startswith("+OK"), first
        while True:
            line = self.line()
            assert line is not None, lines
            if line == ".":
                return lines
            lines.append(line)

    def log_in(self, user="lir", password=None):
        assert self.ask("USER " + user).startswith("+OK")
        return self.ask("PASS " + (password or USERS[user]))

    def plain(self, message):
        return self.ask("AUTH PLAIN " + base64.b64encode(message).decode())

    def ended(self, seconds=5):
        """The server closed; what it still said is thrown away."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionResetError, ssl.SSLError):
            return True
        except TimeoutError:
            return False
        return True

    def close(self):
        self.socket.close()


def process_of(server, client):
    """The connection's process of a client that is connected and has been greeted."""
    def record():
        return re.search(rf"connect rip=\S+ rport={client.port} .*? pid=(\d+)", server.log())
    eventually(record, 5, "no connect record")
    return int(record().group(1))


class Crowd:
    """Many idle connections from one address. Each has been greeted, refused or cut when the constructor returns."""

    def __init__(self, port, source, count, hello=b"", seconds=300):
        self.sockets, self.greeted, self.refused, self.cut = {}, 0, 0, 0
        poll, under_way, started = select.epoll(), 0, 0
        end = time.monotonic() + seconds
        while (started < count or under_way) and time.monotonic() < end:
            while started < count and under_way < 200:
                s = socket.socket()
                s.setblocking(False)
                s.bind((source, 0))
                s.connect_ex(("127.0.0.1", port))
                self.sockets[s.fileno()] = s
                poll.register(s.fileno(), select.EPOLLIN)
                started, under_way = started + 1, under_way + 1
            for fd, _ in poll.poll(1):
                self.take(fd, poll, hello)
                under_way -= 1
        self.unheard = under_way
        self.told = f"{self.greeted} greeted, {self.refused} refused, {self.cut} cut, {self.unheard} unheard"
        poll.close()

    def take(self, fd, poll, hello):
        poll.unregister(fd)
        try:
            said = self.sockets[fd].recv(512)
        except OSError:
            said = b""
        if said.startswith(b"+OK"):
            self.greeted += 1
            if hello:
                self.sockets[fd].send(hello)
            return
        self.refused += said.startswith(b"-ERR")
        self.cut += not said
        self.sockets.pop(fd).close()

    def still_open(self):
        """Those that the server has not closed meanwhile; what it said is thrown away."""
        for fd, s in list(self.sockets.items()):
            try:
                while s.recv(512):
                    pass
            except BlockingIOError:
                continue
            except OSError:
                pass
            self.sockets.pop(fd).close()
        return len(self.sockets)

    def close(self):
        for s in self.sockets.values():
            s.close()
