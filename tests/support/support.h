/* support.h: what the tests share: files with a known pattern, child processes, checks of codes, visible skips. */
#ifndef MMF_TESTS_SUPPORT_H
#define MMF_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mmf/mmf.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/* The length of an array. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- Codes ------------------------------------------------------------------------------------------------------- */

/*
 * Checks that a call returned a code, and for a failure that mmf_last_error() tells the same code and an operation.
 * assert_code_only() is for the calls that are documented not to set it.
 */
#define assert_code(expected, call) support_check_code((expected), (call), true, #call, __FILE__, __LINE__)
#define assert_code_only(expected, call) support_check_code((expected), (call), false, #call, __FILE__, __LINE__)
#define assert_ok(call) assert_code(MMF_OK, call)
void support_check_code(int expected, int got, bool recorded, const char *text, const char *file, int line);

/* Checks two 64-bit numbers. */
#define assert_same(expected, got)                                                                                     \
    support_check_same((uint64_t)(expected), (uint64_t)(got), #expected " == " #got, __FILE__, __LINE__)
void support_check_same(uint64_t expected, uint64_t got, const char *text, const char *file, int line);

/* --- Files ------------------------------------------------------------------------------------------------------- */

/*
 * A path in the program's own temporary directory, which is made on first use (in TMPDIR, else /tmp) and removed with
 * everything in it when the program ends. The text lives as long as the program.
 */
const char *temp_path(const char *name);

/* The same in a directory of memory (/dev/shm) where there is one, for tests that do very many syncs. */
const char *fast_path(const char *name);

/* The byte that a patterned file has at an offset. */
unsigned char pattern(uint64_t offset);
void fill_pattern(unsigned char *to, uint64_t offset, size_t size);
/* How many bytes from the first on are the pattern's, counted from `offset`. */
size_t match_pattern(const unsigned char *bytes, uint64_t offset, size_t size);

/* Makes (or empties and refills) a file of pattern bytes; returns its path in the temporary directory. */
const char *pattern_file(const char *name, uint64_t size);
void write_pattern(const char *path, uint64_t size);
/* Makes a file of that length without any data. */
const char *sparse_file(const char *name, uint64_t size);

/* Whether the file has exactly `size` bytes, the first `pattern_size` of them the pattern and the rest zeros. */
bool file_holds(const char *path, uint64_t size, uint64_t pattern_size);
uint64_t file_length(const char *path); /* UINT64_MAX: no such file */
uint64_t file_allocated(const char *path);
bool file_exists(const char *path);
void set_length(const char *path, uint64_t size);
unsigned char file_byte(const char *path, uint64_t offset);
/* Bytes that can still be allocated where `path` lies. */
uint64_t free_space(const char *path);

/* --- What a process holds ------------------------------------------------------------------------------------------
 */

size_t open_descriptors(void);
/* Mappings whose line in /proc/self/maps holds that text; 0 where there is no /proc. */
size_t mappings_of(const char *text);
bool have_proc(void);
size_t entries_in_directory_of(const char *path);

/* --- Processes --------------------------------------------------------------------------------------------------- */

/* Runs the body in a forked child: its result (0 to 127), or 128 + the signal that ended it. */
int in_child(int (*body)(void *), void *argument);

/* For a child's body, where cmocka's checks cannot work: says what was not so, and returns 1. */
#define child_expect(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: in the child: not so: %s (last error: %s in %s, %d)\n", __FILE__, __LINE__,        \
                    #condition, mmf_error_name(mmf_last_error()->code),                                                \
                    mmf_last_error()->operation ? mmf_last_error()->operation : "nothing",                             \
                    mmf_last_error()->os_error);                                                                       \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

/* Runs a command by the shell and returns its exit code; its output is thrown away. */
int run_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* --- Mounts ------------------------------------------------------------------------------------------------------ */

/*
 * A small file system on a loop device (or tmpfs), mounted on `directory`. Everything still mounted is unmounted when
 * the program ends, however it ends but by SIGKILL. mount_image() returns false, with a line that says why, where this
 * process may not.
 */
struct mount {
    char directory[256];
    char image[256];
    char device[64];
    bool mounted;
    bool used;
};
bool mount_image(struct mount *mount, const char *type, uint64_t size);
bool mount_tmpfs(struct mount *mount, const char *options);
bool remount(struct mount *mount, const char *options);
void unmount(struct mount *mount);

/* A loop device over a new image; "" is left in mount->device when it cannot be had. */
bool loop_device(struct mount *mount, uint64_t size);

/* --- Programs ---------------------------------------------------------------------------------------------------- */

/* Ends a test as skipped, with a visible line. */
#define skip_test(...)                                                                                                 \
    do {                                                                                                               \
        support_say_skip(__func__, __VA_ARGS__);                                                                       \
        skip();                                                                                                        \
    } while (0)
void support_say_skip(const char *test, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether a feature is there. */
bool have(mmf_feature feature);

/* .share of a map that lets others do everything, where share modes can be kept; else the default. */
uint32_t share_all(void);

/* A sanitizer has memory, mappings and limits of its own, and answers mlock() itself. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED false
#endif

/*
 * cmocka puts handlers of its own for SIGBUS and SIGSEGV in front at the beginning of every test, and a child of the
 * test would jump into the runner by them. This takes them away and puts the guard in front again, if it is installed:
 * a fault that nobody catches ends the program. The wrapper that TEST() makes does it.
 */
void support_begin_test(void);

/* Defines a test; run_group() takes their names through unit(). */
#define TEST(name)                                                                                                     \
    static void name##_body(void);                                                                                     \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        support_begin_test();                                                                                          \
        name##_body();                                                                                                 \
    }                                                                                                                  \
    static void name##_body(void)
#define unit(name) cmocka_unit_test(name)

/* Runs a group and returns the exit code of the program: 77 when every test of it was skipped. */
#define run_group(tests) support_finish(cmocka_run_group_tests(tests, NULL, NULL), COUNT(tests))
int support_finish(int failed, size_t count);

#endif
