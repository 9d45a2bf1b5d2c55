# progress.sh: long work shows how far it is when standard error is a terminal, and never otherwise.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need script
truncate -s 64M small
truncate -s 64G large 2>/dev/null || skip "this file system has no files of 64 GiB"

say "no terminal, no line"
timeout 1 mmf dump large --all >/dev/null
echo "exit $?"
say "a terminal: bytes, share, rate, time left"
script -qec 'timeout 2 mmf dump large --all >/dev/null' /dev/null </dev/null >../typescript
tr '\r' '\n' <../typescript | sed 's/\x1b\[K/<erase>/' | grep -c '^mmf dump: [0-9.]* [KMG]iB of 64 GiB, [<0-9.]* %, [0-9.]* [KMG]iB/s, [0-9]*:[0-9][0-9]:[0-9][0-9] left<erase>$' >../count
[ "$(cat ../count)" -ge 2 ] && [ "$(cat ../count)" -le 20 ] && echo "between 2 and 20 lines in two seconds"
say "short work shows nothing"
script -qec 'mmf status small >/dev/null' /dev/null </dev/null | od -c
say "an error stands on a line of its own"
mkfifo pipe
head -c 40M /dev/zero >cut
script -qec 'mmf read cut >pipe; echo "exit $?"' /dev/null </dev/null >../typescript &
{
    head -c 10M >/dev/null
    sleep 0.7
    head -c 10M >/dev/null
    sleep 0.2
    truncate -s 1M cut
    cat >/dev/null
} <pipe
wait
tr -d '\r' <../typescript | sed 's/\x1b\[K/<erase>/g' | sed 's/^.*<erase>mmf read: cut/mmf read: cut/' | sed 's/at offset [0-9]*/at offset N/'
