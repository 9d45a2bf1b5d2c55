/* input.h: where the bytes of a job come from: standard input, a file, or the command line. */
#ifndef MMF_TOOLS_INPUT_H
#define MMF_TOOLS_INPUT_H

#include "failure.h"

struct input {
    int file; /* -1: the text */
    const char *name;
    const char *text; /* what is left of it */
    uint64_t device;  /* identity of a regular file; else both 0 */
    uint64_t inode;
    bool known; /* whether its length is known: the text's, a regular file's */
    uint64_t size;
};

/* `path` NULL or "-": standard input. `text` not NULL: that instead. */
int input_open(struct input *input, const char *path, const char *text, struct failure *failure);

/* Reads until `size` bytes are there or the input ends: fewer only then. */
int input_read(struct input *input, void *to, size_t size, size_t *done, struct failure *failure);

void input_close(struct input *input);

#endif
