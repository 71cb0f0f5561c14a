# SPDX-License-Identifier: BSD-2-Clause
"""Running other people's mail programs: a directory that is their home, their configuration files, a terminal."""
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from demo import Demo, run_tests


class Home:
    """A home directory for clients; with Home() as home: ..."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="posada-interop-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name, text, mode=0o600):
        path = f"{self.path}/{name}"
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def new_maildir(self):
        box = tempfile.mkdtemp(dir=self.path)
        for part in ("cur", "new", "tmp"):
            os.mkdir(f"{box}/{part}")
        return box

    def run(self, *argv, stdin=None, status=0, **more):
        """Runs a client; its exit status must be `status` (None: anything but 0)."""
        env = {"PATH": os.environ["PATH"], "HOME": self.path, "LANG": "C.UTF-8", "TERM": "dumb", "USER": "root"}
        done = subprocess.run(argv, input=stdin.encode() if isinstance(stdin, str) else stdin, capture_output=True,
                              timeout=60, env=env, check=False, **more)
        good = done.returncode != 0 if status is None else done.returncode == status
        assert good, (f"{argv[0]} ended with {done.returncode}\n{done.stdout.decode(errors='replace')}\n"
                      f"{done.stderr.decode(errors='replace')}")
        return done

    def in_terminal(self, argv, seconds=40):
        """Runs a full-screen program on a pseudo-terminal until it ends; what it wrote."""
        pid, master = pty.fork()
        if pid == 0:
            os.environ.update({"HOME": self.path, "TERM": "xterm", "LANG": "C.UTF-8"})
            os.execvp(argv[0], argv)
        end, screen = time.monotonic() + seconds, b""
        while time.monotonic() < end:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    break
                if not data:
                    break
                screen += data
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(master)
        assert status == 0, f"{argv[0]}: status {status}\n{screen[-3000:].decode(errors='replace')}"
        return screen


def run_with_demo(script):
    """Runs the tests (test_*) of a script, its globals(), with `demo` and `home` there; returns the exit status."""
    with Home() as script["home"], Demo() as script["demo"]:
        return run_tests({n: f for n, f in script.items() if n.startswith("test_")}, sys.argv[1:])
