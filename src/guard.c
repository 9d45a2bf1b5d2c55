/* guard.c: installs the handler of page faults, decides whose a fault is, and keeps what threads and forks need. */
#define _POSIX_C_SOURCE 200809L /* sigsetjmp() */

#include "guard.h"
#include "error.h"
#include "guard_fault.h"
#include "guard_list.h"
#include "guard_zero.h"

#include <errno.h>

_Atomic uint32_t guard_generation = 1;
_Thread_local uint32_t guard_thread __attribute__((tls_model("initial-exec")));

_Atomic uint32_t guard_gate = UINT32_MAX;

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
    if (atomic_load(&guard_gate) != UINT32_MAX)
        atomic_store(&guard_gate, generation);
    guard_list_after_fork();
    drop_lock();
}

int guard_region_add(struct guard_region **region, const struct guard_region *wanted)
{
    _Atomic uint8_t *pages = NULL;
    *region = NULL;
    int err = wanted->zero ? guard_zero_begin(&pages, guard_zero_count(wanted)) : MMF_OK;
    if (err)
        return err;
    err = guard_list_add(region, wanted, pages);
    if (err && pages)
        guard_zero_end(pages, guard_zero_count(wanted));
    return err;
}

void guard_region_remove(struct guard_region *region)
{
    if (!region)
        return;
    _Atomic uint8_t *pages = region->pages; /* afterwards the region may be somebody else's */
    const size_t count = pages ? guard_zero_count(region) : 0;
    guard_list_remove(region);
    if (pages)
        guard_zero_end(pages, count);
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
    return MMF_OK;
}

/* The public primitives are open in the mode with signals only: a handler may be there for older views alone. */
static void open_gate_locked(void)
{
    if (installed && atomic_load(&mode) == MMF_GUARD_SIGNAL)
        atomic_store(&guard_gate, atomic_load(&guard_generation));
}

int guard_start(bool with_signals)
{
    int err = MMF_OK;
    take_lock();
    if (!with_signals)
        err = watch_forks_locked();
    else if (!installed)
        err = install_locked();
    open_gate_locked();
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
    atomic_store(&guard_gate, UINT32_MAX);
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
        if (!err) {
            atomic_store(&mode, wanted);
            open_gate_locked();
        }
    } else {
        atomic_store(&mode, wanted);
        atomic_store(&guard_gate, UINT32_MAX);
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

/* Makes handler and thread ready for a public primitive. */
static int prepare(const char *operation)
{
    if (guard_mode() == MMF_GUARD_NOSIGNAL)
        return error_set(MMF_ENOTSUP, operation);
    int err = guard_start(true);
    if (!err && guard_thread != atomic_load(&guard_generation))
        guard_enter();
    return err;
}

static bool is_ready(void)
{
    return guard_thread == atomic_load_explicit(&guard_gate, memory_order_relaxed);
}

/*
 * An exception of another language that leaves a body pops its frame, as the body's end does: this file is compiled
 * with -fexceptions. What that needs of the compiler's run time is there in a program that throws; the others must not
 * need its library, so a missing one is no error, and the frames are passed over.
 */
__asm__(".weak __gcc_personality_v0\n\t.weak _Unwind_Resume");

static void pop_frame(struct guard_frame **frame)
{
    guard_frames = (*frame)->outer;
}

/* False: a fault ended the body. Never inlined: who is jumped back to must have no variables that the jump could spoil.
 */
static __attribute__((noinline)) bool run_in(struct guard_frame *frame, int (*body)(void *), void *argument,
                                             int *result)
{
    frame->outer = guard_frames;
    frame->primitive = false;
    if (sigsetjmp(frame->place, 0) != 0)
        return false;
    __attribute__((cleanup(pop_frame), unused)) struct guard_frame *pushed = frame;
    guard_frames = frame;
    *result = body(argument);
    return true;
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

    if (run_in(&frame, body, argument, &err))
        return err;
    guard_fault_describe(&known, &frame.fault, frame.region);
    if (fault)
        *fault = known;
    return guard_fault_record(&known, "mmf_guard_run", 0);
}

int guard_copy_slowly(void *to, const void *from, size_t size, size_t *done)
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
