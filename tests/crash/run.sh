#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What is left after a crash: every state of the disk after a power failure (and each sync missed once, which must be
# noticed), a kill at every system call, a failing disk, random kills of the real processes under load; for the queue
# with its deliveries and for mailboxes that POP3 reads meanwhile.
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
make --no-print-directory build/opt/tests/crash-{states,steps,faults,inject,pop-states,pop-steps,pop-faults} \
    build/opt/sbin/{smtpd,pop3d} build/opt/libexec/posada/{smtpd-queue,smtpd-relay,pop3d-net} || { echo "0 passed, 1 failed"; exit 1; }
passed=0 failed=0
verdict() { # $1: 0 = passed; $2: what
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $2"; fi
}
one() { # $1: name; the rest: a command whose last line is its result
    local name=$1 out status
    shift
    out=$(timeout -k 5 3600 "$@" 2>&1)
    status=$?
    [ "$status" -eq 0 ] || echo "$out" | tail -n 30
    echo "NOTE: $name: $(tail -n 1 <<<"$out")"
    verdict "$status" "$name"
}

# Each sync missing once: that must be noticed, or the states prove nothing.
mutations() { # $1: name; $2: program
    local mutation out
    for mutation in $("$2" --list); do
        if out=$(timeout -k 5 300 "$2" --without "$mutation" 2>&1); then
            echo "$1: mutation $mutation: NOT CAUGHT"
            verdict 1 "$1: the sync '$mutation' can be removed without any test noticing"
        elif grep -q '^steps=.* violations=[1-9]' <<<"$out"; then
            echo "$1: mutation $mutation: caught"
            verdict 0 ""
        else
            echo "$out" | tail -n 5
            verdict 1 "$1: mutation $mutation did not run"
        fi
    done
}

one "crash states" build/opt/tests/crash-states --random "$random"
mutations delivery build/opt/tests/crash-states
one "kill at every system call" build/opt/tests/crash-steps
one "failing disk" build/opt/tests/crash-faults
one "POP3: crash states" build/opt/tests/crash-pop-states --random "$random"
mutations POP3 build/opt/tests/crash-pop-states
one "POP3: kill at every system call" build/opt/tests/crash-pop-steps
one "POP3: failing and full disk" build/opt/tests/crash-pop-faults
one "random kills" tests/crash/kills.py --kills "$kills"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
