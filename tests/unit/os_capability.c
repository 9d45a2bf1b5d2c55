/* os_capability.c: the query tells what works, the same every time, and leaves nothing behind. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#define FEATURES ((int)MMF_FEATURE_STDIO + 1)

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int descriptor = 0; descriptor < 1024; descriptor++)
        count += fcntl(descriptor, F_GETFD) >= 0;
    return count;
}

static void answers_are_yes_or_no_and_stay(void **state)
{
    (void)state;
    const size_t before = open_descriptors();
    for (int feature = 0; feature < FEATURES; feature++) {
        int answer = os.capability((mmf_feature)feature);
        print_message("feature %2d: %s\n", feature, answer == 0 ? "yes" : "no");
        if (answer != 0)
            assert_int_equal(answer, ENOTSUP);
        assert_int_equal(os.capability((mmf_feature)feature), answer);
    }
    assert_int_equal(open_descriptors(), before);
}

static void there_is_no_other_feature(void **state)
{
    (void)state;
    assert_int_equal(os.capability((mmf_feature)FEATURES), EINVAL);
    assert_int_equal(os.capability((mmf_feature)1000000), EINVAL);
    assert_int_equal(os.capability((mmf_feature)-1), EINVAL);
}

/* What a back end has without any doubt, and what it cannot have. */
static void the_back_end_has_what_it_must(void **state)
{
    (void)state;
#if defined(MMF_OS_linux)
    static const mmf_feature has[] = {MMF_FEATURE_RESERVE,  MMF_FEATURE_PUNCH,       MMF_FEATURE_EXTENTS,
                                      MMF_FEATURE_RESIDENT, MMF_FEATURE_SHARE_MODES, MMF_FEATURE_STDIO};
    static const mmf_feature lacks[] = {MMF_FEATURE_GUARD_TABLE};
#else
    static const mmf_feature has[] = {MMF_FEATURE_RESIDENT};
    static const mmf_feature lacks[] = {MMF_FEATURE_RESERVE,     MMF_FEATURE_SHARE_MODES,    MMF_FEATURE_PUNCH,
                                        MMF_FEATURE_DIRTY_COUNT, MMF_FEATURE_BATCH_PREFETCH, MMF_FEATURE_HUGE_PAGES,
                                        MMF_FEATURE_NO_SIGNAL,   MMF_FEATURE_PRIVATE_SYNC,   MMF_FEATURE_NOT_INHERITED,
                                        MMF_FEATURE_GUARD_TABLE};
#endif
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        assert_int_equal(os.capability(has[i]), 0);
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
        assert_int_equal(os.capability(lacks[i]), ENOTSUP);
}

static int no_descriptors_left(mmf_os_handle *file, uint64_t huge, bool execute, bool inherit)
{
    (void)file;
    (void)huge;
    (void)execute;
    (void)inherit;
    return EMFILE;
}

/* The probes ask the system, not what a test has put into the table. */
static void replaced_entries_do_not_count(void **state)
{
    (void)state;
    os.memory_file = no_descriptors_left;
    int answer = os.capability(MMF_FEATURE_EXECUTE);
    os.memory_file = os_native.memory_file;
    assert_int_equal(answer, os.capability(MMF_FEATURE_EXECUTE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_entries_do_not_count),
        cmocka_unit_test(answers_are_yes_or_no_and_stay),
        cmocka_unit_test(there_is_no_other_feature),
        cmocka_unit_test(the_back_end_has_what_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
