#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The fields of log events: what a log(event::x, {{"field", ...}}) names stands in the event's row of events.def, and what
stands there is named in a file that logs the event. (A build with sanitizers looks at the records themselves.)"""
import re
import subprocess
import sys

ROW = re.compile(r'POSADA_EVENT\((\w+), "[^"]+", \w+, \w+, "([^"]*)"')
FIELD = re.compile(r'\{"([a-z0-9-]+)",')
# Whoever notes an event for a connection, or logs it for a login, adds these; the handler of a refused call writes text.
ADDED = {"rip", "session"}
ELSEWHERE = {"auth_ok", "auth_fail", "auth_temp", "sandbox_violation"}


def call_from(text, start):
    """The arguments behind `event::x` that stands in a call."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in "({") - (text[i] in ")}")
        if depth < 0:
            return text[start:i]
    return text[start:]


def main():
    with open("common/base/events.def") as file:
        declared = {name: fields.split() for name, fields in ROW.findall(file.read())}
    sources = subprocess.run(["git", "ls-files", "*.cc", "*.h", ":!tests/unit"], check=True, capture_output=True,
                             text=True).stdout.split()
    wrong, near = [], {name: set() for name in declared}
    for path in sources:
        with open(path) as file:
            text = file.read()
        for use in re.finditer(r"event::(\w+)", text):
            if use[1] not in declared:
                continue
            near[use[1]].update(FIELD.findall(text))
            line = text[:use.start()].count("\n") + 1
            for field in FIELD.findall(call_from(text, use.end())):
                if field not in declared[use[1]]:
                    wrong.append(f"{path}:{line}: {use[1]} has no field {field} in common/base/events.def")
    for name, fields in declared.items():
        for field in set(fields) - near[name] - ADDED:
            if name not in ELSEWHERE:
                wrong.append(f"common/base/events.def: nobody logs {name} with {field}")
    print("\n".join(wrong))
    return 1 if wrong or not declared else 0


if __name__ == "__main__":
    sys.exit(main())
