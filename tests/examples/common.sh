# common.sh: what the tests of the examples share: a directory of their own, running a program, looking at its output.
set -eu
programs=$1
work=$(mktemp -d "$PWD/test-XXXXXX")
trap 'cd /; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work"

fail() {
    echo "FAILED: $*" >&2
    if [ -f output ]; then
        echo "the last program said:" >&2
        cat output >&2
    fi
    exit 1
}

# run CODE PROGRAM ARGUMENT...: runs an example, keeps what it says in ./output, and wants that exit code.
run() {
    wanted=$1
    program=$2
    shift 2
    code=0
    "$programs/$program" "$@" >output 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || fail "$program $*: exit code $code, not $wanted"
}

# says TEXT: the last program wrote a line with this text.
says() {
    grep -qF -- "$1" output || fail "it does not say: $1"
}

# length FILE BYTES: the file has exactly that length.
length() {
    [ "$(stat -c %s "$1")" -eq "$2" ] || fail "$1 is $(stat -c %s "$1") bytes long, not $2"
}

# bytes FILE OFFSET COUNT: these bytes in hexadecimal, with one space between two.
bytes() {
    od -A n -v -t x1 -j "$2" -N "$3" "$1" | tr -d '\n' | sed 's/^ *//'
}
