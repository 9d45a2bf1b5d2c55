/* error.c: the code of error.h for every errno. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include "mmf/error.h"

#include <errno.h>

struct translation {
    int os_error;
    int code;
};

/*
 * The one list of choices. The first match counts, since some systems give one number two names (EAGAIN and
 * EWOULDBLOCK, ENOTSUP and EOPNOTSUPP). A number that is not here is MMF_EIO: something below the library failed in a
 * way it does not know.
 */
static const struct translation translations[] = {
    /* The way to the file ends somewhere, or goes round in a circle. */
    {ENOENT, MMF_ENOTFOUND},
    {ENOTDIR, MMF_ENOTFOUND},
    {ELOOP, MMF_ENOTFOUND},
    {ESRCH, MMF_ENOTFOUND},

    /* Permission in every form: mode bits, read-only and noexec mounts, running programs, directories. */
    {EACCES, MMF_EACCESS},
    {EPERM, MMF_EACCESS},
    {EROFS, MMF_EACCESS},
    {ETXTBSY, MMF_EACCESS},
    {EISDIR, MMF_EACCESS},
#if defined(ENOKEY)
    {ENOKEY, MMF_EACCESS}, /* an encrypted directory whose key is not there */
#endif

    {EEXIST, MMF_EEXISTS},
    {ENOTEMPTY, MMF_EEXISTS},
    {EBUSY, MMF_ESHARING}, /* a mark that is held, a device or name the system itself uses */

    {ENOSPC, MMF_ENOSPACE},
#if defined(EDQUOT)
    {EDQUOT, MMF_ENOSPACE},
#endif

    /* Memory, address space, descriptors. EAGAIN: mlock() and mmap() mean too much locked memory by it. */
    {ENOMEM, MMF_ENOMEMORY},
    {EMFILE, MMF_ENOMEMORY},
    {ENFILE, MMF_ENOMEMORY},
    {EAGAIN, MMF_ENOMEMORY},
    {EWOULDBLOCK, MMF_ENOMEMORY},
    {ENOBUFS, MMF_ENOMEMORY},

    /* Larger than the file system or off_t can say. */
    {EFBIG, MMF_ERANGE},
    {EOVERFLOW, MMF_ERANGE},
    {ERANGE, MMF_ERANGE},

    /* The argument itself. A name that is too long, or has bytes the file system refuses, is one. */
    {EINVAL, MMF_EINVAL},
    {EBADF, MMF_EINVAL},
    {ENAMETOOLONG, MMF_EINVAL},
    {EILSEQ, MMF_EINVAL},
    {E2BIG, MMF_EINVAL},
    {EDOM, MMF_EINVAL},

    /* Not here: no such call, not for this kind of file, not across file systems. */
    {ENOSYS, MMF_ENOTSUP},
    {ENOTSUP, MMF_ENOTSUP},
    {EOPNOTSUPP, MMF_ENOTSUP},
    {ENODEV, MMF_ENOTSUP}, /* mmap() of a file that cannot be mapped */
    {ENXIO, MMF_ENOTSUP},  /* a pipe without a reader, a device without a driver */
    {ENOTTY, MMF_ENOTSUP},
    {ESPIPE, MMF_ENOTSUP},
    {EXDEV, MMF_ENOTSUP},
    {ENOLCK, MMF_ENOTSUP},

    {EFAULT, MMF_EFAULT},
    {ETIMEDOUT, MMF_ETIMEOUT},
    {EOWNERDEAD, MMF_EABANDONED},
    {ENOTRECOVERABLE, MMF_ECORRUPT},

    /* The device, the file system or the server behind it. EINTR: given up half-way, by a file system that lets
       signals through although the call was made again. */
    {EIO, MMF_EIO},
    {EINTR, MMF_EIO},
    {ESTALE, MMF_EIO},
    {EBADMSG, MMF_EIO}, /* ext4, xfs, f2fs: a checksum is wrong */
    {EPIPE, MMF_EIO},
    {EPROTO, MMF_EIO},
#if defined(EUCLEAN)
    {EUCLEAN, MMF_EIO}, /* the file system's own structures are damaged */
#endif
#if defined(EREMOTEIO)
    {EREMOTEIO, MMF_EIO},
#endif
#if defined(ESHUTDOWN)
    {ESHUTDOWN, MMF_EIO}, /* the file system was shut down after an error */
#endif
#if defined(ENOMEDIUM)
    {ENOMEDIUM, MMF_EIO},
#endif
#if defined(EHWPOISON)
    {EHWPOISON, MMF_EIO}, /* the memory itself is broken */
#endif
};

int os_posix_code_of(int os_error)
{
    if (os_error == 0)
        return MMF_OK;
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++) {
        if (translations[i].os_error == os_error)
            return translations[i].code;
    }
    return MMF_EIO;
}
