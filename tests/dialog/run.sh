#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every dialog file against the real daemons, in every way of starting them. (The pure sessions play the same files at
# every split in the unit stage.)
cd "$(dirname "$0")/../.." || exit 71
exec python3 tests/dialog/player.py "$@"
