/* sync.h: what reaches the medium, and the memory of what did not. */
#ifndef MMF_SRC_SYNC_H
#define MMF_SRC_SYNC_H

#include "backing.h"

/* MMF_EPOISONED or MMF_EFAULT when an earlier sync failed or a stored page was lost, else MMF_OK. */
int sync_check(const struct backing *backing);

/* Records the outcome of a write to the medium; a failure poisons the backing. Returns the code. */
int sync_outcome(struct backing *backing, int os_error, const char *operation);

#endif
