/* os_mark.c: marks on byte ranges: they bind open files, not processes, and die with them. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#include <signal.h>

#define PLACE UINT64_C(0x4D4D460000000000) /* far behind the end, as share modes use it */

/* Opens the scratch file once more; false: the back end has no marks, and says so by every call. */
static bool second_user(struct scratch *scratch, mmf_os_handle *file)
{
    bool held = true;
    assert_int_equal(os.open(file, scratch->path, READ_WRITE, 0), 0);
    int error = os.mark(scratch->file, PLACE, 1, false);
    if (supported(error, MMF_FEATURE_SHARE_MODES, scratch)) {
        assert_int_equal(os.unmark(scratch->file, PLACE, 1), 0);
        return true;
    }
    assert_int_equal(os.unmark(scratch->file, PLACE, 1), ENOTSUP);
    assert_int_equal(os.test_mark(&held, scratch->file, PLACE, 1), ENOTSUP);
    assert_true(held);
    assert_int_equal(os.close(*file), 0);
    return false;
}

static bool is_held(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    bool held = false;
    assert_int_equal(os.test_mark(&held, file, offset, size), 0);
    return held;
}

static void shared_marks_meet_and_exclusive_ones_do_not(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle other;
    if (!second_user(scratch, &other))
        return;
    assert_false(is_held(other, PLACE, 100));
    assert_int_equal(os.mark(scratch->file, PLACE, 10, false), 0);
    assert_int_equal(os.mark(other, PLACE, 10, false), 0);
    assert_int_equal(os.mark(other, PLACE, 10, true), EBUSY);
    assert_true(is_held(other, PLACE + 9, 1));
    assert_false(is_held(other, PLACE + 10, 1));
    assert_int_equal(os.unmark(scratch->file, PLACE, 10), 0);
    assert_int_equal(os.mark(other, PLACE, 10, true), 0);
    assert_false(is_held(other, PLACE, 10)); /* one's own is not somebody else's */
    assert_true(is_held(scratch->file, PLACE, 10));
    assert_int_equal(os.mark(scratch->file, PLACE + 5, 1, false), EBUSY);
    assert_int_equal(os.mark(scratch->file, PLACE + 10, 1, true), 0);
    assert_int_equal(os.close(other), 0);
    assert_int_equal(os.mark(scratch->file, PLACE, 10, true), 0);
}

/* The trap of POSIX record locks: closing any descriptor of the file drops them. */
static void a_mark_outlives_other_handles(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle other, third, copy;
    if (!second_user(scratch, &other))
        return;
    assert_int_equal(os.mark(other, PLACE, 1, true), 0);
    assert_int_equal(os.open(&third, scratch->path, READ_WRITE, 0), 0);
    assert_int_equal(os.close(third), 0);
    assert_true(is_held(scratch->file, PLACE, 1));
    assert_int_equal(os.duplicate(&copy, other, false), 0);
    assert_int_equal(os.close(other), 0);
    assert_true(is_held(scratch->file, PLACE, 1)); /* the open file lives on in its copy */
    assert_int_equal(os.close(copy), 0);
    assert_false(is_held(scratch->file, PLACE, 1));
}

static void a_mark_dies_with_its_process(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle other;
    int pipes[2], status;
    char byte;
    if (!second_user(scratch, &other))
        return;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        mmf_os_handle own;
        if (os.open(&own, scratch->path, READ_WRITE, 0) != 0 || os.mark(own, PLACE, 1, true) != 0 ||
            write(pipes[1], "m", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(os.mark(other, PLACE, 1, true), EBUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(os.mark(other, PLACE, 1, true), 0);
    assert_int_equal(os.close(other), 0);
    close(pipes[0]);
    close(pipes[1]);
}

static void marks_refuse_what_they_cannot_keep(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle other, reader;
    bool held = true;
    if (!second_user(scratch, &other))
        return;
    assert_int_equal(os.open(&reader, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.mark(reader, PLACE, 1, true), EBADF);
    assert_int_equal(os.mark(reader, PLACE, 1, false), 0);
    assert_false(is_held(reader, PLACE, 1));                           /* a read-only handle may ask */
    assert_int_equal(os.mark(scratch->file, PLACE, 0, false), EINVAL); /* not "to infinity" */
    assert_int_equal(os.unmark(scratch->file, PLACE, 0), EINVAL);
    assert_int_equal(os.test_mark(&held, scratch->file, PLACE, 0), EINVAL);
    assert_int_equal(os.mark(scratch->file, UINT64_C(1) << 63, 1, false), EOVERFLOW);
    assert_int_equal(os.mark(scratch->file, 1, UINT64_MAX, false), EOVERFLOW);
    assert_int_equal(os.mark(closed_handle(), PLACE, 1, false), EBADF);
    assert_int_equal(os.test_mark(&held, closed_handle(), PLACE, 1), EBADF);
    assert_true(held);
    assert_int_equal(os.close(reader), 0);
    assert_int_equal(os.close(other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(shared_marks_meet_and_exclusive_ones_do_not),
        ON_BOTH(a_mark_outlives_other_handles),
        ON_BOTH(a_mark_dies_with_its_process),
        ON_BOTH(marks_refuse_what_they_cannot_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
