# unreadable.sh: what another user may not read or write, a read-only mount, and what the kernel does not tell.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
make_public
printf 'secret\n' >secret
chmod 600 secret
printf 'public\n' >public
mkdir closed
printf 'x\n' >closed/file
chmod 700 closed
chmod 755 .

for job in read write dump status touch evict pin; do
    run as_nobody mmf $job secret
done
run as_nobody mmf status closed/file
run as_nobody mmf read public
run as_nobody mmf write public --text x
run as_nobody mmf write new --text x --create
run as_nobody mmf read public -o new
run as_nobody mmf read public -o secret
say "of a file that is not ours to write the kernel does not tell the pages: unknown, never 0"
run as_nobody mmf status public
as_nobody mmf status public --json | grep -E '"(resident|resident_pages|chart|dirty|writeback)"'
run as_nobody mmf touch public
say "nothing has changed"
run cat secret public
say "a read-only mount"
mount_tmpfs mount 1M
printf 'on a mount\n' >mount/file
mount -o remount,ro mount || skip "tmpfs cannot be mounted read-only here"
run mmf read mount/file
run mmf write mount/file --text x
run mmf write mount/new --text x --create
run mmf read public -o mount/file
run mmf read public -o mount/new
run cat mount/file
