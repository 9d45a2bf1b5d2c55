/*
 * residency.c: how much of a file is in memory, where, and how much of it is dirty.
 *
 * The kernel's own count (cachestat) is asked first: it visits only what is in memory, so that a hole of terabytes
 * costs nothing, and it sees pages that belong to holes. Without it, the pages of the data extents are looked at one
 * by one through views (mincore); the holes are left out, since looking at 1 TiB of them takes 4 s.
 */
#include "residency.h"

#include <stdlib.h>

enum { LOOK = 256 << 20 }; /* bytes of a view to look through at once: whole pages */

/* Where holes cannot be told from data, a file larger than this is not looked through: it would take too long. */
static const uint64_t TOO_MUCH = UINT64_C(1) << 40;

static uint64_t least(uint64_t left, uint64_t right)
{
    return left < right ? left : right;
}

/* The first page of a column; one past the last column it is the number of pages. */
static uint64_t column_start(const struct residency *residency, unsigned column)
{
    uint64_t whole = residency->pages / residency->columns;
    uint64_t rest = residency->pages % residency->columns;
    return whole * column + least(rest, column);
}

static unsigned column_of(const struct residency *residency, uint64_t page)
{
    if (residency->columns == 0) /* an empty file has none */
        return 0;
    uint64_t whole = residency->pages / residency->columns;
    uint64_t rest = residency->pages % residency->columns;

    if (whole == 0 || page < rest * (whole + 1)) /* with fewer pages than columns each has one of its own */
        return (unsigned)(page / (whole + 1));
    return (unsigned)(rest + (page - rest * (whole + 1)) / whole);
}

/* Fills the residency from the kernel's counts. False when it does not count for this file. */
static bool measure_by_count(struct residency *residency, mmf_os_handle file, uint64_t first, uint64_t end)
{
    struct os_cache cache = {0};

    if (os.cache(&cache, file, first, end - first))
        return false;
    residency->dirty = cache.dirty;
    residency->writeback = cache.writeback;
    if (cache.resident == UINT64_MAX)
        return false;
    for (unsigned column = 0; column < residency->columns; column++) {
        uint64_t from = first + column_start(residency, column) * residency->page_size;
        uint64_t to = least(first + column_start(residency, column + 1) * residency->page_size, end);
        if (os.cache(&cache, file, from, to - from) || cache.resident == UINT64_MAX)
            return false;
        uint64_t resident = cache.resident / residency->page_size;
        residency->column_resident[column] = least(resident, residency->column_pages[column]);
        residency->resident += residency->column_resident[column];
    }
    return true;
}

/* Looks at the pages of [from, to), both within the file, through one view after the other. */
static int look(struct residency *residency, const struct source *source, uint64_t first, uint64_t from, uint64_t to,
                uint8_t *pages, size_t room)
{
    int err = MMF_OK;

    while (!err && from < to) {
        mmf_view *view = NULL;
        uint64_t size = least(to - from, LOOK);
        uint64_t resident = 0;

        err = mmf_view_open(&view, source->map, from, size, NULL);
        if (!err)
            err = mmf_view_resident(&resident, view, 0, size, pages, room);
        uint64_t page = (from - first) / residency->page_size;
        for (uint64_t at = 0; !err && at < size; at += residency->page_size, page++) {
            residency->column_resident[column_of(residency, page)] += pages[at / residency->page_size];
        }
        residency->resident += err ? 0 : resident;
        mmf_view_close(&view);
        from += size;
    }
    return err;
}

static int measure_by_page(struct residency *residency, const struct source *source, uint64_t first, uint64_t end)
{
    size_t room = (size_t)(LOOK / residency->page_size + 1);
    uint8_t *pages = malloc(room);
    uint64_t next = first; /* the first page that was not looked at: extents may share a page */
    int err = pages ? MMF_OK : MMF_ENOMEMORY;

    while (!err && next < end) {
        struct extent extent = {.offset = next, .size = end - next, .data = true};
        if (extent_next(&extent, source->file, next, end)) {
            if (end - next > TOO_MUCH) {
                err = MMF_ENOTSUP;
                break;
            }
            extent = (struct extent){.offset = next, .size = end - next, .data = true};
        }
        uint64_t stop = extent.offset + extent.size;
        if (!extent.data && stop < end)
            stop -= stop % residency->page_size; /* the page in which data begins counts as data */
        if (extent.data || stop == next) {
            uint64_t rest = stop % residency->page_size;
            stop += rest || stop == next ? residency->page_size - rest : 0;
            err = look(residency, source, first, next, least(stop, end), pages, room);
        }
        next = stop;
    }
    free(pages);
    return err;
}

int residency_measure(struct residency *residency, const struct source *source, mmf_range range,
                      struct failure *failure)
{
    uint64_t page_size = mmf_page_size();
    uint64_t first = range.position - range.position % page_size;
    uint64_t end = range.position + range.size;

    *residency = (struct residency){.known = true, .page_size = page_size};
    residency->dirty = UINT64_MAX;
    residency->writeback = UINT64_MAX;
    if (range.size == 0) {
        residency->dirty = 0;
        residency->writeback = 0;
        return MMF_OK;
    }
    residency->pages = (end - first - 1) / page_size + 1;
    residency->columns = (unsigned)least(residency->pages, CHART_COLUMNS);
    for (unsigned column = 0; column < residency->columns; column++)
        residency->column_pages[column] = column_start(residency, column + 1) - column_start(residency, column);
    if (measure_by_count(residency, source->file, first, end))
        return MMF_OK;
    residency->resident = 0;
    for (unsigned column = 0; column < residency->columns; column++)
        residency->column_resident[column] = 0;
    int err = measure_by_page(residency, source, first, end);
    if (err == MMF_EACCESS || err == MMF_ENOTSUP) {
        residency->known = false;
        residency->refused = err == MMF_EACCESS;
        return MMF_OK;
    }
    if (err) {
        failure_of_library(failure);
        failure->code = err;
    }
    return err;
}

char *residency_chart(char to[CHART_COLUMNS + 3], const struct residency *residency)
{
    char *next = to;

    *next++ = '[';
    for (unsigned column = 0; column < residency->columns; column++) {
        if (residency->column_resident[column] == 0) {
            *next++ = ' ';
        } else if (residency->column_resident[column] >= residency->column_pages[column]) {
            *next++ = 'O';
        } else {
            *next++ = 'o';
        }
    }
    *next++ = ']';
    *next = '\0';
    return to;
}

uint64_t residency_bytes(const struct residency *residency)
{
    return residency->resident * residency->page_size;
}
