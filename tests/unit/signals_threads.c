/* signals_threads.c: threads that block the signals, and many threads that fault at once while a file shrinks. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include "stage.h"
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct stage stage;

static bool is_blocked(int signal)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return sigismember(&blocked, signal) == 1;
}

static void block_all(void)
{
    sigset_t every;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, NULL);
}

static int read_byte(void *at)
{
    return *(volatile unsigned char *)at;
}

/* Each way into the guard makes its thread ready; a thread that starts inherits the mask it was made with. */
static void *use_copy(void *unused)
{
    unsigned char bytes[8];
    size_t done = 9;
    (void)unused;
    bool right = is_blocked(SIGBUS) && mmf_guard_copy(bytes, stage.border - 2, 8, &done) == MMF_EFAULT && done == 2;
    return (void *)(uintptr_t)(right && !is_blocked(SIGBUS) && !is_blocked(SIGSEGV) && is_blocked(SIGUSR1));
}

static void *use_compare(void *unused)
{
    int order = 5;
    size_t done = 9;
    (void)unused;
    return (void *)(uintptr_t)(is_blocked(SIGBUS) &&
                               mmf_guard_compare(stage.border - 3, stage.border - 3, 9, &order, &done) == MMF_EFAULT &&
                               order == 0 && done == 3);
}

static void *use_find(void *unused)
{
    size_t at = 9;
    (void)unused;
    return (void *)(uintptr_t)(is_blocked(SIGBUS) && mmf_guard_find(stage.border, 1, 9, &at) == MMF_EFAULT && at == 0);
}

static void *use_run(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)(is_blocked(SIGBUS) && mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
}

static void *use_enter(void *unused)
{
    unsigned char byte;
    (void)unused;
    bool was = is_blocked(SIGBUS);
    guard_enter();
    return (void *)(uintptr_t)(was && guard_thread == atomic_load(&guard_generation) &&
                               !guard_load_8(stage.border, &byte));
}

static int blocked_threads(void *argument)
{
    (void)argument;
    static void *(*const uses[])(void *) = {use_copy, use_compare, use_find, use_run, use_enter};
    stage_plain_signals();
    stage_make(&stage, 2, 2);
    child_expect(stage_register(&stage, false) != NULL);
    child_expect(guard_start(true) == MMF_OK);
    block_all();
    for (size_t i = 0; i < COUNT(uses); i++) {
        pthread_t thread;
        void *right = NULL;
        child_expect(pthread_create(&thread, NULL, uses[i], NULL) == 0);
        child_expect(pthread_join(thread, &right) == 0);
        child_expect(right);
    }
    return 0;
}

enum { THREADS = 8, GOOD = 16 };
static _Atomic uint64_t faults;
static _Atomic uint64_t whole;
static _Atomic bool wrong;
static _Atomic bool over;
static _Atomic unsigned working;

static bool is_right(const unsigned char *bytes, size_t done, size_t from)
{
    for (size_t i = 0; i < done; i++)
        if (bytes[i] != stage_byte(from + i) && bytes[i] != 0)
            return false;
    return true;
}

/*
 * What was copied is the file's, or zeros where it was shorter for a moment. The end may lie
 * anywhere, because a page can go away in the middle of being copied; behind that page nothing was touched.
 */
static void copy_and_check(unsigned char *bytes, size_t from, size_t size)
{
    memset(bytes, 0xA5, size);
    size_t done = guard_copy(bytes, stage.start + from, size);
    if (done == size)
        atomic_fetch_add(&whole, 1);
    else
        atomic_fetch_add(&faults, 1);
    bool right = is_right(bytes, done, from);
    for (size_t i = (from + done) / stage.page * stage.page + stage.page - from; i < size; i++)
        right = right && bytes[i] == 0xA5;
    if (!right)
        atomic_store(&wrong, true);
}

static int sum_all(void *argument)
{
    size_t sum = 0;
    (void)argument;
    for (size_t i = 0; i < GOOD * stage.page; i += 64)
        sum += *(volatile unsigned char *)(stage.start + i);
    return (int)(sum & 0xFFFF);
}

static void *copy_all_the_time(void *number)
{
    static _Thread_local unsigned char bytes[9000];
    uint64_t random = (uintptr_t)number * 977 + 1;
    guard_enter();
    atomic_fetch_add(&working, 1);
    while (!atomic_load(&over)) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t size = (size_t)(random >> 33) % sizeof bytes + 1;
        size_t from = (size_t)(random >> 17) % (GOOD * stage.page - size);
        copy_and_check(bytes, from, size);
        if ((random >> 40) % 8 == 0) {
            mmf_fault fault;
            int result = mmf_guard_run(sum_all, NULL, &fault);
            if (result == MMF_EFAULT)
                atomic_fetch_add(&faults, 1);
            if (result < 0 && (result != MMF_EFAULT || (uintptr_t)fault.address < (uintptr_t)stage.start ||
                               (uintptr_t)fault.address >= (uintptr_t)stage.end))
                atomic_store(&wrong, true);
        }
    }
    return NULL;
}

static int many_at_once(void *argument)
{
    (void)argument;
    enum { WANTED = 40000 };
    pthread_t threads[THREADS];
    stage_plain_signals();
    stage_make(&stage, GOOD, 1);
    child_expect(stage_register(&stage, false) != NULL);
    child_expect(guard_start(true) == MMF_OK);
    for (size_t i = 0; i < THREADS; i++)
        child_expect(pthread_create(&threads[i], NULL, copy_all_the_time, (void *)(i + 1)) == 0);
    for (unsigned turn = 0; atomic_load(&faults) < WANTED || atomic_load(&whole) == 0; turn++) {
        child_expect(ftruncate(stage.file, (off_t)(turn % GOOD * stage.page + turn % 3)) == 0);
        sched_yield();
        child_expect(ftruncate(stage.file, (off_t)(GOOD * stage.page)) == 0);
        if (turn % 5 == 0)
            sched_yield();
    }
    atomic_store(&over, true);
    for (size_t i = 0; i < THREADS; i++)
        child_expect(pthread_join(threads[i], NULL) == 0);
    child_expect(atomic_load(&working) == THREADS);
    child_expect(!atomic_load(&wrong));
    fprintf(stderr, "%llu faults, %llu whole copies\n", (unsigned long long)faults, (unsigned long long)whole);
    return 0;
}

/* Views come and go in some threads while others fault: the list is read without a lock. */
static void *add_and_remove(void *unused)
{
    (void)unused;
    struct guard_region *regions[50] = {NULL};
    for (unsigned turn = 0; !atomic_load(&over); turn++) {
        size_t i = turn % COUNT(regions);
        struct guard_region wanted = {.page_size = 4096, .zero = turn % 3 == 0};
        guard_region_remove(regions[i]);
        atomic_init(&wanted.start, (uintptr_t)4096 * (turn % 1000 + 1));
        atomic_init(&wanted.end, (uintptr_t)4096 * (turn % 1000 + 2));
        if (guard_region_add(&regions[i], &wanted) != MMF_OK)
            atomic_store(&wrong, true);
    }
    for (size_t i = 0; i < COUNT(regions); i++)
        guard_region_remove(regions[i]);
    return NULL;
}

static void *fault_often(void *unused)
{
    (void)unused;
    mmf_fault fault;
    for (unsigned i = 0; i < 5000; i++) {
        unsigned char *at = stage.border + i % stage.page;
        if (mmf_guard_run(read_byte, at, &fault) != MMF_EFAULT || fault.address != at || fault.offset < STAGE_OFFSET)
            atomic_store(&wrong, true);
        atomic_fetch_add(&faults, 1);
    }
    return NULL;
}

static int regions_come_and_go(void *argument)
{
    (void)argument;
    pthread_t threads[4];
    stage_plain_signals();
    stage_make(&stage, 1, 1);
    child_expect(stage_register(&stage, false) != NULL);
    for (size_t i = 0; i < COUNT(threads); i++)
        child_expect(pthread_create(&threads[i], NULL, i < 2 ? add_and_remove : fault_often, NULL) == 0);
    for (size_t i = 2; i < COUNT(threads); i++)
        child_expect(pthread_join(threads[i], NULL) == 0);
    atomic_store(&over, true);
    for (size_t i = 0; i < 2; i++)
        child_expect(pthread_join(threads[i], NULL) == 0);
    child_expect(faults == 10000 && !wrong);
    return 0;
}

/* A fork in the middle of that: the child's list is whole and its lock free. */
static int child_of_many(void *argument)
{
    (void)argument;
    mmf_fault fault;
    stage_plain_signals();
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    struct guard_region *region = stage_register(&stage, false);
    child_expect(mmf_guard_run(read_byte, stage.border, &fault) == MMF_EFAULT && fault.offset > STAGE_OFFSET);
    guard_region_remove(region);
    return 0;
}

static int fork_among_threads(void *argument)
{
    (void)argument;
    pthread_t threads[2];
    stage_plain_signals();
    stage_make(&stage, 1, 1);
    child_expect(guard_start(true) == MMF_OK);
    for (size_t i = 0; i < COUNT(threads); i++)
        child_expect(pthread_create(&threads[i], NULL, add_and_remove, NULL) == 0);
    for (int i = 0; i < 200; i++)
        child_expect(in_child(child_of_many, NULL) == 0);
    atomic_store(&over, true);
    for (size_t i = 0; i < COUNT(threads); i++)
        child_expect(pthread_join(threads[i], NULL) == 0);
    return 0;
}

#define SURVIVES(name)                                                                                                 \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        assert_int_equal(in_child(name, NULL), 0);                                                                     \
    }
SURVIVES(blocked_threads)
SURVIVES(many_at_once)
SURVIVES(regions_come_and_go)
SURVIVES(fork_among_threads)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocked_threads),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_regions_come_and_go),
        cmocka_unit_test(test_fork_among_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
