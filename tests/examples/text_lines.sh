# text_lines.sh: lines and longest line as wc and awk count them: no last line feed, empty, lines longer than a buffer.
. "$(dirname "$0")/common.sh"
LC_ALL=C
export LC_ALL

# file TEXT: the program says it, where the C library can make a FILE of a view at all.
without_file=
file() {
    if grep -qx "by FILE:   this C library cannot make one" output; then
        [ "${MMF_EXAMPLES_OS:-linux}" != linux ] || fail "with the Linux back end a FILE can be made"
        [ -n "$without_file" ] || echo "# no FILE of a view with this C library or back end: only the stream is tested"
        without_file=yes
    else
        says "$1"
    fi
}

# counts FILE: both ways say what wc and awk say.
counts() {
    lines=$(wc -l <"$1")
    longest=$(awk 'length > most { most = length } END { print most + 0 }' "$1")
    run 0 text_lines "$1"
    file "by FILE:   $((lines)) lines, the longest has $longest bytes"
    says "by stream: $((lines)) lines, the longest has $longest bytes"
}
: >empty
counts empty
printf '\n' >feed
counts feed
printf 'one\nlonger line\n\nlast, and the longest, without a line feed' >open
counts open
[ "$lines $longest" = "3 42" ] || fail "wc and awk count otherwise than this test thinks: $lines $longest"
# Lines of 1 to 3000 bytes, and some around the 65536 bytes a buffer has.
awk 'BEGIN { srand(1)
    for (i = 0; i < 3000; i++) { for (n = int(rand() * 300); n > 0; n--) printf "0123456789"; print "" }
    for (k = 65534; k <= 65538; k++) { for (n = 0; n < k; n++) printf "x"; print "" } }' >long
counts long
[ "$longest" -eq 65538 ] || fail "the longest line is $longest"
# Any bytes are text: compared with what wc counts.
head -c 1000000 /dev/urandom >binary
run 0 text_lines binary
file "by FILE:   $(($(wc -l <binary))) lines"
says "by stream: $(($(wc -l <binary))) lines"

run 1 text_lines missing
says "missing: "
run 2 text_lines
