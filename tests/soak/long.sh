#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make soak: crash states with many random subsets, KILLS (default 2000) random kills under load, and CUTS (default 10000)
# FTP transfers that break off and are gone on with.
set -u
cd "$(dirname "$0")/../.." || exit 71
status=0
tests/crash/run.sh --random 20 --kills "${KILLS:-2000}" || status=1
make --no-print-directory build/opt/sbin/ftpd build/opt/libexec/posada/ftpd-net && tests/interop/ftp_cuts.py "${CUTS:-10000}" || status=1
exit $status
