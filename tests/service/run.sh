#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The service layer on echod; see run.py. Arguments: names of tests.
cd "$(dirname "$0")/../.." || exit 71
exec python3 tests/service/run.py "$@"
