#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The check driver: runs stages one after the other, adds up what they report, and ends with one line
#     N passed, N failed, N skipped
# A stage is `build`, `unit`, `asan`, `clang`, or a folder tests/<stage> with a run.sh. Every run.sh prints as its last line
# `N passed, N failed[, N skipped]`; each skip has printed a line `SKIP: what: reason` before. A stage that ends without that
# line, with a non-zero status, or with an unexplained skip has failed. The whole output is in build/check/<stage>.log.
set -u
cd "$(dirname "$0")/.." || exit 71
jobs=$(nproc)
logs=build/check
mkdir -p "$logs"
total_passed=0 total_failed=0 total_skipped=0
summary=()

# One GoogleTest program after the other; its own summary lines are counted.
run_unit() { # $1: MODE
    local list passed=0 failed=0 skipped=0 program out status n names
    make --no-print-directory MODE="$1" -j"$jobs" unit-tests || { echo "0 passed, 1 failed"; return 1; }
    list=$(make --no-print-directory MODE="$1" list-unit-tests)
    for program in $list; do
        out=$(timeout -k 10 300 "$program" --gtest_color=no 2>&1 </dev/null)
        status=$?
        n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' <<<"$out" | tail -n 1)
        passed=$((passed + ${n:-0}))
        n=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' <<<"$out" | tail -n 1)
        skipped=$((skipped + ${n:-0}))
        n=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' <<<"$out" | tail -n 1)
        if [ "$status" -ne 0 ]; then
            failed=$((failed + ${n:-1}))
            echo "== $program: exit status $status"
            grep -vE '^\[( RUN      |       OK )\]|^\[-+\]' <<<"$out" | tail -n 60
        fi
        # A skipped test prints "file:line: Skipped", its reason on the next line, then its name.
        awk '/: Skipped$/ {getline reason} /^\[  SKIPPED \] .*\(/ {print "SKIP: " $4 ": " reason}' <<<"$out"
        names=$(grep -c '^\[ RUN      \]' <<<"$out")
        echo "$program: $names tests"
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}

run_build() {
    make --no-print-directory -j"$jobs" all tests || { echo "0 passed, 1 failed"; return 1; }
    echo "1 passed, 0 failed"
}

run_clang() {
    make --no-print-directory MODE=clang -j"$jobs" all tests || { echo "0 passed, 1 failed"; return 1; }
    run_unit clang
}

stage_command() { # $1: stage; prints its output
    case $1 in
    build) run_build ;;
    unit) run_unit opt ;;
    asan) run_unit asan ;;
    clang) run_clang ;;
    tidy) tests/lint/tidy.sh all ;;
    *) if [ -x "tests/$1/run.sh" ]; then "tests/$1/run.sh"; else echo "no stage '$1'"; return 64; fi ;;
    esac
}

run_stage() { # $1: stage
    local stage=$1 log="$logs/$1.log" status line passed failed skipped explained began=$SECONDS
    echo "--- $stage"
    stage_command "$stage" >"$log" 2>&1 </dev/null
    status=$?
    line=$(tail -n 1 "$log")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
    else
        passed=0 failed=1 skipped=0
        echo "    the stage ended without its closing line"
    fi
    [ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
    [ $((passed + failed + skipped)) -eq 0 ] && failed=1 && echo "    the stage ran nothing"
    explained=$(grep -c '^SKIP: ' "$log")
    if [ "$explained" -lt "$skipped" ]; then
        echo "    $skipped skipped, but only $explained named a reason"
        failed=$((failed + 1))
    fi
    if [ "$failed" -ne 0 ]; then
        echo "    FAILED (status $status); the end of $log:"
        tail -n 60 "$log" | sed 's/^/    | /'
    else
        grep '^NOTE: ' "$log" | sed 's/^/    /'
    fi
    grep '^SKIP: ' "$log" | sort -u | sed 's/^/    /'
    echo "    $passed passed, $failed failed, $skipped skipped, $((SECONDS - began)) s"
    summary+=("$(printf '%-8s %5d s %6d passed %4d failed %4d skipped' "$stage" $((SECONDS - began)) "$passed" "$failed" "$skipped")")
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
    [ "$stage" != build ] || [ "$failed" -eq 0 ]
}

# Every stage that exists, the cheap and telling ones first; a new folder with a run.sh is found by itself.
default_stages() {
    local stage known="lint docs install supervisor service demo priv dialog interop crash fuzz"
    echo build unit
    for stage in $known; do
        [ -x "tests/$stage/run.sh" ] && echo "$stage"
    done
    for stage in tests/*/run.sh; do
        stage=$(basename "$(dirname "$stage")")
        [[ " $known " == *" $stage "* ]] || echo "$stage"
    done
    echo asan
}

stages=("$@")
if [ ${#stages[@]} -eq 0 ]; then mapfile -t stages < <(default_stages | tr ' ' '\n'); fi
if [ "${stages[*]}" = all ]; then mapfile -t stages < <({ default_stages; echo clang tidy; } | tr ' ' '\n'); fi

for stage in "${stages[@]}"; do
    run_stage "$stage" || break
done

echo
printf '%s\n' "${summary[@]}"
echo "total $SECONDS s; logs in $logs"
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ "$total_failed" -eq 0 ]
