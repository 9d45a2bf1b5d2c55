/* output.c: exact writing to an open file: nothing is lost silently, the first error stays. */
#include "output.h"

#include "unicode.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void output_start(struct output *output, int file)
{
    output->file = file;
    output->os_error = 0;
    output->written = 0;
    output->used = 0;
}

/* Writes all of it, however often the system takes only a part. A pipe that its owner made non-blocking is waited for.
 */
static void write_all(struct output *output, const char *bytes, size_t size)
{
    while (size > 0 && output->os_error == 0) {
        ssize_t done = write(output->file, bytes, size);
        if (done > 0) {
            bytes += done;
            size -= (size_t)done;
            output->written += (uint64_t)done;
        } else if (done == 0) {
            output->os_error = EIO; /* no progress and no reason: never loop on it */
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = output->file, .events = POLLOUT};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                output->os_error = errno;
        } else if (errno != EINTR) {
            output->os_error = errno;
        }
    }
}

static void write_buffer(struct output *output)
{
    size_t used = output->used;
    output->used = 0;
    write_all(output, output->buffer, used);
}

bool output_bytes(struct output *output, const void *bytes, size_t size)
{
    if (size > sizeof output->buffer - output->used)
        write_buffer(output);
    if (size > sizeof output->buffer) {
        write_all(output, bytes, size);
    } else if (output->os_error == 0 && size > 0) {
        memcpy(output->buffer + output->used, bytes, size);
        output->used += size;
    }
    return output->os_error == 0;
}

bool output_text(struct output *output, const char *text)
{
    return output_bytes(output, text, strlen(text));
}

bool output_format(struct output *output, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0) {
        output->os_error = output->os_error ? output->os_error : EINVAL;
        return false;
    }
    if ((size_t)length < sizeof line)
        return output_bytes(output, line, (size_t)length);
    char *longer = malloc((size_t)length + 1);
    if (longer == NULL) {
        output->os_error = output->os_error ? output->os_error : ENOMEM;
        return false;
    }
    va_start(arguments, format);
    vsnprintf(longer, (size_t)length + 1, format, arguments);
    va_end(arguments);
    bool good = output_bytes(output, longer, (size_t)length);
    free(longer);
    return good;
}

static bool turns_direction(uint32_t character)
{
    return character == 0x200E || character == 0x200F || (character >= 0x202A && character <= 0x202E) ||
           (character >= 0x2066 && character <= 0x2069);
}

bool output_shown(struct output *output, const char *text)
{
    while (*text != '\0') {
        uint32_t character = 0;
        size_t length = unicode_next(text, &character);
        if (length == 0) {
            output_format(output, "\\x%02x", (unsigned char)*text);
            length = 1;
        } else if (character == '\n') {
            output_text(output, "\\n");
        } else if (character == '\t') {
            output_text(output, "\\t");
        } else if (character == '\\') {
            output_text(output, "\\\\");
        } else if (character < 0x20 || character == 0x7F) {
            output_format(output, "\\x%02x", (unsigned)character);
        } else if ((character >= 0x80 && character < 0xA0) || character == 0x2028 || character == 0x2029 ||
                   turns_direction(character)) {
            output_format(output, "\\u%04x", (unsigned)character);
        } else {
            output_bytes(output, text, length);
        }
        text += length;
    }
    return output->os_error == 0;
}

int output_finish(struct output *output)
{
    write_buffer(output);
    return output->os_error;
}
