#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# PAM through pam_wrapper and nss_wrapper: what each module's verdict becomes. No root needed, no account touched.
# usage: pam_wrapper.sh [PROBE]; last line: N passed, N failed
set -u
cd "$(dirname "$0")/../.." || exit 71
probe=$(realpath "${1:-build/opt/tests/auth-probe}") || exit 71
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

lib=/usr/lib/$(uname -m)-linux-gnu
matrix=$lib/pam_wrapper/pam_matrix.so
chatty=$lib/pam_wrapper/pam_chatty.so
mkdir "$work/pam.d"
printf 'unixuser:right:posada-pop3\nother:right:imapd\nlow:right:posada-pop3\nghost:right:posada-pop3\n' >"$work/passdb"
cat >"$work/passwd" <<EOF
root:x:0:0::/root:/bin/sh
low:x:12:12::/var/low:/bin/sh
unixuser:x:4000:4000::/home/unixuser:/bin/sh
other:x:4001:4001::/home/other:/bin/sh
EOF
printf 'root:x:0:\nlow:x:12:\nunixuser:x:4000:\nother:x:4001:\n' >"$work/group"

service() { # $1: auth line(s), $2: account line; writes the service file
    printf '%s\n' "$1" "$2" >"$work/pam.d/posada-pop3"
}
usual() {
    service "auth required $matrix passdb=$work/passdb" "account required $matrix passdb=$work/passdb"
}
login() { # $1: user, $2: password, $3: deadline in ms
    printf '%s\n' "$2" | env LD_PRELOAD="$lib/libpam_wrapper.so:$lib/libnss_wrapper.so" PAM_WRAPPER=1 \
        PAM_WRAPPER_SERVICE_DIR="$work/pam.d" NSS_WRAPPER_PASSWD="$work/passwd" NSS_WRAPPER_GROUP="$work/group" \
        ${probe_env:-} "$probe" posada-pop3 192.0.2.7 "$1" ${3:-} 2>>"$work/log"
}
expect() { # $1: name, $2: extended regular expression, $3: what came
    if grep -Eq -- "$2" <<<"$3"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $1: expected /$2/, got: $3"
        tail -n 3 "$work/log"
    fi
}

usual
expect right-password '^accepted unixuser uid=4000$' "$(login unixuser right)"
expect wrong-password '^refused bad-password ' "$(login unixuser wrong)"
expect other-service '^refused access-denied ' "$(login other right)"
expect low-uid '^refused uid-below-first-valid ' "$(login low right)"
expect root-with-empty-password '^refused empty-password hashes=1' "$(login root '')"
expect unknown-costs-one-hash '^refused unknown-user hashes=1$' "$(login nobody-here right)"
expect unknown-to-nss-never-hands-the-password-over '^refused unknown-user hashes=1$' "$(login ghost right)"
expect name-like-an-option '^refused unknown-user hashes=1$' "$(login '-f root' right)"

service "auth required $matrix passdb=$work/passdb verbose" "account required $matrix passdb=$work/passdb verbose"
expect messages-besides-the-prompt '^accepted unixuser ' "$(login unixuser right)"
service "auth required $chatty num_lines=40 info error
auth required $matrix passdb=$work/passdb" "account required pam_permit.so"
expect eighty-messages '^accepted unixuser ' "$(login unixuser right)"
service "auth required $matrix passdb=$work/passdb echo" "account required pam_permit.so"
expect visible-prompt-gets-the-name-not-the-password '^refused bad-password ' "$(login unixuser right)"

for code in auth_err:bad-password maxtries:too-many-tries user_unknown:unknown-user perm_denied:access-denied conv_err:second-prompt; do
    service "auth requisite pam_debug.so auth=${code%%:*}" "account required pam_permit.so"
    expect "auth-${code%%:*}" "^refused ${code#*:} " "$(login unixuser right)"
done
for code in acct_expired:account-expired new_authtok_reqd:password-expired perm_denied:access-denied auth_err:access-denied; do
    service "auth required pam_permit.so" "account requisite pam_debug.so acct=${code%%:*}"
    expect "account-${code%%:*}" "^refused ${code#*:} " "$(login unixuser right)"
done
for code in authinfo_unavail system_err service_err cred_insufficient abort; do
    service "auth requisite pam_debug.so auth=$code" "account required pam_permit.so"
    expect "auth-$code-is-temporary" '^unavailable pam ' "$(login unixuser right)"
done
service "auth required /nowhere/pam_absent.so" "account required pam_permit.so"
expect absent-module-is-temporary '^unavailable pam ' "$(login unixuser right)"

rm "$work/pam.d/posada-pop3"
expect missing-service-file-is-named '/etc/pam.d/posada-pop3 missing\?\)' "$(login unixuser right)"
expect missing-service-file-lets-nobody-in '^(refused|unavailable) ' "$(login unixuser right)"

printf '#!/bin/sh\nenv >%s\n' "$work/env" >"$work/items.sh"
chmod +x "$work/items.sh"
service "auth required pam_exec.so seteuid $work/items.sh" "account required pam_permit.so"
expect items-login '^accepted unixuser ' "$(login unixuser right)"
for item in PAM_RHOST=192.0.2.7 PAM_TTY=posada-pop3d PAM_USER=unixuser PAM_SERVICE=posada-pop3 PAM_TYPE=auth; do
    expect "item-${item%%=*}" "^$item\$" "$(cat "$work/env" 2>/dev/null)"
done
expect password-is-not-in-the-environment '^none$' "$(grep -q right "$work/env" && echo found || echo none)"

service "auth required $lib/pam_wrapper/pam_set_items.so" "account required pam_permit.so"
probe_env=PAM_USER=other
expect rewritten-user-is-the-one-who-logs-in '^accepted other uid=4001$' "$(login unixuser right)"
probe_env=PAM_USER=low
expect rewritten-to-a-low-uid '^refused uid-below-first-valid ' "$(login unixuser right)"
probe_env=

service "auth optional pam_faildelay.so delay=8000000
auth required $matrix passdb=$work/passdb" "account required pam_permit.so"
began=$(date +%s)
expect delay-of-modules-login '^refused bad-password ' "$(login unixuser wrong)"
expect delay-of-modules-is-ours '^[0-3]$' "$(($(date +%s) - began))"

cat >"$work/hang.sh" <<EOF
#!/bin/sh
echo \$\$ >$work/hang.pid
exec sleep 300
EOF
chmod +x "$work/hang.sh"
service "auth required pam_exec.so $work/hang.sh" "account required pam_permit.so"
expect hanging-module '^timeout$' "$(login unixuser right 1500)"
# Killed with its worker although pam_exec gave it a session of its own; init may take a moment to reap it.
left=alive
for _ in $(seq 30); do
    state=$(ps -o stat= -p "$(cat "$work/hang.pid" 2>/dev/null || echo 0)" 2>/dev/null)
    case $state in '' | Z*) left=gone; break ;; esac
    sleep 0.1
done
expect hanging-module-was-started '^[0-9]+$' "$(cat "$work/hang.pid" 2>/dev/null)"
expect hanging-module-leaves-no-process '^gone$' "$left"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
