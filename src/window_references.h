/* window_references.h: the pointers a window has given out and not got back, each with its chunk. */
#ifndef MMF_SRC_WINDOW_REFERENCES_H
#define MMF_SRC_WINDOW_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

/* One pointer; the same one may be given out several times. A free slot has data NULL. */
struct window_reference {
    void *data;
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

/* Notes one more reference. MMF_ENOMEMORY, recorded. */
int window_references_add(struct window_references *references, void *data, uint32_t chunk);

/* Takes one back: the number of its chunk, or UINT32_MAX when there is no such reference. */
uint32_t window_references_take(struct window_references *references, void *data);

#endif
