#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The demo contract.
cd "$(dirname "$0")/../.." || exit 71
exec python3 tests/demo/demo_test.py "$@"
