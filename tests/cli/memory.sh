# memory.sh: what touch brings in and evict drops, seen by status; dirty pages are written back first.
. "$MMF_CLI_SUPPORT/dialogue.sh"
[ "$(stat -f -c %T .)" != tmpfs ] || skip "the temporary directory is memory: nothing can be dropped from it"
need_pages_of_4096
head -c 4M /dev/urandom >copy
# Somebody else's sync may come in between.
for i in 1 2 3 4 5; do
    cp copy file
    ! counts_dirty || [ "$(status_of file dirty)" != 4194304 ] || break
done

# dirty BYTES: that many are dirty, or it is unknown where that cannot be counted.
dirty()
{
    if counts_dirty; then wanted=$1; else wanted=null; fi
    got=$(status_of file dirty)
    if [ "$got" = "$wanted" ]; then echo "dirty: as expected"; else echo "dirty: $got, not $wanted"; fi
}
say "dirty at first, clean after"
dirty 4194304
run mmf evict file
run status_of file resident_pages
dirty 0
same file copy
mmf evict file
say "a part"
run mmf touch file --at 1M --size 64K
resident=$(status_of file resident_pages)
[ "$resident" -ge 16 ] && [ "$resident" -lt 1024 ] && echo "at least the 16 pages"
say "all of it"
run mmf touch file --json
run status_of file resident
mmf status file | grep -F '[OOOO'
say "dropping a part: whole pages only"
run mmf evict file --at 1M --size 64K
run mmf evict file --at 2M --size 100
mmf touch file >/dev/null
run mmf evict file --size 0
run status_of file resident_pages
run mmf evict file --at 5M
say "holes are left out"
truncate -s 64M sparse
printf x | mmf write sparse --at 32M
mmf evict sparse >/dev/null
run mmf touch sparse
say "unless they are asked for"
run mmf touch sparse --holes --at 1M --size 1M
