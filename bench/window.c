/* window.c: what a reference into a window costs where its bytes are mapped, and where they are not. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, LONGEST = 256, HIT_CALLS = 1 << 18, RAW_CALLS = 1 << 11, SLICES = 8, QUICK_SLICES = 1 };

/* Places of data in the sparse file, each PLACE bytes: 256 MiB, with --quick 64 MiB. */
enum { PLACES = 4096, QUICK_PLACES = 1024, PLACE = 65536, MISS_CALLS = 2048, QUICK_MISS_CALLS = 512 };

#define WORKING_SET (32 * BENCH_MIB)
#define BUDGET (64 * BENCH_MIB)
#define SPARSE_SIZE (64 * BENCH_GIB)
#define SPARSE_BUDGET (16 * BENCH_MIB)

/* A window with its file, which a raw mapping reaches too. */
struct opened {
    struct bench_file file;
    mmf_map *map;
    mmf_window *window;
};

static struct {
    struct opened cached;
    struct opened sparse;
    uint32_t *positions; /* drawn beforehand; bits 0 to 7: length less 1, above: position, in words */
    uint64_t *places;    /* offsets of words, in the order in which they are visited: a walk meets each once */
    size_t place_count;
    size_t next_position; /* every run takes the next ones */
    size_t next_place;
    size_t miss_calls;
} state;

static uint64_t position_of(uint32_t drawn)
{
    return (uint64_t)(drawn >> 8) * 8;
}

static size_t length_of(uint32_t drawn)
{
    return (size_t)(drawn & 255) + 1;
}

/* Bytes of the process's mappings of a file, as the kernel counts them; negative: failed, and has said why. */
static int64_t mapped_of(const struct bench_file *file)
{
    char line[4096 + 256];
    int64_t total = 0;
    FILE *mappings = fopen("/proc/self/smaps", "re");
    bool ours = false;
    if (!mappings)
        return bench_fail("/proc/self/smaps", 0);
    while (fgets(line, sizeof line, mappings)) {
        uint64_t begin = 0, end = 0, size = 0;
        char first = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %c", &begin, &end, &first) == 3)
            ours = strstr(line, file->path) != NULL;
        else if (ours && sscanf(line, "Size: %" SCNu64 " kB", &size) == 1)
            total += (int64_t)(size * BENCH_KIB);
    }
    fclose(mappings);
    return total;
}

/* The window's own count is the kernel's, there is something to count, and it is within the budget. */
static bool within_budget(const struct opened *opened)
{
    mmf_window_details details = {.struct_size = sizeof details};
    int err = mmf_window_info(&details, opened->window);
    if (err) {
        bench_fail("mmf_window_info", err);
        return false;
    }
    const int64_t mapped = mapped_of(&opened->file);
    if (mapped > 0 && (uint64_t)mapped == details.mapped && details.mapped <= details.budget)
        return true;
    fprintf(stderr, "failed: %" PRId64 " bytes are mapped, the window counts %" PRIu64 " and may have %" PRIu64 "\n",
            mapped, details.mapped, details.budget);
    return false;
}

static const uint32_t *take_positions(size_t count)
{
    if (state.next_position + count > HIT_CALLS)
        state.next_position = 0;
    const uint32_t *taken = state.positions + state.next_position;
    state.next_position += count;
    return taken;
}

static bool prepare_hits(struct bench_case *self)
{
    self->operations = (double)self->parameter;
    return true;
}

static int64_t run_hits(struct bench_case *self)
{
    const size_t count = (size_t)self->parameter;
    const uint32_t *drawn = take_positions(count);
    mmf_window_details before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
    mmf_window *window = state.cached.window;
    void *data = NULL;
    int err = mmf_window_info(&before, window);
    const int64_t begin = bench_now();
    for (size_t call = 0; call < count && !err; call++) {
        err = mmf_window_ref(window, position_of(drawn[call]), length_of(drawn[call]), &data);
        if (!err)
            err = mmf_window_unref(window, data);
    }
    const int64_t elapsed = bench_now() - begin;
    if (!err)
        err = mmf_window_info(&after, window);
    if (err)
        return bench_fail("mmf_window_ref or mmf_window_unref", err);
    if (after.misses != before.misses || after.hits - before.hits != count || after.referenced) {
        fprintf(stderr, "failed: the working set was not mapped\n");
        return -1;
    }
    return within_budget(&state.cached) ? elapsed : -1;
}

static uint64_t word_at(const void *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

static int64_t check_sum(uint64_t sum, const uint32_t *drawn, size_t count, int64_t elapsed)
{
    for (size_t call = 0; call < count; call++)
        sum -= bench_word(position_of(drawn[call]));
    if (sum == 0)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were read\n");
    return -1;
}

static int64_t run_hits_reading(struct bench_case *self)
{
    const size_t count = (size_t)self->parameter;
    const uint32_t *drawn = take_positions(count);
    uint64_t sum = 0;
    void *data = NULL;
    int err = MMF_OK;
    const int64_t begin = bench_now();
    for (size_t call = 0; call < count && !err; call++) {
        err = mmf_window_ref(state.cached.window, position_of(drawn[call]), LONGEST, &data);
        if (!err) {
            sum += word_at(data);
            err = mmf_window_unref(state.cached.window, data);
        }
    }
    const int64_t elapsed = bench_now() - begin;
    return err ? bench_fail("mmf_window_ref or mmf_window_unref", err) : check_sum(sum, drawn, count, elapsed);
}

/* Maps the pages of a range, reads its first word and unmaps them. False: failed. */
static inline bool map_and_read(uint64_t *sum, const struct bench_file *file, uint64_t position, size_t size)
{
    const size_t before = (size_t)(position % PAGE);
    const size_t length = (before + size + PAGE - 1) / PAGE * PAGE;
    unsigned char *mapped = mmap(NULL, length, PROT_READ, MAP_SHARED, file->descriptor, (off_t)(position - before));
    if (mapped == MAP_FAILED)
        return false;
    *sum += word_at(mapped + before);
    return munmap(mapped, length) == 0;
}

static int64_t run_raw(struct bench_case *self)
{
    const size_t count = (size_t)self->parameter;
    const uint32_t *drawn = take_positions(count);
    uint64_t sum = 0;
    const int64_t begin = bench_now();
    for (size_t call = 0; call < count; call++)
        if (!map_and_read(&sum, &state.cached.file, position_of(drawn[call]), LONGEST))
            return bench_fail("mmap or munmap", 0);
    const int64_t elapsed = bench_now() - begin;
    return check_sum(sum, drawn, count, elapsed);
}

static const uint64_t *take_places(void)
{
    if (state.next_place + state.miss_calls > state.place_count)
        state.next_place = 0;
    const uint64_t *taken = state.places + state.next_place;
    state.next_place += state.miss_calls;
    return taken;
}

static bool prepare_misses(struct bench_case *self)
{
    self->operations = (double)state.miss_calls;
    return true;
}

static int64_t check_places(uint64_t sum, const uint64_t *places, int64_t elapsed)
{
    for (size_t call = 0; call < state.miss_calls; call++)
        sum -= bench_word(places[call]);
    if (sum == 0)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were read from the sparse file\n");
    return -1;
}

/*
 * The runs walk through the places in turns of the same order, some after a raw case took the places in between; a
 * place that happens to be mapped still is a hit, and the program fails if there are many.
 */
static int64_t run_misses(struct bench_case *self)
{
    const uint64_t *places = take_places();
    mmf_window_details before = {.struct_size = sizeof before}, after = {.struct_size = sizeof after};
    mmf_window *window = state.sparse.window;
    uint64_t sum = 0;
    void *data = NULL;
    (void)self;
    int err = mmf_window_info(&before, window);
    const int64_t begin = bench_now();
    for (size_t call = 0; call < state.miss_calls && !err; call++) {
        err = mmf_window_ref(window, places[call], sizeof(uint64_t), &data);
        if (!err) {
            sum += word_at(data);
            err = mmf_window_unref(window, data);
        }
    }
    const int64_t elapsed = bench_now() - begin;
    if (!err)
        err = mmf_window_info(&after, window);
    if (err)
        return bench_fail("mmf_window_ref or mmf_window_unref", err);
    if (after.misses - before.misses < state.miss_calls * 99 / 100) {
        fprintf(stderr, "failed: more than 1 of 100 references found their bytes mapped\n");
        return -1;
    }
    return within_budget(&state.sparse) ? check_places(sum, places, elapsed) : -1;
}

static int64_t run_raw_misses(struct bench_case *self)
{
    const uint64_t *places = take_places();
    uint64_t sum = 0;
    const int64_t begin = bench_now();
    (void)self;
    for (size_t call = 0; call < state.miss_calls; call++)
        if (!map_and_read(&sum, &state.sparse.file, places[call], sizeof(uint64_t)))
            return bench_fail("mmap or munmap", 0);
    const int64_t elapsed = bench_now() - begin;
    return check_places(sum, places, elapsed);
}

static bool open_window(struct opened *opened, uint64_t budget)
{
    int err = mmf_map_from_file(&opened->map, opened->file.path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (!err)
        err = mmf_window_open(&opened->window, opened->map, MMF_WINDOW_OPTIONS(.budget = budget));
    if (err)
        bench_fail(opened->file.path, err);
    return !err;
}

/* References a range and reads a byte of each page of it. */
static bool touch(mmf_window *window, uint64_t offset, size_t size)
{
    const unsigned char *bytes = NULL;
    void *data = NULL;
    uint64_t sum = 0;
    int err = mmf_window_ref(window, offset, size, &data);
    if (err) {
        bench_fail("mmf_window_ref", err);
        return false;
    }
    bytes = data;
    for (size_t at = 0; at < size; at += PAGE)
        sum += bytes[at];
    bench_keep(sum + bytes[size - 1]);
    err = mmf_window_unref(window, data);
    if (err)
        bench_fail("mmf_window_unref", err);
    return !err;
}

/*
 * Every page in a scattered order, for a straight walk would get large chunks, and then every range that will be asked
 * for: those that cross from one chunk into the next one get a chunk of their own.
 */
static bool warm_up(void)
{
    enum { PIECE = 65536, PIECES = WORKING_SET / PIECE, STEP = 179 };
    bool touched = true;
    for (uint64_t piece = 0; piece < PIECES && touched; piece++)
        touched = touch(state.cached.window, piece * STEP % PIECES * PIECE, PIECE);
    for (size_t index = 0; index < HIT_CALLS && touched; index++)
        touched = touch(state.cached.window, position_of(state.positions[index]), LONGEST);
    return touched;
}

/* Data at one random place of each part of the file; the order is shuffled. */
static bool fill_places(void)
{
    static uint64_t words[PLACE / 8];
    const uint64_t part = SPARSE_SIZE / state.place_count;
    uint64_t seed = bench_seed();
    for (size_t place = 0; place < state.place_count; place++) {
        const uint64_t offset = place * part + bench_random(&seed) % (part / PLACE) * PLACE;
        for (size_t word = 0; word < PLACE / 8; word++)
            words[word] = bench_word(offset + word * 8);
        if (pwrite(state.sparse.file.descriptor, words, PLACE, (off_t)offset) != PLACE) {
            bench_fail(state.sparse.file.path, 0);
            return false;
        }
        state.places[place] = offset + bench_random(&seed) % (PLACE / 8) * 8;
    }
    for (size_t place = state.place_count - 1; place > 0; place--) {
        const size_t other = (size_t)(bench_random(&seed) % (place + 1));
        const uint64_t kept = state.places[place];
        state.places[place] = state.places[other];
        state.places[other] = kept;
    }
    if (fdatasync(state.sparse.file.descriptor) == 0)
        return true;
    bench_fail(state.sparse.file.path, 0);
    return false;
}

static uint32_t draw_position(uint64_t *seed)
{
    const uint64_t word = bench_random(seed) % ((WORKING_SET - LONGEST) / 8);
    return (uint32_t)(word << 8 | (bench_random(seed) >> 32 & 255));
}

static bool set_up(const struct bench_options *options)
{
    uint64_t seed = bench_seed();
    state.cached.file.descriptor = state.sparse.file.descriptor = -1;
    state.place_count = options->quick ? QUICK_PLACES : PLACES;
    state.miss_calls = options->quick ? QUICK_MISS_CALLS : MISS_CALLS;
    state.positions = malloc(HIT_CALLS * sizeof *state.positions);
    state.places = malloc(state.place_count * sizeof *state.places);
    if (!state.positions || !state.places) {
        bench_fail("malloc", 0);
        return false;
    }
    for (size_t index = 0; index < HIT_CALLS; index++)
        state.positions[index] = draw_position(&seed);
    return bench_file_create(&state.cached.file, options, "cached", WORKING_SET, BENCH_FILLED) &&
           bench_file_create(&state.sparse.file, options, "sparse", SPARSE_SIZE, BENCH_SPARSE) && fill_places() &&
           open_window(&state.cached, BUDGET) && open_window(&state.sparse, SPARSE_BUDGET) && warm_up();
}

static void close_window(struct opened *opened)
{
    mmf_window_close(&opened->window);
    mmf_map_close(&opened->map);
    bench_file_remove(&opened->file);
}

static void tear_down(void)
{
    close_window(&state.cached);
    close_window(&state.sparse);
    free(state.positions);
    free(state.places);
}

int main(int argc, char **argv)
{
    static struct bench_case cases[] = {
        {.what = "mmap, read a word, munmap: cached, 32 MiB",
         .run = run_raw,
         .prepare = prepare_hits,
         .parameter = RAW_CALLS,
         .unit = BENCH_NANOSECONDS},
        {.what = "ref, unref: mapped, 32 MiB of a budget of 64 MiB",
         .ratio_to = "mmap, read a word, munmap: cached, 32 MiB",
         .run = run_hits,
         .prepare = prepare_hits,
         .parameter = HIT_CALLS / 4,
         .unit = BENCH_NANOSECONDS},
        {.what = "ref, read a word, unref: mapped, 32 MiB of a budget of 64 MiB",
         .ratio_to = "mmap, read a word, munmap: cached, 32 MiB",
         .run = run_hits_reading,
         .prepare = prepare_hits,
         .parameter = HIT_CALLS / 4,
         .unit = BENCH_NANOSECONDS},
        {.what = "mmap one page, read a word, munmap: 64 GiB, sparse",
         .run = run_raw_misses,
         .prepare = prepare_misses,
         .unit = BENCH_NANOSECONDS},
        {.what = "ref, read a word, unref: not mapped, 64 GiB, sparse",
         .ratio_to = "mmap one page, read a word, munmap: 64 GiB, sparse",
         .run = run_misses,
         .prepare = prepare_misses,
         .unit = BENCH_NANOSECONDS},
    };
    static const struct bench_check checks[] = {
        {"ref, unref: mapped, 32 MiB of a budget of 64 MiB", BENCH_VALUE, BENCH_AT_MOST, 15},
        {"ref, unref: mapped, 32 MiB of a budget of 64 MiB", BENCH_RATIO, BENCH_AT_MOST, 0.01},
        {"ref, read a word, unref: not mapped, 64 GiB, sparse", BENCH_RATIO, BENCH_AT_MOST, 1.2},
    };
    struct bench_program program = {
        .question = "What does a reference into a window cost, where its bytes are mapped and where they are not?",
        .target = "mapped: at most 15 ns, and 1/100 of mmap and munmap; not mapped: at most 1.2x of them",
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
