# SPDX-License-Identifier: BSD-2-Clause
"""Ports for the servers of tests. They lie below those that the kernel gives to clients, and each process of tests has a
slice of its own, claimed by an abstract socket: it lives as long as the process and, like the ports, in its network."""
import socket

FIRST, SLICE, SLICES = 11000, 200, 100


def claim():
    for n in range(SLICES):
        held = socket.socket(socket.AF_UNIX)
        try:
            held.bind(f"\0posada-test-ports-{n}")
            return held, FIRST + n * SLICE
        except OSError:
            held.close()
    raise RuntimeError("too many programs of tests at once")


def bindable(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Ports:
    def __init__(self):
        self.held, self.first = claim()
        self.next = 0

    def free(self):
        for _ in range(SLICE):
            port = self.first + self.next % SLICE
            self.next += 1
            if bindable(port):
                return port
        raise RuntimeError("no port is free")


ports = None


def free_port():
    """A port of 127.0.0.1 that nobody else is given for a while: SLICE calls."""
    global ports
    ports = ports or Ports()
    return ports.free()
