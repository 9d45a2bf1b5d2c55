/* guard_zero.h: zeros in place of a missing page. */
#ifndef MMF_SRC_GUARD_ZERO_H
#define MMF_SRC_GUARD_ZERO_H

#include "guard.h"

/*
 * Replaces the missing page at the fault's address by zeros if its region wants that, and flags the region. true: the
 * access may be tried again. Signal context.
 */
bool guard_zero_page(const struct os_fault *fault);

/* Counts the regions that want zeros, and forgets what was replaced in a range that is taken away. */
void guard_zero_begin(void);
void guard_zero_end(uintptr_t start, uintptr_t end);
void guard_zero_after_fork(void);

#endif
