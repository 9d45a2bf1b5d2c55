#!/usr/bin/env bash
# tidy.sh SOURCE BUILD: clang-tidy has nothing to say about the library and the command.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cd "$1" || exit 1
command -v clang-tidy >/dev/null || skip "clang-tidy is not installed"
[ -e "$2/compile_commands.json" ] || wrong "no compile_commands.json in $2"

# Those that this build compiles.
mapfile -t files < <(find src tools -type f -name '*.c' | sort | while read -r file; do
    grep -q "\"file\": \"$PWD/$file\"" "$2/compile_commands.json" && echo "$file"
done)
checked=${#files[@]}
if [ "$checked" -gt 0 ]; then
    output=$(printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p "$2" --quiet --warnings-as-errors='*' 2>/dev/null)
    [ $? = 0 ] || wrong "clang-tidy:"$'\n'"$output"
fi
finish
