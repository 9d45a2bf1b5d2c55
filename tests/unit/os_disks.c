/*
 * os_disks.c: what the Linux back end tells and does on each file system.
 *
 * Every file system is made in an image and mounted in a mount namespace of this process alone, so that it goes with
 * the process. Needs root and loop devices; what cannot be mounted here is skipped by name.
 */
#define _GNU_SOURCE

#include "os_support.h"

#if !defined(MMF_OS_linux)

int main(void)
{
    puts("skipped: this is not the Linux back end");
    return 77;
}

#else

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#define MIB ((uint64_t)1 << 20)

struct disk {
    const char *name;
    const char *make;  /* a shell command that mounts it at "$1", with its files in "$2" */
    uint64_t capacity; /* more than this can never be reserved */
    enum os_storage storage;
};

static const struct disk disks[] = {
    {"ext4", "truncate -s 32M $2/image && mkfs.ext4 -q -O ^has_journal $2/image && mount -o loop $2/image $1", 32 * MIB,
     OS_STORAGE_IN_PLACE},
    {"xfs", "truncate -s 320M $2/image && mkfs.xfs -q -m reflink=1 $2/image && mount -o loop $2/image $1", 320 * MIB,
     OS_STORAGE_IN_PLACE},
    {"btrfs", "truncate -s 120M $2/image && mkfs.btrfs -q $2/image && mount -o loop $2/image $1", 120 * MIB,
     OS_STORAGE_COPIES},
    {"tmpfs", "mount -t tmpfs -o size=4M none $1", 4 * MIB, OS_STORAGE_MEMORY},
    {"overlay",
     "mount -t tmpfs -o size=4M none $2 && mkdir $2/lower $2/upper $2/work && "
     "mount -t overlay -o lowerdir=$2/lower,upperdir=$2/upper,workdir=$2/work none $1",
     4 * MIB, OS_STORAGE_UNKNOWN},
};
#define DISKS (sizeof disks / sizeof disks[0])

static char base[] = "/tmp/mmf-os-XXXXXX";

/* Runs the command with its two directories; 0: the disk is mounted at base/name. */
static int mount_disk(const struct disk *disk, char *place, size_t size)
{
    char files[80], command[512];
    snprintf(place, size, "%s/%s", base, disk->name);
    snprintf(files, sizeof files, "%s/%s-files", base, disk->name);
    if (mkdir(place, 0700) != 0 || mkdir(files, 0700) != 0)
        return -1;
    snprintf(command, sizeof command, "set -- %s %s; exec 2>/dev/null >&2; %s", place, files, disk->make);
    return system(command);
}

static void describes_and_reserves(const struct disk *disk, const char *place)
{
    char path[128];
    mmf_os_handle file;
    snprintf(path, sizeof path, "%s/file", place);
    assert_int_equal(os.open(&file, path, READ_WRITE | OS_OPEN_CREATE, 0600), 0);
    assert_int_equal(os.resize(file, 1000), 0);
    fill_file(file, 0, 'd', 1000);
    assert_int_equal(about(file).storage, disk->storage);

    assert_int_equal(os.reserve(file, 0, 2 * disk->capacity, true), ENOSPC);
    assert_int_equal(about(file).size, 1000);
    assert_int_equal(os.resize(file, 1000), 0); /* gives back what was reserved behind the end */
    assert_int_equal(os.reserve(file, 0, MIB, false), 0);
    assert_int_equal(about(file).size, MIB);
    assert_true(about(file).allocated >= MIB);
    assert_int_equal(byte_at(file, 999), 'd');
    assert_int_equal(byte_at(file, 1000), 0);
    assert_int_equal(os.punch(file, 0, MIB), 0);
    assert_int_equal(byte_at(file, 999), 0);
    assert_int_equal(os.mark(file, UINT64_C(1) << 62, 1, true), 0);
    assert_int_equal(os.sync(file), 0);
    assert_int_equal(os.sync_directory(path), 0);
    assert_int_equal(os.close(file), 0);
}

/* Blocks that a reflink copy shares are copied on write, on a file system that else writes in place. */
static void sees_shared_blocks(const char *place)
{
    char path[128];
    mmf_os_handle from, to;
    snprintf(path, sizeof path, "%s/from", place);
    assert_int_equal(os.open(&from, path, READ_WRITE | OS_OPEN_CREATE, 0600), 0);
    snprintf(path, sizeof path, "%s/to", place);
    assert_int_equal(os.open(&to, path, READ_WRITE | OS_OPEN_CREATE, 0600), 0);
    /* Holes between the blocks make more extents than one look takes in. */
    for (uint64_t i = 0; i < 200; i++)
        fill_file(from, i * 65536, 's', 4096);
    assert_int_equal(os.sync(from), 0);
    assert_int_equal(about(from).storage, OS_STORAGE_IN_PLACE);
    struct file_clone_range last = {.src_fd = from, .src_offset = 199 * 65536, .src_length = 4096, .dest_offset = 0};
    assert_int_equal(ioctl((int)to, FICLONERANGE, &last), 0);
    assert_int_equal(about(from).storage, OS_STORAGE_COPIES); /* the last extent alone */
    assert_int_equal(about(to).storage, OS_STORAGE_COPIES);
    assert_int_equal(os.resize(to, 0), 0);
    assert_int_equal(os.sync(to), 0);
    assert_int_equal(about(from).storage, OS_STORAGE_IN_PLACE);
    assert_int_equal(os.close(from), 0);
    assert_int_equal(os.close(to), 0);
}

/* Where the page counts would be those of another file, there are none. */
static void counts_the_right_pages(const char *place)
{
    char path[128];
    mmf_os_handle file;
    struct os_cache cache;
    snprintf(path, sizeof path, "%s/counted", place);
    assert_int_equal(os.open(&file, path, READ_WRITE | OS_OPEN_CREATE, 0600), 0);
    fill_file(file, 0, 'c', 65536);
    int error = os.cache(&cache, file, 0, 65536);
    if (error == 0)
        assert_int_equal(cache.resident, 65536);
    else
        assert_int_equal(error, ENOTSUP);
    assert_int_equal(os.close(file), 0);
}

static void works_on(void **state)
{
    const struct disk *disk = *state;
    char place[80];
    if (mount_disk(disk, place, sizeof place) != 0) {
        print_message("%s cannot be made or mounted here\n", disk->name);
        skip();
    }
    describes_and_reserves(disk, place);
    counts_the_right_pages(place);
    if (strcmp(disk->name, "xfs") == 0)
        sees_shared_blocks(place);
}

static int create_base(void **state)
{
    (void)state;
    return mkdtemp(base) && mount("none", base, "tmpfs", 0, NULL) == 0 ? 0 : -1;
}

/* Lazily: each file system is let go when the last of its files is. */
static int remove_base(void **state)
{
    (void)state;
    char place[96];
    for (size_t i = 0; i < DISKS; i++) {
        snprintf(place, sizeof place, "%s/%s", base, disks[i].name);
        umount2(place, MNT_DETACH);
        snprintf(place, sizeof place, "%s/%s-files", base, disks[i].name);
        umount2(place, MNT_DETACH);
    }
    return umount2(base, MNT_DETACH) == 0 ? rmdir(base) : -1;
}

int main(void)
{
    struct CMUnitTest tests[DISKS];
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        puts("skipped: needs root, to mount file systems");
        return 77;
    }
    for (size_t i = 0; i < DISKS; i++)
        tests[i] = (struct CMUnitTest){disks[i].name, works_on, NULL, NULL, (void *)(uintptr_t)&disks[i]};
    return cmocka_run_group_tests(tests, create_base, remove_base);
}

#endif
