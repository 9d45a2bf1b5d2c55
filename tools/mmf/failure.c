/* failure.c: what went wrong in a job, and how it is told. */
#include "failure.h"

#include "jobs.h"
#include "os/os.h"
#include "progress.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *cause_text(mmf_cause cause)
{
    switch (cause) {
    case MMF_CAUSE_END_OF_FILE:
        return "the file was made shorter";
    case MMF_CAUSE_DEVICE:
        return "the device could not deliver it";
    case MMF_CAUSE_NO_SPACE:
        return "no space for a hole of the file";
    case MMF_CAUSE_PROTECTION:
        return "the page is protected";
    case MMF_CAUSE_NONE:
    case MMF_CAUSE_UNKNOWN:
        break;
    }
    return NULL;
}

int failure_of_library(struct failure *failure)
{
    const mmf_error *error = mmf_last_error();

    *failure = (struct failure){.code = error->code, .os_error = error->os_error, .cause = error->cause};
    /* Only of faults and of what met the storage is the offset more than the 0 of an unused member. */
    failure->has_offset = error->code == MMF_EFAULT || (error->offset > 0 && error->code != MMF_EACCESS);
    failure->offset = error->offset;
    failure->done = error->done;
    if (error->operation)
        snprintf(failure->operation, sizeof failure->operation, "%s", error->operation);
    snprintf(failure->text, sizeof failure->text, "%s", mmf_error_text(error->code));
    return failure->code;
}

int failure_of_system(struct failure *failure, const char *operation, int os_error)
{
    *failure = (struct failure){.code = os.code_of(os_error), .os_error = os_error};
    snprintf(failure->operation, sizeof failure->operation, "%s", operation);
    snprintf(failure->text, sizeof failure->text, "%s", mmf_error_text(failure->code));
    return failure->code;
}

int failure_of_job(struct failure *failure, int code, const char *format, ...)
{
    va_list arguments;

    *failure = (struct failure){.code = code};
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return code;
}

int failure_of_range(struct failure *failure, uint64_t offset, const char *format, ...)
{
    va_list arguments;

    *failure = (struct failure){.code = MMF_ERANGE, .has_offset = true, .offset_in_text = true, .offset = offset};
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    return failure->code;
}

void failure_report(const struct failure *failure, const char *job, const char *path)
{
    struct output error;
    const char *cause = cause_text(failure->cause);

    progress_clear();
    output_start(&error, STDERR_FILENO);
    output_format(&error, "mmf %s: ", job);
    if (path) {
        output_shown(&error, path[0] ? path : "''");
        output_text(&error, ": ");
    }
    output_text(&error, failure->text);
    if (failure->has_offset && !failure->offset_in_text)
        output_format(&error, " at offset %llu", (unsigned long long)failure->offset);
    if (failure->has_done && failure->done > 0)
        output_format(&error, "; %llu bytes were written before that", (unsigned long long)failure->done);
    if (failure->code != FAILURE_OF_COMMAND) {
        output_format(&error, " (%s", mmf_error_name(failure->code));
        if (failure->operation[0])
            output_format(&error, ": %s", failure->operation);
        if (failure->os_error)
            output_format(&error, ": %s", strerror(failure->os_error));
        if (cause)
            output_format(&error, ": %s", cause);
        output_text(&error, ")");
    }
    output_text(&error, "\n");
    output_finish(&error);
}

void failure_json(const struct failure *failure, struct json *json)
{
    static const char *const causes[] = {"none", "end of file", "device", "no space", "protection", "unknown"};

    if (failure->code == MMF_OK) {
        json_unknown(json, "error");
        return;
    }
    json_open_object(json, "error", false);
    if (failure->code == FAILURE_OF_COMMAND) {
        json_unknown(json, "name");
        json_unknown(json, "code");
    } else {
        json_text(json, "name", mmf_error_name(failure->code));
        json_signed(json, "code", failure->code);
    }
    json_text(json, "text", failure->text);
    if (failure->operation[0])
        json_text(json, "operation", failure->operation);
    if (failure->os_error) {
        json_signed(json, "os_error", failure->os_error);
        json_text(json, "os_text", strerror(failure->os_error));
    }
    if (failure->has_offset)
        json_number(json, "offset", failure->offset);
    if (failure->has_done)
        json_number(json, "done", failure->done);
    if (failure->cause != MMF_CAUSE_NONE && failure->cause <= MMF_CAUSE_UNKNOWN)
        json_text(json, "cause", causes[failure->cause]);
    json_close_object(json);
}

int finish_output(struct output *output, const char *job, int exit_code)
{
    struct failure failure;

    if (output_finish(output)) {
        failure_of_system(&failure, "write", output->os_error);
        if (output->os_error == EPIPE)
            snprintf(failure.text, sizeof failure.text, "nobody reads it any more");
        if (output->os_error == EBADF)
            snprintf(failure.text, sizeof failure.text, "it is closed");
        failure_report(&failure, job, "standard output");
        return EXIT_FAILED;
    }
    return exit_code;
}
