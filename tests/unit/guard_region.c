/* guard_region.c: the list of mapped ranges: what is found, what is not, and slots that are used again. */
#include "stage.h"
#include "support.h"

enum { PAGE = 4096 };

static struct guard_region *add(uintptr_t first_page, uintptr_t pages, uint64_t inode, uint64_t last)
{
    struct guard_region *region = NULL;
    const struct guard_region wanted = {.start = first_page * PAGE,
                                        .end = (first_page + pages) * PAGE,
                                        .device = 3,
                                        .inode = inode,
                                        .last = last,
                                        .page_size = PAGE};
    assert_ok(guard_region_add(&region, &wanted));
    assert_non_null(region);
    return region;
}

static void test_find(void **state)
{
    (void)state;
    assert_null(guard_region_at(100 * PAGE));
    struct guard_region *low = add(100, 2, 1, 0);
    struct guard_region *high = add(102, 1, 1, 0);
    assert_null(guard_region_at(100 * PAGE - 1));
    assert_ptr_equal(guard_region_at(100 * PAGE), low);
    assert_ptr_equal(guard_region_at(102 * PAGE - 1), low);
    assert_ptr_equal(guard_region_at(102 * PAGE), high);
    assert_null(guard_region_at(103 * PAGE));
    assert_true(atomic_load(&low->lost) == UINT64_MAX);
    guard_region_remove(low);
    assert_null(guard_region_at(100 * PAGE));
    assert_ptr_equal(guard_region_at(102 * PAGE), high);
    guard_region_remove(high);
    assert_null(guard_region_at(102 * PAGE));
    guard_region_remove(NULL);
}

static void test_slots_are_used_again(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct guard_region *regions[COUNT];
    static struct guard_region *again[COUNT];
    for (uintptr_t i = 0; i < COUNT; i++)
        regions[i] = add(1000 + i, 1, 1, 0);
    for (uintptr_t i = 0; i < COUNT; i++)
        assert_ptr_equal(guard_region_at((1000 + i) * PAGE + 5), regions[i]);
    for (size_t i = 0; i < COUNT; i++)
        guard_region_remove(regions[i]);
    for (uintptr_t i = 0; i < COUNT; i++)
        again[i] = add(5000 + i, 1, 1, 0);
    for (uintptr_t i = 0; i < COUNT; i++) {
        assert_null(guard_region_at((1000 + i) * PAGE));
        assert_ptr_equal(guard_region_at((5000 + i) * PAGE), again[i]);
        size_t old = 0;
        while (old < COUNT && regions[old] != again[i])
            old++;
        assert_true(old < COUNT); /* no new memory */
    }
    for (size_t i = 0; i < COUNT; i++)
        guard_region_remove(again[i]);
}

static void test_beyond(void **state)
{
    (void)state;
    struct guard_region *one = add(100, 1, 5, 1000);
    struct guard_region *two = add(200, 1, 5, 3000);
    assert_true(guard_region_beyond(3, 5, 2999));
    assert_false(guard_region_beyond(3, 5, 3000));
    assert_false(guard_region_beyond(3, 6, 0));
    assert_false(guard_region_beyond(4, 5, 0));
    guard_region_remove(two);
    assert_false(guard_region_beyond(3, 5, 1000));
    assert_true(guard_region_beyond(3, 5, 999));
    guard_region_remove(one);
    assert_false(guard_region_beyond(3, 5, 0));
}

static void test_any(void **state)
{
    (void)state;
    assert_false(guard_region_any());
    struct guard_region *region = add(100, 1, 5, 1000);
    assert_true(guard_region_any());
    region->without_signals = true;
    assert_false(guard_region_any());
    guard_region_remove(region);
    assert_false(guard_region_any());
}

static void *nothing_left(size_t size)
{
    (void)size;
    return NULL;
}

static void test_no_memory(void **state)
{
    (void)state;
    enum { MORE = 2000 }; /* than slots that were ever made */
    static struct guard_region *regions[MORE];
    const struct guard_region wanted = {.start = PAGE, .end = 2 * PAGE};
    size_t made = 0;
    int err = MMF_OK;
    os.allocate = nothing_left;
    while (!err && made < MORE) {
        err = guard_region_add(&regions[made], &wanted);
        made += !err;
    }
    os.allocate = os_native.allocate;
    assert_true(made < MORE);
    assert_code(MMF_ENOMEMORY, err);
    assert_null(regions[made]);
    while (made > 0)
        guard_region_remove(regions[--made]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),      cmocka_unit_test(test_slots_are_used_again),
        cmocka_unit_test(test_beyond),    cmocka_unit_test(test_any),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
