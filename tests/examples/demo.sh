# demo.sh: `mmf demo` ends at the first program that fails, cleans up, and refuses what it cannot do.
mmf=$2
. "$(dirname "$0")/common.sh"

# None of this comes as far as decoding the picture: any file will do.
picture=$work/picture.png
head -c 1000 /dev/urandom >"$picture"

demo() {
    wanted=$1
    shift
    code=0
    "$mmf" demo --picture "$picture" "$@" >output 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || fail "mmf demo $*: exit code $code, not $wanted"
}
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((1000 * 1024)) ]; then
    echo "skipped: 1000 MiB of disk are needed here, $((free / 1024)) are free"
    exit 77
fi

# A program that fails, and one that dies, end the tour with 1; nothing stays.
mkdir programs
for program in "$programs"/*; do
    if [ -f "$program" ] && [ -x "$program" ]; then
        cp "$program" programs/
    fi
done
printf '#!/bin/sh\necho out of order\nexit 3\n' >programs/early_close
chmod +x programs/early_close
demo 1 --directory failing --examples programs
says "| out of order"
grep -qx "mmf demo: early_close: the program ended with exit code 3" output || fail "the failure: $(tail -n 1 output)"
grep -q "two_processes" output && fail "it went on after a failure"
[ ! -e failing ] || fail "a failed tour left files: $(find failing)"
printf '#!/bin/sh\nkill -KILL $$\n' >programs/early_close
demo 1 --directory failing --examples programs --json
says '"signal": 9'
says '"name": null'
says '"text": "the program was ended by signal 9"'
[ ! -e failing ] || fail "a failed tour left files: $(find failing)"
demo 1 --directory failing --examples programs --keep
[ "$(find failing -name grown.dat | wc -l)" -eq 1 ] || fail "--keep kept nothing"
rm -rf failing

# An interrupt ends the program that runs, and what that has started; everything is removed.
printf '#!/bin/sh\nsleep 300 &\necho $! $$ $PPID >../numbers\nmv ../numbers ../started\nwait\n' >programs/early_close
mkdir interrupted
# The shell has background jobs ignore SIGINT, and the command honours that: so it runs in the foreground.
{
    tries=0
    until [ -s interrupted/started ] || [ "$tries" -gt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    read -r sleeper script parent <interrupted/started && kill -INT "$parent"
} &
demo 130 --directory interrupted --examples programs
wait
grep -qx "mmf demo: interrupted" output || fail "it says more than that it was interrupted: $(cat output)"
read -r sleeper script parent <interrupted/started
for process in "$sleeper" "$script"; do
    tries=0
    while kill -0 "$process" 2>/dev/null; do
        sleep 0.1
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || fail "process $process lives on"
    done
done
[ "$(find interrupted -mindepth 1 ! -name started | wc -l)" -eq 0 ] || fail "left over: $(find interrupted)"

# Bad arguments and missing things.
demo 1 --examples nowhere
says "MMF_ENOTFOUND"
rm programs/make_image
demo 1 --examples programs
says "make_image: the program is not there"
there=$picture
picture=missing.png
demo 1
picture=$there
says "missing.png"
demo 1 --directory /proc/1/nowhere
demo 1 --directory /proc
says "MMF_ENOSPACE"
demo 2 --nonsense
demo 2 more
demo 0 --help
says "usage: mmf demo"
