/* resize.c: changing the capacity while views live, and seeing what others did to the length. */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

static mmf_map *open_pattern(uint64_t size)
{
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file("resized", size), NULL));
    return map;
}

TEST(growing_and_shrinking)
{
    static const uint64_t sizes[] = {10000, 10001, 4096, 4095, 1, 65536, 65537, 200000, 3, 100000};
    mmf_map *map = open_pattern(5000);
    uint64_t kept = 5000;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_ok(mmf_map_resize(map, sizes[i]));
        assert_same(sizes[i], mmf_map_capacity(map));
        kept = kept < sizes[i] ? kept : sizes[i];
        assert_true(file_holds(temp_path("resized"), sizes[i], kept)); /* what comes new is zero */
        mmf_view *view = NULL;
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_same(sizes[i], mmf_view_size(view));
        assert_ok(mmf_view_close(&view));
    }
    assert_ok(mmf_map_resize(map, 100000)); /* to what it is */
    assert_ok(mmf_map_close(&map));
}

/* Stores behind the old end but in its last page must not come back as content. */
TEST(the_tail_of_the_last_page_is_zero)
{
    mmf_map *map = open_pattern(5000);
    mmf_view *view = NULL;
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    unsigned char *bytes = mmf_view_mutable(view);
    memset(bytes + 5000, 0xAB, 100); /* the page has room for it */
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_resize(map, 9000));
    assert_ok(mmf_view_open(&view, map, 5000, 4000, NULL));
    for (uint64_t at = 0; at < 4000; at++)
        assert_int_equal(0, ((const unsigned char *)mmf_view_data(view))[at]);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

TEST(live_views_stay)
{
    mmf_map *map = open_pattern(100000);
    mmf_view *first = NULL, *last = NULL, *grown = NULL, *copy = NULL;
    assert_ok(mmf_view_open(&first, map, 0, 0, NULL));
    assert_ok(mmf_view_open(&copy, map, 10, 1000, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_view_put_u8(copy, 0, 77));
    const void *place = mmf_view_data(first);
    for (uint64_t size = 100001; size < 10000000; size = size * 2 + 1) {
        assert_ok(mmf_map_resize(map, size));
        assert_ptr_equal(place, mmf_view_data(first));
        assert_same(100000, mmf_view_size(first));
        assert_same(100000, match_pattern(mmf_view_data(first), 0, 100000));
    }
    assert_ok(mmf_view_open(&grown, map, 99990, 1000, NULL));
    assert_ok(mmf_view_put_u8(grown, 0, 201));
    unsigned char byte = 0;
    assert_ok(mmf_view_get_u8(first, 99990, &byte));
    assert_int_equal(201, byte);
    assert_ok(mmf_view_get_u8(copy, 0, &byte));
    assert_int_equal(77, byte);
    assert_code(MMF_ERANGE, mmf_view_get_u8(first, 100000, &byte));
    assert_ok(mmf_view_open(&last, map, mmf_map_capacity(map) - 1, 1, NULL));
    assert_ok(mmf_view_close(&last));
    /* Down to exactly where the views end, and not a byte less. */
    assert_ok(mmf_map_resize(map, 100990));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 100989));
    assert_same(100990, mmf_map_capacity(map));
    assert_same(100990, file_length(temp_path("resized")));
    assert_ok(mmf_view_close(&grown));
    assert_ok(mmf_map_resize(map, 100000));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 99999));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 1));
    assert_ok(mmf_view_close(&first));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 1009));
    assert_ok(mmf_map_resize(map, 1010)); /* the copy-on-write view ends here */
    assert_ok(mmf_view_close(&copy));
    assert_ok(mmf_map_resize(map, 1));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(temp_path("resized"), 1, 1));
}

/* An empty view has no page that a shorter file could take away. */
TEST(empty_views_are_in_nobodys_way)
{
    mmf_map *map = open_pattern(10000);
    mmf_view *view = NULL;
    assert_ok(mmf_view_open(&view, map, 10000, 0, NULL));
    assert_ok(mmf_map_resize(map, 20000));
    assert_ok(mmf_view_check(view));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* A view through another map of the same file in this process is in the way as well, also when its map is closed. */
TEST(views_of_another_map_of_the_file)
{
    mmf_map *map = open_pattern(100000), *other = NULL;
    mmf_view *view = NULL;
    int file = open(temp_path("resized"), O_RDWR | O_CLOEXEC);
    assert_ok(mmf_map_from_handle(&other, file, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_view_open(&view, other, 50000, 10000, NULL));
    assert_ok(mmf_map_close(&other));
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 59999));
    assert_true(file_holds(temp_path("resized"), 100000, 100000));
    assert_ok(mmf_map_resize(map, 60000));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_resize(map, 10));
    assert_ok(mmf_map_close(&map));
    close(file);
}

TEST(without_the_right)
{
    static const uint32_t access[] = {MMF_READ, MMF_COPY_ON_WRITE, MMF_READ_EXECUTE};
    const char *path = pattern_file("resized", 100);
    for (size_t i = 0; i < COUNT(access); i++) {
        mmf_map *map = NULL;
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = access[i])));
        assert_code(MMF_EACCESS, mmf_map_resize(map, 200));
        assert_code(MMF_EACCESS, mmf_map_resize(map, 50));
        assert_same(100, mmf_map_capacity(map));
        assert_ok(mmf_map_close(&map));
    }
    assert_true(file_holds(path, 100, 100));
}

TEST(memory)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL, *grown = NULL;
    uint64_t value = 1;
    assert_ok(mmf_map_create(&map, NULL, 1000, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u64(view, 900, 42));
    assert_ok(mmf_map_resize(map, MIB));
    assert_ok(mmf_view_open(&grown, map, 0, 0, NULL));
    assert_ok(mmf_view_get_u64(grown, 900, &value));
    assert_same(42, value);
    assert_ok(mmf_view_get_u64(grown, MIB - 8, &value));
    assert_same(0, value);
    assert_code(MMF_EMAPPED, mmf_map_resize(map, 10));
    assert_ok(mmf_view_close(&grown));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_resize(map, 10));
    assert_code(MMF_ERANGE, mmf_map_resize(map, 0));
    assert_code(MMF_ERANGE, mmf_map_resize(map, UINT64_MAX));
    assert_same(10, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
}

/* --- What others do ----------------------------------------------------------------------------------------------- */

static int resize_in_child(void *argument)
{
    uint64_t size = *(uint64_t *)argument;
    mmf_map *map = NULL;
    child_expect(mmf_map_from_file(&map, temp_path("resized"), MMF_MAP_OPTIONS(.share = share_all())) == MMF_OK);
    child_expect(mmf_map_resize(map, size) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    return 0;
}

TEST(refresh_after_another_process)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    pattern_file("resized", 100000);
    assert_ok(mmf_map_from_file(&map, temp_path("resized"), MMF_MAP_OPTIONS(.share = share_all())));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    uint64_t size = 300000;
    assert_int_equal(0, in_child(resize_in_child, &size));
    assert_same(100000, mmf_map_capacity(map));
    assert_code(MMF_ERANGE, mmf_view_open(&(mmf_view *){NULL}, map, 100000, 1, NULL));
    assert_ok(mmf_map_refresh(map));
    assert_same(300000, mmf_map_capacity(map));
    assert_same(100000, mmf_view_size(view));
    mmf_view *grown = NULL;
    assert_ok(mmf_view_open(&grown, map, 100000, 200000, NULL));
    assert_ok(mmf_view_close(&grown));
    /* Shorter under a live view: the view stays, its lost part answers an error with the exact bytes. */
    set_length(temp_path("resized"), 30000);
    assert_ok(mmf_map_refresh(map));
    assert_same(30000, mmf_map_capacity(map));
    assert_same(100000, mmf_view_size(view));
    static unsigned char bytes[100000];
    assert_code(MMF_EFAULT, mmf_view_read(view, 100, bytes, 99900));
    const uint64_t page = mmf_page_size();
    const uint64_t whole = (30000 + page - 1) / page * page;
    assert_same(whole - 100, mmf_last_error()->done);
    assert_same(whole, mmf_last_error()->offset);
    assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
    assert_same(30000 - 100, match_pattern(bytes, 100, 30000 - 100));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

TEST(refresh_of_an_empty_file)
{
    mmf_map *map = open_pattern(1000);
    set_length(temp_path("resized"), 0);
    assert_ok(mmf_map_refresh(map));
    assert_same(0, mmf_map_capacity(map));
    set_length(temp_path("resized"), 10);
    assert_ok(mmf_map_refresh(map));
    assert_same(10, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_create(&map, NULL, 100, NULL));
    assert_ok(mmf_map_refresh(map));
    assert_same(100, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(growing_and_shrinking),
        unit(the_tail_of_the_last_page_is_zero),
        unit(live_views_stay),
        unit(empty_views_are_in_nobodys_way),
        unit(views_of_another_map_of_the_file),
        unit(without_the_right),
        unit(memory),
        unit(refresh_after_another_process),
        unit(refresh_of_an_empty_file),
    };
    return run_group(tests);
}
