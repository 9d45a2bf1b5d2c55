/* progress.c: a line on standard error that tells how far long work is, when that is a terminal. */
#include "progress.h"

#include "output.h"
#include "sizes.h"

#include <time.h>
#include <unistd.h>

static const uint64_t second = 1000000000;

/* Whether the line is on the terminal now; one process shows one line. */
static bool on_screen;

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * second + (uint64_t)time.tv_nsec;
}

void progress_start(struct progress *progress, const char *job, uint64_t total)
{
    *progress = (struct progress){.job = job, .total = total};
    progress->on = isatty(STDERR_FILENO) != 0;
    progress->started = progress->on ? now() : 0;
    progress->shown = progress->started + second * 4 / 10;
}

static void show(struct progress *progress, uint64_t time)
{
    struct output line;
    char done[SIZE_TEXT];
    char other[SIZE_TEXT];
    double seconds = (double)(time - progress->started) / (double)second;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;

    output_start(&line, STDERR_FILENO);
    output_format(&line, "\rmmf %s: %s", progress->job, size_text(done, progress->done));
    if (progress->total > 0) {
        output_format(&line, " of %s", size_text(other, progress->total));
        output_format(&line, ", %s", percent_text(other, progress->done, progress->total));
    }
    output_format(&line, ", %s/s", size_text(other, (uint64_t)rate));
    if (progress->total > progress->done && rate >= 1) {
        uint64_t left = (uint64_t)((double)(progress->total - progress->done) / rate);
        output_format(&line, ", %llu:%02u:%02u left", (unsigned long long)(left / 3600), (unsigned)(left / 60 % 60),
                      (unsigned)(left % 60));
    }
    output_text(&line, "\033[K"); /* erase what is left of a longer line before it */
    output_finish(&line);
    on_screen = true;
}

void progress_add(struct progress *progress, uint64_t bytes)
{
    progress->done += bytes;
    if (!progress->on)
        return;
    uint64_t time = now();
    if (time > progress->shown + second / 10) {
        progress->shown = time;
        show(progress, time);
    }
}

void progress_clear(void)
{
    if (on_screen) {
        struct output line;
        output_start(&line, STDERR_FILENO);
        output_text(&line, "\r\033[K");
        output_finish(&line);
        on_screen = false;
    }
}
