/*
 * os_linux.c: what only the Linux back end has, and how it gets along with older kernels and with containers.
 *
 * A child process puts a seccomp filter over itself that answers one system call, or one argument of it, the way an
 * older kernel (ENOSYS, EINVAL) or a container (EPERM) would, and checks the way round.
 */
#define _GNU_SOURCE

#include "os_support.h"

#if !defined(MMF_OS_linux)

int main(void)
{
    puts("skipped: this is not the Linux back end");
    return 77;
}

#else

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if !defined(SYS_cachestat)
#define SYS_cachestat 451
#endif
#define POPULATE_READ 22
#define COLD 20
#define EXECUTION_FLAGS 0x18 /* MFD_NOEXEC_SEAL and MFD_EXEC */
#define SELF (-10000)        /* PIDFD_SELF */

enum match { ALWAYS, EQUAL, ANY_BIT };

struct old_kernel {
    long call;
    enum match match;
    unsigned argument; /* which one, */
    uint32_t value;    /* and what its lower half is or has */
    int error;
    int (*body)(void);
};

static bool put_filter(const struct old_kernel *old)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint32_t half = 0;
#else
    const uint32_t half = 4;
#endif
    const uint32_t argument = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * old->argument) + half;
    const uint16_t test = BPF_JMP | BPF_K | (old->match == ANY_BIT ? BPF_JSET : BPF_JEQ);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)old->call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
        BPF_JUMP(test, old->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)old->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    if (old->match == ALWAYS)
        filter[3] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 0, 0, 0);
    const struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define CANNOT_FILTER 99

static int run_on_old_kernel(void *argument)
{
    const struct old_kernel *old = argument;
    return put_filter(old) ? old->body() : CANNOT_FILTER;
}

static void on_old_kernel(const struct old_kernel *old)
{
    int result = in_child(run_on_old_kernel, (void *)(uintptr_t)old);
    if (result == CANNOT_FILTER) {
        print_message("no seccomp filters here\n");
        skip();
    }
    if (result != 0)
        fail_msg("system call %ld, error %d: see the line above", old->call, old->error);
}

/* In the child, where cmocka's assertions would run the rest of the tests once more. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                                    \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

static int memory_files_work(void)
{
    mmf_os_handle file;
    size_t done = 0;
    unsigned char byte = 0;
    for (int execute = 0; execute < 2; execute++) {
        for (int inherit = 0; inherit < 2; inherit++) {
            REQUIRE(os.memory_file(&file, 0, execute, inherit) == 0);
            REQUIRE(((fcntl((int)file, F_GETFD) & FD_CLOEXEC) == 0) == (inherit == 1));
            REQUIRE(os.resize(file, 10) == 0);
            REQUIRE(os.write_at(&done, file, 9, "m", 1) == 0 && done == 1);
            REQUIRE(os.read_at(&done, file, 9, &byte, 1) == 0 && byte == 'm');
            REQUIRE(os.close(file) == 0);
        }
    }
    return 0;
}

static int memory_files_without_huge_pages_work(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 1, false, false) == ENOTSUP);
    REQUIRE(os.memory_file(&file, 1 << 21, false, false) == ENOTSUP);
    REQUIRE(os.capability(MMF_FEATURE_HUGE_PAGES) == ENOTSUP);
    return memory_files_work();
}

static void memory_files_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel before_6_3 = {SYS_memfd_create, ANY_BIT, 1, EXECUTION_FLAGS, EINVAL, memory_files_work};
    const struct old_kernel before_4_14 = {SYS_memfd_create,    ANY_BIT, 1,
                                           4 | EXECUTION_FLAGS, EINVAL,  memory_files_without_huge_pages_work};
    const struct old_kernel before_3_17 = {
        SYS_memfd_create, ALWAYS, 0, 0, ENOSYS, memory_files_without_huge_pages_work};
    on_old_kernel(&before_6_3);
    on_old_kernel(&before_4_14);
    on_old_kernel(&before_3_17);
}

static int no_cache_counts(void)
{
    mmf_os_handle file;
    struct os_cache cache = {1, 2, 3};
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.cache(&cache, file, 0, 1) == ENOTSUP);
    REQUIRE(os.cache(&cache, file, 0, 1) == ENOTSUP);
    REQUIRE(os.capability(MMF_FEATURE_DIRTY_COUNT) == ENOTSUP);
    REQUIRE(cache.resident == 1 && cache.dirty == 2 && cache.writeback == 3);
    return 0;
}

static void cache_counts_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel before_6_5 = {SYS_cachestat, ALWAYS, 0, 0, ENOSYS, no_cache_counts};
    const struct old_kernel container = {SYS_cachestat, ALWAYS, 0, 0, EPERM, no_cache_counts};
    on_old_kernel(&before_6_5);
    on_old_kernel(&container);
}

static int prefetch_works(bool batch)
{
    mmf_os_handle file;
    void *address = NULL;
    const size_t page = os.page_size();
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.resize(file, 4 * page) == 0);
    REQUIRE(os.map(&address, 4 * page, OS_PROTECT_READ, OS_MAP_SHARED, file, 0) == 0);
    const struct os_memory_range ranges[] = {{address, page}, {(unsigned char *)address + 2 * page, page}};
    const struct os_memory_range wrong[] = {{address, page}, {(unsigned char *)address + 1, page}};
    const int descriptor = dup(0);
    close(descriptor);
    for (int i = 0; i < 3; i++) {
        REQUIRE(os.prefetch(ranges, 2) == 0);
        REQUIRE(os.prefetch(wrong, 2) == EINVAL);
    }
    REQUIRE((os.capability(MMF_FEATURE_BATCH_PREFETCH) == 0) == batch);
    REQUIRE(dup(0) == descriptor); /* none was left open */
    return 0;
}

static int prefetch_in_one_call(void)
{
    return prefetch_works(true);
}

static int prefetch_in_a_loop(void)
{
    return prefetch_works(false);
}

/* The loop would fail here. */
static int prefetch_never_loops(void)
{
    mmf_os_handle file;
    void *address = NULL;
    const size_t page = os.page_size();
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.resize(file, 2 * page) == 0);
    REQUIRE(os.map(&address, 2 * page, OS_PROTECT_READ, OS_MAP_SHARED, file, 0) == 0);
    const struct os_memory_range ranges[] = {{address, page}, {(unsigned char *)address + page, page}};
    REQUIRE(os.advise(address, page, OS_ADVISE_WILL_NEED) == EIO);
    REQUIRE(os.prefetch(ranges, 2) == 0);
    return 0;
}

static int has_batch_prefetch(void *argument)
{
    (void)argument;
    return os.capability(MMF_FEATURE_BATCH_PREFETCH) == 0;
}

static void prefetch_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel before_6_14 = {SYS_process_madvise, EQUAL, 0, (uint32_t)SELF, EBADF, prefetch_in_one_call};
    const struct old_kernel before_5_10 = {SYS_process_madvise, ALWAYS, 0, 0, ENOSYS, prefetch_in_a_loop};
    const struct old_kernel no_loop = {SYS_madvise, EQUAL, 2, 3 /* MADV_WILLNEED */, EIO, prefetch_never_loops};
    const struct old_kernel no_right = {SYS_process_madvise, ALWAYS, 0, 0, EPERM, prefetch_in_a_loop};
    on_old_kernel(&before_5_10);
    on_old_kernel(&no_right);
    /* Asked in a child: the others would inherit what their parent has found out. */
    if (in_child(has_batch_prefetch, NULL)) {
        on_old_kernel(&before_6_14);
        on_old_kernel(&no_loop);
    } else {
        print_message("this kernel has no process_madvise for oneself\n");
    }
}

static int no_marks(void)
{
    mmf_os_handle file;
    bool held = true;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.mark(file, 0, 1, false) == ENOTSUP);
    REQUIRE(os.unmark(file, 0, 1) == ENOTSUP);
    REQUIRE(os.test_mark(&held, file, 0, 1) == ENOTSUP && held);
    REQUIRE(os.capability(MMF_FEATURE_SHARE_MODES) == ENOTSUP);
    return 0;
}

/* OFD commands are 36 to 38: bit 5 tells them from every other this test uses. */
static void marks_on_old_kernels(void **state)
{
    (void)state;
#if defined(SYS_fcntl64)
    const long call = SYS_fcntl64;
#else
    const long call = SYS_fcntl;
#endif
    const struct old_kernel before_3_15 = {call, ANY_BIT, 1, 32, EINVAL, no_marks};
    const struct old_kernel no_server = {call, ANY_BIT, 1, 32, ENOLCK, no_marks};
    on_old_kernel(&before_3_15);
    on_old_kernel(&no_server);
}

static int no_reserving(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.reserve(file, 0, 1, false) == ENOTSUP);
    REQUIRE(os.punch(file, 0, 1) == ENOTSUP);
    REQUIRE(os.capability(MMF_FEATURE_RESERVE) == ENOTSUP);
    REQUIRE(os.capability(MMF_FEATURE_PUNCH) == ENOTSUP);
    return 0;
}

static int no_extents(void)
{
    mmf_os_handle file;
    uint64_t found = 7;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.resize(file, 10) == 0);
    REQUIRE(os.seek_extent(&found, file, 0, true) == ENOTSUP && found == 7);
    return 0;
}

static void storage_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel file_system = {SYS_fallocate, ALWAYS, 0, 0, EOPNOTSUPP, no_reserving};
    const struct old_kernel kernel = {SYS_fallocate, ALWAYS, 0, 0, ENOSYS, no_reserving};
    on_old_kernel(&file_system);
    on_old_kernel(&kernel);
    if (sizeof(long) == 8) { /* 32 bits: _llseek */
        const struct old_kernel before_3_1 = {SYS_lseek, EQUAL, 2, SEEK_DATA, EINVAL, no_extents};
        on_old_kernel(&before_3_1);
    }
}

static int file_systems_without_directory_sync(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.sync_directory("/dev/shm/file") == 0);
    REQUIRE(os.sync(file) == EINVAL); /* of a file it is an error */
    return 0;
}

static int failing_sync(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.sync(file) == EIO);
    REQUIRE(os.sync_directory("/dev/shm/file") == EIO);
    return 0;
}

static int failing_write_back(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.write_back(file, 0, 1, OS_FLUSH_WAIT) == EIO);
    REQUIRE(os.write_back(file, 0, 0, OS_FLUSH_WAIT) == 0); /* the kernel is not asked: it takes 0 for everything */
    return 0;
}

static int no_write_back(void)
{
    mmf_os_handle file;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.write_back(file, 0, 1, OS_FLUSH_START) == ENOTSUP);
    return 0;
}

static void syncs_that_fail(void **state)
{
    (void)state;
    const struct old_kernel directory = {SYS_fsync, ALWAYS, 0, 0, EINVAL, file_systems_without_directory_sync};
    const struct old_kernel device = {SYS_fsync, ALWAYS, 0, 0, EIO, failing_sync};
    const struct old_kernel range = {SYS_sync_file_range, ALWAYS, 0, 0, EIO, failing_write_back};
    const struct old_kernel kernel = {SYS_sync_file_range, ALWAYS, 0, 0, ENOSYS, no_write_back};
    on_old_kernel(&directory);
    on_old_kernel(&device);
    on_old_kernel(&range);
    on_old_kernel(&kernel);
}

static void *shared_page(size_t page)
{
    void *address = NULL;
    return os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED | OS_MAP_ANONYMOUS, MMF_INVALID_HANDLE, 0) == 0
               ? address
               : NULL;
}

static int no_populate(void)
{
    const size_t page = os.page_size();
    REQUIRE(os.populate(shared_page(page), page) == ENOTSUP);
    REQUIRE(os.advise(shared_page(page), page, OS_ADVISE_WILL_NEED) == 0);
    return 0;
}

static int no_cold(void)
{
    const size_t page = os.page_size();
    REQUIRE(os.advise(shared_page(page), page, OS_ADVISE_COLD) == ENOTSUP);
    REQUIRE(os.advise(shared_page(page), page, OS_ADVISE_WILL_NEED) == 0);
    return 0;
}

static int promises_are_not_made(void)
{
    const size_t page = os.page_size();
    REQUIRE(os.populate(shared_page(page), page) == ENOTSUP);
    REQUIRE(os.capability(MMF_FEATURE_NOT_INHERITED) == ENOTSUP);
    REQUIRE(os.advise(shared_page(page), page, OS_ADVISE_WILL_NEED) == 0); /* advice may always be ignored */
    return 0;
}

/* A place that was the caller's stays mapped, or another thread could be given it; a new one is unmapped again. */
static int unmapped_again(void)
{
    const size_t page = os.page_size();
    const unsigned mapping = OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_NOT_INHERIT;
    void *address = shared_page(page);
    void *before = address;
    REQUIRE(address);
    REQUIRE(os.map(&address, page, OS_PROTECT_READ, mapping | OS_MAP_FIXED, MMF_INVALID_HANDLE, 0) == ENOMEM);
    REQUIRE(address == before);
    REQUIRE(can_read(address));
    REQUIRE(os.unmap(address, page) == 0);
    REQUIRE(os.map(&address, page, OS_PROTECT_READ, mapping, MMF_INVALID_HANDLE, 0) == ENOMEM);
    REQUIRE(address == before); /* which the kernel takes as the hint it is: the place is free */
    REQUIRE(!can_read(address));
    return 0;
}

static void advice_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel before_5_14 = {SYS_madvise, EQUAL, 2, POPULATE_READ, EINVAL, no_populate};
    const struct old_kernel before_5_4 = {SYS_madvise, EQUAL, 2, COLD, EINVAL, no_cold};
    const struct old_kernel emulator = {SYS_madvise, ALWAYS, 0, 0, 0, promises_are_not_made};
    const struct old_kernel no_fork_advice = {SYS_madvise, EQUAL, 2, 10 /* MADV_DONTFORK */, ENOMEM, unmapped_again};
    on_old_kernel(&before_5_14);
    on_old_kernel(&before_5_4);
    on_old_kernel(&no_fork_advice);
    on_old_kernel(&emulator);
}

static int no_checked_copies(void)
{
    size_t done = 9;
    char from = 'f', to = 't';
    REQUIRE(os.copy_checked(&done, &to, &from, 1, false) == ENOTSUP);
    REQUIRE(done == 9 && to == 't');
    REQUIRE(os.capability(MMF_FEATURE_NO_SIGNAL) == ENOTSUP);
    return 0;
}

static void checked_copies_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel kernel = {SYS_process_vm_readv, ALWAYS, 0, 0, ENOSYS, no_checked_copies};
    const struct old_kernel container = {SYS_process_vm_readv, ALWAYS, 0, 0, EPERM, no_checked_copies};
    on_old_kernel(&kernel);
    on_old_kernel(&container);
}

static int no_reopening(void)
{
    mmf_os_handle file, copy = 5;
    REQUIRE(os.memory_file(&file, 0, false, false) == 0);
    REQUIRE(os.reopen(&copy, file, OS_OPEN_READ) == ENOTSUP && copy == 5);
    REQUIRE(os.capability(MMF_FEATURE_PRIVATE_SYNC) == ENOTSUP);
    return 0;
}

static int random_without_the_call(void)
{
    unsigned char bytes[600] = {0};
    size_t zeros = 0;
    REQUIRE(os.random(bytes, sizeof bytes) == 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        zeros += bytes[i] == 0;
    REQUIRE(zeros < 100);
    return 0;
}

static void proc_and_random_on_old_kernels(void **state)
{
    (void)state;
    const struct old_kernel no_proc = {SYS_openat, ALWAYS, 0, 0, ENOENT, no_reopening};
    const struct old_kernel before_3_17 = {SYS_getrandom, ALWAYS, 0, 0, ENOSYS, random_without_the_call};
    on_old_kernel(&no_proc);
    on_old_kernel(&before_3_17);
}

static char reader_path[] = "/dev/shm/mmf-os-XXXXXX";

static int residency_without_faccessat2(void)
{
    mmf_os_handle file;
    void *address = NULL;
    unsigned char page[1];
    REQUIRE(os.open(&file, reader_path, OS_OPEN_READ, 0) == 0);
    REQUIRE(os.map(&address, os.page_size(), OS_PROTECT_READ, OS_MAP_SHARED, file, 0) == 0);
    REQUIRE(os.resident(page, address, os.page_size(), file) == 0);
    REQUIRE(setgid(65534) == 0 && setuid(65534) == 0);
    REQUIRE(os.resident(page, address, os.page_size(), file) == EACCES);
    return 0;
}

static void residency_on_old_kernels(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root, to become somebody else\n");
        skip();
    }
    int descriptor = mkstemp(reader_path);
    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, (off_t)os.page_size()), 0);
    assert_int_equal(fchmod(descriptor, 0644), 0);
    close(descriptor);
    const struct old_kernel before_5_8 = {439 /* faccessat2 */, ALWAYS, 0, 0, ENOSYS, residency_without_faccessat2};
    int result = in_child(run_on_old_kernel, (void *)(uintptr_t)&before_5_8);
    unlink(reader_path);
    if (result == CANNOT_FILTER)
        skip();
    assert_int_equal(result, 0);
}

static void a_path_handle_neither_reads_nor_writes(void **state)
{
    (void)state;
    int descriptor = open("/dev/shm", O_PATH | O_CLOEXEC);
    assert_true(descriptor >= 0);
    struct os_file_info info = about(descriptor);
    assert_int_equal(info.kind, OS_FILE_DIRECTORY);
    assert_true(!info.readable && !info.writable);
    close(descriptor);
}

/* A block device tells its capacity, and the shared position of its handle stays. Needs a loop device, so root. */
static void a_block_device_tells_its_capacity(void **state)
{
    (void)state;
    char image[] = "./mmf-os-XXXXXX", command[128], device[64] = "";
    mmf_os_handle file;
    int descriptor = geteuid() == 0 ? mkstemp(image) : -1;
    if (descriptor < 0) {
        print_message("needs root, for a loop device\n");
        skip();
    }
    assert_int_equal(ftruncate(descriptor, 1 << 20), 0);
    close(descriptor);
    snprintf(command, sizeof command, "losetup --find --show %s 2>/dev/null", image);
    FILE *losetup = popen(command, "r");
    assert_non_null(losetup);
    if (fscanf(losetup, "%63s", device) != 1)
        device[0] = 0;
    pclose(losetup);
    if (!device[0]) {
        unlink(image);
        print_message("no loop device is to be had\n");
        skip();
    }
    struct os_file_info info = {0};
    int opened = os.open(&file, device, OS_OPEN_READ, 0);
    int described = opened ? opened : os.describe(&info, file);
    off_t position = opened ? -1 : lseek((int)file, 0, SEEK_CUR);
    if (!opened)
        os.close(file);
    snprintf(command, sizeof command, "losetup --detach %s", device);
    int detached = system(command);
    unlink(image);
    assert_int_equal(detached, 0);
    assert_int_equal(described, 0);
    assert_int_equal(info.kind, OS_FILE_BLOCK);
    assert_int_equal(info.size, 1 << 20);
    assert_int_equal(info.storage, OS_STORAGE_UNKNOWN);
    assert_int_equal(position, 0);
}

/* The filter answers EIO to fallocate(): a reservation that is tried shows it, one that is hopeless does not. */
static int reserve_hopelessly(void)
{
    struct os_file_info info;
    mmf_os_handle file;
    REQUIRE(os.open(&file, "hopeless", READ_WRITE | OS_OPEN_CREATE, 0600) == 0 && unlink("hopeless") == 0);
    REQUIRE(os.reserve(file, 0, 4096, false) == EIO);
    REQUIRE(os.reserve(file, 0, UINT64_C(1) << 50, false) == ENOSPC);
    REQUIRE(os.reserve(file, 0, UINT64_C(1) << 50, true) == ENOSPC);
    REQUIRE(os.describe(&info, file) == 0 && info.size == 0 && info.allocated == 0);
    REQUIRE(os.close(file) == 0);
    return 0;
}

/* fallocate() itself would take every free block of the disk before it gave up. */
static void hopeless_reservations_are_not_tried(void **state)
{
    (void)state;
    const struct old_kernel no_reserving = {SYS_fallocate, ALWAYS, 0, 0, EIO, reserve_hopelessly};
    on_old_kernel(&no_reserving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hopeless_reservations_are_not_tried),
        cmocka_unit_test(memory_files_on_old_kernels),
        cmocka_unit_test(cache_counts_on_old_kernels),
        cmocka_unit_test(prefetch_on_old_kernels),
        cmocka_unit_test(marks_on_old_kernels),
        cmocka_unit_test(storage_on_old_kernels),
        cmocka_unit_test(syncs_that_fail),
        cmocka_unit_test(advice_on_old_kernels),
        cmocka_unit_test(checked_copies_on_old_kernels),
        cmocka_unit_test(proc_and_random_on_old_kernels),
        cmocka_unit_test(residency_on_old_kernels),
        cmocka_unit_test(a_path_handle_neither_reads_nor_writes),
        cmocka_unit_test(a_block_device_tells_its_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
