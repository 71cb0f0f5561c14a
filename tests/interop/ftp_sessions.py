#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A real ftpd: what clients do (ftplib, curl, lftp) and what must not work, by the names of the vulnerabilities (R1 ...).
Every test ends with another session that works."""
import ftplib
import hashlib
import io
import os
import random
import re
import socket
import ssl
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Demo, children, run_tests, wait_until  # noqa: E402
from ftp_daemon import Reusing  # noqa: E402

USER, OTHER = "daniel", "lir"


def top(user=USER):
    return f"{demo.endpoints['ftp_root']}/{user}"


opened = []  # by the test that runs


def login(user=USER, port=None):
    ftp = ftplib.FTP(timeout=20)
    opened.append(ftp)
    ftp.connect("127.0.0.1", port or demo.port("ftp"))
    ftp.login(user, demo.passwords[user])
    return ftp


def store(ftp, name, data, command="STOR"):
    return ftp.storbinary(f"{command} {name}", io.BytesIO(data))


def fetch(ftp, name, rest=None):
    out = []
    ftp.retrbinary(f"RETR {name}", out.append, rest=rest)
    return b"".join(out)


def refused(ftp, command, codes="45"):
    try:
        answer = ftp.sendcmd(command)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        answer = str(error)
    assert answer[0] in codes, f"{command}: {answer}"
    return answer


def raw():
    s = socket.create_connection(("127.0.0.1", demo.port("ftp")), 20)
    opened.append(s)
    f = s.makefile("rb")
    assert f.readline().startswith(b"220 ")
    return s, f


def another_session_works():
    ftp = login(OTHER)
    store(ftp, "other.bin", b"other")
    assert fetch(ftp, "other.bin") == b"other"
    ftp.quit()


def tls_login(kind=Reusing, version=None):
    context = demo.tls()
    if version:
        context.minimum_version = context.maximum_version = version
    ftp = kind(context=context, timeout=20)
    opened.append(ftp)
    ftp.connect("127.0.0.1", demo.port("ftp"))
    ftp.login(USER, demo.passwords[USER])
    ftp.prot_p()
    return ftp


# ---- what clients do

def test_files_go_there_and_back():
    ftp = login()
    data = os.urandom(3_000_000)
    assert store(ftp, "a.bin", data).startswith("226")
    assert fetch(ftp, "a.bin") == data
    assert fetch(ftp, "a.bin", rest=2_999_990) == data[-10:]
    assert ftp.size("a.bin") == len(data)
    ftp.set_pasv(False)
    assert fetch(ftp, "a.bin") == data
    assert store(ftp, "b.bin", data).startswith("226")
    ftp.quit()


def test_text_is_converted_both_ways():
    ftp = login()
    ftp.storlines("STOR t.txt", io.BytesIO(b"one\ntwo\r\nthree\n"))
    assert open(f"{top()}/t.txt", "rb").read() == b"one\ntwo\nthree\n"
    lines = []
    ftp.retrlines("RETR t.txt", lines.append)
    assert lines == ["one", "two", "three"]
    refused(ftp, "SIZE t.txt", "5")


def test_listings_of_every_kind():
    ftp = login()
    ftp.mkd("dir")
    store(ftp, "dir/x", b"12345")
    assert ftp.nlst("dir") == ["dir/x"]
    assert dict(ftp.mlsd("dir"))["x"]["size"] == "5"
    lines = []
    ftp.dir("-la dir", lines.append)
    assert re.fullmatch(r"-rw-r--r-- +1 daniel +\d+ +5 \w{3} [ \d]\d \d\d:\d\d x", lines[0]), lines
    assert " type=file;size=5;" in ftp.sendcmd("MLST dir/x")
    assert " 5 " in ftp.sendcmd("STAT dir")
    refused(ftp, "LIST nothing")
    ftp.delete("dir/x")
    ftp.rmd("dir")


def cpu_seconds():
    """Of all daemons and the sessions that run."""
    ticks = 0
    for pid in children(demo.process.pid):
        with open(f"/proc/{pid}/stat") as f:
            ticks += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def test_patterns_are_cheap_and_list_one_directory_R7():
    ftp = login()
    ftp.mkd("globs")
    ftp.mkd("globs/below")
    for name in ("a.txt", "b.txt", "c.dat", ".hidden.txt", "below/d.txt", "[x]"):
        store(ftp, f"globs/{name}", b"1")
    assert ftp.nlst("globs/*.txt") == ["globs/a.txt", "globs/b.txt"]
    assert ftp.nlst("globs/[ab].t?t") == ["globs/a.txt", "globs/b.txt"]
    assert ftp.nlst("globs/.*") == ["globs/.hidden.txt"]
    assert ftp.nlst("globs/[x]") == ["globs/[x]"], "a file that is called so"
    assert ftp.nlst("globs/no*") == [] and "c.dat" in ftp.sendcmd("STAT globs/c*")
    ftp.cwd("globs")
    lines = []
    ftp.dir("*.dat", lines.append)
    assert len(lines) == 1 and lines[0].endswith(" c.dat"), lines
    for i in range(2_000):
        with open(f"{top()}/globs/below/{'a' * 200}{i}", "w"):
            pass
    before = cpu_seconds()
    for hostile in ("*/../*/../*/../*", "{a,b}" * 40, "~{", "[", "below/" + "*a" * 100 + "b", "*" * 2_000, "~*", "?*" * 900):
        try:
            ftp.nlst(hostile)
        except ftplib.error_perm as error:
            assert str(error).startswith("550"), error
    used = cpu_seconds() - before
    assert used < 1.0, f"{used} s"
    ftp.quit()


def test_names_are_bytes_and_cannot_forge_lines_R14():
    name = "ñ\xff \"quoted\""
    os.makedirs(top(), exist_ok=True)
    ftp = login()
    ftp.encoding = "latin-1"
    wire = name.encode("utf-8", "surrogateescape").decode("latin-1")
    store(ftp, wire, b"x")
    assert wire in ftp.nlst()
    ftp.delete(wire)
    evil = f"{top()}/a\r\n226 forged\x1b[2J".encode()
    open(evil, "wb").close()
    for command in ("LIST", "NLST", "MLSD"):
        lines = []
        ftp.retrlines(command, lines.append)
        assert not any(line.startswith("226") or "\x1b" in line for line in lines), lines
    assert "\n226" not in ftp.sendcmd("STAT .")
    os.unlink(evil)


def test_changes_of_files():
    ftp = login()
    store(ftp, "a.bin", b"a")
    ftp.rename("a.bin", "c.bin")
    store(ftp, "a.bin", b"b")
    ftp.sendcmd("RNFR a.bin")
    refused(ftp, "RNTO c.bin", "5")
    assert fetch(ftp, "c.bin") == b"a"
    assert ftp.sendcmd("MFMT 20200102030405 c.bin").startswith("213")
    assert ftp.sendcmd("MDTM c.bin") == "213 20200102030405"
    for bad in ("MFMT 00000000000000 c.bin", "MFMT 20201301000000 c.bin", "MFMT -1 c.bin", "SITE UTIME 99999 c.bin"):
        refused(ftp, bad, "5")


def test_curl_with_tls_and_without():
    ca, port = demo.endpoints["ca_file"], demo.port("ftp")
    user = f"{USER}:{demo.passwords[USER]}"
    for version in ("1.2", "1.3"):
        out = subprocess.run(["curl", "-sS", "--ssl-reqd", "--cacert", ca, f"--tlsv{version}", "--tls-max", version,
                              "-u", user, "-T", "-", f"ftp://127.0.0.1:{port}/curl-{version}.txt"],
                             input=b"Hola\n", capture_output=True, timeout=60)
        assert out.returncode == 0, out.stderr
        out = subprocess.run(["curl", "-sS", "--cacert", ca, "-u", user,
                              f"ftps://127.0.0.1:{demo.port('ftps')}/curl-{version}.txt"], capture_output=True, timeout=60)
        assert out.stdout == b"Hola\n", out.stderr
    out = subprocess.run(["curl", "-sS", "-P", "-", "-u", user, f"ftp://127.0.0.1:{port}/curl-1.3.txt"],
                         capture_output=True, timeout=60)
    assert out.stdout == b"Hola\n", out.stderr


def test_our_ftp():
    script = f"open 127.0.0.1 {demo.port('ftp')}\nuser {OTHER} {demo.passwords[OTHER]}\nls\nbye\n"
    out = subprocess.run([os.path.join(os.path.dirname(demo_program()), "ftp"), "-n"], input=script.encode(),
                         capture_output=True, timeout=60)
    assert out.returncode == 0 and b"other.bin" in out.stdout, out.stdout + out.stderr


def demo_program():
    return os.path.realpath(f"/proc/{demo.process.pid}/exe")


def test_the_dialog_of_a_course():
    s, f = raw()

    def say(line):
        s.sendall(line.encode() + b"\r\n")
        lines = [f.readline().decode()]
        while lines[-1][3] == "-" or not lines[-1][:3].isdigit():
            lines.append(f.readline().decode())
        return lines

    assert say(f"user {USER}") == [f"331 Password required for {USER}.\r\n"]
    assert say(f"pass {demo.passwords[USER]}") == [f"230 User {USER} logged in.\r\n"]
    assert say("syst") == ["215 UNIX Type: L8\r\n"]
    say("mkd tesis")
    assert say("cwd tesis") == ["250 CWD command successful.\r\n"]
    with socket.create_server(("127.0.0.1", 0)) as data:
        p = data.getsockname()[1]
        assert say(f"port 127,0,0,1,{p >> 8},{p & 255}") == ["200 PORT command successful.\r\n"]
        assert say("list") == ["150 Opening ASCII mode data connection for file list.\r\n"]
        data.accept()[0].close()
        assert f.readline() == b"226 Transfer complete.\r\n"
    end = say("quit")
    assert end[0].startswith("221-You have transferred 0 bytes") and end[-1] == "221 Goodbye.\r\n", end


# ---- promises

def test_an_upload_that_breaks_off_replaces_nothing():
    ftp = login()
    store(ftp, "old.bin", b"old" * 1000)
    with_data = ftp.transfercmd("STOR old.bin")
    with_data.sendall(b"new" * 100)
    with_data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with_data.close()  # a reset
    try:
        answer = ftp.voidresp()
    except ftplib.error_temp as error:
        answer = str(error)
    assert answer.startswith("426"), answer
    assert fetch(ftp, "old.bin") == b"old" * 1000
    assert not [n for n in os.listdir(top()) if n.startswith(".posada")], os.listdir(top())


def test_abor_and_stat_during_a_transfer():
    ftp = login()
    conn = ftp.transfercmd("STOR abor.bin")
    conn.sendall(b"x" * 10000)
    wait_until(lambda: " 10000 bytes" in ftp.sendcmd("STAT"))
    ftp.putcmd("NOOP")
    assert ftp.getresp().startswith("200")
    ftp.sock.sendall(b"\xff\xf4\xff")
    ftp.sock.send(b"\xf2", socket.MSG_OOB)
    ftp.sock.sendall(b"ABOR\r\n")
    try:
        first = ftp.getresp()
    except ftplib.error_temp as error:
        first = str(error)
    assert first.startswith("426"), first
    assert ftp.getresp().startswith("226")
    conn.close()
    assert open(f"{top()}/abor.bin", "rb").read() == b"x" * 10000  # kept, so that it can be gone on with
    assert store(ftp, "abor.bin", b"yz", "APPE").startswith("226")
    assert ftp.size("abor.bin") == 10002


def test_cuts_at_random_places_and_going_on_gives_the_same_bytes():
    ftp = login()
    ftp.voidcmd("TYPE I")
    rng = random.Random(5)
    data = rng.randbytes(200_000)
    want = hashlib.sha256(data).digest()
    for n in range(20):
        name = f"cut{n}.bin"
        done = 0
        while done < len(data):
            piece = data[done:done + rng.randrange(1, len(data))]
            if rng.random() < 0.5:
                ftp.close()
                ftp = login()
                ftp.voidcmd("TYPE I")
            conn = ftp.transfercmd(f"STOR {name}", rest=done) if done else ftp.transfercmd(f"STOR {name}")
            conn.sendall(piece)
            if done + len(piece) < len(data):
                ftp.sock.sendall(b"ABOR\r\n")
                for _ in range(2):
                    try:
                        ftp.getresp()
                    except ftplib.error_temp:
                        pass
                conn.close()
            else:
                conn.close()
                ftp.voidresp()
            done = ftp.size(name) if os.path.exists(f"{top()}/{name}") else 0
        assert hashlib.sha256(open(f"{top()}/{name}", "rb").read()).digest() == want, name
        ftp.delete(name)


def test_the_agent_killed_in_an_upload_never_226():
    ftp = login()
    conn = ftp.transfercmd("STOR killed.bin")
    conn.sendall(b"x" * 1000)
    wait_until(lambda: " 1000 bytes" in ftp.sendcmd("STAT"))
    agents = [pid for pid in children(demo.process.pid)
              if b"[agent]" in open(f"/proc/{pid}/cmdline", "rb").read() and b"ftpd" in open(f"/proc/{pid}/cmdline", "rb").read()]
    for pid in agents:
        os.kill(pid, 9)
    conn.close()
    try:
        answer = ftp.getresp()
    except (ftplib.Error, EOFError) as error:
        answer = str(error)
    assert not answer.startswith("2"), answer
    assert not os.path.exists(f"{top()}/killed.bin")


# ---- what must not work

def test_bounce_R1():
    ftp = login()
    with socket.create_server(("127.0.0.1", 0)) as mine:
        p = mine.getsockname()[1]
        for command in (f"PORT 127,0,0,2,{p >> 8},{p & 255}", "PORT 127,0,0,1,0,25", f"PORT 10,0,0,1,{p >> 8},{p & 255}",
                        f"EPRT |1|127.0.0.2|{p}|", "EPRT |1|127.0.0.1|25|", f"EPRT |2|::ffff:127.0.0.1|{p}|",
                        f"EPRT |2|::1|{p}|", "PORT 1,2,3", "PORT 127,0,0,1,256,1", "EPRT ||||", "EPRT |3|x|1|"):
            refused(ftp, command, "5")
        # R2: what was good before is void.
        ftp.sendcmd(f"PORT 127,0,0,1,{p >> 8},{p & 255}")
        refused(ftp, "PORT 127,0,0,2,200,1", "5")
        assert refused(ftp, "LIST").startswith("425")


def test_a_stranger_at_the_data_port_is_turned_away_R3():
    ftp = login()
    store(ftp, "mine.txt", b"mine")
    host, port = ftp.makepasv()
    thief = socket.socket()
    thief.bind(("127.0.0.2", 0))
    thief.connect((host, port))
    assert thief.recv(10) == b""
    conn = socket.create_connection((host, port))
    assert ftp.sendcmd("RETR mine.txt")[0] == "1"
    assert conn.recv(100) == b"mine"
    conn.close()
    assert ftp.voidresp().startswith("226")
    wait_until(lambda: "data-stranger" in demo.log())
    ports = []
    for _ in range(50):
        ports.append(ftp.makepasv()[1])
    assert len(set(ports)) > 40 and sum(b == a + 1 for a, b in zip(ports, ports[1:])) < 5, ports


def test_only_the_port_that_was_told_last_is_open_R3():
    ftp = login()
    ports = [ftp.makepasv()[1] for _ in range(12)]  # the later ones come out of a reserve
    socket.create_connection(("127.0.0.1", ports[-1])).close()
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert not [port for port in ports[:-1] if f"0100007F:{port:04X}" in listening], (ports, listening)
    ftp.quit()


def test_a_tls_session_of_its_own_gets_no_data_R4():
    ftp = tls_login()
    store(ftp, "secret.txt", b"secret")
    ftp.quit()
    thief = tls_login(ftplib.FTP_TLS)  # which does not resume
    for command in ("RETR secret.txt", "STOR secret.txt"):
        try:
            conn = thief.transfercmd(command)
            assert conn.recv(100) == b""
            conn.close()
        except (ssl.SSLError, OSError):
            pass
        try:
            answer = thief.getresp()
        except (ftplib.error_perm, ftplib.error_temp) as error:
            answer = str(error)
        assert answer.startswith("522") and "tls_session_reuse" in answer, answer
    assert open(f"{top()}/secret.txt", "rb").read() == b"secret"


def test_data_connections_resume_in_tls_1_2_and_1_3():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        ftp = tls_login(version=version)
        data = os.urandom(500_000)
        for n in range(6):  # each takes a ticket
            assert store(ftp, f"tls{n}.bin", data).startswith("226")
        assert fetch(ftp, "tls5.bin") == data
        assert len(ftp.nlst()) >= 6
        ftp.quit()


def test_truncated_tls_is_no_whole_file_R20():
    ftp = tls_login()
    conn = ftp.transfercmd("STOR trunc.bin")
    conn.sendall(b"half")
    raw_socket = socket.socket(fileno=conn.detach())
    raw_socket.shutdown(socket.SHUT_WR)
    try:
        answer = ftp.voidresp()
    except ftplib.error_temp as error:
        answer = str(error)
    raw_socket.close()
    assert answer.startswith("426"), answer


def test_epsv_all_is_for_good_R5():
    ftp = login()
    ftp.sendcmd("EPSV ALL")
    for command in ("PASV", "PORT 127,0,0,1,200,1", "EPRT |1|127.0.0.1|51201|"):
        refused(ftp, command, "5")
    assert ftp.sendcmd("EPSV").startswith("229")
    ftp.sendcmd("ABOR")
    refused(ftp, "PASV", "5")


def test_pasv_two_thousand_times_R6():
    ftp = login()
    for _ in range(2000):
        ftp.sendcmd("PASV")
    ftp.sendcmd("NOOP")
    ftp.quit()


def test_before_login_nothing_works_R9():
    s, f = raw()
    verbs = ("CWD /", "PWD", "LIST", "RETR x", "STOR x", "DELE x", "SITE CHMOD 777 x", "SITE CPFR /etc/passwd", "PASV",
             "PORT 127,0,0,1,200,1", "MKD x", "RNTO x", "SIZE x", "REST 1", "MLSD", "TYPE I")
    for verb in verbs[:9]:
        s.sendall(verb.encode() + b"\r\n")
        assert f.readline()[:3] in (b"530", b"503", b"500"), verb
    s.close()


def test_long_and_broken_lines_R10_R11_R12_R13():
    s, f = raw()
    s.sendall(b"NOOP\xff\xf1\r\n\r\n\n" + b"\xff\xfd\x01NOOP\r\n")
    assert f.readline().startswith(b"200") and f.readline().startswith(b"200")
    s.sendall(b"\xe3\xe3\xe3\r\nNO\0OP\r\nNO\rOP\r\n")
    assert [f.readline()[:3] for _ in range(3)] == [b"500"] * 3
    s.sendall(b"A" * 100_000 + b"\r\nUSER x\r\n")
    assert f.readline().startswith(b"500")
    assert f.readline() == b""


def test_plaintext_behind_auth_is_never_obeyed_R15():
    s, f = raw()
    s.sendall(b"AUTH TLS\r\nUSER " + USER.encode() + b"\r\nPASS x\r\n")
    assert f.readline().startswith(b"234")
    assert b"331" not in f.read()


def test_alpn_of_others_R16():
    context = demo.tls()
    context.set_alpn_protocols(["http/1.1"])
    try:
        with socket.create_connection(("127.0.0.1", demo.port("ftps"))) as s:
            context.wrap_socket(s, server_hostname="127.0.0.1")
        raise AssertionError("a browser was let in")
    except ssl.SSLError:
        pass


def test_offsets_R21():
    ftp = login()
    store(ftp, "ten.bin", b"0123456789")
    for bad in ("REST -1", "REST 9223372036854775808", "REST 18446744073709551615", "REST 1e9", "REST " + "9" * 30):
        refused(ftp, bad, "5")
    ftp.sendcmd("TYPE I")
    ftp.sendcmd("PASV")
    ftp.sendcmd("REST 11")
    refused(ftp, "STOR ten.bin", "5")
    ftp.sendcmd("PASV")
    ftp.sendcmd("REST 11")
    refused(ftp, "RETR ten.bin", "5")
    assert open(f"{top()}/ten.bin", "rb").read() == b"0123456789"
    refused(ftp, "ALLO -1", "5")
    refused(ftp, "ALLO 99999999999999999999999", "5")
    assert refused(ftp, "ALLO 9000000000000000000", "5").startswith("552")


def test_nothing_above_the_top_R25_R26():
    ftp = login()
    os.makedirs(f"{top()}/in", exist_ok=True)
    for name, target in (("etc", "/etc"), ("up", ".."), ("upup", "../../../../etc/passwd"), ("in/up", "../../" + OTHER)):
        if not os.path.lexists(f"{top()}/{name}"):
            os.symlink(target, f"{top()}/{name}")
    another_session_works()  # lir has files now
    for path in ("../../../etc/passwd", "/..//etc/passwd", "etc/passwd", "upup", "in/up/other.bin", "up/lir/other.bin"):
        ftp.sendcmd("PASV")
        refused(ftp, f"RETR {path}", "5")
        ftp.sendcmd("PASV")
        refused(ftp, f"STOR {path}", "5")
        refused(ftp, f"DELE {path}/x", "5")
    for path in ("etc", "up", "in/up", "~root"):
        refused(ftp, f"CWD {path}", "5")
    assert ftp.sendcmd("CWD ../../..") and ftp.pwd() == "/"


def test_special_files_and_odd_targets_R23_R24():
    ftp = login()
    os.mkfifo(f"{top()}/fifo")
    os.makedirs(f"{top()}/adir", exist_ok=True)
    for command in ("RETR fifo", "STOR fifo", "RETR adir", "STOR adir", "STOR adir/", "STOR no/such/dir", "APPE adir"):
        ftp.sendcmd("PASV")
        refused(ftp, command, "5")
    os.unlink(f"{top()}/fifo")


def test_modes_never_give_rights_away_R39():
    ftp = login()
    store(ftp, "m.bin", b"x")
    ftp.sendcmd("SITE CHMOD 4777 m.bin")
    assert os.stat(f"{top()}/m.bin").st_mode & 0o7777 == 0o777
    ftp.sendcmd("SITE UMASK 077")
    store(ftp, "n.bin", b"x")
    assert os.stat(f"{top()}/n.bin").st_mode & 0o777 == 0o600


def test_percent_signs_are_letters_R31():
    ftp = login()
    for verb in ("CWD", "DELE", "SIZE", "MDTM", "RNFR", "SITE EXEC", "SITE HELP", "HELP", "OPTS", "MKD", "RMD"):
        try:
            ftp.sendcmd(f"{verb} %s%n%x%x%s")
        except ftplib.Error:
            pass


def test_an_abort_storm_R32():
    ftp = login()
    store(ftp, "big.bin", b"x" * 2_000_000)
    for n in range(100):
        conn = ftp.transfercmd("RETR big.bin")
        if n % 2:
            conn.recv(1000)
        conn.close()
        try:
            ftp.getresp()
        except ftplib.Error:
            pass
    assert len(fetch(ftp, "big.bin")) == 2_000_000


def test_three_failures_end_it_R34():
    s, f = raw()
    codes = []
    for user in (USER, "nobody-here", USER):
        s.sendall(f"USER {user}\r\nPASS wrong\r\n".encode())
        assert f.readline() == f"331 Password required for {user}.\r\n".encode()
        codes.append(f.readline()[:3])
    assert codes[:2] == [b"530", b"530"] and codes[2] == b"421", codes


def with_another_session(test):
    def run():
        try:
            test()
        finally:
            while opened:
                opened.pop().close()
        another_session_works()
    return run


if __name__ == "__main__":
    with Demo() as demo:
        tests = {name[5:]: with_another_session(test) for name, test in list(globals().items()) if name.startswith("test_")}
        sys.exit(run_tests(tests, sys.argv[1:]))
