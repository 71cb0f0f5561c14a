#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# deps.sh build|test...: are the Debian packages of packaging/<name>-packages.txt installed? As root the missing ones are
# installed, otherwise the one apt line is printed and the exit status is 1.
set -u
here=$(dirname "$0")

wanted() {
    for list in "$@"; do
        file=$here/$list-packages.txt
        [ -r "$file" ] || { echo "deps.sh: no list $file" >&2; exit 64; }
        sed -e 's/#.*//' "$file"
    done | tr -s ' \t' '\n' | sed '/^$/d'
}

is_installed() {
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "deps.sh: not a Debian system; please see to it that these are present:" $(wanted "$@") >&2
    exit 0
fi

missing=
for package in $(wanted "$@"); do
    is_installed "$package" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

line="apt-get install --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
    echo "These packages are missing. Install them with this line, then run make again:" >&2
    echo "  sudo $line" >&2
    exit 1
fi

log=$(mktemp)
echo "Installing missing packages:$missing"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
install="apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold install --no-install-recommends"
# The lists may be older than the archive: try as it is, then with fresh lists.
$install $missing </dev/null >$log 2>&1 ||
    { apt-get -q update </dev/null && $install $missing </dev/null; } >>$log 2>&1
status=$?
if [ $status -ne 0 ]; then
    tail -n 20 $log >&2
    echo "apt failed; the line was: $line" >&2
fi
rm -f $log
[ $status -eq 0 ] || exit 1
for package in $missing; do
    is_installed "$package" || { echo "deps.sh: $package is still missing" >&2; exit 1; }
done
