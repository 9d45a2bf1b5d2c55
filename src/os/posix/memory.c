/* memory.c: files of memory, mappings and what is asked about them with POSIX. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0 /* FreeBSD: private mappings are not charged beforehand anyway */
#endif

/* How often memory_file() looks for a name that is free. */
#define NAME_ATTEMPTS 16

/*
 * An object of shm_open() that loses its name at once: O_EXCL and a random name, so nobody else's is opened. A process
 * killed between the two calls leaves an empty object behind. Where such objects live on a file system mounted noexec,
 * mapping for execution fails later, by EPERM of mmap(), whatever `execute` says. macOS: the length can be set once.
 */
int os_posix_memory_file(mmf_os_handle *file, uint64_t huge, bool execute, bool inherit)
{
    (void)execute;
    if (huge)
        return ENOTSUP;
    int error = EEXIST;
    for (int attempt = 0; attempt < NAME_ATTEMPTS && error == EEXIST; attempt++) {
        uint64_t number;
        char name[32]; /* macOS allows 31 characters */
        error = os_posix_random(&number, sizeof number);
        if (error)
            return error;
        snprintf(name, sizeof name, "/mmf-%016llx", (unsigned long long)number);
        int descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR); /* sets FD_CLOEXEC */
        if (descriptor < 0) {
            error = errno;
            continue;
        }
        error = shm_unlink(name) < 0 ? errno : 0;
        if (!error && fcntl(descriptor, F_SETFD, inherit ? 0 : FD_CLOEXEC) < 0)
            error = errno;
        if (error)
            close(descriptor);
        else
            error = os_posix_give(file, descriptor, inherit);
    }
    return error;
}

int os_posix_protection(unsigned protection)
{
    return (protection & OS_PROTECT_READ ? PROT_READ : 0) | (protection & OS_PROTECT_WRITE ? PROT_WRITE : 0) |
           (protection & OS_PROTECT_EXECUTE ? PROT_EXEC : 0);
}

/* Flags of mmap(2) for bits of os_mapping, -1 when they make no sense. NOT_INHERIT has no words in POSIX. */
static int mapping_flags(unsigned mapping)
{
    int flags;
    switch (mapping & (OS_MAP_SHARED | OS_MAP_PRIVATE)) {
    case OS_MAP_SHARED:
        flags = MAP_SHARED;
        break;
    case OS_MAP_PRIVATE:
        /* Without NORESERVE Linux refuses a private 1 TiB view, though nobody will ever change that much of it. */
        flags = MAP_PRIVATE | MAP_NORESERVE;
        break;
    default:
        return -1;
    }
    if (mapping & OS_MAP_ANONYMOUS)
        flags |= MAP_ANON;
    if (mapping & OS_MAP_FIXED)
        flags |= MAP_FIXED;
    return flags;
}

int os_posix_map(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                 uint64_t offset)
{
    int flags = mapping_flags(mapping);
    bool anonymous = mapping & OS_MAP_ANONYMOUS;
    if (flags < 0)
        return EINVAL;
    /* On 32 bits Linux takes the offset in pages, in 32 bits: say so here, where nothing can be cut off. */
    if (!anonymous && (!os_posix_range_fits(offset, size) || offset / os_posix_page_size() > SIZE_MAX))
        return EOVERFLOW;
    void *result = mmap(*address, size, os_posix_protection(protection), flags,
                        anonymous ? -1 : os_posix_descriptor(file), anonymous ? 0 : (off_t)offset);
    if (result == MAP_FAILED)
        return errno;
    *address = result;
    return 0;
}

int os_posix_unmap(void *address, size_t size)
{
    return munmap(address, size) < 0 ? errno : 0;
}

int os_posix_protect(void *address, size_t size, unsigned protection)
{
    return mprotect(address, size, os_posix_protection(protection)) < 0 ? errno : 0;
}

/*
 * MS_SYNC goes as far as msync() can: on Linux it is fsync() of the range. Where it stops short of the medium (macOS),
 * the file has to be synced besides; this call does not know the file.
 */
int os_posix_flush(void *address, size_t size, enum os_flush how)
{
    int result;
    do
        result = msync(address, size, how == OS_FLUSH_START ? MS_ASYNC : MS_SYNC);
    while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
}

int os_posix_advise(void *address, size_t size, enum os_advice advice)
{
    switch (advice) {
    case OS_ADVISE_NORMAL:
        return posix_madvise(address, size, POSIX_MADV_NORMAL);
    case OS_ADVISE_RANDOM:
        return posix_madvise(address, size, POSIX_MADV_RANDOM);
    case OS_ADVISE_SEQUENTIAL:
        return posix_madvise(address, size, POSIX_MADV_SEQUENTIAL);
    case OS_ADVISE_WILL_NEED:
        return posix_madvise(address, size, POSIX_MADV_WILLNEED);
    case OS_ADVISE_COLD:
    case OS_ADVISE_PAGE_OUT:
    case OS_ADVISE_HUGE:
    case OS_ADVISE_NO_HUGE:
    case OS_ADVISE_DUMP:
    case OS_ADVISE_NO_DUMP:
        return ENOTSUP;
    }
    return EINVAL;
}

/* One call a range. A range that fails does not keep the others from being read; the first error is the answer. */
int os_posix_prefetch(const struct os_memory_range *ranges, size_t count)
{
    int first = 0;
    for (size_t i = 0; i < count; i++) {
        int error = posix_madvise(ranges[i].address, ranges[i].size, POSIX_MADV_WILLNEED);
        if (!first)
            first = error;
    }
    return first;
}

int os_posix_populate(void *address, size_t size)
{
    (void)address;
    (void)size;
    return ENOTSUP;
}

int os_posix_lock_memory(void *address, size_t size)
{
    return mlock(address, size) < 0 ? errno : 0;
}

int os_posix_unlock_memory(void *address, size_t size)
{
    return munlock(address, size) < 0 ? errno : 0;
}

int os_posix_residency_is_told(mmf_os_handle file)
{
    struct stat status;
    if (fstat(os_posix_descriptor(file), &status) < 0)
        return errno;
    if (geteuid() == 0 || geteuid() == status.st_uid)
        return 0;
    /* Others may be in the group by one of many ways, so they need both bits. */
    mode_t needed = getegid() == status.st_gid ? S_IWGRP : S_IWGRP | S_IWOTH;
    return (status.st_mode & needed) == needed ? 0 : EACCES;
}

int os_posix_resident(unsigned char *pages, void *address, size_t size, mmf_os_handle file)
{
    int error = file == MMF_INVALID_HANDLE ? 0 : os_posix_residency_is_told(file);
    if (error)
        return error;
    /* The vector is of char on the BSDs and macOS, of unsigned char on Linux: void * is both. */
    return mincore(address, size, (void *)pages) < 0 ? errno : 0;
}

int os_posix_copy_checked(size_t *done, void *to, const void *from, size_t size, bool write)
{
    (void)done;
    (void)to;
    (void)from;
    (void)size;
    (void)write;
    return ENOTSUP;
}
