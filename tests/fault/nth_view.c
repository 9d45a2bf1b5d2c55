/* nth_view.c: every call on a view and of the guard, with every system call below it made to fail. */
#define _GNU_SOURCE
#include "nth.h"

#include <unistd.h>

static mmf_view *const unset = (mmf_view *)(uintptr_t)0x51;

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static void prepare_map(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, NULL));
}

static void prepare_execute_map(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
}

static void prepare_anonymous(struct nth *nth)
{
    assert_ok(mmf_map_create(&nth->map, NULL, NTH_SIZE, NULL));
}

static int open_view(struct nth *nth, uint64_t offset, uint64_t size, const mmf_view_options *options)
{
    nth->view = unset;
    int code = mmf_view_open(&nth->view, nth->map, offset, size, options);
    if (code)
        nth_expect(nth->view == NULL);
    else
        nth_expect(nth->view != NULL && nth->view != unset);
    return code;
}

/* After MMF_OK every byte can be had. */
static void check_view(struct nth *nth, int code)
{
    mmf_map_details details = {.struct_size = sizeof details};
    nth_expect(mmf_map_info(&details, nth->map) == MMF_OK);
    nth_expect(details.views == (code ? 0 : 1));
    if (code)
        return;
    mmf_view_details of_view = {.struct_size = sizeof of_view};
    nth_expect(mmf_view_info(&of_view, nth->view) == MMF_OK);
    if (of_view.access != MMF_WRITE && !details.anonymous) {
        nth_expect(mmf_view_read(nth->view, 0, nth->bytes, (size_t)of_view.size) == MMF_OK);
        nth_expect(match_pattern(nth->bytes, of_view.offset, (size_t)of_view.size) == of_view.size);
    }
}

#define OPENS(name, offset, size, ...)                                                                                 \
    static int name(struct nth *nth)                                                                                   \
    {                                                                                                                  \
        return open_view(nth, offset, size, MMF_VIEW_OPTIONS(__VA_ARGS__));                                            \
    }
OPENS(view_default, 0, 0, .access = MMF_ACCESS_DEFAULT)
OPENS(view_read, 5001, 100, .access = MMF_READ)
OPENS(view_write, 0, 0, .access = MMF_WRITE)
OPENS(view_copy, 0, 0, .access = MMF_COPY_ON_WRITE)
OPENS(view_execute, 0, 0, .access = MMF_READ_EXECUTE)
OPENS(view_empty, NTH_SIZE, 0, .access = MMF_READ)
OPENS(view_populate, 0, 0, .populate = true)
OPENS(view_populate_copy, 0, 0, .access = MMF_COPY_ON_WRITE, .populate = true)
OPENS(view_zero_mode, 0, 0, .on_fault = MMF_FAULT_ZERO)
OPENS(view_huge, 0, 0, .huge_pages = true)
OPENS(view_address, 0, 0, .address = (void *)(uintptr_t)0x10000000)
OPENS(view_range, 0, NTH_SIZE + 1, .access = MMF_READ)

/* As if it were the first of the process: the guard has to be installed again. */
static void prepare_without_guard(struct nth *nth)
{
    assert_ok(mmf_guard_remove());
    prepare_map(nth);
}

static const struct nth_scenario opening[] = {
    {"view_default", prepare_map, view_default, check_view, .flags = 0},
    {"view_read", prepare_map, view_read, check_view, .flags = 0},
    {"view_write", prepare_map, view_write, check_view, .flags = 0},
    {"view_copy", prepare_map, view_copy, check_view, .flags = 0},
    {"view_execute", prepare_execute_map, view_execute, check_view, .flags = 0},
    {"view_empty", prepare_map, view_empty, check_view, .flags = 0},
    {"view_populate", prepare_map, view_populate, check_view, .flags = 0},
    {"view_populate_copy", prepare_map, view_populate_copy, check_view, .flags = 0},
    {"view_zero_mode", prepare_map, view_zero_mode, check_view, .flags = 0},
    {"view_address", prepare_map, view_address, check_view, .flags = 0},
    {"view_range", prepare_map, view_range, check_view, .clean = MMF_ERANGE},
    {"view_anonymous", prepare_anonymous, view_default, check_view, .flags = 0},
    {"view_first", prepare_without_guard, view_default, check_view, .flags = 0},
    {"view_first_zero_mode", prepare_without_guard, view_zero_mode, check_view, .flags = 0},
    {"view_without_signals", prepare_map, view_default, check_view, .flags = NTH_NO_SIGNALS},
};

/* What the kernel of this machine answers to a wish for huge pages is the clean result. */
static struct nth_scenario huge = {"view_huge", prepare_map, view_huge, check_view, .also = {MMF_ENOTSUP}};

/* --- Using -------------------------------------------------------------------------------------------------------- */

static void prepare_view(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 0, NULL));
}

static void prepare_copy(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
}

static void prepare_anonymous_view(struct nth *nth)
{
    prepare_anonymous(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 0, NULL));
    fill_pattern(mmf_view_mutable(nth->view), 0, NTH_SIZE);
}

static void prepare_write_through(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, MMF_MAP_OPTIONS(.write_through = true)));
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 0, NULL));
}

static int read_all(struct nth *nth)
{
    memset(nth->bytes, 0, sizeof nth->bytes);
    return mmf_view_read(nth->view, 0, nth->bytes, NTH_SIZE);
}

/* Bytes said to be done are right. */
static void check_read(struct nth *nth, int code)
{
    size_t done = NTH_SIZE;
    if (code == MMF_EFAULT && !nth->retried)
        done = (size_t)mmf_last_error()->done;
    else if (code)
        done = 0;
    nth_expect(done <= NTH_SIZE);
    nth_expect(match_pattern(nth->bytes, 0, done) == done);
}

static int write_all(struct nth *nth)
{
    memset(nth->bytes, 0x99, sizeof nth->bytes);
    return mmf_view_write(nth->view, 0, nth->bytes, NTH_SIZE);
}

static void check_written(struct nth *nth, int code)
{
    size_t done = NTH_SIZE;
    if (code)
        done = code == MMF_EFAULT ? (size_t)mmf_last_error()->done : 0;
    nth_expect(mmf_view_read(nth->view, 0, nth->bytes, NTH_SIZE) == MMF_OK);
    for (size_t i = 0; i < done; i++)
        nth_expect(nth->bytes[i] == 0x99);
}

static int get_number(struct nth *nth)
{
    nth->number = 99;
    return mmf_view_get_u64(nth->view, 4093, &nth->number);
}

static void check_number(struct nth *nth, int code)
{
    uint64_t expected;
    unsigned char bytes[8];
    fill_pattern(bytes, 4093, 8);
    memcpy(&expected, bytes, 8);
    nth_expect(nth->number == (code ? 0 : expected));
}

static int put_number(struct nth *nth)
{
    return mmf_view_put_u64(nth->view, 4093, 0x0102030405060708);
}

static void check_put(struct nth *nth, int code)
{
    uint64_t now = 0;
    nth_expect(mmf_view_get_u64(nth->view, 4093, &now) == MMF_OK);
    if (!code)
        nth_expect(now == 0x0102030405060708);
}

static int read_array(struct nth *nth)
{
    nth->done = 99;
    return mmf_view_read_array(nth->view, 1, nth->bytes, 7, 1000, &nth->done);
}

static void check_array(struct nth *nth, int code)
{
    nth_expect(nth->done <= 1000);
    nth_expect(code || nth->done == 1000);
    nth_expect(match_pattern(nth->bytes, 1, nth->done * 7) == nth->done * 7);
}

#define FLUSHES(name, how)                                                                                             \
    static int name(struct nth *nth)                                                                                   \
    {                                                                                                                  \
        return mmf_view_flush(nth->view, 10, 9000, how);                                                               \
    }
FLUSHES(flush_start, MMF_FLUSH_START)
FLUSHES(flush_wait, MMF_FLUSH_WAIT)
FLUSHES(flush_sync, MMF_FLUSH_SYNC)

static int advise(struct nth *nth)
{
    return mmf_view_advise(nth->view, 0, 0, MMF_ADVISE_RANDOM);
}

static int prefetch(struct nth *nth)
{
    static const mmf_range ranges[] = {{0, 10}, {4096, 5000}, {12000, 1}};
    return mmf_view_prefetch(nth->view, ranges, COUNT(ranges));
}

static int lock_pages(struct nth *nth)
{
    return mmf_view_lock(nth->view, 0, 0);
}

static int unlock_pages(struct nth *nth)
{
    return mmf_view_unlock(nth->view, 0, 0);
}

static int resident(struct nth *nth)
{
    nth->number = 99;
    return mmf_view_resident(&nth->number, nth->view, 0, 0, nth->bytes, sizeof nth->bytes);
}

static void check_resident(struct nth *nth, int code)
{
    nth_expect(code ? nth->number == 0 : nth->number <= 4);
}

static int probe(struct nth *nth)
{
    return mmf_view_probe(nth->view, 0, 0);
}

static int protect(struct nth *nth)
{
    return mmf_view_protect(nth->view, 0, 0, MMF_READ);
}

static void check_protected(struct nth *nth, int code)
{
    nth_expect(mmf_view_put_u8(nth->view, 0, pattern(0)) == (code ? MMF_OK : MMF_EACCESS));
}

static int zero(struct nth *nth)
{
    return mmf_view_zero(nth->view, 100, 9000);
}

static void check_zero(struct nth *nth, int code)
{
    nth_expect(mmf_view_read(nth->view, 0, nth->bytes, NTH_SIZE) == MMF_OK);
    nth_expect(match_pattern(nth->bytes, 0, 100) == 100);
    nth_expect(match_pattern(nth->bytes + 9100, 9100, NTH_SIZE - 9100) == NTH_SIZE - 9100);
    for (size_t i = 100; i < 9100 && !code; i++)
        nth_expect(nth->bytes[i] == 0);
}

static const struct nth_scenario using[] = {
    {"read_all", prepare_view, read_all, check_read, .flags = NTH_NO_CALLS},
    {"get_number", prepare_view, get_number, check_number, .flags = NTH_NO_CALLS},
    {"put_number", prepare_view, put_number, check_put, .flags = NTH_NO_CALLS, .file = NTH_WRITES},
    {"flush_start", prepare_view, flush_start, NULL, .flags = NTH_POISONS},
    {"flush_wait", prepare_view, flush_wait, NULL, .flags = NTH_POISONS},
    {"flush_sync", prepare_view, flush_sync, NULL, .flags = NTH_POISONS},
    {"flush_write_through", prepare_write_through, flush_start, NULL, .flags = NTH_POISONS},
    {"flush_copy", prepare_copy, flush_sync, NULL, .flags = NTH_NO_CALLS},
    {"flush_anonymous", prepare_anonymous_view, flush_sync, NULL, .flags = NTH_NO_CALLS},
    {"advise", prepare_view, advise, NULL, .flags = 0},
    {"prefetch", prepare_view, prefetch, NULL, .flags = 0},
    {"lock_pages", prepare_view, lock_pages, NULL, .also = {MMF_ENOMEMORY}},
    {"unlock_pages", prepare_view, unlock_pages, NULL, .flags = 0},
    {"probe", prepare_view, probe, NULL, .flags = 0},
    {"protect", prepare_view, protect, check_protected, .flags = 0},
    {"zero", prepare_view, zero, check_zero, .file = NTH_WRITES},
    {"zero_anonymous", prepare_anonymous_view, zero, check_zero, .flags = 0},
};

static const struct nth_scenario resident_pages[] = {
    {"resident", prepare_view, resident, check_resident, .flags = 0},
};

/* --- Without signals ---------------------------------------------------------------------------------------------- */

static const struct nth_scenario without_signals[] = {
    {"quiet_read", prepare_view, read_all, check_read, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_write", prepare_view, write_all, check_written, .flags = NTH_NO_SIGNALS, .file = NTH_WRITES,
     .also = {MMF_EFAULT}},
    {"quiet_get", prepare_view, get_number, check_number, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_put", prepare_view, put_number, check_put, .flags = NTH_NO_SIGNALS, .file = NTH_WRITES,
     .also = {MMF_EFAULT}},
    {"quiet_array", prepare_view, read_array, check_array, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_probe", prepare_view, probe, NULL, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_zero", prepare_view, zero, check_zero, .flags = NTH_NO_SIGNALS, .file = NTH_WRITES, .also = {MMF_EFAULT}},
};

static const struct nth_scenario copies_without_signals[] = {
    {"quiet_copy_read", prepare_copy, read_all, check_read, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_copy_write", prepare_copy, write_all, check_written, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
    {"quiet_copy_zero", prepare_copy, zero, check_zero, .flags = NTH_NO_SIGNALS, .also = {MMF_EFAULT}},
};

/* --- Lost pages: finding out why must not hide that -----------------------------------------------------------------
 */

static void prepare_cut(struct nth *nth)
{
    prepare_view(nth);
    set_length(nth->path, 0);
}

static void prepare_cut_zero(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 0, MMF_VIEW_OPTIONS(.on_fault = MMF_FAULT_ZERO)));
    set_length(nth->path, 0);
    assert_int_equal(0, *(const volatile unsigned char *)mmf_view_data(nth->view));
}

static int read_lost(struct nth *nth)
{
    int code = mmf_view_read(nth->view, 10, nth->bytes, 100);
    nth_expect(code == MMF_EFAULT && mmf_last_error()->done == 0 && mmf_last_error()->offset == 10);
    return code;
}

static int get_lost(struct nth *nth)
{
    int code = get_number(nth);
    nth_expect(code == MMF_EFAULT && nth->number == 0);
    return code;
}

static int touch_raw(void *argument)
{
    return *(const volatile unsigned char *)argument;
}

static int run_lost(struct nth *nth)
{
    mmf_fault fault;
    int code = mmf_guard_run(touch_raw, (void *)(uintptr_t)mmf_view_data(nth->view), &fault);
    nth_expect(code == MMF_EFAULT && fault.address == mmf_view_data(nth->view));
    return code;
}

static int check_lost(struct nth *nth)
{
    return mmf_view_check(nth->view);
}

static int flush_lost(struct nth *nth)
{
    return mmf_view_flush(nth->view, 0, 0, MMF_FLUSH_SYNC);
}

/* The harness looks at the file afterwards. */
static void put_back(struct nth *nth)
{
    write_pattern(nth->path, NTH_SIZE);
}

#define PUT_BACK(call)                                                                                                 \
    static int put_back_##call(struct nth *nth)                                                                        \
    {                                                                                                                  \
        int code = call(nth);                                                                                          \
        put_back(nth);                                                                                                 \
        return code;                                                                                                   \
    }
PUT_BACK(read_lost)
PUT_BACK(get_lost)
PUT_BACK(put_number)
PUT_BACK(probe)
PUT_BACK(zero)
PUT_BACK(run_lost)
PUT_BACK(check_lost)
PUT_BACK(flush_lost)

/* NTH_CLOSES: the file is whole again afterwards, so a second try would find nothing missing. */
static const struct nth_scenario lost[] = {
    {"lost_read", prepare_cut, put_back_read_lost, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_get", prepare_cut, put_back_get_lost, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_put", prepare_cut, put_back_put_number, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_probe", prepare_cut, put_back_probe, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_zero", prepare_cut, put_back_zero, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_run", prepare_cut, put_back_run_lost, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_check", prepare_cut_zero, put_back_check_lost, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_flush", prepare_cut_zero, put_back_flush_lost, NULL, .flags = NTH_CLOSES, .clean = MMF_EFAULT},
    {"lost_quiet_read", prepare_cut, put_back_read_lost, NULL, .flags = NTH_CLOSES | NTH_NO_SIGNALS,
     .clean = MMF_EFAULT},
    {"lost_quiet_put", prepare_cut, put_back_put_number, NULL, .flags = NTH_CLOSES | NTH_NO_SIGNALS,
     .clean = MMF_EFAULT},
};

/* --- Closing, and the guard --------------------------------------------------------------------------------------- */

static int close_view(struct nth *nth)
{
    int code = mmf_view_close(&nth->view);
    nth_expect(nth->view == NULL);
    return code;
}

static void check_closed(struct nth *nth, int code)
{
    (void)code;
    mmf_map_details details = {.struct_size = sizeof details};
    nth_expect(mmf_map_info(&details, nth->map) == MMF_OK && details.views == 0);
    nth_expect(mappings_of("/nth") == 0);
}

static void prepare_last_view(struct nth *nth)
{
    prepare_view(nth);
    assert_ok(mmf_map_close(&nth->map));
}

static int guard_install(struct nth *nth)
{
    (void)nth;
    return mmf_guard_install(MMF_GUARD_SIGNAL);
}

static int guard_remove(struct nth *nth)
{
    (void)nth;
    return mmf_guard_remove();
}

static void prepare_guard(struct nth *nth)
{
    (void)nth;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
}

static int guard_check(struct nth *nth)
{
    (void)nth;
    return mmf_guard_check();
}

static int guard_copy(struct nth *nth)
{
    return mmf_guard_copy(nth->bytes, mmf_view_data(nth->view), 100, &nth->done);
}

static const struct nth_scenario closing[] = {
    {"close_view", prepare_view, close_view, check_closed, .flags = NTH_CLOSES},
    {"close_last_view", prepare_last_view, close_view, NULL, .flags = NTH_CLOSES},
    {"close_copy", prepare_copy, close_view, check_closed, .flags = NTH_CLOSES},
    {"guard_install", prepare_without_guard, guard_install, NULL, .flags = 0},
    {"guard_remove", prepare_guard, guard_remove, NULL, .flags = 0},
    {"guard_check", prepare_guard, guard_check, NULL, .flags = 0},
    {"guard_copy", prepare_view, guard_copy, NULL, .flags = NTH_NO_CALLS},
};

TEST(opening_views)
{
    nth_run_all(opening, COUNT(opening));
}

TEST(opening_views_of_huge_pages)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    const char *path = fast_path("huge");
    write_pattern(path, NTH_SIZE);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    huge.clean = mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.huge_pages = true));
    mmf_view_close(&view);
    mmf_map_close(&map);
    unlink(path);
    nth_run_all(&huge, 1);
}

TEST(using_views)
{
    nth_run_all(using, COUNT(using));
}

TEST(resident_pages_of_views)
{
    if (!have(MMF_FEATURE_RESIDENT))
        skip_test("the system does not tell");
    nth_run_all(resident_pages, COUNT(resident_pages));
}

TEST(views_without_signals)
{
    nth_run_all(without_signals, COUNT(without_signals));
    if (have(MMF_FEATURE_NO_SIGNAL))
        nth_run_all(copies_without_signals, COUNT(copies_without_signals));
}

TEST(lost_pages)
{
    nth_run_all(lost, COUNT(lost));
}

TEST(closing_views)
{
    nth_run_all(closing, COUNT(closing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(opening_views),           unit(opening_views_of_huge_pages), unit(using_views),
        unit(resident_pages_of_views), unit(views_without_signals),       unit(lost_pages),
        unit(closing_views),
    };
    return run_group(tests);
}
