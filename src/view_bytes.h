/* view_bytes.h: what a view consists of, and how its bytes are reached safely. */
#ifndef MMF_SRC_VIEW_BYTES_H
#define MMF_SRC_VIEW_BYTES_H

#include "backing.h"
#include "error.h"
#include "guard.h"

#include "mmf/view.h"

/*
 * The first members are what a typed access needs. `readable[VALUE_64]` is the number of positions at which a value of
 * 64 bits may be read, and so on: 0 where the access is refused, so that one comparison, which nothing can wrap, checks
 * right and range. `generation` is that of the process the view belongs to (see guard.h), or VIEW_NEVER_HOT for one
 * without signals, which no thread's generation ever equals.
 */
#define VIEW_NEVER_HOT UINT32_MAX

enum value_size { VALUE_8, VALUE_16, VALUE_32, VALUE_64, VALUE_128, VALUE_SIZES };

struct mmf_view {
    unsigned char *data; /* the first byte asked for */
    _Atomic uint32_t generation;
    uint32_t access; /* mmf_access */
    uint64_t readable[VALUE_SIZES];
    uint64_t writable[VALUE_SIZES];
    uint64_t size;
    struct backing *backing;
    struct guard_region *region;
    unsigned char *start; /* the mapping: whole pages */
    size_t mapped;
    uint64_t offset;     /* of `data` in the map */
    unsigned protection; /* os_protection as opened */
    uint32_t on_fault;
    _Atomic bool narrowed; /* mmf_view_protect() took something away somewhere */
    bool without_signals;
    bool is_private;             /* copy-on-write */
    bool is_empty;               /* of size 0: maps nothing */
    _Atomic uint32_t references; /* the caller's handle, and the streams that keep the view */
};

/*
 * Whether a value may be accessed at `position` at once; `positions` is one of view->readable or view->writable. False
 * sends the call to the general way, which finds out what is wrong, or makes the thread ready.
 */
static inline bool view_is_hot(const mmf_view *view, uint64_t positions, uint64_t position)
{
    return position < positions && guard_thread == atomic_load_explicit(&view->generation, memory_order_relaxed);
}

/* The same for a range; `positions` is that of VALUE_8. */
static inline bool view_is_hot_range(const mmf_view *view, uint64_t positions, uint64_t position, uint64_t size)
{
    return view_is_hot(view, positions, position) && positions - position >= size;
}

/* The pages that hold a range of a view. */
struct view_pages {
    unsigned char *address;
    size_t size;
};

/* Checks shared by the calls on a range, in the order in which their errors count. A failure is recorded. */
int view_check_handle(const mmf_view *view);
int view_check_reading(const mmf_view *view);
int view_check_writing(const mmf_view *view);

/* Inline, so that a caller is seen to go no further with a NULL. */
static inline int view_check_usable(const mmf_view *view)
{
    return view ? view_check_handle(view) : error_set(MMF_EINVAL, "view");
}

static inline int view_check_readable(const mmf_view *view)
{
    return view ? view_check_reading(view) : error_set(MMF_EINVAL, "view");
}

static inline int view_check_writable(const mmf_view *view)
{
    return view ? view_check_writing(view) : error_set(MMF_EINVAL, "view");
}

int view_check_range(const mmf_view *view, uint64_t position, uint64_t size);

/* The same for calls where size 0 means "to the end": sets it. */
int view_check_rest(const mmf_view *view, uint64_t position, uint64_t *size);

/* Whole pages around a range that was checked. */
struct view_pages view_pages_of(const mmf_view *view, uint64_t position, uint64_t size);

/*
 * Copies out of, into, and fills a range that was checked, by the way the view was opened for: under the guard, or
 * without signals. `done` is exact. MMF_EFAULT or MMF_EACCESS, recorded with offset, bytes done and cause.
 */
int view_copy_out(const mmf_view *view, uint64_t position, void *to, size_t size, size_t *done);
int view_copy_in(mmf_view *view, uint64_t position, const void *from, size_t size, size_t *done);
int view_fill(mmf_view *view, uint64_t position, unsigned char byte, uint64_t size);

/* Looks for the first page of a range that cannot be read; all is well: MMF_OK. */
int view_touch_pages(const mmf_view *view, uint64_t position, uint64_t size);

/* Records MMF_EFAULT or MMF_EACCESS for a byte of the view that a call could not reach, and returns it. */
int view_fault(const mmf_view *view, uint64_t position, uint64_t done, bool write, const char *operation);

/* The fault that a guarded primitive met after `done` bytes of a range from `position` on, as view_fault() records it.
 */
int view_guarded_fault(const mmf_view *view, uint64_t position, size_t done, bool write, const char *operation);

#endif
