# SPDX-License-Identifier: BSD-2-Clause
"""Where pop3d answers otherwise than Debian's Dovecot 2.3.19, and why. A row names its scenes and replies (or a pattern that
matches them whole), makes pop3d's reply out of Dovecot's, so that nothing else may differ there, and says the reason."""
import re


class Row:
    def __init__(self, scenes, replies, turns, why):
        self.scenes, self.replies, self.why = scenes.split(), replies if isinstance(replies, list) else [replies], why
        self.turns = turns if callable(turns) else lambda theirs: turns

    def covers(self, scene):
        return scene in self.scenes

    def pattern_for(self, what):
        return next((r for r in self.replies if re.fullmatch(r + r"( #\d+)?", what, re.S)), None)


# Octets that LIST of these messages of dovecot_conversation.py counts and Dovecot does not, though both send them (the end of
# the last line) or only pop3d does (the empty line behind a header).
MORE = {4: 2, 9: 2, 12: 4, 14: 2, 16: 2, 18: 2}


def sizes(theirs):
    """STAT and LIST without argument."""
    status, _, content = theirs.partition("\n")
    if not content:
        ok, count, octets = theirs.split()
        return f"{ok} {count} {int(octets) + sum(MORE.values())}"
    rows = [list(map(int, line.split())) for line in content.splitlines()]
    return status + "\n" + "".join(f"{n} {octets + MORE.get(n, 0)}\r\n" for n, octets in rows)


def size(number):
    """LIST n and RETR n."""
    def turns(theirs):
        status, newline, content = theirs.partition("\n")
        words = status.split(" ")
        words[-1] = str(int(words[-1]) + MORE[number])
        return " ".join(words) + newline + content
    return turns


def blank_line(number):
    """RETR n and TOP n k."""
    def turns(theirs):
        status = theirs.partition("\n")[0]
        return (size(number)(theirs) if " " in status else theirs) + "\r\n"
    return turns


def capabilities(*gone, come):
    def turns(theirs):
        status, _, content = theirs.partition("\n")
        words = [line for line in content.split("\r\n")[:-1] if line not in gone] + come.split(";")
        return status + "\n" + "".join(sorted(word + "\r\n" for word in words))
    return turns


PRIVATE = "EXPIRE NEVER;LANG;UTF8"
LOGGED_IN = PRIVATE + ";IMPLEMENTATION posada"
CAPA = ("pop3d has more capabilities (RFC 2449 6.7, RFC 6856 2 and 3), and CAPA is a command, not one of them "
        "(the registry of RFC 2449)")
NO_CODE = "[AUTH] is for wrong credentials (RFC 3206 4): clients ask for a new password then. None was looked at here"
ARGUMENT = "no argument is defined (RFC 1939 5; RFC 2449 5; RFC 2595 4): what else the client wants would be lost silently"

DIFFERENCES = [
    Row("before_login sasl implicit_tls pipelined byte_by_byte", "CAPA", capabilities("CAPA", come=PRIVATE), CAPA),
    Row("before_login", "capa", capabilities("CAPA", come=PRIVATE), CAPA),
    Row("after_stls", "CAPA", capabilities("CAPA", come=PRIVATE), CAPA),
    Row("after_stls", "CAPA #2", capabilities("CAPA", come=LOGGED_IN + ";SASL PLAIN LOGIN;USER"),
        "what is announced before login is announced after it too, if it still exists (RFC 2449 5)"),
    Row("guarded", "CAPA", capabilities("CAPA", "SASL", come=PRIVATE), CAPA + "; SASL has mechanisms (RFC 5034 3) or is not there"),
    Row("guarded", "AUTH", "-ERR", "no mechanism may be used without TLS: the reply says so, where Dovecot lists none (RFC 2595 2.1)"),
    Row("guarded", ["USER lir", "AUTH PLAIN .*", "AUTH LOGIN"], "-ERR", NO_CODE),
    Row("sasl", ["AUTH PLAIN !!!!", "====", "AUTH PLAIN =", "", "AUTH PLAIN bGly", "AUTH XYZZY",
                 "AUTH PLAIN AGxpcgBwYW0gcGxvbmEAeA=="], "-ERR", NO_CODE + "; RFC 5034 4: malformed responses"),
    Row("wrong_logins", "PASS", "-ERR", NO_CODE + "; PASS has one argument (RFC 1939 7)"),
    Row("before_login", "USER", "-ERR", "USER has one argument (RFC 1939 7)"),
    Row("before_login", ["CAPA now", "QUIT now", "STLS now"], "-ERR", ARGUMENT),
    Row("before_login", ["UTF8", "LANG"], "+OK", "RFC 6856 is there"),
    Row("before_login", "HELP", "+OK", "HELP is there: this protocol is also typed by hand"),
    Row("three_mistakes", "then", "closed", "the third mistake closes, Dovecot's fourth: guessing costs a connection (RFC 1939 13)"),
    Row("after_stls", "PASS pam plona #2", "-ERR", "what was said before TLS is forgotten (RFC 2595 4)"),
    Row("all_messages", ["STAT", "LIST"], sizes, "exact sizes (RFC 1939 11): every octet that RETR sends is counted"),
    *[Row("all_messages", [f"LIST {n}"], size(n), "exact sizes (RFC 1939 11)") for n in MORE],
    *[Row("all_messages", [f"RETR {n}"], size(n), "the end of the last line is sent by both, and counted (RFC 1939 11)")
      for n in (4, 16, 18)],
    *[Row("all_messages", [f"RETR {n}", f"TOP {n} .*"], blank_line(n),
          "a header ends with an empty line (RFC 1939 7, TOP); Outlook waits for it") for n in (9, 12, 14)],
    Row("all_messages", ["RETR 6", "TOP 6 [139].*"], lambda theirs: theirs.replace("\0", "\x80"),
        "NUL is no octet of a message (RFC 5322 4), and Outlook stops reading at one"),
    Row("all_messages", ["RETR 15", "TOP 15 [139].*"], lambda theirs: re.sub("\r(?!\n)", " ", theirs),
        "CR stands in CRLF only (RFC 5322 2.3): who ends lines at it could be shown a forged reply"),
    Row("wrong_arguments", ["STAT now", "NOOP now", "RSET now", "CAPA now", "QUIT now"], "-ERR", ARGUMENT),
    Row("wrong_arguments", "LIST 1 ", "+OK 1 53", "a blank at the end is no second argument (RFC 1939 3); people who type leave some"),
    Row("a_colon", ":", "-ERR", "this line kills Dovecot 2.3's process (event_reason_code_prefix)"),
    Row("a_colon", "STAT", "+OK 5 265", "see the line before"),
    Row("a_colon", "QUIT", "+OK", "see the line before"),
    Row("odd_lines", "NUL in the argument", "-ERR", "a NUL is in no command (RFC 1939 3); nothing behind it is cut off silently"),
    Row("second_session", "PASS pam plona #2", "-ERR [IN-USE]", "a session has its mailbox alone (RFC 1939 4)"),
]
