# SPDX-License-Identifier: BSD-2-Clause
"""Ways of starting, and what a daemon does of itself: sockets, readiness, configuration errors."""
import os
import re
import socket
import subprocess
import sys
import tempfile

from harness import BUILD, Client, Daemon, ECHOD, Skip, connected_pair, echod, free_port, test, with_fd3


@test
def listen_mode_serves_and_asks_the_monitor():
    with echod() as d:
        assert d.ready, d.log()
        c = Client(d.port)
        c.ask("ECHO hola", "+hola")
        c.ask("upper hola", "+HOLA")
        c.ask("UPPER", "-no")
        c.ask("QUIT", "+bye")
        assert c.line() is None
        d.wait_log(r"session-end rip=127\.0\.0\.1 .*reason=quit")


@test
def pipelined_commands_are_answered_in_order():
    with echod() as d:
        c = Client(d.port)
        c.send(b"ECHO 1\r\nUPPER two\r\nECHO 3\nQUIT\r\n")
        assert [c.line() for _ in range(5)] == ["+1", "+TWO", "+3", "+bye", None]


@test
def one_byte_at_a_time_works():
    with echod() as d:
        c = Client(d.port)
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"UPPER slow\r\n":
            c.send(bytes([byte]))
        c.expect("+SLOW")


@test
def listen_fds_with_names():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with with_fd3(listener.fileno(), "echo") as d:
            assert d.ready, d.log()
            Client(port).ask("UPPER fds", "+FDS")


@test
def an_unknown_listen_fdname_is_a_configuration_error():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with with_fd3(listener.fileno(), "nonsense") as d:
            assert not d.ready
            assert d.process.wait(10) == 78
            assert "unknown listener 'nonsense'; configured are: echo" in d.log(), d.log()


@test
def accept_yes_serves_one_connection_and_exits():
    ours, theirs = connected_pair()
    with theirs, with_fd3(theirs.fileno(), "connection") as d:
        theirs.close()
        c = Client.over(ours)
        c.ask("UPPER one", "+ONE")
        c.ask("QUIT", "+bye")
        assert d.process.wait(10) == 0


@test
def inetd_serves_descriptor_0_and_keeps_its_log_from_the_client():
    ours, theirs = connected_pair()
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        config = os.path.join(folder, "posada.toml")
        d = Daemon.__new__(Daemon)
        d.folder, d.config = folder, config
        d.write("")
        process = subprocess.Popen([ECHOD, "--config", config], stdin=theirs, stdout=theirs, stderr=theirs)
        theirs.close()
        c = Client.over(ours)
        c.ask("UPPER inetd", "+INETD")
        c.ask("QUIT", "+bye")
        assert c.line() is None, "something else was written to the client"
        assert process.wait(10) == 0


GREETINGS = """import socket, sys
for host in ("127.0.0.1", "::1"):
    print(socket.create_connection((host, int(sys.argv[1])), timeout=10).makefile().readline().strip())"""


@test
def without_a_written_address_every_address_is_served():
    """In a network of its own: this machine's other addresses are not to be listened on."""
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        raise Skip("no network namespace to be had")
    with tempfile.TemporaryDirectory(prefix="posada-service-") as folder:
        os.chmod(folder, 0o755)
        own_network = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        d = Daemon(folder, f'[[echod.listen]]\nname = "echo"\nport = {free_port()}\ntls = "none"\n', listen=False,
                   prefix=own_network)
        try:
            assert d.ready, d.log()
            port = re.search(r"port = (\d+)", open(d.config).read()).group(1)
            out = subprocess.run(["nsenter", f"--net=/proc/{d.process.pid}/ns/net", sys.executable, "-c", GREETINGS, port],
                                 capture_output=True, text=True, timeout=30)
            assert out.stdout.split() == ["+hello"] * 2, (out, d.log())
        finally:
            d.stop()


@test
def a_configuration_error_exits_78_and_names_the_line():
    with echod("[echod]\nsandbx = \"off\"\n") as d:
        assert not d.ready
        assert d.process.wait(10) == 78
        assert re.search(r"posada\.toml:\d+:1: .*sandbx.*sandbox", d.log(), re.S), d.log()


@test
def the_net_program_is_not_started_by_hand():
    done = subprocess.run([os.path.join(BUILD, "libexec/posada/echod-net")], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 64 and "never by hand" in done.stderr, done
