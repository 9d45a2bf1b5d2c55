/*
 * atomics.c: processes and threads count in one C11 atomic variable that lives in a mapped file.
 *
 * usage: atomics FILE PROCESSES THREADS TIMES      (FILE must not exist yet; it stays, with the sum in it)
 *
 * Three things make this right. The variable is aligned: it lies at offset 64 of the file, a multiple of its size, and
 * a view's first byte has the alignment of its offset up to a page. The atomic is lock-free: a lock would be a private
 * one of each process. And the view is a shared one: in a copy-on-write view every process would count for itself.
 */
#include "example.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define OFFSET 64
#define MOST 64 /* threads of a process, and processes */

struct work {
    _Atomic uint64_t *counter;
    long times;
};

static void *count(void *argument)
{
    const struct work *work = argument;
    for (long i = 0; i < work->times; i++)
        atomic_fetch_add(work->counter, 1);
    return NULL;
}

static int open_counter(mmf_view **view, _Atomic uint64_t **counter, const char *path, mmf_mode mode)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(
        &map, path,
        MMF_MAP_OPTIONS(.mode = (uint32_t)mode, .capacity = 4096, .share = MMF_SHARE_READ | MMF_SHARE_WRITE));
    if (!err)
        err = mmf_view_open(view, map, OFFSET, sizeof **counter, NULL);
    mmf_map_close(&map);
    *counter = mmf_view_mutable(*view);
    if (!err && ((uintptr_t)*counter % alignof(_Atomic uint64_t) != 0 || !atomic_is_lock_free(*counter)))
        err = MMF_ENOTSUP;
    return err ? explain(path, err) : MMF_OK;
}

/* One process of many: a map of its own, and threads that count in it. */
static int count_in_threads(const char *path, long threads, long times)
{
    mmf_view *view = NULL;
    struct work work = {NULL, times};
    pthread_t thread[MOST];
    long started = 0;
    int err = open_counter(&view, &work.counter, path, MMF_OPEN);
    while (!err && started < threads && pthread_create(&thread[started], NULL, count, &work) == 0)
        started++;
    for (long i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    mmf_view_close(&view);
    return err || started < threads;
}

static bool count_in_processes(const char *path, long processes, long threads, long times)
{
    long succeeded = 0;
    int status = 0;
    for (long i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(count_in_threads(path, threads, times));
        if (child < 0)
            perror("fork");
    }
    while (wait(&status) > 0)
        succeeded += status == 0;
    return succeeded == processes;
}

int main(int argc, char **argv)
{
    mmf_view *view = NULL;
    _Atomic uint64_t *counter = NULL;
    long processes, threads, times;
    if (argc != 5 || !parse_number(&processes, argv[2], 1, MOST) || !parse_number(&threads, argv[3], 1, MOST) ||
        !parse_number(&times, argv[4], 1, 100000000))
        return fprintf(stderr, "usage: %s FILE PROCESSES THREADS TIMES\n", argv[0]), 2;

    int err = open_counter(&view, &counter, argv[1], MMF_CREATE_NEW);
    bool counted = !err && count_in_processes(argv[1], processes, threads, times);
    uint64_t sum = counter ? atomic_load(counter) : 0;
    uint64_t wanted = (uint64_t)processes * (uint64_t)threads * (uint64_t)times;
    printf("%ld processes with %ld threads each counted to %" PRIu64 "; it should be %" PRIu64 "\n", processes, threads,
           sum, wanted);
    mmf_view_close(&view);
    return counted && sum == wanted ? 0 : 1;
}
