/* error.h: inside the library, how a failure is recorded. */
#ifndef MMF_SRC_ERROR_H
#define MMF_SRC_ERROR_H

#include "mmf/error.h"

/* Records a failure of the calling thread; the path is copied. */
void error_record(const mmf_error *error);

/* The same, and returns the code, so that a caller sees what it is. `operation` is a literal. */
static inline int error_set_full(const mmf_error *error)
{
    error_record(error);
    return error->code;
}

static inline int error_set(int code, const char *operation)
{
    error_record(&(mmf_error){.code = code, .operation = operation});
    return code;
}

/* Records a failed system call: the code is found from the system's number. 0 is MMF_OK and records nothing. */
int error_from_os(int os_error, const char *operation, const char *path);

/* The same for a call about one byte offset of a file. */
int error_from_os_at(int os_error, const char *operation, const char *path, uint64_t offset);

#endif
