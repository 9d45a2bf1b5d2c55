/* stage.c: memory with a missing end, for the tests of the guard. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "stage.h"
#include "plain.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

unsigned char stage_byte(size_t at)
{
    return (unsigned char)(at * 7 + at / 251 + 1);
}

void stage_make(struct stage *stage, size_t good, size_t missing)
{
    stage->page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (good + missing) * stage->page;
    FILE *file = tmpfile();
    CHECK(file);
    stage->file = dup(fileno(file));
    CHECK(stage->file >= 0);
    fclose(file);
    CHECK_EQUAL(ftruncate(stage->file, (off_t)(good * stage->page)), 0);
    stage->start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, stage->file, 0);
    CHECK(stage->start != MAP_FAILED);
    stage->border = stage->start + good * stage->page;
    stage->end = stage->start + size;
    for (size_t i = 0; i < good * stage->page; i++)
        stage->start[i] = stage_byte(i);
}

void stage_drop(struct stage *stage)
{
    munmap(stage->start, (size_t)(stage->end - stage->start));
    close(stage->file);
}

struct guard_region *stage_register(const struct stage *stage, bool zero)
{
    struct guard_region *region = NULL;
    const struct guard_region wanted = {
        .start = (uintptr_t)stage->start,
        .end = (uintptr_t)stage->end,
        .offset = STAGE_OFFSET,
        .first = STAGE_OFFSET + STAGE_FIRST,
        .last = STAGE_OFFSET + (uint64_t)(stage->end - stage->start),
        .device = 7,
        .inode = 8,
        .page_size = stage->page,
        .protection = OS_PROTECT_READ | OS_PROTECT_WRITE,
        .zero = zero,
    };
    CHECK_EQUAL(guard_region_add(&region, &wanted), MMF_OK);
    CHECK(region);
    return region;
}

void stage_plain_signals(void)
{
    const struct rlimit none = {0, 0};
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGBUS);
    sigaddset(&both, SIGSEGV);
    CHECK(signal(SIGBUS, SIG_DFL) != SIG_ERR);
    CHECK(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
    CHECK_EQUAL(pthread_sigmask(SIG_UNBLOCK, &both, NULL), 0);
    CHECK_EQUAL(setrlimit(RLIMIT_CORE, &none), 0);
}
