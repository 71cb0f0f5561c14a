#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Files that cross in many pieces: each transfer is cut at a random place in a random way, and gone on with by REST or APPE
from where the other side says that it is. In the end every file has the bytes it should have, by its hash.
usage: ftp_cuts.py [CUTS [SEED]]; 400 cuts without one"""
import collections
import ftplib
import hashlib
import os
import random
import re
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import process_gone, run_tests, wait_until  # noqa: E402
from ftp_daemon import FtpDaemon, Reusing, reset_on_close  # noqa: E402

FILES_OF = 200_000  # octets at most


class Cutter:
    """One client of one server; `cuts` counts what broke off, by its kind."""

    def __init__(self, server, rng, tls, cuts):
        self.server, self.rng, self.tls, self.cuts = server, rng, tls, cuts
        self.client = None
        self.login()

    def login(self):
        others = self.server.processes("[agent]")
        if self.tls:
            self.client = self.server.login(Reusing, context=ssl.create_default_context(cafile=self.server.ca))
            self.client.prot_p()
        else:
            self.client = self.server.login()
        self.client.set_pasv(self.rng.random() < 0.8)
        self.client.voidcmd("TYPE I")
        self.agent = wait_until(lambda: set(self.server.processes("[agent]")) - set(others)).pop()

    def size(self, name):
        """Of what the server has; the last transfer's end may still be under way there."""
        try:
            return self.client.size(name) or 0
        except ftplib.error_perm:
            return 0

    def end_of_transfer(self, replies=1):
        for _ in range(replies):
            try:
                self.client.getresp()
            except ftplib.Error:
                pass

    def wait_for(self, octets):
        """Until the server has got so many: it looks at ABOR first, and would never have any."""
        end = time.monotonic() + 20
        while int(re.search(r" (\d+) bytes", self.client.sendcmd("STAT"))[1]) < octets:
            assert time.monotonic() < end, f"{octets} octets did not arrive"

    def cut(self, data):
        how = self.rng.choices(("abort", "reset", "hang up", "killed"), (50, 45, 4, 1))[0]
        self.cuts[how] += 1
        if how == "abort":
            self.client.putcmd("ABOR")
            self.end_of_transfer(2)
            data.close()
        elif how == "reset":
            reset_on_close(data).close()
            self.end_of_transfer()
        else:
            if how == "killed":
                os.kill(self.agent, 9)
            else:
                reset_on_close(self.client.sock).close()
            reset_on_close(data).close()
            self.client.close()
            wait_until(lambda: process_gone(self.agent))
            self.login()

    def upload(self, name, data, wanted):
        done = 0
        while done < len(data):
            at = done
            if done and self.rng.random() < 0.2:
                at = self.rng.randrange(done)  # some of it once more
            piece = data[at:at + self.rng.randrange(1, 1 + len(data) * 3 // 5)]
            appends = at == done and done and self.rng.random() < 0.5
            sock = self.client.transfercmd(f"{'APPE' if appends else 'STOR'} {name}", None if appends or not at else at)
            sock.sendall(piece)
            if at + len(piece) < len(data):
                self.wait_for(self.rng.randrange(len(piece) + 1))
                self.cut(sock)
                wanted[0] -= 1
            else:
                self.end_properly(sock)
            done = self.size(name)
        with open(f"{self.server.top()}/{name}", "rb") as file:
            assert same(file.read(), data), f"{name} differs after an upload"

    def download(self, name, data, wanted):
        got = b""
        while len(got) < len(data):
            sock = self.client.transfercmd(f"RETR {name}", len(got) or None)
            stop = len(got) + self.rng.randrange(1, 1 + len(data) * 3 // 5)
            ended = False
            while len(got) < stop and not ended:
                more = sock.recv(min(65536, stop - len(got)))
                got, ended = got + more, not more
            if len(got) < len(data):
                assert not ended, f"{name} ended after {len(got)} of {len(data)}"
                self.cut(sock)
                wanted[0] -= 1
            else:
                self.end_properly(sock)
        assert same(got, data), f"{name} differs after a download"

    def end_properly(self, sock):
        """The last octets: the server says 226 or the test fails."""
        if isinstance(sock, ssl.SSLSocket):
            sock = sock.unwrap()
        sock.close()
        self.client.voidresp()


def same(one, other):
    return hashlib.sha256(one).digest() == hashlib.sha256(other).digest()


def cut_so_often(number, seed):
    rng, cuts, began = random.Random(seed), collections.Counter(), time.monotonic()
    with FtpDaemon() as server:
        cutters = [Cutter(server, rng, tls, cuts) for tls in (False, False, True)]
        wanted, n = [number], 0
        while wanted[0] > 0:
            n += 1
            cutter = cutters[n % len(cutters)]
            data, name = rng.randbytes(rng.randrange(1, FILES_OF)), f"cut{n}.bin"
            cutter.upload(name, data, wanted)
            cutter.download(name, data, wanted)
            cutter.client.delete(name)
        left = [name for name in os.listdir(server.top()) if not name.startswith(".posada-upload-")]
        assert not left, left
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(cuts.items()))
    print(f"seed {seed}: {sum(cuts.values())} cuts ({kinds}) of {n} files, {sum(cuts.values()) / (time.monotonic() - began):.0f}/s")


if __name__ == "__main__":
    CUTS = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1_000_000)
    sys.exit(run_tests({f"cuts_seed_{SEED}": lambda: cut_so_often(CUTS, SEED)}))
