#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Mistakes that other mail servers made, sent to the real pop3d: one test per row of the list, the row and the public
number in its name. What the pure session does with them is in tests/unit/pop3d/regression_test.cc."""
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from server import Client, Server, USERS, eventually, peak_kib, process_of, pss_kib, rss_kib  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402

TESTS = {}
NO_DELAYS = 'exempt = ["127.0.0.0/8"]\nmax_attempts = 100\n'
PATIENT = "[pop3d]\nmax_bad_commands_login = 1000\nmax_bad_commands = 1000\n"
WRONG = "-ERR [AUTH] wrong user name or password"


def test(function):
    TESTS[function.__name__] = function
    return function


def b64(data):
    return base64.b64encode(data).decode()


def patient_server(**options):
    return Server(PATIENT, NO_DELAYS, **options)


def still_serves(server):
    client = Client(server)
    assert client.log_in().startswith("+OK lir has")
    client.ask("QUIT")


@test
def row_1_CVE_2011_0411_CVE_2021_33515_nothing_behind_stls_is_executed():
    with Server(tls=True) as d:
        client = Client(d)
        client.send(b"STLS\r\nUSER lir\r\nPASS pamplona\r\n")
        assert client.line().startswith("+OK")
        assert client.line() is None, "the injected commands were answered in plain text"
        eventually(lambda: "tls-injection" in d.log(), 5, d.log)
        assert "auth-ok" not in d.log()


@test
def row_1_CVE_2011_0411_what_came_before_the_handshake_is_not_said_inside_tls():
    with Server(tls=True) as d:
        client = Client(d)
        client.send(b"STLS\r\nNOOP\r\nCAPA\r\n")
        client.line()
        try:
            client.start_tls()
            reply = client.line()
        except (OSError, ssl.SSLError):
            reply = None
        assert reply is None, reply


@test
def row_3_nul_in_names_and_passwords_fails_and_never_truncates():
    with patient_server() as d:
        client = Client(d)
        for user, password in ((b"lir\0x", b"pamplona"), (b"lir\0", b"pamplona"), (b"\0lir", b"pamplona")):
            client.send(b"USER " + user + b"\r\n")
            assert client.line().startswith("-ERR"), user
            assert client.ask(b"PASS " + password + b"\r\n").startswith("-ERR"), user
        for password in (b"pamplona\0", b"pamplona\0x", b"\0pamplona", b"\0"):
            client.ask("USER lir")
            assert client.ask(b"PASS " + password + b"\r\n").startswith("-ERR"), password
        for message in (b"\0lir\0pamplona\0", b"\0lir\0pamplona\0x", b"\0lir\0x\0pamplona", b"\0\0lir\0pamplona",
                        b"lir\0\0pamplona", b"\0lir", b"\0lir\0", b"\0\0pamplona"):
            assert client.plain(message).startswith("-ERR"), message
        client.ask("AUTH LOGIN")
        client.ask(b64(b"lir\0"))
        assert (client.ask(b64(b"pamplona")) or "-ERR").startswith("-ERR")
        assert "auth-ok" not in d.log(), d.log()
        assert client.plain(b"\0lir\0pamplona").startswith("+OK"), "the right one does work"


@test
def row_4_CVE_2019_10691_an_8_bit_name_is_an_ordinary_failure():
    with patient_server() as d:
        client = Client(d)
        for name in (b"\xff\xfe", b"lir\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", bytes(range(0x80, 0x100))):
            client.ask(b"USER " + name + b"\r\n")
            assert client.ask("PASS pamplona") == WRONG, name
            assert client.plain(b"\0" + name + b"\0pamplona") == WRONG, name
        still_serves(d)


@test
def row_5_CVE_2017_2669_CVE_2026_24031_CVE_2026_27860_names_are_literal():
    with patient_server() as d:
        client = Client(d)
        for name in ("%{home}", "%u", "%s%s%n", "'; --", "*)(uid=*", "$(id)", "`id`", "../lir", "lir/", "lir:", "*",
                     "lir:!x::0:0:/root", "LIR@other.test", "lir@", "~lir", "root", "-rf"):
            client.ask("USER " + name)
            assert client.ask("PASS pamplona") == WRONG, name
        assert "auth-ok" not in d.log(), d.log()
        still_serves(d)


@test
def row_6_CVE_2025_59028_bad_base64_fails_only_its_sender():
    with patient_server() as d:
        good, bad = Client(d), Client(d)
        good.ask("AUTH PLAIN")
        for rubbish in ("====", "\x01\x02", "AGxpcgBwYW1wbG9u*", "A" * 8000, "AA=A", "\xff\xfe"):
            assert bad.ask("AUTH PLAIN").startswith("+")
            assert bad.ask(rubbish).startswith("-ERR"), rubbish
        assert good.ask(b64(b"\0lir\0pamplona")).startswith("+OK")
        assert bad.plain(b"\0daniel\0hungry").startswith("+OK")


@test
def row_7_CVE_2017_15132_ten_thousand_cancelled_exchanges_cost_no_memory():
    with patient_server() as d:
        zygote = next(p.pid for p in d.tree() if p.in_libexec)
        launcher = None
        for _ in range(11):
            client = Client(d)
            client.send(b"AUTH PLAIN\r\n*\r\n" * 20)
            for _ in range(40):
                client.line()
            process = process_of(d, client)
            first = rss_kib(process)
            for _ in range(45):
                client.send(b"AUTH PLAIN\r\n*\r\n" * 20)
                assert [client.line()[:1] for _ in range(40)] == ["+", "-"] * 20
            assert rss_kib(process) <= first + 64, (first, rss_kib(process))
            launcher = launcher or (rss_kib(d.process.pid), rss_kib(zygote))
            client.ask("QUIT")
        now = (rss_kib(d.process.pid), rss_kib(zygote))
        assert now[0] <= launcher[0] + 256 and now[1] <= launcher[1] + 256, (launcher, now)


@test
def row_8_CVE_2019_11494_CVE_2019_11499_an_exchange_may_break_off_anywhere():
    whole = f"AUTH PLAIN\r\n{b64(b'x' + bytes(1) + b'lir' + bytes(1) + b'pamplon')}\r\n".encode()
    with patient_server(tls=True) as d:
        for tls in (False, True):
            for at in range(1, len(whole), 3):
                client = Client(d, tls=tls)
                client.send(whole[:at])
                client.close()
            for rubbish in (b"AUTH PLAIN\r\n" + os.urandom(2000) + b"\r\n", b"AUTH LOGIN\r\n\xff\r\n\xfe\r\n",
                            b"AUTH SCRAM-SHA-256\r\n" + b64(os.urandom(300)).encode() + b"\r\n", os.urandom(5000)):
                client = Client(d, tls=tls)
                client.send(rubbish)
                client.close()
        for rubbish in (os.urandom(400), b"\x16\x03\x01\xff\xff" + os.urandom(200), b"CAPA\r\n", b"\x80\x2e\x01\0\2"):
            with socket.create_connection(("127.0.0.1", d.tls_port)) as s:
                s.sendall(rubbish)
        client = Client(d, tls=True)
        client.send("AUTH PLAIN")
        client.line()
        os.write(client.socket.fileno(), os.urandom(500))  # below TLS: a broken record
        assert client.ended()
        still_serves(d)  # and leaving the block looks for child-crash in the log


@test
def row_9_CVE_2020_12673_CVE_2020_12674_empty_and_short_messages_for_every_mechanism():
    with Server(PATIENT, NO_DELAYS + "scram = true\n") as d:
        client = Client(d)
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
            for message in (b"", b"\0", b"n", b"\0\0", b"\0\0\0", b",,", b"n,,", b"n,,n=,r=", b"n,,n=lir,r=", b"y,,"):
                reply = client.ask(f"AUTH {mechanism} " + (b64(message) or "="))
                steps = 0
                while reply.startswith("+ ") and steps < 3:
                    reply, steps = client.ask(""), steps + 1
                assert reply.startswith("-ERR"), (mechanism, message, reply)
        assert client.log_in().startswith("+OK")


@test
def row_10_CVE_2026_27857_CVE_2026_42006_a_megabyte_of_parentheses_before_and_after_login():
    with patient_server() as d:
        for char in b"()":
            for logged_in in (False, True):
                client = Client(d)
                if logged_in:
                    client.log_in()
                process = process_of(d, client)
                before = peak_kib(process)
                client.send(b"NOOP " + bytes([char]) * (1 << 20) + b"\r\n")
                assert client.line() == "-ERR line too long"
                assert peak_kib(process) < before + 512, (before, peak_kib(process))
                assert client.ask("CAPA").startswith("+OK")
                client.close()
                eventually(lambda: not d.agents(), 5, "the agent stays")


@test
def row_12_CVE_2025_61600_an_endless_argument_is_not_kept():
    with patient_server() as d:
        for start in (b"USER ", b"AUTH PLAIN ", b"AUTH PLAIN\r\n", b"PASS "):
            client = Client(d)
            process = process_of(d, client)
            before = peak_kib(process)
            client.send(start)
            for _ in range(64):
                client.send(b"A" * (1 << 18))  # 16 MiB
            assert peak_kib(process) < before + 768, (start, before, peak_kib(process))
            client.close()


@test
def row_14_CVE_2025_30189_a_login_after_another_gets_its_own_mailbox():
    with patient_server() as d:
        d.put_mail("lir", "1000000001.M1P1.test", b"Subject: of lir\n\nx\n")
        d.put_mail("daniel", "1000000002.M1P1.test", b"Subject: of daniel\n\nx\n")
        client = Client(d)
        assert client.log_in("lir", "hungry") == WRONG, "the password of the other"
        assert client.log_in("daniel").startswith("+OK daniel has 1 visible message ")
        assert "Subject: of daniel" in client.listing("RETR 1")
        agent, = d.agents()
        assert agent.title == "pop3d: daniel [agent]" and agent.uids == {d.ids(1)[0]}, agent
        other = Client(d)
        assert other.log_in("lir").startswith("+OK")
        assert "Subject: of lir" in other.listing("RETR 1")
        assert sorted(tuple(a.uids) for a in d.agents()) == [(d.ids(0)[0],), (d.ids(1)[0],)]


def scram_verifier(password, salt=b"0123456789abcdef", rounds=4096):
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256,{rounds},{b64(salt)},{b64(stored)},{b64(server)}"


def scram(client, mechanism, header, binding, user="lir"):
    """A correct exchange over this header and binding; the server's last word."""
    bare = f"n={user},r=abcdefghijklmnop"
    reply = client.ask(f"AUTH {mechanism} " + b64((header + bare).encode()))
    if not reply.startswith("+ "):
        return reply
    first = base64.b64decode(reply[2:]).decode()
    field = dict(part.split("=", 1) for part in first.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", USERS[user].encode(), base64.b64decode(field["s"]), int(field["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    without = f"c={b64(header.encode() + binding)},r={field['r']}"
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{first},{without}".encode(), "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature))
    reply = client.ask(b64(f"{without},p={b64(proof)}".encode()))
    return client.ask("") if reply.startswith("+ ") else reply


class ScramServer(Server):
    def write_users(self):
        super().write_users()
        path = f"{self.folder}/users"
        with open(path) as f:
            lines = f.read().splitlines()
        with open(path, "w") as f:
            for line in lines:
                name, hashed, _, rest = line.split(":", 3)
                f.write(f"{name}:{hashed}:{scram_verifier(USERS.get(name, '-'))}:{rest}\n")


@test
def row_15_CVE_2026_33603_scram_plus_with_a_wrong_exporter_is_refused():
    auth = NO_DELAYS + "scram = true\nchannel_binding = true\n"
    with ScramServer(PATIENT, auth, tls=True) as d:
        assert scram(Client(d, tls=True), "SCRAM-SHA-256", "n,,", b"").startswith("+OK"), "a control: SCRAM works"
        client = Client(d, tls=True)
        for binding in (os.urandom(32), bytes(32), b"", os.urandom(31)):
            assert scram(client, "SCRAM-SHA-256-PLUS", "p=tls-exporter,,", binding).startswith("-ERR"), binding
        assert scram(client, "SCRAM-SHA-256-PLUS", "n,,", b"").startswith("-ERR"), "-PLUS without a binding"
        assert scram(client, "SCRAM-SHA-256", "y,,", b"").startswith("-ERR"), "it was offered: somebody hid it"
        assert d.count_log("auth-ok") == 1


@test
def row_16_CVE_2019_3814_a_client_certificate_logs_nobody_in():
    with patient_server(tls=True) as d:
        chain, key = f"{d.folder}/client.pem", f"{d.folder}/client.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", chain,
                        "-days", "2", "-subj", "/O=nobody"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(chain, key)
        client = Client(d, greeting=False)
        client.close()
        client.socket, client.buffer = context.wrap_socket(socket.create_connection(("127.0.0.1", d.tls_port))), b""
        client.line()
        assert not any("EXTERNAL" in line for line in client.listing("CAPA"))
        for line in ("AUTH EXTERNAL", "AUTH EXTERNAL =", "AUTH EXTERNAL " + b64(b"lir")):
            assert client.ask(line).startswith("-ERR"), line
        client.ask("USER lir")
        assert client.ask("PASS").startswith("-ERR")
        assert client.ask("PASS ").startswith("-ERR")
        assert client.ask("STAT").startswith("-ERR")
        assert "auth-ok" not in d.log()


@test
def row_18_CVE_2017_15130_a_flood_of_random_server_names_costs_no_memory():
    with patient_server(tls=True) as d:
        def hello(n):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", d.tls_port)) as s:
                with context.wrap_socket(s, server_hostname=f"{os.urandom(20).hex()}.{n}.test") as t:
                    t.recv(100)

        def settled():
            eventually(lambda: not d.connections(), 10, "connections stay")
            return pss_kib((p.pid for p in d.tree()), "Anonymous")
        for n in range(50):
            hello(n)
        before = settled()
        for n in range(400):
            hello(n)
        after = settled()
        assert after <= before + 512, (before, after)
        assert d.count_log("tls-ok") == 450


def main():
    return run_tests(TESTS, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
