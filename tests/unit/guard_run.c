/* guard_run.c: bodies under mmf_guard_run() end at a fault in a live region, and nowhere else. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include "stage.h"
#include "support.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

static struct stage stage;
static struct guard_region *region;

static int read_byte(void *at)
{
    return *(volatile unsigned char *)at;
}

static int write_byte(void *at)
{
    *(volatile unsigned char *)at = 1;
    return 0;
}

static void begin(void)
{
    stage_plain_signals();
    stage_make(&stage, 4, 4);
    region = stage_register(&stage, false);
}

static int body_result(void *argument)
{
    (void)argument;
    mmf_fault fault = {.address = &stage, .os_error = 5};
    begin();
    child_expect(mmf_guard_run(read_byte, stage.start + 3, &fault) == stage_byte(3));
    child_expect(!fault.address && !fault.offset && !fault.position && !fault.cause && !fault.os_error);
    child_expect(mmf_guard_run(NULL, NULL, &fault) == MMF_EINVAL);
    child_expect(mmf_guard_run(read_byte, stage.start + 4, NULL) == stage_byte(4));
    return 0;
}

static int fault_is_told(void *argument)
{
    (void)argument;
    mmf_fault fault;
    begin();
    for (int i = 0; i < 3; i++) {
        unsigned char *at = stage.border + 1000 * i;
        uint64_t offset = STAGE_OFFSET + (uint64_t)(at - stage.start);
        child_expect(mmf_guard_run(i == 1 ? write_byte : read_byte, at, &fault) == MMF_EFAULT);
        child_expect(fault.address == at);
        child_expect(fault.offset == offset);
        child_expect(fault.position == offset - (STAGE_OFFSET + STAGE_FIRST));
        child_expect(fault.cause == MMF_CAUSE_UNKNOWN);
        child_expect(mmf_last_error()->code == MMF_EFAULT && mmf_last_error()->offset == offset);
        child_expect(mmf_last_error()->cause == MMF_CAUSE_UNKNOWN);
    }
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
    return 0;
}

static int asked[4];

static mmf_cause classify(const void *owner, uint64_t offset, bool write, int *os_error)
{
    asked[0]++;
    asked[1] = owner == &stage;
    asked[2] = offset == STAGE_OFFSET + (uint64_t)(stage.border - stage.start) + 9;
    asked[3] = write;
    *os_error = 5;
    return MMF_CAUSE_DEVICE;
}

static int cause_is_asked_for(void *argument)
{
    (void)argument;
    mmf_fault fault;
    begin();
    region->classify = classify;
    region->owner = &stage;
    child_expect(mmf_guard_run(write_byte, stage.border + 9, &fault) == MMF_EFAULT);
    child_expect(asked[0] == 1 && asked[1] && asked[2]);
#if defined(MMF_OS_linux)
    child_expect(asked[3]);
#endif
    child_expect(fault.cause == MMF_CAUSE_DEVICE && fault.os_error == 5);
    child_expect(mmf_guard_run(read_byte, stage.border + 9, &fault) == MMF_EFAULT);
    child_expect(asked[0] == 2 && asked[2] && !asked[3]);
    return 0;
}

static int protection_is_told(void *argument)
{
    (void)argument;
    mmf_fault fault;
    begin();
    child_expect(mprotect(stage.start, stage.page, PROT_READ) == 0);
    child_expect(mmf_guard_run(write_byte, stage.start + 200, &fault) == MMF_EFAULT);
    child_expect(fault.cause == MMF_CAUSE_PROTECTION && fault.position == 100);
    child_expect(mmf_guard_run(write_byte, stage.start, &fault) == MMF_EFAULT);
    child_expect(fault.offset == STAGE_OFFSET && fault.position == 0); /* in front of the view's first byte */
    return 0;
}

/* volatile: the compiler does not know that a body may end at any access. */
static volatile int inner_result;
static volatile int outer_steps;

static int outer_goes_on(void *at)
{
    outer_steps++;
    inner_result = mmf_guard_run(read_byte, at, NULL);
    outer_steps++;
    int second = mmf_guard_run(read_byte, stage.start, NULL);
    outer_steps += second == stage_byte(0);
    return 17;
}

static int outer_faults_too(void *at)
{
    outer_steps++;
    inner_result = mmf_guard_run(read_byte, at, NULL);
    outer_steps++;
    int value = read_byte(at);
    outer_steps++;
    return value;
}

static int nested(void *argument)
{
    (void)argument;
    begin();
    child_expect(mmf_guard_run(outer_goes_on, stage.border, NULL) == 17);
    child_expect(inner_result == MMF_EFAULT && outer_steps == 3);
    outer_steps = 0;
    child_expect(mmf_guard_run(outer_faults_too, stage.border + 8, NULL) == MMF_EFAULT);
    child_expect(inner_result == MMF_EFAULT && outer_steps == 2);
    return 0;
}

static int descend(void *argument)
{
    unsigned *depth = argument;
    if (*depth == 0)
        return read_byte(stage.border);
    --*depth;
    int result = mmf_guard_run(descend, depth, NULL);
    if (result != MMF_EFAULT)
        return 1;
    ++*depth;
    return read_byte(stage.border); /* each level by itself */
}

static int nested_deeply(void *argument)
{
    (void)argument;
    unsigned depth = 100;
    begin();
    child_expect(mmf_guard_run(descend, &depth, NULL) == MMF_EFAULT);
    child_expect(depth == 100);
    return 0;
}

static size_t copied;
static volatile int after_copy;

static int copies_inside(void *argument)
{
    unsigned char bytes[64];
    (void)argument;
    copied = guard_copy(bytes, stage.border - 20, sizeof bytes);
    after_copy++;
    uint64_t value;
    after_copy += !guard_load_64(stage.border, &value);
    after_copy += !guard_store_8(stage.border, 1);
    after_copy += mmf_guard_copy(bytes, stage.border - 3, 8, &copied) == MMF_EFAULT;
    return read_byte(stage.border);
}

/* The primitive ends, not the body; and the body's own frame still works after it. */
static int primitive_wins(void *argument)
{
    (void)argument;
    begin();
    child_expect(mmf_guard_run(copies_inside, NULL, NULL) == MMF_EFAULT);
    child_expect(after_copy == 4 && copied == 3);
    return 0;
}

static int many_faults(void *argument)
{
    (void)argument;
    mmf_fault fault;
    begin();
    for (unsigned i = 0; i < 30000; i++) {
        unsigned char *at = stage.border + i % (4 * stage.page);
        child_expect(mmf_guard_run(read_byte, at, &fault) == MMF_EFAULT);
        child_expect(fault.address == at);
    }
    return 0;
}

/* A closed view's addresses are nobody's; the signal is the one the access raises. */
static int removed_region_kills(void *argument)
{
    (void)argument;
    begin();
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
    guard_region_remove(region);
    (void)mmf_guard_run(read_byte, stage.border, NULL);
    return 0;
}

static int foreign_address_kills(void *argument)
{
    (void)argument;
    begin();
    void *nothing = mmap(NULL, stage.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    child_expect(nothing != MAP_FAILED);
    (void)mmf_guard_run(read_byte, nothing, NULL);
    return 0;
}

static int bare_access_kills(void *argument)
{
    (void)argument;
    begin();
    child_expect(guard_start(true) == MMF_OK);
    guard_enter();
    (void)read_byte(stage.border);
    return 0;
}

/* After the body has ended its frame must not be used any more. */
static int access_after_body_kills(void *argument)
{
    (void)argument;
    begin();
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
    child_expect(mmf_guard_run(read_byte, stage.start, NULL) == stage_byte(0));
    (void)read_byte(stage.border);
    return 0;
}

static int refused_without_signals(void *argument)
{
    (void)argument;
    unsigned char byte = 1;
    size_t done = 9;
    int order = 9;
    stage_plain_signals();
    child_expect(mmf_guard_install((mmf_guard_mode)2) == MMF_EINVAL);
    child_expect(mmf_guard_install(MMF_GUARD_NOSIGNAL) == MMF_OK);
    child_expect(guard_mode() == MMF_GUARD_NOSIGNAL);
    child_expect(guard_start(false) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_ENOTFOUND);
    child_expect(guard_start(true) == MMF_OK); /* for a view that was opened with signals; the rest stays closed */
    child_expect(mmf_guard_check() == MMF_OK);
    child_expect(mmf_guard_run(read_byte, &byte, NULL) == MMF_ENOTSUP);
    child_expect(mmf_guard_copy(&byte, "x", 1, &done) == MMF_ENOTSUP && done == 0 && byte == 1);
    child_expect(mmf_guard_compare(&byte, "x", 1, &order, &done) == MMF_ENOTSUP && order == 0);
    child_expect(mmf_guard_find(&byte, 1, 1, &done) == MMF_ENOTSUP);
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_OK);
    child_expect(mmf_guard_copy(&byte, "x", 1, &done) == MMF_OK && done == 1 && byte == 'x');
    child_expect(mmf_guard_install(MMF_GUARD_NOSIGNAL) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_ENOTFOUND);
    child_expect(mmf_guard_copy(&byte, "y", 1, &done) == MMF_ENOTSUP && byte == 'x');

    /* A view that needs the handler keeps it. */
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    stage_make(&stage, 1, 1);
    region = stage_register(&stage, false);
    child_expect(mmf_guard_install(MMF_GUARD_NOSIGNAL) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_OK);
    guard_enter();
    child_expect(!guard_load_8(stage.border, &byte));
    guard_region_remove(region);
    child_expect(mmf_guard_remove() == MMF_OK && mmf_guard_check() == MMF_ENOTFOUND);
    return 0;
}

static int child_without_memory(void *argument)
{
    (void)argument;
    stage_plain_signals();
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(guard_region_at((uintptr_t)stage.border) == NULL);
    (void)mmf_guard_run(read_byte, stage.border, NULL);
    return 0;
}

static int child_with_memory(void *argument)
{
    (void)argument;
    stage_plain_signals();
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(guard_thread != atomic_load(&guard_generation));
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
    child_expect(guard_thread == atomic_load(&guard_generation));
    return 0;
}

/* A forked child has the list, but only inheritable regions are its own; and it counts as another process. */
static int fork_is_seen(void *argument)
{
    (void)argument;
    begin();
    uint32_t before = atomic_load(&guard_generation);
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
    child_expect(in_child(child_without_memory, NULL) == 128 + SIGBUS);
    child_expect(atomic_load(&guard_generation) == before);
    region->inheritable = true;
    child_expect(in_child(child_with_memory, NULL) == 0);
    child_expect(mmf_guard_run(read_byte, stage.border, NULL) == MMF_EFAULT);
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
SURVIVES(body_result)
SURVIVES(fault_is_told)
SURVIVES(cause_is_asked_for)
SURVIVES(protection_is_told)
SURVIVES(nested)
SURVIVES(nested_deeply)
SURVIVES(primitive_wins)
SURVIVES(many_faults)
DIES(removed_region_kills, SIGBUS)
DIES(foreign_address_kills, SIGSEGV)
DIES(bare_access_kills, SIGBUS)
DIES(access_after_body_kills, SIGBUS)
SURVIVES(refused_without_signals)
SURVIVES(fork_is_seen)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_result),
        cmocka_unit_test(test_fault_is_told),
        cmocka_unit_test(test_cause_is_asked_for),
        cmocka_unit_test(test_protection_is_told),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_nested_deeply),
        cmocka_unit_test(test_primitive_wins),
        cmocka_unit_test(test_many_faults),
        cmocka_unit_test(test_removed_region_kills),
        cmocka_unit_test(test_foreign_address_kills),
        cmocka_unit_test(test_bare_access_kills),
        cmocka_unit_test(test_access_after_body_kills),
        cmocka_unit_test(test_refused_without_signals),
        cmocka_unit_test(test_fork_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
