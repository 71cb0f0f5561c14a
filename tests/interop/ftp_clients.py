#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""FTP programs of other people at our ftpd: each uploads and downloads, active and passive, over IPv4 and IPv6, without TLS,
with AUTH TLS and with TLS from the first octet, in TLS 1.2 and 1.3, as far as it can; every file is compared by its hash.
usage: ftp_clients.py [TEST ...]"""
import collections
import ftplib
import hashlib
import itertools
import os
import random
import re
import shutil
import ssl
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import Skip, run_tests  # noqa: E402
from ftp_daemon import PASSWORD, USER, FtpDaemon, Reusing  # noqa: E402
from programs import Home  # noqa: E402

HOSTS = {"ipv4": "127.0.0.1", "ipv6": "::1"}
EXEMPT = "lir"  # whose clients need not resume a TLS session
server = home = None  # main() sets them

# tls: none, starttls or implicit; version: 1.2, 1.3 or "".
Way = collections.namedtuple("Way", "family mode tls version")
PLAIN = [Way(family, mode, "none", "") for family in HOSTS for mode in ("passive", "active")]
TLS = [Way(family, mode, tls, version) for family, mode, tls, version
       in itertools.product(HOSTS, ("passive", "active"), ("starttls", "implicit"), ("1.2", "1.3"))]


def host(way):
    return HOSTS[way.family]


def at(way):
    return f"[{host(way)}]:{port(way)}" if way.family == "ipv6" else f"{host(way)}:{port(way)}"


def port(way):
    return server.ports["implicit" if way.tls == "implicit" else "starttls"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def tree(top):
    """{path below top: hash}"""
    return {os.path.relpath(os.path.join(folder, name), top): digest(os.path.join(folder, name))
            for folder, _, names in os.walk(top) for name in names}


class Files:
    """local/up.bin is to be sent as /NAME and fetched into local/down.bin."""
    numbers = itertools.count()

    def __init__(self, size=300_000, user=USER):
        self.user = user
        self.local = tempfile.mkdtemp(dir=home.path)
        self.name = f"file {next(self.numbers)} ñ.bin"
        self.up, self.down = f"{self.local}/up.bin", f"{self.local}/down.bin"
        with open(self.up, "wb") as file:  # with all that a text mode would change
            file.write(b"\r\n\n\r\0\xff\xf4\x1a" + random.Random(self.name).randbytes(size))

    @property
    def on_server(self):
        return f"{server.top(self.user)}/{self.name}"

    def check(self, *copies):
        for copy in copies or (self.on_server, self.down):
            assert digest(copy) == digest(self.up), copy


def run(*argv, **more):
    if not shutil.which(argv[0]):
        raise Skip(f"{argv[0]} is not here")
    return home.run(*argv, **more)


def quoted(name):
    return f'"{name}"'


# ---- the programs

def bsd_ftp(program, way, *options):
    files = Files()
    script = (f"user {USER} {PASSWORD}\nbinary\nput {files.up} {quoted(files.name)}\nget {quoted(files.name)} {files.down}\n"
              f"ls\nrename {quoted(files.name)} renamed\nmkdir made\nrmdir made\nbye\n")
    mode = {"passive": "-p", "active": "-A"}[way.mode]
    out = run(program, *options, "-n", "-v", mode, "-4" if way.family == "ipv4" else "-6", host(way), str(port(way)),
              stdin=script).stdout.decode()
    files.check(f"{server.top()}/renamed", files.down)
    assert files.name in out and not os.path.exists(f"{server.top()}/made"), out
    expected = {"passive": "assive [Mm]ode", "active": "EPRT" if way.family == "ipv6" else "PORT|EPRT"}[way.mode]
    assert re.search(expected, out), out
    os.unlink(f"{server.top()}/renamed")


def tnftp(way):
    bsd_ftp("tnftp", way)


def inetutils_ftp(way):
    bsd_ftp("inetutils-ftp", way)


def many_files(count=40):
    top = tempfile.mkdtemp(dir=home.path)
    for n in range(count):
        folder = f"{top}/{n % 3} dir/{n % 5}"
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/n {n}", "wb") as file:
            file.write(random.Random(n).randbytes(n * 997))
    return top


def lftp_settings(way):
    versions = f'set ssl:priority "NORMAL:-VERS-ALL:+VERS-TLS{way.version}"; ' if way.version else ""
    return (f"set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 15; set ssl:ca-file {server.ca}; {versions}"
            f"set ftp:passive-mode {'on' if way.mode == 'passive' else 'off'}; "
            f"set ftp:ssl-force {'yes' if way.tls == 'starttls' else 'no'}; "
            f"set ftp:ssl-allow {'no' if way.tls == 'none' else 'yes'}; set ftp:ssl-protect-data yes; "
            f"open -u {USER},{PASSWORD} {'ftps' if way.tls == 'implicit' else 'ftp'}://{at(way)}; ")


def lftp(way):
    files = Files()
    run("lftp", "--norc", "-c", lftp_settings(way) + f"put {files.up} -o {quoted(files.name)}; "
        f"get {quoted(files.name)} -o {files.down}; cls")
    files.check()
    if way.mode == "passive":
        lftp_mirror(way)


def lftp_mirror(way):
    sent, back = many_files(), tempfile.mkdtemp(dir=home.path)
    run("lftp", "--norc", "-c", lftp_settings(way) + f"mirror -R -P4 {sent} mirror; mirror -P4 mirror {back}/got")
    assert tree(f"{server.top()}/mirror") == tree(sent) == tree(f"{back}/got")
    run("lftp", "--norc", "-c", lftp_settings(way) + "rm -r mirror")
    assert not os.path.exists(f"{server.top()}/mirror")


def ncftp(way):
    files = Files()
    options = ["-u", USER, "-p", PASSWORD, "-P", str(port(way)), "-F" if way.mode == "passive" else "-E"]
    run("ncftpput", *options, "-C", host(way), files.up, files.name)
    run("ncftpget", *options, "-C", host(way), files.name, files.down)
    files.check()
    sent, back = many_files(), tempfile.mkdtemp(dir=home.path)
    run("ncftpput", *options, "-R", host(way), "/", sent)
    name = os.path.basename(sent)
    run("ncftpget", *options, "-R", "-T", host(way), back, name)
    assert tree(f"{server.top()}/{name}") == tree(sent) == tree(f"{back}/{name}")


def curl_options(way):
    out = ["-sS", "--user", f"{USER}:{PASSWORD}", "--cacert", server.ca, "--globoff"]
    out += ["--ftp-port", "-"] if way.mode == "active" else []
    out += ["--ssl-reqd"] if way.tls == "starttls" else []
    return out + ([f"--tlsv{way.version}", "--tls-max", way.version] if way.version else [])


def url(way, files):
    return f"{'ftps' if way.tls == 'implicit' else 'ftp'}://{at(way)}/{files.name.replace(' ', '%20').replace('ñ', '%C3%B1')}"


def curl(way):
    files = Files()
    run("curl", *curl_options(way), "-T", files.up, url(way, files))
    run("curl", *curl_options(way), "-o", files.down, url(way, files))
    files.check()
    tail = run("curl", *curl_options(way), "-r", "299990-", url(way, files)).stdout
    with open(files.up, "rb") as file:
        assert file.read()[299990:] == tail
    with open(files.down, "r+b") as file:
        file.truncate(1234)
    run("curl", *curl_options(way), "-C", "-", "-o", files.down, url(way, files))
    files.check()


def wget(way):
    files = Files()
    shutil.copy(files.up, files.on_server)
    options = ["--passive-ftp" if way.mode == "passive" else "--no-passive-ftp", "--user", USER, "--password", PASSWORD,
               "--ca-certificate", server.ca, "--tries", "1", "-nv", "-O", files.down]
    options += [f"--ciphers=NORMAL:-VERS-ALL:+VERS-TLS{way.version}"] if way.version else []
    options += ["--ftps-implicit"] if way.tls == "implicit" else []
    run("wget", *options, url(way, files).replace("ftp://", "ftps://" if way.tls == "starttls" else "ftp://"))
    files.check()


def transfer_with_ftplib(client, way, user=USER):
    files = Files(user=user)
    client.set_pasv(way.mode == "passive")
    with open(files.up, "rb") as file:
        client.storbinary(f"STOR {files.name}", file)
    with open(files.down, "wb") as file:
        client.retrbinary(f"RETR {files.name}", file.write)
    files.check()
    facts = dict(client.mlsd())
    assert int(facts[files.name]["size"]) == os.path.getsize(files.up), facts
    client.quit()


def python_ftplib(way):
    transfer_with_ftplib(server.login(host=host(way)), way)


def python_ftp_tls(way, kind=Reusing, user=USER):
    context = ssl.create_default_context(cafile=server.ca)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + way.version.replace(".", "_"))
    client = server.login(kind, host=host(way), user=user, context=context)
    client.prot_p()
    transfer_with_ftplib(client, way, user)


# Which ways a program has.
PROGRAMS = {
    tnftp: PLAIN,
    inetutils_ftp: PLAIN,
    ncftp: [way for way in PLAIN if way.family == "ipv4"],
    lftp: PLAIN + TLS,
    curl: PLAIN + [way for way in TLS if way.mode == "passive"],  # 7.87 and 7.88 forget TLS in active mode (curl #10666)
    wget: PLAIN + TLS,
    python_ftplib: PLAIN,
    python_ftp_tls: [way for way in TLS if way.tls == "starttls"],
}


def in_this_way(program, way):
    def test():
        said = len(server.log())
        program(way)
        versions = {word for word in server.log()[said:].split() if word.startswith("version=TLS")}
        assert versions == ({f"version=TLSv{way.version}"} if way.version else set()), versions
    return test


def without_resuming():
    """ftplib as it is cannot resume a session, and an exempted user does not have to."""
    for mode in ("passive", "active"):
        python_ftp_tls(Way("ipv4", mode, "starttls", "1.3"), ftplib.FTP_TLS, EXEMPT)


def main():
    tests = {"-".join(filter(None, (program.__name__, *way))): in_this_way(program, way)
             for program, ways in PROGRAMS.items() for way in ways}
    return run_tests({**tests, "without_resuming": without_resuming}, sys.argv[1:])


if __name__ == "__main__":
    with Home() as home, FtpDaemon(f'tls_reuse_exempt_users = ["{EXEMPT}"]', [EXEMPT]) as server:
        sys.exit(main())
