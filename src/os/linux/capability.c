/* capability.c: what works here on Linux besides what the POSIX probes find out. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <stdatomic.h>

static int probe_huge_pages(void)
{
    mmf_os_handle file;
    int error = os_native.memory_file(&file, 1, false, false);
    return error ? error : os_native.close(file);
}

static int probe_not_inherited(void)
{
    void *address = NULL;
    size_t page = os_native.page_size();
    int error = os_linux_advice_works();
    if (error)
        return error;
    error = os_native.map(&address, page, OS_PROTECT_READ, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_NOT_INHERIT,
                          MMF_INVALID_HANDLE, 0);
    return error ? error : os_native.unmap(address, page);
}

/* Keeps an answer of 0 or ENOTSUP for the life of the process; other errors say nothing about the feature. */
static int remember(_Atomic unsigned char *known, int (*probe)(void))
{
    enum { UNKNOWN, WORKS, MISSING };
    unsigned char answer = atomic_load_explicit(known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        int error = probe();
        if (error && error != ENOTSUP)
            return ENOTSUP;
        answer = error ? MISSING : WORKS;
        atomic_store_explicit(known, answer, memory_order_relaxed);
    }
    return answer == WORKS ? 0 : ENOTSUP;
}

int os_linux_capability(mmf_feature feature)
{
    static _Atomic unsigned char huge_pages, not_inherited, batch_prefetch;
    switch (feature) {
    case MMF_FEATURE_HUGE_PAGES:
        return remember(&huge_pages, probe_huge_pages);
    case MMF_FEATURE_NOT_INHERITED:
        return remember(&not_inherited, probe_not_inherited);
    case MMF_FEATURE_BATCH_PREFETCH:
        return remember(&batch_prefetch, os_linux_batch_prefetch_works);
    default:
        return os_posix_capability(feature);
    }
}
