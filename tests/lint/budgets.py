#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Size budgets. A function has at most 60 lines, a file 600, main.cc 60, a monitor.cc 300. What is over must stand in
exceptions.txt with its present size; a line there may shrink or go, never grow, and a line that is no longer needed is an
error. Prints median and 90th percentile, which are reported and not enforced.
    budgets.py            check
    budgets.py --longest  the ten longest functions and files"""
import os
import re
import subprocess
import sys

FUNCTION, FILE = 60, 600
SPECIAL = {"main.cc": 60, "monitor.cc": 300}
HERE = os.path.dirname(os.path.abspath(__file__))
NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/|R\"(?P<d>[^(\s]*)\(.*?\)(?P=d)\"|\"(?:\\.|[^\"\\\n])*\"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S)
SCOPE = re.compile(r"\b(namespace|extern|class|struct|union|enum)\b[^()]*$|\bnamespace\b|\bextern\s*$")


def blank(match):
    """Comments and literals become spaces, line breaks stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def opens_scope(head):
    head = re.sub(r"\balignas\s*\([^)]*\)|\[\[.*?\]\]|__attribute__\s*\(\(.*?\)\)", " ", head, flags=re.S)
    head = re.sub(r"template\s*<[^{;]*?>\s*(?=(class|struct|union)\b)", " ", head, flags=re.S)
    return bool(SCOPE.search(head.strip()))


def begins_function(head):
    """Does the `{` behind head open a function's body, and not a braced initialiser?"""
    if "(" not in head or re.search(r"=\s*$", head):
        return False
    last = re.search(r"(\w+)\s*$", head)
    return not last or last.group(1) in ("const", "noexcept", "override", "final", "try") or "->" in head


def functions(text):
    """(first line, name, number of lines) of every function body at namespace or class scope."""
    code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", blank, NOISE.sub(blank, text), flags=re.M)
    found, stack, start = [], [], 0
    for position, char in enumerate(code):
        if char == ":" and code[start:position].strip() in ("public", "private", "protected"):
            start = position + 1
        elif char == "{":
            head = code[start:position]
            inside = all(kind == "scope" for kind, *_ in stack)
            if inside and opens_scope(head):
                stack.append(("scope", 0, ""))
                start = position + 1
            elif inside and begins_function(head):
                name = re.search(r"([~\w:]+|operator[^(]*)\s*\(", head)
                stack.append(("function", position - len(head.lstrip()), name.group(1) if name else "?"))
            elif inside and re.search(r"\)[^()]*:(?!:)", head):
                stack.append(("initialiser", 0, ""))  # S::S() : member_{3}
            else:
                stack.append(("block", 0, ""))
        elif char == "}" and stack:
            kind, begin, name = stack.pop()
            if kind == "function":
                first = code.count("\n", 0, begin) + 1
                found.append((first, name, code.count("\n", 0, position) + 2 - first))
            if kind != "initialiser" and all(k == "scope" for k, *_ in stack):
                start = position + 1
        elif char == ";" and all(kind == "scope" for kind, *_ in stack):
            start = position + 1
    return found


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0


def exceptions():
    """'path' or 'path:function' -> permitted lines."""
    out = {}
    path = os.path.join(HERE, "exceptions.txt")
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            key, lines = line.rsplit(None, 1)
            out[key] = int(lines)
    return out


def main():
    listed = subprocess.run(["git", "ls-files", "*.cc", "*.h"], capture_output=True, text=True, check=True).stdout
    files = [f for f in listed.split() if os.path.exists(f)]
    own = [f for f in files if not f.startswith("tests/")]
    sizes, lengths, over = {}, [], {}
    for path in files:
        text = open(path, encoding="utf-8").read()
        sizes[path] = text.count("\n")
        cap = SPECIAL.get(os.path.basename(path), FILE) if path in own else FILE
        if sizes[path] > cap:
            over[path] = (sizes[path], cap)
        for line, name, count in functions(text):
            if path in own:
                lengths.append((count, f"{path}:{line}: {name}"))
            if count > FUNCTION and not name.startswith("TEST"):
                over[f"{path}:{name}"] = (count, FUNCTION)
    permitted, bad = exceptions(), 0
    for key, (lines, cap) in sorted(over.items()):
        if lines > permitted.get(key, cap):
            print(f"{key}: {lines} lines, {permitted.get(key, cap)} permitted")
            bad = 1
    for key, lines in permitted.items():
        if key not in over or over[key][0] < lines:
            print(f"exceptions.txt: {key} {lines} can shrink to {over[key][0] if key in over else 'nothing'}")
            bad = 1
    if "--longest" in sys.argv:
        print("\n".join(f"{n:5} {where}" for n, where in sorted(lengths, reverse=True)[:10]))
        print("\n".join(f"{n:5} {where}" for n, where in sorted(((sizes[f], f) for f in own), reverse=True)[:10]))
    counts = [n for n, _ in lengths]
    own_sizes = [sizes[f] for f in own]
    print(f"NOTE: {len(counts)} functions: median {percentile(counts, .5)} lines, 90th percentile {percentile(counts, .9)}; "
          f"{len(own_sizes)} files: median {percentile(own_sizes, .5)}, 90th percentile {percentile(own_sizes, .9)} (without tests)")
    return bad


if __name__ == "__main__":
    sys.exit(main())
