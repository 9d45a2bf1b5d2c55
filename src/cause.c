/*
 * cause.c: finding out, after a fault, why a page could not be had.
 *
 * The signal says the same for every cause (SIGBUS, BUS_ADRERR), but system calls on the same bytes do not: the length
 * tells the end of the file, a read tells a device error, and a hole that could not be filled means no space.
 */
#include "cause.h"

static bool is_hole(const struct backing *backing, uint64_t page)
{
    uint64_t data = 0;
    int os_error = os.seek_extent(&data, backing->file, page, true);
    if (os_error != 0)
        return os.capability(MMF_FEATURE_EXTENTS) == 0; /* asked, and there is no data from here on */
    return data >= page + backing->page_size;
}

mmf_cause cause_find(const struct backing *backing, uint64_t offset, bool write, int *os_error)
{
    struct os_file_info now;
    unsigned char byte;
    size_t done = 0;
    const uint64_t page = offset - offset % backing->page_size;
    *os_error = os.describe(&now, backing->file);
    if (*os_error != 0)
        return MMF_CAUSE_UNKNOWN;
    if (now.kind == OS_FILE_REGULAR && page >= now.size)
        return MMF_CAUSE_END_OF_FILE;
    *os_error = os.read_at(&done, backing->file, page, &byte, 1);
    if (*os_error != 0)
        return MMF_CAUSE_DEVICE;
    if ((write || now.storage == OS_STORAGE_MEMORY) && is_hole(backing, page))
        return MMF_CAUSE_NO_SPACE;
    if (now.kind == OS_FILE_REGULAR && offset >= now.size) /* read by a system call, which ends before its page does */
        return MMF_CAUSE_END_OF_FILE;
    return MMF_CAUSE_UNKNOWN;
}
