/* sequential_get.c: what a typed get costs when it walks through memory that is in the processor's cache. */
#include "support.h"

#include "mmf/mmf.h"

#include <stdio.h>
#include <string.h>

enum { REGION = 256 * 1024, PASSES = 2, SLICES = 16, QUICK_SLICES = 1 };

static struct {
    mmf_map *map;
    mmf_view *view;
    unsigned char *data;
    unsigned passes;
} state;

/* One byte of each value is added up, so that the value is needed. */
#define FIRST_BYTE(value) (*(const unsigned char *)(const void *)&(value))

/* Bytes that are valid for the type: a bool is 0 or 1, a decimal (16 bytes) has no reserved flag. */
static void fill(size_t size, bool is_bool)
{
    for (size_t at = 0; at < REGION; at++)
        state.data[at] = (unsigned char)(is_bool ? at * 37 >> 3 & 1 : at * 37 >> 3);
    if (size == 16)
        for (size_t at = 12; at < REGION; at += 16)
            memset(state.data + at, 0, 4);
}

/* The preparation checks every value; the raw peer is a volatile pointer: one load an element, never a vector. */
#define DEFINE_TYPE(suffix, type)                                                                                      \
    static bool prepare_##suffix(struct bench_case *self)                                                              \
    {                                                                                                                  \
        fill(sizeof(type), strcmp(#suffix, "bool") == 0);                                                              \
        self->operations = (double)state.passes * (double)(REGION / sizeof(type));                                     \
        for (size_t at = 0; at < REGION; at += sizeof(type)) {                                                         \
            type value;                                                                                                \
            int err = mmf_view_get_##suffix(state.view, at, &value);                                                   \
            if (err || memcmp(&value, state.data + at, sizeof value) != 0) {                                           \
                bench_fail("mmf_view_get_" #suffix, err ? err : MMF_ECORRUPT);                                         \
                return false;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        return true;                                                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    static int64_t get_##suffix(struct bench_case *self)                                                               \
    {                                                                                                                  \
        (void)self;                                                                                                    \
        const mmf_view *view = state.view;                                                                             \
        unsigned passes = state.passes;                                                                                \
        uint64_t sum = 0;                                                                                              \
        int64_t begin = bench_now();                                                                                   \
        for (unsigned pass = 0; pass < passes; pass++)                                                                 \
            for (uint64_t position = 0; position < REGION; position += sizeof(type)) {                                 \
                type value;                                                                                            \
                int err = mmf_view_get_##suffix(view, position, &value);                                               \
                if (err)                                                                                               \
                    return bench_fail("mmf_view_get_" #suffix, err);                                                   \
                sum += FIRST_BYTE(value);                                                                              \
            }                                                                                                          \
        int64_t elapsed = bench_now() - begin;                                                                         \
        bench_keep(sum);                                                                                               \
        return elapsed;                                                                                                \
    }                                                                                                                  \
                                                                                                                       \
    static int64_t raw_##suffix(struct bench_case *self)                                                               \
    {                                                                                                                  \
        (void)self;                                                                                                    \
        const volatile type *values = (const volatile type *)(const volatile void *)state.data;                        \
        unsigned passes = state.passes;                                                                                \
        uint64_t sum = 0;                                                                                              \
        int64_t begin = bench_now();                                                                                   \
        for (unsigned pass = 0; pass < passes; pass++)                                                                 \
            for (size_t index = 0; index < REGION / sizeof(type); index++) {                                           \
                type value = values[index];                                                                            \
                sum += FIRST_BYTE(value);                                                                              \
            }                                                                                                          \
        int64_t elapsed = bench_now() - begin;                                                                         \
        bench_keep(sum);                                                                                               \
        return elapsed;                                                                                                \
    }
MMF_TYPES(DEFINE_TYPE)

/* The same through mmf_get(), which a C program chooses by the type of its variable. */
static int64_t get_generic(struct bench_case *self)
{
    (void)self;
    const mmf_view *view = state.view;
    uint64_t sum = 0;
    int64_t begin = bench_now();
    for (unsigned pass = 0; pass < state.passes; pass++)
        for (uint64_t position = 0; position < REGION; position += sizeof(uint64_t)) {
            uint64_t value;
            int err = mmf_get(view, position, &value);
            if (err)
                return bench_fail("mmf_get", err);
            sum += FIRST_BYTE(value);
        }
    int64_t elapsed = bench_now() - begin;
    bench_keep(sum);
    return elapsed;
}

/* Memory, so that the machine's disk has no say; a cached file's pages cost the same. */
static bool set_up(void)
{
    int err = mmf_map_create(&state.map, NULL, REGION, NULL);
    if (!err)
        err = mmf_view_open(&state.view, state.map, 0, 0, NULL);
    if (err)
        bench_fail("a map of memory", err);
    state.data = mmf_view_mutable(state.view);
    return !err;
}

int main(int argc, char **argv)
{
#define CASES(suffix, type)                                                                                            \
    {.what = "raw pointer, " #suffix, .run = raw_##suffix, .prepare = prepare_##suffix},                               \
        {.what = "mmf_view_get_" #suffix,                                                                              \
         .run = get_##suffix,                                                                                          \
         .prepare = prepare_##suffix,                                                                                  \
         .ratio_to = "raw pointer, " #suffix},
    static struct bench_case cases[] = {
        MMF_TYPES(CASES){.what = "mmf_get(view, position, &u64)",
                         .run = get_generic,
                         .prepare = prepare_u64,
                         .ratio_to = "raw pointer, u64"}
    };
#define CHECK(suffix, type) {"mmf_view_get_" #suffix, BENCH_VALUE, BENCH_AT_MOST, 3},
    static const struct bench_check checks[] = { MMF_TYPES(CHECK) };
    struct bench_program program = {
        .question = "What does a sequential in-cache get cost?",
        .target = "at most 3 ns a call, for every type",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
        .slices = SLICES,
        .checks = checks,
        .check_count = BENCH_COUNT(checks),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    state.passes = PASSES;
    if (options.quick)
        program.slices = QUICK_SLICES;
    int code = set_up() ? bench_run(&program, &options) : BENCH_FAILED;
    mmf_view_close(&state.view);
    mmf_map_close(&state.map);
    return code;
}
