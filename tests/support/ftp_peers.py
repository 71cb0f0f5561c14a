# SPDX-License-Identifier: BSD-2-Clause
"""Debian's other FTP servers, unpacked (never installed) under build/peers and started by hand on 127.0.0.1, to compare
with and to speak to. Each sees a mount namespace of its own, in which its program, its settings and its accounts stand
where Debian puts them; what differs from Debian's settings stands in the text below. Needs root; NotHere says what is
missing.

    with Vsftpd(directory, [Account("daniel", 61300, home, hash)], certificate=(chain, key)) as server:
        server.port
"""
import collections
import fcntl
import glob
import os
import signal
import socket
import subprocess
import threading
import time

from ports import free_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "build/peers")
PASSIVE = 40000, 48000  # of the peers' data connections

Account = collections.namedtuple("Account", "name uid home hashed")

# The session of Debian's list asks systemd, if it is there.
PAM_COMMON = {
    "common-auth": "auth sufficient pam_unix.so nullok\nauth requisite pam_deny.so\n",
    "common-account": "account required pam_unix.so\n",
    "common-session": "session required pam_unix.so\n",
    "common-session-noninteractive": "session required pam_unix.so\n",
}
START = """
mount -t overlay -o "lowerdir=$PEER/usr:/usr" none /usr
mount -t overlay -o "lowerdir=$DIR/etc:/etc" none /etc
mount -t tmpfs -o mode=755 none /run
mkdir -p /run/vsftpd/empty /run/proftpd
unset PEER DIR
exec "$@"
"""


class NotHere(Exception):
    """A peer cannot be started on this machine."""


def have_package(package):
    return subprocess.run(["dpkg", "-s", package], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def fetch(packages, into):
    debs = os.path.join(PEERS, "debs")
    for package in packages:
        subprocess.run(["apt-get", "download", package], cwd=debs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=300)
        found = sorted(glob.glob(f"{debs}/{package}_*.deb"))
        if not found:
            raise NotHere(f"apt-get download {package} failed")
        subprocess.run(["dpkg-deb", "-x", found[-1], into], check=True)


def libraries_of(packages):
    """Those that Debian's dependency lists name and the machine lacks."""
    wanted = set()
    for package in packages:
        deb = sorted(glob.glob(f"{PEERS}/debs/{package}_*.deb"))[-1]
        depends = subprocess.run(["dpkg-deb", "-f", deb, "Depends"], check=True, stdout=subprocess.PIPE, text=True).stdout
        wanted |= {part.split()[0] for part in depends.split(",") if part.strip().startswith("lib")}
    return {name for name in wanted if not have_package(name)}


def end_group(process):
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass


def unpack(name, packages):
    folder = os.path.join(PEERS, name)
    os.makedirs(os.path.join(PEERS, "debs"), exist_ok=True)
    with open(os.path.join(PEERS, "ftp.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{folder}/complete"):
            os.makedirs(folder, exist_ok=True)
            there, wanted = set(), set(packages)
            while wanted:
                fetch(wanted, folder)
                there |= wanted
                wanted = libraries_of(wanted) - there
            open(f"{folder}/complete", "w", encoding="ascii").close()
    return folder


class Peer:
    name, packages, tls, listing = "", (), True, "MLSD"

    def __init__(self, directory, accounts, certificate=None):
        if os.geteuid() != 0:
            raise NotHere("only root can start it")
        self.dir, self.accounts, self.certificate = os.path.realpath(directory), accounts, certificate
        self.port, self.folder, self.process = free_port(), self.unpacked(), None
        os.makedirs(f"{self.dir}/etc/pam.d", exist_ok=True)
        os.chmod(self.dir, 0o711)
        self.write_accounts()
        self.configure()

    def unpacked(self):
        return unpack(self.name, self.packages)

    def write(self, path, text, mode=0o644):
        path = f"{self.dir}/etc/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def write_accounts(self):
        texts = {}
        for table in ("passwd", "group", "shadow"):
            with open(f"/etc/{table}", encoding="utf-8") as file:
                texts[table] = file.read()
        for account in self.accounts:
            texts["passwd"] += f"{account.name}:x:{account.uid}:{account.uid}::{account.home}:/bin/sh\n"
            texts["group"] += f"{account.name}:x:{account.uid}:\n"
            texts["shadow"] += f"{account.name}:{account.hashed}:20000:0:99999:7:::\n"
        for table, text in texts.items():
            self.write(table, text, 0o640 if table == "shadow" else 0o644)
        for name, text in PAM_COMMON.items():
            self.write(f"pam.d/{name}", text)
        for file in glob.glob(f"{self.folder}/etc/pam.d/*"):
            with open(file, encoding="utf-8") as text:
                self.write(f"pam.d/{os.path.basename(file)}", text.read())
        self.write("ftpusers", "root\n")

    def configure(self):
        """Writes the settings."""

    def command(self):
        raise NotImplementedError

    def spawn(self, stdin, stdout, stderr):
        return subprocess.Popen(["unshare", "--mount", "--propagation", "private", "bash", "-ec", START, "-", *self.command()],
                                env=dict(os.environ, PEER=self.folder, DIR=self.dir), stdin=stdin, stdout=stdout,
                                stderr=stderr, start_new_session=True)

    def start(self):
        with open(f"{self.dir}/log", "w", encoding="ascii") as log:
            self.process = self.spawn(subprocess.DEVNULL, log, log)
        self.pid = self.process.pid
        self.wait_until_it_listens()
        return self

    def wait_until_it_listens(self):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError:
                time.sleep(0.05)
            if self.process.poll() is not None:
                break
        with open(f"{self.dir}/log", encoding="utf-8", errors="replace") as log:
            said = log.read().strip()[-500:]
        self.stop()
        raise NotHere(f"{self.name} did not start: {said}")

    def stop(self):
        if self.process:
            end_group(self.process)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Vsftpd(Peer):
    name, packages, listing = "vsftpd", ("vsftpd",), "LIST"

    def configure(self):
        with open(f"{self.folder}/etc/vsftpd.conf", encoding="utf-8") as file:
            debian = [line for line in file if not line.startswith(("listen", "rsa_", "ssl_enable"))]
        tls = ""
        if self.certificate:  # its default cipher is DES-CBC3-SHA
            tls = f"""ssl_enable=YES
force_local_logins_ssl=NO
force_local_data_ssl=NO
ssl_ciphers=HIGH
rsa_cert_file={self.certificate[0]}
rsa_private_key_file={self.certificate[1]}
"""
        self.write("vsftpd.conf", "".join(debian) + f"""
listen=YES
listen_address=127.0.0.1
listen_port={self.port}
background=NO
connect_from_port_20=NO
write_enable=YES
chroot_local_user=YES
allow_writeable_chroot=YES
ascii_upload_enable=YES
ascii_download_enable=YES
local_umask=022
max_per_ip=0
pasv_min_port={PASSIVE[0]}
pasv_max_port={PASSIVE[1]}
{tls}""")

    def command(self):
        return ["/usr/sbin/vsftpd", "/etc/vsftpd.conf"]


class ProFtpd(Peer):
    name, packages = "proftpd", ("proftpd-core", "proftpd-mod-crypto")

    def configure(self):
        tls = ""
        if self.certificate:
            tls = f"""LoadModule mod_tls.c
TLSEngine on
TLSProtocol TLSv1.2 TLSv1.3
TLSECCertificateFile {self.certificate[0]}
TLSECCertificateKeyFile {self.certificate[1]}
"""
        self.write("proftpd/proftpd.conf", f"""ModulePath /usr/lib/proftpd
ServerName Debian
ServerType standalone
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
Port {self.port}
PassivePorts {PASSIVE[0]} {PASSIVE[1]}
DefaultServer on
ShowSymlinks on
TimeoutNoTransfer 600
TimeoutStalled 600
TimeoutIdle 1200
DisplayChdir .message true
ListOptions "-l"
MaxInstances 1000
User nobody
Group nogroup
Umask 022 022
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
UseReverseDNS off
WtmpLog off
TransferLog {self.dir}/xferlog
SystemLog {self.dir}/system.log
ScoreboardFile {self.dir}/scoreboard
DelayEngine off
{tls}""")

    def command(self):
        return ["/usr/sbin/proftpd", "--nodaemon", "--config", "/etc/proftpd/proftpd.conf"]


class PureFtpd(Peer):
    name, packages = "pure-ftpd", ("pure-ftpd", "pure-ftpd-common")

    def configure(self):
        if self.certificate:
            pem = ""
            for path in self.certificate:
                with open(path, encoding="ascii") as file:
                    pem += file.read()
            self.write("ssl/private/pure-ftpd.pem", pem, 0o600)

    def command(self):
        return ["/usr/sbin/pure-ftpd", "--bind", f"127.0.0.1,{self.port}", "--login", "pam", "--chrooteveryone", "--noanonymous",
                "--dontresolve", "--umask", "022:022", "--maxclientsnumber", "1000", "--maxclientsperip", "1000",
                "--limitrecursion", "200000:8", "--passiveportrange", f"{PASSIVE[0]}:{PASSIVE[1]}", "--tls",
                "1" if self.certificate else "0", *(["--tlsciphersuite", "HIGH"] if self.certificate else []), "--altlog",
                f"clf:{self.dir}/transfer.log"]


class InetutilsFtpd(Peer):
    """A process for each client, as inetd starts it."""
    name, packages, tls, listing = "inetutils-ftpd", ("inetutils-ftpd",), False, "LIST"

    def configure(self):
        self.write("hosts.allow", "ftpd: 127.0.0.1\n")
        self.listening = socket.create_server(("127.0.0.1", self.port))
        self.served = []

    def command(self):
        return ["/usr/sbin/ftpd", "-l"]

    def start(self):
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()
        return self

    def accept(self):
        with open(f"{self.dir}/log", "w", encoding="ascii") as log:
            while True:
                try:
                    client, _ = self.listening.accept()
                except OSError:  # stop()
                    return
                with client:
                    self.served.append(self.spawn(client, client, log))

    def stop(self):
        if not self.listening:
            return
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listening.close()
        self.listening = None
        for process in self.served:
            end_group(process)
