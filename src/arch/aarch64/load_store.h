/* load_store.h: guarded loads and stores of AArch64, one instruction each with an entry in the exception table. */
#ifndef MMF_SRC_ARCH_AARCH64_LOAD_STORE_H
#define MMF_SRC_ARCH_AARCH64_LOAD_STORE_H

#include "arch/table.h"

/* `succeeded` becomes 1 only if the load did not fault: the landing place lies just behind that. */
#define GUARD_DEFINE_LOAD(bits, instruction, wide)                                                                     \
    static inline bool guard_load_##bits(const void *from, uint##bits##_t *value)                                      \
    {                                                                                                                  \
        wide loaded;                                                                                                   \
        uint32_t succeeded;                                                                                            \
        __asm__ volatile("mov %w[succeeded], #0\n"                                                                     \
                         "1: " instruction "\n"                                                                        \
                         "2: mov %w[succeeded], #1\n"                                                                  \
                         "3:\n" GUARD_TABLE_ENTRY("1b", "2b", "3b")                                                    \
                         : [succeeded] "=&r"(succeeded), [loaded] "=&r"(loaded)                                        \
                         : [from] "r"(from)                                                                            \
                         : "memory");                                                                                  \
        if (!succeeded)                                                                                                \
            return false;                                                                                              \
        *value = (uint##bits##_t)loaded;                                                                               \
        return true;                                                                                                   \
    }

GUARD_DEFINE_LOAD(8, "ldrb %w[loaded], [%[from]]", uint32_t)
GUARD_DEFINE_LOAD(16, "ldrh %w[loaded], [%[from]]", uint32_t)
GUARD_DEFINE_LOAD(32, "ldr %w[loaded], [%[from]]", uint32_t)
GUARD_DEFINE_LOAD(64, "ldr %x[loaded], [%[from]]", uint64_t)
#undef GUARD_DEFINE_LOAD

#define GUARD_DEFINE_STORE(bits, instruction)                                                                          \
    static inline bool guard_store_##bits(void *to, uint##bits##_t value)                                              \
    {                                                                                                                  \
        __asm__ goto("1: " instruction ", [%[to]]\n"                                                                   \
                     "2:\n" GUARD_TABLE_ENTRY("1b", "2b", "%l[faulted]")                                               \
                     :                                                                                                 \
                     : [to] "r"(to), [value] "r"(value)                                                                \
                     : "memory"                                                                                        \
                     : faulted);                                                                                       \
        return true;                                                                                                   \
    faulted:                                                                                                           \
        return false;                                                                                                  \
    }

GUARD_DEFINE_STORE(8, "strb %w[value]")
GUARD_DEFINE_STORE(16, "strh %w[value]")
GUARD_DEFINE_STORE(32, "str %w[value]")
GUARD_DEFINE_STORE(64, "str %x[value]")
#undef GUARD_DEFINE_STORE

#endif
