/*
 * capability.c: what works here, found out by trying it on a file of memory of one page.
 *
 * The probes call the back end in force, so they serve every one that is built on POSIX. An answer is kept for the life
 * of the process, unless the probe failed for want of descriptors or memory, which says nothing about the feature.
 */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <stdatomic.h>

/* A file of memory and the size of a page of it. */
struct sample {
    mmf_os_handle file;
    uint64_t size;
};

typedef int probe(const struct sample *sample);

static int probe_reserve(const struct sample *sample)
{
    return os_native.reserve(sample->file, 0, sample->size, true);
}

static int probe_share_modes(const struct sample *sample)
{
    int error = os_native.mark(sample->file, 0, 1, false);
    return error ? error : os_native.unmark(sample->file, 0, 1);
}

static int probe_punch(const struct sample *sample)
{
    return os_native.punch(sample->file, 0, sample->size);
}

static int probe_extents(const struct sample *sample)
{
    uint64_t found;
    return os_native.seek_extent(&found, sample->file, 0, false);
}

static int probe_dirty_count(const struct sample *sample)
{
    struct os_cache cache;
    return os_native.cache(&cache, sample->file, 0, sample->size);
}

static int probe_resident(const struct sample *sample)
{
    unsigned char page;
    void *address = NULL;
    int error = os_native.map(&address, (size_t)sample->size, OS_PROTECT_READ, OS_MAP_SHARED, sample->file, 0);
    if (error)
        return error;
    error = os_native.resident(&page, address, (size_t)sample->size, sample->file);
    os_native.unmap(address, (size_t)sample->size);
    return error;
}

static int probe_execute(const struct sample *sample)
{
    void *address = NULL;
    int error = os_native.map(&address, (size_t)sample->size, OS_PROTECT_READ | OS_PROTECT_EXECUTE, OS_MAP_SHARED,
                              sample->file, 0);
    if (!error)
        os_native.unmap(address, (size_t)sample->size);
    return error == EPERM || error == EACCES ? ENOTSUP : error;
}

static int probe_no_signal(const struct sample *sample)
{
    (void)sample;
    size_t done;
    unsigned char from = 1, to = 0;
    int error = os_native.copy_checked(&done, &to, &from, sizeof from, false);
    return error ? error : os_native.copy_checked(&done, &to, &from, sizeof from, true);
}

static int probe_private_sync(const struct sample *sample)
{
    mmf_os_handle copy;
    int error = os_native.reopen(&copy, sample->file, OS_OPEN_READ | OS_OPEN_WRITE);
    return error ? error : os_native.close(copy);
}

/* Opens one on nothing at all: it is closed before anybody reads. */
static int close_nothing(void *stream)
{
    (void)stream;
    return 0;
}

static int probe_stdio(const struct sample *sample)
{
    static const struct os_stream_calls nothing = {.close = close_nothing};
    FILE *file = NULL;
    (void)sample;
    int error = os_native.stream_open(&file, NULL, &nothing, true, false);
    if (!error && fclose(file) != 0)
        error = EIO;
    return error;
}

static int run_probe(probe *function)
{
    struct sample sample = {.size = os_native.page_size()};
    int error = os_native.memory_file(&sample.file, 0, function == probe_execute, false);
    if (error) /* vm.memfd_noexec=2 forbids files of memory for execution */
        return error == EACCES || error == EPERM ? ENOTSUP : error;
    error = os_native.resize(sample.file, sample.size);
    if (!error)
        error = function(&sample);
    os_native.close(sample.file);
    return error;
}

/* Features without a probe are not to be had with POSIX, or answered by the guard, which knows its own processor. */
static probe *const probes[] = {
    [MMF_FEATURE_RESERVE] = probe_reserve,
    [MMF_FEATURE_SHARE_MODES] = probe_share_modes,
    [MMF_FEATURE_PUNCH] = probe_punch,
    [MMF_FEATURE_EXTENTS] = probe_extents,
    [MMF_FEATURE_RESIDENT] = probe_resident,
    [MMF_FEATURE_DIRTY_COUNT] = probe_dirty_count,
    [MMF_FEATURE_BATCH_PREFETCH] = NULL,
    [MMF_FEATURE_HUGE_PAGES] = NULL,
    [MMF_FEATURE_NOT_INHERITED] = NULL,
    [MMF_FEATURE_EXECUTE] = probe_execute,
    [MMF_FEATURE_GUARD_TABLE] = NULL,
    [MMF_FEATURE_NO_SIGNAL] = probe_no_signal,
    [MMF_FEATURE_PRIVATE_SYNC] = probe_private_sync,
    [MMF_FEATURE_STDIO] = probe_stdio,
};
#define FEATURES (sizeof probes / sizeof probes[0])

int os_posix_capability(mmf_feature feature)
{
    enum { UNKNOWN, WORKS, MISSING };
    static _Atomic unsigned char known[FEATURES];
    if ((size_t)feature >= FEATURES)
        return EINVAL;
    if (!probes[feature])
        return ENOTSUP;
    unsigned char answer = atomic_load_explicit(&known[feature], memory_order_relaxed);
    if (answer == UNKNOWN) {
        int error = run_probe(probes[feature]);
        if (error && error != ENOTSUP)
            return ENOTSUP;
        answer = error ? MISSING : WORKS;
        atomic_store_explicit(&known[feature], answer, memory_order_relaxed);
    }
    return answer == WORKS ? 0 : ENOTSUP;
}
