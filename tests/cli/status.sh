# status.sh: size, blocks, extents, pages, dirty pages, of one file and of several.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
head -c 1M /dev/urandom >full
printf x >small
truncate -s 4M sparse
dd if=full of=sparse bs=64K seek=16 count=1 conv=notrunc 2>/dev/null
sync -f . 2>/dev/null || sync

run mmf status full
run mmf status small
run mmf status sparse --extents
run mmf status full small
run mmf status full full --json
run mmf status sparse -e --json
