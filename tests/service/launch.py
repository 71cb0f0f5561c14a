# SPDX-License-Identifier: BSD-2-Clause
"""Ways of starting, and what a daemon does of itself: sockets, readiness, configuration errors."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile

from harness import BUILD, Client, Daemon, ECHOD, Skip, connected_pair, echod, free_port, launched, listening, test


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
    """Several of them, as systemd's Accept=no gives them: TCP, another listener's, and one of the filesystem."""
    config = "".join(f'[[echod.listen]]\nname = "{name}"\nport = {port}\n' for name, port in (("echo", 7), ("b", 8)))
    with tempfile.TemporaryDirectory() as folder, listening() as one, listening() as two, \
            listening(socket.AF_UNIX, f"{folder}/socket") as three:
        with launched([s.fileno() for s in (one, two, three)], "echo:b:echo", config=config) as d:
            assert d.ready, d.log()
            for number, at in enumerate((one, two, three), 1):
                ours = socket.socket(at.family)
                ours.connect(at.getsockname())
                Client.over(ours).ask("UPPER fds", "+FDS")
                d.wait_log(rf"connect .*listener={'b' if number == 2 else 'echo'} session={number}\b")


@test
def inetd_wait_serves_every_client_of_the_socket_on_descriptor_0():
    with listening() as at, launched(stdin=at) as d:
        assert d.ready, d.log()
        for _ in range(3):
            Client(at.getsockname()[1]).ask("UPPER again", "+AGAIN")


@test
def the_manager_is_told_when_the_daemon_serves_and_when_it_stops():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
            listening() as at:
        manager.bind(f"{folder}/notify")
        manager.settimeout(10)
        with launched([at.fileno()], "echo", env={"NOTIFY_SOCKET": f"{folder}/notify"}) as d:
            assert manager.recv(100) == b"READY=1"
            assert "service-ready" in d.log()
            Client(at.getsockname()[1]).ask("ECHO x", "+x")
            d.process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"


@test
def an_unknown_listen_fdname_is_a_configuration_error():
    with listening() as at:
        with launched([at.fileno()], "nonsense") as d:
            assert not d.ready
            assert d.process.wait(10) == 78
            assert "unknown listener 'nonsense'; configured are: echo" in d.log(), d.log()


@test
def accept_yes_serves_one_connection_and_exits():
    ours, theirs = connected_pair()
    with theirs, launched([theirs.fileno()], "connection") as d:
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
