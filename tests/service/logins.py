# SPDX-License-Identifier: BSD-2-Clause
"""Logins and agents: whose files, delays, deadlines, workers."""
import contextlib
import os
import re
import select
import signal
import tempfile
import time

from harness import (ECHOD, SHARED, USER, Client, children, connected_pair, echod, launched, listening, make_certificate,
                     make_user, test, wait_until)

SLOW_ROUNDS = 200_000  # a check of some tenths of a second


@test
def a_user_logs_in_and_the_own_agent_reads_the_own_files():
    """In both models; what lies outside of the home, or is reached by a link, is out of reach."""
    for program in (ECHOD, SHARED):
        with echod(users=["daniel"], program=program) as d:
            os.symlink("/etc/passwd", f"{d.folder}/daniel/link")
            c = Client(d.port)
            c.ask("READ letter", "-no")
            c.ask("LOGIN daniel wrong", "-wrong")
            c.ask("LOGIN daniel hungry", "+daniel")
            c.ask("LOGIN daniel hungry", "-no")
            c.send("READ letter")
            c.expect("+9")
            c.expect("so be it")
            for name in ("none", "link", "../users", "/etc/passwd"):
                c.ask("READ " + name, "-no file")
            c.ask("QUIT", "+bye")
            d.wait_log(r"auth-fail service=echod rip=127\.0\.0\.1 .*user=daniel")
            d.wait_log(r"auth-ok service=echod rip=127\.0\.0\.1 .*user=daniel")


@test
def wrong_passwords_cost_more_and_more_whichever_connection_brings_them():
    with echod('[auth]\nbackends = ["users"]\ndelays = ["400ms", "1200ms"]\n', users=["daniel"]) as d:
        for guess, least, most in (("a", 0.35, 1.1), ("b", 1.15, 9)):
            began = time.time()
            Client(d.port, source="127.0.0.2").ask("LOGIN daniel " + guess, "-wrong")
            assert least < time.time() - began < most, (guess, time.time() - began)
        held = Client(d.port, source="127.0.0.2")
        held.send("LOGIN daniel c")
        Client(d.port, source="127.0.0.3").ask("LOGIN daniel hungry", "+daniel")
        assert not select.select([held.socket], [], [], 0)[0], "others do not wait"
        held.expect("-wrong")


SLOW_REFUSALS = '[auth]\nbackends = ["users"]\ndelays = ["3s"]\n'


def held_back(client, began):
    """A right password of the same source waits for what the wrong one has cost."""
    client.ask("LOGIN daniel hungry", "+daniel")
    assert time.time() - began > 2.7, f"after {time.time() - began:.1f} s"


@test
def under_inetd_who_hangs_up_after_a_wrong_password_waits_in_the_next_process():
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder, contextlib.ExitStack() as ends:
        os.chmod(folder, 0o755)
        make_user(folder)

        def connect(source):
            ours, theirs = connected_pair(source)
            with theirs:
                d = ends.enter_context(launched(stdin=theirs, folder=folder, config=SLOW_REFUSALS))
            return Client.over(ours), d

        guesser, d = connect("127.0.0.2")
        guesser.send("LOGIN daniel wrong")
        d.wait_log("auth-fail")
        began = time.time()
        guesser.close()
        other, _ = connect("127.0.0.3")
        other.ask("LOGIN daniel hungry", "+daniel")
        assert time.time() - began < 2.7, "others do not wait"
        held_back(connect("127.0.0.2")[0], began)


@test
def a_reload_forgives_nobody():
    with echod(SLOW_REFUSALS, users=["daniel"]) as d:
        Client(d.port, source="127.0.0.2").send("LOGIN daniel wrong")
        d.wait_log("auth-fail")
        began = time.time()
        d.process.send_signal(signal.SIGHUP)
        d.wait_log("config-loaded.*SIGHUP")
        held_back(Client(d.port, source="127.0.0.2"), began)


@test
def what_one_daemon_has_counted_another_knows():
    with echod(SLOW_REFUSALS, users=["daniel"]) as d:
        Client(d.port, source="127.0.0.2").send("LOGIN daniel wrong")
        d.wait_log("auth-fail")
        began = time.time()
        with listening() as socket, launched([socket.fileno()], "echo", folder=d.folder, config=SLOW_REFUSALS,
                                             program=SHARED):
            held_back(Client(socket.getsockname()[1], source="127.0.0.2"), began)


@test
def after_so_many_wrong_passwords_the_connection_ends():
    with echod('[auth]\nbackends = ["users"]\nmax_attempts = 2\ndelays = ["10ms"]\n', users=["daniel"]) as d:
        client = Client(d.port)
        client.ask("LOGIN daniel a", "-wrong")
        client.ask("LOGIN daniel b", "-wrong")
        assert client.line() is None
        d.wait_log("session-end .*reason=\"too many failed logins\"")


def workers_gone(d):
    """The users file has been looked through: the net program is the only child."""
    wait_until(lambda: len(children(d.process.pid)) == 1, 10, "more than the net program")
    return 1


@test
def passwords_are_checked_by_so_many_workers_and_the_others_wait():
    with echod('[auth]\nbackends = ["users"]\nworkers = 2\ndelays = ["10ms"]\n', users=["daniel"],
               rounds=SLOW_ROUNDS) as d:
        idle = workers_gone(d)
        clients = [Client(d.port, source=f"127.0.0.{n}") for n in range(2, 8)]
        for client in clients:
            client.send("LOGIN daniel wrong")
        most, answered = 0, []
        while len(answered) < len(clients):
            most = max(most, len(children(d.process.pid)) - idle)
            waiting = [c.socket for c in clients if c not in answered]
            for readable in select.select(waiting, [], [], 0.02)[0]:
                client = next(c for c in clients if c.socket is readable)
                client.expect("-wrong")
                answered.append(client)
        assert most == 2, most


@test
def a_check_that_takes_too_long_is_given_up_and_says_not_now():
    with echod('[auth]\nbackends = ["users"]\ndeadline = "1s"\n', users=["daniel"], rounds=30 * SLOW_ROUNDS) as d:
        idle, began = workers_gone(d), time.time()
        Client(d.port).ask("LOGIN daniel hungry", "-not now")
        assert 0.9 < time.time() - began < 8, time.time() - began
        d.wait_log("auth-temp ")
        wait_until(lambda: len(children(d.process.pid)) == idle, 5, "its worker is still there")


@test
def a_password_passes_only_where_plaintext_auth_permits_or_tls_is_up():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n[echod]\nplaintext_auth = "never"\n',
                   users=["daniel"]) as d:
            client = Client(d.port)
            client.ask("LOGIN daniel hungry", "-no")
            client.ask("STARTTLS", "+go")
            client.starttls()
            client.ask("LOGIN daniel hungry", "+daniel")


@test
def a_transcript_has_the_dialog_and_no_password():
    with echod('[log]\nlevel = "debug"\n[echod]\ntranscript = true\n', users=["daniel"]) as d:
        client = Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        client.ask("ECHO seen", "+seen")
        d.wait_log(r'transcript .*from=c line="ECHO seen"')
        d.wait_log(r'transcript .*from=c line="LOGIN \(hidden\)"')
        assert "hungry" not in d.log(), d.log()


def agents_of(d):
    found = []
    for child in children(d.process.pid):
        with contextlib.suppress(FileNotFoundError):  # one that has just ended
            if b"[agent]" in open(f"/proc/{child}/cmdline", "rb").read():
                found.append(child)
    return found


@test
def an_agent_is_its_user_confined_and_ends_with_its_session():
    for program in (ECHOD, SHARED):
        with echod(users=["daniel"], program=program) as d:
            client = Client(d.port)
            client.ask("LOGIN daniel hungry", "+daniel")
            agent, = agents_of(d)
            with open(f"/proc/{agent}/status") as f:
                status = f.read()
            uid = USER if os.geteuid() == 0 else os.geteuid()
            for line in (rf"Uid:\s+{uid}\s+{uid}\s+{uid}\s+{uid}", r"Groups:\s*", r"Seccomp:\s+2", r"CapEff:\s+0+",
                         r"NoNewPrivs:\s+1"):
                assert re.search(f"^{line}$", status, re.M) or os.geteuid() != 0, (line, status)
            client.close()
            wait_until(lambda agent=agent: not os.path.exists(f"/proc/{agent}"), 5, "the agent stays")
            assert "agent-fail" not in d.log(), d.log()


@test
def without_its_agent_a_session_ends_and_the_log_says_why():
    with echod(users=["daniel"]) as d:
        client, other = Client(d.port), Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        os.kill(agents_of(d)[0], signal.SIGKILL)
        assert client.line() is None
        d.wait_log(r'session-end .*reason="agent lost"')
        d.wait_log(r"agent-fail .*agent=\"echod: daniel \[agent\]\"")
        other.ask("LOGIN daniel hungry", "+daniel")


def with_a_stopped_agent(d):
    client = Client(d.port)
    client.ask("LOGIN daniel hungry", "+daniel")
    agent, = agents_of(d)
    os.kill(agent, signal.SIGSTOP)
    return client, agent


@test
def a_daemon_that_stops_lets_its_agents_finish():
    for reload in (False, True):
        with echod("[echod]\nstop_grace = \"30s\"\n", users=["daniel"]) as d:
            client, agent = with_a_stopped_agent(d)
            if reload:
                d.process.send_signal(signal.SIGHUP)
                d.wait_log("config-loaded.*SIGHUP")
            d.process.send_signal(signal.SIGTERM)
            assert client.line() is None
            client.close()
            d.wait_log("session-end")
            time.sleep(1)
            assert d.process.poll() is None and os.path.exists(f"/proc/{agent}"), "its agent was ended in its work"
            os.kill(agent, signal.SIGCONT)
            assert d.process.wait(10) == 0
            assert "agent-fail" not in d.log(), d.log()


@test
def an_agent_that_its_user_stops_does_not_hold_the_session_for_ever():
    with echod('[echod]\nagent_timeout = "500ms"\n', users=["daniel"]) as d:
        client = Client(d.port)
        client.ask("LOGIN daniel hungry", "+daniel")
        agent, = agents_of(d)
        os.kill(agent, signal.SIGSTOP)
        began = time.time()
        client.ask("READ letter", "-no file")
        assert 0.4 < time.time() - began < 10, time.time() - began
        assert client.line() is None
        d.wait_log(r'session-end .*reason="agent lost"')


@test
def no_agent_outlives_its_daemon():
    with echod("[echod]\nstop_grace = \"500ms\"\n", users=["daniel"]) as d:
        _, agent = with_a_stopped_agent(d)
        began = time.time()
        assert d.stop() == 0
        assert 0.4 < time.time() - began < 4, f"stopped after {time.time() - began:.1f} s"
        wait_until(lambda: not os.path.exists(f"/proc/{agent}"), 5, "it is still there")
