#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Privilege tests: what is linked, what runs as whom holding what, the sandbox on an older kernel, SECURITY.md's tables.
cd "$(dirname "$0")/../.." || exit 71
build=${POSADA_BUILD:-build/opt}
marker='<!-- printed by tests/print-tables: do not edit below this line -->'
passed=0 failed=0 skipped=0

# Adds up "N passed, N failed[, N skipped]", the last line of a part.
part() { # $1: name; the rest: command
    local name=$1 out line
    shift
    echo "-- $name"
    out=$("$@" 2>&1 </dev/null)
    line=$(tail -n 1 <<<"$out")
    sed '$d' <<<"$out"
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        echo "$line"
        echo "FAIL: $name ended without its closing line"
        failed=$((failed + 1))
    fi
}

tables() {
    if diff <(awk -v marker="$marker" 'found; $0 == marker {found = 1}' SECURITY.md) <("$build/tests/print-tables"); then
        echo "1 passed, 0 failed"
    else
        echo "FAIL: the tables of SECURITY.md are not those of the programs: print them again with $build/tests/print-tables"
        echo "0 passed, 1 failed"
    fi
}

# The unit tests of the sandbox again, on the Landlock of Debian 12's own kernel and without any.
older_kernel() { # $1: ABI
    local out status
    out=$(POSADA_LANDLOCK_ABI_MAX=$1 timeout -k 10 120 "$build/tests/unit-priv" --gtest_color=no 2>&1)
    status=$?
    grep -E '^\[  FAILED  \] .*\(' <<<"$out"
    awk '/: Skipped$/ {getline reason} /^\[  SKIPPED \] .*\(/ {print "SKIP: " $4 ": " reason}' <<<"$out"
    echo "$(grep -c '^\[       OK \]' <<<"$out") passed, $((status != 0)) failed, $(grep -c '^\[  SKIPPED \] .*(' <<<"$out") skipped"
}

part "tables of SECURITY.md" tables
part "what is linked" tests/priv/links.py
part "sandbox with Landlock ABI 2" older_kernel 2
part "sandbox without Landlock" older_kernel 0
part "processes" tests/priv/processes.py
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
