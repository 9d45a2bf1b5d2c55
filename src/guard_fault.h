/* guard_fault.h: what a thread knows about its faults, and the places it goes back to by siglongjmp() after one. */
#ifndef MMF_SRC_GUARD_FAULT_H
#define MMF_SRC_GUARD_FAULT_H

#include "guard.h"

#include <setjmp.h>

/*
 * Lives on the stack of mmf_guard_run() or, on processors without an exception table, of a primitive. The handler
 * takes the innermost frame off the list, fills `fault` and `region` and jumps.
 */
struct guard_frame {
    sigjmp_buf place;
    struct guard_frame *outer;
    bool primitive; /* ends after a fault at any address; mmf_guard_run() only after one in a live region */
    struct os_fault fault;
    struct guard_region *region;
};

extern _Thread_local struct guard_frame *guard_frames __attribute__((tls_model("initial-exec")));

/* Fills offset, position and cause of a fault, outside signal context. `region` may be NULL: nothing is known. */
void guard_fault_describe(mmf_fault *known, const struct os_fault *fault, const struct guard_region *region);

/* Records MMF_EFAULT and returns it. */
int guard_fault_record(const mmf_fault *known, const char *operation, uint64_t done);

#endif
