/* sync.c: writing a range of the page cache out on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>

/*
 * Neither writes the file's metadata nor empties the drive's cache: after a power cut nothing is promised. START comes
 * back when the pages are queued, WAIT when the drive has taken them.
 */
int os_linux_write_back(mmf_os_handle file, uint64_t offset, uint64_t size, enum os_flush how)
{
    unsigned flags = SYNC_FILE_RANGE_WRITE;
    if (how == OS_FLUSH_WAIT)
        flags |= SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;
    else if (how != OS_FLUSH_START)
        return EINVAL;
    if (!os_posix_range_fits(offset, size))
        return EOVERFLOW;
    if (size == 0)
        return 0; /* the kernel takes 0 for "to the end of the file" */
    int result;
    do
        result = sync_file_range(os_posix_descriptor(file), (off_t)offset, (off_t)size, flags);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == ENOSYS ? ENOTSUP : errno;
}
