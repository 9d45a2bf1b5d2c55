/* lifetime.c: handles close in any order, views outlive maps, nothing is flushed and nothing is left by closing. */
#define _GNU_SOURCE
#include "support.h"

#include <unistd.h>

TEST(a_view_outlives_its_map)
{
    const char *path = pattern_file("lived", 200000);
    mmf_map *map = NULL;
    mmf_view *views[3] = {NULL};
    assert_ok(mmf_map_from_file(&map, path, NULL));
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(mmf_view_open(&views[i], map, i * 1000 + 1, 150000, NULL));
    assert_ok(mmf_map_close(&map));
    assert_null(map);
    const void *place = mmf_view_data(views[1]);
    for (size_t i = 0; i < COUNT(views); i++) {
        assert_same(150000, match_pattern(mmf_view_data(views[i]), i * 1000 + 1, 150000));
        assert_ok(mmf_view_put_u8(views[i], 5, pattern(i * 1000 + 6)));
        assert_ok(mmf_view_flush(views[i], 0, 0, MMF_FLUSH_SYNC));
        assert_ok(mmf_view_check(views[i]));
    }
    assert_ok(mmf_view_close(&views[0]));
    assert_ok(mmf_view_close(&views[2]));
    assert_ptr_equal(place, mmf_view_data(views[1]));
    unlink(path);
    assert_same(150000, match_pattern(mmf_view_data(views[1]), 1001, 150000));
    assert_ok(mmf_view_put_u64(views[1], 149992, 1));
    assert_ok(mmf_view_close(&views[1]));
    assert_null(views[1]);
}

TEST(a_view_of_memory_outlives_its_map)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    uint32_t value = 0;
    assert_ok(mmf_map_create(&map, NULL, 100000, NULL));
    assert_ok(mmf_view_open(&view, map, 99, 5000, NULL));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_view_put_u32(view, 4000, 12));
    assert_ok(mmf_view_get_u32(view, 4000, &value));
    assert_int_equal(12, value);
    assert_ok(mmf_view_close(&view));
}

TEST(closing_twice)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_create(&map, NULL, 100, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_close(&map));
}

/* Every order of closing two handles and two views of one file; at the end nothing is open. */
TEST(every_order_of_closing)
{
    const char *path = pattern_file("lived", 5000);
    size_t files = open_descriptors();
    for (unsigned order = 0; order < 24; order++) {
        mmf_map *maps[2] = {NULL};
        mmf_view *views[2] = {NULL};
        assert_ok(mmf_map_from_file(&maps[0], path, NULL));
        assert_ok(mmf_map_duplicate(&maps[1], maps[0], MMF_READ));
        assert_ok(mmf_view_open(&views[0], maps[0], 0, 0, NULL));
        assert_ok(mmf_view_open(&views[1], maps[1], 0, 0, NULL));
        unsigned left[4] = {0, 1, 2, 3}, digits = order;
        for (unsigned count = 4; count > 0; count--) {
            unsigned pick = digits % count;
            digits /= count;
            unsigned handle = left[pick];
            left[pick] = left[count - 1];
            for (size_t i = 0; i < 2; i++)
                if (views[i])
                    assert_same(5000, match_pattern(mmf_view_data(views[i]), 0, 5000));
            if (handle < 2)
                assert_ok(mmf_map_close(&maps[handle]));
            else
                assert_ok(mmf_view_close(&views[handle - 2]));
        }
        assert_same(files, open_descriptors());
    }
    if (have_proc())
        assert_same(0, mappings_of("/lived"));
}

/* What a map denies ends with its last handle; that the file is used and mapped ends with the last view. */
TEST(share_marks_end_with_the_map)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("marked", 5000);
    mmf_map *map = NULL, *copy = NULL, *other = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_map_duplicate(&copy, map, MMF_READ));
    assert_code(MMF_ESHARING, mmf_map_from_file(&other, path, NULL));
    assert_ok(mmf_map_close(&map));
    assert_code(MMF_ESHARING, mmf_map_from_file(&other, path, NULL)); /* the duplicate still holds it */
    assert_null(other);
    assert_ok(mmf_map_close(&copy));
    assert_ok(mmf_map_from_file(&other, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_READ | MMF_SHARE_WRITE)));
    assert_ok(mmf_map_close(&other));
    assert_code(MMF_ESHARING, mmf_map_from_file(&other, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_from_file(&other, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_ok(mmf_map_close(&other));
}

TEST(info_of_a_map)
{
    const char *path = pattern_file("told", 12345);
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ, .inheritable = true)));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(MMF_READ, details.access);
    assert_same(12345, details.capacity);
    assert_same(12345, details.file_length);
    assert_true(details.granularity >= mmf_page_size());
    assert_string_equal(path, details.path);
    assert_null(details.name);
    assert_true(details.inheritable);
    assert_false(details.anonymous || details.created || details.write_through || details.prefix);
    assert_false(details.poisoned || details.lost_pages);
    assert_same(0, details.views);
    if (have(MMF_FEATURE_SHARE_MODES))
        assert_int_equal(MMF_SHARE_READ | MMF_SHARE_WRITE, details.share);
    set_length(path, 20000);
    assert_ok(mmf_map_info(&details, map));
    assert_same(12345, details.capacity);
    assert_same(20000, details.file_length);
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.write_through = true)));
    assert_ok(mmf_map_info(&details, map));
    assert_true(details.write_through);
    assert_false(details.inheritable);
    if (have(MMF_FEATURE_SHARE_MODES))
        assert_int_equal(MMF_SHARE_READ, details.share);
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_view_outlives_its_map), unit(a_view_of_memory_outlives_its_map), unit(closing_twice),
        unit(every_order_of_closing),  unit(share_marks_end_with_the_map),      unit(info_of_a_map),
    };
    return run_group(tests);
}
