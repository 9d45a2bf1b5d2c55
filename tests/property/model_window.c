/*
 * model_window.c: random operations on windows, streams and FILEs, compared after each of them with a plain array.
 *
 * Budgets begin at one page. Run with the machine's pages, with pages of 16 KiB and 64 KiB by the os table, and without
 * signals. The seed is printed; MMF_SEED=n or an argument replays it, MMF_SECONDS=n runs longer.
 */
#define _GNU_SOURCE
#include "fault.h"
#include "support.h"
#include "truncation.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES 600000
#define LEAST_BYTES 1000
#define WINDOWS 3
#define REFERENCES 12
#define STREAMS 3
#define LOG 24

struct model_reference {
    unsigned char *data;
    uint64_t offset;
    size_t size;
    mmf_access access;
};

struct model_window {
    mmf_window *window;
    uint64_t budget;
    bool reads_only;
    struct model_reference held[REFERENCES];
};

struct model_stream {
    mmf_stream *stream;
    FILE *file; /* or this; "r+", nothing of it is in the buffer between two operations */
    uint64_t offset;
    uint64_t size;
    uint64_t position;
};

static const char *path;
static unsigned char bytes[MOST_BYTES]; /* what the file must be */
static uint64_t length;
static mmf_map *maps[2]; /* the second may only read */
static struct model_window windows[WINDOWS];
static struct model_stream streams[STREAMS];
static unsigned chance, seed;
static unsigned long operations, refused, given;
static char journal[LOG][160];

static uint64_t choose(uint64_t below)
{
    return below ? ((uint64_t)rand_r(&chance) << 16 ^ (uint64_t)rand_r(&chance)) % below : 0;
}

/* Near a border of pages, or anywhere. */
static uint64_t choose_offset(uint64_t most)
{
    static const uint64_t borders[] = {4096, 16384, 65536};
    uint64_t at = choose(most + 1);
    if (choose(2)) {
        const uint64_t border = borders[choose(3)];
        at = at / border * border + choose(9);
        at = at >= 4 ? at - 4 : 0;
    }
    return at < most ? at : most;
}

static uint64_t choose_size(uint64_t most)
{
    const uint64_t size = choose(3) ? choose(3 * mmf_granularity()) : choose_offset(most);
    return size < most ? size : most;
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(journal[operations % LOG], sizeof journal[0], format, arguments);
    va_end(arguments);
}

static void wrong(const char *what, int line)
{
    const mmf_error *last = mmf_last_error();
    print_error("model_window.c:%d: not so: %s; seed %u, operation %lu; last error %s in %s\n", line, what, seed,
                operations, mmf_error_name(last->code), last->operation ? last->operation : "nothing");
    for (unsigned long i = operations >= LOG ? operations - LOG + 1 : 0; i <= operations; i++)
        print_error("  %lu: %s\n", i, journal[i % LOG]);
    fail();
}

#define must(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            wrong(#condition, __LINE__);                                                                               \
    } while (0)

/* --- Windows ------------------------------------------------------------------------------------------------------ */

static size_t held_by(const struct model_window *window)
{
    size_t count = 0;
    for (size_t i = 0; i < REFERENCES; i++)
        count += window->held[i].data != NULL;
    return count;
}

static struct model_window *some_window(void)
{
    return &windows[choose(WINDOWS)];
}

static void open_model_window(struct model_window *window)
{
    const uint64_t page = mmf_granularity();
    memset(window, 0, sizeof *window);
    window->reads_only = choose(4) == 0;
    window->budget = page + (choose(3) ? choose(12 * page) : choose(100 * page));
    note("open window %zu with %llu bytes%s", (size_t)(window - windows), (unsigned long long)window->budget,
         window->reads_only ? ", to read" : "");
    must(mmf_window_open(&window->window, maps[window->reads_only && choose(2)],
                         MMF_WINDOW_OPTIONS(.budget = window->budget,
                                            .access = window->reads_only ? MMF_READ : MMF_ACCESS_DEFAULT)) == MMF_OK);
}

/* With what it still holds, or after everything was returned. */
static void reopen_window(void)
{
    struct model_window *window = some_window();
    const bool leaks = held_by(window) > 0;
    must(mmf_window_close(&window->window) == (leaks ? MMF_EMAPPED : MMF_OK) && !window->window);
    open_model_window(window);
}

static uint64_t pages_of(uint64_t offset, uint64_t size)
{
    const uint64_t page = mmf_page_size();
    return (offset % mmf_granularity() + size + page - 1) / page * page;
}

static void reference(void)
{
    struct model_window *window = some_window();
    struct model_reference *one = &window->held[choose(REFERENCES)];
    if (one->data)
        return;
    void *data = NULL;
    const bool empty = held_by(window) == 0;
    one->offset = choose_offset(length);
    one->size = (size_t)choose_size(length - one->offset);
    one->access = choose(2) || window->reads_only ? MMF_READ : MMF_READWRITE;
    note("reference %llu bytes at %llu, access %d, window %zu", (unsigned long long)one->size,
         (unsigned long long)one->offset, one->access, (size_t)(window - windows));
    const int err = mmf_window_ref_access(window->window, one->offset, one->size, one->access, &data);
    if (one->size == 0) {
        must(err == MMF_EINVAL && !data);
        return;
    }
    const bool too_large = pages_of(one->offset, one->size) > window->budget;
    must(err == MMF_OK || err == MMF_EBUDGET);
    must(!too_large || err == MMF_EBUDGET);
    must(too_large || !empty || err == MMF_OK);
    must((err == MMF_OK) == (data != NULL));
    one->data = data;
    refused += err != MMF_OK;
    given += err == MMF_OK;
}

static struct model_reference *some_reference(struct model_window *window)
{
    const size_t first = (size_t)choose(REFERENCES);
    for (size_t i = 0; i < REFERENCES; i++)
        if (window->held[(first + i) % REFERENCES].data)
            return &window->held[(first + i) % REFERENCES];
    return NULL;
}

static void unreference(void)
{
    struct model_window *window = some_window();
    struct model_reference *one = some_reference(window);
    if (!one)
        return;
    note("return %llu bytes at %llu, window %zu", (unsigned long long)one->size, (unsigned long long)one->offset,
         (size_t)(window - windows));
    void *data = one->data;
    one->data = NULL;
    must(mmf_window_unref(window->window, data) == MMF_OK);
    for (size_t i = 0; i < REFERENCES; i++)
        if (window->held[i].data == data)
            return;
    must(mmf_window_unref(window->window, data) == MMF_EINVAL);
    must(mmf_window_unref(windows[(size_t)(window - windows + 1) % WINDOWS].window, data) == MMF_EINVAL);
}

static void store_raw(void)
{
    struct model_reference *one = some_reference(some_window());
    if (!one || one->access != MMF_READWRITE)
        return;
    const uint64_t at = choose_offset(one->size - 1);
    note("raw store at %llu", (unsigned long long)(one->offset + at));
    ((volatile unsigned char *)one->data)[at] = (unsigned char)operations;
    bytes[one->offset + at] = (unsigned char)operations;
}

static unsigned char buffer[MOST_BYTES + 64];

/* A window that holds something may have no page left; what was done before that counts. */
static size_t judge_copy(const struct model_window *window, int err, size_t size)
{
    must(err == MMF_OK || (err == MMF_EBUDGET && held_by(window) > 0));
    must(!err || mmf_last_error()->done < size);
    return err ? (size_t)mmf_last_error()->done : size;
}

static void read_window(void)
{
    struct model_window *window = some_window();
    const uint64_t at = choose_offset(length), size = choose_size(length - at);
    note("read %llu bytes at %llu, window %zu", (unsigned long long)size, (unsigned long long)at,
         (size_t)(window - windows));
    memset(buffer, 0xA6, (size_t)size + 8);
    const size_t done = judge_copy(window, mmf_window_read(window->window, at, buffer, (size_t)size), (size_t)size);
    must(!memcmp(buffer, bytes + at, done));
    for (size_t i = 0; i < 8; i++)
        must(buffer[size + i] == 0xA6);
    must(mmf_window_read(window->window, at, buffer, (size_t)(length - at) + 1) == MMF_ERANGE);
}

static void write_window(void)
{
    struct model_window *window = some_window();
    const uint64_t at = choose_offset(length), size = choose_size(length - at);
    note("write %llu bytes at %llu, window %zu", (unsigned long long)size, (unsigned long long)at,
         (size_t)(window - windows));
    memset(buffer, (int)choose(256), (size_t)size + 1);
    const int err = mmf_window_write(window->window, at, buffer, (size_t)size);
    if (window->reads_only) {
        must(err == MMF_EACCESS);
        return;
    }
    memcpy(bytes + at, buffer, judge_copy(window, err, (size_t)size));
    must(mmf_window_write(window->window, at, buffer, (size_t)(length - at) + 1) == MMF_ERANGE);
}

static void flush_window(void)
{
    struct model_window *window = some_window();
    const uint64_t at = choose_offset(length), size = choose_size(length - at);
    note("flush %llu bytes at %llu", (unsigned long long)size, (unsigned long long)at);
    must(mmf_window_flush(window->window, at, size, (mmf_flush)choose(3)) == MMF_OK);
}

/* --- Streams ------------------------------------------------------------------------------------------------------ */

static void close_model_stream(struct model_stream *stream)
{
    if (stream->file)
        must(fclose(stream->file) == 0);
    must(mmf_stream_close(&stream->stream) == MMF_OK);
    memset(stream, 0, sizeof *stream);
}

static void open_stream(void)
{
    struct model_stream *stream = &streams[choose(STREAMS)];
    mmf_view *view = NULL;
    close_model_stream(stream);
    stream->offset = choose_offset(length);
    stream->size = choose_size(length - stream->offset);
    const bool file = choose(2) && have(MMF_FEATURE_STDIO);
    note("open stream %zu, %llu bytes at %llu%s", (size_t)(stream - streams), (unsigned long long)stream->size,
         (unsigned long long)stream->offset, file ? ", a FILE" : "");
    must(mmf_view_open(&view, maps[0], stream->offset, stream->size, NULL) == MMF_OK);
    if (!stream->size)
        stream->size = length - stream->offset;
    if (file)
        must(mmf_view_fopen(&stream->file, view, "r+") == MMF_OK);
    else
        must(mmf_stream_open(&stream->stream, view) == MMF_OK);
    must(mmf_view_close(&view) == MMF_OK); /* the stream keeps it */
}

static void close_stream(void)
{
    struct model_stream *stream = &streams[choose(STREAMS)];
    note("close stream %zu", (size_t)(stream - streams));
    close_model_stream(stream);
}

static struct model_stream *some_stream(void)
{
    const size_t first = (size_t)choose(STREAMS);
    for (size_t i = 0; i < STREAMS; i++) {
        struct model_stream *stream = &streams[(first + i) % STREAMS];
        if (stream->stream || stream->file)
            return stream;
    }
    return NULL;
}

static uint64_t left_of(const struct model_stream *stream)
{
    return stream->position < stream->size ? stream->size - stream->position : 0;
}

static void check_position(const struct model_stream *stream)
{
    uint64_t position = 99;
    if (stream->file)
        must(ftello(stream->file) == (off_t)stream->position);
    else
        must(mmf_stream_tell(&position, stream->stream) == MMF_OK && position == stream->position);
}

static void seek_stream(void)
{
    struct model_stream *stream = some_stream();
    if (!stream)
        return;
    const unsigned origin = (unsigned)choose(3);
    const uint64_t from = origin == 0 ? 0 : origin == 1 ? stream->position : stream->size;
    const int64_t distance = (int64_t)choose_offset(stream->size + 1000) - (origin ? (int64_t)stream->size : 50);
    const bool allowed = distance >= 0 || from >= (uint64_t)-distance;
    note("seek stream %zu by %lld from %u", (size_t)(stream - streams), (long long)distance, origin);
    if (stream->file)
        must((fseeko(stream->file, (off_t)distance, (const int[]){SEEK_SET, SEEK_CUR, SEEK_END}[origin]) == 0) ==
             allowed);
    else
        must(mmf_stream_seek(stream->stream, distance, (mmf_seek)origin, NULL) == (allowed ? MMF_OK : MMF_ERANGE));
    if (allowed)
        stream->position = from + (uint64_t)distance;
    check_position(stream);
}

static void read_stream(void)
{
    struct model_stream *stream = some_stream();
    if (!stream)
        return;
    const size_t size = (size_t)choose_size(MOST_BYTES);
    const size_t fitting = size < left_of(stream) ? size : (size_t)left_of(stream);
    size_t done = 99;
    note("read %zu bytes of stream %zu at %llu", size, (size_t)(stream - streams),
         (unsigned long long)stream->position);
    if (stream->file) { /* it may have read ahead: others have stored meanwhile */
        must(fseeko(stream->file, (off_t)stream->position, SEEK_SET) == 0);
        must(fflush(stream->file) == 0);
        done = fread(buffer, 1, size, stream->file);
        must(!ferror(stream->file) && (feof(stream->file) != 0) == (fitting < size));
    } else {
        must(mmf_stream_read(stream->stream, buffer, size, &done) == MMF_OK);
    }
    must(done == fitting && !memcmp(buffer, bytes + stream->offset + (fitting ? stream->position : 0), fitting));
    stream->position += done;
    check_position(stream);
    if (stream->file)
        must(fseeko(stream->file, 0, SEEK_CUR) == 0);
}

static void write_stream(void)
{
    struct model_stream *stream = some_stream();
    if (!stream)
        return;
    const size_t size = (size_t)choose_size(choose(4) ? left_of(stream) : left_of(stream) + 1000);
    const bool fits = stream->position <= stream->size && size <= left_of(stream);
    size_t done = 99;
    note("write %zu bytes of stream %zu at %llu", size, (size_t)(stream - streams),
         (unsigned long long)stream->position);
    memset(buffer, (int)choose(256), size + 1);
    if (stream->file) {
        if (!fits)
            return;
        must(fwrite(buffer, 1, size, stream->file) == size && fflush(stream->file) == 0);
        done = size;
    } else {
        must(mmf_stream_write(stream->stream, buffer, size, &done) == (fits ? MMF_OK : MMF_ERANGE));
        must(done == (fits ? size : 0));
    }
    if (fits && size)
        memcpy(bytes + stream->offset + stream->position, buffer, size);
    stream->position += done;
    check_position(stream);
}

/* --- The map ------------------------------------------------------------------------------------------------------ */

/* Just after the last byte that may not be cut off. */
static uint64_t end_of_use(void)
{
    uint64_t end = 0;
    for (size_t i = 0; i < STREAMS; i++)
        if ((streams[i].stream || streams[i].file) && streams[i].size && streams[i].offset + streams[i].size > end)
            end = streams[i].offset + streams[i].size;
    for (size_t i = 0; i < WINDOWS; i++) {
        for (size_t j = 0; j < REFERENCES; j++) {
            const struct model_reference *one = &windows[i].held[j];
            if (one->data && one->offset + one->size > end)
                end = one->offset + one->size;
        }
    }
    return end;
}

static void set_model_length(uint64_t to)
{
    if (to < length)
        memset(bytes + to, 0, (size_t)(length - to));
    length = to;
}

static void return_most(void)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        for (size_t j = 0; j < REFERENCES; j++) {
            struct model_reference *one = &windows[i].held[j];
            if (!one->data || one->offset + one->size < LEAST_BYTES + length / 3)
                continue;
            must(mmf_window_unref(windows[i].window, one->data) == MMF_OK);
            one->data = NULL;
        }
    }
}

/* The same pointer may have been given for a shorter and a longer range: the longer counts until all are returned. */
static bool is_ambiguous(void)
{
    for (size_t i = 0; i < WINDOWS; i++)
        for (size_t j = 0; j < REFERENCES; j++)
            for (size_t k = 0; k < j; k++)
                if (windows[i].held[j].data && windows[i].held[j].data == windows[i].held[k].data)
                    return true;
    return false;
}

static bool was_ambiguous;

static void resize(void)
{
    if (choose(3) == 0)
        return_most();
    const uint64_t to = LEAST_BYTES + choose_offset(MOST_BYTES - LEAST_BYTES), end = end_of_use();
    note("resize from %llu to %llu, in use up to %llu", (unsigned long long)length, (unsigned long long)to,
         (unsigned long long)end);
    const int err = mmf_map_resize(maps[0], to);
    if (to < length && end > to) {
        must(err == MMF_EMAPPED);
        return;
    }
    must(err == MMF_OK || (err == MMF_EMAPPED && to < length && was_ambiguous));
    if (!err)
        set_model_length(to);
}

static void resize_behind_the_library(void)
{
    const uint64_t least = end_of_use() > LEAST_BYTES ? end_of_use() : LEAST_BYTES;
    const uint64_t to = least + choose(MOST_BYTES - least + 1);
    note("another program sets the length %llu to %llu", (unsigned long long)length, (unsigned long long)to);
    set_length(path, to);
    set_model_length(to);
    must(mmf_map_refresh(maps[0]) == MMF_OK);
}

/* --- Comparing, and runs ------------------------------------------------------------------------------------------ */

static void compare_all(void)
{
    static unsigned char file_bytes[MOST_BYTES + 1];
    bool any = false;
    for (size_t i = 0; i < WINDOWS; i++) {
        mmf_window_details details = {.struct_size = sizeof details};
        must(mmf_window_info(&details, windows[i].window) == MMF_OK);
        must(details.mapped <= windows[i].budget && details.budget == windows[i].budget);
        must(details.referenced == held_by(&windows[i]));
        any = any || details.referenced;
        for (size_t j = 0; j < REFERENCES; j++) {
            const struct model_reference *one = &windows[i].held[j];
            must(!one->data || !memcmp(one->data, bytes + one->offset, one->size));
        }
    }
    was_ambiguous = any && (was_ambiguous || is_ambiguous());
    must(mmf_map_capacity(maps[0]) == length && mmf_map_capacity(maps[1]) == length);
    if (operations % 16)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0);
    const ssize_t got = read(file, file_bytes, sizeof file_bytes);
    close(file);
    must(got == (ssize_t)length && !memcmp(bytes, file_bytes, (size_t)length));
}

static void step(void)
{
    static void (*const all[])(void) = {reference,
                                        reference,
                                        reference,
                                        reference,
                                        reference,
                                        unreference,
                                        unreference,
                                        unreference,
                                        unreference,
                                        store_raw,
                                        store_raw,
                                        read_window,
                                        read_window,
                                        read_window,
                                        write_window,
                                        write_window,
                                        write_window,
                                        flush_window,
                                        open_stream,
                                        close_stream,
                                        seek_stream,
                                        read_stream,
                                        read_stream,
                                        read_stream,
                                        write_stream,
                                        write_stream,
                                        resize,
                                        resize,
                                        resize_behind_the_library};
    note("nothing");
    all[choose(COUNT(all))]();
    if (choose(50) == 0)
        reopen_window();
    compare_all();
    operations++;
}

static void run_for(const char *name, double seconds)
{
    struct timespec start, now;
    path = fast_path("model");
    chance = seed;
    operations = refused = given = 0;
    was_ambiguous = false;
    length = 200000;
    write_pattern(path, length);
    memset(bytes, 0, sizeof bytes);
    fill_pattern(bytes, 0, (size_t)length);
    assert_ok(mmf_map_from_file(&maps[0], path, MMF_MAP_OPTIONS(.sparse = true)));
    assert_ok(mmf_map_duplicate(&maps[1], maps[0], MMF_READ));
    for (size_t i = 0; i < WINDOWS; i++)
        open_model_window(&windows[i]);
    const char *steps = getenv("MMF_STEPS");
    const unsigned long most = steps ? strtoul(steps, NULL, 0) : 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 50; i++)
            step();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (most ? operations < most
                  : (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
    for (size_t i = 0; i < STREAMS; i++)
        close_model_stream(&streams[i]);
    for (size_t i = 0; i < WINDOWS; i++)
        (void)mmf_window_close(&windows[i].window);
    for (size_t i = 0; i < COUNT(maps); i++)
        assert_ok(mmf_map_close(&maps[i]));
    printf("%s: %lu operations, %lu references given, %lu refused\n", name, operations, given, refused);
    assert_true(operations >= 50);
    fault_pages(0, 0);
}

static double seconds_each(void)
{
    const char *wanted = getenv("MMF_SECONDS");
    return wanted ? strtod(wanted, NULL) : 0.5;
}

TEST(pages_of_the_machine)
{
    run_for("pages of the machine", seconds_each());
}

TEST(pages_of_16_kib)
{
    fault_pages(16384, 16384);
    run_for("pages of 16 KiB", seconds_each());
}

TEST(pages_of_64_kib)
{
    fault_pages(65536, 65536);
    run_for("pages of 64 KiB", seconds_each());
}

/* As on Windows. */
TEST(granularity_of_64_kib)
{
    fault_pages(0, 65536);
    run_for("granularity of 64 KiB", seconds_each());
}

TEST(without_signals)
{
    assert_ok(mmf_guard_install(MMF_GUARD_NOSIGNAL));
    run_for("without signals", seconds_each());
    fault_pages(65536, 65536);
    run_for("without signals, pages of 64 KiB", seconds_each() / 2);
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        unit(pages_of_the_machine),  unit(pages_of_16_kib), unit(pages_of_64_kib),
        unit(granularity_of_64_kib), unit(without_signals),
    };
    if (count > 1)
        setenv("MMF_SEED", arguments[1], 1);
    seed = choose_seed();
    fault_install();
    return run_group(tests);
}
