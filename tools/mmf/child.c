/* child.c: runs another program, keeps what it says, and ends it when this process is told to end. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SAID = 1 << 20 };

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING_SIGNALS = sizeof ending_signals / sizeof ending_signals[0] };

static volatile sig_atomic_t caught;
static volatile sig_atomic_t running; /* process group of the child; 0: none */

static void end_child(int signal_number)
{
    int kept = errno;

    caught = signal_number;
    if (running > 0) {
        kill(-(pid_t)running, SIGTERM);
    }
    errno = kept;
}

void child_catch_signals(void)
{
    struct sigaction action = {.sa_handler = end_child};
    struct sigaction before;

    sigemptyset(&action.sa_mask);
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        /* What nohup or a shell's background job has told us to ignore stays ignored. */
        if (sigaction(ending_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            sigaction(ending_signals[i], &action, NULL);
        }
    }
}

int child_interrupted(void)
{
    return caught;
}

void child_die(int signal_number)
{
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* In the child: becomes the program, or says why not. */
static void become(char *const *arguments, const char *directory, int said, const sigset_t *mask)
{
    int nothing = open("/dev/null", O_RDONLY);

    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        signal(ending_signals[i], SIG_DFL);
    }
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(said, STDOUT_FILENO) >= 0 &&
        dup2(said, STDERR_FILENO) >= 0 && chdir(directory) == 0) {
        execv(arguments[0], arguments);
    }
    dprintf(said, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

/*
 * Starts the program. The signals are held back from before the fork until the handler knows the child: it is either
 * not started at all, or ended.
 */
static int start(pid_t *started, char *const *arguments, const char *directory, int said)
{
    sigset_t held, before;
    int os_error = 0;

    sigemptyset(&held);
    for (int i = 0; i < ENDING_SIGNALS; i++) {
        sigaddset(&held, ending_signals[i]);
    }
    sigprocmask(SIG_BLOCK, &held, &before);
    *started = caught ? -1 : fork();
    if (*started == 0) {
        become(arguments, directory, said, &before);
    }
    if (*started > 0) {
        setpgid(*started, *started);
        running = (sig_atomic_t)*started;
    } else {
        os_error = caught ? EINTR : errno;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return os_error;
}

/* Reads until every holder of the other end has closed it; what is too much is read and dropped. */
static int read_all(struct child *child, int from)
{
    char dropped[4096];

    for (;;) {
        size_t room = MOST_SAID - 1 - child->size;
        ssize_t done = room > 0 ? read(from, child->said + child->size, room) : read(from, dropped, sizeof dropped);
        if (done > 0 && room > 0) {
            child->size += (size_t)done;
        }
        if (done == 0) {
            child->said[child->size] = '\0';
            return 0;
        }
        if (done < 0 && errno != EINTR) {
            return errno;
        }
    }
}

/* Waits for the end. While the child is not yet waited for, its number is not given away: the handler may use it. */
static int wait_for(struct child *child, pid_t started)
{
    siginfo_t end = {0};
    int os_error = 0;

    while (os_error == 0 && waitid(P_PID, (id_t)started, &end, WEXITED | WNOWAIT) != 0) {
        os_error = errno == EINTR ? 0 : errno;
    }
    running = 0;
    while (waitpid(started, NULL, 0) < 0 && errno == EINTR) {
    }
    child->exit_code = end.si_code == CLD_EXITED ? end.si_status : -1;
    child->signal = end.si_code == CLD_EXITED ? 0 : end.si_status;
    return os_error;
}

int child_run(struct child *child, char *const *arguments, const char *directory)
{
    int ends[2] = {-1, -1};
    pid_t started = -1;
    double begin = now();
    int os_error = 0;

    *child = (struct child){.exit_code = -1, .said = malloc(MOST_SAID)};
    if (!child->said || pipe(ends) != 0) {
        os_error = child->said ? errno : ENOMEM;
        goto done;
    }
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    os_error = start(&started, arguments, directory, ends[1]);
    close(ends[1]);
    if (os_error) {
        goto done;
    }
    os_error = read_all(child, ends[0]);
    int waited = wait_for(child, started);
    os_error = os_error ? os_error : waited;
    child->seconds = now() - begin;
done:
    if (ends[0] >= 0) {
        close(ends[0]);
    }
    if (os_error) {
        free(child->said);
        *child = (struct child){.exit_code = -1};
    }
    return os_error;
}
