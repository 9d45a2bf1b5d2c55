/* read.c: mmf read: bytes of a file at an offset, to standard output or a file. */
#include "jobs.h"
#include "progress.h"
#include "source.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20, BUDGET = 8 << 20 };

struct read_options {
    struct optional at;
    struct optional size;
    const char *output;
    bool json;
};

static const char summary[] = "Writes bytes of FILE to standard output. A range that is not inside the file is\n"
                              "refused before the first byte. When the file is made shorter meanwhile, the\n"
                              "bytes that were there are written and the job fails. With -o, OUT appears whole\n"
                              "and durable, or not at all: the bytes go to a temporary file beside it, which\n"
                              "then takes its place (a new file: owner and mode are kept, hard links and\n"
                              "extended attributes are not). A pipe or device is written directly. @NAME, a\n"
                              "named map, is not supported in this version.\n";
static const char examples[] = "  mmf read disk.img --at 1GiB --size 512 -o sector\n"
                               "  mmf read log --at 0x1000 | less\n";

/* Hands the bytes of a range on, piece by piece. On failure only what was there before it. */
static int read_range(struct source *source, mmf_range range, struct output *output, struct failure *failure)
{
    struct progress progress;
    mmf_window *window = NULL;
    uint64_t at = 0;
    void *piece = malloc(PIECE);
    int err = piece ? MMF_OK : failure_of_job(failure, MMF_ENOMEMORY, "not enough memory");

    if (!err && mmf_window_open(&window, source->map, MMF_WINDOW_OPTIONS(.budget = BUDGET)))
        err = failure_of_library(failure);
    progress_start(&progress, "read", range.size);
    while (!err && at < range.size && output->os_error == 0) {
        uint64_t good = range.size - at < PIECE ? range.size - at : PIECE;
        err = mmf_window_read(window, range.position + at, piece, (size_t)good);
        err = source_verify(source, range.position + at, good, err, &good, failure);
        output_bytes(output, piece, (size_t)good);
        progress_add(&progress, good);
        at += good;
    }
    progress_clear();
    mmf_window_close(&window);
    free(piece);
    return err;
}

/* Reads into the target, whole or not at all. */
static int read_to_target(struct source *source, mmf_range range, const char *path, uint64_t *written,
                          struct failure *failure, const char **where)
{
    struct target target;
    struct output output;
    int err = target_open(&target, path, false, failure);

    *where = path;
    if (err)
        return err;
    if (!target.direct && range.size > 0) { /* a full disk shows before the copying, where it can be asked */
        int os_error = os.reserve(target.file, 0, range.size, true);
        if (os_error && os.code_of(os_error) == MMF_ENOSPACE) {
            err = failure_of_system(failure, "fallocate", os_error);
            goto done;
        }
    }
    output_start(&output, target.file);
    err = read_range(source, range, &output, failure);
    if (err)
        *where = source->path;
    if (output_finish(&output) && !err)
        err = failure_of_system(failure, "write", output.os_error);
    *written = output.written;
    if (!err)
        err = target_finish(&target, failure);
done:
    target_discard(&target);
    return err;
}

static int report(const struct read_options *options, const char *path, mmf_range range, uint64_t written,
                  const struct failure *failure, int exit_code)
{
    struct output output;
    struct json json;

    if (!options->json)
        return exit_code;
    output_start(&output, STDOUT_FILENO);
    json_start(&json, &output);
    json_open_object(&json, NULL, false);
    json_path(&json, "path", path);
    json_path(&json, "output", options->output);
    json_number(&json, "offset", range.position);
    json_number(&json, "size", range.size);
    json_number(&json, "written", written);
    failure_json(failure, &json);
    json_close_object(&json);
    json_finish(&json);
    return finish_output(&output, "read", exit_code);
}

static int run(const struct read_options *options, const char *path)
{
    struct failure failure = {0};
    struct failure closing;
    struct source source = {0};
    struct output output;
    mmf_range range = {0};
    const char *where = path;
    uint64_t written = 0;
    int exit_code = EXIT_DONE;
    int err = source_open(&source, path, MMF_READ, false, &failure);

    if (!err)
        err = range_of_options(&range, options->at, options->size, mmf_map_capacity(source.map), false, &failure);
    if (!err && options->output) {
        err = read_to_target(&source, range, options->output, &written, &failure, &where);
    } else if (!err) {
        output_start(&output, STDOUT_FILENO);
        err = read_range(&source, range, &output, &failure);
        exit_code = finish_output(&output, "read", EXIT_DONE);
    }
    if (err) {
        failure_report(&failure, "read", where);
        exit_code = EXIT_FAILED;
    }
    if (source.map && source_close(&source, &closing) && !err) {
        failure_report(&closing, "read", path);
        exit_code = EXIT_FAILED;
    }
    return report(options, path, range, written, &failure, exit_code);
}

int job_read(int argc, char **argv)
{
    struct read_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"size", 0, "M", OPTION_SIZE, &options.size, "number of bytes (to the end of the file)"},
        {"output", 'o', "OUT", OPTION_TEXT, &options.output, "write to this file; - is standard output"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report what was done as JSON; needs -o OUT"},
    };
    const struct usage usage = {"read",  "FILE [--at N] [--size M] [-o OUT] [--json]",
                                summary, examples,
                                rules,   sizeof rules / sizeof rules[0],
                                1,       1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    if (options.output && strcmp(options.output, "-") == 0)
        options.output = NULL;
    if (options.json && options.output == NULL)
        return arguments_wrong("read", "--json needs -o OUT: standard output has the bytes");
    return run(&options, argv[operand]);
}
