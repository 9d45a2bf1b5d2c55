/* read_array.c: whether mmf_view_read_array is as fast as memcpy from a plain mapping, from 64 bytes to 64 MiB. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGEST = 64 << 20, BYTES = 4 << 20, MOST_CALLS = 1 << 14, SLICES = 8, QUICK_SLICES = 1 };

static struct {
    struct bench_file file;
    unsigned char *mapped;
    unsigned char *to;
    mmf_map *map;
    mmf_view *view;
    uint64_t bytes; /* copied by one run, about */
} state;

/* Called through volatile pointers, so that the compiler neither sees the size nor drops a copy. */
static void *(*volatile copy_memory)(void *, const void *, size_t) = memcpy;

static size_t calls(size_t size)
{
    size_t count = (size_t)(state.bytes / size);
    return count < 1 ? 1 : count > MOST_CALLS ? MOST_CALLS : count;
}

static bool prepare(struct bench_case *self)
{
    self->operations = (double)calls((size_t)self->parameter) * (double)self->parameter;
    memset(state.to, 0xAA, (size_t)self->parameter);
    return true;
}

static int64_t finish(int64_t begin, size_t size)
{
    int64_t elapsed = bench_now() - begin;
    if (memcmp(state.to, state.mapped, size) == 0)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were copied\n");
    return -1;
}

static int64_t run_memcpy(struct bench_case *self)
{
    size_t size = (size_t)self->parameter, count = calls(size);
    int64_t begin = bench_now();
    for (size_t call = 0; call < count; call++)
        copy_memory(state.to, state.mapped, size);
    return finish(begin, size);
}

static int64_t run_read_array(struct bench_case *self)
{
    size_t size = (size_t)self->parameter, count = calls(size), done = 0;
    int64_t begin = bench_now();
    for (size_t call = 0; call < count; call++) {
        int err = mmf_view_read_array(state.view, 0, state.to, 8, size / 8, &done);
        if (err || done != size / 8)
            return bench_fail("mmf_view_read_array", err ? err : MMF_ERANGE);
    }
    return finish(begin, size);
}

static int64_t run_view_read(struct bench_case *self)
{
    size_t size = (size_t)self->parameter, count = calls(size);
    int64_t begin = bench_now();
    for (size_t call = 0; call < count; call++) {
        int err = mmf_view_read(state.view, 0, state.to, size);
        if (err)
            return bench_fail("mmf_view_read", err);
    }
    return finish(begin, size);
}

static int64_t run_pread(struct bench_case *self)
{
    size_t size = (size_t)self->parameter, count = calls(size);
    int64_t begin = bench_now();
    for (size_t call = 0; call < count; call++)
        if (pread(state.file.descriptor, state.to, size, 0) != (ssize_t)size)
            return bench_fail("pread", 0);
    return finish(begin, size);
}

static bool set_up(const struct bench_options *options)
{
    const char *path = state.file.path;
    state.bytes = BYTES;
    if (!bench_file_create(&state.file, options, "array", LARGEST, BENCH_FILLED))
        return false;
    void *mapped = mmap(NULL, LARGEST, PROT_READ, MAP_SHARED | MAP_POPULATE, state.file.descriptor, 0);
    if (mapped != MAP_FAILED)
        state.mapped = mapped;
    state.to = aligned_alloc(4096, LARGEST);
    if (!state.mapped || !state.to) {
        bench_fail(path, 0);
        return false;
    }
    memset(state.to, 0, LARGEST);
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
    if (state.mapped)
        munmap(state.mapped, LARGEST);
    free(state.to);
    bench_file_remove(&state.file);
}

/* Size in words and in bytes. Below 4 KiB the call itself is a good part of the time: reported, without a target. */
#define SMALL_SIZES(X)                                                                                                 \
    X("64 B", 64)                                                                                                      \
    X("256 B", 256)                                                                                                    \
    X("1 KiB", 1024)
#define LARGE_SIZES(X)                                                                                                 \
    X("4 KiB", 4096)                                                                                                   \
    X("64 KiB", 65536)                                                                                                 \
    X("1 MiB", 1 << 20)                                                                                                \
    X("16 MiB", 16 << 20)                                                                                              \
    X("64 MiB", 64 << 20)

int main(int argc, char **argv)
{
#define ONE(name, bytes, call, function)                                                                               \
    {                                                                                                                  \
        .what = call ", " name, .run = function, .prepare = prepare, .parameter = bytes, .unit = BENCH_GB_PER_SECOND,  \
        .ratio_to = "memcpy, " name                                                                                    \
    }
#define CASES(name, bytes)                                                                                             \
    {.what = "memcpy, " name, .run = run_memcpy, .prepare = prepare, .parameter = bytes, .unit = BENCH_GB_PER_SECOND}, \
        ONE(name, bytes, "mmf_view_read_array", run_read_array), ONE(name, bytes, "mmf_view_read", run_view_read),     \
        ONE(name, bytes, "pread", run_pread),
    static struct bench_case cases[] = {SMALL_SIZES(CASES) LARGE_SIZES(CASES)};
#define CHECK(name, bytes) {"mmf_view_read_array, " name, BENCH_RATIO, BENCH_AT_LEAST, 0.9},
    static const struct bench_check checks[] = {LARGE_SIZES(CHECK)};
    struct bench_program program = {
        .question = "Is mmf_view_read_array as fast as memcpy?",
        .target = "from 4 KiB up mmf_view_read_array has at least 0.9x the speed of memcpy",
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
