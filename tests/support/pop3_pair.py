# SPDX-License-Identifier: BSD-2-Clause
"""pop3d and Debian's Dovecot side by side on equal Maildirs, so that one conversation can be held with both."""
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

from demo import BUILD, ROOT, Skip, free_port, wait_until
from pop3 import MULTI_LINE, Wire, make_maildir

USER, PASSWORD, UID = "lir", "pam plona", 70001
HASH = "$6$rounds=1000$posada$"  # cheap on both sides
DOVECOT = ["bash", os.path.join(ROOT, "tests/support/dovecot.sh")]
# Tests fail logins on purpose; how long that is punished is tested elsewhere. The bare numbers of attempts stay.
DOVECOT_CONF = """auth_mechanisms = plain login
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
POSADA_CONF = """hostname = "mail.micasa.test"
uid_base = 61184
[paths]
state_dir = "{dir}/state"
run_dir = "{dir}/run"
users_file = "{dir}/users"
[mail]
domains = ["micasa.test"]
[tls]
chain = "{dir}/cert.pem"
key = "{dir}/key.pem"
[auth]
backends = ["users"]
exempt = ["127.0.0.0/8"]
[pop3d]
lock_wait = "1s"
"""


def shell(*argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False, **more)
    if done.returncode == 77:
        raise Skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Side:
    """A server, its ports and the Maildir of its only user."""

    def __init__(self, name, directory):
        self.name, self.dir = name, f"{directory}/{name}"
        self.home = f"{self.dir}/home"
        self.maildir = f"{self.home}/Maildir"
        self.ports = {"pop3": free_port(), "pop3s": free_port(), "guarded": free_port()}
        os.makedirs(self.home, mode=0o711)
        os.chmod(self.dir, 0o711)
        os.chown(self.home, UID, UID)
        make_maildir(self.maildir, UID)

    # "guarded" takes no password without TLS. For Dovecot any connection is such, whose two ends are not one address.
    def connect(self, service="pop3", tls=None):
        if self.name == "posada" or service != "guarded":
            return Wire(self.ports[service], tls)
        return Wire(self.ports["pop3"], tls, source="127.0.0.2")


class Pair:
    """with Pair() as pair: pair.sides; both run as a root of their own directory."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise Skip("only root can start Debian's Dovecot")
        self.dir = tempfile.mkdtemp(prefix="posada-pair-")
        os.chmod(self.dir, 0o711)
        self.dovecot = self.posada = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        shell(*DOVECOT, "unpack")
        self.sides = [Side("posada", self.dir), Side("dovecot", self.dir)]
        shell("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
              "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
              "-keyout", f"{self.dir}/key.pem", "-out", f"{self.dir}/cert.pem")
        self.tls = ssl.create_default_context(cafile=f"{self.dir}/cert.pem")
        self.hash = shell("openssl", "passwd", "-6", "-salt", "posada", PASSWORD)
        self.start_posada()
        self.start_dovecot()

    def start_posada(self):
        side = self.sides[0]
        os.mkdir(f"{side.dir}/run", 0o711)
        for name in ("cert.pem", "key.pem"):
            shutil.copy(f"{self.dir}/{name}", side.dir)
        with open(f"{side.dir}/users", "w", encoding="ascii") as out:
            out.write(f"{USER}:{self.hash}::{UID}:{UID}:{side.home}\n")
        os.chmod(f"{side.dir}/users", 0o600)
        with open(f"{side.dir}/posada.toml", "w", encoding="utf-8") as out:
            out.write(POSADA_CONF.format(dir=side.dir))
            for name, tls, plaintext in (("pop3", "starttls", "loopback"), ("guarded", "starttls", "never"),
                                         ("pop3s", "implicit", "never")):
                out.write(f'[[pop3d.listen]]\nname = "{name}"\naddress = ["127.0.0.1"]\nport = {side.ports[name]}\n'
                          f'tls = "{tls}"\nplaintext_auth = "{plaintext}"\n')
        self.log = open(f"{side.dir}/log", "wb")
        self.posada = subprocess.Popen([f"{BUILD}/sbin/pop3d", "--config", f"{side.dir}/posada.toml"],
                                       stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        wait_until(lambda: side.connect().close() or True, why=f"pop3d does not answer, see {side.dir}/log")

    def start_dovecot(self):
        side = self.sides[1]
        with open(f"{side.dir}/users", "w", encoding="ascii") as out:
            out.write(f"{USER}:{{CRYPT}}{self.hash}:{UID}:{UID}::{side.home}::\n")
        os.chmod(f"{side.dir}/users", 0o644)
        with open(f"{side.dir}/conf", "w", encoding="ascii") as out:
            out.write(DOVECOT_CONF)
        shell(*DOVECOT, "start", f"{side.dir}/run", "--pop3", str(side.ports["pop3"]), "--pop3s", str(side.ports["pop3s"]),
              "--users", f"{side.dir}/users", "--cert", f"{self.dir}/cert.pem", "--key", f"{self.dir}/key.pem",
              "--conf", f"{side.dir}/conf")
        self.dovecot = f"{side.dir}/run"

    def logs(self):
        for path in (f"{self.sides[0].dir}/log", f"{self.sides[1].dir}/run/log"):
            if os.path.exists(path):
                print(f"-- {path}\n{open(path, encoding='utf-8', errors='replace').read()[-3000:]}", file=sys.stdout)

    def __exit__(self, *_):
        if self.posada:
            self.posada.terminate()
            self.posada.wait(20)
            self.log.close()
        if self.dovecot:
            shell(*DOVECOT, "stop", self.dovecot)
        shutil.rmtree(self.dir, ignore_errors=True)


def normal(command, line, content=b""):
    """A reply without what may be worded freely: status, response code, the numbers that a field holds, content."""
    if not line:
        return "closed"
    words = line.rstrip(b"\r\n").decode("latin-1").split(" ")
    out, rest = words[0], words[1:]
    assert line.endswith(b"\r\n"), line
    if out == "+":
        return line.rstrip(b"\r\n").decode("latin-1")
    if rest and re.fullmatch(r"\[[A-Z/-]+\]", rest[0]):
        out += " " + rest[0]
    if out != "+OK":
        return out
    verb, _, argument = command.strip().upper().partition(" ")
    if verb == "STAT" or (verb in ("LIST", "UIDL") and argument):
        return " ".join([out, *rest])
    if verb == "RETR":
        out += " " + rest[0]
    if verb in ("CAPA", "AUTH") and content:
        content = b"".join(sorted(content.splitlines(keepends=True)))
    return out + ("\n" + content.decode("latin-1") if content else "")


class Talk:
    """What was said on all connections of one scene with one side: [(what, normal reply)]."""

    def __init__(self, pair, side, scene):
        self.pair, self.side, self.scene, self.said, self.wire = pair, side, scene, [], None

    def note(self, what, reply):
        again = sum(1 for label, _ in self.said if label == what or label.startswith(what + " #"))
        self.said.append((what if not again else f"{what} #{again + 1}", reply))

    def open(self, service="pop3", log_in=False):
        self.wire = self.side.connect(service, self.pair.tls if service == "pop3s" else None)
        self.note("greeting", normal("", self.wire.line()))
        if log_in:
            self.log_in()
        return self

    def log_in(self):
        self.say("USER " + USER, "PASS " + PASSWORD)

    def hear(self, command, what=None):
        line = self.wire.line()
        verb, _, argument = command.strip().upper().partition(" ")
        listing = line.startswith(b"+OK") and verb in MULTI_LINE and not (argument and verb in ("LIST", "UIDL", "AUTH"))
        self.note(what or command, normal(command, line, self.wire.content() if listing else b""))

    def say(self, *commands):
        for command in commands:
            self.wire.send(command.encode("latin-1") + b"\r\n")
            self.hear(command, command if len(command) < 60 else f"{command[:20]}... ({len(command)} octets)")

    def starts_tls(self):
        self.say("STLS")
        self.wire.start_tls(self.pair.tls)

    def closed(self):
        """Has the server closed the connection by itself?"""
        self.wire.socket.settimeout(3)
        try:
            self.note("then", normal("", self.wire.line()))
        except TimeoutError:
            self.note("then", "open")
        self.wire.close()

    def drop(self):
        self.wire.close()

    def leave(self):
        self.say("QUIT")
        self.closed()
