# stdout.sh: standard output that is closed, full, or has no reader any more, is an error and never silent.
. "$MMF_CLI_SUPPORT/dialogue.sh"
[ -c /dev/full ] || skip "there is no /dev/full"
head -c 3000000 /dev/zero | tr '\0' x >file


all_jobs()
{
    "$@" mmf read file
    "$@" mmf dump file
    "$@" mmf dump file --json
    "$@" mmf status file
    "$@" mmf status file --json
    "$@" mmf touch file
    "$@" mmf write file --text x --json
    "$@" mmf pin file --seconds 0
    "$@" mmf --help
    "$@" mmf --version
}
to_full()
{
    echo "$ $*"
    "$@" 2>&1 >/dev/full
    echo "exit $?"
}
to_closed()
{
    echo "$ $*"
    "$@" 2>&1 >&-
    echo "exit $?"
}
say "a full disk"
all_jobs to_full
say "closed: and the file that is opened must not take its place"
all_jobs to_closed
head -c 3000000 /dev/zero | tr '\0' x >wanted
same file wanted
say "a reader that goes away"
for job in "read file" "dump file --all" "dump file --json --all"; do
    # shellcheck disable=SC2086
    { mmf $job 2>../err; echo "exit $?" >../code; } | head -c 10 >/dev/null
    cat ../code ../err
done
say "closed standard input"
mmf write file <&- 2>&1
echo "exit $?"
say "closed standard error"
mmf read nothing 2>&-
echo "exit $?"
mmf status file 2>&- >../out
echo "exit $?"
same file wanted
