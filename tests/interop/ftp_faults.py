#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What breaks during a transfer of a real ftpd: its processes are killed, connections are cut, TLS ends too early, the disk is
full. In each case, with and without TLS: 226 is never said of a file that is not whole, what was there before stays as it was,
nothing empty and nothing hidden is left behind, and another session works.
usage: ftp_faults.py [TEST ...]"""
import ftplib
import glob
import io
import itertools
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, process_gone, run_tests, wait_until  # noqa: E402
from ftp_daemon import FtpDaemon, Reusing, reset_on_close  # noqa: E402

DATA = random.Random(6).randbytes(400_000)
OLD = b"what was there before" * 1000
LARGE = random.Random(7).randbytes(24_000_000)  # more than the sockets take
SENT = 150_000  # octets of DATA when it breaks
server = None  # main sets it


sources = itertools.count(1)


def login(tls, at=None):
    """From an address of its own: one whose process is killed is not let in for a while."""
    at = at or server
    source = (f"127.9.{next(sources) // 250}.{next(sources) % 250 + 1}", 0)
    if not tls:
        return at.login(source_address=source)
    client = at.login(Reusing, context=ssl.create_default_context(cafile=at.ca), source_address=source)
    client.prot_p()
    return client


def replies(client, wanted=1):
    """What is said of the transfer, so many replies or all until the connection ends. NOOP is answered in between or later."""
    out = []
    try:
        client.putcmd("NOOP")
        while len(out) < wanted + 1:
            try:
                out.append(client.getresp())
            except ftplib.Error as error:
                out.append(str(error))
    except TimeoutError:
        raise
    except (EOFError, OSError):
        pass
    return [line for line in out if not line.startswith("200")]


def another_session_works(at=None):
    client = login(False, at)
    client.storbinary("STOR other.bin", io.BytesIO(b"other"))
    got = io.BytesIO()
    client.retrbinary("RETR other.bin", got.write)
    assert got.getvalue() == b"other"
    client.delete("other.bin")
    client.quit()


def hidden(at=None):
    return glob.glob(f"{(at or server).top()}/.posada-upload-*")


def content(name):
    try:
        with open(f"{server.top()}/{name}", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


# ---- faults: each gets the client and its data connection, and may close both

def agent_killed(_, data):
    for pid in server.processes("[agent]"):
        os.kill(pid, signal.SIGKILL)
    end_properly(data)


def net_killed(_, data):
    pids = [line.rsplit("pid=", 1)[1] for line in server.log().splitlines() if ": connect rip=" in line]
    os.kill(int(pids[-1]), signal.SIGKILL)
    end_properly(data)


def control_reset(client, data):
    client.file.close()
    reset_on_close(client.sock).close()
    wait_until(lambda: not server.processes("[agent]"))
    end_properly(data)


def data_reset(_, data):
    reset_on_close(data).close()


def tls_cut(_, data):
    raw = socket.socket(fileno=data.detach())
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()


def aborted(client, _):
    client.putcmd("ABOR")  # the data connection stays open: its end would say that all has come


def end_properly(data):
    """As after the last octet, if it is open still."""
    try:
        if isinstance(data, ssl.SSLSocket):
            data = data.unwrap()
        data.close()
    except (OSError, ValueError):
        pass


FAULTS = (agent_killed, net_killed, control_reset, data_reset, aborted)

# ---- uploads: command, offset, what is there before, what may be there afterwards


def part_of_data(left):
    return left is None or (left != b"" and len(left) < len(DATA) and DATA.startswith(left))


UPLOADS = {
    "new": ("STOR", None, None, part_of_data),
    "over-an-old-file": ("STOR", None, OLD, lambda left: left == OLD),
    "appended": ("APPE", None, OLD, lambda left: left.startswith(OLD) and DATA.startswith(left[len(OLD):])),
    "gone-on-with": ("STOR", 70_000, DATA[:100_000], lambda left: len(left) >= 100_000 and DATA.startswith(left)),
    "unique": ("STOU", None, None, part_of_data),
}


def sweep(expected):
    """What a killed agent has left goes with the next upload, once it is old enough."""
    assert bool(hidden()) == expected, hidden()
    for path in hidden():
        os.utime(path, times=(time.time() - 61, time.time() - 61))
    another_session_works()
    assert not hidden()


def upload_broken_by(fault, how, tls):
    command, rest, before, allowed = UPLOADS[how]
    name = f"{how}-{fault.__name__}-{tls}"
    client = login(tls)
    if before is not None:
        with open(f"{server.top()}/{name}", "wb") as file:
            file.write(before)
            os.fchown(file.fileno(), os.stat(server.top()).st_uid, -1)
    client.voidcmd("TYPE I")
    data = client.transfercmd(f"{command} {name}", rest)
    data.sendall(DATA[rest or 0:][:SENT])
    wait_until(lambda: f" {SENT} bytes" in client.sendcmd("STAT"))
    fault(client, data)
    said = replies(client, 2 if fault is aborted else 1)
    end_properly(data)
    client.close()
    wait_until(lambda: not server.processes("[agent]"))
    if fault is aborted:
        assert said[0].startswith("426") and said[1].startswith("226"), said
    else:
        assert not any(line.startswith("226") for line in said), said
    left = content(name)
    assert allowed(left), (said, left and len(left))
    sweep(fault is agent_killed and how in ("new", "over-an-old-file"))


def download_broken_by(fault, tls):
    path = f"{server.top()}/large.bin"
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(LARGE)
        os.chmod(path, 0o644)
    client = login(tls)
    client.voidcmd("TYPE I")
    data = client.transfercmd("RETR large.bin")
    got = [data.recv(100_000)]
    reader = Reader(data, got)
    fault(client, reader)
    said = replies(client, 2 if fault is aborted else 1)
    end_properly(reader)
    client.close()
    wait_until(lambda: not server.processes("[agent]"))
    whole = b"".join(got) == LARGE
    assert whole or fault is aborted or not any(line.startswith("226") for line in said), said
    if fault is aborted:
        assert said[0].startswith("426"), said
    another_session_works()


class Reader:
    """A data connection that is read to its end before it is closed."""

    def __init__(self, sock, got):
        self.sock, self.got = sock, got

    def close(self):
        try:
            while more := self.sock.recv(1_000_000):
                self.got.append(more)
        except OSError:
            pass
        self.sock.close()

    def detach(self):
        return self.sock.detach()


def test_tls_that_ends_too_early():
    for how in UPLOADS:
        upload_broken_by(tls_cut, how, True)


def test_a_link_that_stands_still():
    """Nothing comes any more, and nobody says so."""
    with FtpDaemon('data_timeout = "5s"') as quick:
        client = login(False, quick)
        client.voidcmd("TYPE I")
        data = client.transfercmd("STOR still.bin")
        data.sendall(DATA[:SENT])
        try:
            answer = client.getresp()
        except ftplib.Error as error:
            answer = str(error)
        assert answer.startswith("426"), answer
        with open(f"{quick.top()}/still.bin", "rb") as file:
            left = file.read()
        assert left == DATA[:SENT], (len(left), answer)
        client.quit()
        another_session_works(quick)


def full_disk(folder):
    if os.geteuid() != 0:
        raise Skip("only root can mount a small disk")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", folder], capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip("no small disk can be mounted here: " + done.stderr.decode().strip())


def store_too_much(client, command, rest=None):
    data = client.transfercmd(command, rest)
    try:
        data.sendall(LARGE[:4_000_000])
        end_properly(data)
    except OSError:  # it has heard enough
        data.close()
    try:
        return client.getresp()
    except ftplib.Error as error:
        return str(error)


def test_a_full_disk():
    with FtpDaemon() as small:
        another_session_works(small)  # makes the directory
        owner = os.stat(small.top()).st_uid
        full_disk(small.top())
        try:
            os.chown(small.top(), owner, -1)
            for tls in (False, True):
                client = login(tls, small)
                client.voidcmd("TYPE I")
                client.storbinary("STOR old.bin", io.BytesIO(OLD))
                for command, rest in (("STOR new.bin", None), ("STOR old.bin", None), ("STOU made.bin", None),
                                      ("APPE old.bin", None), ("STOR old.bin", 1000)):
                    answer = store_too_much(client, command, rest)
                    assert answer[:3] in ("452", "552"), (command, rest, answer)
                    assert not hidden(small)
                    check_small_disk(small, rest)
                client.quit()
            os.truncate(f"{small.top()}/old.bin", 0)
            another_session_works(small)
        finally:
            small.daemon.stop()
            subprocess.run(["umount", small.top()], check=True)


def check_small_disk(small, rest):
    """What came of a new file may stay, an old one begins as it did; then there is room again."""
    for path in glob.glob(f"{small.top()}/*"):
        with open(path, "rb") as file:
            left = file.read()
        old = path.endswith("old.bin")
        assert left and (left.startswith(OLD[:rest]) if old else LARGE.startswith(left)), path
        if not old:
            os.unlink(path)
        else:
            with open(path, "wb") as file:
                file.write(OLD)


def test_the_monitor_killed():
    """What is under way goes on to its end; then all its processes end, and nobody is in the way of the next one."""
    for tls, (command, before) in itertools.product((False, True), (("STOR", None), ("STOR", OLD), ("RETR", LARGE))):
        with FtpDaemon() as fallen:
            another_session_works(fallen)
            if before:
                with open(f"{fallen.top()}/a.bin", "wb") as file:
                    file.write(before)
                    os.fchown(file.fileno(), os.stat(fallen.top()).st_uid, -1)
            client = login(tls, fallen)
            client.voidcmd("TYPE I")
            data = client.transfercmd(f"{command} a.bin")
            data.sendall(DATA[:SENT]) if command == "STOR" else data.recv(1000)
            family = [pid for pid in fallen.processes("") if pid]
            fallen.daemon.process.kill()
            fallen.daemon.process.wait()
            got = []
            end_properly(Reader(data, got) if command == "RETR" else data)
            said = replies(client)
            client.close()
            wait_until(lambda: all(process_gone(pid) for pid in family))
            assert len(family) >= 3, family
            with open(f"{fallen.top()}/a.bin", "rb") as file:
                assert file.read() == (before if command == "RETR" else DATA[:SENT]), said
            fallen.start()
            another_session_works(fallen)


def main():
    tests = {}
    for fault, tls in itertools.product(FAULTS, (False, True)):
        kind = "tls" if tls else "plain"
        for how in UPLOADS:
            tests[f"upload-{how}-{fault.__name__}-{kind}"] = \
                lambda fault=fault, how=how, tls=tls: upload_broken_by(fault, how, tls)
        tests[f"download-{fault.__name__}-{kind}"] = lambda fault=fault, tls=tls: download_broken_by(fault, tls)
    tests.update({name[5:]: test for name, test in globals().items() if name.startswith("test_")})
    return run_tests(tests, sys.argv[1:])


if __name__ == "__main__":
    with FtpDaemon() as server:
        another_session_works()
        sys.exit(main())
