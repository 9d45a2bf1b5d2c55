/*
 * nth.h: runs a scenario again and again, each time with another call of the os table made to fail: the first, the
 * second and so on until a run is clean; once and from then on; with every error; and the same for memory.
 *
 * After each run: the code is the right one for the error, what was asked for is really there after MMF_OK, handles
 * are NULL and the file is intact after a failure, the last error is recorded, the same call works when it is tried
 * again, and nothing is leaked. A failure prints a line to replay it: MMF_FAULT="scenario,call,nth,error,mode".
 */
#ifndef MMF_TESTS_NTH_H
#define MMF_TESTS_NTH_H

#include "fault.h"
#include "support.h"

/* The file that every scenario begins with: so many bytes of the pattern. */
#define NTH_SIZE 12388

struct nth {
    const char *path;     /* the file; made anew for every run */
    const char *new_path; /* is not there at the beginning */
    mmf_map *map;
    mmf_map *other;
    mmf_view *view;
    mmf_view *second;
    mmf_window *window;
    mmf_stream *stream;
    FILE *stdio;
    void *data; /* a reference of the window, or NULL */
    int file;   /* a descriptor of the test's own, or -1 */
    unsigned char bytes[NTH_SIZE];
    size_t done;
    uint64_t number;
    bool retried; /* the run is the second try, without faults */
};

enum nth_flags {
    NTH_NO_CALLS = 1,   /* reaches no call of the table at all: checked */
    NTH_CLOSES = 2,     /* ends a handle: cannot be tried again */
    NTH_POISONS = 4,    /* a failure of the medium stays */
    NTH_QUIET = 8,      /* does not set the last error */
    NTH_NO_SIGNALS = 16 /* in the mode without signals */
};

/* What the scenario may do to the file at `path`, or at `new_path`. */
enum nth_file {
    NTH_KEEPS,   /* nothing */
    NTH_CREATES, /* new_path with `size` bytes, or nothing at all */
    NTH_GROWS,   /* to `size`, or not at all */
    NTH_SHRINKS, /* the same */
    NTH_EMPTIES, /* to `size` zeros; after a failure the old content, or less, but never no file */
    NTH_WRITES   /* content; the length stays */
};

struct nth_scenario {
    const char *name;
    void (*prepare)(struct nth *nth);         /* may be NULL */
    int (*run)(struct nth *nth);              /* the call under test */
    void (*check)(struct nth *nth, int code); /* what must be so after it; may be NULL */
    unsigned flags;                           /* nth_flags */
    enum nth_file file;
    uint64_t size;
    int clean;   /* the code when nothing fails */
    int also[4]; /* codes that are right besides those of the injected error */
};

/* Fails the running scenario with its replay line when something is not so. */
#define nth_expect(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            nth_fail(#condition, __FILE__, __LINE__);                                                                  \
    } while (0)
void nth_fail(const char *what, const char *file, int line);

/* Runs one scenario with every fault, or all of a table; with MMF_FAULT set only what it names. */
void nth_run(const struct nth_scenario *scenario);
void nth_run_all(const struct nth_scenario *scenarios, size_t count);

#endif
