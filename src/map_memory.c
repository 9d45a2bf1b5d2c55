/* map_memory.c: a map of memory, without a file. */
#include "access.h"
#include "error.h"
#include "guard.h"
#include "map_open.h"
#include "space.h"

/* Huge pages are mapped whole or not at all: the pool's shortage shows when a page is mapped, as for any permission. */
static int make_memory(struct backing *backing, const struct map_request *request, uint64_t capacity)
{
    int err = error_from_os(os.memory_file(&backing->file, request->options.huge_pages,
                                           access_executes(request->access), request->options.inheritable),
                            "create memory file", NULL);
    if (!err)
        err = map_adopt_file(backing, request);
    if (!err)
        err = space_truncate(backing, space_length(backing, capacity));
    if (!err)
        err = map_try_page(backing, request->access);
    return err;
}

static int create_anonymous(mmf_map **map, uint64_t capacity, const struct map_request *request)
{
    struct backing *backing = NULL;
    int err = guard_watch_forks();
    if (!err)
        err = backing_new(&backing, NULL);
    if (err)
        return err;
    backing->anonymous = true;
    backing->private_sync = true;
    err = make_memory(backing, request, capacity);
    backing->sparse = true; /* memory is taken when it is touched */
    if (!err)
        err = map_handle_new(map, backing, request->access);
    if (err) {
        mmf_error first = *mmf_last_error();
        (void)backing_drop_handle(backing);
        return error_set_full(&first);
    }
    atomic_store(&backing->capacity, capacity);
    return MMF_OK;
}

static int check_memory_options(const struct map_request *request, uint64_t capacity)
{
    const mmf_map_options *options = &request->options;
    if (options->mode || options->share || options->own_handle || options->capacity || options->permissions)
        return error_set(MMF_EINVAL, "option of a file");
    if (capacity > MAP_CAPACITY_MAX || (capacity == 0 && !options->allow_empty))
        return error_set_full(&(mmf_error){.code = MMF_ERANGE, .operation = "capacity", .offset = capacity});
    return MMF_OK;
}

int mmf_map_create(mmf_map **map, const char *name, uint64_t capacity, const mmf_map_options *options)
{
    struct map_request request;
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    *map = NULL;
    if (name && !name[0])
        return error_set(MMF_EINVAL, "name");
    err = map_request_read(&request, options);
    if (!err)
        err = check_memory_options(&request, capacity);
    if (!err && name)
        err = error_set(MMF_ENOTSUP, "named maps");
    return err ? err : create_anonymous(map, capacity, &request);
}

/* Both ways by name: everything the caller could have got wrong is told apart from what this version lacks. */
static int refuse_name(mmf_map **map, const char *name, const mmf_map_options *options)
{
    struct map_request request;
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    *map = NULL;
    if (!name || !name[0])
        return error_set(MMF_EINVAL, "name");
    err = map_request_read(&request, options);
    return err ? err : error_set(MMF_ENOTSUP, "named maps");
}

int mmf_map_create_or_open(mmf_map **map, const char *name, uint64_t capacity, const mmf_map_options *options,
                           bool *created)
{
    if (created)
        *created = false;
    int err = refuse_name(map, name, options);
    if (err == MMF_ENOTSUP && (capacity == 0 || capacity > MAP_CAPACITY_MAX))
        return error_set(MMF_ERANGE, "capacity");
    return err;
}

int mmf_map_open(mmf_map **map, const char *name, const mmf_map_options *options)
{
    return refuse_name(map, name, options);
}
