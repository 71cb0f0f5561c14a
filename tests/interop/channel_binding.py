#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""[auth] channel_binding: off, nobody hears of SCRAM-SHA-256-PLUS; on, TLS 1.3 sessions do; a reload switches it."""
import os
import poplib
import smtplib
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import POSADA, Demo, run_tests, wait_until  # noqa: E402

PLUS = "SCRAM-SHA-256-PLUS"


def pop3_mechanisms(demo):
    box = poplib.POP3_SSL("127.0.0.1", demo.port("pop3s"), timeout=15, context=demo.tls())
    mechanisms = box.capa()["SASL"]
    box.quit()
    return mechanisms


def smtp_mechanisms(demo):
    with smtplib.SMTP_SSL("127.0.0.1", demo.port("submissions"), timeout=15, context=demo.tls()) as server:
        server.ehlo()
        return server.esmtp_features["auth"].split()


def main():
    with Demo() as demo:
        def off_by_default():
            for mechanisms in (pop3_mechanisms(demo), smtp_mechanisms(demo)):
                assert "SCRAM-SHA-256" in mechanisms and PLUS not in mechanisms, mechanisms

        def on_after_a_reload():
            path = f"{demo.dir}/posada.toml"
            with open(path, encoding="utf-8") as f:
                text = f.read().replace("scram = true", "scram = true\nchannel_binding = true")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            subprocess.run([POSADA, "reload", "--control", f"{demo.dir}/run/control.sock"], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=30)
            wait_until(lambda: PLUS in pop3_mechanisms(demo), why="pop3d does not offer it")
            wait_until(lambda: PLUS in smtp_mechanisms(demo), why="submission does not offer it")

        return run_tests({f.__name__: f for f in (off_by_default, on_after_a_reload)})


if __name__ == "__main__":
    sys.exit(main())
