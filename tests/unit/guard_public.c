/* guard_public.c: what mmf_guard_copy(), _compare() and _find() answer. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include "stage.h"
#include "support.h"

#include <signal.h>
#include <sys/mman.h>

static struct stage stage;

/* cmocka puts its own handlers in front before each test. */
static int setup(void **state)
{
    (void)state;
    stage_make(&stage, 2, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stage_drop(&stage);
    return 0;
}

static void test_copy(void **state)
{
    (void)state;
    unsigned char bytes[100];
    size_t done = 77;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    assert_ok(mmf_guard_copy(bytes, stage.start, 100, &done));
    assert_int_equal(done, 100);
    assert_memory_equal(bytes, stage.start, 100);
    assert_ok(mmf_guard_copy(bytes, stage.start + 50, 100, NULL));
    assert_memory_equal(bytes, stage.start + 50, 100);

    assert_code(MMF_EFAULT, mmf_guard_copy(bytes, stage.border - 33, 100, &done));
    assert_int_equal(done, 33);
    assert_int_equal(mmf_last_error()->done, 33);
    assert_int_equal(mmf_last_error()->cause, MMF_CAUSE_UNKNOWN);
    assert_string_equal(mmf_last_error()->operation, "mmf_guard_copy");
    assert_code(MMF_EFAULT, mmf_guard_copy(stage.border - 7, bytes, 8, NULL));
    assert_int_equal(mmf_last_error()->done, 7);

    assert_ok(mmf_guard_copy(NULL, NULL, 0, &done));
    assert_int_equal(done, 0);
    assert_ok(mmf_guard_copy(stage.border, stage.border, 0, NULL));
}

static void test_copy_null(void **state)
{
    (void)state;
    static unsigned char bytes[5000];
    const size_t sizes[] = {1, 8, 16, 33, 65, 129, 257, 5000};
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        size_t done = 9;
        assert_code(MMF_EINVAL, mmf_guard_copy(NULL, bytes, sizes[i], &done));
        assert_int_equal(done, 0);
        done = 9;
        assert_code(MMF_EINVAL, mmf_guard_copy(bytes, NULL, sizes[i], &done));
        assert_int_equal(done, 0);
    }
}

static void test_offset_and_cause(void **state)
{
    (void)state;
    unsigned char byte;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    struct guard_region *region = stage_register(&stage, false);
    assert_code(MMF_EFAULT, mmf_guard_copy(&byte, stage.border + 3, 1, NULL));
    assert_same(STAGE_OFFSET + 2 * stage.page + 3, mmf_last_error()->offset);
    assert_int_equal(mprotect(stage.start, stage.page, PROT_READ), 0);
    assert_code(MMF_EFAULT, mmf_guard_copy(stage.start + 9, &byte, 1, NULL));
    assert_int_equal(mmf_last_error()->cause, MMF_CAUSE_PROTECTION);
    assert_same(STAGE_OFFSET + 9, mmf_last_error()->offset);
    guard_region_remove(region);
}

static void test_compare(void **state)
{
    (void)state;
    unsigned char bytes[64];
    int order = 9;
    size_t done = 9;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    memcpy(bytes, stage.start, sizeof bytes);
    assert_ok(mmf_guard_compare(bytes, stage.start, 64, &order, &done));
    assert_int_equal(order, 0);
    assert_int_equal(done, 64);
    bytes[40] = 255;
    stage.start[40] = 3;
    assert_ok(mmf_guard_compare(bytes, stage.start, 64, &order, &done));
    assert_true(order > 0);
    assert_int_equal(done, 40);
    assert_ok(mmf_guard_compare(stage.start, bytes, 64, &order, NULL));
    assert_true(order < 0);
    assert_ok(mmf_guard_compare(stage.start, bytes, 40, &order, &done));
    assert_int_equal(order, 0);
    assert_ok(mmf_guard_compare(NULL, NULL, 0, &order, &done));
    assert_int_equal(done, 0);

    order = 9;
    assert_code(MMF_EFAULT, mmf_guard_compare(stage.border - 5, stage.border - 5, 9, &order, &done));
    assert_int_equal(order, 0);
    assert_int_equal(done, 5);
    assert_int_equal(mmf_last_error()->done, 5);
    assert_code(MMF_EINVAL, mmf_guard_compare(NULL, bytes, 1, &order, &done));
    assert_int_equal(done, 0);
    assert_code(MMF_EINVAL, mmf_guard_compare(bytes, NULL, 1, &order, NULL));
    assert_code(MMF_EINVAL, mmf_guard_compare(bytes, bytes, 1, NULL, NULL));
}

static void test_find(void **state)
{
    (void)state;
    size_t at = 9;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    memset(stage.start, 0, 2 * stage.page);
    stage.start[1000] = 200;
    assert_ok(mmf_guard_find(stage.start, 200, 4000, &at));
    assert_int_equal(at, 1000);
    assert_ok(mmf_guard_find(stage.start, 200 - 256, 4000, &at)); /* converted as memchr() does */
    assert_int_equal(at, 1000);
    assert_code(MMF_ENOTFOUND, mmf_guard_find(stage.start, 200, 1000, &at));
    assert_int_equal(at, 0);
    assert_code(MMF_EFAULT, mmf_guard_find(stage.start + 1001, 200, 3 * stage.page, &at));
    assert_int_equal(at, 0);
    assert_same(2 * stage.page - 1001, mmf_last_error()->done);
    assert_ok(mmf_guard_find(stage.start, 200, 3 * stage.page, &at)); /* found before the missing page */
    assert_code(MMF_ENOTFOUND, mmf_guard_find(NULL, 200, 0, &at));
    assert_code(MMF_EINVAL, mmf_guard_find(NULL, 200, 1, &at));
    assert_code(MMF_EINVAL, mmf_guard_find(stage.start, 200, 1, NULL));
}

/* An address no processor accepts: the kernel cannot name it, but the primitive still ends. */
static void test_impossible_address(void **state)
{
    (void)state;
    unsigned char bytes[300];
    size_t done = 9;
    const unsigned char *impossible = (const unsigned char *)(UINTPTR_MAX / 2 + 1 - 64);
    if (sizeof(void *) < 8)
        skip(); /* all addresses are possible */
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
    for (size_t size = 1; size < sizeof bytes; size += 13) {
        assert_code(MMF_EFAULT, mmf_guard_copy(bytes, impossible, size, &done));
        assert_int_equal(done, 0);
        assert_code(MMF_EFAULT, mmf_guard_copy((void *)(uintptr_t)(impossible + 64), bytes, size, &done));
        assert_int_equal(done, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
        cmocka_unit_test(test_copy_null),
        cmocka_unit_test_setup_teardown(test_offset_and_cause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test(test_impossible_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
