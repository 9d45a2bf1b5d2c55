# device.sh: a block device is read, written and shown as a file is; what it has not is said.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_root
need losetup
need_pages_of_4096
truncate -s 16M image
device=$(losetup -f --show image 2>/dev/null) || skip "there is no loop device to be had"
trap 'losetup -d "$device"' EXIT
ln -s "$device" device

run mmf write device --at 1M --text 'on a device' --sync
run mmf read device --at 1M --size 11
run mmf read image --at 1M --size 11
run mmf dump device --at 1048570 --size 32
run mmf write device --at 16777210 --text 'too long'
run mmf write device --at 16777210 --text 'too long' --grow
run mmf read device --at 16M
run mmf touch device
run mmf status device
run mmf status device --json
