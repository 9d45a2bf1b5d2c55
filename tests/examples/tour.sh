# tour.sh: the whole of `mmf demo`: it runs every program, tells it in both forms, and leaves two right pictures.
mmf=$2
check_image=$3
picture=$4
if [ ! -r "$picture" ]; then
    echo "skipped: the picture $picture is not installed"
    exit 77
fi
. "$(dirname "$0")/common.sh"

free=$(df -Pk . | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((1000 * 1024)) ]; then
    echo "skipped: 1000 MiB of disk are needed here, $((free / 1024)) are free"
    exit 77
fi
part="268435456 805306368"

# As people read it, into a directory that it makes.
"$mmf" demo --picture "$picture" --directory tour >output 2>&1 || fail "exit code $?"
[ "$(grep -c '^  \$ [^ ]*/examples/[a-z_]* ' output)" -eq 18 ] || fail "eighteen command lines"
[ "$(grep -c '^  ([0-9.]* seconds)$' output)" -eq 18 ] || fail "eighteen times"
says "this needs 960 MiB for a while"
says "All 18 programs did what they should"
says "  $ rm -r $PWD/tour/mmf-demo-"
says "| grown.dat is 100 bytes long"
says "| helper.dat, 4362076160 bytes, through a window of 8 MiB"
says "| the sum of the 32-bit numbers in 4362076160 bytes is"
says "| 128 MiB by mapping"
says "| 4160 MiB by mapping"
says "| 4 processes with 2 threads counted to 8000000 of 8000000"
before=$(grep -o '/[^ ]*/before.png$' output | tail -n 1)
after=$(grep -o '/[^ ]*/after.png$' output | tail -n 1)
[ "$(find tour -type f | wc -l)" -eq 2 ] || fail "two files stay: $(find tour)"
"$check_image" png "$picture" "$before" 0 1848 || fail "the picture before"
"$check_image" png "$picture" "$after" 0 1848 $part 12000 || fail "the picture after"

# As programs read it, where TMPDIR says.
mkdir temporary
TMPDIR="$PWD/temporary" "$mmf" demo --picture "$picture" --json >output 2>error || fail "exit code $? with --json"
[ ! -s error ] || fail "with --json it says on standard error: $(cat error)"
[ "$(grep -c '"exit_code": 0' output)" -eq 18 ] || fail "eighteen programs in JSON"
says '"error": null'
cmp "$before" "$(sed -n 's/^ *"before": "\(.*\)",*$/\1/p' output)" || fail "the picture before, with --json"
cmp "$after" "$(sed -n 's/^ *"after": "\(.*\)",*$/\1/p' output)" || fail "the picture after, with --json"
if command -v jq >/dev/null; then
    jq -e '(.programs | length) == 18 and (.programs | all(.exit_code == 0 and .seconds >= 0 and (.said | length) > 0))' \
        output >jq.output || fail "the JSON"
fi
