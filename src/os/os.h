/*
 * os.h: the only door to the operating system: one table of calls.
 *
 * Every system call of the library goes through `os`, so that a test can replace any entry by name and make it fail,
 * kill the process, or answer differently (another page size, a full disk). A back end fills the table: src/os/linux
 * and src/os/posix (plain POSIX.1-2008 and what every living Unix has besides: MAP_ANON, madvise, mincore). A Linux
 * build starts from the POSIX functions and overrides what Linux does better.
 *
 * Rules: a call returns 0 or the system's own error number (errno, GetLastError()), never -1. It writes its results
 * only on success. It makes at most one attempt of what it is named for and retries only EINTR where the system asks
 * for that. Offsets and sizes are bytes; an offset or end above 2^63 - 1 is EFBIG or EOVERFLOW and never wraps. A file
 * range of size 0 is empty and nothing is done (a mark: EINVAL), though the system may take 0 for "to the end".
 * "Windows:" says how the call will be answered there.
 */
#ifndef MMF_SRC_OS_OS_H
#define MMF_SRC_OS_OS_H

#include "mmf/base.h"
#include "mmf/capability.h"

#include <stdalign.h>
#include <stdio.h>

/* How a file is opened. */
enum os_open {
    OS_OPEN_READ = 1,
    OS_OPEN_WRITE = 2,
    OS_OPEN_CREATE = 4,    /* make it if it is not there */
    OS_OPEN_EXCLUSIVE = 8, /* with CREATE: fail if it is there */
    OS_OPEN_INHERIT = 16   /* survives exec; without it the handle is closed there */
};

enum os_file_kind { OS_FILE_REGULAR, OS_FILE_DIRECTORY, OS_FILE_CHARACTER, OS_FILE_BLOCK, OS_FILE_OTHER };

/* What the storage behind a file means for a reserved block. */
enum os_storage {
    OS_STORAGE_UNKNOWN,
    OS_STORAGE_IN_PLACE, /* a block once reserved is enough for every later write (ext4, xfs without reflinks) */
    OS_STORAGE_COPIES,   /* copies on write: a later write may need another block (btrfs, zfs, bcachefs) */
    OS_STORAGE_MEMORY    /* tmpfs, memfd, hugetlbfs */
};

struct os_file_info {
    uint64_t size;      /* length; of a block device its capacity */
    uint64_t allocated; /* bytes of storage behind it */
    uint64_t device;    /* device and inode together are the file's identity */
    uint64_t inode;
    uint64_t links;
    uint64_t page_size; /* of the pages that mappings of this file consist of: huge for hugetlbfs, else os.page_size */
    enum os_file_kind kind;
    enum os_storage storage;
    bool readable; /* by this handle */
    bool writable;
};

/* Protections of mapped memory, and kinds of mappings. */
enum os_protection { OS_PROTECT_NONE = 0, OS_PROTECT_READ = 1, OS_PROTECT_WRITE = 2, OS_PROTECT_EXECUTE = 4 };
enum os_mapping {
    OS_MAP_SHARED = 1,
    OS_MAP_PRIVATE = 2,     /* copy-on-write; never charged for swap */
    OS_MAP_ANONYMOUS = 4,   /* no file: zeros */
    OS_MAP_FIXED = 8,       /* replaces what is at the address */
    OS_MAP_NOT_INHERIT = 16 /* absent in a forked child, where the system can */
};

enum os_flush { OS_FLUSH_START, OS_FLUSH_WAIT, OS_FLUSH_MEDIUM };

enum os_advice {
    OS_ADVISE_NORMAL,
    OS_ADVISE_RANDOM,
    OS_ADVISE_SEQUENTIAL,
    OS_ADVISE_WILL_NEED,
    OS_ADVISE_COLD,
    OS_ADVISE_PAGE_OUT,
    OS_ADVISE_HUGE,
    OS_ADVISE_NO_HUGE,
    OS_ADVISE_DUMP,
    OS_ADVISE_NO_DUMP
};

/* Counts of pages of a file in memory, in bytes; UINT64_MAX where the system does not tell. */
struct os_cache {
    uint64_t resident;
    uint64_t dirty;
    uint64_t writeback;
};

struct os_memory_range {
    void *address;
    size_t size;
};

/* What a fault was; `pc` may be changed by the handler to resume elsewhere (0 where the system does not give it). */
enum os_fault_kind { OS_FAULT_PAGE, OS_FAULT_PROTECTION, OS_FAULT_UNMAPPED, OS_FAULT_OTHER };
struct os_fault {
    enum os_fault_kind kind;
    bool write; /* a store faulted; false also where the system does not tell */
    uintptr_t address;
    uintptr_t pc;
    void *context; /* the system's own, for src/arch */
};

/* Handler of faults: true: handled, resume (at `pc` if it was changed); false: not ours, hand it on. Signal context. */
typedef bool os_fault_handler(struct os_fault *fault);

/*
 * What a FILE of the C library does with a stream of ours. The results are codes of error.h; the C library gets the
 * errno that fits. A write that fails may have done a part, in `done`. `origin` is that of mmf_stream_seek().
 */
struct os_stream_calls {
    int (*read)(void *stream, void *to, size_t size, size_t *done);
    int (*write)(void *stream, const void *from, size_t size, size_t *done);
    int (*seek)(void *stream, int64_t distance, int origin, uint64_t *position);
    int (*close)(void *stream);
};

/* A mutex of the library's own; the space holds the system's. */
typedef struct os_mutex {
    alignas(16) unsigned char space[64];
} os_mutex;

/*
 * The calls: result type is int for all (0 or the system's error number), but for the few in OS_QUERIES.
 * X(name, (parameters), (arguments))
 */
#define OS_CALLS(X)                                                                                                    \
    /* Opens a file. Never blocks on a pipe, never becomes the terminal. `permissions` are the mode bits of a new      \
       file, less the umask; exact ones are set with set_permissions. Windows: CreateFileW, long paths, every          \
       FILE_SHARE bit, since share modes are marks (lock below) there too. */                                          \
    X(open, (mmf_os_handle * file, const char *path, unsigned flags, uint32_t permissions),                            \
      (file, path, flags, permissions))                                                                                \
    /* A second handle of the same open file (dup). Windows: DuplicateHandle. */                                       \
    X(duplicate, (mmf_os_handle * copy, mmf_os_handle file, bool inherit), (copy, file, inherit))                      \
    /* The same file opened once more, with a description of its own. Linux: through /proc/self/fd; POSIX: not to be   \
       had (ENOTSUP). Windows: ReOpenFile. */                                                                          \
    X(reopen, (mmf_os_handle * copy, mmf_os_handle file, unsigned flags), (copy, file, flags))                         \
    X(close, (mmf_os_handle file), (file))                                                                             \
    X(describe, (struct os_file_info * info, mmf_os_handle file), (info, file))                                        \
    /* Mode bits, exact. Windows: no-op but for the read-only bit. */                                                  \
    X(set_permissions, (mmf_os_handle file, uint32_t permissions), (file, permissions))                                \
    /* Removes a name. Windows: DeleteFileW. */                                                                        \
    X(remove, (const char *path), (path))                                                                              \
    /* Device and inode of what a path names now; symbolic links are followed. Windows: GetFileInformationByHandle. */ \
    X(identify, (uint64_t * device, uint64_t * inode, const char *path), (device, inode, path))                        \
    /* The same path, not depending on the working directory. Windows: GetFullPathNameW. */                            \
    X(absolute_path, (char *to, size_t room, const char *path), (to, room, path))                                      \
    /* Sets the length; new bytes are a hole. Windows: SetEndOfFile; with a section open: ERROR_USER_MAPPED_FILE. */   \
    X(resize, (mmf_os_handle file, uint64_t size), (file, size))                                                       \
    /* Reserves blocks of [offset, offset + size) without changing bytes or, with keep_size, the length. ENOTSUP       \
       where the file system cannot; never writes. A failure may leave a part reserved and the end moved (ext4).       \
       Windows: FileAllocationInfo (NTFS allocates on SetEndOfFile). */                                                \
    X(reserve, (mmf_os_handle file, uint64_t offset, uint64_t size, bool keep_size), (file, offset, size, keep_size))  \
    /* Gives the blocks of a range back: it reads as zeros, the length stays. Windows: FSCTL_SET_ZERO_DATA. */         \
    X(punch, (mmf_os_handle file, uint64_t offset, uint64_t size), (file, offset, size))                               \
    /* First byte at or after `from` that is data, or that is a hole; ENXIO: none. Windows:                            \
       FSCTL_QUERY_ALLOCATED_RANGES. */                                                                                \
    X(seek_extent, (uint64_t * found, mmf_os_handle file, uint64_t from, bool data), (found, file, from, data))        \
    /* One pread and one pwrite: `done` may be short; 0 at the end of the file. Windows: ReadFile with OVERLAPPED. */  \
    X(read_at, (size_t * done, mmf_os_handle file, uint64_t offset, void *to, size_t size),                            \
      (done, file, offset, to, size))                                                                                  \
    X(write_at, (size_t * done, mmf_os_handle file, uint64_t offset, const void *from, size_t size),                   \
      (done, file, offset, from, size))                                                                                \
    /* Everything of the file to the medium: fsync, F_FULLFSYNC. Windows: FlushFileBuffers. */                         \
    X(sync, (mmf_os_handle file), (file))                                                                              \
    /* The directory that holds a path to the medium. Windows: nothing to do. */                                       \
    X(sync_directory, (const char *path), (path))                                                                      \
    /* Writes a range of the page cache out without the medium's barrier: START and WAIT of os_flush. ENOTSUP where    \
       there is no such call: use flush. Linux: sync_file_range. Windows: ENOTSUP. */                                  \
    X(write_back, (mmf_os_handle file, uint64_t offset, uint64_t size, enum os_flush how), (file, offset, size, how))  \
    /* Cache state and eviction of a file range. Windows: ENOTSUP. */                                                  \
    X(cache, (struct os_cache * cache, mmf_os_handle file, uint64_t offset, uint64_t size),                            \
      (cache, file, offset, size))                                                                                     \
    X(evict, (mmf_os_handle file, uint64_t offset, uint64_t size), (file, offset, size))                               \
    X(read_ahead, (mmf_os_handle file, uint64_t offset, uint64_t size), (file, offset, size))                          \
    /* Marks on a byte range that the kernel drops with the open file (OFD locks), for share modes: place a shared or  \
       exclusive mark, remove it, ask whether somebody else's would conflict. EBUSY: held (EAGAIN of Linux, which      \
       elsewhere means too little memory). ENOTSUP: the system or file system has none. Windows: LockFileEx far        \
       beyond the end. */                                                                                              \
    X(mark, (mmf_os_handle file, uint64_t offset, uint64_t size, bool exclusive), (file, offset, size, exclusive))     \
    X(unmark, (mmf_os_handle file, uint64_t offset, uint64_t size), (file, offset, size))                              \
    X(test_mark, (bool *held, mmf_os_handle file, uint64_t offset, uint64_t size), (held, file, offset, size))         \
    /* A file of memory without a name, of length 0. huge: 0, the huge page size in bytes, or 1 for the system's       \
       default size (describe tells it). Linux: memfd_create; POSIX: shm_open and unlink. Windows: a section backed    \
       by the page file. */                                                                                            \
    X(memory_file, (mmf_os_handle * file, uint64_t huge, bool execute, bool inherit), (file, huge, execute, inherit))  \
    /* Memory. `address` is a hint or with FIXED the place; offset and address are multiples of granularity, of        \
       the huge page size for hugetlb files. Windows: MapViewOfFileEx (FIXED: placeholders), UnmapViewOfFile,          \
       VirtualProtect, FlushViewOfFile (START and WAIT). */                                                            \
    X(map, (void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file, uint64_t offset),  \
      (address, size, protection, mapping, file, offset))                                                              \
    X(unmap, (void *address, size_t size), (address, size))                                                            \
    X(protect, (void *address, size_t size, unsigned protection), (address, size, protection))                         \
    X(flush, (void *address, size_t size, enum os_flush how), (address, size, how))                                    \
    X(advise, (void *address, size_t size, enum os_advice advice), (address, size, advice))                            \
    /* WILL_NEED for many ranges at once; any of them may end as one call each. Windows: PrefetchVirtualMemory. */     \
    X(prefetch, (const struct os_memory_range *ranges, size_t count), (ranges, count))                                 \
    /* Brings pages in for reading, without a signal: EFAULT: a page is missing. ENOTSUP before Linux 5.14: touch      \
       them under the guard. Windows: ENOTSUP. */                                                                      \
    X(populate, (void *address, size_t size), (address, size))                                                         \
    X(lock_memory, (void *address, size_t size), (address, size))                                                      \
    X(unlock_memory, (void *address, size_t size), (address, size))                                                    \
    /* One byte a page, bit 0: in memory. EACCES: the kernel would not tell the truth about this file (Linux 5.2: not  \
       owner and not writable). Windows: QueryWorkingSetEx. */                                                         \
    X(resident, (unsigned char *pages, void *address, size_t size, mmf_os_handle file), (pages, address, size, file))  \
    /* Copies between own memory and own memory without a signal: `done` is exact, EFAULT when it is short. ENOTSUP    \
       where there is none. Linux: process_vm_readv. Windows: ReadProcessMemory on itself. */                          \
    X(copy_checked, (size_t * done, void *to, const void *from, size_t size, bool write),                              \
      (done, to, from, size, write))                                                                                   \
    /* Faults: installs the handler (chaining to what is there), puts back what was there, tells whether ours is in    \
       front, and lets the calling thread receive the signals. Windows: AddVectoredExceptionHandler. EBUSY from        \
       fault_remove: another handler stands over ours. ENOENT from fault_check: not installed; EBUSY: covered. */      \
    X(fault_install, (os_fault_handler * handler), (handler))                                                          \
    X(fault_remove, (void), ())                                                                                        \
    X(fault_check, (void), ())                                                                                         \
    X(fault_unblock, (void), ())                                                                                       \
    /* In the handler, before siglongjmp() out of it: gives the thread back the signals it did not block when the      \
       fault came; another handler in front of ours may have blocked them. Windows: nothing to do. */                  \
    X(fault_leave, (const struct os_fault *fault), (fault))                                                            \
    /* Calls `child` in the child after every fork from now on. Windows: nothing to do. */                             \
    X(on_fork, (void (*child)(void)), (child))                                                                         \
    X(mutex_create, (os_mutex * mutex), (mutex))                                                                       \
    X(mutex_lock, (os_mutex * mutex), (mutex))                                                                         \
    X(mutex_unlock, (os_mutex * mutex), (mutex))                                                                       \
    X(mutex_destroy, (os_mutex * mutex), (mutex))                                                                      \
    /* A FILE that calls back; closing it calls close. Linux: fopencookie; the BSDs: funopen. ENOTSUP where the C      \
       library has neither. Windows: ENOTSUP. */                                                                       \
    X(stream_open, (FILE * *file, void *stream, const struct os_stream_calls *calls, bool reads, bool writes),         \
      (file, stream, calls, reads, writes))                                                                            \
    /* Sleeps at least that long. */                                                                                   \
    X(sleep, (uint64_t nanoseconds), (nanoseconds))                                                                    \
    /* Random bytes, for back-off. */                                                                                  \
    X(random, (void *to, size_t size), (to, size))                                                                     \
    /* Whether a feature works here: 0 or ENOTSUP; EINVAL: no such feature. MMF_FEATURE_GUARD_TABLE is always ENOTSUP  \
       here: the guard alone knows. */                                                                                 \
    X(capability, (mmf_feature feature), (feature))

/* Calls with another result: X(result, name, (parameters), (arguments)). */
#define OS_QUERIES(X)                                                                                                  \
    X(size_t, page_size, (void), ())                                                                                   \
    X(size_t, granularity, (void), ())                                                                                 \
    /* Memory of the process's heap; NULL when there is none. */                                                       \
    X(void *, allocate, (size_t size), (size))                                                                         \
    X(void, release, (void *memory), (memory))                                                                         \
    /* This thread's own buffer of at least `size` bytes, grown when needed, released when the thread ends; NULL. */   \
    X(void *, thread_buffer, (size_t size), (size))                                                                    \
    /* The code of error.h for a system error number. */                                                               \
    X(int, code_of, (int os_error), (os_error))

struct os_calls {
#define OS_MEMBER(name, parameters, arguments) int(*name) parameters;
#define OS_QUERY_MEMBER(result, name, parameters, arguments) result(*name) parameters;
    OS_CALLS(OS_MEMBER)
    OS_QUERIES(OS_QUERY_MEMBER)
#undef OS_MEMBER
#undef OS_QUERY_MEMBER
};

/* The table in force, and the back end's own, to which a replaced entry may hand on. */
extern struct os_calls os;
extern const struct os_calls os_native;

/*
 * An entry by its name, for tests: the address of the function pointer in `os`, or NULL. The type fits any function
 * when it is cast (compilers warn about every other), and has to be cast back before a call.
 */
typedef void os_any_call(void);
os_any_call **os_entry(const char *name);

#endif
