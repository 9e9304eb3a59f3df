#!/usr/bin/env bash
# Builds the guests in C or Rust.
#
#   build.sh LANGUAGE [DIR]         builds them into DIR (default: next to their sources), with a
#                                   file `compilers` that lists the tools used
#   build.sh --compilers LANGUAGE   prints the tools that would be used
#
# LANGUAGE is `c` or `rust`. If no compiler is found, the script prints one line to standard output
# and exits with code 3. GUESTS_CLANG, GUESTS_SYSROOT and GUESTS_RUSTC override the tools on the
# PATH.
#
# On Debian, C requires the packages clang, lld, wasi-libc and libclang-rt-dev-wasm32; Rust requires
# rustc and libstd-rust-dev-wasm32. Guests in Go have megabytes, and are therefore built by their
# tests.
#
# The result depends only on the tools in `compilers`, and on nothing else of the machine: tools run
# with the few environment variables in `pinned`, and the linker is called without an optimization
# level, because with one clang runs any `wasm-opt` that it finds on the output.
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

# Standard output, also for functions whose output is redirected to a file.
exec 3>&1
absent() {
    echo "no $*" >&3
    exit 3
}

# Prints the absolute path of the folder of a program.
folder_of() { cd "$(dirname "$1")" && pwd; }

# Runs a tool without variables such as COMPILER_PATH, CPATH or RUSTFLAGS. A rustup proxy needs HOME
# and the variables of rustup to find the compiler.
pinned() {
    env -i PATH="$tools:/usr/bin:/bin" LC_ALL=C HOME="${HOME:-/}" TMPDIR="$scratch" \
        ${RUSTUP_HOME:+RUSTUP_HOME="$RUSTUP_HOME"} ${CARGO_HOME:+CARGO_HOME="$CARGO_HOME"} \
        ${RUSTUP_TOOLCHAIN:+RUSTUP_TOOLCHAIN="$RUSTUP_TOOLCHAIN"} "$@"
}

# Identifies the contents of a library, which can differ for one version of its package.
digest() { sha256sum "$1" | cut -c1-16; }

# Sets `clang` and `sysroot`, and prints the tools for C.
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

# Compiles and links a C program. Arguments: source, name, options of the compiler, `--`, options of
# the linker.
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
        # This one is a benchmark.
        if [ "$name" = calls ]; then level=-O2; fi
        c_program "$source" "$name" "$level" -- "$small"
    done
    # The DWARF of this program is tested. It must not contain a path of this machine.
    for level in -O0 -O2; do
        c_program c/debug/lines.c "debug/lines$level" "$level" -g -fdebug-compilation-dir=/guests --
    done
}

# Sets `rustc` and `target`, and prints the tools for Rust.
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
    # A rustup toolchain contains its linker; Debian's takes it from the PATH.
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

# LLVM replaces each % in the path of an output or temporary file by a random digit.
case ${TMPDIR:-/tmp} in *%*) export TMPDIR=/tmp ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Not in a subshell: it sets variables for the build.
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
# The linker makes its output executable, but these files are data.
find "$scratch/out" -name '*.wasm' -exec chmod a-x {} +
cp -R "$scratch/out/." "$to"
