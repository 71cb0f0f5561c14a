#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# clang-tidy with the allow-list of .clang-tidy, every finding an error. Without an argument the .cc files that differ
# from the upstream branch (or from the last commit but one), at most 25 of them; `all`: every file.
cd "$(dirname "$0")/../.." || exit 71
changed() {
    local base
    base=$(git merge-base HEAD '@{upstream}' 2>/dev/null || git rev-parse -q --verify HEAD~1)
    [ "$base" = "$(git rev-parse HEAD)" ] && base=$(git rev-parse -q --verify HEAD~1)
    if [ -n "$base" ]; then git diff --name-only --diff-filter=d "$base" -- '*.cc'; else git ls-files '*.cc'; fi
}
command -v clang-tidy >/dev/null || { echo "no clang-tidy here"; echo "0 passed, 1 failed"; exit 1; }
if [ "${1:-}" = all ]; then mapfile -t files < <(git ls-files '*.cc'); else mapfile -t files < <(changed | head -n 25); fi
[ ${#files[@]} -eq 0 ] && { echo "0 passed, 0 failed"; exit 0; }
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
one() {
    clang-tidy --quiet "$2" -- -std=c++20 -I. -DPOSADA_VERSION='"0"' >"$1/$(tr / _ <<<"$2")" 2>&1 || { echo "$2"; cat "$1/$(tr / _ <<<"$2")"; } |
        grep -vE 'warnings? (generated|treated)|^Suppressed|^Use -' | sed 's/^/    /'
    grep -qE ': (error|warning): ' "$1/$(tr / _ <<<"$2")" && touch "$1/bad.$(tr / _ <<<"$2")"
}
export -f one
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} bash -c 'one "$0" "$1"' "$logs" {}
failed=$(find "$logs" -name 'bad.*' | wc -l)
echo "$((${#files[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
