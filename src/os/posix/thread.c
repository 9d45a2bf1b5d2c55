/* thread.c: mutexes, the buffer of a thread, the hook of fork, and sleeping with POSIX. */
#define _POSIX_C_SOURCE 200809L

#include "posix.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define NANOSECONDS UINT64_C(1000000000)

/* One nanosleep at most, in seconds: fits a time_t of 32 bits. */
#define SLEEP_MAX UINT64_C(1000000)

static_assert(sizeof(pthread_mutex_t) <= sizeof(os_mutex), "os_mutex has room for the system's mutex");
static_assert(alignof(pthread_mutex_t) <= alignof(os_mutex), "os_mutex is aligned for the system's mutex");

static pthread_mutex_t *inner(os_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->space;
}

int os_posix_mutex_create(os_mutex *mutex)
{
    return pthread_mutex_init(inner(mutex), NULL);
}

int os_posix_mutex_lock(os_mutex *mutex)
{
    return pthread_mutex_lock(inner(mutex));
}

int os_posix_mutex_unlock(os_mutex *mutex)
{
    return pthread_mutex_unlock(inner(mutex));
}

int os_posix_mutex_destroy(os_mutex *mutex)
{
    return pthread_mutex_destroy(inner(mutex));
}

int os_posix_on_fork(void (*child)(void))
{
    return pthread_atfork(NULL, NULL, child);
}

int os_posix_sleep(uint64_t nanoseconds)
{
    while (nanoseconds) {
        uint64_t part = nanoseconds < SLEEP_MAX * NANOSECONDS ? nanoseconds : SLEEP_MAX * NANOSECONDS;
        struct timespec left = {.tv_sec = (time_t)(part / NANOSECONDS), .tv_nsec = (long)(part % NANOSECONDS)};
        while (nanosleep(&left, &left) < 0) {
            if (errno != EINTR)
                return errno;
        }
        nanoseconds -= part;
    }
    return 0;
}

/* What a thread's key points to: the memory handed out lies behind it. */
struct buffer {
    alignas(max_align_t) size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

static void create_key(void)
{
    key_error = pthread_key_create(&key, free);
}

/* Contents are not kept when it grows. */
void *os_posix_thread_buffer(size_t size)
{
    if (pthread_once(&once, create_key) || key_error || size > SIZE_MAX - sizeof(struct buffer))
        return NULL;
    struct buffer *buffer = pthread_getspecific(key);
    if (buffer && buffer->size >= size)
        return buffer->bytes;
    struct buffer *larger = malloc(sizeof *larger + size);
    if (!larger || pthread_setspecific(key, larger)) {
        free(larger);
        return NULL;
    }
    larger->size = size;
    free(buffer);
    return larger->bytes;
}
