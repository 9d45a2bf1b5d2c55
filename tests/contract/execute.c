/* execute.c: views that are run: a small function stored into a file and called there. */
#define _GNU_SOURCE
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
/* mov eax, 42; ret */
static const unsigned char code[] = {0xB8, 42, 0, 0, 0, 0xC3};
#elif defined(__aarch64__)
/* mov w0, #42; ret */
static const unsigned char code[] = {0x40, 0x05, 0x80, 0x52, 0xC0, 0x03, 0x5F, 0xD6};
#else
static const unsigned char code[] = {0};
#endif

typedef int function(void);

static int call(const void *at)
{
    function *run;
    memcpy(&run, &at, sizeof run);
    return run();
}

static const char *file_with_code(uint64_t offset)
{
    const char *path = pattern_file("code", 100000);
    int file = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal((int)sizeof code, pwrite(file, code, sizeof code, (off_t)offset));
    close(file);
    return path;
}

static bool can_run(void)
{
    return sizeof code > 1 && have(MMF_FEATURE_EXECUTE);
}

TEST(code_of_a_file)
{
    if (!can_run())
        skip_test("no machine code for this processor, or no execution");
    static const uint32_t maps[] = {MMF_READ_EXECUTE, MMF_READWRITE_EXECUTE};
    for (size_t i = 0; i < COUNT(maps); i++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        assert_ok(mmf_map_from_file(&map, file_with_code(70000), MMF_MAP_OPTIONS(.access = maps[i])));
        assert_ok(mmf_view_open(&view, map, 70000, sizeof code, MMF_VIEW_OPTIONS(.access = MMF_READ_EXECUTE)));
        assert_int_equal(42, call(mmf_view_data(view)));
        assert_null(mmf_view_mutable(view));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    }
}

TEST(code_stored_and_run)
{
    if (!can_run())
        skip_test("no machine code for this processor, or no execution");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_create(&map, NULL, 65536, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_write(view, 128, code, sizeof code));
    char *at = (char *)mmf_view_mutable(view) + 128;
    __builtin___clear_cache(at, at + sizeof code);
    assert_int_equal(42, call(at));
    /* Writable first, executable afterwards: never both. */
    assert_ok(mmf_view_protect(view, 0, 0, MMF_READWRITE));
    assert_ok(mmf_view_protect(view, 0, 0, MMF_READ_EXECUTE));
    assert_int_equal(42, call(at));
    assert_code(MMF_EACCESS, mmf_view_put_u8(view, 0, 1));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

static int call_in_child(void *argument)
{
    return call(argument);
}

TEST(data_is_not_run)
{
    if (!can_run())
        skip_test("no machine code for this processor, or no execution");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_file(&map, file_with_code(70000),
                                MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE, .inheritable = true)));
    assert_ok(mmf_view_open(&view, map, 70000, 0, MMF_VIEW_OPTIONS(.access = MMF_READWRITE)));
    assert_int_not_equal(42, in_child(call_in_child, (void *)(uintptr_t)mmf_view_data(view)));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_view_open(&view, map, 70000, 0, MMF_VIEW_OPTIONS(.access = MMF_READ_EXECUTE)));
    assert_int_equal(42, in_child(call_in_child, (void *)(uintptr_t)mmf_view_data(view)));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* The right is found out when the map is made, not when a view is. */
TEST(mounts_without_execution)
{
    static struct mount mount;
    if (!mount_tmpfs(&mount, "size=1m") || !remount(&mount, "noexec"))
        skip_test("nothing can be mounted");
    char path[512];
    snprintf(path, sizeof path, "%s/code", mount.directory);
    write_pattern(path, 5000);
    mmf_map *map = NULL;
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ_EXECUTE)));
    assert_null(map);
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
    assert_null(map);
    assert_code(MMF_EACCESS,
                mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE, .capacity = 9000)));
    assert_true(file_holds(path, 5000, 5000));
    snprintf(path, sizeof path, "%s/new", mount.directory);
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path,
                                               MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE, .mode = MMF_CREATE_NEW,
                                                               .capacity = 9000)));
    assert_false(file_exists(path));
    snprintf(path, sizeof path, "%s/code", mount.directory);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_map_close(&map));
    unmount(&mount);
}

TEST(mounts_that_are_read_only)
{
    static struct mount mount;
    if (!mount_tmpfs(&mount, "size=1m"))
        skip_test("nothing can be mounted");
    char path[512];
    snprintf(path, sizeof path, "%s/data", mount.directory);
    write_pattern(path, 5000);
    assert_true(remount(&mount, "ro"));
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, NULL));
    assert_null(map);
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 10)));
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(view, 0, 0));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_ok(mmf_map_close(&map));
    snprintf(path, sizeof path, "%s/new", mount.directory);
    assert_code(MMF_EACCESS, mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 9000)));
    unmount(&mount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(code_of_a_file),           unit(code_stored_and_run),       unit(data_is_not_run),
        unit(mounts_without_execution), unit(mounts_that_are_read_only),
    };
    return run_group(tests);
}
