/* window_chunks.h: the mapped pieces of a window: found by offset, kept while the budget allows, dropped when idle. */
#ifndef MMF_SRC_WINDOW_CHUNKS_H
#define MMF_SRC_WINDOW_CHUNKS_H

#include "view.h"

/*
 * A mapped piece. A cell lies on the grid of its own power of two; a span is cut to one range that no cell holds. A
 * slot of the pool that is not in use has view NULL.
 */
struct window_chunk {
    unsigned char *data;
    uint64_t offset; /* in the map */
    uint64_t size;   /* bytes that may be accessed */
    uint32_t access; /* mmf_access: READ or READWRITE */
    uint32_t references;
    _Atomic uint64_t
        *last;       /* view->region->last: a reference touches neither the view nor another line of its region */
    uint64_t mapped; /* bytes it counts in the budget */
    mmf_view *view;
    uint32_t next; /* in its bucket, or in the list of free slots: number + 1, 0: none */
    uint8_t shift; /* cells: log2 of the grid; spans: WINDOW_SPAN */
    bool recent;   /* used since the clock hand came by */
};

enum { WINDOW_SHIFTS = 64, WINDOW_SPAN = 63, WINDOW_HINTS = 1024 };

struct window_chunks {
    struct backing *backing;
    mmf_access map_access;
    uint64_t budget;
    uint64_t mapped;
    uint64_t pinned; /* of it, what references hold on to */
    uint64_t hits;
    uint64_t misses;
    struct window_chunk *pool;
    uint32_t room;
    uint32_t used; /* slots that were ever in use */
    uint32_t free; /* list of free slots */
    uint32_t hand;
    uint32_t *buckets;     /* number + 1 of the first chunk of each */
    uint32_t bucket_count; /* a power of two */
    uint32_t count;
    uint32_t
        hints[WINDOW_HINTS]; /* by the smallest cell of an offset: the chunk found there last, if it still is one */
    uint64_t shifts;         /* which shifts are in use */
    uint32_t of_shift[WINDOW_SHIFTS];
    uint8_t shift; /* of the next cell: larger while misses follow each other, smaller while they do not */
    uint8_t smallest;
    uint8_t largest;
    uint64_t expected; /* where a sequential reader misses next */
};

int window_chunks_init(struct window_chunks *chunks, struct backing *backing, mmf_access map_access, uint64_t budget);
void window_chunks_free(struct window_chunks *chunks);

static inline bool window_chunk_holds(const struct window_chunk *chunk, uint64_t offset, uint64_t size,
                                      mmf_access access)
{
    return offset >= chunk->offset && offset - chunk->offset < chunk->size &&
           size <= chunk->size - (offset - chunk->offset) && chunk->access == (uint32_t)access;
}

static inline uint32_t *window_chunks_hint(struct window_chunks *chunks, uint64_t offset)
{
    return &chunks->hints[(offset >> chunks->smallest) % WINDOW_HINTS];
}

/* window_chunks_get() without a hint that is right. */
int window_chunks_look(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size,
                       mmf_access access);

/*
 * The chunk that holds [offset, offset + size), which lies inside the capacity, mapping it if need be. `number` stays
 * valid as long as the chunk is referenced, and else until the next call. MMF_EBUDGET, not recorded, since a smaller
 * range may do; and the errors of mmf_view_open(), recorded.
 */
static inline int window_chunks_get(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size,
                                    mmf_access access)
{
    const uint32_t hint = *window_chunks_hint(chunks, offset);
    struct window_chunk *chunk = &chunks->pool[hint];
    if (!window_chunk_holds(chunk, offset, size, access))
        return window_chunks_look(number, chunks, offset, size, access);
    chunks->hits++;
    chunk->recent = true;
    *number = hint;
    return MMF_OK;
}

/* window_chunks_fit() for a chunk that is too large. */
int window_chunks_fit_exactly(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size);

/*
 * Before a reference takes hold of what window_chunks_get() found: a chunk may be far larger than the range, so once a
 * quarter of the budget would be held, the reference gets one of just its pages. (No cell is larger than a quarter.)
 */
static inline int window_chunks_fit(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size)
{
    const struct window_chunk *chunk = &chunks->pool[*number];
    if (chunk->references > 0 || chunks->pinned + chunk->mapped <= chunks->budget / 4)
        return MMF_OK;
    return window_chunks_fit_exactly(number, chunks, offset, size);
}

/* How many bytes from `offset` on are best asked for at once, at most `size`. */
uint64_t window_chunks_piece(const struct window_chunks *chunks, uint64_t offset, uint64_t size);

/* One more, and one fewer, who needs the chunk to stay: up to `end` of the map, as far as shrinking it goes. */
static inline void window_chunks_hold(struct window_chunks *chunks, uint32_t number, uint64_t end)
{
    struct window_chunk *chunk = &chunks->pool[number];
    if (chunk->references++ == 0)
        chunks->pinned += chunk->mapped;
    if (atomic_load_explicit(chunk->last, memory_order_relaxed) < end)
        atomic_store_explicit(chunk->last, end, memory_order_relaxed);
}

/* Whether somebody still does; then the end stays until window_chunks_set_end(). */
static inline bool window_chunks_release(struct window_chunks *chunks, uint32_t number)
{
    struct window_chunk *chunk = &chunks->pool[number];
    if (--chunk->references > 0)
        return true;
    chunks->pinned -= chunk->mapped;
    atomic_store_explicit(chunk->last, 0, memory_order_relaxed);
    return false;
}

/* Up to where of the map a chunk is needed. */
static inline uint64_t window_chunks_end(const struct window_chunks *chunks, uint32_t number)
{
    return atomic_load_explicit(chunks->pool[number].last, memory_order_relaxed);
}

static inline void window_chunks_set_end(struct window_chunks *chunks, uint32_t number, uint64_t end)
{
    atomic_store_explicit(chunks->pool[number].last, end, memory_order_relaxed);
}

#endif
