/*
 * load.c: loads the shared library late, as Python and other languages do, lets go of it again, and does what its
 * signal handler and its fork hook are called for: load LIBRARY.
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;

static void jump_back(int number)
{
    siglongjmp(back, number);
}

/* The program's own handler, which the library's, in front of it, hands a fault on to that is none of its. */
static int fault(void)
{
    static volatile int *volatile nowhere;
    if (sigsetjmp(back, 1) == 0)
        return *nowhere;
    return 0;
}

static int fork_once(void)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

int main(int argc, char **argv)
{
    uint32_t (*version)(void) = NULL;
    int (*create)(void **, const char *, uint64_t, const void *) = NULL;
    int (*close)(void **) = NULL;
    int (*install)(int) = NULL;
    void *map = NULL;
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "load LIBRARY");
        return 1;
    }
    *(void **)&version = dlsym(library, "mmf_version");
    *(void **)&create = dlsym(library, "mmf_map_create");
    *(void **)&close = dlsym(library, "mmf_map_close");
    *(void **)&install = dlsym(library, "mmf_guard_install");
    struct sigaction action = {.sa_handler = jump_back};
    if (sigaction(SIGSEGV, &action, NULL) != 0)
        return 1;
    if (!version || !create || !close || !install || install(0) != 0 || create(&map, NULL, 5000, NULL) != 0 ||
        close(&map) != 0 || map) {
        fprintf(stderr, "the loaded library does not work\n");
        return 1;
    }
    printf("loaded: libmmf %06x works\n", (unsigned)version());
    fflush(stdout);
    if (dlclose(library) != 0 || fault() != 0 || fork_once() != 0) {
        fprintf(stderr, "after dlclose() a fault or a fork goes wrong\n");
        return 1;
    }
    printf("closed: a fault and a fork still work\n");
    return 0;
}
