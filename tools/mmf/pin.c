/* pin.c: mmf pin: keeps pages of files in memory until it is stopped. */
#include "jobs.h"
#include "sizes.h"
#include "source.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

struct pin_options {
    struct optional at;
    struct optional size;
    struct optional seconds;
    bool json;
};

/* One pinned file: the view holds the lock. */
struct pin {
    struct source source;
    mmf_range range;
    mmf_view *view;
};

static const char summary[] = "Locks the pages of each FILE in memory, says so, and keeps them until SIGINT,\n"
                              "SIGTERM or SIGHUP comes or the time is over; that is done, exit code 0. A file\n"
                              "that was made shorter meanwhile is an error then. When one file cannot be\n"
                              "locked none is. The limit is RLIMIT_MEMLOCK (ulimit -l) unless the user is\n"
                              "privileged. Holes take memory too: more than the machine has is refused.\n";
static const char examples[] = "  mmf pin database.db &\n"
                               "  mmf pin --at 0 --size 64M --seconds 60 huge.bin\n";

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

/* Blocks the signals that end the job, so that none is lost before the wait. `waiting`: the mask to wait with. */
static void hold_signals(sigset_t *waiting)
{
    sigset_t held;

    sigemptyset(&held);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) { /* ignored, as by nohup: stays so */
            struct sigaction action = {.sa_handler = stop};
            sigemptyset(&action.sa_mask);
            sigaction(signals[i], &action, NULL);
            sigaddset(&held, signals[i]);
        }
    }
    sigprocmask(SIG_BLOCK, &held, waiting);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigdelset(waiting, signals[i]);
}

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Waits for a signal, or until the time is over. */
static void wait_for_end(const struct pin_options *options, const sigset_t *waiting)
{
    const uint64_t longest = UINT64_C(1000000000) * 3600;
    uint64_t started = now();

    while (!stopped) {
        uint64_t left = longest;
        if (options->seconds.given) {
            uint64_t passed = now() - started;
            if (passed >= options->seconds.value)
                return;
            left = options->seconds.value - passed < longest ? options->seconds.value - passed : longest;
        }
        struct timespec time = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
        pselect(0, NULL, NULL, NULL, &time, waiting);
    }
}

/* RLIMIT_MEMLOCK is the usual reason, and its errors are ENOMEM or, with a limit of 0, EPERM. */
static int explain(struct failure *failure, uint64_t size)
{
    struct rlimit limit;
    char need[SIZE_TEXT];
    char have[SIZE_TEXT];
    int os_error = mmf_last_error()->os_error;
    int err = failure_of_library(failure);

    if ((os_error == ENOMEM || os_error == EPERM || os_error == EAGAIN) && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && (uint64_t)limit.rlim_cur < size) {
        err = failure_of_job(failure, MMF_ENOMEMORY, "locking %s is above the limit RLIMIT_MEMLOCK (ulimit -l) of %s",
                             size_text(need, size), size_text(have, (uint64_t)limit.rlim_cur));
        failure->os_error = os_error;
        memcpy(failure->operation, "mlock", sizeof "mlock");
    }
    return err;
}

/* A sparse file would fill the memory with zeros before the kernel said no. */
static int refuse_too_much(uint64_t size, struct failure *failure)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    uint64_t memory = pages > 0 ? (uint64_t)pages * mmf_page_size() : UINT64_MAX;
    char need[SIZE_TEXT];
    char have[SIZE_TEXT];

    if (size <= memory)
        return MMF_OK;
    return failure_of_job(failure, MMF_ENOMEMORY, "%s cannot be locked: the machine has %s of memory",
                          size_text(need, size), size_text(have, memory));
}

static int pin_file(struct pin *pin, const struct pin_options *options, const char *path, uint64_t *sum,
                    struct failure *failure)
{
    int err = source_open_state(&pin->source, path, failure);

    if (!err) {
        err = range_of_options(&pin->range, options->at, options->size, mmf_map_capacity(pin->source.map), false,
                               failure);
    }
    if (err || pin->range.size == 0)
        return err;
    *sum += pin->range.size;
    err = refuse_too_much(*sum, failure);
    if (err)
        return err;
    if (mmf_view_open(&pin->view, pin->source.map, pin->range.position, pin->range.size, NULL))
        return failure_of_library(failure);
    return mmf_view_lock(pin->view, 0, pin->range.size) ? explain(failure, *sum) : MMF_OK;
}

/* Whether all that was pinned is still there. Tells the first file that is not. */
static int verify_pins(const struct pin *pins, int count)
{
    struct failure failure = {0};
    int err = MMF_OK;

    for (int i = 0; !err && i < count; i++) {
        err = source_verify(&pins[i].source, pins[i].range.position, pins[i].range.size, MMF_OK, NULL, &failure);
        if (err)
            failure_report(&failure, "pin", pins[i].source.path);
    }
    return err;
}

static void print_pins(struct output *output, const struct pin *pins, int count)
{
    char text[SIZE_TEXT];

    for (int i = 0; i < count; i++) {
        output_shown(output, pins[i].source.path);
        output_format(output, ": %s pinned\n", size_text(text, pins[i].range.size));
    }
}

static void json_pins(struct output *output, const struct pin *pins, int count, char **paths,
                      const struct failure *failure)
{
    struct json json;

    json_start(&json, output);
    json_open_object(&json, NULL, false);
    json_open_array(&json, "pinned", false);
    for (int i = 0; i < count && failure->code == MMF_OK; i++) {
        json_open_object(&json, NULL, false);
        json_path(&json, "path", paths[i]);
        json_number(&json, "offset", pins[i].range.position);
        json_number(&json, "size", pins[i].range.size);
        json_close_object(&json);
    }
    json_close_array(&json);
    failure_json(failure, &json);
    json_close_object(&json);
    json_finish(&json);
}

static int run(const struct pin_options *options, int count, char **paths)
{
    struct pin *pins = calloc((size_t)count, sizeof *pins);
    struct failure failure = {0};
    struct failure closing;
    struct output output;
    sigset_t waiting;
    uint64_t sum = 0;
    int opened = 0;
    int err = MMF_OK;

    if (!pins) {
        failure_of_job(&failure, MMF_ENOMEMORY, "not enough memory");
        failure_report(&failure, "pin", NULL);
        return EXIT_FAILED;
    }
    hold_signals(&waiting);
    for (; !err && opened < count; opened++)
        err = pin_file(&pins[opened], options, paths[opened], &sum, &failure);
    if (err)
        failure_report(&failure, "pin", opened > 0 ? paths[opened - 1] : NULL);
    output_start(&output, STDOUT_FILENO);
    if (options->json)
        json_pins(&output, pins, err ? 0 : opened, paths, &failure);
    else if (!err)
        print_pins(&output, pins, opened);
    int exit_code = finish_output(&output, "pin", err ? EXIT_FAILED : EXIT_DONE);
    if (exit_code == EXIT_DONE) {
        wait_for_end(options, &waiting);
        exit_code = verify_pins(pins, opened) ? EXIT_FAILED : EXIT_DONE;
    }
    for (int i = 0; i < opened; i++) {
        mmf_view_close(&pins[i].view);
        source_close(&pins[i].source, &closing);
    }
    free(pins);
    return exit_code;
}

int job_pin(int argc, char **argv)
{
    struct pin_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"size", 0, "M", OPTION_SIZE, &options.size, "number of bytes (to the end of the file)"},
        {"seconds", 's', "N", OPTION_SECONDS, &options.seconds, "end after this time: 60, 0.5"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report as JSON once the pages are pinned"},
    };
    const struct usage usage = {"pin",   "FILE... [--at N] [--size M] [--seconds N] [--json]",
                                summary, examples,
                                rules,   sizeof rules / sizeof rules[0],
                                1,       -1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    return run(&options, argc - operand, argv + operand);
}
