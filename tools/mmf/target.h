/* target.h: a file that appears whole or not at all. */
#ifndef MMF_TOOLS_TARGET_H
#define MMF_TOOLS_TARGET_H

#include "failure.h"

/*
 * The content goes to a temporary file in the same directory, which takes the place of the target at the end, is
 * removed on failure and by SIGINT, SIGTERM and SIGHUP. What is no regular file (a pipe, a device) is written
 * directly: `direct`.
 */
struct target {
    int file;
    bool direct;
    bool replaces; /* a regular file is there */
    char *path;    /* with symbolic links followed */
    char *temporary;
};

/* Opens it for writing. `fresh`: MMF_EEXISTS when there is anything of that name, now or at the end. */
int target_open(struct target *target, const char *path, bool fresh, struct failure *failure);

/* Makes the content durable and puts it in place. On failure the old file is as it was. */
int target_finish(struct target *target, struct failure *failure);

/* Gives up: the old file is as it was. Does nothing after target_finish(). */
void target_discard(struct target *target);

#endif
