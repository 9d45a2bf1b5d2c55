/* mmf/map.h: a map, the memory-mapped file itself: opened from a path or an open file, or made of memory. */
#ifndef MMF_MAP_H
#define MMF_MAP_H

#include "mmf/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What may be done with the bytes. MMF_WRITE is for views only: such a view refuses to be read. */
typedef enum {
    MMF_ACCESS_DEFAULT, /* a map: MMF_READWRITE; a view: what its map has */
    MMF_READ,
    MMF_WRITE,
    MMF_READWRITE,
    MMF_COPY_ON_WRITE, /* stores are kept in private pages and never reach the file */
    MMF_READ_EXECUTE,
    MMF_READWRITE_EXECUTE
} mmf_access;

/* What to do about the file of mmf_map_from_file(). MMF_CREATE empties a file that exists. */
typedef enum { MMF_OPEN, MMF_OPEN_OR_CREATE, MMF_CREATE, MMF_CREATE_NEW } mmf_mode;

/*
 * What others may do with the file while this map lives; bits, except NONE. They bind programs that use libmmf.
 * 0 is the default: a map that writes lets others read, one that does not lets others read and write.
 */
typedef enum { MMF_SHARE_NONE = 1, MMF_SHARE_READ = 2, MMF_SHARE_WRITE = 4 } mmf_share;

/* How far the file system guarantees that a store into the map finds room. */
typedef enum {
    MMF_RESERVED_NONE,   /* not at all, or not known: the map may have holes */
    MMF_RESERVED_COPIES, /* blocks are there, but the file system copies on write and may need more (btrfs, zfs) */
    MMF_RESERVED_ALL     /* every byte has its block or its memory */
} mmf_reserved;

/*
 * Options of a map. Zero always means the default; NULL options mean all defaults. `struct_size` must be
 * sizeof(mmf_map_options): mmf_map_options_init() and MMF_MAP_OPTIONS() set it. Reserved members must be zero.
 */
typedef struct mmf_map_options {
    uint32_t struct_size;
    uint32_t mode;        /* mmf_mode; from a path only */
    uint32_t access;      /* mmf_access, not MMF_WRITE */
    uint32_t share;       /* mmf_share bits; from a path only */
    uint64_t capacity;    /* bytes; 0: the file's length */
    uint64_t reserve;     /* address space set aside for an atomic map, bytes; needs .atomic */
    uint32_t permissions; /* mode bits of a file that is created; 0: 0666 less the umask */
    uint32_t huge_pages;  /* anonymous maps: 1: the default huge page size, else that size in bytes; 0: none */
    bool prefix;          /* capacity below the file's length: map the first bytes instead of MMF_ERANGE */
    bool sparse;          /* growing leaves a hole instead of reserving blocks */
    bool delay_allocate;  /* the same for memory: pages are allocated when they are touched */
    bool allow_empty;     /* an empty file and capacity 0: a map of capacity 0 instead of MMF_EEMPTY */
    bool inheritable;     /* children made by fork keep the views, and exec keeps the handle */
    bool own_handle;      /* from a handle: closed with the map (on failure it stays the caller's) */
    bool write_through;   /* every flush reaches the medium before it returns */
    bool atomic;          /* stores become durable by commit, all or none */
    bool shared_writers;  /* atomic: other processes may write between enter and leave */
    bool force;           /* accept a file system that cannot keep the promise of .atomic */
    bool reserved_flags[6];
    const char *name;         /* the map can be opened by this name; NULL: none */
    const char *journal_path; /* atomic: the journal; NULL: beside the file */
} mmf_map_options;

#ifndef __cplusplus /* there mmf_map_options_init() and assignments do the same */
#define MMF_MAP_OPTIONS(...) (&(mmf_map_options){.struct_size = sizeof(mmf_map_options), __VA_ARGS__})
#endif

/* Sets every member to its default. NULL is ignored. */
MMF_API void mmf_map_options_init(mmf_map_options *options);

/*
 * Maps the file at `path` (UTF-8 on Windows, bytes elsewhere).
 *
 * The capacity is exact: .capacity, or the file's length when that is 0. A larger capacity grows the file to exactly
 * that, with its blocks reserved unless .sparse; only MMF_READWRITE and MMF_READWRITE_EXECUTE may. All permissions are
 * checked here, by mapping one page. A file that this call created is removed again when it fails; a file that existed
 * keeps its content, but for MMF_CREATE, whose work is to drop it.
 *
 * MMF_EINVAL    `map` or `path` is NULL, the path is empty, an option is not valid, MMF_WRITE, or a capacity above the
 *               length with an access that cannot grow the file
 * MMF_ERANGE    the capacity is below the length (see .prefix), or above 2^63 - 1 or, with .sparse, what the file
 *               system allows (a growth that is to be reserved meets MMF_ENOSPACE first)
 * MMF_EEMPTY    the file is empty (or would be, with MMF_CREATE and MMF_CREATE_NEW) and the capacity is 0
 * MMF_ENOTFOUND no such file or directory          MMF_EEXISTS   MMF_CREATE_NEW, and it exists
 * MMF_EACCESS   permission, a read-only or noexec mount, a directory
 * MMF_ESHARING  another map of libmmf forbids it, or this one forbids what another already does
 * MMF_EMAPPED   MMF_CREATE, and the file has live views of libmmf
 * MMF_ENOSPACE  the disk or quota is full          MMF_ENOMEMORY memory, address space or handles are short
 * MMF_EIO       the device
 * MMF_ENOTSUP   a pipe, a socket, an option that this version does not have, or a share mode that denies others
 *               something, where none can be kept
 */
MMF_API int mmf_map_from_file(mmf_map **map, const char *path, const mmf_map_options *options);

/*
 * Maps an open file. The map uses a file description of its own where the system allows it (Linux: reopened through
 * /proc), else a duplicate; the caller's handle is closed with the map when .own_handle is set, and never otherwise.
 * Takes no share mode: .share, .mode and .permissions must be 0. Errors as mmf_map_from_file(), and MMF_EINVAL for a
 * bad handle. On POSIX the process loses its fcntl() record locks on the file when the map closes, as for every
 * close().
 */
MMF_API int mmf_map_from_handle(mmf_map **map, mmf_os_handle file, const mmf_map_options *options);

/*
 * Makes a new map of `capacity` bytes of zeroed memory. With `name` NULL it is anonymous: only views of this handle,
 * its duplicates and inheriting children share it. Nothing is reserved: memory is taken when it is touched.
 *
 * MMF_EINVAL `map` is NULL, an empty name, MMF_WRITE, an option that is not valid here (.mode, .share,
 *            .permissions, .capacity, .own_handle)
 * MMF_ERANGE capacity 0 without .allow_empty, or above what the system can hold
 * MMF_ENOMEMORY memory or handles, or no huge page (that there are too few, the view finds)        MMF_ENOTSUP named
 * maps in this version, huge pages
 */
MMF_API int mmf_map_create(mmf_map **map, const char *name, uint64_t capacity, const mmf_map_options *options);

/*
 * Makes or opens the map of that name; `created` (may be NULL) tells which. The capacity of an existing map counts.
 * Named maps are not part of this version: MMF_EINVAL for a missing or empty name, MMF_ERANGE for a capacity of 0 or
 * above 2^63 - 1, else MMF_ENOTSUP.
 */
MMF_API int mmf_map_create_or_open(mmf_map **map, const char *name, uint64_t capacity, const mmf_map_options *options,
                                   bool *created);

/* Opens an existing map by its name. Named maps are not part of this version: as mmf_map_create_or_open(). */
MMF_API int mmf_map_open(mmf_map **map, const char *name, const mmf_map_options *options);

/*
 * Closes the handle and sets it to NULL; NULL is accepted. Views stay valid and keep the file. Nothing is flushed to
 * the medium: mmf_map_sync() does that. The handle is gone whatever is returned:
 * MMF_EPOISONED a sync or flush of this map failed earlier; MMF_EINVAL `map` is NULL; MMF_EIO the system's close
 * failed. In a child made by fork the copy is released without touching the parent's locks.
 */
MMF_API int mmf_map_close(mmf_map **map);

/* The size in bytes, exact. 0 for NULL. Changes by mmf_map_resize() and mmf_map_refresh() only. Any thread. */
MMF_API uint64_t mmf_map_capacity(const mmf_map *map);

/*
 * Sets the capacity, and the file's length with it (a .prefix map changes the length only when it outgrows it). Live
 * views neither move nor change. New bytes are zero and reserved unless the map is .sparse or .delay_allocate. On
 * failure the file has its old length. Any thread.
 *
 * MMF_EACCESS the map may not write           MMF_EMAPPED a view of this process lies beyond the new capacity
 * MMF_ENOSPACE, MMF_ENOMEMORY, MMF_EIO        MMF_ERANGE too large, or 0 without .allow_empty
 * MMF_EINVAL `map` is NULL, or belongs to the parent process     MMF_ENOTSUP a device
 */
MMF_API int mmf_map_resize(mmf_map *map, uint64_t capacity);

/*
 * Looks at the file's length again, which others may have changed, and makes it the capacity (a .prefix map keeps its
 * capacity unless the file is now shorter). Views stay as they are; those beyond a shorter end have lost pages.
 * MMF_EINVAL, MMF_EIO. Any thread.
 */
MMF_API int mmf_map_refresh(mmf_map *map);

/*
 * Writes everything that was stored through any view of the map to the medium (fsync, F_FULLFSYNC, FlushFileBuffers),
 * and the directory entry too when this map created the file. A failure stays: later syncs, flushes to the medium and
 * the close answer MMF_EPOISONED, because the kernel forgets such errors and would report success. Any thread.
 *
 * MMF_EIO, MMF_ENOSPACE the medium refused     MMF_EPOISONED an earlier attempt failed
 * MMF_EFAULT a writable view with MMF_FAULT_ZERO has lost a page: stores into it are gone     MMF_EINVAL
 */
MMF_API int mmf_map_sync(mmf_map *map);

/*
 * Makes a second handle of the same map, with the same access or less (MMF_ACCESS_DEFAULT: the same). Capacity, views
 * and errors are shared; each handle is closed by itself. MMF_EACCESS more access than `map` has; MMF_ENOMEMORY;
 * MMF_EINVAL. Allowed from READWRITE_EXECUTE: all; READWRITE: itself, READ, COPY_ON_WRITE; READ_EXECUTE: itself, READ,
 * COPY_ON_WRITE; READ: itself, COPY_ON_WRITE; COPY_ON_WRITE: itself, READ.
 */
MMF_API int mmf_map_duplicate(mmf_map **copy, const mmf_map *map, mmf_access access);

/* What a map is. Set `struct_size` before the call. Texts belong to the map and live as long as it does. */
typedef struct mmf_map_details {
    uint32_t struct_size;
    uint32_t access; /* mmf_access of this handle */
    uint64_t capacity;
    uint64_t file_length; /* as the file is now */
    uint64_t granularity; /* alignment of the mappings behind the views: bytes */
    uint32_t reserved;    /* mmf_reserved, as far as this map and the file system know */
    uint32_t share;       /* mmf_share bits in force; 0: none were taken */
    bool anonymous;       /* memory, no file */
    bool created;         /* this map created the file */
    bool inheritable;
    bool write_through;
    bool prefix;
    bool poisoned;     /* a sync failed */
    bool private_sync; /* sync errors of the file cannot be consumed by others */
    bool lost_pages;   /* a writable view with MMF_FAULT_ZERO replaced a page */
    uint64_t views;    /* live views of this process, all handles */
    const char *path;  /* as given to mmf_map_from_file(); else NULL */
    const char *name;
} mmf_map_details;

/* Fills `details`. MMF_EINVAL: NULL or a struct_size this library does not know; MMF_EIO. Any thread. */
MMF_API int mmf_map_info(mmf_map_details *details, const mmf_map *map);

/* The system's handle behind the map, or MMF_INVALID_HANDLE on failure (MMF_EINVAL). It stays the map's: never close
 * it. */
MMF_API int mmf_map_handle(mmf_os_handle *handle, const mmf_map *map);

#ifdef __cplusplus
}
#endif

#endif
