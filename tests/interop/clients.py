#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real mail programs that send, against a running demo: swaks, curl, msmtp, mutt and Python (those that read:
pop3_clients.py). Every one sends a message that breaks what is not transparent (dots, long lines, 8-bit, a From line),
and what arrives is compared byte for byte."""
import os
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


if __name__ == "__main__":
    sys.exit(run_with_demo(globals()))
