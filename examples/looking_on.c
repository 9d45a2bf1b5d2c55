/*
 * looking_on.c: one process brightens bytes 4,000,000 to 6,000,000 of an image while another one looks on.
 *
 * usage: looking_on IMAGE BY      (IMAGE is what make_image writes)
 */
#include "example.h"
#include "pixel.h"

#include <sys/wait.h>
#include <unistd.h>

#define OFFSET 4000000
#define SIZE 2000000
#define PIXELS (SIZE / sizeof(struct pixel))
#define SAMPLE 997 /* every so many pixels process A looks at one */

static int open_part(mmf_view **view, const char *path, mmf_access access)
{
    mmf_map *image = NULL;
    int err = mmf_map_from_file(&image, path, MMF_MAP_OPTIONS(.access = (uint32_t)access));
    if (!err)
        err = mmf_view_open(view, image, OFFSET, SIZE, NULL);
    mmf_map_close(&image);
    return err ? explain(path, err) : MMF_OK;
}

/* Process B: brightens, one pixel after the other. */
static int brighten_part(const char *path, int by)
{
    mmf_view *part = NULL;
    struct pixel pixel = {0};
    int err = open_part(&part, path, MMF_READWRITE);
    for (uint64_t at = 0; !err && at < SIZE; at += sizeof pixel) {
        err = mmf_view_read(part, at, &pixel, sizeof pixel);
        brighten(&pixel, by);
        if (!err)
            err = mmf_view_write(part, at, &pixel, sizeof pixel);
    }
    mmf_view_close(&part);
    return err;
}

/* Counts the pixels, one in `step`, that are no longer what they were; MMF_ECONFLICT: one of `all` is not as bright. */
static int look(size_t *changed, const mmf_view *part, const struct pixel *before, size_t step, int by, bool all)
{
    for (size_t i = *changed = 0; i < PIXELS; i += step) {
        struct pixel now, wanted = before[i];
        int err = mmf_view_read(part, i * sizeof now, &now, sizeof now);
        brighten(&wanted, by);
        if (err || (all && memcmp(&now, &wanted, sizeof now) != 0))
            return explain("looking on", err ? err : MMF_ECONFLICT);
        *changed += memcmp(&now, &before[i], sizeof now) != 0;
    }
    return MMF_OK;
}

/* Process A: starts B and looks again and again until B has ended. */
static int look_on(char **argv, const mmf_view *part, const struct pixel *before, int by)
{
    size_t looks = 0, stages = 0, last = 0, changed = 0;
    int err = MMF_OK, status = -1;
    pid_t child = fork(), ended = 0;
    if (child == 0) {
        execvp(argv[0], (char *[]){argv[0], argv[1], argv[2], "B", NULL});
        _exit(127);
    }
    for (; child > 0 && ended == 0; looks++, last = changed) {
        ended = waitpid(child, &status, WNOHANG);
        if (!err)
            err = look(&changed, part, before, SAMPLE, by, false);
        stages += changed != last;
    }
    if (err || status != 0)
        return fprintf(stderr, "process B failed, or could not be watched\n"), err ? err : MMF_EIO;
    err = look(&changed, part, before, 1, by, true);
    if (!err)
        printf("A looked %zu times and saw the picture change %zu times; in the end %zu of %zu pixels were brighter\n",
               looks, stages, changed, PIXELS);
    return err;
}

int main(int argc, char **argv)
{
    static struct pixel before[PIXELS];
    mmf_view *part = NULL;
    long by;
    if (argc < 3 || argc > 4 || !parse_number(&by, argv[2], 1, UINT16_MAX))
        return fprintf(stderr, "usage: %s IMAGE BY\n", argv[0]), 2;
    if (argc == 4 && strcmp(argv[3], "B") == 0)
        return brighten_part(argv[1], (int)by) ? 1 : 0;

    int err = open_part(&part, argv[1], MMF_READ);
    if (!err)
        err = mmf_view_read_array(part, 0, before, sizeof *before, PIXELS, NULL);
    if (!err)
        err = look_on(argv, part, before, (int)by);
    mmf_view_close(&part);
    return err ? 1 : 0;
}
