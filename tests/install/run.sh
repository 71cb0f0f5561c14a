#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make install into an empty root, what stands there, and make uninstall.
cd "$(dirname "$0")/../.." || exit 71
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
passed=0 failed=0
check() { # name command...
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1)); echo "ok   $name"
    else
        failed=$((failed + 1)); echo "FAIL $name"; sed 's/^/    /' <<<"$out"
    fi
}
install_it() { make --no-print-directory install DESTDIR="$root" PREFIX=/usr; }
programs() { make --no-print-directory list-programs; }
all_programs() { local p; for p in $(programs); do [ -x "$root/usr/$p" ] || { echo "missing: $p"; return 1; }; done; }
runs() { "$root/usr/bin/posada" --version && "$root/usr/sbin/posadad" --version && "$root/usr/bin/posada" help >/dev/null && "$root/usr/bin/ftp" --version; }
# The manual page of every program that a person starts.
manuals() {
    local p page
    for p in $(programs); do
        case $p in libexec/*) continue ;; esac
        page=$(basename "$p").8
        [ "$p" != bin/ftp ] || page=ftp.1
        [ -e "$root/usr/share/man/man${page##*.}/$page" ] || { echo "no manual page for $p"; return 1; }
    done
}
# Every option that --help names is in the manual page, and the other way round.
options_documented() {
    local p help page missing=0 option
    for p in posadad smtpd pop3d ftpd; do
        help=$("$root/usr/sbin/$p" --help)
        page=$root/usr/share/man/man8/$p.8
        for option in $(grep -oE -e '--[a-z-]+' <<<"$help" | sort -u); do
            grep -qE "^\.(It|Op) .*Fl -${option#--}( |$)" "$page" || { echo "$p.8 lacks $option"; missing=1; }
        done
        for option in $(sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' "$page"); do
            grep -qE -e "--$option( |\]|$)" <<<"$help" || { echo "$p.8 invents --$option"; missing=1; }
        done
    done
    return $missing
}
commands_documented() {
    local name missing=0
    for name in $("$root/usr/bin/posada" help | sed -n 's/^  posada \([a-z]*\).*/\1/p'); do
        grep -q "^\.It Cm $name" "$root/usr/share/man/man8/posada.8" || { echo "posada.8 lacks $name"; missing=1; }
    done
    return $missing
}
placeholders() { ! grep -rlI '@[A-Z]*@' "$root"; }
example_is_valid() { "$root/usr/bin/posada" config --config packaging/posada.toml >/dev/null; }
# What the example shows as comments must be right when somebody takes the '#' away.
example_uncommented() {
    sed -E 's/^#([a-z_]+ = |\[)/\1/' packaging/posada.toml >"$root/all.toml"
    "$root/usr/bin/posada" config --config "$root/all.toml" >/dev/null
}
units() {
    local out
    for p in $(programs); do mkdir -p "$root/verify/$(dirname "usr/$p")"; done
    out=$(systemd-analyze verify --man=no --recursive-errors=no "$@" 2>&1 | grep -E 'posada[^/]*: |posada.*(Unknown|Failed|Invalid|ignoring)' |
        grep -vE 'is not executable|No such file|not found')
    [ -z "$out" ] || { echo "$out"; return 1; }
}
# Every unit's program and every listener's name exists.
unit_programs() {
    local path
    for path in $(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$root"/usr/lib/systemd/system/posada*.service); do
        [ -x "$root$path" ] || { echo "no program $path"; return 1; }
    done
}
names() {
    local name known
    # With a certificate: the listeners that are TLS from the first byte exist only then.
    printf '[tls]\nchain = "/c.pem"\nkey = "/k.pem"\n' >"$root/tls.toml"
    known=$("$root/usr/bin/posada" config --json --config "$root/tls.toml")
    for name in $(sed -n 's/^FileDescriptorName=//p; s/.*--listener \([a-z0-9]*\).*/\1/p' packaging/systemd/* packaging/inetd/*); do
        grep -q "\"$name\"" <<<"$known" || { echo "no listener '$name'"; return 1; }
    done
}
accounts() { systemd-sysusers --dry-run "$root/usr/lib/sysusers.d/posada.conf"; }
config_kept() {
    echo '# mine' >"$root/etc/posada/posada.toml"
    install_it >/dev/null && [ "$(cat "$root/etc/posada/posada.toml")" = '# mine' ]
}
uninstalls() {
    make --no-print-directory uninstall DESTDIR="$root" PREFIX=/usr >/dev/null || return 1
    local left
    left=$(find "$root/usr" -type f)
    [ -z "$left" ] && [ ! -d "$root/usr/share/doc/posada" ] && [ -e "$root/etc/posada/posada.toml" ] || { echo "left: $left"; return 1; }
}

check "make install" install_it
check "every program is installed" all_programs
check "programs run from there" runs
check "every program has its manual page" manuals
check "manual pages and --help name the same options" options_documented
check "posada(8) has every command" commands_documented
check "no placeholder is left" placeholders
check "the example configuration is valid" example_is_valid
check "the example's suggestions are valid" example_uncommented
check "units start programs that exist" unit_programs
check "sockets and inetd lines name listeners that exist" names
if command -v systemd-analyze >/dev/null; then
    check "units are well formed" units "$root"/usr/lib/systemd/system/posada*
else
    echo "SKIP: units are well formed: no systemd-analyze"; skipped=1
fi
if command -v systemd-sysusers >/dev/null; then
    check "sysusers.d is well formed" accounts
else
    echo "SKIP: sysusers.d is well formed: no systemd-sysusers"; skipped=$((${skipped:-0} + 1))
fi
check "an existing configuration is kept" config_kept
check "make uninstall removes what it installed and nothing else" uninstalls
echo "$passed passed, $failed failed, ${skipped:-0} skipped"
[ "$failed" -eq 0 ]
