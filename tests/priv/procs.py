# SPDX-License-Identifier: BSD-2-Clause
"""Processes as the kernel shows them: ids, capabilities, filter, descriptors, limits."""
import glob
import os


def _read(path):
    with open(path, "rb") as f:
        return f.read().decode(errors="replace")


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.status = dict(line.split(":\t", 1) for line in _read(f"/proc/{pid}/status").splitlines() if ":\t" in line)
        self.parent = int(self.status["PPid"])
        self.asleep = self.status["State"].startswith("S")
        self.exe = os.readlink(f"/proc/{pid}/exe")
        self.program = os.path.basename(self.exe)
        self.in_libexec = os.path.basename(os.path.dirname(self.exe)) == "posada"
        self.title = _read(f"/proc/{pid}/cmdline").rstrip("\0").replace("\0", " ")
        self.fds = {}
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                self.fds[int(name)] = os.readlink(f"/proc/{pid}/fd/{name}")
            except FileNotFoundError:
                pass  # closed meanwhile
        self.limits = _read(f"/proc/{pid}/limits").splitlines()

    @property
    def uids(self):
        return set(map(int, self.status["Uid"].split()))

    @property
    def gids(self):
        return set(map(int, self.status["Gid"].split()))

    @property
    def groups(self):
        return set(map(int, self.status["Groups"].split()))

    def capabilities(self):
        """The names of the sets that are not empty."""
        return [n for n in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(self.status[n], 16) != 0]

    def limit(self, name):
        for line in self.limits:
            if line.startswith(name + "  "):
                return line[len(name):].split()[:2]
        raise KeyError(name)

    def __str__(self):
        return f"{self.program}[{self.pid}] '{self.title}' uid {sorted(self.uids)}"


def descendants(root):
    """root and everything it started, oldest first."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            process = Process(int(os.path.basename(path)))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone, or a kernel thread, or not ours to look at
        found[process.pid] = process
    tree, wanted = [], [root]
    while wanted:
        pid = wanted.pop(0)
        if pid in found:
            tree.append(found[pid])
        wanted += sorted(p.pid for p in found.values() if p.parent == pid and p.pid != pid)
    return tree


def listening_sockets():
    """Inodes of all listening sockets, TCP and unix."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in _read(f"/proc/net/{table}").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                inodes.add(fields[9])
    for line in _read("/proc/net/unix").splitlines()[1:]:
        fields = line.split()
        if int(fields[3], 16) & 0x10000:
            inodes.add(fields[6])
    return inodes
