/* cause.h: finding out, after a fault, why a page could not be had. */
#ifndef MMF_SRC_CAUSE_H
#define MMF_SRC_CAUSE_H

#include "backing.h"

#include "mmf/error.h"

/*
 * The most likely cause for a missing page at `offset` of the file. `os_error` is what reading the byte by a system
 * call answered. The file may have changed since the fault: then it is MMF_CAUSE_UNKNOWN, or the cause of now.
 */
mmf_cause cause_find(const struct backing *backing, uint64_t offset, bool write, int *os_error);

#endif
