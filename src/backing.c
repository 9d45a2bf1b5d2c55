/* backing.c: what the handles of one map and their views share: its life from the first handle to the last view. */
#include "backing.h"

#include "error.h"
#include "guard.h"
#include "share.h"

#include <string.h>

int backing_new(struct backing **backing, const char *path)
{
    int err = MMF_OK;
    struct backing *made = os.allocate(sizeof *made);
    if (!made)
        return error_set(MMF_ENOMEMORY, "allocate map");
    memset(made, 0, sizeof *made);
    made->file = MMF_INVALID_HANDLE;
    made->given = MMF_INVALID_HANDLE;
    if (path) {
        size_t size = strlen(path) + 1;
        made->path = os.allocate(size);
        if (!made->path) {
            err = error_set(MMF_ENOMEMORY, "allocate path");
            goto failed;
        }
        memcpy(made->path, path, size);
    }
    err = error_from_os(os.mutex_create(&made->lock), "create mutex", path);
    if (err)
        goto failed;
    atomic_store(&made->references, 1);
    atomic_store(&made->handles, 1);
    made->born = atomic_load(&guard_generation);
    atomic_store(&made->generation, made->born);
    *backing = made;
    return MMF_OK;
failed:
    os.release(made->path);
    os.release(made);
    return err;
}

void backing_hold(struct backing *backing)
{
    atomic_fetch_add(&backing->references, 1);
}

/*
 * Marks belong to the open file, which forked children have as well: taking one away takes it from all. So only the
 * process that made the map does, and not where a child may go on using it: there the kernel does, with the last close.
 */
static bool takes_marks_away(const struct backing *backing)
{
    return !backing->inheritable && backing->born == atomic_load(&guard_generation);
}

int backing_drop(struct backing *backing)
{
    int err = MMF_OK;
    if (atomic_fetch_sub(&backing->references, 1) != 1)
        return MMF_OK;
    if (takes_marks_away(backing))
        share_release(backing);
    if (backing->file != MMF_INVALID_HANDLE)
        err = error_from_os(os.close(backing->file), "close", backing->path);
    (void)os.mutex_destroy(&backing->lock);
    os.release(backing->path);
    os.release(backing->full_path);
    os.release(backing);
    return err;
}

int backing_drop_handle(struct backing *backing)
{
    int err = MMF_OK;
    if (atomic_fetch_sub(&backing->handles, 1) == 1) {
        if (takes_marks_away(backing))
            share_release_denials(backing);
        if (backing->given != MMF_INVALID_HANDLE)
            err = error_from_os(os.close(backing->given), "close", backing->path);
    }
    int dropped = backing_drop(backing);
    return err ? err : dropped;
}

/*
 * The child's first use. Its parent may have held the lock when it forked, and nobody is left to release it: the child
 * gets a fresh one. Of several threads one does that, and the others wait for it.
 */
static void adopt(struct backing *backing)
{
    enum { ADOPTING = 0 }; /* no generation */
    uint32_t current = atomic_load(&guard_generation);
    uint32_t found = atomic_load(&backing->generation);
    while (found != current) {
        if (found == ADOPTING) {
            (void)os.sleep(1000);
            found = atomic_load(&backing->generation);
        } else if (atomic_compare_exchange_strong(&backing->generation, &found, ADOPTING)) {
            (void)os.mutex_create(&backing->lock);
            atomic_store(&backing->generation, current);
            return;
        }
    }
}

bool backing_usable(struct backing *backing)
{
    if (!backing_is_foreign(backing))
        return true;
    if (!backing->inheritable)
        return false;
    adopt(backing);
    return true;
}

void backing_lock(struct backing *backing)
{
    (void)os.mutex_lock(&backing->lock);
}

void backing_unlock(struct backing *backing)
{
    (void)os.mutex_unlock(&backing->lock);
}
