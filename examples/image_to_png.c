/*
 * image_to_png.c: cuts a rectangle out of a large image and writes it as a PNG file.
 *
 * usage: image_to_png IMAGE COLUMN ROW WIDTH HEIGHT PICTURE.png
 *
 * IMAGE is what make_image writes. Only the rows of the rectangle are mapped, however large the image is.
 */
#include "example.h"
#include "pixel.h"

#include <png.h>

#define ROW_SIZE (IMAGE_WIDTH * sizeof(struct pixel))

/* From 16 bits to the 8 bits of pictures on a screen: 65,535 becomes 255. */
static unsigned char reduce(uint16_t channel)
{
    return (unsigned char)((channel + 128) / 257);
}

static int read_row(unsigned char *to, const mmf_view *rows, uint64_t position, size_t width)
{
    static struct pixel line[IMAGE_WIDTH];
    int err = mmf_view_read_array(rows, position, line, sizeof *line, width, NULL);
    for (size_t i = 0; !err && i < width; i++, to += 4) {
        to[0] = reduce(line[i].red);
        to[1] = reduce(line[i].green);
        to[2] = reduce(line[i].blue);
        to[3] = reduce(line[i].alpha);
    }
    return err;
}

/* Reads the rectangle that `picture` is as large as. The caller frees the bytes. */
static int read_rectangle(unsigned char **bytes, const char *path, uint64_t column, uint64_t row,
                          const png_image *picture)
{
    mmf_map *map = NULL;
    mmf_view *rows = NULL;
    int err = MMF_ENOMEMORY;
    *bytes = malloc(PNG_IMAGE_SIZE(*picture));
    if (!*bytes)
        goto done;
    err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (err)
        goto done;
    err = mmf_view_open(&rows, map, row * ROW_SIZE, picture->height * ROW_SIZE, NULL);
    for (uint64_t i = 0; !err && i < picture->height; i++)
        err = read_row(*bytes + i * PNG_IMAGE_ROW_STRIDE(*picture), rows, i * ROW_SIZE + column * sizeof(struct pixel),
                       picture->width);
done:
    mmf_view_close(&rows);
    mmf_map_close(&map);
    return err ? explain(path, err) : MMF_OK;
}

int main(int argc, char **argv)
{
    png_image picture = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGBA};
    unsigned char *bytes = NULL;
    long column, row, width, height;
    int status = 1;
    if (argc != 7)
        return fprintf(stderr, "usage: %s IMAGE COLUMN ROW WIDTH HEIGHT PICTURE.png\n", argv[0]), 2;
    if (!parse_number(&column, argv[2], 0, IMAGE_WIDTH - 1) || !parse_number(&row, argv[3], 0, 1L << 30) ||
        !parse_number(&width, argv[4], 1, IMAGE_WIDTH - column) || !parse_number(&height, argv[5], 1, 4096))
        return 2;

    picture.width = (png_uint_32)width;
    picture.height = (png_uint_32)height;
    if (read_rectangle(&bytes, argv[1], (uint64_t)column, (uint64_t)row, &picture))
        goto done;
    if (!png_image_write_to_file(&picture, argv[6], 0, bytes, 0, NULL)) {
        fprintf(stderr, "%s: %s\n", argv[6], picture.message);
        goto done;
    }
    printf("%s: %ld x %ld pixels from column %ld, row %ld\n", argv[6], width, height, column, row);
    status = 0;
done:
    free(bytes);
    return status;
}
