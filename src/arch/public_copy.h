/* public_copy.h: mmf_guard_copy() in C, for processors that do not have it in assembly. Included by one C file. */
#ifndef MMF_SRC_ARCH_PUBLIC_COPY_H
#define MMF_SRC_ARCH_PUBLIC_COPY_H

#include "guard.h"

/* NULL faults like any address and is told from others after that; the gate, never 0, doubles as wish for a report. */
int mmf_guard_copy(void *to, const void *from, size_t size, size_t *done)
{
    uint32_t gate = atomic_load_explicit(&guard_gate, memory_order_relaxed);
    if (guard_thread != gate)
        return guard_copy_slowly(to, from, size, done);
    if (done)
        *done = size;
    return arch_copy(to, from, size, done, gate);
}

#endif
