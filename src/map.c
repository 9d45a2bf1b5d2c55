/* map.c: a map's handles: close, duplicate, size, and what can be asked about it. */
#include "map.h"

#include "access.h"
#include "error.h"
#include "guard.h"
#include "map_open.h"
#include "options.h"
#include "share.h"
#include "space.h"

static int check_map(const mmf_map *map)
{
    if (!map)
        return error_set(MMF_EINVAL, "map");
    if (!backing_usable(map->backing))
        return error_set(MMF_EINVAL, "map of the parent process");
    return MMF_OK;
}

int mmf_map_close(mmf_map **map)
{
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    if (!*map)
        return MMF_OK;
    struct backing *backing = (*map)->backing;
    bool poisoned = atomic_load(&backing->poisoned) && !backing_is_foreign(backing);
    os.release(*map);
    *map = NULL;
    err = backing_drop_handle(backing);
    return poisoned ? error_set(MMF_EPOISONED, "close") : err;
}

uint64_t mmf_map_capacity(const mmf_map *map)
{
    return map ? atomic_load(&map->backing->capacity) : 0;
}

int mmf_map_duplicate(mmf_map **copy, const mmf_map *map, mmf_access access)
{
    int err;
    if (!copy)
        return error_set(MMF_EINVAL, "copy");
    *copy = NULL;
    err = check_map(map);
    if (err)
        return err;
    if (!access_is_valid((uint32_t)access) || access == MMF_WRITE)
        return error_set(MMF_EINVAL, "access");
    if (access == MMF_ACCESS_DEFAULT)
        access = map->access;
    if (!access_allows_duplicate(map->access, access))
        return error_set(MMF_EACCESS, "access");
    err = map_handle_new(copy, map->backing, access);
    if (err)
        return err;
    backing_hold(map->backing);
    atomic_fetch_add(&map->backing->handles, 1);
    return MMF_OK;
}

/*
 * A prefix map owns no more of the file than its capacity: its end moves the file's only when it passes that. Every
 * other map and its file have one end.
 */
static int set_length_locked(struct backing *backing, uint64_t capacity)
{
    struct os_file_info now;
    const uint64_t length = space_length(backing, capacity);
    int err = error_from_os(os.describe(&now, backing->file), "describe file", backing->path);
    if (err)
        return err;
    if (length > now.size)
        return space_grow(backing, now.size, length);
    if (length < now.size && !backing->prefix)
        err = space_truncate(backing, length);
    return err ? err : space_clear_tail(backing, capacity);
}

static int set_length(struct backing *backing, uint64_t capacity)
{
    int err = share_lock_size(backing);
    if (err)
        return err;
    err = set_length_locked(backing, capacity);
    share_unlock_size(backing);
    return err;
}

int mmf_map_resize(mmf_map *map, uint64_t capacity)
{
    int err = check_map(map);
    if (err)
        return err;
    struct backing *backing = map->backing;
    if (!access_writes(map->access))
        return error_set(MMF_EACCESS, "resize");
    if (capacity > MAP_CAPACITY_MAX || (capacity == 0 && !backing->allow_empty))
        return error_set_full(&(mmf_error){.code = MMF_ERANGE, .operation = "resize", .offset = capacity});
    if (backing->about.kind != OS_FILE_REGULAR)
        return error_set(MMF_ENOTSUP, "resize device");
    backing_lock(backing);
    if (capacity < atomic_load(&backing->capacity) &&
        guard_region_beyond(backing->about.device, backing->about.inode, capacity))
        err = error_set_full(
            &(mmf_error){.code = MMF_EMAPPED, .operation = "resize", .path = backing->path, .offset = capacity});
    if (!err)
        err = set_length(backing, capacity);
    if (!err)
        atomic_store(&backing->capacity, capacity);
    backing_unlock(backing);
    return err;
}

int mmf_map_refresh(mmf_map *map)
{
    int err = check_map(map);
    if (err)
        return err;
    struct os_file_info now;
    struct backing *backing = map->backing;
    if (backing->about.kind != OS_FILE_REGULAR || backing->page_size > os.page_size())
        return MMF_OK; /* devices have no length, and huge memory is never resized behind our back by bytes */
    backing_lock(backing);
    err = error_from_os(os.describe(&now, backing->file), "describe file", backing->path);
    if (!err && (!backing->prefix || now.size < atomic_load(&backing->capacity)))
        atomic_store(&backing->capacity, now.size);
    backing_unlock(backing);
    return err;
}

int mmf_map_info(mmf_map_details *details, const mmf_map *map)
{
    static const mmf_map_details nothing;
    struct os_file_info now;
    if (!details)
        return error_set(MMF_EINVAL, "details");
    int err = options_write(details, sizeof nothing, &nothing, sizeof nothing);
    if (!err)
        err = check_map(map);
    if (err)
        return err;
    const struct backing *backing = map->backing;
    err = error_from_os(os.describe(&now, backing->file), "describe file", backing->path);
    if (err)
        return err;
    const mmf_map_details filled = {
        .access = map->access,
        .capacity = atomic_load(&backing->capacity),
        .file_length = now.size,
        .granularity = backing->granularity,
        .reserved = space_reserved(backing, &now),
        .share = backing->share,
        .anonymous = backing->anonymous,
        .created = backing->created,
        .inheritable = backing->inheritable,
        .write_through = backing->write_through,
        .prefix = backing->prefix,
        .poisoned = atomic_load(&backing->poisoned),
        .private_sync = backing->private_sync,
        .lost_pages = atomic_load(&backing->lost_pages),
        .views = atomic_load(&backing->views),
        .path = backing->path,
    };
    return options_write(details, sizeof filled, &filled, sizeof filled);
}

int mmf_map_handle(mmf_os_handle *handle, const mmf_map *map)
{
    if (!handle)
        return error_set(MMF_EINVAL, "handle");
    *handle = MMF_INVALID_HANDLE;
    int err = check_map(map);
    if (!err)
        *handle = map->backing->file;
    return err;
}
