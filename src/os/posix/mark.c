/*
 * mark.c: marks on byte ranges are not to be had with POSIX.
 *
 * The record locks of POSIX belong to the process, not to the open file: closing any descriptor of the file drops all
 * of them, and two maps of one process never conflict. A share mode kept by them would be a promise broken in silence.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>

int os_posix_mark(mmf_os_handle file, uint64_t offset, uint64_t size, bool exclusive)
{
    (void)file;
    (void)offset;
    (void)size;
    (void)exclusive;
    return ENOTSUP;
}

int os_posix_unmark(mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}

int os_posix_test_mark(bool *held, mmf_os_handle file, uint64_t offset, uint64_t size)
{
    (void)held;
    (void)file;
    (void)offset;
    (void)size;
    return ENOTSUP;
}
