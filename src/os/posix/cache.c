/* cache.c: the page cache of files with POSIX: advice only, no counts. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <fcntl.h>

int os_posix_cache(struct os_cache *cache, mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)cache;
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}

#if defined(POSIX_FADV_DONTNEED) && defined(POSIX_FADV_WILLNEED)

static int advise(mmf_os_handle file, uint64_t offset, uint64_t size, int advice)
{
    if (!os_posix_range_fits(offset, size))
        return EOVERFLOW;
    if (size == 0)
        return 0; /* posix_fadvise would take it for "to the end of the file" */
    return posix_fadvise(os_posix_descriptor(file), (off_t)offset, (off_t)size, advice);
}

/* Drops clean pages that nobody has mapped; dirty ones stay, so no data is lost. */
int os_posix_evict(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    return advise(file, offset, size, POSIX_FADV_DONTNEED);
}

/* On Linux this is what readahead(2) does, too. */
int os_posix_read_ahead(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    return advise(file, offset, size, POSIX_FADV_WILLNEED);
}

#else /* macOS, OpenBSD */

int os_posix_evict(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}

int os_posix_read_ahead(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}

#endif
