/*
 * prepend_views.c: puts a text in front of a file by views of 64 KiB, into a new file.
 *
 * usage: prepend_views TEXT FROM TO      (TO must not exist yet)
 *
 * Where views must begin at multiples of 64 KiB, the old bytes can only move by whole blocks of that size: the text
 * takes one, and zeros fill what it leaves of it. This program keeps that layout, and says how long the padding is.
 */
#include "example.h"

#include <unistd.h>

#define BLOCK ((uint64_t)64 * 1024)

/* Copies one block, or the rest that is smaller, between two views that live no longer than that. */
static int copy_block(mmf_map *from, mmf_map *to, uint64_t offset, uint64_t size)
{
    mmf_view *source = NULL, *target = NULL;
    int err = mmf_view_open(&source, from, offset, size, MMF_VIEW_OPTIONS(.access = MMF_READ));
    if (!err)
        err = mmf_view_open(&target, to, BLOCK + offset, size, NULL);
    if (!err)
        err = mmf_view_write(target, 0, mmf_view_data(source), (size_t)size); /* guarded on both sides */
    mmf_view_close(&target);
    mmf_view_close(&source);
    return err;
}

static int write_text(mmf_map *to, const char *text, size_t size)
{
    mmf_view *first = NULL;
    int err = mmf_view_open(&first, to, 0, BLOCK, NULL); /* the file is new: behind the text it has zeros */
    if (!err)
        err = mmf_view_write(first, 0, text, size);
    mmf_view_close(&first);
    return err;
}

static int prepend(const char *text, const char *from_path, const char *to_path)
{
    mmf_map *from = NULL, *to = NULL;
    uint64_t size = 0, blocks = 0;
    int err = mmf_map_from_file(&from, from_path, MMF_MAP_OPTIONS(.access = MMF_READ, .allow_empty = true));
    if (err)
        return explain(from_path, err);
    size = mmf_map_capacity(from);
    err = mmf_map_from_file(&to, to_path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = BLOCK + size));
    if (err) {
        mmf_map_close(&from);
        return explain(to_path, err);
    }
    err = write_text(to, text, strlen(text));
    for (uint64_t at = 0; !err && at < size; at += BLOCK, blocks++)
        err = copy_block(from, to, at, size - at < BLOCK ? size - at : BLOCK);
    if (!err)
        err = mmf_map_sync(to);
    if (err) {
        explain(to_path, err);
        unlink(to_path); /* half a copy is none */
    } else {
        printf("bytes 0 to %zu are the text, %zu zero bytes of padding follow it,\n", strlen(text),
               (size_t)BLOCK - strlen(text));
        printf("and from byte %" PRIu64 " on come the %" PRIu64 " bytes of %s, in %" PRIu64 " blocks of 64 KiB\n",
               BLOCK, size, from_path, blocks);
    }
    mmf_map_close(&to);
    mmf_map_close(&from);
    return err;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fprintf(stderr, "usage: %s TEXT FROM TO\n", argv[0]), 2;
    if (strlen(argv[1]) > BLOCK)
        return fprintf(stderr, "the text is longer than one block of 64 KiB\n"), 2;
    return prepend(argv[1], argv[2], argv[3]) ? 1 : 0;
}
