# support.sh: what the checks of the tree share. Sourced.
# A check prints each thing it finds, one a line, and ends with `finish`: 0 nothing found, 1 something, 77 skipped.
set -uo pipefail
export LC_ALL=C

found=0
checked=0

wrong()
{
    printf 'wrong: %s\n' "$*"
    found=$((found + 1))
}

skip()
{
    printf 'skipped: %s\n' "$*"
    exit 77
}

# A check that had nothing to look at has not passed.
finish()
{
    if [ "$checked" = 0 ]; then
        echo "wrong: there was nothing to check"
        exit 1
    fi
    if [ "$found" != 0 ]; then
        printf '%s wrong, %s checked\n' "$found" "$checked"
        exit 1
    fi
    printf 'all right: %s checked\n' "$checked"
    exit 0
}

# The compilers there are, of a list.
present()
{
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null && echo "$command"
    done
}
