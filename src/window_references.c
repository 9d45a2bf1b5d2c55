/* window_references.c: the pointers a window has given out and not got back, each with its chunk. */
#include "window_references.h"

#include "error.h"
#include "os/os.h"

#include <string.h>

#define FIRST_ROOM 64

/* Multiplicative hashing: the high bits of the product depend on all bits of the address. */
static size_t home_of(const struct window_references *references, const void *data)
{
    const uint64_t mixed = (uint64_t)(uintptr_t)data * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(mixed >> 32) & (references->room - 1);
}

static int make_slots(struct window_references *references, size_t room)
{
    references->slots = os.allocate(room * sizeof *references->slots);
    if (!references->slots)
        return error_set(MMF_ENOMEMORY, "allocate references");
    memset(references->slots, 0, room * sizeof *references->slots);
    references->room = room;
    references->used = 0;
    return MMF_OK;
}

int window_references_init(struct window_references *references)
{
    references->held = 0;
    return make_slots(references, FIRST_ROOM);
}

void window_references_free(struct window_references *references)
{
    os.release(references->slots);
    references->slots = NULL;
}

/* The slot of a pointer, or the free one where it would go. */
static struct window_reference *find(const struct window_references *references, const void *data)
{
    size_t at = home_of(references, data);
    while (references->slots[at].data && references->slots[at].data != data)
        at = (at + 1) & (references->room - 1);
    return &references->slots[at];
}

static int grow(struct window_references *references)
{
    struct window_references larger = {.held = references->held};
    int err = make_slots(&larger, references->room * 2);
    if (err)
        return err;
    for (size_t i = 0; i < references->room; i++) {
        if (references->slots[i].data)
            *find(&larger, references->slots[i].data) = references->slots[i];
    }
    os.release(references->slots);
    references->slots = larger.slots;
    references->room = larger.room;
    return MMF_OK;
}

int window_references_add(struct window_references *references, void *data, uint32_t chunk)
{
    struct window_reference *slot = find(references, data);
    if (!slot->data) {
        if ((references->used + 1) * 2 > references->room) {
            int err = grow(references);
            if (err)
                return err;
            slot = find(references, data);
        }
        *slot = (struct window_reference){.data = data, .chunk = chunk};
        references->used++;
    }
    slot->count++;
    references->held++;
    return MMF_OK;
}

/* Closes the gap so that every pointer stays reachable from its home without a free slot in between. */
static void remove_slot(struct window_references *references, size_t gap)
{
    const size_t mask = references->room - 1;
    for (size_t at = (gap + 1) & mask; references->slots[at].data; at = (at + 1) & mask) {
        const size_t home = home_of(references, references->slots[at].data);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            references->slots[gap] = references->slots[at];
            gap = at;
        }
    }
    references->slots[gap] = (struct window_reference){.data = NULL};
    references->used--;
}

uint32_t window_references_take(struct window_references *references, void *data)
{
    struct window_reference *slot = find(references, data);
    if (!slot->data)
        return UINT32_MAX;
    const uint32_t chunk = slot->chunk;
    references->held--;
    if (--slot->count == 0)
        remove_slot(references, (size_t)(slot - references->slots));
    return chunk;
}
