/* touch.c: mmf touch: brings pages of files into memory. */
#include "jobs.h"
#include "progress.h"
#include "residency.h"
#include "sizes.h"

#include <unistd.h>

/* A view, and the piece of it that is read in while the one before is waited for. */
enum { VIEW = 256 << 20, PIECE = 8 << 20 };

struct touch_options {
    struct optional at;
    struct optional size;
    bool holes;
    bool json;
};

struct touched {
    mmf_range range;
    uint64_t bytes;   /* looked at */
    uint64_t skipped; /* in holes */
    struct residency before;
    struct residency after;
};

static const char summary[] = "Reads the pages of each FILE into memory, as fast as the device delivers them,\n"
                              "and shows how many were there before and after. Holes are left out unless\n"
                              "--holes: reading them needs no device. Nothing keeps the pages in memory\n"
                              "afterwards: mmf pin does. A file that is made shorter meanwhile is an error.\n";
static const char examples[] = "  mmf touch database.db\n"
                               "  mmf touch --at 1GiB --size 256M huge.bin\n";

static uint64_t least(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* Reads one view in: the next piece is asked for before this one is waited for, so that the device never idles. */
static int touch_view(struct source *source, mmf_range range, struct progress *progress, struct failure *failure)
{
    mmf_view *view = NULL;
    mmf_range next = {0, least(range.size, PIECE)};
    int err = mmf_view_open(&view, source->map, range.position, range.size, NULL);

    if (!err)
        err = mmf_view_prefetch(view, &next, 1);
    while (!err && next.size > 0) {
        mmf_range piece = next;
        next.position += next.size;
        next.size = least(range.size - next.position, PIECE);
        if (next.size > 0)
            err = mmf_view_prefetch(view, &next, 1);
        if (!err)
            err = mmf_view_probe(view, piece.position, piece.size);
        progress_add(progress, piece.size);
    }
    if (err)
        failure_of_library(failure);
    mmf_view_close(&view);
    return err;
}

static int touch_range(struct source *source, const struct touch_options *options, struct touched *touched,
                       struct failure *failure)
{
    struct progress progress;
    uint64_t end = touched->range.position + touched->range.size;
    int err = MMF_OK;

    progress_start(&progress, "touch", touched->range.size);
    for (uint64_t at = touched->range.position; !err && at < end;) {
        struct extent extent = {at, end - at, true};
        if (!options->holes && extent_next(&extent, source->file, at, end)) {
            extent = (struct extent){at, end - at, true}; /* holes cannot be told here: all of it */
        }
        if (!extent.data) {
            touched->skipped += extent.size;
            progress_add(&progress, extent.size);
            at += extent.size;
            continue;
        }
        uint64_t size = least(extent.size, VIEW);
        err = touch_view(source, (mmf_range){at, size}, &progress, failure);
        touched->bytes += err ? 0 : size;
        at += size;
    }
    progress_clear();
    return err;
}

static int touch_file(struct source *source, const struct touch_options *options, struct touched *touched,
                      struct failure *failure)
{
    int err =
        range_of_options(&touched->range, options->at, options->size, mmf_map_capacity(source->map), false, failure);

    if (!err)
        err = residency_measure(&touched->before, source, touched->range, failure);
    if (!err)
        err = touch_range(source, options, touched, failure);
    if (!err) { /* what was cut off looks like a hole */
        err = source_verify(source, touched->range.position, touched->range.size, MMF_OK, NULL, failure);
    }
    if (!err)
        err = residency_measure(&touched->after, source, touched->range, failure);
    return err;
}

static void print_touched(struct output *output, const char *path, const struct touched *touched)
{
    char text[SIZE_TEXT];

    output_shown(output, path);
    output_format(output, ": %s read", size_text(text, touched->bytes));
    if (touched->skipped > 0)
        output_format(output, ", %s of holes left out", size_text(text, touched->skipped));
    if (touched->before.known && touched->after.known) {
        output_format(output, "; in memory before %llu, now %llu of %llu pages\n",
                      (unsigned long long)touched->before.resident, (unsigned long long)touched->after.resident,
                      (unsigned long long)touched->after.pages);
    } else {
        output_text(output, "; pages in memory unknown\n");
    }
}

static void json_touched(struct json *json, const struct touched *touched)
{
    json_number(json, "offset", touched->range.position);
    json_number(json, "size", touched->range.size);
    json_number(json, "read", touched->bytes);
    json_number(json, "holes_skipped", touched->skipped);
    json_number(json, "page_size", touched->before.page_size);
    json_number(json, "pages", touched->before.pages);
    json_known(json, "resident_pages_before", touched->before.known, touched->before.resident);
    json_known(json, "resident_pages", touched->after.known, touched->after.resident);
}

static int run(const struct touch_options *options, int count, char **paths)
{
    struct output output;
    struct json json;
    int exit_code = EXIT_DONE;

    output_start(&output, STDOUT_FILENO);
    json_start(&json, &output);
    if (options->json) {
        json_open_object(&json, NULL, false);
        json_open_array(&json, "files", false);
    }
    for (int i = 0; i < count && output.os_error == 0; i++) {
        struct source source;
        struct touched touched = {0};
        struct failure failure = {0};
        struct failure closing;
        int err = source_open_state(&source, paths[i], &failure);
        if (!err) {
            err = touch_file(&source, options, &touched, &failure);
            source_close(&source, &closing);
        }
        if (options->json) {
            json_open_object(&json, NULL, false);
            json_path(&json, "path", paths[i]);
            if (!err)
                json_touched(&json, &touched);
            failure_json(&failure, &json);
            json_close_object(&json);
        } else if (!err) {
            print_touched(&output, paths[i], &touched);
        }
        if (err) {
            failure_report(&failure, "touch", paths[i]);
            exit_code = EXIT_FAILED;
        }
    }
    if (options->json) {
        json_close_array(&json);
        json_close_object(&json);
        json_finish(&json);
    }
    return finish_output(&output, "touch", exit_code);
}

int job_touch(int argc, char **argv)
{
    struct touch_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"size", 0, "M", OPTION_SIZE, &options.size, "number of bytes (to the end of the file)"},
        {"holes", 0, NULL, OPTION_FLAG, &options.holes, "holes too: each of their pages takes memory"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report as JSON; what is unknown is null"},
    };
    const struct usage usage = {"touch", "FILE... [--at N] [--size M] [--holes] [--json]",
                                summary, examples,
                                rules,   sizeof rules / sizeof rules[0],
                                1,       -1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    return run(&options, argc - operand, argv + operand);
}
