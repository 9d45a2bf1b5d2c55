/*
 * copy_on_write.c: a private view may be written; the file and every other view keep what they have.
 *
 * usage: copy_on_write FILE      (any file of at least 8 bytes; it is only read)
 */
#include "example.h"

#define SHOWN 8

static void show(const char *what, const unsigned char *bytes)
{
    printf("%-44s", what);
    for (int i = 0; i < SHOWN; i++)
        printf(" %02x", bytes[i]);
    putchar('\n');
}

/* Shows the first bytes of a view, and compares them with the bytes they should be. */
static int show_view(const char *what, const mmf_view *view, const unsigned char *wanted)
{
    unsigned char bytes[SHOWN];
    int err = mmf_view_read(view, 0, bytes, SHOWN);
    if (err)
        return explain(what, err);
    show(what, bytes);
    return memcmp(bytes, wanted, SHOWN) == 0 ? MMF_OK : explain(what, MMF_ECONFLICT);
}

/* The same for the file itself, read without a map. */
static int show_file(const char *what, const char *path, unsigned char *bytes, const unsigned char *wanted)
{
    FILE *file = fopen(path, "rb");
    size_t done = file ? fread(bytes, 1, SHOWN, file) : 0;
    if (file)
        fclose(file);
    if (done != SHOWN)
        return fprintf(stderr, "%s: cannot read %d bytes\n", path, SHOWN), MMF_EIO;
    show(what, bytes);
    return !wanted || memcmp(bytes, wanted, SHOWN) == 0 ? MMF_OK : explain(what, MMF_ECONFLICT);
}

static int change_privately(const char *path, const unsigned char *original)
{
    mmf_map *map = NULL;
    mmf_view *draft = NULL, *witness = NULL;
    unsigned char now[SHOWN], changed[SHOWN];
    memcpy(changed, original, SHOWN);
    changed[0] = (unsigned char)~original[0];
    changed[1] = (unsigned char)~original[1];

    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE));
    if (!err)
        err = mmf_view_open(&draft, map, 0, 0, NULL);
    if (!err)
        err = mmf_view_open(&witness, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_READ));
    if (err) {
        explain(path, err);
        goto done;
    }
    /* Reading copies nothing: until the first store both views show the file's own pages. */
    err = show_view("the private view, before a store", draft, original);
    if (err)
        goto done;
    /* The first store copies its page into this process's memory; the second finds the copy there. */
    err = mmf_view_put_u8(draft, 0, changed[0]);
    if (!err)
        err = mmf_view_put_u8(draft, 1, changed[1]);
    if (err) {
        explain("storing two bytes", err);
        goto done;
    }
    err = show_view("the private view, after two stores", draft, changed);
    if (!err)
        err = show_view("another view of the same map", witness, original);
    if (!err)
        err = show_file("the file", path, now, original);
done:
    mmf_view_close(&witness);
    mmf_view_close(&draft);
    mmf_map_close(&map);
    return err;
}

int main(int argc, char **argv)
{
    unsigned char original[SHOWN], now[SHOWN];
    if (argc != 2)
        return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;
    int err = show_file("the file, before anything", argv[1], original, NULL);
    if (!err)
        err = change_privately(argv[1], original);
    if (!err)
        err = show_file("the file, after the view was closed", argv[1], now, original);
    if (!err)
        puts("The two stores are gone with the view: no call has written them anywhere.");
    return err ? 1 : 0;
}
