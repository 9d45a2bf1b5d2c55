/* signals_chain.c: signals that are not the guard's reach the handler that was there, as if the guard were not. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE

#include "stage.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct stage stage;
static unsigned char *nothing; /* a page that is mapped for no access: SIGSEGV */

/* What the application's handler saw. */
static volatile sig_atomic_t calls;
static volatile sig_atomic_t seen_signal;
static volatile sig_atomic_t seen_code;
static volatile sig_atomic_t seen_sender;
static volatile sig_atomic_t seen_blocked_self;
static volatile sig_atomic_t seen_blocked_user;
static void *volatile seen_address;
static void *volatile seen_frame;
static volatile int seen_value;
static sigjmp_buf escape;
static volatile sig_atomic_t leave; /* the handler ends by siglongjmp() */

static void note(int signal)
{
    sigset_t blocked;
    int local;
    calls++;
    seen_signal = signal;
    seen_frame = &local;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    seen_blocked_self = sigismember(&blocked, signal);
    seen_blocked_user = sigismember(&blocked, SIGUSR1);
    if (leave)
        siglongjmp(escape, 1);
}

static void plain_handler(int signal)
{
    note(signal);
}

static void information_handler(int signal, siginfo_t *information, void *context)
{
    seen_code = information->si_code;
    seen_sender = (sig_atomic_t)(information->si_pid == getpid());
    seen_address = information->si_addr;
    seen_value = information->si_value.sival_int;
    if (!context)
        _exit(99);
    note(signal);
}

static void set_handler(int signal, int flags, bool block_user)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    if (block_user)
        sigaddset(&action.sa_mask, SIGUSR1);
    action.sa_flags = flags;
    if (flags & SA_SIGINFO)
        action.sa_sigaction = information_handler;
    else
        action.sa_handler = plain_handler;
    if (sigaction(signal, &action, NULL) != 0)
        _exit(98);
}

/* Installs the guard over what the test has set up, and shows that it works. */
static bool guard_works(void)
{
    unsigned char bytes[16];
    size_t done = 0;
    int before = calls;
    return mmf_guard_copy(bytes, stage.border - 5, sizeof bytes, &done) == MMF_EFAULT && done == 5 &&
           mmf_guard_copy(bytes, nothing, 1, &done) == MMF_EFAULT && done == 0 && calls == before;
}

static void begin(void)
{
    stage_plain_signals();
    stage_make(&stage, 2, 2);
    nothing = mmap(NULL, stage.page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (nothing == MAP_FAILED)
        _exit(97);
}

static void touch(void *at)
{
    (void)*(volatile unsigned char *)at;
}

static const int both[] = {SIGBUS, SIGSEGV};

static int sent_signal_arrives(void *argument)
{
    bool plain = argument != NULL;
    begin();
    for (int i = 0; i < 2; i++)
        set_handler(both[i], plain ? 0 : SA_SIGINFO, false);
    child_expect(guard_works());
    for (int i = 0; i < 2; i++) {
        calls = 0;
        child_expect(kill(getpid(), both[i]) == 0);
        child_expect(calls == 1 && seen_signal == both[i] && seen_blocked_self == 1);
        if (!plain)
            child_expect(seen_code == SI_USER && seen_sender);
        child_expect(raise(both[i]) == 0);
        child_expect(calls == 2);
        child_expect(sigqueue(getpid(), both[i], (union sigval){.sival_int = 4711}) == 0);
        child_expect(calls == 3);
        if (!plain)
            child_expect(seen_code == SI_QUEUE && seen_value == 4711);
    }
    child_expect(guard_works());
    return 0;
}

/* From another process, while this one does nothing but guarded copies that fault. */
static int sent_during_copies(void *argument)
{
    (void)argument;
    enum { SENT = 200 };
    begin();
    set_handler(SIGBUS, SA_SIGINFO, false);
    child_expect(guard_works());
    pid_t parent = getpid();
    pid_t sender = fork();
    if (sender == 0) {
        for (int i = 0; i < SENT; i++) {
            kill(parent, SIGBUS);
            usleep(200);
        }
        _exit(0);
    }
    unsigned char bytes[200];
    unsigned long rounds = 0;
    while (waitpid(sender, NULL, WNOHANG) == 0) {
        size_t have = rounds++ % sizeof bytes;
        child_expect(guard_copy(bytes, stage.border - have, sizeof bytes) == have);
    }
    child_expect(rounds > 100);
    child_expect(calls > SENT / 2 && calls <= SENT); /* pending ones of the same kind are merged by the kernel */
    return 0;
}

static int sent_signal_kills(void *argument)
{
    begin();
    child_expect(guard_works());
    kill(getpid(), *(const int *)argument);
    return 0;
}

static int raised_signal_kills(void *argument)
{
    begin();
    child_expect(guard_works());
    raise(*(const int *)argument);
    return 0;
}

static int ignored_is_ignored(void *argument)
{
    begin();
    child_expect(signal(*(const int *)argument, SIG_IGN) != SIG_ERR);
    child_expect(guard_works());
    child_expect(kill(getpid(), *(const int *)argument) == 0);
    child_expect(raise(*(const int *)argument) == 0);
    child_expect(guard_works());
    return 0;
}

static int ignored_fault_kills(void *argument)
{
    int which = *(const int *)argument;
    begin();
    child_expect(signal(which, SIG_IGN) != SIG_ERR);
    child_expect(guard_works());
    touch(which == SIGBUS ? stage.border : nothing);
    return 0;
}

static int default_fault_kills(void *argument)
{
    begin();
    child_expect(guard_works());
    touch(*(const int *)argument == SIGBUS ? stage.border : nothing);
    return 0;
}

/* The application's own faults: its handler sees the address and may leave by siglongjmp(), again and again. */
static int own_fault_arrives(void *argument)
{
    (void)argument;
    begin();
    set_handler(SIGSEGV, SA_SIGINFO, false);
    set_handler(SIGBUS, SA_SIGINFO, false);
    child_expect(guard_works());
    leave = 1;
    for (int i = 1; i <= 50; i++) {
        unsigned char *at = i % 2 ? nothing + i : stage.border + i;
        if (sigsetjmp(escape, 1) == 0) {
            touch(at);
            return 1;
        }
        child_expect(calls == i && seen_address == at && seen_signal == (i % 2 ? SIGSEGV : SIGBUS));
    }
    leave = 0;
    child_expect(guard_works());
    return 0;
}

static int is_blocked(int signal)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    return sigismember(&blocked, signal);
}

static int mask_is_honoured(void *argument)
{
    (void)argument;
    begin();
    set_handler(SIGBUS, SA_SIGINFO, true);
    set_handler(SIGSEGV, SA_NODEFER, false);
    child_expect(guard_works());
    raise(SIGBUS);
    child_expect(calls == 1 && seen_blocked_self == 1 && seen_blocked_user == 1);
    child_expect(!is_blocked(SIGBUS) && !is_blocked(SIGUSR1));
    raise(SIGSEGV);
    child_expect(calls == 2);
    if (UNDER_THREAD_SANITIZER)
        fprintf(stderr, "skipped: what a handler does not block (the thread sanitizer blocks all)\n");
    else
        child_expect(seen_blocked_self == 0 && seen_blocked_user == 0);
    child_expect(!is_blocked(SIGSEGV));
    return 0;
}

static int reset_is_honoured(void *argument)
{
    (void)argument;
    begin();
    set_handler(SIGBUS, SA_SIGINFO | (int)SA_RESETHAND, false);
    child_expect(guard_works());
    raise(SIGBUS);
    child_expect(calls == 1);
    child_expect(guard_works()); /* the guard itself goes on */
    raise(SIGBUS);
    return 0;
}

static unsigned char other_stack[65536];

static int handler_runs_on_its_stack(void *argument)
{
    (void)argument;
    const stack_t own = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
    begin();
    child_expect(sigaltstack(&own, NULL) == 0);
    set_handler(SIGSEGV, SA_SIGINFO | SA_ONSTACK, false);
    child_expect(guard_works());
    leave = 1;
    if (sigsetjmp(escape, 1) == 0)
        touch(nothing);
    child_expect(calls == 1);
    child_expect((unsigned char *)seen_frame >= other_stack &&
                 (unsigned char *)seen_frame < other_stack + sizeof other_stack);
    leave = 0;
    child_expect(guard_works());
    return 0;
}

static void *interrupt_later(void *reader)
{
    usleep(100000);
    pthread_kill(*(pthread_t *)reader, SIGBUS);
    usleep(100000);
    return NULL;
}

/* A system call that the application's handler would interrupt, or restart, still is. */
static int restart_is_honoured(void *argument)
{
    bool restart = *(const int *)argument != 0;
    int ends[2];
    char byte;
    pthread_t thread;
    pthread_t reader = pthread_self();
    begin();
    set_handler(SIGBUS, restart ? SA_RESTART : 0, false);
    child_expect(guard_works());
    child_expect(pipe(ends) == 0);
    child_expect(pthread_create(&thread, NULL, interrupt_later, &reader) == 0);
    if (restart) {
        pid_t writer = fork();
        if (writer == 0) {
            usleep(400000);
            _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
        }
        child_expect(read(ends[0], &byte, 1) == 1);
    } else {
        child_expect(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    }
    child_expect(calls == 1);
    pthread_join(thread, NULL);
    return 0;
}

static int errno_is_kept(void *argument)
{
    (void)argument;
    unsigned char byte;
    begin();
    child_expect(guard_works());
    for (int i = 0; i < 100; i++) {
        errno = 1000 + i;
        child_expect(!guard_load_8(stage.border, &byte));
        child_expect(errno == 1000 + i);
    }
    return 0;
}

/* Another library's handler, which hands on what is not its own to the one it found. */
static struct sigaction found[2];
static volatile sig_atomic_t front_calls;

static void front_handler(int signal, siginfo_t *information, void *context)
{
    const struct sigaction *next = &found[signal == SIGSEGV];
    front_calls++;
    if (front_calls > 100)
        _exit(96);
    if (next->sa_flags & SA_SIGINFO)
        next->sa_sigaction(signal, information, context);
    else if (next->sa_handler == SIG_DFL)
        signal == SIGSEGV ? _exit(95) : _exit(94);
    else
        next->sa_handler(signal);
}

static bool put_in_front(int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = front_handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigfillset(&action.sa_mask);
    return sigaction(SIGBUS, &action, &found[0]) == 0 && sigaction(SIGSEGV, &action, &found[1]) == 0;
}

static int later_handler_chains(void *argument)
{
    (void)argument;
    begin();
    for (int i = 0; i < 2; i++)
        set_handler(both[i], SA_SIGINFO, false);
    child_expect(mmf_guard_check() == MMF_ENOTFOUND);
    child_expect(guard_works());
    child_expect(mmf_guard_check() == MMF_OK);
    child_expect(put_in_front(SA_NODEFER | SA_ONSTACK));
    child_expect(mmf_guard_check() == MMF_ECONFLICT);
    child_expect(mmf_guard_remove() == MMF_ECONFLICT);
    child_expect(guard_works());
    child_expect(front_calls > 0);

    /* In front again: ours, then theirs, then the application's; each exactly once. */
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_OK);
    front_calls = 0;
    calls = 0;
    child_expect(guard_works());
    child_expect(front_calls == 0);
    raise(SIGBUS);
    child_expect(front_calls == 1 && calls == 1);
    raise(SIGSEGV);
    child_expect(front_calls == 2 && calls == 2);
    leave = 1;
    if (sigsetjmp(escape, 1) == 0)
        touch(nothing);
    leave = 0;
    child_expect(front_calls == 3 && calls == 3 && seen_address == nothing);

    /* Installing it when it is in front changes nothing. */
    for (int i = 0; i < 40; i++)
        child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    raise(SIGBUS);
    child_expect(front_calls == 4 && calls == 4);

    /* Away again: theirs is in front and still hands on to our first entry, and that to the application. */
    child_expect(mmf_guard_remove() == MMF_OK);
    front_calls = 0;
    raise(SIGBUS);
    child_expect(front_calls == 1 && calls == 5);
    return 0;
}

/* The same with nobody behind: the process dies by the right signal. */
static int later_handler_then_default(void *argument)
{
    (void)argument;
    begin();
    child_expect(guard_works());
    child_expect(put_in_front(SA_NODEFER | SA_ONSTACK));
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(guard_works());
    touch(nothing);
    return 0;
}

static int touch_border(void *argument)
{
    touch(argument);
    return 0;
}

/* A handler in front of ours that blocks everything: a body that is left has its own mask again. */
static int blocking_handler_in_front(void *argument)
{
    (void)argument;
    begin();
    child_expect(guard_works());
    stage_register(&stage, false);
    child_expect(put_in_front(0));
    for (int i = 0; i < 10; i++) {
        child_expect(mmf_guard_run(touch_border, stage.border + i, NULL) == MMF_EFAULT);
        child_expect(!is_blocked(SIGBUS) && !is_blocked(SIGUSR1));
        child_expect(guard_works());
    }
    return 0;
}

/* A test harness that sets its own handlers before every test and puts the old ones back after it. */
static int handlers_set_again_and_again(void *argument)
{
    (void)argument;
    begin();
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 2; k++)
            set_handler(both[k], i % 2 ? SA_SIGINFO : 0, false);
        child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
        child_expect(guard_works());
        calls = 0;
        raise(SIGBUS);
        child_expect(calls == 1);
        for (int k = 0; k < 2; k++)
            child_expect(signal(both[k], SIG_DFL) != SIG_ERR);
        child_expect(mmf_guard_check() == MMF_ECONFLICT);
    }
    return 0;
}

static bool same_action(int which, const struct sigaction *wanted)
{
    struct sigaction now;
    return sigaction(which, NULL, &now) == 0 && now.sa_flags == wanted->sa_flags &&
           now.sa_sigaction == wanted->sa_sigaction && sigismember(&now.sa_mask, SIGUSR1) == 1;
}

static int remove_puts_back(void *argument)
{
    (void)argument;
    struct sigaction before[2];
    begin();
    child_expect(mmf_guard_remove() == MMF_OK);
    set_handler(SIGBUS, SA_SIGINFO | SA_ONSTACK, true);
    set_handler(SIGSEGV, SA_RESTART, true);
    for (int i = 0; i < 2; i++)
        child_expect(sigaction(both[i], NULL, &before[i]) == 0);
    for (int round = 0; round < 40; round++) {
        child_expect(guard_works());
        struct guard_region *region = stage_register(&stage, false);
        child_expect(mmf_guard_remove() == MMF_EMAPPED);
        child_expect(guard_works());
        guard_region_remove(region);
        child_expect(mmf_guard_remove() == MMF_OK);
        child_expect(mmf_guard_check() == MMF_ENOTFOUND);
        child_expect(same_action(SIGBUS, &before[0]) && same_action(SIGSEGV, &before[1]));
    }
    return 0;
}

/* Half covered is covered. */
static int one_signal_covered(void *argument)
{
    (void)argument;
    begin();
    child_expect(guard_works());
    set_handler(SIGSEGV, 0, false);
    child_expect(mmf_guard_check() == MMF_ECONFLICT);
    child_expect(mmf_guard_install(MMF_GUARD_SIGNAL) == MMF_OK);
    child_expect(mmf_guard_check() == MMF_OK);
    child_expect(guard_works());
    raise(SIGSEGV);
    child_expect(calls == 1);
    child_expect(mmf_guard_remove() == MMF_OK);
    return 0;
}

struct wish {
    int (*body)(void *);
    void *argument;
    int result;
};

static void check(void **state)
{
    const struct wish *wish = *state;
    assert_int_equal(in_child(wish->body, wish->argument), wish->result);
}

static int bus = SIGBUS;
static int segv = SIGSEGV;
static int no = 0;

#define WISH(body, argument, result)                                                                                   \
    {                                                                                                                  \
#body " " #argument, check, NULL, NULL, &(struct wish)                                                         \
        {                                                                                                              \
            body, argument, result                                                                                     \
        }                                                                                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        WISH(sent_signal_arrives, NULL, 0),
        WISH(sent_signal_arrives, &bus, 0), /* to a handler without SA_SIGINFO */
        WISH(sent_during_copies, NULL, 0),
        WISH(sent_signal_kills, &bus, 128 + SIGBUS),
        WISH(sent_signal_kills, &segv, 128 + SIGSEGV),
        WISH(raised_signal_kills, &bus, 128 + SIGBUS),
        WISH(raised_signal_kills, &segv, 128 + SIGSEGV),
        WISH(ignored_is_ignored, &bus, 0),
        WISH(ignored_is_ignored, &segv, 0),
        WISH(ignored_fault_kills, &bus, 128 + SIGBUS),
        WISH(ignored_fault_kills, &segv, 128 + SIGSEGV),
        WISH(default_fault_kills, &bus, 128 + SIGBUS),
        WISH(default_fault_kills, &segv, 128 + SIGSEGV),
        WISH(own_fault_arrives, NULL, 0),
        WISH(mask_is_honoured, NULL, 0),
        WISH(reset_is_honoured, NULL, 128 + SIGBUS),
        WISH(handler_runs_on_its_stack, NULL, 0),
        WISH(restart_is_honoured, &bus, 0),
        WISH(restart_is_honoured, &no, 0),
        WISH(errno_is_kept, NULL, 0),
        WISH(later_handler_chains, NULL, 0),
        WISH(later_handler_then_default, NULL, 128 + SIGSEGV),
        WISH(blocking_handler_in_front, NULL, 0),
        WISH(handlers_set_again_and_again, NULL, 0),
        WISH(remove_puts_back, NULL, 0),
        WISH(one_signal_covered, NULL, 0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
