# help.sh: the help of the command and of every job, word for word, and the version.
. "$MMF_CLI_SUPPORT/dialogue.sh"

run mmf --version
run mmf --help
for job in read write dump status touch evict pin demo; do
    run mmf $job --help
done
say "no line is wider than a terminal"
for job in read write dump status touch evict pin demo; do
    mmf $job --help
done | awk 'length > 80 { print "too wide: " $0 }'
say "-h, and help wins over other arguments that are right"
mmf dump -h | head -n 1
mmf dump nothing --help | head -n 1
say "the help of a job, asked for in other ways"
mmf read --help >wanted
for words in "help read" "--help read" "-h read" "read -h"; do
    # shellcheck disable=SC2086
    mmf $words | cmp - wanted && echo "the same: mmf $words"
done
mmf --help >wanted
mmf help | cmp - wanted && echo "the same: mmf help"
say "help to a full disk is a failure"
if [ -c /dev/full ]; then mmf read --help >/dev/full; echo "exit $?"; fi 2>&1
