/*
 * at_once.c: maps of one file that are made at the same time: nobody is left with a file that has no name any more, and
 * nobody acts on a length that somebody else has changed meanwhile. What happens in between is put there by replacing a
 * call of the os table; the rounds with two processes look for what nobody thought of.
 */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t links_of(mmf_map *map)
{
    mmf_os_handle file;
    struct os_file_info about;
    if (mmf_map_handle(&file, map) || os_native.describe(&about, file))
        return UINT64_MAX;
    return about.links;
}

/* --- Something happens in the middle of an open --------------------------------------------------------------------
 */

/* Called once, behind the next open of a file, or in the next wait for another's marks. */
static void (*meanwhile)(void);
static mmf_map *other;
static const char *path;

static void happen(void)
{
    void (*event)(void) = meanwhile;
    meanwhile = NULL;
    if (event)
        event();
}

static int open_and_happen(mmf_os_handle *file, const char *name, unsigned flags, uint32_t permissions)
{
    int os_error = os_native.open(file, name, flags, permissions);
    if (os_error == 0)
        happen();
    return os_error;
}

static int sleep_and_happen(uint64_t nanoseconds)
{
    happen();
    return os_native.sleep(nanoseconds);
}

static void plain_os(void)
{
    os.open = os_native.open;
    os.sleep = os_native.sleep;
    meanwhile = NULL;
}

static void during_open(void (*event)(void))
{
    os.open = open_and_happen;
    meanwhile = event;
}

static void during_wait(void (*event)(void))
{
    os.sleep = sleep_and_happen;
    meanwhile = event;
}

/* The file was there, and its maker, who has failed, takes it away again. */
static void remove_file(void)
{
    unlink(path);
}

static void replace_file(void)
{
    unlink(path);
    write_pattern(path, 700);
}

TEST(a_file_that_vanishes_while_it_is_opened_is_made_again)
{
    mmf_map *map = NULL;
    path = pattern_file("vanishing", 500);
    during_open(remove_file);
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 4096));
    plain_os();
    assert_int_equal(MMF_OK, err);
    assert_same(1, links_of(map));
    assert_same(4096, file_length(path));
    assert_ok(mmf_map_close(&map));
    write_pattern(path, 500);
    during_open(remove_file);
    err = mmf_map_from_file(&map, path, NULL);
    plain_os();
    assert_int_equal(MMF_ENOTFOUND, err);
    assert_null(map);
    write_pattern(path, 500);
    during_open(replace_file);
    err = mmf_map_from_file(&map, path, NULL);
    plain_os();
    assert_int_equal(MMF_OK, err);
    assert_same(700, mmf_map_capacity(map));
    assert_same(1, links_of(map));
    assert_ok(mmf_map_close(&map));
}

/* Somebody else finds the new file before its maker has marked it. */
static int other_result;
static void open_other(void)
{
    other_result = mmf_map_from_file(&other, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 4096));
}

TEST(a_maker_that_fails_leaves_the_file_to_who_uses_it)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    static const struct {
        uint32_t mode;
        uint64_t capacity;
    } makers[] = {{MMF_OPEN_OR_CREATE, 4096}, {MMF_CREATE_NEW, 4096}, {MMF_CREATE, 4096}, {MMF_OPEN_OR_CREATE, 0}};
    path = temp_path("made");
    for (size_t i = 0; i < COUNT(makers); i++) {
        mmf_map *map = NULL;
        unlink(path);
        during_open(open_other);
        int err =
            mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = makers[i].mode, .capacity = makers[i].capacity));
        plain_os();
        assert_int_equal(MMF_ESHARING, err);
        assert_null(map);
        assert_int_equal(MMF_OK, other_result);
        assert_same(1, links_of(other));
        assert_same(4096, file_length(path));
        assert_ok(mmf_map_close(&other));
    }
    unlink(path);
    mmf_map *map = NULL;
    assert_code(MMF_EEMPTY, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE)));
    assert_false(file_exists(path)); /* with nobody there it goes */
}

/* --- Lengths -------------------------------------------------------------------------------------------------------
 */

static void grow_store_close(void)
{
    mmf_view *view = NULL;
    assert_ok(mmf_map_resize(other, 8192));
    assert_ok(mmf_view_open(&view, other, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(view, 8000, 77));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&other));
}

/* Whoever had to wait for a writer sees the length that the writer has left. */
TEST(a_length_that_changes_during_the_wait)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    mmf_map *map = NULL;
    path = pattern_file("growing", 1000);
    assert_ok(mmf_map_from_file(&other, path, NULL));
    during_wait(grow_store_close);
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 4096, .sparse = true));
    plain_os();
    assert_null(other);
    assert_int_equal(MMF_ERANGE, err);
    assert_null(map);
    assert_same(8192, file_length(path));
    assert_int_equal(77, file_byte(path, 8000));
    write_pattern(path, 1000);
    assert_ok(mmf_map_from_file(&other, path, NULL));
    during_wait(grow_store_close);
    err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ, .share = MMF_SHARE_READ));
    plain_os();
    assert_int_equal(MMF_OK, err);
    assert_same(8192, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
}

/* --- Two processes -------------------------------------------------------------------------------------------------
 */

enum { ROUNDS = 300, LEAST_ROUNDS = 20 };

struct shared {
    _Atomic int round;    /* set by the parent: the child's turn, too */
    _Atomic int finished; /* by the child */
    _Atomic int result;
};

static struct shared *shared;

/* One side of a race. 0: as it should be. */
typedef int side(int round);

static void wait_for(_Atomic int *number, int wanted)
{
    while (atomic_load(number) != wanted)
        sched_yield();
}

static int be_the_child(side *child)
{
    alarm(60);
    for (int round = 1; round <= ROUNDS; round++) {
        wait_for(&shared->round, round);
        atomic_store(&shared->result, child(round));
        atomic_store(&shared->finished, round);
    }
    return 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* `before` prepares a round, `after` looks at what both have left. A machine that takes long does the least there is.
 */
static void race(void (*before)(void), side *parent, side *child, void (*after)(void))
{
    const double end = seconds() + 0.5;
    int status;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid)
        _exit(be_the_child(child));
    int wrong = 0;
    int round = 0;
    while (round < ROUNDS && !wrong && (round < LEAST_ROUNDS || seconds() < end)) {
        before();
        atomic_store(&shared->round, ++round);
        wrong = parent(round);
        wait_for(&shared->finished, round);
        wrong += atomic_load(&shared->result);
        if (!wrong)
            after();
    }
    kill(pid, SIGKILL);
    assert_int_equal(pid, waitpid(pid, &status, 0));
    munmap(shared, sizeof *shared);
    assert_int_equal(0, wrong);
    assert_true(round >= LEAST_ROUNDS);
}

static void without_file(void)
{
    unlink(path);
}

static void nothing_more(void)
{
}

/* Whoever got the map has a file with a name. */
static int make(uint32_t mode, uint64_t capacity)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = capacity));
    if (err) {
        child_expect(err == MMF_ESHARING || (err == MMF_EEXISTS && mode == MMF_CREATE_NEW) ||
                     (err == MMF_EEMPTY && capacity == 0) || (err == MMF_ENOTFOUND && mode == MMF_OPEN));
        return 0;
    }
    child_expect(links_of(map) == 1);
    child_expect(mmf_map_close(&map) == MMF_OK);
    return 0;
}

static int open_or_create(int round)
{
    (void)round;
    return make(MMF_OPEN_OR_CREATE, 4096);
}

static int create_new(int round)
{
    (void)round;
    return make(MMF_CREATE_NEW, 4096);
}

static int fail_empty(int round)
{
    (void)round;
    return make(MMF_OPEN_OR_CREATE, 0);
}

TEST(two_processes_make_a_file)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here: a process cannot know that another has come");
    path = fast_path("both");
    race(without_file, open_or_create, open_or_create, nothing_more);
}

TEST(two_processes_make_a_new_file)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here: a process cannot know that another has come");
    path = fast_path("both");
    race(without_file, create_new, open_or_create, nothing_more);
}

TEST(one_process_fails_to_make_a_file)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here: a process cannot know that another has come");
    path = fast_path("both");
    race(without_file, fail_empty, open_or_create, nothing_more);
}

static void short_file(void)
{
    write_pattern(path, 1000);
}

/* Grows the file and stores far behind; keeps trying while the other has it. */
static int grow_and_store(int round)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    int err;
    do
        err = mmf_map_from_file(&map, path, NULL);
    while (err == MMF_ESHARING);
    child_expect(err == MMF_OK);
    child_expect(mmf_map_resize(map, 8192) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_put_u8(view, 8000, (uint8_t)round) == MMF_OK);
    child_expect(mmf_view_close(&view) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    return 0;
}

static int grow_a_little(int round)
{
    (void)round;
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = 4096, .sparse = true));
    child_expect(err == MMF_OK || err == MMF_ERANGE || err == MMF_ESHARING);
    return err == MMF_OK && mmf_map_close(&map);
}

static void nothing_is_cut_off(void)
{
    assert_same(8192, file_length(path));
    assert_int_equal((uint8_t)atomic_load(&shared->round), file_byte(path, 8000));
}

TEST(two_processes_grow_a_file)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here: nothing orders the two");
    path = fast_path("both-grow");
    race(short_file, grow_and_store, grow_a_little, nothing_is_cut_off);
}

static int create_and_grow(int round)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, path,
                                MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 100 + (uint64_t)round % 7 * 1000));
    if (err == MMF_ESHARING)
        return 0;
    child_expect(err == MMF_OK);
    child_expect(mmf_map_resize(map, 9000 + (uint64_t)round) == MMF_OK);
    return mmf_map_close(&map);
}

/* Nobody else may write while this map lives, so the length stands still. */
static int look_at_length(int round)
{
    (void)round;
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ, .share = MMF_SHARE_READ));
    if (err == MMF_ESHARING)
        return 0;
    child_expect(err == MMF_OK);
    child_expect(file_length(path) == mmf_map_capacity(map));
    return mmf_map_close(&map);
}

TEST(a_reader_and_a_writer_that_grows)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here: nothing orders the two");
    path = fast_path("both-look");
    race(short_file, look_at_length, create_and_grow, nothing_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_file_that_vanishes_while_it_is_opened_is_made_again),
        unit(a_maker_that_fails_leaves_the_file_to_who_uses_it),
        unit(a_length_that_changes_during_the_wait),
        unit(two_processes_make_a_file),
        unit(two_processes_make_a_new_file),
        unit(one_process_fails_to_make_a_file),
        unit(two_processes_grow_a_file),
        unit(a_reader_and_a_writer_that_grows),
    };
    return run_group(tests);
}
