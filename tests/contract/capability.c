/* capability.c: what is promised beforehand is what the calls do. */
#define _GNU_SOURCE
#include "fault.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const mmf_feature features[] = {MMF_FEATURE_RESERVE,        MMF_FEATURE_SHARE_MODES, MMF_FEATURE_PUNCH,
                                       MMF_FEATURE_EXTENTS,        MMF_FEATURE_RESIDENT,    MMF_FEATURE_DIRTY_COUNT,
                                       MMF_FEATURE_BATCH_PREFETCH, MMF_FEATURE_HUGE_PAGES,  MMF_FEATURE_NOT_INHERITED,
                                       MMF_FEATURE_EXECUTE,        MMF_FEATURE_GUARD_TABLE, MMF_FEATURE_NO_SIGNAL,
                                       MMF_FEATURE_PRIVATE_SYNC,   MMF_FEATURE_STDIO};

TEST(answers)
{
    for (size_t i = 0; i < COUNT(features); i++) {
        int err = mmf_capability(features[i]);
        assert_true(err == MMF_OK || err == MMF_ENOTSUP);
        assert_int_equal(err, mmf_capability(features[i])); /* the same when asked again */
    }
    assert_code_only(MMF_EINVAL, mmf_capability((mmf_feature)(MMF_FEATURE_STDIO + 1)));
    assert_code_only(MMF_EINVAL, mmf_capability((mmf_feature)-1));
}

TEST(asking_does_not_set_the_last_error)
{
    mmf_map *map = NULL;
    assert_code(MMF_EINVAL, mmf_map_from_file(&map, NULL, NULL));
    for (size_t i = 0; i < COUNT(features); i++)
        (void)mmf_capability(features[i]);
    (void)mmf_capability((mmf_feature)-1);
    assert_int_equal(MMF_EINVAL, mmf_last_error()->code);
}

TEST(asking_leaves_nothing_open)
{
    for (int i = 0; i < 2; i++) {
        size_t before = open_descriptors();
        for (size_t j = 0; j < COUNT(features); j++)
            (void)mmf_capability(features[j]);
        assert_same(before, open_descriptors());
    }
}

/* One map of each kind, and everything about it that a capability speaks of. */
TEST(behaviour_agrees)
{
    const char *path = temp_path("promised");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = MIB)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(have(MMF_FEATURE_RESERVE), details.reserved != MMF_RESERVED_NONE);
    assert_int_equal(have(MMF_FEATURE_RESERVE), file_allocated(path) >= MIB);
    assert_int_equal(have(MMF_FEATURE_SHARE_MODES), details.share != 0);
    uint64_t resident = 0;
    assert_code(have(MMF_FEATURE_RESIDENT) ? MMF_OK : MMF_ENOTSUP, mmf_view_resident(&resident, view, 0, 0, NULL, 0));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));

    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_ok(mmf_map_from_handle(&map, file, NULL));
    close(file);
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(have(MMF_FEATURE_PRIVATE_SYNC), details.private_sync);
    assert_ok(mmf_map_close(&map));

    int err = mmf_map_create(&map, NULL, 4096, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE));
    assert_int_equal(have(MMF_FEATURE_EXECUTE) ? MMF_OK : MMF_ENOTSUP, err);
    assert_ok(mmf_map_close(&map));
}

/* --- A system that can less, through the os table ------------------------------------------------------------------
 */

static int no_capability(mmf_feature feature)
{
    (void)feature;
    return ENOTSUP;
}

/* Each call that a kernel or file system may lack, one at a time: the documented way round, or MMF_ENOTSUP. */
TEST(systems_that_can_less)
{
    static const char *const calls[] = {"reserve", "punch",    "seek_extent", "write_back", "cache",
                                        "mark",    "populate", "resident",    "reopen"};
    fault_install();
    for (size_t i = 0; i < COUNT(calls); i++) {
        const char *path = temp_path("less");
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        uint64_t value = 1, resident = 9;
        unlink(path);
        fault_begin(&(struct fault_plan){.call = calls[i], .nth = 1, .sticky = true, .error = ENOTSUP});
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 300000)));
        assert_ok(mmf_view_open(&view, map, 5, 0, MMF_VIEW_OPTIONS(.populate = true)));
        assert_ok(mmf_view_put_u64(view, 100000, 77));
        assert_ok(mmf_view_probe(view, 0, 0));
        assert_ok(mmf_view_prefetch(view, &(mmf_range){0, 100}, 1));
        assert_ok(mmf_view_zero(view, 99990, 1000));
        assert_ok(mmf_view_get_u64(view, 100000, &value));
        assert_same(0, value);
        for (int how = MMF_FLUSH_START; how <= MMF_FLUSH_SYNC; how++)
            assert_ok(mmf_view_flush(view, 0, 0, (mmf_flush)how));
        int err = mmf_view_resident(&resident, view, 0, 0, NULL, 0);
        assert_int_equal(strcmp(calls[i], "resident") && have(MMF_FEATURE_RESIDENT) ? MMF_OK : MMF_ENOTSUP, err);
        assert_ok(mmf_map_resize(map, 400000));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_sync(map));
        assert_ok(mmf_map_close(&map));
        fault_end();
        if (!strcmp(calls[i], "mark")) {
            fault_begin(&(struct fault_plan){.call = "mark", .nth = 1, .sticky = true, .error = ENOTSUP});
            assert_code(MMF_ENOTSUP, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_READ)));
            assert_null(map);
            fault_end();
        }
        assert_same(400000, file_length(path));
    }
    fault_uninstall();
    struct os_calls before = os;
    os.capability = no_capability;
    for (size_t i = 0; i < COUNT(features); i++)
        if (features[i] != MMF_FEATURE_GUARD_TABLE) /* the guard's own */
            assert_code_only(MMF_ENOTSUP, mmf_capability(features[i]));
    os = before;
}

/* Every entry of the table can be found by its name. */
TEST(the_table_by_name)
{
#define HAS(name, parameters, arguments) assert_true((void *)os_entry(#name) == (void *)&os.name);
    OS_CALLS(HAS)
#undef HAS
    assert_non_null(os_entry("allocate"));
    assert_null(os_entry("no such call"));
    assert_null(os_entry(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(answers),
        unit(asking_does_not_set_the_last_error),
        unit(asking_leaves_nothing_open),
        unit(behaviour_agrees),
        unit(systems_that_can_less),
        unit(the_table_by_name),
    };
    return run_group(tests);
}
