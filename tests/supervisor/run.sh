#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# posadad with stand-in services.
cd "$(dirname "$0")/../.." || exit 71
exec python3 tests/supervisor/posadad_test.py "$@"
