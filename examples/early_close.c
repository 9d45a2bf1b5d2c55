/*
 * early_close.c: file, map and view are closed in any order; a view keeps what it needs.
 *
 * usage: early_close FILE      (FILE must not exist yet; it stays)
 */
#include "example.h"

#include <fcntl.h>
#include <unistd.h>

/* The order of the textbooks is view, map, file. Here the file goes first, then the map, and the view works on. */
static int close_early(mmf_view **view, const char *path)
{
    mmf_map *map = NULL;
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return fprintf(stderr, "%s: %s\n", path, strerror(errno)), MMF_EIO;

    int err = mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.capacity = 4096));
    close(file);
    puts("the file is closed, right after the map was made");
    if (!err)
        err = mmf_view_open(view, map, 0, 0, NULL);
    if (!err && mmf_map_capacity(map) != 4096)
        err = MMF_ECONFLICT;
    int closed = mmf_map_close(&map);
    puts("the map is closed, right after its view was opened");
    return err ? explain(path, err) : closed ? explain("closing the map", closed) : MMF_OK;
}

static int write_and_read(mmf_view *view, const char *path)
{
    static const char text[] = "written after the map was closed";
    char seen[sizeof text] = "";

    int err = mmf_view_write(view, 1000, text, sizeof text);
    if (!err)
        err = mmf_view_flush(view, 1000, sizeof text, MMF_FLUSH_SYNC);
    if (err)
        return explain("writing through the view", err);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 1000, SEEK_SET) != 0 || fread(seen, 1, sizeof seen, file) != sizeof seen)
        err = MMF_EIO;
    if (file)
        fclose(file);
    if (err || memcmp(seen, text, sizeof text) != 0)
        return explain(path, err ? err : MMF_ECONFLICT);
    printf("the file says: \"%s\"\n", seen);
    return MMF_OK;
}

/* Who needs more views keeps the map open as long; two handles of it and two views go in an arbitrary order. */
static int close_in_any_order(const char *path)
{
    mmf_map *map = NULL, *copy = NULL;
    mmf_view *first = NULL, *second = NULL;
    uint8_t byte = 0;

    int err = mmf_map_from_file(&map, path, NULL);
    if (!err)
        err = mmf_view_open(&first, map, 0, 2000, NULL);
    if (!err)
        err = mmf_map_duplicate(&copy, map, MMF_READ);
    mmf_map_close(&map);
    if (!err)
        err = mmf_view_open(&second, copy, 1999, 0, NULL);
    if (!err)
        err = mmf_view_put_u8(first, 1999, 77);
    mmf_view_close(&first);
    mmf_map_close(&copy);
    if (!err)
        err = mmf_view_get_u8(second, 0, &byte);
    mmf_view_close(&second);
    if (err || byte != 77)
        return explain("closing in any order", err ? err : MMF_ECONFLICT);
    puts("map, first view, second map, second view: closed in that order, and the last view read what the first wrote");
    return MMF_OK;
}

int main(int argc, char **argv)
{
    mmf_view *view = NULL;
    if (argc != 2)
        return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;
    int err = close_early(&view, argv[1]);
    if (!err)
        err = write_and_read(view, argv[1]);
    int closed = mmf_view_close(&view);
    if (!err && !closed)
        err = close_in_any_order(argv[1]);
    return err || closed ? 1 : 0;
}
