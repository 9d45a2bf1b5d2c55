/* nosignal.c: the way without signals, in a process of its own because the mode is the process's. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define LENGTH (5 * 65536 + 77)

static mmf_map *map;

static int choose_mode(void **state)
{
    (void)state;
    return mmf_guard_install(MMF_GUARD_NOSIGNAL) || mmf_map_from_file(&map, pattern_file("quiet", LENGTH), NULL);
}

static int close_map(void **state)
{
    (void)state;
    return mmf_map_close(&map);
}

static bool is_default(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_DFL;
}

/* No handler of ours: with a sanitizer there is the sanitizer's, as before. */
TEST(no_handler_is_installed)
{
    struct sigaction before[2], after[2];
    sigaction(SIGBUS, NULL, &before[0]);
    sigaction(SIGSEGV, NULL, &before[1]);
    mmf_view *view = NULL;
    unsigned char byte = 0;
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_get_u8(view, 5, &byte));
    assert_int_equal(pattern(5), byte);
    assert_ok(mmf_view_close(&view));
    sigaction(SIGBUS, NULL, &after[0]);
    sigaction(SIGSEGV, NULL, &after[1]);
    for (int i = 0; i < 2; i++)
        assert_true(before[i].sa_sigaction == after[i].sa_sigaction);
    assert_true(is_default(SIGUSR1)); /* that the question is answered right */
    assert_code_only(MMF_ENOTFOUND, mmf_guard_check());
}

static const uint32_t kinds[] = {MMF_READ, MMF_WRITE, MMF_READWRITE, MMF_COPY_ON_WRITE};

/* Everything that can be read and written with signals can be without, in all sizes and kinds. */
TEST(reading_and_writing)
{
    static unsigned char bytes[LENGTH], again[LENGTH];
    for (size_t i = 0; i < COUNT(kinds); i++) {
        mmf_view *view = NULL;
        bool reads = kinds[i] != MMF_WRITE, writes = kinds[i] != MMF_READ;
        write_pattern(temp_path("quiet"), LENGTH);
        assert_ok(mmf_view_open(&view, map, 777, 0, MMF_VIEW_OPTIONS(.access = kinds[i])));
        mmf_view_details details = {.struct_size = sizeof details};
        assert_ok(mmf_view_info(&details, view));
        assert_true(details.without_signals);
        if (kinds[i] == MMF_COPY_ON_WRITE && !have(MMF_FEATURE_NO_SIGNAL)) {
            assert_code(MMF_ENOTSUP, mmf_view_read(view, 0, bytes, 10));
            assert_code(MMF_ENOTSUP, mmf_view_write(view, 0, bytes, 10));
            assert_ok(mmf_view_close(&view));
            continue;
        }
        if (reads) {
            assert_ok(mmf_view_read(view, 0, bytes, LENGTH - 777));
            assert_same(LENGTH - 777, match_pattern(bytes, 777, LENGTH - 777));
        } else {
            assert_code(MMF_EACCESS, mmf_view_read(view, 0, bytes, 1));
        }
        if (!writes) {
            assert_code(MMF_EACCESS, mmf_view_write(view, 0, bytes, 1));
            assert_ok(mmf_view_close(&view));
            continue;
        }
        for (size_t size = 0; size < 200; size += 7) {
            memset(bytes, (int)size + 1, size + 1);
            assert_ok(mmf_view_write(view, 65536 - 777 - size / 2, bytes, size));
            if (!reads)
                continue;
            assert_ok(mmf_view_read(view, 65536 - 777 - size / 2, again, size));
            if (size > 0)
                assert_memory_equal(bytes, again, size);
        }
#define SAME(suffix, type)                                                                                             \
    do {                                                                                                               \
        type value, got;                                                                                               \
        memset(&value, 1, sizeof value);                                                                               \
        if (sizeof value == 16)                                                                                        \
            memset((char *)&value + 12, 0, 4);                                                                         \
        assert_ok(mmf_view_put_##suffix(view, 4090, value));                                                           \
        assert_code(reads ? MMF_OK : MMF_EACCESS, mmf_view_get_##suffix(view, 4090, &got));                            \
        if (reads)                                                                                                     \
            assert_memory_equal(&value, &got, sizeof value);                                                           \
    } while (0);
        MMF_TYPES(SAME)
#undef SAME
        assert_ok(mmf_view_zero(view, 1000, 100000));
        assert_ok(mmf_view_close(&view));
        if (kinds[i] == MMF_COPY_ON_WRITE)
            assert_true(file_holds(temp_path("quiet"), LENGTH, LENGTH));
        else
            assert_int_equal(0, file_byte(temp_path("quiet"), 777 + 1000 + 99999));
    }
    write_pattern(temp_path("quiet"), LENGTH);
}

/* Stores by a pointer and by calls meet in one memory. */
TEST(pointers_and_calls_see_the_same)
{
    mmf_view *view = NULL;
    uint32_t value = 0;
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    ((volatile unsigned char *)mmf_view_mutable(view))[100] = 222;
    assert_ok(mmf_view_get_u32(view, 100, &value));
    assert_int_equal(222, value & 0xFF);
    assert_ok(mmf_view_put_u32(view, 4094, 0x11223344));
    memcpy(&value, (const char *)mmf_view_data(view) + 4094, 4);
    assert_int_equal(0x11223344, value);
    assert_ok(mmf_view_close(&view));
    write_pattern(temp_path("quiet"), LENGTH);
}

TEST(lost_pages)
{
    static unsigned char bytes[LENGTH];
    const uint64_t page = mmf_page_size();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        mmf_view *view = NULL;
        const uint64_t kept = 2 * 65536 + 5, whole = (kept + page - 1) / page * page;
        if (kinds[i] == MMF_COPY_ON_WRITE && !have(MMF_FEATURE_NO_SIGNAL))
            continue;
        write_pattern(temp_path("quiet"), LENGTH);
        assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = kinds[i])));
        set_length(temp_path("quiet"), kept);
        if (kinds[i] != MMF_WRITE) {
            assert_code(MMF_EFAULT, mmf_view_read(view, 100, bytes, LENGTH - 100));
            /* By system calls on the file the end is the file's, by those on memory the page's. */
            assert_true(mmf_last_error()->done == whole - 100 || mmf_last_error()->done == kept - 100);
            assert_same(kept - 100, match_pattern(bytes, 100, (size_t)kept - 100));
            assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
            uint64_t value = 5;
            assert_code(MMF_EFAULT, mmf_view_get_u64(view, whole + 8, &value));
            assert_same(0, value);
            assert_code(MMF_EFAULT, mmf_view_probe(view, 0, 0));
        }
        if (kinds[i] != MMF_READ) {
            assert_code(MMF_EFAULT, mmf_view_put_u64(view, whole + 8, 1));
            assert_code(MMF_EFAULT, mmf_view_write(view, whole - 10, bytes, 100));
            assert_true(mmf_last_error()->done <= 10);
        }
        assert_same(kept, file_length(temp_path("quiet"))); /* never longer by a write */
        assert_ok(mmf_view_close(&view));
    }
    write_pattern(temp_path("quiet"), LENGTH);
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

TEST(what_needs_signals)
{
    mmf_view *view = (mmf_view *)(uintptr_t)0x51;
    assert_code(MMF_ENOTSUP, mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
    assert_null(view);
    assert_code(MMF_ENOTSUP, mmf_guard_run(nothing, NULL, NULL));
    char to[4], from[4] = "abc";
    size_t done = 0;
    int err = mmf_guard_copy(to, from, 4, &done);
    assert_true(err == MMF_ENOTSUP || (err == MMF_OK && done == 4));
    assert_code(MMF_EINVAL, mmf_guard_install((mmf_guard_mode)7));
}

static int no_reopen(mmf_os_handle *copy, mmf_os_handle file, unsigned flags)
{
    (void)copy;
    (void)file;
    (void)flags;
    return ENOTSUP;
}

static int no_checked_copy(size_t *done, void *to, const void *from, size_t size, bool write)
{
    (void)done;
    (void)to;
    (void)from;
    (void)size;
    (void)write;
    return ENOTSUP;
}

/*
 * With neither /proc nor process_vm_writev() a view is written through the caller's own handle, and one that appends
 * would put the bytes at the end of the file, wherever they were to go.
 */
TEST(a_handle_that_appends)
{
    const char *path = pattern_file("appended", 10000);
    unsigned char bytes[100] = {0};
    mmf_map *appending = NULL;
    mmf_view *view = NULL;
    int file = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    os.reopen = no_reopen;
    os.copy_checked = no_checked_copy;
    int err = mmf_map_from_handle(&appending, file, NULL);
    int opened = mmf_view_open(&view, appending, 0, 0, NULL);
    int read_result = mmf_view_read(view, 5000, bytes, sizeof bytes);
    const bool right = match_pattern(bytes, 5000, sizeof bytes) == sizeof bytes;
    int put = mmf_view_put_u8(view, 10, 77);
    int zeroed = mmf_view_zero(view, 20, 5);
    int written = mmf_view_write(view, 5000, "xyz", 3);
    const mmf_error last = *mmf_last_error();
    os.reopen = os_native.reopen;
    os.copy_checked = os_native.copy_checked;
    assert_int_equal(MMF_OK, err);
    assert_int_equal(MMF_OK, opened);
    assert_int_equal(MMF_OK, read_result);
    assert_true(right);
    assert_int_equal(MMF_ENOTSUP, written);
    assert_int_equal(MMF_ENOTSUP, put);
    assert_int_equal(MMF_ENOTSUP, last.code);
    assert_same(0, last.done);
    if (zeroed == MMF_OK) { /* a hole needs no writing */
        assert_int_equal(0, file_byte(path, 20));
        set_length(path, 10000);
        write_pattern(path, 10000);
    } else {
        assert_int_equal(MMF_ENOTSUP, zeroed);
    }
    assert_true(file_holds(path, 10000, 10000));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&appending));
    close(file);
}

/* Zeros are stored in pieces: what is done counts from the first of them. */
TEST(zeros_into_a_lost_page)
{
    if (!have(MMF_FEATURE_NO_SIGNAL))
        skip_test("private copies need the system's checked copy");
    const uint64_t page = mmf_page_size();
    const uint64_t kept = 4 * page;
    for (uint64_t before = 3 * page + 100; before > page / 2; before -= 777) {
        mmf_view *view = NULL;
        write_pattern(temp_path("quiet"), LENGTH);
        assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
        set_length(temp_path("quiet"), kept);
        assert_code(MMF_EFAULT, mmf_view_zero(view, kept - before, before + 5000));
        assert_same(kept, mmf_last_error()->offset);
        assert_same(before, mmf_last_error()->done);
        assert_ok(mmf_view_close(&view));
    }
    write_pattern(temp_path("quiet"), LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(no_handler_is_installed),
        unit(reading_and_writing),
        unit(pointers_and_calls_see_the_same),
        unit(lost_pages),
        unit(what_needs_signals),
        unit(a_handle_that_appends),
        unit(zeros_into_a_lost_page),
    };
    int failed = cmocka_run_group_tests(tests, choose_mode, close_map);
    return support_finish(failed, COUNT(tests));
}
