#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# PAM with the system's own modules and a real account, made here and always removed. Needs root.
# usage: pam_real_account.sh [PROBE]; last line: N passed, N failed, N skipped
set -u
cd "$(dirname "$0")/../.." || exit 71
if [ "$(id -u)" -ne 0 ]; then
    echo "SKIP: pam_real_account: only root can make an account"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
probe=$(realpath "${1:-build/opt/tests/auth-probe}") || exit 71
service=posada-test-$$
account=ptest$$
passed=0 failed=0

clean() {
    userdel -r "$account" 2>/dev/null
    rm -f "/etc/pam.d/$service"
}
trap clean EXIT
trap 'exit 71' INT TERM HUP

login() { # $1: user, $2: password
    printf '%s\n' "$2" | "$probe" "$service" 192.0.2.7 "$1"
}
expect() { # $1: name, $2: extended regular expression, $3: what came
    if grep -Eq -- "$2" <<<"$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1: expected /$2/, got: $3"
    fi
}

useradd -m -s /usr/sbin/nologin "$account" || exit 71
echo "$account:hungry-dog" | chpasswd || exit 71
uid=$(id -u "$account")
cp packaging/pam.d/posada-pop3 "/etc/pam.d/$service"

expect right-password "^accepted $account uid=$uid\$" "$(login "$account" hungry-dog)"
expect wrong-password '^refused bad-password ' "$(login "$account" hungry-do)"
expect longer-password '^refused bad-password ' "$(login "$account" hungry-dogs)"
expect no-password '^refused empty-password ' "$(login "$account" '')"
expect name-in-other-case '^refused unknown-user hashes=1$' "$(login "${account^}" hungry-dog)"
expect unknown-name '^refused unknown-user hashes=1$' "$(login "$account-x" hungry-dog)"
expect root-never '^refused ' "$(login root hungry-dog)"
passwd -q -l "$account"
expect locked-account '^refused bad-password ' "$(login "$account" hungry-dog)"
passwd -q -u "$account"
expect unlocked-account '^accepted ' "$(login "$account" hungry-dog)"
chage -E 0 "$account"
# Debian's common-account turns every verdict of pam_unix but success and an expired password into pam_deny's.
expect expired-account '^refused (account-expired|access-denied) ' "$(login "$account" hungry-dog)"
chage -E -1 "$account"
chage -d 0 "$account"
expect expired-password '^refused password-expired ' "$(login "$account" hungry-dog)"
chage -d "$(date +%F)" "$account"
expect valid-again '^accepted ' "$(login "$account" hungry-dog)"
passwd -q -d "$account"
expect account-without-password '^refused ' "$(login "$account" x)"
expect account-without-password-and-empty-one '^refused empty-password ' "$(login "$account" '')"
echo "$account:hungry-dog" | chpasswd
began=$(date +%s%N)
login "$account" wrong >/dev/null
took=$((($(date +%s%N) - began) / 1000000))
expect failure-is-not-delayed-by-pam_unix '^[0-9]{1,3}$|^1[0-4][0-9][0-9]$' "$took"
userdel -r "$account" 2>/dev/null
expect deleted-account '^refused unknown-user hashes=1$' "$(login "$account" hungry-dog)"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
