#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What every file must and must not say: a licence line in each source file, a file head of 1-8 comment lines in each
# header, no trailing blanks, no tabs outside Makefiles, no path of the machine it was written on, and no word about
# anything but the project itself. Prints each offence; the exit status is 1 if there is one.
cd "$(dirname "$0")/../.." || exit 71
status=0
offence() { echo "$1"; status=1; }

mapfile -t sources < <(git ls-files '*.cc' '*.h' '*.def' '*.mk' '*.sh' '*.py' Makefile .ci/run)
for file in "${sources[@]}"; do
    [ -e "$file" ] || continue
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' || offence "$file:1: no SPDX line"
done
while read -r header; do
    [ -e "$header" ] || continue
    sed -n 2p "$header" | grep -q '^// ' || offence "$header:2: a header says in its second line what lives here"
    grep -q '^#pragma once$' "$header" || offence "$header: no #pragma once"
done < <(git ls-files '*.h')

search() { # what regex -- pathspec...
    local what=$1 regex=$2 found
    shift 3
    found=$(git grep -nIE "$regex" -- "$@" ':!tests/lint/text.sh' ':(exclude,glob)tests/**/corpus/**') && offence "$what:
$found"
}
search "trailing blank" '[ 	]+$' -- '*.cc' '*.h' '*.md' '*.toml' '*.service' '*.socket'
search "tab" '	' -- '*.cc' '*.h' '*.py' '*.toml'
search "a path of the machine it was built on" '(^|[^[:alnum:]_.}/])/(work|home/[a-z]+/src|root)/' -- . ':!*.eml'
search "TODO and friends: finish it or leave it out" '\b(TODO|FIXME|XXX|HACK)\b' -- '*.cc' '*.h' '*.sh' '*.py' '*.md' 'man/*'
search "the project speaks of itself only" '\b([Cc]hat[- ]?GPT|[Cc]opilot|[Aa]nthropic|[Cc]laude|LLM|language model)\b' -- .
search "no umbrella or system catch-all header" '#include <bits/' -- '*.cc' '*.h'

# The guides name files in back quotes; each of them is there (xd is the daemon somebody is about to write).
while IFS=: read -r guide line path; do
    git ls-files -- "$path" "*/$path" | grep -q . || offence "$guide:$line: \`$path\` is not there"
done < <(grep -noE '`[a-z][A-Za-z0-9_./-]*\.(cc|h|def|py|sh|mk|txt)`' -- *.md | grep -v ':`xd/' | tr -d '\`')
while IFS=: read -r guide line path; do
    [ -e "$path" ] || offence "$guide:$line: \`$path\` is not there"
done < <(grep -noE '`(common|smtpd|pop3d|ftpd|supervisor|ctl|tests|man|packaging)(/[a-z0-9_-]+)+/?`' -- *.md | tr -d '\`')
exit $status
