# mapped.sh: what another process has mapped or locked cannot be dropped; it stays, and that is said.
. "$MMF_CLI_SUPPORT/dialogue.sh"
[ -z "${MMF_CLI_SANITIZE:-}" ] || skip "the sanitizers replace mlock() by nothing"
[ "$(stat -f -c %T .)" != tmpfs ] || skip "the temporary directory is memory: nothing can be dropped from it"
need_pages_of_4096
head -c 4M /dev/urandom >file

mmf pin file >../pinned &
job=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -s ../pinned ] && break
    sleep 0.05
done
run mmf evict file
kill -TERM $job
wait $job
echo "exit $?"
run mmf evict file --json
