/* guard_copy.c: what mmf_guard_copy() costs beside memcpy(), from one byte to 32 MiB, aligned and not. */
#include "support.h"

#include "mmf/mmf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t sizes[] = {1,     2,      3,       4,       7,       8,        12,      16,    24,
                               32,    48,     64,      96,      128,     192,      256,     384,   512,
                               768,   1024,   1536,    2048,    3072,    4096,     8192,    16384, 32768,
                               65536, 262144, 1048576, 4194304, 8388608, 16777216, 33554432};

/*
 * Aligned: both at the beginning of a page. Else at odd distances from it. WORK is about what one run copies, in bytes,
 * where a call counts as CALL bytes.
 */
enum { SIZES = BENCH_COUNT(sizes), PLACES = 2, WAYS = 2, CASES = SIZES * PLACES * WAYS, PAGE = 4096 };
enum { WORK = 8 * 1024 * 1024, QUICK_WORK = 64 * 1024, CALL = 64, QUICK_LARGEST = 65536 };
static const size_t target_shift[PLACES] = {0, 13};
static const size_t source_shift[PLACES] = {0, 39};

/* Called as a user's compiler has to call them: by an address it knows nothing about. */
static void *(*volatile plain_copy)(void *, const void *, size_t) = memcpy;
static int (*volatile guarded_copy)(void *, const void *, size_t, size_t *) = mmf_guard_copy;

static unsigned char *target;
static unsigned char *source;
static size_t work = WORK;

static size_t size_of(const struct bench_case *self)
{
    return sizes[self->parameter / PLACES];
}

static size_t place_of(const struct bench_case *self)
{
    return (size_t)self->parameter % PLACES;
}

/* Another byte each time, so that a copy that does nothing is found out. */
static bool prepare(struct bench_case *self)
{
    static unsigned char turn;
    const size_t size = size_of(self);
    unsigned char *from = source + source_shift[place_of(self)];
    turn++;
    from[0] = turn;
    from[size / 2] = (unsigned char)(turn + 1);
    from[size - 1] = (unsigned char)(turn + 2);
    self->operations = (double)(work / (size + CALL) + 1);
    return true;
}

static int64_t finish(const struct bench_case *self, int64_t begin)
{
    int64_t took = bench_now() - begin;
    if (memcmp(target + target_shift[place_of(self)], source + source_shift[place_of(self)], size_of(self)) != 0)
        return bench_fail("compare", MMF_ECORRUPT);
    return took;
}

static int64_t run_plain(struct bench_case *self)
{
    const size_t size = size_of(self);
    unsigned char *to = target + target_shift[place_of(self)];
    const unsigned char *from = source + source_shift[place_of(self)];
    const size_t count = (size_t)self->operations;
    int64_t begin = bench_now();
    for (size_t i = 0; i < count; i++)
        plain_copy(to, from, size);
    return finish(self, begin);
}

static int64_t run_guarded(struct bench_case *self)
{
    const size_t size = size_of(self);
    unsigned char *to = target + target_shift[place_of(self)];
    const unsigned char *from = source + source_shift[place_of(self)];
    const size_t count = (size_t)self->operations;
    int64_t begin = bench_now();
    for (size_t i = 0; i < count; i++) {
        size_t done;
        int err = guarded_copy(to, from, size, &done);
        if (err)
            return bench_fail("mmf_guard_copy", err);
    }
    return finish(self, begin);
}

static char names[CASES][64];
static struct bench_case cases[CASES];
static struct bench_check checks[SIZES * PLACES];

static size_t make_cases(size_t largest)
{
    size_t count = 0;
    for (size_t i = 0; i < SIZES * PLACES && sizes[i / PLACES] <= largest; i++, count += WAYS) {
        const char *place = i % PLACES ? "unaligned" : "aligned";
        snprintf(names[count], sizeof names[count], "memcpy, %zu bytes, %s", sizes[i / PLACES], place);
        snprintf(names[count + 1], sizeof names[count + 1], "mmf_guard_copy, %zu bytes, %s", sizes[i / PLACES], place);
        cases[count] = (struct bench_case){
            .what = names[count], .unit = BENCH_NANOSECONDS, .prepare = prepare, .run = run_plain, .parameter = i};
        cases[count + 1] = (struct bench_case){.what = names[count + 1],
                                               .ratio_to = names[count],
                                               .unit = BENCH_NANOSECONDS,
                                               .prepare = prepare,
                                               .run = run_guarded,
                                               .parameter = i};
        checks[i] = (struct bench_check){.what = names[count + 1],
                                         .of = BENCH_RATIO,
                                         .bound = BENCH_AT_MOST,
                                         .limit = sizes[i / PLACES] >= PAGE ? 1.15 : 1.3};
    }
    return count;
}

static unsigned char *make_buffer(size_t size)
{
    unsigned char *buffer = aligned_alloc(PAGE, size);
    if (buffer)
        memset(buffer, 1, size); /* touched: no page fault is measured */
    return buffer;
}

int main(int argc, char **argv)
{
    static const char question[] = "mmf_guard_copy() beside memcpy(), 1 byte to 32 MiB";
    struct bench_options options;
    bench_read_options(&options, argc, argv, question);
    const size_t largest = options.quick ? QUICK_LARGEST : sizes[SIZES - 1];
    int result = BENCH_FAILED;
    if (options.quick)
        work = QUICK_WORK;
    target = make_buffer(largest + 2 * PAGE);
    source = make_buffer(largest + 2 * PAGE);
    if (!target || !source) {
        bench_fail("aligned_alloc", 0);
    } else {
        size_t count = make_cases(largest);
        struct bench_program program = {.question = question,
                                        .target = "at most 1.15 times memcpy() from 4 KiB up, 1.3 times below",
                                        .cases = cases,
                                        .case_count = count,
                                        .checks = checks,
                                        .check_count = count / WAYS};
        result = bench_run(&program, &options);
    }
    free(target);
    free(source);
    return result;
}
