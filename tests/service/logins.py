# SPDX-License-Identifier: BSD-2-Clause
"""Logins and agents: whose files, delays, deadlines, workers."""
import os

from harness import Client, ECHOD, SHARED, echod, test


@test
def a_user_logs_in_and_the_own_agent_reads_the_own_files():
    """In both models; what lies outside of the home, or is reached by a link, is out of reach."""
    for program in (ECHOD, SHARED):
        with echod(users=["daniel"], program=program) as d:
            os.symlink("/etc/passwd", f"{d.folder}/daniel/link")
            c = Client(d.port)
            c.ask("READ letter", "-no")
            c.ask("LOGIN daniel wrong", "-wrong")
            c.ask("LOGIN daniel hungry", "+daniel")
            c.ask("LOGIN daniel hungry", "-no")
            c.send("READ letter")
            c.expect("+9")
            c.expect("so be it")
            for name in ("none", "link", "../users", "/etc/passwd"):
                c.ask("READ " + name, "-no file")
            c.ask("QUIT", "+bye")
            d.wait_log(r"auth-fail service=echod rip=127\.0\.0\.1 .*user=daniel")
            d.wait_log(r"auth-ok service=echod rip=127\.0\.0\.1 .*user=daniel")
