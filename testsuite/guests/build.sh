#!/usr/bin/env bash
# Builds the guests in C or Rust.
#
#   build.sh LANGUAGE [DIR]         builds them into DIR, or beside their sources, with a file `compilers` that says what built them
#   build.sh --compilers LANGUAGE   prints what would build them
#
# LANGUAGE is `c` or `rust`. Where no compiler is found, it says so on one line of standard output and exits with 3.
# GUESTS_CLANG, GUESTS_SYSROOT and GUESTS_RUSTC name other compilers than those on the PATH.
#
# On Debian, C needs the packages clang, lld, wasi-libc and libclang-rt-dev-wasm32, Rust needs rustc and
# libstd-rust-dev-wasm32. Guests in Go are built by their tests: they are megabytes.
#
# The result depends on the tools that `compilers` names, and on nothing else of the machine: tools run in an
# environment with the few variables that `pinned` lists, and the linker is called without an optimization level, because
# clang passes what it links through any `wasm-opt` that it finds if it has one.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    echo "usage: build.sh c|rust [DIR], or build.sh --compilers c|rust" >&2
    exit 2
}

only_compilers=
if [ "${1:-}" = --compilers ]; then
    only_compilers=yes
    shift
fi
language=${1:-}
case $language in c | rust) ;; *) usage ;; esac
to=${2:-$here/$language}

# Standard output, also inside the functions whose own is a file.
exec 3>&1
absent() {
    echo "no $*" >&3
    exit 3
}

# The folder of a program, absolute.
folder_of() { cd "$(dirname "$1")" && pwd; }

# Runs a tool. Variables such as COMPILER_PATH, CPATH or RUSTFLAGS do not reach it. HOME and those of rustup find the
# compiler that a rustup proxy stands for.
pinned() {
    env -i PATH="$tools:/usr/bin:/bin" LC_ALL=C HOME="${HOME:-/}" TMPDIR="$scratch" \
        ${RUSTUP_HOME:+RUSTUP_HOME="$RUSTUP_HOME"} ${CARGO_HOME:+CARGO_HOME="$CARGO_HOME"} \
        ${RUSTUP_TOOLCHAIN:+RUSTUP_TOOLCHAIN="$RUSTUP_TOOLCHAIN"} "$@"
}

# The library's content, which its package's name and version do not tell.
digest() { sha256sum "$1" | cut -c1-16; }

# Sets `clang` and `sysroot`, and prints what builds the guests in C.
find_c() {
    clang=$(command -v "${GUESTS_CLANG:-clang}") || absent clang
    sysroot=${GUESTS_SYSROOT:-/usr}
    tools=$(folder_of "$clang")
    clang=$tools/$(basename "$clang")
    local linker libc runtime
    linker=$(pinned "$clang" --target=wasm32-wasi -print-prog-name=wasm-ld) || absent "clang for wasm32-wasi"
    linker=$(PATH=$tools:/usr/bin:/bin command -v "$linker") || absent wasm-ld
    libc=$(pinned "$clang" --target=wasm32-wasi --sysroot="$sysroot" -print-file-name=libc.a)
    [ -e "$libc" ] || absent "wasi-libc in $sysroot"
    runtime=$(pinned "$clang" --target=wasm32-wasi -print-libgcc-file-name)
    [ -e "$runtime" ] || absent "compiler-rt for wasm32-wasi: $runtime"
    pinned "$clang" --version | sed -n 1p
    pinned "$linker" --version
    echo "libc $(digest "$libc"), runtime $(digest "$runtime")"
}

# Compiles and links one program in C: its source, its name, the compiler's options, and `--` before the linker's.
c_program() {
    local source=$1 program=$2 compile=()
    shift 2
    while [ "$1" != -- ]; do
        compile+=("$1")
        shift
    done
    shift
    local target=(--target=wasm32-wasi --sysroot="$sysroot" -flto)
    # Only the headers of the sysroot, not those in /usr/local/include and /usr/include.
    pinned "$clang" "${target[@]}" -nostdlibinc -isystem "$sysroot/include/wasm32-wasi" -Wall -Wextra \
        "${compile[@]}" -c "$source" -o "$scratch/program.o"
    pinned "$clang" "${target[@]}" "$@" "$scratch/program.o" -o "$scratch/out/$program.wasm"
}

c() {
    local source name level small=-Wl,--strip-all,--gc-sections
    for source in c/*.c; do
        name=$(basename "$source" .c)
        level=-Oz
        # The program that is measured.
        if [ "$name" = calls ]; then level=-O2; fi
        c_program "$source" "$name" "$level" -- "$small"
    done
    # The program whose DWARF is read. It holds no path of this machine.
    for level in -O0 -O2; do
        c_program c/debug/lines.c "debug/lines$level" "$level" -g -fdebug-compilation-dir=/guests --
    done
}

# Sets `rustc` and `target`, and prints what builds the guests in Rust.
find_rust() {
    local candidate libraries linker candidates=(rustc /usr/bin/rustc)
    if [ -n "${GUESTS_RUSTC:-}" ]; then candidates=("$GUESTS_RUSTC"); fi
    for candidate in "${candidates[@]}"; do
        rustc=$(command -v "$candidate") || continue
        tools=$(folder_of "$rustc")
        rustc=$tools/$(basename "$rustc")
        for target in wasm32-wasip1 wasm32-wasi; do
            libraries=$(pinned "$rustc" --print target-libdir --target "$target" 2> /dev/null) && [ -d "$libraries" ] &&
                break 2
        done
        libraries=
    done
    [ -d "${libraries:-}" ] || absent "rustc with the target wasm32-wasi or wasm32-wasip1"
    pinned "$rustc" -vV | grep -E '^(rustc|LLVM)'
    echo "target $target, library $(digest "$(echo "$libraries"/libstd-*.rlib)")"
    # A toolchain of rustup's brings its linker along; Debian's takes it from the PATH.
    if linker=$(PATH=$tools:/usr/bin:/bin command -v rust-lld); then
        pinned "$linker" -flavor wasm --version
    fi
}

rust() {
    local source options
    options=(--edition 2021 --target "$target" -C opt-level=z -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols)
    for source in rust/*.rs; do
        pinned "$rustc" "${options[@]}" "$source" -o "$scratch/out/$(basename "$source" .rs).wasm"
    done
}

# LLVM makes random digits of each % in the path of an output or a temporary file.
case ${TMPDIR:-/tmp} in *%*) export TMPDIR=/tmp ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Not in a subshell: it sets what the build uses.
"find_$language" > "$scratch/compilers"
if [ -n "$only_compilers" ]; then
    cat "$scratch/compilers"
    exit
fi
mkdir -p "$scratch/out/debug" "$to"
to=$(cd "$to" && pwd)
cd "$here"
"$language"
rmdir "$scratch/out/debug" 2> /dev/null || true
cp "$scratch/compilers" "$scratch/out"
# A linker makes its output executable; these files are data.
find "$scratch/out" -name '*.wasm' -exec chmod a-x {} +
cp -R "$scratch/out/." "$to"
