#!/usr/bin/env bash
# Builds guests: build.sh LANGUAGE [DIR], where LANGUAGE is `c` or `rust`, and DIR gets the programs and a file `compilers`, which says what
# built them; without DIR, beside the sources. Where there is no compiler it says why on one line, and exits with 3.
#
# On Debian, the packages clang, lld, wasi-libc and libclang-rt-dev-wasm32 are what C needs, rustc and
# libstd-rust-dev-wasm32 what Rust does. Guests in Go are built where they are tested: they are megabytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

language=${1:?"usage: build.sh c|rust [DIR]"}
to=${2:-$language}

absent() {
    echo "no $*"
    exit 3
}

# What a library is, whatever its package is called.
digest() { sha256sum "$1" | cut -c1-16; }

c() {
    local clang=${GUESTS_CLANG:-clang} sysroot=${GUESTS_SYSROOT:-/usr}
    command -v "$clang" wasm-ld > /dev/null || absent "clang and wasm-ld"
    local libc
    libc=$("$clang" --target=wasm32-wasi --sysroot="$sysroot" -print-file-name=libc.a)
    [ -e "$libc" ] || absent "wasi-libc in $sysroot"
    local runtime
    runtime=$("$clang" --target=wasm32-wasi -print-libgcc-file-name)
    [ -e "$runtime" ] || absent "compiler-rt for wasm32-wasi: $runtime"
    local options=(--target=wasm32-wasi --sysroot="$sysroot" -flto -Wall -Wextra -Wl,--strip-all,--gc-sections)
    local source
    for source in c/*.c; do
        "$clang" "${options[@]}" "$(level "$source")" "$source" -o "$to/$(basename "$source" .c).wasm"
    done
    {
        "$clang" --version | head -1
        wasm-ld --version
        echo "libc $(digest "$libc"), runtime $(digest "$runtime")"
    } > "$to/compilers"
}

# Small, but for the program that is measured.
level() { if [ "$1" = c/calls.c ]; then echo -O2; else echo -Oz; fi; }

rust() {
    local rustc target libraries
    for rustc in ${GUESTS_RUSTC:-rustc /usr/bin/rustc}; do
        for target in wasm32-wasip1 wasm32-wasi; do
            libraries=$("$rustc" --print target-libdir --target "$target" 2> /dev/null) && [ -d "$libraries" ] && break 2
        done
    done
    [ -d "${libraries:-}" ] || absent "rustc with the target wasm32-wasi or wasm32-wasip1"
    local options=(--edition 2021 --target "$target" -C opt-level=z -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols)
    local source
    for source in rust/*.rs; do
        "$rustc" "${options[@]}" "$source" -o "$to/$(basename "$source" .rs).wasm"
    done
    {
        "$rustc" -vV | grep -E '^(rustc|LLVM)'
        echo "target $target, library $(digest "$(echo "$libraries"/libstd-*.rlib)")"
    } > "$to/compilers"
}

mkdir -p "$to"
"$language"
# What a linker makes is to be run; these are to be read.
chmod a-x "$to"/*.wasm
