#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What wrong passwords cost, by the clock of the real daemon: 2, 4, 8 s for guesses (15 s is left to the unit tests'
clock), 2 s again and again for a device with one old password, nothing for other addresses; and nobody learns from
an answer whether a name exists. All tests wait at the same time, each from its own address."""
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pressure import together  # noqa: E402
from server import Client, Server  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402

TESTS = {}
WRONG = "-ERR [AUTH] wrong user name or password"


def test(function):
    TESTS[function.__name__] = function
    return function


def timed(client, user, password):
    began = time.monotonic()
    client.send("USER " + user)
    client.line()
    client.send("PASS " + password)
    return client.line(), time.monotonic() - began


def took(seconds, at_least):
    assert at_least - 0.1 <= seconds < at_least * 1.9, f"{seconds:.2f} s instead of {at_least}"  # the next is twice it


def make_tests(d):
    def guesses_cost_2_4_8_seconds_over_connections_too():
        first = Client(d, source="127.0.3.1")
        for guess, cost in (("a", 2), ("b", 4)):
            reply, seconds = timed(first, "lir", guess)
            assert reply == WRONG, reply
            took(seconds, cost)
        first.close()
        reply, seconds = timed(Client(d, source="127.0.3.1"), "lir", "c")
        assert reply == WRONG, reply
        took(seconds, 8)

    def one_old_password_again_and_again_costs_2_seconds_each_time():
        for _ in range(4):
            reply, seconds = timed(Client(d, source="127.0.3.2"), "lir", "old password")
            assert reply == WRONG, reply
            took(seconds, 2)

    def hanging_up_instead_of_waiting_gains_nothing():
        client = Client(d, source="127.0.3.3")
        client.send("USER lir\r\nPASS guess".encode() + b"\r\n")
        client.line()
        time.sleep(0.3)
        client.close()
        reply, seconds = timed(Client(d, source="127.0.3.3"), "lir", "pamplona")
        assert reply.startswith("+OK"), reply
        assert seconds > 1.2, f"the right password was looked at after {seconds:.2f} s"

    def other_addresses_are_not_delayed():
        Client(d, source="127.0.3.4").send(b"USER lir\r\nPASS guess\r\n")
        time.sleep(0.5)
        reply, seconds = timed(Client(d, source="127.0.3.5"), "daniel", "hungry")
        assert reply.startswith("+OK"), reply
        assert seconds < 1.9, seconds

    def a_success_forgives():
        assert timed(Client(d, source="127.0.3.6"), "lir", "guess")[0] == WRONG
        assert timed(Client(d, source="127.0.3.6"), "guest", "guest")[0].startswith("+OK")
        took(timed(Client(d, source="127.0.3.6"), "lir", "another guess")[1], 2)

    def unknown_locked_and_known_names_get_the_same_answer_after_the_same_wait():
        answers, waiting = set(), {}
        for user, password in (("daniel", "wrong"), ("nobody-here", "wrong"), ("locked", "wrong"), ("root", "wrong"),
                               ("lir", "x" * 200)):
            client = Client(d, source=f"127.0.4.{len(waiting) + 1}")
            answers.add(client.ask("USER " + user))
            client.send("PASS " + password)
            waiting[client.socket] = client, user, time.monotonic()
        while waiting:
            for readable in select.select(list(waiting), [], [], 10)[0]:
                client, user, began = waiting.pop(readable)
                seconds = time.monotonic() - began
                answers.add(client.line())
                assert 1.9 <= seconds < 3.9, f"{user} is answered after {seconds:.2f} s"
        assert len(answers) == 2, answers  # one to USER, one to PASS

    return {name: f for name, f in locals().items() if callable(f)}


def main():
    with Server() as d:
        return run_tests(together(make_tests(d)), sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
