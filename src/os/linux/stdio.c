/* stdio.c: a FILE of the C library that calls back, on Linux: fopencookie(), which glibc and musl have. */
#define _GNU_SOURCE

#include "linux.h"

#include "mmf/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The C library gives such a FILE a small buffer (glibc: BUFSIZ) and makes none of another size by itself. */
#define BUFFER_SIZE 65536

struct cookie {
    void *stream;
    const struct os_stream_calls *calls;
    char buffer[BUFFER_SIZE];
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

/* fopencookie(3): a write must never answer a negative number. Any short count is an error, which needs its errno. */
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

/* Nothing of the buffer is touched after this call: both glibc and musl write out what is left before. */
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

int os_linux_stream_open(FILE **file, void *stream, const struct os_stream_calls *calls, bool reads, bool writes)
{
    const cookie_io_functions_t functions = {
        .read = read_cookie, .write = write_cookie, .seek = seek_cookie, .close = close_cookie};
    struct cookie *cookie = malloc(sizeof *cookie);
    if (!cookie)
        return ENOMEM;
    cookie->stream = stream;
    cookie->calls = calls;
    FILE *opened = fopencookie(cookie, reads ? (writes ? "r+" : "r") : "w", functions);
    if (!opened) {
        const int error = errno;
        free(cookie);
        return error ? error : ENOMEM;
    }
    (void)setvbuf(opened, cookie->buffer, _IOFBF, BUFFER_SIZE); /* the caller may still choose another */
    *file = opened;
    return 0;
}
