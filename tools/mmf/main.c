/* main.c: the command mmf: finds the job and runs it. */
#include "arguments.h"
#include "failure.h"
#include "jobs.h"
#include "output.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct job {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} jobs[] = {
    {"read", job_read, "bytes of a file at an offset, to standard output or a file"},
    {"write", job_write, "bytes into a file at an offset"},
    {"dump", job_dump, "bytes of a file in hexadecimal and as text"},
    {"status", job_status, "size, blocks, holes, pages in memory, dirty pages"},
    {"touch", job_touch, "bring pages of files into memory"},
    {"evict", job_evict, "write dirty pages back and drop files from memory"},
    {"pin", job_pin, "keep pages of files in memory until stopped"},
    {"demo", job_demo, "a tour: the example programs on real data"},
};

static int print_help(void)
{
    struct output output;

    output_start(&output, STDOUT_FILENO);
    output_text(&output, "usage: mmf JOB [OPTION...] [FILE...]\n"
                         "       mmf JOB --help | mmf help [JOB] | mmf --help | mmf --version\n\n"
                         "Memory-mapped files at the shell.\n\nJobs:\n");
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++)
        output_format(&output, "  %-8s  %s\n", jobs[i].name, jobs[i].summary);
    output_text(&output, "\nSizes and offsets are bytes: 4096, 0x1000, 4K or 4KiB (1024), 4KB (1000), to E.\n"
                         "A file whose name begins with a dash stands behind --, or is written ./-NAME.\n"
                         "Exit codes: 0 done, 1 failed, 2 wrong usage.\n");
    return finish_output(&output, "--help", EXIT_DONE);
}

static int print_version(void)
{
    struct output output;
    uint32_t version = mmf_version();

    output_start(&output, STDOUT_FILENO);
    output_format(&output, "mmf %u.%u.%u\n", (unsigned)(version >> 16 & 0xFF), (unsigned)(version >> 8 & 0xFF),
                  (unsigned)(version & 0xFF));
    return finish_output(&output, "--version", EXIT_DONE);
}

static int wrong_usage(const char *problem, const char *word)
{
    struct output error;

    output_start(&error, STDERR_FILENO);
    output_format(&error, "mmf: %s", problem);
    if (word) {
        output_text(&error, " ");
        output_shown(&error, word);
    }
    output_text(&error, "\nTry 'mmf --help'.\n");
    output_finish(&error);
    return EXIT_USAGE;
}

static const struct job *find_job(const char *name)
{
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        if (strcmp(name, jobs[i].name) == 0)
            return &jobs[i];
    }
    return NULL;
}

/* A job prints its help itself: as if it had been asked for behind the job's name. */
static int help_of(const struct job *job)
{
    char name[16];
    char option[] = "--help";
    char *arguments[] = {name, option, NULL};

    snprintf(name, sizeof name, "%s", job->name);
    return job->run(2, arguments);
}

/*
 * Whoever starts the command without standard input, output or error gets an error from using them: the next file that
 * is opened must never land on those numbers, and a report must never end in a user's file. Hence /dev/null, opened so
 * that the use fails.
 */
static bool occupy_standard_files(void)
{
    for (int file = STDIN_FILENO; file <= STDERR_FILENO; file++) {
        if (fcntl(file, F_GETFD) == -1) {
            int opened = open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY);
            if (opened != file)
                return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!occupy_standard_files())
        return EXIT_FAILED;
    /* A reader that goes away is an error of write(), reported like any other. */
    signal(SIGPIPE, SIG_IGN);

    if (argc < 2)
        return wrong_usage("a job is missing", NULL);
    bool help = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0;
    bool version = strcmp(argv[1], "--version") == 0;
    int most = help ? 3 : 2;
    if ((help || version) && argc > most)
        return wrong_usage("unexpected argument", argv[most]);
    if (version)
        return print_version();
    if (help && argc == 2)
        return print_help();
    const char *name = argv[help ? 2 : 1];
    const struct job *job = find_job(name);
    if (!job)
        return wrong_usage(name[0] == '-' ? "unknown option" : "unknown job", name);
    return help ? help_of(job) : job->run(argc - 1, argv + 1);
}
