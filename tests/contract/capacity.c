/* capacity.c: what the capacity of a map may be: exact sizes, growth, prefixes, empty files, holes and reserved blocks.
 */
#define _GNU_SOURCE
#include "support.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static const uint32_t every_access[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE, MMF_READ_EXECUTE,
                                        MMF_READWRITE_EXECUTE};

static bool grows(uint32_t access)
{
    return access == MMF_READWRITE || access == MMF_READWRITE_EXECUTE;
}

static int try_open(const char *path, const mmf_map_options *options, uint64_t *capacity)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, path, options);
    *capacity = mmf_map_capacity(map);
    if (map)
        assert_ok(mmf_map_close(&map));
    return err;
}

TEST(the_length_is_the_default)
{
    uint64_t capacity;
    static const uint64_t sizes[] = {1, 2, 4095, 4096, 4097, 65535, 65536, 65537, 1000003};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(every_access); j++) {
            const char *path = pattern_file("sized", sizes[i]);
            assert_ok(try_open(path, MMF_MAP_OPTIONS(.access = every_access[j]), &capacity));
            assert_same(sizes[i], capacity);
            assert_ok(try_open(path, MMF_MAP_OPTIONS(.access = every_access[j], .capacity = sizes[i]), &capacity));
            assert_same(sizes[i], capacity);
            assert_true(file_holds(path, sizes[i], sizes[i]));
        }
}

TEST(below_the_length)
{
    uint64_t capacity;
    const char *path = pattern_file("long", 10000);
    for (size_t j = 0; j < COUNT(every_access); j++) {
        assert_code(MMF_ERANGE,
                    try_open(path, MMF_MAP_OPTIONS(.access = every_access[j], .capacity = 9999), &capacity));
        assert_ok(
            try_open(path, MMF_MAP_OPTIONS(.access = every_access[j], .capacity = 9999, .prefix = true), &capacity));
        assert_same(9999, capacity);
    }
    assert_true(file_holds(path, 10000, 10000));
}

TEST(above_the_length)
{
    uint64_t capacity;
    for (size_t j = 0; j < COUNT(every_access); j++)
        for (int prefix = 0; prefix < 2; prefix++) {
            const char *path = pattern_file("short", 5000);
            int err = try_open(path, MMF_MAP_OPTIONS(.access = every_access[j], .capacity = 7777, .prefix = prefix),
                               &capacity);
            assert_int_equal(grows(every_access[j]) ? MMF_OK : MMF_EINVAL, err);
            assert_same(grows(every_access[j]) ? 7777 : 0, capacity);
            assert_true(file_holds(path, grows(every_access[j]) ? 7777 : 5000, 5000));
        }
}

TEST(prefixes)
{
    const char *path = pattern_file("long", 10000);
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 100, .prefix = true)));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_true(details.prefix);
    assert_same(100, details.capacity);
    assert_same(10000, details.file_length);
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_same(100, mmf_view_size(view));
    assert_ok(mmf_view_close(&view));
    assert_code(MMF_ERANGE, mmf_view_open(&view, map, 0, 101, NULL));
    assert_code(MMF_ERANGE, mmf_view_open(&view, map, 101, 0, NULL));
    /* A smaller or larger prefix of the same file does not change it. */
    assert_ok(mmf_map_resize(map, 5000));
    assert_same(5000, mmf_map_capacity(map));
    assert_true(file_holds(path, 10000, 10000));
    assert_ok(mmf_map_resize(map, 50));
    assert_true(file_holds(path, 10000, 10000));
    /* Refreshing keeps it, unless the file is shorter now. */
    assert_ok(mmf_map_refresh(map));
    assert_same(50, mmf_map_capacity(map));
    assert_ok(mmf_map_resize(map, 10000));
    assert_true(file_holds(path, 10000, 10000));
    assert_ok(mmf_map_resize(map, 12000)); /* outgrown */
    assert_true(file_holds(path, 12000, 10000));
    set_length(path, 20000);
    assert_ok(mmf_map_refresh(map));
    assert_same(12000, mmf_map_capacity(map));
    set_length(path, 300);
    assert_ok(mmf_map_refresh(map));
    assert_same(300, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
}

TEST(empty_files)
{
    uint64_t capacity;
    for (size_t j = 0; j < COUNT(every_access); j++) {
        const char *path = pattern_file("empty", 0);
        assert_code(MMF_EEMPTY, try_open(path, MMF_MAP_OPTIONS(.access = every_access[j]), &capacity));
        assert_true(file_exists(path));
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = every_access[j], .allow_empty = true)));
        assert_non_null(map);
        assert_same(0, mmf_map_capacity(map));
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_same(0, mmf_view_size(view));
        assert_non_null(mmf_view_data(view));
        assert_ok(mmf_view_close(&view));
        assert_code(MMF_ERANGE, mmf_view_open(&view, map, 1, 0, NULL));
        assert_code(MMF_ERANGE, mmf_view_open(&view, map, 0, 1, NULL));
        assert_ok(mmf_map_sync(map));
        if (grows(every_access[j])) {
            assert_ok(mmf_map_resize(map, 10));
            assert_same(10, file_length(path));
            assert_ok(mmf_map_resize(map, 0));
            assert_same(0, file_length(path));
        }
        assert_ok(mmf_map_close(&map));
        assert_true(file_exists(path));
    }
}

TEST(empty_new_files)
{
    const char *path = temp_path("new-empty");
    mmf_map *map = NULL;
    for (uint32_t mode = MMF_OPEN_OR_CREATE; mode <= MMF_CREATE_NEW; mode++) {
        assert_code(MMF_EEMPTY, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = mode)));
        assert_false(file_exists(path));
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = mode, .allow_empty = true)));
        assert_same(0, mmf_map_capacity(map));
        assert_ok(mmf_map_close(&map));
        assert_same(0, file_length(path));
        unlink(path);
    }
    /* allow_empty says nothing about a file that has bytes. */
    path = pattern_file("with-bytes", 77);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.allow_empty = true)));
    assert_same(77, mmf_map_capacity(map));
    assert_code(MMF_OK, mmf_map_resize(map, 0));
    assert_ok(mmf_map_close(&map));
    path = pattern_file("with-bytes", 77);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_code(MMF_ERANGE, mmf_map_resize(map, 0));
    assert_same(77, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 77, 77));
    assert_ok(mmf_map_create(&map, NULL, 0, MMF_MAP_OPTIONS(.allow_empty = true)));
    assert_same(0, mmf_map_capacity(map));
    assert_ok(mmf_map_resize(map, 100));
    mmf_view *view = NULL;
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(view, 99, 1));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* A file that the call made goes again when it fails; one that was there stays as it was. */
TEST(too_large)
{
    static const uint64_t sizes[] = {UINT64_MAX, (uint64_t)1 << 63, ((uint64_t)1 << 63) + 4096};
    mmf_map *map = NULL;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const char *path = temp_path("too-large");
        assert_code(MMF_ERANGE,
                    mmf_map_from_file(&map, path,
                                      MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .sparse = true, .capacity = sizes[i])));
        assert_false(file_exists(path));
        path = pattern_file("too-small", 100);
        assert_code(MMF_ERANGE, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true, .capacity = sizes[i])));
        assert_true(file_holds(path, 100, 100));
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true)));
        assert_code(MMF_ERANGE, mmf_map_resize(map, sizes[i]));
        assert_same(100, mmf_map_capacity(map));
        assert_ok(mmf_map_close(&map));
        assert_true(file_holds(path, 100, 100));
    }
}

static int grow_beyond_the_limit(void *argument)
{
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = RLIM_INFINITY};
    mmf_map *map = NULL;
    signal(SIGXFSZ, SIG_IGN);
    child_expect(!setrlimit(RLIMIT_FSIZE, &limit));
    child_expect(mmf_map_from_file(&map, argument, NULL) == MMF_OK);
    int err = mmf_map_resize(map, 200000);
    child_expect(err == MMF_ERANGE || err == MMF_ENOSPACE);
    child_expect(mmf_map_capacity(map) == 5000 && file_length(argument) == 5000);
    child_expect(mmf_map_resize(map, 90000) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    return 0;
}

TEST(growth_beyond_rlimit_fsize)
{
    const char *path = pattern_file("limited", 5000);
    assert_int_equal(0, in_child(grow_beyond_the_limit, (void *)(uintptr_t)path));
    assert_true(file_holds(path, 90000, 5000));
}

TEST(reserved_or_sparse)
{
    mmf_map *map = NULL;
    mmf_map_details details = {.struct_size = sizeof details};
    const char *path = temp_path("reserved");
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = MIB)));
    assert_ok(mmf_map_info(&details, map));
    if (have(MMF_FEATURE_RESERVE)) {
        assert_true(file_allocated(path) >= MIB);
        assert_true(details.reserved != MMF_RESERVED_NONE);
    } else {
        assert_int_equal(MMF_RESERVED_NONE, details.reserved);
    }
    assert_ok(mmf_map_resize(map, 2 * MIB));
    if (have(MMF_FEATURE_RESERVE))
        assert_true(file_allocated(path) >= 2 * MIB);
    assert_ok(mmf_map_resize(map, MIB / 2));
    assert_true(file_allocated(path) <= MIB);
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, MIB / 2, 0));

    path = temp_path("sparse");
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 64 * MIB, .sparse = true)));
    assert_true(file_allocated(path) < MIB);
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(MMF_RESERVED_NONE, details.reserved);
    assert_ok(mmf_map_resize(map, 128 * MIB));
    assert_true(file_allocated(path) < MIB);
    assert_same(128 * MIB, file_length(path));
    assert_ok(mmf_map_close(&map));

    path = temp_path("delayed");
    assert_ok(mmf_map_from_file(&map, path,
                                MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 64 * MIB, .delay_allocate = true)));
    assert_true(file_allocated(path) < MIB);
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

/* Memory without a name is taken when it is touched. */
TEST(anonymous_memory_is_not_reserved)
{
    mmf_map *map = NULL;
    mmf_os_handle handle = MMF_INVALID_HANDLE;
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_create(&map, NULL, 256 * MIB, NULL));
    assert_ok(mmf_map_handle(&handle, map));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)handle);
    if (have_proc())
        assert_true(file_allocated(path) < MIB);
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(MMF_RESERVED_NONE, details.reserved);
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_length_is_the_default),
        unit(below_the_length),
        unit(above_the_length),
        unit(prefixes),
        unit(empty_files),
        unit(empty_new_files),
        unit(too_large),
        unit(growth_beyond_rlimit_fsize),
        unit(reserved_or_sparse),
        unit(anonymous_memory_is_not_reserved),
    };
    return run_group(tests);
}
