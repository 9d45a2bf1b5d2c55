/* space.c: the file's length and the blocks behind it. */
#include "space.h"

#include "error.h"

uint64_t space_length(const struct backing *backing, uint64_t capacity)
{
    const uint64_t page = backing->about.page_size;
    if (page <= os.page_size())
        return capacity;
    return (capacity + page - 1) / page * page;
}

int space_truncate(struct backing *backing, uint64_t to)
{
    return error_from_os_at(os.resize(backing->file, to), "set file length", backing->path, to);
}

int space_clear_tail(struct backing *backing, uint64_t capacity)
{
    const uint64_t length = space_length(backing, capacity);
    if (length == capacity)
        return MMF_OK;
    return error_from_os_at(os.punch(backing->file, capacity, length - capacity), "clear the last huge page",
                            backing->path, capacity);
}

/*
 * A fallocate() that runs out of space may have moved the end of the file part of the way (ext4 works in pieces), and
 * blocks beyond the end go only when the length is set. The failure to undo is not reported over the first one.
 */
static int undo(struct backing *backing, uint64_t length, int os_error)
{
    (void)os.resize(backing->file, length);
    return error_from_os_at(os_error, "reserve blocks", backing->path, length);
}

int space_grow(struct backing *backing, uint64_t from, uint64_t to)
{
    if (backing->sparse)
        return space_truncate(backing, to);
    int os_error = os.reserve(backing->file, from, to - from, false);
    if (os_error == 0)
        return MMF_OK;
    if (os.code_of(os_error) == MMF_ENOTSUP)
        return space_truncate(backing, to);
    return undo(backing, from, os_error);
}

int space_ensure(struct backing *backing, uint64_t length, uint64_t size)
{
    if (backing->sparse || size == 0)
        return MMF_OK;
    int os_error = os.reserve(backing->file, 0, size, true);
    if (os_error == 0 || os.code_of(os_error) == MMF_ENOTSUP)
        return MMF_OK;
    return undo(backing, length, os_error);
}

uint32_t space_reserved(const struct backing *backing, const struct os_file_info *now)
{
    const uint64_t capacity = atomic_load(&backing->capacity);
    if (now->kind == OS_FILE_BLOCK)
        return MMF_RESERVED_ALL;
    if (now->kind != OS_FILE_REGULAR || now->size < capacity || now->allocated < capacity)
        return MMF_RESERVED_NONE;
    switch (now->storage) {
    case OS_STORAGE_IN_PLACE:
    case OS_STORAGE_MEMORY:
        return MMF_RESERVED_ALL;
    case OS_STORAGE_COPIES:
        return MMF_RESERVED_COPIES;
    case OS_STORAGE_UNKNOWN:
        break;
    }
    return MMF_RESERVED_NONE;
}
