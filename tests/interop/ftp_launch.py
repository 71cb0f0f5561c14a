#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ftpd in every way of being started: by inetd (wait and nowait), with sockets as systemd gives them (Accept=no and yes), by
posadad. In each a client sends a file and fetches it, passive and active, in the clear and over TLS."""
import contextlib
import ftplib
import io
import os
import socket
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402
from ftp_daemon import FTPD, PASSWORD, USER, Reusing, settings  # noqa: E402
from harness import BUILD, Daemon, connected_pair, free_port, launched, listening  # noqa: E402

DATA = os.urandom(200_000)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="posada-ftpd-") as path:
        os.chmod(path, 0o755)
        yield path


def over(connected, kind, path):
    """An ftplib client over a connection that is there already."""
    client = kind(context=ssl.create_default_context(cafile=f"{path}/chain.pem")) if kind is Reusing else kind()
    connected.settimeout(20)
    client.sock, client.host, client.af = connected, "127.0.0.1", connected.family
    client.file = connected.makefile("r", encoding=client.encoding)
    client.getresp()
    return client


def transfers(client, path):
    client.login(USER, PASSWORD)
    if isinstance(client, Reusing):
        client.prot_p()
    for passive in (True, False):
        client.set_pasv(passive)
        name = f"{type(client).__name__}-{passive}"
        assert client.storbinary(f"STOR {name}", io.BytesIO(DATA)).startswith("226")
        with open(f"{path}/ftp/{USER}/{name}", "rb") as file:
            assert file.read() == DATA
        got = io.BytesIO()
        client.retrbinary(f"RETR {name}", got.write)
        assert got.getvalue() == DATA
    client.quit()


def connect_and_transfer(port, path):
    for kind in (ftplib.FTP, Reusing):
        transfers(over(socket.create_connection(("127.0.0.1", port)), kind, path), path)


def test_inetd_nowait():
    for kind in (ftplib.FTP, Reusing):
        ours, theirs = connected_pair()
        with folder() as path, theirs, launched(stdin=theirs, folder=path, program=FTPD, config=settings(path, "")) as d:
            theirs.close()
            transfers(over(ours, kind, path), path)
            assert d.process.wait(20) == 0, d.log()


def test_inetd_wait():
    with listening() as at, folder() as path, launched(stdin=at, folder=path, program=FTPD, config=settings(path, "")):
        connect_and_transfer(at.getsockname()[1], path)


def test_systemd_accept_no():
    with listening() as plain, listening() as implicit, folder() as path, \
            launched([plain.fileno(), implicit.fileno()], "ftp:ftps", folder=path, program=FTPD, config=settings(path, "")):
        connect_and_transfer(plain.getsockname()[1], path)
        context = ssl.create_default_context(cafile=f"{path}/chain.pem")
        wrapped = context.wrap_socket(socket.create_connection(implicit.getsockname()), server_hostname="127.0.0.1")
        client = over(wrapped, Reusing, path)
        client.context = context
        transfers(client, path)


def test_systemd_accept_yes():
    for kind in (ftplib.FTP, Reusing):
        ours, theirs = connected_pair()
        with folder() as path, theirs, launched([theirs.fileno()], "connection", folder=path, program=FTPD,
                                                config=settings(path, "")) as d:
            theirs.close()
            transfers(over(ours, kind, path), path)
            assert d.process.wait(20) == 0, d.log()


def test_posadad():
    with folder() as path:
        port = free_port()
        config = settings(path, f'[[ftpd.listen]]\nname = "ftp"\naddress = ["127.0.0.1"]\nport = {port}\n'
                                "[smtpd]\nenabled = false\n[pop3d]\nenabled = false\n")
        posadad = Daemon(path, config, listen=False, program=os.path.join(BUILD, "sbin/posadad"))
        try:
            assert posadad.ready, posadad.log()
            connect_and_transfer(port, path)
        finally:
            posadad.stop()


if __name__ == "__main__":
    sys.exit(run_tests({n: f for n, f in list(globals().items()) if n.startswith("test_")}, sys.argv[1:]))
