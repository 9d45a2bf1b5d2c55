/* full_disk.c: small ext4, xfs and btrfs on loop devices: full, read-only, without execution, and cut off. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct mount mount;
static char path[300], filler[300];

struct file_system {
    const char *type;
    uint64_t size; /* the smallest that mkfs takes */
    uint32_t reserved;
};

static const struct file_system ext4 = {"ext4", 32 * MIB, MMF_RESERVED_ALL};
static const struct file_system xfs = {"xfs", 320 * MIB, MMF_RESERVED_ALL};
static const struct file_system btrfs = {"btrfs", 128 * MIB, MMF_RESERVED_COPIES};

static bool mount_it(const struct file_system *system)
{
    if (!mount_image(&mount, system->type, system->size))
        return false;
    snprintf(path, sizeof path, "%s/data", mount.directory);
    snprintf(filler, sizeof filler, "%s/filler", mount.directory);
    return true;
}

/* Takes all the space: first in large pieces, then in small ones. */
static void fill_up(void)
{
    int file = open(filler, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    off_t at = 0;
    static unsigned char block[4096];
    for (off_t piece = 16 * (off_t)MIB; piece >= 4096; piece /= 2)
        while (!fallocate(file, 0, at, piece))
            at += piece;
    assert_int_equal(ENOSPC, errno);
    memset(block, 1, sizeof block);
    while (pwrite(file, block, sizeof block, at) > 0)
        at += (off_t)sizeof block;
    fsync(file);
    while (pwrite(file, block, sizeof block, at) > 0)
        at += (off_t)sizeof block;
    close(file);
}

static uint32_t reserved_of(mmf_map *map)
{
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    return details.reserved;
}

static void check_growth(const struct file_system *system)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    char new_path[300];
    snprintf(new_path, sizeof new_path, "%s/new", mount.directory);
    write_pattern(path, 50000);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_code(MMF_ENOSPACE, mmf_map_resize(map, 4 * system->size));
    assert_same(50000, mmf_map_capacity(map));
    assert_true(file_holds(path, 50000, 50000));
    assert_code(MMF_ENOSPACE, mmf_map_resize(map, system->size - 65536));
    assert_true(file_holds(path, 50000, 50000));
    assert_true(file_allocated(path) < MIB); /* what the failed call took is given back */
    assert_ok(mmf_map_resize(map, MIB));
    assert_int_equal(system->reserved, reserved_of(map));
    assert_true(file_holds(path, MIB, 50000));
    fill_up();
    assert_code(MMF_ENOSPACE, mmf_map_resize(map, 20 * MIB));
    assert_true(file_holds(path, MIB, 50000));
    assert_same(50000, match_pattern(mmf_view_data(view), 0, 50000));
    assert_ok(mmf_view_close(&view));
    if (system->reserved == MMF_RESERVED_ALL) {
        /* Every reserved byte can be stored into, and brought to the medium. */
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        static unsigned char bytes[65536];
        for (uint64_t at = 0; at < MIB; at += sizeof bytes) {
            fill_pattern(bytes, at, sizeof bytes);
            assert_ok(mmf_view_write(view, at, bytes, sizeof bytes));
        }
        assert_ok(mmf_map_sync(map));
        assert_ok(mmf_view_close(&view));
        assert_true(file_holds(path, MIB, MIB));
    }
    assert_ok(mmf_map_close(&map));
    assert_code(MMF_ENOSPACE, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 20 * MIB)));
    assert_null(map);
    assert_same(MIB, file_length(path));
    int err = mmf_map_from_file(&map, new_path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 20 * MIB));
    assert_code(MMF_ENOSPACE, err);
    assert_null(map);
    assert_false(file_exists(new_path));
}

/* A hole costs nothing until it is stored into: then there is no block for it. */
static void check_holes(const struct file_system *system)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    const uint64_t size = 4 * system->size;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true)));
    assert_ok(mmf_map_resize(map, size));
    assert_int_equal(MMF_RESERVED_NONE, reserved_of(map));
    assert_ok(mmf_view_open(&view, map, 2 * MIB, 64 * MIB, NULL));
    uint64_t value = 7, stored = 0;
    assert_ok(mmf_view_get_u64(view, 5 * MIB, &value)); /* loads of holes are zeros */
    assert_same(0, value);
    int err = MMF_OK;
    for (uint64_t at = 0; at < 64 * MIB && !err; at += 4096) { /* a few blocks may still be found */
        err = mmf_view_put_u64(view, at, at + 1);
        stored = at;
    }
    assert_code(MMF_EFAULT, err);
    assert_int_equal(MMF_CAUSE_NO_SPACE, mmf_last_error()->cause);
    assert_same(2 * MIB + stored, mmf_last_error()->offset);
    assert_same(0, mmf_last_error()->done);
    unsigned char bytes[8192] = {1};
    assert_code(MMF_EFAULT, mmf_view_write(view, stored + MIB, bytes, sizeof bytes));
    assert_int_equal(MMF_CAUSE_NO_SPACE, mmf_last_error()->cause);
    assert_ok(mmf_view_close(&view));
    /* The content before is as it was. */
    assert_ok(mmf_view_open(&view, map, 0, 50000, NULL));
    assert_same(50000, match_pattern(mmf_view_data(view), 0, 50000));
    assert_ok(mmf_view_close(&view));
    assert_int_equal(0, unlink(filler));
    (void)mmf_map_close(&map);
}

static void check_mount_options(void)
{
    mmf_map *map = NULL;
    write_pattern(path, 5000);
    assert_true(remount(&mount, "noexec"));
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ_EXECUTE)));
    assert_null(map);
    assert_code(MMF_EACCESS,
                mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE, .capacity = 6000)));
    assert_null(map);
    assert_true(remount(&mount, "exec"));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ_EXECUTE)));
    assert_ok(mmf_map_close(&map));
    assert_true(remount(&mount, "ro"));
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, NULL));
    assert_null(map);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_map_close(&map));
    assert_true(remount(&mount, "rw"));
    assert_true(file_holds(path, 5000, 5000));
}

static void check_full(const struct file_system *system)
{
    if (!mount_it(system))
        skip_test("%s cannot be mounted here", system->type);
    if (!have(MMF_FEATURE_RESERVE)) {
        unmount(&mount);
        skip_test("growing does not reserve here");
    }
    check_growth(system);
    check_holes(system);
    check_mount_options();
    unmount(&mount);
}

TEST(full_ext4)
{
    check_full(&ext4);
}

TEST(full_xfs)
{
    check_full(&xfs);
}

TEST(full_btrfs)
{
    check_full(&btrfs);
}

/* The file system is cut off, as by a lost disk: what was stored cannot be saved, and that is said for good. */
#define SHUT_DOWN _IOR('X', 125, uint32_t)

static void check_cut_off(const struct file_system *system, mmf_flush how, bool by_sync)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    uint32_t without_log = 2;
    if (!mount_it(system))
        skip_test("%s cannot be mounted here", system->type);
    write_pattern(path, MIB);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u64(view, 100000, 1));
    assert_ok(mmf_map_sync(map));
    assert_ok(mmf_view_put_u64(view, 200000, 2));
    int directory = open(mount.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = ioctl(directory, SHUT_DOWN, &without_log) ? errno : 0;
    close(directory);
    if (err) {
        mmf_view_close(&view);
        mmf_map_close(&map);
        unmount(&mount);
        skip_test("%s cannot be shut down: %s", system->type, strerror(err));
    }
    err = by_sync ? mmf_map_sync(map) : mmf_view_flush(view, 0, 0, how);
    assert_code(MMF_EIO, err);
    for (int i = 0; i < 3; i++) {
        assert_code(MMF_EPOISONED, mmf_map_sync(map));
        assert_code(MMF_EPOISONED, mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    }
    /* Never a signal, whatever the file system makes of its pages now. */
    uint64_t value = 0;
    err = mmf_view_get_u64(view, 100000, &value);
    assert_true((err == MMF_OK && value == 1) || err == MMF_EFAULT);
    err = mmf_view_put_u64(view, 300000, 3);
    assert_true(err == MMF_OK || err == MMF_EFAULT);
    err = mmf_map_resize(map, 2 * MIB);
    assert_true(err == MMF_EIO);
    assert_same(MIB, mmf_map_capacity(map));
    assert_ok(mmf_view_close(&view));
    assert_code(MMF_EPOISONED, mmf_map_close(&map));
    unmount(&mount);
}

TEST(ext4_cut_off_before_sync)
{
    check_cut_off(&ext4, MMF_FLUSH_SYNC, true);
}

TEST(ext4_cut_off_before_flush)
{
    check_cut_off(&ext4, MMF_FLUSH_SYNC, false);
}

TEST(xfs_cut_off_before_sync)
{
    check_cut_off(&xfs, MMF_FLUSH_SYNC, true);
}

TEST(xfs_cut_off_before_flush)
{
    check_cut_off(&xfs, MMF_FLUSH_SYNC, false);
}

/* Holes and reserved blocks are told apart on every file system. */
TEST(reserved_is_told)
{
    static const struct file_system *const all[] = {&ext4, &btrfs};
    for (size_t i = 0; i < COUNT(all); i++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        if (!mount_it(all[i]))
            skip_test("%s cannot be mounted here", all[i]->type);
        bool reserves = have(MMF_FEATURE_RESERVE);
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 2 * MIB)));
        assert_int_equal(reserves ? all[i]->reserved : MMF_RESERVED_NONE, reserved_of(map));
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_ok(mmf_view_zero(view, MIB, 65536));
        if (have(MMF_FEATURE_PUNCH))
            assert_int_equal(MMF_RESERVED_NONE, reserved_of(map));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
        unmount(&mount);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(full_ext4),
        unit(full_xfs),
        unit(full_btrfs),
        unit(ext4_cut_off_before_sync),
        unit(ext4_cut_off_before_flush),
        unit(xfs_cut_off_before_sync),
        unit(xfs_cut_off_before_flush),
        unit(reserved_is_told),
    };
    return run_group(tests);
}
