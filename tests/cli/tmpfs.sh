# tmpfs.sh: a file of memory cannot be dropped from it, and dirty pages mean nothing there.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
mount_tmpfs mount 1M
printf 'x\n' >mount/file
run mmf evict mount/file
run cat mount/file
run mmf touch mount/file
run mmf status mount/file
run mmf status mount/file --json
