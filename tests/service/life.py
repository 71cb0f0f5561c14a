# SPDX-License-Identifier: BSD-2-Clause
"""Processes over time: crash, reload, sandbox, idle time, stop."""
import os
import re
import signal
import subprocess
import time

from harness import Client, children, echod, test, waiting_process


@test
def a_crash_penalises_the_source_only_and_renews_the_zygote():
    with echod('[limits]\npenalty_start = "30s"\n') as d:
        other = Client(d.port, source="127.0.0.2")
        zygote = d.wait_log(r"net-pid=(\d+)").group(1)
        bad = Client(d.port, source="127.0.0.3")
        bad.send("CRASH")
        assert bad.line() is None
        d.wait_log(r"child-crash .*rip=127\.0\.0\.3 signal=6")
        d.wait_log(r"penalty-start .*rip=127\.0\.0\.3 seconds=30 reason=crash")
        other.ask("ECHO still here", "+still here")
        refused = Client(d.port, source="127.0.0.3", banner=False)
        refused.expect("-busy, try again later")
        d.wait_log(r"limit-refuse .*rip=127\.0\.0\.3 limit=penalty")
        end = time.time() + 5
        while time.time() < end and children(d.process.pid)[-1:] in ([], [int(zygote)]):
            time.sleep(0.05)
        assert any(p != int(zygote) for p in children(d.process.pid)), "no new zygote"
        Client(d.port, source="127.0.0.4").ask("UPPER new", "+NEW")


@test
def a_process_waits_for_the_next_client_and_for_one_only():
    with echod() as d:
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        first = waiting_process(zygote)
        client = Client(d.port)
        client.ask("UPPER a", "+A")
        second = waiting_process(zygote, without=[first])
        other = Client(d.port)
        other.ask("UPPER b", "+B")
        waiting_process(zygote, without=[first, second])
        d.wait_log(rf"connect .*session=1 pid={first}")
        d.wait_log(rf"connect .*session=2 pid={second}")
        client.close()
        other.ask("ECHO mine", "+mine")
        end = time.time() + 5
        while first in children(zygote):
            assert time.time() < end, "a process serves one client and ends"
            time.sleep(0.01)


@test
def without_a_waiting_process_clients_are_served_all_the_same():
    with echod() as d:
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        os.kill(waiting_process(zygote), signal.SIGKILL)
        end = time.time() + 5
        while children(zygote):
            assert time.time() < end, "it is not awaited"
            time.sleep(0.01)
        for text in ("one", "two"):
            Client(d.port).ask("ECHO " + text, "+" + text)
        assert "child-crash" not in d.log() and "penalty" not in d.log(), d.log()


@test
def a_reload_ends_the_process_that_waited():
    with echod() as d:
        old = int(d.wait_log(r"net-pid=(\d+)").group(1))
        waiting = waiting_process(old)
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-loaded")
        end = time.time() + 5
        while os.path.exists(f"/proc/{waiting}"):
            assert time.time() < end, "the process that waited with the old configuration is still there"
            time.sleep(0.02)
        Client(d.port).ask("ECHO new", "+new")


@test
def reload_with_a_bad_file_keeps_the_old_configuration():
    with echod() as d:
        c = Client(d.port)
        d.write("[echod]\nnonsense = 1\n")
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-rejected")
        c.ask("UPPER old", "+OLD")
        Client(d.port).ask("UPPER new", "+NEW")


@test
def sigterm_ends_sessions_and_leaves_no_process():
    with echod() as d:
        clients = [Client(d.port) for _ in range(5)]
        tree = children(d.process.pid)
        assert d.stop() == 0
        for c in clients:
            assert c.line() is None
        for pid in tree:
            assert not os.path.exists(f"/proc/{pid}"), f"{pid} is still there: " + subprocess.run(["ps", "-o", "pid,ppid,stat,args", "-p", str(pid)], capture_output=True, text=True).stdout + d.log()


@test
def sandbox_is_on_in_every_net_process():
    with echod() as d:
        Client_kept = Client(d.port)
        zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
        for pid in [zygote, *children(zygote)]:
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            assert re.search(r"^Seccomp:\s+2$", status, re.M), status
            assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status
            assert re.search(r"^CapEff:\s+0+$", status, re.M), status
            if os.geteuid() == 0:
                assert re.search(r"^Uid:\s+61190\s+61190\s+61190\s+61190$", status, re.M), status
        Client_kept.ask("QUIT", "+bye")


@test
def sandbox_off_is_obeyed_and_log_mode_serves():
    for mode in ("off", "log"):
        with echod(f'[echod]\nsandbox = "{mode}"\n') as d:
            Client(d.port).ask("UPPER x", "+X")
            zygote = int(d.wait_log(r"net-pid=(\d+)").group(1))
            with open(f"/proc/{zygote}/status") as f:
                seccomp = re.search(r"^Seccomp:\s+(\d)$", f.read(), re.M).group(1)
            assert seccomp == ("0" if mode == "off" else "2"), (mode, seccomp)
