/* stdio.c: what C promises of a FILE, for the FILE of a view; everything a plain file can say is compared with one. */
#define _GNU_SOURCE
#include "os/os.h"
#include "support.h"

#include <errno.h>
#include <unistd.h>

#define LENGTH ((uint64_t)200077)

struct opened {
    mmf_map *map;
    mmf_view *view;
    FILE *file;
};

#define needs_stdio()                                                                                                  \
    do {                                                                                                               \
        if (!have(MMF_FEATURE_STDIO))                                                                                  \
            skip_test("the C library has no such FILE here");                                                          \
    } while (0)

static struct opened open_over(const char *path, uint64_t offset, uint64_t size, const char *mode)
{
    struct opened opened = {NULL, NULL, NULL};
    assert_ok(mmf_map_from_file(&opened.map, path, NULL));
    assert_ok(mmf_view_open(&opened.view, opened.map, offset, size, NULL));
    assert_ok(mmf_view_fopen(&opened.file, opened.view, mode));
    assert_non_null(opened.file);
    return opened;
}

static struct opened open_file(const char *name, uint64_t length, const char *mode)
{
    return open_over(pattern_file(name, length), 0, 0, mode);
}

static const char *text_file(const char *name, const char *text)
{
    const char *path = temp_path(name);
    FILE *file = fopen(path, "we");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
    return path;
}

static void close_all(struct opened *opened)
{
    assert_int_equal(0, fclose(opened->file));
    assert_ok(mmf_view_close(&opened->view));
    assert_ok(mmf_map_close(&opened->map));
}

/* Asked for where there is none, every argument still counts first. */
TEST(arguments_and_modes)
{
    static const char *const good[] = {"r", "rb", "r+", "r+b", "rb+", "w", "wb", "w+", "w+b", "wb+", NULL};
    static const char *const bad[] = {"",    "a",    "a+", "ab", "x",  "+", "b",  "rr", "rw",          "r++",
                                      "rbb", "r+b+", "wx", "re", " r", "R", "r ", "rt", "w,ccs=UTF-8", NULL};
    mmf_map *map = NULL;
    mmf_view *view = NULL;
    FILE *file = stdin;
    const int answer = have(MMF_FEATURE_STDIO) ? MMF_OK : MMF_ENOTSUP;
    assert_ok(mmf_map_from_file(&map, pattern_file("modes", LENGTH), NULL));
    assert_ok(mmf_view_open(&view, map, 0, 0, NULL));
    assert_code(MMF_EINVAL, mmf_view_fopen(NULL, view, "r"));
    assert_code(MMF_EINVAL, mmf_view_fopen(&file, NULL, "r"));
    assert_null(file);
    assert_code(MMF_EINVAL, mmf_view_fopen(&file, view, NULL));
    for (size_t i = 0; bad[i]; i++) {
        file = stdin;
        assert_code(MMF_EINVAL, mmf_view_fopen(&file, view, bad[i]));
        assert_null(file);
    }
    for (size_t i = 0; good[i]; i++) {
        file = stdin;
        assert_code(answer, mmf_view_fopen(&file, view, good[i]));
        assert_true(answer ? !file : file != NULL);
        if (!file)
            continue;
        const bool reads = good[i][0] == 'r' || strchr(good[i], '+'),
                   writes = good[i][0] == 'w' || strchr(good[i], '+');
        assert_int_equal(reads ? pattern(0) : EOF, fgetc(file));
        assert_int_equal(!reads, ferror(file) != 0);
        clearerr(file);
        rewind(file);
        const int put = fputc(pattern(0), file);
        assert_int_equal(writes ? pattern(0) : EOF, put);
        assert_int_equal(0, fclose(file));
        assert_int_equal(pattern(0), file_byte(temp_path("modes"), 0));
        assert_same(LENGTH, file_length(temp_path("modes"))); /* "w" does not truncate */
    }
    assert_ok(mmf_view_close(&view));
    static const struct {
        uint32_t access;
        const char *mode;
        bool allowed;
    } cases[] = {{MMF_READ, "r", true},   {MMF_READ, "r+", false},  {MMF_READ, "w", false},
                 {MMF_READ, "w+", false}, {MMF_WRITE, "r", false},  {MMF_WRITE, "r+", false},
                 {MMF_WRITE, "w", true},  {MMF_WRITE, "w+", false}, {MMF_COPY_ON_WRITE, "r+", true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_ok(mmf_view_open(&view, map, 0, 0, MMF_VIEW_OPTIONS(.access = cases[i].access)));
        file = stdin;
        assert_code(cases[i].allowed ? answer : MMF_EACCESS, mmf_view_fopen(&file, view, cases[i].mode));
        assert_true(cases[i].allowed && !answer ? file != NULL : file == NULL);
        if (file)
            assert_int_equal(0, fclose(file));
        assert_ok(mmf_view_close(&view));
    }
    assert_ok(mmf_map_close(&map));
}

TEST(characters)
{
    needs_stdio();
    struct opened opened = open_file("characters", 70000, "r");
    for (uint64_t i = 0; i < 70000; i++) {
        const int got = i % 3 ? fgetc(opened.file) : getc(opened.file);
        assert_int_equal(pattern(i), got);
        if (i % 1000 == 7) {
            assert_int_equal('#', ungetc('#', opened.file));
            assert_int_equal('#', fgetc(opened.file));
            assert_int_equal(got, ungetc(got, opened.file));
            assert_int_equal((long)i, ftell(opened.file));
            assert_int_equal(got, fgetc(opened.file));
        }
        assert_true(!feof(opened.file) && !ferror(opened.file));
    }
    assert_int_equal(EOF, fgetc(opened.file));
    assert_true(feof(opened.file) && !ferror(opened.file));
    assert_int_equal(EOF, fgetc(opened.file));
    assert_int_equal('x', ungetc('x', opened.file)); /* clears the end-of-file flag */
    assert_true(!feof(opened.file));
    assert_int_equal('x', fgetc(opened.file));
    assert_int_equal(EOF, fgetc(opened.file));
    clearerr(opened.file);
    assert_true(!feof(opened.file));
    rewind(opened.file);
    assert_int_equal(pattern(0), fgetc(opened.file));
    assert_int_equal(EOF, fputc('x', opened.file)); /* "r" */
    assert_true(ferror(opened.file));
    close_all(&opened);
}

TEST(lines_and_formats)
{
    needs_stdio();
    struct opened opened =
        open_over(text_file("lines", "first\nsecond line\n\n42 -7 0x1f word 2.5\nno end"), 0, 0, "r");
    char line[100], word[20];
    int one, two;
    unsigned three;
    double four;
    assert_string_equal("first\n", fgets(line, sizeof line, opened.file));
    assert_string_equal("secon", fgets(line, 6, opened.file));
    assert_string_equal("d line\n", fgets(line, sizeof line, opened.file));
    assert_string_equal("\n", fgets(line, sizeof line, opened.file));
    assert_int_equal(5, fscanf(opened.file, "%d %d %x %19s %lf", &one, &two, &three, word, &four));
    assert_true(one == 42 && two == -7 && three == 0x1f && !strcmp(word, "word") && four == 2.5);
    assert_int_equal('\n', fgetc(opened.file));
    char *whole = NULL;
    size_t room = 0;
    assert_int_equal(6, getline(&whole, &room, opened.file));
    assert_string_equal("no end", whole);
    assert_true(feof(opened.file));
    assert_int_equal(-1, getline(&whole, &room, opened.file));
    assert_null(fgets(line, sizeof line, opened.file));
    free(whole);
    close_all(&opened);
    opened = open_over(text_file("printed", "................................"), 5, 20, "w");
    assert_int_equal(12, fprintf(opened.file, "%d and %s\n", 12, "text"));
    assert_int_equal(12, ftell(opened.file));
    close_all(&opened);
    opened = open_over(temp_path("printed"), 0, 0, "r");
    assert_string_equal(".....12 and text\n", fgets(line, sizeof line, opened.file));
    assert_string_equal("...............", fgets(line, sizeof line, opened.file));
    close_all(&opened);
}

TEST(blocks)
{
    needs_stdio();
    static unsigned char bytes[LENGTH + 100];
    struct opened opened = open_over(pattern_file("blocks", LENGTH), 777, LENGTH - 1777, "r");
    uint64_t at = 777;
    const uint64_t end = LENGTH - 1000;
    for (size_t size = 1; at < end; size = size * 5 % 30011 + 1) {
        const size_t got = fread(bytes, 1, size, opened.file);
        assert_same(size < end - at ? size : end - at, got);
        assert_same(got, match_pattern(bytes, at, got));
        at += got;
        assert_int_equal((long)(at - 777), ftell(opened.file));
    }
    assert_true(feof(opened.file) && !ferror(opened.file));
    rewind(opened.file);
    assert_int_equal((LENGTH - 1777) / 1000, fread(bytes, 1000, 1000, opened.file)); /* whole elements */
    assert_true(feof(opened.file));
    rewind(opened.file);
    assert_int_equal(1, fread(bytes, LENGTH - 1777, 1, opened.file));
    assert_same(LENGTH - 1777, match_pattern(bytes, 777, LENGTH - 1777));
    assert_true(!feof(opened.file));
    assert_int_equal(0, fread(bytes, 1, 1, opened.file));
    assert_true(feof(opened.file));
    close_all(&opened);
}

TEST(positions)
{
    needs_stdio();
    struct opened opened = open_file("positions", LENGTH, "r");
    fpos_t mark;
    assert_int_equal(0, fseek(opened.file, 100000, SEEK_SET));
    assert_int_equal(pattern(100000), fgetc(opened.file));
    assert_int_equal(0, fgetpos(opened.file, &mark));
    assert_int_equal(0, fseek(opened.file, -50001, SEEK_CUR));
    assert_int_equal(50000, ftell(opened.file));
    assert_int_equal(pattern(50000), fgetc(opened.file));
    assert_int_equal(0, fseek(opened.file, -1, SEEK_END));
    assert_int_equal(pattern(LENGTH - 1), fgetc(opened.file));
    assert_int_equal(EOF, fgetc(opened.file));
    assert_int_equal(0, fseek(opened.file, 0, SEEK_CUR)); /* clears the end-of-file flag */
    assert_true(!feof(opened.file));
    assert_int_equal(0, fsetpos(opened.file, &mark));
    assert_int_equal(pattern(100001), fgetc(opened.file));
    errno = 0;
    assert_int_equal(-1, fseek(opened.file, -1, SEEK_SET));
    assert_int_equal(EINVAL, errno);
    assert_int_equal(-1, fseek(opened.file, -(long)LENGTH - 1, SEEK_END));
    assert_int_equal(-1, fseek(opened.file, 0, 77));
    assert_int_equal(100002, ftell(opened.file));
    assert_int_equal(pattern(100002), fgetc(opened.file));
    assert_int_equal(0, fseek(opened.file, 5000, SEEK_END));
    assert_int_equal((long)LENGTH + 5000, ftell(opened.file));
    assert_int_equal(EOF, fgetc(opened.file));
    assert_true(feof(opened.file) && !ferror(opened.file));
    ungetc('a', opened.file);
    rewind(opened.file); /* drops what was put back */
    assert_int_equal(pattern(0), fgetc(opened.file));
    assert_int_equal(0, fseeko(opened.file, (off_t)(6 * GIB), SEEK_SET));
    assert_same(6 * GIB, ftello(opened.file));
    assert_int_equal(EOF, fgetc(opened.file));
    close_all(&opened);
}

/* The same random calls on a FILE of a view and on one of a plain file of the same bytes: the same answers. */
static void same_as_plain(unsigned seed, int buffering, size_t buffer_size)
{
    static char buffers[2][70000];
    static unsigned char ours[5000], theirs[5000];
    const uint64_t length = 30000;
    struct opened opened = open_file("ours", length, "r+");
    FILE *plain = fopen(pattern_file("theirs", length), "r+e");
    bool reading = true;
    assert_non_null(plain);
    if (buffering >= 0) {
        assert_int_equal(0, setvbuf(opened.file, buffering == _IONBF ? NULL : buffers[0], buffering, buffer_size));
        assert_int_equal(0, setvbuf(plain, buffering == _IONBF ? NULL : buffers[1], buffering, buffer_size));
    }
    for (unsigned i = 0; i < 1500; i++) {
        const unsigned kind = (unsigned)rand_r(&seed) % 10;
        const long at = rand_r(&seed) % (long)length;
        const size_t room = (size_t)(length - (uint64_t)ftell(plain)), most = 1 + (size_t)rand_r(&seed) % 5000;
        const size_t size = rand_r(&seed) % 2 ? most : most % 20;
        if (kind < 4) {
            if (!reading) /* as C demands between writing and reading */
                assert_true(i % 2 ? !fflush(opened.file) && !fflush(plain)
                                  : !fseek(opened.file, 0, SEEK_CUR) && !fseek(plain, 0, SEEK_CUR));
            reading = true;
            const size_t got = fread(ours, 1, size, opened.file);
            assert_int_equal(fread(theirs, 1, size, plain), got);
            assert_memory_equal(theirs, ours, got);
        } else if (kind < 7) {
            if (reading)
                assert_true(!fseek(opened.file, 0, SEEK_CUR) && !fseek(plain, 0, SEEK_CUR));
            reading = false;
            const size_t fitting = size < room ? size : room; /* a plain file would grow */
            memset(ours, (int)i, fitting);
            assert_int_equal(fitting, fwrite(ours, 1, fitting, opened.file));
            assert_int_equal(fitting, fwrite(ours, 1, fitting, plain));
        } else if (kind == 7) {
            assert_true(!fseek(opened.file, at, SEEK_SET) && !fseek(plain, at, SEEK_SET));
            reading = true;
            assert_int_equal(fgetc(plain), fgetc(opened.file));
            assert_int_equal('!', ungetc('!', opened.file));
            assert_int_equal('!', ungetc('!', plain));
            assert_int_equal(fgetc(plain), fgetc(opened.file));
        } else if (kind == 8) {
            assert_true(!fseek(opened.file, -at, SEEK_END) && !fseek(plain, -at, SEEK_END));
            reading = true;
        } else {
            assert_true(!fflush(opened.file) && !fflush(plain));
        }
        assert_int_equal(ftell(plain), ftell(opened.file));
        assert_int_equal(feof(plain) != 0, feof(opened.file) != 0);
        assert_int_equal(ferror(plain) != 0, ferror(opened.file) != 0);
    }
    assert_int_equal(0, fclose(plain));
    assert_int_equal(0, fclose(opened.file));
    static unsigned char want[30000], got[30000];
    plain = fopen(temp_path("theirs"), "re");
    assert_int_equal(length, fread(want, 1, sizeof want, plain));
    fclose(plain);
    assert_ok(mmf_view_read(opened.view, 0, got, length));
    assert_memory_equal(want, got, length);
    assert_ok(mmf_view_close(&opened.view));
    assert_ok(mmf_map_close(&opened.map));
}

TEST(the_same_as_a_plain_file)
{
    needs_stdio();
    for (unsigned seed = 1; seed <= 6; seed++) {
        same_as_plain(seed, -1, 0);
        same_as_plain(seed, _IONBF, 0);
        same_as_plain(seed, _IOFBF, 7);
        same_as_plain(seed, _IOFBF, 70000);
        same_as_plain(seed, _IOLBF, 100);
    }
}

/* What fits is written, the rest is ENOSPC, and nothing grows. */
TEST(writing_past_the_end)
{
    needs_stdio();
    static unsigned char bytes[100000];
    static const size_t buffers[] = {0, 1, 16, 4096, 100000};
    static char buffer[100000];
    memset(bytes, 0x77, sizeof bytes);
    for (size_t i = 0; i < COUNT(buffers); i++) {
        for (size_t piece = 1; piece <= 10000; piece *= 100) {
            struct opened opened = open_over(pattern_file("end", LENGTH), 100, 5000, "r+");
            assert_int_equal(
                0, setvbuf(opened.file, buffers[i] ? buffer : NULL, buffers[i] ? _IOFBF : _IONBF, buffers[i]));
            assert_int_equal(0, fseek(opened.file, 4000, SEEK_SET));
            errno = 0;
            bool failed = false;
            for (size_t at = 0; at < 10000 && !failed; at += piece)
                failed = fwrite(bytes, 1, piece, opened.file) < piece;
            failed = fflush(opened.file) == EOF || failed;
            assert_true(failed);
            assert_int_equal(ENOSPC, errno);
            assert_true(ferror(opened.file));
            (void)fclose(opened.file);
            unsigned char byte = 0;
            for (uint64_t at = 3999; at < 5000; at++) {
                assert_ok(mmf_view_get_u8(opened.view, at, &byte));
                assert_int_equal(at < 4000 ? pattern(100 + at) : 0x77, byte);
            }
            assert_ok(mmf_view_close(&opened.view));
            assert_ok(mmf_map_close(&opened.map));
            assert_int_equal(pattern(5100), file_byte(temp_path("end"), 5100));
            assert_same(LENGTH, file_length(temp_path("end")));
        }
    }
    struct opened opened = open_file("end", 5000, "r+"); /* exactly up to the end */
    assert_int_equal(5000, fwrite(bytes, 1, 5000, opened.file));
    assert_int_equal(0, fflush(opened.file));
    assert_int_equal('x', fputc('x', opened.file)); /* into the buffer: the late error is fclose()'s to tell */
    errno = 0;
    assert_int_equal(EOF, fclose(opened.file));
    assert_int_equal(ENOSPC, errno);
    assert_ok(mmf_view_close(&opened.view));
    assert_ok(mmf_map_close(&opened.map));
    assert_same(5000, file_length(temp_path("end")));
}

TEST(flushing_makes_it_visible)
{
    needs_stdio();
    struct opened opened = open_file("visible", LENGTH, "r+");
    unsigned char bytes[10];
    assert_int_equal(0, fseek(opened.file, 1000, SEEK_SET));
    assert_int_equal(7, fwrite("written", 1, 7, opened.file));
    assert_ok(mmf_view_read(opened.view, 1000, bytes, 7));
    assert_same(7, match_pattern(bytes, 1000, 7)); /* still in the buffer */
    assert_int_equal(0, fflush(opened.file));
    assert_ok(mmf_view_read(opened.view, 1000, bytes, 7));
    assert_memory_equal("written", bytes, 7);
    assert_int_equal('w', file_byte(temp_path("visible"), 1000));
    assert_int_equal(0, fseek(opened.file, 2000, SEEK_SET));
    assert_int_equal(pattern(2000), fgetc(opened.file)); /* the buffer has more */
    assert_ok(mmf_view_write(opened.view, 0, "changed", 7));
    assert_int_equal(0, fseek(opened.file, 0, SEEK_SET));
    assert_int_equal(7, fread(bytes, 1, 7, opened.file));
    assert_memory_equal("changed", bytes, 7);
    close_all(&opened);
}

TEST(missing_pages)
{
    needs_stdio();
    static unsigned char bytes[LENGTH];
    const uint64_t left = 8 * os_native.page_size();
    if (left + 70000 > LENGTH)
        skip_test("the pages are too large for the file");
    for (int buffered = 0; buffered < 2; buffered++) {
        struct opened opened = open_file("missing", LENGTH, "r+");
        if (!buffered)
            assert_int_equal(0, setvbuf(opened.file, NULL, _IONBF, 0));
        set_length(temp_path("missing"), left);
        errno = 0;
        assert_same(left, fread(bytes, 1, LENGTH, opened.file));
        assert_int_equal(EIO, errno);
        assert_true(ferror(opened.file) && !feof(opened.file));
        assert_same(left, match_pattern(bytes, 0, (size_t)left));
        clearerr(opened.file);
        assert_int_equal(EOF, fgetc(opened.file));
        assert_true(ferror(opened.file));
        clearerr(opened.file);
        assert_int_equal(0, fseek(opened.file, (long)left - 100, SEEK_SET));
        memset(bytes, 0x55, 1000);
        errno = 0;
        const bool short_write = fwrite(bytes, 1, 1000, opened.file) < 1000;
        assert_true(fflush(opened.file) == EOF || short_write);
        assert_int_equal(EIO, errno);
        assert_true(ferror(opened.file));
        assert_int_equal(0x55, file_byte(temp_path("missing"), left - 1));
        assert_int_equal(pattern(left - 101), file_byte(temp_path("missing"), left - 101));
        clearerr(opened.file);
        (void)fseek(opened.file, 0, SEEK_SET);
        assert_int_equal(pattern(0), fgetc(opened.file)); /* what is there can still be had */
        assert_int_equal(0, fseek(opened.file, (long)left, SEEK_SET));
        if (buffered) {
            assert_int_equal('x', fputc('x', opened.file));
            errno = 0;
            assert_int_equal(EOF, fclose(opened.file));
            assert_int_equal(EIO, errno);
        } else {
            (void)fclose(opened.file);
        }
        assert_ok(mmf_view_close(&opened.view));
        assert_ok(mmf_map_close(&opened.map));
    }
}

TEST(a_file_outlives_its_view)
{
    needs_stdio();
    struct opened opened = open_file("outlived", LENGTH, "r+");
    FILE *second = NULL;
    assert_ok(mmf_view_fopen(&second, opened.view, "r"));
    assert_ok(mmf_view_close(&opened.view));
    assert_ok(mmf_map_close(&opened.map));
    assert_int_equal(pattern(0), fgetc(opened.file));
    assert_int_equal(0, fseek(opened.file, 0, SEEK_CUR));
    assert_int_equal(3, fwrite("abc", 1, 3, opened.file));
    assert_int_equal(0, fclose(opened.file));
    assert_int_equal(pattern(0), fgetc(second));
    assert_int_equal('a', fgetc(second));
    assert_int_equal(0, fclose(second));
    assert_int_equal('c', file_byte(temp_path("outlived"), 3));
    if (have_proc())
        assert_same(0, mappings_of("/outlived"));
}

TEST(beyond_four_gibibytes)
{
    needs_stdio();
    if (sizeof(size_t) < 8)
        skip_test("no address space for such a view");
    struct opened opened = open_over(sparse_file("large", 5 * GIB), 0, 0, "r+");
    assert_int_equal(0, fseeko(opened.file, (off_t)(4 * GIB) - 2, SEEK_SET));
    assert_int_equal(4, fwrite("four", 1, 4, opened.file));
    assert_same(4 * GIB + 2, ftello(opened.file));
    assert_int_equal(0, fseeko(opened.file, -1, SEEK_CUR));
    assert_int_equal('r', fgetc(opened.file));
    assert_int_equal('u', file_byte(temp_path("large"), 4 * GIB));
    assert_int_equal(0, fseeko(opened.file, 0, SEEK_END));
    assert_same(5 * GIB, ftello(opened.file));
    close_all(&opened);
    unlink(temp_path("large"));
}

static int write_and_flush(void *argument)
{
    FILE *file = argument;
    child_expect(fputs("child", file) >= 0);
    child_expect(fflush(file) == EOF && ferror(file));
    return 0;
}

/* The child's copy reaches nothing of the parent's. */
TEST(forked_children)
{
    needs_stdio();
    struct opened opened = open_file("forked", LENGTH, "r+");
    assert_int_equal(0, in_child(write_and_flush, opened.file));
    assert_int_equal(pattern(0), file_byte(temp_path("forked"), 0));
    assert_int_equal(5, fwrite("large", 1, 5, opened.file));
    close_all(&opened);
    assert_int_equal('l', file_byte(temp_path("forked"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(arguments_and_modes),
        unit(characters),
        unit(lines_and_formats),
        unit(blocks),
        unit(positions),
        unit(the_same_as_a_plain_file),
        unit(writing_past_the_end),
        unit(flushing_makes_it_visible),
        unit(missing_pages),
        unit(a_file_outlives_its_view),
        unit(beyond_four_gibibytes),
        unit(forked_children),
    };
    return run_group(tests);
}
