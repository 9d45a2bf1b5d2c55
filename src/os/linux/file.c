/* file.c: opening a file once more, and describing files, on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Numbers of file systems, from linux/magic.h and the file systems' own headers; headers of distributions lack some. */
#define MAGIC_BCACHEFS 0xca451a4eU
#define MAGIC_BTRFS 0x9123683eU
#define MAGIC_EXFAT 0x2011bab0U
#define MAGIC_EXT 0xef53U /* ext2, ext3, ext4 */
#define MAGIC_F2FS 0xf2f52010U
#define MAGIC_HUGETLBFS 0x958458f6U
#define MAGIC_JFS 0x3153464aU
#define MAGIC_MSDOS 0x4d44U /* vfat too */
#define MAGIC_NILFS 0x3434U
#define MAGIC_RAMFS 0x858458f6U
#define MAGIC_TMPFS 0x01021994U /* memfd and shm too */
#define MAGIC_XFS 0x58465342U
#define MAGIC_ZFS 0x2fc12fc1U

/* How many extents of a file on xfs are looked at, in how many calls, for one that is shared. */
#define EXTENTS_AT_ONCE 64
#define EXTENT_CALLS 16

/*
 * Opens what /proc/self/fd/N stands for: the very inode, even when its name is gone or is another file's now. Needs
 * the permission of the file again, since it is a new open.
 */
int os_linux_reopen(mmf_os_handle *copy, mmf_os_handle file, unsigned flags)
{
    int how = os_posix_open_flags(flags);
    if (how < 0 || flags & (OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE))
        return EINVAL;
    int source = os_posix_descriptor(file);
    if (fcntl(source, F_GETFD) < 0)
        return errno;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", source);
    int descriptor;
    do
        descriptor = open(path, how);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor >= 0)
        return os_posix_give(copy, descriptor, flags & OS_OPEN_INHERIT);
    /* The descriptor is open, so a missing path means that /proc is not mounted here. */
    return errno == ENOENT || errno == ENOTDIR ? ENOTSUP : errno;
}

/*
 * xfs writes in place, but for extents that two files share after a reflink copy: those it copies on write, and
 * fallocate() does not unshare them. A file of too many extents to look at stays unknown. `map` has room for
 * EXTENTS_AT_ONCE.
 */
static enum os_storage look_for_shared_extents(int file, struct fiemap *map)
{
    uint64_t start = 0;
    for (int call = 0; call < EXTENT_CALLS; call++) {
        *map = (struct fiemap){
            .fm_start = start, .fm_length = FIEMAP_MAX_OFFSET - start, .fm_extent_count = EXTENTS_AT_ONCE};
        if (ioctl(file, FS_IOC_FIEMAP, map) < 0)
            return OS_STORAGE_UNKNOWN;
        if (map->fm_mapped_extents == 0)
            return OS_STORAGE_IN_PLACE;
        for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
            const struct fiemap_extent *extent = &map->fm_extents[i];
            if (extent->fe_flags & FIEMAP_EXTENT_SHARED)
                return OS_STORAGE_COPIES;
            if (extent->fe_flags & FIEMAP_EXTENT_LAST)
                return OS_STORAGE_IN_PLACE;
            start = extent->fe_logical + extent->fe_length;
        }
    }
    return OS_STORAGE_UNKNOWN;
}

static enum os_storage storage_on_xfs(int file)
{
    struct fiemap *map = malloc(sizeof *map + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
    enum os_storage storage = map ? look_for_shared_extents(file, map) : OS_STORAGE_UNKNOWN;
    free(map);
    return storage;
}

/* Overlay, network and FUSE file systems stay unknown: what they stand on decides. */
static enum os_storage storage_of(uint32_t magic, int file)
{
    switch (magic) {
    case MAGIC_EXT:
    case MAGIC_JFS:
    case MAGIC_MSDOS:
    case MAGIC_EXFAT:
        return OS_STORAGE_IN_PLACE;
    case MAGIC_XFS:
        return storage_on_xfs(file);
    case MAGIC_BTRFS:
    case MAGIC_BCACHEFS:
    case MAGIC_ZFS:
    case MAGIC_F2FS: /* a log: every write goes to a new block */
    case MAGIC_NILFS:
        return OS_STORAGE_COPIES;
    case MAGIC_TMPFS:
    case MAGIC_RAMFS:
    case MAGIC_HUGETLBFS:
        return OS_STORAGE_MEMORY;
    default:
        return OS_STORAGE_UNKNOWN;
    }
}

/* A descriptor of O_PATH names a file but can neither read nor write it, nor be asked by ioctl(). */
int os_linux_describe(struct os_file_info *info, mmf_os_handle file)
{
    struct os_file_info found;
    struct statfs file_system;
    struct stat status;
    int descriptor = os_posix_descriptor(file);
    int error = os_posix_describe_common(&found, file);
    if (error)
        return error;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fstatfs(descriptor, &file_system) < 0)
        return errno;
    bool only_path = flags & O_PATH;
    if (only_path)
        found.readable = found.writable = false;

    if (found.kind == OS_FILE_BLOCK) {
        /* The node lies on devtmpfs, which says nothing about the device. */
        if (!only_path && ioctl(descriptor, BLKGETSIZE64, &found.size) < 0)
            return errno;
    } else if (found.kind == OS_FILE_REGULAR) {
        found.storage = storage_of((uint32_t)file_system.f_type, descriptor);
        if ((uint32_t)file_system.f_type == MAGIC_HUGETLBFS) {
            if (fstat(descriptor, &status) < 0)
                return errno;
            found.page_size = (uint64_t)status.st_blksize;
        }
    }
    *info = found;
    return 0;
}
