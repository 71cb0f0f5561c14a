#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Our ftp at vsftpd, ProFTPD, Pure-FTPd and inetutils-ftpd (unpacked, started by hand): what a day's work is made of, passive
and active, in the clear and over TLS where the server has it. Every file is compared by its hash.
usage: ftp_elsewhere.py [TEST ...]"""
import hashlib
import itertools
import os
import random
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, Skip, run_tests  # noqa: E402
from ftp_peers import Account, InetutilsFtpd, NotHere, ProFtpd, PureFtpd, Vsftpd  # noqa: E402
from harness import make_certificate  # noqa: E402
from programs import Home  # noqa: E402

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import crypt

FTP = os.path.join(BUILD, "bin/ftp")
USER, PASSWORD, UID = "daniel", "hungry", 61300
home = None  # main sets it


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Visit:
    """One way to one server: what is at hand here (local) and there (remote), and the client's run."""

    def __init__(self, server, remote, tls, mode):
        self.server, self.remote, self.tls, self.mode = server, remote, tls, mode
        self.local = tempfile.mkdtemp(dir=home.path)

    def file(self, name, size=200_000):
        with open(f"{self.local}/{name}", "wb") as out:
            out.write(b"\r\n\n\r\0\xff\xf4" + random.Random(name).randbytes(size))
        return name

    def ftp(self, commands, status=0):
        options = [f"--tls={self.tls}", *(["--ca", f"{self.server.dir}/../chain.pem"] if self.tls != "off" else []),
                   "-A" if self.mode == "active" else "-p"]
        script = f"user {USER} {PASSWORD}\n{commands}bye\n"
        done = home.run(FTP, "-n", "-i", "--fail-exit", *options, "127.0.0.1", str(self.server.port), stdin=script,
                        status=status, cwd=self.local)
        return done.stdout.decode()

    def same(self, *names):
        """Each name is a pair NAME:OTHER, one of them below r/ (there) and one below l/ (here)."""
        for pair in names:
            one, two = (p.replace("r/", f"{self.remote}/", 1) if p.startswith("r/") else p.replace("l/", f"{self.local}/", 1)
                        for p in pair.split(":"))
            assert digest(one) == digest(two), pair


def files_go_there_and_back(v):
    v.file("up")
    out = v.ftp('put up "a name"\nls\nget "a name" down\nsize "a name"\nmodtime "a name"\nnlist\n')
    v.same("r/a name:l/up", "l/down:l/up")
    assert out.count("a name") >= 2 and "200007" in out, out
    assert not os.path.exists(f"{v.local}/down.part")


def an_empty_file_and_text(v):
    v.file("empty", 0)
    with open(f"{v.local}/text", "wb") as text:
        text.write(b"one\ntwo\n\nend\n")
    os.truncate(f"{v.local}/empty", 0)
    v.ftp("put empty\nget empty back\nascii\nput text\nget text text-back\nbinary\n")
    v.same("r/empty:l/empty", "l/back:l/empty", "l/text-back:l/text")


def what_broke_off_goes_on(v):
    v.file("up")
    with open(f"{v.local}/up", "rb") as whole:
        data = whole.read()
    with open(f"{v.local}/down.part", "wb") as part:
        part.write(data[:77_777])
    v.ftp("put up\nreget up down\n")
    v.same("r/up:l/up", "l/down:l/up")
    os.truncate(f"{v.remote}/up", 12_345)
    v.ftp("reput up\n")
    v.same("r/up:l/up")


def many_at_once(v):
    names = [v.file(f"m{n}.dat", n * 1000) for n in range(8)]
    v.file("other")
    v.ftp("mkdir many\ncd many\nmput m*.dat\nput other\nlcd ..\n")
    assert sorted(os.listdir(f"{v.remote}/many")) == [*names, "other"]
    os.mkdir(f"{v.local}/back")
    v.ftp("cd many\nlcd back\nmget m*.dat\nmdelete m*\n")
    v.same(*(f"l/back/{name}:l/{name}" for name in names))
    assert os.listdir(f"{v.remote}/many") == ["other"]


def changes(v):
    v.file("up", 10)
    out = v.ftp("mkdir made\nput up\nrename up made/moved\ncd made\npwd\nls\ncdup\nchmod 600 made/moved\n")
    assert os.listdir(f"{v.remote}/made") == ["moved"] and "/made\n" in out and "moved" in out, out
    assert os.stat(f"{v.remote}/made/moved").st_mode & 0o777 == 0o600
    v.ftp("delete made/moved\nrmdir made\n")
    assert not os.path.exists(f"{v.remote}/made")


def what_is_refused(v):
    v.file("up")
    v.ftp("get nothing\n", status=5)
    assert "nothing" not in os.listdir(v.local) and "nothing.part" not in os.listdir(v.local)
    v.ftp("cd nothing\n", status=5)
    v.ftp("put up no/such/dir\n", status=5)


WORK = (files_go_there_and_back, an_empty_file_and_text, what_broke_off_goes_on, many_at_once, changes, what_is_refused)


def visit(kind, tls, mode):
    with tempfile.TemporaryDirectory(prefix="posada-peer-", dir=home.path) as folder:
        os.chmod(folder, 0o755)
        remote = f"{folder}/home"
        os.mkdir(remote)
        os.chown(remote, UID, UID)
        hashed = crypt.crypt(PASSWORD, crypt.mksalt(crypt.METHOD_SHA512, rounds=1000))
        try:
            server = kind(f"{folder}/server", [Account(USER, UID, remote, hashed)], make_certificate(folder))
            with server:
                for work in WORK:
                    try:
                        work(Visit(server, remote, tls, mode))
                    except AssertionError as error:
                        raise AssertionError(f"{work.__name__}: {error}") from error
        except NotHere as why:
            raise Skip(str(why)) from why


def main():
    tests = {}
    for kind, tls, mode in itertools.product((Vsftpd, ProFtpd, PureFtpd, InetutilsFtpd), ("off", "required"),
                                             ("passive", "active")):
        if tls == "off" or kind.tls:
            tests[f"{kind.name}-tls-{tls}-{mode}"] = lambda kind=kind, tls=tls, mode=mode: visit(kind, tls, mode)
    return run_tests(tests, sys.argv[1:])


if __name__ == "__main__":
    with Home() as home:
        os.chmod(home.path, 0o755)
        sys.exit(main())
