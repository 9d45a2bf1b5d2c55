/* open_cost.c: whether opening, mapping and closing costs the same for 1 MiB and for 8 TiB, and what a view costs. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPEATS = 25, SLICES = 20, QUICK_SLICES = 2 };

/* Nothing is touched: the files are sparse and stay so. */
static struct {
    struct bench_file small;
    struct bench_file large;
    mmf_map *small_map;
    mmf_map *large_map;
    int repeats;
} state;

static bool prepare(struct bench_case *self)
{
    self->operations = state.repeats;
    return true;
}

/* The least that a program does by hand. `parameter` 1: for writing too. */
static int64_t run_raw(struct bench_case *self)
{
    const struct bench_file *file = self->context;
    int flags = self->parameter ? O_RDWR : O_RDONLY;
    int protection = self->parameter ? PROT_READ | PROT_WRITE : PROT_READ;
    int64_t begin = bench_now();
    for (int repeat = 0; repeat < state.repeats; repeat++) {
        struct stat status;
        int descriptor = open(file->path, flags | O_CLOEXEC);
        if (descriptor < 0 || fstat(descriptor, &status))
            return bench_fail("open or fstat", 0);
        void *mapped = mmap(NULL, (size_t)status.st_size, protection, MAP_SHARED, descriptor, 0);
        if (mapped == MAP_FAILED || munmap(mapped, (size_t)status.st_size) || close(descriptor))
            return bench_fail("mmap, munmap or close", 0);
    }
    return bench_now() - begin;
}

static int64_t open_and_close(const struct bench_case *self, mmf_access access, bool with_view)
{
    const struct bench_file *file = self->context;
    int err = MMF_OK;
    int64_t begin = bench_now();
    for (int repeat = 0; !err && repeat < state.repeats; repeat++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        err = mmf_map_from_file(&map, file->path, MMF_MAP_OPTIONS(.access = access));
        if (!err && with_view)
            err = mmf_view_open(&view, map, 0, 0, NULL);
        if (!err && with_view && mmf_view_size(view) != file->size)
            err = MMF_ERANGE;
        int closed = mmf_view_close(&view);
        err = err ? err : closed;
        closed = mmf_map_close(&map);
        err = err ? err : closed;
    }
    int64_t elapsed = bench_now() - begin;
    return err ? bench_fail("a map or its view", err) : elapsed;
}

static int64_t run_map_view(struct bench_case *self)
{
    return open_and_close(self, self->parameter ? MMF_READWRITE : MMF_READ, true);
}

static int64_t run_map(struct bench_case *self)
{
    return open_and_close(self, MMF_READ, false);
}

static int64_t run_view(struct bench_case *self)
{
    mmf_map *map = *(mmf_map **)self->context;
    int err = MMF_OK;
    int64_t begin = bench_now();
    for (int repeat = 0; !err && repeat < state.repeats; repeat++) {
        mmf_view *view = NULL;
        err = mmf_view_open(&view, map, 0, 0, NULL);
        if (!err)
            err = mmf_view_close(&view);
    }
    int64_t elapsed = bench_now() - begin;
    return err ? bench_fail("mmf_view_open or mmf_view_close", err) : elapsed;
}

static int64_t run_raw_view(struct bench_case *self)
{
    const struct bench_file *file = self->context;
    int64_t begin = bench_now();
    for (int repeat = 0; repeat < state.repeats; repeat++) {
        void *mapped = mmap(NULL, (size_t)file->size, PROT_READ, MAP_SHARED, file->descriptor, 0);
        if (mapped == MAP_FAILED || munmap(mapped, (size_t)file->size))
            return bench_fail("mmap or munmap", 0);
    }
    return bench_now() - begin;
}

static int64_t run_memory(struct bench_case *self)
{
    int err = MMF_OK;
    int64_t begin = bench_now();
    for (int repeat = 0; !err && repeat < state.repeats; repeat++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        err = mmf_map_create(&map, NULL, self->parameter, NULL);
        if (!err)
            err = mmf_view_open(&view, map, 0, 0, NULL);
        mmf_view_close(&view);
        mmf_map_close(&map);
    }
    int64_t elapsed = bench_now() - begin;
    return err ? bench_fail("a map of memory", err) : elapsed;
}

static int64_t run_raw_memory(struct bench_case *self)
{
    int64_t begin = bench_now();
    for (int repeat = 0; repeat < state.repeats; repeat++) {
        size_t size = (size_t)self->parameter;
        int descriptor = memfd_create("bench", MFD_CLOEXEC);
        if (descriptor < 0 || ftruncate(descriptor, (off_t)size))
            return bench_fail("memfd_create or ftruncate", 0);
        void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
        if (mapped == MAP_FAILED || munmap(mapped, size) || close(descriptor))
            return bench_fail("mmap, munmap or close", 0);
    }
    return bench_now() - begin;
}

static bool open_map(mmf_map **map, const struct bench_file *file)
{
    int err = mmf_map_from_file(map, file->path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (err)
        bench_fail(file->path, err);
    return !err;
}

/* EFBIG: the file system has no files of 8 TiB; 32-bit address spaces have no room for one. */
static int set_up(const struct bench_options *options)
{
    state.repeats = REPEATS;
    state.small.descriptor = state.large.descriptor = -1;
    if (sizeof(void *) < 8) {
        fprintf(stderr, "skipped: 8 TiB do not fit into this address space\n");
        return BENCH_SKIPPED;
    }
    if (!bench_file_create(&state.small, options, "small", BENCH_MIB, BENCH_SPARSE))
        return BENCH_FAILED;
    if (!bench_file_create(&state.large, options, "large", 8 * BENCH_TIB, BENCH_SPARSE)) {
        if (errno != EFBIG)
            return BENCH_FAILED;
        fprintf(stderr, "skipped: the file system has no files of 8 TiB\n");
        return BENCH_SKIPPED;
    }
    return open_map(&state.small_map, &state.small) && open_map(&state.large_map, &state.large) ? BENCH_DONE
                                                                                                : BENCH_FAILED;
}

static void tear_down(void)
{
    mmf_map_close(&state.small_map);
    mmf_map_close(&state.large_map);
    bench_file_remove(&state.small);
    bench_file_remove(&state.large);
}

int main(int argc, char **argv)
{
#define ONE(name, reference, function, ...)                                                                            \
    {                                                                                                                  \
        .what = name, .ratio_to = reference, .run = function, .prepare = prepare, .unit = BENCH_MICROSECONDS,          \
        __VA_ARGS__                                                                                                    \
    }
    static struct bench_case cases[] = {
        ONE("open, mmap, munmap, close, 1 MiB", NULL, run_raw, .context = &state.small),
        ONE("open, mmap, munmap, close, 8 TiB", "open, mmap, munmap, close, 1 MiB", run_raw, .context = &state.large),
        ONE("map and view, read, 1 MiB", "open, mmap, munmap, close, 1 MiB", run_map_view, .context = &state.small),
        ONE("map and view, read, 8 TiB", "map and view, read, 1 MiB", run_map_view, .context = &state.large),
        ONE("map and view, read and write, 1 MiB", "open, mmap, munmap, close, 1 MiB", run_map_view,
            .context = &state.small, .parameter = 1),
        ONE("map and view, read and write, 8 TiB", "map and view, read and write, 1 MiB", run_map_view,
            .context = &state.large, .parameter = 1),
        ONE("map alone, 1 MiB", NULL, run_map, .context = &state.small),
        ONE("map alone, 8 TiB", "map alone, 1 MiB", run_map, .context = &state.large),
        ONE("mmap, munmap, 1 MiB", NULL, run_raw_view, .context = &state.small),
        ONE("mmap, munmap, 8 TiB", "mmap, munmap, 1 MiB", run_raw_view, .context = &state.large),
        ONE("view alone, 1 MiB", "mmap, munmap, 1 MiB", run_view, .context = &state.small_map),
        ONE("view alone, 8 TiB", "view alone, 1 MiB", run_view, .context = &state.large_map),
        ONE("memfd, mmap, munmap, close, 1 MiB", NULL, run_raw_memory, .parameter = BENCH_MIB),
        ONE("memory map and view, 1 MiB", "memfd, mmap, munmap, close, 1 MiB", run_memory, .parameter = BENCH_MIB),
        ONE("memory map and view, 1 GiB", "memory map and view, 1 MiB", run_memory, .parameter = BENCH_GIB),
    };
    static const struct bench_check checks[] = {
        {"map and view, read, 8 TiB", BENCH_RATIO, BENCH_AT_MOST, 1.15},
        {"map and view, read and write, 8 TiB", BENCH_RATIO, BENCH_AT_MOST, 1.15},
    };
    struct bench_program program = {
        .question = "Does opening, mapping and closing a sparse file cost the same for 1 MiB and 8 TiB?",
        .target = "8 TiB at most 1.15x of 1 MiB, for reading and for writing",
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
    int code = set_up(&options);
    if (!code)
        code = bench_run(&program, &options);
    tear_down();
    return code;
}
