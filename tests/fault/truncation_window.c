/* truncation_window.c: eight threads use a window, a stream or a FILE of their own on a file that is cut all the time.
 */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"
#include "truncation.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH ((uint64_t)64 * 4096)
#define SHORTEST 5000 /* nothing before the end of this page may ever be missing */
#define LARGEST 40000
#define UNTOUCHED 0x33

static mmf_map *map;
static mmf_view *view;
static uint64_t first_lost;
static _Atomic unsigned long faults, mistakes;
static _Atomic bool over;

/* What any byte of the file is: this, or 0 after it was made longer. */
static unsigned char content(uint64_t offset)
{
    return pattern(offset) | 0x80;
}

static _Noreturn void cut_and_mend(const char *path, pid_t parent, unsigned seed)
{
    static unsigned char bytes[LENGTH];
    int file = open(path, O_RDWR | O_CLOEXEC);
    for (uint64_t i = 0; i < LENGTH; i++)
        bytes[i] = content(i);
    while (file >= 0 && getppid() == parent) {
        const uint64_t length = SHORTEST + (uint64_t)rand_r(&seed) % (LENGTH - SHORTEST);
        if (ftruncate(file, (off_t)length))
            break;
        usleep(200);
        if (ftruncate(file, (off_t)LENGTH))
            break;
        if (rand_r(&seed) % 4 == 0 && pwrite(file, bytes, (size_t)LENGTH, 0) != (ssize_t)LENGTH)
            break;
        usleep(20);
    }
    _exit(0);
}

#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s (at %llu, size %zu, done %zu, code %s)\n", __FILE__, __LINE__,          \
                    #condition, (unsigned long long)at, size, done, mmf_error_name(err));                              \
            mistakes++;                                                                                                \
        }                                                                                                              \
    } while (0)

struct worker {
    pthread_t thread;
    unsigned kind;
    unsigned seed;
    mmf_window *window;
    mmf_stream *stream;
    FILE *file;
    unsigned char *bytes;
};

/* Behind what is done there may be right bytes (the page was lost while the end was looked for), never wrong ones. */
static void check_content(const struct worker *worker, uint64_t at, size_t size, size_t done, int err)
{
    size_t good = 0;
    while (good < done && (worker->bytes[good] == 0 || worker->bytes[good] == content(at + good)))
        good++;
    check(good == done);
    while (good < size &&
           (worker->bytes[good] == UNTOUCHED || worker->bytes[good] == 0 || worker->bytes[good] == content(at + good)))
        good++;
    check(good == size);
}

static void read_window(struct worker *worker, uint64_t at, size_t size)
{
    memset(worker->bytes, UNTOUCHED, size);
    const int err = mmf_window_read(worker->window, at, worker->bytes, size);
    const size_t done = err ? (size_t)mmf_last_error()->done : size;
    check(err == MMF_OK || err == MMF_EFAULT);
    if (err) {
        faults++;
        check(done < size && mmf_last_error()->offset == at + done && at + done >= first_lost);
    }
    check_content(worker, at, size, done, err);
}

static void write_window(struct worker *worker, uint64_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        worker->bytes[i] = content(at + i);
    const int err = mmf_window_write(worker->window, at, worker->bytes, size);
    const size_t done = err ? (size_t)mmf_last_error()->done : size;
    check(err == MMF_OK || err == MMF_EFAULT);
    if (err) {
        faults++;
        check(done < size && mmf_last_error()->offset == at + done && at + done >= first_lost);
    }
}

struct body {
    const volatile unsigned char *data;
    uint64_t at;
    size_t size;
};

static int look(void *argument)
{
    const struct body *body = argument;
    for (size_t i = 0; i < body->size; i += 16) {
        const unsigned char byte = body->data[i];
        if (byte && byte != content(body->at + i))
            return 1;
    }
    return 0;
}

static void run_reference(struct worker *worker, uint64_t at, size_t size)
{
    void *data = NULL;
    mmf_fault fault;
    const size_t done = 0;
    int err = mmf_window_ref(worker->window, at, size, &data);
    check(err == MMF_OK && data);
    if (err)
        return;
    struct body body = {data, at, size};
    err = mmf_guard_run(look, &body, &fault);
    check(err == 0 || err == MMF_EFAULT);
    if (err) {
        faults++;
        check(fault.offset >= at && fault.offset < at + size && fault.offset >= first_lost);
        check((const unsigned char *)fault.address == (const unsigned char *)data + (fault.offset - at));
    }
    err = mmf_window_unref(worker->window, data);
    check(err == MMF_OK);
}

static void use_stream(struct worker *worker, uint64_t at, size_t size)
{
    size_t done = SIZE_MAX;
    uint64_t position = 0;
    memset(worker->bytes, UNTOUCHED, size);
    int err = mmf_stream_seek(worker->stream, (int64_t)at, MMF_SEEK_SET, NULL);
    if (!err)
        err = mmf_stream_read(worker->stream, worker->bytes, size, &done);
    check(err == MMF_EFAULT ? done < size && at + done >= first_lost : err == MMF_OK && done == size);
    check_content(worker, at, size, done, err);
    check(mmf_stream_tell(&position, worker->stream) == MMF_OK && position == at + done);
    faults += err != MMF_OK;
    err = mmf_stream_seek(worker->stream, (int64_t)at, MMF_SEEK_SET, NULL);
    for (size_t i = 0; i < size; i++)
        worker->bytes[i] = content(at + i);
    err = mmf_stream_write(worker->stream, worker->bytes, size, &done);
    check(err == MMF_EFAULT ? done < size && at + done >= first_lost : err == MMF_OK && done == size);
    check(mmf_stream_tell(&position, worker->stream) == MMF_OK && position == at + done);
    faults += err != MMF_OK;
}

static void use_file(struct worker *worker, uint64_t at, size_t size)
{
    const int err = MMF_OK;
    memset(worker->bytes, UNTOUCHED, size);
    size_t done = 0;
    check(fseek(worker->file, (long)at, SEEK_SET) == 0);
    errno = 0;
    done = fread(worker->bytes, 1, size, worker->file);
    const bool failed = ferror(worker->file);
    check(failed ? errno == EIO && at + done >= first_lost : done == size);
    check(!feof(worker->file));
    /* The C library may have looked at bytes of the buffer behind those it counts; only these count. */
    check_content(worker, at, done, done, err);
    faults += failed;
    clearerr(worker->file);
}

static void (*const kinds[])(struct worker *, uint64_t, size_t) = {read_window, write_window, run_reference, use_stream,
                                                                   use_file};

static void *work(void *argument)
{
    struct worker *worker = argument;
    const unsigned count = have(MMF_FEATURE_STDIO) ? COUNT(kinds) : COUNT(kinds) - 1;
    worker->bytes = malloc(LARGEST);
    const uint64_t budget = (12 + worker->kind * 7) * mmf_granularity();
    if (!worker->bytes || mmf_window_open(&worker->window, map, MMF_WINDOW_OPTIONS(.budget = budget)) ||
        mmf_stream_open(&worker->stream, view) || (count == COUNT(kinds) && mmf_view_fopen(&worker->file, view, "r"))) {
        mistakes++;
        return NULL;
    }
    while (!over) {
        const size_t size = 1 + (size_t)rand_r(&worker->seed) % (rand_r(&worker->seed) % 4 ? 200 : LARGEST);
        const uint64_t at = (uint64_t)rand_r(&worker->seed) % (LENGTH - size);
        kinds[(rand_r(&worker->seed) % 4 ? worker->kind : (unsigned)rand_r(&worker->seed)) % count](worker, at, size);
    }
    if ((worker->file && fclose(worker->file)) || mmf_stream_close(&worker->stream) ||
        mmf_window_close(&worker->window))
        mistakes++;
    free(worker->bytes);
    return NULL;
}

TEST(truncation_under_threads)
{
    static struct worker workers[8];
    const unsigned seed = choose_seed();
    const uint64_t page = os_native.page_size();
    const char *path = fast_path("truncated");
    int status;
    first_lost = (SHORTEST + page - 1) / page * page;
    unlink(path);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0 && ftruncate(file, (off_t)LENGTH) == 0);
    close(file);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    fflush(NULL);
    const pid_t parent = getpid(), child = fork();
    assert_true(child >= 0);
    if (!child)
        cut_and_mend(path, parent, seed);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i] = (struct worker){.kind = (unsigned)i, .seed = seed + (unsigned)i};
        assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
    }
    for (int i = 0; i < 15 && mistakes < 10; i++)
        usleep(100000);
    over = true;
    for (size_t i = 0; i < COUNT(workers); i++)
        pthread_join(workers[i].thread, NULL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status)); /* it was cutting to the end */
    printf("%lu faults met as errors\n", faults);
    assert_true(mistakes == 0);
    assert_true(faults > 100);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(truncation_under_threads)};
    return run_group(tests);
}
