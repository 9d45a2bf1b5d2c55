/* mmf/error.h: the error codes and what is known about the last failure of a thread. */
#ifndef MMF_ERROR_H
#define MMF_ERROR_H

#include "mmf/base.h"

/*
 * Every error code: name, value, text, the exception .NET throws and the error Win32 sets in the same situation.
 * The values lie below the range of negated errno values and never change.
 *
 *         name           value   text                                              .NET Win32 */
#define MMF_ERRORS(X)                                                                                                  \
    X(MMF_EINVAL, -20001, "an argument is wrong", "ArgumentException", 87)                                             \
    X(MMF_ERANGE, -20002, "a position, offset, size or capacity is out of range", "ArgumentOutOfRangeException", 87)   \
    X(MMF_EACCESS, -20003, "the access is not allowed", "UnauthorizedAccessException", 5)                              \
    X(MMF_ENOTFOUND, -20004, "not found", "FileNotFoundException", 2)                                                  \
    X(MMF_EEXISTS, -20005, "it exists already", "IOException", 183)                                                    \
    X(MMF_EKIND, -20006, "the name belongs to another kind of object", "IOException", 6)                               \
    X(MMF_EEMPTY, -20007, "the file is empty and no capacity was given", "ArgumentException", 1006)                    \
    X(MMF_ESHARING, -20008, "another user of the file does not share it", "IOException", 32)                           \
    X(MMF_EMAPPED, -20009, "a live view is in the way", "IOException", 1224)                                           \
    X(MMF_ECONFLICT, -20010, "somebody else changed it meanwhile", "IOException", 1224)                                \
    X(MMF_ENOSPACE, -20011, "no space is left", "IOException", 112)                                                    \
    X(MMF_ENOMEMORY, -20012, "not enough memory, address space or handles", "OutOfMemoryException", 8)                 \
    X(MMF_EBUDGET, -20013, "the budget of the window does not allow it", "OutOfMemoryException", 1455)                 \
    X(MMF_EFAULT, -20014, "a page could not be read or written", "AccessViolationException", 999)                      \
    X(MMF_EIO, -20015, "the device reported an error", "IOException", 1117)                                            \
    X(MMF_EPOISONED, -20016, "an earlier sync failed: what is on the medium is unknown", "IOException", 1117)          \
    X(MMF_ECORRUPT, -20017, "the data is not in the expected form", "InvalidDataException", 1392)                      \
    X(MMF_EVERSION, -20018, "the layout has another version", "InvalidDataException", 1306)                            \
    X(MMF_ENOTOWNER, -20019, "the caller does not own the lock", "ApplicationException", 288)                          \
    X(MMF_EABANDONED, -20020, "the owner of the lock died", "AbandonedMutexException", 735)                            \
    X(MMF_ETIMEOUT, -20021, "the time is over", "TimeoutException", 258)                                               \
    X(MMF_ENOTSUP, -20022, "not supported here", "PlatformNotSupportedException", 50)

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MMF_OK = 0,
#define MMF_ERROR_VALUE(name, value, text, dotnet, win32) name = value,
    MMF_ERRORS(MMF_ERROR_VALUE)
#undef MMF_ERROR_VALUE
};

/* Why a page could not be read or written, as good as can be found out after the fault. */
typedef enum mmf_cause {
    MMF_CAUSE_NONE,        /* the failure was not a fault */
    MMF_CAUSE_END_OF_FILE, /* the file no longer reaches that far: somebody made it shorter */
    MMF_CAUSE_DEVICE,      /* the device could not deliver the page */
    MMF_CAUSE_NO_SPACE,    /* no block or memory was left for a hole of the file */
    MMF_CAUSE_PROTECTION,  /* the page is mapped, but not for this kind of access */
    MMF_CAUSE_UNKNOWN
} mmf_cause;

/*
 * What is known about a failure. `operation` is the system call or the step that failed ("fallocate"), `path` the file
 * or NULL, `offset` the byte of the file (or of the map) the failure is about, `done` how many bytes had been read,
 * written or compared before it. `os_error` is errno or GetLastError(), 0 when the system was not asked.
 */
typedef struct mmf_error {
    int32_t code;
    int32_t os_error;
    uint64_t offset;
    uint64_t done;
    const char *operation;
    const char *path;
    mmf_cause cause;
    uint32_t reserved;
} mmf_error;

/*
 * The last failure of the calling thread; code MMF_OK if none has failed. Set by failures only, never cleared by a
 * success. The record and its texts belong to the library and stay valid until the thread's next failing call.
 * Never fails.
 */
MMF_API const mmf_error *mmf_last_error(void);

/* One line of English for a code; for a number that is no code "unknown error". Static memory; any thread. */
MMF_API const char *mmf_error_text(int code);

/* The name of a code, as "MMF_ENOSPACE"; for a number that is no code "MMF_UNKNOWN". Static memory; any thread. */
MMF_API const char *mmf_error_name(int code);

#ifdef __cplusplus
}
#endif

#endif
