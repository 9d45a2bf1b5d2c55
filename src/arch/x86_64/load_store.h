/* load_store.h: guarded loads and stores of x86-64, one instruction each with an entry in the exception table. */
#ifndef MMF_SRC_ARCH_X86_64_LOAD_STORE_H
#define MMF_SRC_ARCH_X86_64_LOAD_STORE_H

#include "arch/table.h"

/* `succeeded` becomes 1 only if the load did not fault: the landing place lies just behind that. */
#define GUARD_DEFINE_LOAD(bits, instruction, wide)                                                                     \
    static inline bool guard_load_##bits(const void *from, uint##bits##_t *value)                                      \
    {                                                                                                                  \
        wide loaded;                                                                                                   \
        uint32_t succeeded;                                                                                            \
        __asm__ volatile("xorl %[succeeded], %[succeeded]\n"                                                           \
                         "1: " instruction "\n"                                                                        \
                         "2: incl %[succeeded]\n"                                                                      \
                         "3:\n" GUARD_TABLE_ENTRY("1b", "2b", "3b")                                                    \
                         : [succeeded] "=&r"(succeeded), [loaded] "=&r"(loaded)                                        \
                         : [from] "r"(from)                                                                            \
                         : "memory", "cc");                                                                            \
        if (!succeeded)                                                                                                \
            return false;                                                                                              \
        *value = (uint##bits##_t)loaded;                                                                               \
        return true;                                                                                                   \
    }

GUARD_DEFINE_LOAD(8, "movzbl (%[from]), %[loaded]", uint32_t)
GUARD_DEFINE_LOAD(16, "movzwl (%[from]), %[loaded]", uint32_t)
GUARD_DEFINE_LOAD(32, "movl (%[from]), %[loaded]", uint32_t)
GUARD_DEFINE_LOAD(64, "movq (%[from]), %[loaded]", uint64_t)
#undef GUARD_DEFINE_LOAD

#define GUARD_DEFINE_STORE(bits, instruction)                                                                          \
    static inline bool guard_store_##bits(void *to, uint##bits##_t value)                                              \
    {                                                                                                                  \
        __asm__ goto("1: " instruction " %[value], (%[to])\n"                                                          \
                     "2:\n" GUARD_TABLE_ENTRY("1b", "2b", "%l[faulted]")                                               \
                     :                                                                                                 \
                     : [to] "r"(to), [value] "r"(value)                                                                \
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
