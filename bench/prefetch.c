/* prefetch.c: how many cold random 4 KiB blocks of a file on a disk one thread reads in a second, in several ways. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { BLOCK = 4096, READS = 4096, QUICK_READS = 512, LARGEST_BATCH = 128, ATTEMPTS = 50 };

static struct {
    struct bench_file file;
    uint32_t *blocks; /* all of the file's, shuffled before every run */
    uint32_t reads;
    uint64_t random;
    unsigned char *mapped;
    unsigned char *buffer;
    int direct;
    mmf_map *map;
    mmf_view *view;
} state = {.direct = -1};

static uint64_t block_position(size_t read)
{
    return (uint64_t)state.blocks[read] * BLOCK;
}

/* The blocks of the next run: a new choice, no block twice. */
static void draw_blocks(void)
{
    uint64_t total = state.file.size / BLOCK;
    for (uint32_t read = 0; read < state.reads; read++) {
        uint64_t other = read + bench_random(&state.random) % (total - read);
        uint32_t block = state.blocks[other];
        state.blocks[other] = state.blocks[read];
        state.blocks[read] = block;
    }
}

/* How many of the file's pages are in memory: mincore() of a fresh mapping. */
static bool resident_pages(size_t *resident)
{
    size_t pages = (size_t)(state.file.size / (uint64_t)sysconf(_SC_PAGESIZE));
    unsigned char *flags = malloc(pages);
    void *mapped = mmap(NULL, (size_t)state.file.size, PROT_READ, MAP_SHARED, state.file.descriptor, 0);
    bool known = flags && mapped != MAP_FAILED && mincore(mapped, (size_t)state.file.size, flags) == 0;
    *resident = 0;
    for (size_t page = 0; known && page < pages; page++)
        *resident += flags[page] & 1;
    if (mapped != MAP_FAILED)
        munmap(mapped, (size_t)state.file.size);
    free(flags);
    return known;
}

/*
 * Drops the file from memory and makes sure of it. Pages that are mapped, or still being read in, survive
 * POSIX_FADV_DONTNEED: so nothing is mapped now, and it may need more than one attempt.
 */
static bool make_cold(void)
{
    size_t resident = 1;
    for (int attempt = 0; resident && attempt < ATTEMPTS; attempt++) {
        if (attempt)
            usleep(20000);
        int err = posix_fadvise(state.file.descriptor, 0, 0, POSIX_FADV_DONTNEED);
        if (err || !resident_pages(&resident)) {
            errno = err ? err : errno;
            bench_fail("posix_fadvise or mincore", 0);
            return false;
        }
    }
    if (resident)
        fprintf(stderr, "failed: %zu pages of the file stay in memory\n", resident);
    return !resident;
}

static bool cold_file(struct bench_case *self)
{
    draw_blocks();
    self->operations = state.reads;
    return make_cold();
}

/* A plain mapping with the advice of the case. */
static bool cold_mapping(struct bench_case *self)
{
    if (!cold_file(self))
        return false;
    void *mapped = mmap(NULL, (size_t)state.file.size, PROT_READ, MAP_SHARED, state.file.descriptor, 0);
    if (mapped == MAP_FAILED || madvise(mapped, (size_t)state.file.size, *(const int *)self->context)) {
        bench_fail("mmap or madvise", 0);
        return false;
    }
    state.mapped = mapped;
    return true;
}

/* A view with MMF_ADVISE_RANDOM; the map stays open, but has nothing mapped while there is no view. */
static bool cold_view(struct bench_case *self)
{
    if (!cold_file(self))
        return false;
    int err = mmf_view_open(&state.view, state.map, 0, 0, NULL);
    if (!err)
        err = mmf_view_advise(state.view, 0, 0, MMF_ADVISE_RANDOM);
    if (err)
        bench_fail("mmf_view_open or mmf_view_advise", err);
    return !err;
}

/* Unmaps, outside the measured time, and checks that every block was the right one. */
static int64_t finish(int64_t begin, uint64_t sum)
{
    int64_t elapsed = bench_now() - begin;
    uint64_t expected = 0;
    for (uint32_t read = 0; read < state.reads; read++)
        expected += bench_word(block_position(read));
    if (state.mapped)
        munmap(state.mapped, (size_t)state.file.size);
    state.mapped = NULL;
    mmf_view_close(&state.view);
    if (sum == expected)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were read\n");
    return -1;
}

static uint64_t load(const unsigned char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* One fault at a time. */
static int64_t run_faults(struct bench_case *self)
{
    (void)self;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (uint32_t read = 0; read < state.reads; read++)
        sum += load(state.mapped + block_position(read));
    return finish(begin, sum);
}

static int64_t run_view_gets(struct bench_case *self)
{
    (void)self;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (uint32_t read = 0; read < state.reads; read++) {
        uint64_t word;
        int err = mmf_view_get_u64(state.view, block_position(read), &word);
        if (err)
            return bench_fail("mmf_view_get_u64", err);
        sum += word;
    }
    return finish(begin, sum);
}

static int prefetch_batch(uint32_t first, uint32_t count)
{
    mmf_range ranges[LARGEST_BATCH];
    for (uint32_t read = 0; read < count; read++)
        ranges[read] = (mmf_range){.position = block_position(first + read), .size = BLOCK};
    return mmf_view_prefetch(state.view, ranges, count);
}

/* Batch by batch: ask for all of it, then touch all of it. `parameter` blocks a batch. */
static int64_t run_prefetch(struct bench_case *self)
{
    uint64_t sum = 0;
    uint32_t batch = (uint32_t)self->parameter;
    int64_t begin = bench_now();
    for (uint32_t first = 0; first < state.reads; first += batch) {
        int err = prefetch_batch(first, batch);
        for (uint32_t read = first; !err && read < first + batch; read++) {
            uint64_t word;
            err = mmf_view_get_u64(state.view, block_position(read), &word);
            sum += word;
        }
        if (err)
            return bench_fail("mmf_view_prefetch or mmf_view_get_u64", err);
    }
    return finish(begin, sum);
}

/* The same with the next batch asked for before this one is touched: the device never waits for us. */
static int64_t run_prefetch_ahead(struct bench_case *self)
{
    uint64_t sum = 0;
    uint32_t batch = (uint32_t)self->parameter;
    int64_t begin = bench_now();
    int err = prefetch_batch(0, batch);
    for (uint32_t first = 0; first < state.reads; first += batch) {
        if (!err && first + batch < state.reads)
            err = prefetch_batch(first + batch, batch);
        for (uint32_t read = first; !err && read < first + batch; read++) {
            uint64_t word;
            err = mmf_view_get_u64(state.view, block_position(read), &word);
            sum += word;
        }
        if (err)
            return bench_fail("mmf_view_prefetch or mmf_view_get_u64", err);
    }
    return finish(begin, sum);
}

/* What a program does by hand: one madvise() a block, then touch the batch. */
static int64_t run_madvise(struct bench_case *self)
{
    (void)self;
    enum { BATCH = 32 };
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (uint32_t first = 0; first < state.reads; first += BATCH) {
        for (uint32_t read = first; read < first + BATCH; read++)
            if (madvise(state.mapped + block_position(read), BLOCK, MADV_WILLNEED))
                return bench_fail("madvise", 0);
        for (uint32_t read = first; read < first + BATCH; read++)
            sum += load(state.mapped + block_position(read));
    }
    return finish(begin, sum);
}

static int64_t read_blocks(int descriptor)
{
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (uint32_t read = 0; read < state.reads; read++) {
        if (pread(descriptor, state.buffer, BLOCK, (off_t)block_position(read)) != BLOCK)
            return bench_fail("pread", 0);
        sum += load(state.buffer);
    }
    return finish(begin, sum);
}

static int64_t run_pread(struct bench_case *self)
{
    (void)self;
    return read_blocks(state.file.descriptor);
}

static int64_t run_pread_direct(struct bench_case *self)
{
    (void)self;
    return read_blocks(state.direct);
}

/* On a file system in memory nothing is ever cold. */
static int check_disk(const char *directory)
{
    struct statfs system;
    if (statfs(directory, &system)) {
        bench_fail(directory, 0);
        return BENCH_FAILED;
    }
    unsigned type = (unsigned)system.f_type;
    if (type != TMPFS_MAGIC && type != RAMFS_MAGIC)
        return BENCH_DONE;
    fprintf(stderr, "skipped: %s is in memory; give a directory on a disk with --directory\n", directory);
    return BENCH_SKIPPED;
}

static int set_up(const struct bench_options *options)
{
    const char *path = state.file.path;
    state.random = bench_seed();
    state.reads = options->quick ? QUICK_READS : READS;
    if (!bench_file_create(&state.file, options, "prefetch", options->quick ? 64 * BENCH_MIB : BENCH_GIB, BENCH_FILLED))
        return BENCH_FAILED;
    size_t total = (size_t)(state.file.size / BLOCK);
    state.blocks = malloc(total * sizeof *state.blocks);
    state.buffer = aligned_alloc(BLOCK, BLOCK);
    state.direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (state.direct < 0 && errno == EINVAL) {
        fprintf(stderr, "skipped: the file system of %s does not know O_DIRECT\n", options->directory);
        return BENCH_SKIPPED;
    }
    if (!state.blocks || !state.buffer || state.direct < 0 ||
        posix_fadvise(state.file.descriptor, 0, 0, POSIX_FADV_RANDOM)) {
        bench_fail(path, 0);
        return BENCH_FAILED;
    }
    for (size_t block = 0; block < total; block++)
        state.blocks[block] = (uint32_t)block;
    int err = mmf_map_from_file(&state.map, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (err)
        bench_fail(path, err);
    return err ? BENCH_FAILED : BENCH_DONE;
}

static void tear_down(void)
{
    mmf_view_close(&state.view);
    mmf_map_close(&state.map);
    if (state.mapped)
        munmap(state.mapped, (size_t)state.file.size);
    if (state.direct >= 0)
        close(state.direct);
    free(state.buffer);
    free(state.blocks);
    bench_file_remove(&state.file);
}

int main(int argc, char **argv)
{
    static int advise_random = MADV_RANDOM, advise_normal = MADV_NORMAL;
#define FAULTS "mmap with MADV_RANDOM, fault by fault"
#define ONE(name, preparation, function, ...)                                                                          \
    {                                                                                                                  \
        .what = name, .prepare = preparation, .run = function, .unit = BENCH_PER_SECOND, .ratio_to = FAULTS,           \
        __VA_ARGS__                                                                                                    \
    }
    static struct bench_case cases[] = {
        {.what = FAULTS,
         .prepare = cold_mapping,
         .run = run_faults,
         .unit = BENCH_PER_SECOND,
         .context = &advise_random},
        ONE("mmap with MADV_NORMAL, fault by fault", cold_mapping, run_faults, .context = &advise_normal),
        ONE("view with MMF_ADVISE_RANDOM, get by get", cold_view, run_view_gets, .parameter = 0),
        ONE("mmf_view_prefetch, batches of 8", cold_view, run_prefetch, .parameter = 8),
        ONE("mmf_view_prefetch, batches of 32", cold_view, run_prefetch, .parameter = 32),
        ONE("mmf_view_prefetch, batches of 128", cold_view, run_prefetch, .parameter = 128),
        ONE("mmf_view_prefetch, 32, one batch ahead", cold_view, run_prefetch_ahead, .parameter = 32),
        ONE("32 times madvise WILLNEED by hand", cold_mapping, run_madvise, .context = &advise_random),
        ONE("pread, POSIX_FADV_RANDOM", cold_file, run_pread, .parameter = 0),
        ONE("pread, O_DIRECT, one at a time", cold_file, run_pread_direct, .parameter = 0),
    };
    static const struct bench_check checks[] = {
        {"mmf_view_prefetch, batches of 32", BENCH_RATIO, BENCH_AT_LEAST, 4},
    };
    struct bench_program program = {
        .question = "How fast does one thread read cold random 4 KiB blocks of a 1 GiB file on the disk?",
        .target = "mmf_view_prefetch in batches of 32 reads at least 4x as many as faults under MADV_RANDOM",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
        .checks = checks,
        .check_count = BENCH_COUNT(checks),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    int code = check_disk(options.directory);
    if (code)
        return code;
    code = set_up(&options);
    if (!code)
        code = bench_run(&program, &options);
    tear_down();
    return code;
}
