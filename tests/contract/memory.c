/* memory.c: advice, prefetch, residency, probing, locking, zeroing, huge pages. */
#define _GNU_SOURCE
#include "support.h"

#include <sys/resource.h>
#include <unistd.h>

#define LENGTH (40 * 65536 + 100)

static mmf_map *map;
static mmf_view *view;

static int open_both(void **state)
{
    (void)state;
    return mmf_map_from_file(&map, pattern_file("memory", LENGTH), NULL) || mmf_view_open(&view, map, 0, 0, NULL);
}

static int close_both(void **state)
{
    (void)state;
    return mmf_view_close(&view) || mmf_map_close(&map);
}

static uint64_t pages_of(uint64_t from, uint64_t to)
{
    const uint64_t page = mmf_page_size();
    return (to + page - 1) / page - from / page;
}

TEST(advice_never_changes_a_byte)
{
    for (int advice = MMF_ADVISE_NORMAL; advice <= MMF_ADVISE_NO_DUMP; advice++) {
        int err = mmf_view_advise(view, 0, 0, (mmf_advice)advice);
        if (err != MMF_ENOTSUP || advice <= MMF_ADVISE_WILL_NEED)
            assert_code(MMF_OK, err);
        err = mmf_view_advise(view, 70001, 12345, (mmf_advice)advice);
        if (err != MMF_ENOTSUP)
            assert_code(MMF_OK, err);
        assert_same(LENGTH, match_pattern(mmf_view_data(view), 0, LENGTH));
    }
    assert_ok(mmf_view_put_u8(view, 5, pattern(5)));
    assert_code(MMF_ERANGE, mmf_view_advise(view, LENGTH + 1, 0, MMF_ADVISE_NORMAL));
    assert_code(MMF_ERANGE, mmf_view_advise(view, 1, LENGTH, MMF_ADVISE_NORMAL));
    assert_code(MMF_ERANGE, mmf_view_advise(view, UINT64_MAX, 2, MMF_ADVISE_NORMAL));
    assert_code(MMF_EINVAL, mmf_view_advise(view, 0, 0, (mmf_advice)-1));
}

/* Private changes are not a cache: paging out must not lose them. */
TEST(advice_keeps_private_changes)
{
    mmf_view *copy = NULL;
    assert_ok(mmf_view_open(&copy, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    for (int advice = MMF_ADVISE_NORMAL; advice <= MMF_ADVISE_NO_DUMP; advice++) {
        uint32_t value = 0;
        assert_ok(mmf_view_put_u32(copy, 70000, 0xABCD0000U + (uint32_t)advice));
        (void)mmf_view_advise(copy, 0, 0, (mmf_advice)advice);
        assert_ok(mmf_view_get_u32(copy, 70000, &value));
        assert_int_equal(0xABCD0000U + (uint32_t)advice, value);
    }
    assert_ok(mmf_view_close(&copy));
}

TEST(prefetch)
{
    static mmf_range ranges[3000];
    for (size_t i = 0; i < COUNT(ranges); i++)
        ranges[i] = (mmf_range){i * 7919 % LENGTH, i % 3 ? 1 : 0};
    assert_ok(mmf_view_prefetch(view, ranges, COUNT(ranges)));
    assert_ok(mmf_view_prefetch(view, ranges, 0));
    assert_ok(mmf_view_prefetch(view, NULL, 0));
    assert_ok(mmf_view_prefetch(view, &(mmf_range){0, LENGTH}, 1));
    assert_ok(mmf_view_prefetch(view, &(mmf_range){LENGTH, 0}, 1));
    assert_code(MMF_ERANGE, mmf_view_prefetch(view, &(mmf_range){LENGTH + 1, 0}, 1));
    assert_code(MMF_ERANGE, mmf_view_prefetch(view, &(mmf_range){1, LENGTH}, 1));
    assert_code(MMF_ERANGE, mmf_view_prefetch(view, &(mmf_range){UINT64_MAX, 2}, 1));
    assert_code(MMF_EINVAL, mmf_view_prefetch(view, NULL, 1));
    ranges[2999] = (mmf_range){LENGTH, 1};
    assert_code(MMF_ERANGE, mmf_view_prefetch(view, ranges, COUNT(ranges)));
}

TEST(resident)
{
    uint64_t count = 77;
    static uint8_t pages[LENGTH / 4096 + 2];
    if (!have(MMF_FEATURE_RESIDENT)) {
        assert_code(MMF_ENOTSUP, mmf_view_resident(&count, view, 0, 0, NULL, 0));
        assert_same(0, count);
        return;
    }
    const size_t all = (size_t)pages_of(0, LENGTH);
    assert_ok(mmf_view_probe(view, 0, 0));
    memset(pages, 9, sizeof pages);
    assert_ok(mmf_view_resident(&count, view, 0, 0, pages, sizeof pages));
    assert_same(all, count);
    for (size_t i = 0; i < sizeof pages; i++)
        assert_int_equal(i < all ? 1 : 9, pages[i]);
    assert_ok(mmf_view_resident(&count, view, 0, 0, pages, all));
    assert_code(MMF_ERANGE, mmf_view_resident(&count, view, 0, 0, pages, all - 1));
    assert_same(0, count);
    /* The first page is the one that holds the position. */
    assert_ok(mmf_view_resident(&count, view, mmf_page_size() - 1, 2, pages, 2));
    assert_same(2, count);
    assert_ok(mmf_view_resident(&count, view, mmf_page_size(), 1, NULL, 0));
    assert_same(1, count);
    assert_ok(mmf_view_resident(&count, view, LENGTH, 0, NULL, 0));
    assert_same(0, count);
    assert_code(MMF_ERANGE, mmf_view_resident(&count, view, LENGTH + 1, 0, NULL, 0));
    assert_code(MMF_ERANGE, mmf_view_resident(&count, view, 1, LENGTH, NULL, 0));
    assert_same(0, count);
}

/* Evicted pages are told from those in memory. */
TEST(resident_after_eviction)
{
    if (!have(MMF_FEATURE_RESIDENT))
        skip_test("the system does not tell");
    uint64_t before = 0, after = 0;
    assert_ok(mmf_map_sync(map));
    assert_ok(mmf_view_probe(view, 0, 0));
    assert_ok(mmf_view_resident(&before, view, 0, 0, NULL, 0));
    if (mmf_view_advise(view, 0, 0, MMF_ADVISE_PAGE_OUT) == MMF_ENOTSUP)
        skip_test("pages cannot be evicted");
    assert_ok(mmf_view_resident(&after, view, 0, 0, NULL, 0));
    if (after == before)
        skip_test("the pages of this file system stay in memory");
    assert_true(after < before);
    assert_same(LENGTH, match_pattern(mmf_view_data(view), 0, LENGTH));
}

static int resident_as_nobody(void *argument)
{
    mmf_map *own = NULL;
    mmf_view *of_it = NULL;
    uint64_t count = 77;
    child_expect(!setgid(65534) && !setuid(65534));
    child_expect(mmf_map_from_file(&own, argument, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_OK);
    child_expect(mmf_view_open(&of_it, own, 0, 0, NULL) == MMF_OK);
    int err = mmf_view_resident(&count, of_it, 0, 0, NULL, 0);
    child_expect(err == MMF_EACCESS && count == 0);
    child_expect(mmf_view_close(&of_it) == MMF_OK && mmf_map_close(&own) == MMF_OK);
    return 0;
}

TEST(resident_is_not_told_to_everybody)
{
    if (!have(MMF_FEATURE_RESIDENT) || geteuid() != 0)
        skip_test("needs root, to become somebody else");
    const char *path = pattern_file("others", 10000);
    assert_int_equal(0, in_child(resident_as_nobody, (void *)(uintptr_t)path));
}

TEST(probe)
{
    assert_ok(mmf_view_probe(view, 0, 0));
    assert_ok(mmf_view_probe(view, LENGTH, 0));
    assert_ok(mmf_view_probe(view, LENGTH - 1, 1));
    assert_code(MMF_ERANGE, mmf_view_probe(view, LENGTH, 1));
    assert_code(MMF_ERANGE, mmf_view_probe(view, LENGTH + 1, 0));
    assert_code(MMF_ERANGE, mmf_view_probe(view, UINT64_MAX, 0));
    const uint64_t page = mmf_page_size(), end = 10 * page + 5, whole = 11 * page;
    set_length(temp_path("memory"), end);
    assert_ok(mmf_view_probe(view, 0, whole));
    static const uint64_t starts[] = {0, 1, 5000, 40000};
    for (size_t i = 0; i < COUNT(starts); i++) {
        assert_code(MMF_EFAULT, mmf_view_probe(view, starts[i], 0));
        assert_same(whole, mmf_last_error()->offset);
        assert_same(whole - starts[i], mmf_last_error()->done);
        assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
    }
    assert_code(MMF_EFAULT, mmf_view_probe(view, whole + 77, 1));
    assert_same(0, mmf_last_error()->done);
    assert_same(whole + 77, mmf_last_error()->offset);
    write_pattern(temp_path("memory"), LENGTH);
    assert_ok(mmf_view_probe(view, 0, 0));
}

TEST(lock)
{
    assert_ok(mmf_view_lock(view, 100, 100000));
    assert_ok(mmf_view_lock(view, 200, 100)); /* locks do not nest */
    assert_ok(mmf_view_unlock(view, 0, 0));
    assert_ok(mmf_view_unlock(view, 0, 0));
    assert_ok(mmf_view_lock(view, LENGTH, 0));
    assert_code(MMF_ERANGE, mmf_view_lock(view, LENGTH + 1, 0));
    assert_code(MMF_ERANGE, mmf_view_lock(view, 1, LENGTH));
    assert_code(MMF_ERANGE, mmf_view_unlock(view, LENGTH + 1, 0));
    assert_code(MMF_ERANGE, mmf_view_unlock(view, UINT64_MAX, 5));
    if (SANITIZED)
        skip_test("the sanitizer answers mlock() itself");
    set_length(temp_path("memory"), 5000);
    assert_code(MMF_EFAULT, mmf_view_lock(view, 0, 0));
    assert_int_equal(MMF_CAUSE_END_OF_FILE, mmf_last_error()->cause);
    write_pattern(temp_path("memory"), LENGTH);
}

static uint64_t locked_kibibytes(void)
{
    char line[256];
    unsigned long long value = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmLck: %llu", &value) == 1)
            break;
    if (status)
        fclose(status);
    return value;
}

static int lock_with_limit(void *argument)
{
    struct rlimit limit = {.rlim_cur = 64 * 1024, .rlim_max = 64 * 1024};
    mmf_map *own = NULL;
    mmf_view *of_it = NULL;
    (void)argument;
    child_expect(!setrlimit(RLIMIT_MEMLOCK, &limit));
    if (geteuid() == 0)
        child_expect(!setgid(65534) && !setuid(65534));
    child_expect(mmf_map_create(&own, NULL, MIB, NULL) == MMF_OK);
    child_expect(mmf_view_open(&of_it, own, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_lock(of_it, 0, 0) == MMF_ENOMEMORY);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY);
    child_expect(!have_proc() || locked_kibibytes() == 0); /* not even a part of it */
    child_expect(mmf_view_lock(of_it, 0, 16 * 1024) == MMF_OK);
    child_expect(!have_proc() || locked_kibibytes() >= 16);
    child_expect(mmf_view_unlock(of_it, 0, 0) == MMF_OK);
    child_expect(!have_proc() || locked_kibibytes() == 0);
    child_expect(mmf_view_close(&of_it) == MMF_OK && mmf_map_close(&own) == MMF_OK);
    return 0;
}

TEST(lock_beyond_the_limit)
{
    if (SANITIZED)
        skip_test("the sanitizer answers mlock() itself");
    assert_int_equal(0, in_child(lock_with_limit, NULL));
}

/* --- Zeros -------------------------------------------------------------------------------------------------------- */

static bool reads_zero(const mmf_view *of, uint64_t from, uint64_t to)
{
    for (uint64_t at = from; at < to; at++)
        if (((const unsigned char *)mmf_view_data(of))[at])
            return false;
    return true;
}

TEST(zero)
{
    static const uint64_t edges[] = {0, 1, 4095, 4096, 4097, 65536, 100000, LENGTH - 1, LENGTH};
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t j = i; j < COUNT(edges); j++) {
            if (i == j && edges[i] != LENGTH)
                continue; /* size 0 is "to the end" */
            write_pattern(temp_path("memory"), LENGTH);
            assert_ok(mmf_view_zero(view, edges[i], edges[j] - edges[i]));
            assert_same(edges[i], match_pattern(mmf_view_data(view), 0, (size_t)edges[i]));
            assert_true(reads_zero(view, edges[i], edges[j]));
            assert_same(LENGTH - edges[j], match_pattern((const unsigned char *)mmf_view_data(view) + edges[j],
                                                         edges[j], (size_t)(LENGTH - edges[j])));
            assert_same(LENGTH, file_length(temp_path("memory")));
        }
    write_pattern(temp_path("memory"), LENGTH);
    assert_ok(mmf_view_zero(view, 1000, 0));
    assert_true(reads_zero(view, 1000, LENGTH));
    assert_code(MMF_ERANGE, mmf_view_zero(view, LENGTH + 1, 0));
    assert_code(MMF_ERANGE, mmf_view_zero(view, 1, LENGTH));
    assert_code(MMF_ERANGE, mmf_view_zero(view, UINT64_MAX, 2));
    write_pattern(temp_path("memory"), LENGTH);
}

/* The bytes around an unaligned view belong to others. */
TEST(zero_stays_inside_the_view)
{
    mmf_view *part = NULL;
    write_pattern(temp_path("memory"), LENGTH);
    assert_ok(mmf_view_open(&part, map, 70001, 200001, NULL));
    assert_ok(mmf_view_zero(part, 0, 0));
    assert_true(reads_zero(part, 0, 200001));
    assert_same(70001, match_pattern(mmf_view_data(view), 0, 70001));
    assert_same(LENGTH - 270002,
                match_pattern((const unsigned char *)mmf_view_data(view) + 270002, 270002, LENGTH - 270002));
    assert_ok(mmf_view_close(&part));
    write_pattern(temp_path("memory"), LENGTH);
}

TEST(zero_gives_blocks_back)
{
    if (!have(MMF_FEATURE_PUNCH))
        skip_test("no holes can be punched here");
    const char *path = temp_path("punched");
    mmf_map *reserved = NULL;
    mmf_view *of_it = NULL;
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_from_file(&reserved, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 4 * MIB)));
    assert_ok(mmf_view_open(&of_it, reserved, 0, 0, NULL));
    uint64_t before = file_allocated(path);
    if (have(MMF_FEATURE_RESERVE)) {
        assert_true(before >= 4 * MIB);
        assert_ok(mmf_map_info(&details, reserved));
        assert_true(details.reserved != MMF_RESERVED_NONE);
    } else {
        memset(mmf_view_mutable(of_it), 1, 4 * MIB);
        assert_ok(mmf_map_sync(reserved));
        before = file_allocated(path);
    }
    assert_ok(mmf_view_zero(of_it, MIB, 2 * MIB));
    if (file_allocated(path) > before - 2 * MIB) {
        mmf_view_close(&of_it);
        mmf_map_close(&reserved);
        skip_test("this file system keeps the blocks");
    }
    assert_ok(mmf_map_info(&details, reserved));
    assert_int_equal(MMF_RESERVED_NONE, details.reserved); /* the promise is gone, and said to be */
    assert_same(4 * MIB, file_length(path));
    assert_ok(mmf_view_close(&of_it));
    assert_ok(mmf_map_close(&reserved));
    unlink(path);
}

TEST(zero_of_a_copy_stays_private)
{
    mmf_view *copy = NULL;
    assert_ok(mmf_view_open(&copy, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_view_zero(copy, 0, 0));
    assert_true(reads_zero(copy, 0, LENGTH));
    assert_same(LENGTH, match_pattern(mmf_view_data(view), 0, LENGTH));
    assert_ok(mmf_view_close(&copy));
    assert_true(file_holds(temp_path("memory"), LENGTH, LENGTH));
}

TEST(zero_through_a_view_that_only_writes)
{
    mmf_view *writer = NULL;
    assert_ok(mmf_view_open(&writer, map, 0, 0, MMF_VIEW_OPTIONS(.access = MMF_WRITE)));
    assert_ok(mmf_view_zero(writer, 5, 100000));
    assert_true(reads_zero(view, 5, 100005));
    assert_int_equal(pattern(4), file_byte(temp_path("memory"), 4));
    assert_int_equal(pattern(100005), file_byte(temp_path("memory"), 100005));
    assert_ok(mmf_view_close(&writer));
    write_pattern(temp_path("memory"), LENGTH);
}

TEST(zero_of_memory)
{
    mmf_map *memory = NULL;
    mmf_view *of_it = NULL;
    assert_ok(mmf_map_create(&memory, NULL, MIB, NULL));
    assert_ok(mmf_view_open(&of_it, memory, 3, 0, NULL));
    memset(mmf_view_mutable(of_it), 5, MIB - 3);
    assert_ok(mmf_view_zero(of_it, 100, MIB / 2));
    assert_true(reads_zero(of_it, 100, 100 + MIB / 2));
    assert_int_equal(5, ((const unsigned char *)mmf_view_data(of_it))[99]);
    assert_int_equal(5, ((const unsigned char *)mmf_view_data(of_it))[100 + MIB / 2]);
    assert_ok(mmf_view_close(&of_it));
    assert_ok(mmf_map_close(&memory));
}

/* --- Huge pages --------------------------------------------------------------------------------------------------- */

static unsigned long huge_pages_before;

static bool set_huge_pages(unsigned long count)
{
    FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "r+e");
    unsigned long now = 0;
    if (!setting)
        return false;
    bool done = fprintf(setting, "%lu\n", count) > 0;
    done = fclose(setting) == 0 && done;
    setting = fopen("/proc/sys/vm/nr_hugepages", "re");
    if (!setting || fscanf(setting, "%lu", &now) != 1)
        done = false;
    if (setting)
        fclose(setting);
    return done && now >= count;
}

static void restore_huge_pages(void)
{
    set_huge_pages(huge_pages_before);
}

TEST(huge_pages)
{
    mmf_map *huge = NULL;
    if (!have(MMF_FEATURE_HUGE_PAGES)) {
        assert_code(MMF_ENOTSUP, mmf_map_create(&huge, NULL, 4 * MIB, MMF_MAP_OPTIONS(.huge_pages = 1)));
        assert_null(huge);
        return;
    }
    FILE *setting = fopen("/proc/sys/vm/nr_hugepages", "re");
    if (!setting || fscanf(setting, "%lu", &huge_pages_before) != 1)
        skip_test("nr_hugepages cannot be read");
    fclose(setting);
    if (huge_pages_before == 0) {
        /* Not one is free: the map must not be made, since its first store would kill. */
        int err = mmf_map_create(&huge, NULL, 4 * MIB, MMF_MAP_OPTIONS(.huge_pages = 1));
        if (err == MMF_OK) {
            mmf_view *none = NULL;
            err = mmf_view_open(&none, huge, 0, 0, NULL);
            assert_null(none);
            assert_ok(mmf_map_close(&huge));
        }
        assert_int_equal(MMF_ENOMEMORY, err);
    }
    atexit(restore_huge_pages);
    if (geteuid() != 0 || !set_huge_pages(huge_pages_before + 4)) {
        restore_huge_pages();
        skip_test("nr_hugepages cannot be raised");
    }
    mmf_view *of_it = NULL;
    uint64_t value = 1;
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_create(&huge, NULL, 3 * MIB, MMF_MAP_OPTIONS(.huge_pages = 1)));
    assert_same(3 * MIB, mmf_map_capacity(huge)); /* exact, though the memory is in larger pieces */
    assert_ok(mmf_map_info(&details, huge));
    assert_true(details.granularity >= 2 * MIB);
    assert_ok(mmf_view_open(&of_it, huge, 1000, 0, NULL));
    assert_same(3 * MIB - 1000, mmf_view_size(of_it));
    assert_ok(mmf_view_put_u64(of_it, 2 * MIB - 1003, 77)); /* across the pages */
    assert_ok(mmf_view_get_u64(of_it, 2 * MIB - 1003, &value));
    assert_same(77, value);
    assert_ok(mmf_view_probe(of_it, 0, 0));
    assert_ok(mmf_view_flush(of_it, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_view_zero(of_it, 10, 2 * MIB));
    assert_true(reads_zero(of_it, 10, 2 * MIB + 10));
    mmf_view *copy = NULL;
    int err = mmf_view_open(&copy, huge, 2 * MIB + 5, 1000, MMF_VIEW_OPTIONS(.access = MMF_COPY_ON_WRITE));
    if (err == MMF_OK) {
        assert_ok(mmf_view_put_u64(copy, 0, 1));
        assert_ok(mmf_view_get_u64(of_it, 2 * MIB + 5 - 1000, &value));
        assert_same(0, value);
        assert_ok(mmf_view_close(&copy));
    } else {
        assert_int_equal(MMF_ENOMEMORY, err);
    }
    assert_ok(mmf_view_close(&of_it));
    assert_ok(mmf_map_close(&huge));
    /* A size that no processor has. */
    err = mmf_map_create(&huge, NULL, 3 * MIB, MMF_MAP_OPTIONS(.huge_pages = 3 * 1024 * 1024));
    assert_true(err == MMF_EINVAL || err == MMF_ENOTSUP);
    assert_null(huge);
    restore_huge_pages();
}

TEST(huge_pages_of_files)
{
    mmf_map *huge = NULL;
    assert_code(MMF_ENOTSUP, mmf_map_from_file(&huge, pattern_file("others", 10000), MMF_MAP_OPTIONS(.huge_pages = 1)));
    assert_null(huge);
    mmf_map *memory = NULL;
    mmf_view *of_it = NULL;
    assert_ok(mmf_map_create(&memory, NULL, 4 * MIB, NULL));
    int err = mmf_view_open(&of_it, memory, 0, 0, MMF_VIEW_OPTIONS(.huge_pages = true));
    assert_true(err == MMF_OK || err == MMF_ENOTSUP);
    assert_true((err == MMF_OK) == (of_it != NULL));
    assert_ok(mmf_view_close(&of_it));
    assert_ok(mmf_map_close(&memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(advice_never_changes_a_byte),
        unit(advice_keeps_private_changes),
        unit(prefetch),
        unit(resident),
        unit(resident_after_eviction),
        unit(resident_is_not_told_to_everybody),
        unit(probe),
        unit(lock),
        unit(lock_beyond_the_limit),
        unit(zero),
        unit(zero_stays_inside_the_view),
        unit(zero_gives_blocks_back),
        unit(zero_of_a_copy_stays_private),
        unit(zero_through_a_view_that_only_writes),
        unit(zero_of_memory),
        unit(huge_pages),
        unit(huge_pages_of_files),
    };
    int failed = cmocka_run_group_tests(tests, open_both, close_both);
    return support_finish(failed, COUNT(tests));
}
