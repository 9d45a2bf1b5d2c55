/* source.c: the file a job works on, opened for its bytes or for its state, and its extents. */
#include "source.h"

#include <errno.h>

/* Files as those of /proc have length 0 and bytes all the same: they must not pass for empty. */
static int refuse_false_length(const struct source *source, struct failure *failure)
{
    unsigned char byte = 0;
    size_t done = 0;

    if (source->info.size == 0 && os.read_at(&done, source->file, 0, &byte, 1) == 0 && done > 0)
        return failure_of_job(failure, MMF_ENOTSUP, "the file has bytes but tells no length, so it cannot be mapped");
    return MMF_OK;
}

/* What has no content of its own, in words. */
static int refuse_kind(const struct os_file_info *info, struct failure *failure)
{
    switch (info->kind) {
    case OS_FILE_REGULAR:
    case OS_FILE_BLOCK:
        return MMF_OK;
    case OS_FILE_DIRECTORY:
        return failure_of_job(failure, MMF_EACCESS, "it is a directory");
    case OS_FILE_CHARACTER:
        return failure_of_job(failure, MMF_ENOTSUP, "it is a character device");
    case OS_FILE_OTHER:
        break;
    }
    return failure_of_job(failure, MMF_ENOTSUP, "it is a pipe or socket");
}

/* When the library refused a path because of what it names, the failure says that in words. Returns its code. */
static int explain_kind(const char *path, struct failure *failure)
{
    struct source source = {.path = path};
    int os_error = failure->os_error; /* of mmap(): EIO for the files of /proc, and for a device that fails */

    if (os.open(&source.file, path, OS_OPEN_READ, 0))
        return failure->code;
    int err = os.describe(&source.info, source.file) ? MMF_EIO : refuse_kind(&source.info, failure);
    if (!err && (os_error == EIO || os_error == ENODEV)) {
        err = refuse_false_length(&source, failure);
        if (!err && os_error == ENODEV)
            failure_of_job(failure, MMF_ENOTSUP, "the file cannot be mapped");
    }
    os.close(source.file);
    return failure->code;
}

int source_open(struct source *source, const char *path, mmf_access access, bool sparse, struct failure *failure)
{
    mmf_map_options *options = MMF_MAP_OPTIONS(.access = access, .allow_empty = true, .sparse = sparse);
    int err = MMF_OK;

    *source = (struct source){.path = path, .file = MMF_INVALID_HANDLE};
    if (path[0] == '@') {
        options->allow_empty = false;
        options->sparse = false;
        err = mmf_map_open(&source->map, path + 1, options);
        if (err == MMF_ENOTSUP) {
            return failure_of_job(
                failure, err, "named maps are not supported in this version; for a file of that name write ./@NAME");
        }
    } else {
        err = mmf_map_from_file(&source->map, path, options);
    }
    if (err || mmf_map_handle(&source->file, source->map)) {
        err = failure_of_library(failure);
        if (path[0] != '@' && (err == MMF_EACCESS || err == MMF_ENOTSUP || err == MMF_EIO))
            err = explain_kind(path, failure);
        goto failed;
    }
    err = os.describe(&source->info, source->file);
    if (err) {
        err = failure_of_system(failure, "fstat", err);
        goto failed;
    }
    err = refuse_kind(&source->info, failure);
    if (!err)
        err = refuse_false_length(source, failure);
    if (err)
        goto failed;
    return MMF_OK;
failed:
    mmf_map_close(&source->map);
    return err;
}

int source_open_state(struct source *source, const char *path, struct failure *failure)
{
    *source = (struct source){.path = path, .file = MMF_INVALID_HANDLE};
    if (path[0] == '@') {
        return failure_of_job(failure, MMF_ENOTSUP,
                              "named maps are not supported in this version; for a file of that name write ./@NAME");
    }
    int err = os.open(&source->file, path, OS_OPEN_READ, 0);
    if (err) {
        source->file = MMF_INVALID_HANDLE;
        return failure_of_system(failure, "open", err);
    }
    source->own_file = true;
    err = os.describe(&source->info, source->file);
    if (err) {
        err = failure_of_system(failure, "fstat", err);
        goto failed;
    }
    err = refuse_kind(&source->info, failure);
    if (!err)
        err = refuse_false_length(source, failure);
    if (err)
        goto failed;
    if (mmf_map_from_handle(&source->map, source->file, MMF_MAP_OPTIONS(.access = MMF_READ, .allow_empty = true))) {
        err = failure_of_library(failure);
        goto failed;
    }
    return MMF_OK;
failed:
    os.close(source->file);
    source->file = MMF_INVALID_HANDLE;
    source->own_file = false;
    return err;
}

int source_verify(const struct source *source, uint64_t from, uint64_t size, int err, uint64_t *good,
                  struct failure *failure)
{
    struct os_file_info now;
    uint64_t done = size;
    int os_error = 0;

    if (err) {
        err = failure_of_library(failure);
        done = err == MMF_EFAULT && failure->done < size ? failure->done : 0;
    }
    if (!err || err == MMF_EFAULT)
        os_error = os.describe(&now, source->file);
    if (os_error) {
        done = 0;
        err = err ? err : failure_of_system(failure, "fstat", os_error);
    } else if (done > 0 && now.size < from + done) {
        done = now.size > from ? now.size - from : 0;
        err = failure_of_job(failure, MMF_EFAULT, "bytes were cut off");
        failure->cause = MMF_CAUSE_END_OF_FILE;
        failure->has_offset = true;
        failure->offset = from + done;
    }
    if (good)
        *good = done;
    return err;
}

int source_close(struct source *source, struct failure *failure)
{
    int err = mmf_map_close(&source->map);

    if (err)
        err = failure_of_library(failure);
    if (source->own_file) {
        os.close(source->file);
        source->own_file = false;
    }
    source->file = MMF_INVALID_HANDLE;
    return err;
}

int range_of_options(mmf_range *range, struct optional at, struct optional size, uint64_t capacity, bool clip,
                     struct failure *failure)
{
    range->position = at.given ? at.value : 0;
    range->size = 0;
    if (range->position > capacity) {
        return failure_of_range(failure, range->position, "offset %llu lies beyond the end at %llu",
                                (unsigned long long)range->position, (unsigned long long)capacity);
    }
    range->size = capacity - range->position;
    if (!size.given || (clip && size.value > range->size))
        return MMF_OK;
    if (size.value > range->size) {
        range->size = 0;
        return failure_of_range(
            failure, range->position, "size %llu from offset %llu on reaches beyond the end at %llu",
            (unsigned long long)size.value, (unsigned long long)range->position, (unsigned long long)capacity);
    }
    range->size = size.value;
    return MMF_OK;
}

int extent_next(struct extent *extent, mmf_os_handle file, uint64_t from, uint64_t end)
{
    uint64_t found = end;

    *extent = (struct extent){.offset = from, .size = end - from};
    int err = os.seek_extent(&found, file, from, true);
    if (err == ENXIO) {
        return 0; /* no data from here on: a hole */
    }
    if (err)
        return err;
    if (found <= from) {
        extent->data = true;
        found = end;
        err = os.seek_extent(&found, file, from, false);
        if (err && err != ENXIO) { /* ENXIO: the file has just become shorter */
            return err;
        }
    }
    if (!err && found > from && found < end)
        extent->size = found - from;
    return 0;
}
