# SPDX-License-Identifier: BSD-2-Clause
"""A running `posada demo` for tests, and what they all need beside it."""
import glob
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback

from ports import free_port  # noqa: F401 (the tests have it from here)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POSADA_BUILD", "build/opt"))
POSADA = os.path.join(BUILD, "bin/posada")


def wait_until(what, seconds=15, why="did not happen in time"):
    """The first true value of what(); OSError and ValueError count as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = what()
        except (OSError, ValueError):
            value = None
        if value:
            return value
        assert time.monotonic() < end, why
        time.sleep(0.03)


def process_gone(pid):
    try:
        return open(f"/proc/{pid}/stat", encoding="ascii", errors="replace").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def children(pid):
    """All descendants of pid."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            numbers = open(path, encoding="ascii").read().split()
        except OSError:  # it has just ended
            continue
        for child in numbers:
            found.append(int(child))
            found.extend(children(int(child)))
    return found


class Demo:
    """`posada demo` in a directory of its own; with Demo(...) as demo: ..."""

    def __init__(self, *arguments, prefix=(), directory=None, classroom=True, base_port="0"):
        self.dir = directory or tempfile.mkdtemp(prefix="posada-test-")
        self.own_dir = directory is None
        self.arguments = [*prefix, POSADA, "demo", "--dir", self.dir, "--base-port", base_port, *arguments]
        if classroom:
            self.arguments.append("--classroom")
        self.process = None
        self.output = ""

    def start(self, **popen):
        reader, writer = os.pipe()
        self.out = tempfile.TemporaryFile()
        self.process = subprocess.Popen([*self.arguments, "--ready-fd", str(writer)], pass_fds=[writer],
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT, **popen)
        os.close(writer)
        ready = os.read(reader, 1)
        os.close(reader)
        self.out.seek(0)
        self.output = self.out.read().decode()
        assert ready == b"\n", self.output
        self.endpoints = json.load(open(f"{self.dir}/endpoints.json", encoding="utf-8"))
        self.passwords = {u["name"]: u["password"] for u in self.endpoints["users"]}
        return self

    def port(self, service):
        return self.endpoints["services"][service]["port"]

    def maildir(self, user):
        return f"{self.endpoints['maildir_root']}/{self.endpoints['domain']}/{user}/Maildir"

    def mails(self, user):
        """The texts of all mails in the mailbox."""
        paths = glob.glob(f"{self.maildir(user)}/new/*") + glob.glob(f"{self.maildir(user)}/cur/*")
        return [open(path, "rb").read() for path in paths]

    def wait_for_mail(self, user, needle, seconds=15):
        if isinstance(needle, str):
            needle = needle.encode()
        return wait_until(lambda: next((m for m in self.mails(user) if needle in m), None), seconds,
                          f"no mail with {needle!r} for {user}")

    def empty(self, user):
        for path in glob.glob(f"{self.maildir(user)}/new/*") + glob.glob(f"{self.maildir(user)}/cur/*"):
            os.unlink(path)

    def log(self):
        return open(self.endpoints["log_file"], encoding="utf-8", errors="replace").read()

    def tls(self):
        return ssl.create_default_context(cafile=self.endpoints["ca_file"])

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        return self.process.returncode if self.process else None

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def run_tests(tests, names=()):
    """tests: {name: function}. Prints the closing line of a stage; returns the exit status."""
    passed = failed = skipped = 0
    for name, test in tests.items():
        if names and name not in names:
            continue
        try:
            test()
            passed += 1
            print(f"ok   {name}", flush=True)
        except Skip as why:
            skipped += 1
            print(f"SKIP: {name}: {why}", flush=True)
        except Exception:  # one test must not end the others
            failed += 1
            print(f"FAIL {name}", flush=True)
            traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0
