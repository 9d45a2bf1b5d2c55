/* os_file.c: the calls that open, describe, read and write files. */
#define _DEFAULT_SOURCE

#include "os_support.h"

static void open_creates_once(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file = MMF_INVALID_HANDLE;
    char path[128];
    make_path(path, sizeof path, scratch, "other");
    assert_int_equal(os.open(&file, path, READ_WRITE, 0), ENOENT);
    assert_int_equal(file, MMF_INVALID_HANDLE);
    assert_int_equal(os.open(&file, path, READ_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, 0600), 0);
    fill_file(file, 0, 'a', 1);
    assert_int_equal(os.close(file), 0);
    file = MMF_INVALID_HANDLE;
    assert_int_equal(os.open(&file, path, READ_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, 0600), EEXIST);
    assert_int_equal(file, MMF_INVALID_HANDLE);
    assert_int_equal(os.open(&file, path, READ_WRITE | OS_OPEN_CREATE, 0600), 0);
    assert_int_equal(byte_at(file, 0), 'a'); /* what is there stays */
    assert_int_equal(os.close(file), 0);
}

static void open_refuses_nonsense(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file = MMF_INVALID_HANDLE;
    assert_int_equal(os.open(&file, scratch->path, 0, 0), EINVAL);
    assert_int_equal(os.open(&file, scratch->path, OS_OPEN_READ | OS_OPEN_EXCLUSIVE, 0), EINVAL);
    assert_int_equal(os.open(&file, scratch->directory, READ_WRITE, 0), EISDIR);
    assert_int_equal(os.open(&file, "", OS_OPEN_READ, 0), ENOENT);
    assert_int_equal(file, MMF_INVALID_HANDLE);
}

static void open_takes_access_and_permissions(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file;
    struct stat status;
    char path[128];
    make_path(path, sizeof path, scratch, "other");
    mode_t mask = umask(027);
    int error = os.open(&file, path, OS_OPEN_WRITE | OS_OPEN_CREATE, 0666);
    umask(mask);
    assert_int_equal(error, 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    assert_int_equal(fcntl((int)file, F_GETFL) & O_ACCMODE, O_WRONLY);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.open(&file, path, OS_OPEN_READ, 0), 0);
    assert_int_equal(fcntl((int)file, F_GETFL) & O_ACCMODE, O_RDONLY);
    assert_int_equal(os.close(file), 0);
}

static void handles_are_closed_on_exec_unless_inherited(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file;
    assert_int_equal(fcntl((int)scratch->file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(os.open(&file, scratch->path, OS_OPEN_READ | OS_OPEN_INHERIT, 0), 0);
    assert_int_equal(fcntl((int)file, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.duplicate(&file, scratch->file, false), 0);
    assert_int_equal(fcntl((int)file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.duplicate(&file, scratch->file, true), 0);
    assert_int_equal(fcntl((int)file, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(os.close(file), 0);
}

static int open_without_standard_streams(void *argument)
{
    struct scratch *scratch = argument;
    mmf_os_handle file[4];
    for (int stream = 0; stream < 3; stream++)
        close(stream);
    if (os.open(&file[0], scratch->path, OS_OPEN_READ | OS_OPEN_INHERIT, 0) != 0 ||
        os.duplicate(&file[1], scratch->file, false) != 0 || os.memory_file(&file[2], 0, false, false) != 0 ||
        os.open(&file[3], scratch->path, OS_OPEN_READ, 0) != 0)
        return 1;
    for (int i = 0; i < 4; i++) {
        if (file[i] < 3)
            return 2;
        if (!(fcntl((int)file[i], F_GETFD) & FD_CLOEXEC) != (i == 0))
            return 3;
    }
    for (int stream = 0; stream < 3; stream++) {
        if (fcntl(stream, F_GETFD) >= 0)
            return 4;
    }
    return 0;
}

static void handles_never_become_standard_streams(void **state)
{
    assert_int_equal(in_child(open_without_standard_streams, *state), 0);
}

static void a_pipe_does_not_block(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file = MMF_INVALID_HANDLE;
    char path[128];
    make_path(path, sizeof path, scratch, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20); /* a blocked open would wait for ever */
    assert_int_equal(os.open(&file, path, OS_OPEN_WRITE, 0), ENXIO);
    assert_int_equal(os.open(&file, path, OS_OPEN_READ, 0), 0);
    alarm(0);
    assert_int_equal(about(file).kind, OS_FILE_OTHER);
    assert_int_equal(os.close(file), 0);
}

static void duplicate_is_the_same_open_file(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle copy = MMF_INVALID_HANDLE;
    assert_int_equal(os.duplicate(&copy, scratch->file, false), 0);
    assert_int_equal(lseek((int)copy, 5, SEEK_SET), 5);
    assert_int_equal(lseek((int)scratch->file, 0, SEEK_CUR), 5);
    assert_int_equal(os.close(copy), 0);
    copy = MMF_INVALID_HANDLE;
    assert_int_equal(os.duplicate(&copy, closed_handle(), false), EBADF);
    assert_int_equal(os.duplicate(&copy, MMF_INVALID_HANDLE, false), EBADF);
    assert_int_equal(copy, MMF_INVALID_HANDLE);
}

static void a_handle_is_not_cut_to_an_int(void **state)
{
    struct scratch *scratch = *state;
    struct os_file_info info;
    if (sizeof(mmf_os_handle) == sizeof(int)) {
        print_message("a handle is an int here\n");
        skip();
    }
    mmf_os_handle wrong = (mmf_os_handle)((uint64_t)1 << 32 | (uint64_t)scratch->file);
    assert_int_equal(os.describe(&info, wrong), EBADF);
    assert_int_equal(os.close(wrong), EBADF);
    assert_int_equal(os.describe(&info, scratch->file), 0);
}

static void reopen_opens_the_inode_once_more(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle copy = MMF_INVALID_HANDLE;
    fill_file(scratch->file, 0, 'r', 8);
    assert_int_equal(os.remove(scratch->path), 0);
    if (!supported(os.reopen(&copy, scratch->file, OS_OPEN_READ), MMF_FEATURE_PRIVATE_SYNC, scratch))
        return;
    struct os_file_info first = about(scratch->file), second = about(copy);
    assert_int_equal(first.inode, second.inode);
    assert_true(second.readable && !second.writable);
    assert_int_equal(byte_at(copy, 7), 'r');
    assert_int_equal(lseek((int)copy, 5, SEEK_SET), 5);
    assert_int_equal(lseek((int)scratch->file, 0, SEEK_CUR), 0); /* a description of its own */
    assert_int_equal(fcntl((int)copy, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(os.close(copy), 0);
    copy = MMF_INVALID_HANDLE;
    assert_int_equal(os.reopen(&copy, scratch->file, READ_WRITE | OS_OPEN_CREATE), EINVAL);
    assert_int_equal(os.reopen(&copy, scratch->file, 0), EINVAL);
    assert_int_equal(os.reopen(&copy, closed_handle(), OS_OPEN_READ), EBADF);
    assert_int_equal(copy, MMF_INVALID_HANDLE);
}

static void close_closes(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file = scratch->file;
    scratch->file = MMF_INVALID_HANDLE;
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.close(file), EBADF);
    assert_int_equal(os.close(MMF_INVALID_HANDLE), EBADF);
}

static void describe_tells_what_a_file_is(void **state)
{
    struct scratch *scratch = *state;
    struct stat status;
    mmf_os_handle other;
    char path[128];
    fill_file(scratch->file, 0, 'd', 10000);
    assert_int_equal(os.sync(scratch->file), 0); /* delayed blocks are not counted before */
    struct os_file_info info = about(scratch->file);
    assert_int_equal(fstat((int)scratch->file, &status), 0);
    assert_int_equal(info.kind, OS_FILE_REGULAR);
    assert_int_equal(info.size, 10000);
    assert_in_range(info.allocated, 10000, 1 << 20);
    assert_int_equal(info.device, status.st_dev);
    assert_int_equal(info.inode, status.st_ino);
    assert_int_equal(info.links, 1);
    assert_int_equal(info.page_size, os.page_size());
    assert_true(info.readable && info.writable);

    make_path(path, sizeof path, scratch, "link");
    assert_int_equal(link(scratch->path, path), 0);
    assert_int_equal(about(scratch->file).links, 2);
    assert_int_equal(os.open(&other, path, OS_OPEN_WRITE, 0), 0);
    info = about(other);
    assert_true(!info.readable && info.writable);
    assert_int_equal(info.inode, status.st_ino);
    assert_int_equal(os.close(other), 0);
    assert_int_equal(os.open(&other, path, OS_OPEN_READ, 0), 0);
    info = about(other);
    assert_true(info.readable && !info.writable);
    assert_int_equal(os.close(other), 0);
}

static void describe_tells_the_kind(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle file;
    struct os_file_info info;
    assert_int_equal(os.open(&file, scratch->directory, OS_OPEN_READ, 0), 0);
    assert_int_equal(about(file).kind, OS_FILE_DIRECTORY);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.open(&file, "/dev/null", READ_WRITE, 0), 0);
    info = about(file);
    assert_int_equal(info.kind, OS_FILE_CHARACTER);
    assert_int_equal(info.size, 0);
    assert_int_equal(os.close(file), 0);
    memset(&info, 0x5a, sizeof info);
    assert_int_equal(os.describe(&info, closed_handle()), EBADF);
    for (size_t i = 0; i < sizeof info; i++)
        assert_int_equal(((unsigned char *)&info)[i], 0x5a); /* nothing is written on failure */
}

static void set_permissions_is_exact(void **state)
{
    struct scratch *scratch = *state;
    struct stat status;
    mode_t mask = umask(077);
    int error = os.set_permissions(scratch->file, 0664);
    umask(mask);
    assert_int_equal(error, 0);
    assert_int_equal(stat(scratch->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0664);
    assert_int_equal(os.set_permissions(closed_handle(), 0600), EBADF);
}

static void remove_removes_a_name(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(os.remove(scratch->path), 0);
    assert_int_equal(access(scratch->path, F_OK), -1);
    assert_int_equal(about(scratch->file).links, 0);
    assert_int_equal(os.remove(scratch->path), ENOENT);
}

static void identify_follows_links(void **state)
{
    struct scratch *scratch = *state;
    uint64_t device = 1, inode = 2;
    char path[128];
    make_path(path, sizeof path, scratch, "link");
    assert_int_equal(symlink("file", path), 0);
    struct os_file_info info = about(scratch->file);
    assert_int_equal(os.identify(&device, &inode, path), 0);
    assert_int_equal(device, info.device);
    assert_int_equal(inode, info.inode);
    assert_int_equal(os.remove(path), 0); /* the link, not the file */
    device = inode = 3;
    assert_int_equal(os.identify(&device, &inode, path), ENOENT);
    assert_true(device == 3 && inode == 3);
    assert_int_equal(os.identify(&device, &inode, scratch->path), 0);
}

static void reads_and_writes_by_offset(void **state)
{
    struct scratch *scratch = *state;
    unsigned char bytes[16];
    size_t done = 99;
    const uint64_t far = UINT64_C(5) << 30; /* needs more than 32 bits */
    assert_int_equal(os.write_at(&done, scratch->file, 3, "hello", 5), 0);
    assert_int_equal(done, 5);
    assert_int_equal(os.read_at(&done, scratch->file, 0, bytes, sizeof bytes), 0);
    assert_int_equal(done, 8); /* short at the end */
    assert_memory_equal(bytes, "\0\0\0hello", 8);
    assert_int_equal(os.read_at(&done, scratch->file, 8, bytes, sizeof bytes), 0);
    assert_int_equal(done, 0);
    assert_int_equal(os.write_at(&done, scratch->file, far, "x", 1), 0);
    assert_int_equal(about(scratch->file).size, far + 1);
    assert_int_equal(byte_at(scratch->file, far), 'x');
    assert_int_equal(lseek((int)scratch->file, 0, SEEK_CUR), 0);
}

static void reading_and_writing_fail_without_results(void **state)
{
    struct scratch *scratch = *state;
    unsigned char byte = 0;
    size_t done = 99;
    mmf_os_handle file;
    const uint64_t beyond = UINT64_C(1) << 63;
    assert_int_equal(os.read_at(&done, closed_handle(), 0, &byte, 1), EBADF);
    assert_int_equal(os.write_at(&done, closed_handle(), 0, &byte, 1), EBADF);
    assert_int_equal(os.read_at(&done, scratch->file, beyond, &byte, 1), EOVERFLOW);
    assert_int_equal(os.write_at(&done, scratch->file, beyond, &byte, 1), EFBIG);
    assert_int_equal(os.read_at(&done, scratch->file, UINT64_MAX, &byte, 1), EOVERFLOW);
    assert_int_equal(os.write_at(&done, scratch->file, UINT64_MAX, &byte, 1), EFBIG);
    assert_int_equal(os.open(&file, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.write_at(&done, file, 0, &byte, 1), EBADF);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(done, 99);
    assert_int_equal(about(scratch->file).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(open_creates_once),
        ON_BOTH(open_refuses_nonsense),
        ON_BOTH(open_takes_access_and_permissions),
        ON_BOTH(handles_are_closed_on_exec_unless_inherited),
        ON_BOTH(handles_never_become_standard_streams),
        ON_BOTH(a_pipe_does_not_block),
        ON_BOTH(duplicate_is_the_same_open_file),
        ON_BOTH(a_handle_is_not_cut_to_an_int),
        ON_BOTH(reopen_opens_the_inode_once_more),
        ON_BOTH(close_closes),
        ON_BOTH(describe_tells_what_a_file_is),
        ON_BOTH(describe_tells_the_kind),
        ON_BOTH(set_permissions_is_exact),
        ON_BOTH(remove_removes_a_name),
        ON_BOTH(identify_follows_links),
        ON_BOTH(reads_and_writes_by_offset),
        ON_BOTH(reading_and_writing_fail_without_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
