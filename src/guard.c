/* guard.c: installs the handler of page faults, decides whose a fault is, and keeps what threads and forks need. */
#define _POSIX_C_SOURCE 200809L /* sigsetjmp() */

#include "guard.h"
#include "error.h"
#include "guard_frame.h"
#include "guard_zero.h"

#include <errno.h>

_Atomic uint32_t guard_generation = 1;
_Thread_local uint32_t guard_thread __attribute__((tls_model("initial-exec")));
_Thread_local struct guard_frame *guard_frames __attribute__((tls_model("initial-exec")));
static _Thread_local struct os_fault last_fault __attribute__((tls_model("initial-exec")));

/*
 * What a ready thread's guard_thread equals when the handler is installed and the mode is with signals; else a number
 * that no generation reaches. So the public copy needs one comparison for everything.
 */
static _Atomic uint32_t gate = UINT32_MAX;

static _Atomic mmf_guard_mode mode = MMF_GUARD_SIGNAL;
static bool installed;  /* under `lock` */
static bool forks_seen; /* under `lock` */

static atomic_flag lock = ATOMIC_FLAG_INIT;
enum { BACK_OFF = 20000 }; /* nanoseconds */

static void take_lock(void)
{
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
        (void)os.sleep(BACK_OFF); /* sleeping shorter does no harm */
}

static void drop_lock(void)
{
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

/* A child of fork has one thread, whatever the others were doing: nobody holds a lock, and no thread is ready. */
static void after_fork(void)
{
    uint32_t generation = atomic_fetch_add(&guard_generation, 1) + 1;
    guard_thread = 0;
    if (atomic_load(&gate) != UINT32_MAX)
        atomic_store(&gate, generation);
    guard_region_after_fork();
    drop_lock();
}

void guard_remember(const struct os_fault *fault)
{
    last_fault = *fault;
    last_fault.context = NULL; /* gone when the handler returns */
}

const struct os_fault *guard_last_fault(void)
{
    return &last_fault;
}

/* Leaves a body under mmf_guard_run(); every member of the frame is written before the jump. */
static void leave_body(const struct os_fault *fault, struct guard_region *region)
{
    struct guard_frame *frame = guard_frames;
    frame->fault = *fault;
    frame->fault.context = NULL;
    frame->region = region;
    guard_frames = frame->outer;
    (void)os.fault_leave(fault); /* cannot fail: the mask is one the system itself gave */
    siglongjmp(frame->place, 1);
}

/* Signal context. The order is described in guard.h. */
static bool handle(struct os_fault *fault)
{
    if (guard_zero_page(fault))
        return true;
    if (arch_resume(fault))
        return true;
    if (!guard_frames)
        return false;
    struct guard_region *region = guard_region_at(fault->address);
    if (!region)
        return false;
    leave_body(fault, region);
    return true;
}

static int watch_forks_locked(void)
{
    if (forks_seen)
        return MMF_OK;
    int err = error_from_os(os.on_fork(after_fork), "pthread_atfork", NULL);
    forks_seen = !err;
    return err;
}

int guard_watch_forks(void)
{
    take_lock();
    int err = watch_forks_locked();
    drop_lock();
    return err;
}

static int install_locked(void)
{
    int err = watch_forks_locked();
    if (err)
        return err;
    arch_detect();
    err = error_from_os(os.fault_install(handle), "sigaction", NULL);
    if (err)
        return err;
    installed = true;
    atomic_store(&gate, atomic_load(&guard_generation));
    return MMF_OK;
}

int guard_start(void)
{
    int err = MMF_OK;
    take_lock();
    if (atomic_load(&mode) == MMF_GUARD_NOSIGNAL)
        err = watch_forks_locked();
    else if (!installed)
        err = install_locked();
    drop_lock();
    return err;
}

/* The signals can be unblocked whenever the thread may touch memory, so a failure has no cause but a wrong argument. */
void guard_enter(void)
{
    if (guard_thread == atomic_load(&guard_generation))
        return;
    (void)os.fault_unblock();
    guard_thread = atomic_load(&guard_generation);
}

mmf_guard_mode guard_mode(void)
{
    return atomic_load(&mode);
}

/*
 * With another library's handler in front of ours there is nothing to put back: ours stays and hands on. Without
 * anybody's handler in front it goes, and whoever needs it next installs it again.
 */
static int remove_locked(const char *operation)
{
    if (!installed)
        return MMF_OK;
    if (guard_region_any())
        return error_set(MMF_EMAPPED, operation);
    int err = os.fault_remove();
    if (err == EBUSY)
        return error_set(MMF_ECONFLICT, operation);
    if (err)
        return error_from_os(err, "sigaction", NULL);
    installed = false;
    atomic_store(&gate, UINT32_MAX);
    return MMF_OK;
}

int mmf_guard_install(mmf_guard_mode wanted)
{
    int err = MMF_OK;
    if (wanted != MMF_GUARD_SIGNAL && wanted != MMF_GUARD_NOSIGNAL)
        return error_set(MMF_EINVAL, "mmf_guard_install");
    take_lock();
    if (wanted == MMF_GUARD_SIGNAL) {
        err = install_locked();
        if (!err)
            atomic_store(&mode, wanted);
    } else {
        atomic_store(&mode, wanted);
        atomic_store(&gate, UINT32_MAX);
        if (installed && !guard_region_any() && os.fault_remove() == 0)
            installed = false; /* else it stays, for the open views or under another handler, and hands on */
    }
    drop_lock();
    return err;
}

int mmf_guard_remove(void)
{
    take_lock();
    int err = remove_locked("mmf_guard_remove");
    drop_lock();
    return err;
}

int mmf_guard_check(void)
{
    take_lock();
    int err = installed ? os.fault_check() : ENOENT;
    drop_lock();
    if (err == ENOENT)
        return error_set(MMF_ENOTFOUND, "mmf_guard_check");
    if (err == EBUSY)
        return error_set(MMF_ECONFLICT, "mmf_guard_check");
    return error_from_os(err, "sigaction", NULL);
}

/* Fills offset, position and cause of a fault, outside signal context. `region` may be NULL: nothing is known. */
static void describe(mmf_fault *known, const struct os_fault *fault, const struct guard_region *region)
{
    *known = (mmf_fault){.address = (const void *)fault->address, .cause = MMF_CAUSE_UNKNOWN};
    if (fault->kind == OS_FAULT_PROTECTION)
        known->cause = MMF_CAUSE_PROTECTION;
    if (!region)
        return;
    known->offset = region->offset + (fault->address - atomic_load(&region->start));
    if (known->offset > region->first)
        known->position = known->offset - region->first;
    if (known->cause == MMF_CAUSE_UNKNOWN && region->classify)
        known->cause = region->classify(region->owner, known->offset, fault->write, &known->os_error);
}

static int record(const mmf_fault *known, const char *operation, uint64_t done)
{
    return error_set_full(&(mmf_error){.code = MMF_EFAULT,
                                       .os_error = known->os_error,
                                       .offset = known->offset,
                                       .done = done,
                                       .operation = operation,
                                       .cause = known->cause});
}

int guard_fault_error(const char *operation, uint64_t done)
{
    mmf_fault known;
    describe(&known, &last_fault, guard_region_at(last_fault.address));
    return record(&known, operation, done);
}

/* Makes handler and thread ready for a public primitive. */
static int prepare(const char *operation)
{
    if (guard_mode() == MMF_GUARD_NOSIGNAL)
        return error_set(MMF_ENOTSUP, operation);
    int err = guard_start();
    if (!err && guard_thread != atomic_load(&guard_generation))
        guard_enter();
    return err;
}

static bool is_ready(void)
{
    return guard_thread == atomic_load_explicit(&gate, memory_order_relaxed);
}

int mmf_guard_run(int (*body)(void *), void *argument, mmf_fault *fault)
{
    struct guard_frame frame;
    mmf_fault known;
    if (fault)
        *fault = (mmf_fault){.address = NULL};
    if (!body)
        return error_set(MMF_EINVAL, "mmf_guard_run");
    int err = is_ready() ? MMF_OK : prepare("mmf_guard_run");
    if (err)
        return err;

    frame.outer = guard_frames;
    frame.primitive = false;
    if (sigsetjmp(frame.place, 0) == 0) {
        guard_frames = &frame;
        err = body(argument);
        guard_frames = frame.outer;
        return err;
    }
    describe(&known, &frame.fault, frame.region);
    if (fault)
        *fault = known;
    return record(&known, "mmf_guard_run", 0);
}

int guard_copy_error(const void *to, const void *from, uint64_t done)
{
    if (!to || !from)
        return error_set(MMF_EINVAL, "mmf_guard_copy");
    return guard_fault_error("mmf_guard_copy", done);
}

/* The slow half of mmf_guard_copy(): the first use, and no use at all. */
static __attribute__((noinline, cold)) int copy_slowly(void *to, const void *from, size_t size, size_t *done)
{
    if (done)
        *done = 0;
    int err = prepare("mmf_guard_copy");
    if (err)
        return err;
    if (done)
        *done = size;
    return arch_copy(to, from, size, done, 1);
}

/*
 * A copy of a few bytes takes about as long as the checks before it, so there are few: NULL faults like any address
 * and is told from others after that; the gate, never 0, doubles as the wish for a report.
 */
int mmf_guard_copy(void *to, const void *from, size_t size, size_t *done)
{
    uint32_t open = atomic_load_explicit(&gate, memory_order_relaxed);
    if (guard_thread != open)
        return copy_slowly(to, from, size, done);
    if (done)
        *done = size;
    return arch_copy(to, from, size, done, open);
}

/* The sign of the first difference, as memcmp() has it; false after a fault. */
static bool order_at(const void *left, const void *right, size_t at, int *order)
{
    uint8_t one;
    uint8_t other;
    if (!guard_load_8((const uint8_t *)left + at, &one) || !guard_load_8((const uint8_t *)right + at, &other))
        return false;
    *order = one - other;
    return true;
}

int mmf_guard_compare(const void *left, const void *right, size_t size, int *order, size_t *done)
{
    bool faulted = false;
    int found = 0;
    if (order)
        *order = 0;
    if (done)
        *done = 0;
    if (!order || (size > 0 && (!left || !right)))
        return error_set(MMF_EINVAL, "mmf_guard_compare");
    int err = is_ready() ? MMF_OK : prepare("mmf_guard_compare");
    if (err)
        return err;
    size_t equal = guard_compare(left, right, size, &faulted);
    if (done)
        *done = equal;
    if (!faulted && equal < size)
        faulted = !order_at(left, right, equal, &found);
    if (faulted)
        return guard_fault_error("mmf_guard_compare", equal);
    *order = found;
    return MMF_OK;
}

int mmf_guard_find(const void *memory, int byte, size_t size, size_t *at)
{
    bool faulted = false;
    if (at)
        *at = 0;
    if (!at || (size > 0 && !memory))
        return error_set(MMF_EINVAL, "mmf_guard_find");
    int err = is_ready() ? MMF_OK : prepare("mmf_guard_find");
    if (err)
        return err;
    size_t found = guard_find(memory, (unsigned char)byte, size, &faulted);
    if (faulted)
        return guard_fault_error("mmf_guard_find", found);
    if (found == size)
        return error_set(MMF_ENOTFOUND, "mmf_guard_find");
    *at = found;
    return MMF_OK;
}
