/* backing.h: what the handles of one map and their views share: the file, its size, its marks and its errors. */
#ifndef MMF_SRC_BACKING_H
#define MMF_SRC_BACKING_H

#include "guard.h"

#include "mmf/map.h"

#include <stdatomic.h>

struct backing {
    _Atomic uint32_t references; /* map handles and views */
    _Atomic uint32_t handles;    /* map handles alone */
    _Atomic uint64_t views;
    _Atomic uint64_t capacity;
    _Atomic bool poisoned;       /* a sync failed: nobody knows what the medium has */
    _Atomic bool lost_pages;     /* a view replaced a page by zeros */
    _Atomic uint32_t generation; /* of the process it belongs to; see guard.h */
    uint32_t born;               /* of the process that made it: only that one takes marks away */
    os_mutex lock;               /* resize, refresh, sync of the directory */

    mmf_os_handle file;        /* mapped through, synced through, marked */
    mmf_os_handle given;       /* .own_handle: the caller's, closed with the last map handle */
    struct os_file_info about; /* as it was when the map was made; size and allocated grow old */
    char *path;                /* NULL: from a handle or anonymous */
    char *full_path;           /* of a file that was created: its directory is to be synced */
    size_t granularity;        /* of mapping offsets: the system's, or the file's huge pages */
    size_t page_size;
    uint32_t share; /* the use and deny marks held, as mmf_share bits; 0: none */
    bool anonymous;
    bool created;
    bool directory_synced;
    bool private_sync;
    bool inheritable;
    bool write_through;
    bool prefix;
    bool sparse; /* growth leaves holes */
    bool allow_empty;
};

/* Makes one with one handle and no file; `path` (may be NULL) is copied. MMF_ENOMEMORY. */
int backing_new(struct backing **backing, const char *path);

/* A reference keeps the file open; the last drop closes it and reports what that answered. */
void backing_hold(struct backing *backing);
int backing_drop(struct backing *backing);

/* Drops a map handle: the last one ends the share mode and closes the caller's handle, if the map owns it. */
int backing_drop_handle(struct backing *backing);

/* Whether it was made by a parent of this process, before fork. */
static inline bool backing_is_foreign(const struct backing *backing)
{
    return atomic_load(&backing->generation) != atomic_load(&guard_generation);
}

/* Whether the calling process may use it: false in a forked child, unless it is inheritable (then it is adopted). */
bool backing_usable(struct backing *backing);

void backing_lock(struct backing *backing);
void backing_unlock(struct backing *backing);

#endif
