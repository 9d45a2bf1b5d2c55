/* fault.h: what Linux tells about a fault beyond POSIX; checking and removing the handler are POSIX's. */
#ifndef MMF_SRC_OS_LINUX_FAULT_H
#define MMF_SRC_OS_LINUX_FAULT_H

#include "os/posix/fault.h"

int os_linux_fault_install(os_fault_handler *handler);
int os_linux_fault_remove(void);
int os_linux_fault_check(void);
int os_linux_fault_unblock(void);

#endif
