/* window_budget.c: what a window maps, counted by the kernel, and when its budget refuses; files of 5 GiB and 8 TiB. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"
#include "truncation.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#define LENGTH (6 * MIB + 1234)
#define HELD 24

static unsigned chance;

static uint64_t choose(uint64_t below)
{
    return below
               ? ((uint64_t)rand_r(&chance) << 31 ^ (uint64_t)rand_r(&chance) << 10 ^ (uint64_t)rand_r(&chance)) % below
               : 0;
}

static mmf_window_details details_of(const mmf_window *window)
{
    mmf_window_details details = {.struct_size = sizeof details};
    assert_ok(mmf_window_info(&details, window));
    return details;
}

/* Bytes mapped of a file as /proc/self/smaps has them. Slow: the kernel looks at every page of the process. */
static uint64_t counted_by_smaps(const char *text)
{
    uint64_t bytes = 0;
    unsigned long long begin, end, kilobytes;
    bool counts = false;
    char line[4096];
    FILE *maps = fopen("/proc/self/smaps", "re");
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%llx-%llx ", &begin, &end) == 2)
            counts = strstr(line, text) != NULL;
        else if (counts && sscanf(line, "Size: %llu kB", &kilobytes) == 1)
            bytes += kilobytes * KIB;
    }
    if (maps)
        fclose(maps);
    return bytes;
}

struct held {
    unsigned char *data;
    uint64_t offset;
    size_t size;
};

/* References that share memory: together they count for all of it, until the last is returned. */
struct piece {
    uintptr_t place; /* where byte 0 of the map would lie */
    uint64_t begin;
    uint64_t end;
    unsigned references;
};

static struct held held[HELD];
static struct piece pieces[HELD];

static uint64_t pages_of(uint64_t offset, uint64_t size)
{
    const uint64_t page = mmf_granularity();
    return (offset % page + size + page - 1) / page * page;
}

static uint64_t held_pages(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < HELD; i++)
        sum += pieces[i].references ? pages_of(pieces[i].begin, pieces[i].end - pieces[i].begin) : 0;
    return sum;
}

static struct piece *piece_of(const struct held *one)
{
    const uintptr_t place = (uintptr_t)one->data - (uintptr_t)one->offset;
    struct piece *unused = NULL;
    for (size_t i = 0; i < HELD; i++) {
        if (pieces[i].references && pieces[i].place == place)
            return &pieces[i];
        if (!pieces[i].references)
            unused = &pieces[i];
    }
    assert_non_null(unused);
    *unused = (struct piece){place, one->offset, one->offset, 0};
    return unused;
}

static void note_held(const struct held *one)
{
    struct piece *piece = piece_of(one);
    piece->references++;
    if (one->offset < piece->begin)
        piece->begin = one->offset;
    if (one->offset + one->size > piece->end)
        piece->end = one->offset + one->size;
}

/* Both ends wholly, and one byte of every 97 between them. */
static bool is_pattern(const unsigned char *data, uint64_t offset, size_t size)
{
    const size_t end = size < 2000 ? size : 2000;
    bool good = match_pattern(data, offset, end) == end &&
                match_pattern(data + (size - end), offset + (size - end), end) == end;
    for (size_t at = end; at < size && good; at += 97)
        good = data[at] == pattern(offset + at);
    return good;
}

static void give_back(mmf_window *window, struct held *one)
{
    assert_true(is_pattern(one->data, one->offset, one->size));
    assert_ok(mmf_window_unref(window, one->data));
    piece_of(one)->references--;
    one->data = NULL;
}

/* The rule of the header: what fits into three quarters of the budget together always does; what is too large never. */
static void take(mmf_window *window, struct held *one, uint64_t budget)
{
    void *data = NULL;
    const uint64_t most = choose(3) ? 3 * mmf_granularity() : budget + mmf_granularity();
    one->size = (size_t)(1 + choose(most < LENGTH ? most : LENGTH - 1));
    one->offset = choose(LENGTH - one->size);
    const uint64_t pages = pages_of(one->offset, one->size);
    const uint64_t before = held_pages();
    const int err = mmf_window_ref_access(window, one->offset, one->size, choose(2) ? MMF_READ : MMF_READWRITE, &data);
    if (err) {
        assert_int_equal(MMF_EBUDGET, err);
        assert_int_equal(MMF_EBUDGET, mmf_last_error()->code);
        assert_same(one->offset, mmf_last_error()->offset);
        assert_true(pages > budget || (before > 0 && before + pages > budget - budget / 4));
        assert_null(data);
    } else {
        assert_true(pages <= budget);
        assert_true(is_pattern(data, one->offset, one->size));
    }
    one->data = data;
    if (!err)
        note_held(one);
}

static void copy_some(mmf_window *window, uint64_t budget)
{
    static unsigned char bytes[MIB];
    const size_t size = (size_t)choose(sizeof bytes);
    const uint64_t offset = choose(LENGTH - size);
    int err = mmf_window_read(window, offset, bytes, size);
    assert_true(err == MMF_OK || (err == MMF_EBUDGET && held_pages() + mmf_granularity() > budget - budget / 4));
    const size_t done = err ? (size_t)mmf_last_error()->done : size;
    assert_true(done <= size && is_pattern(bytes, offset, done));
    if (err)
        return;
    err = mmf_window_write(window, offset, bytes, size); /* what is there already */
    assert_true(err == MMF_OK || (err == MMF_EBUDGET && held_pages() + mmf_granularity() > budget - budget / 4));
}

static void load(const char *name, uint64_t budget, unsigned operations)
{
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    uint64_t most = 0;
    unsigned refused = 0;
    assert_ok(mmf_map_from_file(&map, temp_path(name), NULL));
    assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = budget)));
    for (unsigned i = 0; i < operations; i++) {
        struct held *one = &held[choose(HELD)];
        if (one->data) {
            give_back(window, one);
        } else if (choose(4)) {
            take(window, one, budget);
            refused += !one->data;
        } else {
            copy_some(window, budget);
        }
        const uint64_t mapped = details_of(window).mapped;
        assert_true(mapped <= budget);
        if (i % 4 == 0 && have_proc()) {
            const uint64_t counted = i % 24 ? mapped_bytes_of(name) : counted_by_smaps(name);
            assert_same(mapped, counted);
            if (counted > most)
                most = counted;
        }
    }
    for (size_t i = 0; i < HELD; i++)
        if (held[i].data)
            give_back(window, &held[i]);
    printf("budget %8llu: most mapped %8llu, refused %u\n", (unsigned long long)budget, (unsigned long long)most,
           refused);
    assert_true(most > 0 || !have_proc());
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

/* Budgets from one page up, whole pages and not. */
TEST(never_above_the_budget)
{
    const uint64_t page = mmf_granularity();
    const uint64_t budgets[] = {page,     page + 1,  2 * page,  3 * page,   4 * page, 5 * page + 99, 8 * page,
                                9 * page, 16 * page, 37 * page, 100 * page, 1 * MIB,  4 * MIB,       64 * MIB};
    pattern_file("loaded", LENGTH);
    for (size_t i = 0; i < COUNT(budgets); i++)
        load("loaded", budgets[i], 300);
}

/* Small and far apart: they do not use up the budget by what lies around them. */
TEST(small_references_count_as_pages)
{
    const uint64_t page = mmf_granularity();
    for (uint64_t pages = 4; pages <= 256; pages *= 4) {
        void *data[256];
        mmf_map *map = NULL;
        mmf_window *window = NULL;
        static unsigned char bytes[LENGTH];
        assert_ok(mmf_map_from_file(&map, pattern_file("small", LENGTH), NULL));
        assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = pages * page)));
        for (uint64_t at = 0; at < LENGTH; at += 5000) /* whose pieces get larger */
            assert_ok(mmf_window_read(window, at, bytes, 5000 < LENGTH - at ? 5000 : (size_t)(LENGTH - at)));
        for (uint64_t i = 0; i < pages * 3 / 4; i++) {
            const uint64_t at = LENGTH - 1 - i * (LENGTH / pages);
            assert_ok(mmf_window_ref(window, at, 1, &data[i]));
            assert_int_equal(pattern(at), *(unsigned char *)data[i]);
        }
        assert_true(details_of(window).mapped <= pages * page);
        for (uint64_t i = 0; i < pages * 3 / 4; i++)
            assert_ok(mmf_window_unref(window, data[i]));
        assert_ok(mmf_window_close(&window));
        assert_ok(mmf_map_close(&map));
    }
}

/* What the reference holds mapped can be referenced again, by any part of it, when nothing else fits. */
TEST(a_full_window)
{
    const uint64_t page = mmf_granularity();
    const size_t all = (size_t)(5 * page);
    unsigned char byte = 0;
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    void *whole = NULL, *part = NULL, *none = NULL, *apart = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file("full", LENGTH), NULL));
    for (int writes = 0; writes < 2; writes++) {
        const mmf_access access = writes ? MMF_READWRITE : MMF_READ;
        assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = all + page)));
        assert_code(MMF_EBUDGET, mmf_window_ref(window, 1, all + (size_t)page, &none)); /* seven pages */
        assert_ok(mmf_window_ref(window, 100 * page, 1, &apart));
        assert_ok(mmf_window_ref(window, page, 1, &part));
        assert_code(MMF_EBUDGET, mmf_window_ref(window, 3 * page, all, &none));
        assert_ok(mmf_window_unref(window, part));
        assert_ok(mmf_window_ref_access(window, 3 * page, all, access, &whole));
        for (uint64_t at = 3 * page; at < 8 * page; at += 501) {
            assert_ok(mmf_window_ref_access(window, at, 1, access, &part));
            assert_ptr_equal((unsigned char *)whole + (at - 3 * page), part);
            assert_ok(mmf_window_unref(window, part));
            assert_ok(mmf_window_read(window, at, &byte, 1));
            assert_int_equal(pattern(at), byte);
            assert_code(writes ? MMF_OK : MMF_EBUDGET, mmf_window_write(window, at, &byte, 1));
        }
        assert_code(MMF_EBUDGET, mmf_window_ref(window, 3 * page - 1, 1, &none));
        assert_code(MMF_EBUDGET, mmf_window_ref(window, 8 * page, 1, &none));
        assert_code(MMF_EBUDGET, mmf_window_ref_access(window, 3 * page, 1, writes ? MMF_READ : MMF_READWRITE, &none));
        assert_code(MMF_EBUDGET, mmf_window_read(window, 0, &byte, 1));
        assert_code(MMF_EBUDGET, mmf_window_write(window, 0, &byte, 1));
        /* What fits before it does not counts. */
        static unsigned char bytes[100000];
        assert_code(MMF_EBUDGET, mmf_window_read(window, 8 * page - 100, bytes, 1000));
        assert_same(100, mmf_last_error()->done);
        assert_same(100, match_pattern(bytes, 8 * page - 100, 100));
        assert_null(none);
        assert_ok(mmf_window_unref(window, whole));
        assert_ok(mmf_window_unref(window, apart));
        assert_ok(mmf_window_ref(window, 0, 1, &part)); /* room again */
        assert_ok(mmf_window_unref(window, part));
        assert_ok(mmf_window_close(&window));
    }
    assert_ok(mmf_map_close(&map));
}

static const char *big_file(const char *name, uint64_t length)
{
    const char *path = temp_path(name);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    if (ftruncate(file, (off_t)length)) {
        close(file);
        return NULL;
    }
    close(file);
    return path;
}

/* Edits all over a file that no address space of 32 bits could hold, and compares with what is in the file. */
static void edit(const char *name, uint64_t length, uint64_t budget)
{
    const char *path = big_file(name, length);
    if (!path)
        skip_test("the file system has no files of that length");
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    unsigned char bytes[200], got[200];
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true)));
    assert_same(length, mmf_map_capacity(map));
    assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = budget)));
    for (uint64_t i = 0; i < 300; i++) {
        void *data = NULL;
        const uint64_t at = i == 0   ? length - sizeof bytes
                            : i == 1 ? 4 * GIB - 100 /* across the border of 32 bits */
                                     : i * (length / 300) - i % 150;
        fill_pattern(bytes, at, sizeof bytes);
        if (i % 2) {
            assert_ok(mmf_window_write(window, at, bytes, sizeof bytes));
            continue;
        }
        assert_ok(mmf_window_ref(window, at, sizeof bytes, &data));
        assert_int_equal(0, *(unsigned char *)data);
        memcpy(data, bytes, sizeof bytes);
        assert_ok(mmf_window_unref(window, data));
    }
    assert_true(details_of(window).mapped <= budget);
    if (have_proc())
        assert_same(details_of(window).mapped, counted_by_smaps(name));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    for (uint64_t i = 0; i < 300; i++) {
        const uint64_t at = i == 0 ? length - sizeof bytes : i == 1 ? 4 * GIB - 100 : i * (length / 300) - i % 150;
        assert_int_equal(sizeof got, pread(file, got, sizeof got, (off_t)at));
        assert_same(sizeof got, match_pattern(got, at, sizeof got));
        memset(got, 0, sizeof got);
        assert_ok(mmf_window_read(window, at, got, sizeof got));
        assert_same(sizeof got, match_pattern(got, at, sizeof got));
    }
    close(file);
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

TEST(five_gibibytes)
{
    edit("five", 5 * GIB + 123, 2 * mmf_granularity());
    edit("five", 5 * GIB + 123, 64 * MIB);
}

TEST(eight_tebibytes)
{
    edit("eight", 8 * TIB + 5, 2 * MIB);
}

/* A budget that no process can use up: address space or mappings run short before, and what is idle goes. */
TEST(more_budget_than_the_system_has)
{
    const char *path = big_file("endless", 8 * TIB);
    if (!path)
        skip_test("the file system has no files of that length");
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    void *first = NULL;
    chance = 1;
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.sparse = true)));
    assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = UINT64_MAX)));
    assert_ok(mmf_window_ref(window, 77, 10, &first));
    memcpy(first, "first", 5);
    for (unsigned i = 0; i < 25000; i++) {
        void *data = NULL;
        assert_ok(mmf_window_ref(window, choose(8 * TIB - 10), 10, &data));
        assert_ok(mmf_window_unref(window, data));
    }
    assert_memory_equal("first", first, 5);
    if (have_proc())
        assert_true(mappings_of("/endless") < 33000);
    assert_ok(mmf_window_unref(window, first));
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
    unlink(path);
}

/* As much address space as there is, less than the budget: pieces that are idle go, and what fits is given. */
static int without_address_space(void *argument)
{
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    void *data = NULL, *first = NULL;
    unsigned long pages = 0;
    FILE *size = fopen("/proc/self/statm", "re");
    child_expect(mmf_map_from_file(&map, argument, MMF_MAP_OPTIONS(.sparse = true)) == MMF_OK);
    child_expect(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = GIB)) == MMF_OK);
    child_expect(mmf_window_ref(window, 0, 1, &first) == MMF_OK);
    child_expect(size && fscanf(size, "%lu", &pages) == 1);
    fclose(size);
    const struct rlimit limit = {pages * os_native.page_size() + 40 * MIB, RLIM_INFINITY};
    child_expect(setrlimit(RLIMIT_AS, &limit) == 0);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t at = 0; at + 5 * MIB < 2 * GIB; at += 5 * MIB + round) {
            child_expect(mmf_window_ref(window, at, 3 * MIB, &data) == MMF_OK);
            child_expect(((const unsigned char *)data)[77] == 0);
            child_expect(mmf_window_unref(window, data) == MMF_OK);
        }
    }
    child_expect(mmf_window_ref(window, 0, 100 * MIB, &data) == MMF_ENOMEMORY && !data);
    child_expect(mmf_last_error()->code == MMF_ENOMEMORY);
    child_expect(mmf_window_ref(window, GIB, 3 * MIB, &data) == MMF_OK);
    child_expect(mmf_window_unref(window, data) == MMF_OK && mmf_window_unref(window, first) == MMF_OK);
    child_expect(mmf_window_close(&window) == MMF_OK && mmf_map_close(&map) == MMF_OK);
    return 0;
}

TEST(less_address_space_than_budget)
{
    if (SANITIZED)
        skip_test("the sanitizer needs more address space than the limit leaves");
    if (!have_proc())
        skip_test("no /proc to tell the address space in use");
    const char *path = sparse_file("wide", 2 * GIB);
    assert_int_equal(0, in_child(without_address_space, (void *)(uintptr_t)path));
    unlink(path);
}

/* One who goes straight ahead misses seldom, and one who comes back does not miss at all. */
TEST(misses)
{
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    void *data = NULL;
    assert_ok(mmf_map_from_file(&map, pattern_file("missed", LENGTH), NULL));
    assert_ok(mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = 16 * MIB)));
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t at = 0; at + 512 <= LENGTH; at += 512) {
            assert_ok(mmf_window_ref(window, at, 512, &data));
            assert_ok(mmf_window_unref(window, data));
        }
        const mmf_window_details details = details_of(window);
        assert_same((round + 1) * (LENGTH / 512), details.hits + details.misses);
        assert_true(details.misses > 0 && details.misses < LENGTH / 65536 + 2);
    }
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_map_close(&map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(never_above_the_budget),
        unit(small_references_count_as_pages),
        unit(a_full_window),
        unit(five_gibibytes),
        unit(eight_tebibytes),
        unit(more_budget_than_the_system_has),
        unit(misses),
        unit(less_address_space_than_budget),
    };
    chance = choose_seed();
    return run_group(tests);
}
