/* view_memory.c: what the kernel is told and asked about the pages of a view. */
#include "access.h"
#include "error.h"
#include "view_bytes.h"

#define PREFETCH_BATCH 512
#define RESIDENT_BATCH 256

static const enum os_advice advices[] = {
    [MMF_ADVISE_NORMAL] = OS_ADVISE_NORMAL,
    [MMF_ADVISE_RANDOM] = OS_ADVISE_RANDOM,
    [MMF_ADVISE_SEQUENTIAL] = OS_ADVISE_SEQUENTIAL,
    [MMF_ADVISE_WILL_NEED] = OS_ADVISE_WILL_NEED,
    [MMF_ADVISE_COLD] = OS_ADVISE_COLD,
    [MMF_ADVISE_PAGE_OUT] = OS_ADVISE_PAGE_OUT,
    [MMF_ADVISE_HUGE_PAGES] = OS_ADVISE_HUGE,
    [MMF_ADVISE_NO_HUGE_PAGES] = OS_ADVISE_NO_HUGE,
    [MMF_ADVISE_DUMP] = OS_ADVISE_DUMP,
    [MMF_ADVISE_NO_DUMP] = OS_ADVISE_NO_DUMP,
};

/* The checks and the pages for calls on a range where size 0 means "to the end". */
static int pages_for(struct view_pages *pages, const mmf_view *view, uint64_t position, uint64_t *size)
{
    int err = view_check_usable(view);
    if (!err)
        err = view_check_rest(view, position, size);
    if (!err)
        *pages = view_pages_of(view, position, *size);
    return err;
}

static int failed(const mmf_view *view, int os_error, uint64_t position, const char *operation)
{
    return error_from_os_at(os_error, operation, view->backing->path, view->offset + position);
}

int mmf_view_advise(mmf_view *view, uint64_t position, uint64_t size, mmf_advice advice)
{
    struct view_pages pages;
    if ((unsigned)advice > MMF_ADVISE_NO_DUMP)
        return error_set(MMF_EINVAL, "advice");
    int err = pages_for(&pages, view, position, &size);
    if (err || size == 0)
        return err;
    int os_error = os.advise(pages.address, pages.size, advices[advice]);
    if (os_error != 0 && os.code_of(os_error) == MMF_EINVAL) /* the address and size are right: it is the advice */
        return error_set(MMF_ENOTSUP, "advise");
    return failed(view, os_error, position, "advise");
}

int mmf_view_prefetch(const mmf_view *view, const mmf_range *ranges, size_t count)
{
    struct os_memory_range batch[PREFETCH_BATCH];
    int err = view_check_usable(view);
    if (!err && !ranges && count > 0)
        err = error_set(MMF_EINVAL, "ranges");
    for (size_t i = 0; i < count && !err; i++)
        err = view_check_range(view, ranges[i].position, ranges[i].size);
    for (size_t i = 0; i < count && !err;) {
        size_t used = 0;
        for (; i < count && used < PREFETCH_BATCH; i++) {
            struct view_pages pages = view_pages_of(view, ranges[i].position, ranges[i].size);
            if (ranges[i].size > 0)
                batch[used++] = (struct os_memory_range){pages.address, pages.size};
        }
        if (used > 0)
            err = failed(view, os.prefetch(batch, used), ranges[0].position, "prefetch");
    }
    return err;
}

/* The system answers the same for a limit and for a page that is not there: a look at the pages tells them apart. */
int mmf_view_lock(mmf_view *view, uint64_t position, uint64_t size)
{
    struct view_pages pages;
    int err = pages_for(&pages, view, position, &size);
    if (err || size == 0)
        return err;
    int os_error = os.lock_memory(pages.address, pages.size);
    if (os_error == 0)
        return MMF_OK;
    (void)os.unlock_memory(pages.address, pages.size);
    if (access_reads((mmf_access)view->access) && view_touch_pages(view, position, size) == MMF_EFAULT)
        return MMF_EFAULT;
    return error_set_full(&(mmf_error){.code = MMF_ENOMEMORY,
                                       .os_error = os_error,
                                       .operation = "lock memory",
                                       .path = view->backing->path,
                                       .offset = view->offset + position});
}

int mmf_view_unlock(mmf_view *view, uint64_t position, uint64_t size)
{
    struct view_pages pages;
    int err = pages_for(&pages, view, position, &size);
    if (err || size == 0)
        return err;
    return failed(view, os.unlock_memory(pages.address, pages.size), position, "unlock memory");
}

int mmf_view_resident(uint64_t *resident, const mmf_view *view, uint64_t position, uint64_t size, uint8_t *pages,
                      size_t room)
{
    unsigned char answers[RESIDENT_BATCH * 16]; /* room for a system whose pages are smaller than we were told */
    struct view_pages range;
    if (!resident)
        return error_set(MMF_EINVAL, "resident");
    *resident = 0;
    int err = pages_for(&range, view, position, &size);
    if (err || size == 0)
        return err;
    const size_t page = os.page_size();
    const size_t count = range.size / page;
    if (pages && room < count)
        return error_set(MMF_ERANGE, "room");
    uint64_t found = 0;
    for (size_t at = 0; at < count; at += RESIDENT_BATCH) {
        size_t part = count - at < RESIDENT_BATCH ? count - at : RESIDENT_BATCH;
        int os_error = os.resident(answers, range.address + at * page, part * page, view->backing->file);
        if (os_error != 0)
            return failed(view, os_error, position, "resident pages");
        for (size_t i = 0; i < part; i++) {
            found += answers[i] & 1;
            if (pages)
                pages[at + i] = answers[i] & 1;
        }
    }
    *resident = found;
    return MMF_OK;
}

int mmf_view_probe(const mmf_view *view, uint64_t position, uint64_t size)
{
    int err = view_check_readable(view);
    if (!err)
        err = view_check_rest(view, position, &size);
    return err ? err : view_touch_pages(view, position, size);
}

int mmf_view_protect(mmf_view *view, uint64_t position, uint64_t size, mmf_access access)
{
    struct view_pages pages;
    int err = view_check_usable(view);
    if (!err && !access_is_valid((uint32_t)access))
        err = error_set(MMF_EINVAL, "access");
    if (!err)
        err = pages_for(&pages, view, position, &size);
    if (err || size == 0)
        return err;
    unsigned protection = access == MMF_ACCESS_DEFAULT ? view->protection : access_protection(access);
    if (protection & ~view->protection)
        return error_set(MMF_EACCESS, "protect");
    int os_error = os.protect(pages.address, pages.size, protection);
    if (os_error == 0 && protection != view->protection)
        atomic_store(&view->narrowed, true);
    else if (os_error == 0 && pages.address == view->start && pages.size == view->mapped)
        atomic_store(&view->narrowed, false);
    return failed(view, os_error, position, "protect");
}

/*
 * A hole is the cheapest zero, and gives the storage back. Punching goes past the mapping, so it must not be used
 * where the mapping is something else than the file: private copies, replaced pages, pages that were protected.
 */
static bool can_punch(const mmf_view *view)
{
    return !view->is_private && !atomic_load(&view->narrowed) && atomic_load(&view->region->lost) == UINT64_MAX;
}

/* Nor where pages lie beyond the end of the file. MMF_ENOTSUP: zeros have to be stored. */
static int punch(mmf_view *view, uint64_t position, uint64_t size)
{
    struct os_file_info now;
    const uint64_t page = view->backing->page_size;
    const uint64_t offset = view->offset + position;
    int os_error = os.describe(&now, view->backing->file);
    if (os_error != 0 || now.kind != OS_FILE_REGULAR)
        return MMF_ENOTSUP;
    const uint64_t end = (now.size + page - 1) / page * page;
    if (offset + size > end) {
        const uint64_t good = end > offset ? end - offset : 0;
        return view_fault(view, position + good, good, true, "zero view");
    }
    os_error = os.punch(view->backing->file, offset, size);
    const int code = os.code_of(os_error);
    if (code == MMF_ENOTSUP || code == MMF_EINVAL || code == MMF_EACCESS) /* sealed, append-only: stores still work */
        return MMF_ENOTSUP;
    return failed(view, os_error, position, "punch hole");
}

int mmf_view_zero(mmf_view *view, uint64_t position, uint64_t size)
{
    int err = view_check_writable(view);
    if (!err)
        err = view_check_rest(view, position, &size);
    if (err || size == 0)
        return err;
    err = can_punch(view) ? punch(view, position, size) : MMF_ENOTSUP;
    return err == MMF_ENOTSUP ? view_fill(view, position, 0, size) : err;
}
