/* random_read.c: what one independent random 8-byte read of a cached file costs, through the library and without. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INDICES = 1 << 22, FAST_READS = 1 << 16, SLOW_READS = 1 << 13, SLICES = 32, QUICK_SLICES = 4 };

/*
 * The positions are drawn beforehand, 4 bytes each, and read in sequence: the same small cost for every case. Each run
 * takes the next part of them, so that none finds its lines in the cache because the case before it read them.
 */
static struct {
    struct bench_file file;
    uint32_t *indices; /* of 8-byte words */
    size_t next;
    const uint64_t *mapped; /* plain mmap */
    mmf_map *map;
    mmf_view *view;
    FILE *stream;
} state;

static const uint32_t *take(size_t count)
{
    if (state.next + count > INDICES)
        state.next = 0;
    const uint32_t *taken = state.indices + state.next;
    state.next += count;
    return taken;
}

/* Every read must have delivered its word: returns the time, or fails. */
static int64_t finish(int64_t begin, const uint32_t *indices, size_t count, uint64_t sum)
{
    int64_t elapsed = bench_now() - begin;
    uint64_t expected = 0;
    for (size_t index = 0; index < count; index++)
        expected += bench_word((uint64_t)indices[index] * 8);
    if (sum == expected)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were read\n");
    return -1;
}

static int64_t read_pointer(const uint64_t *words, size_t count)
{
    const uint32_t *indices = take(count);
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++)
        sum += words[indices[index]];
    bench_keep(sum);
    return finish(begin, indices, count, sum);
}

static int64_t raw_pointer(struct bench_case *self)
{
    return read_pointer(state.mapped, (size_t)self->operations);
}

static int64_t view_data(struct bench_case *self)
{
    return read_pointer(mmf_view_data(state.view), (size_t)self->operations);
}

static int64_t get_u64(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    const mmf_view *view = state.view;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        int err = mmf_view_get_u64(view, (uint64_t)indices[index] * 8, &value);
        if (err)
            return bench_fail("mmf_view_get_u64", err);
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

/* The least a call can be: no check, no guard. Reached through a pointer the compiler cannot see through. */
static int load_only(const void *words, uint64_t position, uint64_t *value)
{
    memcpy(value, (const unsigned char *)words + position, sizeof *value);
    return 0;
}

static int (*volatile load_call)(const void *, uint64_t, uint64_t *) = load_only;

static int64_t bare_call(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    int (*const call)(const void *, uint64_t, uint64_t *) = load_call;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        if (call(state.mapped, (uint64_t)indices[index] * 8, &value))
            return -1;
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

static int64_t view_read(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    const mmf_view *view = state.view;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        int err = mmf_view_read(view, (uint64_t)indices[index] * 8, &value, sizeof value);
        if (err)
            return bench_fail("mmf_view_read", err);
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

static int64_t guard_copy(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    const uint64_t *words = mmf_view_data(state.view);
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        int err = mmf_guard_copy(&value, &words[indices[index]], sizeof value, NULL);
        if (err)
            return bench_fail("mmf_guard_copy", err);
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

/* What careful programs do by hand: set a landing place, read, and leave the rest to their own signal handler. */
static int64_t landing_place(size_t count, int keep_mask)
{
    static sigjmp_buf landing;
    const uint32_t *indices = take(count);
    const uint64_t *words = state.mapped;
    volatile uint64_t sum = 0;
    int64_t begin = bench_now();
    for (volatile size_t index = 0; index < count; index = index + 1) {
        if (sigsetjmp(landing, keep_mask))
            return -1;
        sum = sum + words[indices[index]];
    }
    return finish(begin, indices, count, sum);
}

static int64_t landing_place_without_mask(struct bench_case *self)
{
    return landing_place((size_t)self->operations, 0);
}

static int64_t landing_place_with_mask(struct bench_case *self)
{
    return landing_place((size_t)self->operations, 1);
}

static int64_t pread_call(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    int descriptor = state.file.descriptor;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        if (pread(descriptor, &value, sizeof value, (off_t)indices[index] * 8) != sizeof value)
            return bench_fail("pread", 0);
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

static int64_t fread_call(struct bench_case *self)
{
    size_t count = (size_t)self->operations;
    const uint32_t *indices = take(count);
    FILE *stream = state.stream;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (size_t index = 0; index < count; index++) {
        uint64_t value;
        if (fseeko(stream, (off_t)indices[index] * 8, SEEK_SET) || fread(&value, sizeof value, 1, stream) != 1)
            return bench_fail("fread", 0);
        sum += value;
    }
    return finish(begin, indices, count, sum);
}

static bool draw_indices(void)
{
    uint64_t random = bench_seed();
    uint32_t words = (uint32_t)(state.file.size / 8);
    state.indices = malloc(INDICES * sizeof *state.indices);
    if (!state.indices) {
        bench_fail("malloc", 0);
        return false;
    }
    for (size_t index = 0; index < INDICES; index++)
        state.indices[index] = (uint32_t)((bench_random(&random) >> 32) * words >> 32);
    return true;
}

/* All pages are mapped before the first round, on both ways. */
static bool set_up(const struct bench_options *options)
{
    const char *path = state.file.path;
    if (!bench_file_create(&state.file, options, "random", options->quick ? 64 * BENCH_MIB : BENCH_GIB, BENCH_FILLED) ||
        !draw_indices())
        return false;
    void *mapped = mmap(NULL, (size_t)state.file.size, PROT_READ, MAP_SHARED | MAP_POPULATE, state.file.descriptor, 0);
    state.mapped = mapped;
    state.stream = fopen(path, "rbe");
    if (mapped == MAP_FAILED || !state.stream) {
        bench_fail(path, 0);
        return false;
    }
    int err = mmf_map_from_file(&state.map, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (!err)
        err = mmf_view_open(&state.view, state.map, 0, 0, MMF_VIEW_OPTIONS(.populate = true));
    if (err)
        bench_fail(path, err);
    return !err;
}

static void tear_down(void)
{
    mmf_view_close(&state.view);
    mmf_map_close(&state.map);
    if (state.stream)
        fclose(state.stream);
    if (state.mapped && state.mapped != MAP_FAILED)
        munmap((void *)(uintptr_t)state.mapped, (size_t)state.file.size);
    free(state.indices);
    bench_file_remove(&state.file);
}

int main(int argc, char **argv)
{
    static struct bench_case cases[] = {
        {.what = "raw pointer", .run = raw_pointer, .operations = FAST_READS},
        {.what = "pointer of mmf_view_data", .run = view_data, .operations = FAST_READS, .ratio_to = "raw pointer"},
        {.what = "call that only loads", .run = bare_call, .operations = FAST_READS, .ratio_to = "raw pointer"},
        {.what = "mmf_view_get_u64", .run = get_u64, .operations = FAST_READS, .ratio_to = "raw pointer"},
        {.what = "mmf_view_read, 8 bytes", .run = view_read, .operations = FAST_READS, .ratio_to = "raw pointer"},
        {.what = "mmf_guard_copy, 8 bytes", .run = guard_copy, .operations = FAST_READS, .ratio_to = "raw pointer"},
        {.what = "sigsetjmp without mask, pointer",
         .run = landing_place_without_mask,
         .operations = FAST_READS,
         .ratio_to = "raw pointer"},
        {.what = "sigsetjmp with mask, pointer",
         .run = landing_place_with_mask,
         .operations = SLOW_READS,
         .ratio_to = "mmf_view_get_u64"},
        {.what = "pread, 8 bytes", .run = pread_call, .operations = SLOW_READS, .ratio_to = "mmf_view_get_u64"},
        {.what = "fseeko and fread, 8 bytes",
         .run = fread_call,
         .operations = SLOW_READS,
         .ratio_to = "mmf_view_get_u64"},
    };
    static const struct bench_check checks[] = {
        {"mmf_view_get_u64", BENCH_RATIO, BENCH_AT_MOST, 1.25},
        {"pread, 8 bytes", BENCH_RATIO, BENCH_AT_LEAST, 15},
    };
    struct bench_program program = {
        .question = "What does an independent random 8-byte read of a cached 1 GiB file cost?",
        .target = "mmf_view_get_u64 takes at most 1.25x the raw pointer's time, and pread at least 15x that of "
                  "mmf_view_get_u64",
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
