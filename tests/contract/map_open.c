/* map_open.c: opening maps by path, by handle and of memory: every argument, every mode, what happens to the file. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static mmf_map *const unset = (mmf_map *)(uintptr_t)0x51;

/* Opening must fail with the code, and leave NULL behind. */
#define refuse(code, path, options)                                                                                    \
    do {                                                                                                               \
        mmf_map *refused = unset;                                                                                      \
        assert_code(code, mmf_map_from_file(&refused, path, options));                                                 \
        assert_null(refused);                                                                                          \
    } while (0)

TEST(null_arguments)
{
    const char *path = pattern_file("plain", 100);
    mmf_map *map = unset;
    assert_code(MMF_EINVAL, mmf_map_from_file(NULL, path, NULL));
    refuse(MMF_EINVAL, NULL, NULL);
    refuse(MMF_EINVAL, "", NULL);
    assert_code(MMF_EINVAL, mmf_map_from_handle(NULL, 0, NULL));
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, MMF_INVALID_HANDLE, NULL));
    assert_null(map);
    assert_code(MMF_EINVAL, mmf_map_create(NULL, NULL, 100, NULL));
    assert_code(MMF_EINVAL, mmf_map_close(NULL));
    map = NULL;
    assert_ok(mmf_map_close(&map));
    assert_same(0, mmf_map_capacity(NULL));
    assert_code(MMF_EINVAL, mmf_map_resize(NULL, 1));
    assert_code(MMF_EINVAL, mmf_map_refresh(NULL));
    assert_code(MMF_EINVAL, mmf_map_sync(NULL));
    mmf_os_handle handle = 77;
    assert_code(MMF_EINVAL, mmf_map_handle(&handle, NULL));
    assert_true(handle == MMF_INVALID_HANDLE);
    mmf_map_options_init(NULL);
}

TEST(option_values)
{
    const char *path = pattern_file("plain", 100);
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.access = MMF_WRITE));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE + 1));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.access = UINT32_MAX));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW + 1));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = UINT32_MAX));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.share = 8));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.share = MMF_SHARE_NONE | MMF_SHARE_READ));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.own_handle = true));
    refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.name = ""));
    assert_true(file_holds(path, 100, 100));
}

/* A bad argument is found before the file is touched. */
TEST(bad_arguments_create_nothing)
{
    const char *path = temp_path("not-there");
    for (uint32_t mode = MMF_OPEN_OR_CREATE; mode <= MMF_CREATE_NEW; mode++) {
        refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 10, .access = MMF_WRITE));
        refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 10, .share = 64));
        refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = mode, .capacity = 10, .name = ""));
        assert_false(file_exists(path));
    }
    const char *kept = pattern_file("kept", 100);
    refuse(MMF_EINVAL, kept, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 10, .access = MMF_WRITE));
    assert_true(file_holds(kept, 100, 100));
}

TEST(mode_open)
{
    refuse(MMF_ENOTFOUND, temp_path("not-there"), NULL);
    assert_same(ENOENT, mmf_last_error()->os_error);
    assert_string_equal(temp_path("not-there"), mmf_last_error()->path);
    refuse(MMF_ENOTFOUND, temp_path("no-directory/file"), NULL);
    refuse(MMF_ENOTFOUND, temp_path("no-directory/file"), MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 1));
    assert_false(file_exists(temp_path("not-there")));
    const char *path = pattern_file("plain", 12345);
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_non_null(map);
    assert_same(12345, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
    assert_null(map);
    assert_true(file_holds(path, 12345, 12345));
}

TEST(mode_open_or_create)
{
    const char *path = temp_path("new");
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 5000)));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_true(details.created);
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 5000, 0));
    write_pattern(path, 5000);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 6000)));
    assert_ok(mmf_map_info(&details, map));
    assert_false(details.created);
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 6000, 5000));
    unlink(path);
}

TEST(mode_create_drops_the_content)
{
    const char *path = pattern_file("old", 9000);
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 4000)));
    assert_same(4000, mmf_map_capacity(map));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 4000, 0));
    refuse(MMF_EEMPTY, temp_path("new"), MMF_MAP_OPTIONS(.mode = MMF_CREATE));
    assert_false(file_exists(temp_path("new")));
}

/* A capacity of 0 is known to be wrong before the old content is lost. */
TEST(mode_create_without_capacity_keeps_the_old_file)
{
    const char *path = pattern_file("old", 9000);
    refuse(MMF_EEMPTY, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE));
    assert_true(file_holds(path, 9000, 9000));
}

TEST(mode_create_with_live_views)
{
    const char *path = pattern_file("viewed", 9000);
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ, .share = share_all())));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_map_close(&map));
    refuse(MMF_EMAPPED, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 10, .share = share_all()));
    assert_true(file_holds(path, 9000, 9000));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = 10)));
    assert_ok(mmf_map_close(&map));
}

TEST(mode_create_new)
{
    const char *path = pattern_file("old", 100);
    refuse(MMF_EEXISTS, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 10));
    assert_true(file_holds(path, 100, 100));
    path = temp_path("created-new");
    refuse(MMF_EEMPTY, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW));
    assert_false(file_exists(path));
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 10)));
    assert_ok(mmf_map_close(&map));
    assert_true(file_holds(path, 10, 0));
    unlink(path);
}

/* What cannot grow or write may not create either: the new file would be empty. */
TEST(creating_with_read_access)
{
    static const uint32_t access[] = {MMF_READ, MMF_READ_EXECUTE, MMF_COPY_ON_WRITE};
    const char *path = temp_path("created-to-read");
    for (size_t i = 0; i < COUNT(access); i++) {
        refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .access = access[i], .capacity = 10));
        assert_false(file_exists(path));
        refuse(MMF_EINVAL, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .access = access[i], .capacity = 10));
        assert_false(file_exists(path));
    }
}

TEST(permissions_of_a_new_file)
{
    const char *path = temp_path("with-mode");
    struct stat about;
    mmf_map *map = NULL;
    mode_t before = umask(027);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 10)));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(0, stat(path, &about));
    assert_int_equal(0640, about.st_mode & 07777);
    unlink(path);
    assert_ok(
        mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 10, .permissions = 0606)));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(0, stat(path, &about));
    assert_int_equal(0606, about.st_mode & 07777);
    assert_ok(mmf_map_from_file(&map, path,
                                MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 10, .permissions = 0600)));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(0, stat(path, &about));
    assert_int_equal(0606, about.st_mode & 07777); /* an existing file keeps its own */
    umask(before);
    unlink(path);
}

/* --- What is not a file of bytes --------------------------------------------------------------------------------- */

TEST(directories)
{
    refuse(MMF_EACCESS, "/", NULL);
    refuse(MMF_EACCESS, "/", MMF_MAP_OPTIONS(.access = MMF_READ));
    refuse(MMF_EACCESS, "/", MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE));
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mmf_map *map = unset;
    assert_code(MMF_EACCESS, mmf_map_from_handle(&map, directory, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_null(map);
    close(directory);
}

/* A fifo without a writer would block an open for reading. */
TEST(fifos_do_not_block)
{
    const char *path = temp_path("fifo");
    assert_int_equal(0, mkfifo(path, 0666));
    alarm(20);
    refuse(MMF_ENOTSUP, path, NULL);
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.access = MMF_READ, .capacity = 10));
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.mode = MMF_OPEN_OR_CREATE, .capacity = 10));
    alarm(0);
    assert_true(file_exists(path));
    unlink(path);
    int ends[2];
    assert_int_equal(0, pipe(ends));
    mmf_map *map = unset;
    assert_code(MMF_ENOTSUP, mmf_map_from_handle(&map, ends[0], MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_null(map);
    assert_true(fcntl(ends[0], F_GETFD) >= 0);
    close(ends[0]);
    close(ends[1]);
}

TEST(sockets)
{
    const char *path = temp_path("s");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        skip_test("the temporary directory's name is too long for a socket");
    strcpy(address.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(0, bind(listener, (struct sockaddr *)&address, sizeof address));
    refuse(MMF_ENOTSUP, path, NULL);
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    mmf_map *map = unset;
    assert_code(MMF_ENOTSUP, mmf_map_from_handle(&map, listener, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_null(map);
    close(listener);
    unlink(path);
}

/* /dev/null cannot be mapped; /dev/zero can, as memory, and has no length of its own. */
TEST(character_devices)
{
    mmf_map *map = unset;
    int err = mmf_map_from_file(&map, "/dev/null", MMF_MAP_OPTIONS(.capacity = 4096));
    assert_true(err == MMF_ENOTSUP || err == MMF_EACCESS);
    assert_null(map);
    refuse(MMF_EEMPTY, "/dev/zero", NULL);
    err = mmf_map_from_file(&map, "/dev/zero", MMF_MAP_OPTIONS(.capacity = 10000));
    if (err == MMF_OK) {
        mmf_view *view = NULL;
        uint64_t value = 1;
        assert_same(10000, mmf_map_capacity(map));
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_ok(mmf_view_get_u64(view, 9990, &value));
        assert_same(0, value);
        assert_ok(mmf_view_put_u64(view, 9990, 7));
        assert_ok(mmf_view_get_u64(view, 9990, &value));
        assert_same(7, value);
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    } else {
        assert_int_equal(MMF_ENOTSUP, err);
        assert_null(map);
    }
}

TEST(block_devices)
{
    static struct mount loop;
    if (!loop_device(&loop, 3 * MIB))
        skip_test("no loop device");
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_file(&map, loop.device, NULL));
    assert_same(3 * MIB, mmf_map_capacity(map));
    assert_ok(mmf_view_open(&view, map, 2 * MIB + 5, 100, NULL));
    assert_ok(mmf_view_put_u32(view, 50, 0x12345678));
    assert_ok(mmf_view_flush(view, 0, 0, MMF_FLUSH_SYNC));
    assert_ok(mmf_map_sync(map));
    int err = mmf_map_resize(map, 4 * MIB);
    assert_true(err == MMF_EINVAL || err == MMF_ENOTSUP || err == MMF_ERANGE || err == MMF_ENOSPACE);
    assert_same(3 * MIB, mmf_map_capacity(map));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    int device = open(loop.device, O_RDONLY | O_CLOEXEC);
    uint32_t value = 0;
    assert_int_equal(4, pread(device, &value, 4, 2 * MIB + 55));
    assert_int_equal(0x12345678, value);
    close(device);
    refuse(MMF_ERANGE, loop.device, MMF_MAP_OPTIONS(.capacity = 2 * MIB));
    unmount(&loop);
}

/* --- Permissions -------------------------------------------------------------------------------------------------- */

static int open_as_nobody(void *argument)
{
    const char *path = argument;
    mmf_map *map = unset;
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 2;
    child_expect(mmf_map_from_file(&map, path, NULL) == MMF_EACCESS && !map);
    child_expect(mmf_last_error()->code == MMF_EACCESS && mmf_last_error()->os_error == EACCES);
    map = unset;
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)) == MMF_EACCESS &&
                 !map);
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_OK);
    mmf_view *view = NULL;
    child_expect(mmf_view_open(&view, map, 0, 0, NULL) == MMF_OK);
    unsigned char byte = 0;
    child_expect(mmf_view_get_u8(view, 50, &byte) == MMF_OK && byte == pattern(50));
    child_expect(mmf_view_close(&view) == MMF_OK && mmf_map_close(&map) == MMF_OK);
    child_expect(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE)) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    child_expect(file >= 0);
    child_expect(mmf_map_from_handle(&map, file, NULL) == MMF_EACCESS && !map);
    child_expect(mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_OK);
    child_expect(mmf_map_close(&map) == MMF_OK);
    close(file);
    return 0;
}

TEST(read_only_files)
{
    const char *path = pattern_file("read-only", 100);
    assert_int_equal(0, chmod(path, 0444));
    assert_int_equal(0, in_child(open_as_nobody, (void *)(uintptr_t)path));
    assert_true(file_holds(path, 100, 100));
    unlink(path);
}

static int open_unreadable_as_nobody(void *argument)
{
    mmf_map *map = unset;
    if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
        return 2;
    child_expect(mmf_map_from_file(&map, argument, MMF_MAP_OPTIONS(.access = MMF_READ)) == MMF_EACCESS && !map);
    child_expect(mmf_map_from_file(&map, argument, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE)) == MMF_EACCESS &&
                 !map);
    return 0;
}

TEST(unreadable_files)
{
    const char *path = pattern_file("unreadable", 100);
    assert_int_equal(0, chmod(path, 0000));
    assert_int_equal(0, in_child(open_unreadable_as_nobody, (void *)(uintptr_t)path));
    assert_int_equal(0, chmod(path, 0222));
    assert_int_equal(0, in_child(open_unreadable_as_nobody, (void *)(uintptr_t)path));
    unlink(path);
}

/* --- Handles ------------------------------------------------------------------------------------------------------ */

TEST(handles)
{
    const char *path = pattern_file("by-handle", 5000);
    int file = open(path, O_RDWR | O_CLOEXEC);
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_from_handle(&map, file, NULL));
    assert_same(5000, mmf_map_capacity(map));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_null(details.path);
    assert_same(0, details.share);
    assert_false(details.anonymous);
    assert_false(details.created);
    assert_int_equal(have(MMF_FEATURE_PRIVATE_SYNC), details.private_sync);
    close(file); /* the map has its own */
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_view_put_u8(view, 10, 0));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_sync(map));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(0, file_byte(path, 10));
}

TEST(handle_arguments)
{
    const char *path = pattern_file("by-handle", 5000);
    int file = open(path, O_RDWR | O_CLOEXEC);
    mmf_map *map = unset;
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.share = MMF_SHARE_READ)));
    assert_null(map);
    map = unset;
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.mode = MMF_CREATE)));
    assert_null(map);
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.access = MMF_WRITE)));
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.capacity = 6000, .access = MMF_READ)));
    assert_code(MMF_ERANGE, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.capacity = 4000)));
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, 12345, NULL));
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, -7, NULL));
    close(file);
    assert_code(MMF_EINVAL, mmf_map_from_handle(&map, file, NULL));
    assert_true(file_holds(path, 5000, 5000));
    file = open(path, O_WRONLY | O_CLOEXEC);
    assert_code(MMF_EACCESS, mmf_map_from_handle(&map, file, NULL));
    assert_code(MMF_EACCESS, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.access = MMF_READ)));
    close(file);
    file = open(path, O_RDONLY | O_CLOEXEC);
    assert_code(MMF_EACCESS, mmf_map_from_handle(&map, file, NULL));
    assert_code(MMF_EACCESS, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.access = MMF_READWRITE_EXECUTE)));
    assert_ok(mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.access = MMF_COPY_ON_WRITE)));
    assert_ok(mmf_map_close(&map));
    close(file);
}

static bool is_open(int file)
{
    return fcntl(file, F_GETFD) >= 0;
}

TEST(owned_handles)
{
    const char *path = pattern_file("owned", 5000);
    int file = open(path, O_RDWR | O_CLOEXEC);
    mmf_map *map = unset;
    mmf_view *view = NULL;
    assert_code(MMF_ERANGE, mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.own_handle = true, .capacity = 1)));
    assert_true(is_open(file)); /* on failure it stays the caller's */
    size_t before = open_descriptors();
    assert_ok(mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.own_handle = true)));
    assert_true(is_open(file));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_map_close(&map));
    assert_false(is_open(file)); /* closed with the map, even with live views */
    assert_ok(mmf_view_put_u8(view, 0, 200));
    assert_ok(mmf_view_close(&view));
    assert_same(before - 1, open_descriptors());
    assert_int_equal(200, file_byte(path, 0));
    file = open(path, O_RDWR | O_CLOEXEC);
    assert_ok(mmf_map_from_handle(&map, file, NULL));
    assert_ok(mmf_map_close(&map));
    assert_true(is_open(file));
    close(file);
}

TEST(unlinked_files)
{
    const char *path = pattern_file("unlinked", 5000);
    int file = open(path, O_RDWR | O_CLOEXEC);
    unlink(path);
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    unsigned char byte;
    assert_ok(mmf_map_from_handle(&map, file, MMF_MAP_OPTIONS(.capacity = 6000)));
    close(file);
    assert_ok(mmf_view_open(&view, map, 4999, 2, NULL));
    assert_ok(mmf_view_get_u8(view, 0, &byte));
    assert_int_equal(pattern(4999), byte);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    assert_false(file_exists(path));
}

TEST(the_handle_of_a_map)
{
    const char *path = pattern_file("plain", 100);
    mmf_map *map = NULL;
    mmf_os_handle handle = MMF_INVALID_HANDLE;
    struct stat of_path, of_handle;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_code(MMF_EINVAL, mmf_map_handle(NULL, map));
    assert_ok(mmf_map_handle(&handle, map));
    assert_int_equal(0, fstat((int)handle, &of_handle));
    assert_int_equal(0, stat(path, &of_path));
    assert_same(of_path.st_ino, of_handle.st_ino);
    assert_true(fcntl((int)handle, F_GETFD) & FD_CLOEXEC);
    assert_ok(mmf_map_close(&map));
    assert_int_equal(-1, fcntl((int)handle, F_GETFD));
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

TEST(anonymous_maps)
{
    mmf_map *map = unset;
    mmf_view *view = NULL, *other = NULL;
    assert_code(MMF_ERANGE, mmf_map_create(&map, NULL, 0, NULL));
    assert_null(map);
    map = unset;
    assert_code(MMF_ERANGE, mmf_map_create(&map, NULL, UINT64_MAX, NULL));
    assert_null(map);
    assert_code(MMF_ERANGE, mmf_map_create(&map, NULL, (uint64_t)1 << 63, NULL));
    assert_code(MMF_EINVAL, mmf_map_create(&map, NULL, 10, MMF_MAP_OPTIONS(.mode = MMF_CREATE)));
    assert_code(MMF_EINVAL, mmf_map_create(&map, NULL, 10, MMF_MAP_OPTIONS(.share = MMF_SHARE_READ)));
    assert_code(MMF_EINVAL, mmf_map_create(&map, NULL, 10, MMF_MAP_OPTIONS(.own_handle = true)));
    assert_code(MMF_EINVAL, mmf_map_create(&map, NULL, 10, MMF_MAP_OPTIONS(.access = MMF_WRITE)));
    assert_ok(mmf_map_create(&map, NULL, 10001, NULL));
    assert_same(10001, mmf_map_capacity(map));
    mmf_map_details details = {.struct_size = sizeof details};
    assert_ok(mmf_map_info(&details, map));
    assert_true(details.anonymous);
    assert_null(details.path);
    assert_null(details.name);
    assert_int_equal(MMF_READWRITE, details.access);
    assert_ok(mmf_view_open(&view, map, 1, 10000, NULL));
    assert_ok(mmf_view_open(&other, map, 0, 0, NULL));
    for (uint64_t at = 0; at < 10000; at += 999) {
        uint8_t byte = 1;
        assert_ok(mmf_view_get_u8(view, at, &byte));
        assert_int_equal(0, byte);
    }
    assert_ok(mmf_view_put_u32(view, 5000, 0xCAFEF00D));
    uint32_t value = 0;
    assert_ok(mmf_view_get_u32(other, 5001, &value));
    assert_int_equal(0xCAFEF00D, value);
    assert_ok(mmf_map_sync(map));
    assert_ok(mmf_view_close(&other));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

/* Read-only memory is zeros for ever; what can be said about it is that it can be mapped and not written. */
TEST(anonymous_maps_of_every_access)
{
    static const uint32_t access[] = {MMF_READ, MMF_READWRITE, MMF_COPY_ON_WRITE, MMF_READ_EXECUTE,
                                      MMF_READWRITE_EXECUTE};
    for (size_t i = 0; i < COUNT(access); i++) {
        mmf_map *map = NULL;
        mmf_view *view = NULL;
        uint64_t value = 1;
        assert_ok(mmf_map_create(&map, NULL, 100, MMF_MAP_OPTIONS(.access = access[i])));
        assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
        assert_ok(mmf_view_get_u64(view, 92, &value));
        assert_same(0, value);
        bool writable = access[i] != MMF_READ && access[i] != MMF_READ_EXECUTE;
        assert_code(writable ? MMF_OK : MMF_EACCESS, mmf_view_put_u64(view, 92, 5));
        assert_ok(mmf_view_close(&view));
        assert_ok(mmf_map_close(&map));
    }
}

TEST(names_are_not_part_of_this_version)
{
    mmf_map *map = unset;
    bool created = true;
    assert_code(MMF_EINVAL, mmf_map_create(&map, "", 10, NULL));
    assert_null(map);
    assert_code(MMF_ENOTSUP, mmf_map_create(&map, "a name", 10, NULL));
    map = unset;
    assert_code(MMF_EINVAL, mmf_map_create_or_open(&map, NULL, 10, NULL, &created));
    assert_null(map);
    assert_false(created);
    created = true;
    assert_code(MMF_EINVAL, mmf_map_create_or_open(&map, "", 10, NULL, &created));
    assert_false(created);
    assert_code(MMF_ENOTSUP, mmf_map_create_or_open(&map, "a name", 10, NULL, &created));
    assert_code(MMF_ENOTSUP, mmf_map_create_or_open(&map, "a name", 10, NULL, NULL));
    assert_code(MMF_EINVAL, mmf_map_create_or_open(NULL, "a name", 10, NULL, NULL));
    map = unset;
    assert_code(MMF_EINVAL, mmf_map_open(&map, NULL, NULL));
    assert_null(map);
    assert_code(MMF_EINVAL, mmf_map_open(&map, "", NULL));
    assert_code(MMF_ENOTSUP, mmf_map_open(&map, "a name", NULL));
    const char *path = pattern_file("plain", 100);
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.name = "a name"));
    refuse(MMF_ENOTSUP, temp_path("not-there"), MMF_MAP_OPTIONS(.name = "n", .mode = MMF_CREATE_NEW, .capacity = 5));
    assert_false(file_exists(temp_path("not-there")));
}

TEST(atomic_maps_are_not_part_of_this_version)
{
    const char *path = pattern_file("plain", 100);
    refuse(MMF_ENOTSUP, path, MMF_MAP_OPTIONS(.atomic = true));
    assert_true(file_holds(path, 100, 100));
    assert_true(mmf_map_from_file(&(mmf_map *){NULL}, path, MMF_MAP_OPTIONS(.reserve = 4096)) != MMF_OK);
    assert_true(mmf_map_from_file(&(mmf_map *){NULL}, path, MMF_MAP_OPTIONS(.shared_writers = true)) != MMF_OK);
    assert_true(mmf_map_from_file(&(mmf_map *){NULL}, path, MMF_MAP_OPTIONS(.journal_path = "j")) != MMF_OK);
}

TEST(nothing_is_left_open)
{
    const char *path = pattern_file("plain", 100);
    mmf_map *map = NULL;
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_ok(mmf_map_close(&map));
    size_t before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        assert_ok(mmf_map_from_file(&map, path, NULL));
        assert_ok(mmf_map_close(&map));
        refuse(MMF_ERANGE, path, MMF_MAP_OPTIONS(.capacity = 5));
        refuse(MMF_EACCESS, "/", NULL);
        refuse(MMF_EEMPTY, temp_path("n"), MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW));
        refuse(MMF_EEXISTS, path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 5));
        assert_ok(mmf_map_create(&map, NULL, 5, NULL));
        assert_ok(mmf_map_close(&map));
    }
    assert_same(before, open_descriptors());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(null_arguments),
        unit(option_values),
        unit(bad_arguments_create_nothing),
        unit(mode_open),
        unit(mode_open_or_create),
        unit(mode_create_drops_the_content),
        unit(mode_create_without_capacity_keeps_the_old_file),
        unit(mode_create_with_live_views),
        unit(mode_create_new),
        unit(creating_with_read_access),
        unit(permissions_of_a_new_file),
        unit(directories),
        unit(fifos_do_not_block),
        unit(sockets),
        unit(character_devices),
        unit(block_devices),
        unit(read_only_files),
        unit(unreadable_files),
        unit(handles),
        unit(handle_arguments),
        unit(owned_handles),
        unit(unlinked_files),
        unit(the_handle_of_a_map),
        unit(anonymous_maps),
        unit(anonymous_maps_of_every_access),
        unit(names_are_not_part_of_this_version),
        unit(atomic_maps_are_not_part_of_this_version),
        unit(nothing_is_left_open),
    };
    return run_group(tests);
}
