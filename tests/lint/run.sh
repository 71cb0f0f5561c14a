#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The lint stage: each check is one test.
cd "$(dirname "$0")/../.." || exit 71
passed=0 failed=0
check() { # name command...
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok   $name"
        grep '^NOTE: ' <<<"$out"
    else
        failed=$((failed + 1))
        echo "FAIL $name"
        sed 's/^/    /' <<<"$out"
    fi
}
format_check() {
    local found
    clang-format --version >/dev/null || return 1
    found=$(git ls-files -z '*.cc' '*.h' | xargs -0 -r clang-format --dry-run -Werror 2>&1 | grep ': error:')
    [ -z "$found" ] || { cut -d: -f1 <<<"$found" | sort | uniq -c; echo "run: make format"; return 1; }
}
man_check() { local pages; pages=$(git ls-files 'man/*.[1-8]'); [ -z "$pages" ] || mandoc -Tlint -W warning $pages; }
shell_check() { local f; for f in $(git ls-files '*.sh' .ci/run); do bash -n "$f" || return 1; done; }
python_check() { git ls-files -z '*.py' | xargs -0 -r python3 -c 'import ast, sys
for f in sys.argv[1:]: ast.parse(open(f).read(), f)'; }

check "include arrows" python3 tests/lint/layers.py
check "fields of log events" python3 tests/lint/events.py
check "size budgets" python3 tests/lint/budgets.py
check "what files say" tests/lint/text.sh
check "clang-format" format_check
check "manual pages" man_check
check "shell syntax" shell_check
check "python syntax" python_check
check "clang-tidy on changed files" tests/lint/tidy.sh
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
