/*
 * truncated.c: a file becomes shorter while it is mapped: an error with the exact byte, never a signal.
 *
 * usage: truncated FILE      (FILE must not exist yet; it stays, cut off after ten pages)
 */
#include "example.h"

#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)1024 * 1024)

static const char *const cause_texts[] = {"another cause", "the file ends there"};

/* Another process does it, as a log rotation or an editor would. */
static int truncate_elsewhere(const char *path, uint64_t length)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(truncate(path, (off_t)length) == 0 ? 0 : 1);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return fprintf(stderr, "%s was not cut off\n", path), MMF_EIO;
    printf("another process has cut the file from %zu to %" PRIu64 " bytes\n", SIZE, length);
    return MMF_OK;
}

static int read_by_call(const mmf_view *view, uint64_t length)
{
    static char bytes[SIZE];
    if (mmf_view_read(view, 0, bytes, SIZE) != MMF_EFAULT)
        return explain("reading what is gone", MMF_ECONFLICT);
    const mmf_error *last = mmf_last_error();
    printf("mmf_view_read: %s: %" PRIu64 " bytes are read, byte %" PRIu64 " is not: %s\n", mmf_error_text(last->code),
           last->done, last->offset, cause_texts[last->cause == MMF_CAUSE_END_OF_FILE]);
    return last->done == length ? MMF_OK : explain("the count of bytes", MMF_ECONFLICT);
}

/* A body for mmf_guard_run(): adds bytes up by the raw pointer; without the guard it would be ended by SIGBUS. */
static int add_up(void *argument)
{
    const volatile unsigned char *bytes = argument;
    unsigned sum = 0;
    for (size_t i = 0; i < SIZE; i++)
        sum += bytes[i];
    printf("the sum of all bytes is %u\n", sum);
    return MMF_OK;
}

static int read_by_pointer(mmf_view *view, uint64_t length)
{
    mmf_fault fault;
    if (mmf_guard_run(add_up, mmf_view_mutable(view), &fault) != MMF_EFAULT)
        return explain("adding up what is gone", MMF_ECONFLICT);
    printf("mmf_guard_run: the raw pointer got as far as byte %" PRIu64 ": %s\n", fault.offset,
           cause_texts[fault.cause == MMF_CAUSE_END_OF_FILE]);
    return fault.offset == length ? MMF_OK : explain("the place of the fault", MMF_ECONFLICT);
}

/* MMF_FAULT_ZERO: for code that cannot be brought under mmf_guard_run(). It reads zeros, and the view remembers. */
static int read_as_zeros(mmf_view **view)
{
    int err = mmf_view_check(*view);
    if (!err)
        err = add_up(mmf_view_mutable(*view));
    if (err)
        return explain("reading zeros", err);
    int flagged = mmf_view_check(*view), closed = mmf_view_close(view);
    printf("mmf_view_check afterwards, and mmf_view_close: %s, %s\n", mmf_error_name(flagged), mmf_error_name(closed));
    return flagged == MMF_EFAULT && closed == MMF_EFAULT ? MMF_OK : explain("the flag of the view", MMF_ECONFLICT);
}

int main(int argc, char **argv)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL, *zeros = NULL;
    uint64_t length = 10 * (uint64_t)mmf_page_size();
    if (argc != 2)
        return fprintf(stderr, "usage: %s FILE\n", argv[0]), 2;

    int err = mmf_map_from_file(&map, argv[1], MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = SIZE));
    if (!err)
        err = mmf_view_open(&view, map, 0, 0, NULL);
    if (!err)
        err = mmf_view_open(&zeros, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    for (size_t i = 0; !err && i < SIZE; i++)
        err = mmf_view_put_u8(view, i, 1);
    err = err ? explain(argv[1], err) : truncate_elsewhere(argv[1], length);
    if (!err)
        err = read_by_call(view, length);
    if (!err)
        err = read_by_pointer(view, length);
    if (!err)
        err = read_as_zeros(&zeros);
    mmf_view_close(&zeros);
    mmf_view_close(&view);
    mmf_map_close(&map);
    return err ? 1 : 0;
}
