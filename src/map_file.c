/* map_file.c: a map from a path or from an open file. */
#include "access.h"
#include "error.h"
#include "guard.h"
#include "map_open.h"
#include "share.h"
#include "space.h"

#include <string.h>

/* How often a file may appear and vanish between two ways of opening it before we stop asking who made it. */
#define RACES 8

/* PATH_MAX of Linux: what getcwd() can answer. */
#define LONGEST_DIRECTORY 4097

/* MMF_CREATE writes too, whatever access it gives: it empties the file. */
static bool writes_file(const struct map_request *request)
{
    return access_writes(request->access) || request->options.mode == MMF_CREATE;
}

static unsigned open_flags(const struct map_request *request)
{
    unsigned flags = OS_OPEN_READ;
    if (writes_file(request))
        flags |= OS_OPEN_WRITE;
    if (request->options.inheritable)
        flags |= OS_OPEN_INHERIT;
    return flags;
}

static uint32_t creation_permissions(const struct map_request *request)
{
    return request->options.permissions ? request->options.permissions : 0666;
}

static int open_with(struct backing *backing, unsigned flags, uint32_t permissions)
{
    return os.open(&backing->file, backing->path, flags, permissions);
}

/*
 * Opens or makes the file and knows which of the two it was, because a file that a failing call has made is removed
 * again. A dangling symbolic link is there for the one way and not for the other: after some rounds the target is made
 * without that knowledge, and stays.
 */
static int open_or_create(struct backing *backing, const struct map_request *request)
{
    const unsigned flags = open_flags(request);
    const uint32_t permissions = creation_permissions(request);
    int os_error = 0;
    for (int i = 0; i < RACES; i++) {
        os_error = open_with(backing, flags, 0);
        if (os_error == 0 || os.code_of(os_error) != MMF_ENOTFOUND)
            return os_error;
        os_error = open_with(backing, flags | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, permissions);
        backing->created = os_error == 0;
        if (os_error == 0 || os.code_of(os_error) != MMF_EEXISTS)
            return os_error;
    }
    return open_with(backing, flags | OS_OPEN_CREATE, permissions);
}

static int open_by_mode(struct backing *backing, const struct map_request *request)
{
    int os_error = 0;
    switch ((mmf_mode)request->options.mode) {
    case MMF_OPEN:
        os_error = open_with(backing, open_flags(request), 0);
        break;
    case MMF_CREATE_NEW:
        os_error =
            open_with(backing, open_flags(request) | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, creation_permissions(request));
        backing->created = os_error == 0;
        break;
    case MMF_OPEN_OR_CREATE:
    case MMF_CREATE:
        os_error = open_or_create(backing, request);
        break;
    }
    if (os_error == 0 && backing->created && request->options.permissions)
        os_error = os.set_permissions(backing->file, request->options.permissions);
    return error_from_os(os_error, "open", backing->path);
}

/* Whether the path means the file that is open; a path that cannot be asked about does not. */
static bool is_named(const struct backing *backing)
{
    struct os_file_info now;
    uint64_t device = 0;
    uint64_t inode = 0;
    return os.identify(&device, &inode, backing->path) == 0 && os.describe(&now, backing->file) == 0 &&
           now.device == device && now.inode == inode;
}

/* Whether the path means another file than the one that is open, or none. Whoever made the file knows that it does not.
 */
static bool is_replaced(const struct backing *backing)
{
    uint64_t device = 0;
    uint64_t inode = 0;
    if (backing->created || backing->about.kind != OS_FILE_REGULAR)
        return false;
    int os_error = os.identify(&device, &inode, backing->path);
    if (os_error != 0)
        return os.code_of(os_error) == MMF_ENOTFOUND;
    return device != backing->about.device || inode != backing->about.inode;
}

/*
 * Removes the file that this call made, if the path still means it and nobody has come to use it. Whoever opens it at
 * the same moment finds it marked, or finds out afterwards that his path means nothing or something else (see below).
 */
static void remove_created(struct backing *backing)
{
    if (share_is_alone(backing) && is_named(backing))
        (void)os.remove(backing->path);
}

/* The directory of a file that was made is synced later, when the working directory may be another. */
static int remember_full_path(struct backing *backing)
{
    const size_t room = strlen(backing->path) + LONGEST_DIRECTORY;
    if (!backing->created)
        return MMF_OK;
    backing->full_path = os.allocate(room);
    if (!backing->full_path)
        return error_set(MMF_ENOMEMORY, "allocate path");
    return error_from_os(os.absolute_path(backing->full_path, room, backing->path), "absolute path", backing->path);
}

static int open_and_mark(struct backing *backing, const struct map_request *request)
{
    int err = open_by_mode(backing, request);
    if (!err)
        err = remember_full_path(backing);
    if (!err)
        err = map_adopt_file(backing, request);
    if (!err && backing->about.kind == OS_FILE_REGULAR)
        err = share_take(backing, writes_file(request), request->options.share);
    if (!err) /* once more: whoever had to be waited for may have changed the length */
        err = error_from_os(os.describe(&backing->about, backing->file), "describe file", backing->path);
    return err;
}

static void forget_file(struct backing *backing)
{
    (void)os.close(backing->file);
    os.release(backing->full_path);
    backing->file = MMF_INVALID_HANDLE;
    backing->full_path = NULL;
    backing->created = false;
    backing->share = 0;
}

/*
 * Between opening and marking, the one who made the file may have failed and removed it, or somebody may have put
 * another in its place: then the path is opened again. Where inodes are not told alike for a path and for an open file
 * (some network and FUSE file systems) that ends after some rounds with what is open.
 */
static int open_marked(struct backing *backing, const struct map_request *request)
{
    for (int i = 1;; i++) {
        int err = open_and_mark(backing, request);
        if (err || i == RACES || !is_replaced(backing))
            return err;
        forget_file(backing);
    }
}

/* The capacity of the map from what was asked for and the length the file has, or will have once it is emptied. */
static int choose_capacity(uint64_t *capacity, const struct backing *backing, const struct map_request *request,
                           uint64_t length)
{
    const mmf_map_options *options = &request->options;
    const bool can_grow = access_writes(request->access) && backing->about.kind == OS_FILE_REGULAR;
    int code = MMF_OK;
    *capacity = options->capacity ? options->capacity : length;
    if (*capacity == 0 && !options->allow_empty)
        code = MMF_EEMPTY;
    else if (backing->about.kind == OS_FILE_CHARACTER)
        return MMF_OK; /* a device has no length: the caller knows how much there is to map */
    else if (*capacity < length && !options->prefix)
        code = MMF_ERANGE;
    else if (*capacity > length && !can_grow)
        code = backing->about.kind == OS_FILE_REGULAR ? MMF_EINVAL : MMF_ERANGE;
    if (code)
        return error_set_full(
            &(mmf_error){.code = code, .operation = "choose capacity", .path = backing->path, .offset = *capacity});
    return MMF_OK;
}

/* Drops the content of an existing file for MMF_CREATE: last of all, when nothing else can fail but for a race. */
static int empty_file(struct backing *backing, uint64_t capacity)
{
    bool mapped = false;
    int err = share_mapped_by_others(&mapped, backing);
    if (err)
        return err;
    if (mapped || guard_region_beyond(backing->about.device, backing->about.inode, 0))
        return error_set_full(&(mmf_error){.code = MMF_EMAPPED, .operation = "empty file", .path = backing->path});
    err = space_ensure(backing, backing->about.size, capacity);
    return err ? err : space_truncate(backing, 0);
}

/* Everything after the file is open and its length stays what it is: rights, capacity, space. */
static int prepare_locked(struct backing *backing, const struct map_request *request)
{
    const bool empties = request->options.mode == MMF_CREATE && !backing->created;
    uint64_t length = empties ? 0 : backing->about.size;
    uint64_t capacity = 0;
    int err = MMF_OK;
    if (request->options.huge_pages && backing->about.page_size <= os.page_size())
        return error_set_full(&(mmf_error){.code = MMF_ENOTSUP, .operation = "huge pages", .path = backing->path});
    if (empties && backing->about.kind != OS_FILE_REGULAR)
        return error_set_full(&(mmf_error){.code = MMF_EINVAL, .operation = "empty device", .path = backing->path});
    err = choose_capacity(&capacity, backing, request, length);
    if (!err)
        err = map_try_page(backing, request->access);
    if (!err && empties && backing->about.size > 0)
        err = empty_file(backing, capacity);
    if (!err && backing->about.kind == OS_FILE_REGULAR && capacity > length)
        err = space_grow(backing, length, space_length(backing, capacity));
    if (!err)
        atomic_store(&backing->capacity, capacity);
    return err;
}

/* Only who may change the length needs it to stay while he does. */
static int prepare(struct backing *backing, const struct map_request *request)
{
    const bool changes = backing->about.kind == OS_FILE_REGULAR && writes_file(request) &&
                         (request->options.capacity > 0 || request->options.mode == MMF_CREATE);
    if (!changes)
        return prepare_locked(backing, request);
    int err = share_lock_size(backing);
    if (err)
        return err;
    err = error_from_os(os.describe(&backing->about, backing->file), "describe file", backing->path);
    if (!err)
        err = prepare_locked(backing, request);
    share_unlock_size(backing);
    return err;
}

int mmf_map_from_file(mmf_map **map, const char *path, const mmf_map_options *options)
{
    struct map_request request;
    struct backing *backing = NULL;
    mmf_map *made = NULL;
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    *map = NULL;
    err = map_request_read(&request, options);
    if (!err && (!path || !path[0]))
        err = error_set(MMF_EINVAL, "path");
    if (!err && request.options.own_handle)
        err = error_set(MMF_EINVAL, "option own_handle");
    if (!err)
        err = guard_watch_forks();
    if (!err)
        err = backing_new(&backing, path);
    if (err)
        return err;
    backing->private_sync = true;
    err = open_marked(backing, &request);
    if (!err)
        err = map_handle_new(&made, backing, request.access);
    if (!err)
        err = prepare(backing, &request); /* last: it changes the file, and nothing may fail after that */
    if (!err) {
        *map = made;
        return MMF_OK;
    }
    mmf_error first = *mmf_last_error();
    os.release(made);
    if (backing->created)
        remove_created(backing);
    first.path = path;
    (void)backing_drop_handle(backing);
    return error_set_full(&first);
}

/* The caller's handle must allow what the map is going to do. */
static int check_handle(mmf_os_handle file, mmf_access access)
{
    struct os_file_info about;
    int err = error_from_os(os.describe(&about, file), "describe handle", NULL);
    if (err)
        return err;
    if (!about.readable || (access_writes(access) && !about.writable))
        return error_set(MMF_EACCESS, "handle");
    return MMF_OK;
}

/*
 * A description of our own reports every sync error to us, also one that the caller's own fsync() has consumed. Where
 * there is none to be had (no /proc, a file we could not open by ourselves, a device that minds) a duplicate must do,
 * and mmf_map_info() says so.
 */
static int adopt_handle(struct backing *backing, mmf_os_handle file, const struct map_request *request)
{
    struct os_file_info about;
    if (os.describe(&about, file) == 0 && about.kind == OS_FILE_REGULAR &&
        os.reopen(&backing->file, file, open_flags(request)) == 0) {
        backing->private_sync = true;
        return MMF_OK;
    }
    return error_from_os(os.duplicate(&backing->file, file, request->options.inheritable), "duplicate handle", NULL);
}

int mmf_map_from_handle(mmf_map **map, mmf_os_handle file, const mmf_map_options *options)
{
    struct map_request request;
    struct backing *backing = NULL;
    mmf_map *made = NULL;
    int err;
    if (!map)
        return error_set(MMF_EINVAL, "map");
    *map = NULL;
    err = map_request_read(&request, options);
    if (!err && (request.options.mode || request.options.share || request.options.permissions))
        err = error_set(MMF_EINVAL, "option mode, share or permissions");
    if (!err)
        err = check_handle(file, request.access);
    if (!err)
        err = guard_watch_forks();
    if (!err)
        err = backing_new(&backing, NULL);
    if (err)
        return err;
    err = adopt_handle(backing, file, &request);
    if (!err)
        err = map_adopt_file(backing, &request);
    if (!err)
        err = map_handle_new(&made, backing, request.access);
    if (!err)
        err = prepare(backing, &request);
    if (err) {
        mmf_error first = *mmf_last_error();
        os.release(made);
        (void)backing_drop_handle(backing);
        return error_set_full(&first);
    }
    if (request.options.own_handle)
        backing->given = file;
    *map = made;
    return MMF_OK;
}
