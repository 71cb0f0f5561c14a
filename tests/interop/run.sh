#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs that are not ours: mail and FTP clients against our servers, PAM with libpam-wrapper and with a real account, and
# `posada user` as a person uses it. Adds up their closing lines.
cd "$(dirname "$0")/../.." || exit 71
passed=0 failed=0 skipped=0
part() { # command...
    local out line
    echo "== $*"
    out=$(timeout -k 10 400 "$@" 2>&1 </dev/null)
    echo "$out"
    line=$(tail -n 1 <<<"$out")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        echo "FAIL $*: no closing line"; failed=$((failed + 1))
    fi
}
part python3 tests/interop/clients.py
for script in tests/interop/*.sh tests/interop/*.py; do
    case $script in */run.sh | */clients.py) continue ;; esac
    [ -x "$script" ] && part "$script"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
