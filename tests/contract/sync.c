/* sync.c: which calls reach the medium, seen by what the library asks of the system, and what a failed sync leaves. */
#define _GNU_SOURCE
#include "fault.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static mmf_map *map;
static mmf_view *view;

static void open_both(const mmf_map_options *options)
{
    assert_ok(mmf_map_from_file(&map, pattern_file("synced", 300000), options));
    assert_ok(mmf_view_open(&view, map, 1000, 200000, NULL));
}

static void close_both(void)
{
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* Calls that wait for the medium; START and WAIT of a flush do not count. */
static unsigned long medium_flushes;
static int (*native_flush)(void *, size_t, enum os_flush);
static void *flushed_from;
static size_t flushed_size;

static int watch_flush(void *address, size_t size, enum os_flush how)
{
    if (how == OS_FLUSH_MEDIUM)
        medium_flushes++;
    flushed_from = address;
    flushed_size = size;
    return native_flush(address, size, how);
}

static void watch(void)
{
    native_flush = os.flush;
    os.flush = watch_flush;
    medium_flushes = 0;
}

static void watch_no_more(void)
{
    os.flush = native_flush;
}

TEST(sync_asks_the_medium)
{
    fault_install();
    open_both(NULL);
    fault_begin(NULL);
    assert_ok(mmf_view_put_u64(view, 5, 5));
    assert_int_equal(0, fault_count("sync"));
    assert_ok(mmf_map_sync(map));
    assert_int_equal(1, fault_count("sync"));
    assert_int_equal(0, fault_count("sync_directory")); /* it was there before */
    close_both();
    fault_uninstall();
}

/* The name of a file that the map made is only safe when its directory is: once. */
TEST(the_first_sync_of_a_new_file)
{
    const char *path = temp_path("new-synced");
    fault_install();
    for (uint32_t mode = MMF_OPEN_OR_CREATE; mode <= MMF_CREATE_NEW; mode++) {
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 5000)));
        fault_begin(NULL);
        assert_ok(mmf_map_sync(map));
        assert_int_equal(1, fault_count("sync_directory"));
        assert_ok(mmf_map_sync(map));
        assert_int_equal(1, fault_count("sync_directory"));
        assert_int_equal(2, fault_count("sync"));
        assert_ok(mmf_map_close(&map));
        unlink(path);
    }
    fault_uninstall();
}

/* Closing never forces anything out: a known sore point of .NET. */
TEST(closing_does_not_flush)
{
    fault_install();
    open_both(MMF_MAP_OPTIONS(.write_through = true));
    assert_ok(mmf_view_put_u64(view, 5, 5));
    fault_begin(NULL);
    close_both();
    assert_int_equal(0, fault_count("sync"));
    assert_int_equal(0, fault_count("flush"));
    assert_int_equal(0, fault_count("write_back"));
    fault_uninstall();
}

TEST(kinds_of_flush)
{
    open_both(NULL);
    watch();
    assert_ok(mmf_view_put_u64(view, 100000, 5));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_START));
    assert_ok(mmf_view_flush(view, 99999, 10, MMF_FLUSH_START));
    assert_ok(mmf_view_flush(view, 99999, 10, MMF_FLUSH_WAIT));
    assert_int_equal(0, medium_flushes);
    assert_ok(mmf_view_flush(view, 99999, 10, MMF_FLUSH_SYNC));
    assert_int_equal(1, medium_flushes);
    /* Every page that the range touches, the last one too, which .NET misses. */
    const unsigned char *first = (const unsigned char *)mmf_view_data(view) + 99999;
    assert_true((unsigned char *)flushed_from <= first);
    assert_true((unsigned char *)flushed_from + flushed_size >= first + 10);
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    first = mmf_view_data(view);
    assert_true((unsigned char *)flushed_from <= first);
    assert_true((unsigned char *)flushed_from + flushed_size >= first + 200000);
    assert_code(MMF_ERANGE, mmf_view_flush(view, 200001, 0, MMF_FLUSH_START));
    assert_code(MMF_ERANGE, mmf_view_flush(view, 1, 200000, MMF_FLUSH_SYNC));
    assert_code(MMF_ERANGE, mmf_view_flush(view, UINT64_MAX, 2, MMF_FLUSH_SYNC));
    watch_no_more();
    close_both();
}

TEST(write_through)
{
    open_both(MMF_MAP_OPTIONS(.write_through = true));
    watch();
    static const mmf_flush kinds[] = {MMF_FLUSH_START, MMF_FLUSH_WAIT, MMF_FLUSH_SYNC};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        assert_ok(mmf_view_put_u64(view, 100000, i));
        assert_ok(mmf_view_flush(view, 0, 0, kinds[i]));
        assert_same(i + 1, medium_flushes);
    }
    watch_no_more();
    close_both();
}

TEST(nothing_to_flush)
{
    fault_install();
    open_both(NULL);
    mmf_view *copy = NULL, *of_memory = NULL;
    mmf_map *memory = NULL;
    assert_ok(mmf_view_open(&copy, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_map_create(&memory, NULL, 1000, NULL));
    assert_ok(mmf_view_open(&of_memory, memory, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(copy, 0, 1));
    fault_begin(NULL);
    for (int how = MMF_FLUSH_START; how <= MMF_FLUSH_SYNC; how++) {
        assert_ok(mmf_view_flush(copy, 0, 0, (mmf_flush)how));
        assert_ok(mmf_view_flush(of_memory, 0, 0, (mmf_flush)how));
    }
    assert_int_equal(0, fault_count("flush") + fault_count("write_back") + fault_count("sync"));
    assert_code(MMF_ERANGE, mmf_view_flush(copy, 300001, 0, MMF_FLUSH_SYNC)); /* but arguments are checked */
    assert_code(MMF_EINVAL, mmf_view_flush(copy, 0, 0, (mmf_flush)7));
    assert_ok(mmf_view_close(&copy));
    assert_ok(mmf_view_close(&of_memory));
    assert_ok(mmf_map_close(&memory));
    close_both();
    fault_uninstall();
}

/* Flushing through a view that may only read writes out what others stored. */
TEST(flushing_a_view_that_reads)
{
    open_both(NULL);
    mmf_view *reader = NULL;
    assert_ok(mmf_view_open(&reader, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_view_put_u8(view, 0, 99));
    assert_ok(mmf_view_flush(reader, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_view_close(&reader));
    close_both();
}

/* The kernel reports a failed write-back once; the library for good, by every way to it. */
static void check_poisoned(mmf_map *poisoned, mmf_view *of_it)
{
    mmf_map_details details = {.struct_size = sizeof details};
    mmf_map *copy = NULL;
    for (int i = 0; i < 2; i++) {
        assert_code(MMF_EPOISONED, mmf_map_sync(poisoned));
        assert_code(MMF_EPOISONED, mmf_view_flush(of_it, 0, 0, MMF_FLUSH_SYNC));
        assert_code(MMF_EPOISONED, mmf_view_flush(of_it, 0, 0, MMF_FLUSH_WAIT));
    }
    assert_ok(mmf_map_info(&details, poisoned));
    assert_true(details.poisoned);
    assert_ok(mmf_map_duplicate(&copy, poisoned, MMF_ACCESS_DEFAULT));
    assert_code(MMF_EPOISONED, mmf_map_sync(copy));
    assert_code(MMF_EPOISONED, mmf_map_close(&copy));
    assert_null(copy);
}

TEST(a_failed_sync_stays_failed)
{
    static const int errors[] = {EIO, ENOSPC, EDQUOT, EINTR, ENOMEM};
    fault_install();
    for (size_t i = 0; i < COUNT(errors); i++)
        for (int way = 0; way < 3; way++) {
            open_both(NULL);
            static const char *const calls[] = {"sync", "flush", NULL};
            fault_begin(&(struct fault_plan){.call = calls[way], .nth = 1, .error = errors[i]});
            int err = way == 0   ? mmf_map_sync(map)
                      : way == 1 ? mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC)
                                 : mmf_view_flush(view, 0, 0, MMF_FLUSH_WAIT);
            assert_int_equal(1, fault_end());
            assert_int_equal(os.code_of(errors[i]), err);
            assert_int_equal(errors[i], mmf_last_error()->os_error);
            check_poisoned(map, view);
            /* Reading and writing go on. */
            uint64_t value = 0;
            assert_ok(mmf_view_put_u64(view, 0, 5));
            assert_ok(mmf_view_get_u64(view, 0, &value));
            assert_ok(mmf_view_close(&view));
            assert_code(MMF_EPOISONED, mmf_map_close(&map));
            assert_null(map);
        }
    /* A new map of the file is a new start. */
    open_both(NULL);
    assert_ok(mmf_map_sync(map));
    close_both();
    fault_uninstall();
}

TEST(a_failed_sync_of_the_directory_stays_failed)
{
    const char *path = temp_path("new-synced");
    fault_install();
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 5000)));
    fault_begin(&(struct fault_plan){.call = "sync_directory", .nth = 1, .error = EIO});
    assert_code(MMF_EIO, mmf_map_sync(map));
    assert_int_equal(1, fault_end());
    assert_code(MMF_EPOISONED, mmf_map_sync(map));
    assert_code(MMF_EPOISONED, mmf_map_close(&map));
    unlink(path);
    fault_uninstall();
}

static char synced_directory_of[8192];

static int note_directory(const char *path)
{
    snprintf(synced_directory_of, sizeof synced_directory_of, "%s", path);
    return os_native.sync_directory(path);
}

/* The directory of a new file is the one where it was made, wherever the process has gone meanwhile. */
TEST(the_first_sync_after_chdir)
{
    char before[4096], where[4096], wanted[8192];
    snprintf(where, sizeof where, "%s", temp_path("made-in"));
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(0, mkdir(where, 0700));
    assert_int_equal(0, chdir(where));
    assert_non_null(getcwd(where, sizeof where)); /* without symbolic links */
    int err = mmf_map_from_file(&map, "new", MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 5000));
    assert_int_equal(0, chdir(before));
    assert_int_equal(MMF_OK, err);
    os.sync_directory = note_directory;
    err = mmf_map_sync(map);
    os.sync_directory = os_native.sync_directory;
    assert_int_equal(MMF_OK, err);
    snprintf(wanted, sizeof wanted, "%s/new", where);
    assert_string_equal(wanted, synced_directory_of);
    assert_ok(mmf_map_close(&map));
    unlink(wanted);
    rmdir(where);
}

/* fsync() of such a device is EINVAL, though the caller has done nothing wrong; nothing was lost either. */
TEST(a_device_that_cannot_be_synced)
{
    int err = mmf_map_from_file(&map, "/dev/zero", MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE, .capacity = 65536));
    if (err)
        skip_test("/dev/zero cannot be mapped: %s", mmf_error_name(err));
    int file = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int can_sync = fsync(file);
    close(file);
    for (int i = 0; i < 2; i++)
        if (can_sync == 0)
            assert_ok(mmf_map_sync(map));
        else
            assert_code(MMF_ENOTSUP, mmf_map_sync(map));
    assert_ok(mmf_map_close(&map)); /* not poisoned */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(sync_asks_the_medium),
        unit(the_first_sync_of_a_new_file),
        unit(closing_does_not_flush),
        unit(kinds_of_flush),
        unit(write_through),
        unit(nothing_to_flush),
        unit(flushing_a_view_that_reads),
        unit(a_failed_sync_stays_failed),
        unit(a_failed_sync_of_the_directory_stays_failed),
        unit(the_first_sync_after_chdir),
        unit(a_device_that_cannot_be_synced),
    };
    return run_group(tests);
}
