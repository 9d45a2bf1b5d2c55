/* dump.c: mmf dump: bytes of a file in hexadecimal and as text, in constant memory. */
#include "jobs.h"
#include "progress.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 16, WIDTH_MOST = 256, GROUP = 8, LINES = 4096, LEAST_DIGITS = 8, BUDGET = 8 << 20 };

struct dump_options {
    struct optional at;
    struct optional size;
    struct optional width;
    bool all;
    bool json;
};

/* A dump under way. */
struct dump {
    struct source source;
    struct output output;
    struct json json;
    bool as_json;
    bool all;
    size_t width;
    int digits;            /* of an offset */
    uint64_t at;           /* offset of the next row */
    uint64_t end;          /* of the dump */
    mmf_window *window;    /* what the bytes are read through */
    unsigned char *before; /* the last row that was printed */
    bool has_before;
    uint64_t repeated;    /* bytes left out since then */
    uint64_t repeated_at; /* where they begin */
    unsigned char *piece;
    struct progress progress;
    struct failure failure;
};

static const char summary[] = "Shows bytes of FILE: the offset, the bytes in hexadecimal, and as ASCII. Rows\n"
                              "that are equal to the one before are left out and shown as one *, unless --all;\n"
                              "holes of the file then are not read at all. A file of any size is looked at\n"
                              "through a window of 8 MiB. The last line is the offset behind the last byte.\n"
                              "When the file is made shorter meanwhile, the bytes that were there are shown\n"
                              "and the job fails. @NAME, a named map, is not supported in this version.\n";
static const char examples[] = "  mmf dump disk.img --at 0x1FE --size 2\n"
                               "  mmf dump huge.bin --at 8T --width 32\n"
                               "  mmf dump table --json\n";

static int digits_of(uint64_t value)
{
    int digits = 0;

    for (; value > 0; value >>= 4)
        digits++;
    return digits > LEAST_DIGITS ? digits : LEAST_DIGITS;
}

static char shown(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7F ? (char)byte : '.';
}

/* One line, built by hand: this is where the time of a dump goes. Returns its length. */
static size_t format_row(char *line, const unsigned char *bytes, size_t size, size_t width)
{
    static const char hex[] = "0123456789abcdef";
    char *next = line;

    for (size_t i = 0; i < width; i++) {
        *next++ = ' ';
        if (i % GROUP == 0)
            *next++ = ' ';
        *next++ = i < size ? hex[bytes[i] >> 4] : ' ';
        *next++ = i < size ? hex[bytes[i] & 15] : ' ';
    }
    *next++ = ' ';
    *next++ = ' ';
    *next++ = '|';
    for (size_t i = 0; i < size; i++)
        *next++ = shown(bytes[i]);
    *next++ = '|';
    *next++ = '\n';
    return (size_t)(next - line);
}

static void print_row(struct dump *dump, const unsigned char *bytes, size_t size)
{
    char line[WIDTH_MOST * 5 + 16];

    if (!dump->as_json) {
        output_format(&dump->output, "%0*llx", dump->digits, (unsigned long long)dump->at);
        output_bytes(&dump->output, line, format_row(line, bytes, size, dump->width));
        return;
    }
    char *next = line;
    json_open_object(&dump->json, NULL, true);
    json_number(&dump->json, "offset", dump->at);
    for (size_t i = 0; i < size; i++) {
        *next++ = "0123456789abcdef"[bytes[i] >> 4];
        *next++ = "0123456789abcdef"[bytes[i] & 15];
    }
    *next = '\0';
    json_text(&dump->json, "hex", line);
    for (size_t i = 0; i < size; i++)
        line[i] = shown(bytes[i]);
    line[size] = '\0';
    json_text(&dump->json, "text", line);
    json_close_object(&dump->json);
}

/* Tells what was left out since the last row: in JSON how much, else a line with a star. */
static void print_repeated(struct dump *dump)
{
    if (dump->repeated == 0)
        return;
    if (dump->as_json) {
        json_open_object(&dump->json, NULL, true);
        json_number(&dump->json, "offset", dump->repeated_at);
        json_number(&dump->json, "size", dump->repeated);
        json_bool(&dump->json, "repeats", true);
        json_close_object(&dump->json);
    } else {
        output_text(&dump->output, "*\n");
    }
    dump->repeated = 0;
}

static void leave_out(struct dump *dump, uint64_t size)
{
    if (dump->repeated == 0)
        dump->repeated_at = dump->at;
    dump->repeated += size;
    dump->at += size;
    progress_add(&dump->progress, size);
}

/* Shows whole rows, and the last one, which may be short. */
static void print_rows(struct dump *dump, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        size_t row = size < dump->width ? size : dump->width;
        if (!dump->all && dump->has_before && row == dump->width && memcmp(bytes, dump->before, row) == 0) {
            leave_out(dump, row);
        } else {
            print_repeated(dump);
            print_row(dump, bytes, row);
            dump->at += row;
            progress_add(&dump->progress, row);
            memcpy(dump->before, bytes, row);
            dump->has_before = true;
        }
        bytes += row;
        size -= row;
    }
}

static bool all_zero(const unsigned char *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* After a row of zeros, whole rows that lie in a hole are left out without being read. */
static int skip_hole(struct dump *dump)
{
    struct extent extent;
    uint64_t good = 0;

    if (dump->all || !dump->has_before || !all_zero(dump->before, dump->width) ||
        extent_next(&extent, dump->source.file, dump->at, dump->end) || extent.data) {
        return MMF_OK;
    }
    /* Behind the end of a file that was made shorter there is a hole, too. */
    int err =
        source_verify(&dump->source, dump->at, extent.size - extent.size % dump->width, MMF_OK, &good, &dump->failure);
    if (good > 0)
        leave_out(dump, good);
    return err;
}

static int dump_bytes(struct dump *dump)
{
    const size_t room = dump->width * LINES;
    int err = MMF_OK;

    while (!err && dump->at < dump->end && dump->output.os_error == 0) {
        err = skip_hole(dump);
        if (err)
            break;
        /* The first row of a piece is enough to see that a hole begins. */
        uint64_t size = dump->end - dump->at < room ? dump->end - dump->at : room;
        if (size == 0)
            break;
        err = mmf_window_read(dump->window, dump->at, dump->piece, (size_t)size);
        err = source_verify(&dump->source, dump->at, size, err, &size, &dump->failure);
        print_rows(dump, dump->piece, (size_t)size);
    }
    print_repeated(dump);
    return err;
}

static int dump_range(struct dump *dump, const struct dump_options *options)
{
    mmf_range range = {0};
    uint64_t capacity = mmf_map_capacity(dump->source.map);
    int err = range_of_options(&range, options->at, options->size, capacity, true, &dump->failure);
    bool range_wrong = err != MMF_OK;

    dump->at = range.position;
    dump->end = range.position + range.size;
    dump->digits = digits_of(dump->end);
    dump->piece = malloc(dump->width * LINES);
    dump->before = malloc(dump->width);
    if (!err && (dump->piece == NULL || dump->before == NULL))
        err = failure_of_job(&dump->failure, MMF_ENOMEMORY, "not enough memory");
    if (!err && mmf_window_open(&dump->window, dump->source.map, MMF_WINDOW_OPTIONS(.budget = BUDGET)))
        err = failure_of_library(&dump->failure);
    if (dump->as_json) {
        json_number(&dump->json, "size", capacity);
        json_open_array(&dump->json, "rows", false);
    }
    if (!err) {
        progress_start(&dump->progress, "dump", range.size);
        dump->progress.on = dump->progress.on && !isatty(STDOUT_FILENO); /* one terminal for one purpose */
        err = dump_bytes(dump);
        progress_clear();
    }
    if (dump->as_json) {
        json_close_array(&dump->json);
        json_known(&dump->json, "end", !range_wrong, dump->at);
    } else if (!err) {
        output_format(&dump->output, "%0*llx\n", dump->digits, (unsigned long long)dump->at);
    }
    mmf_window_close(&dump->window);
    free(dump->piece);
    free(dump->before);
    return err;
}

static int run(const struct dump_options *options, const char *path)
{
    struct dump dump = {.as_json = options->json, .all = options->all};
    int exit_code = EXIT_DONE;

    dump.width = options->width.given ? (size_t)options->width.value : WIDTH_DEFAULT;
    output_start(&dump.output, STDOUT_FILENO);
    json_start(&dump.json, &dump.output);
    int err = source_open(&dump.source, path, MMF_READ, false, &dump.failure);
    if (dump.as_json) {
        json_open_object(&dump.json, NULL, false);
        json_path(&dump.json, "path", path);
    }
    if (!err) {
        struct failure closing;
        err = dump_range(&dump, options);
        source_close(&dump.source, &closing);
    }
    if (dump.as_json) {
        failure_json(&dump.failure, &dump.json);
        json_close_object(&dump.json);
        json_finish(&dump.json);
    }
    exit_code = finish_output(&dump.output, "dump", EXIT_DONE);
    if (err) {
        failure_report(&dump.failure, "dump", path);
        exit_code = EXIT_FAILED;
    }
    return exit_code;
}

int job_dump(int argc, char **argv)
{
    struct dump_options options = {0};
    const struct option_rule rules[] = {
        {"at", 0, "N", OPTION_SIZE, &options.at, "offset of the first byte (0)"},
        {"size", 0, "M", OPTION_SIZE, &options.size, "number of bytes at most (to the end of the file)"},
        {"width", 'w', "N", OPTION_SIZE, &options.width, "bytes in a row, 1 to 256 (16)"},
        {"all", 0, NULL, OPTION_FLAG, &options.all, "show rows that repeat the one before, too"},
        {"json", 0, NULL, OPTION_FLAG, &options.json,
         "rows as JSON: offset, hex, text; rows left out: offset,\nsize, \"repeats\": true"},
    };
    const struct usage usage = {"dump",  "FILE [--at N] [--size M] [--width N] [--all] [--json]",
                                summary, examples,
                                rules,   sizeof rules / sizeof rules[0],
                                1,       1};
    int operand = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operand);

    if (exit_code >= 0)
        return exit_code;
    if (options.width.given && (options.width.value < 1 || options.width.value > WIDTH_MOST))
        return arguments_wrong("dump", "--width must be 1 to %d", WIDTH_MOST);
    return run(&options, argv[operand]);
}
