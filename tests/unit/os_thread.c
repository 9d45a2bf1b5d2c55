/* os_thread.c: mutexes, the buffer of a thread, fork's hook, sleeping, random bytes, heap and page size. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>

/* Address sanitizers end the process when malloc() fails, unless they are told otherwise. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

#define ROUNDS 100000

struct counter {
    os_mutex mutex;
    volatile uint64_t count;
};

static void *count_up(void *argument)
{
    struct counter *counter = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (os.mutex_lock(&counter->mutex) != 0)
            return counter;
        counter->count = counter->count + 1;
        if (os.mutex_unlock(&counter->mutex) != 0)
            return counter;
    }
    return NULL;
}

static void a_mutex_excludes(void **state)
{
    (void)state;
    struct counter counter = {.count = 0};
    pthread_t threads[2];
    void *result;
    assert_int_equal(os.mutex_create(&counter.mutex), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &counter), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(counter.count, 2 * ROUNDS);
    assert_int_equal(os.mutex_destroy(&counter.mutex), 0);
}

static int calls_in_child;

static void count_call(void)
{
    calls_in_child++;
}

static int report_calls(void *argument)
{
    (void)argument;
    return calls_in_child;
}

static void fork_calls_the_hook_in_the_child(void **state)
{
    (void)state;
    assert_int_equal(in_child(report_calls, NULL), 0);
    assert_int_equal(os.on_fork(count_call), 0);
    assert_int_equal(in_child(report_calls, NULL), 1);
    assert_int_equal(in_child(report_calls, NULL), 1);
    assert_int_equal(calls_in_child, 0);
}

struct buffers {
    unsigned char *own;
    pthread_barrier_t together;
};

static void *take_buffer(void *argument)
{
    struct buffers *buffers = argument;
    buffers->own = os.thread_buffer(100000);
    if (buffers->own)
        memset(buffers->own, 't', 100000);
    pthread_barrier_wait(&buffers->together);
    pthread_barrier_wait(&buffers->together);
    return buffers->own;
}

/* That the buffer is released with its thread is for the leak checker of the sanitizers to see. */
static void every_thread_has_its_buffer(void **state)
{
    (void)state;
    struct buffers buffers;
    pthread_t thread;
    unsigned char *small = os.thread_buffer(10);
    assert_non_null(small);
    assert_int_equal((uintptr_t)small % alignof(max_align_t), 0);
    memset(small, 's', 10);
    assert_ptr_equal(os.thread_buffer(5), small);
    assert_ptr_equal(os.thread_buffer(10), small);
    unsigned char *large = os.thread_buffer(100000);
    assert_non_null(large);
    memset(large, 'l', 100000);
    assert_ptr_equal(os.thread_buffer(10), large);
    assert_null(os.thread_buffer(SIZE_MAX));
    assert_null(os.thread_buffer(SIZE_MAX / 2));
    assert_ptr_equal(os.thread_buffer(100000), large); /* a failure does not lose the one there is */

    assert_int_equal(pthread_barrier_init(&buffers.together, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, take_buffer, &buffers), 0);
    pthread_barrier_wait(&buffers.together);
    assert_non_null(buffers.own);
    assert_ptr_not_equal(buffers.own, large);
    assert_int_equal(large[99999], 'l');
    assert_int_equal(buffers.own[99999], 't');
    pthread_barrier_wait(&buffers.together);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&buffers.together);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
    (void)signal;
    alarms = alarms + 1;
}

static uint64_t now(void)
{
    struct timespec time;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void sleep_lasts_through_signals(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = count_alarm}, before;
    const struct itimerval often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    uint64_t start = now();
    assert_int_equal(os.sleep(0), 0);
    assert_int_equal(os.sleep(20000000), 0);
    assert_true(now() - start >= 20000000);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    start = now();
    int error = os.sleep(60000000);
    const uint64_t took = now() - start;
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(error, 0);
    assert_true(alarms > 0);
    assert_true(took >= 60000000);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    unsigned char first[1001] = {0}, second[1001] = {0};
    size_t zeros = 0;
    assert_int_equal(os.random(first, 1000), 0);
    assert_int_equal(os.random(second, 1000), 0);
    assert_memory_not_equal(first, second, 1000);
    for (size_t i = 0; i < 1000; i++)
        zeros += first[i] == 0 && second[i] == 0;
    assert_true(zeros < 10); /* every part was filled */
    assert_int_equal(first[1000], 0);
    assert_int_equal(os.random(NULL, 0), 0);
}

static void the_page_size_is_the_systems(void **state)
{
    (void)state;
    const size_t page = os.page_size();
    assert_int_equal(page, sysconf(_SC_PAGESIZE));
    assert_int_equal(os.page_size(), page);
    assert_int_equal(os.granularity() % page, 0);
    assert_true(os.granularity() >= page);
}

static void memory_is_allocated_or_not(void **state)
{
    (void)state;
    unsigned char *memory = os.allocate(1000);
    assert_non_null(memory);
    memset(memory, 'a', 1000);
    os.release(memory);
    os.release(NULL);
    assert_null(os.allocate(SIZE_MAX - 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mutex_excludes),
        cmocka_unit_test(fork_calls_the_hook_in_the_child),
        cmocka_unit_test(every_thread_has_its_buffer),
        cmocka_unit_test(sleep_lasts_through_signals),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(the_page_size_is_the_systems),
        cmocka_unit_test(memory_is_allocated_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
