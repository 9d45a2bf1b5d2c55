/* primitives.c: the guarded primitives of AArch64 but for the copy, which is assembly. */
#include "arch/public_copy.h"
#include "arch/table_primitives.h"

/* Every AArch64 processor has the 16-byte registers that copy.S uses. */
void arch_detect(void)
{
}
