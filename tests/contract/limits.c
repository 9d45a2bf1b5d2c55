/* limits.c: a process that may have no more handles, mappings or address space gets an error and loses nothing. */
#define _GNU_SOURCE
#include "fault.h"
#include "support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static int without_handles(void *argument)
{
    mmf_map *maps[64] = {NULL}, *refused = NULL;
    size_t count = 0;
    struct rlimit limit;
    child_expect(!getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 40;
    child_expect(!setrlimit(RLIMIT_NOFILE, &limit));
    while (count < COUNT(maps) && !mmf_map_from_file(&maps[count], argument, MMF_MAP_OPTIONS(.access = MMF_READ)))
        count++;
    child_expect(count > 5 && count < 40);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY);
    for (int i = 0; i < 10; i++) {
        child_expect(mmf_map_from_file(&refused, argument, NULL) == MMF_ENOMEMORY && !refused);
        child_expect(mmf_map_create(&refused, NULL, 100, NULL) == MMF_ENOMEMORY && !refused);
        child_expect(mmf_map_from_handle(&refused, 0, MMF_MAP_OPTIONS(.access = MMF_READ)) < 0 && !refused);
    }
    /* What is open works on, and what is closed can be had again. */
    mmf_view *view = NULL;
    unsigned char byte;
    child_expect(mmf_view_open(&view, maps[0], 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_get_u8(view, 100, &byte) == MMF_OK && byte == pattern(100));
    child_expect(mmf_view_close(&view) == MMF_OK);
    child_expect(mmf_map_close(&maps[0]) == MMF_OK);
    child_expect(mmf_map_from_file(&maps[0], argument, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_OK);
    while (count > 0)
        child_expect(mmf_map_close(&maps[--count]) == MMF_OK);
    return 0;
}

TEST(handles)
{
    const char *path = pattern_file("limited", 5000);
    assert_int_equal(0, in_child(without_handles, (void *)(uintptr_t)path));
}

static int without_address_space(void *argument)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL, *small = NULL;
    struct rlimit limit = {.rlim_cur = GIB, .rlim_max = GIB};
    unsigned char byte;
    child_expect(mmf_map_from_file(&map, argument, NULL) == MMF_OK);
    child_expect(!setrlimit(RLIMIT_AS, &limit));
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_ENOMEMORY && !view);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY);
    child_expect(mmf_view_open(&small, map, 2 * GIB, 65536, NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)) == MMF_ENOMEMORY);
    child_expect(mmf_view_get_u8(small, 5, &byte) == MMF_OK && byte == 0);
    child_expect(mmf_view_close(&small) == MMF_OK && mmf_map_close(&map) == MMF_OK);
    return 0;
}

TEST(address_space)
{
    if (SANITIZED)
        skip_test("the sanitizer needs more address space than the limit leaves");
    const char *path = sparse_file("wide", 3 * GIB);
    assert_int_equal(0, in_child(without_address_space, (void *)(uintptr_t)path));
    unlink(path);
}

static unsigned long mappings_allowed(void)
{
    unsigned long value = 0;
    FILE *setting = fopen("/proc/sys/vm/max_map_count", "re");
    if (setting && fscanf(setting, "%lu", &value) != 1)
        value = 0;
    if (setting)
        fclose(setting);
    return value;
}

/* Views of single pages that the kernel cannot merge, until it allows no more. */
static int without_mappings(void *argument)
{
    const unsigned long room = mappings_allowed();
    mmf_map *map = NULL;
    mmf_view **views = calloc(room + 1, sizeof *views);
    unsigned long count = 0;
    unsigned char byte;
    child_expect(views);
    child_expect(mmf_map_from_file(&map, argument, NULL) == MMF_OK);
    while (count <= room && !mmf_view_open(&views[count], map, count % 2 * 65536, 100, NULL))
        count++;
    child_expect(count > 1000 && count <= room);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY);
    child_expect(!views[count]);
    child_expect(mmf_view_get_u8(views[count - 1], 50, &byte) == MMF_OK);
    child_expect(mmf_view_close(&views[--count]) == MMF_OK);
    child_expect(mmf_view_open(&views[count], map, 65536, 100, NULL) == MMF_OK);
    child_expect(mmf_view_close(&views[count]) == MMF_OK);
    while (count > 0)
        child_expect(mmf_view_close(&views[--count]) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    free(views);
    return 0;
}

TEST(mappings)
{
    unsigned long room = mappings_allowed();
    if (room == 0 || room > 300000)
        skip_test("the number of mappings is unknown or too large: %lu", room);
    if (SANITIZED)
        skip_test("the sanitizer needs mappings of its own");
    const char *path = pattern_file("mapped", 200000);
    assert_int_equal(0, in_child(without_mappings, (void *)(uintptr_t)path));
}

enum { EMPTY_VIEWS = 40000 };

/* Views of no bytes take no mapping, of which a process may have 65530. */
TEST(empty_views)
{
    const char *path = pattern_file("limited", 5000);
    mmf_map *map = NULL;
    mmf_view **views = calloc(EMPTY_VIEWS, sizeof *views);
    assert_non_null(views);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    fault_install();
    assert_ok(mmf_view_open(&views[0], map, 5000, 0, NULL));
    const size_t before = mappings_of("-");
    const struct fault_balance balance = fault_balance();
    fault_begin(NULL);
    for (size_t i = 1; i < EMPTY_VIEWS; i++)
        if (mmf_view_open(&views[i], map, 5000, 0, i % 2 ? NULL : MMF_VIEW_OPTIONS(.access = MMF_READ)) ||
            !mmf_view_data(views[i]) || mmf_view_size(views[i]))
            fail_msg("empty view %zu: %s", i, mmf_error_name(mmf_last_error()->code));
    const unsigned long mapped = fault_count("map");
    const size_t during = mappings_of("-");
    assert_same(balance.mapped, fault_balance().mapped);
    for (size_t i = 0; i < EMPTY_VIEWS; i++)
        if (mmf_view_close(&views[i]))
            fail_msg("empty view %zu cannot be closed", i);
    const unsigned long unmapped = fault_count("unmap");
    fault_end();
    fault_uninstall();
    assert_int_equal(0, mapped);
    assert_int_equal(0, unmapped);
    assert_true(during <= before + 100); /* the heap may have grown in pieces */
    assert_ok(mmf_map_close(&map));
    free(views);
}

/* What rounding up to a page, or to a huge one, would carry beyond 2^63 - 1. */
TEST(capacities_that_cannot_be_counted)
{
    static const uint64_t wrong[] = {INT64_MAX,
                                     (uint64_t)INT64_MAX - 1,
                                     (uint64_t)INT64_MAX - 4096,
                                     (uint64_t)INT64_MAX - (1 << 28) + 2,
                                     (uint64_t)INT64_MAX + 1,
                                     UINT64_MAX};
    const char *path = pattern_file("limited", 5000);
    mmf_map *map = NULL, *refused = NULL;
    bool created = true;
    assert_ok(mmf_map_create(&map, NULL, 5000, NULL));
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const uint64_t capacity = wrong[i];
        for (uint32_t huge = 0; huge < 2; huge++)
            assert_code(MMF_ERANGE, mmf_map_create(&refused, NULL, capacity, MMF_MAP_OPTIONS(.huge_pages = huge)));
        for (int sparse = 0; sparse < 2; sparse++)
            assert_code(MMF_ERANGE,
                        mmf_map_from_file(&refused, path, MMF_MAP_OPTIONS(.capacity = capacity, .sparse = sparse)));
        assert_code(MMF_ERANGE, mmf_map_create_or_open(&refused, "name", capacity, NULL, &created));
        assert_code(MMF_ERANGE, mmf_map_resize(map, capacity));
        assert_null(refused);
        assert_same(5000, mmf_map_capacity(map));
    }
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_from_file(&map, path, NULL));
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_code(MMF_ERANGE, mmf_map_resize(map, wrong[i]));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 5000, 5000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(handles), unit(address_space), unit(mappings), unit(empty_views), unit(capacities_that_cannot_be_counted),
    };
    return run_group(tests);
}
