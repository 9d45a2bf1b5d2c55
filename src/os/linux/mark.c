/* mark.c: marks on byte ranges that live as long as the open file, on Linux: OFD locks (3.15). */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>

/*
 * One fcntl() of the OFD kind. A size of 0 would mean "to infinity" and is refused. EINVAL (the range is checked
 * before) is a kernel without such locks, ENOLCK and EOPNOTSUPP a file system or server without any.
 */
static int lock_call(struct flock *lock, mmf_os_handle file, int command, short type, uint64_t offset, uint64_t size)
{
    if (size == 0)
        return EINVAL;
    if (!os_posix_range_fits(offset, size))
        return EOVERFLOW;
    *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)size};
    int result;
    do
        result = fcntl(os_posix_descriptor(file), command, lock);
    while (result < 0 && errno == EINTR);
    if (result >= 0)
        return 0;
    switch (errno) {
    case EAGAIN:
    case EACCES: /* POSIX allows either */
        return EBUSY;
    case EINVAL:
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
        return ENOTSUP;
    default:
        return errno;
    }
}

/* A shared mark needs a readable handle, an exclusive one a writable handle: EBADF. */
int os_linux_mark(mmf_os_handle file, uint64_t offset, uint64_t size, bool exclusive)
{
    struct flock lock;
    return lock_call(&lock, file, F_OFD_SETLK, exclusive ? F_WRLCK : F_RDLCK, offset, size);
}

int os_linux_unmark(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    struct flock lock;
    return lock_call(&lock, file, F_OFD_SETLK, F_UNLCK, offset, size);
}

/* Asks for an exclusive mark, which a read-only handle may do as well; marks of the same open file never conflict. */
int os_linux_test_mark(bool *held, mmf_os_handle file, uint64_t offset, uint64_t size)
{
    struct flock lock;
    int error = lock_call(&lock, file, F_OFD_GETLK, F_WRLCK, offset, size);
    if (!error)
        *held = lock.l_type != F_UNLCK;
    return error;
}
