/* memory.c: files of memory, mappings and what is asked about them on Linux. */
#define _GNU_SOURCE

#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Newer than the headers of distributions: Linux 6.3, 5.4, 5.14, 5.10, 5.3, 6.14, 5.8. */
#if !defined(MFD_NOEXEC_SEAL)
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif
#if !defined(MFD_HUGETLB)
#define MFD_HUGETLB 0x0004U
#endif
#define HUGE_SHIFT 26 /* MFD_HUGE_SHIFT of linux/memfd.h: where the size's logarithm stands */
#if !defined(MADV_COLD)
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#if !defined(MADV_POPULATE_READ)
#define MADV_POPULATE_READ 22
#endif
#if !defined(SYS_process_madvise)
#define SYS_process_madvise 440
#endif
#if !defined(SYS_pidfd_open)
#define SYS_pidfd_open 434
#endif
#if !defined(SYS_faccessat2)
#define SYS_faccessat2 439
#endif
#define PIDFD_SELF_THREAD_NUMBER (-10000) /* stands for the caller, so no descriptor has to be opened */

#define NO_ADVICE 9999 /* no kernel knows it */

/* What process_madvise() takes at most in one call: UIO_MAXIOV of the kernel. */
#define RANGES_AT_ONCE 1024

/*
 * The flag that says what a file of memory is for came with Linux 6.3, which logs a warning without it and may forbid
 * one of the two (vm.memfd_noexec). Older kernels refuse it by EINVAL.
 */
static int create_memory(int *descriptor, unsigned flags, unsigned purpose)
{
    static _Atomic bool no_purpose;
    *descriptor = -1;
    if (!atomic_load_explicit(&no_purpose, memory_order_relaxed))
        *descriptor = memfd_create("mmf", flags | purpose);
    if (*descriptor < 0 && (atomic_load_explicit(&no_purpose, memory_order_relaxed) || errno == EINVAL)) {
        *descriptor = memfd_create("mmf", flags);
        if (*descriptor >= 0)
            atomic_store_explicit(&no_purpose, true, memory_order_relaxed);
    }
    return *descriptor < 0 ? errno : 0;
}

/* The flags for huge pages of that many bytes; 1 byte stands for the system's default size. EINVAL: no power of two. */
static int huge_flags(unsigned *flags, uint64_t huge)
{
    if (huge & (huge - 1))
        return EINVAL;
    *flags = MFD_HUGETLB;
    if (huge > 1) {
        unsigned logarithm = 0;
        while (huge >> logarithm > 1)
            logarithm++;
        *flags |= logarithm << HUGE_SHIFT;
    }
    return 0;
}

int os_linux_memory_file(mmf_os_handle *file, uint64_t huge, bool execute, bool inherit)
{
    unsigned flags = 0;
    int descriptor;
    int error = huge ? huge_flags(&flags, huge) : 0;
    if (error)
        return error;
    error = create_memory(&descriptor, flags | (inherit ? 0 : MFD_CLOEXEC), execute ? MFD_EXEC : MFD_NOEXEC_SEAL);
    if (!error)
        return os_posix_give(file, descriptor, inherit);
    if (huge) /* no huge pages in this kernel, or not of this size */
        return error == EINVAL || error == ENOSYS || error == ENODEV || error == ENOENT ? ENOTSUP : error;
    return error == ENOSYS ? os_posix_memory_file(file, huge, execute, inherit) : error; /* before Linux 3.17 */
}

/* A FIXED mapping that fails half-way leaves the place empty, as one of mmap() itself may. */
int os_linux_map(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                 uint64_t offset)
{
    void *result = *address;
    int error = os_posix_map(&result, size, protection, mapping, file, offset);
    if (error)
        return error;
    if (mapping & OS_MAP_NOT_INHERIT && madvise(result, size, MADV_DONTFORK) < 0) {
        error = errno;
        munmap(result, size);
        return error;
    }
    *address = result;
    return 0;
}

static bool is_aligned(const void *address)
{
    return (uintptr_t)address % os_posix_page_size() == 0;
}

/*
 * None of these discards data. EINVAL for an aligned address: this kernel does not know the advice (COLD and PAGE_OUT:
 * before 5.4; HUGE: built without), or not for this kind of memory.
 */
int os_linux_advise(void *address, size_t size, enum os_advice advice)
{
    static const int numbers[] = {
        [OS_ADVISE_NORMAL] = MADV_NORMAL,
        [OS_ADVISE_RANDOM] = MADV_RANDOM,
        [OS_ADVISE_SEQUENTIAL] = MADV_SEQUENTIAL,
        [OS_ADVISE_WILL_NEED] = MADV_WILLNEED,
        [OS_ADVISE_COLD] = MADV_COLD,
        [OS_ADVISE_PAGE_OUT] = MADV_PAGEOUT,
        [OS_ADVISE_HUGE] = MADV_HUGEPAGE,
        [OS_ADVISE_NO_HUGE] = MADV_NOHUGEPAGE,
        [OS_ADVISE_DUMP] = MADV_DODUMP,
        [OS_ADVISE_NO_DUMP] = MADV_DONTDUMP,
    };
    if ((size_t)advice >= sizeof numbers / sizeof numbers[0] || !is_aligned(address))
        return EINVAL;
    if (madvise(address, size, numbers[advice]) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? ENOTSUP : errno;
}

/* A range is handed to the kernel as it is. */
static_assert(sizeof(struct os_memory_range) == sizeof(struct iovec) &&
                  offsetof(struct os_memory_range, address) == offsetof(struct iovec, iov_base) &&
                  offsetof(struct os_memory_range, size) == offsetof(struct iovec, iov_len),
              "os_memory_range has the layout of struct iovec");

static long advise_self(int self, const struct os_memory_range *ranges, size_t count)
{
    return syscall(SYS_process_madvise, self, (const void *)ranges, count, MADV_WILLNEED, 0);
}

/*
 * Asks for up to RANGES_AT_ONCE ranges in one call; true: all of them were taken. Linux 5.10; 5.13 to 6.12 want
 * CAP_SYS_NICE even for oneself (EPERM). Before 6.14 the process has to be named by a descriptor, opened for the call:
 * one that is kept could be closed by the program and become another file.
 */
static bool advise_at_once(const struct os_memory_range *ranges, size_t count)
{
    static _Atomic bool no_call, no_self;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += ranges[i].size;
    if (atomic_load_explicit(&no_call, memory_order_relaxed))
        return false;

    long done = -1;
    if (!atomic_load_explicit(&no_self, memory_order_relaxed)) {
        done = advise_self(PIDFD_SELF_THREAD_NUMBER, ranges, count);
        if (done >= 0 || errno != EBADF)
            goto judge;
    }
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        goto judge;
    done = advise_self(self, ranges, count);
    int error = errno;
    close(self);
    errno = error;
    if (done >= 0)
        atomic_store_explicit(&no_self, true, memory_order_relaxed);
judge:
    if (done < 0 && (errno == ENOSYS || errno == EPERM))
        atomic_store_explicit(&no_call, true, memory_order_relaxed);
    return done >= 0 && (size_t)done == total;
}

/* One system call, or one a range where that is not to be had or a range is refused; the first error is the answer. */
int os_linux_prefetch(const struct os_memory_range *ranges, size_t count)
{
    int first = 0;
    while (count) {
        size_t part = count < RANGES_AT_ONCE ? count : RANGES_AT_ONCE;
        bool batch = part > 1 && advise_at_once(ranges, part);
        for (size_t i = 0; i < part && !batch; i++) {
            int error = os_linux_advise(ranges[i].address, ranges[i].size, OS_ADVISE_WILL_NEED);
            if (!first)
                first = error;
        }
        ranges += part;
        count -= part;
    }
    return first;
}

int os_linux_batch_prefetch_works(void)
{
    void *address = NULL;
    size_t page = os_posix_page_size();
    mmf_os_handle file;
    int error = os_native.memory_file(&file, 0, false, false);
    if (error)
        return error;
    error = os_native.resize(file, 2 * page);
    if (!error)
        error = os_native.map(&address, 2 * page, OS_PROTECT_READ, OS_MAP_SHARED, file, 0);
    os_native.close(file);
    if (error)
        return error;
    const struct os_memory_range halves[] = {{address, page}, {(unsigned char *)address + page, page}};
    error = advise_at_once(halves, 2) ? 0 : ENOTSUP;
    os_native.unmap(address, 2 * page);
    return error;
}

int os_linux_advice_works(void)
{
    enum { UNKNOWN, WORKS, IGNORED };
    static _Atomic unsigned char known;
    unsigned char answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        const size_t page = os_posix_page_size();
        void *address = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (address == MAP_FAILED)
            return errno;
        answer = madvise(address, page, NO_ADVICE) < 0 ? WORKS : IGNORED;
        munmap(address, page);
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == WORKS ? 0 : ENOTSUP;
}

/*
 * Linux 5.14. EFAULT: a load would have got a signal. EINVAL for an aligned address: an older kernel, or memory that
 * cannot be populated (a device's, or one without read permission).
 */
int os_linux_populate(void *address, size_t size)
{
    if (!is_aligned(address))
        return EINVAL;
    if (os_linux_advice_works() == ENOTSUP)
        return ENOTSUP;
    int result;
    do
        result = madvise(address, size, MADV_POPULATE_READ);
    while (result < 0 && errno == EINTR);
    if (result == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? ENOTSUP : errno;
}

/*
 * faccessat2() asks the kernel just what mincore() will ask (Linux 5.8), so access lists and capabilities count. Where
 * it is missing, the mode bits decide; on a read-only file system, which it tells first, only the owner and root do.
 */
static int residency_is_told(mmf_os_handle file)
{
    struct stat status;
    int descriptor = os_posix_descriptor(file);
    if (fstat(descriptor, &status) < 0)
        return errno;
    if (geteuid() == status.st_uid || syscall(SYS_faccessat2, descriptor, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
        return 0;
    switch (errno) {
    case EACCES:
        return EACCES;
    case EROFS:
        return geteuid() == 0 ? 0 : EACCES;
    default:
        return os_posix_residency_is_told(file);
    }
}

int os_linux_resident(unsigned char *pages, void *address, size_t size, mmf_os_handle file)
{
    int error = file == MMF_INVALID_HANDLE ? 0 : residency_is_told(file);
    if (error)
        return error;
    int result;
    do /* EAGAIN: the kernel had no page to put the answer into */
        result = mincore(address, size, pages);
    while (result < 0 && errno == EINTR);
    return result < 0 ? errno : 0;
}

/*
 * Own memory through the door for other processes' memory: a missing page is a short count. The kernel copies page by
 * page, so after a short count the next call starts at the page in question and answers EFAULT. Protections count.
 */
int os_linux_copy_checked(size_t *done, void *to, const void *from, size_t size, bool write)
{
    size_t copied = 0;
    int error = 0;
    pid_t self = getpid();
    while (copied < size && !error) {
        struct iovec target = {.iov_base = (unsigned char *)to + copied, .iov_len = size - copied};
        struct iovec source = {.iov_base = (unsigned char *)(uintptr_t)from + copied, .iov_len = size - copied};
        ssize_t part = write ? process_vm_writev(self, &source, 1, &target, 1, 0)
                             : process_vm_readv(self, &target, 1, &source, 1, 0);
        if (part > 0)
            copied += (size_t)part;
        else if (part == 0)
            error = EFAULT;
        else if (errno != EINTR)
            error = errno;
    }
    if (error && error != EFAULT) /* ENOSYS: built without; EPERM: the filter of a container */
        return error == ENOSYS || error == EPERM ? ENOTSUP : error;
    *done = copied;
    return error;
}
