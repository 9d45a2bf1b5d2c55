# truncated.sh: a file that is made shorter under a job is an error, and never a signal.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
mkfifo pipe

# The job is stopped by a full pipe somewhere in the file when that is cut off.
cut_under()
{
    head -c 100000000 /dev/zero | tr '\0' x >file
    "$@" >pipe 2>../err &
    job=$!
    {
        head -c 1000 >/dev/null
        truncate -s 50000000 file
        cat | wc -c >../count
    } <pipe
    wait $job
    echo "exit $?"
    cat ../err
}
say "read"
cut_under mmf read file
[ "$(cat ../count)" -ge 49990000 ] && [ "$(cat ../count)" -lt 50000000 ] && echo "the bytes that were there came"
say "read, byte by byte: what was before the new end, and nothing more"
head -c 100000000 /dev/zero | tr '\0' x >file
mmf read file >pipe 2>../err &
{
    head -c 65536
    truncate -s 50000001 file
    cat
} <pipe >../bytes
wait $!
echo "exit $?"
cat ../err
stat -c '%s bytes' ../bytes
head -c 50000001 ../bytes | tr -d x | wc -c
say "read: inside the last page, where no page is missing"
cut_last_page()
{
    head -c 100002000 /dev/zero | tr '\0' x >file
    mmf "$@" file >pipe 2>../err &
    job=$!
    {
        head -c 65536
        truncate -s 100001000 file
        cat
    } <pipe >../bytes
    wait $job
    echo "exit $?"
    cat ../err
}
cut_last_page read
stat -c '%s bytes' ../bytes
tr -d x <../bytes | wc -c
say "read -o: no file appears"
truncate -s 600000000 file
mmf read file -o out 2>../err &
job=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -n "$(find . -name '.mmf-*')" ] && break
    sleep 0.01
done
kill -STOP $job
truncate -s 599999999 file
kill -CONT $job
wait $job
echo "exit $?"
cat ../err
find . -name out -o -name '.mmf-*'
say "dump: inside the last page, and inside a hole"
cut_last_page dump --all --width 256
head -c 1000000 /dev/urandom >file
truncate -s 500000000 file
mmf dump file >pipe 2>../err &
job=$!
{
    head -c 1000 >/dev/null
    truncate -s 499999999 file
    cat >/dev/null
} <pipe
wait $job
echo "exit $?"
cat ../err
say "dump"
cut_under mmf dump file --all
say "dump, in JSON: still valid"
head -c 100000000 /dev/zero | tr '\0' x >file
mmf dump file --all --json >pipe 2>../err &
{
    head -c 65536
    truncate -s 4206592 file
    cat
} <pipe >../json
wait $!
echo "exit $?"
cat ../err
tail -n 10 ../json
if command -v jq >/dev/null; then jq -e .error.offset ../json; else echo 4206592; fi
# wait_for OFFSET: until the job has written there.
wait_for()
{
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ "$(tail -c +$(($1 + 1)) file | head -c 1)" = y ] && return
        sleep 0.1
    done
    echo "nothing was written at $1"
}
say "write: from a pipe that has more when the file is cut"
head -c 100000000 /dev/zero | tr '\0' x >file
mmf write file <pipe 2>../err &
job=$!
{
    head -c 20000000 /dev/zero | tr '\0' y
    wait_for 16777215 >&2
    truncate -s 1M file
    head -c 20000000 /dev/zero
} >pipe
wait $job
echo "exit $?"
cat ../err
say "write: the last piece ends behind the new end, in the same page"
head -c 20002000 /dev/zero | tr '\0' x >file
mmf write file <pipe 2>../err &
job=$!
{
    head -c 20000000 /dev/zero | tr '\0' y
    wait_for 16777215 >&2
    truncate -s 20001000 file
    head -c 2000 /dev/zero | tr '\0' y
} >pipe
wait $job
echo "exit $?"
cat ../err
stat -c '%s bytes' file
say "touch and status while the file is cut and grows, again and again"
truncate -s 64M file
(while :; do truncate -s 4K file; head -c 8M /dev/zero >>file; done) 2>/dev/null &
cutter=$!
codes=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for job in "touch --holes" status "status --extents --json" evict "dump --all" "pin --seconds 0" "read"; do
        # shellcheck disable=SC2086
        mmf $job file >/dev/null 2>&1
        codes="$codes$?
"
    done
done
kill $cutter
wait $cutter 2>/dev/null
printf %s "$codes" | sort -u | grep -v '^[01]$' | sed 's/^/ENDED WITH /'
echo "ended with 0 or 1, all of them"
