/* view_access.c: reading and writing ranges of a view. */
#include "error.h"
#include "view_bytes.h"

/* Kept apart, so that nothing of it weighs on the hot path. */
#define COLD static __attribute__((noinline, cold))

static int array_is_beyond(const mmf_view *view, uint64_t position)
{
    return error_set_full(&(mmf_error){.code = MMF_ERANGE,
                                       .operation = "array of view",
                                       .path = view->backing->path,
                                       .offset = view->offset + position});
}

COLD int read_slowly(const mmf_view *view, uint64_t position, void *to, size_t size)
{
    size_t done = 0;
    int err = view_check_readable(view);
    if (!err)
        err = view_check_range(view, position, size);
    if (!err && !to && size > 0)
        err = error_set(MMF_EINVAL, "to");
    return err || size == 0 ? err : view_copy_out(view, position, to, size, &done);
}

int mmf_view_read(const mmf_view *view, uint64_t position, void *to, size_t size)
{
    if (!view || !to || !view_is_hot_range(view, view->readable[VALUE_8], position, size))
        return read_slowly(view, position, to, size);
    const size_t done = guard_copy(to, view->data + position, size);
    return done == size ? MMF_OK : view_guarded_fault(view, position, done, false, "read view");
}

COLD int write_slowly(mmf_view *view, uint64_t position, const void *from, size_t size)
{
    size_t done = 0;
    int err = view_check_writable(view);
    if (!err)
        err = view_check_range(view, position, size);
    if (!err && !from && size > 0)
        err = error_set(MMF_EINVAL, "from");
    return err || size == 0 ? err : view_copy_in(view, position, from, size, &done);
}

int mmf_view_write(mmf_view *view, uint64_t position, const void *from, size_t size)
{
    if (!view || !from || !view_is_hot_range(view, view->writable[VALUE_8], position, size))
        return write_slowly(view, position, from, size);
    const size_t done = guard_copy(view->data + position, from, size);
    return done == size ? MMF_OK : view_guarded_fault(view, position, done, true, "write view");
}

/* The bytes of an array; 0: none, or more than there can be. Spares the hot path a division. */
static size_t array_bytes(size_t element, size_t count)
{
    size_t bytes = 0;
    return __builtin_mul_overflow(element, count, &bytes) ? 0 : bytes;
}

static int check_elements(const mmf_view *view, uint64_t position, const void *memory, size_t element, size_t count)
{
    if (element == 0 || (!memory && count > 0))
        return error_set(MMF_EINVAL, element == 0 ? "element" : "array");
    if (position >= view->size)
        return array_is_beyond(view, position);
    return MMF_OK;
}

COLD int read_array_slowly(const mmf_view *view, uint64_t position, void *to, size_t element, size_t count,
                           size_t *done)
{
    size_t bytes = 0;
    if (done)
        *done = 0;
    int err = view_check_readable(view);
    if (!err)
        err = check_elements(view, position, to, element, count);
    if (err)
        return err;
    const uint64_t fitting = (view->size - position) / element;
    if (count > fitting)
        count = (size_t)fitting;
    if (count > 0)
        err = view_copy_out(view, position, to, element * count, &bytes);
    if (done)
        *done = bytes / element;
    return err;
}

int mmf_view_read_array(const mmf_view *view, uint64_t position, void *to, size_t element, size_t count, size_t *done)
{
    const size_t bytes = array_bytes(element, count);
    if (!view || !to || bytes == 0 || !view_is_hot_range(view, view->readable[VALUE_8], position, bytes))
        return read_array_slowly(view, position, to, element, count, done);
    const size_t copied = guard_copy(to, view->data + position, bytes);
    if (done)
        *done = copied == bytes ? count : copied / element;
    return copied == bytes ? MMF_OK : view_guarded_fault(view, position, copied, false, "read view");
}

COLD int write_array_slowly(mmf_view *view, uint64_t position, const void *from, size_t element, size_t count)
{
    size_t done = 0;
    int err = view_check_writable(view);
    if (!err)
        err = check_elements(view, position, from, element, count);
    if (err)
        return err;
    if (count > (view->size - position) / element)
        return array_is_beyond(view, position);
    return count == 0 ? MMF_OK : view_copy_in(view, position, from, element * count, &done);
}

int mmf_view_write_array(mmf_view *view, uint64_t position, const void *from, size_t element, size_t count)
{
    const size_t bytes = array_bytes(element, count);
    if (!view || !from || bytes == 0 || !view_is_hot_range(view, view->writable[VALUE_8], position, bytes))
        return write_array_slowly(view, position, from, element, count);
    const size_t copied = guard_copy(view->data + position, from, bytes);
    return copied == bytes ? MMF_OK : view_guarded_fault(view, position, copied, true, "write view");
}
