/* output.h: exact writing to an open file: nothing is lost silently, the first error stays. */
#ifndef MMF_TOOLS_OUTPUT_H
#define MMF_TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffered writer over a file descriptor that stays the caller's. `written` counts bytes that the system took. */
struct output {
    int file;
    int os_error; /* the first failure; everything after it is dropped */
    uint64_t written;
    size_t used;
    char buffer[16384];
};

void output_start(struct output *output, int file);

/* Adds bytes; false once something failed, so that long jobs can stop. Large pieces are written past the buffer. */
bool output_bytes(struct output *output, const void *bytes, size_t size);
bool output_text(struct output *output, const char *text);

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
bool output_format(struct output *output, const char *format, ...);

/*
 * Adds a path or other foreign text so that it stays on one line and cannot drive a terminal: control characters, bytes
 * that are not UTF-8 and marks that turn the writing direction become escapes (\n, \x1b, \u202e), a backslash two.
 */
bool output_shown(struct output *output, const char *text);

/* Writes out what is left. Returns 0 or the first system error of this writer. */
int output_finish(struct output *output);

#endif
