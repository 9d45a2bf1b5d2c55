/* zero.c: mmf_view_zero() where a hole in the file would be the wrong thing, and zeros of memory in huge pages. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define LENGTH (20 * 65536)

static mmf_map *map;
static mmf_view *view;
static const char *path;

static void open_view(const char *name, const mmf_view_options *options)
{
    path = pattern_file(name, LENGTH);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, options));
}

/* A replaced page is the view's own: its bytes are set to zero, and the file, which has come back, keeps its own. */
TEST(replaced_pages)
{
    open_view("replaced", MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    volatile unsigned char *bytes = mmf_view_mutable(view);
    set_length(path, 65536);
    bytes[200000] = 9; /* of the replaced page */
    write_pattern(path, LENGTH);
    assert_int_equal(9, bytes[200000]);
    assert_ok(mmf_view_zero(view, 199990, 20));
    assert_int_equal(0, bytes[200000]);
    assert_int_equal(pattern(200000), file_byte(path, 200000));
    assert_ok(mmf_view_zero(view, 100, 100)); /* and one that was not replaced */
    assert_int_equal(0, bytes[100]);
    assert_int_equal(0, file_byte(path, 199));
    assert_code(MMF_EFAULT, mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

#define assert_lost(expected_offset, expected_done, call)                                                              \
    do {                                                                                                               \
        assert_code(MMF_EFAULT, call);                                                                                 \
        assert_same(expected_offset, mmf_last_error()->offset);                                                        \
        assert_same(expected_done, mmf_last_error()->done);                                                            \
        assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);                                              \
    } while (0)

TEST(the_first_lost_page)
{
    const uint64_t page = mmf_page_size();
    const uint64_t kept = 2 * 65536;
    static const uint32_t kinds[] = {MMF_READWRITE, MMF_WRITE, MMF_COPY_ON_WRITE};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        open_view("lost", MMF_VIEW_OPTIONS(.access = kinds[i]));
        set_length(path, kept);
        assert_lost(200000, 0, mmf_view_zero(view, 200000, 100)); /* all of it is lost */
        assert_lost(kept, 96, mmf_view_zero(view, kept - 96, 200));
        assert_lost(kept, 3 * page + 1, mmf_view_zero(view, kept - 3 * page - 1, 0));
        assert_same(kept, file_length(path));
        /* A page with the end of the file in it is there as a whole. */
        set_length(path, kept + 10);
        assert_ok(mmf_view_zero(view, kept, page));
        assert_lost(kept + page, page, mmf_view_zero(view, kept, page + 1));
        assert_same(kept + 10, file_length(path));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    }
    /* Offsets are the map's. */
    assert_ok(mmf_map_from_file(&map, pattern_file("lost", LENGTH), NULL));
    assert_ok(mmf_view_open(&view, map, 70001, 200000, NULL));
    set_length(path, kept);
    assert_lost(kept, kept - 70001, mmf_view_zero(view, 0, 0));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

#if defined(MFD_ALLOW_SEALING) && defined(F_ADD_SEALS)
#if !defined(F_SEAL_FUTURE_WRITE)
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* The seal lets those write who have it mapped already, and nobody punch. */
TEST(memory_sealed_after_it_was_mapped)
{
    unsigned char bytes[1000];
    int file = memfd_create("zero", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0)
        skip_test("no memfd_create()");
    fill_pattern(bytes, 0, sizeof bytes);
    assert_int_equal(0, ftruncate(file, 100000));
    assert_ok(mmf_map_from_handle(&map, file, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_write(view, 5000, bytes, sizeof bytes));
    const bool sealed = fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;
    int err = sealed ? mmf_view_zero(view, 5001, sizeof bytes - 2) : MMF_OK;
    assert_ok(mmf_view_read(view, 5000, bytes, sizeof bytes));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    close(file);
    if (!sealed)
        skip_test("no F_SEAL_FUTURE_WRITE (Linux 5.1)");
    assert_int_equal(MMF_OK, err);
    assert_int_equal(pattern(0), bytes[0]);
    assert_int_equal(0, bytes[1]);
    assert_int_equal(0, bytes[sizeof bytes - 2]);
    assert_int_equal(pattern(sizeof bytes - 1), bytes[sizeof bytes - 1]);
}
#else
TEST(memory_sealed_after_it_was_mapped)
{
    skip_test("no sealed memory on this system");
}
#endif

/* --- Huge pages ----------------------------------------------------------------------------------------------------
 */

/* What was cut off is gone, also within a page that stays because the capacity ends in it. */
static void shrink_and_grow(void)
{
    uint64_t value = 1;
    const uint64_t end = mmf_map_capacity(map);
    assert_same(2 * MIB, end);
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u64(view, 1000, 5));
    assert_ok(mmf_view_put_u64(view, MIB - 8, 6));
    assert_ok(mmf_view_put_u64(view, MIB, 7));
    assert_ok(mmf_view_put_u64(view, MIB + 12345, 8));
    assert_ok(mmf_view_put_u64(view, end - 8, 9));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_resize(map, MIB));
    assert_ok(mmf_map_resize(map, end));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    static const struct {
        uint64_t position, value;
    } wanted[] = {{1000, 5}, {MIB - 8, 6}, {MIB, 0}, {MIB + 12345, 0}, {2 * MIB - 8, 0}};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_ok(mmf_view_get_u64(view, wanted[i].position, &value));
        assert_same(wanted[i].value, value);
    }
    assert_ok(mmf_view_close(&view));
}

static int small_memory_file(mmf_os_handle *file, uint64_t huge, bool execute, bool inherit)
{
    (void)huge;
    return os_native.memory_file(file, 0, execute, inherit);
}

static int describe_huge(struct os_file_info *info, mmf_os_handle file)
{
    int os_error = os_native.describe(info, file);
    if (os_error == 0)
        info->page_size = 2 * MIB;
    return os_error;
}

TEST(pages_that_are_called_huge)
{
    if (!have(MMF_FEATURE_PUNCH))
        skip_test("memory in huge pages needs holes, and there are none here");
    os.memory_file = small_memory_file;
    os.describe = describe_huge;
    int err = mmf_map_create(&map, NULL, 2 * MIB, MMF_MAP_OPTIONS(.huge_pages = 1));
    if (err == MMF_OK)
        shrink_and_grow();
    os.memory_file = os_native.memory_file;
    os.describe = os_native.describe;
    assert_int_equal(MMF_OK, err);
    assert_ok(mmf_map_close(&map));
}

static unsigned long huge_pages_before;

static bool set_huge_pages(unsigned long count)
{
    FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "we");
    if (!setting)
        return false;
    fprintf(setting, "%lu", count);
    return fclose(setting) == 0;
}

static void restore_huge_pages(void)
{
    (void)set_huge_pages(huge_pages_before);
}

TEST(huge_pages)
{
    if (!have(MMF_FEATURE_HUGE_PAGES))
        skip_test("no huge pages here");
    FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "re");
    const bool known = setting && fscanf(setting, "%lu", &huge_pages_before) == 1;
    if (setting)
        fclose(setting);
    if (!known || !set_huge_pages(huge_pages_before + 2))
        skip_test("nr_hugepages cannot be raised");
    atexit(restore_huge_pages);
    int err = mmf_map_create(&map, NULL, 2 * MIB, MMF_MAP_OPTIONS(.huge_pages = 2 * MIB));
    if (err == MMF_ENOMEMORY || err == MMF_ENOTSUP) {
        restore_huge_pages();
        skip_test("no free huge page of 2 MiB");
    }
    assert_int_equal(MMF_OK, err);
    shrink_and_grow();
    assert_ok(mmf_map_close(&map));
    restore_huge_pages();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(replaced_pages),
        unit(the_first_lost_page),
        unit(memory_sealed_after_it_was_mapped),
        unit(pages_that_are_called_huge),
        unit(huge_pages),
    };
    return run_group(tests);
}
