/* sync.h: what reaches the medium, and the memory of what did not. */
#ifndef MMF_SRC_SYNC_H
#define MMF_SRC_SYNC_H

#include "backing.h"

#include "mmf/view.h"

/* MMF_EPOISONED or MMF_EFAULT when an earlier sync failed or a stored page was lost, else MMF_OK. */
int sync_check(const struct backing *backing);

/* Records the outcome of a write to the medium; a failure poisons the backing. Returns the code. */
int sync_outcome(struct backing *backing, int os_error, const char *operation);

/*
 * Writes a range of the file that need not be mapped: what is in the page cache is the file's, whoever stored it. The
 * medium's barrier is the whole file's.
 */
int sync_range(struct backing *backing, uint64_t offset, uint64_t size, mmf_flush how);

#endif
