#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Documents against the programs' tables: options and log events in the manual, the example file, the installed
# configuration with every comment in force; and mandoc's opinion of every page.
#     run.sh            compare
#     run.sh --update   print the tables anew into the documents
cd "$(dirname "$0")/../.." || exit 71
build=${POSADA_BUILD:-build/opt}
print=$build/tests/print-docs
work=$(mktemp -d) || exit 71
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
# Without it the tables would be printed empty.
[ -x "$print" ] || make --no-print-directory "$print" >&2 || exit 71

verdict() { # $1: 0 = right; $2: what, if wrong
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL: $2"; fi
}

# The page with the table printed anew between its two marker lines.
page_with_table() { # page table
    awk -v table="$2" -v print_docs="$print" '
        /^\.\\" end of what was printed$/ {inside = 0}
        !inside {print}
        index($0, ".\\\" printed by tests/print-docs " table ":") == 1 {
            inside = 1
            fflush()
            if (system(print_docs " " table) != 0) exit 1
        }' "$1"
}

update_or_compare() { # file fresh-file
    if [ "$mode" = --update ]; then
        cp "$2" "$1"
    else
        diff -u "$1" "$2"
        verdict $? "$1 is not what the programs say: run tests/docs/run.sh --update"
    fi
}

# Every key that the comments of a configuration file show must be a key, and every value right.
check_example() { # file
    sed -E 's/^#(\[\[|[a-z_]+ = )/\1/; s/ = \.\.\.$/ = "\/x"/' "$1" >"$work/posada.toml"
    "$build/bin/posada" config --config "$work/posada.toml" >/dev/null
    verdict $? "$1: with its comments in force it is not a valid configuration"
}

# The examples of the manual page that are configuration: literal blocks whose first line is a header.
check_manual_examples() { # page
    awk -v out="$work/manual" '
        /^\.Ed/ {inside = 0}
        inside == 1 {inside = ($0 ~ /^\[/) ? 2 : 0; if (inside == 2) file = out (++n) ".toml"}
        inside == 2 {print > file}
        /^\.Bd -literal/ {inside = 1}' "$1"
    local file
    for file in "$work"/manual*.toml; do
        "$build/bin/posada" config --config "$file" >/dev/null
        verdict $? "$1: example $(basename "$file") is not a valid configuration"
    done
}

# A key that no code outside the option tables and their codec reads would be a promise without an effect. Where other
# structs have a member of this name, the one that is meant is named with its owner.
check_keys_are_used() {
    local key member
    for key in $("$print" keys); do
        case $key in
        address) member='\.addresses' ;;
        route) member='\.routes' ;;
        name | port) member="listeners?(\[i\])?\.$key" ;;
        auth) member='listener\.auth' ;;
        key) member='files\.key' ;;
        host) member='route\.host' ;;
        batch) member='queue\.batch' ;;
        level) member='logs?\.level' ;;
        total) member='config\.total' ;;
        mail_root) member='mail_directory' ;; # which of the two it is
        config_version) continue ;; # config_check.cc compares it; nothing else may depend on it
        *) member="(\.|->)$key" ;;
        esac
        git grep -qE "$member\b" -- '*.cc' '*.h' ':!tests' ':!*options*' ':!common/service/config/' \
            ':!common/service/net_protocol.cc'
        verdict $? "key $key: no code reads it"
    done
}

mode=${1:-}
page_with_table man/posada.toml.5 options >"$work/posada.toml.5"
update_or_compare man/posada.toml.5 "$work/posada.toml.5"
page_with_table man/posada-log.5 events >"$work/posada-log.5"
update_or_compare man/posada-log.5 "$work/posada-log.5"
page_with_table man/smtpd.8 smtp >"$work/smtpd.8"
update_or_compare man/smtpd.8 "$work/smtpd.8"
page_with_table man/pop3d.8 pop3 >"$work/pop3d.8"
update_or_compare man/pop3d.8 "$work/pop3d.8"
page_with_table man/ftpd.8 ftp >"$work/ftpd.8"
update_or_compare man/ftpd.8 "$work/ftpd.8"
"$print" example >"$work/example"
update_or_compare packaging/posada.toml.example "$work/example"
"$print" words >"$work/words"
update_or_compare tests/fuzz/dict/config.dict "$work/words"
for protocol in ftp pop3 smtp; do
    "$print" "$protocol-words" >"$work/$protocol-words"
    update_or_compare "tests/fuzz/dict/${protocol}_session.dict" "$work/$protocol-words"
done
[ "$mode" != --update ] || exit 0

check_keys_are_used
check_example packaging/posada.toml
check_manual_examples man/posada.toml.5
for page in man/*.[1578]; do
    mandoc -Tlint -W warning "$page"
    verdict $? "$page: mandoc complains"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
