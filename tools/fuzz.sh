#!/usr/bin/env bash
# Fuzzes every target for so many seconds each; new inputs go to build-fuzz/corpus, crashes stop it.
#   tools/fuzz.sh SECONDS [TARGET...]     targets: csv json yaml ... (default: all)
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
if [ ! -f build-fuzz/build.ninja ]; then
    CC=clang-14 meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dc_args=-fsanitize=fuzzer-no-link >build-fuzz-setup.log || { cat build-fuzz-setup.log && exit 1; }
    rm -f build-fuzz-setup.log
fi
[ $# -gt 0 ] || set -- $(basename -a tests/fuzz/fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
for name in "$@"; do
    ninja -C build-fuzz "tests/fuzz/fuzz_$name" >/dev/null
    mkdir -p "build-fuzz/corpus/$name" build-fuzz/crashes
    dict=()
    [ -f "tests/fuzz/$name.dict" ] && dict=("-dict=tests/fuzz/$name.dict")
    echo "== fuzz $name: $seconds s"
    "build-fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -print_final_stats=1 "${dict[@]}" \
        -artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name" "tests/fuzz/corpus/$name"
done
