/*
 * make_image.c: makes a large image by laying a picture out like tiles.
 *
 * usage: make_image PICTURE.png IMAGE [MIB]      (800 MiB unless told otherwise; an IMAGE that exists is replaced)
 *
 * The image is what pixel.h says: 16,384 pixels a row, 16 bits for each of red, green, blue and alpha.
 */
#include "example.h"
#include "pixel.h"

#include <png.h>

#define ROW_SIZE (IMAGE_WIDTH * sizeof(struct pixel))

/* Decodes a PNG file of any kind into 16-bit RGBA; the caller frees the pixels. */
static int read_picture(struct pixel **pixels, png_image *picture, const char *path)
{
    unsigned char *bytes = NULL;
    *pixels = NULL;
    picture->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(picture, path))
        goto done;
    picture->format = PNG_FORMAT_RGBA;
    size_t count = (size_t)picture->width * picture->height;
    bytes = malloc(PNG_IMAGE_SIZE(*picture));
    struct pixel *to = malloc(count * sizeof *to);
    if (bytes && to && png_image_finish_read(picture, NULL, bytes, 0, NULL))
        *pixels = to;
    else
        free(to);
    /* 257 makes 65,535 of 255. */
    for (size_t i = 0; *pixels && i < count; i++)
        to[i] =
            (struct pixel){bytes[4 * i] * 257, bytes[4 * i + 1] * 257, bytes[4 * i + 2] * 257, bytes[4 * i + 3] * 257};
done:
    if (!*pixels)
        fprintf(stderr, "%s: %s\n", path, *picture->message ? picture->message : "no memory");
    png_image_free(picture);
    free(bytes);
    return *pixels ? MMF_OK : MMF_ECORRUPT;
}

/* Writes one row of the image: a row of the picture, over and over. */
static int write_row(mmf_view *image, uint64_t row, const struct pixel *from, size_t width)
{
    uint64_t start = row * ROW_SIZE;
    int err = MMF_OK;
    for (size_t column = 0; !err && column < IMAGE_WIDTH; column += width) {
        size_t count = IMAGE_WIDTH - column < width ? IMAGE_WIDTH - column : width;
        err = mmf_view_write_array(image, start + column * sizeof *from, from, sizeof *from, count);
    }
    return err;
}

static int make_image(const char *path, uint64_t size, const struct pixel *pixels, const png_image *picture)
{
    mmf_map *map = NULL;
    mmf_view *image = NULL;
    /* The blocks are reserved here: a disk that is too full is an error now, not in the middle of the picture. */
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = size));
    if (err)
        goto done;
    err = mmf_view_open(&image, map, 0, 0, NULL);
    for (uint64_t row = 0; !err && row < size / ROW_SIZE; row++)
        err = write_row(image, row, pixels + row % picture->height * picture->width, picture->width);
done:
    mmf_view_close(&image);
    mmf_map_close(&map);
    return err ? explain(path, err) : MMF_OK;
}

int main(int argc, char **argv)
{
    png_image picture = {0};
    struct pixel *pixels = NULL;
    long size = 800;
    if (argc != 3 && argc != 4)
        return fprintf(stderr, "usage: %s PICTURE.png IMAGE [MIB]\n", argv[0]), 2;
    if (argc == 4 && !parse_number(&size, argv[3], 1, 1L << 20))
        return 2;

    int err = read_picture(&pixels, &picture, argv[1]);
    if (!err)
        err = make_image(argv[2], (uint64_t)size * MIB, pixels, &picture);
    if (!err)
        printf("%s: %ld MiB, %d x %" PRIu64 " pixels of 64 bits, tiled from a picture of %u x %u\n", argv[2], size,
               IMAGE_WIDTH, (uint64_t)size * MIB / ROW_SIZE, picture.width, picture.height);
    free(pixels);
    return err ? 1 : 0;
}
