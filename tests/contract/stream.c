/* stream.c: every rule of mmf/stream.h but the FILE, which has a program of its own. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <unistd.h>

#define LENGTH ((uint64_t)200077)
#define FIRST ((uint64_t)777) /* the view begins here, and ends before the end of the map */
#define SIZE ((uint64_t)150000)

static mmf_stream *const unset = (mmf_stream *)(uintptr_t)0x51;

struct opened {
    mmf_map *map;
    mmf_view *view;
    mmf_stream *stream;
};

static struct opened open_stream(const char *name, mmf_access access)
{
    struct opened opened = {NULL, NULL, NULL};
    assert_ok(mmf_map_from_file(&opened.map, pattern_file(name, LENGTH), NULL));
    assert_ok(mmf_view_open(&opened.view, opened.map, FIRST, SIZE, MMF_VIEW_OPTIONS(.access = (uint32_t)access)));
    assert_ok(mmf_stream_open(&opened.stream, opened.view));
    return opened;
}

static void close_all(struct opened *opened)
{
    assert_ok(mmf_stream_close(&opened->stream));
    assert_null(opened->stream);
    assert_ok(mmf_view_close(&opened->view));
    assert_ok(mmf_map_close(&opened->map));
}

static uint64_t position_of(const mmf_stream *stream)
{
    uint64_t position = 99;
    assert_ok(mmf_stream_tell(&position, stream));
    return position;
}

TEST(opening)
{
    struct opened opened = open_stream("opened", MMF_READWRITE);
    mmf_stream *stream = unset;
    uint64_t position = 5;
    assert_code(MMF_EINVAL, mmf_stream_open(NULL, opened.view));
    assert_code(MMF_EINVAL, mmf_stream_open(&stream, NULL));
    assert_null(stream);
    assert_ok(mmf_stream_close(&stream));
    assert_code(MMF_EINVAL, mmf_stream_close(NULL));
    assert_same(0, position_of(opened.stream));
    assert_code(MMF_EINVAL, mmf_stream_tell(NULL, opened.stream));
    assert_code(MMF_EINVAL, mmf_stream_tell(&position, NULL));
    assert_same(0, position);
    close_all(&opened);
}

TEST(reading)
{
    static unsigned char bytes[SIZE + 100];
    struct opened opened = open_stream("read", MMF_READ);
    size_t done = 99;
    assert_code(MMF_EINVAL, mmf_stream_read(NULL, bytes, 1, &done));
    assert_int_equal(0, done);
    done = 99;
    assert_code(MMF_EINVAL, mmf_stream_read(opened.stream, NULL, 1, &done));
    assert_int_equal(0, done);
    assert_code(MMF_EINVAL, mmf_stream_read(opened.stream, bytes, 1, NULL));
    assert_same(0, position_of(opened.stream));
    assert_ok(mmf_stream_read(opened.stream, NULL, 0, &done));
    uint64_t at = 0;
    for (size_t size = 1; at < SIZE; at += done, size = size * 3 % 7001 + 1) {
        memset(bytes, 0xA6, size + 1);
        assert_ok(mmf_stream_read(opened.stream, bytes, size, &done));
        assert_same(size < SIZE - at ? size : SIZE - at, done);
        assert_same(done, match_pattern(bytes, FIRST + at, done));
        assert_int_equal(0xA6, bytes[done]);
        assert_same(at + done, position_of(opened.stream));
    }
    done = 99;
    assert_ok(mmf_stream_read(opened.stream, bytes, 10, &done)); /* at the end, though the map goes on */
    assert_int_equal(0, done);
    assert_same(SIZE, position_of(opened.stream));
    assert_ok(mmf_stream_seek(opened.stream, 0, MMF_SEEK_SET, NULL));
    assert_ok(mmf_stream_read(opened.stream, bytes, SIZE_MAX, &done));
    assert_same(SIZE, done);
    assert_same(SIZE, match_pattern(bytes, FIRST, SIZE));
    assert_code(MMF_EACCESS, mmf_stream_write(opened.stream, bytes, 1, &done));
    assert_int_equal(0, done);
    close_all(&opened);
}

TEST(writing)
{
    static unsigned char bytes[SIZE + 100], model[LENGTH];
    struct opened opened = open_stream("written", MMF_READWRITE);
    size_t done = 99;
    fill_pattern(model, 0, LENGTH);
    assert_code(MMF_EINVAL, mmf_stream_write(NULL, bytes, 1, &done));
    assert_int_equal(0, done);
    done = 99;
    assert_code(MMF_EINVAL, mmf_stream_write(opened.stream, NULL, 1, &done));
    assert_int_equal(0, done);
    uint64_t at = 0;
    for (size_t size = 1; at + size <= SIZE; at += size, size = size * 3 % 7001 + 1) {
        memset(bytes, (int)size, size);
        assert_ok(mmf_stream_write(opened.stream, bytes, size, size % 2 ? &done : NULL));
        assert_true(!(size % 2) || done == size);
        memset(model + FIRST + at, (int)size, size);
        assert_same(at + size, position_of(opened.stream));
    }
    /* Never grows, and nothing is written when it does not fit. */
    done = 99;
    assert_code(MMF_ERANGE, mmf_stream_write(opened.stream, bytes, (size_t)(SIZE - at) + 1, &done));
    assert_int_equal(0, done);
    assert_code(MMF_ERANGE, mmf_stream_write(opened.stream, bytes, SIZE_MAX, NULL));
    assert_same(at, position_of(opened.stream));
    memset(bytes, 7, sizeof bytes);
    assert_ok(mmf_stream_write(opened.stream, bytes, (size_t)(SIZE - at), &done));
    memset(model + FIRST + at, 7, (size_t)(SIZE - at));
    assert_ok(mmf_stream_write(opened.stream, bytes, 0, &done));
    assert_int_equal(0, done);
    assert_code(MMF_ERANGE, mmf_stream_write(opened.stream, bytes, 1, &done));
    assert_ok(mmf_stream_seek(opened.stream, 5, MMF_SEEK_END, NULL));
    assert_code(MMF_ERANGE, mmf_stream_write(opened.stream, bytes, 1, &done));
    close_all(&opened);
    FILE *file = fopen(temp_path("written"), "re");
    static unsigned char now[LENGTH + 1];
    assert_int_equal(LENGTH, fread(now, 1, sizeof now, file));
    fclose(file);
    assert_memory_equal(model, now, LENGTH);
}

TEST(seeking)
{
    struct opened opened = open_stream("sought", MMF_READ);
    static const struct {
        int64_t distance;
        mmf_seek origin;
        uint64_t expected; /* UINT64_MAX: refused */
    } steps[] = {{100, MMF_SEEK_SET, 100},
                 {-40, MMF_SEEK_CURRENT, 60},
                 {-61, MMF_SEEK_CURRENT, UINT64_MAX},
                 {-60, MMF_SEEK_CURRENT, 0},
                 {-1, MMF_SEEK_SET, UINT64_MAX},
                 {0, MMF_SEEK_END, SIZE},
                 {-10, MMF_SEEK_END, SIZE - 10},
                 {-(int64_t)SIZE, MMF_SEEK_END, 0},
                 {-(int64_t)SIZE - 1, MMF_SEEK_END, UINT64_MAX},
                 {1000, MMF_SEEK_END, SIZE + 1000},
                 {INT64_MAX, MMF_SEEK_CURRENT, UINT64_MAX},
                 {INT64_MAX, MMF_SEEK_END, UINT64_MAX},
                 {INT64_MIN, MMF_SEEK_CURRENT, UINT64_MAX},
                 {INT64_MIN, MMF_SEEK_SET, UINT64_MAX},
                 {INT64_MIN, MMF_SEEK_END, UINT64_MAX},
                 {INT64_MAX, MMF_SEEK_SET, INT64_MAX},
                 {1, MMF_SEEK_CURRENT, UINT64_MAX},
                 {INT64_MIN, MMF_SEEK_CURRENT, UINT64_MAX},
                 {-INT64_MAX, MMF_SEEK_CURRENT, 0},
                 {INT64_MAX - (int64_t)SIZE, MMF_SEEK_END, INT64_MAX},
                 {5, (mmf_seek)3, UINT64_MAX},
                 {5, (mmf_seek)-1, UINT64_MAX}};
    uint64_t before = 0;
    for (size_t i = 0; i < COUNT(steps); i++) {
        uint64_t now = 99;
        const int code = steps[i].expected != UINT64_MAX            ? MMF_OK
                         : (unsigned)steps[i].origin > MMF_SEEK_END ? MMF_EINVAL
                                                                    : MMF_ERANGE;
        assert_code(code, mmf_stream_seek(opened.stream, steps[i].distance, steps[i].origin, &now));
        assert_same(code ? 0 : steps[i].expected, now);
        before = code ? before : steps[i].expected;
        assert_same(before, position_of(opened.stream));
        assert_code(code, mmf_stream_seek(opened.stream, code ? steps[i].distance : 0,
                                          code ? steps[i].origin : MMF_SEEK_CURRENT, NULL));
    }
    assert_code(MMF_EINVAL, mmf_stream_seek(NULL, 0, MMF_SEEK_SET, NULL));
    unsigned char byte;
    size_t done = 9;
    assert_ok(mmf_stream_read(opened.stream, &byte, 1, &done)); /* at 2^63 - 1 */
    assert_int_equal(0, done);
    close_all(&opened);
}

TEST(accesses)
{
    unsigned char byte = 1;
    size_t done = 9;
    struct opened opened = open_stream("accesses", MMF_WRITE);
    assert_code(MMF_EACCESS, mmf_stream_read(opened.stream, &byte, 1, &done));
    assert_int_equal(0, done);
    assert_ok(mmf_stream_write(opened.stream, &byte, 1, &done));
    assert_int_equal(1, done);
    close_all(&opened);
    assert_int_equal(1, file_byte(temp_path("accesses"), FIRST));
    opened = open_stream("accesses", MMF_COPY_ON_WRITE);
    assert_ok(mmf_stream_write(opened.stream, &byte, 1, &done));
    assert_int_equal(pattern(FIRST), file_byte(temp_path("accesses"), FIRST));
    assert_ok(mmf_stream_seek(opened.stream, 0, MMF_SEEK_SET, NULL));
    byte = 0;
    assert_ok(mmf_stream_read(opened.stream, &byte, 1, &done));
    assert_int_equal(1, byte);
    close_all(&opened);
}

TEST(empty_views)
{
    struct opened opened = open_stream("empty", MMF_READWRITE);
    unsigned char byte = 1;
    size_t done = 9;
    mmf_view *view = NULL;
    mmf_stream *stream = NULL;
    assert_ok(mmf_view_open(&view, opened.map, LENGTH, 0, NULL));
    assert_ok(mmf_stream_open(&stream, view));
    assert_ok(mmf_stream_read(stream, &byte, 1, &done));
    assert_int_equal(0, done);
    assert_ok(mmf_stream_write(stream, &byte, 0, &done));
    assert_code(MMF_ERANGE, mmf_stream_write(stream, &byte, 1, &done));
    assert_ok(mmf_stream_close(&stream));
    assert_ok(mmf_view_close(&view));
    close_all(&opened);
}

/* The view and its memory live as long as one of several streams does, and still hold the map's end. */
TEST(a_stream_outlives_its_view)
{
    struct opened opened = open_stream("outlived", MMF_READWRITE);
    mmf_stream *second = NULL;
    unsigned char bytes[100];
    size_t done = 0;
    assert_ok(mmf_stream_open(&second, opened.view));
    assert_ok(mmf_stream_seek(second, 1000, MMF_SEEK_SET, NULL));
    assert_ok(mmf_view_close(&opened.view));
    assert_code(MMF_EMAPPED, mmf_map_resize(opened.map, FIRST + SIZE - 1));
    assert_ok(mmf_stream_read(opened.stream, bytes, 100, &done));
    assert_same(100, match_pattern(bytes, FIRST, done));
    assert_ok(mmf_stream_close(&opened.stream));
    assert_ok(mmf_stream_read(second, bytes, 100, &done));
    assert_same(100, match_pattern(bytes, FIRST + 1000, done));
    assert_code(MMF_EMAPPED, mmf_map_resize(opened.map, FIRST + SIZE - 1));
    if (have_proc())
        assert_true(mappings_of("/outlived") > 0);
    assert_ok(mmf_stream_close(&second));
    if (have_proc())
        assert_same(0, mappings_of("/outlived"));
    assert_ok(mmf_map_resize(opened.map, FIRST));
    assert_ok(mmf_map_close(&opened.map));
}

/* Others make the file shorter: what came before the missing page counts, and the position goes along. */
TEST(cut_by_others)
{
    static unsigned char bytes[SIZE];
    const uint64_t left = 16 * os_native.page_size() < FIRST + SIZE ? 16 * os_native.page_size() : 0;
    struct opened opened = open_stream("cut", MMF_READWRITE);
    size_t done = 9;
    if (!left)
        skip_test("the pages are too large for the file");
    set_length(temp_path("cut"), left);
    memset(bytes, 0x33, sizeof bytes);
    assert_code(MMF_EFAULT, mmf_stream_read(opened.stream, bytes, SIZE, &done));
    assert_same(left - FIRST, done);
    assert_same(left - FIRST, mmf_last_error()->done);
    assert_same(left, mmf_last_error()->offset);
    assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
    assert_same(done, match_pattern(bytes, FIRST, done));
    assert_int_equal(0x33, bytes[done]);
    assert_same(left - FIRST, position_of(opened.stream));
    assert_code(MMF_EFAULT, mmf_stream_read(opened.stream, bytes, 1, &done));
    assert_int_equal(0, done);
    assert_code(MMF_EFAULT, mmf_stream_write(opened.stream, bytes, 1, &done));
    assert_int_equal(0, done);
    assert_ok(mmf_stream_seek(opened.stream, -50, MMF_SEEK_CURRENT, NULL));
    memset(bytes, 0x44, 100);
    assert_code(MMF_EFAULT, mmf_stream_write(opened.stream, bytes, 100, &done));
    assert_int_equal(50, done);
    assert_same(left - FIRST, position_of(opened.stream));
    assert_int_equal(0x44, file_byte(temp_path("cut"), left - 1));
    close_all(&opened);
    /* A view that replaces pages is flagged, which the closing of the stream tells. */
    assert_ok(mmf_map_from_file(&opened.map, pattern_file("cut", LENGTH), NULL));
    assert_ok(mmf_view_open(&opened.view, opened.map, FIRST, SIZE, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
    assert_ok(mmf_stream_open(&opened.stream, opened.view));
    set_length(temp_path("cut"), left);
    assert_ok(mmf_stream_read(opened.stream, bytes, SIZE, &done));
    assert_same(SIZE, done);
    assert_code(MMF_EFAULT, mmf_view_close(&opened.view));
    assert_code(MMF_EFAULT, mmf_stream_close(&opened.stream));
    assert_null(opened.stream);
    assert_ok(mmf_map_close(&opened.map));
}

static int use_private_stream(void *argument)
{
    struct opened *opened = argument;
    unsigned char byte = 0;
    size_t done = 9;
    uint64_t position = 9;
    mmf_stream *stream = unset;
    child_expect(mmf_stream_read(opened->stream, &byte, 1, &done) == MMF_EINVAL && done == 0);
    child_expect(mmf_stream_write(opened->stream, &byte, 1, &done) == MMF_EINVAL && done == 0);
    child_expect(mmf_stream_seek(opened->stream, 0, MMF_SEEK_SET, &position) == MMF_EINVAL && position == 0);
    position = 9;
    child_expect(mmf_stream_tell(&position, opened->stream) == MMF_EINVAL && position == 0);
    child_expect(mmf_stream_open(&stream, opened->view) == MMF_EINVAL && !stream);
    child_expect(mmf_stream_close(&opened->stream) == MMF_OK && !opened->stream);
    return 0;
}

static int use_inherited_stream(void *argument)
{
    struct opened *opened = argument;
    unsigned char bytes[100];
    size_t done = 9;
    child_expect(mmf_stream_read(opened->stream, bytes, 100, &done) == MMF_OK && done == 100);
    child_expect(match_pattern(bytes, 10, 100) == 100);
    child_expect(mmf_stream_close(&opened->stream) == MMF_OK);
    return 0;
}

TEST(forked_children)
{
    struct opened opened = open_stream("forked", MMF_READWRITE);
    assert_int_equal(0, in_child(use_private_stream, &opened));
    close_all(&opened);
    assert_ok(mmf_map_from_file(&opened.map, temp_path("forked"), MMF_MAP_OPTIONS(.inheritable = true)));
    assert_ok(mmf_view_open(&opened.view, opened.map, 10, 1000, NULL));
    assert_ok(mmf_stream_open(&opened.stream, opened.view));
    assert_int_equal(0, in_child(use_inherited_stream, &opened));
    assert_same(0, position_of(opened.stream));
    close_all(&opened);
}

/* Positions above 4 GiB, where the address space has room for such a view. */
TEST(beyond_four_gibibytes)
{
    if (sizeof(size_t) < 8)
        skip_test("no address space for such a view");
    struct opened opened = {NULL, NULL, NULL};
    unsigned char bytes[200];
    size_t done = 0;
    assert_ok(mmf_map_from_file(&opened.map, sparse_file("large", 5 * GIB), NULL));
    assert_ok(mmf_view_open(&opened.view, opened.map, 0, 0, NULL));
    assert_ok(mmf_stream_open(&opened.stream, opened.view));
    assert_ok(mmf_stream_seek(opened.stream, (int64_t)(4 * GIB) - 100, MMF_SEEK_SET, NULL));
    fill_pattern(bytes, 4 * GIB - 100, sizeof bytes);
    assert_ok(mmf_stream_write(opened.stream, bytes, sizeof bytes, &done));
    assert_same(4 * GIB + 100, position_of(opened.stream));
    assert_int_equal(pattern(4 * GIB + 99), file_byte(temp_path("large"), 4 * GIB + 99));
    assert_ok(mmf_stream_seek(opened.stream, -50, MMF_SEEK_CURRENT, NULL));
    assert_ok(mmf_stream_read(opened.stream, bytes, 100, &done));
    assert_same(50, match_pattern(bytes, 4 * GIB + 50, 50));
    assert_int_equal(0, bytes[50]);
    close_all(&opened);
    unlink(temp_path("large"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(opening),
        unit(reading),
        unit(writing),
        unit(seeking),
        unit(accesses),
        unit(empty_views),
        unit(a_stream_outlives_its_view),
        unit(cut_by_others),
        unit(forked_children),
        unit(beyond_four_gibibytes),
    };
    return run_group(tests);
}
