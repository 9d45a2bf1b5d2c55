/* os_support.h: what the tests of the os table share: a scratch file on tmpfs and in the current directory. */
#ifndef MMF_TESTS_UNIT_OS_SUPPORT_H
#define MMF_TESTS_UNIT_OS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define TMPFS "/dev/shm"
#define READ_WRITE (OS_OPEN_READ | OS_OPEN_WRITE)

/* The address and thread sanitizers turn mlock() into nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if !defined(SANITIZED)
#define SANITIZED 0
#endif

/* One test run with a scratch file on tmpfs, and once more with one in the current directory. */
#define ON_BOTH(test) AT(test, " on tmpfs", TMPFS), AT(test, " in the current directory", ".")
#define AT(test, where, place) ((struct CMUnitTest){#test where, test, scratch_create, scratch_remove, place})

/* A directory of its own, with an open file of length 0 in it. */
struct scratch {
    char directory[64];
    char path[96];
    mmf_os_handle file;
    bool on_tmpfs;
};

static inline void make_path(char *path, size_t size, const struct scratch *scratch, const char *name)
{
    assert_true((size_t)snprintf(path, size, "%s/%s", scratch->directory, name) < size);
}

static inline int scratch_create(void **state)
{
    const char *place = *state;
    struct scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        return -1;
    scratch->on_tmpfs = strcmp(place, TMPFS) == 0;
    snprintf(scratch->directory, sizeof scratch->directory, "%s/mmf-os-XXXXXX", place);
    if (!mkdtemp(scratch->directory)) {
        perror(scratch->directory);
        free(scratch);
        return -1;
    }
    make_path(scratch->path, sizeof scratch->path, scratch, "file");
    *state = scratch;
    return os.open(&scratch->file, scratch->path, READ_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, 0600);
}

/* Names the tests give to what they put beside the file. */
static inline int scratch_remove(void **state)
{
    static const char *const names[] = {"file", "other", "link", "pipe"};
    struct scratch *scratch = *state;
    char path[128];
    if (scratch->file != MMF_INVALID_HANDLE)
        close((int)scratch->file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        make_path(path, sizeof path, scratch, names[i]);
        unlink(path);
    }
    int result = rmdir(scratch->directory);
    free(scratch);
    return result;
}

/*
 * Whether a call that belongs to a feature did its work. Where the capability query says no, the call must say ENOTSUP.
 * Where it says yes, only the file system of the current directory may lack it, and then the test is skipped.
 */
static inline bool supported(int os_error, mmf_feature feature, const struct scratch *scratch)
{
    if (os.capability(feature) != 0) {
        assert_int_equal(os_error, ENOTSUP);
        return false;
    }
    if (os_error == ENOTSUP && scratch && !scratch->on_tmpfs) {
        print_message("the file system of the current directory does not have it\n");
        skip();
    }
    assert_int_equal(os_error, 0);
    return true;
}

/* A number that is no open file. */
static inline mmf_os_handle closed_handle(void)
{
    int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(descriptor >= 0);
    close(descriptor);
    return descriptor;
}

/* Whether a byte of memory can be read, found out without a signal: write(2) answers EFAULT. */
static inline bool can_read(const void *address)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    ssize_t done = write(pipes[1], address, 1);
    int error = errno;
    close(pipes[0]);
    close(pipes[1]);
    assert_true(done == 1 || error == EFAULT);
    return done == 1;
}

/* The same for storing: read(2) into it. The byte becomes 'x'. */
static inline bool can_write(void *address)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    ssize_t done = read(pipes[0], address, 1);
    int error = errno;
    close(pipes[0]);
    close(pipes[1]);
    assert_true(done == 1 || error == EFAULT);
    return done == 1;
}

static inline void fill_file(mmf_os_handle file, uint64_t offset, unsigned char byte, size_t size)
{
    unsigned char *bytes = malloc(size);
    size_t done = 0;
    assert_non_null(bytes);
    memset(bytes, byte, size);
    assert_int_equal(os.write_at(&done, file, offset, bytes, size), 0);
    assert_int_equal(done, size);
    free(bytes);
}

static inline unsigned char byte_at(mmf_os_handle file, uint64_t offset)
{
    unsigned char byte = 0xee;
    size_t done = 0;
    assert_int_equal(os.read_at(&done, file, offset, &byte, 1), 0);
    assert_int_equal(done, 1);
    return byte;
}

static inline struct os_file_info about(mmf_os_handle file)
{
    struct os_file_info info;
    assert_int_equal(os.describe(&info, file), 0);
    return info;
}

/* Runs `body` in a child process: its result is the exit status; 128 and the signal's number when it is killed. */
static inline int in_child(int (*body)(void *), void *argument)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(body(argument));
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

#endif
