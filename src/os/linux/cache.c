/* cache.c: the page cache's counts for a file on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Linux 6.5, the same number everywhere but on alpha; headers of distributions may be older. */
#if !defined(SYS_cachestat)
#define SYS_cachestat 451
#endif

#define MAGIC_OVERLAYFS 0x794c7630U /* linux/magic.h */

/* Of linux/mman.h: struct cachestat_range and struct cachestat. Counts are of base pages. */
struct cache_range {
    uint64_t offset;
    uint64_t size;
};
struct cache_counts {
    uint64_t resident;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
};

static int count(struct cache_counts *counts, int file, uint64_t offset, uint64_t size)
{
    struct cache_range range = {.offset = offset, .size = size};
    return syscall(SYS_cachestat, file, &range, counts, 0) < 0 ? errno : 0;
}

/*
 * Whether the call is there at all, asked about a file nobody can refuse: ENOSYS is an old kernel, EPERM the filter of
 * an old container. Any other file may be refused by EPERM of its own (not ours and not writable).
 */
static bool call_exists(void)
{
    enum { UNKNOWN, YES, NO };
    static _Atomic unsigned char known;
    unsigned char answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        struct cache_counts counts;
        mmf_os_handle sample;
        if (os_native.memory_file(&sample, 0, false, false))
            return true;
        answer = count(&counts, os_posix_descriptor(sample), 0, 1) ? NO : YES;
        os_native.close(sample);
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == YES;
}

/*
 * On overlayfs the call looks at the overlay's own file, whose cache is always empty, and answers 0 for everything: the
 * pages belong to the file below (seen on Linux 6.18; mincore() looks through the mapping and is right).
 */
static bool counts_are_of_another_file(int file)
{
    struct statfs file_system;
    return fstatfs(file, &file_system) == 0 && (uint32_t)file_system.f_type == MAGIC_OVERLAYFS;
}

int os_linux_cache(struct os_cache *cache, mmf_os_handle file, uint64_t offset, uint64_t size)
{
    struct cache_counts counts = {0};
    if (!os_posix_range_fits(offset, size))
        return EOVERFLOW;
    if (counts_are_of_another_file(os_posix_descriptor(file)))
        return ENOTSUP;
    /* The kernel takes 0 for "to the end of the file". */
    int error = size ? count(&counts, os_posix_descriptor(file), offset, size) : 0;
    if (error && error != EBADF && !call_exists())
        return ENOTSUP;
    if (error)
        return error;
    uint64_t page = os_posix_page_size();
    *cache = (struct os_cache){
        .resident = counts.resident * page, .dirty = counts.dirty * page, .writeback = counts.writeback * page};
    return 0;
}
