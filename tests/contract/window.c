/* window.c: every rule of mmf/window.h but the budget's, which has a program of its own. */
#define _GNU_SOURCE
#include "error.h"
#include "stage.h"
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define LENGTH (3 * MIB + 77)

static mmf_window *const unset = (mmf_window *)(uintptr_t)0x51;
static void *const no_data = (void *)(uintptr_t)0x51;

static mmf_map *open_map(const char *name, uint64_t length)
{
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file(name, length), NULL));
    return map;
}

static mmf_window *open_window(mmf_map *map, uint64_t budget)
{
    mmf_window *window = NULL;
    assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = budget)));
    return window;
}

static mmf_window_details details_of(const mmf_window *window)
{
    mmf_window_details details = {.struct_size = sizeof details};
    assert_ok(mmf_window_info(&details, window));
    return details;
}

/* A reference that must be given, with the file's pattern in it. */
static unsigned char *reference(mmf_window *window, uint64_t offset, size_t size)
{
    void *data = NULL;
    assert_ok(mmf_window_ref(window, offset, size, &data));
    assert_non_null(data);
    return data;
}

#define assert_not_opened(code, map, ...)                                                                              \
    do {                                                                                                               \
        mmf_window *refused = unset;                                                                                   \
        assert_code(code, mmf_window_open(&refused, map, MMF_WINDOW_OPTIONS(__VA_ARGS__)));                            \
        assert_null(refused);                                                                                          \
    } while (0)

TEST(opening)
{
    mmf_map *map = open_map("opening", LENGTH), *narrow = NULL;
    const size_t granularity = mmf_granularity();
    mmf_window *window = unset;
    assert_code(MMF_EINVAL, mmf_window_open(NULL, map, NULL));
    assert_code(MMF_EINVAL, mmf_window_open(&window, NULL, NULL));
    assert_null(window);
    assert_not_opened(MMF_EINVAL, map, .access = MMF_WRITE);
    assert_not_opened(MMF_EINVAL, map, .access = MMF_COPY_ON_WRITE);
    assert_not_opened(MMF_EINVAL, map, .access = MMF_READ_EXECUTE);
    assert_not_opened(MMF_EINVAL, map, .access = MMF_READWRITE_EXECUTE);
    assert_not_opened(MMF_EINVAL, map, .access = 99);
    assert_not_opened(MMF_EINVAL, map, .reserved = {1, 0});
    assert_not_opened(MMF_EINVAL, map, .reserved = {0, 1});
    assert_not_opened(MMF_ERANGE, map, .budget = 1);
    assert_not_opened(MMF_ERANGE, map, .budget = granularity - 1);
    window = unset;
    mmf_window_options short_options = {.struct_size = 3};
    assert_code(MMF_EINVAL, mmf_window_open(&window, map, &short_options));
    assert_null(window);
    assert_ok(mmf_map_duplicate(&narrow, map, MMF_READ));
    assert_not_opened(MMF_EACCESS, narrow, .access = MMF_READWRITE);
    assert_ok(mmf_map_close(&narrow));
    assert_ok(mmf_map_duplicate(&narrow, map, MMF_COPY_ON_WRITE));
    assert_not_opened(MMF_EACCESS, narrow, .access = MMF_READWRITE);
    assert_ok(mmf_map_close(&narrow));
    assert_same(0, mappings_of("/opening"));
    window = open_window(map, granularity);
    assert_same(0, mappings_of("/opening")); /* nothing is mapped yet */
    assert_ok(mmf_window_close(&window));
    assert_null(window);
    assert_ok(mmf_window_close(&window));
    assert_code(MMF_EINVAL, mmf_window_close(NULL));
    assert_ok(mmf_map_close(&map));
}

TEST(defaults)
{
    static const struct {
        uint32_t map, window;
    } accesses[] = {{MMF_READWRITE, MMF_READWRITE},
                    {MMF_READ, MMF_READ},
                    {MMF_COPY_ON_WRITE, MMF_READ},
                    {MMF_READ_EXECUTE, MMF_READ},
                    {MMF_READWRITE_EXECUTE, MMF_READWRITE}};
    const char *path = pattern_file("defaults", LENGTH);
    mmf_window_options options;
    memset(&options, 0xEE, sizeof options);
    mmf_window_options_init(&options);
    mmf_window_options_init(NULL);
    assert_int_equal(sizeof options, options.struct_size);
    assert_true(!options.access && !options.budget && !options.reserved[0] && !options.reserved[1]);
    for (size_t i = 0; i < COUNT(accesses); i++) {
        mmf_map *map = NULL;
        mmf_window *window = NULL;
        int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = accesses[i].map));
        if (err == MMF_EACCESS && !have(MMF_FEATURE_EXECUTE))
            continue;
        assert_int_equal(MMF_OK, err);
        assert_ok(mmf_window_open(&window, map, i % 2 ? NULL : &options));
        const mmf_window_details details = details_of(window);
        assert_int_equal(accesses[i].window, details.access);
        assert_same(64 * MIB, details.budget);
        assert_true(!details.mapped && !details.referenced && !details.hits && !details.misses);
        assert_same(10, match_pattern(reference(window, 5000, 10), 5000, 10));
        assert_code(MMF_EMAPPED, mmf_window_close(&window));
        assert_ok(mmf_map_close(&map));
    }
}

TEST(details)
{
    mmf_map *map = open_map("details", LENGTH);
    mmf_window *window = open_window(map, MIB);
    mmf_window_details details = {.struct_size = 2};
    assert_code(MMF_EINVAL, mmf_window_info(NULL, window));
    assert_code(MMF_EINVAL, mmf_window_info(&details, window));
    details.struct_size = sizeof details;
    details.budget = 77;
    assert_code(MMF_EINVAL, mmf_window_info(&details, NULL));
    assert_same(0, details.budget);
    void *first = reference(window, 10, 10), *second = reference(window, 10, 20), *third = reference(window, 40, 20);
    assert_ptr_equal(first, second);
    assert_ptr_equal((unsigned char *)first + 30, third);
    details = details_of(window);
    assert_same(3, details.referenced);
    assert_same(1, details.misses);
    assert_same(2, details.hits);
    assert_true(details.mapped > 0 && details.mapped <= MIB);
    if (have_proc())
        assert_same(details.mapped, mapped_bytes_of("/details"));
    assert_ok(mmf_window_unref(window, first));
    assert_ok(mmf_window_unref(window, second));
    assert_ok(mmf_window_unref(window, third));
    details = details_of(window);
    assert_same(0, details.referenced);
    assert_true(details.mapped > 0); /* kept for the next call */
    assert_ok(mmf_window_close(&window));
    if (have_proc())
        assert_same(0, mapped_bytes_of("/details"));
    assert_ok(mmf_map_close(&map));
}

TEST(arguments_of_references)
{
    mmf_map *map = open_map("arguments", LENGTH);
    mmf_window *window = open_window(map, MIB), *reader = NULL;
    void *data = no_data;
    static const struct {
        uint64_t offset;
        size_t size;
        int code;
    } wrong[] = {{0, 0, MMF_EINVAL},          {LENGTH + 1, 0, MMF_EINVAL},         {LENGTH, 1, MMF_ERANGE},
                 {LENGTH - 1, 2, MMF_ERANGE}, {0, (size_t)LENGTH + 1, MMF_ERANGE}, {UINT64_MAX, 1, MMF_ERANGE},
                 {0, SIZE_MAX, MMF_ERANGE},   {1, SIZE_MAX, MMF_ERANGE},           {UINT64_MAX, SIZE_MAX, MMF_ERANGE},
                 {INT64_MAX, 1, MMF_ERANGE},  {0, (size_t)LENGTH, MMF_EBUDGET}};
    assert_code(MMF_EINVAL, mmf_window_ref(NULL, 0, 1, &data));
    assert_null(data);
    assert_code(MMF_EINVAL, mmf_window_ref(window, 0, 1, NULL));
    assert_code(MMF_EINVAL, mmf_window_ref_access(window, 0, 1, MMF_READ, NULL));
    assert_code(MMF_EINVAL, mmf_window_ref_access(NULL, 0, 1, MMF_READ, &data));
    for (size_t i = 0; i < COUNT(wrong); i++) {
        data = no_data;
        assert_code(wrong[i].code, mmf_window_ref(window, wrong[i].offset, wrong[i].size, &data));
        assert_null(data);
        data = no_data;
        assert_code(wrong[i].code, mmf_window_ref_access(window, wrong[i].offset, wrong[i].size, MMF_READ, &data));
        assert_null(data);
    }
    static const int accesses[] = {MMF_WRITE, MMF_COPY_ON_WRITE, MMF_READ_EXECUTE, MMF_READWRITE_EXECUTE, 7, -1};
    for (size_t i = 0; i < COUNT(accesses); i++) {
        data = no_data;
        assert_code(MMF_EINVAL, mmf_window_ref_access(window, 0, 1, (mmf_access)accesses[i], &data));
        assert_null(data);
    }
    assert_ok(mmf_window_open(&reader, map, MMF_WINDOW_OPTIONS(.access = MMF_READ)));
    data = no_data;
    assert_code(MMF_EACCESS, mmf_window_ref_access(reader, 0, 1, MMF_READWRITE, &data));
    assert_null(data);
    assert_ok(mmf_window_ref_access(reader, 0, 1, MMF_ACCESS_DEFAULT, &data));
    assert_ok(mmf_window_unref(reader, data));
    assert_same(0, details_of(window).referenced);
    assert_ok(mmf_window_close(&reader));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

/* What was given is wholly there and contiguous, wherever the pieces that are mapped begin and end. */
TEST(references_are_contiguous)
{
    mmf_map *map = open_map("contiguous", LENGTH);
    for (unsigned order = 0; order < 3; order++) {
        mmf_window *window = open_window(map, MIB);
        for (uint64_t i = 0; i < (order == 1 ? 400 : 100); i++) {
            const uint64_t size = order == 1 ? 5000 : i * 7919 % (500 * KIB) + 1;
            const uint64_t at = order == 0 ? i * 104729 % (LENGTH - size) : order == 1 ? i * 5000 : 65530 + i;
            unsigned char *data = reference(window, at, (size_t)size);
            assert_same(size, match_pattern(data, at, (size_t)size));
            assert_ok(mmf_window_unref(window, data));
        }
        if (order == 1)
            assert_true(details_of(window).hits > 300); /* neighbours were kept */
        assert_ok(mmf_window_close(&window));
    }
    assert_ok(mmf_map_close(&map));
}

/* Many at once, overlapping: each stays where it is, and all show the same bytes. */
TEST(several_references)
{
    enum { MANY = 300 };
    static void *data[MANY];
    mmf_map *map = open_map("several", LENGTH);
    mmf_window *window = open_window(map, 64 * MIB), *second = open_window(map, MIB);
    for (uint64_t i = 0; i < MANY; i++)
        data[i] = reference(window, i * 10000 % (2 * MIB), 30000);
    for (uint64_t i = 0; i < MANY; i++)
        assert_same(30000, match_pattern(data[i], i * 10000 % (2 * MIB), 30000));
    assert_same(MANY, details_of(window).referenced);
    ((volatile unsigned char *)data[7])[29999] ^= 0xFF; /* byte 99999, also of references 8 and 9 and another window */
    const unsigned char changed = (unsigned char)(pattern(99999) ^ 0xFF);
    assert_int_equal(changed, ((volatile unsigned char *)data[8])[19999]);
    assert_int_equal(changed, ((volatile unsigned char *)data[9])[9999]);
    unsigned char *other = reference(second, 99990, 20), byte = 0;
    assert_int_equal(changed, ((volatile unsigned char *)other)[9]);
    assert_ok(mmf_window_read(second, 99999, &byte, 1));
    assert_int_equal(changed, byte);
    mmf_view *view = NULL;
    assert_ok(mmf_view_open(&view, map, 99000, 1000, NULL));
    assert_ok(mmf_view_get_u8(view, 999, &byte));
    assert_int_equal(changed, byte);
    assert_int_equal(changed, file_byte(temp_path("several"), 99999));
    assert_ok(mmf_view_put_u8(view, 999, 5));
    assert_int_equal(5, ((volatile unsigned char *)data[7])[29999]);
    for (size_t i = 0; i < MANY; i++) {
        assert_ok(mmf_window_unref(window, data[(i * 77 + 5) % MANY]));
        if (i % 50 == 0) /* those that are left stay good */
            assert_true(match_pattern(data[((i + 1) * 77 + 5) % MANY], ((i + 1) * 77 + 5) % MANY * 10000 % (2 * MIB),
                                      10) == 10);
    }
    assert_ok(mmf_window_unref(second, other));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_window_close(&second));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

struct stores {
    const char *path;
    mmf_access access; /* of the reference */
    bool earlier;      /* a writable reference to the same bytes is held besides */
};

static int store_into_reference(void *argument)
{
    const struct stores *stores = argument;
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    void *data = NULL, *writable = NULL;
    stage_plain_signals();
    child_expect(mmf_map_from_file(&map, stores->path, NULL) == MMF_OK);
    child_expect(mmf_window_open(&window, map, NULL) == MMF_OK);
    if (stores->earlier) {
        child_expect(mmf_window_ref(window, 4000, 1000, &writable) == MMF_OK);
        *(volatile unsigned char *)writable = 1;
        child_expect(mmf_window_unref(window, writable) == MMF_OK);
        child_expect(mmf_window_ref(window, 4000, 2000, &writable) == MMF_OK);
    }
    child_expect(mmf_window_ref_access(window, 4000, 1000, stores->access, &data) == MMF_OK);
    child_expect(((volatile unsigned char *)data)[1] == pattern(4001));
    *(volatile unsigned char *)data = 3;
    return 42;
}

TEST(access_of_a_reference)
{
    struct stores stores = {pattern_file("stored", LENGTH), MMF_READ, false};
    assert_int_equal(128 + SIGSEGV, in_child(store_into_reference, &stores));
    stores.earlier = true;
    assert_int_equal(128 + SIGSEGV, in_child(store_into_reference, &stores));
    assert_int_equal(1, file_byte(stores.path, 4000));
    stores.access = MMF_READWRITE;
    assert_int_equal(42, in_child(store_into_reference, &stores));
    assert_int_equal(3, file_byte(stores.path, 4000));
}

TEST(returning)
{
    mmf_map *map = open_map("returning", LENGTH);
    mmf_window *window = open_window(map, MIB), *second = open_window(map, MIB);
    int local = 0;
    void *data = reference(window, 777, 100), *same = reference(window, 777, 5);
    void *other = reference(second, 777, 100);
    assert_ptr_equal(data, same);
    assert_code(MMF_EINVAL, mmf_window_unref(NULL, data));
    assert_code(MMF_EINVAL, mmf_window_unref(window, NULL));
    assert_code(MMF_EINVAL, mmf_window_unref(window, &local));
    assert_code(MMF_EINVAL, mmf_window_unref(window, (unsigned char *)data + 1));
    assert_code(MMF_EINVAL, mmf_window_unref(window, (unsigned char *)data - 1));
    assert_code(MMF_EINVAL, mmf_window_unref(window, other));
    assert_code(MMF_EINVAL, mmf_window_unref(second, data));
    assert_same(2, details_of(window).referenced);
    assert_same(1, details_of(second).referenced);
    assert_same(100, match_pattern(data, 777, 100));
    assert_ok(mmf_window_unref(window, data));
    assert_ok(mmf_window_unref(window, data));
    assert_code(MMF_EINVAL, mmf_window_unref(window, data));
    assert_ok(mmf_window_unref(second, other));
    assert_code(MMF_EINVAL, mmf_window_unref(second, other));
    assert_same(0, details_of(window).referenced);
    /* Given again, it can be returned again. */
    assert_ptr_equal(data, reference(window, 777, 100));
    assert_ok(mmf_window_unref(window, data));
    assert_ok(mmf_window_close(&second));
    reference(window, 1, 1);
    reference(window, 2 * MIB, 5);
    assert_code(MMF_EMAPPED, mmf_window_close(&window));
    assert_null(window);
    if (have_proc())
        assert_same(0, mappings_of("/returning"));
    assert_ok(mmf_map_close(&map));
}

/* The table of references, with so many that it grows, returned in another order with others in between. */
TEST(very_many_references)
{
    enum { MANY = 5000 };
    static void *data[MANY];
    mmf_map *map = open_map("many", LENGTH);
    mmf_window *window = open_window(map, 64 * MIB);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < MANY; i++)
            data[i] = reference(window, i * 600, 10);
        for (uint64_t i = 0; i < MANY; i++) {
            const uint64_t at = i * (round * 2 + 7) % MANY;
            assert_same(10, match_pattern(data[at], at * 600, 10));
            assert_ok(mmf_window_unref(window, data[at]));
            assert_code(MMF_EINVAL, mmf_window_unref(window, data[at]));
        }
        assert_same(0, details_of(window).referenced);
    }
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

TEST(reading_and_writing)
{
    static unsigned char bytes[LENGTH + 1], again[LENGTH];
    mmf_map *map = open_map("copied", LENGTH), *narrow = NULL;
    mmf_window *window = open_window(map, mmf_granularity()), *reader = NULL;
    assert_code(MMF_EINVAL, mmf_window_read(NULL, 0, bytes, 1));
    assert_code(MMF_EINVAL, mmf_window_read(window, 0, NULL, 1));
    assert_code(MMF_EINVAL, mmf_window_write(window, 0, NULL, 1));
    assert_code(MMF_EINVAL, mmf_window_write(NULL, 0, bytes, 1));
    assert_ok(mmf_window_read(window, LENGTH, NULL, 0));
    assert_ok(mmf_window_write(window, LENGTH, NULL, 0));
    static const uint64_t beyond[] = {LENGTH, LENGTH + 1, (uint64_t)INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_code(MMF_ERANGE, mmf_window_read(window, beyond[i], bytes, 1));
        assert_code(MMF_ERANGE, mmf_window_write(window, beyond[i], bytes, 1));
    }
    assert_code(MMF_ERANGE, mmf_window_read(window, 0, bytes, LENGTH + 1));
    assert_code(MMF_ERANGE, mmf_window_read(window, 5, bytes, SIZE_MAX));
    assert_ok(mmf_window_read(window, 0, bytes, LENGTH)); /* three megabytes by one page */
    assert_same(LENGTH, match_pattern(bytes, 0, LENGTH));
    for (uint64_t i = 0; i < 200; i++) {
        const uint64_t at = i * 15013 % LENGTH, size = i * i % (LENGTH - at);
        memset(bytes + at, (int)i, (size_t)size);
        assert_ok(mmf_window_write(window, at, bytes + at, (size_t)size));
    }
    assert_ok(mmf_window_read(window, 1, again, LENGTH - 1));
    assert_memory_equal(bytes + 1, again, LENGTH - 1);
    assert_ok(mmf_map_duplicate(&narrow, map, MMF_READ));
    assert_ok(mmf_window_open(&reader, narrow, NULL));
    assert_int_equal(MMF_READ, details_of(reader).access);
    assert_ok(mmf_window_read(reader, 0, again, LENGTH));
    assert_memory_equal(bytes, again, LENGTH);
    assert_code(MMF_EACCESS, mmf_window_write(reader, 0, bytes, 1));
    assert_code(MMF_EACCESS, mmf_window_write(reader, 0, bytes, 0));
    assert_ok(mmf_window_close(&reader));
    assert_ok(mmf_map_close(&narrow));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

TEST(flushing)
{
    mmf_map *map = open_map("flushed", LENGTH);
    mmf_window *window = open_window(map, MIB);
    assert_code(MMF_EINVAL, mmf_window_flush(NULL, 0, 0, MMF_FLUSH_WAIT));
    assert_code(MMF_EINVAL, mmf_window_flush(window, 0, 0, (mmf_flush)3));
    assert_code(MMF_ERANGE, mmf_window_flush(window, LENGTH + 1, 0, MMF_FLUSH_WAIT));
    assert_code(MMF_ERANGE, mmf_window_flush(window, 1, LENGTH, MMF_FLUSH_WAIT));
    assert_code(MMF_ERANGE, mmf_window_flush(window, 1, UINT64_MAX, MMF_FLUSH_WAIT));
    for (int how = MMF_FLUSH_START; how <= MMF_FLUSH_SYNC; how++) {
        assert_ok(mmf_window_write(window, 100, "changed", 7));
        assert_ok(mmf_window_flush(window, 0, 0, (mmf_flush)how));
        assert_ok(mmf_window_flush(window, LENGTH, 0, (mmf_flush)how));
        assert_ok(mmf_window_flush(window, 100, 7, (mmf_flush)how));
    }
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

/* What is referenced now stands in the way, exactly as far as it goes; what was returned does not. */
TEST(resizing)
{
    const char *path = temp_path("resized");
    mmf_map *map = open_map("resized", LENGTH), *copy = NULL;
    mmf_window *window = open_window(map, 8 * MIB), *second = open_window(map, MIB);
    unsigned char bytes[100];
    void *low = reference(window, 50000, 100), *high = reference(window, 60000, 100), *twice;
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 60099));
    assert_same(LENGTH, mmf_map_capacity(map));
    assert_ok(mmf_map_duplicate(&copy, map, MMF_ACCESS_DEFAULT));
    assert_code(MMF_EMAPPED, mmf_map_resize(copy, 100));
    assert_ok(mmf_map_resize(copy, 60100));
    assert_ok(mmf_window_unref(window, high));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 50099));
    assert_ok(mmf_map_resize(map, 50100)); /* the same piece of the window is still held, but not that far */
    assert_same(100, match_pattern(low, 50000, 100));
    void *data = no_data;
    assert_code(MMF_ERANGE, mmf_window_ref(window, 60000, 100, &data));
    assert_null(data);
    assert_code(MMF_ERANGE, mmf_window_read(window, 50100, bytes, 1));
    twice = reference(window, 50000, 50);
    assert_ptr_equal(low, twice);
    assert_ok(mmf_window_unref(window, low));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 49999));
    assert_ok(mmf_window_unref(window, low));
    assert_ok(mmf_map_resize(map, 1000));
    assert_same(1000, file_length(path));
    /* Longer again: what was cut off is zero, also where a piece of the window still shows it. */
    assert_ok(mmf_map_resize(map, 2 * LENGTH));
    data = reference(window, 500, 60000);
    assert_same(500, match_pattern(data, 500, 60000));
    for (size_t i = 500; i < 60000; i++)
        assert_int_equal(0, ((unsigned char *)data)[i]);
    assert_ok(mmf_window_unref(window, data));
    assert_ok(mmf_window_write(second, LENGTH - 3, "across", 6));
    assert_ok(mmf_window_read(window, LENGTH - 3, bytes, 6));
    assert_memory_equal("across", bytes, 6);
    /* A piece was cut at the end of the map, which then grows, many times. */
    uint64_t end = 2 * LENGTH;
    for (int i = 0; i < 50; i++) {
        data = reference(window, end - 1, 1);
        assert_ok(mmf_window_unref(window, data));
        end += 3001;
        assert_ok(mmf_map_resize(map, end));
        data = reference(window, end - 3001 - 5, 3006);
        ((volatile unsigned char *)data)[3005] = (unsigned char)(i + 1);
        assert_ok(mmf_window_unref(window, data));
        assert_int_equal(i + 1, file_byte(path, end - 1));
    }
    assert_ok(mmf_window_close(&second));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&copy));
    assert_ok(mmf_map_close(&map));
}

/* Others make the file shorter: known after a refresh, and before that an error with exact counts. */
static int sum_reference(void *argument)
{
    const volatile unsigned char *data = argument;
    int sum = 0;
    for (size_t i = 0; i < 40000; i++)
        sum += data[i] & 1;
    return sum;
}

TEST(cut_by_others)
{
    static unsigned char bytes[LENGTH];
    const size_t page = os_native.page_size();
    const uint64_t left = 20 * page; /* pages that stay, of any size */
    for (uint64_t budget = mmf_granularity(); budget <= 16 * MIB; budget *= 16) {
        mmf_map *map = open_map("cut", LENGTH);
        mmf_window *window = open_window(map, budget);
        set_length(temp_path("cut"), left - 50);
        memset(bytes, 0x33, sizeof bytes);
        assert_code(MMF_EFAULT, mmf_window_read(window, 5, bytes, LENGTH - 5));
        assert_same(left - 5, mmf_last_error()->done); /* the last page reads as zeros to its end */
        assert_same(left, mmf_last_error()->offset);
        assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
        assert_same(left - 55, match_pattern(bytes, 5, (size_t)left - 55));
        assert_int_equal(0, bytes[left - 6]);
        assert_int_equal(0x33, bytes[left - 5]);
        memset(bytes, 0x44, sizeof bytes);
        assert_code(MMF_EFAULT, mmf_window_write(window, 100, bytes, LENGTH - 100));
        assert_same(left - 100, mmf_last_error()->done);
        assert_same(left, mmf_last_error()->offset);
        assert_int_equal(0x44, file_byte(temp_path("cut"), left - 51));
        assert_code(MMF_EFAULT, mmf_window_write(window, left, bytes, 1));
        assert_same(0, mmf_last_error()->done);
        if (budget > 40000 + 2 * page) {
            mmf_fault fault;
            void *data = reference(window, left - 10000, 40000);
            assert_int_equal(MMF_EFAULT, mmf_guard_run(sum_reference, data, &fault));
            assert_same(left, fault.offset);
            assert_ptr_equal((unsigned char *)data + 10000, fault.address);
            assert_int_equal(MMF_CAUSE_END_OF_FILE, fault.cause);
            assert_ok(mmf_window_unref(window, data));
        }
        /* Learning of it, and of more room again. */
        assert_ok(mmf_map_refresh(map));
        void *data = no_data;
        assert_code(MMF_ERANGE, mmf_window_ref(window, left - 50, 1, &data));
        assert_null(data);
        set_length(temp_path("cut"), LENGTH);
        assert_ok(mmf_map_refresh(map));
        data = reference(window, left + 10, 1);
        assert_int_equal(0, *(unsigned char *)data);
        assert_ok(mmf_window_unref(window, data));
        assert_ok(mmf_window_close(&window));
        assert_ok(mmf_map_close(&map));
    }
}

/* It keeps the map's file, and is none of its views. */
TEST(a_window_outlives_its_map)
{
    mmf_map *map = open_map("outlived", LENGTH);
    const size_t files = open_descriptors();
    mmf_window *window = open_window(map, MIB);
    mmf_map_details details = {.struct_size = sizeof details};
    unsigned char *data = reference(window, 100, 100);
    assert_ok(mmf_map_info(&details, map));
    assert_same(0, details.views);
    assert_ok(mmf_map_close(&map));
    assert_same(files, open_descriptors());
    assert_same(100, match_pattern(data, 100, 100));
    assert_same(70000, match_pattern(reference(window, 2 * MIB, 70000), 2 * MIB, 70000));
    assert_ok(mmf_window_write(window, 7, "still", 5));
    assert_ok(mmf_window_flush(window, 0, 0, MMF_FLUSH_SYNC));
    assert_int_equal('s', file_byte(temp_path("outlived"), 7));
    assert_code(MMF_EMAPPED, mmf_window_close(&window));
    assert_true(open_descriptors() < files);
}

TEST(maps_of_memory)
{
    mmf_map *map = NULL;
    assert_ok(mmf_map_create(&map, NULL, 10 * MIB, NULL));
    mmf_window *window = open_window(map, MIB);
    static unsigned char bytes[MIB];
    for (uint64_t at = 0; at < 10 * MIB; at += MIB) {
        fill_pattern(bytes, at, sizeof bytes);
        assert_ok(mmf_window_write(window, at, bytes, sizeof bytes));
    }
    for (uint64_t at = 5; at < 9 * MIB; at += 500000) {
        unsigned char *data = reference(window, at, 400000);
        assert_same(400000, match_pattern(data, at, 400000));
        assert_ok(mmf_window_unref(window, data));
    }
    assert_ok(mmf_window_flush(window, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

static unsigned long huge_pages_before;

static void restore_huge_pages(void)
{
    (void)run_command("echo %lu > /proc/sys/vm/nr_hugepages", huge_pages_before);
}

/* Granularity and pages of such a map are huge, and so is its smallest budget. */
TEST(maps_of_huge_pages)
{
    mmf_map *map = NULL;
    FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "re");
    if (setting && fscanf(setting, "%lu", &huge_pages_before) == 1 && huge_pages_before == 0) {
        atexit(restore_huge_pages);
        (void)run_command("echo 4 > /proc/sys/vm/nr_hugepages");
    }
    if (setting)
        fclose(setting);
    int err = mmf_map_create(&map, NULL, 4 * MIB, MMF_MAP_OPTIONS(.huge_pages = 1));
    if (err == MMF_ENOTSUP || err == MMF_ENOMEMORY)
        skip_test("no huge pages are set aside");
    assert_int_equal(MMF_OK, err);
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_not_opened(MMF_ERANGE, map, .budget = details.granularity - 1);
    mmf_window *window = open_window(map, details.granularity);
    assert_ok(mmf_window_write(window, 4 * MIB - 10, "0123456789", 10));
    assert_ok(mmf_window_write(window, 0, "first", 5));
    assert_int_equal('9', reference(window, 4 * MIB - 1, 1)[0]);
    assert_same(details.granularity, details_of(window).mapped);
    assert_code(MMF_EMAPPED, mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

struct inherited {
    mmf_window *window;
    void *data;
};

static int use_private_window(void *argument)
{
    struct inherited *inherited = argument;
    unsigned char byte = 7;
    void *data = no_data;
    mmf_window_details details = {.struct_size = sizeof details};
    child_expect(mmf_window_ref(inherited->window, 0, 1, &data) == MMF_EINVAL && !data);
    child_expect(mmf_window_ref_access(inherited->window, 0, 1, MMF_READ, &data) == MMF_EINVAL && !data);
    child_expect(mmf_window_unref(inherited->window, inherited->data) == MMF_EINVAL);
    child_expect(mmf_window_read(inherited->window, 0, &byte, 1) == MMF_EINVAL);
    child_expect(mmf_window_write(inherited->window, 0, &byte, 1) == MMF_EINVAL);
    child_expect(mmf_window_flush(inherited->window, 0, 0, MMF_FLUSH_WAIT) == MMF_EINVAL);
    child_expect(mmf_window_info(&details, inherited->window) == MMF_EINVAL);
    child_expect(mmf_window_close(&inherited->window) == MMF_EMAPPED && !inherited->window);
    return 0;
}

static int use_inherited_window(void *argument)
{
    struct inherited *inherited = argument;
    unsigned char byte = 7;
    void *data = NULL;
    child_expect(match_pattern(inherited->data, 5000, 100) == 100);
    child_expect(mmf_window_read(inherited->window, 2 * MIB, &byte, 1) == MMF_OK && byte == pattern(2 * MIB));
    child_expect(mmf_window_ref(inherited->window, 4990, 100, &data) == MMF_OK);
    child_expect(match_pattern(data, 4990, 100) == 100);
    child_expect(mmf_window_write(inherited->window, MIB, "child", 5) == MMF_OK);
    child_expect(mmf_window_unref(inherited->window, data) == MMF_OK);
    child_expect(mmf_window_unref(inherited->window, inherited->data) == MMF_OK);
    child_expect(mmf_window_close(&inherited->window) == MMF_OK);
    return 0;
}

TEST(forked_children)
{
    const char *path = pattern_file("forked", LENGTH);
    for (int inheritable = 0; inheritable < 2; inheritable++) {
        mmf_map *map = NULL;
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.inheritable = inheritable)));
        struct inherited inherited = {open_window(map, MIB), NULL};
        inherited.data = reference(inherited.window, 5000, 100);
        assert_int_equal(0, in_child(inheritable ? use_inherited_window : use_private_window, &inherited));
        assert_same(100, match_pattern(inherited.data, 5000, 100));
        assert_ok(mmf_window_unref(inherited.window, inherited.data));
        assert_ok(mmf_window_close(&inherited.window));
        assert_ok(mmf_map_close(&map));
    }
    assert_int_equal('c', file_byte(path, MIB));
}

/* A success is no failure, also where the library had to try twice. */
TEST(the_last_error_is_left_alone)
{
    mmf_map *map = open_map("quiet", LENGTH);
    mmf_window *window = open_window(map, 4 * mmf_granularity());
    static unsigned char bytes[100000];
    assert_code(MMF_ETIMEOUT, error_set(MMF_ETIMEOUT, "nothing"));
    void *held = reference(window, 0, 2 * mmf_granularity() + 1);
    assert_ok(mmf_window_read(window, 5, bytes, sizeof bytes));
    assert_ok(mmf_window_write(window, 5, bytes, sizeof bytes));
    assert_ok(mmf_window_unref(window, held));
    for (uint64_t i = 0; i < 100; i++) {
        void *data = reference(window, i * 30011, (size_t)i + 1);
        assert_ok(mmf_window_unref(window, data));
    }
    assert_int_equal(MMF_ETIMEOUT, mmf_last_error()->code);
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

/* A window each, on one map, at the same time. */
static mmf_map *shared;
static _Atomic unsigned mistakes;

static void *use_own_window(void *argument)
{
    const unsigned number = (unsigned)(uintptr_t)argument;
    mmf_window *window = NULL;
    unsigned seed = number;
    if (mmf_window_open(&window, shared, MMF_WINDOW_OPTIONS(.budget = (4 + number) * mmf_granularity())))
        mistakes++;
    for (unsigned i = 0; i < 2000; i++) {
        void *data = NULL;
        const uint64_t at = (uint64_t)rand_r(&seed) % (LENGTH - 10000);
        const size_t size = 1 + (size_t)rand_r(&seed) % 9999;
        if (mmf_window_ref_access(window, at, size, MMF_READ, &data) || match_pattern(data, at, size) != size ||
            mmf_window_unref(window, data))
            mistakes++;
    }
    if (mmf_window_close(&window))
        mistakes++;
    return NULL;
}

TEST(threads_with_a_window_each)
{
    pthread_t threads[4];
    shared = open_map("threads", LENGTH);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, use_own_window, (void *)(uintptr_t)i));
    for (unsigned i = 0; i < 200; i++) /* beyond what they use */
        assert_ok(mmf_map_resize(shared, LENGTH + i % 7 * 1000));
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(0, mistakes);
    assert_ok(mmf_map_close(&shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(opening),
        unit(defaults),
        unit(details),
        unit(arguments_of_references),
        unit(references_are_contiguous),
        unit(several_references),
        unit(access_of_a_reference),
        unit(returning),
        unit(very_many_references),
        unit(reading_and_writing),
        unit(flushing),
        unit(resizing),
        unit(cut_by_others),
        unit(a_window_outlives_its_map),
        unit(maps_of_memory),
        unit(maps_of_huge_pages),
        unit(forked_children),
        unit(the_last_error_is_left_alone),
        unit(threads_with_a_window_each),
    };
    return run_group(tests);
}
