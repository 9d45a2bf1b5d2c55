/* offsets.c: files far larger than memory: offsets around 2 GiB, 4 GiB, 8 TiB and 2^63, and what an address space
 * holds. */
#define _GNU_SOURCE
#include "support.h"

#include <unistd.h>

static const bool wide = sizeof(void *) > 4;
/* The thread sanitizer leaves programs little of it. */
static const bool very_wide = sizeof(void *) > 4 && !SANITIZED;

/* Bytes on both sides of a border, by every kind of access, in a small view and across it. */
static void check_border(mmf_map *map, const char *path, uint64_t border)
{
    mmf_view *view = NULL;
    unsigned char bytes[64], again[64];
    uint64_t value = 0;
    assert_ok(mmf_view_open(&view, map, border - 100, 200, NULL));
    fill_pattern(bytes, border - 32, sizeof bytes);
    assert_ok(mmf_view_write(view, 68, bytes, sizeof bytes));
    assert_ok(mmf_view_read(view, 68, again, sizeof again));
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_ok(mmf_view_get_u64(view, 96, &value));
    fill_pattern(bytes, border - 4, 8);
    assert_memory_equal(bytes, &value, 8);
    mmf_view_details details = {.struct_size = sizeof details};
    assert_ok(mmf_view_info(&details, view));
    assert_same(border - 100, details.offset);
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_view_close(&view));
    assert_int_equal(pattern(border - 1), file_byte(path, border - 1));
    assert_int_equal(pattern(border), file_byte(path, border));
    assert_ok(mmf_view_open(&view, map, border, 1, NULL));
    assert_int_equal(pattern(border), *(const unsigned char *)mmf_view_data(view));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_view_open(&view, map, border - 1, 1, NULL));
    assert_int_equal(pattern(border - 1), *(const unsigned char *)mmf_view_data(view));
    assert_ok(mmf_view_close(&view));
}

TEST(around_2_and_4_gib)
{
    const char *path = sparse_file("large", 5 * GIB);
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_same(5 * GIB, mmf_map_capacity(map));
    static const uint64_t borders[] = {GIB, 2 * GIB, 4 * GIB, 2 * GIB + 65536, 4 * GIB + 65536, 5 * GIB - 200};
    for (size_t i = 0; i < COUNT(borders); i++)
        check_border(map, path, borders[i]);
    mmf_view *view = (mmf_view *)(uintptr_t)0x51;
    if (wide) {
        uint64_t value = 0;
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_same(5 * GIB, mmf_view_size(view));
        for (size_t i = 0; i < COUNT(borders); i++) {
            unsigned char bytes[8];
            assert_ok(mmf_view_get_u64(view, borders[i] - 4, &value));
            fill_pattern(bytes, borders[i] - 4, 8);
            assert_memory_equal(bytes, &value, 8);
        }
        assert_code(MMF_ERANGE, mmf_view_get_u64(view, 5 * GIB - 7, &value));
        assert_ok(mmf_view_zero(view, 4 * GIB - 10, 20));
        assert_ok(mmf_view_get_u64(view, 4 * GIB - 4, &value));
        assert_same(0, value);
        assert_ok(mmf_view_flush(view, 4 * GIB, 100, MMF_FLUSH_SYNC));
        assert_ok(mmf_view_close(&view));
    } else {
        assert_code(MMF_ENOMEMORY, mmf_view_open(&view, map, 0, 0, NULL));
        assert_null(view);
        view = (mmf_view *)(uintptr_t)0x51;
        assert_code(MMF_ENOMEMORY, mmf_view_open(&view, map, 5, 4 * GIB, NULL)); /* must not become 5 + 0 bytes */
        assert_null(view);
        assert_code(MMF_ENOMEMORY, mmf_view_open(&view, map, 0, 4 * GIB + 4096, NULL));
        assert_null(view);
    }
    /* Resize across the borders, with the content kept. */
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true)));
    assert_ok(mmf_map_resize(map, 4 * GIB - 1));
    assert_same(4 * GIB - 1, file_length(path));
    assert_ok(mmf_map_resize(map, 6 * GIB));
    check_border(map, path, 2 * GIB);
    check_border(map, path, 4 * GIB);
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

TEST(eight_tebibytes)
{
    const char *path = temp_path("huge");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .sparse = true, .capacity = 8 * TIB));
    if (err == MMF_ERANGE)
        skip_test("the file system has no files of 8 TiB");
    assert_ok(err);
    assert_same(8 * TIB, file_length(path));
    check_border(map, path, 8 * TIB - 200);
    check_border(map, path, 4 * TIB);
    if (very_wide) {
        uint64_t value = 0;
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_same(8 * TIB, mmf_view_size(view));
        assert_ok(mmf_view_put_u64(view, 8 * TIB - 8, 88));
        assert_ok(mmf_view_get_u64(view, 8 * TIB - 8, &value));
        assert_same(88, value);
        assert_ok(mmf_view_close(&view));
        /* Private memory of that size must not be charged. */
        assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
        assert_ok(mmf_view_put_u64(view, 5 * TIB, 88));
        assert_ok(mmf_view_close(&view));
    } else if (!wide) {
        assert_code(MMF_ENOMEMORY, mmf_view_open(&view, map, 0, 0, NULL));
        assert_null(view);
    }
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

/* The largest file a file system has, and one byte more. */
TEST(the_end_of_what_can_be)
{
    const char *path = temp_path("largest");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    static const uint64_t sizes[] = {16 * TIB - 4096, 16 * TIB, (uint64_t)1 << 62, INT64_MAX - 65536, INT64_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        int err = mmf_map_from_file(&map, path,
                                    MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .sparse = true, .capacity = sizes[i]));
        if (err) {
            assert_code(MMF_ERANGE, err);
            assert_false(file_exists(path));
            continue;
        }
        assert_same(sizes[i], mmf_map_capacity(map));
        err = mmf_view_open(&view, map, sizes[i] - 10, 10, NULL);
        if (err) /* the last page of 2^63 cannot be mapped everywhere */
            assert_true(err == MMF_ERANGE || err == MMF_ENOMEMORY);
        else
            assert_ok(mmf_view_put_u8(view, 9, 7));
        assert_ok(mmf_view_close(&view));
        assert_code(MMF_ERANGE, mmf_view_open(&view, map, sizes[i], 1, NULL));
        assert_ok(mmf_view_open(&view, map, sizes[i], 0, NULL));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
        unlink(path);
    }
    static const uint64_t beyond[] = {(uint64_t)INT64_MAX + 1, UINT64_MAX - 4096, UINT64_MAX};
    for (size_t i = 0; i < COUNT(beyond); i++) {
        assert_code(MMF_ERANGE,
                    mmf_map_from_file(&map, path,
                                      MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .sparse = true, .capacity = beyond[i])));
        assert_false(file_exists(path));
        assert_code(MMF_ERANGE, mmf_map_create(&map, NULL, beyond[i], NULL));
    }
}

TEST(memory_larger_than_memory)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    uint32_t value = 1;
    assert_ok(mmf_map_create(&map, NULL, 6 * GIB, NULL));
    assert_same(6 * GIB, mmf_map_capacity(map));
    assert_ok(mmf_view_open(&view, map, 6 * GIB - 10, 10, NULL));
    assert_ok(mmf_view_put_u32(view, 6, 5));
    assert_ok(mmf_view_get_u32(view, 6, &value));
    assert_int_equal(5, value);
    assert_ok(mmf_view_close(&view));
    int err = mmf_view_open(&view, map, 0, 0, NULL);
    assert_code(wide ? MMF_OK : MMF_ENOMEMORY, err);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(around_2_and_4_gib),
        unit(eight_tebibytes),
        unit(the_end_of_what_can_be),
        unit(memory_larger_than_memory),
    };
    return run_group(tests);
}
