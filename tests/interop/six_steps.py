#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The six steps of one mail between two hosts: a program hands it to its own server, which queues it, connects to the
second server along a static route, and there it lies in the mailbox until a program fetches it by POP3. Two demos."""
import os
import poplib
import re
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, Demo, run_tests, wait_until  # noqa: E402

TYPED = ["HELO daniel.tlm.unavarra.es", "MAIL FROM: <daniel.morato@unavarra.es>", "RCPT TO: danielmorato@yahoo.com", "DATA"]
BODY = ["Hola", "Aqui, saludandome a mi mismo", "."]


def reconfigure(demo, change):
    path = f"{demo.dir}/posada.toml"
    with open(path, encoding="utf-8") as f:
        text = change(f.read())
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    done = subprocess.run([os.path.join(BUILD, "bin/posada"), "reload", "--control", f"{demo.dir}/run/control.sock"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: len(re.findall(r"(?:smtpd|queue)\[\d+\]: config-loaded", demo.log())) >= 2,
               why="the daemons did not reload:\n" + demo.log()[-2000:])


def add_user(demo, name):
    """A user of the second host, with the password of lir."""
    users = f"{demo.dir}/users"
    lir = next(line for line in open(users, encoding="utf-8") if line.startswith("lir:"))
    home, lir_home = os.path.dirname(demo.maildir(name)), os.path.dirname(demo.maildir("lir"))
    os.makedirs(home, mode=0o700, exist_ok=True)
    owner = os.stat(lir_home)
    os.chown(home, owner.st_uid, owner.st_gid)
    with open(users, "a", encoding="utf-8") as out:
        out.write(name + ":" + lir.split(":", 1)[1].replace(lir_home, home))


def speak(port):
    """The course's dialog, typed by hand: nc sends line feeds only."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        reader = connection.makefile("r", encoding="utf-8", newline="\r\n")
        answers = [reader.readline()]
        for line in TYPED:
            connection.sendall((line + "\n").encode())
            answers.append(reader.readline())
        connection.sendall("".join(line + "\n" for line in BODY).encode())
        answers.append(reader.readline())
        connection.sendall(b"QUIT\n")
        answers.append(reader.readline())
        return answers


def mail_of(demo, name, password):
    service = demo.endpoints["services"]["pop3"]
    box = poplib.POP3(service["host"], service["port"], timeout=15)
    box.user(name)
    box.pass_(password)
    mails = [b"\n".join(box.retr(n + 1)[1]).decode() for n in range(box.stat()[0])]
    box.quit()
    return mails


def main():
    with Demo() as first, Demo() as second:
        add_user(second, "danielmorato")
        port = second.endpoints["services"]["smtp"]["port"]
        reconfigure(second, lambda text: text.replace('domains = ["micasa.test"]', 'domains = ["micasa.test", "yahoo.com"]'))
        reconfigure(first, lambda text: text + '\n[smtpd]\nrelay_networks = ["127.0.0.0/8"]\n[[smtpd.route]]\n'
                    f'domain = "yahoo.com"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n')

        def handed_over_and_queued():
            answers = speak(first.endpoints["services"]["smtp"]["port"])
            assert [a[:3] for a in answers] == ["220", "250", "250", "250", "354", "250", "221"], answers
            assert "pleased to meet you" in answers[1] and "Message accepted for delivery" in answers[5], answers

        def connects_to_the_second_server():
            wait_until(lambda: "mail-relayed" in first.log(), why="not relayed:\n" + first.log()[-3000:])
            wait_until(lambda: "mail-delivered" in second.log(), why="not delivered:\n" + second.log()[-3000:])

        def lies_in_the_mailbox_and_is_fetched():
            mails = mail_of(second, "danielmorato", "pamplona")
            assert len(mails) == 1, mails
            mail = mails[0]
            assert mail.startswith("Return-Path: <daniel.morato@unavarra.es>\n"), mail
            assert len(re.findall(r"^Received: ", mail, re.M)) == 2, mail
            assert mail.endswith("\n\nHola\nAqui, saludandome a mi mismo"), mail

        def an_unknown_user_there_is_a_bounce_here():
            with socket.create_connection(("127.0.0.1", first.endpoints["services"]["smtp"]["port"]), timeout=15) as c:
                reader = c.makefile("r", encoding="utf-8", newline="\r\n")
                reader.readline()
                for line in ("HELO x", "MAIL FROM:<daniel@micasa.test>", "RCPT TO:<nobody.here@yahoo.com>", "DATA",
                             "Subject: lost\r\n\r\ngone\r\n.", "QUIT"):
                    c.sendall((line + "\r\n").encode())
                    reader.readline()
            wait_until(lambda: "mail-bounced" in first.log(), why="no bounce:\n" + first.log()[-3000:])
            bounce = wait_until(lambda: mail_of(first, "daniel", "hungry"), why="the sender was not told")[0]
            assert "Return-Path: <>" in bounce and "multipart/report" in bounce, bounce
            assert "nobody.here@yahoo.com" in bounce and "Status: 5.1.1" in bounce, bounce

        return run_tests({f.__name__: f for f in (handed_over_and_queued, connects_to_the_second_server,
                                                  lies_in_the_mailbox_and_is_fetched,
                                                  an_unknown_user_there_is_a_bounce_here)})


if __name__ == "__main__":
    sys.exit(main())
