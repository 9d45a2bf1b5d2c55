/*
 * sync.c: what reaches the medium, and the memory of what did not.
 *
 * After a failed write-back the kernel marks the pages clean: a second fsync() succeeds although the data is not on
 * the disk, and each open file description hears of the failure once (measured on Linux 6.18, ext4). So one failure
 * is final, and every sync goes through the one description that the map has had from the start.
 */
#include "sync.h"

#include "error.h"
#include "map.h"

int sync_check(const struct backing *backing)
{
    if (atomic_load(&backing->poisoned))
        return error_set_full(
            &(mmf_error){.code = MMF_EPOISONED, .operation = "sync after a failed one", .path = backing->path});
    if (atomic_load(&backing->lost_pages))
        return error_set_full(
            &(mmf_error){.code = MMF_EFAULT, .operation = "sync after a lost page", .path = backing->path});
    return MMF_OK;
}

int sync_outcome(struct backing *backing, int os_error, const char *operation)
{
    int err = error_from_os(os_error, operation, backing->path);
    if (err && err != MMF_ENOTSUP && err != MMF_EINVAL) /* those two mean that nothing was tried */
        atomic_store(&backing->poisoned, true);
    return err;
}

/* The name of a file that the map created is only safe when the directory is. */
static int sync_name(struct backing *backing)
{
    if (!backing->created || backing->directory_synced)
        return MMF_OK;
    int os_error = os.sync_directory(backing->full_path);
    const int code = os.code_of(os_error);
    backing->directory_synced = os_error == 0;
    /* A directory that may not be read, is gone, or for which no handle is left was not tried: the caller may again. */
    if (code == MMF_EACCESS || code == MMF_ENOTFOUND || code == MMF_ENOMEMORY)
        return error_from_os(os_error, "sync directory", backing->path);
    return sync_outcome(backing, os_error, "sync directory");
}

int mmf_map_sync(mmf_map *map)
{
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    struct backing *backing = map->backing;
    if (!backing_usable(backing))
        return error_set(MMF_EINVAL, "map of the parent process");
    backing_lock(backing);
    err = sync_check(backing);
    if (!err && !backing->anonymous)
        err = sync_outcome(backing, os.sync(backing->file), "sync");
    if (err == MMF_EINVAL) /* the handle is good: this kind of device cannot be synced */
        err = error_set_full(&(mmf_error){.code = MMF_ENOTSUP, .operation = "sync", .path = backing->path});
    if (!err)
        err = sync_name(backing);
    backing_unlock(backing);
    return err;
}

int sync_range(struct backing *backing, uint64_t offset, uint64_t size, mmf_flush how)
{
    const bool medium = how == MMF_FLUSH_SYNC || backing->write_through;
    int err = sync_check(backing);
    if (err || size == 0 || backing->anonymous)
        return err;
    int os_error = 0;
    if (!medium) {
        os_error = os.write_back(backing->file, offset, size, how == MMF_FLUSH_START ? OS_FLUSH_START : OS_FLUSH_WAIT);
        if (os_error == 0 || os.code_of(os_error) != MMF_ENOTSUP)
            return sync_outcome(backing, os_error, "flush range");
    }
    return sync_outcome(backing, os.sync(backing->file), "sync");
}
