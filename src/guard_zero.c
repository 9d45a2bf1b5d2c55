/*
 * guard_zero.c: replaces a missing page by zeros, once, whichever threads meet it at the same moment.
 *
 * A thread may fault, and be scheduled again only after another has replaced that page and stored into it: replacing
 * it a second time would lose the store. So every page has a byte that remembers what became of it, in memory of the
 * region's own that the system fills only where it is used; a thread that finds its page replaced just tries again.
 * Nothing here waits for long: the handler may have interrupted anything.
 */
#include "guard_zero.h"

#include "error.h"

#include <errno.h>

/*
 * What a page's byte says: its state, and if OWN is set, the protection it has been given besides the region's. A page
 * that is being replaced tells in which generation of the process: the thread that did it does not exist in a forked
 * child, where the page is as good as untouched.
 */
enum { UNTOUCHED = 0, REPLACED = 1, BUSY_EVEN = 2, BUSY_ODD = 3, STATE = 3, OWN = 4, PROTECTION_SHIFT = 3 };

static _Atomic size_t zero_regions;

/*
 * A page that is being replaced by another thread is tried again after PAUSE. A page that is replaced cannot be missing
 * again. Should one come back this often in a row to the same thread (it interrupted the very thread that is replacing
 * it, and will never see the end of that), it is replaced regardless: after a second or so.
 */
enum { PAUSE = 50000 /* nanoseconds */, PATIENCE = 10000 };
static _Thread_local uintptr_t again_page __attribute__((tls_model("initial-exec")));
static _Thread_local unsigned again_times __attribute__((tls_model("initial-exec")));

size_t guard_zero_count(const struct guard_region *region)
{
    const uintptr_t size = atomic_load(&region->end) - atomic_load(&region->start);
    return (size_t)((size + region->page_size - 1) / region->page_size);
}

int guard_zero_begin(_Atomic uint8_t **pages, size_t count)
{
    void *memory = NULL;
    int os_error = os.map(&memory, count, OS_PROTECT_READ | OS_PROTECT_WRITE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS,
                          MMF_INVALID_HANDLE, 0);
    if (os_error)
        return error_from_os(os_error, "map for replaced pages", NULL);
    *pages = memory;
    atomic_fetch_add(&zero_regions, 1);
    return MMF_OK;
}

void guard_zero_end(_Atomic uint8_t *pages, size_t count)
{
    atomic_fetch_sub(&zero_regions, 1);
    (void)os.unmap((void *)pages, count); /* cannot fail: it is the whole of a mapping of our own */
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

static uint8_t busy(void)
{
    return atomic_load(&guard_generation) % 2 ? BUSY_ODD : BUSY_EVEN;
}

/* Makes the calling thread the one that replaces the page; false: another does, or did. */
static bool claim(_Atomic uint8_t *page)
{
    uint8_t old = atomic_load(page);
    while ((old & STATE) != REPLACED && (old & STATE) != busy())
        if (atomic_compare_exchange_weak(page, &old, (uint8_t)((old & ~STATE) | busy())))
            return true;
    return false;
}

static void set_state(_Atomic uint8_t *page, uint8_t state)
{
    uint8_t old = atomic_load(page);
    while (!atomic_compare_exchange_weak(page, &old, (uint8_t)((old & ~STATE) | state)))
        continue;
}

/* `own` is 0 or OWN with a protection. */
static void set_own(_Atomic uint8_t *page, uint8_t own)
{
    uint8_t old = atomic_load(page);
    while ((old & ~STATE) != own && !atomic_compare_exchange_weak(page, &old, (uint8_t)((old & STATE) | own)))
        continue;
}

static unsigned protection_of(const struct guard_region *region, size_t index)
{
    const uint8_t page = atomic_load(&region->pages[index]);
    return page & OWN ? (unsigned)page >> PROTECTION_SHIFT : atomic_load(&region->protection);
}

void guard_region_protect(struct guard_region *region, uintptr_t start, size_t size, unsigned protection)
{
    if (!region->pages)
        return;
    const uintptr_t begin = atomic_load(&region->start);
    const bool whole = start == begin && start + size == atomic_load(&region->end);
    if (whole)
        atomic_store(&region->protection, protection);
    else if (protection != atomic_load(&region->protection))
        atomic_store(&region->parted, true);
    if (!atomic_load(&region->parted))
        return;
    const uint8_t own = whole ? 0 : (uint8_t)(OWN | protection << PROTECTION_SHIFT);
    for (size_t index = (start - begin) / region->page_size; index * region->page_size < start + size - begin; index++)
        set_own(&region->pages[index], own);
    if (whole)
        atomic_store(&region->parted, false);
}

/* Ends what claim() began, or what nobody will end. */
static bool replace(struct guard_region *region, size_t index)
{
    int saved = errno;
    unsigned mapping = OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_FIXED;
    void *address = (void *)(atomic_load(&region->start) + index * region->page_size);
    if (!region->inheritable)
        mapping |= OS_MAP_NOT_INHERIT;
    flag(region, index * region->page_size);
    unsigned protection = protection_of(region, index);
    int err = os.map(&address, region->page_size, protection, mapping, MMF_INVALID_HANDLE, 0);
    for (unsigned now; !err && (now = protection_of(region, index)) != protection; protection = now)
        (void)os.protect(address, region->page_size, now); /* it was changed meanwhile */
    set_state(&region->pages[index], err == 0 ? REPLACED : UNTOUCHED);
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

    const uintptr_t start = atomic_load(&region->start);
    const size_t index = (fault->address - start) / region->page_size;
    if (claim(&region->pages[index]) || out_of_patience(start + index * region->page_size))
        return replace(region, index);
    if ((atomic_load(&region->pages[index]) & STATE) != REPLACED)
        pause_a_little();
    return true;
}
