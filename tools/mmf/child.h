/* child.h: runs another program, keeps what it says, and ends it when this process is told to end. */
#ifndef MMF_TOOLS_CHILD_H
#define MMF_TOOLS_CHILD_H

#include <stddef.h>

/* How a program ended. `said` is its standard output and standard error in the order of writing, NUL-terminated. */
struct child {
    int exit_code; /* -1: a signal ended it */
    int signal;    /* that signal, or 0 */
    double seconds;
    char *said; /* the caller frees it */
    size_t size;
};

/*
 * From now on SIGINT, SIGTERM and SIGHUP end a running child instead of this process, which asks child_interrupted()
 * and cleans up. child_die() then ends this process as the signal would have.
 */
void child_catch_signals(void);
int child_interrupted(void);
void child_die(int signal_number);

/*
 * Runs arguments[0] in a directory, with nothing to read, in a process group of its own, so that the signal also
 * reaches what it starts. Returns 0, or the system's error number; EINTR: a signal came before it was started. A
 * program that cannot be run has said so and has exit code 127.
 */
int child_run(struct child *child, char *const *arguments, const char *directory);

#endif
