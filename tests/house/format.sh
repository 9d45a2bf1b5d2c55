#!/usr/bin/env bash
# format.sh SOURCE: every C file is as clang-format writes it.
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
cd "$1" || exit 1
command -v clang-format >/dev/null || skip "clang-format is not installed"
# Other versions write some lines in another way.
clang-format --version | grep -q 'version 14\.' || skip "clang-format is not version 14: $(clang-format --version)"

mapfile -t files < <(find include src tools examples bench tests docs -type f \( -name '*.c' -o -name '*.h' \) 2>/dev/null | sort)
checked=${#files[@]}
if [ "$checked" -gt 0 ]; then
    output=$(printf '%s\n' "${files[@]}" | xargs clang-format --dry-run -Werror 2>&1)
    [ $? = 0 ] || wrong "not formatted (clang-format -i mends it):"$'\n'"$(grep -E ': (error|warning)' <<<"$output" | cut -d: -f1 | sort | uniq -c)"
fi
finish
