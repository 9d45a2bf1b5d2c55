/* share.h: share modes, kept as marks on the data file that the kernel drops with the open file. */
#ifndef MMF_SRC_SHARE_H
#define MMF_SRC_SHARE_H

#include "backing.h"

/*
 * Takes the marks for a map that reads, and writes if `writes`. `share` is the caller's choice, 0: the default. Where
 * the file system has no such marks, a choice that denies others something is MMF_ENOTSUP; the default, and a choice
 * that denies nothing, take none. MMF_ESHARING.
 */
int share_take(struct backing *backing, bool writes, uint32_t share);

/* The last map handle is closed: others are no longer denied anything. What views still do stays marked. */
void share_release_denials(struct backing *backing);

/* The last view is closed too: nothing stays marked, also when a forked child still has the open file. */
void share_release(struct backing *backing);

/*
 * Whether nobody else has the file marked; then nobody can mark it until it is closed here. Where there are no marks
 * the answer is yes.
 */
bool share_is_alone(struct backing *backing);

/*
 * Between the two nobody else who uses libmmf looks at the file's length in order to change it. The file must be open
 * for writing. Waits for others; where there are no marks there is no lock. MMF_ESHARING: it takes them too long.
 */
int share_lock_size(struct backing *backing);
void share_unlock_size(struct backing *backing);

/* Whether another open file has the file mapped through libmmf. */
int share_mapped_by_others(bool *mapped, struct backing *backing);

#endif
