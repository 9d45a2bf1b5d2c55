/* stdio.c: a FILE of the C library that calls back, on Linux: fopencookie(), which glibc and musl have. */
#define _GNU_SOURCE

#include "linux.h"

#include "mmf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cookie {
    void *stream;
    const struct os_stream_calls *calls;
};

static ssize_t read_cookie(void *opaque, char *to, size_t size)
{
    const struct cookie *cookie = opaque;
    size_t done = 0;
    const int err = cookie->calls->read(cookie->stream, to, size, &done);
    if (!err)
        return (ssize_t)done;
    errno = os_posix_stream_errno(err);
    return -1;
}

/* fopencookie(3): a write must never answer a negative number; 0 is an error. */
static ssize_t write_cookie(void *opaque, const char *from, size_t size)
{
    const struct cookie *cookie = opaque;
    size_t done = 0;
    const int err = cookie->calls->write(cookie->stream, from, size, &done);
    if (err)
        errno = os_posix_stream_errno(err);
    return (ssize_t)done;
}

static int seek_cookie(void *opaque, off64_t *distance, int whence)
{
    const struct cookie *cookie = opaque;
    uint64_t position = 0;
    const int origin = whence == SEEK_SET ? MMF_SEEK_SET : whence == SEEK_CUR ? MMF_SEEK_CURRENT : MMF_SEEK_END;
    const int err = cookie->calls->seek(cookie->stream, *distance, origin, &position);
    if (!err) {
        *distance = (off64_t)position;
        return 0;
    }
    errno = os_posix_stream_errno(err);
    return -1;
}

static int close_cookie(void *opaque)
{
    struct cookie *cookie = opaque;
    const int err = cookie->calls->close(cookie->stream);
    free(cookie);
    if (!err)
        return 0;
    errno = os_posix_stream_errno(err);
    return -1;
}

/* glibc gives such a FILE a small buffer (BUFSIZ): a larger one halves the calls' share in a long sequential read. */
#define BUFFER_SIZE 65536

int os_linux_stream_open(FILE **file, void *stream, const struct os_stream_calls *calls, bool reads, bool writes)
{
    const cookie_io_functions_t functions = {
        .read = read_cookie, .write = write_cookie, .seek = seek_cookie, .close = close_cookie};
    struct cookie *cookie = malloc(sizeof *cookie);
    if (!cookie)
        return ENOMEM;
    *cookie = (struct cookie){stream, calls};
    FILE *opened = fopencookie(cookie, reads ? (writes ? "r+" : "r") : "w", functions);
    if (!opened) {
        const int error = errno;
        free(cookie);
        return error ? error : ENOMEM;
    }
    (void)setvbuf(opened, NULL, _IOFBF, BUFFER_SIZE);
    *file = opened;
    return 0;
}
