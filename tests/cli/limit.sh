# limit.sh: the limit of locked memory is told in words, with both numbers.
. "$MMF_CLI_SUPPORT/dialogue.sh"
[ -z "${MMF_CLI_SANITIZE:-}" ] || skip "the sanitizers replace mlock() by nothing"
make_public
head -c 1M /dev/urandom >file
ulimit -l 64 2>/dev/null || skip "this shell cannot set the limit of locked memory"

run as_nobody mmf pin file
run as_nobody mmf pin file --json
run as_nobody mmf pin file --size 32K --seconds 0
run as_nobody mmf pin file file --size 40K --seconds 0
ulimit -l 0
run as_nobody mmf pin file --size 1
