/* primitives.c: the guarded primitives of x86-64 but for the copy, which is assembly. */
#include "arch/table_primitives.h"

/* Read by copy.S: whether 32-byte registers may be used (the processor has AVX and the system saves them). */
extern unsigned char arch_has_avx __attribute__((visibility("hidden")));
unsigned char arch_has_avx;

void arch_detect(void)
{
    __builtin_cpu_init();
    arch_has_avx = __builtin_cpu_supports("avx") ? 1 : 0;
}
