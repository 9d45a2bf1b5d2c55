/* view_flush.c: writing a range of a view to the file's storage. */
#include "error.h"
#include "sync.h"
#include "view_bytes.h"

static const enum os_flush kinds[] = {
    [MMF_FLUSH_START] = OS_FLUSH_START, [MMF_FLUSH_WAIT] = OS_FLUSH_WAIT, [MMF_FLUSH_SYNC] = OS_FLUSH_MEDIUM};

/* The page cache is the file's: writing back by offset needs no mapping and tells start from wait, where it exists. */
static int write_back(const mmf_view *view, uint64_t position, uint64_t size, enum os_flush how)
{
    int os_error = os.write_back(view->backing->file, view->offset + position, size, how);
    if (os_error == 0 || os.code_of(os_error) != MMF_ENOTSUP)
        return os_error;
    struct view_pages pages = view_pages_of(view, position, size);
    return os.flush(pages.address, pages.size, how);
}

int mmf_view_flush(mmf_view *view, uint64_t position, uint64_t size, mmf_flush how)
{
    int err = view_check_usable(view);
    if (!err && (unsigned)how > MMF_FLUSH_SYNC)
        err = error_set(MMF_EINVAL, "how");
    if (!err)
        err = view_check_rest(view, position, &size);
    if (!err)
        err = mmf_view_check(view);
    if (!err)
        err = sync_check(view->backing);
    if (err || size == 0 || view->is_private || view->backing->anonymous)
        return err;
    struct view_pages pages = view_pages_of(view, position, size);
    enum os_flush kind = view->backing->write_through ? OS_FLUSH_MEDIUM : kinds[how];
    int os_error =
        kind == OS_FLUSH_MEDIUM ? os.flush(pages.address, pages.size, kind) : write_back(view, position, size, kind);
    return sync_outcome(view->backing, os_error, "flush view");
}
