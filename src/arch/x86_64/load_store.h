/* load_store.h: guarded loads and stores of x86-64, one instruction each with an entry in the exception table. */
#ifndef MMF_SRC_ARCH_X86_64_LOAD_STORE_H
#define MMF_SRC_ARCH_X86_64_LOAD_STORE_H

#include "arch/table.h"

/*
 * "m" leaves the addressing to the compiler, which spares an addition. `volatile` is said although `goto` implies it:
 * before 11.5, 12.4 and 13.3 gcc forgets that for one with outputs (bug 110420).
 */
#define GUARD_DEFINE_LOAD(bits, instruction, wide)                                                                     \
    static inline bool guard_load_##bits(const void *from, uint##bits##_t *value)                                      \
    {                                                                                                                  \
        wide loaded;                                                                                                   \
        __asm__ volatile goto("1: " instruction " %[from], %[loaded]\n"                                                \
                              "2:\n" GUARD_TABLE_ENTRY("1b", "2b", "%l[faulted]")                                      \
                              : [loaded] "=r"(loaded)                                                                  \
                              : [from] "m"(*(const unsigned char(*)[bits / 8]) from)                                   \
                              : "memory"                                                                               \
                              : faulted);                                                                              \
        *value = (uint##bits##_t)loaded;                                                                               \
        return true;                                                                                                   \
    faulted:                                                                                                           \
        return false;                                                                                                  \
    }

GUARD_DEFINE_LOAD(8, "movzbl", uint32_t)
GUARD_DEFINE_LOAD(16, "movzwl", uint32_t)
GUARD_DEFINE_LOAD(32, "movl", uint32_t)
GUARD_DEFINE_LOAD(64, "movq", uint64_t)
#undef GUARD_DEFINE_LOAD

#define GUARD_DEFINE_STORE(bits, instruction)                                                                          \
    static inline bool guard_store_##bits(void *to, uint##bits##_t value)                                              \
    {                                                                                                                  \
        __asm__ goto("1: " instruction " %[value], %[to]\n"                                                            \
                     "2:\n" GUARD_TABLE_ENTRY("1b", "2b", "%l[faulted]")                                               \
                     :                                                                                                 \
                     : [to] "m"(*(unsigned char(*)[bits / 8]) to), [value] "r"(value)                                  \
                     : "memory"                                                                                        \
                     : faulted);                                                                                       \
        return true;                                                                                                   \
    faulted:                                                                                                           \
        return false;                                                                                                  \
    }

GUARD_DEFINE_STORE(8, "movb")
GUARD_DEFINE_STORE(16, "movw")
GUARD_DEFINE_STORE(32, "movl")
GUARD_DEFINE_STORE(64, "movq")
#undef GUARD_DEFINE_STORE

#endif
