/* window_references.c: the pointers a window has given out and not got back, each with its chunk. */
#include "window_references.h"

#include "error.h"
#include "os/os.h"

#include <string.h>

#define FIRST_ROOM 64

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

int window_references_grow(struct window_references *references)
{
    struct window_references larger = {.held = references->held};
    int err = make_slots(&larger, references->room * 2);
    if (err)
        return err;
    for (size_t i = 0; i < references->room; i++) {
        if (references->slots[i].data)
            *window_references_find(&larger, references->slots[i].data) = references->slots[i];
    }
    os.release(references->slots);
    references->slots = larger.slots;
    references->room = larger.room;
    return MMF_OK;
}

/* Closes the gap so that every pointer stays reachable from its home without a free slot in between. */
void window_references_remove(struct window_references *references, struct window_reference *slot)
{
    size_t gap = (size_t)(slot - references->slots);
    const size_t mask = references->room - 1;
    for (size_t at = (gap + 1) & mask; references->slots[at].data; at = (at + 1) & mask) {
        const size_t home = window_references_home(references, references->slots[at].data);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            references->slots[gap] = references->slots[at];
            gap = at;
        }
    }
    references->slots[gap] = (struct window_reference){.data = NULL};
    references->used--;
}

uint64_t window_references_end(const struct window_references *references, uint32_t chunk)
{
    uint64_t end = 0;
    for (size_t i = 0; i < references->room; i++) {
        const struct window_reference *slot = &references->slots[i];
        if (slot->data && slot->chunk == chunk && slot->end > end)
            end = slot->end;
    }
    return end;
}
