# write.sh: bytes into a file: over what is there, growing, and creating.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf 'hello world\n' >file
printf HELLO >source

printf J | run mmf write file
run cat file
run mmf write file --at 6 --text W
run mmf write file --at 0 -i source
run cat file
run mmf write file --at 1 -i - <source
run cat file
say "up to the end and no further"
run mmf write file --at 7 --text '12345'
run cat file
run mmf write file --at 8 --text '12345'
run mmf write file --at 12 --text 1
run mmf write file --at 13 --text ''
run mmf write file --at 12 --text ''
printf '1234567890123' | run mmf write file
run cat file
say "growing"
run mmf write file --at 12 --text 'more
' --grow --json
run cat file
run mmf write file --at 20 --text end --grow --sync --json
run od -An -c file
run mmf write file --at 100 --text '' --grow
run stat -c %s file
run mmf write file --at 1M --text x --grow --sparse
run stat -c %s file
say "text that looks like an option"
printf 'hello\n' >dashes
run mmf write dashes --text --at --at 0
run cat dashes
say "creating"
run mmf write new --text new
run mmf write new --text new --create --json
run cat new
run stat -c %a new
run mmf write new --text NEW --create --json
run cat new
run mmf write new --text 'longer than it is' --create
run cat new
run mmf write gap --at 5 --text x --create
run od -An -c gap
run mmf write none --create
run stat -c '%n %s' none
run mmf write no/such/directory --text x --create
run mmf write @name --text x --create
say "a source that is not there, or the file itself"
run mmf write file -i nothing
run mmf write file -i .
run mmf write file -i file --at 1
run mmf write file --at 1 <file
say "binary data, longer than what is read ahead"
head -c 40000000 /dev/urandom >binary
head -c 40000007 /dev/zero >to
mmf write to --at 3 -i binary
echo "exit $?"
head -c 40000003 to | tail -c 40000000 >back
same binary back
run stat -c %s to
cat binary | mmf write grown --at 5 --create
mmf write grown --at 40000005 -i binary --grow --json
tail -c 80000000 grown >back
cat binary binary | cmp - back && echo same
run stat -c %s grown
say "longer than fits: what was written is told"
cat binary | run mmf write to --at 20M
say "longer than fits, and known to be: nothing was written"
head -c 40000007 /dev/zero >to
cp to as_it_was
run mmf write to --at 10M -i binary --json
run mmf write to --at 10M <binary
run mmf write to --at 30M -i binary
same to as_it_was
say "standard input that was read in part before"
{
    head -c 39000000 >part
    run mmf write to --at 39500000
    run mmf write to --at 38000000
} <binary
tail -c 2000007 to | head -c 1000000 >part
tail -c 1000000 binary | cmp - part && echo same
run stat -c %s to
find . -name '.mmf-*'
