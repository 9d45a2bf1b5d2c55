#!/bin/sh
# aarch64.sh: builds the guard for AArch64 and runs its exact-count test under qemu-user. Argument: the seed.
# 77: a tool is missing, said in a line that starts with "skipped".
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
compiler=
for name in aarch64-linux-gnu-gcc aarch64-linux-gnu-gcc-12 aarch64-linux-gnu-gcc-13 aarch64-linux-gnu-gcc-14; do
    if command -v "$name" >/dev/null 2>&1; then
        compiler=$name
        break
    fi
done
if [ -z "$compiler" ]; then
    echo "skipped: no compiler for AArch64 (package gcc-aarch64-linux-gnu)"
    exit 77
fi
emulator=
for name in qemu-aarch64 qemu-aarch64-static; do
    if command -v "$name" >/dev/null 2>&1; then
        emulator=$name
        break
    fi
done
if [ -z "$emulator" ]; then
    echo "skipped: no emulator for AArch64 (package qemu-user)"
    exit 77
fi
if ! echo 'int main(void) { return 0; }' | "$compiler" -static -x c -o /dev/null - 2>/dev/null; then
    echo "skipped: no C library for AArch64 (package libc6-dev-arm64-cross)"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
for level in -O0 -O2; do
    # The sections are dropped where nothing refers to them, as a program that is linked statically may ask for.
    "$compiler" "$level" -g -std=c17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -static \
        -ffunction-sections -Wl,--gc-sections -D_FILE_OFFSET_BITS=64 -DMMF_OS_linux=1 \
        '-DMMF_ARCH_HEADER="aarch64/load_store.h"' -Iinclude -Isrc -Itests/support -o "$work/guard_primitives" \
        tests/unit/guard_primitives.c src/guard*.c src/error.c src/arch/aarch64/*.c src/arch/aarch64/*.S \
        src/os/*.c src/os/posix/*.c src/os/linux/*.c -pthread
    "$emulator" "$work/guard_primitives" "$@"
done
echo "aarch64: the guard is exact under $emulator, built by $compiler"
