#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `make bench`: smtp is run.py, pop3 and ftp are pop3.py and ftp.py, core (`make bench-core`) is core.py. BENCH="pop3"
# chooses, BENCH_ARGS is passed on.
set -eu
cd "$(dirname "$0")/../.."
make --no-print-directory -j"$(nproc)" all build/opt/tests/bare-loops build/opt/tests/pop3-load \
    build/opt/tests/ftp-load build/opt/tests/core-load build/opt/sbin/echod{,-shared} build/opt/libexec/posada/echod{,-shared}-net
for what in ${BENCH:-smtp pop3 ftp}; do
    case $what in
    # shellcheck disable=SC2086
    smtp) python3 tests/bench/run.py ${BENCH_ARGS:-} ;;
    # shellcheck disable=SC2086
    pop3) python3 tests/bench/pop3.py ${BENCH_ARGS:-} ;;
    # shellcheck disable=SC2086
    ftp) python3 tests/bench/ftp.py ${BENCH_ARGS:-} ;;
    # shellcheck disable=SC2086
    core) python3 tests/bench/core.py ${BENCH_ARGS:-} ;;
    *) echo "BENCH: one or more of smtp, pop3, ftp, core" >&2 && exit 64 ;;
    esac
done
