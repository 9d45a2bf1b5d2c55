/* arguments.h: the options of a job, declared once for reading them and for the help. */
#ifndef MMF_TOOLS_ARGUMENTS_H
#define MMF_TOOLS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number that may be left out. */
struct optional {
    bool given;
    uint64_t value;
};

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_SIZE,   /* struct optional: bytes */
    OPTION_SECONDS /* struct optional: nanoseconds */
};

struct option_rule {
    const char *name;     /* long name without the dashes */
    char letter;          /* short name; 0: none */
    const char *argument; /* what the help calls it; NULL for a flag */
    enum option_kind kind;
    void *value;
    const char *help; /* one or more lines */
};

struct usage {
    const char *job;
    const char *synopsis; /* what follows the job's name */
    const char *summary;  /* paragraphs: what it does and what it promises */
    const char *examples; /* lines */
    const struct option_rule *rules;
    size_t count;
    int least; /* number of operands: at least, at most (-1: any number) */
    int most;
};

/*
 * Reads the arguments: sets the values and `operands` (the place of the first one in argv, which is reordered). Returns
 * -1 to go on, or the exit code: --help was printed, or the usage was wrong and that was said.
 */
int arguments_read(const struct usage *usage, int argc, char **argv, int *operands);

/* Says what is wrong with the usage and returns the exit code for it. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int arguments_wrong(const char *job, const char *format, ...);

#endif
