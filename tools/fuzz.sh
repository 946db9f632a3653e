#!/usr/bin/env bash
# Fuzzes every target for so many seconds each, with clang's sanitizers, starting from the committed
# corpora. New inputs stay in build-fuzz/corpus; a finding stops the run and names its input, which
# then belongs into tests/fuzz/corpus/<target> together with the fix.
#   tools/fuzz.sh [SECONDS [TARGET...]]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
[ -f build-fuzz/build.ninja ] ||
    CC=clang-14 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined \
        -Db_lundef=false >/dev/null
targets=("$@")
[ ${#targets[@]} -gt 0 ] ||
    mapfile -t targets < <(basename -a tests/fuzz/fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
for target in "${targets[@]}"; do
    ninja -C build-fuzz "tests/fuzz/fuzz_$target" >/dev/null
    mkdir -p "build-fuzz/corpus/$target"
    dictionary=()
    [ ! -f "tests/fuzz/$target.dict" ] || dictionary=("-dict=tests/fuzz/$target.dict")
    printf 'fuzz: %s, %s s\n' "$target" "$seconds"
    UBSAN_OPTIONS=halt_on_error=1 "build-fuzz/tests/fuzz/fuzz_$target" \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=4096 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="build-fuzz/finding-$target-" "${dictionary[@]}" \
        "build-fuzz/corpus/$target" "tests/fuzz/corpus/$target" 2>&1 |
        { grep -E 'SUMMARY|broken:|number_of_executed|Test unit' || true; }
    [ -z "$(compgen -G "build-fuzz/finding-$target-*")" ] || {
        echo "fuzz: $target has a finding: $(compgen -G "build-fuzz/finding-$target-*" | head -1)" >&2
        exit 1
    }
done
