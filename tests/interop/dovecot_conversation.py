#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One conversation, held with pop3d and with Debian's Dovecot over equal Maildirs. Every reply must be equal but for its
wording: status, response code, numbers, names, every octet of content. What differs stands in dovecot_differences.py with
its reason; a difference without an explanation fails, and so does an explanation that nothing needs."""
import base64
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, run_tests, wait_until  # noqa: E402
from dovecot_differences import DIFFERENCES  # noqa: E402
from pop3 import mails_of, put  # noqa: E402
from pop3_pair import PASSWORD, UID, USER, Pair, Talk  # noqa: E402

HEADER = b"From: daniel@micasa.test\nSubject: hola\n"
CASES = [
    HEADER + b"\nbody\n",
    HEADER.replace(b"\n", b"\r\n") + b"\r\nstored with CRLF\r\n",
    HEADER + b"\n.\n..\n.a dot in front\n...\n",
    HEADER + b"\nthe last line has no end",
    HEADER + b"\r\nline ends\nof two\r\nkinds\n\r\nmixed\r\n\n",
    HEADER + b"\nNUL \0 and 8 bits \xf1\xff\n",
    HEADER + b"\n" + b"x" * 1_000_000 + b"\n",
    HEADER + b"\n" + b"".join(b"line %d of many\n" % i for i in range(5000)),
    HEADER,                        # no empty line behind the header
    HEADER + b"\n",                # no body
    HEADER + b"\n\n\n\n",          # empty lines only
    HEADER[:-1],                   # a header line that does not end
    b"\nonly a body\n",
    b"no header at all\n",
    HEADER + b"\na lone \r carriage return\r\r\n",
    HEADER + b"\n.",
    b"\n",
    b"",
]


def fill(side, cases=CASES):
    """The same mails under the same names, UIDs included: two of them seen already."""
    shutil.rmtree(side.maildir)
    for folder in ("", "/new", "/cur", "/tmp"):
        os.mkdir(side.maildir + folder, 0o700)
        os.chown(side.maildir + folder, UID, UID)
    names = [f"17000000{n:02}.M{n}P1.gw" for n in range(len(cases))]
    for n, (name, text) in enumerate(zip(names, cases)):
        put(side.maildir, name + (":2,S" if n % 8 == 1 else ""), text, UID, "cur" if n % 8 == 1 else "new")
        stamp = 1_700_000_000 + n
        os.utime(f"{side.maildir}/{'cur' if n % 8 == 1 else 'new'}/{name}{':2,S' if n % 8 == 1 else ''}", (stamp, stamp))
    path = f"{side.maildir}/dovecot-uidlist"
    with open(path, "w", encoding="ascii") as out:
        out.write(f"3 V1700000000 N{len(cases) + 11} G0123456789abcdef0123456789abcdef\n")
        out.writelines(f"{n + 11} :{name}\n" for n, name in enumerate(names))
    os.chown(path, UID, UID)
    os.chmod(path, 0o600)


def few(side):
    fill(side, [HEADER + b"\nnumber %d\n" % n for n in range(1, 6)])


def none(side):
    fill(side, [])


def encoded(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = encoded(f"\0{USER}\0{PASSWORD}")


def before_login(talk):
    for commands in (["CAPA", "capa", "QUIT"], ["STAT", "LIST"], ["UIDL", "RETR 1"], ["TOP 1 0", "DELE 1"], ["RSET", "XYZZY"],
                     ["NOOP"], ["", "CAPA"], ["USER", "CAPA"], ["PASS x", "CAPA"], [":", "CAPA"], ["CAPA now"],
                     ["QUIT now"], ["USER " + USER, "USER " + USER, "PASS " + PASSWORD], ["Pass x"], ["LAST"], ["HELP"],
                     ["APOP", f"APOP {USER} 0123456789abcdef0123456789abcdef"], ["USER " + USER, "CAPA", "PASS " + PASSWORD],
                     [" CAPA"], ["STLS now"], ["USER " + USER, "NOOP", "PASS " + PASSWORD], ["UTF8"], ["LANG"]):
        talk.open().say(*commands)
        talk.drop()


def wrong_logins(talk):
    for commands in (["USER " + USER, "PASS wrong", "USER " + USER, "PASS " + PASSWORD], ["USER nobody", "PASS x"],
                     ["USER " + USER, "PASS"], ["USER " + USER, "PASS  " + PASSWORD], ["USER " + USER, "PASS " + PASSWORD + " "],
                     ["USER " + "u" * 200, "PASS x"], ["USER %{home}", "PASS x"], ["USER \xff\xfe", "PASS x"],
                     ["USER " + USER.upper(), "PASS " + PASSWORD], ["user " + USER, "pass " + PASSWORD]):
        talk.open().say(*commands)
        talk.drop()


def three_mistakes(talk):
    talk.open().say("XYZZY", "XYZZY", "XYZZY")
    talk.closed()


def guarded(talk):
    """Where no password may pass without TLS."""
    talk.open("guarded").say("CAPA", "AUTH", "USER " + USER)
    talk.drop()
    talk.open("guarded").say("AUTH PLAIN " + PLAIN, "AUTH LOGIN")
    talk.drop()
    talk.open("guarded").starts_tls()
    talk.say("CAPA")
    talk.log_in()
    talk.leave()


def after_stls(talk):
    talk.open().starts_tls()
    talk.say("CAPA", "AUTH", "STLS", "USER " + USER, "PASS " + PASSWORD, "CAPA", "STLS", "STAT", "RETR 1", "NOOP")
    talk.leave()
    talk.open().say("USER " + USER)
    talk.starts_tls()
    talk.say("PASS " + PASSWORD)  # what was said before TLS is forgotten
    talk.drop()


def implicit_tls(talk):
    talk.open("pop3s").say("CAPA", "STLS", "AUTH PLAIN " + PLAIN, "STAT", "UIDL", "TOP 2 0")
    talk.leave()


def sasl(talk):
    login, password = encoded(USER), encoded(PASSWORD)
    for commands in (["AUTH", "AUTH PLAIN " + PLAIN, "STAT"], ["AUTH PLAIN", PLAIN, "STAT"], ["auth plain " + PLAIN],
                     ["AUTH PLAIN", "*", "AUTH PLAIN " + PLAIN], ["AUTH PLAIN !!!!", "CAPA"], ["AUTH PLAIN", "====", "CAPA"],
                     ["AUTH PLAIN ="], ["AUTH PLAIN", ""], ["AUTH PLAIN " + encoded(USER)],
                     ["AUTH PLAIN " + encoded(f"\0{USER}\0wrong"), "AUTH PLAIN " + PLAIN], ["AUTH XYZZY", "AUTH PLAIN " + PLAIN],
                     ["AUTH PLAIN " + encoded(f"{USER}\0{USER}\0{PASSWORD}")],
                     ["AUTH PLAIN " + encoded(f"other\0{USER}\0{PASSWORD}")],
                     ["AUTH PLAIN " + encoded(f"\0{USER}\0{PASSWORD}\0x")], ["AUTH LOGIN", login, password, "STAT"],
                     ["AUTH LOGIN " + login, password], ["AUTH LOGIN", login, "*"], ["AUTH LOGIN", login, encoded("wrong")],
                     ["AUTH LOGIN", "*", "QUIT"]):
        talk.open().say(*commands)
        talk.drop()


def all_messages(talk):
    talk.open(log_in=True).say("STAT", "LIST", "UIDL")
    for n in range(1, len(CASES) + 1):
        talk.say(f"LIST {n}", f"UIDL {n}", f"RETR {n}", f"TOP {n} 0", f"TOP {n} 1", f"TOP {n} 3", f"TOP {n} 99999999")
    talk.leave()
    talk.open(log_in=True).say("STAT", "LIST", "UIDL")  # what RETR has learned of sizes is what LIST has said
    talk.leave()


def wrong_arguments(talk):
    for commands in (["LIST 0", "LIST 6", "LIST -1", "LIST x", "LIST 1x", "LIST 1 2", "LIST 99999999999999999999", "LIST  1",
                      "LIST 1 ", "LIST 01", "LIST +1"],
                     ["UIDL 0", "UIDL 6", "UIDL x", "UIDL 1 2", "UIDL  1", "UIDL 4294967297", "UIDL 18446744073709551617"],
                     ["RETR", "RETR 0", "RETR 6", "RETR x", "RETR 1 2", "RETR -1", "RETR  1"],
                     ["TOP", "TOP 1", "TOP 0 0", "TOP 6 0", "TOP 1 x", "TOP x 1", "TOP 1 -1", "TOP  1  1", "TOP 1 1 1",
                      "TOP 1 18446744073709551616", "TOP 1 18446744073709551615"],
                     ["DELE", "DELE 0", "DELE 6", "DELE x", "DELE 1 2", "STAT"],
                     ["STAT now", "NOOP now", "RSET now", "CAPA now", "LIST ", "UIDL "],
                     ["USER " + USER, "PASS x", "AUTH", "APOP a b", "XYZZY", "STAT ", "stat", "Noop", "LAST"],
                     ["", "STAT"], [" STAT", "STAT"]):
        talk.open(log_in=True).say(*commands)
        talk.leave()
    talk.open(log_in=True).say("QUIT now")
    talk.drop()


def a_colon(talk):
    talk.open(log_in=True).say(":", "STAT")
    talk.leave()


def odd_lines(talk):
    for data, what in ((b"NOOP\n", "line feed only"), (b"NO\0OP\r\n", "NUL in the verb"), (b"LIST 1\0\r\n", "NUL in the argument"),
                       (b"NO\rOP\r\n", "carriage return in the verb"), (b"NOOP\r\r\n", "two carriage returns"),
                       (b"\xff\xfe\r\n", "octets of 8 bits")):
        talk.open(log_in=True)
        talk.wire.send(data)
        talk.hear("", what)
        talk.say("STAT")
        talk.leave()
    for size in (250, 2000):
        talk.open(log_in=True)
        talk.wire.send(b"XYZZY " + b"(" * size + b"\r\n")
        talk.hear("", f"a line of {size}")
        talk.say("STAT")
        talk.leave()


def no_messages(talk):
    talk.open(log_in=True).say("STAT", "LIST", "UIDL", "LIST 1", "UIDL 1", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP")
    talk.leave()


def deletion(talk):
    talk.open(log_in=True)
    talk.say("DELE 2", "DELE 2", "RETR 2", "TOP 2 0", "LIST 2", "UIDL 2", "STAT", "LIST", "UIDL", "RETR 3", "DELE 5", "STAT",
             "RSET", "STAT", "LIST", "DELE 2", "RSET", "DELE 2")
    talk.drop()  # a lost connection deletes nothing
    time.sleep(0.3)
    talk.open(log_in=True).say("STAT", "UIDL", "DELE 1", "DELE 4", "UIDL")
    talk.leave()
    talk.open(log_in=True).say("STAT", "LIST", "UIDL", "RETR 1", "RETR 3", "LIST 4")
    talk.leave()
    talk.open(log_in=True).say("DELE 1", "DELE 2", "DELE 3", "STAT", "LIST", "UIDL")
    talk.leave()
    talk.open(log_in=True).say("STAT", "UIDL")
    talk.leave()
    talk.note("files left", str(sorted(mails_of(talk.side.maildir))))


def second_session(talk):
    talk.open(log_in=True).say("STAT")
    first = talk.wire
    talk.open(log_in=True)
    talk.drop()
    talk.wire = first
    talk.say("STAT")
    talk.leave()


def delivery_meanwhile(talk):
    talk.open(log_in=True).say("STAT")
    put(talk.side.maildir, "1700000099.M1P1.gw", HEADER + b"\nlate\n", UID)
    time.sleep(1.1)
    talk.say("STAT", "LIST", "NOOP", "UIDL", "LIST 6")
    talk.leave()
    talk.open(log_in=True).say("STAT", "LIST", "UIDL", "RETR 6")
    talk.leave()


def pipelined(talk):
    commands = ["STAT", "LIST", "RETR 1", "UIDL", "TOP 2 1", "DELE 3", "NOOP", "LIST 3", "RSET", "XYZZY", "STAT", "QUIT"]
    talk.open(log_in=True)
    talk.wire.send("".join(c + "\r\n" for c in commands).encode())
    for command in commands:
        talk.hear(command)
    talk.closed()
    talk.open()
    login = ["CAPA", "USER " + USER, "PASS " + PASSWORD, "STAT", "LIST 1", "QUIT"]
    talk.wire.send("".join(c + "\r\n" for c in login).encode())
    for command in login:
        talk.hear(command)
    talk.closed()


def byte_by_byte(talk):
    talk.open()
    commands = ["CAPA", "USER " + USER, "PASS " + PASSWORD, "STAT", "LIST", "UIDL 2", "TOP 1 1", "RETR 5", "NOOP", "QUIT"]
    for command in commands:
        for octet in command.encode() + b"\r\n":
            talk.wire.send(bytes([octet]))
            time.sleep(0.001)
        talk.hear(command)
    talk.closed()


SCENES = {before_login: few, wrong_logins: few, three_mistakes: few, guarded: few, after_stls: few, implicit_tls: few,
          sasl: few, all_messages: fill, wrong_arguments: few, a_colon: few, odd_lines: few, no_messages: none, deletion: few,
          second_session: few, delivery_meanwhile: few, pipelined: few, byte_by_byte: few}


def short(reply):
    return repr(reply) if len(reply) < 300 else f"{reply[:150]!r} ... {reply[-100:]!r} ({len(reply)} octets)"


class Conversation:
    def __init__(self, pair):
        self.pair, self.exchanges, self.differ, self.used = pair, 0, 0, set()

    def hold(self, scene, prepare):
        said = []
        for side in self.pair.sides:
            prepare(side)
            talk = Talk(self.pair, side, scene.__name__)
            scene(talk)
            said.append(talk.said)
        assert [w for w, _ in said[0]] == [w for w, _ in said[1]]
        self.exchanges += len(said[0])
        unexplained = []
        for (what, ours), (_, theirs) in zip(*said):
            if ours != theirs and not self.explained(scene.__name__, what, ours, theirs):
                unexplained.append(f"{scene.__name__} / {what}\n    posada  {short(ours)}\n    Dovecot {short(theirs)}")
        assert not unexplained, f"{len(unexplained)} unexplained:\n" + "\n".join(unexplained)

    def explained(self, scene, what, ours, theirs):
        for row in DIFFERENCES:
            pattern = row.pattern_for(what) if row.covers(scene) else None
            if pattern is not None and row.turns(theirs) == ours:
                self.used.add((row, pattern))
                self.differ += 1
                return True
        return False


def main():
    try:
        with Pair() as pair:
            conversation = Conversation(pair)
            names = sys.argv[1:]
            tests = {s.__name__: lambda s=s, p=p: conversation.hold(s, p) for s, p in SCENES.items()}

            def explanations_are_all_needed():
                idle = [f"{' '.join(row.scenes)} / {pattern}: {row.why}" for row in DIFFERENCES for pattern in row.replies
                        if (row, pattern) not in conversation.used]
                assert not idle, "these differ no longer, or differ otherwise:\n" + "\n".join(idle)

            def at_least_150_exchanges():
                print(f"NOTE: {conversation.exchanges} exchanges with posada and with Debian's Dovecot; {conversation.differ} "
                      f"replies differ, for {len({row.why for row in DIFFERENCES})} reasons")
                assert conversation.exchanges >= 150

            tests.update({f.__name__: f for f in (explanations_are_all_needed, at_least_150_exchanges)})
            status = run_tests(tests, names)
            if status:
                pair.logs()
            return status
    except Skip as why:
        print(f"SKIP: conversation with Dovecot: {why}\n0 passed, 0 failed, 1 skipped")
        return 0


if __name__ == "__main__":
    sys.exit(main())
