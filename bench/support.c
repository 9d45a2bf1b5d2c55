/* support.c: the rounds, the statistics and the report that all benchmarks share. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_ROUNDS = 15, QUICK_ROUNDS = 3, MAXIMUM_ROUNDS = 10000, MAXIMUM_FILES = 8 };

static void usage(FILE *to, const char *program, const char *question)
{
    fprintf(to,
            "%s\n\nusage: %s [--rounds N] [--quick] [--directory DIR]\n\n"
            "  --rounds N       measured rounds, 1 to %d (default %d, with --quick %d)\n"
            "  --quick          small sizes: to see that the program works, not to measure\n"
            "  --directory DIR  where test files are made; should be on a disk (default: TMPDIR, else /var/tmp)\n\n"
            "One JSON object goes to standard output, a table to standard error.\n",
            question, program, MAXIMUM_ROUNDS, DEFAULT_ROUNDS, QUICK_ROUNDS);
}

static bool read_rounds(unsigned *rounds, const char *text)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > MAXIMUM_ROUNDS)
        return false;
    *rounds = (unsigned)value;
    return true;
}

void bench_read_options(struct bench_options *options, int argc, char **argv, const char *question)
{
    static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
                                          {"quick", no_argument, NULL, 'q'},
                                          {"directory", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *directory = getenv("TMPDIR");
    *options = (struct bench_options){.directory = directory && *directory ? directory : "/var/tmp"};
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (letter == 'q')
            options->quick = true;
        else if (letter == 'd')
            options->directory = optarg;
        else if (letter == 'h')
            usage(stdout, argv[0], question), exit(BENCH_DONE);
        else if (letter != 'r' || !read_rounds(&options->rounds, optarg))
            usage(stderr, argv[0], question), exit(BENCH_USAGE);
    }
    if (optind != argc)
        usage(stderr, argv[0], question), exit(BENCH_USAGE);
    if (!options->rounds)
        options->rounds = options->quick ? QUICK_ROUNDS : DEFAULT_ROUNDS;
}

int64_t bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t bench_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

uint64_t bench_seed(void)
{
    return (uint64_t)bench_now() | 1;
}

void bench_keep(uint64_t value)
{
    __asm__ volatile("" : : "m"(value));
}

int bench_fail(const char *what, int code)
{
    int saved = errno;
    const mmf_error *error = mmf_last_error();
    if (!code)
        fprintf(stderr, "failed: %s: %s\n", what, strerror(saved));
    else if (error->code == code && error->os_error)
        fprintf(stderr, "failed: %s: %s (%s: %s)\n", what, mmf_error_text(code),
                error->operation ? error->operation : "system", strerror(error->os_error));
    else
        fprintf(stderr, "failed: %s: %s\n", what, mmf_error_text(code));
    errno = saved;
    return -1;
}

/* ---- files ---- */

/* Paths to remove when the process ends; each is set before its file exists and never freed, for the signal handler. */
static char removable[MAXIMUM_FILES][sizeof(((struct bench_file *)0)->path)];
static volatile sig_atomic_t removable_count;

static void remove_all(void)
{
    for (sig_atomic_t index = 0; index < removable_count; index++)
        if (removable[index][0])
            unlink(removable[index]);
}

static void interrupted(int number)
{
    remove_all();
    _exit(128 + number);
}

static bool remember(const char *path)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    if (removable_count == MAXIMUM_FILES) {
        fprintf(stderr, "failed: more than %d test files\n", MAXIMUM_FILES);
        return false;
    }
    if (!removable_count) {
        atexit(remove_all);
        for (size_t index = 0; index < BENCH_COUNT(signals); index++) {
            struct sigaction action = {.sa_handler = interrupted};
            sigaction(signals[index], &action, NULL);
        }
    }
    strcpy(removable[removable_count], path);
    removable_count = removable_count + 1;
    return true;
}

static bool fill(struct bench_file *file)
{
    enum { WORDS = 1 << 17 };
    uint64_t *words = malloc(WORDS * sizeof *words);
    if (!words) {
        bench_fail("malloc", 0);
        return false;
    }
    bool filled = true;
    for (uint64_t at = 0; filled && at < file->size; at += WORDS * sizeof *words) {
        for (size_t index = 0; index < WORDS; index++)
            words[index] = bench_word(at + index * sizeof *words);
        size_t part = file->size - at < WORDS * sizeof *words ? (size_t)(file->size - at) : WORDS * sizeof *words;
        filled = pwrite(file->descriptor, words, part, (off_t)at) == (ssize_t)part;
    }
    filled = filled && fsync(file->descriptor) == 0;
    if (!filled)
        bench_fail(file->path, 0);
    free(words);
    return filled;
}

bool bench_file_create(struct bench_file *file, const struct bench_options *options, const char *kind, uint64_t size,
                       enum bench_content content)
{
    file->size = size;
    file->descriptor = -1;
    int length =
        snprintf(file->path, sizeof file->path, "%s/mmf-bench-%ld-%s", options->directory, (long)getpid(), kind);
    if (length < 0 || (size_t)length >= sizeof file->path) {
        fprintf(stderr, "failed: the path of the directory is too long\n");
        return false;
    }
    if (!remember(file->path))
        return false;
    file->descriptor = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->descriptor < 0) {
        bench_fail(file->path, 0);
        return false;
    }
    if (content == BENCH_FILLED)
        return fill(file);
    if (ftruncate(file->descriptor, (off_t)size)) {
        bench_fail(file->path, 0);
        return false;
    }
    return true;
}

void bench_file_remove(struct bench_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
    for (sig_atomic_t index = 0; index < removable_count; index++)
        if (strcmp(removable[index], file->path) == 0 && unlink(file->path) == 0)
            removable[index][0] = '\0';
}

/* ---- statistics ---- */

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Linear between the two nearest samples, as R's type 7. Sorts the samples. */
static double quantile(const double *sorted, unsigned count, double part)
{
    double place = part * (count - 1);
    unsigned below = (unsigned)place;
    double next = below + 1 < count ? sorted[below + 1] : sorted[below];
    return sorted[below] + (place - below) * (next - sorted[below]);
}

static struct bench_spread spread(double *samples, unsigned count)
{
    qsort(samples, count, sizeof *samples, ascending);
    return (struct bench_spread){.median = quantile(samples, count, 0.5),
                                 .low = quantile(samples, count, 0.25),
                                 .high = quantile(samples, count, 0.75)};
}

/* Ends the process when there is none: the program is wrong. */
static struct bench_case *find_case(const struct bench_program *program, const char *what)
{
    for (size_t index = 0; index < program->case_count; index++)
        if (strcmp(program->cases[index].what, what) == 0)
            return &program->cases[index];
    fprintf(stderr, "failed: no case is called \"%s\"\n", what);
    exit(BENCH_FAILED);
}

/* The ratios first: computing a spread sorts the samples, which loses the rounds. */
static void summarize(struct bench_program *program, unsigned rounds, double *scratch)
{
    for (size_t index = 0; index < program->case_count; index++) {
        struct bench_case *one = &program->cases[index];
        if (!one->ratio_to)
            continue;
        const struct bench_case *other = find_case(program, one->ratio_to);
        for (unsigned round = 0; round < rounds; round++)
            scratch[round] = one->samples[round] / other->samples[round];
        one->ratio = spread(scratch, rounds);
    }
    for (size_t index = 0; index < program->case_count; index++)
        program->cases[index].value = spread(program->cases[index].samples, rounds);
}

static double in_unit(const struct bench_case *one, int64_t nanoseconds, double operations)
{
    double elapsed = nanoseconds > 0 ? (double)nanoseconds : 1;
    switch (one->unit) {
    case BENCH_NANOSECONDS:
        return elapsed / operations;
    case BENCH_MICROSECONDS:
        return elapsed / operations / 1e3;
    case BENCH_PER_SECOND:
        return operations / elapsed * 1e9;
    case BENCH_GB_PER_SECOND:
        return operations / elapsed;
    }
    return NAN;
}

/* Every slice begins with another case, and every other one goes backwards: nobody always follows the same one. */
static struct bench_case *case_of_turn(struct bench_program *program, size_t slice, size_t turn)
{
    size_t place = slice % 2 ? program->case_count - 1 - turn : turn;
    return &program->cases[(place + slice) % program->case_count];
}

static bool run_case(struct bench_case *one)
{
    if (one->prepare && !one->prepare(one)) {
        fprintf(stderr, "failed: preparing \"%s\"\n", one->what);
        return false;
    }
    int64_t elapsed = one->run(one);
    if (elapsed < 0) {
        fprintf(stderr, "failed: \"%s\"\n", one->what);
        return false;
    }
    one->round_elapsed += elapsed;
    one->round_operations += one->operations;
    return true;
}

/* Round 0 warms up: its samples are overwritten by round 1. */
static bool run_rounds(struct bench_program *program, unsigned rounds)
{
    const size_t slices = program->slices ? program->slices : 1;
    for (unsigned round = 0; round <= rounds; round++) {
        for (size_t index = 0; index < program->case_count; index++) {
            program->cases[index].round_elapsed = 0;
            program->cases[index].round_operations = 0;
        }
        for (size_t slice = 0; slice < slices; slice++)
            for (size_t turn = 0; turn < program->case_count; turn++)
                if (!run_case(case_of_turn(program, round * slices + slice, turn)))
                    return false;
        for (size_t index = 0; index < program->case_count; index++) {
            struct bench_case *one = &program->cases[index];
            one->samples[round ? round - 1 : 0] = in_unit(one, one->round_elapsed, one->round_operations);
        }
    }
    return true;
}

/* ---- report ---- */

/* A program built without optimization says nothing about speed, nor does the library built beside it. */
#ifdef __OPTIMIZE__
static const bool is_optimized = true;
#else
static const bool is_optimized = false;
#endif

static bool met(const struct bench_program *program, const struct bench_check *check)
{
    const struct bench_case *one = find_case(program, check->what);
    double seen = check->of == BENCH_VALUE ? one->value.median : one->ratio.median;
    return check->bound == BENCH_AT_MOST ? seen <= check->limit : seen >= check->limit;
}

static bool all_met(const struct bench_program *program)
{
    bool all = true;
    for (size_t index = 0; index < program->check_count; index++)
        all = met(program, &program->checks[index]) && all;
    return all;
}

static const char *unit_name(enum bench_unit unit)
{
    static const char *const names[] = {"ns", "us", "/s", "GB/s"};
    return names[unit];
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= ' ')
            putchar(*text);
    }
    putchar('"');
}

/* The value of the first line of a file that begins with `key`, without what stands between them. */
static void read_line(char *value, size_t room, const char *path, const char *key)
{
    char line[512];
    snprintf(value, room, "unknown");
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        const char *text = line + strlen(key);
        snprintf(value, room, "%s", text + strspn(text, " \t:"));
        break;
    }
    if (file)
        fclose(file);
}

static void print_machine(void)
{
    char cpu[256], load[64];
    struct utsname system;
    read_line(cpu, sizeof cpu, "/proc/cpuinfo", "model name");
    read_line(load, sizeof load, "/proc/loadavg", "");
    load[strcspn(load, " ")] = '\0';
    if (uname(&system))
        strcpy(system.sysname, "unknown"), system.release[0] = system.machine[0] = '\0';
    printf("  \"machine\": {\"cpu\": ");
    print_text(cpu);
    printf(", \"kernel\": \"%s %s %s\", \"cores\": %ld, \"load\": ", system.sysname, system.release, system.machine,
           sysconf(_SC_NPROCESSORS_ONLN));
    print_text(load);
    printf("},\n");
}

static void print_result(const struct bench_case *one)
{
    printf("    {\"what\": ");
    print_text(one->what);
    printf(", \"value\": %.6g, \"unit\": \"%s\", \"low\": %.6g, \"high\": %.6g", one->value.median,
           unit_name(one->unit), one->value.low, one->value.high);
    if (one->ratio_to) {
        printf(", \"ratio_to\": ");
        print_text(one->ratio_to);
        printf(", \"ratio\": %.4g, \"ratio_low\": %.4g, \"ratio_high\": %.4g", one->ratio.median, one->ratio.low,
               one->ratio.high);
    }
    putchar('}');
}

static void print_check(const struct bench_program *program, const struct bench_check *check)
{
    printf("    {\"what\": ");
    print_text(check->what);
    printf(", \"of\": \"%s\", \"bound\": \"%s\", \"limit\": %g, \"met\": %s}",
           check->of == BENCH_VALUE ? "value" : "ratio", check->bound == BENCH_AT_MOST ? "at most" : "at least",
           check->limit, met(program, check) ? "true" : "false");
}

static void print_json(const struct bench_program *program, const struct bench_options *options)
{
    printf("{\n  \"question\": ");
    print_text(program->question);
    printf(",\n");
    print_machine();
    printf("  \"rounds\": %u,\n  \"quick\": %s,\n  \"optimized\": %s,\n  \"results\": [\n", options->rounds,
           options->quick ? "true" : "false", is_optimized ? "true" : "false");
    for (size_t index = 0; index < program->case_count; index++) {
        print_result(&program->cases[index]);
        printf(index + 1 < program->case_count ? ",\n" : "\n");
    }
    printf("  ],\n  \"checks\": [\n");
    for (size_t index = 0; index < program->check_count; index++) {
        print_check(program, &program->checks[index]);
        printf(index + 1 < program->check_count ? ",\n" : "\n");
    }
    printf("  ],\n  \"target\": ");
    if (program->target)
        print_text(program->target);
    else
        printf("null");
    printf(",\n  \"met\": %s\n}\n", !program->check_count ? "null" : all_met(program) ? "true" : "false");
}

static void print_table(const struct bench_program *program, const struct bench_options *options)
{
    fprintf(stderr, "%s\n%u rounds%s%s; median (quartiles)\n\n", program->question, options->rounds,
            options->quick ? ", --quick: not a measurement" : "", is_optimized ? "" : ", built without optimization");
    for (size_t index = 0; index < program->case_count; index++) {
        const struct bench_case *one = &program->cases[index];
        fprintf(stderr, "  %-44s %9.4g %-4s (%.4g to %.4g)", one->what, one->value.median, unit_name(one->unit),
                one->value.low, one->value.high);
        if (one->ratio_to)
            fprintf(stderr, "  %.3gx (%.3g to %.3g) of %s", one->ratio.median, one->ratio.low, one->ratio.high,
                    one->ratio_to);
        fputc('\n', stderr);
    }
    for (size_t index = 0; index < program->check_count; index++) {
        const struct bench_check *check = &program->checks[index];
        if (!met(program, check))
            fprintf(stderr, "  missed: %s, %s %s %g\n", check->what, check->of == BENCH_VALUE ? "value" : "ratio",
                    check->bound == BENCH_AT_MOST ? "at most" : "at least", check->limit);
    }
    if (program->check_count)
        fprintf(stderr, "\n  target: %s: %s\n\n", program->target, all_met(program) ? "met" : "not met");
    else
        fputc('\n', stderr);
}

/* Before hours are spent: every case and check refers to a case there is. */
static void check_names(const struct bench_program *program)
{
    for (size_t index = 0; index < program->case_count; index++)
        if (program->cases[index].ratio_to)
            find_case(program, program->cases[index].ratio_to);
    for (size_t index = 0; index < program->check_count; index++)
        if (!find_case(program, program->checks[index].what)->ratio_to && program->checks[index].of == BENCH_RATIO) {
            fprintf(stderr, "failed: \"%s\" has no ratio\n", program->checks[index].what);
            exit(BENCH_FAILED);
        }
}

int bench_run(struct bench_program *program, const struct bench_options *options)
{
    check_names(program);
    unsigned rounds = options->rounds;
    double *samples = calloc((program->case_count + 1) * rounds, sizeof *samples);
    if (!samples) {
        bench_fail("malloc", 0);
        return BENCH_FAILED;
    }
    for (size_t index = 0; index < program->case_count; index++)
        program->cases[index].samples = samples + index * rounds;
    int code = BENCH_FAILED;
    if (run_rounds(program, rounds)) {
        summarize(program, rounds, samples + program->case_count * rounds);
        print_table(program, options);
        print_json(program, options);
        code = fflush(stdout) || ferror(stdout) ? BENCH_FAILED : BENCH_DONE;
    }
    for (size_t index = 0; index < program->case_count; index++)
        program->cases[index].samples = NULL;
    free(samples);
    return code;
}
