/* view_fopen.c: a FILE of the C library for a view. */
#include "error.h"
#include "view_bytes.h"

#include "mmf/stream.h"

#include <string.h>

/* "r", "r+", "w" and "w+", with a "b" anywhere after the first letter: whether it reads and writes. */
static bool parse_mode(const char *mode, bool *reads, bool *writes)
{
    bool plus = false;
    bool binary = false;
    if (mode[0] != 'r' && mode[0] != 'w')
        return false;
    for (const char *letter = mode + 1; *letter; letter++) {
        bool *seen = *letter == '+' ? &plus : *letter == 'b' ? &binary : NULL;
        if (!seen || *seen)
            return false;
        *seen = true;
    }
    *reads = mode[0] == 'r' || plus;
    *writes = mode[0] == 'w' || plus;
    return true;
}

/* What the C library calls: the stream, whose errors become those of the FILE. A write may fail with a part done. */
static int read_bytes(void *stream, void *to, size_t size, size_t *done)
{
    int err = mmf_stream_read(stream, to, size, done);
    return *done > 0 ? MMF_OK : err; /* what came before a bad page is good; the next call meets the page again */
}

static int write_bytes(void *stream, const void *from, size_t size, size_t *done)
{
    uint64_t position = 0;
    uint64_t end = 0;
    *done = 0;
    int err = mmf_stream_tell(&position, stream);
    if (!err)
        err = mmf_stream_seek(stream, 0, MMF_SEEK_END, &end);
    if (!err)
        err = mmf_stream_seek(stream, (int64_t)position, MMF_SEEK_SET, NULL);
    if (err)
        return err;
    const uint64_t room = position < end ? end - position : 0;
    if (room == 0)
        return error_set(MMF_ENOSPACE, "write stream");
    err = mmf_stream_write(stream, from, size < room ? size : (size_t)room, done);
    return !err && *done < size ? error_set(MMF_ENOSPACE, "write stream") : err;
}

static int seek_bytes(void *stream, int64_t distance, int origin, uint64_t *position)
{
    return mmf_stream_seek(stream, distance, (mmf_seek)origin, position);
}

static int close_stream(void *stream)
{
    mmf_stream *closed = stream;
    return mmf_stream_close(&closed);
}

static const struct os_stream_calls calls = {read_bytes, write_bytes, seek_bytes, close_stream};

int mmf_view_fopen(FILE **file, mmf_view *view, const char *mode)
{
    bool reads = false;
    bool writes = false;
    mmf_stream *stream = NULL;
    if (!file)
        return error_set(MMF_EINVAL, "file");
    *file = NULL;
    int err = view_check_usable(view);
    if (!err && (!mode || !parse_mode(mode, &reads, &writes)))
        err = error_set(MMF_EINVAL, "mode");
    if (!err && reads)
        err = view_check_readable(view);
    if (!err && writes)
        err = view_check_writable(view);
    if (!err)
        err = mmf_stream_open(&stream, view);
    if (err)
        return err;
    err = error_from_os(os.stream_open(file, stream, &calls, reads, writes), "open stdio stream", NULL);
    if (err) {
        mmf_error first = *mmf_last_error();
        (void)mmf_stream_close(&stream);
        return error_set_full(&first);
    }
    return MMF_OK;
}
