/* nth_window.c: every call on a window, a stream and its FILE, with every system call below it made to fail. */
#define _GNU_SOURCE
#include "nth.h"

#include <errno.h>
#include <unistd.h>

static mmf_window *const unset = (mmf_window *)(uintptr_t)0x51;

/* --- Windows ------------------------------------------------------------------------------------------------------ */

static void prepare_map(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, NULL));
}

static int open_window(struct nth *nth)
{
    nth->window = unset;
    int code = mmf_window_open(&nth->window, nth->map, NULL);
    nth_expect(code ? nth->window == NULL : nth->window != NULL && nth->window != unset);
    return code;
}

/* Two pages of four: what is wanted next always needs another to go. */
static void prepare_window_of(struct nth *nth, uint64_t budget)
{
    prepare_map(nth);
    assert_ok(mmf_window_open(&nth->window, nth->map, MMF_WINDOW_OPTIONS(.budget = budget)));
}

static void prepare_small_window(struct nth *nth)
{
    prepare_window_of(nth, 2 * mmf_granularity());
}

/* All of the budget is mapped, and idle. */
static void prepare_full_window(struct nth *nth)
{
    prepare_small_window(nth);
    assert_ok(mmf_window_read(nth->window, 0, nth->bytes, 8192));
    memset(nth->bytes, 0, sizeof nth->bytes);
}

/* All but one page is held. */
static void prepare_held_window(struct nth *nth)
{
    prepare_window_of(nth, 3 * mmf_granularity());
    assert_ok(mmf_window_ref(nth->window, 10, 5000, &nth->data));
}

static void check_window(struct nth *nth, int code)
{
    (void)code;
    if (!nth->window)
        return;
    mmf_window_details details = {.struct_size = sizeof details};
    nth_expect(mmf_window_info(&details, nth->window) == MMF_OK);
    nth_expect(details.mapped <= details.budget);
    if (have_proc())
        nth_expect(mapped_bytes_of("/nth") == details.mapped);
    /* It goes on working, whatever happened. */
    static unsigned char bytes[NTH_SIZE];
    const size_t size = details.mapped && details.referenced ? 4000 : NTH_SIZE;
    nth_expect(mmf_window_read(nth->window, 0, bytes, size) == MMF_OK);
    nth_expect(match_pattern(bytes, 0, size) == size);
}

static int reference(struct nth *nth)
{
    void *data = unset;
    int code = mmf_window_ref(nth->window, 8190, 4000, &data);
    nth_expect(code ? data == NULL : match_pattern(data, 8190, 4000) == 4000);
    if (!code)
        nth_expect(mmf_window_unref(nth->window, data) == MMF_OK);
    return code;
}

/* The table of references grows, and the pool of pieces with it. */
static int reference_often(struct nth *nth)
{
    static void *data[200];
    size_t count = 0;
    int code = MMF_OK;
    for (; count < COUNT(data) && !code; count++)
        code = mmf_window_ref_access(nth->window, count * 60, 5, count % 2 ? MMF_READ : MMF_READWRITE, &data[count]);
    nth_expect(!code || data[count - 1] == NULL);
    for (size_t i = 0; i < count - (code ? 1 : 0); i++)
        nth_expect(match_pattern(data[i], i * 60, 5) == 5 && mmf_window_unref(nth->window, data[i]) == MMF_OK);
    return code;
}

static void prepare_window(struct nth *nth)
{
    prepare_window_of(nth, MIB);
}

/* So many pieces are held that the next ones need a larger pool. */
enum { POOL = 60, MORE = 10 };

static void prepare_pool(struct nth *nth)
{
    void *data = NULL;
    assert_ok(mmf_map_create(&nth->map, NULL, 128 * mmf_granularity(), NULL));
    assert_ok(mmf_window_open(&nth->window, nth->map, MMF_WINDOW_OPTIONS(.budget = 100 * mmf_granularity())));
    for (size_t i = 0; i < POOL; i++) {
        assert_ok(mmf_window_ref(nth->window, i * mmf_granularity(), 1, &data));
        *(unsigned char *)data = (unsigned char)i;
    }
}

static int grow_pool(struct nth *nth)
{
    void *data[MORE];
    size_t count = 0;
    int code = MMF_OK;
    while (count < MORE && !code)
        if (!(code = mmf_window_ref(nth->window, (POOL + count) * mmf_granularity(), 1, &data[count])))
            count++;
    while (count > 0)
        nth_expect(mmf_window_unref(nth->window, data[--count]) == MMF_OK);
    return code;
}

static void check_pool(struct nth *nth, int code)
{
    mmf_window_details details = {.struct_size = sizeof details};
    unsigned char byte = 99;
    (void)code;
    nth_expect(mmf_window_info(&details, nth->window) == MMF_OK && details.referenced == POOL);
    for (size_t i = 0; i < POOL; i++)
        nth_expect(mmf_window_read(nth->window, i * mmf_granularity(), &byte, 1) == MMF_OK && byte == i);
}

static int unreference(struct nth *nth)
{
    int code = mmf_window_unref(nth->window, nth->data);
    nth->data = NULL;
    return code;
}

static int read_window(struct nth *nth)
{
    memset(nth->bytes, 0, sizeof nth->bytes);
    return mmf_window_read(nth->window, 0, nth->bytes, NTH_SIZE);
}

static void check_read(struct nth *nth, int code)
{
    const size_t done = !code ? NTH_SIZE : nth->retried ? 0 : (size_t)mmf_last_error()->done;
    nth_expect(done <= NTH_SIZE && match_pattern(nth->bytes, 0, done) == done);
    check_window(nth, code);
}

static int write_window(struct nth *nth)
{
    memset(nth->bytes, 0x99, sizeof nth->bytes);
    return mmf_window_write(nth->window, 0, nth->bytes, NTH_SIZE);
}

static void check_written(struct nth *nth, int code)
{
    const size_t done = code ? (size_t)mmf_last_error()->done : NTH_SIZE;
    nth_expect(done <= NTH_SIZE);
    nth_expect(mmf_window_read(nth->window, 0, nth->bytes, NTH_SIZE) == MMF_OK);
    for (size_t i = 0; i < done; i++)
        nth_expect(nth->bytes[i] == 0x99);
    for (size_t i = done; i < NTH_SIZE && !nth->retried; i++)
        nth_expect(nth->bytes[i] == 0x99 || nth->bytes[i] == pattern(i));
}

#define FLUSHES(name, how)                                                                                             \
    static int name(struct nth *nth)                                                                                   \
    {                                                                                                                  \
        return mmf_window_flush(nth->window, 10, 9000, how);                                                           \
    }
FLUSHES(flush_start, MMF_FLUSH_START)
FLUSHES(flush_wait, MMF_FLUSH_WAIT)
FLUSHES(flush_sync, MMF_FLUSH_SYNC)

static int close_window(struct nth *nth)
{
    int code = mmf_window_close(&nth->window);
    nth_expect(nth->window == NULL);
    nth_expect(!have_proc() || mappings_of("/nth") == 0);
    return code;
}

/* The last that keeps the file. */
static void prepare_last_window(struct nth *nth)
{
    prepare_full_window(nth);
    assert_ok(mmf_map_close(&nth->map));
}

static int close_idle(struct nth *nth)
{
    int code = close_window(nth);
    nth_expect(code == MMF_OK); /* unmapping answers nothing that the caller could use */
    return code;
}

static const struct nth_scenario windows[] = {
    {"window_open", prepare_map, open_window, check_window, .flags = 0},
    {"window_ref", prepare_small_window, reference, check_window, .flags = 0},
    {"window_ref_full", prepare_full_window, reference, check_window, .flags = 0},
    {"window_ref_often", prepare_window, reference_often, check_window, .flags = 0},
    {"window_pool", prepare_pool, grow_pool, check_pool, .flags = 0},
    {"window_unref", prepare_held_window, unreference, check_window, .flags = NTH_CLOSES | NTH_NO_CALLS},
    {"window_read", prepare_small_window, read_window, check_read, .flags = 0},
    {"window_read_full", prepare_full_window, read_window, check_read, .flags = 0},
    {"window_read_held", prepare_held_window, read_window, check_read, .flags = 0},
    {"window_read_quiet", prepare_small_window, read_window, check_read, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"window_write", prepare_small_window, write_window, check_written, .file = NTH_WRITES},
    {"window_write_full", prepare_full_window, write_window, check_written, .file = NTH_WRITES},
    {"window_write_quiet", prepare_full_window, write_window, check_written, .flags = NTH_NO_SIGNALS,
     .file = NTH_WRITES, .also = {MMF_EFAULT}},
    {"window_flush_start", prepare_full_window, flush_start, NULL, .flags = NTH_POISONS},
    {"window_flush_wait", prepare_full_window, flush_wait, NULL, .flags = NTH_POISONS},
    {"window_flush_sync", prepare_full_window, flush_sync, NULL, .flags = NTH_POISONS},
    {"window_close_idle", prepare_full_window, close_idle, NULL, .flags = NTH_CLOSES},
    {"window_close_held", prepare_held_window, close_window, NULL, .flags = NTH_CLOSES, .clean = MMF_EMAPPED},
    {"window_close_last", prepare_last_window, close_window, NULL, .flags = NTH_CLOSES},
};

/* --- Streams ------------------------------------------------------------------------------------------------------ */

static void prepare_view(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 100, 12000, NULL));
}

static void prepare_stream(struct nth *nth)
{
    prepare_view(nth);
    assert_ok(mmf_stream_open(&nth->stream, nth->view));
}

static int open_stream(struct nth *nth)
{
    nth->stream = (mmf_stream *)(uintptr_t)0x51;
    int code = mmf_stream_open(&nth->stream, nth->view);
    nth_expect(code ? nth->stream == NULL : nth->stream != NULL);
    return code;
}

static int read_stream(struct nth *nth)
{
    nth->done = 99;
    (void)mmf_stream_seek(nth->stream, 0, MMF_SEEK_SET, NULL);
    return mmf_stream_read(nth->stream, nth->bytes, NTH_SIZE, &nth->done);
}

static void check_position(struct nth *nth)
{
    uint64_t position = 0;
    nth_expect(mmf_stream_tell(&position, nth->stream) == MMF_OK && position == nth->done);
}

static void check_stream_read(struct nth *nth, int code)
{
    nth_expect(code ? nth->done < 12000 : nth->done == 12000);
    nth_expect(match_pattern(nth->bytes, 100, nth->done) == nth->done);
    check_position(nth);
}

static int write_stream(struct nth *nth)
{
    nth->done = 99;
    (void)mmf_stream_seek(nth->stream, 0, MMF_SEEK_SET, NULL);
    memset(nth->bytes, 0x99, 12000);
    return mmf_stream_write(nth->stream, nth->bytes, 12000, &nth->done);
}

static void check_stream_written(struct nth *nth, int code)
{
    nth_expect(code ? nth->done < 12000 : nth->done == 12000);
    check_position(nth);
    nth_expect(mmf_view_read(nth->view, 0, nth->bytes, 12000) == MMF_OK);
    for (size_t i = 0; i < nth->done; i++)
        nth_expect(nth->bytes[i] == 0x99);
}

static void prepare_last_stream(struct nth *nth)
{
    prepare_stream(nth);
    assert_ok(mmf_view_close(&nth->view));
    assert_ok(mmf_map_close(&nth->map));
}

static int close_stream(struct nth *nth)
{
    int code = mmf_stream_close(&nth->stream);
    nth_expect(nth->stream == NULL);
    nth_expect(nth->view || !have_proc() || mappings_of("/nth") == 0);
    return code;
}

static int open_stdio(struct nth *nth)
{
    nth->stdio = stdin;
    int code = mmf_view_fopen(&nth->stdio, nth->view, "r+");
    nth_expect(code ? nth->stdio == NULL : nth->stdio != NULL && nth->stdio != stdin);
    return code;
}

static void check_stdio(struct nth *nth, int code)
{
    if (!code)
        nth_expect(fgetc(nth->stdio) == pattern(100) && fgetc(nth->stdio) == pattern(101));
}

static void prepare_last_stdio(struct nth *nth)
{
    prepare_view(nth);
    assert_ok(mmf_view_fopen(&nth->stdio, nth->view, "r"));
    assert_ok(mmf_view_close(&nth->view));
    assert_ok(mmf_map_close(&nth->map));
}

/* What the library answers becomes EIO or ENOMEM: enough to see that nothing is hidden. */
static int close_stdio(struct nth *nth)
{
    errno = 0;
    int code = fclose(nth->stdio) == EOF ? mmf_last_error()->code : MMF_OK;
    nth_expect(code == MMF_OK || errno != 0);
    nth->stdio = NULL;
    return code;
}

static const struct nth_scenario streams[] = {
    {"stream_open", prepare_view, open_stream, NULL, .flags = 0},
    {"stream_read", prepare_stream, read_stream, check_stream_read, .flags = NTH_NO_CALLS},
    {"stream_write", prepare_stream, write_stream, check_stream_written, .flags = NTH_NO_CALLS, .file = NTH_WRITES},
    {"stream_read_quiet", prepare_stream, read_stream, check_stream_read, .flags = NTH_NO_SIGNALS,
     .also = {MMF_EFAULT}},
    {"stream_write_quiet", prepare_stream, write_stream, check_stream_written, .flags = NTH_NO_SIGNALS,
     .file = NTH_WRITES, .also = {MMF_EFAULT}},
    {"stream_close", prepare_stream, close_stream, NULL, .flags = NTH_CLOSES | NTH_NO_CALLS},
    {"stream_close_last", prepare_last_stream, close_stream, NULL, .flags = NTH_CLOSES},
};

static const struct nth_scenario stdio[] = {
    {"stdio_open", prepare_view, open_stdio, check_stdio, .flags = 0},
    {"stdio_close_last", prepare_last_stdio, close_stdio, NULL, .flags = NTH_CLOSES},
};

/* The guard keeps a record for each piece that was ever mapped at the same time: a failure must not need new ones. */
static void keep_records(void)
{
    mmf_map *map = NULL;
    mmf_view *views[128];
    write_pattern(fast_path("records"), NTH_SIZE);
    assert_ok(mmf_map_from_file(&map, fast_path("records"), NULL));
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(mmf_view_open(&views[i], map, 0, 0, NULL));
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(mmf_view_close(&views[i]));
    assert_ok(mmf_map_close(&map));
    unlink(fast_path("records"));
}

TEST(failures_below_windows)
{
    fault_install();
    keep_records();
    nth_run_all(windows, COUNT(windows));
}

TEST(failures_below_streams)
{
    nth_run_all(streams, COUNT(streams));
}

TEST(failures_below_stdio)
{
    if (!have(MMF_FEATURE_STDIO))
        skip_test("the C library has no such FILE here");
    nth_run_all(stdio, COUNT(stdio));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(failures_below_windows),
        unit(failures_below_streams),
        unit(failures_below_stdio),
    };
    return run_group(tests);
}
