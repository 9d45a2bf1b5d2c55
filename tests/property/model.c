/*
 * model.c: random operations on maps and views, compared after each of them with a plain array of bytes.
 *
 * The model is the file's bytes, and for every copy-on-write view the pages it has stored into. Run with the machine's
 * pages, with 16 KiB and 64 KiB pages by the os table, and without signals. The seed is printed; MMF_SEED=n or an
 * argument replays it, MMF_SECONDS=n runs longer.
 */
#define _GNU_SOURCE
#include "fault.h"
#include "support.h"
#include "truncation.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define MOST_BYTES 300000
#define MAPS 3
#define VIEWS 6
#define LOG 24

struct model_view {
    mmf_view *view;
    uint64_t offset;
    uint64_t size;
    uint32_t access;
    unsigned char *copies; /* copy-on-write: the private bytes, by offset in the map */
    bool *copied;          /* and which pages have them */
};

static const char *path;
static unsigned char bytes[MOST_BYTES]; /* what the file must be */
static uint64_t length;
static mmf_map *maps[MAPS];
static struct model_view views[VIEWS];
static unsigned chance, seed;
static unsigned long operations;
static char journal[LOG][160];
static size_t page; /* of the kernel, whatever the library believes */
static bool quiet;  /* without signals */

/* --- Chance ------------------------------------------------------------------------------------------------------- */

static uint64_t choose(uint64_t below)
{
    return below ? ((uint64_t)rand_r(&chance) << 16 ^ (uint64_t)rand_r(&chance)) % below : 0;
}

/* Near a border of pages, or anywhere. */
static uint64_t choose_offset(uint64_t most)
{
    static const uint64_t borders[] = {4096, 16384, 65536};
    uint64_t at = choose(most + 1);
    if (choose(2)) {
        uint64_t border = borders[choose(3)];
        at = at / border * border + choose(9);
        at = at >= 4 ? at - 4 : 0;
    }
    return at < most ? at : most;
}

static uint64_t choose_size(uint64_t most)
{
    uint64_t size = choose(4) ? choose(40) : choose_offset(most);
    return size < most ? size : most;
}

/* --- What went on, and what was wrong -------------------------------------------------------------------------------
 */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(journal[operations % LOG], sizeof journal[0], format, arguments);
    va_end(arguments);
}

static void wrong(const char *what, int line)
{
    const mmf_error *last = mmf_last_error();
    print_error("model.c:%d: not so: %s; seed %u, operation %lu; last error %s in %s\n", line, what, seed, operations,
                mmf_error_name(last->code), last->operation ? last->operation : "nothing");
    for (unsigned long i = operations >= LOG ? operations - LOG + 1 : 0; i <= operations; i++)
        print_error("  %lu: %s\n", i, journal[i % LOG]);
    fail();
}

#define must(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            wrong(#condition, __LINE__);                                                                               \
    } while (0)

/* --- The model ---------------------------------------------------------------------------------------------------- */

static bool reads(const struct model_view *view)
{
    return view->access != MMF_WRITE;
}

static bool stores(const struct model_view *view)
{
    return view->access != MMF_READ;
}

static unsigned char byte_of(const struct model_view *view, uint64_t position)
{
    uint64_t at = view->offset + position;
    return view->copied && view->copied[at / page] ? view->copies[at] : bytes[at];
}

static void store(struct model_view *view, uint64_t position, unsigned char byte)
{
    uint64_t at = view->offset + position;
    if (!view->copied) {
        bytes[at] = byte;
        return;
    }
    if (!view->copied[at / page]) {
        uint64_t first = at / page * page;
        memcpy(view->copies + first, bytes + first, first + page <= MOST_BYTES ? page : MOST_BYTES - first);
        view->copied[at / page] = true;
    }
    view->copies[at] = byte;
}

static void store_all(struct model_view *view, uint64_t position, const void *from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        store(view, position + i, ((const unsigned char *)from)[i]);
}

static bool same(const struct model_view *view, uint64_t position, const void *with, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (byte_of(view, position + i) != ((const unsigned char *)with)[i])
            return false;
    return true;
}

/* The last byte that a live view has. */
static uint64_t end_of_views(void)
{
    uint64_t end = 0;
    for (size_t i = 0; i < VIEWS; i++)
        if (views[i].view && views[i].size && views[i].offset + views[i].size > end)
            end = views[i].offset + views[i].size;
    return end;
}

static void set_model_length(uint64_t to)
{
    if (to < length)
        memset(bytes + to, 0, (size_t)(length - to));
    length = to;
}

static void compare_all(void)
{
    static unsigned char file_bytes[MOST_BYTES];
    for (size_t i = 0; i < VIEWS; i++) {
        const struct model_view *view = &views[i];
        if (!view->view || !reads(view))
            continue;
        must(mmf_view_size(view->view) == view->size);
        if (view->copied)
            must(same(view, 0, mmf_view_data(view->view), view->size));
        else
            must(!memcmp(bytes + view->offset, mmf_view_data(view->view), (size_t)view->size));
    }
    for (size_t i = 0; i < MAPS; i++)
        must(!maps[i] || mmf_map_capacity(maps[i]) == length);
    if (operations % 16)
        return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0);
    ssize_t got = pread(file, file_bytes, sizeof file_bytes, 0);
    close(file);
    must(got == (ssize_t)length);
    must(!memcmp(bytes, file_bytes, (size_t)length));
}

/* --- The operations ----------------------------------------------------------------------------------------------- */

static mmf_map *some_map(void)
{
    size_t first = (size_t)choose(MAPS);
    for (size_t i = 0; i < MAPS; i++)
        if (maps[(first + i) % MAPS])
            return maps[(first + i) % MAPS];
    return NULL;
}

static struct model_view *some_view(void)
{
    size_t first = (size_t)choose(VIEWS);
    for (size_t i = 0; i < VIEWS; i++)
        if (views[(first + i) % VIEWS].view)
            return &views[(first + i) % VIEWS];
    return NULL;
}

static void close_model_view(struct model_view *view)
{
    must(mmf_view_close(&view->view) == MMF_OK && !view->view);
    free(view->copies);
    free(view->copied);
    memset(view, 0, sizeof *view);
}

static void open_view(void)
{
    static const uint32_t accesses[] = {MMF_READ, MMF_WRITE, MMF_READWRITE, MMF_COPY_ON_WRITE};
    struct model_view *view = &views[choose(VIEWS)];
    if (view->view)
        close_model_view(view);
    view->access = accesses[choose(quiet && !have(MMF_FEATURE_NO_SIGNAL) ? 3 : 4)];
    view->offset = choose_offset(length);
    view->size = choose_size(length - view->offset);
    bool populate = choose(4) == 0;
    note("open view %zu at %llu, %llu bytes, access %u%s", (size_t)(view - views), (unsigned long long)view->offset,
         (unsigned long long)view->size, view->access, populate ? ", populate" : "");
    must(mmf_view_open(&view->view, some_map(), view->offset, view->size,
                       MMF_VIEW_OPTIONS(.access = view->access, .populate = populate && view->access != MMF_WRITE)) ==
         MMF_OK);
    if (!view->size)
        view->size = length - view->offset;
    if (view->access == MMF_COPY_ON_WRITE) {
        view->copies = malloc(MOST_BYTES);
        view->copied = calloc(MOST_BYTES / page + 1, sizeof *view->copied);
        must(view->copies && view->copied);
    }
}

static void close_view(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    note("close view %zu", (size_t)(view - views));
    close_model_view(view);
}

static unsigned char buffer[MOST_BYTES + 64];

static void read_some(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    uint64_t at = choose_offset(view->size), size = choose_size(view->size - at);
    note("read view %zu at %llu, %llu bytes", (size_t)(view - views), (unsigned long long)at, (unsigned long long)size);
    memset(buffer, 0xA6, (size_t)size + 8);
    int err = mmf_view_read(view->view, at, buffer, (size_t)size);
    must(err == (reads(view) ? MMF_OK : MMF_EACCESS));
    must(err || same(view, at, buffer, size));
    for (size_t i = 0; i < 8; i++)
        must(buffer[size + i] == 0xA6);
    must(mmf_view_read(view->view, at, buffer, (size_t)(view->size - at) + 1) ==
         (reads(view) ? MMF_ERANGE : MMF_EACCESS));
}

static void write_some(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    uint64_t at = choose_offset(view->size), size = choose_size(view->size - at);
    note("write view %zu at %llu, %llu bytes", (size_t)(view - views), (unsigned long long)at,
         (unsigned long long)size);
    for (uint64_t i = 0; i < size; i++)
        buffer[i] = (unsigned char)choose(256);
    int err = mmf_view_write(view->view, at, buffer, (size_t)size);
    must(err == (stores(view) ? MMF_OK : MMF_EACCESS));
    if (!err)
        store_all(view, at, buffer, size);
    must(mmf_view_write(view->view, at, buffer, (size_t)(view->size - at) + 1) ==
         (stores(view) ? MMF_ERANGE : MMF_EACCESS));
}

static void store_raw(void)
{
    struct model_view *view = some_view();
    if (!view || !stores(view) || !view->size)
        return;
    uint64_t at = choose_offset(view->size - 1);
    note("raw store into view %zu at %llu", (size_t)(view - views), (unsigned long long)at);
    ((volatile unsigned char *)mmf_view_mutable(view->view))[at] = (unsigned char)operations;
    store(view, at, (unsigned char)operations);
}

/* One typed value, both ways; the code is the same as for its bytes. */
#define TYPED(suffix, type)                                                                                            \
    static void typed_##suffix(struct model_view *view, uint64_t at)                                                   \
    {                                                                                                                  \
        type value, got;                                                                                               \
        unsigned char parts[sizeof(type)];                                                                             \
        const bool fits = at <= view->size && view->size - at >= sizeof value;                                         \
        for (size_t i = 0; i < sizeof parts; i++)                                                                      \
            parts[i] = (unsigned char)choose(sizeof(type) == sizeof(bool) ? 2 : 256);                                  \
        if (sizeof parts == 16)                                                                                        \
            parts[12] = parts[13] = 0, parts[14] = (unsigned char)choose(29), parts[15] = choose(2) ? 0x80 : 0;        \
        memcpy(&value, parts, sizeof value);                                                                           \
        note("put and get " #suffix " in view %zu at %llu", (size_t)(view - views), (unsigned long long)at);           \
        int err = mmf_view_put_##suffix(view->view, at, value);                                                        \
        must(err == (!stores(view) ? MMF_EACCESS : fits ? MMF_OK : MMF_ERANGE));                                       \
        if (!err)                                                                                                      \
            store_all(view, at, &value, sizeof value);                                                                 \
        err = mmf_view_get_##suffix(view->view, at, &got);                                                             \
        if (!reads(view) || !fits) {                                                                                   \
            must(err == (!reads(view) ? MMF_EACCESS : MMF_ERANGE));                                                    \
            return;                                                                                                    \
        }                                                                                                              \
        must(err == MMF_OK || (err == MMF_ECORRUPT && sizeof value == 16 && !stores(view)));                           \
        if (!err && !(sizeof value == 1 && !stores(view)))                                                             \
            must(same(view, at, &got, sizeof got));                                                                    \
    }
MMF_TYPES(TYPED)
#undef TYPED

static void typed(void)
{
    static void (*const all[])(struct model_view *, uint64_t) = {
#define ENTRY(suffix, type) typed_##suffix,
        MMF_TYPES(ENTRY)
#undef ENTRY
    };
    struct model_view *view = some_view();
    if (view)
        all[choose(COUNT(all))](view, choose_offset(view->size + 3));
}

static void arrays(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    size_t element = 1 + (size_t)choose(40), count = (size_t)choose(200), done = 99;
    uint64_t at = choose_offset(view->size);
    uint64_t room = (view->size - at) / element, fitting = count < room ? count : room;
    note("arrays in view %zu at %llu, %zu of %zu bytes", (size_t)(view - views), (unsigned long long)at, count,
         element);
    for (size_t i = 0; i < element * count; i++)
        buffer[i] = (unsigned char)choose(256);
    int err = mmf_view_write_array(view->view, at, buffer, element, count);
    if (!stores(view))
        must(err == MMF_EACCESS);
    else if (at >= view->size || count > room)
        must(err == MMF_ERANGE);
    else
        must(err == MMF_OK);
    if (!err)
        store_all(view, at, buffer, element * count);
    memset(buffer, 0xA6, element * count + 1);
    err = mmf_view_read_array(view->view, at, buffer, element, count, &done);
    if (!reads(view))
        must(err == MMF_EACCESS && done == 0);
    else if (at >= view->size)
        must(err == MMF_ERANGE && done == 0);
    else
        must(err == MMF_OK && done == fitting && same(view, at, buffer, fitting * element) &&
             buffer[fitting * element] == 0xA6);
}

static void zero(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    uint64_t at = choose_offset(view->size), size = choose_size(view->size - at);
    note("zero view %zu at %llu, %llu bytes", (size_t)(view - views), (unsigned long long)at, (unsigned long long)size);
    int err = mmf_view_zero(view->view, at, size);
    must(err == (stores(view) ? MMF_OK : MMF_EACCESS));
    if (!size)
        size = view->size - at;
    for (uint64_t i = 0; i < size && !err; i++)
        store(view, at + i, 0);
}

static void protect(void)
{
    struct model_view *view = some_view();
    if (!view || !stores(view) || !view->size)
        return;
    uint64_t at = choose_offset(view->size - 1);
    note("protect view %zu at %llu", (size_t)(view - views), (unsigned long long)at);
    must(mmf_view_protect(view->view, at, 1, MMF_READ) == MMF_OK);
    int err = mmf_view_put_u8(view->view, at, 1);
    must(err == MMF_EACCESS || (err == MMF_ENOTSUP && quiet && !have(MMF_FEATURE_NO_SIGNAL)));
    must(mmf_view_protect(view->view, 0, 0, MMF_ACCESS_DEFAULT) == MMF_OK);
    must(mmf_view_put_u8(view->view, at, 77) == MMF_OK);
    store(view, at, 77);
}

static void without_effect(void)
{
    struct model_view *view = some_view();
    if (!view)
        return;
    uint64_t at = choose_offset(view->size), size = choose_size(view->size - at), resident = 0;
    unsigned kind = (unsigned)choose(8);
    note("call %u without effect on view %zu at %llu, %llu bytes", kind, (size_t)(view - views), (unsigned long long)at,
         (unsigned long long)size);
    if (kind < 2)
        must(mmf_view_flush(view->view, at, size, (mmf_flush)choose(3)) == MMF_OK);
    else if (kind == 2)
        must(mmf_view_advise(view->view, at, size, (mmf_advice)choose(4)) == MMF_OK);
    else if (kind == 3)
        must(mmf_view_prefetch(view->view, &(mmf_range){at, size}, 1) == MMF_OK);
    else if (kind == 4)
        must(mmf_view_probe(view->view, at, size) == (reads(view) ? MMF_OK : MMF_EACCESS));
    else if (kind == 5)
        must(mmf_map_sync(some_map()) == MMF_OK);
    else if (kind == 6 && have(MMF_FEATURE_RESIDENT))
        must(mmf_view_resident(&resident, view->view, at, size, NULL, 0) == MMF_OK &&
             resident <= MOST_BYTES / page + 2);
    else
        must(mmf_view_check(view->view) == MMF_OK);
}

/* Every handle of the file must see it: those by path after a refresh. */
static void refresh_all(void)
{
    for (size_t i = 0; i < MAPS; i++)
        must(!maps[i] || mmf_map_refresh(maps[i]) == MMF_OK);
}

static void resize(void)
{
    uint64_t to = 1 + choose_offset(MOST_BYTES - 1);
    note("resize from %llu to %llu, views end at %llu", (unsigned long long)length, (unsigned long long)to,
         (unsigned long long)end_of_views());
    int err = mmf_map_resize(some_map(), to);
    if (to < length && end_of_views() > to) {
        must(err == MMF_EMAPPED);
        return;
    }
    must(err == MMF_OK);
    set_model_length(to);
    refresh_all();
}

static void resize_behind_the_library(void)
{
    uint64_t least = end_of_views() > 1 ? end_of_views() : 1, to = least + choose(MOST_BYTES - least + 1);
    note("another program sets the length %llu to %llu", (unsigned long long)length, (unsigned long long)to);
    set_length(path, to);
    set_model_length(to);
    refresh_all();
}

static void write_behind_the_library(void)
{
    uint64_t at = choose_offset(length - 1);
    note("another program writes at %llu", (unsigned long long)at);
    unsigned char byte = (unsigned char)choose(256);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    must(file >= 0 && pwrite(file, &byte, 1, (off_t)at) == 1);
    close(file);
    bytes[at] = byte;
}

/* A handle is closed and replaced: by a duplicate, by the path, or by an open file. */
static void replace_map(void)
{
    size_t i = (size_t)choose(MAPS);
    unsigned way = (unsigned)choose(3);
    mmf_map *made = NULL;
    note("replace map %zu, way %u", i, way);
    if (way == 0) {
        must(mmf_map_duplicate(&made, some_map(), MMF_ACCESS_DEFAULT) == MMF_OK);
    } else if (way == 1) {
        must(mmf_map_from_file(&made, path, MMF_MAP_OPTIONS(.share = share_all(), .sparse = choose(2) == 0)) == MMF_OK);
    } else {
        int file = open(path, O_RDWR | O_CLOEXEC);
        must(mmf_map_from_handle(&made, file, MMF_MAP_OPTIONS(.own_handle = true)) == MMF_OK);
    }
    must(mmf_map_close(&maps[i]) == MMF_OK);
    maps[i] = made;
}

/* --- Runs --------------------------------------------------------------------------------------------------------- */

static void step(void)
{
    static void (*const all[])(void) = {open_view,
                                        open_view,
                                        close_view,
                                        read_some,
                                        read_some,
                                        write_some,
                                        write_some,
                                        write_some,
                                        store_raw,
                                        typed,
                                        typed,
                                        typed,
                                        typed,
                                        arrays,
                                        arrays,
                                        zero,
                                        protect,
                                        without_effect,
                                        without_effect,
                                        resize,
                                        resize_behind_the_library,
                                        write_behind_the_library,
                                        replace_map};
    note("nothing");
    all[choose(COUNT(all))]();
    compare_all();
    operations++;
}

static void run_for(const char *name, double seconds)
{
    struct timespec start, now;
    path = fast_path("model");
    page = os_native.page_size();
    chance = seed;
    operations = 0;
    length = 100000;
    write_pattern(path, length);
    memset(bytes, 0, sizeof bytes);
    fill_pattern(bytes, 0, (size_t)length);
    assert_ok(mmf_map_from_file(&maps[0], path, MMF_MAP_OPTIONS(.share = share_all())));
    const char *steps = getenv("MMF_STEPS");
    unsigned long most = steps ? strtoul(steps, NULL, 0) : 0;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 50; i++)
            step();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (most ? operations < most
                  : (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
    for (size_t i = 0; i < VIEWS; i++)
        if (views[i].view)
            close_model_view(&views[i]);
    for (size_t i = 0; i < MAPS; i++)
        assert_ok(mmf_map_close(&maps[i]));
    printf("%s: %lu operations\n", name, operations);
    assert_true(operations >= 50);
    fault_pages(0, 0);
}

static double seconds_each(void)
{
    const char *wanted = getenv("MMF_SECONDS");
    return wanted ? strtod(wanted, NULL) : 1.0;
}

TEST(pages_of_the_machine)
{
    run_for("pages of the machine", seconds_each());
}

/* The kernel's pages stay 4 KiB: what is tested is that the library trusts the table and nothing else. */
TEST(pages_of_16_kib)
{
    fault_pages(16384, 16384);
    assert_same(16384, mmf_page_size());
    run_for("pages of 16 KiB", seconds_each());
}

TEST(pages_of_64_kib)
{
    fault_pages(65536, 65536);
    run_for("pages of 64 KiB", seconds_each());
}

/* As on Windows. */
TEST(granularity_of_64_kib)
{
    fault_pages(0, 65536);
    assert_same(65536, mmf_granularity());
    run_for("granularity of 64 KiB", seconds_each());
}

TEST(without_signals)
{
    assert_ok(mmf_guard_install(MMF_GUARD_NOSIGNAL));
    quiet = true;
    run_for("without signals", seconds_each());
    fault_pages(65536, 65536);
    run_for("without signals, pages of 64 KiB", seconds_each() / 2);
    quiet = false;
    assert_ok(mmf_guard_install(MMF_GUARD_SIGNAL));
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        unit(pages_of_the_machine),  unit(pages_of_16_kib), unit(pages_of_64_kib),
        unit(granularity_of_64_kib), unit(without_signals),
    };
    if (count > 1)
        setenv("MMF_SEED", arguments[1], 1);
    seed = choose_seed();
    fault_install();
    return run_group(tests);
}
