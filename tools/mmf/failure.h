/* failure.h: what went wrong in a job, and how it is told: one line on standard error, one member in JSON. */
#ifndef MMF_TOOLS_FAILURE_H
#define MMF_TOOLS_FAILURE_H

#include "json.h"

#include "mmf/mmf.h"

/* The code of what the command itself has to say, where none of the library's fits: it is not shown. */
enum { FAILURE_OF_COMMAND = 1 };

/* A failure; code MMF_OK: none. `done` counts the bytes written before it when has_done. */
struct failure {
    int code;
    int os_error;
    mmf_cause cause;
    bool has_offset;
    bool offset_in_text; /* so it is not told twice */
    bool has_done;
    uint64_t offset;
    uint64_t done;
    char operation[64]; /* empty: no system call was involved */
    char text[256];     /* one sentence */
};

/* Fill a failure and return its code: from the library's last error, from a system call, and with words of one's own.
 */
int failure_of_library(struct failure *failure);
int failure_of_system(struct failure *failure, const char *operation, int os_error);

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int failure_of_job(struct failure *failure, int code, const char *format, ...);

/* The same for MMF_ERANGE: what is out of range begins at `offset`, which the words tell. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int failure_of_range(struct failure *failure, uint64_t offset, const char *format, ...);

/*
 * "mmf JOB: PATH: text at offset N (MMF_ECODE: operation: OS text)" on standard error, without the
 * parentheses for FAILURE_OF_COMMAND. `path` may be NULL.
 */
void failure_report(const struct failure *failure, const char *job, const char *path);

/* The member "error" of the object that is open: an object, or null when nothing failed. */
void failure_json(const struct failure *failure, struct json *json);

/* Ends standard output: flushes it and tells what could not be written. Returns the exit code to go on with. */
int finish_output(struct output *output, const char *job, int exit_code);

#endif
