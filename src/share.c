/*
 * share.c: share modes, kept as marks on the data file that the kernel drops with the open file.
 *
 * Range k of the file is the 2^32 bytes from MARKS + k * 2^32 on, far beyond any data. A mark is a shared lock on the
 * first byte of a range, so that handles that may only read can place it; whoever tests a range asks for an exclusive
 * lock over all of it. Placing one's marks first and testing then is safe without any other lock: of two who race at
 * least one sees the other, at worst both, and then they try again after a random wait.
 */
#include "share.h"

#include "error.h"

#define MARKS UINT64_C(0x4D4D460000000000) /* "MMF" */
#define MARK_SIZE (UINT64_C(1) << 32)
#define TRIES 4
#define WAIT_NANOSECONDS 500000
#define SIZE_TRIES 40000 /* about ten seconds: reserving much on tmpfs takes its time */

/* The numbers are a format shared between processes and versions: they never change. */
enum mark { USE_READ = 1, USE_WRITE = 2, DENY_READ = 4, DENY_WRITE = 5, MAPPED = 7, SIZE = 9, MARK_END = 16 };

static const enum mark all_marks[] = {USE_READ, USE_WRITE, DENY_READ, DENY_WRITE, MAPPED};
#define MARK_COUNT (sizeof all_marks / sizeof all_marks[0])

static uint64_t place_of(enum mark mark)
{
    return MARKS + (uint64_t)mark * MARK_SIZE;
}

static int held_by_others(bool *held, struct backing *backing, enum mark mark)
{
    return error_from_os(os.test_mark(held, backing->file, place_of(mark), MARK_SIZE), "test share mark",
                         backing->path);
}

static bool wants(unsigned marks, enum mark mark)
{
    return marks >> mark & 1;
}

static void remove_marks(struct backing *backing, unsigned marks)
{
    for (size_t i = 0; i < MARK_COUNT; i++)
        if (wants(marks, all_marks[i]))
            (void)os.unmark(backing->file, place_of(all_marks[i]), 1);
}

static int sharing_violation(const struct backing *backing)
{
    return error_set_full(&(mmf_error){.code = MMF_ESHARING, .operation = "share mode", .path = backing->path});
}

/* A program that holds an exclusive lock over the whole file makes placing fail: then it is somebody who does not
 * share. */
static int place_mark(struct backing *backing, enum mark mark)
{
    int os_error = os.mark(backing->file, place_of(mark), 1, false);
    if (os_error == 0)
        return MMF_OK;
    bool held = false;
    if (os.code_of(os_error) != MMF_ENOTSUP && os.test_mark(&held, backing->file, place_of(mark), MARK_SIZE) == 0 &&
        held)
        return sharing_violation(backing);
    return error_from_os(os_error, "place share mark", backing->path);
}

static int place_marks(struct backing *backing, unsigned marks)
{
    int err = MMF_OK;
    unsigned placed = 0;
    for (size_t i = 0; i < MARK_COUNT && !err; i++) {
        if (!wants(marks, all_marks[i]))
            continue;
        err = place_mark(backing, all_marks[i]);
        if (!err)
            placed |= 1u << all_marks[i];
    }
    if (err)
        remove_marks(backing, placed);
    return err;
}

/* What `marks` uses must not be denied by another, what it denies must not be used. */
static int test_conflicts(struct backing *backing, unsigned marks)
{
    static const struct {
        enum mark mine, theirs;
    } conflicts[] = {{USE_READ, DENY_READ}, {USE_WRITE, DENY_WRITE}, {DENY_READ, USE_READ}, {DENY_WRITE, USE_WRITE}};
    for (size_t i = 0; i < sizeof conflicts / sizeof conflicts[0]; i++) {
        bool held = false;
        if (!wants(marks, conflicts[i].mine))
            continue;
        int err = held_by_others(&held, backing, conflicts[i].theirs);
        if (err)
            return err;
        if (held)
            return sharing_violation(backing);
    }
    return MMF_OK;
}

static void wait_randomly(void)
{
    uint32_t part = 0;
    if (os.random(&part, sizeof part) != 0)
        part = UINT32_MAX / 2;
    (void)os.sleep(1 + (uint64_t)part * WAIT_NANOSECONDS / UINT32_MAX);
}

static unsigned marks_for(bool writes, uint32_t share)
{
    unsigned marks = 1u << USE_READ | 1u << MAPPED;
    if (writes)
        marks |= 1u << USE_WRITE;
    if (!(share & MMF_SHARE_READ))
        marks |= 1u << DENY_READ;
    if (!(share & MMF_SHARE_WRITE))
        marks |= 1u << DENY_WRITE;
    return marks;
}

int share_take(struct backing *backing, bool writes, uint32_t share)
{
    const bool denies_by_choice = share != 0 && share != (MMF_SHARE_READ | MMF_SHARE_WRITE);
    int err = MMF_OK;
    if (!share)
        share = writes ? MMF_SHARE_READ : MMF_SHARE_READ | MMF_SHARE_WRITE;
    unsigned marks = marks_for(writes, share);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        if (attempt > 0)
            wait_randomly();
        err = place_marks(backing, marks);
        if (!err) {
            err = test_conflicts(backing, marks);
            if (err)
                remove_marks(backing, marks);
        }
        if (err != MMF_ESHARING)
            break;
    }
    if (err == MMF_ENOTSUP && !denies_by_choice)
        return MMF_OK;
    if (!err)
        backing->share = share;
    return err;
}

void share_release_denials(struct backing *backing)
{
    if (backing->share)
        remove_marks(backing, 1u << DENY_READ | 1u << DENY_WRITE);
}

void share_release(struct backing *backing)
{
    if (backing->share)
        (void)os.unmark(backing->file, MARKS, MARK_END * MARK_SIZE);
}

bool share_is_alone(struct backing *backing)
{
    bool held = false;
    int os_error = os.mark(backing->file, MARKS, MARK_END * MARK_SIZE, true);
    if (os_error == 0 || os.code_of(os_error) == MMF_ENOTSUP)
        return true;
    return os.code_of(os_error) != MMF_ESHARING &&
           os.test_mark(&held, backing->file, MARKS, MARK_END * MARK_SIZE) == 0 && !held;
}

int share_lock_size(struct backing *backing)
{
    if (backing->anonymous)
        return MMF_OK; /* its handles are this process's, and its resize holds the backing's own lock */
    for (int attempt = 0; attempt < SIZE_TRIES; attempt++) {
        int os_error = os.mark(backing->file, place_of(SIZE), 1, true);
        const int code = os.code_of(os_error);
        if (code == MMF_ENOTSUP)
            return MMF_OK;
        if (code != MMF_ESHARING)
            return error_from_os(os_error, "lock file length", backing->path);
        wait_randomly();
    }
    return sharing_violation(backing);
}

void share_unlock_size(struct backing *backing)
{
    (void)os.unmark(backing->file, place_of(SIZE), 1);
}

int share_mapped_by_others(bool *mapped, struct backing *backing)
{
    *mapped = false;
    if (!backing->share)
        return MMF_OK;
    return held_by_others(mapped, backing, MAPPED);
}
