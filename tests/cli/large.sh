# large.sh: offsets beyond 2 GiB, 4 GiB and at the end of 8 TiB; holes cost no time.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
truncate -s 8T huge 2>/dev/null || skip "this file system has no files of 8 TiB"

for at in 0x7fffffff 0xffffffff 0x100000000 4294967301 5T 8796093022204; do
    run mmf write huge --at $at --text EDGE
done
for at in 0x7fffffff 0xffffffff 0x100000000 4294967301 5T 8796093022204; do
    run mmf read huge --at $at --size 4
done
run mmf dump huge --at 0xfffffffc --size 16
run mmf dump huge --at 8796093022200
if finds_holes; then run mmf dump huge; fi
run mmf read huge --at 8T
run mmf read huge --at 8T --size 1
run mmf write huge --at 8796093022205 --text EDGE
if finds_holes; then run mmf touch huge; fi
run mmf status huge
run mmf pin huge
run mmf pin huge --at 4G --size 4K --seconds 0
say "growing to a place far behind, with a hole between"
run mmf write far --at 6T --text far --create --sparse
run stat -c %s far
if finds_holes; then run mmf dump far; fi
