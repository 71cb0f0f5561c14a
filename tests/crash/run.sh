#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What is left after a crash: every state of the disk after a power failure (and each sync missed once, which must be
# noticed), a kill at every system call, random kills of the real processes under load.
#   run.sh [--kills N] [--random N]
set -u
cd "$(dirname "$0")/../.." || exit 71
kills=50
random=1
while [ $# -gt 1 ]; do
    case $1 in
    --kills) kills=$2 ;;
    --random) random=$2 ;;
    *) echo "usage: run.sh [--kills N] [--random N]" >&2; exit 64 ;;
    esac
    shift 2
done
make --no-print-directory build/opt/tests/crash-{states,steps,faults,inject} build/opt/sbin/smtpd \
    build/opt/libexec/posada/smtpd-{queue,relay} || { echo "0 passed, 1 failed"; exit 1; }
passed=0 failed=0
verdict() { # $1: 0 = passed; $2: what
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $2"; fi
}
one() { # $1: name; the rest: a command whose last line is its result
    local name=$1 out status
    shift
    out=$(timeout -k 5 900 "$@" 2>&1)
    status=$?
    [ "$status" -eq 0 ] || echo "$out" | tail -n 30
    echo "NOTE: $name: $(tail -n 1 <<<"$out")"
    verdict "$status" "$name"
}

one "crash states" build/opt/tests/crash-states --random "$random"
for mutation in $(build/opt/tests/crash-states --list); do
    if out=$(timeout -k 5 300 build/opt/tests/crash-states --without "$mutation" 2>&1); then
        echo "mutation $mutation: NOT CAUGHT"
        verdict 1 "the sync '$mutation' can be removed without any test noticing"
    elif grep -q '^steps=.* violations=[1-9]' <<<"$out"; then
        echo "mutation $mutation: caught"
        verdict 0 ""
    else
        echo "$out" | tail -n 5
        verdict 1 "mutation $mutation did not run"
    fi
done
one "kill at every system call" build/opt/tests/crash-steps
one "failing disk" build/opt/tests/crash-faults
one "random kills" tests/crash/kills.py --kills "$kills"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
