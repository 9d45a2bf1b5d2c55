/* stdio.c: a FILE of the C library that calls back, where the BSDs and macOS have funopen(). POSIX has no such call. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include "mmf/error.h"
#include "mmf/stream.h"

#include <errno.h>

int os_posix_stream_errno(int code)
{
    switch (code) {
    case MMF_EINVAL:
    case MMF_ERANGE:
        return EINVAL;
    case MMF_EACCESS:
        return EBADF; /* as read() on a file that was opened for writing */
    case MMF_ENOSPACE:
        return ENOSPC;
    case MMF_ENOMEMORY:
        return ENOMEM;
    default:
        return EIO;
    }
}

#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)

#include <stdlib.h>

struct cookie {
    void *stream;
    const struct os_stream_calls *calls;
};

static int answer(int err, size_t done)
{
    if (!err)
        return (int)done;
    errno = os_posix_stream_errno(err);
    return -1;
}

static int read_cookie(void *opaque, char *to, int size)
{
    const struct cookie *cookie = opaque;
    size_t done = 0;
    return answer(cookie->calls->read(cookie->stream, to, (size_t)size, &done), done);
}

static int write_cookie(void *opaque, const char *from, int size)
{
    const struct cookie *cookie = opaque;
    size_t done = 0;
    const int err = cookie->calls->write(cookie->stream, from, (size_t)size, &done);
    return answer(done > 0 ? 0 : err, done); /* after a short count the C library comes back with the rest */
}

static fpos_t seek_cookie(void *opaque, fpos_t distance, int whence)
{
    const struct cookie *cookie = opaque;
    uint64_t position = 0;
    const int origin = whence == SEEK_SET ? MMF_SEEK_SET : whence == SEEK_CUR ? MMF_SEEK_CURRENT : MMF_SEEK_END;
    const int err = cookie->calls->seek(cookie->stream, (int64_t)distance, origin, &position);
    if (!err)
        return (fpos_t)position;
    errno = os_posix_stream_errno(err);
    return -1;
}

static int close_cookie(void *opaque)
{
    struct cookie *cookie = opaque;
    const int err = cookie->calls->close(cookie->stream);
    free(cookie);
    return answer(err, 0);
}

int os_posix_stream_open(FILE **file, void *stream, const struct os_stream_calls *calls, bool reads, bool writes)
{
    struct cookie *cookie = malloc(sizeof *cookie);
    if (!cookie)
        return ENOMEM;
    *cookie = (struct cookie){stream, calls};
    FILE *opened = funopen(cookie, reads ? read_cookie : NULL, writes ? write_cookie : NULL, seek_cookie, close_cookie);
    if (!opened) {
        const int error = errno;
        free(cookie);
        return error;
    }
    *file = opened;
    return 0;
}

#else

int os_posix_stream_open(FILE **file, void *stream, const struct os_stream_calls *calls, bool reads, bool writes)
{
    (void)file;
    (void)stream;
    (void)calls;
    (void)reads;
    (void)writes;
    return ENOTSUP;
}

#endif
