#!/usr/bin/env bash
# headers.sh SOURCE: each public header alone compiles as C17 and as C++17, with every compiler here, without a warning.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cd "$1" || exit 1
warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

try()
{
    local header=$1 output
    shift
    checked=$((checked + 1))
    # Twice, since a header must bear that as well.
    if ! output=$(printf '#include "mmf/%s"\n#include "mmf/%s"\n' "$header" "$header" |
        "$@" "${warnings[@]}" -fsyntax-only -Iinclude - 2>&1); then
        wrong "$* with mmf/$header"
        printf '%s\n' "$output"
    fi
}

c=$(present gcc clang)
cxx=$(present g++ clang++)
[ -n "$c" ] && [ -n "$cxx" ] || wrong "a C and a C++ compiler are needed"
for file in include/mmf/*.h; do
    [ -e "$file" ] || continue
    for compiler in $c; do
        try "${file##*/}" "$compiler" -std=c17 -x c
    done
    for compiler in $cxx; do
        try "${file##*/}" "$compiler" -std=c++17 -Wold-style-cast -x c++
    done
    grep -q "^#include \"mmf/${file##*/}\"" include/mmf/*.h || [ "$file" = include/mmf/mmf.h ] ||
        wrong "no header includes mmf/${file##*/}, so mmf/mmf.h lacks it"
done
finish
