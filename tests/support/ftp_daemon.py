# SPDX-License-Identifier: BSD-2-Clause
"""ftpd by itself (no posadad): a folder with its configuration, a certificate and users, IPv4 and IPv6, with TLS on request
and from the first octet; and ftplib as clients of the tests use it."""
import contextlib
import ftplib
import os
import socket
import struct
import tempfile

from demo import children
from harness import BUILD, Daemon, free_port, make_certificate, make_user

FTPD = os.path.join(BUILD, "sbin/ftpd")
USER, PASSWORD = "daniel", "hungry"


def settings(folder, more):
    """The configuration that every way of starting shares; makes the certificate and the users."""
    if not os.path.exists(f"{folder}/users"):
        make_certificate(folder)
        make_user(folder, USER, PASSWORD)
    return f'[tls]\nchain = "{folder}/chain.pem"\nkey = "{folder}/key.pem"\n[ftpd]\n{more}'


def reset_on_close(sock):
    """The same connection, plain if it was TLS; its close() sends a reset."""
    raw = socket.socket(fileno=sock.detach())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return raw


class Reusing(ftplib.FTP_TLS):
    """ftplib does not resume the control session by itself."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        return conn, size


class FtpDaemon:
    """with FtpDaemon("sync = true") as server: ..."""

    def __init__(self, config="", user_names=()):
        self.config, self.user_names = config, user_names

    def __enter__(self):
        self.held = contextlib.ExitStack()
        self.folder = self.held.enter_context(tempfile.TemporaryDirectory(prefix="posada-ftpd-"))
        os.chmod(self.folder, 0o755)
        config = settings(self.folder, self.config)
        for name in self.user_names:
            make_user(self.folder, name, PASSWORD)
        self.ports = {"starttls": free_port(), "implicit": free_port()}
        self.settings = config
        return self.start()

    def start(self):
        listeners = [f"--listen={listener}={host}:{self.ports[kind]}" for host in ("127.0.0.1", "[::1]")
                     for listener, kind in (("ftp", "starttls"), ("ftps", "implicit"))]
        self.daemon = Daemon(self.folder, self.settings, listen=False, args=listeners, program=FTPD)
        assert self.daemon.ready, self.log()
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        with self.held:
            assert "sandbox-violation" not in self.log(), self.log()

    @property
    def port(self):
        return self.ports["starttls"]

    @property
    def ca(self):
        return f"{self.folder}/chain.pem"

    def log(self):
        return self.daemon.log()

    def top(self, user=USER):
        """What this user sees as /."""
        return f"{self.folder}/ftp/{user}"

    def processes(self, word):
        """Those of this daemon whose title has this word: "[agent]", "ftpd-net" ..."""
        return [pid for pid in children(self.daemon.process.pid) if word in title(pid)]

    def login(self, kind=ftplib.FTP, host="127.0.0.1", user=USER, **more):
        client = kind(timeout=20, **more)
        client.connect(host, self.port)
        client.login(user, PASSWORD)
        return client


def title(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
