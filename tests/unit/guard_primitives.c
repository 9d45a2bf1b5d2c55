/*
 * guard_primitives.c: the guarded primitives stop at the exact byte, wherever a page is missing.
 *
 * A plain program without cmocka, so that tests/house/aarch64.sh can run it under an emulator. Arguments: a seed.
 */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "guard.h"
#include "plain.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GOOD_PAGES = 80, SMALL = 300, CANARY = 0xA5 };

/*
 * Good pages between two missing ones: [start, border). The one before faults with SIGSEGV, the one behind is beyond
 * the end of a file and faults with SIGBUS.
 */
struct stage {
    unsigned char *start;
    unsigned char *border;
};

static size_t page;
static struct stage from_stage;
static struct stage to_stage;
static unsigned char *plain; /* GOOD_PAGES good pages, and as many again */
static uint64_t faults;
static uint64_t cases;

static struct stage make_stage(void)
{
    FILE *file = tmpfile();
    CHECK(file);
    size_t good = GOOD_PAGES * page;
    CHECK_EQUAL(ftruncate(fileno(file), (off_t)good), 0);
    unsigned char *range = mmap(NULL, good + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(range != MAP_FAILED);
    void *mapped = mmap(range + page, good + page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fileno(file), 0);
    CHECK(mapped == range + page);
    fclose(file);
    return (struct stage){range + page, range + page + good};
}

static unsigned char value_at(size_t at)
{
    return (unsigned char)(at * 7 + at / 251 + 1);
}

static void put_values(unsigned char *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = value_at(i);
}

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Copies with `have` bytes in front of a border of the source, or of the target; more than `size`: no fault. */
static void check_copy(unsigned char *to, size_t to_have, const unsigned char *from, size_t from_have, size_t size)
{
    size_t expected = smaller(size, smaller(to_have, from_have));
    size_t behind = smaller(to_have - smaller(to_have, expected), 64);
    put_values((unsigned char *)(uintptr_t)from, smaller(from_have, size));
    memset(to, CANARY, smaller(to_have, size + 64));
    size_t done = guard_copy(to, from, size);
    CHECK_EQUAL(done, expected);
    for (size_t i = 0; i < done; i++)
        CHECK_EQUAL(to[i], value_at(i));
    for (size_t i = done; i < done + behind; i++)
        CHECK_EQUAL(to[i], CANARY);
    if (done < size) {
        uintptr_t source = (uintptr_t)from + done;
        uintptr_t target = (uintptr_t)to + done;
        CHECK(guard_last_fault()->address == (from_have == done ? source : target));
        faults++;
    }
    cases++;
}

static const size_t far_away = SIZE_MAX / 2;

static void check_copy_at_borders(size_t size, size_t have, size_t shift)
{
    check_copy(plain + shift, far_away, from_stage.border - have, have, size);
    check_copy(to_stage.border - have, have, plain + shift, far_away, size);
}

static void check_small_copies(void)
{
    for (size_t size = 0; size <= SMALL; size++)
        for (size_t have = 0; have <= size; have++)
            check_copy_at_borders(size, have, (size * 3 + have) % 67);
    for (size_t size = 0; size <= SMALL; size++)
        for (size_t shift = 0; shift < 64; shift++)
            check_copy(plain + shift, far_away, plain + GOOD_PAGES * page + (shift * 5 + size) % 64, far_away, size);
}

/* Around every size at which the copy changes its way, with the border at each of the last bytes and some others. */
static void check_large_copies(void)
{
    static const size_t sizes[] = {511, 512, 513, 1023, 1025, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 65536, 100001};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t less = 0; less <= 200; less++)
            check_copy_at_borders(sizes[i], sizes[i] - less, less % 65);
        for (size_t have = 0; have < sizes[i]; have += sizes[i] / 61 + 1)
            check_copy_at_borders(sizes[i], have, have % 63);
    }
}

/* The first page is missing, the rest is there: nothing may be copied. */
static void check_missing_beginning(void)
{
    for (size_t size = 1; size <= SMALL; size++) {
        for (size_t missing = 1; missing <= size; missing += size / 9 + 1) {
            unsigned char *source = from_stage.start - missing;
            unsigned char *target = to_stage.start - missing;
            memset(plain, CANARY, size);
            CHECK_EQUAL(guard_copy(plain, source, size), 0);
            CHECK(guard_last_fault()->address == (uintptr_t)source);
            for (size_t k = 0; k < size; k++)
                CHECK_EQUAL(plain[k], CANARY);
            memset(to_stage.start, CANARY, size);
            CHECK_EQUAL(guard_copy(target, plain + page, size), 0);
            CHECK(guard_last_fault()->address == (uintptr_t)target);
            for (size_t k = 0; k < size - missing; k++)
                CHECK_EQUAL(to_stage.start[k], CANARY);
            CHECK_EQUAL(guard_fill(target, 1, size), 0);
            faults += 3;
            cases += 3;
        }
    }
}

static uint64_t random_state;

static uint64_t next_random(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

/* Both borders at once, any size up to what the stage holds. */
static void check_random_copies(unsigned count)
{
    const size_t limit = (GOOD_PAGES - 1) * page;
    for (unsigned i = 0; i < count; i++) {
        size_t size = (size_t)next_random(i % 2 ? limit : 5000) + 1;
        size_t from_have = (size_t)next_random(size + size / 2);
        size_t to_have = (size_t)next_random(size + size / 2);
        from_have = smaller(from_have, limit);
        to_have = smaller(to_have, limit);
        check_copy(to_stage.border - to_have, to_have, from_stage.border - from_have, from_have, size);
    }
}

static void check_fill(size_t size, size_t have)
{
    unsigned char *to = to_stage.border - have;
    size_t expected = smaller(size, have);
    memset(to - 1, CANARY, have + 1);
    CHECK_EQUAL(guard_fill(to, 0x3C, size), expected);
    CHECK_EQUAL(to[-1], CANARY);
    for (size_t i = 0; i < have; i++)
        CHECK_EQUAL(to[i], i < expected ? 0x3C : CANARY);
    if (expected < size) {
        CHECK(guard_last_fault()->address == (uintptr_t)to_stage.border);
        faults++;
    }
    cases++;
}

/* Equal bytes up to `same`, with the border of one side at `have`; `left` tells which side. */
static void check_compare(size_t size, size_t have, size_t same, bool left)
{
    bool faulted = false;
    size_t expected = smaller(size, smaller(have, same));
    unsigned char *bordered = from_stage.border - have;
    put_values(bordered, smaller(have, size));
    put_values(plain, size);
    if (same != far_away && same < size)
        plain[same] ^= 0x10;
    size_t equal =
        left ? guard_compare(bordered, plain, size, &faulted) : guard_compare(plain, bordered, size, &faulted);
    CHECK_EQUAL(equal, expected);
    CHECK_EQUAL(faulted, have < size && same >= have);
    if (faulted) {
        CHECK(guard_last_fault()->address == (uintptr_t)from_stage.border);
        faults++;
    }
    cases++;
}

static void check_find(size_t size, size_t have, size_t place)
{
    bool faulted = false;
    unsigned char *memory = from_stage.border - have;
    size_t expected = smaller(size, smaller(have, place));
    memset(memory - 1, 0x77, have + 1);
    if (place < have)
        memory[place] = 0xFE;
    CHECK_EQUAL(guard_find(memory, 0xFE, size, &faulted), expected);
    CHECK_EQUAL(faulted, have < size && place >= have);
    if (faulted) {
        CHECK(guard_last_fault()->address == (uintptr_t)from_stage.border);
        faults++;
    }
    cases++;
}

static void check_scans(void)
{
    for (size_t size = 0; size <= SMALL; size++) {
        for (size_t have = 0; have <= size + 9; have += size > 80 ? 3 : 1) {
            check_fill(size, have);
            check_compare(size, have, far_away, have % 2);
            check_compare(size, have, have / 2, have % 2);
            check_compare(size, have, size - smaller(size, 1), true);
            check_find(size, have, far_away);
            check_find(size, have, have / 2);
            check_find(size, have, size - smaller(size, 1));
        }
    }
    static const size_t sizes[] = {1000, 4096, 4097, 65537, 200003};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t less = 0; less < 70; less++) {
            check_fill(sizes[i], sizes[i] - less);
            check_compare(sizes[i], sizes[i] - less, far_away, less % 2);
            check_compare(sizes[i], sizes[i] + 7, sizes[i] - less, less % 2);
            check_find(sizes[i], sizes[i] - less, far_away);
            check_find(sizes[i], sizes[i] + 7, sizes[i] - less);
        }
    }
}

#define DEFINE_CHECK_ACCESS(bits)                                                                                      \
    static void check_access_##bits(size_t have)                                                                       \
    {                                                                                                                  \
        const uint##bits##_t written = (uint##bits##_t)UINT64_C(0x8877665544332211);                                   \
        uint##bits##_t expected;                                                                                       \
        uint##bits##_t value = 0;                                                                                      \
        bool good = have >= sizeof value;                                                                              \
        put_values(from_stage.border - have, have);                                                                    \
        CHECK_EQUAL(guard_load_##bits(from_stage.border - have, &value), good);                                        \
        memset(to_stage.border - 16, CANARY, 16);                                                                      \
        CHECK_EQUAL(guard_store_##bits(to_stage.border - have, written), good);                                        \
        if (good) {                                                                                                    \
            memcpy(&expected, from_stage.border - have, sizeof expected);                                              \
            CHECK_EQUAL(value, expected);                                                                              \
            memcpy(&expected, to_stage.border - have, sizeof expected);                                                \
            CHECK_EQUAL(expected, written);                                                                            \
        }                                                                                                              \
        faults += good ? 0 : 2;                                                                                        \
        cases += 2;                                                                                                    \
    }
DEFINE_CHECK_ACCESS(8)
DEFINE_CHECK_ACCESS(16)
DEFINE_CHECK_ACCESS(32)
DEFINE_CHECK_ACCESS(64)

static void check_accesses(void)
{
    for (size_t have = 0; have <= 16; have++) {
        check_access_8(have);
        check_access_16(have);
        check_access_32(have);
        check_access_64(have);
    }
}

int main(int count, char **arguments)
{
    random_state = count > 1 ? strtoull(arguments[1], NULL, 0) : 0x5EED5EED;
    if (random_state == 0)
        random_state = 1;
    printf("seed 0x%llx\n", (unsigned long long)random_state);
    page = (size_t)sysconf(_SC_PAGESIZE);
    from_stage = make_stage();
    to_stage = make_stage();
    plain = malloc(2 * GOOD_PAGES * page);
    CHECK(plain);
    CHECK_EQUAL(guard_start(true), MMF_OK);
    guard_enter();

    check_accesses();
    check_small_copies();
    check_large_copies();
    check_missing_beginning();
    check_random_copies(400);
    check_scans();

    CHECK(faults > 50000);
    printf("guard primitives: %llu cases, %llu faults, every count exact\n", (unsigned long long)cases,
           (unsigned long long)faults);
    free(plain);
    return 0;
}
