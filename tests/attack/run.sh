#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The real pop3d under attack: rows of the vulnerability list, penalties, crowds and slow clients, and what a captured
# session could do: seen from outside (confined) and by a net program that has been taken over (inside). The parts that only wait run beside the others; the crowds have the machine for themselves.
cd "$(dirname "$0")/../.." || exit 71
make --no-print-directory build/opt/sbin/pop3d build/opt/libexec/posada/pop3d-net build/opt/tests/inject \
    build/opt/sbin/echod build/opt/tests/puppet-net build/opt/tests/liar-pop3d \
    build/opt/sbin/smtpd build/opt/libexec/posada/smtpd-queue build/opt/libexec/posada/smtpd-relay ||
    { echo "0 passed, 1 failed"; exit 1; }
work=$(mktemp -d) || exit 71
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
python() { timeout -k 10 600 python3 -W ignore "$@" </dev/null 2>&1; }

part() { # $1: name; $2: its output
    local line
    line=$(tail -n 1 "$2")
    echo "-- $1"
    sed '$d' "$2"
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        echo "$line"
        echo "FAIL: $1 ended without its closing line"
        failed=$((failed + 1))
    fi
}

python tests/attack/penalties.py >"$work/penalties" &
python tests/attack/pressure.py slow >"$work/slow" &
python tests/attack/inside.py echod >"$work/inside-echod" &
python tests/attack/inside.py pop3d >"$work/inside-pop3d" &
python tests/attack/inside_smtpd.py >"$work/inside-smtpd" &
python tests/attack/lies.py >"$work/lies" &
python tests/attack/rows.py >"$work/rows"
python tests/attack/confined.py >"$work/confined"
wait
python tests/attack/pressure.py crowds >"$work/crowds"
for name in rows confined lies inside-echod inside-pop3d inside-smtpd penalties slow crowds; do part "$name" "$work/$name"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
