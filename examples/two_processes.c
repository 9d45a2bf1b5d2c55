/*
 * two_processes.c: two processes with overlapping views of one file change the overlap, and both see it.
 *
 * usage: two_processes FILE      (FILE must not exist yet; it stays, 3 MiB long)
 *
 *     file   0          1 MiB        2 MiB        3 MiB
 *     A      [========================)
 *     B                 [=========================)
 */
#include "example.h"

#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1024 * 1024)
#define NOTE (MIB + MIB / 2) /* where in the file A leaves its note; B answers 100 bytes further */
#define ANSWER (NOTE + 100)

static const char note[] = "A was here", answer[] = "B was here too";

/* Both processes write, so each must let the other do so. */
static int open_part(mmf_view **view, const char *path, uint32_t mode, uint64_t offset)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(
        &map, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 3 * MIB, .share = MMF_SHARE_READ | MMF_SHARE_WRITE));
    if (!err)
        err = mmf_view_open(view, map, offset, 2 * MIB, NULL);
    mmf_map_close(&map);
    return err ? explain(path, err) : MMF_OK;
}

/* Writes a text; positions count from the first byte of the view, so each process has its own for the same byte. */
static int leave(mmf_view *view, char who, uint64_t offset, uint64_t view_offset, const char *text)
{
    printf("%c writes \"%s\" at position %" PRIu64 " of its view, byte %" PRIu64 " of the file\n", who, text,
           offset - view_offset, offset);
    int err = mmf_view_write(view, offset - view_offset, text, strlen(text) + 1);
    return err ? explain("writing", err) : MMF_OK;
}

static int find(const mmf_view *view, char who, uint64_t offset, uint64_t view_offset, const char *text)
{
    char seen[32] = "";
    int err = mmf_view_read(view, offset - view_offset, seen, sizeof seen - 1);
    if (err)
        return explain("reading", err);
    printf("%c reads \"%s\" at position %" PRIu64 " of its view\n", who, seen, offset - view_offset);
    return strcmp(seen, text) == 0 ? MMF_OK : explain("what the other process wrote", MMF_ECONFLICT);
}

static int process_b(const char *path)
{
    mmf_view *view = NULL;
    int err = open_part(&view, path, MMF_OPEN, MIB);
    if (!err)
        err = find(view, 'B', NOTE, MIB, note);
    if (!err)
        err = leave(view, 'B', ANSWER, MIB, answer);
    mmf_view_close(&view);
    return err;
}

/* Starts this program once more, as process B, and waits until it has ended. */
static int run_b(char *program, char *path)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execvp(program, (char *[]){program, path, "B", NULL});
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return fprintf(stderr, "process B failed\n"), MMF_EIO;
    return MMF_OK;
}

int main(int argc, char **argv)
{
    mmf_view *view = NULL;
    if (argc == 3 && strcmp(argv[2], "B") == 0)
        return process_b(argv[1]) ? 1 : 0;
    if (argc != 2)
        return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;

    int err = open_part(&view, argv[1], MMF_CREATE_NEW, 0);
    if (!err)
        err = leave(view, 'A', NOTE, 0, note);
    if (!err)
        err = run_b(argv[0], argv[1]);
    if (!err)
        err = find(view, 'A', ANSWER, 0, answer);
    mmf_view_close(&view);
    return err ? 1 : 0;
}
