#!/bin/sh
# runner.sh COMMAND SCRIPT: runs one test of the command and compares what comes out with what is expected.
#
# The script runs by sh in an empty directory of its own, with `mmf` on the PATH, and uses support/dialogue.sh. Beside it:
#   NAME.stdout.exact or NAME.stdout.glob   its standard output; without a file it must be empty
#   NAME.stderr.exact or NAME.stderr.glob   the same for standard error
#   NAME.exit                               its exit code; without a file 0
# NAME.OS.stdout.exact and so on go before, where OS is the back end of src/os that was built (MMF_CLI_OS).
# Each line of a .glob file is a pattern of the shell; a line of three dots stands for any number of lines.
# Exit code 77 skips the test; what it wrote to standard error is the reason.
#
# MMF_CLI_UPDATE=1     writes the expected files anew; a .glob file that still matches stays as it is
# MMF_CLI_PREFIX=...   runs the command under something: "valgrind -q --error-exitcode=99"
set -u

command=$(readlink -f "$1") || exit 1
script=$(readlink -f "$2") || exit 1
expected=${script%.sh}
name=$(basename "$expected")
support=$(dirname "$script")/support
directory=$(mktemp -d "${TMPDIR:-/tmp}/mmf-cli-$name.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$directory"' EXIT
trap 'exit 1' HUP INT TERM

mkdir "$directory/bin" "$directory/work" || exit 1
if [ -n "${MMF_CLI_PREFIX:-}" ]; then
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$MMF_CLI_PREFIX" "$command" >"$directory/bin/mmf"
    chmod +x "$directory/bin/mmf"
else
    ln -s "$command" "$directory/bin/mmf"
fi

(
    cd "$directory/work" || exit 1
    umask 022
    unset LANG LC_ALL LC_MESSAGES POSIXLY_CORRECT
    PATH=$directory/bin:$PATH MMF_CLI_COMMAND=$command MMF_CLI_SUPPORT=$support \
        exec timeout -k 5 100 sh "$script" # before ctest ends this process, so that mounts go
) >"$directory/stdout" 2>"$directory/stderr" </dev/null
code=$?

[ "$code" != 124 ] || echo "cli/$name: took longer than 100 s"
if [ "$code" = 77 ]; then
    printf 'skipped: cli/%s: %s\n' "$name" "$(cat "$directory/stderr")"
    exit 77
fi

# matches PATTERNS LINES: whether a file of patterns describes a file of lines.
matches()
{
    exec 3<"$1" 4<"$2"
    while IFS= read -r pattern <&3; do
        if [ "$pattern" = ... ]; then
            IFS= read -r pattern <&3 || return 0
            while :; do
                IFS= read -r line <&4 || { wrong="no line matches: $pattern"; return 1; }
                # shellcheck disable=SC2254
                case $line in $pattern) break ;; esac
            done
            continue
        fi
        IFS= read -r line <&4 || { wrong="a line is missing: $pattern"; return 1; }
        # shellcheck disable=SC2254
        case $line in
        $pattern) ;;
        *)
            wrong="expected: $pattern
     got: $line"
            return 1
            ;;
        esac
    done
    IFS= read -r line <&4 && { wrong="one line too many: $line"; return 1; }
    return 0
}

failed=0
differs()
{
    failed=1
    printf 'cli/%s: %s differs:\n%s\n' "$name" "$1" "$2"
}

update=${MMF_CLI_UPDATE:-}
os=${MMF_CLI_OS:-linux}
for stream in stdout stderr; do
    actual=$directory/$stream
    wanted=
    for file in "$expected.$os.$stream.glob" "$expected.$os.$stream.exact" "$expected.$stream.glob" "$expected.$stream.exact"; do
        if [ -e "$file" ]; then
            wanted=$file
            break
        fi
    done
    # Another back end's dialogue is kept beside that of Linux.
    case $os in
    linux) renewed=${wanted:-$expected.$stream.exact} ;;
    *) renewed=$expected.$os.$stream.${wanted##*.} ;;
    esac
    case $wanted in
    *.glob)
        wrong=
        matches "$wanted" "$actual" && continue
        differs "$stream" "$wrong"
        ;;
    *.exact)
        cmp -s "$wanted" "$actual" && continue
        differs "$stream" "$(diff "$wanted" "$actual")"
        ;;
    *)
        [ -s "$actual" ] || continue
        differs "$stream" "$(sed 's/^/> /' "$actual")"
        ;;
    esac
    [ -z "$update" ] || cp "$actual" "$renewed"
done
wanted=0
[ ! -e "$expected.exit" ] || wanted=$(cat "$expected.exit")
if [ "$code" != "$wanted" ]; then
    differs "exit code" "expected: $wanted
     got: $code"
    [ -z "$update" ] || echo "$code" >"$expected.exit"
fi
if [ ! -e "$expected.stdout.exact" ] && [ ! -e "$expected.stdout.glob" ]; then
    differs "expectation" "there is no expected standard output: the test asserts nothing"
fi
exit $failed
