#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real mail programs against a running demo: swaks, curl, msmtp, mutt and Python send; curl, mpop, fetchmail, mutt and
Python read. Every sender sends a message that breaks what is not transparent (dots, long lines, 8-bit, a From line), and
what arrives is compared byte for byte."""
import os
import poplib
import smtplib
import socket
import ssl
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, wait_until  # noqa: E402
from programs import run_with_demo  # noqa: E402

BODY = ("Hola, aquí: ñ € 邮件\r\n"
        ".\r\n"
        "..two dots\r\n"
        ".a dot in front\r\n"
        "From the start of a line\r\n"
        "\r\n"
        "trailing blanks   \r\n"
        "\ttab\r\n" + "x" * 900 + "\r\n"
        "QUIT\r\n"
        "DATA\r\n"
        "the end\r\n")
demo = home = None  # run_with_demo sets them


def message(token):
    return (f"From: Daniel <daniel@micasa.test>\r\nTo: <lir@micasa.test>\r\nSubject: interop {token}\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + BODY)


def write(name, text):
    return home.write(name, text)


def run(*argv, **more):
    return home.run(*argv, **more)


def unix(text):
    return text.replace("\r\n", "\n").encode()


def arrived(token, body=BODY):
    """The message with this token is in lir's mailbox once, with exactly this body; returns it."""
    mail = demo.wait_for_mail("lir", f"interop {token}")
    text = mail.replace(b"\r\n", b"\n")
    came, sent = text.split(b"\n\n", 1)[1], unix(body)
    differs = next((i for i, (a, b) in enumerate(zip(came, sent)) if a != b), min(len(came), len(sent)))
    assert came == sent, f"from octet {differs}: {came[differs:differs + 40]!r} for {sent[differs:differs + 40]!r}"
    assert text.startswith(b"Return-Path: <") and b"\nReceived: from " in text, text
    time.sleep(0.1)
    assert sum(f"interop {token}".encode() in m for m in demo.mails("lir")) == 1
    return text


def token():
    return uuid.uuid4().hex[:12]


# ---- sending

def swaks(*arguments, status=0):
    t = token()
    run("swaks", "--silent", "2", "--from", "daniel@micasa.test", "--to", "lir@micasa.test", "--ehlo", "client.example",
        # swaks ends the text with a line end of its own
        "--data", "@" + write("swaks.eml", message(t).replace("\r\n", "\n").rstrip("\n")), *arguments, status=status)
    return t


def login(user="daniel"):
    return ["--auth-user", user, "--auth-password", demo.passwords[user]]


def at(service):
    return f"127.0.0.1:{demo.port(service)}"


def test_swaks_plain_to_port_25():
    arrived(swaks("--server", at("smtp")))


def test_swaks_starttls_to_port_25():
    assert b"with ESMTPS" in arrived(swaks("--server", at("smtp"), "--tls"))


def test_swaks_pipelining():
    arrived(swaks("--server", at("smtp"), "--pipeline"))


def test_swaks_helo():
    arrived(swaks("--server", at("smtp"), "--protocol", "SMTP"))


def test_swaks_submission_starttls_plain():
    mail = arrived(swaks("--server", at("submission"), "--tls", "--auth", "PLAIN", *login()))
    assert b"with ESMTPSA" in mail, mail


def test_swaks_submission_starttls_login():
    arrived(swaks("--server", at("submission"), "--tls", "--auth", "LOGIN", *login()))


def test_swaks_submissions_implicit_tls():
    arrived(swaks("--server", at("submissions"), "--tlsc", "--auth", "PLAIN", *login()))


def test_swaks_submission_without_tls_on_loopback():
    mail = arrived(swaks("--server", at("submission"), "--auth", "PLAIN", *login()))
    assert b"with ESMTPA" in mail, mail


def test_swaks_wrong_password():
    swaks("--server", at("submission"), "--tls", "--auth", "PLAIN", "--auth-user", "daniel", "--auth-password", "no", status=28)


def test_swaks_submission_without_login():
    swaks("--server", at("submission"), "--tls", status=23)


def test_swaks_foreign_recipient():
    swaks("--server", at("smtp"), "--to", "somebody@elsewhere.example", status=24)


def test_swaks_unknown_user():
    swaks("--server", at("smtp"), "--to", "nobody-here@micasa.test", status=24)


def curl_send(url, *options, status=0):
    t = token()
    run("curl", "-sS", "--cacert", demo.endpoints["ca_file"], "--url", url, "--mail-from", "daniel@micasa.test",
        "--mail-rcpt", "lir@micasa.test", "--upload-file", write("curl.eml", message(t)), *options, status=status)
    return t


def curl_login(user="daniel"):
    return ["--user", f"{user}:{demo.passwords[user]}"]


def test_curl_smtp():
    arrived(curl_send(f"smtp://{at('smtp')}"))


def test_curl_submission_starttls():
    for mechanism in ("PLAIN", "LOGIN"):
        arrived(curl_send(f"smtp://{at('submission')}", "--ssl-reqd", "--login-options", f"AUTH={mechanism}", *curl_login()))


def test_curl_submissions_with_initial_response():
    arrived(curl_send(f"smtps://{at('submissions')}", "--sasl-ir", *curl_login()))


def test_curl_wrong_password_is_login_denied():
    curl_send(f"smtps://{at('submissions')}", "--user", "daniel:wrong", status=67)


def test_curl_vrfy_and_help():
    out = run("curl", "-sS", f"smtp://{at('smtp')}", "--mail-rcpt", "lir", "-X", "VRFY").stdout
    assert out.startswith(b"252 "), out
    out = run("curl", "-sS", f"smtp://{at('smtp')}", "-X", "HELP").stdout
    assert b"MAIL" in out, out


def msmtp(service, auth, tls):
    t = token()
    config = write("msmtprc", f"""account default
host 127.0.0.1
port {demo.port(service)}
from daniel@micasa.test
domain client.example
tls {"on" if tls else "off"}
tls_starttls {"on" if tls == "starttls" else "off"}
tls_trust_file {demo.endpoints["ca_file"]}
auth {auth}
user daniel
passwordeval echo {demo.passwords["daniel"]}
""")
    run("msmtp", "-C", config, "lir@micasa.test", stdin=message(t).replace("\r\n", "\n"))
    arrived(t)


def test_msmtp_plain():
    msmtp("submission", "plain", "starttls")


def test_msmtp_login():
    msmtp("submission", "login", "starttls")


def test_msmtp_scram_sha_256():
    if b"scram-sha-256" not in run("msmtp", "--version").stdout:
        raise Skip("this msmtp has no SCRAM-SHA-256")
    msmtp("submission", "scram-sha-256", "starttls")
    msmtp("submissions", "scram-sha-256", "implicit")


def test_msmtp_implicit_tls():
    msmtp("submissions", "plain", "implicit")


def test_msmtp_default_mechanism():
    msmtp("submission", "on", "starttls")


def mutt_config(user):
    return write("muttrc", f"""set ssl_ca_certificates_file = "{demo.endpoints['ca_file']}"
set certificate_file = "{demo.endpoints['ca_file']}"
set ssl_verify_host = no
set from = "{user}@micasa.test"
set realname = "{user}"
set smtp_pass = "{demo.passwords[user]}"
set pop_pass = "{demo.passwords[user]}"
set copy = no
set quit = yes
set confirmcreate = no
set confirmappend = no
set pop_delete = no
set header_cache = ""
set sleep_time = 0
set wait_key = no
set resolve = no
""")


def test_mutt_sends():
    for scheme, service in (("smtp", "submission"), ("smtps", "submissions")):
        t = token()
        run("mutt", "-F", mutt_config("daniel"), "-e", f'set smtp_url="{scheme}://daniel@127.0.0.1:{demo.port(service)}/"',
            "-e", "set ssl_starttls=yes", "-s", f"interop {t}", "--", "lir@micasa.test", stdin="Hola\n.\nadios\n")
        mail = demo.wait_for_mail("lir", f"interop {t}")
        assert b"\n.\n" in mail.replace(b"\r\n", b"\n"), mail


def python_send(server, t=None):
    t = t or token()
    server.sendmail("daniel@micasa.test", ["lir@micasa.test"], message(t).encode(), mail_options=["BODY=8BITMIME"])
    arrived(t)


def test_smtplib_starttls_and_login():
    with smtplib.SMTP("127.0.0.1", demo.port("submission")) as server:
        server.starttls(context=demo.tls())
        server.ehlo()
        assert server.has_extn("AUTH") and server.has_extn("SIZE") and server.has_extn("PIPELINING")
        assert not server.has_extn("STARTTLS")
        server.login("daniel", demo.passwords["daniel"])
        python_send(server)


def test_smtplib_ssl_several_messages():
    with smtplib.SMTP_SSL("127.0.0.1", demo.port("submissions"), context=demo.tls()) as server:
        server.login("daniel", demo.passwords["daniel"])
        for _ in range(3):
            python_send(server)


def test_smtplib_two_recipients_get_one_copy_each():
    t = token()
    with smtplib.SMTP("127.0.0.1", demo.port("smtp")) as server:
        refused = server.sendmail("x@elsewhere.example", ["lir@micasa.test", "daniel@micasa.test", "none@micasa.test"], message(t).encode())
    assert list(refused) == ["none@micasa.test"] and refused["none@micasa.test"][0] == 550, refused
    arrived(t)
    demo.wait_for_mail("daniel", f"interop {t}")


def test_smtplib_large_message():
    t, big = token(), "".join(f"line {i} {'y' * 60}\r\n" for i in range(70_000))
    with smtplib.SMTP("127.0.0.1", demo.port("smtp")) as server:
        server.sendmail("x@elsewhere.example", ["lir@micasa.test"], message(t).replace(BODY, big).encode())
    arrived(t, big)


def test_smtplib_too_large_is_refused_before_data():
    with smtplib.SMTP("127.0.0.1", demo.port("smtp")) as server:
        server.ehlo()
        limit = int(server.esmtp_features["size"])
        code, _ = server.docmd(f"MAIL FROM:<a@b.example> SIZE={limit + 1}")
        assert code == 552, code


def test_tls_versions():
    for version, good in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True), (ssl.TLSVersion.TLSv1_1, False)):
        context = demo.tls()
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        for service in ("submissions", "pop3s"):
            try:
                context.wrap_socket(socket.create_connection(("127.0.0.1", demo.port(service))), server_hostname="localhost").close()
                assert good, (version, service)
            except ssl.SSLError:
                assert not good, (version, service)


# ---- reading

def fill():
    """Three known messages for lir; returns their tokens."""
    demo.empty("lir")
    tokens = [token() for _ in range(3)]
    with smtplib.SMTP("127.0.0.1", demo.port("smtp")) as server:
        for t in tokens:
            server.sendmail("x@elsewhere.example", ["lir@micasa.test"], message(t).encode())
    wait_until(lambda: len(demo.mails("lir")) == 3)
    return tokens


def test_curl_pop3():
    tokens = fill()
    for url in (f"pop3://{at('pop3')}", f"pop3s://{at('pop3s')}"):
        options = ["-sS", "--cacert", demo.endpoints["ca_file"], "--ssl-reqd", *curl_login("lir")]
        assert len(run("curl", *options, url + "/").stdout.splitlines()) == 3
        texts = [run("curl", *options, f"{url}/{n}").stdout for n in (1, 2, 3)]
        for t in tokens:
            mail = next(text for text in texts if t.encode() in text)
            assert mail.split(b"\r\n\r\n", 1)[1] == BODY.encode(), mail
    assert len(demo.mails("lir")) == 3


def test_curl_pop3_mechanisms():
    fill()
    for mechanism in ("PLAIN", "LOGIN") if b"LOGIN" in capa() else ("PLAIN",):
        run("curl", "-sS", "--cacert", demo.endpoints["ca_file"], "--login-options", f"AUTH={mechanism}",
            *curl_login("lir"), f"pop3s://{at('pop3s')}/")


def test_curl_pop3_scram_needs_a_curl_with_gnu_sasl():
    """Debian's curl has none: asked for SCRAM it gives up after CAPA, by itself; left alone it takes PLAIN."""
    fill()
    able = b"gsasl" in run("curl", "--version").stdout
    options = ["-sS", "--cacert", demo.endpoints["ca_file"], *curl_login("lir"), f"pop3s://{at('pop3s')}/"]
    run("curl", "--login-options", "AUTH=SCRAM-SHA-256", *options, status=0 if able else 67)
    run("curl", *options)


def capa():
    server = poplib.POP3_SSL("127.0.0.1", demo.port("pop3s"), context=demo.tls())
    words = " ".join(server.capa().get("SASL", []))
    server.quit()
    return words.encode()


def test_curl_pop3_wrong_password():
    run("curl", "-sS", "--cacert", demo.endpoints["ca_file"], "--user", "lir:wrong", f"pop3s://{at('pop3s')}/", status=67)


def mpop(service, auth, tls, keep=True):
    tokens = fill()
    box = home.new_maildir()
    config = write("mpoprc", f"""account default
host 127.0.0.1
port {demo.port(service)}
tls {"on" if tls else "off"}
tls_starttls {"on" if tls == "starttls" else "off"}
tls_trust_file {demo.endpoints["ca_file"]}
auth {auth}
user lir
passwordeval echo {demo.passwords["lir"]}
delivery maildir {box}
uidls_file {box}/uidls
keep {"on" if keep else "off"}
received_header off
""")
    run("mpop", "-C", config)
    texts = [open(f"{box}/new/{name}", "rb").read() for name in os.listdir(f"{box}/new")]
    assert len(texts) == 3
    for t in tokens:
        assert next(text for text in texts if t.encode() in text).split(b"\n\n", 1)[1] == unix(BODY)
    run("mpop", "-C", config)  # UIDL: nothing is fetched twice
    assert len(os.listdir(f"{box}/new")) == 3
    assert len(demo.mails("lir")) == (3 if keep else 0)


def test_mpop_user_starttls():
    mpop("pop3", "user", "starttls")


def test_mpop_plain_implicit_tls():
    mpop("pop3s", "plain", "implicit")


def test_mpop_scram_sha_256():
    if b"scram-sha-256" not in run("mpop", "--version").stdout:
        raise Skip("this mpop has no SCRAM-SHA-256")
    mpop("pop3", "scram-sha-256", "starttls")


def test_mpop_without_tls_deletes():
    mpop("pop3", "user", None, keep=False)


def fetchmail(service, options, keep):
    tokens = fill()
    box = f"{home.path}/fetched-{token()}"
    config = write("fetchmailrc", f"""set no bouncemail
poll 127.0.0.1 protocol POP3 port {demo.port(service)} uidl timeout 20
  user "lir" password "{demo.passwords['lir']}" {"keep" if keep else "nokeep"} no rewrite mda "cat >> {box}"
  {options} sslcertck sslcertfile "{demo.endpoints['ca_file']}" sslcommonname "localhost"
""")
    run("fetchmail", "-f", config, "--idfile", f"{box}.ids", "--pidfile", f"{box}.pid", "--nosyslog", "-v")
    text = open(box, "rb").read().replace(b"\r\n", b"\n")
    for t in tokens:
        assert t.encode() in text, (text.count(b"the end"), text[:300])
    assert text.count(unix(BODY)) == 3, text
    assert len(demo.mails("lir")) == (3 if keep else 0)


def test_fetchmail_starttls():
    fetchmail("pop3", 'sslproto "TLS1.2+"', keep=True)


def test_fetchmail_implicit_tls_deletes():
    fetchmail("pop3s", "ssl", keep=False)


def test_mutt_reads():
    tokens = fill()
    for scheme, service in (("pop", "pop3"), ("pops", "pop3s")):
        box = f"{home.path}/mutt-{scheme}"
        keys = "".join(f"<jump>{n}<enter><copy-message>{box}<enter>" for n in (1, 2, 3))
        home.in_terminal(["mutt", "-F", mutt_config("lir"), "-e", "set ssl_starttls=yes",
                     "-e", f'push "{keys}<quit>"',
                     "-f", f"{scheme}://lir@127.0.0.1:{demo.port(service)}/"])
        text = open(box, "rb").read()
        for t in tokens:
            assert t.encode() in text, (text.count(b"the end"), text[:300])
        assert text.count(b"the end\n") == 3, text
    assert len(demo.mails("lir")) == 3


def test_poplib():
    tokens = fill()
    for kind in ("plain", "stls", "ssl"):
        if kind == "ssl":
            server = poplib.POP3_SSL("127.0.0.1", demo.port("pop3s"), context=demo.tls())
        else:
            server = poplib.POP3("127.0.0.1", demo.port("pop3"))
        if kind == "stls":
            server.stls(context=demo.tls())
        server.user("lir")
        server.pass_(demo.passwords["lir"])
        count, octets = server.stat()
        assert count == 3
        sizes = [int(line.split()[1]) for line in server.list()[1]]
        assert sum(sizes) == octets
        for n, size in enumerate(sizes, 1):
            _, lines, got = server.retr(n)
            text = b"\r\n".join(lines) + b"\r\n"
            # LIST promises what RETR sends, without the dots that are stuffed
            assert len(text) == size, (len(text), size)
            assert text.split(b"\r\n\r\n", 1)[1] == BODY.encode() and any(t.encode() in text for t in tokens)
            head = server.top(n, 1)[1]
            assert head[-1] == BODY.splitlines()[0].encode() and got > 0
        uidls = [line.split()[1] for line in server.uidl()[1]]
        assert len(set(uidls)) == 3
        server.dele(1)
        server.rset()
        server.quit()
        assert len(demo.mails("lir")) == 3


def test_poplib_deletes_at_quit_only():
    fill()
    for quit_it, left in ((False, 3), (True, 2)):
        server = poplib.POP3("127.0.0.1", demo.port("pop3"))
        server.user("lir")
        server.pass_(demo.passwords["lir"])
        server.dele(2)
        if quit_it:
            server.quit()
        else:
            server.close()
            time.sleep(0.3)
        assert len(demo.mails("lir")) == left, (quit_it, len(demo.mails("lir")))


def test_one_session_per_mailbox():
    fill()
    first = poplib.POP3("127.0.0.1", demo.port("pop3"))
    first.user("lir")
    first.pass_(demo.passwords["lir"])
    second = poplib.POP3("127.0.0.1", demo.port("pop3"), timeout=40)
    second.user("lir")
    try:
        second.pass_(demo.passwords["lir"])
        raise AssertionError("two sessions on one mailbox")
    except poplib.error_proto as why:
        assert b"[IN-USE]" in why.args[0], why
    first.quit()


if __name__ == "__main__":
    sys.exit(run_with_demo(globals()))
