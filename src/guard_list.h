/* guard_list.h: the list of regions itself, below what watching a region means. */
#ifndef MMF_SRC_GUARD_LIST_H
#define MMF_SRC_GUARD_LIST_H

#include "guard.h"

/* guard_region_add() and guard_region_remove() but for the bytes of pages that may be replaced, NULL without. */
int guard_list_add(struct guard_region **result, const struct guard_region *wanted, _Atomic uint8_t *pages);
void guard_list_remove(struct guard_region *region);

/* For a forked child: whatever thread held the lock is gone. */
void guard_list_after_fork(void);

#endif
