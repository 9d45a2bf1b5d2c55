/*
 * fault.c: one process-wide handler of SIGBUS and SIGSEGV, chained to the handlers that were there before.
 *
 * When another library has put its handler over ours and ours is installed again, its handler still hands on to the
 * entry it found. So every installation has an entry function of its own, with the action it displaced, and no entry
 * ever hands on to itself. POSIX does not tell the interrupted pc: a guard on top of this alone must leave by
 * siglongjmp().
 */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700

#include "os/posix/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { SIGNALS = 2, LEVELS = 16 };
static const int signals[SIGNALS] = {SIGBUS, SIGSEGV};

/*
 * Actions displaced by the entries, per signal and installation. Written before the entry that reads them is installed;
 * `spent` is set once the action was used up (SA_RESETHAND).
 */
struct displaced {
    struct sigaction action;
    atomic_bool spent;
};
static struct displaced displaced[SIGNALS][LEVELS];
static unsigned levels[SIGNALS]; /* installations; changed under the caller's lock (guard_start and its like) */
static _Atomic(os_fault_handler *) fault_handler;
static _Atomic(const struct posix_fault_system *) fault_system;

static unsigned index_of(int signal)
{
    return signal == signals[0] ? 0 : 1;
}

/* POSIX lists the codes of signals that were sent; on Linux all of these, and its own ones, are 0 or below. */
bool os_posix_fault_was_sent(int signal, const siginfo_t *information)
{
    int code = information->si_code;
    (void)signal;
    if (SI_USER <= 0 && code <= 0)
        return true;
    return code == SI_USER || code == SI_QUEUE || code == SI_TIMER || code == SI_ASYNCIO || code == SI_MESGQ;
}

static enum os_fault_kind kind_of(int signal, const siginfo_t *information)
{
    if (signal == SIGBUS)
        return information->si_code == BUS_ADRALN ? OS_FAULT_OTHER : OS_FAULT_PAGE;
    if (information->si_code == SEGV_ACCERR)
        return OS_FAULT_PROTECTION;
    return information->si_code == SEGV_MAPERR ? OS_FAULT_UNMAPPED : OS_FAULT_OTHER;
}

/*
 * The default action. A signal that was sent is sent again to this thread, where it is not blocked (SA_NODEFER). After
 * a fault the handler returns, and the access faults again: so the core dump shows the true place.
 */
static void act_by_default(int signal, bool sent)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
    if (sent) {
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, signal);
        pthread_kill(pthread_self(), signal);
        pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    }
}

/* Blocks what the system would block for this handler; the return from ours gives the thread its own mask back. */
static void call_displaced(const struct sigaction *action, int signal, siginfo_t *information, void *context)
{
    sigset_t mask = action->sa_mask;
    if (!(action->sa_flags & SA_NODEFER))
        sigaddset(&mask, signal);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(signal, information, context);
    else
        action->sa_handler(signal);
}

static void hand_on(struct displaced *to, int signal, siginfo_t *information, void *context, bool sent)
{
    const struct sigaction *action = &to->action;
    bool by_function = (action->sa_flags & SA_SIGINFO) != 0;
    bool is_default = !by_function && action->sa_handler == SIG_DFL;
    if (!by_function && action->sa_handler == SIG_IGN) {
        if (sent)
            return;
        is_default = true; /* a fault cannot be ignored: the kernel kills too */
    }
    if (!is_default && (action->sa_flags & (int)SA_RESETHAND) && atomic_exchange(&to->spent, true))
        is_default = true;
    if (is_default)
        act_by_default(signal, sent);
    else
        call_displaced(action, signal, information, context);
}

static bool handle(int signal, siginfo_t *information, void *context)
{
    const struct posix_fault_system *system = atomic_load(&fault_system);
    os_fault_handler *handler = atomic_load(&fault_handler);
    struct os_fault fault = {
        .kind = kind_of(signal, information), .address = (uintptr_t)information->si_addr, .context = context};
    system->describe(&fault);
    uintptr_t pc = fault.pc;
    if (!handler(&fault))
        return false;
    if (fault.pc != pc)
        system->resume(&fault);
    return true;
}

static void receive(unsigned level, int signal, siginfo_t *information, void *context)
{
    int saved = errno;
    bool sent = atomic_load(&fault_system)->was_sent(signal, information);
    if (sent || !handle(signal, information, context))
        hand_on(&displaced[index_of(signal)][level], signal, information, context, sent);
    errno = saved;
}

#define FOR_EACH_LEVEL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define DEFINE_ENTRY(level)                                                                                            \
    static void entry_##level(int signal, siginfo_t *information, void *context)                                       \
    {                                                                                                                  \
        receive(level, signal, information, context);                                                                  \
    }
#define NAME_ENTRY(level) entry_##level,
FOR_EACH_LEVEL(DEFINE_ENTRY)
static void (*const entries[LEVELS])(int, siginfo_t *, void *) = {FOR_EACH_LEVEL(NAME_ENTRY)};

/* What stands in front for a signal, and which of our entries that is; LEVELS: none of them. */
static int find_front(unsigned *level, struct sigaction *front, unsigned index)
{
    if (sigaction(signals[index], NULL, front) != 0)
        return errno;
    *level = LEVELS;
    for (unsigned i = 0; i < LEVELS && (front->sa_flags & SA_SIGINFO); i++)
        if (front->sa_sigaction == entries[i])
            *level = i;
    return 0;
}

static bool is_same(const struct sigaction *one, const struct sigaction *other)
{
    enum { LAST_SIGNAL = 64 }; /* no system has more; sigismember() refuses those that are not there */
    const int flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | (int)SA_RESETHAND;
    if ((one->sa_flags & flags) != (other->sa_flags & flags))
        return false;
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        if (sigismember(&one->sa_mask, signal) != sigismember(&other->sa_mask, signal))
            return false;
    return one->sa_flags & SA_SIGINFO ? one->sa_sigaction == other->sa_sigaction : one->sa_handler == other->sa_handler;
}

/*
 * The entry to install over an action: one that has displaced the same action before (somebody took ours away and put
 * back what was there), else the next; LEVELS: there is none left.
 */
static unsigned choose_level(unsigned index, const struct sigaction *front)
{
    for (unsigned i = 0; i < levels[index]; i++)
        if (is_same(&displaced[index][i].action, front) && !atomic_load(&displaced[index][i].spent))
            return i;
    return levels[index];
}

/*
 * SA_ONSTACK: a thread out of stack faults too. SA_NODEFER: siglongjmp() out of the handler needs no system call, and a
 * fault inside a chained handler still arrives. SA_RESTART as the displaced action had it, for signals that are sent.
 */
static int install_one(unsigned index)
{
    struct sigaction action;
    struct sigaction front;
    unsigned level = LEVELS;
    int err = find_front(&level, &front, index);
    if (err)
        return err;
    if (level < LEVELS) {
        levels[index] = level + 1;
        return 0;
    }
    level = choose_level(index, &front);
    if (level == LEVELS)
        return EAGAIN;
    struct displaced *to = &displaced[index][level];
    if (level == levels[index]) {
        to->action = front;
        atomic_store(&to->spent, false);
    }
    memset(&action, 0, sizeof action);
    action.sa_sigaction = entries[level];
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | (front.sa_flags & SA_RESTART);
    if (!(front.sa_flags & SA_SIGINFO) && front.sa_handler == SIG_IGN)
        action.sa_flags |= SA_RESTART;
    if (sigaction(signals[index], &action, NULL) != 0)
        return errno;
    levels[index] = level + 1;
    return 0;
}

/* Puts back what the newest entry displaced; only for a signal where that entry stands in front. */
static int remove_one(unsigned index)
{
    struct displaced *to = &displaced[index][levels[index] - 1];
    struct sigaction action = to->action;
    if (atomic_load(&to->spent)) {
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        sigemptyset(&action.sa_mask);
    }
    if (sigaction(signals[index], &action, NULL) != 0)
        return errno;
    levels[index]--;
    return 0;
}

int os_posix_fault_install_for(os_fault_handler *handler, const struct posix_fault_system *system)
{
    unsigned before = levels[0];
    atomic_store(&fault_handler, handler);
    atomic_store(&fault_system, system);
    int err = install_one(0);
    if (err)
        return err;
    err = install_one(1);
    if (err && levels[0] > before)
        (void)remove_one(0); /* undoes what was just done; the first failure is the one to report */
    return err;
}

int os_posix_fault_check(void)
{
    bool installed = false;
    bool covered = false;
    for (unsigned i = 0; i < SIGNALS; i++) {
        struct sigaction front;
        unsigned level = LEVELS;
        int err = find_front(&level, &front, i);
        if (err)
            return err;
        installed = installed || levels[i] > 0;
        covered = covered || level == LEVELS;
    }
    if (!installed)
        return ENOENT;
    return covered ? EBUSY : 0;
}

int os_posix_fault_remove(void)
{
    int err = os_posix_fault_check();
    for (unsigned i = 0; !err && i < SIGNALS; i++) {
        struct sigaction front;
        unsigned level = LEVELS;
        err = find_front(&level, &front, i);
        if (!err && level == LEVELS)
            err = EBUSY; /* since the check */
        if (!err) {
            levels[i] = level + 1;
            err = remove_one(i);
        }
    }
    return err;
}

int os_posix_fault_unblock(void)
{
    sigset_t both;
    sigemptyset(&both);
    for (unsigned i = 0; i < SIGNALS; i++)
        sigaddset(&both, signals[i]);
    return pthread_sigmask(SIG_UNBLOCK, &both, NULL);
}

int os_posix_fault_leave(const struct os_fault *fault)
{
    const ucontext_t *context = fault->context;
    return pthread_sigmask(SIG_SETMASK, &context->uc_sigmask, NULL);
}

static void describe_nothing(struct os_fault *fault)
{
    (void)fault;
}

int os_posix_fault_install(os_fault_handler *handler)
{
    static const struct posix_fault_system plain = {
        .was_sent = os_posix_fault_was_sent, .describe = describe_nothing, .resume = describe_nothing};
    return os_posix_fault_install_for(handler, &plain);
}
