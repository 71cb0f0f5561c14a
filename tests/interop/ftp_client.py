#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What ftp does with a real ftpd: `mirror` both ways, in clear and under TLS (trees are compared file by file, with their
times), names that are changed on the way, lists of files.
usage: ftp_client.py [TEST ...]; last line: N passed, N failed"""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, Demo, run_tests, wait_until  # noqa: E402

USER = "daniel"
demo = home = None


def there(name=""):
    return os.path.join(demo.endpoints["ftp_root"], USER, name)


def here(name=""):
    return os.path.join(home, name)


def ftp(commands, *options, status=0):
    done = subprocess.run([os.path.join(BUILD, "bin/ftp"), "-v", "-u", USER, *options, "-e", commands, "127.0.0.1",
                           str(demo.port("ftp"))], cwd=home, input=(demo.passwords[USER] + "\n").encode(),
                          env={"HOME": home, "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120)
    assert done.returncode == status, (done.returncode, done.stdout[-2000:])
    return done.stdout.decode("utf-8", "replace")


def make_tree(top, files=40, seed=1):
    chance = random.Random(seed)
    for number in range(files):
        folder = os.path.join(top, *[f"d{chance.randrange(3)}" for _ in range(chance.randrange(4))])
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"file {number} \xf1" if number % 5 == 0 else f"f{number}")
        with open(path, "wb") as out:
            out.write(chance.randbytes(chance.choice((0, 1, 5000, 300_000))))
        os.utime(path, (1_600_000_000 + number,) * 2)
    os.makedirs(os.path.join(top, "empty"))


def picture(top):
    """What a tree looks like: names, hashes and times."""
    out = {}
    for at, folders, files in os.walk(top):
        for name in folders:
            out[os.path.relpath(os.path.join(at, name), top)] = "directory"
        for name in files:
            path = os.path.join(at, name)
            with open(path, "rb") as text:
                out[os.path.relpath(path, top)] = (hashlib.sha256(text.read()).hexdigest(), int(os.stat(path).st_mtime))
    return out


def write(name, octets=b"text", when=1_600_000_000):
    with open(here(name), "wb") as out:
        out.write(octets)
    os.utime(here(name), (when, when))


def summary(out):
    return next(line for line in out.splitlines() if " as before, " in line)


def test_a_tree_goes_there_and_back_over_one_connection_and_over_four():
    make_tree(here("tree"))
    for number, options in enumerate(("", "-P 4")):
        out = ftp(f"mirror -R {options} tree up{number}")
        assert picture(there(f"up{number}")) == picture(here("tree")), out
        out = ftp(f"mirror {options} up{number} down{number}")
        assert picture(here(f"down{number}")) == picture(here("tree")), out
        assert summary(out).startswith("40 files fetched ("), out
        out = ftp(f"mirror -R {options} tree up{number}; mirror {options} up{number} down{number}")
        assert out.count("40 as before") == 2 and "fetched " not in out.replace("files fetched", ""), out


def test_under_tls_every_connection_is_the_user_s_own():
    make_tree(here("tree"))
    tls = ("--tls=required", "--ca", demo.endpoints["ca_file"])
    ftp("mirror -R -P 3 tree tls", *tls)
    ftp("mirror -P 3 tls down", *tls)
    assert picture(here("down")) == picture(here("tree"))


def test_only_what_has_changed_moves_and_what_is_gone_goes():
    make_tree(here("tree"))
    ftp("mirror -R tree www; mirror www down")
    shutil.rmtree(here("tree/d0"))
    with open(here("tree/new"), "wb") as out:
        out.write(b"new")
    with open(here("tree/d1/f10" if os.path.exists(here("tree/d1/f10")) else "tree/other"), "wb") as out:
        out.write(b"x")
    out = ftp("mirror -R tree www")
    assert summary(out).startswith("2 files stored (4 B), ") and os.path.exists(there("www/d0")), out
    out = ftp("mirror -R -P 2 --delete tree www; mirror --delete -P 2 www down")
    assert picture(there("www")) == picture(here("tree")) == picture(here("down")), out


def test_newer_alone_decides_if_that_is_asked_for():
    os.makedirs(here("tree"))
    for name in ("tree/older", "tree/newer"):
        write(name, b"x" * 5, 2000)
    ftp("mirror -R tree n")
    write("tree/older", b"x" * 9, 1000)
    write("tree/newer", b"x" * 9, 3000)
    ftp("mirror -R -n tree n")
    assert [os.path.getsize(there(f"n/{name}")) for name in ("older", "newer")] == [5, 9]
    ftp("mirror -R tree n")
    assert os.path.getsize(there("n/older")) == 9


def test_an_upload_goes_on_behind_its_beginning():
    os.makedirs(here("tree"))
    whole = random.Random(2).randbytes(500_000)
    with open(here("tree/big"), "wb") as out:
        out.write(whole)
    ftp("mirror -R tree c")
    for cut, changed_after in ((200_000, False), (300_000, True)):
        os.truncate(there("c/big"), cut)
        written = os.stat(here("tree/big")).st_mtime + (-10 if changed_after else 10)
        os.utime(there("c/big"), (written, written))
        out = ftp("mirror -R -c tree c")
        moved = 500_000 if changed_after else 500_000 - cut
        assert open(there("c/big"), "rb").read() == whole and f"You have transferred {moved} bytes" in out, out


def test_a_listing_for_programs():
    make_tree(here("tree"), 10)
    ftp("mirror -R tree j")
    out = ftp("verbose off; ls --json j; ls --json j all.json")
    listed = json.loads(out[out.index("\n[\n"):out.index("\n]") + 2])
    assert listed == json.load(open(here("all.json"))), out
    expected = {name: kind for name, kind in picture(there("j")).items() if "/" not in name}
    assert {e["name"] for e in listed} == set(expected), listed
    for entry in listed:
        assert (entry["type"] == "directory") == (expected[entry["name"]] == "directory"), entry


def test_names_change_on_the_way():
    write("a b")
    write("LOUD.TXT")
    ftp("mkdir names; cd names; put LOUD.TXT; ntrans ' ' _; put 'a b'; ntrans; nmap $1.$2 $2.$1; put LOUD.TXT; put 'a b' x.y")
    assert sorted(os.listdir(there("names"))) == ["LOUD.TXT", "TXT.LOUD", "a_b", "x.y"]
    os.mkdir(here("down"))
    out = ftp("lcd down; cd names; prompt off; case; mget *; nmap $1.$2 [$2,plain].$1; get a_b; get LOUD.TXT")
    assert sorted(os.listdir(here("down"))) == ["a_b", "loud.txt", "plain.a_b", "txt.loud", "x.y"], (os.listdir(here("down")), out)
    # a rule of the user's and a name of the server's together lead nowhere else
    ftp("cd names; rename x.y a..; nmap $1.$2 $2/x; get a..", status=5)
    assert not os.path.exists(os.path.join(home, "..", "x"))


def test_taken_names_get_a_number_and_files_keep_their_time():
    write("one", b"first", 1_500_000_000)
    ftp("mirror -R . unique; cd unique; runique; get one; get one; runique off; preserve off; get one plain")
    assert sorted(os.listdir(home)) == ["one", "one.1", "one.2", "plain"]
    assert [int(os.stat(here(name)).st_mtime) for name in ("one.1", "one.2")] == [1_500_000_000] * 2
    assert os.stat(here("plain")).st_mtime > 1_600_000_000


def test_lists_of_files():
    for name in ("f1", "f2", "g1"):
        write(name, name.encode() * 1000)
    ftp("mirror -R . lists")
    os.mkdir(here("in"))
    write("names", b"f1\n\ng1\n")
    write("in/f1.part", b"f1")
    ftp("cd lists; lcd in; fget ../names; prompt off; mget g*")
    assert sorted(os.listdir(here("in"))) == ["f1", "g1"]
    write("in/f2.part", b"f2" * 10)
    out = ftp("cd lists; lcd in; prompt off; mreget f2*")
    assert open(here("in/f2"), "rb").read() == b"f2" * 1000 and "You have transferred 1980 bytes" in out, out
    assert "OPTS" in ftp("remopts MLST size")
    assert "mget remote-files" in ftp("usage mget") and "202" in ftp("account x")


def at_url(path, *arguments, status=0, before=(), **more):
    url = f"ftp://{USER}:{demo.passwords[USER]}@127.0.0.1:{demo.port('ftp')}/{path}"
    done = subprocess.run([os.path.join(BUILD, "bin/ftp"), *before, url, *arguments], cwd=home, timeout=120,
                          env={"HOME": home, "PATH": os.environ["PATH"]}, capture_output=True, **more)
    assert done.returncode == status, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def test_files_go_to_an_address():
    write("one", b"1" * 5000)
    write("two", b"2" * 5000)
    ftp("mkdir urls")
    up = ("--upload",)
    at_url("urls/other", "one", before=up)
    at_url("urls/", "one", "two", before=up)
    assert sorted(os.listdir(there("urls"))) == ["one", "other", "two"]
    assert at_url("urls/other", before=("-o", "-")) == b"1" * 5000
    assert [e["name"] for e in json.loads(at_url("urls/", before=("--json",)))] and not os.path.exists(here("urls"))
    os.truncate(there("urls/two"), 1234)
    at_url("urls/two", "two", before=("--upload", "-R"))
    assert open(there("urls/two"), "rb").read() == b"2" * 5000
    at_url("urls/two", "one", "two", before=up, status=5)
    at_url("urls/", "nothing", "one", before=up, status=5)
    at_url("urls/", before=up, status=8)


def test_rates_are_kept_by_all_connections_together():
    for number in range(4):
        write(f"f{number}", b"x" * 75_000)
    begin = time.monotonic()
    ftp("rate put 200K; mirror -R -P 4 . rated")
    assert time.monotonic() - begin > 1.2
    os.mkdir(here("down"))
    begin = time.monotonic()
    ftp("lcd down; mirror -P 4 rated .", "--limit", "get,200K")
    assert time.monotonic() - begin > 1.2 and len(os.listdir(here("down"))) == 4
    ftp("rate get x", status=8)
    out = ftp("rate 100K 5; rate get 0; rate")
    assert out.count("Put transfer rate throttle: 100K bytes/s (increment 5).") == 3 and "Get transfer rate throttle: unlimited." in out


def test_a_signal_makes_it_faster():
    write("slow", b"x" * 300_000)
    ftp("put slow; !mkdir down")
    client = subprocess.Popen([os.path.join(BUILD, "bin/ftp"), "-T", "get,1K,100M", "-u", USER, "-e", "lcd down; get slow",
                               "127.0.0.1", str(demo.port("ftp"))], cwd=home, stdin=subprocess.PIPE,
                              env={"HOME": home, "PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL)
    client.stdin.write((demo.passwords[USER] + "\n").encode())
    client.stdin.close()
    wait_until(lambda: os.path.getsize(here("down/slow.part")) > 0)
    client.send_signal(signal.SIGUSR1)
    assert client.wait(60) == 0 and os.path.getsize(here("down/slow")) == 300_000


def in_a_home(test):
    def with_home():
        global home
        home = tempfile.mkdtemp(prefix="posada-mirror-")
        try:
            test()
        finally:
            shutil.rmtree(home, ignore_errors=True)
    return with_home


def main():
    global demo
    with Demo() as demo:
        return run_tests({name: in_a_home(test) for name, test in list(globals().items()) if name.startswith("test_")},
                         sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
