/* write.c: mmf write: bytes into a file at an offset. */
#include "input.h"
#include "jobs.h"
#include "progress.h"
#include "source.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is read before the first byte is written; and how far a growing file is made longer at a time. */
enum { PIECE = 16 << 20, GROWTH = 64 << 20 };

struct write_options {
    struct optional at;
    const char *input;
    const char *text;
    bool create;
    bool grow;
    bool sparse;
    bool sync;
    bool json;
};

/* A write under way. */
struct work {
    const struct write_options *options;
    const char *path;
    const char *where; /* what a failure is about: the file, or the input */
    struct source source;
    struct target target; /* a file that is created: written beside, then named */
    bool creating;
    uint64_t before; /* the file's length at first */
    uint64_t at;     /* where the next byte goes */
    uint64_t written;
    unsigned char *piece;
    struct progress progress;
    struct failure failure;
};

static const char summary[] = "Writes bytes into FILE, over those that are there: from standard input, from\n"
                              "SRC, or T itself (without a line feed). What would end beyond the end of the\n"
                              "file is refused, unless --grow. A file that --create makes appears whole or not\n"
                              "at all. What does not fit is refused, and space is reserved where the system\n"
                              "can, before the first byte is written, if the bytes come from a regular file or\n"
                              "T, or are less than 16 MiB. With longer input of another kind, or an error of\n"
                              "the disk, bytes of the old file may have been written over before the failure:\n"
                              "their number is told, and a file that was growing gets its old length back.\n"
                              "@NAME, a named map, is not supported in this version.\n";
static const char examples[] = "  mmf write disk.img --at 1GiB -i sector --sync\n"
                               "  mmf write greeting --at 0 --text 'hello' --create\n"
                               "  head -c 1M /dev/zero | mmf write data --at 4K --grow\n";

/* Opens the file, or what becomes the file. */
static int open_file(struct work *work)
{
    const char *path = work->path;

    if (work->options->create && path[0] != '@') {
        int err = target_open(&work->target, path, true, &work->failure);
        if (err && err != MMF_EEXISTS)
            return err;
        work->creating = err == MMF_OK;
        path = work->creating ? work->target.temporary : path;
    }
    int err = source_open(&work->source, path, MMF_READWRITE, work->options->sparse, &work->failure);
    if (err == MMF_ENOTFOUND && !work->options->create)
        snprintf(work->failure.text, sizeof work->failure.text, "not found; --create makes it");
    if (!err) {
        work->failure = (struct failure){0};
        work->before = mmf_map_capacity(work->source.map);
    }
    return err;
}

/* Makes sure that the file reaches to `end`, in steps when `more` is to come. */
static int make_room(struct work *work, uint64_t end, bool more)
{
    uint64_t capacity = mmf_map_capacity(work->source.map);

    if (end <= capacity)
        return MMF_OK;
    if (!work->options->grow && !work->creating) {
        return failure_of_range(
            &work->failure, work->at,
            "%llu %s at offset %llu would reach beyond the end at %llu; --grow makes the file longer",
            (unsigned long long)(end - work->at), end - work->at == 1 ? "byte" : "bytes", (unsigned long long)work->at,
            (unsigned long long)capacity);
    }
    uint64_t wanted = more && end <= INT64_MAX - GROWTH ? end + GROWTH : end;
    int err = mmf_map_resize(work->source.map, wanted);
    if (err && wanted > end) { /* the step was too much: only what is needed */
        err = mmf_map_resize(work->source.map, end);
    }
    return err ? failure_of_library(&work->failure) : MMF_OK;
}

/* The space for `size` bytes: holes get their blocks, so that a full disk is an error now and not a fault later. */
static int reserve(struct work *work, uint64_t size)
{
    int os_error = os.reserve(work->source.file, work->at, size, true);

    if (os_error && os.code_of(os_error) == MMF_ENOSPACE)
        return failure_of_system(&work->failure, "fallocate", os_error);
    return MMF_OK;
}

/* Where the length of the input is known all of it is made sure to fit before the first byte is read. */
static int make_room_for_all(struct work *work, const struct input *input)
{
    if (!input->known || input->size == 0)
        return MMF_OK;
    if (work->at > UINT64_MAX - input->size)
        return failure_of_range(&work->failure, work->at, "offset %llu is too large", (unsigned long long)work->at);
    int err = make_room(work, work->at + input->size, false);
    return err ? err : reserve(work, input->size);
}

static int read_input(struct work *work, struct input *input, size_t *size)
{
    int err = input_read(input, work->piece, PIECE, size, &work->failure);

    if (err)
        work->where = input->name;
    return err;
}

/* Writes a piece through a view of its own. */
static int write_piece(struct work *work, size_t size)
{
    mmf_view *view = NULL;
    uint64_t good = 0;
    int err = MMF_OK;

    err = reserve(work, size);
    if (err)
        return err;
    err = mmf_view_open(&view, work->source.map, work->at, size, NULL);
    if (!err)
        err = mmf_view_write(view, 0, work->piece, size);
    err = source_verify(&work->source, work->at, size, err, &good, &work->failure);
    work->written += good;
    work->at += good;
    progress_add(&work->progress, good);
    mmf_view_close(&view);
    return err;
}

/* Copies the input. `size` bytes are in the piece already; only a full one may have others behind it. */
static int write_all(struct work *work, struct input *input, size_t size)
{
    int err = MMF_OK;

    while (!err && size > 0) {
        bool more = size == PIECE;
        if (work->at > UINT64_MAX - size)
            return failure_of_range(&work->failure, work->at, "offset %llu is too large", (unsigned long long)work->at);
        err = make_room(work, work->at + size, more);
        if (!err)
            err = write_piece(work, size);
        size = 0;
        if (!err && more)
            err = read_input(work, input, &size);
    }
    return err;
}

/* Gives back what growing took: all of it on failure, else what lies behind the last byte written. */
static int set_length(struct work *work, bool failed)
{
    uint64_t right = !failed && work->at > work->before && work->written > 0 ? work->at : work->before;

    return mmf_map_capacity(work->source.map) > right ? mmf_map_resize(work->source.map, right) : MMF_OK;
}

static int write_file(struct work *work, struct input *input)
{
    size_t size = 0;
    int err = open_file(work);

    if (err)
        return err;
    if (input->inode && input->inode == work->source.info.inode && input->device == work->source.info.device)
        return failure_of_job(&work->failure, MMF_EINVAL, "the input is the file itself");
    work->at = work->options->at.value;
    if (work->at > work->before && !work->options->grow && !work->creating) {
        return failure_of_range(&work->failure, work->at,
                                "offset %llu lies beyond the end at %llu; --grow makes the file longer",
                                (unsigned long long)work->at, (unsigned long long)work->before);
    }
    err = make_room_for_all(work, input);
    if (!err)
        err = read_input(work, input, &size);
    if (!err)
        err = write_all(work, input, size);
    if (set_length(work, err != MMF_OK) && !err)
        err = failure_of_library(&work->failure);
    if (!err && work->options->sync && mmf_map_sync(work->source.map))
        err = failure_of_library(&work->failure);
    return err;
}

/* Closes the file, names it if it is new, and tells what went wrong. */
static int finish(struct work *work, int err)
{
    struct failure closing;

    if (work->source.map && source_close(&work->source, &closing) && !err) {
        work->failure = closing;
        err = closing.code;
    }
    if (!err && work->creating)
        err = target_finish(&work->target, &work->failure);
    if (work->creating) {
        target_discard(&work->target);
        work->written = err ? 0 : work->written;
    }
    progress_clear();
    if (err) {
        work->failure.has_done = true;
        work->failure.done = work->written;
    }
    return err;
}

static int report(const struct work *work, int exit_code)
{
    struct output output;
    struct json json;

    if (!work->options->json)
        return exit_code;
    output_start(&output, STDOUT_FILENO);
    json_start(&json, &output);
    json_open_object(&json, NULL, false);
    json_path(&json, "path", work->path);
    json_number(&json, "offset", work->options->at.value);
    json_number(&json, "written", work->written);
    json_bool(&json, "created", work->creating && exit_code == EXIT_DONE);
    json_bool(&json, "synced", work->options->sync && exit_code == EXIT_DONE);
    failure_json(&work->failure, &json);
    json_close_object(&json);
    json_finish(&json);
    return finish_output(&output, "write", exit_code);
}

static int run(const struct write_options *options, const char *path)
{
    struct work work = {.options = options, .path = path, .where = path};
    struct input input = {.file = -1};
    int exit_code = EXIT_DONE;
    int err = input_open(&input, options->input, options->text, &work.failure);

    if (err) {
        failure_report(&work.failure, "write", input.name);
        return report(&work, EXIT_FAILED);
    }
    progress_start(&work.progress, "write", 0);
    work.piece = malloc(PIECE);
    err = work.piece ? write_file(&work, &input) : failure_of_job(&work.failure, MMF_ENOMEMORY, "not enough memory");
    err = finish(&work, err);
    if (err) {
        failure_report(&work.failure, "write", work.where);
        exit_code = EXIT_FAILED;
    }
    input_close(&input);
    free(work.piece);
    return report(&work, exit_code);
}

int job_write(int argc, char **argv)
{
    struct write_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"input", 'i', "SRC", OPTION_TEXT, &options.input, "take the bytes from this file; - is standard input"},
        {"text", 0, "T", OPTION_TEXT, &options.text, "take the bytes of T"},
        {"create", 0, NULL, OPTION_FLAG, &options.create, "make the file if it is not there"},
        {"grow", 0, NULL, OPTION_FLAG, &options.grow, "make the file longer if needed; space is reserved"},
        {"sparse", 0, NULL, OPTION_FLAG, &options.sparse,
         "growing reserves no space: what is skipped is a hole;\nneeds --grow or --create"},
        {"sync", 0, NULL, OPTION_FLAG, &options.sync, "return when the bytes are on the medium"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report what was done as JSON"},
    };
    const struct usage usage = {"write",
                                "FILE [--at N] [-i SRC | --text T] [--create] [--grow]\n"
                                "                 [--sparse] [--sync] [--json]",
                                summary,
                                examples,
                                rules,
                                sizeof rules / sizeof rules[0],
                                1,
                                1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    if (options.input && options.text)
        return arguments_wrong("write", "-i and --text exclude each other");
    if (options.sparse && !options.grow && !options.create)
        return arguments_wrong("write", "--sparse is about growing: it needs --grow or --create");
    return run(&options, argv[operand]);
}
