/*
 * table_primitives.h: what processors with an exception table have in common: the search in the table, the exact end
 * of a copy after a fault, and the other primitives by words. Included by one C file of each.
 */
#ifndef MMF_SRC_ARCH_TABLE_PRIMITIVES_H
#define MMF_SRC_ARCH_TABLE_PRIMITIVES_H

#include "guard.h"

struct table_entry {
    int32_t first; /* distances from the member itself */
    int32_t after;
    int32_t landing;
};

/* Made by the linker around the section. */
extern const struct table_entry __start_mmf_guard_table[] __attribute__((visibility("hidden")));
extern const struct table_entry __stop_mmf_guard_table[] __attribute__((visibility("hidden")));

static uintptr_t place_of(const int32_t *distance)
{
    return (uintptr_t)distance + (uintptr_t)(intptr_t)*distance;
}

/* The table has some hundred entries and a signal costs far more than reading them. */
bool arch_resume(struct os_fault *fault)
{
    for (const struct table_entry *entry = __start_mmf_guard_table; entry < __stop_mmf_guard_table; entry++) {
        if (fault->pc < place_of(&entry->first) || fault->pc >= place_of(&entry->after))
            continue;
        guard_remember(fault);
        fault->pc = place_of(&entry->landing);
        return true;
    }
    return false;
}

/* By numbers: an address that faulted may be any, and C has no arithmetic with pointers to nothing. */
static void *address(const void *base, size_t distance)
{
    return (void *)((uintptr_t)base + distance);
}

/*
 * Where the assembly of arch_copy() ends after a fault: at least `progress` bytes are done. Goes on by words and, where
 * one faults, by bytes: either the fault is met again at the exact byte, or the page is there by now.
 */
int guard_copy_failed(void *to, const void *from, size_t size, size_t *done, unsigned report, size_t progress);

int guard_copy_failed(void *to, const void *from, size_t size, size_t *done, unsigned report, size_t progress)
{
    while (progress < size) {
        uint64_t word;
        uint8_t byte;
        if (size - progress >= sizeof word && guard_load_64(address(from, progress), &word) &&
            guard_store_64(address(to, progress), word)) {
            progress += sizeof word;
            continue;
        }
        for (size_t i = 0; i < sizeof word && progress < size; i++) {
            if (!guard_load_8(address(from, progress), &byte) || !guard_store_8(address(to, progress), byte))
                goto faulted;
            progress++;
        }
    }
    return MMF_OK;

faulted:
    if (done)
        *done = progress;
    return report ? guard_copy_error(to, from, progress) : MMF_EFAULT;
}

size_t guard_fill(void *to, unsigned char byte, size_t size)
{
    unsigned char *target = to;
    const uint64_t word = byte * UINT64_C(0x0101010101010101);
    size_t done = 0;
    while (done < size) {
        if (size - done >= sizeof word && guard_store_64(target + done, word)) {
            done += sizeof word;
            continue;
        }
        for (size_t i = 0; i < sizeof word && done < size; i++, done++)
            if (!guard_store_8(target + done, byte))
                return done;
    }
    return done;
}

/* Compares up to eight bytes one by one; true: all equal, `*at` is behind them. */
static bool compare_bytes(const unsigned char *left, const unsigned char *right, size_t size, size_t *at, bool *faulted)
{
    for (size_t i = 0; i < sizeof(uint64_t) && *at < size; i++, (*at)++) {
        uint8_t one;
        uint8_t other;
        if (!guard_load_8(left + *at, &one) || !guard_load_8(right + *at, &other)) {
            *faulted = true;
            return false;
        }
        if (one != other)
            return false;
    }
    return true;
}

size_t guard_compare(const void *left, const void *right, size_t size, bool *faulted)
{
    const unsigned char *one = left;
    const unsigned char *other = right;
    size_t at = 0;
    *faulted = false;
    while (at < size) {
        uint64_t word;
        uint64_t twin;
        if (size - at >= sizeof word && guard_load_64(one + at, &word) && guard_load_64(other + at, &twin) &&
            word == twin)
            at += sizeof word;
        else if (!compare_bytes(one, other, size, &at, faulted))
            break;
    }
    return at;
}

/* Whether a byte of the word is 0 (the known test: a borrow into the top bit of a byte that had it clear). */
static bool has_zero(uint64_t word)
{
    return ((word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080)) != 0;
}

static bool find_bytes(const unsigned char *memory, unsigned char byte, size_t size, size_t *at, bool *faulted)
{
    for (size_t i = 0; i < sizeof(uint64_t) && *at < size; i++, (*at)++) {
        uint8_t value;
        if (!guard_load_8(memory + *at, &value)) {
            *faulted = true;
            return true;
        }
        if (value == byte)
            return true;
    }
    return false;
}

size_t guard_find(const void *memory, unsigned char byte, size_t size, bool *faulted)
{
    const unsigned char *bytes = memory;
    const uint64_t pattern = byte * UINT64_C(0x0101010101010101);
    size_t at = 0;
    *faulted = false;
    while (at < size) {
        uint64_t word;
        if (size - at >= sizeof word && guard_load_64(bytes + at, &word) && !has_zero(word ^ pattern))
            at += sizeof word;
        else if (find_bytes(bytes, byte, size, &at, faulted))
            break;
    }
    return at;
}

#endif
