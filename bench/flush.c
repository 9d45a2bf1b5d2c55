/* flush.c: what writing stored pages to the disk costs with the three flushes of a view, and with the system's calls.
 */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 64 << 20, REPEATS = 8, QUICK_REPEATS = 1 };
#define FEW PAGE
#define MANY (1 << 20)

static struct {
    struct bench_file file;
    unsigned char *mapped;
    unsigned char *copy;
    mmf_map *map;
    mmf_view *view;
    int repeats;
    bool counts; /* the kernel counts dirty pages */
    uint64_t random;
} state;

/* cachestat(2), Linux 6.5: number and layout, for older headers. */
struct page_counts {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
};

static long count_pages(struct page_counts *counts, uint64_t position, uint64_t size)
{
    enum { CACHESTAT = 451 };
    uint64_t range[2] = {position, size};
    return syscall(CACHESTAT, state.file.descriptor, range, counts, 0);
}

/* What a flush promises: pages that are no longer dirty, and that are no longer being written. */
enum promise { STARTED, WRITTEN };

static bool check_counts(uint64_t position, uint64_t size, bool dirty, enum promise promise)
{
    struct page_counts counts;
    if (!state.counts)
        return true;
    if (count_pages(&counts, position, size)) {
        bench_fail("cachestat", 0);
        return false;
    }
    bool as_promised = dirty ? counts.dirty > 0 : counts.dirty == 0 && (promise == STARTED || counts.writeback == 0);
    if (!as_promised)
        fprintf(stderr, "failed: %s: %llu dirty pages, %llu being written\n", dirty ? "before" : "after",
                (unsigned long long)counts.dirty, (unsigned long long)counts.writeback);
    return as_promised;
}

static bool prepare(struct bench_case *self)
{
    self->operations = state.repeats;
    return true;
}

/* Stores a word into each page of a range at a random place, lets `flush` write it, and times only that. */
static int64_t repeat(uint64_t size, unsigned char *to, enum promise promise, int (*flush)(uint64_t, uint64_t))
{
    int64_t elapsed = 0;
    for (int round = 0; round < state.repeats; round++) {
        uint64_t position = bench_random(&state.random) % (SIZE / size) * size;
        if (fdatasync(state.file.descriptor))
            return bench_fail("fdatasync", 0);
        for (uint64_t at = position; at < position + size; at += PAGE) {
            uint64_t word = bench_random(&state.random);
            memcpy(to + at, &word, sizeof word);
        }
        if (!check_counts(position, size, true, promise))
            return -1;
        int64_t begin = bench_now();
        int err = flush(position, size);
        elapsed += bench_now() - begin;
        if (err)
            return -1;
        if (!check_counts(position, size, false, promise))
            return -1;
    }
    return elapsed;
}

static int flush_view(uint64_t position, uint64_t size, mmf_flush how)
{
    int err = mmf_view_flush(state.view, position, size, how);
    return err ? bench_fail("mmf_view_flush", err) : 0;
}

static int view_start(uint64_t position, uint64_t size)
{
    return flush_view(position, size, MMF_FLUSH_START);
}

static int view_wait(uint64_t position, uint64_t size)
{
    return flush_view(position, size, MMF_FLUSH_WAIT);
}

static int view_sync(uint64_t position, uint64_t size)
{
    return flush_view(position, size, MMF_FLUSH_SYNC);
}

static int map_sync(uint64_t position, uint64_t size)
{
    (void)position, (void)size;
    int err = mmf_map_sync(state.map);
    return err ? bench_fail("mmf_map_sync", err) : 0;
}

static int range_start(uint64_t position, uint64_t size)
{
    int err = sync_file_range(state.file.descriptor, (off_t)position, (off_t)size, SYNC_FILE_RANGE_WRITE);
    return err ? bench_fail("sync_file_range", 0) : 0;
}

static int range_wait(uint64_t position, uint64_t size)
{
    int err = sync_file_range(state.file.descriptor, (off_t)position, (off_t)size,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    return err ? bench_fail("sync_file_range", 0) : 0;
}

static int memory_sync(uint64_t position, uint64_t size)
{
    return msync(state.mapped + position, (size_t)size, MS_SYNC) ? bench_fail("msync", 0) : 0;
}

static int data_sync(uint64_t position, uint64_t size)
{
    (void)position, (void)size;
    return fdatasync(state.file.descriptor) ? bench_fail("fdatasync", 0) : 0;
}

#define DEFINE_RUN(flush, memory, promise)                                                                             \
    static int64_t run_##flush(struct bench_case *self)                                                                \
    {                                                                                                                  \
        return repeat(self->parameter, memory, promise, flush);                                                        \
    }
DEFINE_RUN(view_start, mmf_view_mutable(state.view), STARTED)
DEFINE_RUN(view_wait, mmf_view_mutable(state.view), WRITTEN)
DEFINE_RUN(view_sync, mmf_view_mutable(state.view), WRITTEN)
DEFINE_RUN(map_sync, mmf_view_mutable(state.view), WRITTEN)
DEFINE_RUN(range_start, state.mapped, STARTED)
DEFINE_RUN(range_wait, state.mapped, WRITTEN)
DEFINE_RUN(memory_sync, state.mapped, WRITTEN)
DEFINE_RUN(data_sync, state.mapped, WRITTEN)

/* No mapping at all: the same bytes by pwrite(), then fdatasync(). Both are timed. */
static int64_t run_pwrite(struct bench_case *self)
{
    uint64_t size = self->parameter;
    int64_t elapsed = 0;
    for (int round = 0; round < state.repeats; round++) {
        uint64_t position = bench_random(&state.random) % (SIZE / size) * size;
        memset(state.copy, (int)(bench_random(&state.random) & 0xFF), (size_t)size);
        int64_t begin = bench_now();
        if (pwrite(state.file.descriptor, state.copy, (size_t)size, (off_t)position) != (ssize_t)size ||
            fdatasync(state.file.descriptor))
            return bench_fail("pwrite or fdatasync", 0);
        elapsed += bench_now() - begin;
    }
    return elapsed;
}

/* The raw peer has a mapping of its own, of the same pages. */
static bool set_up(const struct bench_options *options)
{
    const char *path = state.file.path;
    struct page_counts counts;
    state.random = bench_seed();
    state.repeats = options->quick ? QUICK_REPEATS : REPEATS;
    if (!bench_file_create(&state.file, options, "flush", SIZE, BENCH_FILLED))
        return false;
    state.counts = count_pages(&counts, 0, SIZE) == 0;
    if (!state.counts)
        fprintf(stderr, "not checked: whether the pages were written (cachestat: %s)\n", strerror(errno));
    void *mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, state.file.descriptor, 0);
    if (mapped != MAP_FAILED)
        state.mapped = mapped;
    state.copy = malloc(MANY);
    if (!state.mapped || !state.copy) {
        bench_fail(path, 0);
        return false;
    }
    int err = mmf_map_from_file(&state.map, path, NULL);
    if (!err)
        err = mmf_view_open(&state.view, state.map, 0, 0, NULL);
    if (err)
        bench_fail(path, err);
    return !err;
}

static void tear_down(void)
{
    mmf_view_close(&state.view);
    mmf_map_close(&state.map);
    if (state.mapped)
        munmap(state.mapped, SIZE);
    free(state.copy);
    bench_file_remove(&state.file);
}

int main(int argc, char **argv)
{
#define ONE(name, size, function, reference)                                                                           \
    {.what = name,                                                                                                     \
     .ratio_to = reference,                                                                                            \
     .run = function,                                                                                                  \
     .prepare = prepare,                                                                                               \
     .parameter = size,                                                                                                \
     .unit = BENCH_MICROSECONDS},
#define CASES(words, size)                                                                                             \
    ONE("sync_file_range, start, " words, size, run_range_start, NULL)                                                 \
    ONE("MMF_FLUSH_START, " words, size, run_view_start, "sync_file_range, start, " words)                             \
    ONE("sync_file_range, wait, " words, size, run_range_wait, NULL)                                                   \
    ONE("MMF_FLUSH_WAIT, " words, size, run_view_wait, "sync_file_range, wait, " words)                                \
    ONE("msync(MS_SYNC), " words, size, run_memory_sync, NULL)                                                         \
    ONE("MMF_FLUSH_SYNC, " words, size, run_view_sync, "msync(MS_SYNC), " words)                                       \
    ONE("fdatasync, " words, size, run_data_sync, "msync(MS_SYNC), " words)                                            \
    ONE("mmf_map_sync, " words, size, run_map_sync, "msync(MS_SYNC), " words)                                          \
    ONE("pwrite and fdatasync, " words, size, run_pwrite, "msync(MS_SYNC), " words)
    static struct bench_case cases[] = {CASES("1 page", FEW) CASES("1 MiB", MANY)};
    struct bench_program program = {
        .question = "What does writing stored pages to the disk cost?",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    int code = set_up(&options) ? bench_run(&program, &options) : BENCH_FAILED;
    tear_down();
    return code;
}
