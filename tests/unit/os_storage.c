/* os_storage.c: the calls about a file's length, blocks and holes. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#define MIB ((uint64_t)1 << 20)

static void resize_sets_the_length(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file;
    const uint64_t large = UINT64_C(1) << 40;
    fill_file(scratch->file, 0, 's', 10);
    assert_int_equal(os.resize(scratch->file, large), 0);
    assert_int_equal(about(scratch->file).size, large);
    assert_true(about(scratch->file).allocated < MIB); /* a hole */
    assert_int_equal(byte_at(scratch->file, 9), 's');
    assert_int_equal(byte_at(scratch->file, 10), 0);
    assert_int_equal(byte_at(scratch->file, large - 1), 0);
    assert_int_equal(os.resize(scratch->file, 4), 0);
    assert_int_equal(os.resize(scratch->file, 10), 0);
    assert_int_equal(byte_at(scratch->file, 9), 0); /* what was cut off does not come back */

    assert_int_equal(os.resize(scratch->file, UINT64_C(1) << 63), EFBIG);
    assert_int_equal(os.resize(scratch->file, UINT64_MAX), EFBIG);
    assert_int_equal(os.resize(closed_handle(), 1), EBADF);
    assert_int_equal(os.open(&file, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.resize(file, 1), EINVAL);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(about(scratch->file).size, 10);
}

static void reserve_takes_blocks_and_keeps_bytes(void **state)
{
    struct scratch *scratch = *state;
    fill_file(scratch->file, 0, 'b', 100);
    if (!supported(os.reserve(scratch->file, 0, MIB, true), MMF_FEATURE_RESERVE, scratch))
        return;
    struct os_file_info info = about(scratch->file);
    assert_int_equal(info.size, 100);
    assert_true(info.allocated >= MIB);
    assert_int_equal(os.reserve(scratch->file, MIB, MIB, false), 0);
    info = about(scratch->file);
    assert_int_equal(info.size, 2 * MIB);
    assert_true(info.allocated >= 2 * MIB);
    assert_int_equal(byte_at(scratch->file, 99), 'b');
    assert_int_equal(byte_at(scratch->file, 100), 0);
    assert_int_equal(byte_at(scratch->file, 2 * MIB - 1), 0);
}

static void reserve_fails_early(void **state)
{
    struct scratch *scratch = *state;
    struct statvfs space;
    mmf_os_handle file;
    if (os.capability(MMF_FEATURE_RESERVE) != 0) {
        assert_int_equal(os.reserve(scratch->file, 0, 1, true), ENOTSUP);
        return;
    }
    assert_int_equal(os.reserve(scratch->file, 1, UINT64_MAX, false), EFBIG);
    assert_int_equal(os.reserve(scratch->file, UINT64_C(1) << 63, 1, false), EFBIG);
    assert_int_equal(os.reserve(scratch->file, UINT64_C(1) << 62, UINT64_C(1) << 62, false), EFBIG);
    assert_int_equal(os.reserve(scratch->file, 10, 0, false), 0);
    assert_int_equal(about(scratch->file).size, 0);
    assert_int_equal(os.reserve(closed_handle(), 0, 1, true), EBADF);
    assert_int_equal(os.open(&file, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.reserve(file, 0, 1, true), EBADF);
    assert_int_equal(os.close(file), 0);

    /* Only a tmpfs of limited size refuses at once what it cannot hold; a disk might be filled by the attempt. */
    assert_int_equal(fstatvfs((int)scratch->file, &space), 0);
    if (!scratch->on_tmpfs || space.f_blocks == 0)
        return;
    const uint64_t more = (uint64_t)space.f_blocks * space.f_frsize + MIB;
    assert_int_equal(os.reserve(scratch->file, 0, more, false), ENOSPC);
    assert_int_equal(about(scratch->file).size, 0);
    assert_int_equal(about(scratch->file).allocated, 0);
}

static void punch_gives_blocks_back(void **state)
{
    struct scratch *scratch = *state;
    fill_file(scratch->file, 0, 'p', 2 * MIB);
    assert_int_equal(os.sync(scratch->file), 0);
    const uint64_t before = about(scratch->file).allocated;
    if (!supported(os.punch(scratch->file, MIB / 2, MIB), MMF_FEATURE_PUNCH, scratch))
        return;
    assert_int_equal(byte_at(scratch->file, MIB / 2 - 1), 'p');
    assert_int_equal(byte_at(scratch->file, MIB / 2), 0);
    assert_int_equal(byte_at(scratch->file, MIB * 3 / 2 - 1), 0);
    assert_int_equal(byte_at(scratch->file, MIB * 3 / 2), 'p');
    assert_int_equal(os.sync(scratch->file), 0);
    assert_int_equal(about(scratch->file).size, 2 * MIB);
    assert_true(about(scratch->file).allocated <= before - MIB / 2);

    assert_int_equal(os.punch(scratch->file, 0, 0), 0);
    assert_int_equal(byte_at(scratch->file, 0), 'p');
    assert_int_equal(os.punch(scratch->file, 1, UINT64_MAX), EFBIG);
    assert_int_equal(os.punch(closed_handle(), 0, 1), EBADF);
}

static void seek_extent_finds_data_and_holes(void **state)
{
    struct scratch *scratch = *state;
    uint64_t found = 99;
    assert_int_equal(os.resize(scratch->file, 4 * MIB), 0);
    fill_file(scratch->file, 2 * MIB, 'e', MIB);
    assert_int_equal(lseek((int)scratch->file, 7, SEEK_SET), 7);
    if (!supported(os.seek_extent(&found, scratch->file, 0, true), MMF_FEATURE_EXTENTS, scratch)) {
        assert_int_equal(found, 99);
        return;
    }
    if (found == 0) {
        print_message("this file system does not tell holes\n");
        skip();
    }
    assert_int_equal(found, 2 * MIB);
    assert_int_equal(os.seek_extent(&found, scratch->file, 0, false), 0);
    assert_int_equal(found, 0);
    assert_int_equal(os.seek_extent(&found, scratch->file, 2 * MIB + 5, true), 0);
    assert_int_equal(found, 2 * MIB + 5);
    assert_int_equal(os.seek_extent(&found, scratch->file, 2 * MIB + 5, false), 0);
    assert_int_equal(found, 3 * MIB);
    found = 99;
    assert_int_equal(os.seek_extent(&found, scratch->file, 3 * MIB, true), ENXIO);
    assert_int_equal(os.seek_extent(&found, scratch->file, 4 * MIB, false), ENXIO);
    assert_int_equal(os.seek_extent(&found, scratch->file, UINT64_C(1) << 63, true), EOVERFLOW);
    assert_int_equal(os.seek_extent(&found, closed_handle(), 0, true), EBADF);
    assert_int_equal(found, 99);
    assert_int_equal(lseek((int)scratch->file, 0, SEEK_CUR), 7); /* others may share the position */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(resize_sets_the_length),  ON_BOTH(reserve_takes_blocks_and_keeps_bytes), ON_BOTH(reserve_fails_early),
        ON_BOTH(punch_gives_blocks_back), ON_BOTH(seek_extent_finds_data_and_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
