/*
 * posix.h: the calls of the POSIX back end: os_posix_<call> for every entry of the table, and what its files share.
 *
 * Nothing here is Linux-only: POSIX.1-2008, and MAP_ANON, madvise, mincore, which every living Unix has. A call that
 * POSIX has no words for answers ENOTSUP.
 */
#ifndef MMF_SRC_OS_POSIX_POSIX_H
#define MMF_SRC_OS_POSIX_POSIX_H

#include "os/os.h"

#include <assert.h>
#include <limits.h>
#include <sys/types.h>

#define OS_POSIX_CALL(name, parameters, arguments) int os_posix_##name parameters;
#define OS_POSIX_QUERY(result, name, parameters, arguments) result os_posix_##name parameters;
OS_CALLS(OS_POSIX_CALL)
OS_QUERIES(OS_POSIX_QUERY)
#undef OS_POSIX_CALL
#undef OS_POSIX_QUERY

/* The largest offset there is: off_t has 64 bits everywhere (_FILE_OFFSET_BITS), and a sign. */
static_assert(sizeof(off_t) == 8, "build with _FILE_OFFSET_BITS=64");
#define OS_POSIX_OFFSET_MAX ((uint64_t)INT64_MAX)

/* The descriptor of a handle; -1, which every call refuses with EBADF, for what cannot be one. */
static inline int os_posix_descriptor(mmf_os_handle file)
{
    return file < 0 || file > INT_MAX ? -1 : (int)file;
}

/* Whether [offset, offset + size) can be said in off_t, without wrapping. */
static inline bool os_posix_range_fits(uint64_t offset, uint64_t size)
{
    return offset <= OS_POSIX_OFFSET_MAX && size <= OS_POSIX_OFFSET_MAX - offset;
}

/* Flags of open(2) for bits of os_open, or -1 when they make no sense. */
int os_posix_open_flags(unsigned flags);

/*
 * Hands out a new descriptor, of which this takes ownership. One below 3 is moved up: in a process that runs with its
 * standard streams closed, a stray message to standard error must not end up in the data file.
 */
int os_posix_give(mmf_os_handle *file, int descriptor, bool inherit);

/*
 * Whether a file may reach that far (RLIMIT_FSIZE). Beyond it the kernel does not only answer EFBIG: it sends SIGXFSZ,
 * which ends the process.
 */
bool os_posix_end_is_allowed(uint64_t end);

/* describe() but for the size of block devices. */
int os_posix_describe_common(struct os_file_info *info, mmf_os_handle file);

/* The errno a FILE reports for a code of error.h. */
int os_posix_stream_errno(int code);

/* The protection of mmap(2) for bits of os_protection. */
int os_posix_protection(unsigned protection);

/*
 * Whether mincore() may be believed about a file: Linux since 5.2 calls every page resident unless the caller owns the
 * file or may write the inode, whatever the handle was opened for (mm/mincore.c, can_do_mincore), so that nobody can
 * watch what others read. Decided by owner and mode bits; in doubt EACCES.
 */
int os_posix_residency_is_told(mmf_os_handle file);

#endif
