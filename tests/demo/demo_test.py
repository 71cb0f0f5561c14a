#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The demo contract: what `posada demo` writes, prints, runs, and leaves behind."""
import contextlib
import glob
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import POSADA, Demo, Skip, children, process_gone, run_tests, wait_until  # noqa: E402
from ports import bindable  # noqa: E402

NOBODY = pwd.getpwnam("nobody").pw_uid


def as_nobody():
    """The words in front of a command that make it run without root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]


def unprivileged_dir():
    path = tempfile.mkdtemp(prefix="posada-test-")
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    return path


def pasted_lines(output):
    """The shell lines of the demo's output, without comments: service name -> line."""
    lines, name = {}, None
    for line in output.splitlines():
        if line.startswith("# "):
            name = line[2:].split(":")[0]
        elif name and line.strip() and not line.startswith("^C"):
            lines.setdefault(name, line)
    return lines


def test_endpoints_are_complete_and_answer():
    with Demo() as demo:
        services = demo.endpoints["services"]
        assert set(services) == {"smtp", "submission", "submissions", "pop3", "pop3s", "ftp", "ftps"}, services
        for name, at in services.items():
            s = socket.create_connection((at["host"], at["port"]), timeout=10)
            if at["tls"] == "implicit":
                s = demo.tls().wrap_socket(s, server_hostname="localhost")
            else:
                assert at["tls"] == "starttls"
            assert s.recv(4) in (b"220 ", b"+OK "), name
        assert demo.endpoints["domain"] == "micasa.test"
        assert [u["name"] for u in demo.endpoints["users"]] == ["daniel", "lir"]
        for key in ("ca_file", "control_socket", "log_file", "maildir_root"):
            assert os.path.exists(demo.endpoints[key]), key
        assert os.path.exists(f"{demo.dir}/ready")


def test_classroom_passwords_and_random_ones():
    with Demo() as demo:
        assert demo.passwords == {"daniel": "hungry", "lir": "pamplona"}
    with Demo(classroom=False) as demo:
        first = demo.passwords
        assert all(len(p) >= 10 for p in first.values()) and len(set(first.values())) == 2
    with Demo(classroom=False) as demo:
        assert not set(demo.passwords.values()) & set(first.values())


def test_every_printed_line_works_when_pasted():
    with Demo() as demo:
        lines = pasted_lines(demo.output)
        assert {"smtp", "submission", "submissions", "pop3", "pop3s", "ftp", "ftps", "by hand", "what runs"} <= set(lines), lines
        expected = 0
        for name in ("smtp", "submission", "submissions"):
            done = subprocess.run(lines[name], shell=True, capture_output=True, text=True, timeout=30, check=False)
            assert done.returncode == 0, (name, lines[name], done.stderr)
            expected += 1
            wait_until(lambda: len(demo.mails("lir")) == expected, why=f"{name}: no mail")
        for name in ("pop3", "pop3s"):
            done = subprocess.run(lines[name], shell=True, capture_output=True, text=True, timeout=30, check=False)
            assert done.returncode == 0 and done.stdout.split()[0] == "1", (name, done.stdout, done.stderr)
            assert len(done.stdout.splitlines()) == 3, done.stdout
        done = subprocess.run(lines["ftp"], shell=True, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        assert open(f"{demo.endpoints['ftp_root']}/daniel/hola.txt", encoding="ascii").read() == "Hola\n"
        done = subprocess.run(lines["ftps"], shell=True, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0 and done.stdout.endswith(" hola.txt\n"), (done.stdout, done.stderr)
        status = subprocess.run(lines["what runs"], shell=True, capture_output=True, text=True, timeout=30, check=False)
        assert status.returncode == 0 and "isolation:" in status.stdout, status
        assert lines["by hand"].startswith("telnet 127.0.0.1 "), lines["by hand"]


def test_stop_leaves_no_process():
    for how in (signal.SIGINT, signal.SIGTERM):
        demo = Demo()
        demo.start()
        pids = children(demo.process.pid)
        assert len(pids) >= 8, pids  # posadad, four launchers, and what each started
        begun = time.monotonic()
        assert demo.stop(how) == 0
        assert time.monotonic() - begun < 8
        assert all(process_gone(pid) for pid in pids)
        assert not os.path.exists(f"{demo.dir}/ready") and not os.path.exists(f"{demo.dir}/endpoints.json")
        assert not glob.glob(f"{demo.dir}/run/*")
        shutil.rmtree(demo.dir)


def test_stop_with_clients_connected():
    demo = Demo()
    demo.start()
    clients = [socket.create_connection(("127.0.0.1", demo.port(name))) for name in ("smtp", "submission", "pop3", "pop3s")]
    pids = children(demo.process.pid)
    assert demo.stop() == 0
    assert all(process_gone(pid) for pid in pids)
    assert len(clients) == 4
    shutil.rmtree(demo.dir)


def test_killed_demo_takes_its_services_with_it():
    demo = Demo()
    demo.start()
    pids = children(demo.process.pid)
    demo.process.kill()
    demo.process.wait()
    wait_until(lambda: all(process_gone(pid) for pid in pids), 20)
    shutil.rmtree(demo.dir)


def test_temporary_directory_is_removed_unless_kept():
    with tempfile.TemporaryDirectory(prefix="posada-tmp-") as tmp:
        os.chmod(tmp, 0o755)
        for keep in (False, True):
            reader, writer = os.pipe()
            process = subprocess.Popen([POSADA, "demo", "--base-port", "0", "--ready-fd", str(writer), *(["--keep"] if keep else [])],
                                       pass_fds=[writer], stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": tmp})
            os.close(writer)
            assert os.read(reader, 1) == b"\n"
            os.close(reader)
            assert len(os.listdir(tmp)) == 1, os.listdir(tmp)
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
            assert len(os.listdir(tmp)) == (1 if keep else 0), os.listdir(tmp)


def test_second_start_finds_the_mail_of_the_first():
    directory = tempfile.mkdtemp(prefix="posada-test-")
    try:
        with Demo("--keep", directory=directory) as demo:
            subprocess.run(pasted_lines(demo.output)["smtp"], shell=True, check=True, timeout=30)
            demo.wait_for_mail("lir", "Hola")
        with Demo("--keep", directory=directory) as demo:
            assert len(demo.mails("lir")) == 1
            listing = subprocess.run(pasted_lines(demo.output)["pop3"], shell=True, capture_output=True, text=True, check=True)
            assert listing.stdout.startswith("1 "), listing
    finally:
        shutil.rmtree(directory)


def test_fixed_base_port():
    base = next(b for b in range(4000, 10000, 997)  # below what clients and other tests are given
                if all(bindable(b + p) for p in (21, 25, 110, 465, 587, 990, 995)))
    with Demo(base_port=str(base)) as demo:
        assert {n: s["port"] - base for n, s in demo.endpoints["services"].items()} == {
            "smtp": 25, "submission": 587, "submissions": 465, "pop3": 110, "pop3s": 995, "ftp": 21, "ftps": 990}


def test_taken_port_is_an_error_that_names_the_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        base = taken.getsockname()[1] - 25
        done = subprocess.run([POSADA, "demo", "--base-port", str(base)], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 71 and "--base-port 0" in done.stderr, done


def test_wrong_arguments():
    for arguments in (["--dirr", "x"], ["--base-port", "x"], ["--base-port", "70000"], ["--ready-fd", "-1"], ["--dir"]):
        done = subprocess.run([POSADA, "demo", *arguments], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 64 and done.stderr.count("\n") == 1, (arguments, done)


def test_long_and_closed_directories_work():
    outer = tempfile.mkdtemp(prefix="posada-test-")  # 0700: other users cannot come through it
    try:
        with Demo(directory=f"{outer}/" + "x" * 90) as demo:
            subprocess.run(pasted_lines(demo.output)["smtp"], shell=True, check=True, timeout=30)
            demo.wait_for_mail("lir", "Hola")
            elsewhere = os.path.dirname(demo.endpoints["maildir_root"])
        assert not os.path.exists(elsewhere) and os.listdir(outer) == []
    finally:
        shutil.rmtree(outer)


def uids_below(pid):
    out = {}
    for child in children(pid):
        try:
            status = open(f"/proc/{child}/status", encoding="utf-8").read()
            title = open(f"/proc/{child}/cmdline", "rb").read().replace(b"\0", b" ").decode()
        except OSError:  # it has ended meanwhile
            continue
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        out[child] = (fields["Uid"].split(), fields["Seccomp"].strip(), title)
    return out


def test_as_root_the_net_programs_have_uids_of_their_own():
    if os.geteuid() != 0:
        raise Skip("needs root")
    accounts = len(pwd.getpwall())
    with Demo() as demo:
        net = {title: (uids, seccomp) for uids, seccomp, title in uids_below(demo.process.pid).values() if uids[0] != "0"}
        assert len({uids[0] for uids, _ in net.values()}) >= 4, net  # smtpd, submission, queue, pop3d
        for title, (uids, seccomp) in net.items():
            assert len(set(uids)) == 1 and 61184 <= int(uids[0]) < 61184 + 16, (title, uids)
        session = socket.create_connection(("127.0.0.1", demo.port("pop3")))
        f = session.makefile("rw", newline="")
        f.readline()
        f.write("USER lir\r\nPASS pamplona\r\n")
        f.flush()
        assert f.readline().startswith("+OK") and f.readline().startswith("+OK")
        agents = [v for v in uids_below(demo.process.pid).values() if v[0][0] == "70001"]
        assert agents and all(set(uids) == {"70001"} for uids, _, _ in agents), uids_below(demo.process.pid)
        assert len(pwd.getpwall()) == accounts
        box = os.stat(os.path.dirname(demo.maildir("lir")))
        assert box.st_uid == 70001 and stat.S_IMODE(box.st_mode) == 0o700
        for name in ("users", "tls/key.pem"):
            assert stat.S_IMODE(os.stat(f"{demo.dir}/{name}").st_mode) == 0o600


def test_as_an_ordinary_user():
    directory = unprivileged_dir()
    try:
        with Demo(prefix=as_nobody(), directory=directory) as demo:
            uid = os.stat(directory).st_uid
            everybody = uids_below(demo.process.pid)
            assert len(everybody) >= 8 and all(set(v[0]) == {str(uid)} for v in everybody.values()), everybody
            # seccomp is on in what parses the network, without root as well
            assert sum(seccomp == "2" for _, seccomp, _ in everybody.values()) >= 4, everybody
            subprocess.run(pasted_lines(demo.output)["submission"], shell=True, check=True, timeout=30)
            demo.wait_for_mail("lir", "Hola")
            done = subprocess.run(pasted_lines(demo.output)["pop3s"], shell=True, capture_output=True, text=True, check=True)
            assert done.stdout.startswith("1 "), done
            status = json.loads(subprocess.run([POSADA, "status", "--json", "--control", demo.endpoints["control_socket"]],
                                               capture_output=True, text=True, check=True).stdout)
            assert status["isolation"] == "sandbox only, no PAM", status
    finally:
        shutil.rmtree(directory)


def test_a_reload_refuses_no_mail_and_sessions_go_on():
    with Demo() as demo:
        def session():
            return smtplib.SMTP("127.0.0.1", demo.port("smtp"), timeout=20)

        def send(server, subject):
            server.sendmail("a@example.org", ["lir@micasa.test"], f"Subject: {subject}\r\n\r\ntext\r\n")
        older, sent = session(), 0
        for _ in range(3):
            subprocess.run([POSADA, "reload", "--control", demo.endpoints["control_socket"]], check=True, capture_output=True)
            os.utime(f"{demo.dir}/users")  # both programs' lookup workers are replaced
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                with session() as newer:
                    send(newer, sent)
                send(older, sent)
                sent += 2
                time.sleep(0.05)
        older.quit()
        wait_until(lambda: len(demo.mails("lir")) == sent, 30, f"{sent} were accepted")


def test_a_full_spool_refuses_mail_loses_none_and_recovers():
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        raise Skip("no mount namespace to be had")
    directory = tempfile.mkdtemp(prefix="posada-test-")
    state = f"{directory}/state"
    os.chmod(directory, 0o755)
    os.mkdir(state)
    own_disk = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=16m,mode=755 none {state} && exec "$@"', "sh"]
    try:
        with Demo(prefix=own_disk, directory=directory) as demo:
            def send(subject, lines=200_000):
                with smtplib.SMTP("127.0.0.1", demo.port("smtp"), timeout=30) as server:
                    server.sendmail("a@example.org", ["lir@micasa.test"], f"Subject: {subject}\r\n\r\n" + "text\r\n" * lines)

            accepted, filler = 0, f"/proc/{demo.process.pid}/root{state}/filler"
            with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
                while out.write(bytes(4096)):
                    pass
            for n in range(6):  # large ones do not get into a file, small ones not into the table
                try:
                    send(f"before {n}", 200_000 if n < 3 else 2_000)
                    accepted += 1
                except smtplib.SMTPDataError as refusal:
                    assert refusal.smtp_code == 452, refusal
            assert accepted < 3, "on a full disk"
            out = subprocess.run([POSADA, "status", "--json", "--control", demo.endpoints["control_socket"]],
                                 capture_output=True, text=True, check=True).stdout
            queue = next(s for s in json.loads(out)["services"] if s["name"] == "queue")
            assert queue["state"] == "up" and queue["restarts"] == 0, queue
            os.unlink(filler)
            wait_until(lambda: not send("after"))
            wait_until(lambda: len(demo.mails("lir")) > accepted)
            assert sum(b"Subject: before" in mail for mail in demo.mails("lir")) == accepted
    finally:
        shutil.rmtree(directory)


def test_status_shows_every_service():
    with Demo() as demo:
        out = subprocess.run([POSADA, "status", "--json", "--control", demo.endpoints["control_socket"]],
                             capture_output=True, text=True, check=True).stdout
        services = {s["name"]: s for s in json.loads(out)["services"]}
        assert set(services) == {"queue", "smtpd", "submission", "pop3d", "ftpd"}
        assert all(s["state"] == "up" and s["restarts"] == 0 and s["pid"] for s in services.values()), services
        assert f"smtp 127.0.0.1:{demo.port('smtp')}" in services["smtpd"]["listen"], services
        os.kill(services["pop3d"]["pid"], signal.SIGKILL)

        def again():
            text = subprocess.run([POSADA, "status", "--json", "--control", demo.endpoints["control_socket"]],
                                  capture_output=True, text=True, check=True).stdout
            return next(s for s in json.loads(text)["services"] if s["name"] == "pop3d")
        wait_until(lambda: again()["state"] == "up" and again()["restarts"] == 1)
        table = subprocess.run([POSADA, "status", "--control", demo.endpoints["control_socket"]], capture_output=True,
                               text=True, check=False)
        assert table.returncode == 0 and "signal 9" in table.stdout, table


def test_passwords_never_reach_the_log():
    with Demo() as demo:
        for name in ("submission", "submissions", "pop3", "pop3s", "ftp", "ftps", "smtp"):
            subprocess.run(pasted_lines(demo.output)[name], shell=True, capture_output=True, check=False, timeout=30)
        log = demo.log()
        assert "auth-ok" in log, log
        assert "hungry" not in log and "pamplona" not in log


def test_certificate_is_for_the_demo_and_its_authority_signs_nothing_else():
    with Demo() as demo:
        for host in ("localhost", "127.0.0.1", "mail.micasa.test"):
            s = socket.create_connection(("127.0.0.1", demo.port("pop3s")))
            demo.tls().wrap_socket(s, server_hostname=host).close()
        try:
            ssl.create_default_context().wrap_socket(socket.create_connection(("127.0.0.1", demo.port("pop3s"))),
                                                     server_hostname="localhost")
            raise AssertionError("verified without the demo's authority")
        except ssl.SSLCertVerificationError:
            pass
        assert not glob.glob(f"{demo.dir}/tls/ca*key*")


if __name__ == "__main__":
    sys.exit(run_tests({n: f for n, f in globals().items() if n.startswith("test_")}, sys.argv[1:]))
