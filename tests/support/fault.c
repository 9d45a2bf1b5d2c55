/* fault.c: makes the system calls of the library fail at will. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum entry {
#define FAULT_ENTRY(name, parameters, arguments) ENTRY_##name,
    OS_CALLS(FAULT_ENTRY)
#undef FAULT_ENTRY
        ENTRY_allocate,
    ENTRY_thread_buffer,
    ENTRY_COUNT
};

static const char *const entry_names[] = {
#define FAULT_NAME(name, parameters, arguments) #name,
    OS_CALLS(FAULT_NAME)
#undef FAULT_NAME
        "allocate",
    "thread_buffer"};

static struct os_calls real;
static bool installed;
static struct fault_plan plan;
static _Atomic bool active;
static _Atomic unsigned long counts[ENTRY_COUNT];
static _Atomic unsigned long seen;
static _Atomic unsigned long injected;
static _Atomic int first;
static _Atomic long memory_balance, mapped_balance, file_balance, mutex_balance, lock_balance;
static _Atomic(os_mutex *) not_locked;
static size_t page_size_override, granularity_override;

/* Counts a call and tells whether it has to fail. */
static bool due(enum entry entry, enum fault_kind kind)
{
    if (kind != FAULT_SHORT)
        counts[entry]++;
    if (!active || plan.kind != kind || (plan.call && strcmp(plan.call, entry_names[entry]) != 0))
        return false;
    unsigned long number = ++seen;
    if (number != plan.nth && !(plan.sticky && number > plan.nth))
        return false;
    if (++injected == 1)
        first = (int)entry;
    return true;
}

/* Keeps the balance of what a successful call took or gave back. */
static void account(enum entry entry)
{
    switch (entry) {
    case ENTRY_open:
    case ENTRY_duplicate:
    case ENTRY_reopen:
    case ENTRY_memory_file:
        file_balance++;
        break;
    case ENTRY_close:
        file_balance--;
        break;
    case ENTRY_mutex_create:
        mutex_balance++;
        break;
    case ENTRY_mutex_destroy:
        mutex_balance--;
        break;
    default:
        break;
    }
}

/* The last two cannot fail on any system we know, and a thread that keeps the signals blocked is killed by a fault. */
static bool works_before_it_fails(enum entry entry)
{
    return entry == ENTRY_close || entry == ENTRY_mutex_destroy || entry == ENTRY_fault_unblock ||
           entry == ENTRY_fault_leave;
}

/* One wrapper for each entry; those that need more are defined below and put over them. */
#define FAULT_WRAPPER(name, parameters, arguments)                                                                     \
    static int wrap_##name parameters                                                                                  \
    {                                                                                                                  \
        if (due(ENTRY_##name, FAULT_CALLS)) {                                                                          \
            if (works_before_it_fails(ENTRY_##name) && !real.name arguments)                                           \
                account(ENTRY_##name);                                                                                 \
            return plan.error;                                                                                         \
        }                                                                                                              \
        int err = real.name arguments;                                                                                 \
        if (!err)                                                                                                      \
            account(ENTRY_##name);                                                                                     \
        return err;                                                                                                    \
    }
OS_CALLS(FAULT_WRAPPER)
#undef FAULT_WRAPPER

/* A system with larger pages refuses what this one would take. */
static int check_alignment(size_t size, unsigned mapping, uint64_t offset)
{
    if (granularity_override && !(mapping & OS_MAP_ANONYMOUS) && offset % granularity_override)
        return EINVAL;
    if (page_size_override && size % page_size_override)
        return EINVAL;
    return 0;
}

/* And it gives addresses that are multiples of them: a hint where there is room for one. */
static int find_aligned(void **address, size_t size)
{
    void *room = NULL;
    const size_t more = size + granularity_override;
    int err = real.map(&room, more, OS_PROTECT_NONE, OS_MAP_PRIVATE | OS_MAP_ANONYMOUS, MMF_INVALID_HANDLE, 0);
    if (err)
        return err;
    uintptr_t start = ((uintptr_t)room + granularity_override - 1) / granularity_override * granularity_override;
    *address = (void *)start;
    return real.unmap(room, more);
}

static int wrap_map_balanced(void **address, size_t size, unsigned protection, unsigned mapping, mmf_os_handle file,
                             uint64_t offset)
{
    if (due(ENTRY_map, FAULT_CALLS))
        return plan.error;
    int err = check_alignment(size, mapping, offset);
    if (!err && granularity_override && !*address && !(mapping & OS_MAP_FIXED))
        err = find_aligned(address, size);
    if (err)
        return err;
    err = real.map(address, size, protection, mapping, file, offset);
    if (!err && !(mapping & OS_MAP_FIXED))
        mapped_balance += (long)size;
    return err;
}

static int wrap_unmap_balanced(void *address, size_t size)
{
    bool fails = due(ENTRY_unmap, FAULT_CALLS);
    int err = real.unmap(address, size);
    if (!err)
        mapped_balance -= (long)size;
    return fails ? plan.error : err;
}

/* A lock that failed is not held, whether or not the library goes on as if it were: its unlock then does nothing. */
static int wrap_mutex_lock_balanced(os_mutex *mutex)
{
    if (due(ENTRY_mutex_lock, FAULT_CALLS)) {
        not_locked = mutex;
        return plan.error;
    }
    int err = real.mutex_lock(mutex);
    if (!err) {
        lock_balance++;
        if (not_locked == mutex)
            not_locked = NULL;
    }
    return err;
}

static int wrap_mutex_unlock_balanced(os_mutex *mutex)
{
    bool fails = due(ENTRY_mutex_unlock, FAULT_CALLS);
    if (not_locked == mutex) {
        not_locked = NULL;
        return fails ? plan.error : 0;
    }
    int err = real.mutex_unlock(mutex);
    if (!err)
        lock_balance--;
    return fails ? plan.error : err;
}

/* The calls on ranges of memory: whole pages of the size that was told. */
#define FAULT_RANGE(name, parameters, arguments)                                                                       \
    static int wrap_##name##_pages parameters                                                                          \
    {                                                                                                                  \
        if (page_size_override && ((uintptr_t)address % page_size_override || size % page_size_override))              \
            return EINVAL;                                                                                             \
        return wrap_##name arguments;                                                                                  \
    }
FAULT_RANGE(protect, (void *address, size_t size, unsigned protection), (address, size, protection))
FAULT_RANGE(flush, (void *address, size_t size, enum os_flush how), (address, size, how))
FAULT_RANGE(advise, (void *address, size_t size, enum os_advice advice), (address, size, advice))
FAULT_RANGE(populate, (void *address, size_t size), (address, size))
FAULT_RANGE(lock_memory, (void *address, size_t size), (address, size))
FAULT_RANGE(unlock_memory, (void *address, size_t size), (address, size))
#undef FAULT_RANGE

static int wrap_read_at_short(size_t *done, mmf_os_handle file, uint64_t offset, void *to, size_t size)
{
    if (size > 1 && due(ENTRY_read_at, FAULT_SHORT))
        return real.read_at(done, file, offset, to, size / 2);
    return wrap_read_at(done, file, offset, to, size);
}

static int wrap_write_at_short(size_t *done, mmf_os_handle file, uint64_t offset, const void *from, size_t size)
{
    if (size > 1 && due(ENTRY_write_at, FAULT_SHORT))
        return real.write_at(done, file, offset, from, size / 2);
    return wrap_write_at(done, file, offset, from, size);
}

static int wrap_copy_checked_short(size_t *done, void *to, const void *from, size_t size, bool write)
{
    if (size > 1 && due(ENTRY_copy_checked, FAULT_SHORT)) {
        int err = real.copy_checked(done, to, from, size / 2, write);
        return err ? err : EFAULT;
    }
    return wrap_copy_checked(done, to, from, size, write);
}

static void *wrap_allocate(size_t size)
{
    if (due(ENTRY_allocate, FAULT_MEMORY))
        return NULL;
    void *memory = real.allocate(size);
    if (memory)
        memory_balance++;
    return memory;
}

static void wrap_release(void *memory)
{
    if (memory)
        memory_balance--;
    real.release(memory);
}

static void *wrap_thread_buffer(size_t size)
{
    return due(ENTRY_thread_buffer, FAULT_MEMORY) ? NULL : real.thread_buffer(size);
}

static size_t wrap_page_size(void)
{
    return page_size_override ? page_size_override : real.page_size();
}

static size_t wrap_granularity(void)
{
    return granularity_override ? granularity_override : real.granularity();
}

void fault_install(void)
{
    if (installed)
        return;
    real = os;
#define FAULT_REPLACE(name, parameters, arguments) os.name = wrap_##name;
    OS_CALLS(FAULT_REPLACE)
#undef FAULT_REPLACE
    os.map = wrap_map_balanced;
    os.unmap = wrap_unmap_balanced;
    os.protect = wrap_protect_pages;
    os.flush = wrap_flush_pages;
    os.advise = wrap_advise_pages;
    os.populate = wrap_populate_pages;
    os.lock_memory = wrap_lock_memory_pages;
    os.unlock_memory = wrap_unlock_memory_pages;
    os.mutex_lock = wrap_mutex_lock_balanced;
    os.mutex_unlock = wrap_mutex_unlock_balanced;
    os.read_at = wrap_read_at_short;
    os.write_at = wrap_write_at_short;
    os.copy_checked = wrap_copy_checked_short;
    os.allocate = wrap_allocate;
    os.release = wrap_release;
    os.thread_buffer = wrap_thread_buffer;
    os.page_size = wrap_page_size;
    os.granularity = wrap_granularity;
    installed = true;
}

void fault_uninstall(void)
{
    if (installed)
        os = real;
    installed = false;
}

void fault_begin(const struct fault_plan *wanted)
{
    active = false;
    seen = injected = 0;
    first = -1;
    not_locked = NULL;
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        counts[i] = 0;
    if (wanted) {
        plan = *wanted;
        active = true;
    }
}

unsigned long fault_end(void)
{
    active = false;
    return injected;
}

unsigned long fault_seen(void)
{
    return seen;
}

unsigned long fault_count(const char *call)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (!strcmp(entry_names[i], call))
            return counts[i];
    return 0;
}

const char *fault_first(void)
{
    return first < 0 ? "none" : entry_names[first];
}

struct fault_balance fault_balance(void)
{
    return (struct fault_balance){memory_balance, mapped_balance, file_balance, mutex_balance, lock_balance};
}

void fault_pages(size_t page_size, size_t granularity)
{
    page_size_override = page_size;
    granularity_override = granularity;
}

static const struct {
    const char *name;
    int number;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},         {"ENOMEM", ENOMEM}, {"EINTR", EINTR},
              {"EAGAIN", EAGAIN}, {"EMFILE", EMFILE},   {"EDQUOT", EDQUOT}, {"EFAULT", EFAULT},
              {"EACCES", EACCES}, {"ENOTSUP", ENOTSUP}, {"none", 0}};

const char *fault_error_name(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].number == error)
            return errors[i].name;
    return "unknown";
}

int fault_error_number(const char *name)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (!strcmp(errors[i].name, name))
            return errors[i].number;
    return 0;
}
