/* storage.c: reserving blocks, giving them back and finding holes on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int allocate(mmf_os_handle file, int mode, uint64_t offset, uint64_t size)
{
    if (!os_posix_range_fits(offset, size))
        return EFBIG;
    if (size == 0)
        return 0; /* the kernel takes 0 for a mistake */
    int result;
    do
        result = fallocate(os_posix_descriptor(file), mode, (off_t)offset, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == ENOSYS || errno == EOPNOTSUPP ? ENOTSUP : errno;
}

/*
 * Whether the part of a range behind the end of the file cannot possibly fit. fallocate() takes blocks until there are
 * none before it answers ENOSPC, which for a hopeless request fills the disk under everybody for a while (ext4, 6.18:
 * 8 TiB asked for on 78 GB). Blocks that the file may hold behind its end already are counted in its favour, and a file
 * system that does not tell its size is asked by trying.
 */
static bool is_hopeless(int file, uint64_t offset, uint64_t size)
{
    struct stat status;
    struct statvfs space;
    if (fstat(file, &status) < 0 || fstatvfs(file, &space) < 0 || space.f_blocks == 0)
        return false;
    const uint64_t end = offset + size;
    const uint64_t length = (uint64_t)status.st_size;
    const uint64_t held = (uint64_t)status.st_blocks * 512;
    const uint64_t behind = held > length ? held - length : 0;
    const uint64_t free_bytes = (uint64_t)space.f_bfree * space.f_frsize;
    const uint64_t from = offset > length ? offset : length;
    return end > from && end - from > behind && end - from - behind > free_bytes;
}

/* The system call itself, never glibc's posix_fallocate(), which writes where the file system cannot reserve. */
int os_linux_reserve(mmf_os_handle file, uint64_t offset, uint64_t size, bool keep_size)
{
    if (os_posix_range_fits(offset, size) && is_hopeless(os_posix_descriptor(file), offset, size))
        return ENOSPC;
    if (!keep_size && os_posix_range_fits(offset, size) && !os_posix_end_is_allowed(offset + size))
        return EFBIG;
    return allocate(file, keep_size ? FALLOC_FL_KEEP_SIZE : 0, offset, size);
}

int os_linux_punch(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    return allocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

/* Moves the position of the open file, which others may share, so it is put back. EINVAL: Linux before 3.1. */
int os_linux_seek_extent(uint64_t *found, mmf_os_handle file, uint64_t from, bool data)
{
    if (from > OS_POSIX_OFFSET_MAX)
        return EOVERFLOW;
    int descriptor = os_posix_descriptor(file);
    off_t before = lseek(descriptor, 0, SEEK_CUR);
    if (before < 0)
        return errno;
    off_t result = lseek(descriptor, (off_t)from, data ? SEEK_DATA : SEEK_HOLE);
    int error = result < 0 ? errno : 0;
    if (lseek(descriptor, before, SEEK_SET) < 0 && !error)
        error = errno;
    if (error)
        return error == EINVAL ? ENOTSUP : error;
    *found = (uint64_t)result;
    return 0;
}
