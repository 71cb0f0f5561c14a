#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""posada user: every way to give a password, every refusal, and what is on disk afterwards.
usage: user_command.py [POSADA]; last line: N passed, N failed"""
import json, os, pty, re, select, shutil, stat, subprocess, sys, tempfile, time

posada = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/opt/bin/posada")
work = tempfile.mkdtemp()
config = os.path.join(work, "posada.toml")
users = os.path.join(work, "users")
counts = {"passed": 0, "failed": 0}


def check(name, good, what=""):
    counts["passed" if good else "failed"] += 1
    if not good:
        print(f"FAILED {name}: {what}")


def run(*args, stdin=b""):
    return subprocess.run([posada, "user", *args, "--config", config], input=stdin, capture_output=True, timeout=60)


def on_terminal(args, typed):
    """Runs the command on a terminal of its own; types an answer at each prompt. Returns (status, screen)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(posada, [posada, "user", *args, "--config", config])
    screen, answers, end = b"", list(typed), time.time() + 30
    while time.time() < end:
        if not select.select([fd], [], [], 0.2)[0]:
            continue
        try:
            chunk = os.read(fd, 4096)
        except OSError:
            break
        if not chunk:
            break
        screen += chunk
        if answers and re.search(rb"(New password|Again): $", screen):
            os.write(fd, answers.pop(0))
    if time.time() >= end:
        os.kill(pid, 9)
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    return status, screen.decode()


def entry(name):
    with open(users) as file:
        lines = [line.rstrip("\n") for line in file if line.startswith(name + ":")]
    return lines[0].split(":") if lines else None


def give_passwords():
    out = run("add", "daniel.morato", "--generate")
    shown = re.findall(r"^password: (\S+)$", out.stdout.decode(), re.M)
    check("generate", out.returncode == 0 and len(shown) == 1 and re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", shown[0]), out)
    check("generated-password-is-not-stored", shown and shown[0] not in open(users).read())
    fields = entry("daniel.morato")
    check("line", fields and len(fields) == 6 and fields[1].startswith("$y$j9T$") and fields[2].startswith("SCRAM-SHA-256,"), fields)
    check("file-mode", stat.S_IMODE(os.stat(users).st_mode) == 0o600)
    out = run("add", "lir", "--password-fd", "0", "--json", stdin=b"pamplona-ham\nignored")
    said = json.loads(out.stdout)
    check("password-fd", out.returncode == 0 and said["name"] == "lir" and "password" not in said, out)
    home = os.stat(said["home"])
    owner = said["uid"] if os.geteuid() == 0 else os.geteuid()
    check("home", home.st_uid == owner == said["uid"] and stat.S_IMODE(home.st_mode) == 0o700, home)
    check("home-place", said["home"] == os.path.join(work, "state/mail/micasa.test/lir"), said)
    check("maildir", said["maildir"] == said["home"] + "/Maildir", said)
    if os.geteuid() == 0:
        check("uids", (entry("daniel.morato")[3], said["uid"]) == ("70000", 70001), said)
    said = json.loads(run("add", "scan2", "--generate", "--json").stdout)
    check("generate-json", re.fullmatch(r"[a-z2-9-]{19}", said["password"]), said)


def type_passwords():
    status, screen = on_terminal(["add", "typed"], [b"hungry-dog\n", b"hungry-dog\n"])
    check("terminal", status == 0 and entry("typed"), (status, screen))
    check("no-echo", "hungry-dog" not in screen, screen)
    status, screen = on_terminal(["add", "typo"], [b"hungry-dog\n", b"hungry-cat\n"])
    check("terminal-differ", status != 0 and "differ" in screen and not entry("typo"), screen)
    status, screen = on_terminal(["add", "short"], [b"dog\n"])
    check("terminal-short", status != 0 and "at least 8" in screen and not entry("short"), screen)
    status, screen = on_terminal(["add", "stopped"], [b"\x03"])
    check("terminal-interrupt", os.WIFSIGNALED(status) and not entry("stopped"), (status, screen))


def change():
    before = entry("lir")
    out = run("passwd", "lir", "--generate")
    after = entry("lir")
    check("passwd", out.returncode == 0 and before[1] != after[1] and before[2] != after[2] and before[3:] == after[3:], out)
    listed = json.loads(run("list", "--json").stdout)
    check("list-json", [u["name"] for u in listed["users"]] == ["daniel.morato", "lir", "scan2", "typed"], listed)
    out = run("list")
    check("list", out.returncode == 0 and b"daniel.morato" in out.stdout, out)
    out = run("remove", "lir")
    check("remove", out.returncode == 0 and not entry("lir") and os.path.isdir(os.path.join(work, "state/mail/micasa.test/lir")), out)
    if os.geteuid() == 0:
        run("add", "later", "--generate")
        check("uid-not-reused", entry("later")[3] == "70004", entry("later"))
        out = run("add", "lir", "--generate")
        check("old-home-is-not-inherited", out.returncode == 1 and b"belongs to uid 70001" in out.stderr and not entry("lir"), out)


def refusals():
    with open(users, "rb") as file:
        before = file.read()
    for name, args, stdin, status, says in [
        ("short", ["add", "x1", "--password-fd", "0"], b"short\n", 1, b"at least 8 characters"),
        ("too-long", ["add", "x1", "--password-fd", "0"], b"k" * 600, 1, b"511"),
        ("control", ["add", "x1", "--password-fd", "0"], b"hungry\x01dog\n", 1, b"control character"),
        ("nul", ["add", "x1", "--password-fd", "0"], b"hungry\0dogdog\n", 1, b"control character"),
        ("no-terminal", ["add", "x1"], b"", 1, b"--password-fd N, or --generate"),
        ("closed-fd", ["add", "x1", "--password-fd", "77"], b"", 71, b"descriptor 77"),
        ("exists", ["add", "daniel.morato", "--generate"], b"", 1, b"exists already"),
        ("absent", ["passwd", "nobody-here", "--generate"], b"", 1, b"no user nobody-here"),
        ("remove-absent", ["remove", "nobody-here"], b"", 1, b"no user nobody-here"),
        ("capital", ["add", "Daniel", "--generate"], b"", 64, b"a-z, 0-9"),
        ("option-name", ["add", "--force", "--generate"], b"", 64, b"unknown argument '--force'"),
        ("slash", ["add", "../etc", "--generate"], b"", 64, b"a-z, 0-9"),
        ("newline", ["add", "a\nb", "--generate"], b"", 64, b"a\\x0ab"),
        ("password-in-argv", ["add", "x1", "hungry-dog"], b"", 64, b"one NAME"),
        ("no-name", ["add"], b"", 64, b"NAME is expected"),
        ("no-verb", [], b"", 64, b"add, passwd, apop, quota, list or remove"),
        ("verb", ["delete", "x"], b"", 64, b"add, passwd, apop, quota, list or remove"),
        ("both", ["add", "x1", "--generate", "--password-fd", "0"], b"", 64, b"exclude each other"),
        ("home-relative", ["add", "x1", "--generate", "--home", "x"], b"", 1, b"home: an absolute path"),
        ("home-not-for-passwd", ["passwd", "typed", "--generate", "--home", "/x"], b"", 64, b"--home is for add"),
        ("password-for-list", ["list", "--generate"], b"", 64, b"takes no password"),
        ("value-missing", ["list", "--users-file"], b"", 64, b""),
    ]:
        out = run(*args, stdin=stdin)
        if name == "value-missing":  # --config is its value here; the next word is then a surplus one
            check("refuse-" + name, out.returncode == 64, out)
            continue
        check("refuse-" + name, out.returncode == status and says in out.stderr, out)
    with open(users, "rb") as file:
        check("refusals-change-nothing", file.read() == before)


def bad_files():
    os.chmod(users, 0o644)
    out = run("list")
    check("readable-file", out.returncode == 1 and b"chmod 600" in out.stderr, out)
    os.chmod(users, 0o600)
    with open(users, "a") as file:
        file.write("broken:line\n")
    out = run("list")
    check("broken-line-is-named", out.returncode == 78 and re.search(rb"users:\d+: ", out.stderr), out)
    out = run("add", "x1", "--generate")
    check("broken-file-is-not-edited", out.returncode == 78 and not entry("x1"), out)
    with open(config, "a") as file:
        file.write("[auth]\nvirtual_uidz = 1\n")
    out = run("list")
    check("broken-config", out.returncode == 78 and b"virtual_uids" in out.stderr, out)


with open(config, "w") as file:
    file.write(f'[paths]\nstate_dir = "{work}/state"\nrun_dir = "{work}/run"\nusers_file = "{users}"\n'
               '[mail]\ndomains = ["micasa.test"]\n')
try:
    give_passwords()
    type_passwords()
    change()
    refusals()
    bad_files()
finally:
    shutil.rmtree(work)
print(f"{counts['passed']} passed, {counts['failed']} failed")
sys.exit(1 if counts["failed"] else 0)
