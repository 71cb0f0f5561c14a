#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What an administrator may configure for the users of ftpd: anonymous users, classes with limits, rates, quotas and
directories of their own, upload directories, texts, and the transfer log."""
import ftplib
import hashlib
import io
import os
import pwd
import shutil
import stat
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Demo, run_tests, wait_until  # noqa: E402

USER, OTHER = "daniel", "lir"
ROOT = os.geteuid() == 0
OWNER = "nobody"

CONFIG = """
[ftpd]
anonymous = "{dir}/pub"
admin_email = "ftp@micasa.test"
transfer_log = "{dir}/xferlog"
welcome = ["Welcome %U from %R to %L.", "100%% of %x, ask %E"]

[[ftpd.class]]
name = "guests"
users = ["anonymous"]
max_sessions = 2
welcome = ["At most %M of you."]

[[ftpd.class]]
name = "slow"
users = ["lir"]
top = "{dir}/guests/%u"
download_rate = "200K"
upload_rate = "200K"
quota = "1M"

[[ftpd.upload]]
path = "/incoming"
{owner}
"""


def login(user, password=None):
    ftp = ftplib.FTP(timeout=20)
    ftp.connect("127.0.0.1", demo.port("ftp"))
    ftp.greeting = ftp.login(user, demo.passwords[user] if password is None else password)
    return ftp


def store(ftp, name, data, command="STOR"):
    return ftp.storbinary(f"{command} {name}", io.BytesIO(data))


def fetch(ftp, name):
    out = []
    ftp.retrbinary(f"RETR {name}", out.append)
    return b"".join(out)


def refused(call, *arguments, code="550"):
    try:
        answer = call(*arguments)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        answer = str(error)
    assert str(answer).startswith(code), answer
    return answer


def log_lines():
    return open(f"{where}/xferlog", encoding="utf-8").read().splitlines()


def last_line(needle):
    return wait_until(lambda: next((line for line in reversed(log_lines()) if needle in line), None), 10, needle)


def test_anonymous_users_read_what_is_public():
    ftp = login("anonymous", "me@example.test")
    assert ftp.greeting.splitlines()[0] == "230-At most 2 of you.", ftp.greeting
    assert fetch(ftp, "hello.txt") == b"hello\n"
    refused(fetch, ftp, "private.txt")
    refused(store, ftp, "evil.txt", b"x")
    refused(ftp.delete, "hello.txt")
    refused(ftp.mkd, "dir")
    refused(ftp.sendcmd, "SITE CHMOD 777 hello.txt")
    fields = last_line("/hello.txt").split()
    assert len(fields) == 18 and fields[8:] == ["/hello.txt", "b", "_", "o", "a", "me@example.test", "ftp", "0", "*", "c"]
    ftp.quit()


def test_old_clients_call_it_ftp_and_nobody_else_gets_in_so():
    ftp = login("ftp", "")
    assert ftp.pwd() == "/"
    ftp.quit()
    refused(login, "anonymous2", "x@example.test", code="530")


def test_an_upload_directory_is_written_and_nothing_else():
    ftp = login("anonymous", "me@example.test")
    data = os.urandom(300_000)
    assert store(ftp, "incoming/new.bin", data).startswith("226")
    path = f"{where}/pub/incoming/new.bin"
    there = os.stat(path)
    assert open(path, "rb").read() == data and stat.S_IMODE(there.st_mode) == 0o600
    if ROOT:
        assert there.st_uid == pwd.getpwnam(OWNER).pw_uid
    refused(store, ftp, "incoming/new.bin", b"other")
    refused(store, ftp, "incoming/new.bin", b"other", "APPE")
    refused(fetch, ftp, "incoming/new.bin")
    refused(ftp.nlst, "incoming")
    refused(ftp.nlst, "incoming/*")
    refused(ftp.sendcmd, "MLST incoming/new.bin")
    refused(ftp.size, "incoming/new.bin")
    refused(ftp.delete, "incoming/new.bin")
    refused(ftp.rename, "incoming/new.bin", "hello2.txt")
    refused(ftp.mkd, "incoming/dir")
    assert open(path, "rb").read() == data
    ftp.cwd("incoming")
    assert store(ftp, "", b"unique", "STOU").startswith("226")
    ftp.quit()


def test_a_class_has_so_many_places_and_gives_them_back():
    first, second = login("anonymous", "1@example.test"), login("anonymous", "2@example.test")
    refused(login, "anonymous", "3@example.test", code="530 Too many")
    daniel = login(USER)
    daniel.quit()
    first.quit()

    def free():
        try:
            return login("anonymous", "3@example.test")
        except ftplib.error_perm:
            return None

    wait_until(free, 10, "a place that was given back").quit()
    second.quit()


def test_a_rate_is_kept_both_ways():
    ftp = login(OTHER)
    data = os.urandom(300_000)
    began = time.monotonic()
    store(ftp, "slow.bin", data)
    up = time.monotonic() - began
    assert fetch(ftp, "slow.bin") == data
    down = time.monotonic() - began - up
    ftp.delete("slow.bin")
    ftp.quit()
    assert up > 0.5 and down > 1.0, f"up {up} s, down {down} s"


def test_a_quota_ends_what_is_too_much():
    ftp = login(OTHER)
    half = os.urandom(400_000)
    assert store(ftp, "half.bin", half).startswith("226")
    refused(ftp.sendcmd, "ALLO 700000", code="552")
    refused(store, ftp, "large.bin", os.urandom(800_000), code="552")
    assert ftp.size("large.bin") + len(half) <= 1024 * 1024
    ftp.delete("large.bin")
    ftp.delete("half.bin")
    assert store(ftp, "half.bin", half * 2).startswith("226")
    ftp.delete("half.bin")
    ftp.quit()


def test_guests_have_their_own_top():
    ftp = login(OTHER)
    store(ftp, "mine.txt", b"mine")
    assert open(f"{where}/guests/{OTHER}/mine.txt", "rb").read() == b"mine"
    refused(ftp.cwd, "../../pub")
    assert last_line("/mine.txt").split()[12:14] == ["g", OTHER]
    ftp.delete("mine.txt")
    ftp.quit()


def test_texts_have_cookies_and_cannot_forge_replies_R31():
    ftp = login(USER)
    assert ftp.greeting.splitlines() == [f"230-Welcome {USER} from 127.0.0.1 to mail.micasa.test.",
                                         "230-100% of %x, ask ftp@micasa.test", f"230 User {USER} logged in."]
    ftp.mkd("d")
    store(ftp, "d/.message", b"In %C\n%s%n%x\n250 forged\x1b[2J\n")
    answer = ftp.sendcmd("CWD d").splitlines()
    assert answer[:3] == ["250-In /d", "250-%s%n%x", "250-250 forged?[2J"], answer
    ftp.cwd("/")
    ftp.delete("d/.message")
    ftp.rmd("d")
    ftp.quit()


def test_the_transfer_log_is_a_line_each_whatever_a_file_is_called_R41():
    ftp = login(USER)
    before = len(log_lines())
    store(ftp, "a b;c .txt", b"x")
    ftp.storlines("STOR t.txt", io.BytesIO(b"one\n"))
    fetch(ftp, "a b;c .txt")
    last_line("/a_b;c_.txt b _ o")
    lines = log_lines()[before:]
    assert len(lines) == 3 and all(len(line.split()) == 18 for line in lines), lines
    assert lines[0].split()[7:13] == ["1", "/a_b;c_.txt", "b", "_", "i", "r"], lines[0]
    assert lines[1].split()[9:12] == ["a", "_", "i"], lines[1]
    os.rename(f"{where}/xferlog", f"{where}/xferlog.1")
    fetch(ftp, "t.txt")
    assert wait_until(lambda: os.path.exists(f"{where}/xferlog") and log_lines(), 10, "a new file")
    for name in ("a b;c .txt", "t.txt"):
        ftp.delete(name)
    ftp.quit()


def test_another_session_works():
    ftp = login(USER)
    data = os.urandom(100_000)
    store(ftp, "x.bin", data)
    assert hashlib.sha256(fetch(ftp, "x.bin")).digest() == hashlib.sha256(data).digest()
    ftp.delete("x.bin")
    ftp.quit()


def prepare():
    os.chmod(where, 0o755)
    for name in ("conf.d", "pub", "pub/incoming", "guests", f"guests/{OTHER}"):
        os.mkdir(f"{where}/{name}")
    for name, mode in (("hello.txt", 0o644), ("private.txt", 0o600)):
        with open(f"{where}/pub/{name}", "w", encoding="utf-8") as out:
            out.write("hello\n")
        os.chmod(f"{where}/pub/{name}", mode)
    os.chmod(f"{where}/pub/incoming", 0o777)
    os.chmod(f"{where}/guests/{OTHER}", 0o777)
    if not ROOT:
        print("SKIP: ftp_comforts owner of uploads: only root gives files away")
    with open(f"{where}/conf.d/ftpd.toml", "w", encoding="utf-8") as out:
        out.write(CONFIG.format(dir=where, owner=f'owner = "{OWNER}"' if ROOT else ""))


if __name__ == "__main__":
    where = tempfile.mkdtemp(prefix="posada-comforts-")
    try:
        prepare()
        with Demo(directory=where) as demo:
            status = run_tests({name[5:]: test for name, test in list(globals().items()) if name.startswith("test_")}, sys.argv[1:])
    finally:
        shutil.rmtree(where, ignore_errors=True)
    sys.exit(status)
