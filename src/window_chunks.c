/*
 * window_chunks.c: the mapped pieces of a window: found by offset, kept while the budget allows, dropped when idle.
 *
 * Cells of several sizes may be mapped at a time, each on the grid of its own power of two, so that a look is one hash
 * probe for every size in use, and mostly none: a hint says which chunk was found there last, and is checked, not
 * believed. A reader who goes straight ahead gets larger and larger cells; one who jumps gets small ones. What is
 * dropped is chosen by a clock: every use gives a chunk another round.
 *
 * Pages are left to faults: one maps all pages of the cache in the 64 KiB around it. Linux populates page by page,
 * which takes about three times as long as those faults (measured by bench/window_scan.c).
 */
#include "window_chunks.h"

#include "error.h"

#include <string.h>

#define FIRST_ROOM 64
#define NONE UINT32_MAX
#define SMALL_CELL 16 /* 64 KiB: what a fault brings in at once on Linux costs no more than one page */
#define LARGE_CELL 23 /* 8 MiB */
#define MOST_CHUNKS_SHIFT 14
#define MOST_CHUNKS                                                                                                    \
    (1U << MOST_CHUNKS_SHIFT) /* idle ones beyond that are dropped: Linux allows a process 65530 mappings */

static uint8_t floor_shift(uint64_t value)
{
    uint8_t shift = 0;
    while (value >> shift > 1)
        shift++;
    return shift;
}

static uint8_t between(uint8_t lowest, uint8_t value, uint8_t highest)
{
    if (value > highest)
        value = highest;
    return value < lowest ? lowest : value;
}

/*
 * A quarter of the budget is the largest cell, an eighth the smallest, so that a small budget still holds several. The
 * smallest of a very large budget is what it takes to use it up with MOST_CHUNKS, as far as that goes.
 */
static void choose_sizes(struct window_chunks *chunks)
{
    const uint8_t page = floor_shift(chunks->backing->granularity);
    const uint8_t budget = floor_shift(chunks->budget);
    const uint8_t many = budget > MOST_CHUNKS_SHIFT ? (uint8_t)(budget - MOST_CHUNKS_SHIFT) : 0;
    const uint8_t small = between(SMALL_CELL, many, LARGE_CELL);
    chunks->smallest = between(page, budget > 3 ? (uint8_t)(budget - 3) : 0, small > page ? small : page);
    chunks->largest =
        between(chunks->smallest, budget > 2 ? (uint8_t)(budget - 2) : 0, LARGE_CELL > page ? LARGE_CELL : page);
    chunks->shift = chunks->smallest;
}

static void *allocate_zeroed(size_t count, size_t size)
{
    void *memory = os.allocate(count * size);
    if (memory)
        memset(memory, 0, count * size);
    return memory;
}

int window_chunks_init(struct window_chunks *chunks, struct backing *backing, mmf_access map_access, uint64_t budget)
{
    *chunks = (struct window_chunks){.backing = backing,
                                     .map_access = map_access,
                                     .budget = budget,
                                     .room = FIRST_ROOM,
                                     .bucket_count = 2 * FIRST_ROOM,
                                     .expected = UINT64_MAX};
    chunks->pool = allocate_zeroed(chunks->room, sizeof *chunks->pool);
    chunks->buckets = allocate_zeroed(chunks->bucket_count, sizeof *chunks->buckets);
    if (!chunks->pool || !chunks->buckets) {
        os.release(chunks->pool);
        os.release(chunks->buckets);
        return error_set(MMF_ENOMEMORY, "allocate window");
    }
    choose_sizes(chunks);
    return MMF_OK;
}

/* The bucket of a cell is found from its place on the grid, that of a span from its first byte. */
static uint32_t *bucket_of(const struct window_chunks *chunks, uint64_t offset, uint8_t shift, mmf_access access)
{
    const uint64_t place = shift == WINDOW_SPAN ? offset : offset >> shift;
    const uint64_t mixed = (place * 64 + shift + ((uint64_t)access << 40)) * UINT64_C(0x9E3779B97F4A7C15);
    return &chunks->buckets[(uint32_t)(mixed >> 32) & (chunks->bucket_count - 1)];
}

static void enter(struct window_chunks *chunks, uint32_t number)
{
    struct window_chunk *chunk = &chunks->pool[number];
    uint32_t *bucket = bucket_of(chunks, chunk->offset, chunk->shift, (mmf_access)chunk->access);
    chunk->next = *bucket;
    *bucket = number + 1;
    chunks->shifts |= UINT64_C(1) << chunk->shift;
    chunks->of_shift[chunk->shift]++;
    chunks->count++;
}

static void leave(struct window_chunks *chunks, uint32_t number)
{
    struct window_chunk *chunk = &chunks->pool[number];
    uint32_t *link = bucket_of(chunks, chunk->offset, chunk->shift, (mmf_access)chunk->access);
    while (*link != number + 1)
        link = &chunks->pool[*link - 1].next;
    *link = chunk->next;
    if (--chunks->of_shift[chunk->shift] == 0)
        chunks->shifts &= ~(UINT64_C(1) << chunk->shift);
    chunks->count--;
}

/* Unmaps an idle chunk. What unmapping answers changes nothing for the window: the bytes are in the file. */
static void drop(struct window_chunks *chunks, uint32_t number)
{
    struct window_chunk *chunk = &chunks->pool[number];
    leave(chunks, number);
    chunks->mapped -= chunk->mapped;
    (void)view_drop(chunk->view);
    *chunk = (struct window_chunk){.next = chunks->free};
    chunks->free = number + 1;
}

void window_chunks_free(struct window_chunks *chunks)
{
    for (uint32_t i = 0; i < chunks->used; i++) {
        if (chunks->pool[i].view)
            drop(chunks, i);
    }
    os.release(chunks->pool);
    os.release(chunks->buckets);
}

static uint64_t first_page(const struct window_chunks *chunks, uint64_t offset)
{
    return offset - offset % chunks->backing->granularity;
}

static uint32_t find_in_bucket(const struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access,
                               uint8_t shift)
{
    const uint64_t place = shift == WINDOW_SPAN ? first_page(chunks, offset) : offset;
    uint32_t link = *bucket_of(chunks, place, shift, access);
    while (link) {
        const struct window_chunk *chunk = &chunks->pool[link - 1];
        if (chunk->shift == shift && window_chunk_holds(chunk, offset, size, access))
            return link - 1;
        link = chunk->next;
    }
    return NONE;
}

/* Cells first. Of the spans only one that begins in the same page is found: whoever asks again asks the same. */
static uint32_t find(const struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access)
{
    for (uint64_t left = chunks->shifts; left; left &= left - 1) {
        const uint32_t found = find_in_bucket(chunks, offset, size, access, (uint8_t)__builtin_ctzll(left));
        if (found != NONE)
            return found;
    }
    return NONE;
}

/* The clock: one round takes the marks of recent use away, the second finds whoever was not used since. */
static uint32_t choose_victim(struct window_chunks *chunks)
{
    for (uint64_t step = 0; step < 2 * (uint64_t)chunks->used; step++) {
        const uint32_t number = chunks->hand;
        struct window_chunk *chunk = &chunks->pool[number];
        chunks->hand = number + 1 < chunks->used ? number + 1 : 0;
        if (!chunk->view || chunk->references > 0)
            continue;
        if (!chunk->recent)
            return number;
        chunk->recent = false;
    }
    return NONE;
}

static int grow_pool(struct window_chunks *chunks)
{
    const uint32_t room = chunks->room * 2;
    struct window_chunk *pool = allocate_zeroed(room, sizeof *pool);
    uint32_t *buckets = allocate_zeroed(2 * (size_t)room, sizeof *buckets);
    if (!pool || !buckets) {
        os.release(pool);
        os.release(buckets);
        return error_set(MMF_ENOMEMORY, "allocate window");
    }
    memcpy(pool, chunks->pool, chunks->room * sizeof *pool);
    os.release(chunks->pool);
    os.release(chunks->buckets);
    chunks->pool = pool;
    chunks->buckets = buckets;
    chunks->room = room;
    chunks->bucket_count = 2 * room;
    for (uint32_t i = 0; i < chunks->used; i++) {
        struct window_chunk *chunk = &chunks->pool[i];
        if (!chunk->view)
            continue;
        uint32_t *bucket = bucket_of(chunks, chunk->offset, chunk->shift, (mmf_access)chunk->access);
        chunk->next = *bucket;
        *bucket = i + 1;
    }
    return MMF_OK;
}

static int take_slot(uint32_t *number, struct window_chunks *chunks)
{
    if (chunks->free) {
        *number = chunks->free - 1;
        chunks->free = chunks->pool[*number].next;
        return MMF_OK;
    }
    if (chunks->used == chunks->room) {
        int err = grow_pool(chunks);
        if (err)
            return err;
    }
    *number = chunks->used++;
    return MMF_OK;
}

static void give_slot(struct window_chunks *chunks, uint32_t number)
{
    chunks->pool[number] = (struct window_chunk){.next = chunks->free};
    chunks->free = number + 1;
}

static uint64_t whole_pages(const struct window_chunks *chunks, uint64_t size)
{
    const uint64_t page = chunks->backing->page_size;
    return (size + page - 1) / page * page;
}

/* A part of the map that is to be mapped: it begins at a multiple of the granularity. */
struct part {
    uint64_t offset;
    uint64_t size;
    mmf_access access;
    uint8_t shift;
};

/* Fills a slot whose view shows the part. */
static void occupy(struct window_chunks *chunks, uint32_t number, const struct part *part, mmf_view *view)
{
    chunks->pool[number] = (struct window_chunk){.data = view->data,
                                                 .offset = part->offset,
                                                 .size = part->size,
                                                 .access = part->access,
                                                 .last = &view->region->last,
                                                 .view = view,
                                                 .mapped = view->mapped,
                                                 .shift = part->shift};
    enter(chunks, number);
}

/* Gives the pages of an idle chunk that is just as large another part of the map to show. */
static bool reuse(struct window_chunks *chunks, uint32_t number, const struct part *part)
{
    const struct window_chunk *chunk = &chunks->pool[number];
    mmf_view *view = chunk->view;
    if (chunk->mapped != whole_pages(chunks, part->size) || chunk->access != (uint32_t)part->access ||
        !view_move(view, part->offset, part->size))
        return false;
    leave(chunks, number);
    occupy(chunks, number, part, view);
    return true;
}

static int map_anew(uint32_t *number, struct window_chunks *chunks, const struct part *part)
{
    mmf_view *view = NULL;
    int err = take_slot(number, chunks);
    if (err)
        return err;
    err = view_new(&view, chunks->backing, chunks->map_access, part->offset, part->size,
                   MMF_VIEW_OPTIONS(.access = part->access), true);
    if (err) {
        give_slot(chunks, *number);
        return err;
    }
    occupy(chunks, *number, part, view);
    chunks->mapped += view->mapped;
    return MMF_OK;
}

/*
 * Maps a part within the budget: idle chunks make room, the first of the right size by being used again. They also go
 * when the process is short of address space or of mappings. What is left when none is idle is what references hold.
 */
static int map_chunk(uint32_t *number, struct window_chunks *chunks, const struct part *part)
{
    const uint64_t size = whole_pages(chunks, part->size);
    if (size > chunks->budget || chunks->pinned > chunks->budget - size)
        return MMF_EBUDGET;
    while (chunks->mapped > chunks->budget - size || chunks->count >= MOST_CHUNKS) {
        *number = choose_victim(chunks);
        if (*number == NONE)
            break;
        if (reuse(chunks, *number, part))
            return MMF_OK;
        drop(chunks, *number);
    }
    int err = map_anew(number, chunks, part);
    while (err == MMF_ENOMEMORY) {
        *number = choose_victim(chunks);
        if (*number == NONE)
            break;
        drop(chunks, *number);
        err = map_anew(number, chunks, part);
    }
    return err;
}

/* Sequential misses double the cells, at places where both grids meet; any other miss halves them. */
static void adapt(struct window_chunks *chunks, uint64_t offset)
{
    const uint64_t distance = offset > chunks->expected ? offset - chunks->expected : chunks->expected - offset;
    const bool sequential = distance < UINT64_C(1) << chunks->smallest;
    const uint64_t larger = UINT64_C(2) << chunks->shift;
    if (!sequential) {
        if (chunks->shift > chunks->smallest)
            chunks->shift--;
        return;
    }
    if (chunks->shift < chunks->largest && chunks->expected % larger == 0)
        chunks->shift++;
}

/* A cell of the current size, cut at the end of the map; MMF_EBUDGET (not recorded) also where no cell can be had. */
static int map_cell(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access)
{
    const uint64_t cell = UINT64_C(1) << chunks->shift;
    const uint64_t begin = offset & ~(cell - 1);
    const uint64_t capacity = atomic_load(&chunks->backing->capacity);
    if (capacity < offset || capacity - offset < size)
        return MMF_EBUDGET; /* another thread has just made the map shorter */
    const uint64_t end = capacity - begin < cell ? capacity : begin + cell;
    if (size > end - offset || find_in_bucket(chunks, offset, 1, access, chunks->shift) != NONE)
        return MMF_EBUDGET;
    int err = map_chunk(number, chunks, &(struct part){begin, end - begin, access, chunks->shift});
    if (err)
        return err;
    chunks->expected = end;
    return MMF_OK;
}

/* Just the pages of the range: for one that crosses cells, and when the budget allows no more. */
static int map_span(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access)
{
    const uint64_t begin = first_page(chunks, offset);
    const uint64_t capacity = atomic_load(&chunks->backing->capacity);
    uint64_t end = begin + whole_pages(chunks, offset - begin + size);
    if (end > capacity)
        end = capacity > offset + size ? capacity : offset + size;
    return map_chunk(number, chunks, &(struct part){begin, end - begin, access, WINDOW_SPAN});
}

static int miss(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access)
{
    adapt(chunks, offset);
    int err = map_cell(number, chunks, offset, size, access);
    if (err == MMF_EBUDGET || err == MMF_ENOMEMORY || err == MMF_ERANGE)
        err = map_span(number, chunks, offset, size, access);
    if (!err)
        chunks->misses++;
    return err;
}

/* Any chunk that holds the range, wherever it begins: what is mapped and referenced needs no more of the budget. */
static uint32_t find_anywhere(const struct window_chunks *chunks, uint64_t offset, uint64_t size, mmf_access access)
{
    for (uint32_t i = 0; i < chunks->used; i++) {
        if (window_chunk_holds(&chunks->pool[i], offset, size, access))
            return i;
    }
    return NONE;
}

int window_chunks_look(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size,
                       mmf_access access)
{
    uint32_t found = find(chunks, offset, size, access);
    if (found != NONE) {
        chunks->hits++;
    } else {
        int err = miss(&found, chunks, offset, size, access);
        if (err == MMF_EBUDGET) {
            found = find_anywhere(chunks, offset, size, access);
            if (found == NONE)
                return err;
            chunks->hits++;
        } else if (err) {
            return err;
        }
    }
    chunks->pool[found].recent = true;
    *window_chunks_hint(chunks, offset) = found;
    *number = found;
    return MMF_OK;
}

int window_chunks_fit_exactly(uint32_t *number, struct window_chunks *chunks, uint64_t offset, uint64_t size)
{
    const uint64_t needed = whole_pages(chunks, offset - first_page(chunks, offset) + size);
    const mmf_access access = (mmf_access)chunks->pool[*number].access;
    if (chunks->pool[*number].mapped <= needed)
        return MMF_OK;
    uint32_t found = find_in_bucket(chunks, offset, size, access, WINDOW_SPAN);
    if (found == NONE || (chunks->pool[found].references == 0 && chunks->pool[found].mapped > needed)) {
        int err = map_span(&found, chunks, offset, size, access);
        if (err)
            return err;
    }
    chunks->pool[found].recent = true;
    *window_chunks_hint(chunks, offset) = found;
    *number = found;
    return MMF_OK;
}

uint64_t window_chunks_piece(const struct window_chunks *chunks, uint64_t offset, uint64_t size)
{
    const uint64_t cell = UINT64_C(1) << chunks->shift;
    const uint64_t rest = cell - (offset & (cell - 1));
    return size < rest ? size : rest;
}
