# SPDX-License-Identifier: BSD-2-Clause
"""TLS on request and from the first octet; who signs; certificates that are renewed."""
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import warnings

from harness import (Client, connected_pair, echod, free_port, launched, make_certificate, served_certificate, test)


@test
def starttls_works_and_is_offered_once():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            c = Client(d.port)
            c.ask("STARTTLS", "+go")
            c.starttls()
            c.ask("UPPER secret", "+SECRET")
            c.ask("STARTTLS", "-no")
            d.wait_log(r"tls-ok rip=127\.0\.0\.1 .*version=TLSv1\.3")


def says_over_tls(port, ciphers, version):
    """The version after STARTTLS and a line each way; None: no handshake."""
    warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is what is tried
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    c = Client(port)
    c.ask("STARTTLS", "+go")
    try:
        c.socket = context.wrap_socket(c.socket)
        c.ask("ECHO hola", "+hola")
        return c.socket.version()
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        c.close()


OLD_LISTENER = """[[echod.listen]]
name = "echo"
address = ["127.0.0.1"]
port = 10007
tls = "legacy"
"""
V10, V12, V13 = (getattr(ssl.TLSVersion, name) for name in ("TLSv1", "TLSv1_2", "TLSv1_3"))


@test
def handshakes_with_the_signer_and_without():
    """Both keys, versions and hashes old and new; RSA key exchange, which decrypts, only where the key is at hand."""
    for signer in ("true", "false"):
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
            chain, key = make_certificate(folder)
            rsa, rsa_key = make_certificate(other, kind=["rsa:2048"])
            config = (f'[tls]\nchain = "{chain}"\nkey = "{key}"\nsigner = {signer}\n'
                      f'[[tls.certificates]]\nchain = "{rsa}"\nkey = "{rsa_key}"\n')
            with echod(config) as d:
                assert says_over_tls(d.port, "ALL", V13) == "TLSv1.3", d.log()
                assert says_over_tls(d.port, "ECDHE-ECDSA-AES128-GCM-SHA256", V12) == "TLSv1.2", d.log()
                assert says_over_tls(d.port, "ECDHE-RSA-AES128-GCM-SHA256", V12) == "TLSv1.2", d.log()
                assert says_over_tls(d.port, "ALL", V10) is None
                assert len(signers(d)) == (signer == "true")
            with echod(config + OLD_LISTENER) as d:
                assert says_over_tls(d.port, "ECDHE-RSA-AES128-SHA", V10) == "TLSv1", d.log()
                assert says_over_tls(d.port, "ECDHE-ECDSA-AES128-SHA", V10) == "TLSv1", d.log()
                assert says_over_tls(d.port, "DHE-RSA-AES128-SHA", V12) == "TLSv1.2", d.log()
                assert says_over_tls(d.port, "AES128-SHA", V12) == (None if signer == "true" else "TLSv1.2"), d.log()


def signers(d):
    out = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(d.process.pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "[signer]" in line]


@test
def a_signer_that_dies_is_replaced_and_nobody_hangs():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            old = Client(d.port)
            asked = Client(d.port)
            asked.ask("STARTTLS", "+go")
            first, = signers(d)
            os.kill(first, signal.SIGKILL)
            d.wait_log(r'service-exit .*what=signer status="signal 9 \(KILL\)"')
            began = time.time()
            try:
                asked.starttls()
                raise AssertionError("who signed?")
            except (ssl.SSLError, ConnectionError):
                assert time.time() - began < 4.5, "it was waited for"
            d.wait_log(r'tls-fail .*error=".*the signer is gone')
            old.ask("UPPER kept", "+KEPT")
            end = time.time() + 5
            while not signers(d) or signers(d) == [first]:
                assert time.time() < end, d.log()
                time.sleep(0.02)
            assert says_over_tls(d.port, "ALL", V13) == "TLSv1.3", d.log()
            old.ask("UPPER still", "+STILL")


@test
def a_signer_that_hangs_is_waited_for_sign_timeout():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\nsign_timeout = "2s"\n') as d:
            client, other = Client(d.port), Client(d.port)
            client.ask("STARTTLS", "+go")
            hanging, = signers(d)
            os.kill(hanging, signal.SIGSTOP)
            try:
                began = time.time()
                try:
                    client.starttls()
                    raise AssertionError("who signed?")
                except (ssl.SSLError, ConnectionError):
                    assert 1.8 < time.time() - began < 6, time.time() - began
                d.wait_log(r'tls-fail .*error=".*the signer does not answer')
                other.ask("UPPER kept", "+KEPT")
            finally:
                os.kill(hanging, signal.SIGCONT)
            assert says_over_tls(d.port, "ALL", V13) == "TLSv1.3", d.log()


@test
def nobody_signs_where_there_is_no_certificate():
    with echod() as d:
        assert signers(d) == []
        Client(d.port).ask("STARTTLS", "-no")


@test
def bytes_behind_starttls_end_the_connection_CVE_2011_0411():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            c = Client(d.port)
            c.send(b"STARTTLS\r\nECHO injected\r\n")
            c.expect("+go")
            assert c.line() is None
            d.wait_log("tls-injection")


def renewal_is_served(d, first, renew):
    old = Client(d.port)
    renew()
    end = time.time() + 6
    while served_certificate(d.port) == first:
        assert time.time() < end, "the old certificate is still served:\n" + d.log()
        time.sleep(0.1)
    old.ask("UPPER kept", "+KEPT")


@test
def a_renewed_certificate_is_served_after_a_reload():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder, "old.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: (make_certificate(folder, "new.test"),
                                                                      d.process.send_signal(signal.SIGHUP)))


@test
def a_renewed_certificate_is_noticed_when_its_files_are_written():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder, "old.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            for name in ("new.test", "newer.test"):
                renewal_is_served(d, served_certificate(d.port), lambda n=name: make_certificate(folder, n))


@test
def a_renewed_certificate_is_noticed_behind_links():
    """As Let's Encrypt's clients renew: a link for each file. As containers do: one link for all."""
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2, 3):
            os.mkdir(os.path.join(folder, f"archive{number}"))
            make_certificate(os.path.join(folder, f"archive{number}"), f"n{number}.test")
        live = os.path.join(folder, "live")
        os.mkdir(live)

        def switch(target, link):
            os.symlink(target, link + ".new")
            os.rename(link + ".new", link)

        def files(number):
            for name in ("chain.pem", "key.pem"):
                switch(f"../archive{number}/{name}", os.path.join(live, name))

        files(1)
        with echod(f'[tls]\nchain = "{live}/chain.pem"\nkey = "{live}/key.pem"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: files(2))
        data = os.path.join(folder, "data")
        switch("archive2", data)
        with echod(f'[tls]\nchain = "{data}/chain.pem"\nkey = "{data}/key.pem"\n') as d:
            renewal_is_served(d, served_certificate(d.port), lambda: switch("archive3", data))


@test
def half_a_renewal_keeps_the_old_certificate():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as next_one:
        chain, key = make_certificate(folder, "old.test")
        new_chain, new_key = make_certificate(next_one, "new.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            first = served_certificate(d.port)
            os.rename(new_chain, chain)
            d.wait_log(rf'cert-rejected service=\S+ error="{chain} and {key}: the private key does not belong to the '
                       r'certificate of CN=new\.test"')
            assert served_certificate(d.port) == first
            d.process.send_signal(signal.SIGHUP)
            d.wait_log("config-rejected .*the private key does not belong")
            assert served_certificate(d.port) == first
            renewal_is_served(d, first, lambda: os.rename(new_key, key))


def implicit(chain, key, port):
    return (f'[tls]\nchain = "{chain}"\nkey = "{key}"\n'
            f'[[echod.listen]]\nname = "echos"\naddress = ["127.0.0.1"]\nport = {port}\ntls = "implicit"\n')


def encrypted(connected):
    client = Client.over(connected, banner=False)
    client.starttls()
    client.expect("+hello")
    return client


@test
def tls_from_the_first_octet_however_the_daemon_was_started():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        port = free_port()
        config = implicit(chain, key, port)
        with echod(config, listen=False) as d:
            assert d.ready, d.log()
            client = encrypted(socket.create_connection(("127.0.0.1", port), timeout=10))
            client.ask("UPPER quiet", "+QUIET")
            client.ask("STARTTLS", "-no")
            d.wait_log("tls-ok .*version=TLSv1.3")
        for args in ({"fds": True}, {"stdin": True}):
            ours, theirs = connected_pair()
            given = {"fds": [theirs.fileno()], "names": "connection"} if "fds" in args else {"stdin": theirs}
            with theirs, launched(config=config, args=["--listener", "echos"], **given) as d:
                theirs.close()
                client = encrypted(ours)
                client.ask("UPPER quiet", "+QUIET")
                client.ask("QUIT", "+bye")
                assert d.process.wait(10) == 0, d.log()


@test
def a_handshake_that_does_not_go_on_ends_at_the_idle_time():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_certificate(folder)
        port = free_port()
        with echod(implicit(chain, key, port) + '[echod]\nidle_timeout = "600ms"\n',
                   listen=False) as d:
            assert d.ready, d.log()
            began = time.time()
            client = Client(port, banner=False)
            with contextlib.suppress(OSError):
                for octet in bytes.fromhex("16030100c8010000c40303") + bytes(100):
                    client.send(bytes([octet]))
                    time.sleep(0.1)
            assert client.line() is None and time.time() - began < 8
            d.wait_log("tls-fail .*took too long")


@test
def a_start_in_the_middle_of_a_renewal_is_not_a_configuration_error():
    """78 is what nobody tries again: posadad and systemd wait for a reload. The files are right a moment later."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as next_one:
        chain, _ = make_certificate(folder, "old.test")
        _, new_key = make_certificate(next_one, "new.test")
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{new_key}"\n') as d:
            assert not d.ready and d.process.wait(10) == 71, d.log()
            d.wait_log(rf'start-failed service=\S+ error="{chain} and {new_key}: the private key does not belong to the '
                       r'certificate of CN=old\.test"')


def make_ended_certificate(folder):
    """`openssl req` knows no end in the past: its own authority does."""
    chain, key = make_certificate(folder, "old.test")
    with open(f"{folder}/ca.cnf", "w", encoding="ascii") as out:
        out.write(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nnew_certs_dir={folder}\nrand_serial=yes\n"
                  "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
    open(f"{folder}/index", "w", encoding="ascii").close()
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=old.test", "-out", f"{folder}/request"], check=True)
    subprocess.run(["openssl", "ca", "-batch", "-notext", "-selfsign", "-config", f"{folder}/ca.cnf", "-keyfile", key,
                    "-in", f"{folder}/request", "-out", chain, "-startdate", "200101000000Z", "-enddate", "210101000000Z"],
                   check=True, capture_output=True)
    return chain, key


@test
def a_certificate_that_has_ended_is_served_and_the_log_says_so():
    with tempfile.TemporaryDirectory() as folder:
        chain, key = make_ended_certificate(folder)
        with echod(f'[tls]\nchain = "{chain}"\nkey = "{key}"\n') as d:
            d.wait_log(r'cert-loaded .*not-after=2021-01-01T00:00:00Z problem="it has ended: clients that verify refuse it; '
                       'renew it"')
