/* os_error.c: every error number of the system gets a code of error.h. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#include "mmf/error.h"

static void known_numbers_have_their_code(void **state)
{
    (void)state;
    static const struct {
        int number, code;
    } expected[] = {
        {0, MMF_OK},
        {ENOENT, MMF_ENOTFOUND},
        {ENOTDIR, MMF_ENOTFOUND},
        {ELOOP, MMF_ENOTFOUND},
        {EACCES, MMF_EACCESS},
        {EPERM, MMF_EACCESS},
        {EROFS, MMF_EACCESS},
        {ETXTBSY, MMF_EACCESS},
        {EISDIR, MMF_EACCESS},
        {EEXIST, MMF_EEXISTS},
        {ENOTEMPTY, MMF_EEXISTS},
        {EBUSY, MMF_ESHARING},
        {ENOSPC, MMF_ENOSPACE},
        {EDQUOT, MMF_ENOSPACE},
        {ENOMEM, MMF_ENOMEMORY},
        {EMFILE, MMF_ENOMEMORY},
        {ENFILE, MMF_ENOMEMORY},
        {EAGAIN, MMF_ENOMEMORY},
        {EWOULDBLOCK, MMF_ENOMEMORY},
        {EFBIG, MMF_ERANGE},
        {EOVERFLOW, MMF_ERANGE},
        {EINVAL, MMF_EINVAL},
        {EBADF, MMF_EINVAL},
        {ENAMETOOLONG, MMF_EINVAL},
        {ENOSYS, MMF_ENOTSUP},
        {ENOTSUP, MMF_ENOTSUP},
        {EOPNOTSUPP, MMF_ENOTSUP},
        {ENODEV, MMF_ENOTSUP},
        {ENXIO, MMF_ENOTSUP},
        {ENOTTY, MMF_ENOTSUP},
        {ESPIPE, MMF_ENOTSUP},
        {ENOLCK, MMF_ENOTSUP},
        {EXDEV, MMF_ENOTSUP},
        {EFAULT, MMF_EFAULT},
        {ETIMEDOUT, MMF_ETIMEOUT},
        {EOWNERDEAD, MMF_EABANDONED},
        {EIO, MMF_EIO},
        {EINTR, MMF_EIO},
        {ESTALE, MMF_EIO},
        {EBADMSG, MMF_EIO},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (os.code_of(expected[i].number) != expected[i].code)
            fail_msg("%s is %d", strerror(expected[i].number), os.code_of(expected[i].number));
    }
}

static bool is_code(int code)
{
#define IS_CODE(name, value, text, dotnet, win32)                                                                      \
    if (code == (name))                                                                                                \
        return true;
    MMF_ERRORS(IS_CODE)
#undef IS_CODE
    return false;
}

static void every_number_has_a_code(void **state)
{
    (void)state;
    for (int number = 1; number < 5000; number++) {
        if (!is_code(os.code_of(number)))
            fail_msg("%d is %d", number, os.code_of(number));
    }
    assert_int_equal(os.code_of(4999), MMF_EIO);
    assert_int_equal(os.code_of(-1), MMF_EIO);
    assert_int_equal(os.code_of(INT32_MAX), MMF_EIO);
    assert_int_equal(os.code_of(INT32_MIN), MMF_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_have_their_code),
        cmocka_unit_test(every_number_has_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
