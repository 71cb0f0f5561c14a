#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mailbox fills up: the next mail waits in the queue, further ones are refused at RCPT, the user deletes by POP3, and
then the waiting one is delivered and new ones are accepted; `posada queue` shows, hurries and removes what waits. Real daemons, `posada user` as an administrator uses it."""
import glob
import json
import os
import poplib
import re
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, Demo, run_tests, wait_until  # noqa: E402

LIMIT = 20_000


def posada(demo, *words):
    done = subprocess.run([os.path.join(BUILD, "bin/posada"), *words, "--config", f"{demo.dir}/posada.toml"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reconfigure(demo, more, change=lambda text: text):
    path = f"{demo.dir}/posada.toml"
    with open(path, encoding="utf-8") as old:
        text = change(old.read()) + more
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    before = len(re.findall(r"config-loaded", demo.log()))
    done = subprocess.run([os.path.join(BUILD, "bin/posada"), "reload", "--control", f"{demo.dir}/run/control.sock"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_until(lambda: len(re.findall(r"config-loaded", demo.log())) >= before + 3, why="no reload:\n" + demo.log()[-2000:])


def send(demo, size, name="lir", announce=True):
    """What the server said: (code, text) of the refusal, or None."""
    service = demo.endpoints["services"]["smtp"]
    text = "Subject: filling\r\n\r\n"
    text += ("x" * 70 + "\r\n") * ((size - len(text)) // 72)
    with smtplib.SMTP(service["host"], service["port"], timeout=20) as smtp:
        smtp.ehlo()
        smtp.mail("daniel@micasa.test", [f"size={len(text)}"] if announce else [])
        code, answer = smtp.rcpt(f"{name}@micasa.test")
        if code != 250:
            return code, answer.decode()
        code, answer = smtp.data(text)
        return None if code == 250 else (code, answer.decode())


def mails(demo, name="lir"):
    return [path for folder in ("new", "cur") for path in glob.glob(f"{demo.maildir(name)}/{folder}/*")]


def delete_all(demo, name, password):
    service = demo.endpoints["services"]["pop3"]
    box = poplib.POP3(service["host"], service["port"], timeout=20)
    box.user(name)
    box.pass_(password)
    for n in range(box.stat()[0]):
        box.dele(n + 1)
    box.quit()


def main():
    with Demo() as demo:
        # retry first: the demo's file may end in any table
        reconfigure(demo, '\n[smtpd.queue]\nretry = ["2s"]\nquota_recheck = "10m"\n')

        def test_a_user_gets_a_quota():
            posada(demo, "user", "quota", "lir", str(LIMIT))
            assert f":quota={LIMIT}\n" in open(f"{demo.dir}/users", encoding="utf-8").read()

        def test_the_mailbox_fills_and_the_next_mail_waits():
            start = len(mails(demo))
            assert send(demo, 9_000) is None
            wait_until(lambda: len(mails(demo)) == start + 1, why="not delivered:\n" + demo.log()[-2000:])
            # More than is left, without SIZE and for two: it is accepted, and the delivery finds out.
            service = demo.endpoints["services"]["smtp"]
            with smtplib.SMTP(service["host"], service["port"], timeout=20) as smtp:
                smtp.helo()
                smtp.mail("daniel@micasa.test")
                for name in ("lir", "daniel"):
                    assert smtp.rcpt(f"{name}@micasa.test")[0] == 250
                code, text = smtp.data("Subject: waits\r\n\r\n" + ("y" * 70 + "\r\n") * 160)
                assert code == 250, (code, text)
            wait_until(lambda: re.search(r"mail-deferred.*status=4\.2\.2.*mailbox full", demo.log()),
                       why="not deferred:\n" + demo.log()[-2000:])
            assert len(mails(demo)) == start + 1
            assert len(mails(demo, "daniel")) >= 1, "the other recipient got it"
            assert not os.listdir(f"{demo.maildir('lir')}/tmp"), "nothing is left in tmp"

        def test_then_rcpt_and_data_are_refused_for_now():
            code, text = wait_until(lambda: send(demo, 15_000), why="still accepted")
            assert (code, text[:5]) == (452, "4.2.2") and "<lir@micasa.test> ... Mailbox too full" in text, (code, text)
            code, text = send(demo, 15_000, announce=False)
            assert (code, text[:5]) == (452, "4.2.2"), (code, text)
            assert "protocol-abuse" not in demo.log(), "the session goes on behind the refused data"
            assert re.search(r"mail-refused.*lir@micasa\.test.*452 4\.2\.2", demo.log()), demo.log()[-2000:]
            assert send(demo, 3_000) is None, "a small one fits"

        def test_deleting_by_pop3_lets_the_waiting_mail_in():
            assert os.path.exists(f"{demo.maildir('lir')}/maildirsize")
            delete_all(demo, "lir", "pamplona")
            wait_until(lambda: any("waits" in open(m, encoding="utf-8").read() for m in mails(demo)),
                       why="the waiting mail does not come:\n" + demo.log()[-3000:])

        def test_and_new_mail_is_accepted_again():
            delete_all(demo, "lir", "pamplona")
            posada(demo, "user", "quota", "lir", "0")
            start = len(mails(demo))
            wait_until(lambda: send(demo, 1_000) is None, why="refused still")
            wait_until(lambda: len(mails(demo)) == start + 1, why="not delivered:\n" + demo.log()[-2000:])

        def waiting():
            return json.loads(posada(demo, "queue", "list", "--json"))

        def send_to_a_broken_mailbox():
            os.chmod(f"{demo.maildir('lir')}/tmp", 0)
            assert send(demo, 1_000) is None
            wait_until(lambda: [row for row in waiting() if row["attempts"] > 0], why="not deferred:\n" + demo.log()[-2000:])
            os.chmod(f"{demo.maildir('lir')}/tmp", 0o700)
            return waiting()[0]

        def test_what_waits_is_listed_and_tried_at_once():
            assert waiting() == [] and posada(demo, "queue", "list") == ""
            reconfigure(demo, "", lambda text: text.replace('retry = ["2s"]', 'retry = ["1h"]'))
            start = len(mails(demo))
            row = send_to_a_broken_mailbox()
            assert (row["sender"], row["recipient"]) == ("daniel@micasa.test", "lir@micasa.test"), row
            assert "cannot be written" in row["last_error"] and row["next_attempt"] > row["received"] + 3000, row
            text = posada(demo, "queue", "list")
            assert row["id"] in text and "daniel@micasa.test -> lir@micasa.test" in text and "cannot be written" in text, text
            assert re.search(r"^recipients +1$", posada(demo, "queue", "stats"), re.M)
            assert posada(demo, "queue", "retry", row["id"]) == "1 recipients\n"
            wait_until(lambda: len(mails(demo)) == start + 1, why="not delivered:\n" + demo.log()[-2000:])
            assert waiting() == []

        def test_what_waits_is_removed():
            start = len(mails(demo))
            row = send_to_a_broken_mailbox()
            refused = subprocess.run([os.path.join(BUILD, "bin/posada"), "queue", "remove", "NOSUCH", "--config",
                                      f"{demo.dir}/posada.toml"], capture_output=True, text=True, timeout=60)
            assert refused.returncode == 1 and len(waiting()) == 1, refused
            assert posada(demo, "queue", "remove", row["id"]) == "1 recipients\n"
            assert waiting() == [] and posada(demo, "queue", "retry") == "0 recipients\n"
            assert len(mails(demo)) == start

        def test_with_reject_the_sender_gets_it_back():
            reconfigure(demo, '\n[mailbox]\nover_quota = "reject"\n')
            posada(demo, "user", "quota", "lir", "1K", "1")
            delete_all(demo, "lir", "pamplona")
            delete_all(demo, "daniel", "hungry")
            wait_until(lambda: send(demo, 3_000, announce=False) is None, why="refused still")
            wait_until(lambda: any("Status: 5.2.2" in open(m, encoding="utf-8").read() for m in mails(demo, "daniel")),
                       why="no bounce:\n" + demo.log()[-3000:])
            code, text = wait_until(lambda: send(demo, 15_000), why="still accepted")
            assert (code, text[:5]) == (552, "5.2.2"), (code, text)

        return run_tests({name: function for name, function in locals().items() if name.startswith("test_")})


if __name__ == "__main__":
    sys.exit(main())
