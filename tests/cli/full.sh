# full.sh: a full disk is an error before the first byte, and what was there is as it was.
. "$MMF_CLI_SUPPORT/dialogue.sh"
mount_tmpfs mount 1M
head -c 512K /dev/urandom >mount/old
cp mount/old old
head -c 2M /dev/urandom >large

run mmf write mount/old -i large --grow
same old mount/old
run mmf write mount/old --at 512K -i large --grow --json
same old mount/old
run mmf write mount/new -i large --create
run mmf read large -o mount/new
run mmf read large -o mount/old
same old mount/old
run ls -A mount
say "the hole of a sparse file"
truncate -s 4M mount/sparse
run mmf write mount/sparse --at 1M -i large
run stat -c '%s %b' mount/sparse
run mmf write mount/sparse --at 1M --text small
run mmf read mount/sparse --at 1M --size 5
say "input longer than is read ahead: what was written is told, the length is the old one"
rm mount/sparse
mount -o remount,size=40M mount
head -c 80000000 /dev/zero | run mmf write mount/old --grow --json
run stat -c %s mount/old
say "a new file is not there at all"
head -c 80000000 /dev/zero | run mmf write mount/new --create --json
run ls -A mount
say "the report, to a full disk"
if [ -c /dev/full ]; then
    mmf status old >/dev/full 2>../err
    echo "exit $?"
    cat ../err
fi
