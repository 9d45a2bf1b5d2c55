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
 * Mappings to give up when the system allows no more of them, which the process may have just passed by one: then not
 * even a mapping that joins others is granted (Linux: mmap(2), vm.max_map_count). Pages of different protections, as
 * they would be one mapping otherwise; kept as long as any region wants zeros.
 */
enum { RESERVE = 32 };
static _Atomic(void *) reserve;

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

static void drop_reserve(void)
{
    void *memory = atomic_exchange(&reserve, NULL);
    if (memory)
        (void)os.unmap(memory, RESERVE * os.page_size()); /* cannot fail: it is the whole of mappings of our own */
}

static int make_reserve(void)
{
    const size_t page = os.page_size();
    void *memory = NULL;
    void *none = NULL;
    if (atomic_load(&reserve))
        return 0;
    int err =
        os.map(&memory, RESERVE * page, OS_PROTECT_NONE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS, MMF_INVALID_HANDLE, 0);
    if (err)
        return err;
    for (size_t i = 0; i < RESERVE && !err; i += 2)
        err = os.protect((unsigned char *)memory + i * page, page, OS_PROTECT_READ);
    if (err || !atomic_compare_exchange_strong(&reserve, &none, memory))
        (void)os.unmap(memory, RESERVE * page); /* another thread's is as good */
    return err;
}

static int begin(_Atomic uint8_t **pages, size_t count)
{
    void *memory = NULL;
    int err = make_reserve();
    if (!err)
        err = os.map(&memory, count, OS_PROTECT_READ | OS_PROTECT_WRITE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS,
                     MMF_INVALID_HANDLE, 0);
    *pages = memory;
    return err;
}

/* The last one takes the reserve along. One that begins at this very moment may be left without: it is no promise. */
static void end(void)
{
    if (atomic_fetch_sub(&zero_regions, 1) == 1)
        drop_reserve();
}

int guard_zero_begin(_Atomic uint8_t **pages, size_t count)
{
    atomic_fetch_add(&zero_regions, 1);
    int os_error = begin(pages, count);
    if (os_error)
        end();
    return error_from_os(os_error, "map for replaced pages", NULL);
}

void guard_zero_end(_Atomic uint8_t *pages, size_t count)
{
    (void)os.unmap((void *)pages, count); /* cannot fail: it is the whole of a mapping of our own */
    end();
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

/* Maps zeros over pages that the caller has claimed, and gives each the protection that is in force by then. */
static int map_zeros(const struct guard_region *region, size_t first, size_t count)
{
    const size_t page = region->page_size;
    unsigned mapping = OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_FIXED;
    void *address = (void *)(atomic_load(&region->start) + first * page);
    const unsigned protection = protection_of(region, first);
    if (!region->inheritable)
        mapping |= OS_MAP_NOT_INHERIT;
    int err = os.map(&address, count * page, protection, mapping, MMF_INVALID_HANDLE, 0);
    for (size_t i = 0; i < count && !err; i++) {
        unsigned old = protection;
        for (unsigned now; (now = protection_of(region, first + i)) != old; old = now)
            (void)os.protect((unsigned char *)address + i * page, page, now);
    }
    return err;
}

/* Whether the page and all that follow lie behind the end of the region's file, as far as it is known. */
static bool is_behind_end(const struct guard_region *region, size_t index)
{
    struct os_file_info now;
    if ((region->device == 0 && region->inode == 0) || os.describe(&now, region->file) != 0)
        return false;
    return now.device == region->device && now.inode == region->inode &&
           now.size <= region->offset + (uint64_t)index * region->page_size;
}

/*
 * Every page replaced by itself splits a mapping in three, and their number is limited. A page that cannot be replaced
 * for that takes along all that follow, up to the next that was replaced or the end of the region: that adds no
 * mapping, or one. They are all missing, if the file ends before.
 */
static int replace_rest(struct guard_region *region, size_t index)
{
    const size_t count = guard_zero_count(region);
    size_t next = index + 1;
    while (next < count && claim(&region->pages[next]))
        next++;
    int err = map_zeros(region, index, next - index);
    for (size_t i = index + 1; i < next; i++)
        set_state(&region->pages[i], err == 0 ? REPLACED : UNTOUCHED);
    return err;
}

/* With the reserve gone, mappings are few: pages by themselves would use up what giving it up made room for. */
static int replace_sparingly(struct guard_region *region, size_t index)
{
    if (atomic_load(&reserve) && map_zeros(region, index, 1) == 0)
        return 0;
    if (!is_behind_end(region, index))
        return map_zeros(region, index, 1);
    drop_reserve();
    return replace_rest(region, index);
}

/* Ends what claim() began, or what nobody will end. */
static bool replace(struct guard_region *region, size_t index)
{
    int saved = errno;
    flag(region, index * region->page_size);
    int err = replace_sparingly(region, index);
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
