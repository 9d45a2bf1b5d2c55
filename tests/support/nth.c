/* nth.c: runs a scenario again and again, each time with another call of the os table made to fail. */
#define _GNU_SOURCE
#include "nth.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MOST_CALLS 400

/* The first ones alone where a sanitizer makes every run slow. */
static const int errors[] = {EIO, ENOSPC, EAGAIN, ENOMEM, EINTR, EMFILE, EDQUOT};
#define ERRORS (SANITIZED ? 3 : COUNT(errors))

static const struct nth_scenario *current;
static struct fault_plan plan;
static int result;
static unsigned long total_injected, total_runs;

static const char *kind_name(void)
{
    return plan.kind == FAULT_MEMORY ? "memory" : plan.kind == FAULT_SHORT ? "short" : fault_error_name(plan.error);
}

void nth_fail(const char *what, const char *file, int line)
{
    const mmf_error *last = mmf_last_error();
    const unsigned long injected = fault_end();
    print_error("scenario %s: not so: %s\n", current->name, what);
    print_error("  the call gave %s; %lu calls failed, the first of them %s; last error %s in %s\n",
                result ? mmf_error_name(result) : "MMF_OK", injected, fault_first(), mmf_error_name(last->code),
                last->operation ? last->operation : "nothing");
    print_error("  replay with MMF_FAULT=\"%s,%s,%lu,%s,%s\"\n", current->name, plan.call ? plan.call : "any", plan.nth,
                kind_name(), plan.sticky ? "sticky" : "once");
    _fail(file, line);
}

/* --- One run ------------------------------------------------------------------------------------------------------ */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names))
            return true;
    return false;
}

/* Calls whose work cannot be had otherwise: MMF_OK after their failure would be a lie. */
static bool must_not_succeed(void)
{
    static const char *const vital[] = {"open",       "memory_file", "sync",    "sync_directory",  "flush",
                                        "write_back", "lock_memory", "protect", "set_permissions", NULL};
    return plan.kind == FAULT_CALLS && is_one_of(fault_first(), vital);
}

static bool is_right(int code)
{
    if (code == current->clean)
        return code != MMF_OK || !must_not_succeed();
    for (size_t i = 0; i < COUNT(current->also); i++)
        if (current->also[i] && code == current->also[i])
            return true;
    if (plan.kind == FAULT_MEMORY)
        return code == MMF_ENOMEMORY;
    if (plan.kind == FAULT_SHORT)
        return code == MMF_EFAULT;
    return code == os.code_of(plan.error);
}

/* When calls of the clean-up fail as well, it cannot be held against the library that something is left. */
static void check_file(const struct nth *nth, int code, bool clean_up_failed)
{
    uint64_t length = file_length(nth->path);
    switch (current->file) {
    case NTH_KEEPS:
        nth_expect(file_holds(nth->path, NTH_SIZE, NTH_SIZE));
        break;
    case NTH_CREATES:
        nth_expect(file_holds(nth->path, NTH_SIZE, NTH_SIZE));
        if (code == MMF_OK)
            nth_expect(file_holds(nth->new_path, current->size, 0));
        else
            nth_expect(clean_up_failed || !file_exists(nth->new_path));
        break;
    case NTH_GROWS:
        if (code == MMF_OK)
            nth_expect(file_holds(nth->path, current->size, NTH_SIZE));
        else if (!clean_up_failed)
            nth_expect(file_holds(nth->path, NTH_SIZE, NTH_SIZE));
        else
            nth_expect(length >= NTH_SIZE && file_holds(nth->path, length, NTH_SIZE));
        break;
    case NTH_SHRINKS:
        length = code == MMF_OK ? current->size : NTH_SIZE;
        nth_expect(file_holds(nth->path, length, length));
        break;
    case NTH_EMPTIES:
        if (code == MMF_OK)
            nth_expect(file_holds(nth->path, current->size, 0));
        else
            nth_expect(file_holds(nth->path, length, length == NTH_SIZE ? NTH_SIZE : 0));
        break;
    case NTH_WRITES:
        nth_expect(length == NTH_SIZE);
        break;
    }
}

/* A failed write-back stays for good, whatever asks. */
static void check_poison(struct nth *nth)
{
    static const char *const medium[] = {"sync", "sync_directory", "flush", "write_back", NULL};
    if (result == MMF_OK || !is_one_of(fault_first(), medium))
        return;
    if (!strcmp(fault_first(), "sync_directory") && result == MMF_ENOMEMORY) { /* not tried: it was not even opened */
        nth_expect(mmf_map_sync(nth->map) == MMF_OK);
        return;
    }
    nth_expect(mmf_map_sync(nth->map) == MMF_EPOISONED);
    nth_expect(mmf_map_sync(nth->map) == MMF_EPOISONED);
    if (nth->view)
        nth_expect(mmf_view_flush(nth->view, 0, 0, MMF_FLUSH_SYNC) == MMF_EPOISONED);
    nth_expect(mmf_map_close(&nth->map) == MMF_EPOISONED);
    nth_expect(!nth->map);
}

static void check_result(struct nth *nth, unsigned long injected)
{
    if (injected == 0)
        nth_expect(result == current->clean);
    nth_expect(is_right(result));
    if (result != MMF_OK && !(current->flags & NTH_QUIET)) {
        nth_expect(mmf_last_error()->code == result);
        nth_expect(mmf_last_error()->operation && *mmf_last_error()->operation);
    }
    const bool refused_anyway = result == current->clean && result != MMF_OK && injected > 0;
    check_file(nth, result, refused_anyway || (plan.sticky && injected > 1));
    if (current->check)
        current->check(nth, result);
    if (current->flags & NTH_POISONS)
        check_poison(nth);
}

/* What failed must work when it is tried again, and a right answer stays right. */
static void try_again(struct nth *nth)
{
    if (result == current->clean || (current->flags & (NTH_CLOSES | NTH_POISONS)))
        return;
    unlink(nth->new_path);
    if (current->file == NTH_GROWS || current->file == NTH_EMPTIES)
        write_pattern(nth->path, NTH_SIZE);
    nth->retried = true;
    result = current->run(nth);
    nth_expect(result == current->clean);
    check_file(nth, result, false);
    if (current->check)
        current->check(nth, result);
}

static void prepare(struct nth *nth)
{
    memset(nth, 0, sizeof *nth);
    nth->path = fast_path("nth");
    nth->new_path = fast_path("nth-new");
    nth->file = -1;
    unlink(nth->new_path);
    write_pattern(nth->path, NTH_SIZE);
    if (current->flags & NTH_NO_SIGNALS)
        assert_ok(mmf_guard_install(MMF_GUARD_NOSIGNAL));
    if (current->prepare)
        current->prepare(nth);
}

static void clean_up(struct nth *nth)
{
    if (nth->stdio)
        fclose(nth->stdio);
    (void)mmf_window_close(&nth->window);
    (void)mmf_stream_close(&nth->stream);
    (void)mmf_view_close(&nth->second);
    (void)mmf_view_close(&nth->view);
    (void)mmf_map_close(&nth->other);
    (void)mmf_map_close(&nth->map);
    if (nth->file >= 0)
        close(nth->file);
    unlink(nth->new_path);
    if (current->flags & NTH_NO_SIGNALS)
        assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
}

/* Returns how many calls were made to fail. */
static unsigned long run_once(void)
{
    struct nth nth;
    prepare(&nth);
    fault_begin(&plan);
    result = current->run(&nth);
    unsigned long injected = fault_end();
    total_injected += injected;
    total_runs++;
    check_result(&nth, injected);
    try_again(&nth);
    clean_up(&nth);
    return injected;
}

static bool same_balance(const struct fault_balance *left, const struct fault_balance *right)
{
    return left->memory == right->memory && left->mapped == right->mapped && left->files == right->files &&
           left->mutexes == right->mutexes && left->locked == right->locked;
}

static unsigned long run_balanced(void)
{
    const struct fault_balance before = fault_balance();
    unsigned long injected = run_once();
    const struct fault_balance after = fault_balance();
    if (!same_balance(&before, &after)) {
        print_error(
            "held before and after: memory %ld %ld, mapped %ld %ld, files %ld %ld, mutexes %ld %ld, locks %ld %ld\n",
            before.memory, after.memory, before.mapped, after.mapped, before.files, after.files, before.mutexes,
            after.mutexes, before.locked, after.locked);
        nth_fail("nothing is leaked", __FILE__, __LINE__);
    }
    return injected;
}

/* --- All runs ----------------------------------------------------------------------------------------------------- */

/* Every N until a run is clean. */
static unsigned long run_every_call(void)
{
    unsigned long sum = 0;
    for (plan.nth = 1; plan.nth < MOST_CALLS; plan.nth++) {
        unsigned long injected = run_balanced();
        sum += injected;
        if (injected == 0)
            return sum;
    }
    nth_fail("a run comes to an end without a fault", __FILE__, __LINE__);
    return sum;
}

static unsigned long run_with(enum fault_kind kind, int error)
{
    unsigned long sum = 0;
    for (int sticky = 0; sticky < 2; sticky++) {
        plan = (struct fault_plan){.kind = kind, .sticky = sticky, .error = error};
        sum += run_every_call();
    }
    return sum;
}

/* "scenario,call,nth,error,mode" from the environment. */
static bool replay(void)
{
    static char call[64];
    char name[64], error[32], mode[16];
    unsigned long nth;
    const char *wanted = getenv("MMF_FAULT");
    if (!wanted)
        return false;
    if (sscanf(wanted, "%63[^,],%63[^,],%lu,%31[^,],%15s", name, call, &nth, error, mode) != 5)
        fail_msg("MMF_FAULT=\"%s\" is not \"scenario,call,nth,error,mode\"", wanted);
    if (strcmp(name, current->name) != 0)
        return true;
    plan = (struct fault_plan){.kind = !strcmp(error, "memory")  ? FAULT_MEMORY
                                       : !strcmp(error, "short") ? FAULT_SHORT
                                                                 : FAULT_CALLS,
                               .call = strcmp(call, "any") ? call : NULL,
                               .nth = nth,
                               .sticky = !strcmp(mode, "sticky"),
                               .error = fault_error_number(error)};
    printf("replaying %s: %lu calls failed\n", wanted, run_balanced());
    return true;
}

/* Twice without a fault: memory that the library keeps for good is there afterwards. */
static void warm_up(void)
{
    plan = (struct fault_plan){.kind = FAULT_CALLS, .nth = MOST_CALLS * 1000};
    run_once();
    run_once();
}

void nth_run(const struct nth_scenario *scenario)
{
    current = scenario;
    fault_install();
    warm_up();
    if (replay()) {
        fault_uninstall();
        return;
    }
    const size_t files = open_descriptors();
    const size_t maps = mappings_of("mmf-test") + mappings_of("memfd:");
    unsigned long injected = 0;
    for (size_t i = 0; i < ERRORS; i++)
        injected += run_with(FAULT_CALLS, errors[i]);
    injected += run_with(FAULT_MEMORY, ENOMEM);
    injected += run_with(FAULT_SHORT, 0);
    /* A test of faults that met none says nothing. */
    if (scenario->flags & NTH_NO_CALLS)
        nth_expect(injected == 0);
    else
        nth_expect(injected > 0);
    nth_expect(open_descriptors() == files);
    nth_expect(mappings_of("mmf-test") + mappings_of("memfd:") == maps);
    fault_uninstall();
}

void nth_run_all(const struct nth_scenario *scenarios, size_t count)
{
    total_injected = total_runs = 0;
    for (size_t i = 0; i < count; i++)
        nth_run(&scenarios[i]);
    printf("%zu scenarios, %lu runs, %lu calls made to fail\n", count, total_runs, total_injected);
    if (!getenv("MMF_FAULT"))
        assert_true(total_injected > count);
}
