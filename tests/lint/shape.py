#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The shape of the tree in numbers, to be compared with those of another day; it judges nothing, budgets.py does.
    shape.py             the tree as it lies here (make shape)
    shape.py REVISION    the tree of that commit
Functions and files (code, then tests): number, median, 90th percentile, longest. Include arrows from room to room. Lines and
comment share of each room. Duplicates: pairs of places, in different files of the code, that are alike in WINDOW lines with
a letter or digit in them, comments and #include lines left out; each pair counts once, however long it is."""
import collections
import re
import subprocess
import sys

from budgets import FUNCTION, NOISE, blank, exceptions, functions, percentile
from layers import INCLUDE, room

WINDOW = 8
LONG = 100


def git(*args):
    return subprocess.run(["git", *args], capture_output=True, text=True, check=True).stdout


def read_tree(revision):
    """path -> text of every source file."""
    if revision:
        paths = git("ls-tree", "-r", "--name-only", revision).split("\n")
    else:
        paths = git("ls-files").split("\n")
    texts = {}
    for path in paths:
        if path.endswith((".cc", ".h")):
            texts[path] = git("show", f"{revision}:{path}") if revision else open(path, encoding="utf-8").read()
    return texts


def comment_lines(text):
    """Lines that hold a comment and nothing else."""
    code = NOISE.sub(lambda m: blank(m) if m.group(0).startswith("/") else m.group(0), text)
    return sum(1 for a, b in zip(text.split("\n"), code.split("\n")) if a.strip() and not b.strip())


def print_sizes(what, values):
    values = sorted(values)
    print(f"  {what:10} {len(values):6} median {percentile(values, .5):4}  p90 {percentile(values, .9):4}  longest {values[-1]:4}")


def print_lengths(name, texts):
    lengths = sorted(((count, f"{path}:{line}: {fn}") for path, text in texts.items()
                      for line, fn, count in functions(text)), reverse=True)
    counts = [n for n, _ in lengths]
    print(f"{name}:")
    print_sizes("functions", counts)
    print_sizes("files", [text.count("\n") for text in texts.values()])
    print(f"  functions over {FUNCTION} lines: {sum(n > FUNCTION for n in counts)}, over {LONG}: {sum(n > LONG for n in counts)};"
          f" longest {lengths[0][1]}")


def print_rooms(texts):
    lines, comments, arrows = collections.Counter(), collections.Counter(), collections.Counter()
    for path, text in texts.items():
        lines[room(path)] += text.count("\n")
        comments[room(path)] += comment_lines(text)
        for line in text.splitlines():
            match = INCLUDE.match(line)
            if match and match.group(1) == '"' and room(match.group(2)) != room(path):
                arrows[room(path), room(match.group(2))] += 1
    print("rooms: lines, of these comments:")
    for name, count in lines.most_common():
        print(f"  {name:11} {count:6} {100 * comments[name] // count:3} %")
    total = sum(lines.values())
    print(f"  {'all':11} {total:6} {100 * sum(comments.values()) // total:3} %")
    print(f"include arrows: {len(arrows)} from room to room, {sum(arrows.values())} includes")
    for (here, there), count in sorted(arrows.items()):
        print(f"  {here} -> {there}: {count}")


def windows(text):
    """(first line, the WINDOW lines) at every place of one file."""
    code = NOISE.sub(lambda m: blank(m) if m.group(0).startswith("/") else m.group(0), text)
    kept = [(number, " ".join(line.split())) for number, line in enumerate(code.split("\n"), 1)
            if re.search(r"\w", line) and not line.lstrip().startswith("#")]
    for at in range(len(kept) - WINDOW + 1):
        yield at, kept[at][0], "\n".join(line for _, line in kept[at:at + WINDOW])


def duplicates(texts):
    places = collections.defaultdict(list)
    for path, text in sorted(texts.items()):
        for at, line, window in windows(text):
            places[window].append((path, at, line))
    pairs = {}
    for found in places.values():
        for i, (a, a_at, a_line) in enumerate(found):
            for b, b_at, b_line in found[i + 1:]:
                if a != b:
                    pairs[a, a_at, b, b_at] = f"{a}:{a_line} = {b}:{b_line}"
    # A long pair shows at each of its lines: only its first place counts.
    return sorted(text for (a, at, b, bt), text in pairs.items() if (a, at - 1, b, bt - 1) not in pairs)


def main():
    texts = read_tree(sys.argv[1] if len(sys.argv) > 1 else "")
    own = {path: text for path, text in texts.items() if not path.startswith("tests/")}
    print_lengths("code", own)
    print_lengths("tests", {path: text for path, text in texts.items() if path not in own})
    print(f"exceptions from the budgets: {len(exceptions())}")
    print_rooms(own)
    pairs = duplicates(own)
    print(f"duplicates of {WINDOW} lines and more between files: {len(pairs)}")
    print("".join(f"  {pair}\n" for pair in pairs), end="")


if __name__ == "__main__":
    sys.exit(main())
