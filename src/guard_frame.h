/* guard_frame.h: the places a thread goes back to by siglongjmp() after a fault. */
#ifndef MMF_SRC_GUARD_FRAME_H
#define MMF_SRC_GUARD_FRAME_H

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

#endif
