/* mmf/stream.h: a stream, sequential reading and writing of a view. */
#ifndef MMF_STREAM_H
#define MMF_STREAM_H

#include "mmf/base.h"
#include "mmf/view.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmf_stream mmf_stream;

/* Where a distance counts from. */
typedef enum { MMF_SEEK_SET, MMF_SEEK_CURRENT, MMF_SEEK_END } mmf_seek;

/*
 * Opens a stream at the beginning of the view, which it keeps: the view may be closed. It reads and writes as far as
 * the view's access allows. A stream belongs to one thread at a time. MMF_EINVAL, MMF_ENOMEMORY.
 */
MMF_API int mmf_stream_open(mmf_stream **stream, mmf_view *view);

/* Closes the stream and sets it to NULL; NULL is accepted. Nothing is flushed. Errors as mmf_view_close(). */
MMF_API int mmf_stream_close(mmf_stream **stream);

/*
 * Reads up to `size` bytes and moves on by as many: `done` is how many, fewer at the end of the view, 0 there and
 * beyond. MMF_EFAULT: a page is missing; the bytes before it count. Errors as mmf_view_read(); MMF_EINVAL for a NULL.
 */
MMF_API int mmf_stream_read(mmf_stream *stream, void *to, size_t size, size_t *done);

/*
 * Writes `size` bytes and moves on by as many; never grows: MMF_ERANGE, and nothing is written, when they do not fit.
 * MMF_EFAULT: a page is missing; `done` (may be NULL) bytes before it were written. Errors as mmf_view_write().
 */
MMF_API int mmf_stream_write(mmf_stream *stream, const void *from, size_t size, size_t *done);

/*
 * Moves by `distance` bytes from an origin; `position` (may be NULL) is the new one. Beyond the end is allowed: reads
 * answer 0 bytes there. MMF_ERANGE: before the beginning, or above 2^63 - 1: the position stays. MMF_EINVAL.
 */
MMF_API int mmf_stream_seek(mmf_stream *stream, int64_t distance, mmf_seek origin, uint64_t *position);

/* The position in the view; MMF_EINVAL: a NULL. */
MMF_API int mmf_stream_tell(uint64_t *position, const mmf_stream *stream);

/*
 * Makes a FILE of the C library for the view, which it keeps. Modes: "r", "r+", "w" and
 * "w+", each also with "b"; "w" does not truncate and nothing grows: writing past the end of the view fails with
 * ENOSPC; "a" is refused. Bytes are copied under the guard: a missing page is a read or write error with EIO. Others
 * see what was written after fflush(). fclose() ends it and reports what could not be written.
 *
 * MMF_EINVAL a NULL, an unknown mode, "a"     MMF_EACCESS the view may not be read, or written, as the mode wants
 * MMF_ENOMEMORY     MMF_ENOTSUP the C library has neither fopencookie() nor funopen()
 */
MMF_API int mmf_view_fopen(FILE **file, mmf_view *view, const char *mode);

#ifdef __cplusplus
}
#endif

#endif
