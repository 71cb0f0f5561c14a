# SPDX-License-Identifier: BSD-2-Clause
"""POP3 as bytes, and Maildirs as files: what tests of pop3d with foreign programs share."""
import os
import socket
import ssl

SECONDS = 30
MULTI_LINE = ("CAPA", "LIST", "UIDL", "RETR", "TOP", "AUTH")


class Wire:
    """One connection; says lines and hears replies, never interprets them."""

    def __init__(self, port, tls=None, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def start_tls(self, tls):
        self.file.close()
        self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError:
            pass  # then the reply is b"" too

    def line(self):
        """A line with its CRLF; b"" when the connection is closed."""
        try:
            return self.file.readline()
        except (ConnectionError, ssl.SSLError):
            return b""

    def content(self):
        """The lines up to the dot alone, dots unstuffed."""
        lines = []
        while (line := self.line()) != b".\r\n":
            assert line, b"closed within " + b"".join(lines)[-200:]
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def say(self, line):
        """The status line that answers one command line."""
        self.send(line.encode() + b"\r\n" if isinstance(line, str) else line + b"\r\n")
        return self.line()

    def ask(self, line):
        """The content that answers a command with more than one line."""
        reply = self.say(line)
        assert reply.startswith(b"+OK"), (line, reply)
        return self.content()

    def login(self, user, password):
        for line in ("USER " + user, "PASS " + password):
            reply = self.say(line)
            assert reply.startswith(b"+OK"), reply
        return self

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def put(maildir, name, text, owner=None, into="new"):
    """A mail as a foreign program delivers it: written in tmp/, renamed; the name says nothing of sizes."""
    with open(f"{maildir}/tmp/{name}", "wb") as out:
        out.write(text)
    if owner is not None:
        os.chown(f"{maildir}/tmp/{name}", owner, owner)
    os.rename(f"{maildir}/tmp/{name}", f"{maildir}/{into}/{name}")


def make_maildir(path, owner=None):
    for folder in ("", "/new", "/cur", "/tmp"):
        os.makedirs(path + folder, mode=0o700, exist_ok=True)
        if owner is not None:
            os.chown(path + folder, owner, owner)


def mails_of(maildir):
    """{base name: (folder, flags, text)} of all mails."""
    found = {}
    for folder in ("new", "cur"):
        for name in os.listdir(f"{maildir}/{folder}"):
            base, _, flags = name.partition(":2,")
            with open(f"{maildir}/{folder}/{name}", "rb") as f:
                found[base] = (folder, flags, f.read())
    return found
