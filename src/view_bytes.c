/* view_bytes.c: how the bytes of a view are reached safely, and what a fault means. */
#include "view_bytes.h"
#include "access.h"
#include "cause.h"

/* One checked copy moves at most this much, so that a count fits into every system's own. */
#define CHECKED_PIECE ((size_t)1 << 30)

/* Pages are brought in by the kernel in pieces of this size. */
#define TOUCH_PIECE ((uint64_t)32 << 20)

int view_check_handle(const mmf_view *view)
{
    if (!backing_usable(view->backing))
        return error_set(MMF_EINVAL, "view of the parent process");
    return MMF_OK;
}

static int refuse(const mmf_view *view, int code, uint64_t position, const char *operation)
{
    return error_set_full(&(mmf_error){
        .code = code, .operation = operation, .path = view->backing->path, .offset = view->offset + position});
}

int view_check_reading(const mmf_view *view)
{
    int err = view_check_handle(view);
    if (!err && !access_reads((mmf_access)view->access))
        err = refuse(view, MMF_EACCESS, 0, "read view");
    return err;
}

int view_check_writing(const mmf_view *view)
{
    int err = view_check_handle(view);
    if (!err && !access_stores((mmf_access)view->access))
        err = refuse(view, MMF_EACCESS, 0, "write view");
    return err;
}

int view_check_range(const mmf_view *view, uint64_t position, uint64_t size)
{
    if (position > view->size || size > view->size - position)
        return error_set_full(&(mmf_error){
            .code = MMF_ERANGE, .operation = "range of view", .path = view->backing->path, .offset = position});
    return MMF_OK;
}

int view_check_rest(const mmf_view *view, uint64_t position, uint64_t *size)
{
    int err = view_check_range(view, position, *size);
    if (!err && *size == 0)
        *size = view->size - position;
    return err;
}

struct view_pages view_pages_of(const mmf_view *view, uint64_t position, uint64_t size)
{
    const size_t page = view->backing->page_size;
    const size_t begin = (size_t)(view->data - view->start) + (size_t)position;
    const size_t end = begin + (size_t)size;
    const size_t first = begin / page * page;
    return (struct view_pages){view->start + first, (end + page - 1) / page * page - first};
}

int view_fault(const mmf_view *view, uint64_t position, uint64_t done, bool write, const char *operation)
{
    mmf_error error = {.code = MMF_EFAULT,
                       .operation = operation,
                       .path = view->backing->path,
                       .offset = view->offset + position,
                       .done = done};
    error.cause = cause_find(view->backing, error.offset, write, &error.os_error);
    return error_set_full(&error);
}

/* A guarded primitive stopped at `done`: was it the view's memory, its protection, or the caller's own buffer? */
__attribute__((noinline, cold)) int view_guarded_fault(const mmf_view *view, uint64_t position, size_t done, bool write,
                                                       const char *operation)
{
    const struct os_fault *fault = guard_last_fault();
    const uintptr_t page = view->backing->page_size; /* some processors tell only the page of a fault */
    const bool inside = fault->address / page == (uintptr_t)(view->data + position + done) / page;
    if (inside && fault->kind == OS_FAULT_PAGE)
        return view_fault(view, position + done, done, write, operation);
    return error_set_full(&(mmf_error){.code = inside ? MMF_EACCESS : MMF_EFAULT,
                                       .operation = inside ? operation : "buffer of the caller",
                                       .path = view->backing->path,
                                       .offset = view->offset + position + done,
                                       .done = done,
                                       .cause = inside ? MMF_CAUSE_PROTECTION : MMF_CAUSE_UNKNOWN});
}

/*
 * Without signals: process_vm_readv() and its like report a bad page by a short count. Where they are missing
 * (containers forbid them) a shared view's bytes can still be had from the file itself, up to its end.
 */
static int checked_piece(size_t *done, const mmf_view *view, uint64_t position, void *buffer, size_t size, bool write)
{
    unsigned char *memory = view->data + position;
    int os_error =
        write ? os.copy_checked(done, memory, buffer, size, true) : os.copy_checked(done, buffer, memory, size, false);
    if (os_error == 0 || os.code_of(os_error) != MMF_ENOTSUP || view->is_private)
        return os_error;
    if (write && atomic_load(&view->narrowed)) /* the file would take what the pages refuse */
        return os_error;
    struct os_file_info now;
    os_error = os.describe(&now, view->backing->file);
    const uint64_t offset = view->offset + position;
    if (os_error != 0 || offset >= now.size)
        return os_error;
    if (size > now.size - offset)
        size = (size_t)(now.size - offset);
    return write ? os.write_at(done, view->backing->file, offset, buffer, size)
                 : os.read_at(done, view->backing->file, offset, buffer, size);
}

static int checked_copy(const mmf_view *view, uint64_t position, void *buffer, size_t size, size_t *done, bool write)
{
    const char *operation = write ? "write view" : "read view";
    *done = 0;
    while (*done < size) {
        size_t part = 0;
        size_t wanted = size - *done < CHECKED_PIECE ? size - *done : CHECKED_PIECE;
        int os_error = checked_piece(&part, view, position + *done, (unsigned char *)buffer + *done, wanted, write);
        *done += part;
        if (os_error != 0 && os.code_of(os_error) == MMF_ENOTSUP)
            return refuse(view, MMF_ENOTSUP, position, "copy without signals");
        if (os.code_of(os_error) == MMF_ERANGE) /* written through the file: RLIMIT_FSIZE ends before */
            return error_set_full(&(mmf_error){.code = MMF_ERANGE,
                                               .os_error = os_error,
                                               .operation = operation,
                                               .path = view->backing->path,
                                               .offset = view->offset + position + *done,
                                               .done = *done});
        if (os_error != 0 || part == 0) {
            if (atomic_load(&view->narrowed))
                return refuse(view, MMF_EACCESS, position + *done, operation);
            return view_fault(view, position + *done, *done, write, operation);
        }
    }
    return MMF_OK;
}

/*
 * The thread's and the process's turn: afterwards the hot path is open for this thread. Where it is already, nothing is
 * stored: threads that read the same view would take its cache line from each other.
 */
static void make_ready(const mmf_view *view)
{
    if (guard_thread == atomic_load_explicit(&view->generation, memory_order_relaxed))
        return;
    mmf_view *changed = (mmf_view *)view;
    guard_enter();
    atomic_store(&changed->generation, atomic_load(&guard_generation));
}

int view_copy_out(const mmf_view *view, uint64_t position, void *to, size_t size, size_t *done)
{
    if (view->without_signals)
        return checked_copy(view, position, to, size, done, false);
    make_ready(view);
    *done = guard_copy(to, view->data + position, size);
    return *done == size ? MMF_OK : view_guarded_fault(view, position, *done, false, "read view");
}

int view_copy_in(mmf_view *view, uint64_t position, const void *from, size_t size, size_t *done)
{
    if (view->without_signals)
        return checked_copy(view, position, (void *)(uintptr_t)from, size, done, true);
    make_ready(view);
    *done = guard_copy(view->data + position, from, size);
    return *done == size ? MMF_OK : view_guarded_fault(view, position, *done, true, "write view");
}

int view_fill(mmf_view *view, uint64_t position, unsigned char byte, uint64_t size)
{
    unsigned char piece[4096];
    size_t done = 0;
    if (!view->without_signals) {
        make_ready(view);
        done = guard_fill(view->data + position, byte, (size_t)size);
        return done == size ? MMF_OK : view_guarded_fault(view, position, done, true, "fill view");
    }
    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = byte;
    for (uint64_t at = 0; at < size; at += sizeof piece) {
        size_t part = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;
        int err = checked_copy(view, position + at, piece, part, &done, true);
        if (err) {
            mmf_error found = *mmf_last_error();
            found.done += at;
            return error_set_full(&found);
        }
    }
    return MMF_OK;
}

/* One byte of each page, each at its place: the first that cannot be read is reported. */
static int touch_one_by_one(const mmf_view *view, uint64_t position, uint64_t size, uint64_t from)
{
    const size_t page = view->backing->page_size;
    for (uint64_t at = position; at < position + size;) {
        unsigned char byte;
        size_t done = 0;
        int err = view_copy_out(view, at, &byte, 1, &done);
        if (err) {
            mmf_error found = *mmf_last_error();
            found.done = at - from;
            return error_set_full(&found);
        }
        at += page - (size_t)((uintptr_t)(view->data + at) % page);
    }
    return MMF_OK;
}

/* By the kernel in large pieces where it can, which raises no signal; only a piece with a bad page is looked into. */
int view_touch_pages(const mmf_view *view, uint64_t position, uint64_t size)
{
    for (uint64_t at = position; at < position + size;) {
        uint64_t part = position + size - at < TOUCH_PIECE ? position + size - at : TOUCH_PIECE;
        struct view_pages pages = view_pages_of(view, at, part);
        if (os.populate(pages.address, pages.size) != 0) {
            int err = touch_one_by_one(view, at, part, position);
            if (err)
                return err;
        }
        at += part;
    }
    return MMF_OK;
}
