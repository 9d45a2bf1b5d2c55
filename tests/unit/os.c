/* os.c: the table of system calls: it is complete, and every entry can be replaced by its name. */
#define _DEFAULT_SOURCE

#include "os_support.h"

struct name_and_address {
    const char *name;
    const void *place;
    bool filled;
};

static const struct name_and_address *all_entries(size_t *count)
{
    static struct name_and_address entries[] = {
#define ENTRY(name, parameters, arguments) {#name, &os.name, false},
#define QUERY_ENTRY(result, name, parameters, arguments) {#name, &os.name, false},
        OS_CALLS(ENTRY) OS_QUERIES(QUERY_ENTRY)
#undef ENTRY
#undef QUERY_ENTRY
    };
    size_t i = 0;
#define FILLED(name, parameters, arguments) entries[i++].filled = os.name && os_native.name;
#define QUERY_FILLED(result, name, parameters, arguments) entries[i++].filled = os.name && os_native.name;
    OS_CALLS(FILLED)
    OS_QUERIES(QUERY_FILLED)
#undef FILLED
#undef QUERY_FILLED
    *count = i;
    return entries;
}

static void every_entry_is_filled_and_found(void **state)
{
    (void)state;
    size_t count;
    const struct name_and_address *entries = all_entries(&count);
    assert_int_equal(count, sizeof(struct os_calls) / sizeof(os_any_call *));
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].filled)
            fail_msg("%s is NULL", entries[i].name);
        if ((const void *)os_entry(entries[i].name) != entries[i].place)
            fail_msg("%s is not found", entries[i].name);
    }
}

static void the_table_is_the_native_one_at_first(void **state)
{
    (void)state;
    assert_memory_equal(&os, &os_native, sizeof os);
    assert_ptr_not_equal(&os, &os_native);
}

static void unknown_names_are_not_found(void **state)
{
    (void)state;
    assert_null(os_entry(NULL));
    assert_null(os_entry(""));
    assert_null(os_entry("ope"));
    assert_null(os_entry("opens"));
    assert_null(os_entry("OPEN"));
    assert_null(os_entry("os"));
}

static mmf_os_handle seen_file;

static int replaced_sync(mmf_os_handle file)
{
    seen_file = file;
    return 4711;
}

static int replaced_sleep(uint64_t nanoseconds)
{
    return os_native.sleep(nanoseconds) == 0 ? 4712 : 4713;
}

static void an_entry_is_replaced_by_name(void **state)
{
    (void)state;
    os_any_call **sync_entry = os_entry("sync");
    os_any_call **sleep_entry = os_entry("sleep");
    os_any_call *sync_before = *sync_entry;
    os_any_call *sleep_before = *sleep_entry;
    *sync_entry = (os_any_call *)replaced_sync;
    *sleep_entry = (os_any_call *)replaced_sleep;
    int sync_result = os.sync(17);
    int sleep_result = os.sleep(1); /* hands on to the native one */
    *sync_entry = sync_before;
    *sleep_entry = sleep_before;
    assert_int_equal(sync_result, 4711);
    assert_int_equal(seen_file, 17);
    assert_int_equal(sleep_result, 4712);
    assert_int_equal(os.sync(closed_handle()), EBADF);
    assert_memory_equal(&os, &os_native, sizeof os);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_filled_and_found),
        cmocka_unit_test(the_table_is_the_native_one_at_first),
        cmocka_unit_test(unknown_names_are_not_found),
        cmocka_unit_test(an_entry_is_replaced_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
