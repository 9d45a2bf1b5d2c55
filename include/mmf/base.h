/* mmf/base.h: what every other header of libmmf needs: export marks, handles, ranges, version. */
#ifndef MMF_BASE_H
#define MMF_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMF_VERSION_MAJOR 0
#define MMF_VERSION_MINOR 1
#define MMF_VERSION_PATCH 0

#if defined(__GNUC__)
#define MMF_API __attribute__((visibility("default")))
#else
#define MMF_API
#endif

/* A cast that neither language warns of. */
#ifdef __cplusplus
#define MMF_CAST(type, value) static_cast<type>(value)
#else
#define MMF_CAST(type, value) ((type)(value))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* An open file of the operating system: a file descriptor on POSIX, a HANDLE on Windows. */
typedef intptr_t mmf_os_handle;
#define MMF_INVALID_HANDLE MMF_CAST(mmf_os_handle, -1)

/* A memory-mapped file, and a contiguous part of one in this process's memory. Both are opaque. */
typedef struct mmf_map mmf_map;
typedef struct mmf_view mmf_view;

/* A range of bytes of a view: `position` counts from the first byte of the view. */
typedef struct mmf_range {
    uint64_t position;
    uint64_t size;
} mmf_range;

/* The version of the library that is running, as 0xMMmmpp (major, minor, patch). Never fails; any thread. */
MMF_API uint32_t mmf_version(void);

/*
 * The size of a page of memory and the alignment the system asks of a mapping's file offset, in bytes. libmmf hides
 * both: they matter only for the per-page answers of mmf_view_resident() and for tuning. Never fail; any thread.
 */
MMF_API size_t mmf_page_size(void);
MMF_API size_t mmf_granularity(void);

#ifdef __cplusplus
}
#endif

#endif
