/* source.h: the file a job works on, opened for its bytes or for its state, and its extents. */
#ifndef MMF_TOOLS_SOURCE_H
#define MMF_TOOLS_SOURCE_H

#include "arguments.h"
#include "failure.h"

#include "os/os.h"

struct source {
    const char *path;
    mmf_map *map;
    mmf_os_handle file; /* the map's when it was opened by path, else one's own */
    bool own_file;
    struct os_file_info info;
};

/*
 * For the bytes: mapped by path with `access`, taking share modes as every program of libmmf, or by name for "@NAME".
 * An empty file is a map of capacity 0. `sparse`: a later growth leaves holes.
 */
int source_open(struct source *source, const char *path, mmf_access access, bool sparse, struct failure *failure);

/* For the state: mapped for reading from an open file, so no share mode is taken and none is in the way. */
int source_open_state(struct source *source, const char *path, struct failure *failure);

/*
 * Asks for the length of the file after the bytes of [from, from + size) were copied with the result `err` of the
 * library: what lies between the end of a file and the end of its last page reads as zeros and takes what is stored,
 * without a fault. `good` (may be NULL): how many bytes were the file's. Returns MMF_OK when that is all of them.
 */
int source_verify(const struct source *source, uint64_t from, uint64_t size, int err, uint64_t *good,
                  struct failure *failure);

/* Closes it. The result tells of an earlier failed sync, as mmf_map_close(). */
int source_close(struct source *source, struct failure *failure);

/*
 * The range that --at and --size mean in `capacity` bytes; without --size it goes to the end. A start beyond the end is
 * MMF_ERANGE, and so is a size beyond it, unless `clip`: then the range ends where the file does.
 */
int range_of_options(mmf_range *range, struct optional at, struct optional size, uint64_t capacity, bool clip,
                     struct failure *failure);

/* A piece of a file that is all data or all hole. */
struct extent {
    uint64_t offset;
    uint64_t size;
    bool data;
};

/* The extent that begins at `from` < `end`, cut off at `end`. Returns 0 or the system's error. */
int extent_next(struct extent *extent, mmf_os_handle file, uint64_t from, uint64_t end);

#endif
