#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The service layer, tried on echod, the smallest daemon: what is tried here is not tried again on each daemon.
    run.py [name of a file | name of a test ...]
"""
import importlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
from demo import run_tests  # noqa: E402
from harness import TESTS  # noqa: E402

FILES = ("launch", "life", "limits", "logins", "tls")


def main():
    for name in FILES:
        importlib.import_module(name)
    wanted = set(sys.argv[1:])
    return run_tests({f.__name__: f for f in TESTS if not wanted or wanted & {f.__name__, f.__module__}})


if __name__ == "__main__":
    sys.exit(main())
