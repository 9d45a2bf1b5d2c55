/* file_limit.c: RLIMIT_FSIZE is an error, MMF_ERANGE: nothing ends by SIGXFSZ, whose default is the end of the process.
 */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIMIT = 65536, BEYOND = 100000 };

static const char *path;

/* For a child: a signal that the test's own surroundings ignore would prove nothing. */
static bool limit_files(void)
{
    const struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = LIMIT};
    const struct rlimit none = {0, 0};
    return signal(SIGXFSZ, SIG_DFL) != SIG_ERR && !setrlimit(RLIMIT_CORE, &none) && !setrlimit(RLIMIT_FSIZE, &limit);
}

static int pass_the_limit(void *argument)
{
    (void)argument;
    char byte = 0;
    FILE *file = fopen(path, "r+e");
    return !file || !limit_files() || pwrite(fileno(file), &byte, 1, LIMIT) == 1;
}

/* What the tests below are about happens here at all. */
TEST(the_system_ends_a_process_that_goes_beyond)
{
    path = pattern_file("limited", 1000);
    assert_int_equal(128 + SIGXFSZ, in_child(pass_the_limit, NULL));
    assert_true(file_holds(path, 1000, 1000));
}

static int make_memory(void *argument)
{
    (void)argument;
    mmf_map *map = NULL;
    child_expect(limit_files());
    child_expect(mmf_map_create(&map, NULL, BEYOND, NULL) == MMF_ERANGE && !map);
    child_expect(mmf_last_error()->code == MMF_ERANGE);
    child_expect(mmf_map_create(&map, NULL, LIMIT, NULL) == MMF_OK);
    child_expect(mmf_map_resize(map, LIMIT + 1) == MMF_ERANGE && mmf_map_capacity(map) == LIMIT);
    return mmf_map_close(&map);
}

TEST(memory)
{
    assert_int_equal(0, in_child(make_memory, NULL));
}

static int make_file(void *argument)
{
    const bool sparse = *(bool *)argument;
    mmf_map *map = NULL;
    child_expect(limit_files());
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.capacity = BEYOND, .sparse = sparse)) == MMF_ERANGE);
    child_expect(!map && file_length(path) == 1000);
    child_expect(mmf_map_from_file(&map, temp_path("new"),
                                   MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = BEYOND, .sparse = sparse)) ==
                 MMF_ERANGE);
    child_expect(!map && !file_exists(temp_path("new")));
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = sparse)) == MMF_OK);
    child_expect(mmf_map_resize(map, LIMIT + 1) == MMF_ERANGE);
    child_expect(mmf_map_capacity(map) == 1000 && file_length(path) == 1000);
    child_expect(mmf_map_resize(map, LIMIT) == MMF_OK && file_length(path) == LIMIT);
    return mmf_map_close(&map);
}

TEST(files)
{
    for (int sparse = 0; sparse < 2; sparse++) {
        bool argument = sparse;
        path = pattern_file("limited", 1000);
        assert_int_equal(0, in_child(make_file, &argument));
        assert_true(file_holds(path, LIMIT, 1000));
    }
}

/* A file that is longer already may be opened and made shorter, also to a length beyond the limit. */
static int cut_file(void *argument)
{
    (void)argument;
    mmf_map *map = NULL;
    child_expect(limit_files());
    child_expect(mmf_map_from_file(&map, path, NULL) == MMF_OK);
    child_expect(mmf_map_resize(map, BEYOND + 1) == MMF_ERANGE);
    child_expect(mmf_map_resize(map, BEYOND - 1) == MMF_OK);
    return mmf_map_close(&map);
}

TEST(files_that_are_longer)
{
    path = pattern_file("limited", BEYOND);
    assert_int_equal(0, in_child(cut_file, NULL));
    assert_true(file_holds(path, BEYOND - 1, BEYOND - 1));
}

static int no_checked_copy(size_t *done, void *to, const void *from, size_t size, bool write)
{
    (void)done;
    (void)to;
    (void)from;
    (void)size;
    (void)write;
    return ENOTSUP;
}

/* Without a checked copy a view without signals is written through the file, where the limit counts. */
static int write_without_signals(void *argument)
{
    (void)argument;
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    unsigned char bytes[300] = {1};
    child_expect(limit_files());
    child_expect(mmf_guard_install(MMF_GUARD_NOSIGNAL) == MMF_OK);
    os.copy_checked = no_checked_copy;
    child_expect(mmf_map_from_file(&map, path, NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_write(view, 100, bytes, sizeof bytes) == MMF_OK);
    child_expect(mmf_view_write(view, LIMIT + 100, bytes, sizeof bytes) == MMF_ERANGE);
    child_expect(mmf_last_error()->done == 0 && mmf_last_error()->offset == LIMIT + 100);
    child_expect(mmf_view_write(view, LIMIT - 100, bytes, sizeof bytes) == MMF_ERANGE);
    child_expect(mmf_last_error()->done == 100 && mmf_last_error()->offset == LIMIT);
    child_expect(mmf_view_close(&view) == MMF_OK);
    return mmf_map_close(&map);
}

TEST(writing_without_signals)
{
    path = pattern_file("limited", BEYOND);
    assert_int_equal(0, in_child(write_without_signals, NULL));
    assert_same(BEYOND, file_length(path));
    assert_int_equal(pattern(LIMIT), file_byte(path, LIMIT));
    assert_int_equal(1, file_byte(path, LIMIT - 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_system_ends_a_process_that_goes_beyond),
        unit(memory),
        unit(files),
        unit(files_that_are_longer),
        unit(writing_without_signals),
    };
    return run_group(tests);
}
