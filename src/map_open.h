/* map_open.h: what the ways to make a map have in common. */
#ifndef MMF_SRC_MAP_OPEN_H
#define MMF_SRC_MAP_OPEN_H

#include "map.h"

/* What a caller asked for, after the checks that all ways share. */
struct map_request {
    mmf_map_options options;
    mmf_access access; /* never DEFAULT */
};

/* A little less than 2^63 - 1, so that whole pages of any size still count without a sign. */
#define MAP_CAPACITY_MAX ((uint64_t)INT64_MAX - 0xFFFFFFF)

/* Reads and checks the options. MMF_EINVAL; MMF_ENOTSUP for what belongs to later versions. */
int map_request_read(struct map_request *request, const mmf_map_options *options);

/* Fills what the backing takes over from the options, and its facts about the file, which is open by now. */
int map_adopt_file(struct backing *backing, const struct map_request *request);

/* Maps one page as the views will: a noexec or read-only mount, a file that cannot be mapped, answer here. */
int map_try_page(const struct backing *backing, mmf_access access);

/* Makes the handle; the backing's first reference and handle become its own. */
int map_handle_new(mmf_map **map, struct backing *backing, mmf_access access);

#endif
