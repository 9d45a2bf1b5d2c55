/* sync.c: bringing files and directories to the medium with POSIX. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int sync_descriptor(int descriptor)
{
    int result;
#if defined(F_FULLFSYNC)
    /* macOS: fsync() stops at the drive's cache. File systems without F_FULLFSYNC (SMB) have fsync() only. */
    do
        result = fcntl(descriptor, F_FULLFSYNC);
    while (result < 0 && errno == EINTR);
    if (result == 0 || (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY))
        return result < 0 ? errno : 0;
#endif
    do
        result = fsync(descriptor);
    while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
}

int os_posix_sync(mmf_os_handle file)
{
    return sync_descriptor(os_posix_descriptor(file));
}

/* The directory part of a path, for free(): "." for a bare name, "/" for one below the root; NULL: no memory. */
static char *parent_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') /* slashes at the end name the same entry */
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length ? strndup(path, length) : strdup(".");
}

int os_posix_sync_directory(const char *path)
{
    if (!*path)
        return ENOENT;
    char *parent = parent_of(path);
    if (!parent)
        return ENOMEM;
    int descriptor;
    do
        descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
    while (descriptor < 0 && errno == EINTR);
    int error = descriptor < 0 ? errno : 0;
    free(parent);
    if (error)
        return error;
    error = sync_descriptor(descriptor);
    close(descriptor);
    /* EINVAL: this file system has no fsync for directories (network and FUSE ones). It keeps its names by itself, and
       nothing better can be asked of it; fsync(2) gives no other meaning to EINVAL for a directory. */
    return error == EINVAL ? 0 : error;
}

int os_posix_write_back(mmf_os_handle file, uint64_t offset, uint64_t size, enum os_flush how)
{
    (void)file;
    (void)offset;
    (void)size;
    (void)how;
    return ENOTSUP;
}
