/* os_sync.c: the calls that bring files, directories and ranges to the medium, and those about the page cache. */
#define _DEFAULT_SOURCE

#include "os_support.h"

#define MIB ((uint64_t)1 << 20)

static void sync_syncs_or_fails(void **state)
{
    struct scratch *scratch = *state;
    int pipes[2];
    fill_file(scratch->file, 0, 's', MIB);
    assert_int_equal(os.sync(scratch->file), 0);
    assert_int_equal(os.sync(closed_handle()), EBADF);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(os.sync(pipes[0]), EINVAL);
    close(pipes[0]);
    close(pipes[1]);
}

/* Which directory was taken shows in how a wrong one fails: below a file it is ENOTDIR, below nothing ENOENT. */
static void sync_directory_takes_the_parent(void **state)
{
    struct scratch *scratch = *state;
    char path[160];
    assert_int_equal(os.sync_directory(scratch->path), 0);
    assert_int_equal(os.sync_directory(scratch->directory), 0);
    make_path(path, sizeof path, scratch, "missing"); /* the entry itself does not matter */
    assert_int_equal(os.sync_directory(path), 0);
    make_path(path, sizeof path, scratch, "missing/file");
    assert_int_equal(os.sync_directory(path), ENOENT);
    make_path(path, sizeof path, scratch, "file/file");
    assert_int_equal(os.sync_directory(path), ENOTDIR);
    make_path(path, sizeof path, scratch, "file//file");
    assert_int_equal(os.sync_directory(path), ENOTDIR);
    make_path(path, sizeof path, scratch, "file///"); /* still names the file */
    assert_int_equal(os.sync_directory(path), 0);
    assert_int_equal(os.sync_directory("bare"), 0);
    assert_int_equal(os.sync_directory("/"), 0);
    assert_int_equal(os.sync_directory("//file"), 0);
    assert_int_equal(os.sync_directory("/missing"), 0);
    assert_int_equal(os.sync_directory(""), ENOENT);
}

static void write_back_cleans_a_range(void **state)
{
    struct scratch *scratch = *state;
    struct os_cache cache;
    fill_file(scratch->file, 0, 'w', MIB);
    int error = os.write_back(scratch->file, 0, MIB / 2, OS_FLUSH_START);
    if (error == ENOTSUP) {
#if defined(MMF_OS_linux)
        assert_int_equal(error, 0); /* Linux has it */
#endif
        return;
    }
    assert_int_equal(error, 0);
    assert_int_equal(os.write_back(scratch->file, 0, MIB / 2, OS_FLUSH_WAIT), 0);
    if (!scratch->on_tmpfs && os.cache(&cache, scratch->file, 0, MIB / 2) == 0)
        assert_int_equal(cache.dirty + cache.writeback, 0);
    assert_int_equal(os.write_back(scratch->file, 0, 0, OS_FLUSH_WAIT), 0);
    assert_int_equal(os.write_back(scratch->file, 0, MIB, OS_FLUSH_MEDIUM), EINVAL);
    assert_int_equal(os.write_back(scratch->file, 1, UINT64_MAX, OS_FLUSH_START), EOVERFLOW);
    assert_int_equal(os.write_back(closed_handle(), 0, 1, OS_FLUSH_START), EBADF);
}

static void cache_counts_bytes(void **state)
{
    struct scratch *scratch = *state;
    struct os_cache cache = {7, 8, 9};
    fill_file(scratch->file, 0, 'c', MIB);
    int error = os.cache(&cache, scratch->file, 0, MIB);
    if (!supported(error, MMF_FEATURE_DIRTY_COUNT, scratch)) {
        assert_true(cache.resident == 7 && cache.dirty == 8 && cache.writeback == 9);
        return;
    }
    assert_int_equal(cache.resident, MIB);
    assert_true(cache.dirty + cache.writeback <= MIB);
    if (!scratch->on_tmpfs) {
        assert_true(cache.dirty + cache.writeback > 0);
        assert_int_equal((cache.dirty + cache.writeback) % os.page_size(), 0); /* bytes, not pages */
        assert_int_equal(os.sync(scratch->file), 0);
        assert_int_equal(os.cache(&cache, scratch->file, 0, MIB), 0);
        assert_int_equal(cache.dirty + cache.writeback, 0);
    }
    const uint64_t page = os.page_size();
    assert_int_equal(os.cache(&cache, scratch->file, page, 2 * page), 0);
    assert_int_equal(cache.resident, 2 * page);
    assert_int_equal(os.cache(&cache, scratch->file, 0, 0), 0);
    assert_int_equal(cache.resident, 0); /* nothing, not everything */
    assert_int_equal(os.cache(&cache, scratch->file, 2, UINT64_MAX), EOVERFLOW);
    assert_int_equal(os.cache(&cache, closed_handle(), 0, 1), EBADF);
}

/* How many bytes of the first MiB are in memory, through whatever the back end has. */
static uint64_t resident_bytes(const struct scratch *scratch)
{
    unsigned char pages[MIB / 4096];
    void *address = NULL;
    uint64_t bytes = 0;
    const size_t page = os.page_size();
    assert_int_equal(os.map(&address, MIB, OS_PROTECT_READ, OS_MAP_SHARED, scratch->file, 0), 0);
    assert_int_equal(os.resident(pages, address, MIB, scratch->file), 0);
    for (size_t i = 0; i < MIB / page; i++)
        bytes += pages[i] & 1 ? page : 0;
    assert_int_equal(os.unmap(address, MIB), 0);
    return bytes;
}

static void evict_and_read_ahead_move_pages(void **state)
{
    struct scratch *scratch = *state;
    fill_file(scratch->file, 0, 'e', MIB);
    assert_int_equal(os.sync(scratch->file), 0);
    assert_int_equal(os.evict(scratch->file, 0, 0), 0);
    assert_int_equal(resident_bytes(scratch), MIB); /* nothing, not everything */
    assert_int_equal(os.evict(scratch->file, 0, MIB), 0);
    assert_int_equal(byte_at(scratch->file, MIB - 1), 'e'); /* advice never loses a byte */
    if (scratch->on_tmpfs) {
        assert_int_equal(resident_bytes(scratch), MIB); /* memory is all there is */
    } else {
        assert_int_equal(os.evict(scratch->file, 0, MIB), 0);
        if (resident_bytes(scratch) == MIB) {
            print_message("this file system keeps its pages\n");
            skip();
        }
        assert_int_equal(os.read_ahead(scratch->file, 0, MIB), 0);
        for (int wait = 0; wait < 500 && resident_bytes(scratch) < MIB; wait++)
            assert_int_equal(os.sleep(10000000), 0); /* the pages come while we go on */
        assert_int_equal(resident_bytes(scratch), MIB);
    }
    assert_int_equal(os.read_ahead(scratch->file, 0, 0), 0);
    assert_int_equal(os.read_ahead(scratch->file, 0, MIB), 0);
    assert_int_equal(os.evict(closed_handle(), 0, 1), EBADF);
    assert_int_equal(os.read_ahead(closed_handle(), 0, 1), EBADF);
    assert_int_equal(os.evict(scratch->file, 1, UINT64_MAX), EOVERFLOW);
    assert_int_equal(os.read_ahead(scratch->file, UINT64_C(1) << 63, 1), EOVERFLOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(sync_syncs_or_fails), ON_BOTH(sync_directory_takes_the_parent), ON_BOTH(write_back_cleans_a_range),
        ON_BOTH(cache_counts_bytes),  ON_BOTH(evict_and_read_ahead_move_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
