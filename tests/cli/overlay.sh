# overlay.sh: on overlayfs, which containers stand on, the kernel's page counts are of another file: never believed.
. "$MMF_CLI_SUPPORT/dialogue.sh"
need_pages_of_4096
mount_tmpfs mount 16M
mkdir mount/lower mount/upper mount/work mount/merged
head -c 1M /dev/urandom >mount/lower/below
mount -t overlay overlay -o lowerdir=mount/lower,upperdir=mount/upper,workdir=mount/work mount/merged 2>/dev/null ||
    skip "overlayfs cannot be mounted here"
mounts="$PWD/mount/merged $mounts"
head -c 512K /dev/urandom >mount/merged/above

run mmf status mount/merged/below
run mmf status mount/merged/above --json
