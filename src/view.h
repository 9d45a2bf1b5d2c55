/* view.h: inside the library, what a view consists of. */
#ifndef MMF_SRC_VIEW_H
#define MMF_SRC_VIEW_H

#include "backing.h"
#include "guard.h"

#include "mmf/view.h"

/*
 * The first members are what a typed access needs: one cache line. `readable` and `writable` are the view's size, or 0
 * where the access is refused or the slow way is needed, so that one comparison checks both.
 */
struct mmf_view {
    unsigned char *data; /* the first byte asked for */
    uint64_t readable;
    uint64_t writable;
    _Atomic uint32_t generation; /* see guard.h; 0: always the slow way */
    uint32_t access;             /* mmf_access */
    uint64_t size;
    struct backing *backing;
    struct guard_region *region;
    unsigned char *start; /* the mapping: whole pages; the first byte asked for is `data` */
    size_t mapped;
    uint64_t offset;     /* of `data` in the map */
    unsigned protection; /* os_protection as opened */
    uint32_t on_fault;
    bool without_signals;
    bool is_private; /* copy-on-write */
};

#endif
