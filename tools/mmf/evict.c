/* evict.c: mmf evict: drops files from memory, after writing back what is dirty. */
#include "jobs.h"
#include "residency.h"
#include "sizes.h"

#include <unistd.h>

struct evict_options {
    struct optional at;
    struct optional size;
    bool json;
};

struct evicted {
    mmf_range range;
    struct residency before;
    struct residency after;
};

static const char summary[] = "Writes the dirty pages of each FILE to the medium, waits for that, and then\n"
                              "drops its pages from memory. What another process has mapped or locked, or is\n"
                              "writing at the moment, stays, and so do pages of which only a part was asked\n"
                              "for: their number is shown. No byte is lost: when writing back fails nothing is\n"
                              "dropped. The pages of a file of memory (tmpfs) are the file: they cannot be\n"
                              "dropped, which is an error.\n";
static const char examples[] = "  mmf evict backup.img\n"
                               "  mmf evict --json *.log\n";

static int evict_range(struct source *source, mmf_range range, struct failure *failure)
{
    if (source->info.storage == OS_STORAGE_MEMORY)
        return failure_of_job(failure, MMF_ENOTSUP, "the file is memory: its pages have no other place");
    int err = os.sync(source->file);
    if (err)
        return failure_of_system(failure, "fsync", err);
    err = os.evict(source->file, range.position, range.size);
    return err ? failure_of_system(failure, "posix_fadvise", err) : MMF_OK;
}

static int evict_file(struct source *source, const struct evict_options *options, struct evicted *evicted,
                      struct failure *failure)
{
    int err =
        range_of_options(&evicted->range, options->at, options->size, mmf_map_capacity(source->map), false, failure);

    if (!err)
        err = residency_measure(&evicted->before, source, evicted->range, failure);
    if (!err && evicted->range.size > 0) { /* 0 would mean: to the end of the file */
        err = evict_range(source, evicted->range, failure);
    }
    if (!err)
        err = source_verify(source, evicted->range.position, evicted->range.size, MMF_OK, NULL, failure);
    if (!err)
        err = residency_measure(&evicted->after, source, evicted->range, failure);
    return err;
}

static void print_evicted(struct output *output, const char *path, const struct evicted *evicted)
{
    char text[SIZE_TEXT];

    output_shown(output, path);
    if (evicted->before.dirty == UINT64_MAX) {
        output_text(output, ": dirty pages written back");
    } else {
        output_format(output, ": %s written back", size_text(text, evicted->before.dirty));
    }
    if (!evicted->before.known || !evicted->after.known) {
        output_text(output, "; pages in memory unknown\n");
        return;
    }
    output_format(output, "; in memory before %llu, now %llu of %llu pages\n",
                  (unsigned long long)evicted->before.resident, (unsigned long long)evicted->after.resident,
                  (unsigned long long)evicted->after.pages);
    if (evicted->after.resident > 0) {
        output_format(output,
                      "  %s stayed: mapped, locked or written by another process, or only partly in the range\n",
                      size_text(text, residency_bytes(&evicted->after)));
    }
}

static void json_evicted(struct json *json, const struct evicted *evicted)
{
    json_number(json, "offset", evicted->range.position);
    json_number(json, "size", evicted->range.size);
    json_number(json, "page_size", evicted->before.page_size);
    json_number(json, "pages", evicted->before.pages);
    json_known(json, "written_back", evicted->before.dirty != UINT64_MAX, evicted->before.dirty);
    json_known(json, "resident_pages_before", evicted->before.known, evicted->before.resident);
    json_known(json, "resident_pages", evicted->after.known, evicted->after.resident);
}

static int run(const struct evict_options *options, int count, char **paths)
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
        struct evicted evicted = {0};
        struct failure failure = {0};
        struct failure closing;
        int err = source_open_state(&source, paths[i], &failure);
        if (!err) {
            err = evict_file(&source, options, &evicted, &failure);
            source_close(&source, &closing);
        }
        if (options->json) {
            json_open_object(&json, NULL, false);
            json_path(&json, "path", paths[i]);
            if (!err)
                json_evicted(&json, &evicted);
            failure_json(&failure, &json);
            json_close_object(&json);
        } else if (!err) {
            print_evicted(&output, paths[i], &evicted);
        }
        if (err) {
            failure_report(&failure, "evict", paths[i]);
            exit_code = EXIT_FAILED;
        }
    }
    if (options->json) {
        json_close_array(&json);
        json_close_object(&json);
        json_finish(&json);
    }
    return finish_output(&output, "evict", exit_code);
}

int job_evict(int argc, char **argv)
{
    struct evict_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"size", 0, "M", OPTION_SIZE, &options.size, "number of bytes (to the end of the file)"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report as JSON; what is unknown is null"},
    };
    const struct usage usage = {"evict", "FILE... [--at N] [--size M] [--json]", summary, examples,
                                rules,   sizeof rules / sizeof rules[0],         1,       -1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    return run(&options, argc - operand, argv + operand);
}
