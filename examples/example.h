/* example.h: the few lines every example needs: an error in words, a file's length, a number from the command line. */
#ifndef MMF_EXAMPLES_EXAMPLE_H
#define MMF_EXAMPLES_EXAMPLE_H

#include <mmf/mmf.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Says on standard error what failed and everything the library knows about it; returns the code it was given. */
static inline int explain(const char *what, int err)
{
    const mmf_error *last = mmf_last_error();

    fprintf(stderr, "%s: %s (%s)", what, mmf_error_text(err), mmf_error_name(err));
    if (last->code == err && last->operation)
        fprintf(stderr, "; it was %s", last->operation);
    if (last->code == err && last->os_error)
        fprintf(stderr, ": %s", strerror(last->os_error));
    fputc('\n', stderr);
    return err;
}

/* The length of a file as the system tells it, not as the library does; -1 and a line on standard error: it does not.
 */
static inline int64_t file_length(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0)
        return (int64_t)status.st_size;
    perror(path);
    return -1;
}

/* Seconds of the clock, to the nanosecond: for differences. */
static inline double seconds(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Reads a whole number between `low` and `high`; false, and a line on standard error, for anything else. */
static inline bool parse_number(long *value, const char *text, long low, long high)
{
    char *end = NULL;

    errno = 0;
    *value = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *value >= low && *value <= high)
        return true;
    fprintf(stderr, "%s: not a whole number from %ld to %ld\n", text, low, high);
    return false;
}

#endif
