/* guard_zero.c: a missing page of a region in zero mode becomes zeros once, and the region is flagged for good. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include "guard_zero.h"
#include "stage.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct stage stage;
static struct guard_region *region;
static _Atomic bool lost_any;

static void begin_with(size_t good, size_t missing)
{
    stage_plain_signals();
    stage_make(&stage, good, missing);
    region = stage_register(&stage, true);
    region->lost_any = &lost_any;
    if (guard_start(true) != MMF_OK)
        _exit(99);
}

static unsigned char get(const unsigned char *at)
{
    return *(const volatile unsigned char *)at;
}

static int pages_become_zeros(void *argument)
{
    (void)argument;
    begin_with(2, 4);
    const size_t page = stage.page;
    child_expect(get(stage.border - 1) == stage_byte(2 * page - 1));
    child_expect(atomic_load(&region->lost) == UINT64_MAX && !lost_any);

    errno = 1234;
    child_expect(get(stage.border + 2 * page + 77) == 0);
    child_expect(errno == 1234);
    child_expect(atomic_load(&region->lost) == 4 * page && lost_any);
    *(volatile unsigned char *)(stage.border + 2 * page + 5) = 9;
    child_expect(get(stage.border + 2 * page + 5) == 9 && get(stage.border + 2 * page + 6) == 0);

    child_expect(get(stage.border + 1) == 0);
    child_expect(atomic_load(&region->lost) == 2 * page);
    child_expect(get(stage.border + 3 * page) == 0);
    child_expect(atomic_load(&region->lost) == 2 * page); /* the lowest stays */
    for (size_t i = 0; i < 2 * page; i++)
        child_expect(get(stage.start + i) == stage_byte(i));
    return 0;
}

/* Guarded copies into and out of it succeed: nothing faults after the replacement. */
static int primitives_go_on(void *argument)
{
    (void)argument;
    unsigned char bytes[300];
    begin_with(1, 3);
    guard_enter();
    memset(bytes, 7, sizeof bytes);
    child_expect(guard_copy(stage.border - 100, bytes, sizeof bytes) == sizeof bytes);
    child_expect(get(stage.border + 199) == 7 && get(stage.border + 200) == 0);
    child_expect(guard_copy(bytes, stage.border + stage.page, sizeof bytes) == sizeof bytes);
    child_expect(bytes[0] == 0 && bytes[299] == 0);
    child_expect(atomic_load(&region->lost) == stage.page);
    return 0;
}

/* A page bigger than the system's is replaced whole. */
static int big_pages(void *argument)
{
    (void)argument;
    begin_with(4, 8);
    region->page_size = 4 * stage.page;
    child_expect(get(stage.border + 4 * stage.page + 1) == 0);
    child_expect(atomic_load(&region->lost) == 8 * stage.page);
    child_expect(ftruncate(stage.file, (off_t)(12 * stage.page)) == 0);
    child_expect(get(stage.border) == 0);
    *(volatile unsigned char *)stage.border = 5; /* of the file again */
    *(volatile unsigned char *)(stage.end - 1) = 6;
    unsigned char byte = 9;
    child_expect(pread(stage.file, &byte, 1, (off_t)(4 * stage.page)) == 1 && byte == 5);
    child_expect(pread(stage.file, &byte, 1, (off_t)(12 * stage.page) - 1) == 1 && byte == 0); /* was replaced */
    return 0;
}

/* A store that the view does not allow is a fault of the program, not of the file. */
static int protection_is_not_healed(void *argument)
{
    (void)argument;
    begin_with(2, 2);
    region->protection = OS_PROTECT_READ;
    child_expect(mprotect(stage.start, (size_t)(stage.end - stage.start), PROT_READ) == 0);
    child_expect(get(stage.border) == 0);
    child_expect(atomic_load(&region->lost) == 2 * stage.page);
    *(volatile unsigned char *)stage.border = 1;
    return 0;
}

static int other_region_kills(void *argument)
{
    (void)argument;
    struct stage other;
    begin_with(1, 1);
    stage_make(&other, 1, 1);
    stage_register(&other, false);
    child_expect(get(stage.border) == 0);
    get(other.border);
    return 0;
}

static int store_byte(void *at)
{
    *(volatile unsigned char *)at = 1;
    return 5;
}

/* Under mmf_guard_run() too the access just goes on. */
static int body_goes_on(void *argument)
{
    (void)argument;
    begin_with(1, 1);
    child_expect(mmf_guard_run(store_byte, stage.border + 3, NULL) == 5);
    child_expect(get(stage.border + 3) == 1);
    return 0;
}

/* No page left for zeros: the fault goes its usual way, and the flag stays. */
static int cannot_map(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                      uint64_t offset)
{
    (void)address;
    (void)size;
    (void)protection;
    (void)mapping;
    (void)file;
    (void)offset;
    errno = ENOMEM;
    return ENOMEM;
}

static int without_memory(void *argument)
{
    (void)argument;
    unsigned char byte;
    begin_with(1, 1);
    guard_enter();
    os.map = cannot_map;
    errno = 77;
    child_expect(!guard_load_8(stage.border, &byte));
    child_expect(errno == 77);
    child_expect(mmf_guard_run(store_byte, stage.border, NULL) == MMF_EFAULT);
    child_expect(atomic_load(&region->lost) == stage.page);
    os.map = os_native.map;
    child_expect(guard_load_8(stage.border, &byte) && byte == 0);
    return 0;
}

enum { THREADS = 4, PAGES = 300 };
static _Atomic unsigned arrived[PAGES];

/* All threads store into the same page at the same moment, each its own byte. */
__attribute__((no_sanitize("thread"))) static void *store_everywhere(void *number)
{
    size_t mine = (size_t)number;
    for (size_t i = 0; i < PAGES; i++) {
        atomic_fetch_add(&arrived[i], 1);
        while (atomic_load(&arrived[i]) < THREADS)
            sched_yield();
        *(volatile unsigned char *)(stage.border + i * stage.page + mine) = (unsigned char)(mine + 1);
    }
    return NULL;
}

static int no_store_is_lost(void *argument)
{
    (void)argument;
    pthread_t threads[THREADS];
    begin_with(1, PAGES);
    for (size_t i = 0; i < THREADS; i++)
        child_expect(pthread_create(&threads[i], NULL, store_everywhere, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        child_expect(pthread_join(threads[i], NULL) == 0);
    for (size_t i = 0; i < PAGES; i++)
        for (size_t k = 0; k < THREADS; k++)
            child_expect(get(stage.border + i * stage.page + k) == k + 1);
    child_expect(atomic_load(&region->lost) == stage.page);
    return 0;
}

/* Two threads' stores, where the second faults before the first has replaced the page, but is handled after it. */
static int (*real_map)(void **, size_t, unsigned, unsigned, mmf_os_handle, uint64_t);
static _Atomic int replacements;

static int counted_map(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                       uint64_t offset)
{
    atomic_fetch_add(&replacements, mapping & OS_MAP_FIXED ? 1 : 0);
    return real_map(address, size, protection, mapping, file, offset);
}

static int late_fault_replaces_nothing(void *argument)
{
    (void)argument;
    begin_with(1, 2);
    real_map = os_native.map;
    os.map = counted_map;
    *(volatile unsigned char *)stage.border = 3;
    child_expect(replacements == 1);
    struct sigaction ours;
    child_expect(sigaction(SIGBUS, NULL, &ours) == 0);
    siginfo_t late;
    memset(&late, 0, sizeof late);
    late.si_signo = SIGBUS;
    late.si_code = BUS_ADRERR;
    late.si_addr = stage.border + 10;
    static _Alignas(16) unsigned char context[8192];
    ours.sa_sigaction(SIGBUS, &late, context);
    child_expect(replacements == 1);
    child_expect(get(stage.border) == 3);

    /* What was replaced in a closed view says nothing about the next one at the same place. */
    guard_region_remove(region);
    stage_drop(&stage);
    stage_make(&stage, 1, 2);
    region = stage_register(&stage, true);
    child_expect(get(stage.border) == 0);
    child_expect(atomic_load(&region->lost) == stage.page);
    child_expect(replacements == 2);
    return 0;
}

/* A fault of a page that was replaced long ago, and of which others have been replaced since: nothing is forgotten. */
static int nothing_is_forgotten(void *argument)
{
    (void)argument;
    enum { MANY = 1500 };
    begin_with(1, MANY);
    real_map = os_native.map;
    os.map = counted_map;
    struct sigaction ours;
    child_expect(sigaction(SIGBUS, NULL, &ours) == 0);
    for (size_t i = 0; i < MANY; i++)
        *(volatile unsigned char *)(stage.border + i * stage.page) = 3;
    child_expect(replacements == MANY);
    siginfo_t late;
    memset(&late, 0, sizeof late);
    late.si_signo = SIGBUS;
    late.si_code = BUS_ADRERR;
    static _Alignas(16) unsigned char context[8192];
    for (size_t i = 0; i < MANY; i++) {
        late.si_addr = stage.border + i * stage.page + 10;
        ours.sa_sigaction(SIGBUS, &late, context);
        child_expect(get(stage.border + i * stage.page) == 3);
    }
    child_expect(replacements == MANY);
    return 0;
}

/* No mapping of one page is left: one that reaches the next replaced page, or the end, joins others. */
static int few_mappings(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                        uint64_t offset)
{
    if (mapping & OS_MAP_FIXED && size == stage.page)
        return ENOMEM;
    return counted_map(address, size, protection, mapping, file, offset);
}

static void begin_with_file(size_t good, size_t missing)
{
    struct stat file;
    begin_with(good, missing);
    if (fstat(stage.file, &file) != 0)
        _exit(99);
    region->file = stage.file;
    region->device = file.st_dev;
    region->inode = file.st_ino;
    region->offset = 0;
    real_map = os_native.map;
}

static int all_that_follow(void *argument)
{
    (void)argument;
    begin_with_file(1, 9);
    const size_t page = stage.page;
    *(volatile unsigned char *)(stage.border + 5 * page) = 4;
    os.map = few_mappings;
    *(volatile unsigned char *)(stage.border + 2 * page) = 3;
    child_expect(replacements == 1);
    for (size_t i = 2; i < 5; i++)
        child_expect(get(stage.border + i * page) == (i == 2 ? 3 : 0));
    child_expect(replacements == 1);
    child_expect(get(stage.border + 5 * page) == 4);
    child_expect(get(stage.border + 6 * page) == 0); /* to the end */
    child_expect(replacements == 2);
    child_expect(get(stage.border + 8 * page) == 0);
    child_expect(get(stage.border + 7 * page) == 0);
    child_expect(replacements == 2);
    child_expect(get(stage.border) == 0);
    child_expect(replacements == 3);
    child_expect(atomic_load(&region->lost) == page);
    child_expect(get(stage.border - 1) == stage_byte(page - 1));
    return 0;
}

/* What follows is of the file, or of another one: then nothing but the page itself may be replaced. */
static int what_follows_is_of_the_file(void *argument)
{
    (void)argument;
    begin_with_file(2, 8);
    region->offset = 0;
    os.map = few_mappings;
    struct os_fault fault = {.kind = OS_FAULT_PAGE, .address = (uintptr_t)(stage.border - 1)};
    child_expect(!guard_zero_page(&fault)); /* such as the medium may lose a page */
    child_expect(get(stage.border - 1) == stage_byte(2 * stage.page - 1));
    region->inode++;
    get(stage.border);
    return 0;
}

/* The bytes that remember it cannot be had: no region, and nothing of one is left. */
static int no_memory_for_it(void *argument)
{
    (void)argument;
    struct guard_region *none = &(struct guard_region){.version = 0};
    begin_with(1, 1);
    const struct guard_region wanted = {.start = 4096, .end = 8192, .page_size = 4096, .zero = true};
    os.map = cannot_map;
    child_expect(guard_region_add(&none, &wanted) == MMF_ENOMEMORY);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY && mmf_last_error()->os_error == ENOMEM);
    child_expect(!none && !guard_region_at(4096));
    return 0;
}

#define SURVIVES(name)                                                                                                 \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        assert_int_equal(in_child(name, NULL), 0);                                                                     \
    }
#define DIES(name, signal)                                                                                             \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        assert_int_equal(in_child(name, NULL), 128 + (signal));                                                        \
    }
SURVIVES(pages_become_zeros)
SURVIVES(primitives_go_on)
SURVIVES(big_pages)
DIES(protection_is_not_healed, SIGSEGV)
DIES(other_region_kills, SIGBUS)
SURVIVES(body_goes_on)
SURVIVES(without_memory)
SURVIVES(no_store_is_lost)
SURVIVES(late_fault_replaces_nothing)
SURVIVES(nothing_is_forgotten)
SURVIVES(no_memory_for_it)
SURVIVES(all_that_follow)
DIES(what_follows_is_of_the_file, SIGBUS)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_become_zeros),
        cmocka_unit_test(test_primitives_go_on),
        cmocka_unit_test(test_big_pages),
        cmocka_unit_test(test_protection_is_not_healed),
        cmocka_unit_test(test_other_region_kills),
        cmocka_unit_test(test_body_goes_on),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_no_store_is_lost),
        cmocka_unit_test(test_late_fault_replaces_nothing),
        cmocka_unit_test(test_nothing_is_forgotten),
        cmocka_unit_test(test_no_memory_for_it),
        cmocka_unit_test(test_all_that_follow),
        cmocka_unit_test(test_what_follows_is_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
