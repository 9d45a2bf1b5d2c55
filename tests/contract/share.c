/* share.c: share modes between two maps, in one process and in two. */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint32_t accesses[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE, MMF_READ_EXECUTE,
                                    MMF_READWRITE_EXECUTE};
static const uint32_t shares[] = {0, MMF_SHARE_NONE, MMF_SHARE_READ, MMF_SHARE_WRITE, MMF_SHARE_READ | MMF_SHARE_WRITE};

static bool writes(uint32_t access)
{
    return access == MMF_READWRITE || access == MMF_READWRITE_EXECUTE;
}

/* What a share means in bits: the default is that a writer lets others read, a reader lets others do both. */
static uint32_t effective(uint32_t access, uint32_t share)
{
    if (share == 0)
        return writes(access) ? MMF_SHARE_READ : MMF_SHARE_READ | MMF_SHARE_WRITE;
    return share;
}

static bool lets(uint32_t share, uint32_t access)
{
    return (share & MMF_SHARE_READ) && (!writes(access) || (share & MMF_SHARE_WRITE));
}

struct pair {
    uint32_t access[2];
    uint32_t share[2];
};

/* Each must let the other do what it does. Every map reads. */
static bool compatible(const struct pair *pair)
{
    return lets(effective(pair->access[0], pair->share[0]), pair->access[1]) &&
           lets(effective(pair->access[1], pair->share[1]), pair->access[0]);
}

static int open_second(void *argument)
{
    const struct pair *pair = argument;
    mmf_map *map = (mmf_map *)(uintptr_t)0x51;
    int err = mmf_map_from_file(&map, temp_path("shared"),
                                MMF_MAP_OPTIONS(.access = pair->access[1], .share = pair->share[1]));
    int expected = compatible(pair) ? MMF_OK : MMF_ESHARING;
    if (err != expected) {
        fprintf(stderr, "access %u share %u, then access %u share %u: %s\n", pair->access[0], pair->share[0],
                pair->access[1], pair->share[1], err ? mmf_error_name(err) : "MMF_OK");
        return 1;
    }
    child_expect((err == MMF_OK) == (map != NULL));
    return map && mmf_map_close(&map);
}

/* All 625 pairs in one process; those where only the second map differs also in two. */
TEST(every_pair)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    pattern_file("shared", 1000);
    for (size_t i = 0; i < COUNT(accesses); i++)
        for (size_t j = 0; j < COUNT(shares); j++) {
            mmf_map *map = NULL;
            assert_ok(mmf_map_from_file(&map, temp_path("shared"),
                                        MMF_MAP_OPTIONS(.access = accesses[i], .share = shares[j])));
            mmf_map_details details = {.struct_size = sizeof details};
            assert_ok(mmf_map_info(&details, map));
            assert_int_equal(effective(accesses[i], shares[j]), details.share);
            for (size_t k = 0; k < COUNT(accesses); k++)
                for (size_t l = 0; l < COUNT(shares); l++) {
                    struct pair pair = {{accesses[i], accesses[k]}, {shares[j], shares[l]}};
                    assert_int_equal(0, open_second(&pair));
                    if (k < 2)
                        assert_int_equal(0, in_child(open_second, &pair));
                }
            assert_ok(mmf_map_close(&map));
        }
}

/* A refused map leaves nothing behind: the first can be opened again with no sharing at all. */
TEST(a_refusal_leaves_no_marks)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL, *second = NULL;
    for (int i = 0; i < 3; i++) {
        assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
        assert_code(MMF_ESHARING, mmf_map_from_file(&second, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
        assert_null(second);
        assert_ok(mmf_map_close(&map));
    }
}

/* A refused map does not touch the file: no growth, no emptying. */
TEST(a_refusal_leaves_the_file)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL, *second = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_code(MMF_ESHARING, mmf_map_from_file(&second, path, MMF_MAP_OPTIONS(.capacity = 5000)));
    assert_code(MMF_ESHARING, mmf_map_from_file(&second, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 10)));
    assert_code(MMF_ESHARING,
                mmf_map_from_file(&second, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 5000)));
    assert_true(file_holds(path, 1000, 1000));
    assert_ok(mmf_map_close(&map));
}

static int hold_until_killed(const char *path, int ready)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(write(ready, "r", 1) == 1);
    for (;;)
        pause();
}

TEST(marks_die_with_their_process)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL;
    int ready[2], status;
    char byte;
    assert_int_equal(0, pipe(ready));
    fflush(NULL);
    pid_t child = fork();
    if (!child)
        _exit(hold_until_killed(path, ready[1]));
    assert_int_equal(1, read(ready[0], &byte, 1));
    assert_code(MMF_ESHARING, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_ok(mmf_map_close(&map));
    close(ready[0]);
    close(ready[1]);
}

/* Maps from a handle take no share mode and are bound by none. */
TEST(maps_from_handles_take_none)
{
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL, *other = NULL;
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_ok(mmf_map_from_handle(&map, file, NULL));
    assert_ok(mmf_map_from_handle(&other, file, NULL));
    assert_ok(mmf_map_close(&other));
    if (have(MMF_FEATURE_SHARE_MODES)) {
        assert_ok(mmf_map_from_file(&other, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
        mmf_map *third = NULL;
        assert_ok(mmf_map_from_handle(&third, file, NULL));
        assert_ok(mmf_map_close(&third));
        assert_ok(mmf_map_close(&other));
    }
    assert_ok(mmf_map_close(&map));
    close(file);
}

/* Where marks cannot be kept, a share mode that denies something is refused; the default, and sharing all, are none. */
TEST(without_share_modes)
{
    if (have(MMF_FEATURE_SHARE_MODES))
        skip_test("there are share modes here");
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL;
    for (size_t i = 1; i < COUNT(shares); i++) {
        if (shares[i] == (MMF_SHARE_READ | MMF_SHARE_WRITE)) {
            assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = shares[i])));
            assert_ok(mmf_map_close(&map));
            continue;
        }
        assert_code(MMF_ENOTSUP, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = shares[i])));
        assert_null(map);
    }
    assert_ok(mmf_map_from_file(&map, path, NULL));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_int_equal(0, details.share);
    assert_ok(mmf_map_close(&map));
}

/* Another program's lock of the whole file is in the way; a flock() is not. */
TEST(locks_of_other_programs)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("shared", 1000);
    mmf_map *map = NULL;
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(0, flock(file, LOCK_EX));
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(0, flock(file, LOCK_UN));
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    assert_int_equal(0, fcntl(file, F_OFD_SETLK, &whole));
    assert_code(MMF_ESHARING, mmf_map_from_file(&map, path, NULL));
    assert_null(map);
    close(file);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_map_close(&map));
}

static int hold_lease(const char *path, int ready)
{
    int file = open(path, O_RDWR | O_CLOEXEC);
    child_expect(signal(SIGIO, SIG_IGN) != SIG_ERR); /* the kernel asks for the lease by it */
    char answer = file >= 0 && fcntl(file, F_SETLEASE, F_WRLCK) == 0 ? 'y' : 'n';
    child_expect(write(ready, &answer, 1) == 1);
    for (;;)
        pause();
}

/* A lease of another process (Samba and NFS servers take them) is no lack of memory, and is not waited for. */
TEST(leases_of_other_programs)
{
    const char *path = pattern_file("leased", 1000);
    mmf_map *map = NULL;
    int ready[2], status;
    char answer = 0;
    assert_int_equal(0, pipe(ready));
    fflush(NULL);
    pid_t child = fork();
    if (!child)
        _exit(hold_lease(path, ready[1]));
    ssize_t got = read(ready[0], &answer, 1);
    int err = mmf_map_from_file(&map, path, NULL);
    int code = mmf_last_error()->code;
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, &status, 0));
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(1, got);
    if (answer == 'n') {
        assert_int_equal(MMF_OK, err);
        assert_ok(mmf_map_close(&map));
        skip_test("no leases on this file system");
    }
    assert_int_equal(MMF_ESHARING, err);
    assert_int_equal(MMF_ESHARING, code);
    assert_null(map);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(every_pair),
        unit(a_refusal_leaves_no_marks),
        unit(a_refusal_leaves_the_file),
        unit(marks_die_with_their_process),
        unit(maps_from_handles_take_none),
        unit(without_share_modes),
        unit(locks_of_other_programs),
        unit(leases_of_other_programs),
    };
    return run_group(tests);
}
