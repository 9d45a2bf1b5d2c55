# target.sh: OUT of mmf read appears whole or not at all; what is there keeps owner, mode and name.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf 'the source\n' >source
printf 'old\n' >out
chmod 640 out
leftovers()
{
    find . -name '.mmf-*' | sed 's/^/LEFT OVER: /'
}

run mmf read source -o out
run cat out
run stat -c %a out
say "a new file has the usual mode"
run mmf read source -o new
run stat -c %a new
say "through a symbolic link"
ln -s out link
printf 'old\n' >out
run mmf read source -o link
run cat out
run readlink link
ln -s nowhere dangling
run mmf read source -o dangling
run readlink dangling
say "onto itself"
run mmf read source -o source
run cat source
say "what fails leaves the old file"
printf 'old\n' >out
run mmf read nothing -o out
run mmf read source --at 100 -o out
run mmf read source -o .
run mmf read source -o no/such/directory
run mmf read source -o source/below
run cat out
say "a device and a pipe are written directly"
run mmf read source -o /dev/null
mkfifo pipe
cat pipe >received &
run mmf read source -o pipe
wait
same source received
run stat -c %F pipe
say "a signal removes the temporary file and leaves the old one"
truncate -s 1G huge
mmf read huge -o out &
job=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -n "$(find . -name '.mmf-*')" ] && break
    sleep 0.02
done
[ -n "$(find . -name '.mmf-*')" ] || echo "no temporary file was seen"
kill -TERM $job
wait $job 2>/dev/null
echo "exit $?"
run cat out
leftovers
