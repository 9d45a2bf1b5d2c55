/* map_open.c: what the ways to make a map have in common. */
#include "map_open.h"

#include "access.h"
#include "error.h"
#include "guard.h"
#include "options.h"

#include <string.h>

#define ALL_SHARES (MMF_SHARE_NONE | MMF_SHARE_READ | MMF_SHARE_WRITE)
#define ALL_PERMISSIONS 07777u

void mmf_map_options_init(mmf_map_options *options)
{
    if (options)
        *options = (mmf_map_options){.struct_size = sizeof *options};
}

static bool any_reserved(const mmf_map_options *options)
{
    for (size_t i = 0; i < sizeof options->reserved_flags; i++)
        if (options->reserved_flags[i])
            return true;
    return false;
}

static bool share_is_valid(uint32_t share)
{
    return share <= ALL_SHARES && (!(share & MMF_SHARE_NONE) || share == MMF_SHARE_NONE);
}

static int check(const mmf_map_options *options)
{
    if (options->mode > MMF_CREATE_NEW)
        return error_set(MMF_EINVAL, "option mode");
    if (!access_is_valid(options->access) || options->access == MMF_WRITE)
        return error_set(MMF_EINVAL, "option access");
    if (!share_is_valid(options->share))
        return error_set(MMF_EINVAL, "option share");
    if (options->permissions > ALL_PERMISSIONS)
        return error_set(MMF_EINVAL, "option permissions");
    if (any_reserved(options))
        return error_set(MMF_EINVAL, "option reserved_flags");
    if (options->name && !options->name[0])
        return error_set(MMF_EINVAL, "option name");
    if (options->capacity > MAP_CAPACITY_MAX)
        return error_set(MMF_ERANGE, "option capacity");
    if (options->name)
        return error_set(MMF_ENOTSUP, "option name");
    if (options->atomic || options->shared_writers || options->journal_path || options->reserve || options->force)
        return error_set(MMF_ENOTSUP, "option atomic");
    return MMF_OK;
}

int map_request_read(struct map_request *request, const mmf_map_options *options)
{
    int err = options_read(&request->options, sizeof request->options, sizeof request->options, options);
    if (!err)
        err = check(&request->options);
    if (err)
        return err;
    request->access = request->options.access ? (mmf_access)request->options.access : MMF_READWRITE;
    return MMF_OK;
}

int map_adopt_file(struct backing *backing, const struct map_request *request)
{
    const mmf_map_options *options = &request->options;
    backing->inheritable = options->inheritable;
    backing->write_through = options->write_through;
    backing->prefix = options->prefix;
    backing->sparse = options->sparse || options->delay_allocate;
    backing->allow_empty = options->allow_empty;
    int err = error_from_os(os.describe(&backing->about, backing->file), "describe file", backing->path);
    if (err)
        return err;
    if (backing->about.kind == OS_FILE_DIRECTORY)
        return error_set_full(&(mmf_error){.code = MMF_EACCESS, .operation = "open directory", .path = backing->path});
    if (backing->about.kind == OS_FILE_OTHER)
        return error_set_full(&(mmf_error){.code = MMF_ENOTSUP, .operation = "open pipe", .path = backing->path});
    const bool huge = backing->about.page_size > os.page_size();
    backing->page_size = huge ? (size_t)backing->about.page_size : os.page_size();
    backing->granularity = huge ? (size_t)backing->about.page_size : os.granularity();
    return MMF_OK;
}

int map_try_page(const struct backing *backing, mmf_access access)
{
    void *page = NULL;
    unsigned mapping = access == MMF_COPY_ON_WRITE ? OS_MAP_PRIVATE : OS_MAP_SHARED;
    int os_error = os.map(&page, backing->page_size, access_protection(access), mapping, backing->file, 0);
    if (os_error == 0)
        os_error = os.unmap(page, backing->page_size);
    return error_from_os(os_error, "map a page", backing->path);
}

int map_handle_new(mmf_map **map, struct backing *backing, mmf_access access)
{
    mmf_map *made = os.allocate(sizeof *made);
    if (!made)
        return error_set(MMF_ENOMEMORY, "allocate map");
    *made = (mmf_map){.backing = backing, .access = access};
    *map = made;
    return MMF_OK;
}
