# file_limit.sh: the limit of a file's length (ulimit -f) is told in words; the command is not ended by a signal.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf 'hello world\n' >file
head -c 200K /dev/zero >source
trap - XFSZ
ulimit -f 100 2>/dev/null || skip "this shell cannot set the limit of a file's length"

run mmf write file --at 1M --text x --grow
run mmf write file --at 1M --text x --grow --sparse
run mmf write file -i source --grow --json
run cat file
run mmf write new -i source --create
run mmf write new --at 1M --text x --create --sparse --json
run find . -name 'new*' -o -name '.mmf-*'
run mmf write new --at 10K --text x --create
run stat -c %s new
