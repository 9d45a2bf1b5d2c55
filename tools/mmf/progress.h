/* progress.h: a line on standard error that tells how far long work is, when that is a terminal. */
#ifndef MMF_TOOLS_PROGRESS_H
#define MMF_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing is shown in the first half second, and nothing ever when standard error is no terminal. */
struct progress {
    const char *job;
    bool on;
    uint64_t total; /* bytes; 0: not known */
    uint64_t done;
    uint64_t started; /* nanoseconds of the steady clock */
    uint64_t shown;
};

void progress_start(struct progress *progress, const char *job, uint64_t total);
void progress_add(struct progress *progress, uint64_t bytes);

/* Takes the line away, also before anything else is written to standard error. */
void progress_clear(void);

#endif
