/* os_memory.c: the calls about files of memory, mappings and their pages. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#include <sys/resource.h>

#define READ_AND_WRITE (OS_PROTECT_READ | OS_PROTECT_WRITE)
#define PAGES 8

/* Maps the first pages of the scratch file, which is filled with 'f'. */
static unsigned char *map_filled(struct scratch *scratch, unsigned mapping, unsigned protection)
{
    const size_t size = PAGES * os.page_size();
    void *address = NULL;
    fill_file(scratch->file, 0, 'f', size);
    assert_int_equal(os.map(&address, size, protection, mapping, scratch->file, 0), 0);
    return address;
}

static void unmap_pages(void *address)
{
    assert_int_equal(os.unmap(address, PAGES * os.page_size()), 0);
}

/* A place of that many pages where nothing is mapped. */
static unsigned char *empty_place(size_t pages)
{
    void *address = NULL;
    const size_t size = pages * os.page_size();
    assert_int_equal(os.map(&address, size, OS_PROTECT_READ, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS, MMF_INVALID_HANDLE, 0),
                     0);
    assert_int_equal(os.unmap(address, size), 0);
    return address;
}

static void a_memory_file_is_a_file(void **state)
{
    (void)state;
    mmf_os_handle file, other;
    assert_int_equal(os.memory_file(&file, 0, false, false), 0);
    assert_int_equal(os.memory_file(&other, 0, true, true), 0);
    struct os_file_info info = about(file);
    assert_int_equal(info.kind, OS_FILE_REGULAR);
    assert_int_equal(info.size, 0);
    assert_int_equal(info.links, 0); /* no name: it goes with its last handle */
    assert_true(info.readable && info.writable);
    assert_true(info.inode != about(other).inode);
    assert_int_equal(fcntl((int)file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl((int)other, F_GETFD) & FD_CLOEXEC, 0);
    fill_file(file, 0, 'm', 100);
    assert_int_equal(byte_at(file, 99), 'm');
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.close(other), 0);
}

static int memory_file_without_descriptors(void *argument)
{
    mmf_os_handle file = MMF_INVALID_HANDLE;
    const struct rlimit none = {0, 0};
    (void)argument;
    if (setrlimit(RLIMIT_NOFILE, &none) != 0)
        return 1;
    return os.memory_file(&file, 0, false, false) == EMFILE && file == MMF_INVALID_HANDLE ? 0 : 2;
}

static void a_memory_file_fails_without_descriptors(void **state)
{
    (void)state;
    assert_int_equal(in_child(memory_file_without_descriptors, NULL), 0);
}

static void a_memory_file_of_huge_pages(void **state)
{
    (void)state;
    mmf_os_handle file = MMF_INVALID_HANDLE;
    if (!supported(os.memory_file(&file, 1, false, false), MMF_FEATURE_HUGE_PAGES, NULL)) {
        assert_int_equal(file, MMF_INVALID_HANDLE);
        return;
    }
    const uint64_t size = about(file).page_size;
    assert_true(size > os.page_size());
    assert_int_equal(about(file).storage, OS_STORAGE_MEMORY);
    assert_int_equal(os.close(file), 0);
    assert_int_equal(os.memory_file(&file, size, false, false), 0);
    assert_int_equal(about(file).page_size, size);
    assert_int_equal(os.close(file), 0);
    file = MMF_INVALID_HANDLE;
    assert_int_equal(os.memory_file(&file, size + 1, false, false), EINVAL);
    assert_int_equal(os.memory_file(&file, UINT64_C(1) << 62, false, false), ENOTSUP);
    assert_int_equal(file, MMF_INVALID_HANDLE);
}

static void memory_for_execution(void **state)
{
    (void)state;
    mmf_os_handle file;
    void *address = NULL;
    const size_t page = os.page_size();
    assert_int_equal(os.memory_file(&file, 0, true, false), 0);
    assert_int_equal(os.resize(file, page), 0);
    int error = os.map(&address, page, OS_PROTECT_READ | OS_PROTECT_EXECUTE, OS_MAP_SHARED, file, 0);
    if (os.capability(MMF_FEATURE_EXECUTE) == 0) {
        assert_int_equal(error, 0);
        assert_int_equal(os.unmap(address, page), 0);
    } else {
        assert_int_not_equal(error, 0);
    }
    assert_int_equal(os.close(file), 0);
}

static void a_shared_mapping_is_the_file(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, READ_AND_WRITE);
    void *second = NULL;
    assert_int_equal(os.map(&second, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, 3 * page), 0);
    assert_int_equal(bytes[0], 'f');
    bytes[3 * page + 1] = 's';
    assert_int_equal(byte_at(scratch->file, 3 * page + 1), 's');
    assert_int_equal(((unsigned char *)second)[1], 's'); /* the offset counts */
    fill_file(scratch->file, 2, 't', 1);
    assert_int_equal(bytes[2], 't');
    assert_int_equal(os.unmap(second, page), 0);
    unmap_pages(bytes);
}

static void a_private_mapping_keeps_its_changes(void **state)
{
    struct scratch *scratch = *state;
    unsigned char *bytes = map_filled(scratch, OS_MAP_PRIVATE, READ_AND_WRITE);
    bytes[1] = 'p';
    assert_int_equal(byte_at(scratch->file, 1), 'f');
    assert_int_equal(bytes[1], 'p');
    unmap_pages(bytes);
}

/* Never charged for swap: heuristic overcommit would refuse a private writable mapping of this size. */
static void a_private_mapping_may_be_enormous(void **state)
{
    struct scratch *scratch = *state;
    void *address = NULL;
#if SIZE_MAX > UINT32_MAX
    const size_t size = 3 * (size_t)sysconf(_SC_PHYS_PAGES) * os.page_size(); /* more than memory and swap */
    int policy = -1;
    FILE *setting = fopen("/proc/sys/vm/overcommit_memory", "r");
    if (setting && fscanf(setting, "%d", &policy) != 1)
        policy = -1;
    if (setting)
        fclose(setting);
    assert_int_equal(os.resize(scratch->file, size), 0);
    int error = os.map(&address, size, READ_AND_WRITE, OS_MAP_PRIVATE, scratch->file, 0);
    if (error == ENOMEM && policy == 2) {
        print_message("vm.overcommit_memory is 2: every private mapping is charged\n");
        skip();
    }
    assert_int_equal(error, 0);
    ((unsigned char *)address)[size - 1] = 'e';
    assert_int_equal(os.unmap(address, size), 0);
#else
    (void)scratch;
    (void)address;
    print_message("the address space has 32 bits\n");
    skip();
#endif
}

static void anonymous_memory_is_zero(void **state)
{
    (void)state;
    void *address = NULL;
    const size_t size = 2 * os.page_size();
    assert_int_equal(os.map(&address, size, READ_AND_WRITE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS, MMF_INVALID_HANDLE, 0),
                     0);
    assert_int_equal(((unsigned char *)address)[size - 1], 0);
    assert_true(can_write(address));
    assert_int_equal(os.unmap(address, size), 0);
    assert_false(can_read(address));
    assert_int_equal(os.unmap((unsigned char *)address + 1, size), EINVAL);
}

static void a_fixed_mapping_replaces(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, READ_AND_WRITE);
    void *place = bytes + page;
    assert_int_equal(
        os.map(&place, page, READ_AND_WRITE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS | OS_MAP_FIXED, MMF_INVALID_HANDLE, 0),
        0);
    assert_ptr_equal(place, bytes + page);
    assert_int_equal(bytes[page - 1], 'f');
    assert_int_equal(bytes[page], 0);
    assert_int_equal(bytes[2 * page], 'f');
    place = bytes + 1;
    assert_int_equal(os.map(&place, page, OS_PROTECT_READ, OS_MAP_SHARED | OS_MAP_FIXED, scratch->file, 0), EINVAL);
    assert_ptr_equal(place, bytes + 1);
    unmap_pages(bytes);
}

static void map_refuses_and_changes_nothing(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    void *address = NULL;
    mmf_os_handle reader;
    fill_file(scratch->file, 0, 'f', page);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, 0, scratch->file, 0), EINVAL);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED | OS_MAP_PRIVATE, scratch->file, 0), EINVAL);
    assert_int_equal(os.map(&address, 0, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, 0), EINVAL);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, 1), EINVAL);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, closed_handle(), 0), EBADF);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, UINT64_C(1) << 63),
                     EOVERFLOW);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, UINT64_MAX - page + 1),
                     EOVERFLOW);
    assert_int_equal(
        os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, ((uint64_t)1 << 63) - 2 * page),
        sizeof(size_t) == 8 ? 0 : EOVERFLOW);
    if (sizeof(size_t) == 8) {
        assert_int_equal(os.unmap(address, page), 0);
        address = NULL;
    }
    assert_int_equal(os.map(&address, SIZE_MAX - page + 1, OS_PROTECT_READ, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS,
                            MMF_INVALID_HANDLE, 0),
                     ENOMEM);
    assert_int_equal(os.open(&reader, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.map(&address, page, READ_AND_WRITE, OS_MAP_SHARED, reader, 0), EACCES);
    assert_null(address);
    assert_int_equal(os.map(&address, page, READ_AND_WRITE, OS_MAP_PRIVATE, reader, 0), 0);
    assert_int_equal(os.unmap(address, page), 0);
    assert_int_equal(os.close(reader), 0);
}

/* An offset that 32 bits of pages can just say, so that on 32-bit systems nothing is cut off in silence. */
static void far_offsets_map_the_right_bytes(void **state)
{
    struct scratch *scratch = *state;
    const uint64_t far = UINT64_C(5) << 40;
    const size_t page = os.page_size();
    void *address = NULL;
    assert_int_equal(os.write_at(&(size_t){0}, scratch->file, far, "f", 1), 0);
    assert_int_equal(os.map(&address, page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, far), 0);
    assert_int_equal(*(unsigned char *)address, 'f');
    assert_int_equal(os.unmap(address, page), 0);
}

static int child_can_read(void *address)
{
    return can_read(address) ? 1 : 0;
}

static void a_child_does_not_inherit(void **state)
{
    struct scratch *scratch = *state;
    unsigned char *kept = map_filled(scratch, OS_MAP_SHARED, OS_PROTECT_READ);
    unsigned char *hidden = map_filled(scratch, OS_MAP_SHARED | OS_MAP_NOT_INHERIT, OS_PROTECT_READ);
    assert_true(can_read(kept) && can_read(hidden));
    assert_int_equal(in_child(child_can_read, kept), 1);
    assert_int_equal(in_child(child_can_read, hidden), os.capability(MMF_FEATURE_NOT_INHERITED) == 0 ? 0 : 1);
    unmap_pages(kept);
    unmap_pages(hidden);
}

static void protect_takes_and_gives(void **state)
{
    struct scratch *scratch = *state;
    const size_t size = PAGES * os.page_size();
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, READ_AND_WRITE);
    assert_true(can_write(bytes));
    assert_int_equal(os.protect(bytes, size, OS_PROTECT_READ), 0);
    assert_false(can_write(bytes));
    assert_true(can_read(bytes));
    assert_int_equal(os.protect(bytes, size, OS_PROTECT_NONE), 0);
    assert_false(can_read(bytes));
    assert_int_equal(os.protect(bytes, size, READ_AND_WRITE), 0);
    assert_int_equal(bytes[0], 'x');
    assert_int_equal(os.protect(bytes + 1, size, OS_PROTECT_READ), EINVAL);
    unmap_pages(bytes);
    assert_int_equal(os.protect(empty_place(1), os.page_size(), OS_PROTECT_READ), ENOMEM);

    mmf_os_handle reader;
    void *address = NULL;
    assert_int_equal(os.open(&reader, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.map(&address, size, OS_PROTECT_READ, OS_MAP_SHARED, reader, 0), 0);
    assert_int_equal(os.protect(address, size, READ_AND_WRITE), EACCES);
    unmap_pages(address);
    assert_int_equal(os.close(reader), 0);
}

static void flush_cleans_the_pages(void **state)
{
    struct scratch *scratch = *state;
    const size_t size = PAGES * os.page_size();
    struct os_cache cache;
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, READ_AND_WRITE);
    assert_int_equal(os.flush(bytes, size, OS_FLUSH_START), 0);
    assert_int_equal(os.flush(bytes, size, OS_FLUSH_WAIT), 0);
    memset(bytes, 'g', size);
    assert_int_equal(os.flush(bytes, size, OS_FLUSH_MEDIUM), 0);
    if (!scratch->on_tmpfs && os.cache(&cache, scratch->file, 0, size) == 0)
        assert_int_equal(cache.dirty + cache.writeback, 0);
    assert_int_equal(os.flush(bytes + 1, size, OS_FLUSH_MEDIUM), EINVAL);
    unmap_pages(bytes);
    assert_int_equal(os.flush(empty_place(1), os.page_size(), OS_FLUSH_MEDIUM), ENOMEM);
}

static void advice_never_changes_a_byte(void **state)
{
    struct scratch *scratch = *state;
    const size_t size = PAGES * os.page_size();
    for (unsigned kind = OS_MAP_SHARED; kind <= OS_MAP_PRIVATE; kind++) {
        unsigned char *bytes = map_filled(scratch, kind, READ_AND_WRITE);
        memset(bytes, 'a', size);
        for (int advice = OS_ADVISE_NORMAL; advice <= OS_ADVISE_NO_DUMP; advice++) {
            int error = os.advise(bytes, size, (enum os_advice)advice);
            if (error != 0)
                assert_int_equal(error, ENOTSUP);
            if (advice <= OS_ADVISE_WILL_NEED)
                assert_int_equal(error, 0);
            for (size_t i = 0; i < size; i++) {
                if (bytes[i] != 'a')
                    fail_msg("advice %d lost byte %zu", advice, i);
            }
        }
        assert_int_equal(os.advise(bytes + 1, size - 1, OS_ADVISE_RANDOM), EINVAL);
        assert_int_equal(os.advise(bytes, size, (enum os_advice)99), EINVAL);
        unmap_pages(bytes);
    }
    assert_int_equal(os.advise(empty_place(1), os.page_size(), OS_ADVISE_WILL_NEED), ENOMEM);
}

static size_t resident_pages(const unsigned char *bytes, mmf_os_handle file)
{
    unsigned char pages[PAGES];
    size_t count = 0;
    assert_int_equal(os.resident(pages, (void *)(uintptr_t)bytes, PAGES * os.page_size(), file), 0);
    for (size_t i = 0; i < PAGES; i++)
        count += pages[i] & 1;
    return count;
}

/* Waits for the reading that prefetch started. */
static size_t resident_in_the_end(const unsigned char *bytes, mmf_os_handle file, size_t wanted)
{
    size_t count = 0;
    for (int wait = 0; wait < 500 && (count = resident_pages(bytes, file)) < wanted; wait++)
        assert_int_equal(os.sleep(10000000), 0);
    return count;
}

/* RANDOM keeps the kernel from reading pages nobody asked for. */
static void prefetch_brings_pages_in(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, OS_PROTECT_READ);
    assert_int_equal(os.sync(scratch->file), 0);
    unmap_pages(bytes);
    int evicted = os.evict(scratch->file, 0, PAGES * page);
    void *address = NULL;
    assert_int_equal(os.map(&address, PAGES * page, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, 0), 0);
    bytes = address;
    assert_int_equal(os.advise(bytes, PAGES * page, OS_ADVISE_RANDOM), 0);
    if (evicted == 0 && !scratch->on_tmpfs)
        assert_int_equal(resident_pages(bytes, scratch->file), 0);

    struct os_memory_range three[] = {{bytes, page}, {bytes + 2 * page, page}, {bytes + 5 * page, page}};
    assert_int_equal(os.prefetch(three, 0), 0);
    assert_int_equal(os.prefetch(three, 3), 0);
    assert_true(resident_in_the_end(bytes, scratch->file, 3) >= 3);

    /* More than one call takes: the very last range must not be forgotten. */
    static struct os_memory_range many[2500];
    for (size_t i = 0; i < 2500; i++)
        many[i] = (struct os_memory_range){bytes + (i < 2499 ? i % 2 : PAGES - 1) * page, page};
    assert_int_equal(os.evict(scratch->file, 0, PAGES * page), 0);
    assert_int_equal(os.prefetch(many, 2500), 0);
    unsigned char last = 0;
    for (int wait = 0; wait < 500 && !(last & 1); wait++) {
        assert_int_equal(os.resident(&last, bytes + (PAGES - 1) * page, page, scratch->file), 0);
        assert_int_equal(os.sleep(1000000), 0);
    }
    assert_int_equal(last & 1, 1);

    /* A range that is no memory is told, and the one after it is read all the same. */
    three[1].address = empty_place(1);
    three[2].address = bytes + 6 * page;
    assert_int_equal(os.prefetch(three, 3), ENOMEM);
    for (int wait = 0; wait < 500 && !(last & 2); wait++) {
        assert_int_equal(os.resident(&last, bytes + 6 * page, page, scratch->file), 0);
        last = last & 1 ? 2 : 0;
        assert_int_equal(os.sleep(1000000), 0);
    }
    assert_int_equal(last, 2);
    unmap_pages(bytes);
}

static void populate_brings_pages_in_or_says_which_is_missing(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, OS_PROTECT_READ);
    int error = os.populate(bytes, PAGES * page);
    if (error == ENOTSUP) { /* POSIX; Linux before 5.14 */
        unmap_pages(bytes);
        return;
    }
    assert_int_equal(error, 0);
    assert_int_equal(resident_pages(bytes, scratch->file), PAGES);
    assert_int_equal(os.populate(bytes + 1, page), EINVAL);
    assert_int_equal(os.resize(scratch->file, page), 0);
    assert_int_equal(os.populate(bytes, page), 0);
    assert_int_equal(os.populate(bytes, 2 * page), EFAULT);
    unmap_pages(bytes);
    assert_int_equal(os.populate(empty_place(1), page), ENOMEM);
}

static void locked_memory_is_resident(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    if (SANITIZED) {
        print_message("the sanitizer ignores mlock\n");
        skip();
    }
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, OS_PROTECT_READ);
    assert_int_equal(os.lock_memory(bytes, 2 * page), 0);
    assert_int_equal(os.evict(scratch->file, 0, PAGES * page), 0);
    assert_true(resident_pages(bytes, scratch->file) >= 2);
    assert_int_equal(os.unlock_memory(bytes, 2 * page), 0);
    unmap_pages(bytes);
    assert_int_equal(os.lock_memory(empty_place(1), page), ENOMEM);
    assert_int_equal(os.unlock_memory(empty_place(1), page), ENOMEM);
}

static void resident_tells_each_page(void **state)
{
    (void)state;
    const size_t page = os.page_size();
    mmf_os_handle file;
    void *address = NULL;
    unsigned char pages[4] = {0xff, 0xff, 0xff, 0xff};
    assert_int_equal(os.memory_file(&file, 0, false, false), 0);
    assert_int_equal(os.resize(file, 4 * page), 0);
    assert_int_equal(os.map(&address, 4 * page, READ_AND_WRITE, OS_MAP_SHARED, file, 0), 0);
    ((unsigned char *)address)[2 * page] = 'r';
    assert_int_equal(os.resident(pages, address, 4 * page, file), 0);
    if (pages[0] & 1 && pages[1] & 1 && pages[3] & 1) {
        print_message("files of memory have huge pages here\n");
        skip();
    }
    assert_int_equal(pages[0] & 1, 0);
    assert_int_equal(pages[1] & 1, 0);
    assert_int_equal(pages[2] & 1, 1);
    assert_int_equal(pages[3] & 1, 0);
    assert_int_equal(os.resident(pages, address, 4 * page, MMF_INVALID_HANDLE), 0); /* memory of our own */
    assert_int_equal(pages[2] & 1, 1);
    assert_int_equal(os.resident(pages, (unsigned char *)address + 1, page, file), EINVAL);
    assert_int_equal(os.resident(pages, empty_place(1), page, MMF_INVALID_HANDLE), ENOMEM);
    assert_int_equal(os.resident(pages, address, page, closed_handle()), EBADF);
    assert_int_equal(os.unmap(address, 4 * page), 0);
    assert_int_equal(os.close(file), 0);
}

/* In a child without privileges: what resident() says about a file of somebody else, opened for reading. */
static int ask_as_nobody(void *argument)
{
    mmf_os_handle file = *(mmf_os_handle *)argument;
    unsigned char pages[1] = {0};
    void *address = NULL;
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 201;
    if (os.map(&address, os.page_size(), OS_PROTECT_READ, OS_MAP_SHARED, file, 0) != 0)
        return 202;
    int error = os.resident(pages, address, os.page_size(), file);
    return error == 0 && !(pages[0] & 1) ? 203 : error;
}

static void resident_does_not_repeat_the_kernels_lie(void **state)
{
    struct scratch *scratch = *state;
    mmf_os_handle reader;
    if (geteuid() != 0) {
        print_message("needs root, to become somebody else\n");
        skip();
    }
    fill_file(scratch->file, 0, 'r', os.page_size());
    assert_int_equal(os.open(&reader, scratch->path, OS_OPEN_READ, 0), 0);
    assert_int_equal(os.set_permissions(reader, 0644), 0);
    assert_int_equal(in_child(ask_as_nobody, &reader), EACCES);
    assert_int_equal(in_child(ask_as_nobody, &scratch->file), EACCES); /* not the handle but the file decides */
    assert_int_equal(os.set_permissions(reader, 0666), 0);
    assert_int_equal(in_child(ask_as_nobody, &reader), 0);
    assert_int_equal(fchown((int)reader, 65534, 65534), 0);
    assert_int_equal(os.set_permissions(reader, 0400), 0);
    assert_int_equal(in_child(ask_as_nobody, &reader), 0);
    assert_int_equal(os.close(reader), 0);
}

static void copy_checked_counts_to_the_byte(void **state)
{
    struct scratch *scratch = *state;
    const size_t page = os.page_size();
    const size_t size = PAGES * page;
    size_t done = 99;
    unsigned char *bytes = map_filled(scratch, OS_MAP_SHARED, READ_AND_WRITE);
    unsigned char *own = malloc(size);
    assert_non_null(own);
    memset(own, 'o', size);
    if (!supported(os.copy_checked(&done, own, bytes + 3, size - 3, false), MMF_FEATURE_NO_SIGNAL, scratch)) {
        assert_int_equal(done, 99);
        goto done;
    }
    assert_int_equal(done, size - 3);
    assert_int_equal(own[0], 'f');
    assert_int_equal(own[size - 4], 'f');
    assert_int_equal(own[size - 3], 'o');
    memset(own, 'w', size);
    assert_int_equal(os.copy_checked(&done, bytes + 1, own, size - 1, true), 0);
    assert_int_equal(done, size - 1);
    assert_int_equal(bytes[0], 'f');
    assert_int_equal(bytes[1], 'w');
    assert_int_equal(byte_at(scratch->file, size - 1), 'w');
    assert_int_equal(os.copy_checked(&done, own, bytes, 0, false), 0);
    assert_int_equal(done, 0);

    assert_int_equal(os.resize(scratch->file, 2 * page), 0); /* pages beyond raise SIGBUS now */
    memset(own, 'o', size);
    assert_int_equal(os.copy_checked(&done, own, bytes + 10, size - 10, false), EFAULT);
    assert_int_equal(done, 2 * page - 10);
    assert_int_equal(own[2 * page - 11], 'w');
    assert_int_equal(own[2 * page - 10], 'o');
    memset(own, 'z', size);
    assert_int_equal(os.copy_checked(&done, bytes + 10, own, size - 10, true), EFAULT);
    assert_int_equal(done, 2 * page - 10);
    assert_int_equal(bytes[9], 'w');
    assert_int_equal(bytes[10], 'z');
    assert_int_equal(bytes[2 * page - 1], 'z');
    assert_int_equal(os.copy_checked(&done, own, bytes + 2 * page, 1, false), EFAULT);
    assert_int_equal(done, 0);

    assert_int_equal(os.protect(bytes, page, OS_PROTECT_READ), 0);
    assert_int_equal(os.copy_checked(&done, bytes, own, 1, true), EFAULT); /* protections count */
    assert_int_equal(os.copy_checked(&done, own, bytes, 1, false), 0);
    assert_int_equal(os.protect(bytes, page, OS_PROTECT_NONE), 0);
    assert_int_equal(os.copy_checked(&done, own, bytes, 1, false), EFAULT);
done:
    free(own);
    unmap_pages(bytes);
}

static void storage_is_what_the_file_system_does(void **state)
{
    struct scratch *scratch = *state;
    enum os_storage storage = about(scratch->file).storage;
#if defined(MMF_OS_linux)
    if (scratch->on_tmpfs)
        assert_int_equal(storage, OS_STORAGE_MEMORY);
    else
        assert_int_not_equal(storage, OS_STORAGE_MEMORY);
#else
    assert_int_equal(storage, OS_STORAGE_UNKNOWN);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_memory_file_is_a_file),
        cmocka_unit_test(a_memory_file_fails_without_descriptors),
        cmocka_unit_test(a_memory_file_of_huge_pages),
        cmocka_unit_test(memory_for_execution),
        ON_BOTH(a_shared_mapping_is_the_file),
        ON_BOTH(a_private_mapping_keeps_its_changes),
        ON_BOTH(a_private_mapping_may_be_enormous),
        cmocka_unit_test(anonymous_memory_is_zero),
        ON_BOTH(a_fixed_mapping_replaces),
        ON_BOTH(map_refuses_and_changes_nothing),
        ON_BOTH(far_offsets_map_the_right_bytes),
        ON_BOTH(a_child_does_not_inherit),
        ON_BOTH(protect_takes_and_gives),
        ON_BOTH(flush_cleans_the_pages),
        ON_BOTH(advice_never_changes_a_byte),
        ON_BOTH(prefetch_brings_pages_in),
        ON_BOTH(populate_brings_pages_in_or_says_which_is_missing),
        ON_BOTH(locked_memory_is_resident),
        cmocka_unit_test(resident_tells_each_page),
        ON_BOTH(resident_does_not_repeat_the_kernels_lie),
        ON_BOTH(copy_checked_counts_to_the_byte),
        ON_BOTH(storage_is_what_the_file_system_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
