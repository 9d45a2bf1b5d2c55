/*
 * check_image.c: for the tests: whether every pixel of a large image, or of a PNG file cut out of it, is what it should
 * be. Uses libpng and stdio only, nothing of libmmf.
 *
 * usage: check_image image PICTURE IMAGE MIB [FROM TO BY]...
 *        check_image png PICTURE PNG COLUMN ROW [FROM TO BY]...
 *
 * The image is PICTURE as tiles; bytes FROM to TO of the file have been brightened BY, for each triple.
 */
#include "../../examples/pixel.h"

#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
    uint64_t from, to;
    long by;
};

struct expectation {
    png_image picture;
    png_bytep tile;
    struct part parts[4];
    int count;
};

/* The pixels of a PNG file with 8 bits a channel. */
static png_bytep decode(png_image *picture, const char *path)
{
    memset(picture, 0, sizeof *picture);
    picture->version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_file(picture, path)) {
        picture->format = PNG_FORMAT_RGBA;
        png_bytep bytes = malloc(PNG_IMAGE_SIZE(*picture));
        if (bytes && png_image_finish_read(picture, NULL, bytes, 0, NULL)) {
            return bytes;
        }
    }
    fprintf(stderr, "%s: %s\n", path, picture->message);
    exit(2);
}

/* The colour of a channel after all brightening, worked out without the examples' own function. */
static uint16_t brighter(uint16_t channel, long by)
{
    return (uint16_t)(65535 - channel < by ? 65535 : channel + by);
}

static struct pixel expected(const struct expectation *want, uint64_t column, uint64_t row)
{
    png_const_bytep at =
        want->tile + 4 * (row % want->picture.height * want->picture.width + column % want->picture.width);
    struct pixel pixel = {at[0] * 257, at[1] * 257, at[2] * 257, at[3] * 257};
    uint64_t offset = (row * IMAGE_WIDTH + column) * 8;

    for (int i = 0; i < want->count; i++) {
        if (offset >= want->parts[i].from && offset < want->parts[i].to) {
            pixel.red = brighter(pixel.red, want->parts[i].by);
            pixel.green = brighter(pixel.green, want->parts[i].by);
            pixel.blue = brighter(pixel.blue, want->parts[i].by);
        }
    }
    return pixel;
}

/* Whether 8 bits are the best there are for these 16. */
static bool near(png_byte byte, uint16_t channel)
{
    return labs(byte * 257L - (long)channel) <= 128;
}

static int wrong(const char *path, uint64_t column, uint64_t row, struct pixel is, struct pixel want)
{
    fprintf(stderr, "%s: column %lu, row %lu: %u %u %u %u, not %u %u %u %u\n", path, (unsigned long)column,
            (unsigned long)row, is.red, is.green, is.blue, is.alpha, want.red, want.green, want.blue, want.alpha);
    return 1;
}

static int check_image(const struct expectation *want, const char *path, long size)
{
    static struct pixel line[IMAGE_WIDTH];
    uint64_t rows = (uint64_t)size * MIB / sizeof line;
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        return 2;
    }
    for (uint64_t row = 0; row < rows; row++) {
        if (fread(line, sizeof line, 1, file) != 1) {
            fprintf(stderr, "%s ends in row %lu\n", path, (unsigned long)row);
            return 1;
        }
        for (uint64_t column = 0; column < IMAGE_WIDTH; column++) {
            struct pixel pixel = expected(want, column, row);
            if (memcmp(&line[column], &pixel, sizeof pixel) != 0) {
                return wrong(path, column, row, line[column], pixel);
            }
        }
    }
    if (getc(file) != EOF) {
        fprintf(stderr, "%s is longer than %ld MiB\n", path, size);
        return 1;
    }
    fclose(file);
    return 0;
}

static int check_png(const struct expectation *want, const char *path, uint64_t column, uint64_t row)
{
    png_image cut;
    png_bytep bytes = decode(&cut, path);

    for (uint64_t i = 0; i < (uint64_t)cut.width * cut.height; i++) {
        struct pixel pixel = expected(want, column + i % cut.width, row + i / cut.width);
        png_const_bytep at = bytes + 4 * i;
        if (!near(at[0], pixel.red) || !near(at[1], pixel.green) || !near(at[2], pixel.blue) ||
            !near(at[3], pixel.alpha)) {
            struct pixel is = {at[0] * 257, at[1] * 257, at[2] * 257, at[3] * 257};
            return wrong(path, column + i % cut.width, row + i / cut.width, is, pixel);
        }
    }
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    struct expectation want = {.count = 0};
    bool png = argc > 1 && strcmp(argv[1], "png") == 0;
    int first = png ? 6 : 5;

    if (argc < first || (argc - first) % 3 != 0 || argc - first > 12) {
        fprintf(stderr, "usage: %s image|png PICTURE FILE MIB|COLUMN ROW [FROM TO BY]...\n", argv[0]);
        return 2;
    }
    want.tile = decode(&want.picture, argv[2]);
    for (int i = first; i < argc; i += 3) {
        want.parts[want.count++] =
            (struct part){strtoull(argv[i], NULL, 10), strtoull(argv[i + 1], NULL, 10), strtol(argv[i + 2], NULL, 10)};
    }
    int result = png ? check_png(&want, argv[3], strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10))
                     : check_image(&want, argv[3], strtol(argv[4], NULL, 10));
    free(want.tile);
    return result;
}
