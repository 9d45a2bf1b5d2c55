# share.sh: a job that writes is alone with the file among programs of libmmf; looking at its state is always allowed.
. "$MMF_CLI_SUPPORT/dialogue.sh"
printf '0123456789\n' >file
mkfifo pipe
mmf write file --at 2 <pipe &
job=$!
exec 5>pipe
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    mmf write file --at 0 --text '' 2>/dev/null || break
    sleep 0.05
done
run mmf write file --text X
run mmf read file --size 1
mmf status file | head -n 2
run mmf touch file
printf XY >&5
exec 5>&-
wait $job
echo "exit $?"
run mmf write file --text X
run cat file
