/* stream.c: sequential reading and writing of a view. */
#include "error.h"
#include "view.h"

#include "mmf/stream.h"

struct mmf_stream {
    mmf_view *view;
    uint64_t position;
};

int mmf_stream_open(mmf_stream **stream, mmf_view *view)
{
    if (!stream)
        return error_set(MMF_EINVAL, "stream");
    *stream = NULL;
    int err = view_check_usable(view);
    if (err)
        return err;
    mmf_stream *opened = os.allocate(sizeof *opened);
    if (!opened)
        return error_set(MMF_ENOMEMORY, "allocate stream");
    *opened = (mmf_stream){.view = view};
    view_hold(view);
    *stream = opened;
    return MMF_OK;
}

int mmf_stream_close(mmf_stream **stream)
{
    if (!stream)
        return error_set(MMF_EINVAL, "stream");
    if (!*stream)
        return MMF_OK;
    mmf_view *view = (*stream)->view;
    const bool flagged = atomic_load(&view->region->lost) != UINT64_MAX;
    os.release(*stream);
    *stream = NULL;
    int err = view_drop(view);
    return flagged ? error_set(MMF_EFAULT, "close stream") : err;
}

int mmf_stream_read(mmf_stream *stream, void *to, size_t size, size_t *done)
{
    size_t moved = 0;
    if (!done)
        return error_set(MMF_EINVAL, "done");
    *done = 0;
    if (!stream || (!to && size > 0))
        return error_set(MMF_EINVAL, stream ? "to" : "stream");
    int err = view_check_readable(stream->view);
    if (err)
        return err;
    const uint64_t left = stream->position < stream->view->size ? stream->view->size - stream->position : 0;
    if (size > left)
        size = (size_t)left;
    if (size > 0)
        err = view_copy_out(stream->view, stream->position, to, size, &moved);
    stream->position += moved;
    *done = moved;
    return err;
}

int mmf_stream_write(mmf_stream *stream, const void *from, size_t size, size_t *done)
{
    size_t moved = 0;
    if (done)
        *done = 0;
    if (!stream || (!from && size > 0))
        return error_set(MMF_EINVAL, stream ? "from" : "stream");
    int err = view_check_writable(stream->view);
    if (!err)
        err = view_check_range(stream->view, stream->position, size);
    if (err || size == 0)
        return err;
    err = view_copy_in(stream->view, stream->position, from, size, &moved);
    stream->position += moved;
    if (done)
        *done = moved;
    return err;
}

int mmf_stream_seek(mmf_stream *stream, int64_t distance, mmf_seek origin, uint64_t *position)
{
    if (position)
        *position = 0;
    if (!stream || (unsigned)origin > MMF_SEEK_END)
        return error_set(MMF_EINVAL, stream ? "origin" : "stream");
    int err = view_check_usable(stream->view);
    if (err)
        return err;
    const uint64_t size = stream->view->size;
    const uint64_t from = origin == MMF_SEEK_SET ? 0 : origin == MMF_SEEK_CURRENT ? stream->position : size;
    const uint64_t away = distance < 0 ? 0 - (uint64_t)distance : (uint64_t)distance;
    if (distance < 0 ? away > from : away > INT64_MAX - from)
        return error_set_full(
            &(mmf_error){.code = MMF_ERANGE, .operation = "seek", .path = stream->view->backing->path, .offset = from});
    stream->position = distance < 0 ? from - away : from + away;
    if (position)
        *position = stream->position;
    return MMF_OK;
}

int mmf_stream_tell(uint64_t *position, const mmf_stream *stream)
{
    if (!position)
        return error_set(MMF_EINVAL, "position");
    *position = 0;
    int err = stream ? view_check_usable(stream->view) : error_set(MMF_EINVAL, "stream");
    if (!err)
        *position = stream->position;
    return err;
}
