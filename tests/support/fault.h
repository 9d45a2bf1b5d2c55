/*
 * fault.h: makes the system calls of the library fail at will: every entry of the os table is replaced by a wrapper
 * that counts, injects an error, shortens a transfer, or answers with another page size.
 *
 * A call that frees something (close, unmap, mutex_unlock, mutex_destroy) does its work before it reports the injected
 * error, as the kernel does: a test of leaks would otherwise blame the library for the harness.
 */
#ifndef MMF_TESTS_FAULT_H
#define MMF_TESTS_FAULT_H

#include "os/os.h"

#include <stdint.h>

enum fault_kind {
    FAULT_CALLS,  /* entries of OS_CALLS answer plan.error */
    FAULT_MEMORY, /* allocate and thread_buffer answer NULL */
    FAULT_SHORT   /* read_at, write_at and copy_checked move half; copy_checked then answers EFAULT, as documented */
};

struct fault_plan {
    enum fault_kind kind;
    const char *call;  /* only this entry; NULL: any of the kind */
    unsigned long nth; /* the first call that fails, from 1 on */
    bool sticky;       /* every one from then on, else that one alone */
    int error;         /* FAULT_CALLS: the system's number */
};

/* Puts the wrappers into the os table. Calls go through to what was there. */
void fault_install(void);
/* Puts back what was there. */
void fault_uninstall(void);

/* Starts a plan, with all counts at 0; NULL: counts only. */
void fault_begin(const struct fault_plan *plan);
/* Ends it: calls go through again. Returns how many were made to fail. */
unsigned long fault_end(void);

/* Calls of the plan's kind and name since fault_begin(), and of one entry whatever the plan is. */
unsigned long fault_seen(void);
unsigned long fault_count(const char *call);
/* The name of the first call that was made to fail; "none". */
const char *fault_first(void);

/* What the library holds by these calls: must be the same before and after. */
struct fault_balance {
    long memory; /* blocks of heap */
    long mapped; /* bytes of address space */
    long files;  /* handles: open, duplicate, reopen, memory_file less close */
    long mutexes;
    long locked;
};
struct fault_balance fault_balance(void);

/* The system's page size and allocation granularity from now on; 0: the true ones. Multiples of the true ones. */
void fault_pages(size_t page_size, size_t granularity);

/* "ENOSPC" and the like for the errors that tests inject, and back (0: no such name). */
const char *fault_error_name(int error);
int fault_error_number(const char *name);

#endif
