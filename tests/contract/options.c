/* options.c: structs that are older or newer than the library, and members that must be zero. */
#define _GNU_SOURCE
#include "support.h"

#include <sys/mman.h>

/* A struct of a later release: the same members and 32 bytes more. */
struct later_map_options {
    mmf_map_options known;
    unsigned char more[32];
};
struct later_view_options {
    mmf_view_options known;
    unsigned char more[32];
};

static int open_with(const mmf_map_options *options)
{
    mmf_map *map = NULL;
    int err = mmf_map_from_file(&map, temp_path("plain"), options);
    assert_true((err == MMF_OK) == (map != NULL));
    if (map)
        assert_ok(mmf_map_close(&map));
    return err;
}

static int view_with(const mmf_view_options *options)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_create(&map, NULL, 100, NULL));
    int err = mmf_view_open(&view, map, 0, 0, options);
    assert_true((err == MMF_OK) == (view != NULL));
    if (view)
        assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    return err;
}

TEST(defaults)
{
    mmf_map_options options;
    mmf_map_options zeros = {.struct_size = sizeof zeros};
    memset(&options, 0xFF, sizeof options);
    mmf_map_options_init(&options);
    assert_memory_equal(&options, &zeros, sizeof zeros);
    assert_memory_equal(MMF_MAP_OPTIONS(.capacity = 0), &zeros, sizeof zeros);
    mmf_view_options view;
    mmf_view_options view_zeros = {.struct_size = sizeof view_zeros};
    memset(&view, 0xFF, sizeof view);
    mmf_view_options_init(&view);
    assert_memory_equal(&view, &view_zeros, sizeof view_zeros);
    mmf_view_options_init(NULL);
    pattern_file("plain", 100);
    assert_ok(open_with(&options));
    assert_ok(open_with(NULL));
    assert_ok(view_with(&view));
    assert_ok(view_with(NULL));
}

TEST(sizes_of_map_options)
{
    pattern_file("plain", 100);
    static const uint32_t wrong[] = {0, 1, 4, 8, (uint32_t)sizeof(mmf_map_options) - 1};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        mmf_map_options options = {.struct_size = wrong[i]};
        assert_code(MMF_EINVAL, open_with(&options));
        mmf_map *map = NULL;
        assert_code(MMF_EINVAL, mmf_map_create(&map, NULL, 10, &options));
        assert_null(map);
        assert_code(MMF_EINVAL, mmf_map_from_handle(&map, 0, &options));
    }
    struct later_map_options later = {.known = {.struct_size = sizeof later}};
    assert_ok(open_with(&later.known));
    for (size_t i = 0; i < sizeof later.more; i++) {
        later.more[i] = 1;
        assert_code(MMF_EINVAL, open_with(&later.known));
        later.more[i] = 0;
    }
    assert_ok(open_with(&later.known));
    /* What lies behind the struct that the caller has is not looked at. */
    later.known.struct_size = sizeof later.known;
    memset(later.more, 0xFF, sizeof later.more);
    assert_ok(open_with(&later.known));
}

TEST(sizes_of_view_options)
{
    static const uint32_t wrong[] = {0, 1, 4, 8, (uint32_t)sizeof(mmf_view_options) - 1};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        mmf_view_options options = {.struct_size = wrong[i]};
        assert_code(MMF_EINVAL, view_with(&options));
    }
    struct later_view_options later = {.known = {.struct_size = sizeof later}};
    assert_ok(view_with(&later.known));
    for (size_t i = 0; i < sizeof later.more; i++) {
        later.more[i] = 0x80;
        assert_code(MMF_EINVAL, view_with(&later.known));
        later.more[i] = 0;
    }
    later.known.struct_size = sizeof later.known;
    memset(later.more, 0xFF, sizeof later.more);
    assert_ok(view_with(&later.known));
}

TEST(reserved_members)
{
    pattern_file("plain", 100);
    mmf_map_options map;
    for (size_t i = 0; i < sizeof map.reserved_flags; i++) {
        mmf_map_options_init(&map);
        map.reserved_flags[i] = true;
        assert_code(MMF_EINVAL, open_with(&map));
    }
    mmf_view_options view;
    for (size_t i = 0; i < sizeof view.reserved_flags; i++) {
        mmf_view_options_init(&view);
        view.reserved_flags[i] = true;
        assert_code(MMF_EINVAL, view_with(&view));
    }
    mmf_view_options_init(&view);
    view.reserved_pointer = &view;
    assert_code(MMF_EINVAL, view_with(&view));
}

/*
 * A size that no struct has is garbage: nothing behind it may be read or written. The struct begins so near to the end
 * of what is mapped that its second member is not there.
 */
TEST(sizes_that_cannot_be)
{
    static const uint32_t wrong[] = {UINT32_MAX, UINT32_MAX - 7, 0x80000000, 0x01010101, 65536};
    const size_t page = (size_t)mmf_page_size();
    unsigned char *end = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(end != MAP_FAILED);
    end += page;
    assert_int_equal(0, mprotect(end, page, PROT_NONE));
    const unsigned char untouched[4] = {1, 2, 3, 4};
    void *place = end - 8;
    mmf_map *map = NULL, *refused = NULL;
    mmf_view *view = NULL, *no_view = NULL;
    mmf_window *window = NULL, *no_window = NULL;
    const char *path = pattern_file("plain", 100);
    assert_ok(mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.share = share_all())));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_ok(mmf_window_open(&window, map, NULL));
    mmf_os_handle handle;
    assert_ok(mmf_map_handle(&handle, map));
    for (size_t i = 0; i < COUNT(wrong); i++) {
        memcpy(place, &wrong[i], sizeof wrong[i]);
        memcpy(end - 4, untouched, sizeof untouched);
        assert_code(MMF_EINVAL, mmf_map_from_file(&refused, path, place));
        assert_code(MMF_EINVAL, mmf_map_from_handle(&refused, handle, place));
        assert_code(MMF_EINVAL, mmf_map_create(&refused, NULL, 100, place));
        assert_code(MMF_EINVAL, mmf_map_create_or_open(&refused, "name", 100, place, NULL));
        assert_code(MMF_EINVAL, mmf_map_open(&refused, "name", place));
        assert_null(refused);
        assert_code(MMF_EINVAL, mmf_view_open(&no_view, map, 0, 0, place));
        assert_null(no_view);
        assert_code(MMF_EINVAL, mmf_window_open(&no_window, map, place));
        assert_null(no_window);
        assert_code(MMF_EINVAL, mmf_map_info(place, map));
        assert_code(MMF_EINVAL, mmf_view_info(place, view));
        assert_code(MMF_EINVAL, mmf_window_info(place, window));
        assert_memory_equal(&wrong[i], place, sizeof wrong[i]);
        assert_memory_equal(untouched, end - 4, sizeof untouched);
    }
    assert_ok(mmf_window_close(&window));
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
    munmap(end - page, 2 * page);
}

TEST(details_structs)
{
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    assert_ok(mmf_map_create(&map, NULL, 100, NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    mmf_map_details details = {.struct_size = 0};
    assert_code(MMF_EINVAL, mmf_map_info(&details, map));
    details.struct_size = 3;
    assert_code(MMF_EINVAL, mmf_map_info(&details, map));
    assert_code(MMF_EINVAL, mmf_map_info(NULL, map));
    details.struct_size = sizeof details;
    assert_code(MMF_EINVAL, mmf_map_info(&details, NULL));
    struct {
        mmf_map_details known;
        unsigned char more[16];
    } later;
    memset(&later, 0xFF, sizeof later);
    later.known.struct_size = sizeof later;
    assert_ok(mmf_map_info(&later.known, map));
    assert_same(sizeof later, later.known.struct_size);
    assert_same(100, later.known.capacity);
    for (size_t i = 0; i < sizeof later.more; i++)
        assert_int_equal(0, later.more[i]); /* what this library does not know */
    mmf_view_details of_view = {.struct_size = 0};
    assert_code(MMF_EINVAL, mmf_view_info(&of_view, view));
    struct {
        mmf_view_details known;
        unsigned char more[16];
    } later_view;
    memset(&later_view, 0xFF, sizeof later_view);
    later_view.known.struct_size = sizeof later_view;
    assert_ok(mmf_view_info(&later_view.known, view));
    assert_same(100, later_view.known.size);
    for (size_t i = 0; i < sizeof later_view.more; i++)
        assert_int_equal(0, later_view.more[i]);
    /* Never a byte behind what the caller has. */
    memset(&later, 0xEE, sizeof later);
    later.known.struct_size = sizeof later.known;
    assert_ok(mmf_map_info(&later.known, map));
    assert_int_equal(0xEE, later.more[0]);
    assert_ok(mmf_view_close(&view));
    assert_ok(mmf_map_close(&map));
}

TEST(structs_have_no_padding)
{
    /* Members must fill the struct on every platform: a foreign-language binding lays it out by hand. */
    mmf_map_options options;
    assert_same(0, offsetof(mmf_map_options, struct_size));
    assert_same(16, offsetof(mmf_map_options, capacity));
    assert_same(40, offsetof(mmf_map_options, prefix));
    assert_same(56, offsetof(mmf_map_options, name));
    assert_same(56 + 2 * sizeof(void *), sizeof options);
    assert_same(16, offsetof(mmf_view_options, address));
    assert_same(16 + 2 * sizeof(void *), sizeof(mmf_view_options));
}

TEST(the_texts_of_codes)
{
    static const struct {
        int code;
        const char *name;
    } codes[] = {
#define CODE(name, value, text, dotnet, win32) {name, #name},
        MMF_ERRORS(CODE)
#undef CODE
    };
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_true(codes[i].code < -4095); /* below every negated errno */
        assert_string_equal(codes[i].name, mmf_error_name(codes[i].code));
        assert_true(strlen(mmf_error_text(codes[i].code)) > 3);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(mmf_error_text(codes[i].code), mmf_error_text(codes[j].code));
    }
    assert_string_equal("unknown error", mmf_error_text(-1));
    assert_string_equal("unknown error", mmf_error_text(12345));
    assert_string_equal("unknown error", mmf_error_text(-20023));
    assert_string_equal("MMF_UNKNOWN", mmf_error_name(-1));
    assert_non_null(mmf_error_text(MMF_OK));
    assert_string_equal("MMF_OK", mmf_error_name(MMF_OK));
}

TEST(a_success_does_not_clear_the_last_error)
{
    mmf_map *map = NULL;
    assert_code(MMF_ENOTFOUND, mmf_map_from_file(&map, temp_path("not-there"), NULL));
    assert_ok(mmf_map_create(&map, NULL, 100, NULL));
    assert_ok(mmf_map_close(&map));
    assert_int_equal(MMF_ENOTFOUND, mmf_last_error()->code);
    assert_string_equal(temp_path("not-there"), mmf_last_error()->path);
    assert_int_equal(MMF_CAUSE_NONE, mmf_last_error()->cause);
}

TEST(versions_and_sizes)
{
    assert_same(MMF_VERSION_MAJOR << 16 | MMF_VERSION_MINOR << 8 | MMF_VERSION_PATCH, mmf_version());
    assert_true(mmf_page_size() >= 4096 && !(mmf_page_size() & (mmf_page_size() - 1)));
    assert_same(0, mmf_granularity() % mmf_page_size());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(defaults),
        unit(sizes_of_map_options),
        unit(sizes_of_view_options),
        unit(reserved_members),
        unit(sizes_that_cannot_be),
        unit(details_structs),
        unit(structs_have_no_padding),
        unit(the_texts_of_codes),
        unit(a_success_does_not_clear_the_last_error),
        unit(versions_and_sizes),
    };
    return run_group(tests);
}
