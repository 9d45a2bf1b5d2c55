/* mmf/guard.h: the protection that turns a page fault into an error. */
#ifndef MMF_GUARD_H
#define MMF_GUARD_H

#include "mmf/base.h"
#include "mmf/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a fault was: filled by mmf_guard_run(). */
typedef struct mmf_fault {
    const void *address; /* the byte that could not be reached */
    uint64_t offset;     /* its offset in the map */
    uint64_t position;   /* its position in the view */
    mmf_cause cause;
    int32_t os_error; /* what reading the byte by a system call answered, 0 if it was not asked */
} mmf_fault;

typedef enum mmf_guard_mode {
    MMF_GUARD_SIGNAL,  /* the default: a handler for SIGBUS and SIGSEGV */
    MMF_GUARD_NOSIGNAL /* no handler: views opened from now on copy through system calls */
} mmf_guard_mode;

/*
 * Installs the guard for the process, or chooses the way without signals. Opening the first view does it by itself,
 * with MMF_GUARD_SIGNAL; calling this again when another library has put its own handler in front puts ours in front
 * again. Handlers found are kept and get every signal that is not ours. With MMF_GUARD_NOSIGNAL nothing is installed;
 * views opened afterwards read and write through system calls, which report a bad page without a signal, and refuse
 * MMF_FAULT_ZERO; mmf_guard_run() answers MMF_ENOTSUP. MMF_EINVAL: no such mode. MMF_ENOTSUP. MMF_ENOMEMORY, also when
 * 16 handlers have been put in front of ours one after the other. Any thread.
 */
MMF_API int mmf_guard_install(mmf_guard_mode mode);

/*
 * Puts the handlers back that were there before. MMF_ECONFLICT: another handler has been installed over ours, so ours
 * stays and hands everything on. MMF_EMAPPED: views are open that need it. Any thread.
 */
MMF_API int mmf_guard_remove(void);

/*
 * Whether faults reach the guard now (one system call a signal). MMF_OK; MMF_ENOTFOUND: not installed, as before the
 * first view and with MMF_GUARD_NOSIGNAL; MMF_ECONFLICT: another handler stands in front of ours. Any thread.
 */
MMF_API int mmf_guard_check(void);

/*
 * Runs `body(argument)`, which may use raw pointers into views. A fault in a live view ends the body at once, as
 * longjmp would: nothing of it is cleaned up, so it should hold no locks and own no memory. Faults elsewhere are not
 * touched. May be nested; works in any thread, which has SIGBUS and SIGSEGV unblocked by its first guarded call. A C++
 * exception may leave the body. longjmp() out of it is not allowed: the guard would go on for a body that is gone, and
 * a later fault would jump there. A thread that may have these signals blocked and uses raw pointers outside of a body
 * calls mmf_view_check() once before. A body that faults while it is inside a signal handler is left with that
 * handler's mask: what the handler blocks stays blocked.
 *
 * Returns what the body returned, or MMF_EFAULT with `fault` (may be NULL) filled; else `fault` is zeroed. MMF_EINVAL:
 * `body` is NULL. MMF_ENOTSUP: the guard is in the mode without signals.
 */
MMF_API int mmf_guard_run(int (*body)(void *), void *argument, mmf_fault *fault);

/*
 * Copies like memcpy(), from and to any memory. `done` (may be NULL) is the number of bytes copied, exact also when a
 * page is missing. MMF_EFAULT, MMF_EINVAL (NULL and size > 0), MMF_ENOTSUP without signals, MMF_ENOMEMORY on the first
 * use. Any thread.
 */
MMF_API int mmf_guard_copy(void *to, const void *from, size_t size, size_t *done);

/*
 * Compares like memcmp(): `order` is below, equal to or above 0, and 0 after a failure. `done` (may be NULL) is the
 * number of equal bytes at the beginning. Errors as mmf_guard_copy().
 */
MMF_API int mmf_guard_compare(const void *left, const void *right, size_t size, int *order, size_t *done);

/* Finds a byte like memchr(): `at` is its index. MMF_ENOTFOUND: it is not there; else errors as mmf_guard_copy(). */
MMF_API int mmf_guard_find(const void *memory, int byte, size_t size, size_t *at);

#ifdef __cplusplus
}
#endif

#endif
