/* fault.c: the interrupted pc and the kind of access on Linux, by processor. */
#define _GNU_SOURCE
#include "linux.h"

#include "os/posix/fault.h"

#include <ucontext.h>

/* A memory error found in advance (BUS_MCEERR_AO) is no access of this thread. */
static bool was_sent(int signal, const siginfo_t *information)
{
    return os_posix_fault_was_sent(signal, information) || (signal == SIGBUS && information->si_code == BUS_MCEERR_AO);
}

#if defined(__x86_64__) || defined(__i386__)

#if defined(__x86_64__)
#define PC_REGISTER REG_RIP
#else
#define PC_REGISTER REG_EIP
#endif

/* Bit 1 of the page fault's error code is set for a write (Intel's manual, volume 3, section 4.7). */
static void describe(struct os_fault *fault)
{
    const ucontext_t *context = fault->context;
    fault->pc = (uintptr_t)context->uc_mcontext.gregs[PC_REGISTER];
    fault->write = (context->uc_mcontext.gregs[REG_ERR] & 2) != 0;
}

static void resume(struct os_fault *fault)
{
    ucontext_t *context = fault->context;
    context->uc_mcontext.gregs[PC_REGISTER] = (greg_t)fault->pc;
}

#elif defined(__aarch64__)

#include <asm/sigcontext.h>

/*
 * The kernel puts the exception's syndrome into a record behind the registers. Bit 6 of a data abort's syndrome (WnR)
 * is set for a write (Arm's manual, ESR_EL1, ISS encoding for an exception from a Data Abort).
 */
static bool is_write(const ucontext_t *context)
{
    const unsigned char *record = (const unsigned char *)context->uc_mcontext.__reserved;
    const unsigned char *end = record + sizeof context->uc_mcontext.__reserved;
    while (record + sizeof(struct _aarch64_ctx) <= end) {
        const struct _aarch64_ctx *head = (const void *)record;
        if (head->magic == ESR_MAGIC)
            return (((const struct esr_context *)head)->esr & (1U << 6)) != 0;
        if (head->magic == 0 || head->size == 0)
            return false;
        record += head->size;
    }
    return false;
}

static void describe(struct os_fault *fault)
{
    const ucontext_t *context = fault->context;
    fault->pc = (uintptr_t)context->uc_mcontext.pc;
    fault->write = is_write(context);
}

static void resume(struct os_fault *fault)
{
    ucontext_t *context = fault->context;
    context->uc_mcontext.pc = fault->pc;
}

#else

static void describe(struct os_fault *fault)
{
    (void)fault;
}

static void resume(struct os_fault *fault)
{
    (void)fault;
}

#endif

int os_linux_fault_install(os_fault_handler *handler)
{
    static const struct posix_fault_system linux_system = {
        .was_sent = was_sent, .describe = describe, .resume = resume};
    return os_posix_fault_install_for(handler, &linux_system);
}
