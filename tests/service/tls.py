# SPDX-License-Identifier: BSD-2-Clause
"""TLS on request and from the first octet; certificates that are renewed."""
import os
import signal
import tempfile
import time

from harness import Client, echod, make_certificate, served_certificate, test


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
            d.wait_log(r"cert-rejected .*error=")
            assert served_certificate(d.port) == first
            renewal_is_served(d, first, lambda: os.rename(new_key, key))
