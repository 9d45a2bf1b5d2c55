/* process.c: what belongs to the process as a whole with POSIX: page size, heap, random bytes. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__has_include)
#if __has_include(<sys/random.h>)
#include <sys/random.h> /* where macOS declares getentropy(); elsewhere it is in unistd.h */
#endif
#endif

/* getentropy() gives at most this much a call. */
#define ENTROPY_MAX 256

size_t os_posix_page_size(void)
{
    static _Atomic size_t known;
    size_t size = atomic_load_explicit(&known, memory_order_relaxed);
    if (!size) {
        size = (size_t)sysconf(_SC_PAGESIZE); /* cannot fail: every system must have it */
        atomic_store_explicit(&known, size, memory_order_relaxed);
    }
    return size;
}

size_t os_posix_granularity(void)
{
    return os_posix_page_size();
}

void *os_posix_allocate(size_t size)
{
    return malloc(size);
}

void os_posix_release(void *memory)
{
    free(memory);
}

/* For kernels older than getentropy(). */
static int random_from_device(unsigned char *to, size_t size)
{
    int error = 0;
    int descriptor = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return errno;
    while (size && !error) {
        ssize_t got = read(descriptor, to, size);
        if (got > 0) {
            to += got;
            size -= (size_t)got;
        } else if (got == 0) {
            error = EIO;
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    close(descriptor);
    return error;
}

int os_posix_random(void *to, size_t size)
{
    unsigned char *next = to;
    while (size) {
        size_t part = size < ENTROPY_MAX ? size : ENTROPY_MAX;
        if (getentropy(next, part) < 0)
            return errno == ENOSYS ? random_from_device(next, size) : errno;
        next += part;
        size -= part;
    }
    return 0;
}
