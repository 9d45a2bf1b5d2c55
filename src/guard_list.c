/* guard_list.c: the mapped ranges the handler knows, in a list that is read without a lock. */
#include "guard_list.h"
#include "error.h"

static _Atomic(struct guard_region *) all;
static struct guard_region *unused;

/* Guards every change. It needs no making, so that it exists before the first view, and can be reset after fork. */
static atomic_flag lock = ATOMIC_FLAG_INIT;
enum { BACK_OFF = 20000 }; /* nanoseconds */

static void take_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        (void)os.sleep(BACK_OFF); /* sleeping shorter does no harm */
}

static void drop_lock(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

/* A slot that is not in use: from the list, or new memory that joins the list of all and stays there for good. */
static struct guard_region *take_unused(void)
{
    struct guard_region *region = unused;
    if (region) {
        unused = region->free;
        return region;
    }
    region = os.allocate(sizeof *region);
    if (!region)
        return NULL;
    *region = (struct guard_region){.version = 0};
    region->next = atomic_load(&all);
    atomic_store(&all, region);
    return region;
}

static void give_unused(struct guard_region *region)
{
    region->free = unused;
    unused = region;
}

/* Whether it belongs to this process: a forked child has the parent's list, but not all of its memory. */
static bool is_mine(const struct guard_region *region)
{
    return region->inheritable || region->generation == atomic_load(&guard_generation);
}

static void fill(struct guard_region *region, const struct guard_region *wanted, _Atomic uint8_t *pages)
{
    atomic_fetch_add(&region->version, 1);
    atomic_store(&region->end, atomic_load(&wanted->end));
    atomic_store(&region->lost, UINT64_MAX);
    region->lost_any = wanted->lost_any;
    region->offset = wanted->offset;
    region->first = wanted->first;
    atomic_store(&region->last, atomic_load(&wanted->last));
    region->device = wanted->device;
    region->inode = wanted->inode;
    region->file = wanted->file;
    region->page_size = wanted->page_size;
    atomic_store(&region->protection, atomic_load(&wanted->protection));
    atomic_store(&region->parted, false);
    region->zero = wanted->zero;
    region->pages = pages;
    region->inheritable = wanted->inheritable;
    region->without_signals = wanted->without_signals;
    region->classify = wanted->classify;
    region->owner = wanted->owner;
    region->generation = atomic_load(&guard_generation);
    atomic_store(&region->start, atomic_load(&wanted->start));
    atomic_fetch_add(&region->version, 1);
}

int guard_list_add(struct guard_region **result, const struct guard_region *wanted, _Atomic uint8_t *pages)
{
    *result = NULL;
    take_lock();
    struct guard_region *region = take_unused();
    if (region)
        fill(region, wanted, pages);
    drop_lock();
    if (!region)
        return error_set(MMF_ENOMEMORY, "malloc");
    *result = region;
    return MMF_OK;
}

void guard_list_remove(struct guard_region *region)
{
    take_lock();
    atomic_fetch_add(&region->version, 1);
    atomic_store(&region->start, 0);
    atomic_fetch_add(&region->version, 1);
    give_unused(region);
    drop_lock();
}

void guard_region_move(struct guard_region *region, uint64_t offset, uint64_t first, uint64_t last)
{
    take_lock();
    atomic_fetch_add(&region->version, 1);
    region->offset = offset;
    region->first = first;
    atomic_store(&region->last, last);
    atomic_fetch_add(&region->version, 1);
    drop_lock();
}

/*
 * A region is matched only if it did not change meanwhile; the one that holds a live view's address does not, so the
 * members that are not atomic may be read after that.
 */
static bool holds(const struct guard_region *region, uintptr_t address)
{
    uint32_t version = atomic_load(&region->version);
    uintptr_t start = atomic_load(&region->start);
    uintptr_t end = atomic_load(&region->end);
    return version % 2 == 0 && start != 0 && address >= start && address < end &&
           atomic_load(&region->version) == version;
}

struct guard_region *guard_region_at(uintptr_t address)
{
    for (struct guard_region *region = atomic_load(&all); region; region = region->next)
        if (holds(region, address) && is_mine(region))
            return region;
    return NULL;
}

bool guard_region_any(void)
{
    bool found = false;
    take_lock();
    for (struct guard_region *region = atomic_load(&all); region && !found; region = region->next)
        found = atomic_load(&region->start) != 0 && is_mine(region) && !region->without_signals;
    drop_lock();
    return found;
}

bool guard_region_beyond(uint64_t device, uint64_t inode, uint64_t length)
{
    bool found = false;
    take_lock();
    for (struct guard_region *region = atomic_load(&all); region && !found; region = region->next)
        found = atomic_load(&region->start) != 0 && is_mine(region) && region->device == device &&
                region->inode == inode && atomic_load(&region->last) > length;
    drop_lock();
    return found;
}

/* Other threads may have been anywhere in here: what they left half done is given up. */
void guard_list_after_fork(void)
{
    unused = NULL;
    for (struct guard_region *region = atomic_load(&all); region; region = region->next) {
        if (atomic_load(&region->version) % 2 != 0) {
            atomic_store(&region->start, 0);
            atomic_fetch_add(&region->version, 1);
        }
        if (atomic_load(&region->start) == 0)
            give_unused(region);
    }
    drop_lock();
}
