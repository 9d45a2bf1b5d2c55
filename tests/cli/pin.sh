# pin.sh: pages are locked when it says so, until a signal or the end of the time; the limit is told.
. "$MMF_CLI_SUPPORT/dialogue.sh"
head -c 1M /dev/urandom >file
printf x >small

# start ARGUMENT ...: a pin job in the background that has pinned.
start()
{
    : >../pinned
    mmf pin "$@" >../pinned &
    job=$!
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -s ../pinned ] && break
        sleep 0.05
    done
    cat ../pinned
}
locked()
{
    # The sanitizers replace mlock() by nothing.
    if [ -n "${MMF_CLI_SANITIZE:-}" ] || [ ! -r /proc/$job/status ]; then
        echo "$1 kB locked"
    else
        sed -n 's/^VmLck:[[:space:]]*//p' /proc/$job/status | sed 's/$/ locked/'
    fi
}
for signal in INT TERM HUP; do
    say "$signal"
    # A shell without job control starts background jobs with SIGINT ignored, and what is ignored stays so.
    if [ $signal = INT ]; then
        if command -v setsid >/dev/null && command -v env >/dev/null && env --default-signal=INT true 2>/dev/null; then
            : >../pinned
            env --default-signal=INT mmf pin file small >../pinned &
            job=$!
            for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
                [ -s ../pinned ] && break
                sleep 0.05
            done
            cat ../pinned
        else
            start file small
            signal=TERM
        fi
    else
        start file small
    fi
    locked 1028
    kill -$signal $job
    wait $job
    echo "exit $?"
done
say "a signal that is ignored at the start stays ignored"
trap '' HUP
start file --at 64K --size 128K
trap 'exit 1' HUP
locked 128
kill -HUP $job
sleep 0.1
kill -0 $job && echo "still there"
kill -TERM $job
wait $job
echo "exit $?"
say "time"
run mmf pin file --seconds 0.05
run mmf pin file --seconds 0.05 --json
say "truncated while it is pinned"
start file
truncate -s 4K file
kill -TERM $job
wait $job
echo "exit $?"
say "truncated inside its last page"
start file --at 1000
truncate -s 2000 file
kill -TERM $job
wait $job
echo "exit $?"
say "made longer: nothing that was pinned is missing"
start file
truncate -s 4K file
kill -TERM $job
wait $job
echo "exit $?"
say "all or none"
run mmf pin small nothing
run mmf pin small --at 2
