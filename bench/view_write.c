/* view_write.c: what an 8-byte store into a view costs, at random places and in sequence, against a raw store. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    INDICES = 1 << 22,
    FAST_WRITES = 1 << 16,
    SLOW_WRITES = 1 << 13,
    SLICES = 16,
    QUICK_SLICES = 2,
    REGION = 256 * 1024,
    PASSES = 2
};

/*
 * The file lies in memory (shared memory of POSIX): a disk file's pages would be written back and write-protected again
 * by the kernel while we measure. Sequential stores go to the first 256 KiB of it.
 */
static struct {
    int descriptor;
    uint64_t size;
    uint32_t *indices; /* of 8-byte words */
    uint32_t *ascending;
    size_t next;
    uint64_t round; /* part of every value, so that no run finds its own values there already */
    volatile uint64_t *mapped;
    mmf_map *map;
    mmf_view *view;
} state = {.descriptor = -1};

/* The words to store to: random ones, or (parameter 1) a pass over the first part in sequence. */
static const uint32_t *take(const struct bench_case *self, size_t *count, unsigned *passes)
{
    state.round++;
    if (self->parameter) {
        *count = REGION / 8;
        *passes = (unsigned)(self->operations / (REGION / 8));
        return state.ascending;
    }
    *passes = 1;
    *count = (size_t)self->operations;
    if (state.next + *count > INDICES)
        state.next = 0;
    state.next += *count;
    return state.indices + state.next - *count;
}

static inline uint64_t value_of(uint32_t index, uint64_t round)
{
    return bench_word(index) ^ round;
}

static int64_t finish(int64_t begin, const uint32_t *indices, size_t count)
{
    int64_t elapsed = bench_now() - begin;
    for (size_t index = 0; index < count; index++)
        if (state.mapped[indices[index]] != value_of(indices[index], state.round)) {
            fprintf(stderr, "failed: a stored value is not there\n");
            return -1;
        }
    return elapsed;
}

#define DEFINE_RUN(name, store)                                                                                        \
    static int64_t name(struct bench_case *self)                                                                       \
    {                                                                                                                  \
        size_t count;                                                                                                  \
        unsigned passes;                                                                                               \
        const uint32_t *indices = take(self, &count, &passes);                                                         \
        volatile uint64_t *const mapped = state.mapped;                                                                \
        mmf_view *const view = state.view;                                                                             \
        const int descriptor = state.descriptor;                                                                       \
        const uint64_t round = state.round;                                                                            \
        (void)mapped, (void)view, (void)descriptor;                                                                    \
        int64_t begin = bench_now();                                                                                   \
        for (unsigned pass = 0; pass < passes; pass++)                                                                 \
            for (size_t index = 0; index < count; index++) {                                                           \
                uint64_t value = value_of(indices[index], round);                                                      \
                store                                                                                                  \
            }                                                                                                          \
        return finish(begin, indices, count);                                                                          \
    }

/* Volatile: one store an element, never a vector. */
DEFINE_RUN(raw_store, mapped[indices[index]] = value;)

DEFINE_RUN(put_u64, {
    int err = mmf_view_put_u64(view, (uint64_t)indices[index] * 8, value);
    if (err)
        return bench_fail("mmf_view_put_u64", err);
})

DEFINE_RUN(view_write, {
    int err = mmf_view_write(view, (uint64_t)indices[index] * 8, &value, sizeof value);
    if (err)
        return bench_fail("mmf_view_write", err);
})

DEFINE_RUN(pwrite_call, {
    if (pwrite(descriptor, &value, sizeof value, (off_t)indices[index] * 8) != sizeof value)
        return bench_fail("pwrite", 0);
})

static bool draw_indices(void)
{
    uint64_t random = bench_seed();
    uint32_t words = (uint32_t)(state.size / 8);
    state.indices = malloc(INDICES * sizeof *state.indices);
    state.ascending = malloc(REGION / 8 * sizeof *state.ascending);
    if (!state.indices || !state.ascending) {
        bench_fail("malloc", 0);
        return false;
    }
    for (size_t index = 0; index < INDICES; index++)
        state.indices[index] = (uint32_t)((bench_random(&random) >> 32) * words >> 32);
    for (uint32_t index = 0; index < REGION / 8; index++)
        state.ascending[index] = index;
    return true;
}

static bool make_memory(void)
{
    char name[64];
    snprintf(name, sizeof name, "/mmf-bench-%ld", (long)getpid());
    state.descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (state.descriptor < 0 || shm_unlink(name) || ftruncate(state.descriptor, (off_t)state.size)) {
        bench_fail(name, 0);
        return false;
    }
    return true;
}

static bool set_up(const struct bench_options *options)
{
    state.size = options->quick ? 64 * BENCH_MIB : BENCH_GIB;
    if (!make_memory() || !draw_indices())
        return false;
    void *mapped =
        mmap(NULL, (size_t)state.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, state.descriptor, 0);
    if (mapped == MAP_FAILED) {
        bench_fail("mmap", 0);
        return false;
    }
    state.mapped = mapped;
    int err = mmf_map_from_handle(&state.map, state.descriptor, NULL);
    if (!err)
        err = mmf_view_open(&state.view, state.map, 0, 0, MMF_VIEW_OPTIONS(.populate = true));
    if (err)
        bench_fail("a map of shared memory", err);
    return !err;
}

static void tear_down(void)
{
    mmf_view_close(&state.view);
    mmf_map_close(&state.map);
    if (state.mapped)
        munmap((void *)(uintptr_t)state.mapped, (size_t)state.size);
    free(state.indices);
    free(state.ascending);
    if (state.descriptor >= 0)
        close(state.descriptor);
}

int main(int argc, char **argv)
{
    enum { RANDOM, SEQUENTIAL };
    static struct bench_case cases[] = {
        {.what = "random: raw store", .run = raw_store, .operations = FAST_WRITES},
        {.what = "random: mmf_view_put_u64",
         .run = put_u64,
         .operations = FAST_WRITES,
         .ratio_to = "random: raw store"},
        {.what = "random: mmf_view_write, 8 bytes",
         .run = view_write,
         .operations = FAST_WRITES,
         .ratio_to = "random: raw store"},
        {.what = "random: pwrite, 8 bytes",
         .run = pwrite_call,
         .operations = SLOW_WRITES,
         .ratio_to = "random: mmf_view_put_u64"},
        {.what = "sequential: raw store",
         .run = raw_store,
         .operations = (double)PASSES * (REGION / 8),
         .parameter = SEQUENTIAL},
        {.what = "sequential: mmf_view_put_u64",
         .run = put_u64,
         .operations = (double)PASSES * (REGION / 8),
         .parameter = SEQUENTIAL,
         .ratio_to = "sequential: raw store"},
        {.what = "sequential: mmf_view_write, 8 bytes",
         .run = view_write,
         .operations = (double)PASSES * (REGION / 8),
         .parameter = SEQUENTIAL,
         .ratio_to = "sequential: raw store"},
        {.what = "sequential: pwrite, 8 bytes",
         .run = pwrite_call,
         .operations = REGION / 8,
         .parameter = SEQUENTIAL,
         .ratio_to = "sequential: mmf_view_put_u64"},
    };
    static const struct bench_check checks[] = {
        {"random: mmf_view_put_u64", BENCH_RATIO, BENCH_AT_MOST, 1.25},
        {"random: pwrite, 8 bytes", BENCH_RATIO, BENCH_AT_LEAST, 15},
        {"sequential: mmf_view_put_u64", BENCH_VALUE, BENCH_AT_MOST, 3},
    };
    struct bench_program program = {
        .question = "What does an 8-byte store into a view cost?",
        .target = "as for reading: at random places in 1 GiB mmf_view_put_u64 takes at most 1.25x the raw store's time "
                  "and pwrite at least 15x that of mmf_view_put_u64; in sequence in the cache at most 3 ns",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
        .slices = SLICES,
        .checks = checks,
        .check_count = BENCH_COUNT(checks),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    if (options.quick)
        program.slices = QUICK_SLICES;
    int code = set_up(&options) ? bench_run(&program, &options) : BENCH_FAILED;
    tear_down();
    return code;
}
