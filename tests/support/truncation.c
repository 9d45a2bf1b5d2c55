/* truncation.c: eight threads use a file that another process makes shorter and longer all the time. */
#define _GNU_SOURCE
#include "truncation.h"
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH (64 * 4096)
#define SHORTEST 5000 /* the file is never shorter, so nothing before the end of this page may be missing */
#define LARGEST_COPY 40000
#define UNTOUCHED 0x33

/* What any byte of the file is: this, or 0 after the file was made longer; never UNTOUCHED. */
static unsigned char content(uint64_t offset)
{
    return pattern(offset) | 0x80;
}

static bool is_content(const unsigned char *bytes, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] && bytes[i] != content(offset + i))
            return false;
    return true;
}

static bool is_untouched(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != UNTOUCHED)
            return false;
    return true;
}

/* --- The other process -------------------------------------------------------------------------------------------- */

static _Noreturn void cut_and_mend(const char *path, pid_t parent, unsigned seed)
{
    static unsigned char bytes[LENGTH];
    int file = open(path, O_RDWR | O_CLOEXEC);
    for (uint64_t i = 0; i < LENGTH; i++)
        bytes[i] = content(i);
    while (file >= 0 && getppid() == parent) {
        uint64_t length = SHORTEST + (uint64_t)rand_r(&seed) % (LENGTH - SHORTEST) / (1 + (unsigned)rand_r(&seed) % 8);
        if (ftruncate(file, (off_t)length))
            break;
        usleep(200);
        if (ftruncate(file, LENGTH))
            break;
        if (rand_r(&seed) % 4 == 0 && pwrite(file, bytes, LENGTH, 0) != LENGTH)
            break;
        usleep(20);
    }
    _exit(0);
}

/* --- The threads -------------------------------------------------------------------------------------------------- */

struct shared {
    mmf_view *view;
    uint64_t first_lost; /* nothing before it may ever be missing */
    uint64_t until;      /* faults */
    bool in_order;       /* copies touch nothing behind what is done; memcpy() under sigsetjmp() may */
    struct timespec end;
    _Atomic unsigned long faults;
    _Atomic unsigned long wrong;
    _Atomic bool over;
};

struct worker {
    pthread_t thread;
    struct shared *shared;
    unsigned kind;
    unsigned seed;
};

#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s (position %llu, size %zu, done %llu, offset %llu, code %s)\n",          \
                    __FILE__, __LINE__, #condition, (unsigned long long)at, size,                                      \
                    (unsigned long long)mmf_last_error()->done, (unsigned long long)mmf_last_error()->offset,          \
                    mmf_error_name(err));                                                                              \
            shared->wrong++;                                                                                           \
        }                                                                                                              \
    } while (0)

/* What must be so of every answer; the bytes done. */
static size_t judge(struct shared *shared, int err, uint64_t at, size_t size)
{
    const mmf_error *last = mmf_last_error();
    check(err == MMF_OK || err == MMF_EFAULT);
    if (err != MMF_EFAULT)
        return size;
    shared->faults++;
    check(last->code == MMF_EFAULT);
    check(last->done < size);
    check(last->offset == at + last->done);
    check(last->offset >= shared->first_lost);
    /* When the cause is looked for the file may be long again, and the page a hole that looks like a full tmpfs. */
    check(last->cause == MMF_CAUSE_END_OF_FILE || last->cause == MMF_CAUSE_UNKNOWN ||
          last->cause == MMF_CAUSE_NO_SPACE);
    return (size_t)last->done;
}

static void do_read(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    memset(bytes, UNTOUCHED, size);
    int err = mmf_view_read(shared->view, at, bytes, size);
    size_t done = judge(shared, err, at, size);
    check(is_content(bytes, at, done));
    check(!shared->in_order || is_untouched(bytes + done, size - done));
}

static void do_write(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = content(at + i);
    judge(shared, mmf_view_write(shared->view, at, bytes, size), at, size);
}

static void do_array(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    size_t count = 99;
    const size_t element = 24;
    size = size / element * element;
    memset(bytes, UNTOUCHED, size);
    int err = mmf_view_read_array(shared->view, at, bytes, element, size / element, &count);
    size_t done = size ? judge(shared, err, at, size) : 0;
    check(count == done / element);
    check(is_content(bytes, at, done));
    check(!shared->in_order || is_untouched(bytes + done, size - done));
}

static void do_typed(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    uint64_t number = 0x3333333333333333;
    at = at / 8 * 8;
    size = sizeof number;
    int err = mmf_view_get_u64(shared->view, at, &number);
    judge(shared, err, at, size);
    memcpy(bytes, &number, sizeof number);
    check(is_content(bytes, at, sizeof number));
    check(err == MMF_OK || number == 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] = content(at + i);
    memcpy(&number, bytes, sizeof number);
    judge(shared, mmf_view_put_u64(shared->view, at, number), at, size);
}

static void do_guard_copy(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    size_t done = SIZE_MAX;
    memset(bytes, UNTOUCHED, size);
    int err = mmf_guard_copy(bytes, (const unsigned char *)mmf_view_data(shared->view) + at, size, &done);
    if (err)
        shared->faults++;
    check(err == MMF_EFAULT ? done < size && at + done >= shared->first_lost : err == MMF_OK && done == size);
    check(is_content(bytes, at, done));
    check(!shared->in_order || is_untouched(bytes + done, size - done));
}

/* From one part of the view to the same place of it: both sides may be lost. */
static void do_guard_compare(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    size_t done = SIZE_MAX;
    int order = 1;
    const unsigned char *memory = (const unsigned char *)mmf_view_data(shared->view) + at;
    (void)bytes;
    int err = mmf_guard_compare(memory, memory, size, &order, &done);
    if (err)
        shared->faults++;
    check(err == MMF_EFAULT ? done < size && order == 0 : err == MMF_OK && done <= size);
}

static void do_probe(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    (void)bytes;
    judge(shared, mmf_view_probe(shared->view, at, size), at, size);
}

struct body {
    const volatile unsigned char *memory;
    size_t size;
};

static int sum(void *argument)
{
    const struct body *body = argument;
    unsigned total = 0;
    for (size_t i = 0; i < body->size; i += 64)
        total += body->memory[i];
    return (int)(total & 0x7FFFFFFF);
}

static void do_guard_run(struct shared *shared, unsigned char *bytes, uint64_t at, size_t size)
{
    struct body body = {(const volatile unsigned char *)mmf_view_data(shared->view) + at, size};
    mmf_fault fault;
    (void)bytes;
    int err = mmf_guard_run(sum, &body, &fault);
    if (err == MMF_EFAULT) {
        shared->faults++;
        check(fault.offset >= at && fault.offset < at + size && fault.offset >= shared->first_lost);
        check(fault.position == fault.offset);
    } else {
        check(err >= 0 && !fault.address);
    }
}

static void (*const kinds[])(struct shared *, unsigned char *, uint64_t, size_t) = {
    do_read, do_write, do_array, do_typed, do_guard_copy, do_guard_compare, do_probe, do_guard_run};

static bool time_is_over(const struct timespec *end)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec > end->tv_nsec);
}

/* Each thread has one kind of access first, then all in turn. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct shared *shared = worker->shared;
    unsigned char *bytes = malloc(LARGEST_COPY);
    for (unsigned round = 0; bytes && !shared->over; round++) {
        size_t size = 1 + (size_t)rand_r(&worker->seed) % (rand_r(&worker->seed) % 4 ? 200 : LARGEST_COPY);
        uint64_t at = (uint64_t)rand_r(&worker->seed) % (LENGTH - size);
        unsigned kind = round % 4 ? worker->kind : round / 4;
        kinds[kind % COUNT(kinds)](shared, bytes, at, size);
        if (shared->faults >= shared->until || shared->wrong > 10 || (round % 64 == 0 && time_is_over(&shared->end)))
            shared->over = true;
    }
    free(bytes);
    return NULL;
}

unsigned long truncate_under_threads(unsigned long faults, unsigned seconds, unsigned seed)
{
    const char *path = fast_path("truncated");
    struct worker workers[8];
    struct shared shared = {.until = faults, .in_order = have(MMF_FEATURE_GUARD_TABLE)};
    mmf_map *map = NULL;
    int status;
    const uint64_t page = mmf_page_size();
    shared.first_lost = (SHORTEST + page - 1) / page * page;
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0 && ftruncate(file, LENGTH) == 0);
    close(file);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&shared.view, map, 0, 0, NULL));
    clock_gettime(CLOCK_MONOTONIC, &shared.end);
    shared.end.tv_sec += (time_t)seconds;
    fflush(NULL);
    pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (!child)
        cut_and_mend(path, parent, seed);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i] = (struct worker){.shared = &shared, .kind = (unsigned)i, .seed = seed + (unsigned)i};
        assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    }
    for (size_t i = 0; i < COUNT(workers); i++)
        pthread_join(workers[i].thread, NULL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status)); /* it was cutting to the end */
    assert_same(0, shared.wrong);
    assert_ok(mmf_view_close(&shared.view));
    assert_ok(mmf_map_close(&map));
    return shared.faults;
}

unsigned choose_seed(void)
{
    const char *wanted = getenv("MMF_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned seed = wanted ? (unsigned)strtoul(wanted, NULL, 0) : (unsigned)now.tv_sec ^ (unsigned)now.tv_nsec;
    printf("seed %u (MMF_SEED=%u replays it)\n", seed, seed);
    return seed;
}
