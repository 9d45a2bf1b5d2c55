/*
 * text_lines.c: the lines of a text file, counted in two ways: by a FILE over a view, and by a stream.
 *
 * usage: text_lines FILE      (it is only read)
 *
 * As wc does, a line is counted by its line feed; the longest one also counts without it. Lengths are in bytes.
 */
#include "example.h"

#include <sys/types.h>

struct count {
    uint64_t lines;
    uint64_t longest;
};

/* getline() and all the rest of stdio work on it; a page that is gone is EIO, not a signal. */
static int count_by_file(struct count *count, mmf_view *view)
{
    FILE *file = NULL;
    char *line = NULL;
    size_t room = 0;
    int err = mmf_view_fopen(&file, view, "r");
    if (err)
        return err;
    for (ssize_t length; (length = getline(&line, &room, file)) > 0;) {
        const bool ended = line[length - 1] == '\n';
        const uint64_t size = (uint64_t)length - ended;
        count->lines += ended;
        count->longest = size > count->longest ? size : count->longest;
    }
    if (ferror(file))
        err = mmf_last_error()->code ? mmf_last_error()->code : MMF_EIO;
    free(line);
    fclose(file);
    return err;
}

static void count_bytes(struct count *count, uint64_t *length, const char *bytes, size_t size)
{
    while (size > 0) {
        const char *end = memchr(bytes, '\n', size);
        const size_t part = end ? (size_t)(end - bytes) : size;
        *length += part;
        count->longest = *length > count->longest ? *length : count->longest;
        if (!end)
            return;
        count->lines++;
        *length = 0;
        bytes = end + 1;
        size -= part + 1;
    }
}

/* The stream hands over as many bytes as are asked for, and 0 at the end: the lines are the program's to find. */
static int count_by_stream(struct count *count, mmf_view *view)
{
    static char bytes[64 * 1024];
    mmf_stream *stream = NULL;
    uint64_t length = 0;
    size_t done = 0;
    int err = mmf_stream_open(&stream, view);
    while (!err && (err = mmf_stream_read(stream, bytes, sizeof bytes, &done)) == MMF_OK && done > 0)
        count_bytes(count, &length, bytes, done);
    mmf_stream_close(&stream);
    return err;
}

int main(int argc, char **argv)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    struct count by_file = {0}, by_stream = {0};
    if (argc != 2)
        return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;
    int err = mmf_map_from_file(&map, argv[1], MMF_MAP_OPTIONS(.access = MMF_READ, .allow_empty = true));
    if (!err)
        err = mmf_view_open(&view, map, 0, 0, NULL);
    if (!err)
        err = count_by_file(&by_file, view);
    const bool without_file = err == MMF_ENOTSUP && mmf_capability(MMF_FEATURE_STDIO) == MMF_ENOTSUP;
    if (!err || without_file)
        err = count_by_stream(&by_stream, view);
    mmf_view_close(&view);
    mmf_map_close(&map);
    if (err)
        return explain(argv[1], err), 1;
    printf("by stream: %" PRIu64 " lines, the longest has %" PRIu64 " bytes\n", by_stream.lines, by_stream.longest);
    if (without_file)
        return puts("by FILE:   this C library cannot make one") < 0;
    printf("by FILE:   %" PRIu64 " lines, the longest has %" PRIu64 " bytes\n", by_file.lines, by_file.longest);
    return by_file.lines == by_stream.lines && by_file.longest == by_stream.longest ? 0 : 1;
}
