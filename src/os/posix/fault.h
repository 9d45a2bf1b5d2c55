/* fault.h: the handler of SIGBUS and SIGSEGV on POSIX systems, and what a system that tells more may add. */
#ifndef MMF_SRC_OS_POSIX_FAULT_H
#define MMF_SRC_OS_POSIX_FAULT_H

#include "os/os.h"

#include <signal.h>

/* What a system knows beyond POSIX about a signal. */
struct posix_fault_system {
    /* Whether the signal was sent, so that no access of this thread caused it. */
    bool (*was_sent)(int signal, const siginfo_t *information);
    /* Fills `pc` and `write` from the context; `pc` stays 0 where it is not known. */
    void (*describe)(struct os_fault *fault);
    /* Makes the interrupted code go on at `pc`. Called only when the pc is known. */
    void (*resume)(struct os_fault *fault);
};

bool os_posix_fault_was_sent(int signal, const siginfo_t *information);

/* As fault_install, for a system that knows more. */
int os_posix_fault_install_for(os_fault_handler *handler, const struct posix_fault_system *system);

int os_posix_fault_install(os_fault_handler *handler);
int os_posix_fault_remove(void);
int os_posix_fault_check(void);
int os_posix_fault_unblock(void);
int os_posix_fault_leave(const struct os_fault *fault);

#endif
