/*
 * primitives.c: the guarded primitives for any processor: sigsetjmp() before the access, siglongjmp() out of the
 * handler. The mask of signals is not saved, for that would be a system call; the handler puts it back.
 *
 * Work goes by pieces that lie inside one page of each side, so that a piece is either reachable as a whole or missing
 * as a whole: memcpy() and its like may go through it in any order. Pages are never smaller than PIECE.
 */
#define _POSIX_C_SOURCE 200809L /* sigsetjmp() */

#include "guard.h"
#include "guard_frame.h"

#include <string.h>

enum { PIECE = 4096 };

bool arch_resume(struct os_fault *fault)
{
    struct guard_frame *frame = guard_frames;
    if (!frame || !frame->primitive)
        return false;
    guard_remember(fault);
    guard_frames = frame->outer;
    (void)os.fault_leave(fault); /* cannot fail: the mask is one the system itself gave */
    siglongjmp(frame->place, 1);
}

void arch_detect(void)
{
}

/* One access or one piece of work under the guard: what to do and with what. */
struct work {
    void *to;
    const void *from;
    const void *other;
    size_t size;
    uint64_t value;
    volatile size_t done; /* bytes of `size` that are surely done; volatile: read after siglongjmp() */
};

/* Runs a step; false: a fault ended it. Keeps the compiler from moving accesses out from under the frame. */
static __attribute__((noinline)) bool run(void (*step)(struct work *), struct work *work)
{
    struct guard_frame frame;
    frame.outer = guard_frames;
    frame.primitive = true;
    if (sigsetjmp(frame.place, 0) != 0)
        return false;
    guard_frames = &frame;
    atomic_signal_fence(memory_order_seq_cst);
    step(work);
    atomic_signal_fence(memory_order_seq_cst);
    guard_frames = frame.outer;
    return true;
}

/* How far `size` bytes from `memory` on go without leaving its page. */
static size_t within_page(const void *memory, size_t size)
{
    size_t left = PIECE - (size_t)((uintptr_t)memory % PIECE);
    return size < left ? size : left;
}

static void copy_step(struct work *work)
{
    unsigned char *to = work->to;
    const unsigned char *from = work->from;
    while (work->done < work->size) {
        size_t done = work->done;
        size_t piece = within_page(from + done, within_page(to + done, work->size - done));
        memcpy(to + done, from + done, piece);
        work->done = done + piece;
    }
}

/* The same byte by byte: stops at the exact one. */
static void copy_bytes_step(struct work *work)
{
    volatile unsigned char *to = work->to;
    const volatile unsigned char *from = work->from;
    for (size_t i = work->done; i < work->size; i++) {
        to[i] = from[i];
        work->done = i + 1;
    }
}

int arch_copy(void *to, const void *from, size_t size, size_t *done, unsigned report)
{
    struct work work = {.to = to, .from = from, .size = size};
    if (run(copy_step, &work) || run(copy_bytes_step, &work))
        return MMF_OK;
    if (done)
        *done = work.done;
    return report ? guard_copy_error(to, from, work.done) : MMF_EFAULT;
}

static void fill_step(struct work *work)
{
    unsigned char *to = work->to;
    while (work->done < work->size) {
        size_t done = work->done;
        size_t piece = within_page(to + done, work->size - done);
        memset(to + done, (int)work->value, piece);
        work->done = done + piece;
    }
}

static void fill_bytes_step(struct work *work)
{
    volatile unsigned char *to = work->to;
    for (size_t i = work->done; i < work->size; i++) {
        to[i] = (unsigned char)work->value;
        work->done = i + 1;
    }
}

size_t guard_fill(void *to, unsigned char byte, size_t size)
{
    struct work work = {.to = to, .size = size, .value = byte};
    if (run(fill_step, &work) || run(fill_bytes_step, &work))
        return size;
    return work.done;
}

/* Goes on as long as pieces are equal. */
static void compare_step(struct work *work)
{
    const unsigned char *left = work->from;
    const unsigned char *right = work->other;
    while (work->done < work->size) {
        size_t done = work->done;
        size_t piece = within_page(left + done, within_page(right + done, work->size - done));
        if (memcmp(left + done, right + done, piece) != 0)
            return;
        work->done = done + piece;
    }
}

static void compare_bytes_step(struct work *work)
{
    const volatile unsigned char *left = work->from;
    const volatile unsigned char *right = work->other;
    for (size_t i = work->done; i < work->size; i++) {
        if (left[i] != right[i])
            return;
        work->done = i + 1;
    }
}

size_t guard_compare(const void *left, const void *right, size_t size, bool *faulted)
{
    struct work work = {.from = left, .other = right, .size = size};
    *faulted = false;
    (void)run(compare_step, &work); /* ends early at a fault or a difference: the next step finds out which */
    if (work.done < size)
        *faulted = !run(compare_bytes_step, &work);
    return work.done;
}

static void find_step(struct work *work)
{
    const unsigned char *memory = work->from;
    while (work->done < work->size) {
        size_t done = work->done;
        size_t piece = within_page(memory + done, work->size - done);
        const unsigned char *found = memchr(memory + done, (int)work->value, piece);
        if (found) {
            work->done = (size_t)(found - memory);
            return;
        }
        work->done = done + piece;
    }
}

static void find_bytes_step(struct work *work)
{
    const volatile unsigned char *memory = work->from;
    for (size_t i = work->done; i < work->size; i++) {
        if (memory[i] == work->value)
            return;
        work->done = i + 1;
    }
}

size_t guard_find(const void *memory, unsigned char byte, size_t size, bool *faulted)
{
    struct work work = {.from = memory, .size = size, .value = byte};
    *faulted = false;
    if (!run(find_step, &work))
        *faulted = !run(find_bytes_step, &work);
    return work.done;
}

/* An aligned access is one access; others go by memcpy(), which no processor objects to. */
#define DEFINE_ACCESS(bits)                                                                                            \
    static void load_##bits##_step(struct work *work)                                                                  \
    {                                                                                                                  \
        uint##bits##_t value;                                                                                          \
        if ((uintptr_t)work->from % sizeof value == 0)                                                                 \
            value = *(const volatile uint##bits##_t *)work->from;                                                      \
        else                                                                                                           \
            memcpy(&value, work->from, sizeof value);                                                                  \
        work->value = value;                                                                                           \
    }                                                                                                                  \
    bool guard_load_##bits(const void *from, uint##bits##_t *value)                                                    \
    {                                                                                                                  \
        struct work work = {.from = from};                                                                             \
        if (!run(load_##bits##_step, &work))                                                                           \
            return false;                                                                                              \
        *value = (uint##bits##_t)work.value;                                                                           \
        return true;                                                                                                   \
    }                                                                                                                  \
    static void store_##bits##_step(struct work *work)                                                                 \
    {                                                                                                                  \
        uint##bits##_t value = (uint##bits##_t)work->value;                                                            \
        if ((uintptr_t)work->to % sizeof value == 0)                                                                   \
            *(volatile uint##bits##_t *)work->to = value;                                                              \
        else                                                                                                           \
            memcpy(work->to, &value, sizeof value);                                                                    \
    }                                                                                                                  \
    bool guard_store_##bits(void *to, uint##bits##_t value)                                                            \
    {                                                                                                                  \
        struct work work = {.to = to, .value = value};                                                                 \
        return run(store_##bits##_step, &work);                                                                        \
    }
DEFINE_ACCESS(8)
DEFINE_ACCESS(16)
DEFINE_ACCESS(32)
DEFINE_ACCESS(64)
