#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ftp against servers that mean harm, and against networks that cut: rows C1 to C12. Each server here is a script of one
connection; what the client did is read from its exit status, its files and what the server saw.
usage: ftp_hostile.py [FTP]; last line: N passed, N failed"""
import json, os, shutil, socket, ssl, subprocess, sys, tempfile, threading

FTP = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/opt/bin/ftp")
TEXT = b"0123456789" * 500


class Server:
    """Says what an honest server says, but where the test has put something else: say[VERB] is bytes or a function."""

    def __init__(self, say=None, data=TEXT, greeting=b"220 ready\r\n", context=None, host="127.0.0.1", cut=False, implicit=False):
        self.say, self.data, self.greeting, self.context, self.cut = say or {}, data, greeting, context, cut
        self.seen, self.resumed, self.stored, self.implicit = [], [], b"", implicit
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.passive = socket.create_server((host, 0))
        self.data_port = self.passive.getsockname()[1]
        self.active = None
        self.protect = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.sock, _ = self.listener.accept()
            self.sock.settimeout(15)
            if self.implicit:
                self.sock = self.context.wrap_socket(self.sock, server_side=True)
            self.sock.sendall(self.greeting)
            self.serve()
        except OSError:
            pass
        finally:
            self.sock.close()

    def serve(self):
        held = b""
        while True:
            while b"\n" not in held:
                got = self.sock.recv(4096)
                if not got:
                    return
                held += got
            line, held = held.split(b"\n", 1)
            line = line.rstrip(b"\r").decode("latin-1")
            self.seen.append(line)
            verb, _, arg = line.partition(" ")
            self.sock.sendall(self.answer(verb, arg))
            if verb == "AUTH" and self.context and "AUTH" not in self.say:
                self.sock = self.context.wrap_socket(self.sock, server_side=True)
            if verb == "QUIT":
                return

    def answer(self, verb, arg):
        special = self.say.get(verb)
        if callable(special):
            return special(self, arg)
        if special is not None:
            return special
        if verb in ("RETR", "LIST", "NLST"):
            return self.send_data()
        if verb == "STOR":
            return self.take_data()
        if verb == "PROT":
            self.protect = True
        if verb == "AUTH" and not self.context:
            return b"502 no\r\n"
        return {"USER": b"331 password\r\n", "PASS": b"230 in\r\n", "SYST": b"215 UNIX Type: L8\r\n", "AUTH": b"234 go\r\n",
                "EPSV": b"229 ok (|||%d|)\r\n" % self.data_port, "SIZE": b"550 no\r\n", "FEAT": b"500 no\r\n",
                "QUIT": b"221 bye\r\n"}.get(verb, b"200 ok\r\n")

    def data_connection(self):
        if self.active:
            return socket.create_connection(self.active, timeout=5)
        self.passive.settimeout(5)
        return self.passive.accept()[0]

    def open_data(self):
        sock = self.data_connection()
        self.sock.sendall(b"150 here\r\n")
        if self.protect:
            sock = self.context.wrap_socket(sock, server_side=True)
            self.resumed.append(sock.session_reused)
        return sock

    def send_data(self):
        sock = self.open_data()
        sock.settimeout(10)
        try:
            sock.sendall(self.data)
        except OSError:
            return b"426 broken\r\n"
        if self.protect and not self.cut:
            try:
                sock.unwrap()
            except OSError:
                pass
        sock.close()
        return b"226 done\r\n"

    def take_data(self):
        sock = self.open_data()
        while got := sock.recv(65536):
            self.stored += got
        sock.close()
        return b"226 done\r\n"


class Run:
    def __init__(self, server, *args, home, host="127.0.0.1", stdin=b""):
        before = set(os.listdir(home))
        env = {"HOME": home, "PATH": os.environ["PATH"], "LOGNAME": "ana", "PAGER": "cat"}
        done = subprocess.run([FTP, "-u", "ana", "-q", "5", *[a.format(port=server.port) for a in args]], cwd=home, env=env,
                              input=stdin or b"secret\n", capture_output=True, timeout=60)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.new = sorted(set(os.listdir(home)) - before)
        server.listener.close()
        self.seen = server.seen


counts = {"passed": 0, "failed": 0}


def check(name, good, run=None):
    counts["passed" if good else "failed"] += 1
    print(("ok   " if good else "FAIL ") + name)
    if not good and run is not None:
        print("     ", run.status, run.new, run.seen, run.err[-400:], run.out[-400:])


def to(server, commands, home, *more):
    return Run(server, "-v", *more, "-e", commands, "127.0.0.1", "{port}", home=home)


def verbs(run):
    return [line.split(" ")[0] for line in run.seen]


def honest(home):
    run = to(Server(), "get a; get a -; cd x", home)
    check("an honest server is served", run.status == 0 and run.new == ["a"] and TEXT in run.out
          and b"Remote system type is UNIX." in run.out and b"5000 bytes received in " in run.out, run)


def asked(home):
    run = Run(Server({"MLST": b"250-here\r\n type=file; a\r\n250 end\r\n"}), "-e", "mlst a; mls x y all; ls z", "127.0.0.1",
              "{port}", home=home)
    check("a script is shown what it asked for, and no more", run.status == 0 and b" type=file; a" in run.out
          and b"230" not in run.out and run.out.endswith(TEXT + b"\n"), run)
    check("listings go to one file", run.new == ["all"] and open(home + "/all", "rb").read() == TEXT * 2, run)


def c1(home):
    third = socket.create_server(("127.0.0.9", 0))
    third.settimeout(0.5)
    here, there = divmod(third.getsockname()[1], 256)

    def pasv(server, _):
        high, low = divmod(server.data_port, 256)
        server.passive.settimeout(5)
        return b"227 ok (127,0,0,9,%d,%d)\r\n" % (high, low)
    run = to(Server({"EPSV": b"500 no\r\n", "PASV": pasv}), "get a", home)
    check("C1 the host of a 227 is not connected to", run.status == 0 and run.new == ["a"], run)
    run = to(Server({"EPSV": b"500 no\r\n", "PASV": b"227 ok (127,0,0,9,%d,%d)\r\n" % (here, there), "PORT": b"500 no\r\n"}),
             "get a", home)
    try:
        third.accept()
        touched = True
    except TimeoutError:
        touched = False
    check("C1 nor is its port on that host", not touched and run.status != 0 and run.new == [], run)
    third.close()


def c2(home):
    server = Server()
    run = Run(server, "ftp://ana:x@127.0.0.1:{port}/%7Ctouch%20owned", home=home)
    check("C2 a command in an address is a file", run.status == 0 and run.new == ["|touch owned"], run)
    run = to(Server(), "get '|touch owned'", home)
    check("C2 nor does a remote name run", run.status == 0 and "owned" not in os.listdir(home), run)


def c3(home):
    os.mkdir(home + "/in")
    names = b"../x\r\n/abs\r\na/../../b\r\n..\r\n.netrc\r\nC:\\x/y\r\ngood\r\nother.txt\r\n"
    inside = Server({"NLST": lambda s, _: s.__class__.send_names(s, names)})
    os.symlink("../escaped", home + "/in/good.part")
    run = to(inside, "lcd in; mget *d", home, "-i")
    check("C3 a link that lies there is not followed", run.status != 0 and not os.path.exists(home + "/escaped"), run)
    os.unlink(home + "/in/good.part")
    run = to(Server({"NLST": lambda s, _: s.__class__.send_names(s, names)}), "lcd in; mget *", home, "-i")
    asked = sorted(line for line in run.seen if line.startswith("RETR"))
    check("C3 mget takes names of that directory only", asked == ["RETR good", "RETR other.txt"]
          and sorted(os.listdir(home + "/in")) == ["good", "other.txt"] and run.new == [], run)
    run = to(Server({"NLST": lambda s, _: s.__class__.send_names(s, names)}), "lcd in; mget g*", home, "-i")
    check("C3 and those that were asked for", [line for line in run.seen if line.startswith("RETR")] == ["RETR good"], run)
    feat = b"211-here\r\n MLST type*;size*;\r\n211 end\r\n"
    facts = b"".join(b"type=file;size=5000; %s\r\n" % n for n in names.split(b"\r\n") if n) + b"type=dir; god\r\n"
    run = Run(Server({"FEAT": feat, "MLSD": lambda s, _: s.send_names(facts)}), "-i", "-e", "lcd in; mget *d; ls --json",
              "127.0.0.1", "{port}", home=home)
    check("C3 MLSD has no more power than NLST, and says what no file is", b"RETR good" in "\n".join(run.seen).encode()
          and [line for line in run.seen if line.startswith("RETR")] == ["RETR good"] and run.new == []
          and run.err.count(b"refused the name") == 8, run)
    listed = json.loads(run.out[run.out.index(b"["):])
    check("a listing for programs has what may be used only", run.status == 5
          and [e["name"] for e in listed] == [".netrc", "good", "other.txt", "god"] and listed[1]["size"] == 5000, run)


def send_names(server, names):
    whole, server.data = server.data, names
    answer = server.send_data()
    server.data = whole
    return answer


Server.send_names = send_names


def c4(home):
    server = Server()
    run = Run(server, "ftp://ana:x@127.0.0.1:{port}/a%0d%0aDELE%20b", home=home)
    check("C4 a line end in an address is refused", run.status == 7 and run.seen == [], run)
    run = to(Server(), "delete 'a\rDELE b'; pwd", home)
    check("C4 and one in an argument", run.status == 5 and "DELE" not in verbs(run), run)


def c5(home, context):
    run = to(Server({"AUTH": b"234 go\r\n230 in\r\n"}, context=context), "get a", home, "--tls=required", "--insecure")
    check("C5 what was sent in clear is not taken for TLS's", run.status == 9 and verbs(run) == ["AUTH"], run)


def c6(home):
    for what, server in (("502", Server()), ("421", Server({"AUTH": b"421 no\r\n"})),
                         ("a 230 for a greeting", Server(greeting=b"230 in\r\n"))):
        run = to(server, "get a", home, "--tls=required")
        check(f"C6 without TLS no user is named: {what}", run.status == 9 and not {"USER", "PASS"} & set(verbs(run)), run)


def c7(home):
    def flood(start, piece):
        def send(server, _):
            server.sock.sendall(start)
            for _ in range(200):
                server.sock.sendall(piece)
            return b""
        return send
    for what, say in (("a reply of many lines", flood(b"200-x\r\n", b"200-x\r\n" * 10000)),
                      ("a line", flood(b"200 ", b"x" * 100000)), ("a line without a code", flood(b"", b"x" * 100000))):
        run = to(Server({"NOOP": say}), "noop", home)
        check(f"C7 {what} without end is an error", run.status == 1, run)
    run = to(Server(data=b"x" * 5000000), "ls", home)
    check("C7 a listing of one endless line too", run.status == 3 and len(run.out) < 1000000, run)


def c8(home):
    run = to(Server({"PWD": b'257 "/a\r\n'}), "pwd; noop", home)
    check("C8 a 257 without its second quote", run.status == 0 and b'257 "/a' in run.out, run)


def c9(home):
    bad = b"\x1b]0;owned\x07\x9b31m\xc2\x9b"
    run = to(Server(data=bad + b"\r\n", greeting=b"220 " + bad + b"\r\n"), "ls", home)
    seen = run.out + run.err
    check("C9 no control of the server reaches the screen", run.status == 0 and b"\\x1b]0;owned" in seen
          and not any(c in seen for c in (b"\x1b", b"\x07", b"\x9b")), run)
    send = lambda s, _: s.send_data()
    run = to(Server({"MLSD": send}, data=bad + b"\r\nlast" + bad), "page a; more a; less a; pls; pdir; pmlsd", home)
    check("C9 nor by way of a pager", run.status == 0 and run.out.count(b"\\x1b]0;owned") == 12
          and not any(c in run.out for c in (b"\x1b", b"\x07", b"\x9b")), run)


def c10(home):
    def stolen(server, arg):
        parts = arg.split(",")
        server.active = ("127.0.0.1", int(parts[4]) * 256 + int(parts[5]))
        thief = socket.socket()
        thief.bind(("127.0.0.7", 0))
        thief.connect(server.active)
        thief.sendall(b"stolen")
        thief.close()
        return b"200 ok\r\n"
    run = to(Server({"PORT": stolen}), "get a", home, "-A")
    good = run.status == 0 and run.new == ["a"] and open(home + "/a", "rb").read() == TEXT
    check("C10 an active connection comes from the server", good, run)


def c11(home, context):
    secure = ("--tls=required", "--insecure")
    run = to(Server(context=context, cut=True), "get a", home, *secure)
    check("C11 data that end without close_notify are not whole", run.status == 3 and run.new == ["a.part"], run)
    os.unlink(home + "/a.part")
    run = to(Server({"SIZE": b"213 6000\r\n"}), "get a", home)
    check("C11 nor are those that are too short", run.status == 3 and run.new == ["a.part"], run)

    def rest(server, arg):
        server.data = TEXT[int(arg):]
        return b"350 ok\r\n"
    with open(home + "/a.part", "r+b") as part:
        part.truncate(1234)
    run = to(Server({"REST": rest, "SIZE": b"213 5000\r\n"}), "reget a", home)
    good = run.status == 0 and open(home + "/a", "rb").read() == TEXT and "REST 1234" in run.seen
    check("C11 and reget goes on with what there is", good and not os.path.exists(home + "/a.part"), run)
    run = to(Server({"RETR": lambda s, _: s.send_data() and b"426 cut\r\n"}), "get b", home)
    check("C11 a 426 behind all octets is a failure", run.status != 0 and run.new == ["b.part"], run)


def c12(home, context, authority, wrong):
    with_authority = ("--tls=required", "--ca", authority)
    run = to(Server(context=wrong), "get a", home, *with_authority)
    check("C12 a certificate for another host is refused", run.status == 9 and "USER" not in verbs(run), run)
    run = to(Server(context=context), "get a", home, "--tls=required")
    check("C12 and one that nobody known has signed", run.status == 9 and "USER" not in verbs(run), run)
    server = Server(context=context)
    run = to(server, "get a", home, *with_authority)
    check("C12 data resume the session of the control connection", run.status == 0 and server.resumed == [True], run)
    server = Server(context=context)
    with open(home + "/up", "wb") as out:
        out.write(TEXT * 100)
    run = to(server, "put up", home, *with_authority)
    check("C12 an upload under TLS arrives whole", run.status == 0 and server.stored == TEXT * 100, run)
    server = Server(context=context, implicit=True)
    run = Run(server, "--ca", authority, "-o", "out", "ftps://ana:x@127.0.0.1:{port}/a", home=home)
    check("C12 ftps is TLS from the first octet", run.status == 0 and run.new == ["out"] and "AUTH" not in verbs(run), run)


def certificate(folder, name, alternative):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternative}", "-keyout", f"{folder}/{name}.key",
                    "-out", f"{folder}/{name}.pem"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
    return context


def main():
    keys = tempfile.mkdtemp(prefix="posada-ftp-keys-")
    context, wrong = certificate(keys, "right", "IP:127.0.0.1"), certificate(keys, "wrong", "DNS:other.example")
    shutil.copy(f"{keys}/right.pem", f"{keys}/all.pem")
    with open(f"{keys}/wrong.pem") as more, open(f"{keys}/all.pem", "a") as out:
        out.write(more.read())
    rows = (honest, asked, c1, c2, c3, c4, lambda h: c5(h, context), c6, c7, c8, c9, c10, lambda h: c11(h, context),
            lambda h: c12(h, context, f"{keys}/all.pem", wrong))
    for row in rows:
        home = tempfile.mkdtemp(prefix="posada-ftp-")
        row(home)
        shutil.rmtree(home)
    shutil.rmtree(keys)
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    return counts["failed"] != 0


if __name__ == "__main__":
    sys.exit(main())
