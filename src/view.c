/* view.c: a view from its opening to its end, and what can be asked about it. */
#include "view.h"

#include "access.h"
#include "cause.h"
#include "error.h"
#include "map.h"
#include "options.h"

#include <string.h>

void mmf_view_options_init(mmf_view_options *options)
{
    if (options)
        *options = (mmf_view_options){.struct_size = sizeof *options};
}

static int read_options(mmf_view_options *options, const mmf_view_options *from, bool without_signals)
{
    int err = options_read(options, sizeof *options, sizeof *options, from);
    if (err)
        return err;
    if (!access_is_valid(options->access))
        return error_set(MMF_EINVAL, "option access");
    if (options->on_fault > MMF_FAULT_ZERO)
        return error_set(MMF_EINVAL, "option on_fault");
    if (options->reserved_flags[0] || options->reserved_flags[1] || options->reserved_pointer)
        return error_set(MMF_EINVAL, "reserved option");
    if (options->on_fault == MMF_FAULT_ZERO && without_signals)
        return error_set(MMF_ENOTSUP, "option on_fault without signals");
    return MMF_OK;
}

/* The exact range of the view, in bytes of the map. Under the backing's lock, so that no resize comes between. */
static int choose_range(mmf_view *view, uint64_t offset, uint64_t size)
{
    const uint64_t capacity = atomic_load(&view->backing->capacity);
    if (offset > capacity || size > capacity - offset)
        return error_set_full(
            &(mmf_error){.code = MMF_ERANGE, .operation = "open view", .path = view->backing->path, .offset = offset});
    view->offset = offset;
    view->size = size ? size : capacity - offset;
    view->is_empty = view->size == 0;
    if (view->size > SIZE_MAX - 2 * view->backing->granularity)
        return error_set_full(
            &(mmf_error){.code = MMF_ENOMEMORY, .operation = "open view", .path = view->backing->path});
    return MMF_OK;
}

/* An empty view needs a pointer that is not NULL, aligned like any other, and that nobody may store to. */
static void map_nothing(mmf_view *view)
{
    static const alignas(4096) unsigned char nothing[1];
    view->start = (unsigned char *)(uintptr_t)nothing;
    view->data = view->start;
}

/* The bits of os_mapping that the view's pages are mapped with. */
static unsigned mapping_of(const mmf_view *view)
{
    const unsigned mapping = view->is_private ? OS_MAP_PRIVATE : OS_MAP_SHARED;
    return view->backing->inheritable ? mapping : mapping | OS_MAP_NOT_INHERIT;
}

static size_t whole_pages(const struct backing *backing, size_t size)
{
    return (size + backing->page_size - 1) / backing->page_size * backing->page_size;
}

static int map_range(mmf_view *view, void *hint)
{
    const struct backing *backing = view->backing;
    const size_t before = (size_t)(view->offset % backing->granularity);
    void *address = hint ? (void *)(((uintptr_t)hint - before) / backing->granularity * backing->granularity) : NULL;
    view->mapped = whole_pages(backing, before + (size_t)view->size);
    int os_error =
        os.map(&address, view->mapped, view->protection, mapping_of(view), backing->file, view->offset - before);
    view->start = address;
    view->data = view->start + before;
    return error_from_os_at(os_error, "map", backing->path, view->offset);
}

static mmf_cause classify(const void *backing, uint64_t offset, bool write, int *os_error)
{
    return cause_find(backing, offset, write, os_error);
}

static int register_region(mmf_view *view, bool cuttable)
{
    const struct backing *backing = view->backing;
    const struct guard_region wanted = {
        .start = (uintptr_t)view->start,
        .end = (uintptr_t)view->start + view->mapped,
        .offset = view->offset - (uint64_t)(view->data - view->start),
        .first = view->offset,
        .last = cuttable ? 0 : view->offset + view->size,
        .device = backing->about.device,
        .inode = backing->about.inode,
        .file = backing->file,
        .page_size = backing->page_size,
        .protection = view->protection,
        .zero = view->on_fault == MMF_FAULT_ZERO && !view->is_empty,
        .lost_any = access_writes((mmf_access)view->access) ? &view->backing->lost_pages : NULL,
        .inheritable = view->backing->inheritable,
        .without_signals = view->without_signals,
        .owner = view->backing,
        .classify = classify,
    };
    return guard_region_add(&view->region, &wanted);
}

static void set_access(mmf_view *view, mmf_access access)
{
    view->access = access;
    view->protection = access_protection(access);
    view->is_private = access == MMF_COPY_ON_WRITE;
    for (unsigned value = VALUE_8; value < VALUE_SIZES; value++) {
        const uint64_t bytes = UINT64_C(1) << value;
        const uint64_t positions = view->size < bytes ? 0 : view->size - bytes + 1;
        view->readable[value] = access_reads(access) ? positions : 0;
        view->writable[value] = access_stores(access) ? positions : 0;
    }
}

/* Huge pages and populating change nothing but speed, yet who asks for them wants to know when they cannot be had. */
static int prepare_pages(mmf_view *view, const mmf_view_options *options)
{
    int err = MMF_OK;
    if (view->is_empty)
        return MMF_OK;
    if (options->huge_pages) {
        err = error_from_os(os.advise(view->start, view->mapped, OS_ADVISE_HUGE), "advise huge pages",
                            view->backing->path);
        if (err == MMF_EINVAL)
            err = error_set(MMF_ENOTSUP, "advise huge pages");
    }
    if (!err && options->populate)
        err = view_touch_pages(view, 0, view->size);
    return err;
}

/* The region comes first: from then on nobody takes the handler away. */
static int guard_view(mmf_view *view, bool cuttable)
{
    int err = register_region(view, cuttable);
    if (err)
        return err;
    err = guard_start(!view->without_signals);
    if (err) {
        mmf_error first = *mmf_last_error();
        guard_region_remove(view->region);
        return error_set_full(&first);
    }
    return MMF_OK;
}

static int map_and_register(mmf_view *view, const mmf_view_options *options, bool cuttable)
{
    int err = MMF_OK;
    if (view->is_empty)
        map_nothing(view);
    else
        err = map_range(view, options->address);
    if (err)
        return err;
    err = guard_view(view, cuttable);
    if (!err) {
        err = prepare_pages(view, options);
        if (!err)
            return MMF_OK;
        guard_region_remove(view->region);
    }
    mmf_error first = *mmf_last_error();
    (void)os.unmap(view->start, view->mapped);
    return error_set_full(&first);
}

static int check_open(const struct backing *backing, mmf_access map_access, const mmf_view_options *options,
                      mmf_access *access)
{
    *access = options->access ? (mmf_access)options->access : map_access;
    if (!access_allows_view(map_access, *access))
        return error_set_full(&(mmf_error){.code = MMF_EACCESS, .operation = "open view", .path = backing->path});
    return MMF_OK;
}

static mmf_view *new_view(struct backing *backing, const mmf_view_options *options, bool without_signals)
{
    mmf_view *view = os.allocate(sizeof *view);
    if (!view)
        return NULL;
    memset(view, 0, sizeof *view);
    view->backing = backing;
    view->on_fault = options->on_fault;
    view->without_signals = without_signals;
    atomic_store(&view->generation, view->without_signals ? VIEW_NEVER_HOT : atomic_load(&guard_generation));
    atomic_store(&view->references, 1);
    return view;
}

int view_new(mmf_view **view, struct backing *backing, mmf_access map_access, uint64_t offset, uint64_t size,
             const mmf_view_options *options, bool cuttable)
{
    mmf_view_options wanted;
    mmf_access access = MMF_ACCESS_DEFAULT;
    const bool without_signals = guard_mode() == MMF_GUARD_NOSIGNAL; /* it may change at any moment: asked for once */
    int err = read_options(&wanted, options, without_signals);
    if (!err)
        err = check_open(backing, map_access, &wanted, &access);
    if (err)
        return err;
    mmf_view *opened = new_view(backing, &wanted, without_signals);
    if (!opened)
        return error_set(MMF_ENOMEMORY, "allocate view");
    backing_lock(backing);
    err = choose_range(opened, offset, size);
    if (!err) {
        set_access(opened, access);
        err = map_and_register(opened, &wanted, cuttable);
    }
    backing_unlock(backing);
    if (err) {
        os.release(opened);
        return err;
    }
    backing_hold(backing);
    *view = opened;
    return MMF_OK;
}

int mmf_view_open(mmf_view **view, mmf_map *map, uint64_t offset, uint64_t size, const mmf_view_options *options)
{
    int err;
    if (!view)
        return error_set(MMF_EINVAL, "view");
    *view = NULL;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    if (!backing_usable(map->backing))
        return error_set(MMF_EINVAL, "map of the parent process");
    err = view_new(view, map->backing, map->access, offset, size, options, false);
    if (!err)
        atomic_fetch_add(&map->backing->views, 1);
    return err;
}

/*
 * In a forked child a view that is not inheritable has no memory where the system can leave it out (unmapping the
 * range there could hit something else by now), and its region was the parent's.
 */
static int unmap_view(const mmf_view *view)
{
    const bool absent = backing_is_foreign(view->backing) && !view->backing->inheritable &&
                        os.capability(MMF_FEATURE_NOT_INHERITED) == 0;
    return absent || view->is_empty ? 0 : os.unmap(view->start, view->mapped);
}

/*
 * A mapping that cannot replace another leaves that one in place since Linux 6.12; before, one that failed for want of
 * memory could leave a hole, which view_drop() unmaps as if it were still there.
 */
bool view_move(mmf_view *view, uint64_t offset, uint64_t size)
{
    struct backing *backing = view->backing;
    void *address = view->start;
    backing_lock(backing);
    const uint64_t capacity = atomic_load(&backing->capacity);
    bool moved =
        offset <= capacity && size <= capacity - offset && whole_pages(backing, (size_t)size) == view->mapped &&
        os.map(&address, view->mapped, view->protection, mapping_of(view) | OS_MAP_FIXED, backing->file, offset) == 0;
    if (moved) {
        view->offset = offset;
        view->size = size;
        set_access(view, (mmf_access)view->access);
        guard_region_move(view->region, offset, offset, 0);
    }
    backing_unlock(backing);
    return moved;
}

void view_hold(mmf_view *view)
{
    atomic_fetch_add(&view->references, 1);
}

int view_drop(mmf_view *view)
{
    if (atomic_fetch_sub(&view->references, 1) != 1)
        return MMF_OK;
    guard_region_remove(view->region);
    int err = error_from_os(unmap_view(view), "unmap", view->backing->path);
    int dropped = backing_drop(view->backing);
    os.release(view);
    return err ? err : dropped;
}

int mmf_view_close(mmf_view **view)
{
    if (!view)
        return error_set(MMF_EINVAL, "view");
    if (!*view)
        return MMF_OK;
    mmf_view *closed = *view;
    *view = NULL;
    const int flagged = mmf_view_check(closed);
    const mmf_error lost = *mmf_last_error();
    atomic_fetch_sub(&closed->backing->views, 1);
    int err = view_drop(closed);
    return flagged ? error_set_full(&lost) : err;
}

const void *mmf_view_data(const mmf_view *view)
{
    return view && access_reads((mmf_access)view->access) ? view->data : NULL;
}

void *mmf_view_mutable(mmf_view *view)
{
    return view && access_stores((mmf_access)view->access) ? view->data : NULL;
}

uint64_t mmf_view_size(const mmf_view *view)
{
    return view ? view->size : 0;
}

/* Position of the first replaced page, clipped to what the view was asked for. */
static uint64_t first_lost(const mmf_view *view, uint64_t lost)
{
    const uint64_t before = (uint64_t)(view->data - view->start);
    return lost > before ? lost - before : 0;
}

int mmf_view_check(const mmf_view *view)
{
    if (!view)
        return error_set(MMF_EINVAL, "view");
    if (!view->without_signals && guard_thread != atomic_load_explicit(&guard_generation, memory_order_relaxed))
        guard_enter(); /* the raw pointers that follow need the signals */
    const uint64_t lost = atomic_load(&view->region->lost);
    if (lost == UINT64_MAX)
        return MMF_OK;
    const uint64_t position = first_lost(view, lost);
    int os_error = 0;
    const mmf_cause cause =
        cause_find(view->backing, view->offset + position, access_stores((mmf_access)view->access), &os_error);
    return error_set_full(&(mmf_error){.code = MMF_EFAULT,
                                       .os_error = os_error,
                                       .operation = "check view",
                                       .path = view->backing->path,
                                       .offset = view->offset + position,
                                       .done = position,
                                       .cause = cause});
}

int mmf_view_info(mmf_view_details *details, const mmf_view *view)
{
    static const mmf_view_details nothing;
    if (!details)
        return error_set(MMF_EINVAL, "details");
    int err = options_write(details, sizeof nothing, &nothing, sizeof nothing);
    if (!err)
        err = view_check_usable(view);
    if (err)
        return err;
    const uint64_t lost = atomic_load(&view->region->lost);
    const mmf_view_details filled = {
        .access = view->access,
        .offset = view->offset,
        .size = view->size,
        .mapped = view->mapped,
        .on_fault = view->on_fault,
        .flagged = lost != UINT64_MAX,
        .without_signals = view->without_signals,
        .first_lost = lost == UINT64_MAX ? 0 : first_lost(view, lost),
    };
    return options_write(details, sizeof filled, &filled, sizeof filled);
}
