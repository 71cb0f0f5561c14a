#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make soak: crash states with many random subsets, and KILLS (default 2000) random kills under load.
set -u
cd "$(dirname "$0")/../.." || exit 71
exec tests/crash/run.sh --random 20 --kills "${KILLS:-2000}"
