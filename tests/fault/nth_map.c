/* nth_map.c: every call on a map, with every system call below it made to fail. */
#define _GNU_SOURCE
#include "nth.h"

#include <fcntl.h>
#include <unistd.h>

#define GROWN 50000

static mmf_map *const unset = (mmf_map *)(uintptr_t)0x51;

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static int open_file(struct nth *nth, const char *path, const mmf_map_options *options)
{
    nth->map = unset;
    int code = mmf_map_from_file(&nth->map, path, options);
    if (code)
        nth_expect(nth->map == NULL);
    else
        nth_expect(nth->map != NULL && nth->map != unset);
    return code;
}

/* After MMF_OK the map is what was asked for, and its bytes can be used. */
static void check_open(struct nth *nth, int code)
{
    mmf_map_details details = {.struct_size = sizeof details};
    mmf_view *view = NULL;
    unsigned char bytes[16];
    if (code)
        return;
    nth_expect(mmf_map_info(&details, nth->map) == MMF_OK);
    nth_expect(details.capacity == mmf_map_capacity(nth->map));
    nth_expect(details.file_length >= details.capacity);
    nth_expect(details.capacity > 0);
    nth_expect(mmf_view_open(&view, nth->map, 0, 0, NULL) == MMF_OK);
    nth_expect(mmf_view_read(view, details.capacity - 16, bytes, 16) == MMF_OK);
    nth_expect(mmf_view_close(&view) == MMF_OK);
}

#define OPENS(name, path_, ...)                                                                                        \
    static int name(struct nth *nth)                                                                                   \
    {                                                                                                                  \
        return open_file(nth, nth->path_, MMF_MAP_OPTIONS(__VA_ARGS__));                                               \
    }

OPENS(open_read, path, .access = MMF_READ)
OPENS(open_readwrite, path, .access = MMF_READWRITE)
OPENS(open_copy, path, .access = MMF_COPY_ON_WRITE)
OPENS(open_execute, path, .access = MMF_READ_EXECUTE)
OPENS(open_write_execute, path, .access = MMF_READWRITE_EXECUTE)
OPENS(open_inheritable, path, .inheritable = true, .write_through = true)
OPENS(open_prefix, path, .capacity = 5000, .prefix = true)
OPENS(open_alone, path, .share = MMF_SHARE_NONE)
OPENS(open_shared, path, .share = MMF_SHARE_READ | MMF_SHARE_WRITE)
OPENS(open_grow, path, .capacity = GROWN)
OPENS(open_grow_sparse, path, .capacity = GROWN, .sparse = true)
OPENS(open_or_create_old, path, .mode = MMF_OPEN_OR_CREATE)
OPENS(open_or_create_new, new_path, .mode = MMF_OPEN_OR_CREATE, .capacity = GROWN)
OPENS(create_new, new_path, .mode = MMF_CREATE_NEW, .capacity = GROWN)
OPENS(create_new_sparse, new_path, .mode = MMF_CREATE_NEW, .capacity = GROWN, .sparse = true)
OPENS(create_new_permissions, new_path, .mode = MMF_CREATE_NEW, .capacity = GROWN, .permissions = 0600)
OPENS(create_absent, new_path, .mode = MMF_CREATE, .capacity = GROWN)
OPENS(create_over_old, path, .mode = MMF_CREATE, .capacity = GROWN)
OPENS(create_smaller, path, .mode = MMF_CREATE, .capacity = 100)
OPENS(create_sparse, path, .mode = MMF_CREATE, .capacity = 100, .sparse = true)
OPENS(refused_range, path, .capacity = 100)
OPENS(refused_empty, new_path, .mode = MMF_CREATE_NEW)

/* A conflict of share modes while the system fails, too. */
static void prepare_conflict(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->other, nth->path, MMF_MAP_OPTIONS(.access = MMF_READ, .share = MMF_SHARE_READ)));
}

static int open_conflict(struct nth *nth)
{
    return open_file(nth, nth->path, NULL);
}

static void prepare_handle(struct nth *nth)
{
    nth->file = open(nth->path, O_RDWR | O_CLOEXEC);
    assert_true(nth->file >= 0);
}

static int from_handle(struct nth *nth, const mmf_map_options *options)
{
    nth->map = unset;
    int code = mmf_map_from_handle(&nth->map, nth->file, options);
    if (code)
        nth_expect(nth->map == NULL);
    nth_expect(fcntl(nth->file, F_GETFD) >= 0);
    return code;
}

static int handle_plain(struct nth *nth)
{
    return from_handle(nth, NULL);
}

static int handle_grow(struct nth *nth)
{
    return from_handle(nth, MMF_MAP_OPTIONS(.capacity = GROWN));
}

static int handle_owned(struct nth *nth)
{
    return from_handle(nth, MMF_MAP_OPTIONS(.own_handle = true));
}

/* The map now owns the descriptor. */
static void check_owned(struct nth *nth, int code)
{
    check_open(nth, code);
    if (code)
        return;
    nth_expect(mmf_map_close(&nth->map) == MMF_OK);
    nth_expect(fcntl(nth->file, F_GETFD) < 0);
    nth->file = open("/dev/null", O_RDONLY | O_CLOEXEC); /* the library closed one of ours: the balance counts it */
    mmf_os_handle copy;
    nth_expect(os.duplicate(&copy, nth->file, false) == 0);
    close((int)copy);
}

#define CREATES(name, ...)                                                                                             \
    static int name(struct nth *nth)                                                                                   \
    {                                                                                                                  \
        nth->map = unset;                                                                                              \
        int code = mmf_map_create(&nth->map, NULL, GROWN, MMF_MAP_OPTIONS(__VA_ARGS__));                               \
        if (code)                                                                                                      \
            nth_expect(nth->map == NULL);                                                                              \
        return code;                                                                                                   \
    }
CREATES(anonymous, .access = MMF_READWRITE)
CREATES(anonymous_copy, .access = MMF_COPY_ON_WRITE)
CREATES(anonymous_execute, .access = MMF_READWRITE_EXECUTE)
CREATES(anonymous_inheritable, .inheritable = true)

/* --- What is done with a map -------------------------------------------------------------------------------------- */

static void prepare_map(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, NULL));
}

static void prepare_sparse_map(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->path, MMF_MAP_OPTIONS(.sparse = true)));
}

static void prepare_map_and_view(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_view_open(&nth->view, nth->map, 0, 5000, NULL));
    assert_ok(mmf_view_put_u8(nth->view, 7, pattern(7)));
}

static void prepare_anonymous(struct nth *nth)
{
    assert_ok(mmf_map_create(&nth->map, NULL, NTH_SIZE, NULL));
}

static void prepare_created(struct nth *nth)
{
    assert_ok(mmf_map_from_file(&nth->map, nth->new_path, MMF_MAP_OPTIONS(.mode = MMF_CREATE_NEW, .capacity = 100)));
}

static int resize_up(struct nth *nth)
{
    return mmf_map_resize(nth->map, GROWN);
}

static void check_grown(struct nth *nth, int code)
{
    nth_expect(mmf_map_capacity(nth->map) == (code ? NTH_SIZE : GROWN));
    check_open(nth, code);
}

static int resize_down(struct nth *nth)
{
    return mmf_map_resize(nth->map, 6000);
}

static void check_shrunk(struct nth *nth, int code)
{
    nth_expect(mmf_map_capacity(nth->map) == (code ? NTH_SIZE : 6000));
    check_open(nth, code);
}

static int resize_into_view(struct nth *nth)
{
    return mmf_map_resize(nth->map, 100);
}

static int refresh(struct nth *nth)
{
    return mmf_map_refresh(nth->map);
}

static int sync_map(struct nth *nth)
{
    return mmf_map_sync(nth->map);
}

static int duplicate(struct nth *nth)
{
    nth->other = unset;
    int code = mmf_map_duplicate(&nth->other, nth->map, MMF_READ);
    if (code)
        nth_expect(nth->other == NULL);
    return code;
}

static void check_duplicate(struct nth *nth, int code)
{
    if (code)
        return;
    nth_expect(mmf_map_capacity(nth->other) == NTH_SIZE);
    check_open(nth, code);
}

static int info(struct nth *nth)
{
    mmf_map_details details;
    memset(&details, 0xFF, sizeof details);
    details.struct_size = sizeof details;
    int code = mmf_map_info(&details, nth->map);
    nth_expect(details.capacity == (code ? 0 : NTH_SIZE));
    return code;
}

static int handle_of(struct nth *nth)
{
    mmf_os_handle handle;
    return mmf_map_handle(&handle, nth->map) || mmf_map_capacity(nth->map) != NTH_SIZE;
}

/* Gone whatever is returned. */
static int close_map(struct nth *nth)
{
    int code = mmf_map_close(&nth->map);
    nth_expect(nth->map == NULL);
    return code;
}

static void prepare_two(struct nth *nth)
{
    prepare_map(nth);
    assert_ok(mmf_map_duplicate(&nth->other, nth->map, MMF_READ));
}

static void prepare_owner(struct nth *nth)
{
    mmf_os_handle file = MMF_INVALID_HANDLE;
    assert_int_equal(0, os.open(&file, nth->path, OS_OPEN_READ | OS_OPEN_WRITE, 0));
    assert_ok(mmf_map_from_handle(&nth->map, file, MMF_MAP_OPTIONS(.own_handle = true)));
}

static const struct nth_scenario opening[] = {
    {"open_read", NULL, open_read, check_open, .also = {MMF_ESHARING}},
    {"open_readwrite", NULL, open_readwrite, check_open, .also = {MMF_ESHARING}},
    {"open_copy", NULL, open_copy, check_open, .also = {MMF_ESHARING}},
    {"open_execute", NULL, open_execute, check_open, .also = {MMF_ESHARING}},
    {"open_write_execute", NULL, open_write_execute, check_open, .also = {MMF_ESHARING}},
    {"open_inheritable", NULL, open_inheritable, check_open, .also = {MMF_ESHARING}},
    {"open_prefix", NULL, open_prefix, check_open, .also = {MMF_ESHARING}},
    {"open_grow", NULL, open_grow, check_open, .file = NTH_GROWS, .size = GROWN, .also = {MMF_ESHARING}},
    {"open_grow_sparse", NULL, open_grow_sparse, check_open, .file = NTH_GROWS, .size = GROWN, .also = {MMF_ESHARING}},
    {"open_or_create_old", NULL, open_or_create_old, check_open, .also = {MMF_ESHARING}},
    {"open_or_create_new", NULL, open_or_create_new, check_open, .file = NTH_CREATES, .size = GROWN},
    {"create_new", NULL, create_new, check_open, .file = NTH_CREATES, .size = GROWN},
    {"create_new_sparse", NULL, create_new_sparse, check_open, .file = NTH_CREATES, .size = GROWN},
    {"create_new_permissions", NULL, create_new_permissions, check_open, .file = NTH_CREATES, .size = GROWN},
    {"create_absent", NULL, create_absent, check_open, .file = NTH_CREATES, .size = GROWN},
    {"create_over_old", NULL, create_over_old, check_open, .file = NTH_EMPTIES, .size = GROWN},
    {"create_smaller", NULL, create_smaller, check_open, .file = NTH_EMPTIES, .size = 100},
    {"create_sparse", NULL, create_sparse, check_open, .file = NTH_EMPTIES, .size = 100},
    {"refused_range", NULL, refused_range, NULL, .clean = MMF_ERANGE},
    {"refused_empty", NULL, refused_empty, NULL, .file = NTH_CREATES, .clean = MMF_EEMPTY},
};

static const struct nth_scenario handles[] = {
    {"handle_plain", prepare_handle, handle_plain, check_open, .flags = 0},
    {"handle_grow", prepare_handle, handle_grow, check_open, .file = NTH_GROWS, .size = GROWN},
    {"handle_owned", prepare_handle, handle_owned, check_owned, .flags = 0},
};

static const struct nth_scenario memory[] = {
    {"anonymous", NULL, anonymous, check_open, .flags = 0},
    {"anonymous_copy", NULL, anonymous_copy, check_open, .flags = 0},
    {"anonymous_execute", NULL, anonymous_execute, check_open, .flags = 0},
    {"anonymous_inheritable", NULL, anonymous_inheritable, check_open, .flags = 0},
};

static const struct nth_scenario using[] = {
    {"resize_up", prepare_map, resize_up, check_grown, .file = NTH_GROWS, .size = GROWN},
    {"resize_up_sparse", prepare_sparse_map, resize_up, check_grown, .file = NTH_GROWS, .size = GROWN},
    {"resize_up_with_view", prepare_map_and_view, resize_up, check_grown, .file = NTH_GROWS, .size = GROWN},
    {"resize_down", prepare_map, resize_down, check_shrunk, .file = NTH_SHRINKS, .size = 6000},
    {"resize_down_with_view", prepare_map_and_view, resize_down, check_shrunk, .file = NTH_SHRINKS, .size = 6000},
    {"resize_into_view", prepare_map_and_view, resize_into_view, NULL, .clean = MMF_EMAPPED},
    {"resize_anonymous_up", prepare_anonymous, resize_up, check_grown, .flags = 0},
    {"resize_anonymous_down", prepare_anonymous, resize_down, check_shrunk, .flags = 0},
    {"refresh", prepare_map_and_view, refresh, check_open, .flags = 0},
    {"sync_map", prepare_map_and_view, sync_map, NULL, .flags = NTH_POISONS},
    {"sync_created", prepare_created, sync_map, NULL, .flags = NTH_POISONS},
    {"duplicate", prepare_map, duplicate, check_duplicate, .flags = 0},
    {"info", prepare_map_and_view, info, NULL, .flags = 0},
    {"handle_of", prepare_map, handle_of, NULL, .flags = NTH_NO_CALLS},
};

static const struct nth_scenario closing[] = {
    {"close_map", prepare_map, close_map, NULL, .flags = NTH_CLOSES},
    {"close_one_of_two", prepare_two, close_map, NULL, .flags = NTH_CLOSES | NTH_NO_CALLS},
    {"close_anonymous", prepare_anonymous, close_map, NULL, .flags = NTH_CLOSES},
    {"close_owner", prepare_owner, close_map, NULL, .flags = NTH_CLOSES},
};

static const struct nth_scenario sharing[] = {
    {"open_alone", NULL, open_alone, check_open, .also = {MMF_ESHARING}},
    {"open_shared", NULL, open_shared, check_open, .also = {MMF_ESHARING}},
    {"open_conflict", prepare_conflict, open_conflict, NULL, .clean = MMF_ESHARING},
    {"close_map_with_view", prepare_map_and_view, close_map, NULL, .flags = NTH_CLOSES},
};

TEST(opening_maps)
{
    nth_run_all(opening, COUNT(opening));
}

TEST(sharing_maps)
{
    if (!have(MMF_FEATURE_SHARE_MODES))
        skip_test("no share modes here");
    nth_run_all(sharing, COUNT(sharing));
}

TEST(opening_maps_from_handles)
{
    nth_run_all(handles, COUNT(handles));
}

TEST(making_memory)
{
    nth_run_all(memory, COUNT(memory));
}

TEST(using_maps)
{
    nth_run_all(using, COUNT(using));
}

TEST(closing_maps)
{
    nth_run_all(closing, COUNT(closing));
}

/* The harness itself: a fault that was asked for and not met must not pass, nor one that is hidden. */
static int does_nothing(struct nth *nth)
{
    (void)nth;
    return MMF_OK;
}

TEST(the_harness_counts)
{
    mmf_map *map = NULL;
    fault_install();
    fault_begin(&(struct fault_plan){.call = "reserve", .nth = 1, .error = 28});
    assert_int_equal(MMF_OK, does_nothing(NULL));
    assert_int_equal(0, fault_end());
    const struct fault_balance before = fault_balance();
    const char *path = pattern_file("harness", 5000);
    assert_ok(mmf_map_from_file(&map, path, NULL));
    const struct fault_balance open = fault_balance();
    assert_true(open.memory > before.memory && open.files > before.files && open.mutexes > before.mutexes);
    assert_ok(mmf_map_close(&map));
    const struct fault_balance after = fault_balance();
    assert_memory_equal(&before, &after, sizeof after);
    fault_begin(&(struct fault_plan){.call = "open", .nth = 2, .error = 5});
    assert_ok(mmf_map_from_file(&map, path, NULL));
    assert_code(MMF_EIO, mmf_map_from_file(&(mmf_map *){NULL}, path, MMF_MAP_OPTIONS(.access = MMF_READ)));
    assert_int_equal(1, fault_end());
    assert_string_equal("open", fault_first());
    assert_int_equal(2, fault_count("open"));
    assert_ok(mmf_map_close(&map));
    fault_uninstall();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_harness_counts), unit(opening_maps), unit(sharing_maps), unit(opening_maps_from_handles),
        unit(making_memory),      unit(using_maps),   unit(closing_maps),
    };
    return run_group(tests);
}
