#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plays tests/dialog/<protocol>/*.dlg against the real daemons, each file in every way a daemon can be started:
listen (--listen), listen-fds (a listening socket, as posadad and systemd with Accept=no pass it), accept-yes (a connected
socket, systemd with Accept=yes) and inetd (a connected socket as standard input). The form of the files is in
tests/support/dialog.h. A running demo gives queue, users and certificates; names of files on the command line select."""
import glob
import os
import re
import select
import signal
import smtplib
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, ROOT, Demo, free_port, run_tests  # noqa: E402

MODES = ("listen", "listen-fds", "accept-yes", "inetd")
PATIENCE = 15


class Mismatch(AssertionError):
    pass


def unescape(text):
    """\\r \\n \\0 \\\\ \\xHH -> bytes."""
    names = {"r": b"\r", "n": b"\n", "0": b"\0", "\\": b"\\", "t": b"\t"}
    out, i = b"", 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode("utf-8", "surrogateescape")
            i += 1
        elif text[i + 1] == "x":
            out += bytes([int(text[i + 2:i + 4], 16)])
            i += 4
        else:
            out += names[text[i + 1]]
            i += 2
    return out


class Dialog:
    def __init__(self, path):
        self.path = path
        self.words, self.steps, self.implicit, self.lf, self.every_byte = [], [], False, False, False
        for number, line in enumerate(open(path, encoding="utf-8", errors="surrogateescape").read().splitlines(), 1):
            kind, rest = line[:2], line[3:] if line[2:3] == " " else line[2:]
            if line.startswith("#") or not line.strip():
                continue
            if kind in ("s>", "c>", "c|", "d>", "d<"):
                self.steps.append((kind, rest, number))
            elif line.startswith("@server"):
                self.words += line.split()[1:]
            elif line == "@tls implicit":
                self.implicit = True
            elif line == "@lf":
                self.lf = True
            elif line == "@split every-byte":
                self.every_byte = True
            elif line in ("@tls starttls", "@pause", "@close"):
                self.steps.append((line, "", number))
            elif line.startswith("@data "):
                self.steps.append(("@data", line[6:], number))
            else:
                raise ValueError(f"{path}:{number}: {line}")
        if self.steps[-1][0] != "@close":
            raise ValueError(f"{path}: without @close at the end nobody sees what else the server says")


class Data:
    """FTP: the client's end of a data connection."""

    def __init__(self):
        self.socket = self.listening = None
        self.buffer = b""

    def connect(self, reply):
        port = re.search(r"\(\|\|\|(\d+)\|\)", reply)
        numbers = re.search(r"\(127,0,0,1,(\d+),(\d+)\)", reply)
        port = int(port[1]) if port else int(numbers[1]) * 256 + int(numbers[2])
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)

    def listen(self):
        self.listening = socket.socket()
        self.listening.settimeout(PATIENCE)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()

    def words(self, line):
        if not self.listening:
            return line
        port = self.listening.getsockname()[1]
        return line.replace("%PORT%", f"127,0,0,1,{port >> 8},{port & 255}").replace("%EPRT%", f"|1|127.0.0.1|{port}|")

    def open(self):
        if self.socket is None:
            self.socket = self.listening.accept()[0]
            self.socket.settimeout(PATIENCE)
        return self.socket

    def read_line(self):
        while b"\n" not in self.buffer:
            data = self.open().recv(65536)
            if not data:
                raise Mismatch(f"the data connection ended; left over: {self.buffer!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "surrogateescape")

    def end(self, octets, sent):
        if not sent:
            while data := self.open().recv(65536):
                self.buffer += data
            if len(self.buffer) != int(octets or 0):
                raise Mismatch(f"{len(self.buffer)} octets came, not {octets or 0}")
        self.close()

    def close(self):
        for one in (self.socket, self.listening):
            if one:
                one.close()
        self.__init__()


class Player:
    """The client: one connection, one dialog."""

    def __init__(self, dialog, connection, tls):
        self.dialog, self.socket, self.tls, self.buffer = dialog, connection, tls, b""
        self.data, self.heard, self.sent = Data(), "", False
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handshake(self):
        if self.buffer:
            raise Mismatch(f"before the handshake the server said {self.buffer!r} as well")
        self.socket = self.tls.wrap_socket(self.socket, server_hostname="localhost")

    def read_line(self):
        while b"\n" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise Mismatch(f"the server closed; left over: {self.buffer!r}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Mismatch(f"a line without CR: {line!r}")
        return line[:-1].decode("utf-8", "surrogateescape")

    def send(self, data):
        pieces = [data[i:i + 1] for i in range(len(data))] if self.dialog.every_byte else [data]
        for piece in pieces:
            self.socket.sendall(piece)

    def expect(self, pattern):
        self.heard = line = self.read_line()
        self.match(pattern, line)

    @staticmethod
    def match(pattern, line):
        regex = ".*".join(re.escape(part) for part in pattern.split("*"))
        if not re.fullmatch(regex, line, re.S):
            raise Mismatch(f"expected '{pattern}', got '{line}'")

    def expect_close(self):
        try:
            data = self.buffer + self.socket.recv(1000)
        except ConnectionResetError:
            data = b""
        if data:
            raise Mismatch(f"expected the end, got {data!r}")

    def play(self):
        if self.dialog.implicit:
            self.handshake()
        for kind, text, number in self.dialog.steps:
            try:
                self.step(kind, text)
            except (OSError, Mismatch) as why:
                raise Mismatch(f"{os.path.relpath(self.dialog.path, ROOT)}:{number}: {why}") from None

    def step(self, kind, text):
        if kind == "s>":
            self.expect(text)
        elif kind == "c>":
            self.sent = False
            self.send(unescape(self.data.words(text)) + (b"\n" if self.dialog.lf else b"\r\n"))
        elif kind == "c|":
            self.send(unescape(text))
        elif kind == "d>":
            self.match(text, self.data.read_line())
        elif kind == "d<":
            self.data.open().sendall(unescape(text))
            self.sent = True
        elif kind == "@data":
            self.step_data(*text.split())
        elif kind == "@tls starttls":
            self.handshake()
        elif kind == "@pause":
            time.sleep(0.3)
        else:
            self.expect_close()


    def step_data(self, what, octets=None):
        if what == "connect":
            self.data.connect(self.heard)
        elif what == "listen":
            self.data.listen()
        else:
            self.data.end(octets, self.sent)


class Server:
    """One daemon, one way of starting it, one connection."""

    def __init__(self, mode, program, arguments, config, listener):
        self.mode, self.listener, self.folder = mode, listener, os.path.dirname(config)
        self.argv = [os.path.join(BUILD, "sbin", program), *arguments, "--config", config]
        self.process = self.listening = None

    def listen(self):
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()
        return self.listening.getsockname()

    def spawn_with_fd3(self, descriptor, name):
        def place():
            os.dup2(descriptor, 3)
            os.set_inheritable(3, True)
        script = f'LISTEN_FDS=1 LISTEN_FDNAMES={name} LISTEN_PID=$$ exec "$@"'
        self.process = subprocess.Popen(["/bin/sh", "-c", script, "sh", *self.argv], stdin=subprocess.DEVNULL,
                                        stderr=self.log(), close_fds=False, preexec_fn=place)

    def log(self):
        return open(os.path.join(self.folder, "log"), "ab")

    def connect(self):
        return getattr(self, "start_" + self.mode.replace("-", "_"))()

    def start_listen(self):
        port, (reader, writer) = free_port(), os.pipe()
        self.argv += ["--listen", f"{self.listener}=127.0.0.1:{port}", "--ready-fd", str(writer)]
        self.process = subprocess.Popen(self.argv, pass_fds=[writer], stdin=subprocess.DEVNULL, stderr=self.log())
        os.close(writer)
        ready = select.select([reader], [], [], PATIENCE)[0] and os.read(reader, 1)
        os.close(reader)
        if ready != b"\n":
            raise Mismatch("the daemon did not become ready")
        return socket.create_connection(("127.0.0.1", port))

    def start_listen_fds(self):
        at = self.listen()
        self.spawn_with_fd3(self.listening.fileno(), self.listener)
        return socket.create_connection(at)

    def accepted(self):
        at = self.listen()
        client = socket.create_connection(at)
        return client, self.listening.accept()[0]

    # systemd does not know our names for an accepted socket; --listener tells.
    def start_accept_yes(self):
        client, server = self.accepted()
        self.argv += ["--listener", self.listener]
        self.spawn_with_fd3(server.fileno(), "connection")
        server.close()
        return client

    def start_inetd(self):
        client, server = self.accepted()
        self.process = subprocess.Popen([*self.argv, "--listener", self.listener], stdin=server, stdout=server, stderr=server)
        server.close()
        return client

    def stop(self):
        """One-client modes must end by themselves once their client has gone; the others on SIGTERM."""
        try:
            if self.mode in ("listen", "listen-fds") and self.process:
                self.process.send_signal(signal.SIGTERM)
            return self.process.wait(PATIENCE) if self.process else None
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "killed: it did not end"
        finally:
            if self.listening:
                self.listening.close()


class Stage:
    """The demo and the variants of its configuration that @server words ask for."""

    def __init__(self, demo):
        self.demo = demo
        self.base = open(f"{demo.dir}/posada.toml", encoding="utf-8").read().replace("mail.micasa.test", "mx.micasa.test", 1)

        self.add_user("daniel.morato", "")
        self.add_user("lleno", ":quota_messages=1")

    def add_user(self, name, options):
        """The course's user has a dot in the name; another has a quota. The password is that of daniel."""
        users = f"{self.demo.dir}/users"
        daniel = next(line for line in open(users, encoding="utf-8") if line.startswith("daniel:"))
        home = os.path.dirname(self.demo.maildir(name))
        os.makedirs(home, mode=0o700, exist_ok=True)
        owner = os.stat(os.path.dirname(self.demo.maildir("daniel")))
        os.chown(home, owner.st_uid, owner.st_gid)
        with open(users, "a", encoding="utf-8") as out:
            line = name + ":" + daniel.rstrip("\n").split(":", 1)[1]
            out.write(line.replace(os.path.dirname(self.demo.maildir("daniel")), home) + options + "\n")

    def fill_lleno(self):
        """@server full: the queue has just seen that lleno's mailbox, which may hold one message, is full."""
        service = self.demo.endpoints["services"]["smtp"]
        for _ in range(PATIENCE * 5):
            with smtplib.SMTP(service["host"], service["port"], timeout=PATIENCE) as smtp:
                try:
                    smtp.sendmail("daniel@micasa.test", ["lleno@micasa.test"], "Subject: fill\r\n\r\n.\r\n")
                except smtplib.SMTPRecipientsRefused as refused:
                    if refused.recipients["lleno@micasa.test"][0] == 452:  # before: not known yet, a new user
                        return
            time.sleep(0.2)
        raise Mismatch("lleno's mailbox does not get full")

    def config(self, words):
        extra = {"smtpd": [], "pop3d": [], "ftpd": []}
        tail = ""
        if "relay" in words:
            extra["smtpd"].append('relay_networks = ["127.0.0.0/8"]')
            tail = '[[smtpd.route]]\ndomain = "yahoo.com"\nhost = "127.0.0.1"\nport = 9\ntls = "none"\n'
        if "never" in words:
            extra["pop3d"].append('plaintext_auth = "never"')
            extra["ftpd"].append('plaintext_auth = "never"')
        if "postmaster" in words:
            extra["smtpd"].append('postmaster = "daniel"')
        text = self.base if "scram" in words else self.base.replace("scram = true", "scram = false", 1)
        for section, lines in extra.items():
            if lines:
                text += f"\n[{section}]\n" + "\n".join(lines) + "\n"
        path = f"{self.demo.dir}/dialog-{'-'.join(sorted(re.sub(r'[^a-z0-9]', '', w) for w in words))}.toml"
        with open(path, "w", encoding="utf-8") as out:
            out.write(text + tail)
        os.chmod(path, 0o600)
        return path

    def prepare_mailboxes(self, words):
        """@server mailbox:NAME: daniel's and daniel.morato's mailbox is that of tests/support/mailboxes.h."""
        for word in words:
            if not word.startswith("mailbox"):
                continue
            name = re.split("[:=]", word, maxsplit=1)[1]
            for user in ("daniel", "lir", "daniel.morato"):
                home = os.path.dirname(self.demo.maildir(user))
                if os.path.isdir(home):
                    fill_mailbox(name, self.demo.maildir(user))

    def prepare_files(self):
        """What daniel sees: the same files as with the pure session (tests/unit/ftpd/dialog_test.cc)."""
        top = f"{self.demo.endpoints['ftp_root']}/daniel"
        owner = os.stat(os.path.dirname(self.demo.maildir("daniel")))
        subprocess.run(["rm", "-rf", top], check=True)
        os.makedirs(f"{top}/tesis", mode=0o755)
        for name, content in (("hola.txt", b"Hola\nlir\n"), (".oculto", b"1"), ("tesis/todasfases.fig", bytes(4187))):
            with open(f"{top}/{name}", "wb") as out:
                out.write(content)
        subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", top], check=True)

    def server(self, dialog, protocol, mode):
        config = self.config(dialog.words)
        if protocol == "smtp":
            auth = "auth" in dialog.words
            listener = ("submissions" if dialog.implicit else "submission") if auth else "smtp"
            return Server(mode, "smtpd", ["--submission"] if auth else [], config, listener)
        if protocol == "ftp":
            return Server(mode, "ftpd", [], config, "ftps" if dialog.implicit else "ftp")
        return Server(mode, "pop3d", [], config, "pop3s" if dialog.implicit else "pop3")

    def play(self, dialog, protocol, mode):
        self.prepare_mailboxes(dialog.words)
        if protocol == "ftp":
            self.prepare_files()
        if "full" in dialog.words:
            self.fill_lleno()
        server = self.server(dialog, protocol, mode)
        try:
            connection = server.connect()
            Player(dialog, connection, self.demo.tls()).play()
            connection.close()
        except BaseException:
            if server.process and server.process.poll() is None:
                server.process.terminate()
            server.stop()
            print("    the end of the log:\n    " + "\n    ".join(self.demo.log().splitlines()[-8:]))
            raise
        status = server.stop()
        if status != 0:
            raise Mismatch(f"{dialog.path}: the daemon ended with {status}")


def fill_mailbox(name, maildir):
    owner = os.stat(os.path.dirname(maildir))
    subprocess.run(["rm", "-rf", maildir], check=True)
    subprocess.run([os.path.join(BUILD, "tests/write-mailbox"), name, maildir], check=True)
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", maildir], check=True)


def main():
    wanted = [os.path.abspath(path) for path in sys.argv[1:]]
    with Demo() as demo:
        stage, tests = Stage(demo), {}
        for path in sorted(glob.glob(os.path.join(ROOT, "tests/dialog/*/*.dlg"))):
            if wanted and path not in wanted:
                continue
            dialog, protocol = Dialog(path), os.path.basename(os.path.dirname(path))
            for mode in MODES:
                name = f"{protocol}/{os.path.basename(path)[:-4]} {mode}"
                tests[name] = lambda d=dialog, p=protocol, m=mode: stage.play(d, p, m)
        return run_tests(tests)


if __name__ == "__main__":
    sys.exit(main())
