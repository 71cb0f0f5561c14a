#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make fuzz: FUZZ_SECONDS (default 60) for every target, or for those in FUZZ_ONLY="name name".
exec "$(dirname "$0")/run.sh" long "${FUZZ_SECONDS:-60}"
