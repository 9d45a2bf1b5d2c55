/*
 * guard_zero.c: replaces a missing page by zeros, once, whichever threads meet it at the same moment.
 *
 * A thread may fault, and be scheduled again only after another has replaced that page and stored into it: replacing
 * it a second time would lose the store. So the pages replaced last are kept in a small table without locks; a thread
 * that finds its page there just tries again. Nothing here waits: the handler may have interrupted anything.
 */
#include "guard_zero.h"

#include <errno.h>

/* An entry is the address of a page with its state in the lowest bits, which are 0 in every page's address. */
enum { ENTRIES = 256, BUSY = 1, DONE = 2, STATE = 3 };
static _Atomic uintptr_t replaced[ENTRIES];
static _Atomic size_t zero_regions;

/*
 * A page that is being replaced by another thread is tried again after PAUSE. A page that is replaced cannot be missing
 * again. Should one come back this often in a row to the same thread (it interrupted the very thread that is replacing
 * it, and will never see the end of that), it is replaced regardless: after a second or so.
 */
enum { PAUSE = 50000 /* nanoseconds */, PATIENCE = 10000 };
static _Thread_local uintptr_t again_page __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned again_times __attribute__((tls_model("initial-exec")));

void guard_zero_begin(void)
{
    atomic_fetch_add(&zero_regions, 1);
}

void guard_zero_end(uintptr_t start, uintptr_t end)
{
    atomic_fetch_sub(&zero_regions, 1);
    for (size_t i = 0; i < ENTRIES; i++) {
        uintptr_t entry = atomic_load(&replaced[i]);
        uintptr_t page = entry & ~(uintptr_t)STATE;
        if (page >= start && page < end)
            atomic_compare_exchange_strong(&replaced[i], &entry, 0);
    }
}

/* A thread that was replacing a page does not exist in the child. */
void guard_zero_after_fork(void)
{
    for (size_t i = 0; i < ENTRIES; i++)
        atomic_store(&replaced[i], 0);
}

/* Lowers the mark of the first lost page; before the page is replaced, so that who sees zeros sees the flag too. */
static void flag(struct guard_region *region, uint64_t distance)
{
    uint64_t lowest = atomic_load(&region->lost);
    while (distance < lowest && !atomic_compare_exchange_weak(&region->lost, &lowest, distance))
        continue;
    if (region->lost_any)
        atomic_store(region->lost_any, true);
}

static bool replace(struct guard_region *region, uintptr_t page)
{
    int saved = errno;
    unsigned mapping = OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_FIXED;
    void *address = (void *)page;
    if (!region->inheritable)
        mapping |= OS_MAP_NOT_INHERIT;
    flag(region, page - atomic_load(&region->start));
    int err = os.map(&address, region->page_size, region->protection, mapping, MMF_INVALID_HANDLE, 0);
    errno = saved;
    return err == 0;
}

static bool out_of_patience(uintptr_t page)
{
    if (again_page != page) {
        again_page = page;
        again_times = 0;
    }
    return ++again_times > PATIENCE;
}

/* Sleeping is allowed in a handler (POSIX lists nanosleep()). */
static void pause_a_little(void)
{
    int saved = errno;
    (void)os.sleep(PAUSE); /* shorter does no harm */
    errno = saved;
}

bool guard_zero_page(const struct os_fault *fault)
{
    if (fault->kind != OS_FAULT_PAGE || atomic_load(&zero_regions) == 0)
        return false;
    struct guard_region *region = guard_region_at(fault->address);
    if (!region || !region->zero)
        return false;

    uintptr_t start = atomic_load(&region->start);
    uintptr_t page = fault->address - (fault->address - start) % region->page_size;
    _Atomic uintptr_t *entry = &replaced[page / region->page_size % ENTRIES];
    uintptr_t old = atomic_load(entry);
    bool done = old == (page | DONE);
    if (done || (old & STATE) == BUSY || !atomic_compare_exchange_strong(entry, &old, page | BUSY)) {
        if (out_of_patience(page))
            return replace(region, page);
        if (!done)
            pause_a_little();
        return true;
    }
    done = replace(region, page);
    atomic_store(entry, done ? page | DONE : 0);
    return done;
}
