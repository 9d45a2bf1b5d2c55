/* pixel.h: the image of the large-image programs: rows of 16-bit RGBA pixels in the machine's byte order, no header. */
#ifndef MMF_EXAMPLES_PIXEL_H
#define MMF_EXAMPLES_PIXEL_H

#include <stdint.h>

#define MIB ((uint64_t)1024 * 1024)

/* Pixels of a row: a row is 128 KiB, so that 256 MiB are 2,048 rows. */
#define IMAGE_WIDTH 16384

/* Colours as in the picture (sRGB), from 0 to 65,535 instead of 255; alpha is 65,535 where the picture is opaque. */
struct pixel {
    uint16_t red, green, blue, alpha;
};

static inline uint16_t brighten_channel(uint16_t channel, int by)
{
    int sum = channel + by;

    return (uint16_t)(sum < 0 ? 0 : sum > UINT16_MAX ? UINT16_MAX : sum);
}

/* Adds `by` to the three colours and stops at white and at black; an opaque pixel stays opaque. */
static inline void brighten(struct pixel *pixel, int by)
{
    pixel->red = brighten_channel(pixel->red, by);
    pixel->green = brighten_channel(pixel->green, by);
    pixel->blue = brighten_channel(pixel->blue, by);
}

#endif
