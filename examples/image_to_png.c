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

/* Reads the rectangle that `picture` is as large as. The caller frees the pixels. */
static int read_rectangle(struct pixel **pixels, const char *path, uint64_t column, uint64_t row,
                          const png_image *picture)
{
    mmf_map *map = NULL;
    mmf_view *rows = NULL;
    int err = MMF_ENOMEMORY;
    *pixels = malloc((size_t)picture->width * picture->height * sizeof **pixels);
    if (!*pixels)
        goto done;
    err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (err)
        goto done;
    err = mmf_view_open(&rows, map, row * ROW_SIZE, picture->height * ROW_SIZE, NULL);
    for (uint64_t i = 0; !err && i < picture->height; i++)
        err = mmf_view_read(rows, i * ROW_SIZE + column * sizeof **pixels, *pixels + i * picture->width,
                            picture->width * sizeof **pixels);
done:
    mmf_view_close(&rows);
    mmf_map_close(&map);
    return err ? explain(path, err) : MMF_OK;
}

int main(int argc, char **argv)
{
    png_image picture = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_LINEAR_RGB_ALPHA};
    struct pixel *pixels = NULL;
    long column, row, width, height;
    int status = 1;
    if (argc != 7)
        return fprintf(stderr, "usage: %s IMAGE COLUMN ROW WIDTH HEIGHT PICTURE.png\n", argv[0]), 2;
    if (!parse_number(&column, argv[2], 0, IMAGE_WIDTH - 1) || !parse_number(&row, argv[3], 0, 1L << 30) ||
        !parse_number(&width, argv[4], 1, IMAGE_WIDTH - column) || !parse_number(&height, argv[5], 1, 4096))
        return 2;

    picture.width = (png_uint_32)width;
    picture.height = (png_uint_32)height;
    if (read_rectangle(&pixels, argv[1], (uint64_t)column, (uint64_t)row, &picture))
        goto done;
    /* The 1 asks for 8 bits a colour, as pictures on a screen have: from linear light to sRGB. */
    if (!png_image_write_to_file(&picture, argv[6], 1, pixels, 0, NULL)) {
        fprintf(stderr, "%s: %s\n", argv[6], picture.message);
        goto done;
    }
    printf("%s: %ld x %ld pixels from column %ld, row %ld\n", argv[6], width, height, column, row);
    status = 0;
done:
    free(pixels);
    return status;
}
