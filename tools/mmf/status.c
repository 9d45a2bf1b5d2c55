/* status.c: mmf status: what a file has on the disk and in memory. */
#include "jobs.h"
#include "residency.h"
#include "sizes.h"

#include <string.h>
#include <unistd.h>

struct status_options {
    bool extents;
    bool json;
};

/* What the extents of a file add up to. */
struct extent_sums {
    bool known;
    uint64_t data_count;
    uint64_t data_bytes;
    uint64_t hole_count;
    uint64_t hole_bytes;
};

struct status {
    struct source source;
    struct extent_sums extents;
    struct residency residency;
};

struct total {
    uint64_t files;
    uint64_t size;
    uint64_t allocated;
    uint64_t pages_bytes;
    uint64_t resident_bytes;
    uint64_t dirty;
    uint64_t writeback;
    bool resident_known;
    bool dirty_known;
    bool writeback_known;
};

static const char summary[] = "Shows of each FILE its size, the blocks behind it, data extents and holes, how\n"
                              "many of its pages are in memory and where (O: all pages of that part, o: some),\n"
                              "and how many bytes are dirty or being written back. What the kernel does not\n"
                              "tell is \"unknown\", never 0. No page is brought in by looking, and holes cost\n"
                              "nothing.\n";
static const char examples[] = "  mmf status disk.img\n"
                               "  mmf status --json *.db | jq .total.resident\n";

static const char *storage_text(enum os_storage storage)
{
    switch (storage) {
    case OS_STORAGE_IN_PLACE:
        return "in place";
    case OS_STORAGE_COPIES:
        return "copies on write";
    case OS_STORAGE_MEMORY:
        return "memory";
    case OS_STORAGE_UNKNOWN:
        break;
    }
    return "unknown";
}

static void sum_extents(struct status *status)
{
    uint64_t size = status->source.info.size;
    struct extent extent;

    status->extents = (struct extent_sums){.known = true};
    for (uint64_t at = 0; at < size; at += extent.size) {
        if (extent_next(&extent, status->source.file, at, size)) {
            status->extents.known = false;
            return;
        }
        if (extent.data) {
            status->extents.data_count++;
            status->extents.data_bytes += extent.size;
        } else {
            status->extents.hole_count++;
            status->extents.hole_bytes += extent.size;
        }
    }
}

static int inspect(struct status *status, const char *path, struct failure *failure)
{
    int err = source_open_state(&status->source, path, failure);

    if (err)
        return err;
    sum_extents(status);
    err = residency_measure(&status->residency, &status->source, (mmf_range){0, status->source.info.size}, failure);
    if (status->source.info.storage == OS_STORAGE_MEMORY) { /* never written back: there is nothing to count */
        status->residency.dirty = UINT64_MAX;
        status->residency.writeback = UINT64_MAX;
    }
    return err;
}

static void add(struct total *total, const struct status *status)
{
    const struct residency *residency = &status->residency;

    total->files++;
    total->size += status->source.info.size;
    total->allocated += status->source.info.allocated;
    total->pages_bytes += residency->pages * residency->page_size;
    total->resident_bytes += residency_bytes(residency);
    total->resident_known = total->resident_known && residency->known;
    total->dirty_known = total->dirty_known && residency->dirty != UINT64_MAX;
    total->writeback_known = total->writeback_known && residency->writeback != UINT64_MAX;
    total->dirty += residency->dirty == UINT64_MAX ? 0 : residency->dirty;
    total->writeback += residency->writeback == UINT64_MAX ? 0 : residency->writeback;
}

static void print_bytes(struct output *output, uint64_t bytes)
{
    char size[SIZE_TEXT];

    output_format(output, bytes == 1 ? "%llu byte" : "%llu bytes", (unsigned long long)bytes);
    if (bytes >= 1024)
        output_format(output, " (%s)", size_text(size, bytes));
}

static void print_extents(struct output *output, const struct status *status)
{
    uint64_t size = status->source.info.size;
    struct extent extent;

    for (uint64_t at = 0; at < size && output->os_error == 0; at += extent.size) {
        if (extent_next(&extent, status->source.file, at, size))
            return;
        output_format(output, "             %s at %llu, %llu bytes\n", extent.data ? "data" : "hole",
                      (unsigned long long)extent.offset, (unsigned long long)extent.size);
    }
}

static void print_pages(struct output *output, const struct residency *residency)
{
    char text[SIZE_TEXT];
    char chart[CHART_COLUMNS + 3];

    output_text(output, "  in memory  ");
    if (!residency->known) {
        output_text(output, residency->refused ? "unknown: the kernel tells only the owner and who may write the file\n"
                                               : "unknown\n");
        return;
    }
    output_format(output, "%llu of %llu pages of %llu bytes", (unsigned long long)residency->resident,
                  (unsigned long long)residency->pages, (unsigned long long)residency->page_size);
    output_format(output, ", %s", percent_text(text, residency->resident, residency->pages));
    output_format(output, ", %s\n", size_text(text, residency_bytes(residency)));
    if (residency->pages > 0)
        output_format(output, "             %s\n", residency_chart(chart, residency));
}

static void print_dirty(struct output *output, const struct status *status)
{
    const struct residency *residency = &status->residency;

    output_text(output, "  dirty      ");
    if (status->source.info.storage == OS_STORAGE_MEMORY) {
        output_text(output, "does not apply: the file is memory\n");
        return;
    }
    if (residency->dirty == UINT64_MAX) {
        output_text(output, "unknown");
    } else {
        print_bytes(output, residency->dirty);
    }
    output_text(output, ", in writeback ");
    if (residency->writeback == UINT64_MAX) {
        output_text(output, "unknown\n");
    } else {
        print_bytes(output, residency->writeback);
        output_text(output, "\n");
    }
}

static void print_status(struct output *output, const struct status *status, bool list)
{
    const struct os_file_info *info = &status->source.info;
    char text[SIZE_TEXT];

    output_shown(output, status->source.path);
    output_text(output, "\n  size       ");
    print_bytes(output, info->size);
    output_text(output, "\n  blocks     ");
    if (info->kind == OS_FILE_REGULAR)
        print_bytes(output, info->allocated);
    else
        output_text(output, "does not apply: it is a block device");
    if (info->kind == OS_FILE_REGULAR && info->allocated < info->size)
        output_format(output, ", %s of the size", percent_text(text, info->allocated, info->size));
    output_format(output, "\n  storage    %s\n  data       ", storage_text(info->storage));
    if (!status->extents.known) {
        output_text(output, "unknown\n  holes      unknown\n");
    } else {
        output_format(output, status->extents.data_count == 1 ? "%llu extent, " : "%llu extents, ",
                      (unsigned long long)status->extents.data_count);
        print_bytes(output, status->extents.data_bytes);
        output_format(output, "\n  holes      %llu, ", (unsigned long long)status->extents.hole_count);
        print_bytes(output, status->extents.hole_bytes);
        output_text(output, "\n");
        if (list)
            print_extents(output, status);
    }
    print_pages(output, &status->residency);
    print_dirty(output, status);
}

static void print_total(struct output *output, const struct total *total)
{
    char text[SIZE_TEXT];

    output_format(output, "total of %llu files\n  size       ", (unsigned long long)total->files);
    print_bytes(output, total->size);
    output_text(output, "\n  blocks     ");
    print_bytes(output, total->allocated);
    output_text(output, "\n  in memory  ");
    if (total->resident_known) {
        print_bytes(output, total->resident_bytes);
        output_format(output, ", %s\n", percent_text(text, total->resident_bytes, total->pages_bytes));
    } else {
        output_text(output, "unknown\n");
    }
    output_text(output, "  dirty      ");
    if (total->dirty_known) {
        print_bytes(output, total->dirty);
        output_text(output, "\n");
    } else {
        output_text(output, "unknown\n");
    }
}

static void json_extents(struct json *json, const struct status *status, bool list)
{
    const struct extent_sums *sums = &status->extents;
    uint64_t size = status->source.info.size;
    struct extent extent;

    json_known(json, "data_extents", sums->known, sums->data_count);
    json_known(json, "data_bytes", sums->known, sums->data_bytes);
    json_known(json, "holes", sums->known, sums->hole_count);
    json_known(json, "hole_bytes", sums->known, sums->hole_bytes);
    if (!list)
        return;
    if (!sums->known) {
        json_unknown(json, "extents");
        return;
    }
    json_open_array(json, "extents", false);
    for (uint64_t at = 0; at < size && json->output->os_error == 0; at += extent.size) {
        if (extent_next(&extent, status->source.file, at, size))
            break;
        json_open_object(json, NULL, true);
        json_text(json, "kind", extent.data ? "data" : "hole");
        json_number(json, "offset", extent.offset);
        json_number(json, "size", extent.size);
        json_close_object(json);
    }
    json_close_array(json);
}

static void json_chart(struct json *json, const struct residency *residency)
{
    json_open_array(json, "chart", true);
    for (unsigned column = 0; column < residency->columns; column++) {
        json_decimal(json, NULL, (double)residency->column_resident[column] / (double)residency->column_pages[column]);
    }
    json_close_array(json);
}

static void json_status(struct json *json, const struct status *status, bool list)
{
    const struct os_file_info *info = &status->source.info;
    const struct residency *residency = &status->residency;

    json_number(json, "size", info->size);
    json_known(json, "allocated", info->kind == OS_FILE_REGULAR, info->allocated);
    json_text(json, "storage", storage_text(info->storage));
    json_extents(json, status, list);
    json_number(json, "page_size", residency->page_size);
    json_number(json, "pages", residency->pages);
    json_known(json, "resident_pages", residency->known, residency->resident);
    json_known(json, "resident", residency->known, residency_bytes(residency));
    if (residency->known) {
        json_chart(json, residency);
    } else {
        json_unknown(json, "chart");
    }
    json_known(json, "dirty", residency->dirty != UINT64_MAX, residency->dirty);
    json_known(json, "writeback", residency->writeback != UINT64_MAX, residency->writeback);
}

static void json_total(struct json *json, const struct total *total)
{
    json_open_object(json, "total", false);
    json_number(json, "files", total->files);
    json_number(json, "size", total->size);
    json_number(json, "allocated", total->allocated);
    json_known(json, "resident", total->resident_known, total->resident_bytes);
    json_known(json, "dirty", total->dirty_known, total->dirty);
    json_known(json, "writeback", total->writeback_known, total->writeback);
    json_close_object(json);
}

static int run(const struct status_options *options, int count, char **paths)
{
    struct total total = {.resident_known = true, .dirty_known = true, .writeback_known = true};
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
        struct status status = {0};
        struct failure failure = {0};
        struct failure closing;
        int err = inspect(&status, paths[i], &failure);
        if (options->json) {
            json_open_object(&json, NULL, false);
            json_path(&json, "path", paths[i]);
            if (!err)
                json_status(&json, &status, options->extents);
            failure_json(&failure, &json);
            json_close_object(&json);
        } else if (!err) {
            print_status(&output, &status, options->extents);
        }
        if (err) {
            failure_report(&failure, "status", paths[i]);
            exit_code = EXIT_FAILED;
        } else {
            add(&total, &status);
        }
        source_close(&status.source, &closing);
    }
    if (options->json) {
        json_close_array(&json);
        json_total(&json, &total);
        json_close_object(&json);
        json_finish(&json);
    } else if (total.files > 1) {
        print_total(&output, &total);
    }
    return finish_output(&output, "status", exit_code);
}

int job_status(int argc, char **argv)
{
    struct status_options options = {0};
    const struct option_rule rules[] = {
        {"extents", 'e', NULL, OPTION_FLAG, &options.extents, "list every extent and hole"},
        {"json", 0, NULL, OPTION_FLAG, &options.json, "report as JSON; what is unknown is null"},
    };
    const struct usage usage = {"status", "FILE... [--extents] [--json]", summary, examples,
                                rules,    sizeof rules / sizeof rules[0], 1,       -1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    return run(&options, argc - operand, argv + operand);
}
