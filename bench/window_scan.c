/* window_scan.c: whether a scan of a cached file through a window is as fast as one through a whole mapping. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_SIZE (4 * BENCH_GIB)
#define QUICK_FILE_SIZE (256 * BENCH_MIB)

/* What a scan does with a piece of the file. */
typedef uint64_t scan_piece(const unsigned char *bytes, size_t size);

static struct {
    struct bench_file file;
    const unsigned char *populated; /* the whole file, every page mapped before the first round */
    mmf_map *map;
    mmf_window *window;
    uint64_t sum;   /* of all words */
    uint64_t count; /* of all newlines */
} state;

static uint64_t sum_words(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        sum += word;
    }
    return sum;
}

/* As counting lines does: the bytes are as good as random, so there is one newline in 256 bytes. */
static uint64_t count_newlines(const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;
    uint64_t count = 0;
    while ((bytes = memchr(bytes, '\n', (size_t)(end - bytes)))) {
        count++;
        bytes++;
    }
    return count;
}

/* The scan of a case, and the piece it takes at a time: `parameter` is the size, an odd one means counting. */
static scan_piece *scan_of(const struct bench_case *self)
{
    return self->parameter & 1 ? count_newlines : sum_words;
}

static size_t piece_of(const struct bench_case *self)
{
    return (size_t)(self->parameter & ~UINT64_C(1));
}

static int64_t finish(const struct bench_case *self, uint64_t found, int64_t begin)
{
    const int64_t elapsed = bench_now() - begin;
    if (found == (self->parameter & 1 ? state.count : state.sum))
        return elapsed;
    fprintf(stderr, "failed: the scan met wrong bytes\n");
    return -1;
}

static uint64_t scan(const struct bench_case *self, const unsigned char *bytes)
{
    const size_t piece = piece_of(self);
    scan_piece *const scan_one = scan_of(self);
    uint64_t found = 0;
    for (uint64_t at = 0; at < state.file.size; at += piece)
        found += scan_one(bytes + at, piece);
    return found;
}

static bool prepare(struct bench_case *self)
{
    self->operations = (double)state.file.size;
    return true;
}

static int64_t run_populated(struct bench_case *self)
{
    const int64_t begin = bench_now();
    return finish(self, scan(self, state.populated), begin);
}

static const unsigned char *map_whole(int flags)
{
    void *mapped = mmap(NULL, (size_t)state.file.size, PROT_READ, MAP_SHARED | flags, state.file.descriptor, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

static int64_t run_mapping(struct bench_case *self, int flags)
{
    const int64_t begin = bench_now();
    const unsigned char *mapped = map_whole(flags);
    if (!mapped)
        return bench_fail("mmap", 0);
    const uint64_t found = scan(self, mapped);
    if (munmap((void *)(uintptr_t)mapped, (size_t)state.file.size))
        return bench_fail("munmap", 0);
    return finish(self, found, begin);
}

static int64_t run_populating(struct bench_case *self)
{
    return run_mapping(self, MAP_POPULATE);
}

static int64_t run_faulting(struct bench_case *self)
{
    return run_mapping(self, 0);
}

/* The window has the end of the file mapped when a run begins, so nothing that a run needs. */
static int64_t run_window(struct bench_case *self)
{
    const size_t piece = piece_of(self);
    scan_piece *const scan_one = scan_of(self);
    uint64_t found = 0;
    int err = MMF_OK;
    const int64_t begin = bench_now();
    for (uint64_t at = 0; at < state.file.size && !err; at += piece) {
        void *data = NULL;
        err = mmf_window_ref(state.window, at, piece, &data);
        if (err)
            break;
        found += scan_one(data, piece);
        err = mmf_window_unref(state.window, data);
    }
    return err ? bench_fail("mmf_window_ref or mmf_window_unref", err) : finish(self, found, begin);
}

static int set_up(const struct bench_options *options)
{
    const uint64_t size = options->quick ? QUICK_FILE_SIZE : FILE_SIZE;
    state.file.descriptor = -1;
    if (size > SIZE_MAX / 8) {
        fprintf(stderr, "skipped: 4 GiB do not fit into this address space\n");
        return BENCH_SKIPPED;
    }
    if (!bench_file_create(&state.file, options, "scan", size, BENCH_FILLED))
        return BENCH_FAILED;
    state.populated = map_whole(MAP_POPULATE);
    if (!state.populated) {
        bench_fail(state.file.path, 0);
        return BENCH_FAILED;
    }
    for (uint64_t at = 0; at < state.file.size; at += sizeof(uint64_t))
        state.sum += bench_word(at);
    state.count = count_newlines(state.populated, (size_t)state.file.size);
    int err = mmf_map_from_file(&state.map, state.file.path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (!err)
        err = mmf_window_open(&state.window, state.map, NULL);
    if (err)
        bench_fail(state.file.path, err);
    return err ? BENCH_FAILED : BENCH_DONE;
}

static void tear_down(void)
{
    mmf_window_close(&state.window);
    mmf_map_close(&state.map);
    if (state.populated)
        munmap((void *)(uintptr_t)state.populated, (size_t)state.file.size);
    bench_file_remove(&state.file);
}

int main(int argc, char **argv)
{
#define ONE(name, reference, function, bytes)                                                                          \
    {                                                                                                                  \
        .what = name, .ratio_to = reference, .run = function, .prepare = prepare, .parameter = bytes,                  \
        .unit = BENCH_GB_PER_SECOND                                                                                    \
    }
#define BEFORE "one mapping, populated before the time: "
#define POPULATING "one mapping, mapped and populated inside the time: "
#define FAULTING "one mapping, mapped and its faults inside the time: "
#define WINDOW "window of 64 MiB, all inside the time, "
#define PIECE (1 << 20)
#define CASES(scan, odd)                                                                                               \
    ONE(BEFORE scan, NULL, run_populated, PIECE | odd),                                                                \
        ONE(POPULATING scan, BEFORE scan, run_populating, PIECE | odd),                                                \
        ONE(FAULTING scan, BEFORE scan, run_faulting, PIECE | odd),                                                    \
        ONE(WINDOW "1 MiB references: " scan, BEFORE scan, run_window, PIECE | odd),                                   \
        ONE(WINDOW "64 KiB references: " scan, BEFORE scan, run_window, 65536 | odd),                                  \
        ONE(WINDOW "against populating: " scan, POPULATING scan, run_window, PIECE | odd),                             \
        ONE(WINDOW "against faults: " scan, FAULTING scan, run_window, PIECE | odd)
#define CHECKS(scan)                                                                                                   \
    {WINDOW "1 MiB references: " scan, BENCH_RATIO, BENCH_AT_LEAST, 0.95},                                             \
        {WINDOW "64 KiB references: " scan, BENCH_RATIO, BENCH_AT_LEAST, 0.95},                                        \
        {WINDOW "against populating: " scan, BENCH_RATIO, BENCH_AT_LEAST, 0.95},                                       \
    {                                                                                                                  \
        WINDOW "against faults: " scan, BENCH_RATIO, BENCH_AT_LEAST, 0.95                                              \
    }
    static struct bench_case cases[] = {CASES("sum of words", 0), CASES("memchr", 1)};
    static const struct bench_check checks[] = {CHECKS("sum of words"), CHECKS("memchr")};
    struct bench_program program = {
        .question = "Is a scan of a cached file through a window as fast as through one mapping of the whole?",
        .target =
            "at least 0.95x of a mapping populated before the time, and of one populated, or faulted in, inside it",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
        .checks = checks,
        .check_count = BENCH_COUNT(checks),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    int code = set_up(&options);
    if (!code)
        code = bench_run(&program, &options);
    tear_down();
    return code;
}
