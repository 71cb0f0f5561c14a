# SPDX-License-Identifier: BSD-2-Clause
"""Who may connect: limits, penalties, clients behind a proxy."""
import contextlib
import os
import re
import tempfile
import time

from harness import (Client, Skip, connected_pair, echod, free_port, launched, listening, make_certificate, test,
                     wait_until)


@test
def per_source_limit_does_not_keep_others_out():
    with echod("[limits]\nper_source = 3\n") as d:
        held = [Client(d.port, source="127.0.0.5") for _ in range(3)]
        Client(d.port, source="127.0.0.5", banner=False).expect("-busy, try again later")
        Client(d.port, source="127.0.0.6").ask("ECHO me", "+me")
        held[0].ask("QUIT", "+bye")
        d.wait_log("reason=quit")
        end = time.time() + 5
        while time.time() < end:
            c = Client(d.port, source="127.0.0.5", banner=False)
            if c.line() == "+hello":
                return
        raise AssertionError("the slot was not freed")


@test
def a_full_service_where_nobody_logs_in_ends_no_only_connection():
    """Port 25: it may be a mail on its way."""
    with echod("[limits]\nper_source = 3\nper_service = 3\n") as d:
        alone = Client(d.port, source="127.0.0.5")
        two = [Client(d.port, source="127.0.0.6") for _ in range(2)]
        third = Client(d.port, source="127.0.0.7")
        assert two[0].line() is None, "the oldest of the busiest goes"
        Client(d.port, source="127.0.0.8", banner=False).expect("-busy, try again later")
        for one in (alone, two[1], third):
            one.ask("ECHO still here", "+still here")


@test
def who_expects_a_handshake_is_refused_in_silence():
    """A text before the TLS handshake is garbage to a client."""
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        port = free_port()
        listeners = "".join(f'[[echod.listen]]\nname = "{name}"\naddress = ["127.0.0.1"]\nport = {at}\ntls = "{tls}"\n'
                            for name, at, tls in (("echo", port, "starttls"), ("echos", free_port(), "implicit")))
        with echod(f'[limits]\nper_source = 1\n[tls]\nchain = "{chain}"\nkey = "{key}"\n{listeners}', listen=False) as d:
            assert d.ready, d.log()
            implicit = int(re.findall(r"port = (\d+)", open(d.config).read())[1])
            held = Client(port)
            Client(port, banner=False).expect("-busy, try again later")
            assert Client(implicit, banner=False).line() is None, "told in plain text"
            held.close()


PROXY_LISTENER = """[[echod.listen]]
name = "echo"
address = ["127.0.0.1"]
port = 10007
proxy_from = ["127.0.0.2"]
"""


@test
def a_monitor_knows_both_ends_whatever_the_net_process_claims():
    with echod(PROXY_LISTENER) as d:
        direct = Client(d.port, source="127.0.0.7")
        direct.ask("WHERE", f"+127.0.0.7 127.0.0.7 127.0.0.1 {d.port}")
        behind = Client(d.port, source="127.0.0.2", banner=False)
        behind.send("PROXY TCP4 192.0.2.9 192.0.2.1 4711 7")
        behind.expect("+hello")
        behind.ask("WHERE", f"+192.0.2.9 127.0.0.2 127.0.0.1 {d.port}")


@test
def only_a_proxy_may_name_a_client():
    with echod(PROXY_LISTENER) as d:
        liar = Client(d.port, source="127.0.0.7")
        liar.send("NAME 192.0.2.9")
        assert liar.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=127\.0\.0\.7 what=\"client_address: names a client without being a proxy\"")
        assert "rip=192.0.2.9" not in d.log()


@test
def a_breach_brings_a_fresh_zygote_and_is_no_crash():
    with echod('[limits]\npenalty_start = "30s"\n') as d:
        liar = Client(d.port, source="127.0.0.7")
        liar.send("NAME 192.0.2.9")
        d.wait_log(r"privilege-breach .*rip=127\.0\.0\.7 ")
        d.wait_log(r'service-start .*what="net program" reason=breach')
        Client(d.port, source="127.0.0.8").ask("UPPER on", "+ON")
        assert "child-crash" not in d.log() and len(re.findall("penalty-start", d.log())) == 1, d.log()


@test
def a_client_is_named_once_and_first():
    with echod(PROXY_LISTENER) as d:
        twice = Client(d.port, source="127.0.0.2", banner=False)
        twice.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 5 6\r\nUPPER x\r\n")
        twice.expect("+hello")
        twice.expect("+X")
        twice.send("NAME 192.0.2.10")
        assert twice.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=192\.0\.2\.9 .*client_address")
        late = Client(d.port, source="127.0.0.2", banner=False)
        late.send(b"PROXY UNKNOWN\r\nUPPER x\r\n")
        late.expect("+hello")
        late.expect("+X")
        late.send("NAME 192.0.2.11")
        assert late.line() in (None, "-no monitor")
        d.wait_log(r"privilege-breach .*rip=127\.0\.0\.2")
        assert "rip=192.0.2.11" not in d.log()


@test
def a_crash_penalises_the_client_behind_the_proxy():
    with echod(PROXY_LISTENER + '[limits]\npenalty_start = "30s"\n') as d:
        bad = Client(d.port, source="127.0.0.2", banner=False)
        bad.send(b"PROXY TCP4 192.0.2.66 192.0.2.1 5 6\r\nCRASH\r\n")
        bad.expect("+hello")
        d.wait_log(r"penalty-start .*rip=192\.0\.2\.66 seconds=30 reason=crash")
        again = Client(d.port, source="127.0.0.2", banner=False)
        again.send(b"PROXY TCP4 192.0.2.66 192.0.2.1 5 6\r\n")
        assert again.line() is None
        d.wait_log(r"limit-refuse .*rip=192\.0\.2\.66 limit=penalty")
        other = Client(d.port, source="127.0.0.2", banner=False)
        other.send(b"PROXY TCP4 192.0.2.67 192.0.2.1 5 6\r\n")
        other.expect("+hello")


def needs_shared_table():
    if os.geteuid() != 0:
        raise Skip("the table of limits is shared by launchers of root")


@test
def the_total_counts_all_daemons_and_what_a_killed_one_had_is_free_again():
    needs_shared_table()
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder, listening() as a, listening() as b:
        os.chmod(folder, 0o755)
        config = "[limits]\ntotal = 2\nper_service = 2\nper_source = 2\n"
        with launched([a.fileno()], "echo", folder=folder, config=config) as one, \
                launched([b.fileno()], "echo", folder=folder, config=config) as two:
            held = [Client(at.getsockname()[1], source=f"127.0.0.{n}") for n, at in ((2, a), (3, b))]
            Client(b.getsockname()[1], source="127.0.0.4", banner=False).expect("-busy, try again later")
            two.wait_log(r"limit-refuse .*rip=127\.0\.0\.4 limit=total")
            one.process.kill()
            assert held[0].line() is None
            one.process.wait()
            Client(b.getsockname()[1], source="127.0.0.4").ask("ECHO in", "+in")
            held[1].ask("ECHO still", "+still")


@test
def under_inetd_the_limits_and_penalties_of_a_source_are_those_of_all_its_processes():
    needs_shared_table()
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder, contextlib.ExitStack() as ends:
        os.chmod(folder, 0o755)
        config = '[limits]\nper_source = 2\npenalty_start = "30s"\n'

        def connect(source, banner=True):
            ours, theirs = connected_pair(source)
            with theirs:
                d = ends.enter_context(launched(stdin=theirs, folder=folder, config=config))
            return Client.over(ours, banner), d

        held = [connect("127.0.0.2")[0] for _ in range(2)]
        refused, d = connect("127.0.0.2", banner=False)
        refused.expect("-busy, try again later")
        assert refused.line() is None and d.process.wait(10) == 0
        other, crashed = connect("127.0.0.3")
        other.send("CRASH")
        assert other.line() is None
        crashed.process.wait(10)
        again, d = connect("127.0.0.3", banner=False)
        again.expect("-busy, try again later")
        d.wait_log(r"limit-refuse .*rip=127\.0\.0\.3 limit=penalty")
        for client in held:
            client.ask("ECHO here", "+here")
            client.close()


@test
def a_penalty_ends_and_the_next_one_is_twice_as_long():
    with echod('[limits]\npenalty_start = "1s"\npenalty_max = "8s"\n') as d:
        for seconds in (1, 2):
            Client(d.port).send("CRASH")
            d.wait_log(rf"penalty-start .*seconds={seconds} reason=crash")
            began = time.time()
            Client(d.port, banner=False).expect("-busy, try again later")
            wait_until(lambda: Client(d.port, banner=False).line() == "+hello", 5, "the penalty does not end")
            assert seconds - 0.2 < time.time() - began, time.time() - began
