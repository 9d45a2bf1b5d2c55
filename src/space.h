/* space.h: the file's length and the blocks behind it. */
#ifndef MMF_SRC_SPACE_H
#define MMF_SRC_SPACE_H

#include "backing.h"

/* The length a file needs for a capacity: the same, but whole huge pages where the file consists of those. */
uint64_t space_length(const struct backing *backing, uint64_t capacity);

/*
 * Makes the file longer, with its new blocks reserved unless the map is sparse. Fails without having changed the
 * length. Where the file system cannot reserve, the new part is a hole, and mmf_map_info() says so.
 */
int space_grow(struct backing *backing, uint64_t from, uint64_t to);

/* Makes sure that [0, size) will find room although the content is about to be dropped; changes nothing but blocks. */
int space_ensure(struct backing *backing, uint64_t length, uint64_t size);

int space_truncate(struct backing *backing, uint64_t to);

/*
 * Drops what lies between the capacity and the end of the last huge page, so that growing finds zeros there. Of base
 * pages the kernel does that itself when the length is set.
 */
int space_clear_tail(struct backing *backing, uint64_t capacity);

/* mmf_reserved, as the file is now. */
uint32_t space_reserved(const struct backing *backing, const struct os_file_info *now);

#endif
