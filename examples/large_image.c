/*
 * large_image.c: brightens 512 MiB of a large image, from offset 256 MiB on, in place.
 *
 * usage: large_image IMAGE BY [calls | pointer]
 *
 * `calls` (the default) reads and writes each pixel by a call, which reports an error whatever happens to the file.
 * `pointer` uses the view as memory, under the guard. IMAGE is what make_image writes.
 */
#include "example.h"
#include "pixel.h"

#include <time.h>

static int brighten_by_calls(mmf_view *part, int by)
{
    struct pixel pixel;
    int err = MMF_OK;
    for (uint64_t at = 0; !err && at + sizeof pixel <= mmf_view_size(part); at += sizeof pixel) {
        err = mmf_view_read(part, at, &pixel, sizeof pixel);
        if (err)
            break;
        brighten(&pixel, by);
        err = mmf_view_write(part, at, &pixel, sizeof pixel);
    }
    return err;
}

struct work {
    struct pixel *pixels;
    size_t count;
    int by;
};

static int brighten_all(void *argument)
{
    const struct work *work = argument;
    for (size_t i = 0; i < work->count; i++)
        brighten(&work->pixels[i], work->by);
    return MMF_OK;
}

static int brighten_by_pointer(mmf_view *part, int by)
{
    struct work work = {mmf_view_mutable(part), (size_t)(mmf_view_size(part) / sizeof(struct pixel)), by};
    mmf_fault fault;
    int err = mmf_guard_run(brighten_all, &work, &fault);
    if (err == MMF_EFAULT)
        fprintf(stderr, "the image is damaged at byte %" PRIu64 "\n", fault.offset);
    return err;
}

static int brighten_part(const char *path, int by, int (*way)(mmf_view *, int))
{
    mmf_map *image = NULL;
    mmf_view *part = NULL;
    int err = mmf_map_from_file(&image, path, NULL);
    if (err)
        goto done;
    err = mmf_view_open(&part, image, 256 * MIB, 512 * MIB, NULL);
    if (err)
        goto done;
    err = way(part, by);
done:
    mmf_view_close(&part);
    mmf_map_close(&image);
    return err ? explain(path, err) : MMF_OK;
}

int main(int argc, char **argv)
{
    const char *way = argc == 4 ? argv[3] : "calls";
    bool by_calls = strcmp(way, "calls") == 0;
    struct timespec start, end;
    long by;
    if ((argc != 3 && argc != 4) || (!by_calls && strcmp(way, "pointer") != 0))
        return fprintf(stderr, "usage: %s IMAGE BY [calls | pointer]\n", argv[0]), 2;
    if (!parse_number(&by, argv[2], -UINT16_MAX, UINT16_MAX))
        return 2;

    timespec_get(&start, TIME_UTC);
    int err = brighten_part(argv[1], (int)by, by_calls ? brighten_by_calls : brighten_by_pointer);
    timespec_get(&end, TIME_UTC);
    if (err)
        return 1;
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    double pixels = 512.0 * (double)MIB / sizeof(struct pixel);
    printf("brightened %.0f pixels by %ld with %s in %.2f s: %.1f ns a pixel\n", pixels, by,
           by_calls ? "a read and a write call each" : "the raw pointer, guarded", seconds, seconds * 1e9 / pixels);
    return 0;
}
