# read.sh: bytes to standard output and to a file, exactly.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf 'hello world\n' >text
head -c 3000000 /dev/urandom >binary

run mmf read text
run mmf read text --at 6 --size 5
run mmf read text --at 12
run mmf read text --at 3 --size 0
run mmf read --size 5 text
say "binary data, whole and in parts"
mmf read binary >copy
same binary copy
mmf read binary --at 1048575 --size 1048578 >part
tail -c +1048576 binary | head -c 1048578 >wanted
same part wanted
mmf read binary --at 1M -o out
tail -c +1048577 binary >wanted
same out wanted
run mmf read text -o out --at 1 --size 4 --json
run cat out
say "a range that is not there is refused before the first byte"
run mmf read text --at 13
run mmf read text --at 6 --size 7
run mmf read text --at 13 -o out
run cat out
say "named maps come later; a file of that name can be read"
run mmf read @name
printf at >@name
run mmf read ./@name
say "a text file of 64 MiB and a byte, through several views"
head -c 67108865 /dev/zero >large
printf Z | dd of=large bs=1 seek=67108863 conv=notrunc 2>/dev/null
mmf read large >copy
same large copy
