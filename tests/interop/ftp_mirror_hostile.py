#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`mirror` against servers that mean harm and networks that cut: what C1 to C12 say of one file holds for whole trees. The
server is a script of many connections; what the client did is read from its files and from what the server saw.
usage: ftp_mirror_hostile.py [TEST ...]; last line: N passed, N failed"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import BUILD, run_tests, wait_until  # noqa: E402

FTP = os.path.join(BUILD, "bin/ftp")
TIME = "20200102030405"
SECONDS = 1577934245


class Tree:
    """A server of the directories {path: lines of MLSD} and the files {path: octets}; each connection is a thread."""

    def __init__(self, folders, files=None, mlsd=True, say=None, connections=100):
        self.folders, self.files, self.mlsd, self.say = folders, files or {}, mlsd, say or {}
        self.connections, self.stored, self.seen, self.lock = connections, {}, [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(sock)
            threading.Thread(target=self.serve, args=(sock, len(self.sockets)), daemon=True).start()

    def close(self):
        self.listener.close()
        for sock in self.sockets:
            sock.close()

    def serve(self, sock, number):
        try:
            if number > self.connections:
                return sock.sendall(b"421 Too many connections.\r\n")
            sock.sendall(b"220 ready\r\n")
            Session(self, sock, number).run()
        except OSError:
            pass
        finally:
            sock.close()

    def verbs(self):
        return [line.split(" ")[0] for line in self.seen]


class Session:
    def __init__(self, tree, sock, number):
        self.tree, self.sock, self.number, self.rest, self.data = tree, sock, number, 0, None

    def run(self):
        for raw in self.sock.makefile("rb"):
            line = raw.rstrip(b"\r\n").decode("latin-1")
            with self.tree.lock:
                self.tree.seen.append(line)
            verb, _, arg = line.partition(" ")
            special = self.tree.say.get(verb)
            answer = special(self, arg) if callable(special) else special
            if answer is None:
                answer = getattr(self, "on_" + verb.lower(), lambda arg: b"502 no\r\n")(arg)
            self.sock.sendall(answer)
            if verb == "QUIT":
                return

    def on_user(self, _): return b"331 password\r\n"
    def on_pass(self, arg): return b"230 in\r\n" if arg == "secret" else b"530 no\r\n"
    def on_syst(self, _): return b"215 UNIX Type: L8\r\n"
    def on_type(self, _): return b"200 ok\r\n"
    def on_quit(self, _): return b"221 bye\r\n"
    def on_abor(self, _): return b"226 gone\r\n"
    def on_dele(self, _): return b"250 gone\r\n"
    def on_rmd(self, _): return b"250 gone\r\n"

    def on_mkd(self, arg):
        if arg in self.tree.folders:
            return b"550 it is there\r\n"
        self.tree.folders[arg] = []
        return b"257 made\r\n"

    def on_feat(self, _):
        mlst = b" MLST type*;size*;modify*;\r\n" if self.tree.mlsd else b""
        return b"211-Features:\r\n REST STREAM\r\n MDTM\r\n" + mlst + b"211 End\r\n"

    def on_epsv(self, _):
        self.data = socket.create_server(("127.0.0.1", 0))
        return b"229 ok (|||%d|)\r\n" % self.data.getsockname()[1]

    def on_rest(self, arg):
        self.rest = int(arg)
        return b"350 ok\r\n"

    def open(self):
        self.sock.sendall(b"150 here\r\n")
        self.data.settimeout(10)
        data = self.data.accept()[0]
        self.data.close()
        return data

    def send(self, octets):
        data = self.open()
        try:
            data.sendall(octets)
        except OSError:
            return b"426 broken\r\n"
        data.close()
        return b"226 done\r\n"

    def on_mlst(self, arg): return b"250 it is there\r\n" if arg in self.tree.folders else b"550 no\r\n"
    def on_list(self, arg): return self.on_mlsd(arg)

    def on_mlsd(self, arg):
        lines = self.tree.folders(arg) if callable(self.tree.folders) else self.tree.folders.get(arg)
        return b"550 no\r\n" if lines is None else self.send(b"".join(line + b"\r\n" for line in lines))

    def on_retr(self, arg):
        octets = self.tree.files.get(arg)
        rest, self.rest = self.rest, 0
        return b"550 no\r\n" if octets is None else self.send(octets[rest:])

    def on_stor(self, arg):
        data, octets = self.open(), b""
        while got := data.recv(65536):
            octets += got
        self.tree.stored[arg] = octets
        return b"226 done\r\n"


def file(name, size, time=TIME):
    return f"type=file;size={size};modify={time}; {name}".encode("latin-1")


def folder(name, unique=""):
    return f"type=dir;{f'unique={unique};' if unique else ''} {name}".encode("latin-1")


home = None


def start(tree, commands):
    env = {"HOME": home, "PATH": os.environ["PATH"], "LOGNAME": "ana"}
    # the group of its own is for tests that send it SIGINT
    client = subprocess.Popen([FTP, "-u", "ana", "-q", "10", "-e", commands, "127.0.0.1", str(tree.port)], cwd=home, env=env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    client.stdin.write(b"secret\n")
    client.stdin.close()
    client.stdin = None
    return client


def run(tree, commands):
    client = start(tree, commands)
    out = client.communicate(timeout=60)[0]
    tree.close()
    return client.returncode, out


def put(name, octets=b"precious"):
    path = os.path.join(home, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(octets)


def read(name):
    with open(os.path.join(home, name), "rb") as text:
        return text.read()


def tree_of(top="."):
    found = []
    for at, folders, files in os.walk(os.path.join(home, top)):
        found += [os.path.relpath(os.path.join(at, name), home) for name in folders + files]
    return sorted(found)


def test_an_honest_tree_comes_and_goes():
    files = {"t/a": b"12345", "t/d/b": b"x" * 100000, "t/d/e/c": b""}
    tree = Tree({"t": [file("a", 5), folder("d")], "t/d": [file("b", 100000), folder("e")], "t/d/e": [file("c", 0)]}, files)
    status, out = run(tree, "mirror t; mirror t")
    assert status == 0 and tree_of() == ["t", "t/a", "t/d", "t/d/b", "t/d/e", "t/d/e/c"], (status, out, tree_of())
    assert all(read(name) == octets for name, octets in files.items()) and os.stat(home + "/t/a").st_mtime == SECONDS
    assert tree.verbs().count("RETR") == 3, tree.seen  # the second time there was nothing to do
    back = Tree({})
    status, out = run(back, "mirror -R -P 3 t")
    assert status == 0 and back.stored == files, (out, back.stored)


def test_names_that_lead_elsewhere_are_refused_C3():
    put("outside", b"precious")
    put("t/mine", b"precious")
    tree = Tree({"t": [file(name, 5) for name in ("../outside", "/tmp/x", "a/../../b", "good")] + [folder("../..")]},
                {f"t/{name}": b"12345" for name in ("../outside", "good", "a/../../b")})
    status, out = run(tree, "mirror --delete t")
    assert status == 5 and out.count(b"refused the name") == 4, (status, out)
    assert [line for line in tree.seen if line.startswith("RETR")] == ["RETR t/good"], tree.seen
    # what was refused may be the very file that would be deleted
    assert tree_of() == ["outside", "t", "t/good", "t/mine"] and b"nothing is deleted" in out, (tree_of(), out)


def test_a_link_that_becomes_a_directory_is_neither_C3():
    os.mkdir(home + "/outside")
    link = b"type=OS.unix=slink:../outside; d"
    tree = Tree({"t": [link, folder("d")], "t/d": [file("x", 5)]}, {"t/d/x": b"12345"})
    status, out = run(tree, "mirror t")
    assert status == 5 and tree_of() == ["outside"], (status, out, tree_of())


def test_a_link_that_lies_here_is_not_followed_C3():
    os.makedirs(home + "/t")
    os.mkdir(home + "/outside")
    put("outside/f")
    os.symlink("../outside", home + "/t/d")
    os.symlink("../outside/f", home + "/t/f")
    os.symlink("../outside/g", home + "/t/g.part")
    tree = Tree({"t": [folder("d"), file("f", 5), file("g", 5)], "t/d": [file("x", 5)]},
                {"t/d/x": b"12345", "t/f": b"12345", "t/g": b"12345"})
    status, out = run(tree, "mirror t")
    assert status == 5 and tree_of("outside") == ["outside/f"] and read("outside/f") == b"precious", (out, tree_of())
    assert out.count(b"is a link") == 2 and "MLSD t/d" not in tree.seen, out
    tree = Tree({"t": [folder("d"), file("f", 5)], "t/d": [file("x", 5)]}, {"t/d/x": b"12345", "t/f": b"12345"})
    status, out = run(tree, "mirror --delete t")
    assert status == 0 and tree_of("t") == ["t/d", "t/d/x", "t/f"] and tree_of("outside") == ["outside/f"], (out, tree_of())
    assert read("outside/f") == b"precious"


def test_trees_without_end_end_C7():
    deep = Tree(lambda path: [folder("d")])
    status, out = run(deep, "mirror t")
    assert status == 5 and b"too deep" in out and deep.verbs().count("MLSD") < 150, (status, out[-300:])
    loop = Tree(lambda path: [folder("d", unique="8U2a")])
    status, out = run(loop, "mirror u")
    assert status == 5 and b"in itself" in out and loop.verbs().count("MLSD") == 2, (status, out[-300:], loop.seen)


def test_listings_without_end_end_C7():
    status, out = run(Tree({"t": [b"x" * 1_000_000]}), "mirror t")
    assert status == 3 and b"endless line" in out and tree_of() == [], (status, out, tree_of())
    lines = [b" %d" % number for number in range(1_100_000)]
    status, out = run(Tree({"t": lines}), "mirror t")
    assert status == 3 and b"does not end" in out and tree_of() == [], (status, out)


def test_no_control_of_a_name_reaches_the_screen_C9():
    bad = "\x1b]0;owned\x07"
    tree = Tree({"t": [file(bad, 5), folder("d"), b"type=OS.unix=slink:/; l\xc2\x9b"], "t/d": [b"\x1b[2Jnonsense"]})
    status, out = run(tree, "verbose on; mirror t")
    assert status == 5 and b"\\x1b]0;owned" in out and b"\\x1b[2J" in out, out
    assert not any(c in out for c in (b"\x1b", b"\x07", b"\x9b")), out


def test_line_ends_in_names_here_are_not_sent_C4():
    put("t/a\r\nDELE b")
    put("t/good", b"12345")
    tree = Tree({"t": []})
    status, out = run(tree, "mirror -R t")
    assert status == 5 and tree.stored == {"t/good": b"12345"} and "DELE" not in tree.verbs(), (out, tree.seen)


def test_a_file_that_is_short_keeps_its_part_and_goes_on_C11():
    tree = Tree({"t": [file("a", 10)]}, {"t/a": b"12345"})
    status, out = run(tree, "mirror t")
    assert status == 3 and tree_of() == ["t", "t/a.part"] and os.stat(home + "/t/a.part").st_mtime == SECONDS, (out, tree_of())
    tree = Tree({"t": [file("a", 10)]}, {"t/a": b"12345ABCDE"})
    status, out = run(tree, "mirror t")
    assert status == 0 and tree_of() == ["t", "t/a"] and read("t/a") == b"12345ABCDE" and "REST 5" in tree.seen, tree.seen


def test_a_part_of_another_version_is_begun_anew():
    run(Tree({"t": [file("a", 10)]}, {"t/a": b"12345"}), "mirror t")
    tree = Tree({"t": [file("a", 10, "20200102030406")]}, {"t/a": b"ABCDEFGHIJ"})
    status, out = run(tree, "mirror t")
    assert status == 0 and read("t/a") == b"ABCDEFGHIJ" and "REST" not in tree.verbs(), (out, tree.seen)


def test_the_part_of_one_file_is_not_the_name_of_another():
    files = {"t/a": b"1" * 50000, "t/a.part": b"2" * 50000, "t/a.part.part": b"3" * 50000}
    tree = Tree({"t": [file(name[2:], 50000) for name in files]}, files)
    status, out = run(tree, "mirror -P 4 t")
    assert status == 0 and all(read(name) == octets for name, octets in files.items()) and len(tree_of()) == 4, (out, tree_of())


def test_a_server_that_allows_one_connection_is_mirrored_by_it():
    files = {f"t/f{i}": os.urandom(1000) for i in range(30)}
    for refusal in (None, b"530 Too many users.\r\n"):
        tree = Tree({"t": [file(name[2:], 1000) for name in files]}, files, connections=100 if refusal else 1,
                    say={"PASS": lambda session, _: refusal if session.number > 1 else None})
        status, out = run(tree, "mirror -P 4 t")
        assert status == 0 and all(read(name) == octets for name, octets in files.items()), out
        assert b"going on with fewer" in out
        shutil.rmtree(home + "/t")


def test_a_connection_that_is_lost_costs_its_file_only():
    files = {f"t/f{i:02}": os.urandom(1000) for i in range(30)}

    def cut(session, _):
        if session.number != 2:
            return None
        session.sock.shutdown(socket.SHUT_RDWR)
        raise OSError("cut")
    tree = Tree({"t": [file(name[2:], 1000) for name in files]}, files, say={"RETR": cut})
    status, out = run(tree, "mirror -P 3 t")
    there = [name for name in files if os.path.exists(f"{home}/{name}")]
    assert status == 1 and len(there) >= 28 and all(read(name) == files[name] for name in there), (status, out, len(there))
    status, out = run(Tree({"t": [file(name[2:], 1000) for name in files]}, files), "mirror t")
    assert status == 0 and all(read(name) == octets for name, octets in files.items()), out


def test_an_interrupt_stops_all_connections():
    begun = []

    def half(session, arg):
        data = session.open()
        data.sendall(b"12345")
        begun.append(session.number)
        data.settimeout(20)
        data.recv(1)  # the client closes
        return b"426 broken\r\n"
    tree = Tree({"t": [file(f"f{i}", 10) for i in range(20)]}, say={"RETR": half})
    client = start(tree, "mirror -P 3 t; mkdir never")
    wait_until(lambda: len(set(begun)) == 3)
    wait_until(lambda: len([name for name in tree_of("t") if os.path.getsize(f"{home}/{name}") == 5]) == 3)
    client.send_signal(signal.SIGINT)
    out = client.communicate(timeout=30)[0]
    tree.close()
    assert client.returncode != 0 and len(begun) == 3 and "MKD" not in tree.verbs(), (client.returncode, begun, out)
    assert len(tree_of("t")) == 3 and tree.verbs().count("ABOR") == 3, (tree_of(), tree.seen)


def test_a_server_with_list_only():
    lines = {"t": [b"total 2", b"drwxr-xr-x 2 0 0 4096 Jan  2  2020 -d", b"-rw-r--r-- 1 0 0 5 Jan  2 03:04 a"],
             "t/-d": [b"-rw-r--r-- 1 0 0 3 Jan  2  2020 b"]}
    files = {"t/a": b"12345", "t/-d/b": b"123"}
    say = {"MDTM": b"213 20200102030405\r\n"}
    tree = Tree(lines, files, mlsd=False, say=say)
    status, out = run(tree, "mirror t; mirror t")
    assert status == 0 and read("t/a") == b"12345" and read("t/-d/b") == b"123", (out, tree.seen)
    assert os.stat(home + "/t/a").st_mtime == SECONDS and tree.verbs().count("RETR") == 2, tree.seen
    newer = Tree(lines, {"t/a": b"ABCDE", "t/-d/b": b"ABC"}, mlsd=False, say={"MDTM": b"213 20200102030406\r\n"})
    status, out = run(newer, "mirror t")
    assert status == 0 and read("t/a") == b"ABCDE", (out, newer.seen)
    # there a directory that does not exist looks empty
    empty = Tree({"t": []}, mlsd=False)
    status, out = run(empty, "mirror --delete t")
    assert status == 5 and b"MLSD" in out and tree_of("t") == ["t/-d", "t/-d/b", "t/a"], out


def test_a_source_that_is_not_there_leaves_nothing():
    status, out = run(Tree({}), "mirror t")
    assert status == 5 and tree_of() == [] and b"t was refused" in out, (status, out, tree_of())


def test_what_only_the_server_has_is_deleted_with_all_in_it():
    put("t/same", b"12345")
    os.utime(home + "/t/same", (SECONDS, SECONDS))
    link = b"type=OS.unix=symlink; link"
    folders = {"t": [file("same", 5), folder("old"), link], "t/old": [file("x", 5), folder("e")], "t/old/e": [file("y", 1)]}
    tree = Tree(folders)
    status, out = run(tree, "mirror -R --delete t")
    gone = [line for line in tree.seen if line.split(" ")[0] in ("DELE", "RMD", "STOR")]
    assert status == 0 and gone == ["DELE t/link", "DELE t/old/x", "DELE t/old/e/y", "RMD t/old/e", "RMD t/old"], (out, gone)
    dry = Tree(folders)
    status, out = run(dry, "mirror -R --delete --dry-run t; verbose on; mirror -R --delete --dry-run t")
    assert status == 0 and not {"DELE", "RMD", "STOR", "MKD"} & set(dry.verbs()) and b"would delete t/old" in out, (out, dry.seen)


def in_a_home(test):
    def with_home():
        global home
        home = tempfile.mkdtemp(prefix="posada-mirror-")
        try:
            test()
        finally:
            shutil.rmtree(home, ignore_errors=True)
    return with_home


if __name__ == "__main__":
    sys.exit(run_tests({name: in_a_home(test) for name, test in list(globals().items()) if name.startswith("test_")},
                       sys.argv[1:]))
