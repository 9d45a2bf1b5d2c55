/* mmf/window.h: a window, access to a map of any size through a bounded number of mapped bytes. */
#ifndef MMF_WINDOW_H
#define MMF_WINDOW_H

#include "mmf/base.h"
#include "mmf/map.h"
#include "mmf/view.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmf_window mmf_window;

/* Options of a window; rules as for mmf_map_options. */
typedef struct mmf_window_options {
    uint32_t struct_size;
    uint32_t access; /* mmf_access: READ, READWRITE; default: the map's, or READ where that is another */
    uint64_t budget; /* most bytes that are mapped at a time, whole pages; 0: 64 MiB */
    uint64_t reserved[2];
} mmf_window_options;

#ifndef __cplusplus /* there mmf_window_options_init() and assignments do the same */
#define MMF_WINDOW_OPTIONS(...) (&(mmf_window_options){.struct_size = sizeof(mmf_window_options), __VA_ARGS__})
#endif

/* Sets every member to its default. NULL is ignored. */
MMF_API void mmf_window_options_init(mmf_window_options *options);

/*
 * Opens a window on the map, which it keeps: the map may be closed. Nothing is mapped yet. A window belongs to one
 * thread at a time; several windows of one map are coherent with each other and with its views.
 *
 * MMF_EINVAL a NULL, an invalid option, an access other than READ and READWRITE (private copies and code do not
 *            survive being unmapped in between)
 * MMF_EACCESS more access than the map has     MMF_ERANGE a budget below one page (mmf_granularity())
 * MMF_ENOMEMORY
 */
MMF_API int mmf_window_open(mmf_window **window, mmf_map *map, const mmf_window_options *options);

/*
 * Closes the window and sets it to NULL; NULL is accepted. Every pointer that was not returned becomes invalid:
 * MMF_EMAPPED says that there were some. MMF_EINVAL: `window` is NULL. Nothing is flushed.
 */
MMF_API int mmf_window_close(mmf_window **window);

/*
 * References `size` bytes of the map from `offset` on: `data` points to the first, all of them are contiguous, and
 * stay where they are until the reference is returned. Several references may be held at once, overlapping ones too.
 * What is mapped but not referenced is kept for the next call, as the budget allows. What is referenced counts by its
 * pages, but up to a quarter of the budget may go to neighbours that nobody asked for, and a range inside one that is
 * referenced already shares its memory, all of which counts until both are returned. Raw use of the pointer needs
 * mmf_guard_run(), as with a view. A resize that would cut a referenced range off is MMF_EMAPPED.
 *
 * MMF_EINVAL a NULL, size 0     MMF_ERANGE offset + size beyond the capacity
 * MMF_EBUDGET the range does not fit beside what is referenced, or not at all     MMF_ENOMEMORY
 */
MMF_API int mmf_window_ref(mmf_window *window, uint64_t offset, size_t size, void **data);

/*
 * The same with an access of its own, READ or READWRITE within the window's: a READ reference cannot be stored into.
 * Errors as mmf_window_ref(), and MMF_EACCESS: more access than the window has.
 */
MMF_API int mmf_window_ref_access(mmf_window *window, uint64_t offset, size_t size, mmf_access access, void **data);

/*
 * Returns a reference: `data` as it was given. MMF_EINVAL: it is no reference of this window, or was returned before;
 * nothing happens then.
 */
MMF_API int mmf_window_unref(mmf_window *window, void *data);

/*
 * Copies bytes out of and into the map through the window, of any size, piece by piece within the budget and what the
 * references leave of it, under the guard. Errors as mmf_window_ref() and mmf_view_read(): after MMF_EFAULT
 * mmf_last_error() has the offset, the bytes done before it and the cause.
 */
MMF_API int mmf_window_read(mmf_window *window, uint64_t offset, void *to, size_t size);
MMF_API int mmf_window_write(mmf_window *window, uint64_t offset, const void *from, size_t size);

/*
 * Writes what was stored through the window, and is still mapped, to the file's storage, and what was unmapped before
 * by way of the file: mmf_view_flush() for a range of the map; size 0: to the end. Errors as mmf_view_flush().
 */
MMF_API int mmf_window_flush(mmf_window *window, uint64_t offset, uint64_t size, mmf_flush how);

/* What a window is doing. Set `struct_size` before the call. */
typedef struct mmf_window_details {
    uint32_t struct_size;
    uint32_t access;     /* mmf_access */
    uint64_t budget;     /* bytes */
    uint64_t mapped;     /* bytes mapped now */
    uint64_t referenced; /* references held now */
    uint64_t hits;       /* references that found their bytes mapped */
    uint64_t misses;     /* references that had to map */
} mmf_window_details;

/* Fills `details`. MMF_EINVAL. */
MMF_API int mmf_window_info(mmf_window_details *details, const mmf_window *window);

#ifdef __cplusplus
}
#endif

#endif
