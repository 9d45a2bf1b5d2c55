/*
 * arch.h: what each processor's folder gives the guard (see guard.h): loads and stores inline, the rest as functions.
 *
 * x86_64 and aarch64 keep an exception table: an instruction that may fault is listed with the place to resume at, so
 * nothing has to be prepared before it. `portable` is for all others: sigsetjmp() before each access.
 */
#ifndef MMF_SRC_ARCH_ARCH_H
#define MMF_SRC_ARCH_ARCH_H

#include "os/os.h"

/*
 * Called by the handler: when the fault belongs to a guarded primitive, makes it end there and returns true, or does
 * not return (portable); false: some other instruction faulted. Signal context.
 */
bool arch_resume(struct os_fault *fault);

/* Finds out once what this processor can do. */
void arch_detect(void);

/*
 * Copies like memcpy(). 0, or MMF_EFAULT after a fault; only then `*done` (may be NULL) is written: the exact number
 * of bytes copied. With `report` not 0 the failure is recorded as mmf_guard_copy()'s.
 */
int arch_copy(void *to, const void *from, size_t size, size_t *done, unsigned report);

#include MMF_ARCH_HEADER

#endif
