/* guard_zero.h: zeros in place of a missing page. */
#ifndef MMF_SRC_GUARD_ZERO_H
#define MMF_SRC_GUARD_ZERO_H

#include "guard.h"

/*
 * Replaces the missing page at the fault's address by zeros if its region wants that, and flags the region. true: the
 * access may be tried again. Signal context.
 */
bool guard_zero_page(const struct os_fault *fault);

/* How many pages a region has. */
size_t guard_zero_count(const struct guard_region *region);

/*
 * The bytes that tell what became of each page of a region that wants zeros: made before anybody knows the region,
 * given back when nobody does any more. They are there in a forked child too, which may close what it inherited.
 */
int guard_zero_begin(_Atomic uint8_t **pages, size_t count);
void guard_zero_end(_Atomic uint8_t *pages, size_t count);

#endif
