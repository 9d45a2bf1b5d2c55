/* support.h: what every benchmark needs: the clock, interleaved rounds, medians with spread, the report, test files. */
#ifndef MMF_BENCH_SUPPORT_H
#define MMF_BENCH_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes: a target that is missed is a result, not a failure. */
enum { BENCH_DONE = 0, BENCH_FAILED = 1, BENCH_USAGE = 2, BENCH_SKIPPED = 77 };

struct bench_options {
    unsigned rounds;       /* measured rounds; one more is run before them and thrown away */
    bool quick;            /* small sizes: to see that the program is right, not to measure */
    const char *directory; /* where test files are made; a real disk */
};

enum bench_unit {
    BENCH_NANOSECONDS,  /* time for one operation: less is better */
    BENCH_MICROSECONDS, /* the same */
    BENCH_PER_SECOND,   /* operations in a second: more is better */
    BENCH_GB_PER_SECOND /* an operation is a byte; 10^9 bytes in a second: more is better */
};

/* Median and quartiles. */
struct bench_spread {
    double median;
    double low;
    double high;
};

/*
 * One of the ways that are compared. Every round runs each case once, or once in each slice, in an order that changes,
 * so that whatever disturbs the machine meets all of them. A ratio is computed inside a round, and the median is taken
 * of the ratios, not the ratio of the medians.
 */
struct bench_case {
    const char *what;
    const char *ratio_to; /* `what` of another case; NULL: none */
    enum bench_unit unit;
    double operations; /* of one run; the run may set it */

    /* Not timed; before every run; may be NULL. False: failed, and has said why. */
    bool (*prepare)(struct bench_case *self);
    /* Returns the nanoseconds it took, negative: failed, and has said why. Checks its results outside that time. */
    int64_t (*run)(struct bench_case *self);
    void *context;
    uint64_t parameter;

    /* Filled in by bench_run(). */
    int64_t round_elapsed;
    double round_operations;
    double *samples;
    struct bench_spread value;
    struct bench_spread ratio;
};

/* A target: the median of a case's value or ratio against a limit. */
struct bench_check {
    const char *what;
    enum { BENCH_VALUE, BENCH_RATIO } of;
    enum { BENCH_AT_MOST, BENCH_AT_LEAST } bound;
    double limit;
};

struct bench_program {
    const char *question;
    const char *target; /* in words; NULL: the program only reports */
    struct bench_case *cases;
    size_t case_count;
    size_t slices; /* how often a round comes to each case: many short runs share a disturbance fairly; 0: once */
    const struct bench_check *checks;
    size_t check_count;
};

/* Reads --rounds, --quick and --directory; on --help and on wrong usage it ends the process. */
void bench_read_options(struct bench_options *options, int argc, char **argv, const char *question);

/* Runs all rounds, prints a table to standard error and one JSON object to standard output. Returns an exit code. */
int bench_run(struct bench_program *program, const struct bench_options *options);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t bench_now(void);

/* Random numbers (xorshift64*); the state must not be 0. Seed: bench_seed(), from the clock. */
uint64_t bench_random(uint64_t *state);
uint64_t bench_seed(void);

/* Keeps the compiler from dropping a computation whose result nobody needs. */
void bench_keep(uint64_t value);

/* Says on standard error what failed; `code` is a libmmf code, or 0 for errno, which is kept. Returns -1. */
int bench_fail(const char *what, int code);

/*
 * A file for the test, removed by bench_file_remove() and also when the process ends or is interrupted. Filled files
 * hold bench_word(p) in the eight bytes at every p that is a multiple of eight, are synced, and lie in the page cache.
 */
struct bench_file {
    char path[4096];
    int descriptor; /* open for reading and writing */
    uint64_t size;
};

enum bench_content { BENCH_SPARSE, BENCH_FILLED };

/* False: failed, and has said why. `kind` is part of the file's name. */
bool bench_file_create(struct bench_file *file, const struct bench_options *options, const char *kind, uint64_t size,
                       enum bench_content content);
void bench_file_remove(struct bench_file *file);

/* What a filled file holds at a position; sums over many positions are easy to predict. */
static inline uint64_t bench_word(uint64_t position)
{
    return position * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

#define BENCH_KIB UINT64_C(1024)
#define BENCH_MIB (1024 * BENCH_KIB)
#define BENCH_GIB (1024 * BENCH_MIB)
#define BENCH_TIB (1024 * BENCH_GIB)
#define BENCH_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
