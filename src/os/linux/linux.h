/*
 * linux.h: the calls of the Linux back end: os_linux_<call> where Linux does better, the POSIX function elsewhere.
 *
 * Every call that is newer than Linux 3.15 has a way round it or answers ENOTSUP at run time.
 */
#ifndef MMF_SRC_OS_LINUX_LINUX_H
#define MMF_SRC_OS_LINUX_LINUX_H

#include "os/posix/posix.h"

/* What POSIX does as well. */
#define os_linux_open os_posix_open
#define os_linux_duplicate os_posix_duplicate
#define os_linux_close os_posix_close
#define os_linux_set_permissions os_posix_set_permissions
#define os_linux_remove os_posix_remove
#define os_linux_identify os_posix_identify
#define os_linux_absolute_path os_posix_absolute_path
#define os_linux_resize os_posix_resize
#define os_linux_read_at os_posix_read_at
#define os_linux_write_at os_posix_write_at
#define os_linux_sync os_posix_sync
#define os_linux_sync_directory os_posix_sync_directory
#define os_linux_evict os_posix_evict
#define os_linux_read_ahead os_posix_read_ahead
#define os_linux_unmap os_posix_unmap
#define os_linux_protect os_posix_protect
#define os_linux_flush os_posix_flush
#define os_linux_lock_memory os_posix_lock_memory
#define os_linux_unlock_memory os_posix_unlock_memory
#define os_linux_fault_remove os_posix_fault_remove
#define os_linux_fault_check os_posix_fault_check
#define os_linux_fault_unblock os_posix_fault_unblock
#define os_linux_fault_leave os_posix_fault_leave
#define os_linux_on_fork os_posix_on_fork
#define os_linux_mutex_create os_posix_mutex_create
#define os_linux_mutex_lock os_posix_mutex_lock
#define os_linux_mutex_unlock os_posix_mutex_unlock
#define os_linux_mutex_destroy os_posix_mutex_destroy
#define os_linux_sleep os_posix_sleep
#define os_linux_random os_posix_random
#define os_linux_page_size os_posix_page_size
#define os_linux_granularity os_posix_granularity
#define os_linux_allocate os_posix_allocate
#define os_linux_release os_posix_release
#define os_linux_thread_buffer os_posix_thread_buffer
#define os_linux_code_of os_posix_code_of

/* Declares the others (and the POSIX ones once more). */
#define OS_LINUX_CALL(name, parameters, arguments) int os_linux_##name parameters;
#define OS_LINUX_QUERY(result, name, parameters, arguments) result os_linux_##name parameters;
OS_CALLS(OS_LINUX_CALL)
OS_QUERIES(OS_LINUX_QUERY)
#undef OS_LINUX_CALL
#undef OS_LINUX_QUERY

/*
 * Whether madvise() does what it says: qemu's user emulation answers 0 to every advice, even to one that does not
 * exist, and does nothing. An error number when the question could not be asked, ENOTSUP for no.
 */
int os_linux_advice_works(void);

/* Whether prefetch() can be one system call: 0 or ENOTSUP. */
int os_linux_batch_prefetch_works(void);

#endif
