/*
 * file_helper.c: the file helper of many a program: open or create, reference ranges, read and write, by offset.
 *
 * usage: file_helper FILE MIB      (FILE must not exist yet; it stays, MIB MiB long, with holes; MIB is at least 16)
 *
 * A window of 8 MiB moves over the file, however large. What cannot be is an error of the call.
 */
#include "example.h"

#include <ctype.h>

#define MIB ((uint64_t)1024 * 1024)

struct file_io {
    mmf_map *map;
    mmf_window *window;
};

static int file_io_close(struct file_io *file)
{
    int err = mmf_window_close(&file->window), closed = mmf_map_close(&file->map);
    return err ? err : closed;
}

static int open_map(struct file_io *file, const char *path, const mmf_map_options *options)
{
    int err = mmf_map_from_file(&file->map, path, options); /* a failure leaves NULL, which closing accepts */
    return err ? err : mmf_window_open(&file->window, file->map, MMF_WINDOW_OPTIONS(.budget = 8 * MIB));
}

static int file_io_open_for_read(struct file_io *file, const char *path)
{
    return open_map(file, path, MMF_MAP_OPTIONS(.access = MMF_READ));
}

/* Without .sparse the blocks of the whole file would be reserved, and a full disk would be an error of this call. */
static int file_io_create(struct file_io *file, const char *path, uint64_t size)
{
    return open_map(file, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = size, .sparse = true));
}

/* Says what a call answered; true when it is the answer this program promises. */
static bool expect(int wanted, int got, const char *what)
{
    printf("  %-60s %s\n", what, got ? mmf_error_name(got) : "done");
    return got == wanted || (explain(what, got ? got : MMF_ECONFLICT), false);
}

/* A body for mmf_guard_run(), which does what __try and __except did: a page that is gone is an error. */
static int make_capitals(void *argument)
{
    for (char *letter = argument; *letter; letter++)
        *letter = (char)toupper((unsigned char)*letter);
    return MMF_OK;
}

/* The 7 bytes lie across the middle of the file, where two pieces that are mapped may meet. */
static bool edit(mmf_window *window, uint64_t size)
{
    const uint64_t middle = size / 2 - 3;
    size_t at = 0;
    void *word = NULL, *copy = NULL;
    return expect(MMF_OK, mmf_window_write(window, middle, "window", 7), "write 7 bytes across the middle") &&
           expect(MMF_OK, mmf_window_ref(window, middle, 7, &word), "reference them for writing") &&
           expect(MMF_OK, mmf_window_ref_access(window, middle, 7, MMF_READ, &copy), "and for reading, too") &&
           expect(MMF_OK, mmf_guard_run(make_capitals, word, NULL), "change them by the first pointer") &&
           expect(MMF_OK, mmf_guard_find(copy, 'W', 7, &at), "find a W by the second one") &&
           expect(MMF_OK, mmf_window_write(window, size - 4, "END.", 4), "write the last 4 bytes meanwhile") &&
           expect(MMF_EINVAL, mmf_window_unref(window, (char *)copy + 1), "return what was never given") &&
           expect(MMF_OK, mmf_window_unref(window, word), "return the first reference") &&
           expect(MMF_OK, mmf_window_unref(window, copy), "return the second one");
}

static bool look(mmf_window *window, uint64_t size)
{
    char text[7] = "";
    void *data = NULL;
    return expect(MMF_OK, mmf_window_read(window, size / 2 - 3, text, 7), "read the 7 bytes") &&
           expect(0, strcmp(text, "WINDOW"), "find them as they were left") &&
           expect(MMF_EACCESS, mmf_window_ref_access(window, 0, 1, MMF_READWRITE, &data), "reference for writing") &&
           expect(MMF_EACCESS, mmf_window_write(window, 0, "x", 1), "write a byte") &&
           expect(MMF_ERANGE, mmf_window_ref(window, size - 3, 4, &data), "reference one byte too many") &&
           expect(MMF_EBUDGET, mmf_window_ref(window, 0, 9 * MIB, &data), "reference 9 MiB of the 8");
}

int main(int argc, char **argv)
{
    struct file_io file = {0};
    long mib;
    if (argc != 3 || !parse_number(&mib, argv[2], 16, 1 << 20))
        return fprintf(stderr, "usage: %s FILE MIB\n", argv[0]), 2;
    const uint64_t size = (uint64_t)mib * MIB;
    printf("%s, %" PRIu64 " bytes, through a window of 8 MiB:\n", argv[1], size);
    bool right = expect(MMF_OK, file_io_create(&file, argv[1], size), "create it") && edit(file.window, size);
    right = expect(MMF_OK, file_io_close(&file), "close it") && right;
    right = right && expect(MMF_OK, file_io_open_for_read(&file, argv[1]), "open it for reading") &&
            look(file.window, size);
    return file_io_close(&file) == MMF_OK && right ? 0 : 1;
}
