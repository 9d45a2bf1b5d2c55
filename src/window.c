/* window.c: access to a map of any size through a bounded number of mapped bytes. */
#include "access.h"
#include "error.h"
#include "map.h"
#include "options.h"
#include "sync.h"
#include "window_chunks.h"
#include "window_references.h"

#include "mmf/window.h"

#include <string.h>

#define DEFAULT_BUDGET (UINT64_C(64) << 20)

struct mmf_window {
    struct backing *backing;
    uint32_t access; /* mmf_access: READ or READWRITE */
    struct window_chunks chunks;
    struct window_references references;
};

void mmf_window_options_init(mmf_window_options *options)
{
    if (options)
        *options = (mmf_window_options){.struct_size = sizeof *options};
}

static bool is_window_access(mmf_access access)
{
    return access == MMF_READ || access == MMF_READWRITE;
}

/* The default is to write where the map may: an executable map's window does not execute, but it can still store. */
static mmf_access default_access(mmf_access map)
{
    return access_writes(map) ? MMF_READWRITE : MMF_READ;
}

static int read_options(mmf_window_options *options, const mmf_window_options *from, const mmf_map *map)
{
    int err = options_read(options, sizeof *options, sizeof *options, from);
    if (err)
        return err;
    if (options->reserved[0] || options->reserved[1])
        return error_set(MMF_EINVAL, "reserved option");
    if (options->access == MMF_ACCESS_DEFAULT)
        options->access = default_access(map->access);
    if (!is_window_access((mmf_access)options->access))
        return error_set(MMF_EINVAL, "option access");
    if (!access_allows_view(map->access, (mmf_access)options->access))
        return error_set_full(
            &(mmf_error){.code = MMF_EACCESS, .operation = "open window", .path = map->backing->path});
    if (options->budget == 0)
        options->budget = DEFAULT_BUDGET > map->backing->granularity ? DEFAULT_BUDGET : map->backing->granularity;
    if (options->budget < map->backing->granularity)
        return error_set(MMF_ERANGE, "option budget");
    return MMF_OK;
}

int mmf_window_open(mmf_window **window, mmf_map *map, const mmf_window_options *options)
{
    mmf_window_options wanted;
    if (!window)
        return error_set(MMF_EINVAL, "window");
    *window = NULL;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    if (!backing_usable(map->backing))
        return error_set(MMF_EINVAL, "map of the parent process");
    int err = read_options(&wanted, options, map);
    if (err)
        return err;
    mmf_window *opened = os.allocate(sizeof *opened);
    if (!opened)
        return error_set(MMF_ENOMEMORY, "allocate window");
    memset(opened, 0, sizeof *opened);
    opened->backing = map->backing;
    opened->access = wanted.access;
    err = window_chunks_init(&opened->chunks, map->backing, map->access, wanted.budget);
    if (!err) {
        err = window_references_init(&opened->references);
        if (err)
            window_chunks_free(&opened->chunks);
    }
    if (err) {
        os.release(opened);
        return err;
    }
    backing_hold(map->backing);
    *window = opened;
    return MMF_OK;
}

int mmf_window_close(mmf_window **window)
{
    if (!window)
        return error_set(MMF_EINVAL, "window");
    if (!*window)
        return MMF_OK;
    mmf_window *closed = *window;
    *window = NULL;
    const bool leaked = closed->references.held > 0;
    window_chunks_free(&closed->chunks);
    window_references_free(&closed->references);
    int err = backing_drop(closed->backing);
    os.release(closed);
    return leaked ? error_set(MMF_EMAPPED, "close window") : err;
}

static inline int check_window(const mmf_window *window)
{
    if (!window)
        return error_set(MMF_EINVAL, "window");
    if (backing_is_foreign(window->backing) && !backing_usable(window->backing))
        return error_set(MMF_EINVAL, "window of the parent process");
    return MMF_OK;
}

static int out_of_range(const mmf_window *window, uint64_t offset)
{
    return error_set_full(&(mmf_error){
        .code = MMF_ERANGE, .operation = "range of window", .path = window->backing->path, .offset = offset});
}

static inline bool in_range(const mmf_window *window, uint64_t offset, uint64_t size)
{
    const uint64_t capacity = atomic_load_explicit(&window->backing->capacity, memory_order_relaxed);
    return offset <= capacity && size <= capacity - offset;
}

static int over_budget(const mmf_window *window, uint64_t offset)
{
    return error_set_full(&(mmf_error){
        .code = MMF_EBUDGET, .operation = "map part of window", .path = window->backing->path, .offset = offset});
}

static int reference(mmf_window *window, uint64_t offset, size_t size, mmf_access access, void **data)
{
    uint32_t number = 0;
    if (size == 0)
        return error_set(MMF_EINVAL, "size");
    if (!in_range(window, offset, size))
        return out_of_range(window, offset);
    int err = window_chunks_get(&number, &window->chunks, offset, size, access);
    if (err)
        return err == MMF_EBUDGET ? over_budget(window, offset) : err;
    err = window_chunks_fit(&number, &window->chunks, offset, size);
    if (err)
        return err == MMF_EBUDGET ? over_budget(window, offset) : err;
    const struct window_chunk *chunk = &window->chunks.pool[number];
    void *first = chunk->data + (offset - chunk->offset);
    err = window_references_add(&window->references, first, number, offset + size);
    if (err)
        return err;
    window_chunks_hold(&window->chunks, number, offset + size);
    *data = first;
    return MMF_OK;
}

int mmf_window_ref(mmf_window *window, uint64_t offset, size_t size, void **data)
{
    if (!data)
        return error_set(MMF_EINVAL, "data");
    *data = NULL;
    int err = check_window(window);
    return err ? err : reference(window, offset, size, (mmf_access)window->access, data);
}

int mmf_window_ref_access(mmf_window *window, uint64_t offset, size_t size, mmf_access access, void **data)
{
    if (!data)
        return error_set(MMF_EINVAL, "data");
    *data = NULL;
    int err = check_window(window);
    if (err)
        return err;
    if (access == MMF_ACCESS_DEFAULT)
        access = (mmf_access)window->access;
    if (!is_window_access(access))
        return error_set(MMF_EINVAL, "access");
    if (!access_allows_view((mmf_access)window->access, access))
        return error_set(MMF_EACCESS, "access");
    return reference(window, offset, size, access, data);
}

int mmf_window_unref(mmf_window *window, void *data)
{
    int err = check_window(window);
    if (err)
        return err;
    uint64_t end = 0;
    const uint32_t number = data ? window_references_take(&end, &window->references, data) : UINT32_MAX;
    if (number == UINT32_MAX)
        return error_set(MMF_EINVAL, "reference");
    if (window_chunks_release(&window->chunks, number) && window_chunks_end(&window->chunks, number) == end)
        window_chunks_set_end(&window->chunks, number, window_references_end(&window->references, number));
    return MMF_OK;
}

/* One page and the rest of the range: what may still fit when the budget is nearly all referenced. */
static uint64_t smaller_piece(const mmf_window *window, uint64_t offset, uint64_t size)
{
    const uint64_t page = window->backing->granularity;
    const uint64_t rest = page - offset % page;
    return size < rest ? size : rest;
}

/*
 * The chunk to copy a piece by, which is made smaller when the budget does not allow it at once. Where nothing can be
 * mapped any more, reading may still find its bytes in what is referenced for reading.
 */
static int chunk_for_copy(uint32_t *number, mmf_window *window, uint64_t offset, uint64_t *piece, bool write)
{
    const mmf_access access = (mmf_access)window->access;
    const uint64_t wanted = *piece;
    *piece = window_chunks_piece(&window->chunks, offset, wanted);
    int err = window_chunks_get(number, &window->chunks, offset, *piece, access);
    if (err == MMF_EBUDGET) {
        *piece = smaller_piece(window, offset, wanted);
        err = window_chunks_get(number, &window->chunks, offset, *piece, access);
    }
    if (err == MMF_EBUDGET && !write && access != MMF_READ)
        err = window_chunks_get(number, &window->chunks, offset, *piece, MMF_READ);
    return err == MMF_EBUDGET ? over_budget(window, offset) : err;
}

/* Copies one piece; `part` is what was copied, also after a fault. */
static int copy_piece(mmf_window *window, uint64_t offset, unsigned char *buffer, uint64_t size, bool write,
                      size_t *part)
{
    uint32_t number = 0;
    uint64_t piece = size;
    *part = 0;
    int err = chunk_for_copy(&number, window, offset, &piece, write);
    if (err)
        return err;
    const struct window_chunk *chunk = &window->chunks.pool[number];
    const uint64_t position = offset - chunk->offset;
    return write ? view_copy_in(chunk->view, position, buffer, (size_t)piece, part)
                 : view_copy_out(chunk->view, position, buffer, (size_t)piece, part);
}

static int copy(mmf_window *window, uint64_t offset, void *buffer, size_t size, bool write)
{
    size_t done = 0;
    while (done < size) {
        size_t part = 0;
        int err = copy_piece(window, offset + done, (unsigned char *)buffer + done, size - done, write, &part);
        done += part;
        if (err) {
            mmf_error found = *mmf_last_error();
            found.done = done;
            return error_set_full(&found);
        }
    }
    return MMF_OK;
}

static int check_copy(const mmf_window *window, uint64_t offset, const void *buffer, size_t size)
{
    int err = check_window(window);
    if (err)
        return err;
    if (!in_range(window, offset, size))
        return out_of_range(window, offset);
    return !buffer && size > 0 ? error_set(MMF_EINVAL, "buffer") : MMF_OK;
}

int mmf_window_read(mmf_window *window, uint64_t offset, void *to, size_t size)
{
    int err = check_copy(window, offset, to, size);
    return err ? err : copy(window, offset, to, size, false);
}

int mmf_window_write(mmf_window *window, uint64_t offset, const void *from, size_t size)
{
    int err = check_window(window);
    if (!err && window->access != MMF_READWRITE)
        err = error_set_full(
            &(mmf_error){.code = MMF_EACCESS, .operation = "write window", .path = window->backing->path});
    if (!err)
        err = check_copy(window, offset, from, size);
    return err ? err : copy(window, offset, (void *)(uintptr_t)from, size, true);
}

int mmf_window_flush(mmf_window *window, uint64_t offset, uint64_t size, mmf_flush how)
{
    int err = check_window(window);
    if (!err && (unsigned)how > MMF_FLUSH_SYNC)
        err = error_set(MMF_EINVAL, "how");
    if (err)
        return err;
    const uint64_t capacity = atomic_load(&window->backing->capacity);
    if (offset > capacity || size > capacity - offset)
        return out_of_range(window, offset);
    if (size == 0)
        size = capacity - offset;
    return sync_range(window->backing, offset, size, how);
}

int mmf_window_info(mmf_window_details *details, const mmf_window *window)
{
    static const mmf_window_details nothing;
    if (!details)
        return error_set(MMF_EINVAL, "details");
    int err = options_write(details, sizeof nothing, &nothing, sizeof nothing);
    if (!err)
        err = check_window(window);
    if (err)
        return err;
    const mmf_window_details filled = {.access = window->access,
                                       .budget = window->chunks.budget,
                                       .mapped = window->chunks.mapped,
                                       .referenced = window->references.held,
                                       .hits = window->chunks.hits,
                                       .misses = window->chunks.misses};
    return options_write(details, sizeof filled, &filled, sizeof filled);
}
