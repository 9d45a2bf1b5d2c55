/* error.c: the codes' names and texts, and the record of a thread's last failure. */
#include "error.h"

#include "os/os.h"

#include <string.h>

/* Small enough for the static TLS of a library that is loaded at run time; the path lives in the thread's buffer. */
static _Thread_local mmf_error last __attribute__((tls_model("initial-exec")));

struct description {
    int code;
    const char *name;
    const char *text;
};

static const struct description descriptions[] = {{MMF_OK, "MMF_OK", "success"},
#define DESCRIBE(name, value, text, dotnet, win32) {name, #name, text},
                                                  MMF_ERRORS(DESCRIBE)
#undef DESCRIBE
};

static const struct description *describe(int code)
{
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++)
        if (descriptions[i].code == code)
            return &descriptions[i];
    return NULL;
}

const char *mmf_error_text(int code)
{
    const struct description *found = describe(code);
    return found ? found->text : "unknown error";
}

const char *mmf_error_name(int code)
{
    const struct description *found = describe(code);
    return found ? found->name : "MMF_UNKNOWN";
}

const mmf_error *mmf_last_error(void)
{
    return &last;
}

/* The caller's path may go away with its map, so the thread keeps a copy; without memory there is just no path. */
static const char *keep_path(const char *path)
{
    if (!path)
        return NULL;
    size_t size = strlen(path) + 1;
    char *copy = os.thread_buffer(size);
    if (copy && copy != path)
        memmove(copy, path, size);
    return copy;
}

void error_record(const mmf_error *error)
{
    const char *path = keep_path(error->path);
    last = *error;
    last.path = path;
}

int error_from_os_at(int os_error, const char *operation, const char *path, uint64_t offset)
{
    if (os_error == 0)
        return MMF_OK;
    return error_set_full(&(mmf_error){
        .code = os.code_of(os_error), .os_error = os_error, .operation = operation, .path = path, .offset = offset});
}

int error_from_os(int os_error, const char *operation, const char *path)
{
    return error_from_os_at(os_error, operation, path, 0);
}
