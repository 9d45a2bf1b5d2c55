#!/usr/bin/env bash
# install.sh SOURCE BUILD: what is installed is enough for others: C and C++ programs find the library by pkg-config and
# by find_package, shared and static, with every compiler here, after the whole prefix was moved as well.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
source=$1
build=$2
consumer=$source/tests/house/consumer
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

# step WORDS -- COMMAND: runs a command, quietly while it succeeds.
step()
{
    local words=$1 output
    shift 2
    checked=$((checked + 1))
    if output=$("$@" 2>&1); then
        return 0
    fi
    wrong "$words: $*"
    printf '%s\n' "$output"
    return 1
}

step "installing" -- cmake --install "$build" --prefix "$folder/first" || finish
# Nothing may remember where it was installed first.
mv first "$folder/prefix"
prefix=$folder/prefix

for header in "$source"/include/mmf/*.h; do
    step "the header is installed" -- cmp "$header" "$prefix/include/mmf/${header##*/}"
done
step "the license is installed" -- cmp "$source/LICENSE" "$prefix/share/doc/mmf/LICENSE"
if [ -e "$build/mmf" ]; then
    step "the installed command runs" -- "$prefix/bin/mmf" --help
    [ "$(readelf -d "$prefix/bin/mmf" | grep -cE 'R(UN)?PATH')" = 0 ] || wrong "the command remembers a path of the build"
fi
if [ -d "$source/docs/man" ]; then
    step "man pages are installed" -- test -n "$(find "$prefix/share/man/man3" -name 'mmf_*.3*' 2>/dev/null)"
fi

library=$(dirname "$(find "$prefix" -name libmmf.so)")
[ -e "$library/libmmf.so" ] || { wrong "no libmmf.so was installed"; finish; }
export PKG_CONFIG_PATH=$library/pkgconfig
step "pkg-config knows it" -- pkg-config --exact-version="$(sed -n 's/.*project(mmf VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")" mmf
if grep -q "$folder/first" -r "$prefix/lib" "$prefix/share" 2>/dev/null; then
    wrong "an installed file remembers the prefix: $(grep -rl "$folder/first" "$prefix")"
fi

# try NAME COMPILER FLAGS -- SOURCE: with pkg-config, shared and static.
try()
{
    local compiler=$1 standard=$2 file=$3 shared static
    shared=$(pkg-config --cflags --libs mmf)
    static=$(pkg-config --static --cflags --libs mmf)
    # shellcheck disable=SC2086
    step "shared" -- "$compiler" -std="$standard" -Wall -Wextra -Wpedantic -Werror "$consumer/$file" -o shared $shared &&
        step "shared, run" -- env LD_LIBRARY_PATH="$library" ./shared
    # shellcheck disable=SC2086
    step "static" -- "$compiler" -std="$standard" -Wall -Wextra -Wpedantic -Werror -static "$consumer/$file" -o static $static &&
        step "static, run" -- ./static
}
for compiler in $(present gcc clang); do
    try "$compiler" c17 use.c
done
for compiler in $(present g++ clang++); do
    try "$compiler" c++17 use.cc
done
step "a program that loads it late" -- gcc -std=c17 -Wall -Wextra -Werror "$consumer/load.c" -o load &&
    step "loading it late" -- ./load "$library/libmmf.so.0"

for pair in "gcc g++" "clang clang++"; do
    read -r c cxx <<<"$pair"
    [ -n "$(present "$c")" ] && [ -n "$(present "$cxx")" ] || continue
    step "find_package with $c" -- cmake -G Ninja -S "$consumer" -B "$c" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$c" -DCMAKE_CXX_COMPILER="$cxx" &&
        step "building with find_package and $c" -- cmake --build "$c" || continue
    for program in c_mmf c_mmf_static cxx_mmf cxx_mmf_static; do
        step "a program with find_package and $c" -- "$c/$program"
    done
done
finish
