#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real pop3d: the ways in that few take (through a proxy that names its client, by APOP, too soon after the last time;
127.0.0.2 is the proxy), and what mail programs do over several sessions."""
import base64
import hashlib
import os
import poplib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, POSADA, Demo, free_port, run_tests, wait_until  # noqa: E402

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXY = "127.0.0.2"


def v2(client="192.0.2.7", command=0x21, tlvs=b""):
    addresses = socket.inet_aton(client) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 50000, 110)
    return SIGNATURE + struct.pack("!BBH", command, 0x11, len(addresses + tlvs)) + addresses + tlvs


def v1(client="192.0.2.7"):
    return f"PROXY TCP4 {client} 192.0.2.1 50000 110\r\n".encode()


class Server:
    """pop3d with the demo's users, or those of another file; more: lines of [pop3d]."""

    def __init__(self, more="", per_source=None, plaintext="loopback", users=None):
        self.config = f"{demo.dir}/ways-{free_port()}.toml"
        text = re.sub(r"(?m)^(\[\[pop3d.listen\]\]\n)", rf'\1proxy_from = ["{PROXY}"]\nproxy_timeout = "1s"\n',
                      open(f"{demo.dir}/posada.toml", encoding="utf-8").read())
        text = text.replace("scram = true", "scram = false", 1)
        if users:
            text = re.sub(r"(?m)^users_file = .*", f'users_file = "{users}"', text)
        if per_source:
            text = re.sub(r"(?m)^per_source = .*\n", "", text).replace("[limits]\n", f"[limits]\nper_source = {per_source}\n", 1)
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(text + f'\n[pop3d]\nplaintext_auth = "{plaintext}"\n{more}\n')
        os.chmod(self.config, 0o600)
        self.plain, self.tls = free_port(), free_port()

    def __enter__(self):
        reader, writer = os.pipe()
        self.log_path = self.config + ".log"
        self.process = subprocess.Popen(
            [f"{BUILD}/sbin/pop3d", "--config", self.config, "--listen", f"pop3=127.0.0.1:{self.plain}",
             "--listen", f"pop3s=127.0.0.1:{self.tls}", "--ready-fd", str(writer)],
            pass_fds=[writer], stdin=subprocess.DEVNULL, stderr=open(self.log_path, "wb"))
        os.close(writer)
        assert os.read(reader, 1) == b"\n", self.log()
        os.close(reader)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def log(self):
        return open(self.log_path, encoding="utf-8", errors="replace").read()


class Client:
    def __init__(self, server, header=b"", source="127.0.0.1", tls=False):
        self.socket = socket.create_connection(("127.0.0.1", server.tls if tls else server.plain), timeout=30,
                                               source_address=(source, 0))
        self.socket.sendall(header)
        if tls:
            self.socket = demo.tls().wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.file.readline()

    def login(self, user="lir", password=None):
        first = self.say(f"USER {user}")
        return self.say(f"PASS {password or demo.passwords[user]}") if first.startswith(b"+OK") else first

    def close(self):
        self.file.close()
        self.socket.close()


def test_proxy_version_1_names_the_client_in_log_and_login():
    with Server(plaintext="any") as server:
        client = Client(server, v1(), PROXY)
        assert client.greeting.startswith(b"+OK"), client.greeting
        assert client.login().startswith(b"+OK lir")
        client.say("QUIT")
        log = server.log()
        assert re.search(r"connect .*rip=192\.0\.2\.7 rport=50000 .*proxy=127\.0\.0\.2", log), log
        assert re.search(r"auth-ok .*rip=192\.0\.2\.7", log), log


def test_proxy_version_2_with_tlvs_in_two_pieces_and_pipelined_commands():
    with Server(plaintext="any") as server:
        header = v2(tlvs=b"\x04\x00\x03abc")
        s = socket.create_connection(("127.0.0.1", server.plain), timeout=30, source_address=(PROXY, 0))
        s.sendall(header[:13])
        s.sendall(header[13:] + f"USER lir\r\nPASS {demo.passwords['lir']}\r\nQUIT\r\n".encode())
        got = s.makefile("rb").read()
        assert got.count(b"+OK") == 4, got


def test_proxy_before_implicit_tls():
    with Server() as server:
        for header in (v1(), v2()):
            client = Client(server, header, PROXY, tls=True)
            assert client.login().startswith(b"+OK lir"), "TLS is enough"
            client.say("QUIT")
            client.close()


def test_proxy_header_and_handshake_in_one_segment():
    with Server() as server:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = demo.tls().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
        s = socket.create_connection(("127.0.0.1", server.tls), timeout=30, source_address=(PROXY, 0))
        header = v2()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                s.sendall(header + outgoing.read())
                header = b""
                incoming.write(s.recv(65536))
        s.sendall(outgoing.read())
        while True:
            try:
                assert tls.read(3) == b"+OK"
                return
            except ssl.SSLWantReadError:
                incoming.write(s.recv(65536))


def test_plaintext_is_decided_by_the_client_not_by_the_proxy():
    with Server() as server:  # plaintext_auth = "loopback", and the proxy is one
        assert Client(server, v1("192.0.2.7"), PROXY).login().startswith(b"-ERR no password in plain text")
        assert Client(server, v1("127.0.0.9"), PROXY).login().startswith(b"+OK lir")


def test_a_proxy_that_speaks_for_itself():
    for header in (b"PROXY UNKNOWN\r\n", v2(command=0x20), SIGNATURE + b"\x20\x00\x00\x00"):
        with Server() as server:
            assert Client(server, header, PROXY).login().startswith(b"+OK lir")
            assert f"rip={PROXY}" in server.log()


def test_a_header_from_elsewhere_is_garbage():
    with Server() as server:
        for header in (v1("127.0.0.1"), v2("127.0.0.1")):
            client = Client(server, header)
            assert client.greeting.startswith(b"+OK")
            assert client.file.readline().startswith(b"-ERR")
            assert "rip=192.0.2" not in server.log() and "proxy=" not in server.log()


def test_a_proxy_without_a_header_is_not_served():
    with Server() as server:
        for wrong in (b"USER lir\r\n", b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", v2(tlvs=bytes(600)), b"PROXY TCP4 999.1.1.1 1.1.1.1 1 2\r\n"):
            assert Client(server, wrong, PROXY).greeting == b"", wrong
        assert Client(server, b"PROXY TC", PROXY).greeting == b"", "the time for a header is limited"
        for reason in ("PROXY header: no PROXY header", "PROXY header: bad address", "header too long", "reason=timeout"):
            wait_until(lambda: reason in server.log(), why=reason)


def test_limits_count_the_clients_and_not_the_proxy():
    with Server(per_source=3, plaintext="any") as server:
        several = [Client(server, v1(f"192.0.2.{n}"), PROXY) for n in range(10)]
        assert all(c.greeting.startswith(b"+OK") for c in several)
        same = [Client(server, v1("198.51.100.1"), PROXY) for _ in range(4)]
        assert [c.greeting[:3] for c in same] == [b"+OK", b"+OK", b"+OK", b""]
        wait_until(lambda: "limit=per-source" in server.log() and "rip=198.51.100.1" in server.log())


def test_the_throttle_counts_the_client():
    with Server(plaintext="any") as server:
        assert Client(server, v1("192.0.2.66"), PROXY).login(password="wrong").startswith(b"-ERR [AUTH]")
        assert Client(server, v1("192.0.2.67"), PROXY).login().startswith(b"+OK")
        assert re.search(r"auth-fail .*rip=192\.0\.2\.66", server.log())


def user(*arguments, stdin=None):
    return subprocess.run([POSADA, "user", *arguments, "--config", f"{demo.dir}/posada.toml"], check=True, input=stdin,
                          capture_output=True).stdout.decode()


def apop(client, name, secret):
    challenge = re.search(rb"<[0-9a-f]{32}@[^>]+>", client.greeting).group()
    return client.say(f"APOP {name} {hashlib.md5(challenge + secret.encode()).hexdigest()}")


def test_apop_is_offered_when_a_user_has_a_secret_and_not_before():
    with Server(plaintext="never") as server:
        assert b"<" not in Client(server).greeting
        secret = re.search(r"^password: (\S+)$", user("apop", "lir", "--generate"), re.M).group(1)
        challenged = wait_until(lambda: b"<" in Client(server).greeting and Client(server))
        assert len(challenged.greeting) <= 512
        assert apop(challenged, "lir", secret).startswith(b"+OK lir has"), "no TLS is needed: no secret is sent"
        challenged.say("QUIT")
        assert re.search(r"auth-ok .*method=APOP", server.log())
        assert secret not in server.log()

        wrong = apop(Client(server), "lir", "not the secret")
        assert wrong == b"-ERR [AUTH] wrong user name or password\r\n", wrong
        assert apop(Client(server), "daniel", secret) == wrong, "daniel has none"
        assert apop(Client(server), "nobody", secret) == wrong

        first, second = Client(server), Client(server)
        second.greeting = first.greeting
        assert apop(second, "lir", secret) == wrong, "a digest of another connection is worth nothing"

        user("apop", "lir", "--none")
        wait_until(lambda: b"<" not in Client(server).greeting)
        client = Client(server)
        assert client.say("APOP lir " + 32 * "0").startswith(b"-ERR APOP is not offered")


def test_a_login_that_comes_too_soon():
    with Server('login_delay = "5s"', plaintext="any") as server:
        client = Client(server)
        client.say("CAPA")
        words = []
        while not words or words[-1] != b".\r\n":
            words.append(client.file.readline())
        assert b"LOGIN-DELAY 5\r\n" in words, words
        assert client.login().startswith(b"+OK lir")
        assert client.say("QUIT").startswith(b"+OK")
        soon = Client(server)
        assert soon.login().startswith(b"-ERR [LOGIN-DELAY] ")
        assert soon.login("daniel").startswith(b"+OK daniel"), "another account has its own time"
        wait_until(lambda: re.search(r"auth-temp .*reason=login-delay", server.log()))
        wait_until(lambda: Client(server).login().startswith(b"+OK lir"), 10)
        assert Client(server).login(password="wrong").startswith(b"-ERR [AUTH]"), "who knows no password learns nothing"


def fill(count, first=0):
    """More mail for lir, as a delivery that knows nothing of UIDs would leave it."""
    new = f"{demo.maildir('lir')}/new"
    owner = os.stat(os.path.dirname(demo.maildir("lir")))
    for folder in (demo.maildir("lir"), new, new[:-3] + "cur", new[:-3] + "tmp"):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chown(folder, owner.st_uid, owner.st_gid)
    for n in range(first, first + count):
        path = f"{new}/{1700000000 + n}.M{n}P1.host"
        with open(path, "w", encoding="ascii") as out:
            out.write(f"Subject: mail {n}\n\nbody {n}\n")
        os.chown(path, owner.st_uid, owner.st_gid)


def uidls(box):
    return [line.split()[1] for line in box.uidl()[1]]


def session(server):
    box = poplib.POP3("127.0.0.1", server.plain, timeout=30)
    box.user("lir")
    box.pass_(demo.passwords["lir"])
    return box


def test_keep_on_server_the_same_names_in_every_session():
    demo.empty("lir")
    with Server() as server:
        fill(3)
        box = session(server)
        names = uidls(box)
        assert len(names) == len(set(names)) == 3
        assert all(len(box.retr(n)[1]) == 3 for n in (1, 2, 3))
        box.quit()
        fill(2, 3)
        box = session(server)
        assert uidls(box)[:3] == names and len(uidls(box)) == 5, "what was read is still there; new mail comes behind it"
        later = uidls(box)
        box.quit()
    with Server() as server:
        assert uidls(session(server)) == later, "over a restart too"


def test_delete_after_days_an_old_one_goes_and_the_newer_keep_their_names():
    demo.empty("lir")
    with Server() as server:
        fill(4)
        box = session(server)
        names = uidls(box)
        box.dele(names.index(names[1]) + 1)
        box.quit()
        box = session(server)
        assert uidls(box) == [names[0], names[2], names[3]], "numbers move up, names stay"
        assert box.retr(2)[1][0] == b"Subject: mail 2"
        box.dele(3)
        box.close()
        fill(1, 9)
        box = session(server)
        assert uidls(box)[:3] == [names[0], names[2], names[3]], "a lost connection deletes nothing"
        assert uidls(box)[3] not in names, "no name is given twice"
        box.quit()


def test_python_poplib_finds_its_way():
    demo.empty("lir")
    fill(2)
    with Server() as server:
        box = poplib.POP3("127.0.0.1", server.plain, timeout=30)
        capabilities = box.capa()
        assert capabilities["SASL"][:2] == ["PLAIN", "LOGIN"] and capabilities["EXPIRE"] == ["NEVER"], capabilities
        assert capabilities["UTF8"] == [] and capabilities["TOP"] == [] and "IMPLEMENTATION" not in capabilities
        box.stls(demo.tls())
        assert "STLS" not in box.capa()
        assert box.utf8().startswith(b"+OK")
        box.user("lir")
        box.pass_(demo.passwords["lir"])
        count, octets = box.stat()
        assert count == 2 and octets == sum(int(line.split()[1]) for line in box.list()[1])
        assert box.top(1, 0)[1] == [b"Subject: mail 0", b""] and box.rset() and box.noop()
        assert "STLS" not in box.capa() and box.capa()["IMPLEMENTATION"] == ["posada"]
        box.quit()


def test_the_first_acceptance_script():
    demo.empty("lir")
    fill(1)
    new = f"{demo.maildir('lir')}/new"
    hard = b"Subject: hard\r\n\r\n.\r\n..x\nbare\r\nnu\0l\r\n" + b"y" * (1 << 20) + b"\r\nno end"
    path = f"{new}/1800000000.M1P1.host"
    open(path, "wb").write(hard)
    os.chown(path, os.stat(new).st_uid, os.stat(new).st_gid)
    with Server(plaintext="never") as server:
        client = Client(server)
        assert len(client.greeting) <= 512
        assert client.say("USER lir").startswith(b"-ERR"), "before TLS"
        client.socket.sendall(b"STLS\r\nUSER lir\r\n")
        assert client.file.readline().startswith(b"+OK") and client.file.read() == b"", "what stands behind STLS ends it"
        box = poplib.POP3("127.0.0.1", server.plain, timeout=30)
        box.stls(demo.tls())
        for line in ("AUTH PLAIN =", "AUTH PLAIN !!!!"):
            assert refused(box, line), line
        box = poplib.POP3_SSL("127.0.0.1", server.tls, context=demo.tls(), timeout=30)
        box._putcmd("AUTH LOGIN")
        assert box._getline()[0] == b"+ VXNlcm5hbWU6"
        assert refused(box, "*")
        secret = base64.b64encode(f"\0lir\0{demo.passwords['lir']}".encode()).decode()
        assert box._shortcmd(f"AUTH PLAIN {secret}").startswith(b"+OK lir has 2")
        sizes = [int(line.split()[1]) for line in box.list()[1]]
        assert box.stat() == (2, sum(sizes)) and len(uidls(box)) == 2
        box._putcmd("RETR 2")
        box._getline()
        raw = b""
        while not raw.endswith(b"\r\n.\r\n"):
            raw += box.file.read1(1 << 16)
        text = raw[:-3].replace(b"\r\n..", b"\r\n.")
        assert len(text) == sizes[1], (len(text), sizes[1])
        assert text == hard.replace(b"..x\n", b"..x\r\n").replace(b"\0", b"\x80") + b"\r\n"
        box.dele(1)
        assert refused(box, "DELE 1") and refused(box, "RETR 1") and box.stat() == (1, sizes[1])
        assert len(uidls(box)) == 1 and box.rset() and box.stat() == (2, sum(sizes))
        fill(1, 5)
        assert box.stat()[0] == 2, "what is delivered meanwhile is for the next session"
        box.dele(2)
        box.sock.close()
        box.file.close()
        wait_until(lambda: "session-end" in server.log().splitlines()[-1])
        with Server(plaintext="any") as again:
            box = session(again)
            assert box.stat()[0] == 3, "a lost connection keeps all"
            box.dele(2)
            box.quit()
            assert session(again).stat()[0] == 2


def shared_uid(count, mails):
    """A users file with this many accounts that all have lir's uid, and lir's password; each has mail."""
    users = re.search(r'(?m)^users_file = "(.*)"', open(f"{demo.dir}/posada.toml", encoding="utf-8").read())[1]
    lir = next(line for line in open(users, encoding="utf-8") if line.startswith("lir:")).rstrip("\n").split(":")
    path = f"{demo.dir}/shared-users"
    with open(path, "w", encoding="utf-8") as out:
        for n in range(count):
            home = f"{demo.dir}/shared-{n}"
            out.write(":".join([f"tenant{n}", *lir[1:5], home, *lir[6:]]) + "\n")
            for folder in ("", "/Maildir", "/Maildir/cur", "/Maildir/new", "/Maildir/tmp"):
                os.mkdir(home + folder, mode=0o700)
            for m in range(mails):
                with open(f"{home}/Maildir/new/{1700000000 + m}.M{m}P1.host", "w", encoding="ascii") as mail:
                    mail.write(f"Subject: mail {m}\n\nbody {m}\n")
            subprocess.run(["chown", "-R", f"{lir[3]}:{lir[4]}", home], check=True)
    os.chmod(path, 0o600)
    return path


def test_many_accounts_of_one_uid_read_their_mail_at_once():
    """What all of a uid's processes have on its way to others is counted together: unix(7), ETOOMANYREFS."""
    sessions, mails = 40, 200
    with Server(plaintext="any", per_source=2 * sessions, users=shared_uid(sessions, mails)) as server:
        clients = [Client(server) for _ in range(sessions)]
        for n, client in enumerate(clients):
            answer = client.login(f"tenant{n}", demo.passwords["lir"])
            assert answer.startswith(b"+OK"), answer
        retrieve = "".join(f"RETR {m + 1}\r\n" for m in range(mails)).encode()
        for client in clients:
            client.socket.sendall(retrieve)
        for client in clients:
            for m in range(mails):
                assert client.file.readline().startswith(b"+OK"), server.log()[-2000:]
                while client.file.readline() != b".\r\n":
                    pass
            client.close()


def refused(box, line):
    try:
        box._shortcmd(line)
    except poplib.error_proto as answer:
        return answer.args[0].startswith(b"-ERR")
    return False


if __name__ == "__main__":
    with Demo() as demo:
        tests = {name[5:]: test for name, test in list(globals().items()) if name.startswith("test_")}
        sys.exit(run_tests(tests, sys.argv[1:]))
