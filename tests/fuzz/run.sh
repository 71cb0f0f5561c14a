#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzing. Every target of tests/fuzz/*_fuzz.cc, from its seeds:
#   tests/fuzz/run.sh [SECONDS]     replay, then fuzz for SECONDS (default 60) of wall time in all, shared equally
#   tests/fuzz/run.sh replay        only the seeds and kept findings, once, under g++'s ASan and UBSan
#   tests/fuzz/run.sh long SECONDS  SECONDS for each target; what reached new code is kept in build/fuzz/corpus/<name>
#   tests/fuzz/run.sh merge         adds the smallest set of kept inputs that reaches new code to tests/fuzz/corpus
# One line per target, last line `N passed, M failed`. A found input is in build/fuzz/artifacts/; once it is understood it
# belongs into corpus/<name>/, where every later check replays it. Reproduce: build/asan/tests/replay-<name> FILE.
set -u
cd "$(dirname "$0")/../.." || exit 71
jobs=$(nproc)
here=tests/fuzz
kept=build/fuzz/corpus
artifacts=build/fuzz/artifacts
logs=build/fuzz/logs
mkdir -p "$kept" "$artifacts" "$logs"
read -ra targets <<<"$(make --no-print-directory -s list-fuzz-targets)"
[ -n "${FUZZ_ONLY:-}" ] && read -ra targets <<<"$FUZZ_ONLY"
passed=0 failed=0

count() { # $1: status, $2: log to show when it failed
    if [ "$1" -eq 0 ]; then passed=$((passed + 1)); return; fi
    failed=$((failed + 1))
    tail -n 40 "$2" | sed 's/^/    | /'
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

build() { # $1: MODE, $2: prefix of the programs
    make --no-print-directory MODE="$1" -j"$jobs" "${targets[@]/#/build/$1/tests/$2-}" && return
    echo "0 passed, ${#targets[@]} failed"
    exit 1
}

replay() {
    build asan replay
    local name log status
    for name in "${targets[@]}"; do
        log=$logs/replay-$name.log
        timeout -k 10 300 build/asan/tests/replay-"$name" "$here/corpus/$name" >"$log" 2>&1 </dev/null
        status=$?
        if [ "$status" -eq 0 ]; then echo "replay $name: $(tail -n 1 "$log") inputs"; else echo "replay $name: status $status"; fi
        count "$status" "$log"
    done
}

fuzz_one() { # $1: target, $2: seconds; the log ends with libFuzzer's statistics
    local name=$1 options=(-max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
    options+=(-artifact_prefix="$artifacts/$name-" -max_len="${FUZZ_MAX_LEN:-16384}")
    [ -f "$here/dict/$name.dict" ] && options+=(-dict="$here/dict/$name.dict")
    mkdir -p "$kept/$name"
    timeout -k 10 $(($2 + 120)) build/fuzz/tests/fuzz-"$name" "${options[@]}" "$kept/$name" "$here/corpus/$name" \
        >"$logs/$name.log" 2>&1 </dev/null
    echo $? >"$logs/$name.status"
}

report_one() { # $1: target
    local log=$logs/$1.log execs cov
    execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    cov=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    echo "fuzz $1: ${execs:-0} execs, ${cov:-cov: 0}, status $(cat "$logs/$1.status")"
    [ "$(cat "$logs/$1.status")" -eq 0 ] && [ "${execs:-0}" -gt 0 ]
    count $? "$log"
}

fuzz() { # $1: seconds for each target
    build fuzz fuzz
    local name
    for name in "${targets[@]}"; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        fuzz_one "$name" "$1" &
    done
    wait
    for name in "${targets[@]}"; do report_one "$name"; done
}

merge() {
    build fuzz fuzz
    local name
    for name in "${targets[@]}"; do
        build/fuzz/tests/fuzz-"$name" -merge=1 "$here/corpus/$name" "$kept/$name" >"$logs/merge-$name.log" 2>&1
        local status=$?
        echo "merge $name: $(find "$here/corpus/$name" -type f | wc -l) inputs now"
        count "$status" "$logs/merge-$name.log"
    done
}

case ${1:-60} in
replay) replay ;;
merge) merge ;;
long) fuzz "${2:-60}" ;;
*[!0-9]*) echo "usage: $0 [SECONDS | replay | long SECONDS | merge]" >&2; exit 64 ;;
*)
    replay
    share=$((${1:-60} * jobs / ${#targets[@]}))
    fuzz $((share > 0 ? share : 1))
    ;;
esac
finish
