/* file.c: opening, describing, reading and writing files with POSIX. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One transfer at most: macOS refuses more than INT_MAX with EINVAL, Linux cuts at 2 GiB less a page. */
#define TRANSFER_MAX ((size_t)1 << 30)

/* The first descriptor that is not a standard stream. */
#define FIRST_DESCRIPTOR 3

int os_posix_open_flags(unsigned flags)
{
    /* O_NONBLOCK: a pipe without a partner must not hang the caller; it means nothing for regular files. */
    int result = O_NOCTTY | O_NONBLOCK;
    switch (flags & (OS_OPEN_READ | OS_OPEN_WRITE)) {
    case OS_OPEN_READ:
        result |= O_RDONLY;
        break;
    case OS_OPEN_WRITE:
        result |= O_WRONLY;
        break;
    case OS_OPEN_READ | OS_OPEN_WRITE:
        result |= O_RDWR;
        break;
    default:
        return -1;
    }
    if (flags & OS_OPEN_CREATE)
        result |= O_CREAT;
    if (flags & OS_OPEN_EXCLUSIVE) {
        if (!(flags & OS_OPEN_CREATE))
            return -1; /* undefined in POSIX, and another thing on Linux block devices */
        result |= O_EXCL;
    }
    if (!(flags & OS_OPEN_INHERIT))
        result |= O_CLOEXEC;
    return result;
}

int os_posix_give(mmf_os_handle *file, int descriptor, bool inherit)
{
    if (descriptor < FIRST_DESCRIPTOR) {
        int moved = fcntl(descriptor, inherit ? F_DUPFD : F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
        int error = errno;
        close(descriptor);
        if (moved < 0)
            return error;
        descriptor = moved;
    }
    *file = descriptor;
    return 0;
}

int os_posix_open(mmf_os_handle *file, const char *path, unsigned flags, uint32_t permissions)
{
    int how = os_posix_open_flags(flags);
    if (how < 0)
        return EINVAL;
    int descriptor;
    do
        descriptor = open(path, how, (mode_t)(permissions & 07777));
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return errno == EWOULDBLOCK ? EBUSY : errno; /* somebody holds a lease: O_NONBLOCK does not wait for it */
    return os_posix_give(file, descriptor, flags & OS_OPEN_INHERIT);
}

int os_posix_duplicate(mmf_os_handle *copy, mmf_os_handle file, bool inherit)
{
    int descriptor = fcntl(os_posix_descriptor(file), inherit ? F_DUPFD : F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
    if (descriptor < 0)
        return errno;
    *copy = descriptor;
    return 0;
}

/* POSIX opens by name only, and the name may be gone or be another file's by now. */
int os_posix_reopen(mmf_os_handle *copy, mmf_os_handle file, unsigned flags)
{
    (void)copy;
    (void)file;
    (void)flags;
    return ENOTSUP;
}

/*
 * Never retried: after EINTR the descriptor is closed on Linux, the BSDs and macOS, and a second close could hit one
 * that another thread has just been given. So EINTR is not a failure either.
 */
int os_posix_close(mmf_os_handle file)
{
    return close(os_posix_descriptor(file)) < 0 && errno != EINTR ? errno : 0;
}

static enum os_file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode))
        return OS_FILE_REGULAR;
    if (S_ISDIR(mode))
        return OS_FILE_DIRECTORY;
    if (S_ISCHR(mode))
        return OS_FILE_CHARACTER;
    if (S_ISBLK(mode))
        return OS_FILE_BLOCK;
    return OS_FILE_OTHER;
}

int os_posix_describe_common(struct os_file_info *info, mmf_os_handle file)
{
    struct stat status;
    int descriptor = os_posix_descriptor(file);
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fstat(descriptor, &status) < 0)
        return errno;
    *info = (struct os_file_info){
        .size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0,
        .allocated = (uint64_t)status.st_blocks * 512, /* st_blocks counts 512 bytes on every living Unix */
        .device = (uint64_t)status.st_dev,
        .inode = (uint64_t)status.st_ino,
        .links = (uint64_t)status.st_nlink,
        .page_size = os_posix_page_size(),
        .kind = kind_of(status.st_mode),
        .storage = OS_STORAGE_UNKNOWN,
        .readable = (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR,
        .writable = (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR,
    };
    return 0;
}

/* The capacity of a block device by seeking to its end; the position, which others may share, is put back. */
static int block_size(uint64_t *size, int descriptor)
{
    off_t before = lseek(descriptor, 0, SEEK_CUR);
    off_t end = before < 0 ? before : lseek(descriptor, 0, SEEK_END);
    if (end < 0 || lseek(descriptor, before, SEEK_SET) < 0)
        return errno;
    *size = (uint64_t)end;
    return 0;
}

int os_posix_describe(struct os_file_info *info, mmf_os_handle file)
{
    struct os_file_info found = {0};
    int error = os_posix_describe_common(&found, file);
    if (!error && found.kind == OS_FILE_BLOCK)
        error = block_size(&found.size, os_posix_descriptor(file));
    if (!error)
        *info = found;
    return error;
}

int os_posix_set_permissions(mmf_os_handle file, uint32_t permissions)
{
    return fchmod(os_posix_descriptor(file), (mode_t)(permissions & 07777)) < 0 ? errno : 0;
}

int os_posix_remove(const char *path)
{
    return unlink(path) < 0 ? errno : 0;
}

int os_posix_identify(uint64_t *device, uint64_t *inode, const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return errno;
    *device = (uint64_t)status.st_dev;
    *inode = (uint64_t)status.st_ino;
    return 0;
}

int os_posix_absolute_path(char *to, size_t room, const char *path)
{
    size_t length = 0;
    const size_t size = strlen(path) + 1;
    if (path[0] != '/') {
        if (!getcwd(to, room))
            return errno;
        length = strlen(to);
        if (length + 1 >= room)
            return ERANGE;
        to[length++] = '/';
    }
    if (size > room - length)
        return ERANGE;
    memcpy(to + length, path, size);
    return 0;
}

int os_posix_read_at(size_t *done, mmf_os_handle file, uint64_t offset, void *to, size_t size)
{
    if (offset > OS_POSIX_OFFSET_MAX)
        return EOVERFLOW;
    ssize_t result;
    do
        result = pread(os_posix_descriptor(file), to, size < TRANSFER_MAX ? size : TRANSFER_MAX, (off_t)offset);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return errno;
    *done = (size_t)result;
    return 0;
}

int os_posix_write_at(size_t *done, mmf_os_handle file, uint64_t offset, const void *from, size_t size)
{
    if (offset > OS_POSIX_OFFSET_MAX || !os_posix_end_is_allowed(offset + 1))
        return EFBIG;
    const int flags = fcntl(os_posix_descriptor(file), F_GETFL);
    if (flags >= 0 && flags & O_APPEND)
        return ENOTSUP; /* pwrite() would ignore the offset (Linux), or is not said to honour it */
    ssize_t result;
    do
        result = pwrite(os_posix_descriptor(file), from, size < TRANSFER_MAX ? size : TRANSFER_MAX, (off_t)offset);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return errno;
    *done = (size_t)result;
    return 0;
}
