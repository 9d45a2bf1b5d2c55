/* guard_fault.c: what a thread knows about its last fault, and the error it becomes. */
#define _POSIX_C_SOURCE 200809L /* sigjmp_buf */

#include "guard_fault.h"
#include "error.h"

_Thread_local struct guard_frame *guard_frames __attribute__((tls_model("initial-exec")));
static _Thread_local struct os_fault last_fault __attribute__((tls_model("initial-exec")));

void guard_remember(const struct os_fault *fault)
{
    last_fault = *fault;
    last_fault.context = NULL; /* gone when the handler returns */
}

const struct os_fault *guard_last_fault(void)
{
    return &last_fault;
}

/* Fills offset, position and cause of a fault, outside signal context. `region` may be NULL: nothing is known. */
void guard_fault_describe(mmf_fault *known, const struct os_fault *fault, const struct guard_region *region)
{
    *known = (mmf_fault){.address = (const void *)fault->address, .cause = MMF_CAUSE_UNKNOWN};
    if (fault->kind == OS_FAULT_PROTECTION)
        known->cause = MMF_CAUSE_PROTECTION;
    if (!region)
        return;
    known->offset = region->offset + (fault->address - atomic_load(&region->start));
    if (known->offset > region->first)
        known->position = known->offset - region->first;
    if (known->cause == MMF_CAUSE_UNKNOWN && region->classify)
        known->cause = region->classify(region->owner, known->offset, fault->write, &known->os_error);
}

int guard_fault_record(const mmf_fault *known, const char *operation, uint64_t done)
{
    return error_set_full(&(mmf_error){.code = MMF_EFAULT,
                                       .os_error = known->os_error,
                                       .offset = known->offset,
                                       .done = done,
                                       .operation = operation,
                                       .cause = known->cause});
}

int guard_fault_error(const char *operation, uint64_t done)
{
    mmf_fault known;
    guard_fault_describe(&known, &last_fault, guard_region_at(last_fault.address));
    return guard_fault_record(&known, operation, done);
}

int guard_copy_error(const void *to, const void *from, uint64_t done)
{
    if (!to || !from)
        return error_set(MMF_EINVAL, "mmf_guard_copy");
    return guard_fault_error("mmf_guard_copy", done);
}
