/*
 * guard.h: inside the library, the protection that turns a page fault into an error.
 *
 * The handler decides in this order: (1) a missing page of a region with `zero` is replaced by zeros, the region is
 * flagged and the access goes on, whoever made it; (2) an instruction of src/arch that is in the exception table
 * resumes at its landing place; (3) a body under mmf_guard_run() that touched a live region is left by siglongjmp;
 * (4) everything else goes to the handler that was there before.
 */
#ifndef MMF_SRC_GUARD_H
#define MMF_SRC_GUARD_H

#include "os/os.h"

#include "mmf/guard.h"

#include <stdatomic.h>

/*
 * The most likely cause of a fault at `offset` of the file (as guard_region.offset counts). `os_error` is what the
 * system answered, 0 if it was not asked. Called after the fault, never in the handler.
 */
typedef mmf_cause guard_classify(const void *owner, uint64_t offset, bool write, int *os_error);

/*
 * A mapped range the handler knows. The memory of a region is never given back, so that the handler may look at any
 * of them at any time; a free one has start 0 and is used again.
 */
struct guard_region {
    _Atomic uintptr_t start; /* whole pages: [start, end) */
    _Atomic uintptr_t end;
    _Atomic uint64_t lost;  /* distance from start of the lowest replaced page; UINT64_MAX: none */
    _Atomic bool *lost_any; /* set together with `lost`, for the map behind; NULL: nobody asks; outlives the region */
    uint64_t offset;        /* of start, in the file */
    uint64_t first;         /* offset in the file of the first byte the view was asked for */
    _Atomic uint64_t last;  /* offset in the file just after the last byte that must not be cut off; 0: none */
    uint64_t device;        /* identity of the file; both 0: memory of this process alone */
    uint64_t inode;
    mmf_os_handle file; /* open as long as the region is there; for `zero` */
    size_t page_size;
    _Atomic unsigned protection; /* of a replacing page: os_protection */
    _Atomic bool parted;         /* some pages have a protection of their own, in `pages` */
    bool zero;
    _Atomic uint8_t *pages;   /* what became of each page (guard_zero.c); NULL without `zero` */
    bool inheritable;         /* its memory is there in a forked child */
    bool without_signals;     /* its view does not need the handler */
    guard_classify *classify; /* NULL: the cause of a fault is unknown */
    const void *owner;        /* for classify */

    _Atomic uint32_t version;  /* odd while the members above change; even and more than 0: set */
    uint32_t generation;       /* of the process that added it */
    struct guard_region *next; /* in the list of all regions; never changes */
    struct guard_region *free; /* in the list of free ones */
};

/* Registers a range: copies `*wanted` (its atomics are set from start and end; `pages` is made). MMF_ENOMEMORY,
 * recorded. */
int guard_region_add(struct guard_region **region, const struct guard_region *wanted);
void guard_region_remove(struct guard_region *region);

/* The same place in memory is another part of the file now. */
void guard_region_move(struct guard_region *region, uint64_t offset, uint64_t first, uint64_t last);

/*
 * The protection that pages in a part of the region get when they are replaced from now on. To be called before the
 * pages that are there change theirs, so that one that is replaced meanwhile gets it either way. Does nothing for a
 * region without `zero`.
 */
void guard_region_protect(struct guard_region *region, uintptr_t start, size_t size, unsigned protection);

/* Whether a live region of this file reaches beyond `length` bytes of it. Takes the registry's lock. */
bool guard_region_beyond(uint64_t device, uint64_t inode, uint64_t length);

/* Whether a live region needs the handler. */
bool guard_region_any(void);

/* The live region an address lies in, or NULL. Signal context; valid as long as nobody closes the view. */
struct guard_region *guard_region_at(uintptr_t address);

/*
 * The process's generation: 1 at first, one more in every forked child. A view remembers the one it was opened in;
 * guard_thread is the generation in which this thread was made ready (signals unblocked), 0 before. So one comparison
 * on the hot path sees a thread's first use, a forked child and a view that needs the slow way (its generation is 0).
 */
extern _Atomic uint32_t guard_generation;
extern _Thread_local uint32_t guard_thread __attribute__((tls_model("initial-exec")));

/* Makes sure that forks are counted: once a map. */
int guard_watch_forks(void);

/*
 * Makes sure that the handler is installed if `with_signals`, whatever the mode is by now, and that forks are counted:
 * once a view, after its region was added. A handler that is taken away before that is installed again; after it, the
 * region keeps it in place.
 */
int guard_start(bool with_signals);

/* Makes the calling thread ready: afterwards guard_thread == guard_generation. */
void guard_enter(void);

/* The mode chosen by mmf_guard_install(). */
mmf_guard_mode guard_mode(void);

/* The calling thread's last fault that a guarded primitive met; guard_remember() sets it, in the handler. */
const struct os_fault *guard_last_fault(void);
void guard_remember(const struct os_fault *fault);

/*
 * Records MMF_EFAULT for the calling thread's last fault and returns it: offset and cause are found out if the address
 * lies in a live region, else the cause is unknown.
 */
int guard_fault_error(const char *operation, uint64_t done);

/*
 * What a ready thread's guard_thread equals when the handler is installed and the mode is with signals; else a number
 * that no generation reaches. So mmf_guard_copy(), which src/arch has, needs one comparison for everything; all that
 * does not pass it goes to guard_copy_slowly(): the first use, and no use at all.
 */
extern _Atomic uint32_t guard_gate;
int guard_copy_slowly(void *to, const void *from, size_t size, size_t *done);

/* MMF_EFAULT for mmf_guard_copy(), or MMF_EINVAL if an address is NULL, where nothing is ever mapped. */
int guard_copy_error(const void *to, const void *from, uint64_t done);

/*
 * The guarded primitives. The thread must be ready. Copy and fill return the bytes done, exact: fewer than `size` after
 * a fault; no byte after them is changed (the portable way may have changed some if a page went away half copied).
 * Compare returns the number of equal bytes at the beginning, find the index of the byte or `size`; a fault sets
 * `faulted` (else false). Loads and stores return false after a fault; aligned ones are one access: guard_load_8(const
 * void *from, uint8_t *value), guard_store_8(void *to, uint8_t value) and so on up to 64, inline, written for each
 * processor.
 */
#include "arch/arch.h"

static inline size_t guard_copy(void *to, const void *from, size_t size)
{
    size_t done;
    return arch_copy(to, from, size, &done, 0) == MMF_OK ? size : done;
}

size_t guard_fill(void *to, unsigned char byte, size_t size);
size_t guard_compare(const void *left, const void *right, size_t size, bool *faulted);
size_t guard_find(const void *memory, unsigned char byte, size_t size, bool *faulted);

#endif
