#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ftp on a terminal, as a person sees it: the session of the course, word for word; the bar of a slow transfer; and ^C, which
stops a transfer and not the program.
usage: ftp_screen.py [FTP]; last line: N passed, N failed"""
import os, pty, re, select, shutil, sys, tempfile, time

from ftp_hostile import FTP, Server, TEXT, check, counts

LISTING = b"-rw-r--r--   1 daniel   daniel       4187 Nov  9  2001 todasfases.fig\r\n"
HONEST = {
    "USER": b"331 Password required for daniel.\r\n", "PASS": b"230 User daniel logged in.\r\n",
    "CWD": b"250 CWD command successful.\r\n",
    "QUIT": b"221-You have transferred 4187 bytes\r\n221-Thank you for using the FTP server\r\n221 Goodbye.\r\n"}


class Terminal:
    def __init__(self, port, home):
        self.screen, self.seen = b"", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(home)
            os.environ.update(HOME=home, LOGNAME="daniel")
            os.execv(FTP, [FTP, "127.0.0.1", str(port)])

    def until(self, text, seconds=20):
        """Waits for text behind what was waited for before."""
        end = time.time() + seconds
        while text not in self.screen[self.seen:]:
            if time.time() > end or not select.select([self.fd], [], [], 0.5)[0]:
                if time.time() > end:
                    return False
                continue
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                return False
            self.screen += got
        self.seen = self.screen.index(text, self.seen) + len(text)
        return True

    def type(self, text):
        os.write(self.fd, text)

    def end(self):
        self.until(b"\0never", 3)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def text(self):
        return self.screen.replace(b"\r\n", b"\n").decode()


def listing(server, _):
    whole, server.data = server.data, LISTING
    answer = server.send_data()
    server.data = whole
    return answer


def session(home):
    server = Server(dict(HONEST, LIST=listing), data=b"x" * 4187, greeting=b"220 lucas FTP server ready.\r\n")
    at = Terminal(server.port, home)
    steps = [(b"Name (127.0.0.1:daniel): ", b"\n"), (b"Password: ", b"secret\n"), (b"ftp> ", b"cd tesis\n"),
             (b"ftp> ", b"ls\n"), (b"ftp> ", b"get todasfases.fig\n"), (b"ftp> ", b"bye\n")]
    said = all(at.until(prompt) and (at.type(answer) or True) for prompt, answer in steps)
    status = at.end()
    lines = at.text().split("\n")
    wanted = ["Connected to 127.0.0.1.", "220 lucas FTP server ready.", "Name (127.0.0.1:daniel): ",
              "331 Password required for daniel.", "Password: ", "230 User daniel logged in.",
              "Remote system type is UNIX.", "Using binary mode to transfer files.", "ftp> cd tesis",
              "250 CWD command successful.", "ftp> ls", LISTING.decode().strip(), "ftp> get todasfases.fig",
              "ftp> bye", "221-Thank you for using the FTP server", "221 Goodbye."]
    rest = iter(lines)
    check("the session of the course appears", said and status == 0 and all(line in rest for line in wanted))
    check("with its closing line", re.search(r"^4187 bytes received in \d+\.\d{4} secs \(\d+ bytes/sec\)$", at.text(), re.M))
    check("a password is not shown", "secret" not in at.text() and "PASS secret" in server.seen)
    if counts["failed"]:
        print(at.text())


def slow(server, _):
    sock = server.open_data()
    sock.sendall(TEXT)
    server.sock.settimeout(20)
    said = b""
    while b"ABOR" not in said:
        said += server.sock.recv(100)
    server.seen.append("ABOR")
    sock.close()
    return b"426 stopped\r\n226 ABOR done\r\n"


def interrupt(home):
    server = Server({"RETR": slow, "SIZE": b"213 10000\r\n", "NOOP": b"200 still here\r\n"})
    at = Terminal(server.port, home)
    at.until(b"Name ")
    at.type(b"ana\n")
    at.until(b"Password: ")
    at.type(b"x\n")
    at.until(b"ftp> ")
    at.type(b"get big\n")
    check("a slow transfer shows a bar", at.until(b"50% |"))
    check("and that it stalls", at.until(b"stalled"))
    at.type(b"\x03")
    check("^C stops it", at.until(b"ftp> ") and "ABOR" in server.seen and os.path.getsize(home + "/big.part") == len(TEXT))
    at.type(b"noop\n")
    check("and the session goes on", at.until(b"200 still here"))
    at.until(b"ftp> ")
    at.type(b"\x03")
    check("^C at the prompt does not end the program", at.until(b"ftp> "))
    at.type(b"bye\n")
    check("a person leaves with 0", at.end() == 0)


for row in (session, interrupt):
    directory = tempfile.mkdtemp(prefix="posada-ftp-")
    row(directory)
    shutil.rmtree(directory)
print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(counts["failed"] != 0)
