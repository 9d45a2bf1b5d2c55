/* fault.c: what calls answer when a page is missing, and views that replace lost pages by zeros. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define LENGTH (20 * 65536)

static mmf_map *map;
static mmf_view *view;
static uint64_t page, whole; /* the first byte that is missing */

/* A file of which only the first `kept` bytes are left under the view. */
static void open_cut(uint64_t kept, const mmf_view_options *options)
{
    const char *path = pattern_file("cut", LENGTH);
    page = mmf_page_size();
    whole = (kept + page - 1) / page * page;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, options));
    set_length(path, kept);
}

static void close_cut(void)
{
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

#define assert_cut(call, bytes_done)                                                                                   \
    do {                                                                                                               \
        assert_code(MMF_EFAULT, call);                                                                                 \
        assert_same(bytes_done, mmf_last_error()->done);                                                               \
        assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);                                              \
        assert_string_equal(temp_path("cut"), mmf_last_error()->path);                                                 \
    } while (0)

TEST(reads_end_exactly_at_the_lost_page)
{
    static unsigned char bytes[LENGTH];
    open_cut(3 * 65536 + 123, NULL);
    for (uint64_t before = 0; before < 300; before += before < 20 ? 1 : 37)
        for (size_t after = 1; after < 5000; after = after * 3 + 1) {
            memset(bytes, 0, (size_t)before + after);
            assert_cut(mmf_view_read(view, whole - before, bytes, (size_t)before + after), before);
            assert_same(whole, mmf_last_error()->offset);
        }
    memset(bytes, 0, sizeof bytes);
    assert_cut(mmf_view_read(view, 0, bytes, LENGTH), whole);
    assert_same(3 * 65536 + 123, match_pattern(bytes, 0, 3 * 65536 + 123));
    assert_int_equal(0, bytes[3 * 65536 + 123]); /* the tail of the last page is zeros */
    assert_ok(mmf_view_read(view, 0, bytes, (size_t)whole));
    close_cut();
}

/* The first access of a thread takes another way than all others. */
static void *first_use(void *argument)
{
    static unsigned char bytes[1000];
    size_t done = 0;
    const unsigned kind = *(const unsigned *)argument;
    const uint64_t at = whole - 100;
    int err = kind == 0   ? mmf_view_read(view, at, bytes, sizeof bytes)
              : kind == 1 ? mmf_view_write(view, at, bytes, sizeof bytes)
              : kind == 2 ? mmf_view_read_array(view, at, bytes, 1, sizeof bytes, &done)
              : kind == 3 ? mmf_view_write_array(view, at, bytes, 1, sizeof bytes)
                          : mmf_view_probe(view, at, sizeof bytes);
    bool right = err == MMF_EFAULT && mmf_last_error()->done == 100 && mmf_last_error()->offset == whole &&
                 (kind != 2 || done == 100);
    return right ? argument : NULL;
}

TEST(the_first_use_of_a_thread)
{
    open_cut(3 * 65536 + 123, NULL);
    for (unsigned kind = 0; kind < 5; kind++) {
        pthread_t thread;
        void *right = NULL;
        assert_int_equal(0, pthread_create(&thread, NULL, first_use, &kind));
        assert_int_equal(0, pthread_join(thread, &right));
        assert_ptr_equal(&kind, right);
    }
    close_cut();
}

TEST(writes_end_exactly_at_the_lost_page)
{
    static unsigned char bytes[100000];
    memset(bytes, 0xC3, sizeof bytes);
    open_cut(3 * 65536 + 123, NULL);
    for (uint64_t before = 0; before < 100; before++)
        assert_cut(mmf_view_write(view, whole - before, bytes, (size_t)before + 200), before);
    assert_cut(mmf_view_write(view, 3 * 65536, bytes, sizeof bytes), whole - 3 * 65536);
    assert_same(3 * 65536 + 123, file_length(temp_path("cut"))); /* nothing came back */
    assert_int_equal(0xC3, file_byte(temp_path("cut"), 3 * 65536 + 122));
    assert_int_equal(pattern(3 * 65536 - 1), file_byte(temp_path("cut"), 3 * 65536 - 1));
    assert_cut(mmf_view_zero(view, whole + 5, 100), 0);
    assert_code(MMF_EFAULT, mmf_view_zero(view, 0, 0));
    assert_same(3 * 65536 + 123, file_length(temp_path("cut")));
    close_cut();
}

TEST(typed_and_arrays)
{
    size_t done = 77;
    static uint32_t values[1000];
    open_cut(2 * 65536, NULL);
#define LOST(suffix, type)                                                                                             \
    do {                                                                                                               \
        type value;                                                                                                    \
        static const type nothing;                                                                                     \
        memset(&value, 0x77, sizeof value);                                                                            \
        assert_cut(mmf_view_get_##suffix(view, whole, &value), 0);                                                     \
        assert_same(whole, mmf_last_error()->offset);                                                                  \
        assert_memory_equal(&value, &nothing, sizeof value);                                                           \
        assert_cut(mmf_view_put_##suffix(view, whole + 8, nothing), 0);                                                \
        assert_same(whole + 8, mmf_last_error()->offset);                                                              \
        memset(&value, 0x77, sizeof value);                                                                            \
        if (sizeof value > 1) { /* across the border */                                                                \
            assert_code(MMF_EFAULT, mmf_view_get_##suffix(view, whole - 1, &value));                                   \
            assert_memory_equal(&value, &nothing, sizeof value);                                                       \
            assert_code(MMF_EFAULT, mmf_view_put_##suffix(view, whole - 1, nothing));                                  \
        }                                                                                                              \
        assert_ok(mmf_view_put_##suffix(view, whole - sizeof value, nothing));                                         \
        assert_ok(mmf_view_get_##suffix(view, whole - sizeof value, &value));                                          \
    } while (0);
    MMF_TYPES(LOST)
#undef LOST
    assert_cut(mmf_view_read_array(view, whole - 10, values, 4, 1000, &done), 10);
    assert_same(2, done); /* whole elements only */
    assert_cut(mmf_view_read_array(view, whole, values, 4, 1000, &done), 0);
    assert_same(0, done);
    assert_cut(mmf_view_write_array(view, whole - 10, values, 4, 1000), 10);
    close_cut();
}

/* The offset is the map's, not the view's. */
TEST(offsets_are_of_the_map)
{
    unsigned char byte;
    open_cut(2 * 65536, NULL);
    mmf_view *part = NULL;
    assert_ok(mmf_view_open(&part, map, 65537, 3 * 65536, NULL));
    assert_cut(mmf_view_get_u8(part, 100000, &byte), 0);
    assert_same(165537, mmf_last_error()->offset);
    assert_cut(mmf_view_probe(part, 0, 0), 65535);
    assert_same(2 * 65536, mmf_last_error()->offset);
    assert_ok(mmf_view_close(&part));
    close_cut();
}

/* A file that becomes long again is readable again: nothing is remembered without MMF_FAULT_ZERO. */
TEST(an_error_leaves_no_trace)
{
    uint64_t value = 1;
    open_cut(65536, NULL);
    assert_cut(mmf_view_get_u64(view, 100000, &value), 0);
    assert_ok(mmf_view_check(view));
    set_length(temp_path("cut"), LENGTH);
    assert_ok(mmf_view_get_u64(view, 100000, &value));
    assert_same(0, value);
    assert_ok(mmf_view_put_u64(view, 100000, 5));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_map_sync(map));
    close_cut();
}

TEST(copies_and_lost_pages)
{
    uint64_t value = 1;
    open_cut(65536 * 4, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE));
    assert_ok(mmf_view_put_u64(view, 65536 * 2, 42));
    set_length(temp_path("cut"), 10);
    assert_cut(mmf_view_get_u64(view, 65536, &value), 0);
    /* Truncation takes private copies too (Linux: unmap_mapping_range with even_cows), so either answer is honest. */
    int err = mmf_view_get_u64(view, 65536 * 2, &value);
    assert_true((err == MMF_OK && value == 42) || (err == MMF_EFAULT && value == 0));
    close_cut();
}

/* --- Zeros instead of lost pages ---------------------------------------------------------------------------------- */

static void close_flagged(void)
{
    assert_code(MMF_EFAULT, mmf_view_close(&view));
    assert_null(view);
    assert_ok(mmf_map_close(&map));
}

TEST(zero_mode)
{
    const uint64_t kept = 2 * 65536 + 5;
    mmf_view_details details = {.struct_size = sizeof details};
    mmf_map_details of_map = {.struct_size = sizeof of_map};
    open_cut(kept, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    assert_ok(mmf_view_check(view));
    assert_ok(mmf_view_info(&details, view));
    assert_int_equal(MMF_FAULT_ZERO, details.on_fault);
    assert_false(details.flagged);
    const volatile unsigned char *bytes = mmf_view_data(view);
    assert_int_equal(pattern(1000), bytes[1000]);
    assert_int_equal(0, bytes[LENGTH - 1]); /* a raw load, no signal */
    assert_code(MMF_EFAULT, mmf_view_check(view));
    assert_same((LENGTH - 1) / page * page, mmf_last_error()->offset);
    assert_ok(mmf_view_info(&details, view));
    assert_true(details.flagged);
    assert_same((LENGTH - 1) / page * page, details.first_lost);
    assert_int_equal(0, bytes[whole + 5]);
    assert_ok(mmf_view_info(&details, view));
    assert_same(whole, details.first_lost); /* the lowest one */
    assert_ok(mmf_map_info(&of_map, map));
    assert_true(of_map.lost_pages);
    /* Stores stay in this view. */
    volatile unsigned char *stores = mmf_view_mutable(view);
    stores[LENGTH - 10] = 9;
    assert_int_equal(9, bytes[LENGTH - 10]);
    assert_same(kept, file_length(temp_path("cut")));
    /* It stays flagged when the file is whole again, and refuses to save. */
    set_length(temp_path("cut"), LENGTH);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    for (int how = MMF_FLUSH_START; how <= MMF_FLUSH_SYNC; how++) {
        assert_code(MMF_EFAULT, mmf_view_flush(view, 0, 0, (mmf_flush)how));
        assert_code(MMF_EFAULT, mmf_view_flush(view, 0, 100, (mmf_flush)how));
    }
    assert_code(MMF_EFAULT, mmf_map_sync(map));
    mmf_view *other = NULL;
    assert_ok(mmf_view_open(&other, map, 0, 0, NULL));
    assert_ok(mmf_view_check(other)); /* other views are not flagged */
    assert_ok(mmf_view_close(&other));
    close_flagged();
}

/* The calls of the library see the zeros too, and say so by the flag. */
TEST(zero_mode_and_calls)
{
    static unsigned char bytes[LENGTH];
    open_cut(65536 + 7, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    memset(bytes, 0xFF, sizeof bytes);
    int err = mmf_view_read(view, 0, bytes, LENGTH);
    assert_true(err == MMF_OK || err == MMF_EFAULT);
    assert_same(65536 + 7, match_pattern(bytes, 0, 65536 + 7));
    if (err == MMF_OK)
        for (size_t i = 65536 + 7; i < LENGTH; i++)
            assert_int_equal(0, bytes[i]);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    close_flagged();
}

/* The flag is clipped to the view: its page may begin before the first byte asked for. */
TEST(zero_mode_of_an_unaligned_view)
{
    mmf_view_details details = {.struct_size = sizeof details};
    const char *path = pattern_file("cut", LENGTH);
    page = mmf_page_size();
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 3 * 65536 + 100, 1000, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
    set_length(path, 65536);
    assert_int_equal(0, *(const volatile unsigned char *)mmf_view_data(view));
    assert_ok(mmf_view_info(&details, view));
    assert_true(details.flagged);
    assert_same(0, details.first_lost);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    assert_same(3 * 65536 + 100, mmf_last_error()->offset);
    close_flagged();
}

/* A view that only reads has lost nothing that was stored: the map can still be synced. */
TEST(zero_mode_of_a_reader)
{
    open_cut(65536, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO, .access = MMF_READ));
    assert_int_equal(0, ((const volatile unsigned char *)mmf_view_data(view))[100000]);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    assert_code(MMF_EFAULT, mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_map_sync(map));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 100000, 1));
    close_flagged();
}

TEST(zero_mode_of_a_copy)
{
    open_cut(65536, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO, .access = MMF_COPY_ON_WRITE));
    volatile unsigned char *bytes = mmf_view_mutable(view);
    bytes[100000] = 5;
    assert_int_equal(5, bytes[100000]);
    assert_int_equal(0, bytes[100001]);
    assert_code(MMF_EFAULT, mmf_view_check(view));
    assert_ok(mmf_map_sync(map));
    close_flagged();
}

/* A page that is replaced gets the protection in force, which mmf_view_protect() may have changed since the opening. */
TEST(zero_mode_and_protection)
{
    unsigned char byte = 1;
    open_cut(LENGTH, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    assert_ok(mmf_view_protect(view, 0, 0, MMF_READ));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 5, 1));
    set_length(temp_path("cut"), 0);
    assert_ok(mmf_view_get_u8(view, 5, &byte));
    assert_int_equal(0, byte);
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 5, 1));
    assert_ok(mmf_view_protect(view, 0, 0, MMF_ACCESS_DEFAULT));
    assert_ok(mmf_view_put_u8(view, 5, 1));
    assert_ok(mmf_view_put_u8(view, 2 * page, 1)); /* a page that was not replaced before */

    /* A part: its pages keep it, and their neighbours their own. */
    assert_ok(mmf_view_protect(view, 8 * page, 2 * page, MMF_READ));
    assert_ok(mmf_view_get_u8(view, 8 * page, &byte));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 8 * page, 1));
    assert_ok(mmf_view_get_u8(view, 7 * page, &byte));
    assert_ok(mmf_view_put_u8(view, 7 * page, 1));
    assert_ok(mmf_view_put_u8(view, 10 * page, 1));
    assert_ok(mmf_view_protect(view, 9 * page, page, MMF_ACCESS_DEFAULT));
    assert_ok(mmf_view_put_u8(view, 9 * page, 1));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 8 * page, 1));
    assert_ok(mmf_view_protect(view, 12 * page, 2 * page, MMF_READ));
    assert_ok(mmf_view_protect(view, 0, 0, MMF_ACCESS_DEFAULT)); /* the whole takes it back */
    assert_ok(mmf_view_put_u8(view, 8 * page, 1));
    assert_ok(mmf_view_put_u8(view, 12 * page, 1));
    close_flagged();
}

/* What cannot be protected is replaced as before. */
static int cannot_protect(void *address, size_t size, unsigned protection)
{
    (void)address;
    (void)size;
    (void)protection;
    return ENOMEM;
}

TEST(zero_mode_and_failed_protection)
{
    unsigned char byte = 1;
    open_cut(0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO));
    os.protect = cannot_protect;
    int whole_view = mmf_view_protect(view, 0, 0, MMF_READ);
    int part = mmf_view_protect(view, 4 * page, page, MMF_READ);
    os.protect = os_native.protect;
    assert_int_equal(MMF_ENOMEMORY, whole_view);
    assert_int_equal(MMF_ENOMEMORY, part);
    assert_ok(mmf_view_get_u8(view, 0, &byte));
    assert_ok(mmf_view_put_u8(view, 0, 1));
    assert_ok(mmf_view_get_u8(view, 4 * page, &byte));
    assert_ok(mmf_view_put_u8(view, 4 * page, 1));
    close_flagged();
}

/*
 * Every page replaced by itself splits a mapping, and a process has a limited number of them: more lost pages than
 * that, each second one, forwards, backwards and in no order. A store into each stays.
 */
static int more_pages_than_mappings(void *order)
{
    const uint64_t pages = 80000; /* 40000 of them in a limit of 65530 mappings, each taking two */
    child_expect(mmf_map_from_file(&map, sparse_file("cut", pages * mmf_page_size()), NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)) == MMF_OK);
    set_length(temp_path("cut"), 0);
    volatile unsigned char *bytes = mmf_view_mutable(view);
    for (uint64_t i = 0; i < pages / 2; i++) {
        const uint64_t at = *(int *)order == 0 ? 2 * i : *(int *)order == 1 ? pages - 2 - 2 * i : 2 * i * 7919 % pages;
        child_expect(bytes[at * mmf_page_size()] == 0);
        bytes[at * mmf_page_size()] = (unsigned char)(at | 1);
    }
    for (uint64_t at = 0; at < pages; at += 2)
        child_expect(bytes[at * mmf_page_size()] == (unsigned char)(at | 1));
    child_expect(mmf_view_check(view) == MMF_EFAULT);
    return 0;
}

TEST(zero_mode_and_the_number_of_mappings)
{
    if (SANITIZED)
        skip_test("a sanitizer has mappings of its own");
    if (mmf_page_size() != 4096)
        skip_test("the file would take too much with pages of %u bytes", (unsigned)mmf_page_size());
    if (sizeof(void *) < 8)
        skip_test("the view is too large for 32 bits");
    for (int order = 0; order < 3; order++)
        assert_int_equal(0, in_child(more_pages_than_mappings, &order));
}

/* A thread that starts with every signal blocked, and only follows pointers, becomes ready by asking. */
static void *check_and_follow(void *bytes)
{
    return (void *)(uintptr_t)(mmf_view_check(view) == MMF_OK && ((volatile unsigned char *)bytes)[5] == 0 &&
                               mmf_view_check(view) == MMF_EFAULT);
}

static int blocked_from_the_start(void *argument)
{
    pthread_t thread;
    void *right = NULL;
    sigset_t every;
    child_expect(mmf_map_from_file(&map, pattern_file("cut", LENGTH), NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, argument) == MMF_OK);
    set_length(temp_path("cut"), 0);
    sigfillset(&every);
    child_expect(pthread_sigmask(SIG_SETMASK, &every, NULL) == 0);
    child_expect(pthread_create(&thread, NULL, check_and_follow, mmf_view_mutable(view)) == 0);
    child_expect(pthread_join(thread, &right) == 0);
    child_expect(right);
    return 0;
}

TEST(zero_mode_in_a_thread_that_blocks_signals)
{
    assert_int_equal(0, in_child(blocked_from_the_start, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
}

/* --- Guarded bodies ----------------------------------------------------------------------------------------------- */

static int sum_everything(void *argument)
{
    const volatile unsigned char *bytes = mmf_view_data(argument);
    unsigned sum = 0;
    for (uint64_t at = 0; at < mmf_view_size(argument); at++)
        sum += bytes[at];
    return (int)(sum & 0x7FFFFFFF);
}

TEST(guarded_bodies)
{
    mmf_fault fault;
    open_cut(5 * 65536 + 1, NULL);
    memset(&fault, 0xFF, sizeof fault);
    assert_code(MMF_EFAULT, mmf_guard_run(sum_everything, view, &fault));
    assert_ptr_equal((const unsigned char *)mmf_view_data(view) + whole, fault.address);
    assert_same(whole, fault.offset);
    assert_same(whole, fault.position);
    assert_int_equal(MMF_CAUSE_END_OF_FILE, fault.cause);
    assert_code(MMF_EFAULT, mmf_guard_run(sum_everything, view, NULL));
    set_length(temp_path("cut"), LENGTH);
    memset(&fault, 0xFF, sizeof fault);
    assert_true(mmf_guard_run(sum_everything, view, &fault) > 0);
    assert_null(fault.address);
    assert_int_equal(MMF_CAUSE_NONE, fault.cause);
    assert_code(MMF_EINVAL, mmf_guard_run(NULL, view, &fault));
    close_cut();
}

TEST(guarded_copies)
{
    static unsigned char bytes[LENGTH];
    size_t done = 77, at = 77;
    int order = 77;
    open_cut(5 * 65536 + 1, NULL);
    assert_code(MMF_EFAULT, mmf_guard_copy(bytes, mmf_view_data(view), LENGTH, &done));
    assert_same(whole, done);
    assert_same(5 * 65536 + 1, match_pattern(bytes, 0, 5 * 65536 + 1));
    assert_code(MMF_EFAULT, mmf_guard_copy((char *)mmf_view_mutable(view) + whole - 3, bytes, 10, &done));
    assert_same(3, done);
    assert_ok(mmf_guard_copy(bytes, mmf_view_data(view), (size_t)whole, &done));
    assert_same(whole, done);
    assert_code(MMF_EFAULT, mmf_guard_compare(bytes, mmf_view_data(view), LENGTH, &order, &done));
    assert_same(whole, done);
    assert_int_equal(0, order);
    assert_code(MMF_EFAULT, mmf_guard_find((const char *)mmf_view_data(view) + whole, 1, 10, &at));
    assert_ok(mmf_guard_find(mmf_view_data(view), pattern(77), LENGTH, &at));
    assert_int_equal(pattern(77), pattern(at));
    close_cut();
}

/* The place a value goes to may itself be a page that is missing: no call of the library is ended by a signal. */
TEST(values_into_lost_pages)
{
    open_cut(5 * 65536 + 1, NULL);
    unsigned char *lost = (unsigned char *)mmf_view_mutable(view) + whole;
    assert_code(MMF_EFAULT, mmf_view_get_u64(view, 0, (uint64_t *)(void *)lost));
    assert_code(MMF_EFAULT, mmf_view_get_u8(view, 0, lost));
    assert_code(MMF_EFAULT, mmf_view_get_bool(view, 0, (bool *)(void *)lost));
    assert_code(MMF_EFAULT, mmf_view_get_decimal(view, 0, (mmf_decimal *)(void *)lost));
    assert_code(MMF_EFAULT, mmf_view_get_f64(view, whole, (double *)(void *)lost));
    assert_code(MMF_EFAULT, mmf_view_read(view, 0, lost, 100));
    assert_string_equal("buffer of the caller", mmf_last_error()->operation);
    close_cut();
}

/* --- The handler comes and goes ----------------------------------------------------------------------------------- */

/* What another thread does at the worst moment: when the view's memory is there, and nobody knows of it yet. */
static int (*meanwhile)(void);

static int map_and_meanwhile(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                             uint64_t offset)
{
    int err = os_native.map(address, size, protection, mapping, file, offset);
    if (meanwhile && mapping & OS_MAP_SHARED) {
        int (*act)(void) = meanwhile;
        meanwhile = NULL;
        (void)act();
    }
    return err;
}

static int use_no_signals(void)
{
    return mmf_guard_install(MMF_GUARD_NOSIGNAL);
}

static int open_meanwhile(void *act)
{
    unsigned char byte;
    const char *path = pattern_file("cut", LENGTH);
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(mmf_map_from_file(&map, path, NULL) == MMF_OK);
    os.map = map_and_meanwhile;
    memcpy(&meanwhile, act, sizeof meanwhile);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(!meanwhile);
    set_length(path, 0);
    child_expect(mmf_view_get_u8(view, 100, &byte) == MMF_EFAULT);
    child_expect(mmf_guard_remove() == MMF_EMAPPED);
    child_expect(mmf_view_close(&view) == MMF_OK);
    child_expect(mmf_guard_remove() == MMF_OK);
    return 0;
}

TEST(the_handler_is_taken_away_while_a_view_opens)
{
    int (*act)(void) = mmf_guard_remove;
    assert_int_equal(0, in_child(open_meanwhile, &act));
    act = use_no_signals;
    assert_int_equal(0, in_child(open_meanwhile, &act));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(values_into_lost_pages),
        unit(reads_end_exactly_at_the_lost_page),
        unit(the_first_use_of_a_thread),
        unit(writes_end_exactly_at_the_lost_page),
        unit(typed_and_arrays),
        unit(offsets_are_of_the_map),
        unit(an_error_leaves_no_trace),
        unit(copies_and_lost_pages),
        unit(zero_mode),
        unit(zero_mode_and_calls),
        unit(zero_mode_of_an_unaligned_view),
        unit(zero_mode_of_a_reader),
        unit(zero_mode_of_a_copy),
        unit(zero_mode_and_protection),
        unit(zero_mode_and_failed_protection),
        unit(zero_mode_and_the_number_of_mappings),
        unit(zero_mode_in_a_thread_that_blocks_signals),
        unit(guarded_bodies),
        unit(guarded_copies),
        unit(the_handler_is_taken_away_while_a_view_opens),
    };
    return run_group(tests);
}
