/* view.c: opening views at any offset and size, reading and writing them, and what their calls refuse. */
#define _GNU_SOURCE
#include "support.h"

static mmf_view *const unset = (mmf_view *)(uintptr_t)0x51;

#define LENGTH (5 * 65536 + 777)

static mmf_map *open_pattern(void)
{
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file("viewed", LENGTH), NULL));
    return map;
}

#define refuse(code, map, offset, size, options)                                                                       \
    do {                                                                                                               \
        mmf_view *refused = unset;                                                                                     \
        assert_code(code, mmf_view_open(&refused, map, offset, size, options));                                        \
        assert_null(refused);                                                                                          \
    } while (0)

TEST(null_arguments)
{
    mmf_map *map = open_pattern();
    mmf_view *view = NULL;
    unsigned char bytes[8] = {0};
    size_t done = 5;
    uint64_t resident = 5;
    assert_code(MMF_EINVAL, mmf_view_open(NULL, map, 0, 0, NULL));
    refuse(MMF_EINVAL, NULL, 0, 0, NULL);
    assert_code(MMF_EINVAL, mmf_view_close(NULL));
    assert_ok(mmf_view_close(&view));
    assert_null(mmf_view_data(NULL));
    assert_null(mmf_view_mutable(NULL));
    assert_same(0, mmf_view_size(NULL));
    assert_code(MMF_EINVAL, mmf_view_read(NULL, 0, bytes, 1));
    assert_code(MMF_EINVAL, mmf_view_write(NULL, 0, bytes, 1));
    assert_code(MMF_EINVAL, mmf_view_read_array(NULL, 0, bytes, 1, 1, &done));
    assert_same(0, done);
    assert_code(MMF_EINVAL, mmf_view_write_array(NULL, 0, bytes, 1, 1));
    assert_code(MMF_EINVAL, mmf_view_flush(NULL, 0, 0, MMF_FLUSH_START));
    assert_code(MMF_EINVAL, mmf_view_check(NULL));
    assert_code(MMF_EINVAL, mmf_view_advise(NULL, 0, 0, MMF_ADVISE_NORMAL));
    assert_code(MMF_EINVAL, mmf_view_prefetch(NULL, &(mmf_range){0, 1}, 1));
    assert_code(MMF_EINVAL, mmf_view_lock(NULL, 0, 0));
    assert_code(MMF_EINVAL, mmf_view_unlock(NULL, 0, 0));
    assert_code(MMF_EINVAL, mmf_view_resident(&resident, NULL, 0, 0, NULL, 0));
    assert_same(0, resident);
    assert_code(MMF_EINVAL, mmf_view_probe(NULL, 0, 0));
    assert_code(MMF_EINVAL, mmf_view_protect(NULL, 0, 0, MMF_READ));
    assert_code(MMF_EINVAL, mmf_view_zero(NULL, 0, 0));
    mmf_view_details details = {.struct_size = sizeof details};
    assert_code(MMF_EINVAL, mmf_view_info(&details, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_code(MMF_EINVAL, mmf_view_info(NULL, view));
    assert_code(MMF_EINVAL, mmf_view_read(view, 0, NULL, 1));
    assert_code(MMF_EINVAL, mmf_view_write(view, 0, NULL, 1));
    assert_code(MMF_EINVAL, mmf_view_read_array(view, 0, NULL, 1, 1, &done));
    assert_code(MMF_EINVAL, mmf_view_write_array(view, 0, NULL, 1, 1));
    assert_code(MMF_EINVAL, mmf_view_prefetch(view, NULL, 1));
    assert_code(MMF_EINVAL, mmf_view_resident(NULL, view, 0, 0, NULL, 0));
    assert_ok(mmf_view_close(&view));
    assert_null(view);
    assert_ok(mmf_map_close(&map));
}

TEST(option_values)
{
    mmf_map *map = open_pattern();
    refuse(MMF_EINVAL, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_READWRITE_EXECUTE + 1));
    refuse(MMF_EINVAL, map, 0, 0, MMF_VIEW_OPTIONS(.access = UINT32_MAX));
    refuse(MMF_EINVAL, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO + 1));
    refuse(MMF_EINVAL, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = UINT32_MAX));
    mmf_view *view = NULL;
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_code(MMF_EINVAL, mmf_view_flush(view, 0, 0, (mmf_flush)(MMF_FLUSH_SYNC + 1)));
    assert_code(MMF_EINVAL, mmf_view_advise(view, 0, 0, (mmf_advice)(MMF_ADVISE_NO_DUMP + 1)));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* Any offset and size; what a view shows is exactly that part. */
TEST(offsets_and_sizes)
{
    static const uint64_t offsets[] = {0, 1, 7, 4095, 4096, 4097, 65535, 65536, 65537, LENGTH - 1, LENGTH};
    static const uint64_t sizes[] = {0, 1, 2, 4095, 4096, 4097, 65536, 131073};
    mmf_map *map = open_pattern();
    for (size_t i = 0; i < COUNT(offsets); i++)
        for (size_t j = 0; j < COUNT(sizes); j++) {
            uint64_t offset = offsets[i], size = sizes[j] ? sizes[j] : LENGTH - offsets[i];
            if (offset + size > LENGTH) {
                refuse(MMF_ERANGE, map, offset, size, NULL);
                continue;
            }
            mmf_view *view = NULL;
            assert_ok(mmf_view_open(&view, map, offset, sizes[j], NULL));
            assert_same(size, mmf_view_size(view));
            assert_non_null(mmf_view_data(view));
            assert_ptr_equal(mmf_view_data(view), mmf_view_mutable(view));
            assert_same(size, match_pattern(mmf_view_data(view), offset, (size_t)size));
            mmf_view_details details = {.struct_size = sizeof details};
            assert_ok(mmf_view_info(&details, view));
            assert_same(offset, details.offset);
            assert_same(size, details.size);
            assert_true(details.mapped >= size);
            assert_same(0, details.mapped % mmf_page_size());
            assert_false(details.flagged);
            assert_ok(mmf_view_check(view));
            assert_ok(mmf_view_close(&view));
        }
    assert_ok(mmf_map_close(&map));
}

TEST(out_of_range)
{
    mmf_map *map = open_pattern();
    refuse(MMF_ERANGE, map, LENGTH + 1, 0, NULL);
    refuse(MMF_ERANGE, map, LENGTH, 1, NULL);
    refuse(MMF_ERANGE, map, 0, LENGTH + 1, NULL);
    refuse(MMF_ERANGE, map, 1, LENGTH, NULL);
    refuse(MMF_ERANGE, map, UINT64_MAX, 0, NULL);
    refuse(MMF_ERANGE, map, UINT64_MAX, 1, NULL);
    refuse(MMF_ERANGE, map, UINT64_MAX, 2, NULL); /* wraps to 1 */
    refuse(MMF_ERANGE, map, 10, UINT64_MAX - 5, NULL);
    refuse(MMF_ERANGE, map, (uint64_t)1 << 63, (uint64_t)1 << 63, NULL);
    refuse(MMF_ERANGE, map, 4096, UINT64_MAX - 4095, NULL);
    assert_ok(mmf_map_close(&map));
}

TEST(size_zero_at_the_end)
{
    mmf_map *map = open_pattern();
    mmf_view *view = NULL;
    unsigned char byte = 0;
    uint64_t value = 1;
    assert_ok(mmf_view_open(&view, map, LENGTH, 0, NULL));
    assert_same(0, mmf_view_size(view));
    assert_non_null(mmf_view_data(view));
    assert_non_null(mmf_view_mutable(view));
    assert_same(0, (uintptr_t)mmf_view_data(view) % 16);
    assert_ok(mmf_view_read(view, 0, &byte, 0));
    assert_ok(mmf_view_write(view, 0, &byte, 0));
    assert_code(MMF_ERANGE, mmf_view_read(view, 0, &byte, 1));
    assert_code(MMF_ERANGE, mmf_view_write(view, 0, &byte, 1));
    assert_code(MMF_ERANGE, mmf_view_get_u8(view, 0, &byte));
    assert_code(MMF_ERANGE, mmf_view_get_u64(view, 0, &value));
    assert_code(MMF_ERANGE, mmf_view_put_u8(view, 0, 1));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_START));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_WAIT));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_view_probe(view, 0, 0));
    assert_ok(mmf_view_zero(view, 0, 0));
    assert_ok(mmf_view_advise(view, 0, 0, MMF_ADVISE_NORMAL));
    assert_ok(mmf_view_check(view));
    assert_ok(mmf_view_close(&view));
    static const uint32_t access[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE};
    for (size_t i = 0; i < COUNT(access); i++) {
        assert_ok(mmf_view_open(&view, map, LENGTH, 0, MMF_VIEW_OPTIONS(.access = access[i])));
        assert_non_null(mmf_view_data(view));
        assert_ok(mmf_view_close(&view));
    }
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(temp_path("viewed"), LENGTH, LENGTH));
}

TEST(reading_and_writing)
{
    mmf_map *map = open_pattern();
    mmf_view *view = NULL;
    static unsigned char bytes[LENGTH];
    assert_ok(mmf_view_open(&view, map, 333, 200000, NULL));
    for (size_t size = 0; size < 300; size++) {
        memset(bytes, 0, size + 1);
        assert_ok(mmf_view_read(view, 65000 + 3 * size, bytes, size));
        assert_same(size, match_pattern(bytes, 65333 + 3 * size, size));
        assert_int_equal(0, bytes[size]);
    }
    assert_ok(mmf_view_read(view, 0, bytes, 200000));
    assert_same(200000, match_pattern(bytes, 333, 200000));
    assert_ok(mmf_view_read(view, 200000, bytes, 0));
    assert_code(MMF_ERANGE, mmf_view_read(view, 200001, bytes, 0));
    assert_code(MMF_ERANGE, mmf_view_read(view, 199999, bytes, 2));
    assert_code(MMF_ERANGE, mmf_view_read(view, UINT64_MAX, bytes, 2));
    assert_code(MMF_ERANGE, mmf_view_read(view, 1, bytes, SIZE_MAX));
    assert_code(MMF_ERANGE, mmf_view_write(view, 200001, bytes, 0));
    assert_code(MMF_ERANGE, mmf_view_write(view, 199999, bytes, 2));
    assert_code(MMF_ERANGE, mmf_view_write(view, UINT64_MAX - 1, bytes, 2));
    assert_code(MMF_ERANGE, mmf_view_write(view, 1, bytes, SIZE_MAX));
    assert_ok(mmf_view_write(view, 200000, bytes, 0));
    assert_ok(mmf_view_write(view, 0, NULL, 0)); /* no bytes need no memory */
    assert_ok(mmf_view_read(view, 0, NULL, 0));
    assert_true(file_holds(temp_path("viewed"), LENGTH, LENGTH));
    memset(bytes, 0, sizeof bytes);
    assert_ok(mmf_view_write(view, 99, bytes, 100000));
    assert_int_equal(pattern(333 + 98), file_byte(temp_path("viewed"), 333 + 98));
    assert_int_equal(0, file_byte(temp_path("viewed"), 333 + 99));
    assert_int_equal(0, file_byte(temp_path("viewed"), 333 + 99 + 99999));
    assert_int_equal(pattern(333 + 99 + 100000), file_byte(temp_path("viewed"), 333 + 99 + 100000));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* Views of one map, of its duplicates and of another map of the file show one memory. */
TEST(views_are_coherent)
{
    mmf_map *map = open_pattern(), *other = NULL;
    mmf_view *views[4] = {NULL};
    assert_ok(
        mmf_map_from_file(&other, temp_path("viewed"), MMF_MAP_OPTIONS(.access = MMF_READ, .share = share_all())));
    assert_ok(mmf_view_open(&views[0], map, 0, 0, NULL));
    assert_ok(mmf_view_open(&views[1], map, 1001, 100000, NULL));
    assert_ok(mmf_view_open(&views[2], map, 50000, 100000, MMF_VIEW_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_view_open(&views[3], other, 0, 0, NULL));
    for (uint64_t at = 60000; at < 100000; at += 4999) {
        uint32_t a = 0, b = 0, c = 0, d = 0;
        assert_ok(mmf_view_put_u32(views[1], at - 1001, (uint32_t)at));
        assert_ok(mmf_view_get_u32(views[0], at, &a));
        assert_ok(mmf_view_get_u32(views[1], at - 1001, &b));
        assert_ok(mmf_view_get_u32(views[2], at - 50000, &c));
        assert_ok(mmf_view_get_u32(views[3], at, &d));
        assert_same(at, a);
        assert_same(at, b);
        assert_same(at, c);
        assert_same(at, d);
        ((volatile unsigned char *)mmf_view_mutable(views[0]))[at] = 0xEE;
        assert_int_equal(0xEE, ((const volatile unsigned char *)mmf_view_data(views[2]))[at - 50000]);
    }
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(mmf_view_close(&views[i]));
    assert_ok(mmf_map_close(&other));
    assert_ok(mmf_map_close(&map));
}

/* An untouched copy-on-write page shows what others store; a touched one keeps its own. */
TEST(copies_are_coherent_until_stored_into)
{
    mmf_map *map = open_pattern();
    mmf_view *copy = NULL, *plain = NULL;
    unsigned char byte = 0;
    const uint64_t page = mmf_page_size();
    assert_ok(mmf_view_open(&copy, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_view_open(&plain, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(copy, 0, 1));
    assert_ok(mmf_view_put_u8(plain, 1, 222));
    assert_ok(mmf_view_put_u8(plain, 3 * page, 223));
    assert_ok(mmf_view_get_u8(copy, 1, &byte));
    assert_int_equal(pattern(1), byte);
    assert_ok(mmf_view_get_u8(copy, 3 * page, &byte));
    assert_int_equal(223, byte);
    assert_ok(mmf_view_get_u8(plain, 0, &byte));
    assert_int_equal(pattern(0), byte);
    assert_ok(mmf_view_close(&copy));
    assert_ok(mmf_view_close(&plain));
    assert_ok(mmf_map_close(&map));
}

TEST(address_is_a_hint)
{
    mmf_map *map = open_pattern();
    mmf_view *view = NULL, *second = NULL;
    assert_ok(mmf_view_open(&view, map, 65536, 65536, NULL));
    void *wanted = mmf_view_mutable(view);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_view_open(&view, map, 65536, 65536, MMF_VIEW_OPTIONS(.address = wanted)));
    /* An occupied or odd place is no error, only another place. */
    assert_ok(mmf_view_open(&second, map, 65536, 65536, MMF_VIEW_OPTIONS(.address = mmf_view_mutable(view))));
    assert_ptr_not_equal(mmf_view_data(view), mmf_view_data(second));
    assert_same(65536, match_pattern(mmf_view_data(second), 65536, 65536));
    assert_same(65536, match_pattern(mmf_view_data(view), 65536, 65536));
    assert_ok(mmf_view_close(&second));
    assert_ok(mmf_view_open(&second, map, 65536 + 5, 100, MMF_VIEW_OPTIONS(.address = (void *)(uintptr_t)3)));
    assert_same(100, match_pattern(mmf_view_data(second), 65536 + 5, 100));
    assert_ok(mmf_view_close(&second));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

TEST(populate)
{
    static const uint32_t access[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE};
    mmf_map *map = open_pattern();
    for (size_t i = 0; i < COUNT(access); i++) {
        mmf_view *view = NULL;
        assert_ok(mmf_view_open(&view, map, 10, 300000, MMF_VIEW_OPTIONS(.access = access[i], .populate = true)));
        assert_same(300000, match_pattern(mmf_view_data(view), 10, 300000));
        if (have(MMF_FEATURE_RESIDENT)) {
            uint64_t resident = 0;
            assert_ok(mmf_view_resident(&resident, view, 0, 0, NULL, 0));
            assert_same((10 + 300000 + mmf_page_size() - 1) / mmf_page_size(), resident);
        }
        assert_ok(mmf_view_close(&view));
    }
    /* A page that is not there. */
    set_length(temp_path("viewed"), 1000);
    mmf_view *view = unset;
    assert_code(MMF_EFAULT, mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.populate = true)));
    assert_null(view);
    assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
    assert_ok(mmf_map_close(&map));
}

TEST(views_are_counted)
{
    mmf_map *map = open_pattern(), *copy = NULL;
    mmf_view *views[10] = {NULL};
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_duplicate(&copy, map, MMF_READ));
    for (size_t i = 0; i < COUNT(views); i++) {
        assert_ok(mmf_map_info(&details, map));
        assert_same(i, details.views);
        assert_ok(mmf_view_open(&views[i], i % 2 ? map : copy, i, 10, NULL));
    }
    for (size_t i = 0; i < COUNT(views); i++) {
        assert_ok(mmf_view_close(&views[i]));
        assert_ok(mmf_map_info(&details, copy));
        assert_same(9 - i, details.views);
    }
    assert_ok(mmf_map_close(&copy));
    assert_ok(mmf_map_close(&map));
}

TEST(mapped_memory_is_given_back)
{
    if (!have_proc())
        skip_test("no /proc");
    mmf_map *map = open_pattern();
    size_t before = mappings_of("/viewed");
    mmf_view *views[50] = {NULL};
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(
            mmf_view_open(&views[i], map, 65536, 70000, MMF_VIEW_OPTIONS(.access = i % 2 ? MMF_READ : MMF_READWRITE)));
    assert_true(mappings_of("/viewed") > before);
    for (size_t i = 0; i < COUNT(views); i++)
        assert_ok(mmf_view_close(&views[i]));
    assert_same(before, mappings_of("/viewed"));
    assert_ok(mmf_map_close(&map));
    assert_same(0, mappings_of("/viewed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(null_arguments),       unit(option_values),
        unit(offsets_and_sizes),    unit(out_of_range),
        unit(size_zero_at_the_end), unit(reading_and_writing),
        unit(views_are_coherent),   unit(copies_are_coherent_until_stored_into),
        unit(address_is_a_hint),    unit(populate),
        unit(views_are_counted),    unit(mapped_memory_is_given_back),
    };
    return run_group(tests);
}
