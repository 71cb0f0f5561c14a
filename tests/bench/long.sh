#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# `make bench`: see run.py. BENCH_ARGS is passed on.
set -eu
cd "$(dirname "$0")/../.."
make --no-print-directory -j"$(nproc)" all build/opt/tests/bare-loops
exec python3 tests/bench/run.py ${BENCH_ARGS:-}
