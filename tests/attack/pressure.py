#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients that want to wear pop3d down: thousands of connections from one address, clients that send next to nothing,
clients that ask and never read. Others must get in, and memory stays where it is.
    pressure.py [crowds | slow] [name of a test ...]
"""
import os
import resource
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Client, Crowd, Server, eventually, process_of, pss_kib, rss_kib  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, run_tests  # noqa: E402

CROWDS, SLOW = {}, {}
CROWD = 5000
FLOODER, SECOND = "127.0.0.9", "127.0.0.10"


def test(group):
    def add(function):
        group[function.__name__] = function
        return function
    return add


def needs_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count and hard != resource.RLIM_INFINITY and hard < count:
        raise Skip(f"needs {count} descriptors, may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def second_logs_in(server):
    """Seconds from connect to an open mailbox for somebody at another address."""
    began = time.monotonic()
    client = Client(server, source=SECOND)
    reply = client.log_in()
    assert reply.startswith("+OK lir has"), reply
    took = time.monotonic() - began
    client.ask("QUIT")
    client.close()
    return took


def within_a_second(server):
    took = [second_logs_in(server) for _ in range(3)]
    assert min(took) < 1 and sorted(took)[1] < 1, took  # once may be this machine's fault
    print(f"NOTE: the second address logs in within {max(took):.3f} s")


@test(CROWDS)
def crowd_of_5000_before_login_and_the_cap_the_second_address_logs_in_at_once():
    needs_descriptors(CROWD + 1000)
    with Server() as d:
        second_logs_in(d)
        before = pss_kib(p.pid for p in d.tree())
        crowd = Crowd(d.port, FLOODER, CROWD)
        assert (crowd.greeted, crowd.refused, crowd.unheard) == (50, CROWD - 50, 0), crowd.told
        assert d.count_log(f"limit-refuse .*rip={FLOODER} limit=per-source") == CROWD - 50
        within_a_second(d)
        after = pss_kib(p.pid for p in d.tree())
        crowd.close()
        assert after < before + 50 * 1024, (before, after)
        assert rss_kib(d.process.pid) < 32 * 1024, "the launcher itself"


@test(CROWDS)
def crowd_that_never_stops_the_second_address_logs_in_meanwhile():
    needs_descriptors(CROWD + 1000)
    with Server() as d:
        stop, refused = threading.Event(), []

        def flood():
            while not stop.is_set():
                crowd = Crowd(d.port, FLOODER, 500)
                refused.append(crowd.refused)
                crowd.close()
        flooder = threading.Thread(target=flood)
        flooder.start()
        try:
            time.sleep(0.3)
            within_a_second(d)
        finally:
            stop.set()
            flooder.join()
        assert sum(refused) > 500, refused


@test(CROWDS)
def crowd_of_5000_before_login_without_the_cap_stays_and_the_second_address_logs_in():
    needs_descriptors(CROWD + 1000)
    with Server("[limits]\nper_source = 6000\nper_service = 6000\n") as d:
        before = pss_kib([d.process.pid])
        crowd = Crowd(d.port, FLOODER, CROWD)
        assert (crowd.greeted, crowd.unheard) == (CROWD, 0), crowd.told
        within_a_second(d)
        assert crowd.still_open() == CROWD
        launcher = pss_kib([d.process.pid]) - before
        print(f"NOTE: {CROWD} connections before login cost the launcher {launcher} KiB")
        assert launcher < CROWD * 8, launcher
        crowd.close()
        eventually(lambda: len(os.listdir(f"/proc/{d.process.pid}/fd")) < 100, 20, "connections stay")


@test(CROWDS)
def crowd_that_fills_the_service_the_oldest_of_it_goes_for_a_second_address():
    with Server("[limits]\nper_source = 300\nper_service = 300\n") as d:
        logged_in = Client(d, source=FLOODER)  # the oldest of all, but somebody
        assert logged_in.log_in("daniel").startswith("+OK")
        crowd = Crowd(d.port, FLOODER, 299)
        assert crowd.greeted == 299, crowd.told
        more = Crowd(d.port, FLOODER, 20)
        assert more.refused == 20, "the busiest source gets no room at its own cost"
        assert crowd.still_open() == 299
        assert second_logs_in(d) < 3
        eventually(lambda: crowd.still_open() == 298, 5, "the oldest before login was not ended")
        assert d.count_log(rf"limit-refuse .*rip={FLOODER} limit=per-service ended=2\b") == 1, d.log()
        assert logged_in.ask("STAT").startswith("+OK")
        crowd.close()


@test(CROWDS)
def crowd_of_addresses_that_fills_the_service_the_oldest_before_login_goes():
    with Server("[limits]\nper_source = 100\nper_service = 100\n") as d:
        crowds = [Crowd(d.port, f"127.0.1.{n}", 1) for n in range(1, 101)]
        assert sum(c.greeted for c in crowds) == 100
        assert second_logs_in(d) < 3
        eventually(lambda: crowds[0].still_open() == 0, 5, "the oldest is still there")
        assert sum(c.still_open() for c in crowds) >= 98
        for c in crowds:
            c.close()


# ---- clients that do not read ----


@test(CROWDS)
def output_that_is_never_read_is_not_kept_in_memory():
    mail = b"Subject: large\n\n" + b"line of the mail\n" * 60_000  # 1 MiB
    with Server(mails=[mail] * 20) as d:
        client = Client(d)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert client.log_in().startswith("+OK")
        process, agent = process_of(d, client), d.agents()[0].pid
        pids = process, agent, d.process.pid
        before = [pss_kib([pid], "Anonymous") for pid in pids]
        client.socket.settimeout(0.5)
        try:
            client.send(b"".join(b"RETR %d\r\n" % n for n in range(1, 21)))
            for _ in range(200):
                client.send(b"LIST\r\nUIDL\r\nCAPA\r\n" * 200)
        except TimeoutError:
            pass  # nothing more is taken in: that is the point
        time.sleep(0.3)
        grown = [pss_kib([pid], "Anonymous") - kib for pid, kib in zip(pids, before)]
        print(f"NOTE: connection, agent and launcher have {grown} KiB more")
        assert grown[0] < 1024 and max(grown[1:]) < 256, grown
        assert second_logs_in_as_daniel(d)


def second_logs_in_as_daniel(server):
    return Client(server, source=SECOND).log_in("daniel").startswith("+OK daniel has")


# ---- clients that say next to nothing: the tests wait together ----


LOGIN_TIMEOUT = 5


def drip(client, data, seconds):
    """One octet now and then; how long until the server had enough."""
    began = time.monotonic()
    for octet in data:
        try:
            client.socket.sendall(bytes([octet]))
        except OSError:
            break
        client.socket.settimeout(seconds)
        try:
            while client.socket.recv(512):
                pass
            break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def slow_server():
    return Server(f'[pop3d]\nlogin_timeout = "{LOGIN_TIMEOUT}s"\nmax_bad_commands_login = 1000\n', tls=True)


def at_the_deadline(took):
    assert LOGIN_TIMEOUT - 0.5 < took < 3 * LOGIN_TIMEOUT, took  # what they send takes 40 s


@test(SLOW)
def slow_client_with_one_octet_at_a_time_is_ended_at_the_login_timeout():
    with slow_server() as d:
        at_the_deadline(drip(Client(d), b"USER " + b"x" * 100, 0.4))


@test(SLOW)
def slow_client_with_whole_commands_is_ended_at_the_login_timeout():
    with slow_server() as d:
        at_the_deadline(drip(Client(d), b"\n" * 100, 0.4))


@test(SLOW)
def slow_handshake_is_ended_at_the_login_timeout():
    with slow_server() as d:
        hello = ssl.MemoryBIO()
        context = ssl.create_default_context()
        try:
            context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="mail.micasa.test").do_handshake()
        except ssl.SSLWantReadError:
            pass
        client = Client(d, greeting=False)
        client.close()
        client.socket = socket.create_connection(("127.0.0.1", d.tls_port))
        at_the_deadline(drip(client, hello.read(), 0.4))


@test(SLOW)
def slow_sasl_answer_is_ended_at_the_login_timeout():
    with slow_server() as d:
        client = Client(d)
        client.ask("AUTH PLAIN")
        at_the_deadline(drip(client, b"A" * 100, 0.4))


@test(SLOW)
def slow_clients_by_the_dozen_delay_nobody():
    with slow_server() as d:
        slow = [Client(d, source=f"127.0.2.{n}") for n in range(1, 41)]
        for n in range(20):
            for client in slow:
                try:
                    client.socket.send(b"U")
                except OSError:
                    pass
            if n % 5 == 0:
                assert second_logs_in(d) < LOGIN_TIMEOUT / 2
            time.sleep(0.1)


def together(tests):
    """These tests sleep most of the time: all at once, and each one's outcome for run_tests."""
    outcome = {}

    def run(name, function):
        try:
            function()
        except BaseException as error:  # handed on below
            outcome[name] = error
    threads = [threading.Thread(target=run, args=item) for item in tests.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def told(name):
        def tell():
            if name in outcome:
                raise outcome[name]
        return tell
    return {name: told(name) for name in tests}


def main():
    names = [name for name in sys.argv[1:] if name not in ("crowds", "slow")]
    groups = [g for g, word in ((SLOW, "slow"), (CROWDS, "crowds")) if word in sys.argv[1:]] or [SLOW, CROWDS]
    tests = {}
    for group in groups:
        chosen = {name: f for name, f in group.items() if not names or name in names}
        tests.update(together(chosen) if group is SLOW else chosen)
    return run_tests(tests)


if __name__ == "__main__":
    sys.exit(main())
