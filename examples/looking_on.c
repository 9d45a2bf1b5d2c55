/*
 * looking_on.c: one process brightens bytes 4,000,000 to 6,000,000 of an image while another one looks on.
 *
 * usage: looking_on IMAGE BY      (IMAGE is what make_image writes)
 */
#include "example.h"
#include "pixel.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFFSET 4000000
#define SIZE 2000000
#define PIXELS (SIZE / sizeof(struct pixel))
#define HALF (PIXELS / 2) /* after so many pixels process B waits until A has looked */

static int open_part(mmf_view **view, const char *path, mmf_access access)
{
    mmf_map *image = NULL;
    int err = mmf_map_from_file(&image, path, MMF_MAP_OPTIONS(.access = (uint32_t)access));
    if (!err)
        err = mmf_view_open(view, image, OFFSET, SIZE, NULL);
    mmf_map_close(&image);
    return err ? explain(path, err) : MMF_OK;
}

/* Process B: says on standard input, which A holds the other end of, that half is done, and waits for A's answer. */
static int wait_for_look(void)
{
    char byte = 'B';
    bool answered = write(STDIN_FILENO, &byte, 1) == 1 && read(STDIN_FILENO, &byte, 1) == 1;
    return answered ? MMF_OK : explain("waiting for A", MMF_EIO);
}

/* Process B: brightens, one pixel after the other. */
static int brighten_part(const char *path, int by)
{
    mmf_view *part = NULL;
    struct pixel pixel = {0};
    int err = open_part(&part, path, MMF_READWRITE);
    for (uint64_t i = 0; !err && i < PIXELS; i++) {
        if (i == HALF)
            err = wait_for_look();
        if (!err)
            err = mmf_view_read(part, i * sizeof pixel, &pixel, sizeof pixel);
        brighten(&pixel, by);
        if (!err)
            err = mmf_view_write(part, i * sizeof pixel, &pixel, sizeof pixel);
    }
    mmf_view_close(&part);
    return err;
}

/* Looks at every pixel: the first `done` must be brighter and the others as they were, else MMF_ECONFLICT. */
static int look(const mmf_view *part, const struct pixel *before, size_t done, int by)
{
    for (size_t i = 0; i < PIXELS; i++) {
        struct pixel now, wanted = before[i];
        int err = mmf_view_read(part, i * sizeof now, &now, sizeof now);
        if (i < done)
            brighten(&wanted, by);
        if (err || memcmp(&now, &wanted, sizeof now) != 0)
            return explain("looking on", err ? err : MMF_ECONFLICT);
    }
    return MMF_OK;
}

/* Starts B, which has the other end of `line` as its standard input. */
static pid_t start(char **argv, int *line)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[0], (char *[]){argv[0], argv[1], argv[2], "B", NULL});
        _exit(127);
    }
    close(ends[1]);
    *line = ends[0];
    return child;
}

/* Process A: starts B, looks when B is half way and waits, and again when B has ended. */
static int look_on(char **argv, const mmf_view *part, const struct pixel *before, int by)
{
    char byte = 0;
    int line = -1, status = -1;
    pid_t child = start(argv, &line);
    int err = child > 0 && read(line, &byte, 1) == 1 ? look(part, before, HALF, by) : MMF_EIO;
    if (!err && send(line, &byte, 1, MSG_NOSIGNAL) != 1)
        err = MMF_EIO;
    close(line); /* without an answer B gives up */
    if (child > 0 && waitpid(child, &status, 0) < 0)
        status = -1;
    if (err || status != 0)
        return fprintf(stderr, "process B failed, or could not be watched\n"), err ? err : MMF_EIO;
    err = look(part, before, PIXELS, by);
    if (!err)
        printf("A saw the first %zu of %zu pixels brighter and the others as they were, while B waited half way;\n"
               "in the end all %zu pixels were brighter\n",
               HALF, PIXELS, PIXELS);
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
