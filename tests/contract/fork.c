/* fork.c: what a forked child and a program started by exec can do with the handles of their parent. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

struct handles {
    mmf_map *map;
    mmf_view *view;
};

static const char *own_path;

static int use_private(void *argument)
{
    struct handles *handles = argument;
    unsigned char bytes[10] = {0};
    uint64_t value = 5;
    size_t done = 5;
    mmf_map *copy = NULL;
    mmf_view *view = NULL;
    mmf_map_details details = {.struct_size = sizeof details};
    child_expect(mmf_view_read(handles->view, 0, bytes, 1) == MMF_EINVAL);
    child_expect(mmf_last_error()->code == MMF_EINVAL && mmf_last_error()->operation);
    child_expect(mmf_view_write(handles->view, 0, bytes, 1) == MMF_EINVAL);
    child_expect(mmf_view_get_u64(handles->view, 0, &value) == MMF_EINVAL && value == 0);
    child_expect(mmf_view_put_u64(handles->view, 0, 1) == MMF_EINVAL);
    child_expect(mmf_view_read_array(handles->view, 0, bytes, 1, 1, &done) == MMF_EINVAL && done == 0);
    child_expect(mmf_view_write_array(handles->view, 0, bytes, 1, 1) == MMF_EINVAL);
    child_expect(mmf_view_flush(handles->view, 0, 0, MMF_FLUSH_SYNC) == MMF_EINVAL);
    child_expect(mmf_view_probe(handles->view, 0, 0) == MMF_EINVAL);
    child_expect(mmf_view_zero(handles->view, 0, 0) == MMF_EINVAL);
    child_expect(mmf_view_protect(handles->view, 0, 0, MMF_READ) == MMF_EINVAL);
    child_expect(mmf_map_resize(handles->map, 7) == MMF_EINVAL);
    child_expect(mmf_map_refresh(handles->map) == MMF_EINVAL);
    child_expect(mmf_map_sync(handles->map) == MMF_EINVAL);
    child_expect(mmf_map_duplicate(&copy, handles->map, MMF_ACCESS_DEFAULT) == MMF_EINVAL && !copy);
    child_expect(mmf_view_open(&view, handles->map, 0, 0, NULL) == MMF_EINVAL && !view);
    /* Its own maps work. */
    child_expect(mmf_map_from_file(&copy, own_path, NULL) == MMF_OK);
    child_expect(mmf_view_open(&view, copy, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_get_u64(view, 0, &value) == MMF_OK);
    child_expect(mmf_view_close(&view) == MMF_OK && mmf_map_close(&copy) == MMF_OK);
    /* Closing its copies is allowed and lets go of nothing that is the parent's. */
    mmf_view_close(&handles->view);
    mmf_map_close(&handles->map);
    child_expect(!handles->view && !handles->map);
    return 0;
}

TEST(a_child_may_not_use_private_handles)
{
    const char *path = pattern_file("forked", 5000);
    own_path = pattern_file("own", 5000);
    struct handles handles = {NULL, NULL};
    mmf_map *second = NULL;
    bool marks = have(MMF_FEATURE_SHARE_MODES);
    assert_ok(mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.share = marks ? MMF_SHARE_NONE : 0)));
    assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
    for (int i = 0; i < 3; i++)
        assert_int_equal(0, in_child(use_private, &handles));
    /* The parent's are as they were: bytes, capacity, marks. */
    assert_same(5000, match_pattern(mmf_view_data(handles.view), 0, 5000));
    assert_same(5000, mmf_map_capacity(handles.map));
    if (marks)
        assert_code(MMF_ESHARING, mmf_map_from_file(&second, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_view_put_u8(handles.view, 0, 9));
    assert_ok(mmf_view_close(&handles.view));
    assert_ok(mmf_map_close(&handles.map));
    assert_int_equal(9, file_byte(path, 0));
}

static int touch_raw(void *argument)
{
    return *(const volatile unsigned char *)argument == pattern(0) ? 0 : 3;
}

TEST(private_memory_is_absent_in_a_child)
{
    if (!have(MMF_FEATURE_NOT_INHERITED))
        skip_test("memory is always inherited here");
    const char *path = pattern_file("forked", 5000);
    struct handles handles = {NULL, NULL};
    for (uint32_t access = MMF_READ; access <= MMF_COPY_ON_WRITE; access++) {
        assert_ok(mmf_map_from_file(&handles.map, path, NULL));
        assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, MMF_VIEW_OPTIONS(.access = access)));
        if (access != MMF_WRITE) { /* a signal, or a sanitizer's report of it */
            int status = in_child(touch_raw, (void *)(uintptr_t)mmf_view_data(handles.view));
            assert_true(status != 0 && status != 3);
        }
        assert_ok(mmf_view_close(&handles.view));
        assert_ok(mmf_map_close(&handles.map));
    }
    assert_ok(mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.inheritable = true)));
    assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
    assert_int_equal(0, in_child(touch_raw, (void *)(uintptr_t)mmf_view_data(handles.view)));
    assert_ok(mmf_view_close(&handles.view));
    assert_ok(mmf_map_close(&handles.map));
}

static int use_inherited(void *argument)
{
    struct handles *handles = argument;
    uint32_t value = 0;
    mmf_view *view = NULL;
    child_expect(mmf_view_get_u32(handles->view, 100, &value) == MMF_OK && value == 1234);
    child_expect(mmf_view_put_u32(handles->view, 100, 5678) == MMF_OK);
    child_expect(mmf_view_open(&view, handles->map, 4, 0, NULL) == MMF_OK);
    child_expect(mmf_view_get_u32(view, 96, &value) == MMF_OK && value == 5678);
    child_expect(mmf_view_close(&view) == MMF_OK);
    child_expect(mmf_map_sync(handles->map) == MMF_OK);
    child_expect(mmf_map_capacity(handles->map) == 5000);
    child_expect(mmf_view_close(&handles->view) == MMF_OK);
    child_expect(mmf_map_close(&handles->map) == MMF_OK);
    return 0;
}

TEST(inheritable_handles_work_in_a_child)
{
    const char *path = pattern_file("forked", 5000);
    mmf_map *second = NULL;
    for (int memory = 0; memory < 2; memory++) {
        struct handles handles = {NULL, NULL};
        uint32_t value = 0;
        if (memory)
            assert_ok(mmf_map_create(&handles.map, NULL, 5000, MMF_MAP_OPTIONS(.inheritable = true)));
        else
            assert_ok(mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.inheritable = true)));
        assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
        assert_ok(mmf_view_put_u32(handles.view, 100, 1234));
        assert_int_equal(0, in_child(use_inherited, &handles));
        assert_ok(mmf_view_get_u32(handles.view, 100, &value));
        assert_int_equal(5678, value);
        /* The child closed its copies; the parent's marks are still there (a writer lets others only read). */
        if (!memory && have(MMF_FEATURE_SHARE_MODES))
            assert_code(MMF_ESHARING, mmf_map_from_file(&second, path, NULL));
        assert_ok(mmf_view_close(&handles.view));
        assert_ok(mmf_map_close(&handles.map));
    }
}

static int fault_in_child(void *argument)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    unsigned char byte;
    child_expect(mmf_map_from_file(&map, argument, MMF_MAP_OPTIONS(.share = 0)) == MMF_OK);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    set_length(argument, 0);
    child_expect(mmf_view_get_u8(view, 0, &byte) == MMF_EFAULT);
    child_expect(mmf_last_error()->cause == MMF_CAUSE_END_OF_FILE);
    child_expect(mmf_view_close(&view) == MMF_OK && mmf_map_close(&map) == MMF_OK);
    return 0;
}

/* The guard works in a child too, whose parent has used it before. */
TEST(the_guard_in_a_child)
{
    struct handles handles = {NULL, NULL};
    assert_ok(mmf_map_from_file(&handles.map, pattern_file("forked", 5000), NULL));
    assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
    const char *path = pattern_file("own", 70000);
    assert_int_equal(0, in_child(fault_in_child, (void *)(uintptr_t)path));
    assert_ok(mmf_view_close(&handles.view));
    assert_ok(mmf_map_close(&handles.map));
}

/* --- Share modes -------------------------------------------------------------------------------------------------- */

static int be_refused(void *argument)
{
    mmf_map *map = NULL;
    child_expect(mmf_map_from_file(&map, argument, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_ESHARING && !map);
    return 0;
}

static int adopt_and_close(void *argument)
{
    struct handles *handles = argument;
    uint32_t value = 0;
    child_expect(mmf_view_get_u32(handles->view, 0, &value) == MMF_OK);
    child_expect(mmf_map_refresh(handles->map) == MMF_OK);
    child_expect(mmf_view_close(&handles->view) == MMF_OK);
    return mmf_map_close(&handles->map);
}

/* What a child closes still belongs to its parent. */
TEST(a_child_that_closes_leaves_the_share_mode)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("forked", 5000);
    struct handles handles = {NULL, NULL};
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.inheritable = true, .share = MMF_SHARE_NONE)));
    assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
    assert_int_equal(0, in_child(adopt_and_close, &handles));
    assert_int_equal(0, in_child(be_refused, (void *)(uintptr_t)path));
    assert_code(MMF_ESHARING, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_view_close(&handles.view));
    assert_ok(mmf_map_close(&handles.map));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
    assert_ok(mmf_map_close(&map));
}

/* A child that lives on has the open file too, but nothing to do with the map. */
TEST(a_child_that_lives_on_keeps_no_marks)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    const char *path = pattern_file("outlived", 5000);
    int status;
    for (int view_first = 0; view_first < 2; view_first++) {
        struct handles handles = {NULL, NULL};
        assert_ok(mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE)));
        assert_ok(mmf_view_open(&handles.view, handles.map, 0, 0, NULL));
        fflush(NULL);
        pid_t child = fork();
        if (!child)
            for (;;)
                pause();
        assert_true(child > 0);
        if (view_first)
            assert_ok(mmf_view_close(&handles.view));
        assert_ok(mmf_map_close(&handles.map));
        assert_ok(mmf_view_close(&handles.view));
        int err = mmf_map_from_file(&handles.map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 5000));
        assert_int_equal(0, kill(child, SIGKILL));
        assert_int_equal(child, waitpid(child, &status, 0));
        assert_int_equal(MMF_OK, err); /* neither ESHARING nor, for a view that nobody has, EMAPPED */
        assert_ok(mmf_map_close(&handles.map));
        write_pattern(path, 5000);
    }
}

/* --- Locks that another thread held ------------------------------------------------------------------------------- */

static int use_all(void *argument)
{
    mmf_map *map = argument;
    mmf_view *view = NULL;
    unsigned char byte = 0;
    alarm(5); /* a lock that nobody will ever release */
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_get_u8(view, 4999, &byte) == MMF_OK && byte == pattern(4999));
    child_expect(mmf_map_refresh(map) == MMF_OK && mmf_map_sync(map) == MMF_OK);
    child_expect(mmf_map_resize(map, 5000) == MMF_OK);
    return mmf_view_close(&view);
}

static _Thread_local bool stops_here;
static _Atomic bool stopped, go_on;

/* In that one thread: stands still, with whatever lock the library holds around this call. */
static int stop_and_describe(struct os_file_info *info, mmf_os_handle file)
{
    if (stops_here) {
        atomic_store(&stopped, true);
        while (!atomic_load(&go_on))
            (void)os_native.sleep(100000);
    }
    return os_native.describe(info, file);
}

static void *refresh_and_stop(void *argument)
{
    stops_here = true;
    return mmf_map_refresh(argument) == MMF_OK ? argument : NULL;
}

TEST(a_fork_while_another_thread_holds_the_lock)
{
    mmf_map *map = NULL;
    pthread_t thread;
    void *result = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file("locked", 5000), MMF_MAP_OPTIONS(.inheritable = true)));
    os.describe = stop_and_describe;
    assert_int_equal(0, pthread_create(&thread, NULL, refresh_and_stop, map));
    while (!atomic_load(&stopped))
        (void)os_native.sleep(100000);
    int status = in_child(use_all, map);
    atomic_store(&go_on, true);
    assert_int_equal(0, pthread_join(thread, &result));
    os.describe = os_native.describe;
    assert_ptr_equal(map, result);
    assert_int_equal(0, status);
    assert_ok(mmf_map_close(&map));
}

static _Atomic bool enough;

static void *open_and_close(void *argument)
{
    while (!atomic_load(&enough)) {
        mmf_view *view = NULL;
        if (mmf_view_open(&view, argument, 0, 0, NULL) || mmf_view_close(&view))
            return NULL;
    }
    return argument;
}

TEST(forks_while_another_thread_opens_views)
{
    mmf_map *map = NULL;
    pthread_t thread;
    void *result = NULL;
    int status = 0;
    assert_ok(mmf_map_from_file(&map, pattern_file("locked", 5000), MMF_MAP_OPTIONS(.inheritable = true)));
    assert_int_equal(0, pthread_create(&thread, NULL, open_and_close, map));
    for (int i = 0; i < 100 && status == 0; i++)
        status = in_child(use_all, map);
    atomic_store(&enough, true);
    assert_int_equal(0, pthread_join(thread, &result));
    assert_int_equal(0, status);
    assert_ptr_equal(map, result);
    assert_ok(mmf_map_close(&map));
}

/* --- exec --------------------------------------------------------------------------------------------------------- */

/* Started again with the number of a handle: maps it and looks at the bytes. */
static int after_exec(const char *number, const char *expected)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    uint32_t value = 0;
    int file = atoi(number);
    if (!strcmp(expected, "closed"))
        return fcntl(file, F_GETFD) < 0 ? 0 : 1;
    child_expect(mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.own_handle = true)) == MMF_OK);
    child_expect(mmf_map_capacity(map) == 5000);
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    child_expect(mmf_view_get_u32(view, 200, &value) == MMF_OK && value == 4321);
    child_expect(mmf_view_put_u32(view, 200, 8765) == MMF_OK);
    child_expect(mmf_view_close(&view) == MMF_OK && mmf_map_close(&map) == MMF_OK);
    return 0;
}

struct program {
    mmf_os_handle handle;
    const char *expected;
};

static int exec_self(void *argument)
{
    struct program *program = argument;
    char number[32];
    snprintf(number, sizeof number, "%d", (int)program->handle);
    execl("/proc/self/exe", "fork", "after-exec", number, program->expected, (char *)NULL);
    return 126;
}

TEST(handles_through_exec)
{
    if (!have_proc())
        skip_test("no /proc/self/exe");
    const char *path = pattern_file("forked", 5000);
    for (int inheritable = 0; inheritable < 2; inheritable++)
        for (int memory = 0; memory < 2; memory++) {
            mmf_map *map = NULL;
            mmf_view *view = NULL;
            uint32_t value = 0;
            const mmf_map_options *options = MMF_MAP_OPTIONS(.inheritable = inheritable);
            struct program program = {MMF_INVALID_HANDLE, inheritable ? "open" : "closed"};
            if (memory)
                assert_ok(mmf_map_create(&map, NULL, 5000, options));
            else
                assert_ok(mmf_map_from_file(&map, path, options));
            assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
            assert_ok(mmf_view_put_u32(view, 200, 4321));
            assert_ok(mmf_map_handle(&program.handle, map));
            assert_int_equal(0, in_child(exec_self, &program));
            assert_ok(mmf_view_get_u32(view, 200, &value));
            assert_int_equal(inheritable ? 8765 : 4321, value);
            assert_ok(mmf_view_close(&view));
            assert_ok(mmf_map_close(&map));
        }
}

int main(int count, char **arguments)
{
    if (count == 4 && !strcmp(arguments[1], "after-exec"))
        return after_exec(arguments[2], arguments[3]);
    const struct CMUnitTest tests[] = {
        unit(a_child_may_not_use_private_handles),
        unit(private_memory_is_absent_in_a_child),
        unit(inheritable_handles_work_in_a_child),
        unit(the_guard_in_a_child),
        unit(a_child_that_closes_leaves_the_share_mode),
        unit(a_child_that_lives_on_keeps_no_marks),
        unit(a_fork_while_another_thread_holds_the_lock),
        unit(forks_while_another_thread_opens_views),
        unit(handles_through_exec),
    };
    return run_group(tests);
}
