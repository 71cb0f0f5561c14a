#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""posadad with stand-in services: sockets, names, readiness, backoff, reload, stop. Each function is one test."""
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, Skip, free_port, process_gone, run_tests, wait_until  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


class Suite:
    """A posadad in a directory of its own, with copies of fake_service.py as its daemons."""

    def __init__(self, extra="", modes=None, arguments=()):
        self.dir = tempfile.mkdtemp(prefix="posadad-")
        os.makedirs(f"{self.dir}/sbin")
        shutil.copy(f"{BUILD}/sbin/posadad", f"{self.dir}/sbin/posadad")
        for name in ("smtpd", "pop3d"):
            shutil.copy(f"{HERE}/fake_service.py", f"{self.dir}/sbin/{name}")
            os.chmod(f"{self.dir}/sbin/{name}", 0o755)
        self.ports = {name: free_port() for name in ("smtp", "submission", "pop3")}
        self.config = f"{self.dir}/posada.toml"
        self.write_config(extra)
        for name, mode in (modes or {}).items():
            self.set_mode(name, mode)
        self.process = None
        self.arguments = list(arguments)

    def write_config(self, extra="", smtpd="", pop3d=""):
        p = self.ports
        with open(self.config, "w", encoding="ascii") as out:
            out.write(f'''hostname = "mail.micasa.test"
[paths]
state_dir = "{self.dir}/state"
run_dir = "{self.dir}/run"
users_file = "{self.dir}/users"
[log]
target = "stderr"
[smtpd]
{smtpd}
[[smtpd.listen]]
name = "smtp"
address = ["127.0.0.1"]
port = {p["smtp"]}
[[smtpd.listen]]
name = "submission"
address = ["127.0.0.1"]
port = {p["submission"]}
auth = true
[pop3d]
{pop3d}
[[pop3d.listen]]
name = "pop3"
address = ["127.0.0.1"]
port = {p["pop3"]}
[ftpd]
enabled = false
{extra}
''')

    def set_mode(self, name, mode):
        with open(f"{self.dir}/{name}.mode", "w", encoding="ascii") as out:
            out.write(mode)

    def start(self, ready=True, prefix=(), **popen):
        reader, writer = os.pipe()
        self.log = open(f"{self.dir}/log", "ab")
        self.process = subprocess.Popen(
            [*prefix, f"{self.dir}/sbin/posadad", "--config", self.config, "--ready-fd", str(writer), "--stop-timeout", "2",
             *self.arguments], pass_fds=[writer], stdin=subprocess.DEVNULL, stderr=self.log, stdout=self.log,
            env={**os.environ, "FAKE_DIR": self.dir}, **popen)
        os.close(writer)
        if ready:
            assert os.read(reader, 1) == b"\n", self.read_log()
        os.close(reader)
        return self

    def read_log(self):
        return open(f"{self.dir}/log", encoding="utf-8", errors="replace").read()

    def state(self, name):
        return json.load(open(f"{self.dir}/{name}.json", encoding="ascii"))

    def ask(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(f"{self.dir}/run/control.sock")
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline()

    def status(self, name):
        services = json.loads(self.ask('{"command":"status"}'))["services"]
        return next(s for s in services if s["name"] == name)

    def starts(self, name):
        return len(open(f"{self.dir}/{name}.starts", encoding="ascii").readlines())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def test_sockets_arrive_as_sd_listen_fds_promises():
    with Suite() as suite:
        smtp, submission, queue = suite.state("smtpd"), suite.state("submission"), suite.state("queue")
        assert smtp["listen_pid"] == str(smtp["pid"]) and smtp["listen_fds"] == "1" and smtp["names"] == "smtp", smtp
        assert submission["names"] == "submission", submission
        assert queue["listen_fds"] is None and queue["names"] is None, queue
        assert smtp["argv"] == ["--config", suite.config] and queue["argv"][0] == "--queue"
        greeting = socket.create_connection(("127.0.0.1", suite.ports["submission"])).makefile().readline()
        assert greeting.split()[0] == "submission", greeting


def test_without_a_written_address_both_families_are_bound():
    """In a network of its own: this machine's other addresses are not to be listened on."""
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        raise Skip("no network namespace to be had")
    suite = Suite()
    text = open(suite.config, encoding="ascii").read()
    with open(suite.config, "w", encoding="ascii") as out:
        out.write(text.replace('address = ["127.0.0.1"]\n', ""))
    try:
        suite.start(prefix=["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"])
        assert suite.state("pop3d")["names"] == "pop3:pop3", suite.read_log()
        assert suite.state("smtpd")["names"] == "smtp:smtp", suite.read_log()
    finally:
        suite.stop()


def test_nothing_else_is_inherited():
    """Neither of posadad nor of who started it: a shell that blocks and ignores signals."""
    def signals():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    suite = Suite()
    try:
        suite.start(preexec_fn=signals)
        smtp = suite.state("smtpd")
        sockets = [fd for fd, kind in smtp["fds"] if kind == "socket"]
        others = [fd for fd, kind in smtp["fds"] if fd > 2 and kind != "socket" and "/fd" not in kind]
        assert sockets == [3] and not others, smtp["fds"]
        assert smtp["blocked"] == 0 and not smtp["ignored"] & 1 << signal.SIGUSR2 - 1 and smtp["pgid"] == smtp["pid"], smtp
        assert dict(smtp["fds"])[0] == "/dev/null", smtp["fds"]
    finally:
        suite.stop()


def test_a_crash_is_followed_by_a_start_and_clients_wait_meanwhile():
    with Suite() as suite:
        old = suite.state("pop3d")["pid"]
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: process_gone(old))
        greeting = socket.create_connection(("127.0.0.1", suite.ports["pop3"])).makefile().readline()
        assert greeting.startswith("pop3d") and int(greeting.split()[1]) != old, greeting
        service = suite.status("pop3d")
        assert service["restarts"] == 1 and service["last_exit"].startswith("signal 9"), service


def group(pid):
    return subprocess.run(["pgrep", "-g", str(pid)], capture_output=True, text=True, check=False).stdout.split()


def test_a_crash_takes_the_helpers_of_the_service_along():
    with Suite(modes={"pop3d": "helper"}) as suite:
        pid = suite.state("pop3d")["pid"]
        wait_until(lambda: len(group(pid)) == 2)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not group(pid), why="the helper is left")


def test_backoff_doubles():
    with Suite(modes={"pop3d": "exit 3"}) as suite:
        wait_until(lambda: suite.starts("pop3d") >= 4)
        at = [float(line) for line in open(f"{suite.dir}/pop3d.starts", encoding="ascii")]
        waits = [b - a for a, b in zip(at, at[1:])][:3]
        for wait, least in zip(waits, (0.5, 1.0, 2.0)):
            assert least * 0.9 <= wait < least * 2 + 2, waits  # a busy machine adds to a wait, never takes
        assert suite.status("pop3d")["last_exit"] == "exit 3"
        assert suite.status("smtpd")["state"] == "up"


def test_exit_78_waits_for_a_reload():
    with Suite(modes={"pop3d": "exit 78"}) as suite:
        assert suite.status("pop3d")["state"] == "blocked"
        time.sleep(1.2)
        assert suite.starts("pop3d") == 1
        suite.set_mode("pop3d", "serve")
        suite.process.send_signal(signal.SIGHUP)
        wait_until(lambda: suite.status("pop3d")["state"] == "up")


def test_reload_hangs_up_running_services_and_keeps_their_pid():
    with Suite() as suite:
        pid = suite.state("smtpd")["pid"]
        assert json.loads(suite.ask('{"command":"reload"}'))["ok"]
        wait_until(lambda: suite.state("smtpd")["hups"] == 1)
        assert suite.state("smtpd")["pid"] == pid


def test_reload_with_other_port_opens_it_and_closes_the_old_one():
    with Suite() as suite:
        old_port, old_pid = suite.ports["pop3"], suite.state("pop3d")["pid"]
        suite.ports["pop3"] = free_port()
        suite.write_config()
        suite.process.send_signal(signal.SIGHUP)
        wait_until(lambda: socket.create_connection(("127.0.0.1", suite.ports["pop3"])).makefile().readline())
        assert suite.state("pop3d")["pid"] != old_pid
        try:
            socket.create_connection(("127.0.0.1", old_port))
            raise AssertionError("the old port is still open")
        except ConnectionRefusedError:
            pass


def test_reload_can_disable_and_enable():
    with Suite() as suite:
        pid = suite.state("pop3d")["pid"]
        suite.write_config(pop3d="enabled = false")
        assert json.loads(suite.ask('{"command":"reload"}'))["ok"]
        wait_until(lambda: suite.status("pop3d")["state"] == "down" and process_gone(pid))
        suite.write_config()
        assert json.loads(suite.ask('{"command":"reload"}'))["ok"]
        wait_until(lambda: suite.status("pop3d")["state"] == "up")


def test_a_wrong_configuration_changes_nothing():
    with Suite() as suite:
        pid = suite.state("smtpd")["pid"]
        suite.write_config(extra="nonsense = [")
        answer = json.loads(suite.ask('{"command":"reload"}'))
        assert not answer["ok"] and "posada.toml:" in answer["text"], answer
        assert suite.status("smtpd")["state"] == "up" and not process_gone(pid)


def test_an_error_in_one_section_stops_only_that_service():
    with Suite() as suite:
        suite.stop()
    suite = Suite()
    suite.write_config(pop3d="idle_timeuot = \"10m\"")
    with suite:
        service = suite.status("pop3d")
        assert service["state"] == "blocked" and "idle_timeout" in service.get("problem", ""), service
        assert suite.status("smtpd")["state"] == "up"
        suite.write_config()
        assert json.loads(suite.ask('{"command":"reload"}'))["ok"]
        wait_until(lambda: suite.status("pop3d")["state"] == "up")


def test_a_running_service_goes_on_when_its_section_gets_wrong():
    with Suite() as suite:
        pid = suite.state("pop3d")["pid"]
        suite.write_config(pop3d="idle_timeuot = \"10m\"")
        assert not json.loads(suite.ask('{"command":"reload"}'))["ok"]
        service = suite.status("pop3d")
        assert service["state"] == "up" and service["pid"] == pid and "idle_timeout" in service.get("problem", ""), service
        suite.write_config()
        assert json.loads(suite.ask('{"command":"reload"}'))["ok"]
        wait_until(lambda: suite.status("pop3d")["state"] == "up" and not suite.status("pop3d").get("problem"))
        assert not process_gone(pid)


def test_each_error_of_a_configuration_is_one_record_of_the_log():
    with Suite() as suite:
        suite.stop()
    suite = Suite()
    suite.write_config(pop3d="idle_timeuot = \"10m\"\nmax_massages = 3")
    with suite:
        records = [line.split(" ", 1)[1] for line in suite.read_log().splitlines() if "config-rejected" in line]
        assert len(records) == 2 and all(f'config-rejected service=posadad error="{suite.config}:' in r for r in records), records
        assert 'idle_timeout' in records[0] and "\\x0a" not in suite.read_log(), records


def test_a_second_posadad_in_the_same_run_dir_refuses_to_start_and_takes_nothing():
    with Suite() as suite:
        second = subprocess.run([f"{suite.dir}/sbin/posadad", "--config", suite.config], capture_output=True, text=True,
                                timeout=10, check=False, env={**os.environ, "FAKE_DIR": suite.dir})
        assert second.returncode == 71, second
        assert second.stderr == (f"posadad: another posadad runs with run_dir {suite.dir}/run (posada status shows it); stop "
                                 "it first, or give this one a run_dir of its own in [paths]\n"), second.stderr
        os.kill(suite.state("pop3d")["pid"], signal.SIGKILL)  # its successor is heard: the notify socket is still there
        wait_until(lambda: suite.status("pop3d")["state"] == "up" and suite.status("pop3d")["restarts"] == 1)
        suite.process.kill()
        suite.process.wait()
        suite.start()  # what a killed one leaves behind does not stop its successor
        wait_until(lambda: suite.status("pop3d")["state"] == "up")


def test_status_shows_what_a_service_says_about_itself():
    with Suite(modes={"pop3d": "says exit 71"}) as suite:
        wait_until(lambda: suite.status("pop3d").get("says") == "cannot start: /x/chain.pem\\x09is damaged")
        assert suite.status("pop3d")["state"] in ("backoff", "starting")
        suite.set_mode("pop3d", "serve")
        wait_until(lambda: suite.status("pop3d")["state"] == "up" and suite.status("pop3d").get("says") == "hello")


def test_wrong_common_configuration_is_exit_78():
    suite = Suite(extra="[logg]\n")
    suite.start(ready=False)
    try:
        assert suite.process.wait(10) == 78, suite.read_log()
        assert "posada.toml:" in suite.read_log()
    finally:
        suite.stop()


def test_stop_ends_everything_and_the_queue_last():
    with Suite(modes={"submission": "slow-term"}) as suite:
        pids = [suite.state(n)["pid"] for n in ("queue", "smtpd", "submission", "pop3d")]
        suite.process.send_signal(signal.SIGTERM)
        assert suite.process.wait(10) == 0
        assert all(process_gone(pid) for pid in pids)
        ends = [line for line in suite.read_log().splitlines() if "service-exit" in line]
        assert len(ends) == 4 and "service=queue" in ends[-1], ends
        assert not os.path.exists(f"{suite.dir}/run/control.sock")


def test_who_ignores_term_is_killed_with_its_helpers():
    with Suite(modes={"pop3d": "ignore-term"}) as suite:
        pid = suite.state("pop3d")["pid"]
        begun = time.monotonic()
        suite.process.send_signal(signal.SIGTERM)
        assert suite.process.wait(15) == 0
        assert 1.5 < time.monotonic() - begun < 8
        wait_until(lambda: process_gone(pid))
        wait_until(lambda: not group(pid))


def test_services_end_when_posadad_is_killed():
    with Suite() as suite:
        pids = [suite.state(n)["pid"] for n in ("queue", "smtpd", "submission", "pop3d")]
        suite.process.kill()
        suite.process.wait()
        wait_until(lambda: all(process_gone(pid) for pid in pids))


def test_port_taken_is_tried_again():
    suite = Suite()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", suite.ports["pop3"]))
        taken.listen()
        suite.start()
        assert suite.status("pop3d")["state"] == "backoff"
        port = suite.ports["pop3"]
        assert suite.status("pop3d")["last_exit"] == (
            f"cannot listen on 127.0.0.1:{port} (another program has this port; to see which: ss -ltnp 'sport = :{port}'): "
            "Address already in use"), suite.status("pop3d")
    try:
        wait_until(lambda: suite.status("pop3d")["state"] == "up")
    finally:
        suite.stop()


def test_control_socket_survives_nonsense():
    with Suite() as suite:
        for line in ("", "{", "x" * 3000, '{"command":"rm"}', '{"command":["status"]}', "\x00\x01"):
            assert not json.loads(suite.ask(line))["ok"], line
        with socket.socket(socket.AF_UNIX) as s:  # too long: closed without an answer
            s.connect(f"{suite.dir}/run/control.sock")
            s.settimeout(2)  # long before its patience with a client ends
            try:
                s.sendall(b"x" * 10000)
                assert s.recv(10) == b""
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert os.stat(f"{suite.dir}/run/control.sock").st_mode & 0o007 == 0


def test_control_socket_keeps_so_many_silent_clients_for_so_long():
    with Suite() as suite:
        silent = []
        for _ in range(40):
            silent.append(socket.socket(socket.AF_UNIX))
            silent[-1].connect(f"{suite.dir}/run/control.sock")
        wait_until(lambda: ended(silent) == 8)
        wait_until(lambda: ended(silent) == 40)  # their time is over
        assert suite.status("smtpd")["state"] == "up"


def ended(sockets):
    return len(select.select(sockets, [], [], 0)[0])


def test_ready_is_believed_only_from_the_service_itself():
    with Suite() as suite:
        suite.stop()
    suite = Suite(modes={"pop3d": "never-ready"})
    suite.start(ready=False)
    try:
        wait_until(lambda: suite.status("pop3d")["state"] == "starting" and suite.status("smtpd")["state"] == "up")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.sendto(b"READY=1", f"{suite.dir}/run/notify.sock")
        for _ in range(3):  # answers of later turns of its loop: it has been read
            assert suite.status("pop3d")["state"] == "starting"
    finally:
        suite.stop()


if __name__ == "__main__":
    sys.exit(run_tests({n: f for n, f in globals().items() if n.startswith("test_")}, sys.argv[1:]))
