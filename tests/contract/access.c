/* access.c: which view a map allows, which handle a duplicate may be, and what each kind of view refuses. */
#define _GNU_SOURCE
#include "support.h"

static const uint32_t kinds[] = {MMF_READ,          MMF_WRITE,        MMF_READWRITE,
                                 MMF_COPY_ON_WRITE, MMF_READ_EXECUTE, MMF_READWRITE_EXECUTE};
static const char *const kind_names[] = {
    "default", "read", "write", "readwrite", "copy-on-write", "read-execute", "readwrite-execute"};

/* Rows: the map; columns: the view; both in the order of `kinds`. From .NET's table. */
static const bool view_allowed[6][6] = {
    [0] = {1, 0, 0, 1, 0, 0}, /* read */
    [1] = {0, 0, 0, 0, 0, 0}, /* write: no such map */
    [2] = {1, 1, 1, 1, 0, 0}, /* readwrite */
    [3] = {1, 0, 0, 1, 0, 0}, /* copy-on-write */
    [4] = {1, 0, 0, 1, 1, 0}, /* read-execute */
    [5] = {1, 1, 1, 1, 1, 1}, /* readwrite-execute */
};

static const bool copy_allowed[6][6] = {
    [0] = {1, 0, 0, 1, 0, 0}, [1] = {0, 0, 0, 0, 0, 0}, [2] = {1, 0, 1, 1, 0, 0},
    [3] = {1, 0, 0, 1, 0, 0}, [4] = {1, 0, 0, 1, 1, 0}, [5] = {1, 0, 1, 1, 1, 1},
};

static bool reads(uint32_t kind)
{
    return kind != MMF_WRITE;
}

static bool writes(uint32_t kind)
{
    return kind != MMF_READ && kind != MMF_READ_EXECUTE;
}

/* Everything a view of this kind must allow and refuse; the bytes at `position` are the pattern's from 1000 on. */
static void check_view(mmf_view *view, uint32_t kind, uint64_t offset)
{
    unsigned char bytes[16] = {0};
    uint64_t value = 99;
    size_t done = 99;
    mmf_view_details details = {.struct_size = sizeof details};
    assert_ok(mmf_view_info(&details, view));
    assert_int_equal(kind, details.access);
    assert_same(offset, details.offset);
    if (reads(kind)) {
        assert_non_null(mmf_view_data(view));
        assert_ok(mmf_view_read(view, 3, bytes, 16));
        assert_same(16, match_pattern(bytes, offset + 3, 16));
        assert_same(16, match_pattern((const unsigned char *)mmf_view_data(view) + 3, offset + 3, 16));
        assert_ok(mmf_view_probe(view, 0, 0));
    } else {
        assert_null(mmf_view_data(view));
        memset(bytes, 7, sizeof bytes);
        assert_code(MMF_EACCESS, mmf_view_read(view, 3, bytes, 16));
        assert_int_equal(7, bytes[0]); /* not one byte of it may be seen */
        assert_code(MMF_EACCESS, mmf_view_get_u64(view, 0, &value));
        assert_same(0, value);
        assert_code(MMF_EACCESS, mmf_view_read_array(view, 0, bytes, 2, 3, &done));
        assert_same(0, done);
        assert_code(MMF_EACCESS, mmf_view_probe(view, 0, 0));
    }
    if (writes(kind)) {
        assert_non_null(mmf_view_mutable(view));
        fill_pattern(bytes, offset + 3, 16);
        assert_ok(mmf_view_write(view, 3, bytes, 16));
        assert_ok(mmf_view_put_u8(view, 1, pattern(offset + 1)));
        assert_ok(mmf_view_write_array(view, 3, bytes, 4, 4));
        ((volatile unsigned char *)mmf_view_mutable(view))[0] = pattern(offset);
    } else {
        assert_null(mmf_view_mutable(view));
        assert_code(MMF_EACCESS, mmf_view_write(view, 3, bytes, 16));
        assert_code(MMF_EACCESS, mmf_view_put_u8(view, 1, 1));
        assert_code(MMF_EACCESS, mmf_view_put_f64(view, 1, 1));
        assert_code(MMF_EACCESS, mmf_view_write_array(view, 3, bytes, 4, 4));
        assert_code(MMF_EACCESS, mmf_view_zero(view, 0, 4));
    }
}

TEST(views_of_maps)
{
    const char *path = pattern_file("matrix", 3 * 65536 + 5);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        mmf_map *map = NULL;
        int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = kinds[i]));
        assert_int_equal(kinds[i] == MMF_WRITE ? MMF_EINVAL : MMF_OK, err);
        if (err)
            continue;
        for (size_t j = 0; j < COUNT(kinds); j++) {
            mmf_view *view = (mmf_view *)(uintptr_t)0x51;
            err = mmf_view_open(&view, map, 70000, 1000, MMF_VIEW_OPTIONS(.access = kinds[j]));
            if (err != (view_allowed[i][j] ? MMF_OK : MMF_EACCESS))
                fail_msg("a %s view of a %s map: %s", kind_names[kinds[j]], kind_names[kinds[i]], mmf_error_name(err));
            if (err) {
                assert_null(view);
                assert_int_equal(MMF_EACCESS, mmf_last_error()->code);
                continue;
            }
            check_view(view, kinds[j], 70000);
            assert_ok(mmf_view_close(&view));
        }
        /* The default is what the map has. */
        mmf_view *view = NULL;
        assert_ok(mmf_view_open(&view, map, 70000, 1000, NULL));
        check_view(view, kinds[i], 70000);
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_view_open(&view, map, 70000, 1000, MMF_VIEW_OPTIONS(.access = MMF_ACCESS_DEFAULT)));
        check_view(view, kinds[i], 70000);
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    }
    assert_true(file_holds(path, 3 * 65536 + 5, 3 * 65536 + 5));
}

TEST(duplicates)
{
    const char *path = pattern_file("duplicated", 5000);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        mmf_map *map = NULL;
        if (kinds[i] == MMF_WRITE)
            continue;
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = kinds[i])));
        for (size_t j = 0; j < COUNT(kinds); j++) {
            mmf_map *copy = (mmf_map *)(uintptr_t)0x51;
            int err = mmf_map_duplicate(&copy, map, (mmf_access)kinds[j]);
            int expected = kinds[j] == MMF_WRITE ? MMF_EINVAL : copy_allowed[i][j] ? MMF_OK : MMF_EACCESS;
            /* A write-only map does not exist at all, so either word is right for it. */
            if (err != expected && !(kinds[j] == MMF_WRITE && err == MMF_EACCESS))
                fail_msg("a %s duplicate of a %s map: %s", kind_names[kinds[j]], kind_names[kinds[i]],
                         mmf_error_name(err));
            if (err) {
                assert_null(copy);
                continue;
            }
            mmf_map_details details = {.struct_size = sizeof details};
            assert_ok(mmf_map_info(&details, copy));
            assert_int_equal(kinds[j], details.access);
            assert_same(5000, details.capacity);
            for (size_t k = 0; k < COUNT(kinds); k++) {
                mmf_view *view = NULL;
                assert_code(view_allowed[j][k] ? MMF_OK : MMF_EACCESS,
                            mmf_view_open(&view, copy, 0, 0, MMF_VIEW_OPTIONS(.access = kinds[k])));
                if (view)
                    assert_ok(mmf_view_close(&view));
            }
            if (!writes(kinds[j]) || kinds[j] == MMF_COPY_ON_WRITE)
                assert_code(MMF_EACCESS, mmf_map_resize(copy, 6000));
            assert_ok(mmf_map_close(&copy));
        }
        mmf_map *copy = NULL;
        assert_ok(mmf_map_duplicate(&copy, map, MMF_ACCESS_DEFAULT));
        mmf_map_details details = {.struct_size = sizeof details};
        assert_ok(mmf_map_info(&details, copy));
        assert_int_equal(kinds[i], details.access);
        assert_ok(mmf_map_close(&map)); /* in this order */
        mmf_view *view = NULL;
        assert_ok(mmf_view_open(&view, copy, 0, 0, NULL));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&copy));
        assert_code(MMF_EINVAL, mmf_map_duplicate(&copy, NULL, MMF_ACCESS_DEFAULT));
        assert_null(copy);
    }
    mmf_map *map = NULL, *copy = NULL;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_code(MMF_EINVAL, mmf_map_duplicate(NULL, map, MMF_ACCESS_DEFAULT));
    assert_code(MMF_EINVAL, mmf_map_duplicate(&copy, map, (mmf_access)(MMF_READWRITE_EXECUTE + 1)));
    assert_null(copy);
    /* Capacity is shared, the handles are not. */
    assert_ok(mmf_map_duplicate(&copy, map, MMF_READ));
    assert_ok(mmf_map_resize(map, 7000));
    assert_same(7000, mmf_map_capacity(copy));
    assert_ok(mmf_map_close(&copy));
    assert_same(7000, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
}

TEST(copies_never_reach_the_file)
{
    static const uint32_t maps[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE};
    const char *path = pattern_file("copied", 20000);
    for (size_t i = 0; i < COUNT(maps); i++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL, *plain = NULL, *second = NULL;
        unsigned char byte;
        const mmf_view_options *copy = MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE);
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = maps[i])));
        assert_ok(mmf_view_open(&view, map, 0, 0, copy));
        assert_ok(mmf_view_open(&second, map, 0, 0, copy));
        assert_ok(mmf_view_open(&plain, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_READ)));
        unsigned char zeros[10000] = {0};
        assert_ok(mmf_view_write(view, 5000, zeros, sizeof zeros));
        assert_ok(mmf_view_read(view, 5000, &byte, 1));
        assert_int_equal(0, byte);
        assert_ok(mmf_view_read(plain, 5000, &byte, 1));
        assert_int_equal(pattern(5000), byte);
        assert_ok(mmf_view_read(second, 5000, &byte, 1));
        assert_int_equal(pattern(5000), byte);
        assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC)); /* nothing to do */
        assert_ok(mmf_map_sync(map));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_view_close(&second));
        assert_ok(mmf_view_close(&plain));
        assert_ok(mmf_map_close(&map));
        assert_true(file_holds(path, 20000, 20000));
    }
}

TEST(protect_within_what_was_opened)
{
    const char *path = pattern_file("protected", 5 * 65536);
    const uint64_t page = mmf_page_size();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
        assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = kinds[i])));
        assert_code(MMF_EINVAL, mmf_view_protect(view, 0, 0, (mmf_access)(MMF_READWRITE_EXECUTE + 1)));
        assert_code(MMF_ERANGE, mmf_view_protect(view, 5 * 65536 + 1, 0, MMF_READ));
        assert_code(MMF_ERANGE, mmf_view_protect(view, 1, UINT64_MAX, MMF_READ));
        for (size_t j = 0; j < COUNT(kinds); j++) {
            bool copy = kinds[i] == MMF_COPY_ON_WRITE;
            bool wanted_execute = kinds[j] == MMF_READ_EXECUTE || kinds[j] == MMF_READWRITE_EXECUTE;
            bool has_execute = kinds[i] == MMF_READ_EXECUTE || kinds[i] == MMF_READWRITE_EXECUTE;
            bool within = (!reads(kinds[j]) || reads(kinds[i])) && (!writes(kinds[j]) || writes(kinds[i])) &&
                          (!wanted_execute || has_execute);
            int err = mmf_view_protect(view, page, page, (mmf_access)kinds[j]);
            if (kinds[i] == kinds[j])
                assert_int_equal(MMF_OK, err);
            else if (!copy && kinds[j] != MMF_COPY_ON_WRITE && kinds[j] != MMF_WRITE && kinds[i] != MMF_WRITE &&
                     err != (within ? MMF_OK : MMF_EACCESS))
                fail_msg("%s pages of a %s view: %s", kind_names[kinds[j]], kind_names[kinds[i]], mmf_error_name(err));
        }
        assert_ok(mmf_view_protect(view, 0, 0, MMF_ACCESS_DEFAULT));
        check_view(view, kinds[i], 0);
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    }
}

TEST(protected_pages_refuse)
{
    const char *path = pattern_file("protected", 5 * 65536);
    const uint64_t page = mmf_page_size();
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    unsigned char bytes[64] = {0};
    uint64_t value = 0;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_protect(view, page + 10, 1, MMF_READ)); /* the whole page that the byte is in */
    assert_code(MMF_EACCESS, mmf_view_put_u64(view, page + 800, 1));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, page, 1));
    assert_code(MMF_EACCESS, mmf_view_write(view, page + 800, bytes, sizeof bytes));
    assert_code(MMF_EACCESS, mmf_view_write_array(view, page + 800, bytes, 8, 2));
    assert_ok(mmf_view_get_u64(view, page + 800, &value));
    assert_true(match_pattern((unsigned char *)&value, page + 800, 8) == 8);
    assert_ok(mmf_view_put_u8(view, page - 1, pattern(page - 1))); /* its neighbours are free */
    assert_ok(mmf_view_put_u8(view, 2 * page, pattern(2 * page)));
    /* A write across the border does not count what it could not do. */
    fill_pattern(bytes, page - 32, 64);
    assert_code(MMF_EACCESS, mmf_view_write(view, page - 32, bytes, sizeof bytes));
    assert_ok(mmf_view_protect(view, page, page, MMF_ACCESS_DEFAULT));
    assert_ok(mmf_view_put_u8(view, page + 800, pattern(page + 800)));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 5 * 65536, 5 * 65536));
}

static int store_into_protected(void *argument)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    child_expect(mmf_map_from_file(&map, argument, NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_protect(view, 0, 1, MMF_READ) == MMF_OK);
    *(volatile unsigned char *)mmf_view_mutable(view) = 1;
    return 0;
}

TEST(raw_stores_into_protected_pages)
{
    const char *path = pattern_file("protected", 65536);
    int status = in_child(store_into_protected, (void *)(uintptr_t)path);
    assert_true(status != 0); /* SIGSEGV, whatever handler reports it */
    assert_true(file_holds(path, 65536, 65536));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(views_of_maps),
        unit(duplicates),
        unit(copies_never_reach_the_file),
        unit(protect_within_what_was_opened),
        unit(protected_pages_refuse),
        unit(raw_stores_into_protected_pages),
    };
    return run_group(tests);
}
