/* mmf/capability.h: ask beforehand what this kernel and platform can do. */
#ifndef MMF_CAPABILITY_H
#define MMF_CAPABILITY_H

#include "mmf/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What may be asked for. File systems differ besides: a call may still answer MMF_ENOTSUP for one file. */
typedef enum mmf_feature {
    MMF_FEATURE_RESERVE,        /* growing a file reserves its blocks (Linux: fallocate) */
    MMF_FEATURE_SHARE_MODES,    /* .share of mmf_map_options binds other users of libmmf (OFD locks, Linux 3.15) */
    MMF_FEATURE_PUNCH,          /* mmf_view_zero() gives blocks back (fallocate PUNCH_HOLE) instead of writing zeros */
    MMF_FEATURE_EXTENTS,        /* holes of a file can be found (SEEK_DATA, SEEK_HOLE) */
    MMF_FEATURE_RESIDENT,       /* mmf_view_resident() can tell which pages are in memory */
    MMF_FEATURE_DIRTY_COUNT,    /* the kernel counts the dirty pages of a file (cachestat, Linux 6.5) */
    MMF_FEATURE_BATCH_PREFETCH, /* mmf_view_prefetch() is one system call for many ranges (process_madvise, Linux 5.10)
                                 */
    MMF_FEATURE_HUGE_PAGES,     /* .huge_pages of an anonymous map: the system has huge pages at all */
    MMF_FEATURE_NOT_INHERITED,  /* memory of a map that is not .inheritable is absent in a forked child */
    MMF_FEATURE_EXECUTE,        /* memory may be mapped for execution */
    MMF_FEATURE_GUARD_TABLE,    /* faults are caught by an exception table, not by sigsetjmp */
    MMF_FEATURE_NO_SIGNAL,      /* MMF_GUARD_NOSIGNAL works for every view, copy-on-write ones too (process_vm_readv) */
    MMF_FEATURE_PRIVATE_SYNC,   /* a map from a handle has a file description of its own, so no sync error is missed */
    MMF_FEATURE_STDIO           /* mmf_view_fopen(): the C library has fopencookie() or funopen() */
} mmf_feature;

/*
 * Whether a feature works here and now. MMF_OK: yes. MMF_ENOTSUP: no. MMF_EINVAL: no such feature. The answer is
 * probed at run time and costs at most a few system calls. Does not set the thread's last error. Any thread.
 */
MMF_API int mmf_capability(mmf_feature feature);

#ifdef __cplusplus
}
#endif

#endif
