/* stream.c: whether reading a cached file through a stream, or a FILE of a view, is faster than plain stdio. */
#define _GNU_SOURCE
#include "support.h"

#include "mmf/mmf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 65536, BUFFER = 65536 };

#define FILE_SIZE (4 * BENCH_GIB)
#define QUICK_FILE_SIZE (256 * BENCH_MIB)

static struct {
    struct bench_file file;
    mmf_map *map;
    mmf_view *view;
    mmf_stream *stream;
    FILE *stdio;
    unsigned char *to;
    char *buffer;
} state;

static bool close_all(void)
{
    int err = mmf_stream_close(&state.stream);
    if (!err)
        err = mmf_view_close(&state.view);
    if (err) {
        bench_fail("mmf_stream_close or mmf_view_close", err);
        return false;
    }
    FILE *stdio = state.stdio;
    state.stdio = NULL;
    if (stdio && fclose(stdio)) {
        bench_fail("fclose", 0);
        return false;
    }
    return true;
}

/* A new view of the whole map, none of whose pages are mapped: what reading brings in is part of its time. */
static bool open_view(struct bench_case *self)
{
    self->operations = (double)state.file.size;
    memset(state.to, 0xAA, LARGEST);
    if (!close_all())
        return false;
    int err = mmf_view_open(&state.view, state.map, 0, 0, NULL);
    if (err)
        bench_fail("mmf_view_open", err);
    return !err;
}

static bool prepare_stream(struct bench_case *self)
{
    if (!open_view(self))
        return false;
    int err = mmf_stream_open(&state.stream, state.view);
    if (err)
        bench_fail("mmf_stream_open", err);
    return !err;
}

static bool prepare_view_file(struct bench_case *self)
{
    if (!open_view(self))
        return false;
    int err = mmf_view_fopen(&state.stdio, state.view, "r");
    if (err)
        bench_fail("mmf_view_fopen", err);
    return !err;
}

static bool prepare_plain(struct bench_case *self)
{
    self->operations = (double)state.file.size;
    memset(state.to, 0xAA, LARGEST);
    if (!close_all())
        return false;
    state.stdio = fopen(state.file.path, "re");
    if (!state.stdio)
        bench_fail("fopen", 0);
    return state.stdio != NULL;
}

static bool prepare_buffered(struct bench_case *self)
{
    if (!prepare_plain(self))
        return false;
    if (setvbuf(state.stdio, state.buffer, _IOFBF, BUFFER) == 0)
        return true;
    bench_fail("setvbuf", 0);
    return false;
}

/* Each piece's first word is added up inside the time, at the same small cost for all; the last piece is looked at. */
static uint64_t first_word(void)
{
    uint64_t word;
    memcpy(&word, state.to, sizeof word);
    return word;
}

static int64_t finish(const struct bench_case *self, uint64_t sum, int64_t begin)
{
    const int64_t elapsed = bench_now() - begin;
    const uint64_t piece = self->parameter;
    for (uint64_t at = 0; at < state.file.size; at += piece)
        sum -= bench_word(at);
    for (uint64_t at = 0; at < piece; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, state.to + at, sizeof word);
        sum |= word ^ bench_word(state.file.size - piece + at);
    }
    if (sum == 0)
        return elapsed;
    fprintf(stderr, "failed: wrong bytes were read\n");
    return -1;
}

static int64_t run_stream(struct bench_case *self)
{
    const size_t piece = (size_t)self->parameter;
    uint64_t sum = 0;
    const int64_t begin = bench_now();
    for (uint64_t at = 0; at < state.file.size; at += piece) {
        size_t done = 0;
        int err = mmf_stream_read(state.stream, state.to, piece, &done);
        if (err || done != piece)
            return bench_fail("mmf_stream_read", err ? err : MMF_ERANGE);
        sum += first_word();
    }
    return finish(self, sum, begin);
}

static int64_t run_fread(struct bench_case *self)
{
    const size_t piece = (size_t)self->parameter;
    uint64_t sum = 0;
    const int64_t begin = bench_now();
    for (uint64_t at = 0; at < state.file.size; at += piece) {
        if (fread(state.to, 1, piece, state.stdio) != piece)
            return bench_fail("fread", 0);
        sum += first_word();
    }
    return finish(self, sum, begin);
}

static int set_up(const struct bench_options *options)
{
    const uint64_t size = options->quick ? QUICK_FILE_SIZE : FILE_SIZE;
    state.file.descriptor = -1;
    state.to = aligned_alloc(4096, LARGEST);
    state.buffer = malloc(BUFFER);
    if (!state.to || !state.buffer) {
        bench_fail("malloc", 0);
        return BENCH_FAILED;
    }
    if (size > SIZE_MAX / 8) {
        fprintf(stderr, "skipped: 4 GiB do not fit into this address space\n");
        return BENCH_SKIPPED;
    }
    if (!bench_file_create(&state.file, options, "stream", size, BENCH_FILLED))
        return BENCH_FAILED;
    int err = mmf_map_from_file(&state.map, state.file.path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (err)
        bench_fail(state.file.path, err);
    return err ? BENCH_FAILED : BENCH_DONE;
}

static bool tear_down(void)
{
    const bool closed = close_all();
    mmf_map_close(&state.map);
    free(state.to);
    free(state.buffer);
    bench_file_remove(&state.file);
    return closed;
}

int main(int argc, char **argv)
{
#define ONE(name, reference, function, preparation, bytes)                                                             \
    {                                                                                                                  \
        .what = name, .ratio_to = reference, .run = function, .prepare = preparation, .parameter = bytes,              \
        .unit = BENCH_GB_PER_SECOND                                                                                    \
    }
#define CASES(name, bytes)                                                                                             \
    ONE("fopen, fread, " name, NULL, run_fread, prepare_plain, bytes),                                                 \
        ONE("fopen, fread, buffer of 64 KiB, " name, "fopen, fread, " name, run_fread, prepare_buffered, bytes),       \
        ONE("mmf_stream_read, " name, "fopen, fread, " name, run_stream, prepare_stream, bytes),                       \
        ONE("mmf_view_fopen, fread, " name, "fopen, fread, " name, run_fread, prepare_view_file, bytes)
    static struct bench_case cases[] = {CASES("4 KiB", 4096), CASES("64 KiB", 65536)};
    static const struct bench_check checks[] = {
        {"mmf_stream_read, 4 KiB", BENCH_RATIO, BENCH_AT_LEAST, 1.2},
        {"mmf_stream_read, 64 KiB", BENCH_RATIO, BENCH_AT_LEAST, 1.2},
        {"mmf_view_fopen, fread, 4 KiB", BENCH_RATIO, BENCH_AT_LEAST, 1.2},
        {"mmf_view_fopen, fread, 64 KiB", BENCH_RATIO, BENCH_AT_LEAST, 1.2},
    };
    struct bench_program program = {
        .question = "Is reading a cached file through a stream, or a FILE of a view, faster than plain fread?",
        .target = "at least 1.2x of fread on a FILE of fopen, pages not mapped before",
        .cases = cases,
        .case_count = BENCH_COUNT(cases),
        .checks = checks,
        .check_count = BENCH_COUNT(checks),
    };
    struct bench_options options;
    bench_read_options(&options, argc, argv, program.question);
    int code = set_up(&options);
    if (!code)
        code = bench_run(&program, &options);
    if (!tear_down())
        code = BENCH_FAILED;
    return code;
}
