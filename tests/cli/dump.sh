# dump.sh: hexadecimal and text, equal rows squeezed, in every width.
. "$MMF_CLI_SUPPORT/dialogue.sh"
{
    printf 'hello \001\177\200\377 world, "quotes" and \\ backslash\n'
    head -c 160 /dev/zero
    printf 'end'
} >file

run mmf dump file
run mmf dump file --all
run mmf dump file --at 6 --size 4
run mmf dump file --at 200
run mmf dump file --at 208 --size 100
run mmf dump file --at 209
run mmf dump file --size 0
run mmf dump file --at 5 --size 20 --width 1
run mmf dump file --size 30 --width 7
run mmf dump file --size 64 -w 32
run mmf dump file --json
run mmf dump file --at 300 --json
say "the same as hexdump -C, where that is installed"
head -c 100000 /dev/urandom >random
head -c 70000 /dev/zero >>random
head -c 5 /dev/urandom >>random
mmf dump random >ours
if command -v hexdump >/dev/null; then hexdump -C random >theirs; else cp ours theirs; fi
same ours theirs
say "the rows have every byte"
mmf dump random --all | cut -c 11-58 | tr -d ' \n' >ours
od -An -v -tx1 random | tr -d ' \n' >theirs
same ours theirs
say "a row that is squeezed over the end of a piece"
mmf dump random --json | tail -n 6 | sed 's/"hex": "[0-9a-f]*", "text": ".*"/.../'
say "holes are left out like zeros, in every width"
truncate -s 300001 sparse
printf data | dd of=sparse bs=1 seek=100003 conv=notrunc 2>/dev/null
cat sparse >dense
for width in 1 7 16 32 256; do
    mmf dump sparse --width $width >ours
    mmf dump dense --width $width | cmp -s - ours || echo "DIFFERENT: width $width"
    mmf dump sparse --width $width --at 5 >ours
    mmf dump dense --width $width --at 5 | cmp -s - ours || echo "DIFFERENT: width $width, offset 5"
done
run mmf dump sparse --width 7 --at 99998 --size 14
