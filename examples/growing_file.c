/*
 * growing_file.c: mapping an empty file with a capacity makes the file that long, at once and on the disk.
 *
 * usage: growing_file FILE      (FILE must not exist yet; it stays)
 */
#include "example.h"

/* Prints what a call answered; MMF_OK when it is the answer this program promises. */
static int expect(int wanted, int got, const char *what)
{
    printf("  %-56s %s\n", what, got ? mmf_error_text(got) : "done");
    if (got == wanted)
        return MMF_OK;
    fprintf(stderr, "%s: expected %s, got %s\n", what, wanted ? mmf_error_name(wanted) : "MMF_OK",
            got ? mmf_error_name(got) : "MMF_OK");
    return got ? got : wanted;
}

static int show_length(const char *path, int64_t wanted)
{
    int64_t length = file_length(path);

    printf("%s is %" PRId64 " bytes long\n", path, length);
    return length == wanted ? MMF_OK : explain("the length of the file", MMF_ECONFLICT);
}

static int grow(const char *path)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    char text[6] = "";
    int err = expect(MMF_EEMPTY, mmf_map_from_file(&map, path, NULL), "map all of it, with capacity 0");
    if (err)
        goto done;
    err = expect(MMF_EINVAL, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ, .capacity = 100)),
                 "map it for reading, with capacity 100");
    if (err)
        goto done;
    err = expect(MMF_OK, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 100)),
                 "map it for writing, with capacity 100");
    if (!err)
        err = show_length(path, 100);
    if (!err)
        err = expect(MMF_OK, mmf_view_open(&view, map, 0, 100, NULL), "open a view of the 100 bytes");
    if (!err)
        err = expect(MMF_OK, mmf_view_write(view, 95, "hello", 5), "write \"hello\" into the last 5 of them");
    if (!err)
        err = expect(MMF_ERANGE, mmf_view_write(view, 96, "hello", 5), "write it one byte further");
    if (!err)
        err = expect(MMF_OK, mmf_map_resize(map, 10000), "resize the map to 10,000 bytes while the view lives");
    if (!err)
        err = show_length(path, 10000);
    if (!err)
        err = expect(MMF_OK, mmf_view_read(view, 95, text, 5), "read the 5 bytes through the same view");
    if (!err && strcmp(text, "hello") != 0)
        err = explain("the bytes read back", MMF_ECONFLICT);
    if (!err)
        err = expect(MMF_EMAPPED, mmf_map_resize(map, 50), "shrink the map below that view");
done:
    mmf_view_close(&view);
    mmf_map_close(&map);
    return err;
}

static int try_to_change(const char *path)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    int err = expect(MMF_OK, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)), "map it for reading");
    if (!err)
        err = expect(MMF_EACCESS, mmf_map_resize(map, 20000), "resize the read-only map");
    if (!err)
        err = expect(MMF_EACCESS, mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_READWRITE)),
                     "open a view for writing of it");
    if (!err)
        err = expect(MMF_OK, mmf_view_open(&view, map, 0, 0, NULL), "open a view for reading of it");
    if (!err)
        err = expect(MMF_EACCESS, mmf_view_write(view, 0, "x", 1), "write through that view");
    mmf_view_close(&view);
    mmf_map_close(&map);
    return err;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "wx") : NULL;
    if (!file || fclose(file) != 0) {
        fprintf(stderr, argc == 2 ? "%s: %s\n" : "usage: %s FILE\n", argv[argc - 1], strerror(errno));
        return argc == 2 ? 1 : 2;
    }
    int err = show_length(argv[1], 0);
    if (!err)
        err = grow(argv[1]);
    if (!err)
        err = try_to_change(argv[1]);
    if (!err)
        err = show_length(argv[1], 10000);
    return err ? 1 : 0;
}
