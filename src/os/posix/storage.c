/* storage.c: length, blocks and holes of files with POSIX, which knows the length only. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

bool os_posix_end_is_allowed(uint64_t end)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

/* A file that is as long already may be cut to any length. */
static bool growth_is_allowed(mmf_os_handle file, uint64_t size)
{
    struct stat status;
    if (os_posix_end_is_allowed(size))
        return true;
    return fstat(os_posix_descriptor(file), &status) == 0 && size <= (uint64_t)status.st_size;
}

int os_posix_resize(mmf_os_handle file, uint64_t size)
{
    if (size > OS_POSIX_OFFSET_MAX || !growth_is_allowed(file, size))
        return EFBIG;
    int result;
    do
        result = ftruncate(os_posix_descriptor(file), (off_t)size);
    while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
}

/*
 * Not posix_fallocate: glibc and others emulate it by writing a byte to every block where the file system has no such
 * call, which is slow and races with other writers.
 */
int os_posix_reserve(mmf_os_handle file, uint64_t offset, uint64_t size, bool keep_size)
{
    (void)file;
    (void)offset;
    (void)size;
    (void)keep_size;
    return ENOTSUP;
}

int os_posix_punch(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}

/*
 * SEEK_DATA and SEEK_HOLE are POSIX since 2024; macOS, the BSDs and Solaris had them before. They move the position of
 * the open file, which others may share, so it is put back.
 */
int os_posix_seek_extent(uint64_t *found, mmf_os_handle file, uint64_t from, bool data)
{
#if defined(SEEK_DATA) && defined(SEEK_HOLE)
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
        return error;
    *found = (uint64_t)result;
    return 0;
#else
    (void)found;
    (void)file;
    (void)from;
    (void)data;
    return ENOTSUP;
#endif
}
