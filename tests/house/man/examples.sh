#!/bin/sh
# examples.sh SOURCE LIBRARY [FOLDER]: the programs in the man pages compile without a warning against the built shared
# library, run in an empty folder, end with 0, and print what the page says they print.
# A program is a literal display (.Bd -literal to .Ed) of section EXAMPLES that has "int main("; what it prints is the
# display that follows a line of text ending with "prints:". CC and CFLAGS are taken from the environment.
# The programs in README.md and docs/*.md (a block of ```c with "int main(") are compiled, not run.
set -u
LC_ALL=C
export LC_ALL
source=$1
library=$2
folder=${3:-$source/docs/man}
flags="-std=c17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wvla -Werror -D_FILE_OFFSET_BITS=64 ${CFLAGS:-}"
[ -e "$library" ] || { echo "wrong: no $library"; exit 1; }
place=$(cd "$(dirname "$library")" && pwd) # the programs run elsewhere
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# extract PAGE NAME: the programs to NAME.1.c and so on, what they print to NAME.1.out; the number of programs.
extract()
{
    awk -v name="$2" '
        /^\.Sh / { examples = ($2 == "EXAMPLES") }
        /^\.Bd -literal/ && examples { inside = 1; text = ""; next }
        /^\.Ed/ && inside {
            inside = 0
            if (index(text, "int main(")) {
                programs++
                printf "%s", text > (name "." programs ".c")
            } else if (prints && programs) {
                printf "%s", text > (name "." programs ".out")
            }
            prints = 0
            next
        }
        inside {
            line = $0
            sub(/^\\&/, "", line)
            gsub(/\\e/, "\001", line)
            if (index(line, "\\")) {
                print FILENAME ":" FNR ": an escape other than \\e in an example" > "/dev/stderr"
                exit 1
            }
            gsub("\001", "\\", line)
            text = text line "\n"
            next
        }
        examples && /prints:$/ { prints = 1 }
        END { print programs + 0 }' "$1"
}

checked=0
shown=0
wrong=0
fail()
{
    echo "wrong: $*"
    wrong=$((wrong + 1))
}
for page in "$folder"/*.[37]; do
    [ -f "$page" ] || continue
    name=${page##*/}
    count=$(extract "$page" "$work/$name") || { fail "$name: the examples cannot be read"; continue; }
    [ "$count" -gt 0 ] || { fail "$name: no example with a main()"; continue; }
    number=0
    while [ $number -lt "$count" ]; do
        number=$((number + 1))
        program=$work/$name.$number
        checked=$((checked + 1))
        # shellcheck disable=SC2086
        if ! ${CC:-gcc} $flags -I"$source/include" -o "$program" "$program.c" "$library" \
            -Wl,-rpath,"$place" >"$program.log" 2>&1; then
            fail "$name, example $number does not compile:"
            cat "$program.log"
            continue
        fi
        mkdir "$program.run"
        (cd "$program.run" && timeout 60 "$program" >"$program.printed" 2>"$program.log" </dev/null)
        status=$?
        if [ $status != 0 ]; then
            fail "$name, example $number ends with $status:"
            cat "$program.printed" "$program.log"
        elif [ -e "$program.out" ]; then
            shown=$((shown + 1))
            if ! cmp -s "$program.out" "$program.printed"; then
                fail "$name, example $number prints something else than the page says:"
                diff "$program.out" "$program.printed"
            fi
        fi
    done
done
compiled=0
for text in "$source"/README.md "$source"/docs/*.md; do
    [ -f "$text" ] || continue
    name=${text##*/}
    awk -v name="$work/$name" '
        /^```c$/ { inside = 1; text = ""; next }
        /^```$/ && inside {
            inside = 0
            if (index(text, "int main(")) printf "%s", text > (name "." ++programs ".c")
            next
        }
        inside { text = text $0 "\n" }' "$text"
    for program in "$work/$name".[0-9]*.c; do
        [ -f "$program" ] || continue
        compiled=$((compiled + 1))
        # shellcheck disable=SC2086
        if ! ${CC:-gcc} $flags -I"$source/include" -o "$program.out" "$program" "$library" >"$work/log" 2>&1; then
            fail "$name: a program does not compile:"
            cat "$work/log"
        fi
    done
done
if [ -f "$source/README.md" ] && [ $compiled = 0 ]; then
    fail "README.md shows no program"
fi
if [ $checked = 0 ] || [ $shown = 0 ]; then
    echo "wrong: no examples to run, or none that shows what it prints"
    exit 1
fi
[ $wrong = 0 ] || { echo "$wrong wrong, $checked programs"; exit 1; }
echo "all right: $checked programs compiled and run, $shown of them compared with what the page shows;" \
    "$compiled of README.md and docs compiled"
