/* storage.c: reserving blocks, giving them back and finding holes on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
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

/* The system call itself, never glibc's posix_fallocate(), which writes where the file system cannot reserve. */
int os_linux_reserve(mmf_os_handle file, uint64_t offset, uint64_t size, bool keep_size)
{
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
