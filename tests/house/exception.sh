#!/usr/bin/env bash
# exception.sh SOURCE BUILD: C++ exceptions pass through mmf_guard_run() and leave no guard behind, shared and static, with
# every C++ compiler here.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
source=$(cd "$1" && pwd)
build=$(cd "$2" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ulimit -c 0
compilers=$(present g++ clang++)
[ -n "$compilers" ] || skip "no C++ compiler"
cd "$folder" || exit 1
for compiler in $compilers; do
    for library in libmmf.so libmmf.a; do
        checked=$((checked + 1))
        if ! output=$("$compiler" -std=gnu++17 -O2 -Wall -Wextra -Werror -I"$source/include" \
            "$source/tests/house/consumer/exception.cc" -o program "$build/$library" -pthread 2>&1); then
            wrong "building with $compiler and $library: $output"
        else
            output=$(LD_LIBRARY_PATH=$build timeout 60 ./program 2>&1)
            status=$?
            [ $status = 0 ] || wrong "a program of $compiler with $library: status $status: $output"
        fi
    done
done
finish
