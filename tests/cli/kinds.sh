# kinds.sh: what is no regular file is refused in words; missing files and several at once.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
mkdir directory
mkfifo pipe
ln -s loop loop
printf 'good\n' >good

for job in read write dump status touch evict pin; do
    say "$job"
    for path in nothing nothing/below good/below directory pipe loop; do
        run mmf $job $path
    done
done
say "files that have bytes and tell no length"
run mmf status /proc/self/maps
run mmf touch /proc/self/maps
run mmf read /proc/cpuinfo
run mmf read /proc/cpuinfo -o out
run mmf dump /proc/cpuinfo
run mmf status /dev/null
say "the good ones among bad ones are done, and the exit code tells"
run mmf status nothing good directory
run mmf touch nothing good
run mmf touch nothing good --json
run mmf pin good nothing
run mmf status @name
