/*
 * atomics.c: processes and threads count in one C11 atomic variable that lives in a mapped file.
 *
 * usage: atomics FILE PROCESSES THREADS TIMES      (FILE must not exist yet; it stays, with the sum in it)
 *
 * What it takes: an aligned variable (a view's first byte is aligned as its offset is, up to a page), a lock-free
 * atomic (a lock would be a private one of each process), and a shared view (copy-on-write: each would count for
 * itself).
 */
#include "example.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 64       /* threads of a process, and processes */
#define WAITS 1000000 /* after so many looks a thread no longer waits for the others */

struct shared {
    _Atomic uint64_t sum;
    _Atomic uint64_t ready; /* threads that wait for the others, so that all count at the same time */
};

static long processes, threads, times;

static void *count(void *argument)
{
    struct shared *shared = argument;
    atomic_fetch_add(&shared->ready, 1);
    for (long i = 0; i < WAITS && atomic_load(&shared->ready) < (uint64_t)(processes * threads); i++)
        sched_yield();
    for (long i = 0; i < times; i++)
        atomic_fetch_add(&shared->sum, 1);
    return NULL;
}

static int open_shared(mmf_view **view, struct shared **shared, const char *path, uint32_t mode)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(
        &map, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 4096, .share = MMF_SHARE_READ | MMF_SHARE_WRITE));
    if (!err)
        err = mmf_view_open(view, map, 64, sizeof **shared, NULL);
    mmf_map_close(&map);
    if (err)
        return explain(path, err);
    *shared = mmf_view_mutable(*view);
    bool right = (uintptr_t)*shared % _Alignof(struct shared) == 0 && atomic_is_lock_free(&(*shared)->sum);
    return right ? MMF_OK : MMF_ENOTSUP;
}

/* One process of many: a map of its own, and threads that count in it. */
static int count_in_threads(const char *path)
{
    mmf_view *view = NULL;
    struct shared *shared = NULL;
    pthread_t thread[MOST];
    long started = 0;
    int err = open_shared(&view, &shared, path, MMF_OPEN);
    while (!err && started < threads && pthread_create(&thread[started], NULL, count, shared) == 0)
        started++;
    for (long i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    mmf_view_close(&view);
    return err || started < threads;
}

static bool count_in_processes(const char *path)
{
    long succeeded = 0;
    for (long i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(count_in_threads(path));
    }
    for (int status = 0; wait(&status) > 0;)
        succeeded += status == 0;
    return succeeded == processes;
}

int main(int argc, char **argv)
{
    mmf_view *view = NULL;
    struct shared *shared = NULL;
    if (argc != 5 || !parse_number(&processes, argv[2], 1, MOST) || !parse_number(&threads, argv[3], 1, MOST) ||
        !parse_number(&times, argv[4], 1, 1000000))
        return fprintf(stderr, "usage: %s FILE PROCESSES THREADS TIMES\n", argv[0]), 2;

    bool done = !open_shared(&view, &shared, argv[1], MMF_CREATE_NEW) && count_in_processes(argv[1]);
    uint64_t sum = done ? atomic_load(&shared->sum) : 0, wanted = (uint64_t)times * (uint64_t)(processes * threads);
    mmf_view_close(&view);
    printf("%ld processes with %ld threads counted to %" PRIu64 " of %" PRIu64 "\n", processes, threads, sum, wanted);
    return done && sum == wanted ? 0 : 1;
}
