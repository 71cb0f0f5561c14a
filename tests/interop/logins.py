#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Logins through a running pop3d: users file, SCRAM, a real Unix account through PAM (as root), delays, hostile input.
usage: logins.py [POP3D]; last line: N passed, N failed, N skipped"""
import base64, hashlib, hmac, os, pwd, re, shutil, socket, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from ports import free_port  # noqa: E402

pop3d = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/opt/sbin/pop3d")
posada = os.path.join(os.path.dirname(pop3d), "../bin/posada")
counts = {"passed": 0, "failed": 0, "skipped": 0}
root = os.geteuid() == 0
work = tempfile.mkdtemp()
if root:
    os.chmod(work, 0o711)
os.mkdir(os.path.join(work, "run"), 0o755)
config = os.path.join(work, "posada.toml")
log_path = os.path.join(work, "log")


def check(name, good, what=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"FAILED {name}: {what}")


class Client:
    def __init__(self, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def say(self, line):
        self.socket.sendall(line + b"\r\n")
        return self.file.readline()

    def login(self, user, password):
        first = self.say(b"USER " + user)
        return first if first.startswith(b"-ERR") else self.say(b"PASS " + password)

    def plain(self, data):
        return self.say(b"AUTH PLAIN " + base64.b64encode(data))

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()


def write_config(backends, scram):
    with open(config, "w") as file:
        file.write(f'''hostname = "gw.micasa.test"
uid_base = 61184
[paths]
state_dir = "{work}/state"
run_dir = "{work}/run"
users_file = "{work}/users"
[mail]
domains = ["micasa.test"]
[auth]
backends = {backends}
scram = {"true" if scram else "false"}
delays = ["300ms", "600ms"]
exempt = ["127.0.9.0/24"]
[pop3d]
max_bad_commands_login = 20
''')


def start():
    """pop3d on a free port; returns the process."""
    global port
    port = free_port()
    log = open(log_path, "ab")
    process = subprocess.Popen([pop3d, "--config", config, "--listen", f"pop3=127.0.0.1:{port}"], stderr=log, stdin=subprocess.DEVNULL)
    for _ in range(200):
        try:
            Client("127.0.9.1").close()
            return process
        except OSError:
            time.sleep(0.05)
            if process.poll() is not None:
                break
    print(open(log_path).read())
    sys.exit("pop3d does not answer")


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        check("stop", False, "pop3d does not stop")


def log_lines(pattern):
    time.sleep(0.1)
    return [line for line in open(log_path, errors="replace") if re.search(pattern, line)]


def users_file_logins():
    for name, user in [("name", b"daniel.morato"), ("capitals", b"Daniel.Morato"), ("address", b"daniel.morato@micasa.test")]:
        with Client("127.0.9.1") as c:
            check("users-" + name, c.login(user, b"hungry-dog").startswith(b"+OK") and c.say(b"STAT") == b"+OK 0 0\r\n")
    check("log-auth-ok", len(log_lines(r"auth-ok service=pop3d rip=127\.0\.9\.1 rport=\d+ user=.* account=daniel\.morato")) == 3)
    with Client("127.0.9.1") as c:
        answers = [c.login(b"daniel.morato", b"wrong"), c.login(b"nobody-here", b"wrong")]
        check("same-answer-for-unknown-and-wrong", answers[0] == answers[1] and answers[0].startswith(b"-ERR [AUTH]"), answers)
        check("still-usable", c.login(b"daniel.morato", b"hungry-dog").startswith(b"+OK"))
    with Client("127.0.9.1") as c:
        answers = [c.login(b"daniel.morato", b"wrong%d" % i) for i in range(3)]
        check("third-refusal-closes", all(a.startswith(b"-ERR [AUTH]") for a in answers) and c.file.readline() == b"", answers)


def hostile_logins():
    cases = [b"\xff\xfe\x80", b"%{home}", b"'; --", b"*)(uid=*", b"-f root", b"../root", b"daniel.morato\x01", b"x" * 200]
    for user in cases:
        with Client("127.0.9.1") as c:
            check("hostile-name", c.login(user, b"hungry-dog").startswith(b"-ERR"), user)
    for data in [b"\0daniel.morato\0hungry-dog\0", b"\0daniel.morato\0x\0hungry-dog", b"\0daniel.morato\0hungry-dog\0x", b"\0\0", b"\0", b"\0daniel.morato",
                 b"other\0daniel.morato\0hungry-dog", b"\0daniel.morato\0" + b"k" * 512, b"\0daniel.morato\0" + b"k" * 899, b"\0" + b"u" * 256 + b"\0p"]:
        with Client("127.0.9.1") as c:
            check("hostile-plain", c.plain(data).startswith(b"-ERR"), data[:40])
    with Client("127.0.9.1") as broken, Client("127.0.9.1") as other:
        check("bad-base64", broken.say(b"AUTH PLAIN !!!!").startswith(b"-ERR"))
        check("bad-base64-others-unharmed", other.plain(b"\0daniel.morato\0hungry-dog").startswith(b"+OK"))
    check("no-password-in-the-log", not log_lines("hungry-dog"))
    check("no-breach", not log_lines("privilege-breach|child-crash"), log_lines("privilege-breach|child-crash"))


def delays():
    with Client("127.0.0.21") as c:
        began = time.time()
        c.login(b"daniel.morato", b"wrong")
        first = time.time() - began
        c.login(b"daniel.morato", b"other")
        second = time.time() - began - first
        check("delay", 0.3 <= first < 3 and 0.6 <= second < 5, (first, second))
    check("log-auth-fail", log_lines(r"auth-fail service=pop3d rip=127\.0\.0\.21 rport=\d+ user=daniel\.morato .*reason=bad-password"))


def scram_login(client, user, password, spoil=b""):
    bare = b"n=" + user + b",r=fyko+d2lbbFgONRv9qkxdawL"
    reply = client.say(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,," + bare))
    if not reply.startswith(b"+ "):
        return reply
    server_first = base64.b64decode(reply[2:].strip())
    fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
    final = b"c=biws,r=" + fields[b"r"] + spoil
    message = bare + b"," + server_first + b"," + final
    salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature))
    reply = client.say(base64.b64encode(final + b",p=" + base64.b64encode(proof)))
    if not reply.startswith(b"+ "):
        return reply
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    if base64.b64decode(reply[2:].strip()) != b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256")):
        return b"server signature wrong"
    return client.say(b"")


def scram_logins():
    with Client("127.0.9.1") as c:
        reply = scram_login(c, b"daniel.morato", b"hungry-dog")
        check("scram", reply.startswith(b"+OK") and c.say(b"STAT") == b"+OK 0 0\r\n", reply)
    with Client("127.0.9.1") as c:
        check("scram-wrong-password", scram_login(c, b"daniel.morato", b"hungry-cat").startswith(b"-ERR [AUTH]"))
        check("scram-other-nonce", scram_login(c, b"daniel.morato", b"hungry-dog", b"x").startswith(b"-ERR"))
        check("scram-after-failures", scram_login(c, b"daniel.morato", b"hungry-dog").startswith(b"+OK"))
    with Client("127.0.9.1") as c:
        check("scram-unknown-user", scram_login(c, b"nobody-here", b"hungry-dog").startswith(b"-ERR [AUTH]"))


def unix_account():
    """Through PAM, into the account's own Maildir."""
    name = f"ptest{os.getpid()}"
    subprocess.run(["useradd", "-m", "-s", "/usr/sbin/nologin", name], check=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:hungry-dog\n".encode(), check=True)
        with Client("127.0.9.1") as c:
            reply = c.login(name.encode(), b"hungry-dog")
            check("pam", reply.startswith(b"+OK") and c.say(b"STAT") == b"+OK 0 0\r\n", reply)
        account = pwd.getpwnam(name)
        check("pam-maildir-owner", os.stat(account.pw_dir + "/Maildir/new").st_uid == account.pw_uid)
        with Client("127.0.9.1") as c:
            check("pam-wrong-password", c.login(name.encode(), b"hungry-cat").startswith(b"-ERR [AUTH]"))
            check("pam-root", c.login(b"root", b"hungry-dog").startswith(b"-ERR [AUTH]"))
            check("users-beside-pam", c.login(b"daniel.morato", b"hungry-dog").startswith(b"+OK"))
    finally:
        subprocess.run(["userdel", "-r", name], stderr=subprocess.DEVNULL)


try:
    write_config('["users"]', True)
    subprocess.run([posada, "user", "add", "daniel.morato", "--password-fd", "0", "--config", config], input=b"hungry-dog\n", check=True, stdout=subprocess.DEVNULL)
    if root:
        os.chmod(os.path.join(work, "state"), 0o711)
    process = start()
    try:
        users_file_logins()
        hostile_logins()
        delays()
        scram_logins()
    finally:
        stop(process)
    if root:
        write_config('["users", "pam"]', False)
        process = start()
        try:
            unix_account()
        finally:
            stop(process)
    else:
        counts["skipped"] += 1
        print("SKIP: unix_account: only root can make an account and use PAM for others")
finally:
    if counts["failed"]:
        sys.stdout.write(open(log_path, errors="replace").read()[-8000:])
    shutil.rmtree(work)
print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
sys.exit(1 if counts["failed"] else 0)
