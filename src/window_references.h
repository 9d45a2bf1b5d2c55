/* window_references.h: the pointers a window has given out and not got back, each with its chunk. */
#ifndef MMF_SRC_WINDOW_REFERENCES_H
#define MMF_SRC_WINDOW_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

/* One pointer; the same one may be given out several times. A free slot has data NULL. */
struct window_reference {
    void *data;
    uint64_t end;   /* offset in the map just after the longest range it was given out for */
    uint32_t chunk; /* its number in the window's pool */
    uint32_t count;
};

/* An open-addressed table, at most half full, so that nearly every look takes one step. */
struct window_references {
    struct window_reference *slots;
    size_t room; /* a power of two */
    size_t used;
    uint64_t held; /* references, all counts together */
};

int window_references_init(struct window_references *references);
void window_references_free(struct window_references *references);

/* Multiplicative hashing: the high bits of the product depend on all bits of the address. */
static inline size_t window_references_home(const struct window_references *references, const void *data)
{
    const uint64_t mixed = (uint64_t)(uintptr_t)data * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 32) & (references->room - 1);
}

/* The slot of a pointer, or the free one where it would go. */
static inline struct window_reference *window_references_find(const struct window_references *references,
                                                              const void *data)
{
    size_t at = window_references_home(references, data);
    while (references->slots[at].data && references->slots[at].data != data)
        at = (at + 1) & (references->room - 1);
    return &references->slots[at];
}

/* The rarer halves of the two calls below: room for more pointers, and taking one out that others may stand behind. */
int window_references_grow(struct window_references *references);
void window_references_remove(struct window_references *references, struct window_reference *slot);

/* Notes a pointer that is not there yet; `slot` is where it goes, if there is room. MMF_ENOMEMORY, recorded. */
static inline int window_references_enter(struct window_references *references, struct window_reference *slot,
                                          void *data, uint32_t chunk, uint64_t end)
{
    if ((references->used + 1) * 2 > references->room) {
        const int err = window_references_grow(references);
        if (err)
            return err;
        slot = window_references_find(references, data);
    }
    *slot = (struct window_reference){.data = data, .end = end, .chunk = chunk, .count = 1};
    references->used++;
    references->held++;
    return 0;
}

/* Notes one more reference. MMF_ENOMEMORY, recorded. */
static inline int window_references_add(struct window_references *references, void *data, uint32_t chunk, uint64_t end)
{
    struct window_reference *slot = window_references_find(references, data);
    if (slot->data) {
        slot->count++;
        references->held++;
        if (slot->end < end)
            slot->end = end;
        return 0;
    }
    return window_references_enter(references, slot, data, chunk, end);
}

/* Takes a pointer out: at once where no other can stand behind it, as is mostly so. */
static inline void window_references_leave(struct window_references *references, struct window_reference *slot)
{
    const size_t after = ((size_t)(slot - references->slots) + 1) & (references->room - 1);
    if (references->slots[after].data) {
        window_references_remove(references, slot);
    } else {
        slot->data = NULL;
        references->used--;
    }
}

/* Takes one back: the number of its chunk, or UINT32_MAX when there is no such reference; and where it ended. */
static inline uint32_t window_references_take(uint64_t *end, struct window_references *references, void *data)
{
    struct window_reference *slot = window_references_find(references, data);
    if (!slot->data)
        return UINT32_MAX;
    const uint32_t chunk = slot->chunk;
    *end = slot->end;
    references->held--;
    if (--slot->count == 0)
        window_references_leave(references, slot);
    return chunk;
}

/* Where the references into a chunk end, in the map; 0: there is none. Looks at all of them. */
uint64_t window_references_end(const struct window_references *references, uint32_t chunk);

#endif
