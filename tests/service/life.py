# SPDX-License-Identifier: BSD-2-Clause
"""Processes over time: crash, reload, sandbox, idle time, stop."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from harness import ECHOD, SHARED, Client, children, echod, test, wait_until, waiting_process


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


@test
def a_crash_of_the_shared_program_costs_its_sessions_and_penalises_who_was_served():
    with echod('[limits]\npenalty_start = "30s"\n', program=SHARED) as d:
        other, bad = Client(d.port, source="127.0.0.2"), Client(d.port, source="127.0.0.3")
        bad.send("CRASH")
        assert bad.line() is None and other.line() is None
        d.wait_log(r"child-crash .*rip=127\.0\.0\.3 signal=6")
        wait_until(lambda: Client(d.port, source="127.0.0.2", banner=False).line() == "+hello", 5, "not started again")
        Client(d.port, source="127.0.0.3", banner=False).expect("-busy, try again later")
        assert d.log().count("penalty-start") == 1, d.log()


@test
def sessions_outlive_a_zygote_that_is_killed_and_new_clients_get_another():
    with echod() as d:
        client = Client(d.port)
        os.kill(int(d.wait_log(r"net-pid=(\d+)").group(1)), signal.SIGKILL)
        d.wait_log(r"service-exit .*net program")
        client.ask("UPPER still here", "+STILL HERE")
        wait_until(lambda: Client(d.port, banner=False).line() == "+hello", 5, "not started again")


@test
def silence_ends_a_connection_and_each_reply_starts_the_time_anew():
    for program in (ECHOD, SHARED):
        with echod('[echod]\nidle_timeout = "1200ms"\n', program=program) as d:
            began = time.time()
            silent, busy = Client(d.port), Client(d.port)
            for _ in range(4):
                time.sleep(0.4)
                busy.ask("ECHO x", "+x")
            assert silent.line() is None
            assert busy.line() is None
            assert 2.7 < time.time() - began < 8, time.time() - began
            wait_until(lambda d=d: d.log().count("reason=timeout") == 2, 5, "the log says nothing of it")


@test
def half_a_line_now_and_then_is_silence():
    with echod('[echod]\nidle_timeout = "600ms"\n') as d:
        client, began = Client(d.port), time.time()
        with contextlib.suppress(OSError):
            while time.time() - began < 8:
                client.send(b"x")
                time.sleep(0.1)
        assert client.line() is None and time.time() - began < 8
        d.wait_log("session-end .*reason=timeout")


@test
def a_client_that_has_said_everything_gets_every_answer():
    for program in (ECHOD, SHARED):
        with echod(program=program) as d:
            client = Client(d.port)
            client.send(b"UPPER one\r\nECHO two\r\nUPPER three\r\n")
            client.socket.shutdown(socket.SHUT_WR)
            assert [client.line() for _ in range(4)] == ["+ONE", "+two", "+THREE", None]


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))


@test
def an_endless_pipeline_waits_for_its_reader():
    with echod() as d:
        client = Client(d.port)
        client.ask("ECHO x", "+x")
        pid = int(d.wait_log(r"connect .*session=1 pid=(\d+)").group(1))
        before, sent = peak_kib(pid), 0
        client.socket.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while sent < 64 << 20:
                sent += client.socket.send(b"ECHO " + b"x" * 400 + b"\r\n")
        assert sent < 48 << 20, "everything was taken in"
        assert peak_kib(pid) < before + 1024, (before, peak_kib(pid))


@test
def what_a_client_asks_for_is_opened_when_it_has_read_what_came_before():
    with echod(users=["daniel"]) as d:
        os.truncate(f"{d.folder}/daniel/letter", 8 << 20)
        client = Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        pid = int(d.wait_log(r"connect .*session=1 pid=(\d+)").group(1))
        before = len(os.listdir(f"/proc/{pid}/fd"))
        client.send(b"READ letter\r\n" * 200)
        client.expect(f"+{8 << 20}")
        for _ in range(25):
            assert len(os.listdir(f"/proc/{pid}/fd")) < before + 5
            time.sleep(0.02)


@test
def a_stop_lets_a_client_that_reads_have_the_rest():
    size = 3_000_000
    with echod(users=["daniel"]) as d:
        with open(f"{d.folder}/daniel/letter", "w") as f:
            f.write("x" * size)
        client = Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        client.send("READ letter")
        client.expect(f"+{size}")
        d.process.send_signal(signal.SIGTERM)
        d.wait_log("service-stop")
        got = len(client.buffer)
        while data := client.socket.recv(65536):
            got += len(data)
        assert got == size, got
        assert d.process.wait(10) == 0


@test
def a_stop_waits_for_a_client_that_does_not_read_no_longer_than_the_grace():
    size = 8_000_000
    with echod(users=["daniel"]) as d:
        with open(f"{d.folder}/daniel/letter", "w") as f:
            f.write("x" * size)
        client = Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        client.send("READ letter")
        client.expect(f"+{size}")
        began = time.time()
        assert d.stop() == 0
        assert 1 < time.time() - began < 9, time.time() - began


@test
def a_reload_is_for_those_who_come_and_costs_nobody():
    """Of both models; the user's agent goes on as well."""
    for program in (ECHOD, SHARED):
        with echod(users=["daniel"], program=program) as d:
            client = Client(d.port)
            client.ask("LOGIN daniel hungry", "+daniel")
            d.write('[echod]\ngreeting = "good evening"\n')
            d.process.send_signal(signal.SIGHUP)
            wait_until(lambda: Client(d.port, banner=False).line() == "+good evening", 5, "the greeting stays")
            client.ask("UPPER kept", "+KEPT")
            client.send("READ letter")
            client.expect("+9")
            client.expect("so be it")


@test
def a_reload_that_would_need_other_sockets_is_refused():
    with echod() as d:
        d.write('[[echod.listen]]\nname = "other"\nport = 7\n')
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-rejected .*list of listeners changed")
        Client(d.port).ask("ECHO same", "+same")
