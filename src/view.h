/* view.h: inside the library, a view from its opening to its end. */
#ifndef MMF_SRC_VIEW_H
#define MMF_SRC_VIEW_H

#include "view_bytes.h"

/*
 * Opens a view for the caller or for a window; it is not counted as one of the map's. view_hold() keeps it alive beyond
 * its owner's view_drop(); the last drop unmaps it and reports what went wrong. A `cuttable` one does not stand in the
 * way of a resize, until its owner says so in region->last.
 */
int view_new(mmf_view **view, struct backing *backing, mmf_access map_access, uint64_t offset, uint64_t size,
             const mmf_view_options *options, bool cuttable);
void view_hold(mmf_view *view);

/*
 * Makes the view's place in memory show another part of the map, of as many pages; `offset` is a multiple of the
 * granularity. Cheaper than closing and opening by a system call. For windows: nobody else may know the view. Its
 * region stands in no resize's way afterwards. False, and nothing is recorded, when that did not work: then the view is
 * good for view_drop() only, since nobody knows what it shows.
 */
bool view_move(mmf_view *view, uint64_t offset, uint64_t size);
int view_drop(mmf_view *view);

#endif
