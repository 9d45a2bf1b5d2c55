/* full_tmpfs.c: a tmpfs of one mebibyte without a free page: stores and loads of holes, and growth. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct mount mount;
static char path[300], filler[300];

/* Takes every page that is left. */
static void fill_up(void)
{
    static unsigned char block[4096];
    int file = open(filler, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    memset(block, 1, sizeof block);
    while (write(file, block, sizeof block) > 0)
        continue;
    assert_int_equal(ENOSPC, errno);
    close(file);
}

static bool mount_it(void)
{
    if (!mount_tmpfs(&mount, "size=1m"))
        return false;
    snprintf(path, sizeof path, "%s/data", mount.directory);
    snprintf(filler, sizeof filler, "%s/filler", mount.directory);
    return true;
}

/* Where holes cannot be found, a full file system cannot be told from other causes. */
static mmf_cause no_space(void)
{
    return have(MMF_FEATURE_EXTENTS) ? MMF_CAUSE_NO_SPACE : MMF_CAUSE_UNKNOWN;
}

static void expect_no_space(int err, uint64_t done, uint64_t offset)
{
    assert_code(MMF_EFAULT, err);
    assert_int_equal(no_space(), mmf_last_error()->cause);
    assert_same(done, mmf_last_error()->done);
    assert_same(offset, mmf_last_error()->offset);
}

TEST(holes)
{
    if (!mount_it())
        skip_test("nothing can be mounted");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    const uint64_t page = mmf_page_size();
    unsigned char bytes[10000] = {0};
    uint64_t value = 7;
    write_pattern(path, 3 * page);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 512 * KIB, .sparse = true)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    fill_up();
    /* What has its page works. */
    assert_ok(mmf_view_put_u64(view, 2 * page, 5));
    assert_ok(mmf_view_get_u64(view, 2 * page, &value));
    /* A store into a hole, and in a tmpfs also a load. */
    expect_no_space(mmf_view_put_u64(view, 100000, 5), 0, 100000);
    expect_no_space(mmf_view_get_u64(view, 100000, &value), 0, 100000);
    assert_same(0, value);
    expect_no_space(mmf_view_write(view, 3 * page - 100, bytes, sizeof bytes), 100, 3 * page);
    expect_no_space(mmf_view_read(view, 3 * page - 100, bytes, sizeof bytes), 100, 3 * page);
    assert_code(MMF_EFAULT, mmf_view_probe(view, 0, 0));
    assert_same(3 * page, mmf_last_error()->done);
    assert_int_equal(no_space(), mmf_last_error()->cause);
    /* With room again it goes on. */
    assert_int_equal(0, unlink(filler));
    assert_ok(mmf_view_put_u64(view, 100000, 5));
    assert_ok(mmf_view_get_u64(view, 100000, &value));
    assert_same(5, value);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    unmount(&mount);
}

TEST(holes_without_a_signal_handler)
{
    if (!mount_it())
        skip_test("nothing can be mounted");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    const uint64_t page = mmf_page_size();
    uint64_t value = 7;
    assert_ok(mmf_guard_install(MMF_GUARD_NOSIGNAL));
    write_pattern(path, 3 * page);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 512 * KIB, .sparse = true)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    fill_up();
    expect_no_space(mmf_view_put_u64(view, 100000, 5), 0, 100000);
    assert_code(have(MMF_FEATURE_NO_SIGNAL) ? MMF_EFAULT : MMF_OK, mmf_view_get_u64(view, 100000, &value));
    assert_same(0, value);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    unmount(&mount);
}

TEST(zero_mode)
{
    if (!mount_it())
        skip_test("nothing can be mounted");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(
        mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 512 * KIB, .sparse = true)));
    assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
    fill_up();
    ((volatile unsigned char *)mmf_view_mutable(view))[100000] = 3;
    assert_int_equal(3, ((const volatile unsigned char *)mmf_view_data(view))[100000]);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    assert_int_equal(no_space(), mmf_last_error()->cause);
    assert_code(MMF_EFAULT, mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_code(MMF_EFAULT, mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    unmount(&mount);
}

/* Reserving takes the memory at once, so a full file system is an error of the call that grows. */
TEST(growth)
{
    if (!mount_it())
        skip_test("nothing can be mounted");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    mmf_map_details details = {.struct_size = sizeof details};
    char new_path[300];
    snprintf(new_path, sizeof new_path, "%s/new", mount.directory);
    write_pattern(path, 50000);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    if (!have(MMF_FEATURE_RESERVE)) {
        assert_ok(mmf_map_close(&map));
        unmount(&mount);
        skip_test("growing does not reserve here");
    }
    assert_code(MMF_ENOSPACE, mmf_map_resize(map, 4 * MIB));
    assert_same(50000, mmf_map_capacity(map));
    assert_true(file_holds(path, 50000, 50000));
    assert_ok(mmf_map_resize(map, 200000));
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(MMF_RESERVED_ALL, details.reserved);
    fill_up();
    assert_code(MMF_ENOSPACE, mmf_map_resize(map, 300000));
    assert_true(file_holds(path, 200000, 50000));
    /* What was reserved can be stored into though nothing is left. */
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    memset(mmf_view_mutable(view), 9, 200000);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    write_pattern(path, 50000);
    fill_up();
    assert_code(MMF_ENOSPACE, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 300000)));
    assert_null(map);
    assert_true(file_holds(path, 50000, 50000));
    assert_code(MMF_ENOSPACE,
                mmf_map_from_file(&map, new_path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 300000)));
    assert_null(map);
    assert_false(file_exists(new_path));
    /* Delayed allocation is what was asked for: it succeeds, and a store tells. */
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 300000, .delay_allocate = true)));
    assert_ok(mmf_view_open(&view, map, 200000, 0, NULL));
    expect_no_space(mmf_view_put_u8(view, 0, 1), 0, 200000);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    unmount(&mount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(holes),
        unit(holes_without_a_signal_handler),
        unit(zero_mode),
        unit(growth),
    };
    return run_group(tests);
}
