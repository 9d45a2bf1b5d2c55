/* mmf/view.h: a view, a contiguous part of a map in this process's memory, and everything done with its bytes. */
#ifndef MMF_VIEW_H
#define MMF_VIEW_H

#include "mmf/base.h"
#include "mmf/error.h"
#include "mmf/map.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What happens when a page of a view cannot be read or written by code that uses raw pointers. */
typedef enum {
    MMF_FAULT_ERROR, /* calls of the library answer MMF_EFAULT; raw pointers need mmf_guard_run() */
    MMF_FAULT_ZERO   /* the page becomes zeros in this view, which is flagged for good: mmf_view_check() */
} mmf_on_fault;

/* Options of a view; rules as for mmf_map_options. */
typedef struct mmf_view_options {
    uint32_t struct_size;
    uint32_t access;   /* mmf_access; default: the map's */
    uint32_t on_fault; /* mmf_on_fault */
    bool populate;     /* read all pages in now; never makes private copies */
    bool huge_pages;   /* ask for transparent huge pages; MMF_ENOTSUP where the kernel has none for this memory */
    bool reserved_flags[2];
    void *address; /* a hint where the first byte asked for should lie; NULL: anywhere */
    void *reserved_pointer;
} mmf_view_options;

#ifndef __cplusplus /* there mmf_view_options_init() and assignments do the same */
#define MMF_VIEW_OPTIONS(...) (&(mmf_view_options){.struct_size = sizeof(mmf_view_options), __VA_ARGS__})
#endif

/* Sets every member to its default. NULL is ignored. */
MMF_API void mmf_view_options_init(mmf_view_options *options);

/*
 * Opens a view of `size` bytes of the map from `offset` on; size 0: to the end of the map. Any offset and size;
 * alignment is hidden. Views of one map are coherent with each other, copy-on-write ones until they are stored into. A
 * view at offset == capacity with size 0 has size 0 and a valid pointer. The view keeps the file: the map may be
 * closed.
 *
 * MMF_EINVAL a NULL, an invalid option      MMF_ERANGE offset or offset + size beyond the capacity
 * MMF_EACCESS more access than the map has  MMF_ENOMEMORY address space, memory, or the number of mappings
 * MMF_ENOTSUP .huge_pages or MMF_FAULT_ZERO that cannot be had     MMF_EFAULT .populate met a page that is not there
 * Allowed view access by map access: READWRITE_EXECUTE: all; READ_EXECUTE: READ, COPY_ON_WRITE, READ_EXECUTE;
 * READWRITE: READ, WRITE, READWRITE, COPY_ON_WRITE; READ and COPY_ON_WRITE: READ, COPY_ON_WRITE.
 */
MMF_API int mmf_view_open(mmf_view **view, mmf_map *map, uint64_t offset, uint64_t size,
                          const mmf_view_options *options);

/*
 * Unmaps the view and sets it to NULL; NULL is accepted. No other thread may use the view or its pointers any more.
 * Nothing is flushed. The view is gone whatever is returned: MMF_EFAULT: it was flagged (MMF_FAULT_ZERO);
 * MMF_EINVAL: `view` is NULL.
 */
MMF_API int mmf_view_close(mmf_view **view);

/*
 * The first byte asked for, stable until the view is closed; for reading, and for writing. NULL when the view may not
 * be read (MMF_WRITE), or not written, or is NULL. Not NULL for a view of size 0. Any thread.
 */
MMF_API const void *mmf_view_data(const mmf_view *view);
MMF_API void *mmf_view_mutable(mmf_view *view);

/* The size in bytes as asked for, never rounded. 0 for NULL. */
MMF_API uint64_t mmf_view_size(const mmf_view *view);

/* What a view is. Set `struct_size` before the call. */
typedef struct mmf_view_details {
    uint32_t struct_size;
    uint32_t access; /* mmf_access */
    uint64_t offset; /* of the first byte, in the map */
    uint64_t size;
    uint64_t mapped;      /* bytes of address space, whole pages */
    uint32_t on_fault;    /* mmf_on_fault */
    bool flagged;         /* a page was replaced by zeros */
    bool without_signals; /* opened under MMF_GUARD_NOSIGNAL */
    bool reserved_flags[2];
    uint64_t first_lost; /* position of the first replaced page, clipped to the view, if flagged */
} mmf_view_details;

/* Fills `details`. MMF_EINVAL. Any thread. */
MMF_API int mmf_view_info(mmf_view_details *details, const mmf_view *view);

/*
 * Copies bytes out of and into the view. All of [position, position + size) must lie inside; size 0 is allowed up to
 * the end. Several threads may call at once; bytes written and read at the same moment by two of them may mix.
 *
 * MMF_EINVAL a NULL, or a handle of the parent process     MMF_ERANGE beyond the view
 * MMF_EACCESS the view may not be read, or not written      MMF_EFAULT a page is missing: mmf_last_error() has the
 *             offset in the map, the bytes done before it (they are valid) and the cause; or the caller's own buffer is
 *             not there. In a view with MMF_FAULT_ZERO a missing page becomes zeros here too: MMF_OK, and the flag.
 * MMF_ENOTSUP the view is copy-on-write or protected in part, without signals, and the system has no checked copy
 *             (MMF_FEATURE_NO_SIGNAL)
 *             Other views are written through the file then: MMF_ERANGE also beyond RLIMIT_FSIZE, and MMF_ENOTSUP when
 *             the map has only a handle that was opened for appending.
 */
MMF_API int mmf_view_read(const mmf_view *view, uint64_t position, void *to, size_t size);
MMF_API int mmf_view_write(mmf_view *view, uint64_t position, const void *from, size_t size);

/*
 * Reads up to `count` elements of `element` bytes each; `done` (may be NULL) is how many whole ones were read: fewer
 * when the view ends, also when a page is missing (MMF_EFAULT). Writing is all or nothing as to the range: MMF_ERANGE
 * when the elements do not fit. Errors as mmf_view_read(); MMF_EINVAL for element 0; MMF_ERANGE for a position at or
 * beyond the end.
 */
MMF_API int mmf_view_read_array(const mmf_view *view, uint64_t position, void *to, size_t element, size_t count,
                                size_t *done);
MMF_API int mmf_view_write_array(mmf_view *view, uint64_t position, const void *from, size_t element, size_t count);

/* .NET's decimal in its 16 bytes: a 96-bit integer, and flags with the sign (bit 31) and the scale (bits 16 to 23). */
typedef struct mmf_decimal {
    uint32_t low;
    uint32_t middle;
    uint32_t high;
    uint32_t flags;
} mmf_decimal;

/* Every typed pair below: suffix, C type. */
#define MMF_TYPES(X)                                                                                                   \
    X(bool, bool)                                                                                                      \
    X(i8, int8_t)                                                                                                      \
    X(u8, uint8_t)                                                                                                     \
    X(i16, int16_t)                                                                                                    \
    X(u16, uint16_t)                                                                                                   \
    X(i32, int32_t)                                                                                                    \
    X(u32, uint32_t)                                                                                                   \
    X(i64, int64_t)                                                                                                    \
    X(u64, uint64_t)                                                                                                   \
    X(f32, float)                                                                                                      \
    X(f64, double)                                                                                                     \
    X(decimal, mmf_decimal)

/*
 * mmf_view_get_T() and mmf_view_put_T(): one value at any position, aligned or not, in the machine's byte order. An
 * aligned value of up to 8 bytes (4 on 32-bit systems) is read and written in one piece, but not without signals. bool
 * is one byte, written 0 or 1, read as "not 0". `value` is 0 after a failure. Errors as mmf_view_read(); MMF_ECORRUPT
 * reading, MMF_EINVAL writing a decimal with reserved flag bits or a scale above 28.
 */
#define MMF_DECLARE_TYPED(suffix, type)                                                                                \
    MMF_API int mmf_view_get_##suffix(const mmf_view *view, uint64_t position, type *value);                           \
    MMF_API int mmf_view_put_##suffix(mmf_view *view, uint64_t position, type value);
MMF_TYPES(MMF_DECLARE_TYPED)
#undef MMF_DECLARE_TYPED

/* How far mmf_view_flush() goes. */
typedef enum {
    MMF_FLUSH_START, /* start writing, do not wait (Linux: sync_file_range, since MS_ASYNC does nothing) */
    MMF_FLUSH_WAIT,  /* wait until the system has handed the bytes to the device: no device cache, no metadata */
    MMF_FLUSH_SYNC   /* wait until the range is on the medium */
} mmf_flush;

/*
 * Writes what was stored in a range of the view to the file's storage; size 0: to the end of the view. Copy-on-write
 * and anonymous views: nothing to do, MMF_OK. A failure stays, as for mmf_map_sync(). MMF_EINVAL, MMF_ERANGE, MMF_EIO,
 * MMF_ENOSPACE, MMF_EPOISONED, MMF_EFAULT (this view is flagged, or one that may write). Any thread.
 */
MMF_API int mmf_view_flush(mmf_view *view, uint64_t position, uint64_t size, mmf_flush how);

/*
 * Whether every byte of the view is what the map has: MMF_OK, or MMF_EFAULT once a page was replaced by zeros
 * (MMF_FAULT_ZERO), with its offset in mmf_last_error(). Costs two loads. Like every call that reads or writes a view
 * it unblocks SIGBUS and SIGSEGV when it is the thread's first one: a thread that may have them blocked, and uses raw
 * pointers alone, asks once before. MMF_EINVAL: `view` is NULL. Any thread.
 */
MMF_API int mmf_view_check(const mmf_view *view);

/* What the program is going to do with a range. Advice never changes a byte. */
typedef enum {
    MMF_ADVISE_NORMAL,
    MMF_ADVISE_RANDOM,     /* no read-ahead */
    MMF_ADVISE_SEQUENTIAL, /* much read-ahead */
    MMF_ADVISE_WILL_NEED,  /* start reading it in */
    MMF_ADVISE_COLD,       /* first to be dropped when memory is short (Linux 5.4) */
    MMF_ADVISE_PAGE_OUT,   /* drop it from memory now, writing it back first (Linux 5.4) */
    MMF_ADVISE_HUGE_PAGES,
    MMF_ADVISE_NO_HUGE_PAGES,
    MMF_ADVISE_DUMP, /* in core dumps, or not */
    MMF_ADVISE_NO_DUMP
} mmf_advice;

/* Advises whole pages of the range; size 0: to the end. MMF_EINVAL, MMF_ERANGE, MMF_ENOTSUP, MMF_EIO. Any thread. */
MMF_API int mmf_view_advise(mmf_view *view, uint64_t position, uint64_t size, mmf_advice advice);

/*
 * Starts reading many ranges in, in one system call where the kernel can, and does not wait. Then touch them in any
 * order: one thread keeps the device busy with all of them. MMF_EINVAL, MMF_ERANGE (nothing was started). Any thread.
 */
MMF_API int mmf_view_prefetch(const mmf_view *view, const mmf_range *ranges, size_t count);

/*
 * Keeps the pages of a range in memory, and lets go of them; size 0: to the end. Locks do not nest and end with the
 * view. Locking a writable copy-on-write view makes a private copy of every page. MMF_ENOMEMORY: RLIMIT_MEMLOCK or
 * memory. MMF_EFAULT: a page is missing. MMF_EINVAL, MMF_ERANGE. Any thread.
 */
MMF_API int mmf_view_lock(mmf_view *view, uint64_t position, uint64_t size);
MMF_API int mmf_view_unlock(mmf_view *view, uint64_t position, uint64_t size);

/*
 * How many pages of a range are in memory; size 0: to the end. `pages` (may be NULL) gets one byte a page, 1 or 0,
 * `room` of them at most; the first page is the one that holds `position`. MMF_EACCESS: the kernel does not tell for
 * a file the caller neither owns nor may write (Linux 5.2). Takes time with the size: 4 s for 1 TiB. MMF_EINVAL,
 * MMF_ERANGE (also when `room` is short), MMF_ENOTSUP. Any thread.
 */
MMF_API int mmf_view_resident(uint64_t *resident, const mmf_view *view, uint64_t position, uint64_t size,
                              uint8_t *pages, size_t room);

/*
 * Whether every page of a range can be read now; brings them in. MMF_EFAULT: no, with offset and cause of the first bad
 * page in mmf_last_error() and the good bytes before it in `done` there. Size 0: to the end. MMF_EINVAL, MMF_ERANGE,
 * MMF_EACCESS (the view may not be read), MMF_ENOTSUP as mmf_view_read(). Any thread.
 */
MMF_API int mmf_view_probe(const mmf_view *view, uint64_t position, uint64_t size);

/*
 * Changes the protection of the pages that a range touches (whole pages: neighbours share it), to any access within
 * what the view was opened with; MMF_ACCESS_DEFAULT restores that. Later calls of the library that need more answer
 * MMF_EACCESS, raw stores raise SIGSEGV. A page that MMF_FAULT_ZERO replaces later has the same protection. MMF_EINVAL,
 * MMF_ERANGE, MMF_EACCESS, MMF_ENOMEMORY (a part of the pages may have changed). Any thread.
 */
MMF_API int mmf_view_protect(mmf_view *view, uint64_t position, uint64_t size, mmf_access access);

/*
 * Makes a range read as zeros; size 0: to the end. Blocks or memory are given back where the file system can punch
 * holes (the map then is no longer reserved), else zeros are written. Copy-on-write views: zeros are stored.
 * MMF_EINVAL, MMF_ERANGE, MMF_EACCESS, MMF_EFAULT, MMF_ENOSPACE, MMF_EIO, MMF_ENOTSUP as mmf_view_read(). Any thread.
 */
MMF_API int mmf_view_zero(mmf_view *view, uint64_t position, uint64_t size);

#ifdef __cplusplus
}
#endif

#include "mmf/typed.h"

#endif
