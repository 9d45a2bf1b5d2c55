/*
 * big_sum.c: adds up the 32-bit numbers of a file that is larger than memory, through a window that is small.
 *
 * usage: big_sum FILE MIB      (it is only read; MIB: the budget of the window in MiB)
 *
 * Besides the sum it says how much of the file was mapped at a time, as the window counts it and as the system does.
 */
#include "example.h"

#include <fcntl.h>

#define MIB ((uint64_t)1024 * 1024) /* referenced at a time */

struct numbers {
    const uint32_t *first;
    size_t count;
    uint64_t sum;
};

/* A body for mmf_guard_run(): raw pointers, at full speed. */
static int add_up(void *argument)
{
    struct numbers *numbers = argument;
    uint64_t sum = 0;
    for (size_t i = 0; i < numbers->count; i++)
        sum += numbers->first[i];
    numbers->sum += sum;
    return MMF_OK;
}

/* How many bytes of the file this process has mapped, as the system counts: Linux tells, elsewhere it is 0. */
static uint64_t mapped_of(const char *path)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    struct stat status = {0};
    char line[4600];
    uint64_t first = 0, end = 0, inode = 0, mapped = stat(path, &status) == 0 ? 0 : UINT64_MAX;
    while (maps && fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %" SCNu64, &first, &end, &inode) == 3)
            mapped += inode == status.st_ino ? end - first : 0;
    }
    if (maps)
        fclose(maps);
    return mapped;
}

/* Asks the system to forget what was summed, so that a file larger than memory drives nothing else out of it. */
static void forget(mmf_map *map, uint64_t end)
{
    mmf_os_handle file;
    if (mmf_map_handle(&file, map) == MMF_OK)
        posix_fadvise((int)file, 0, (off_t)end, POSIX_FADV_DONTNEED);
}

static int add_up_file(const char *path, uint64_t budget, struct numbers *numbers, uint64_t most[2])
{
    mmf_map *map = NULL;
    mmf_window *window = NULL;
    int err = mmf_map_from_file(&map, path, MMF_MAP_OPTIONS(.access = MMF_READ));
    if (!err)
        err = mmf_window_open(&window, map, MMF_WINDOW_OPTIONS(.budget = budget));
    const uint64_t size = mmf_map_capacity(map) / sizeof(uint32_t) * sizeof(uint32_t);
    for (uint64_t at = 0; !err && at < size; at += MIB) {
        mmf_window_details details = {.struct_size = sizeof details};
        void *data = NULL;
        numbers->count = (size_t)(size - at < MIB ? size - at : MIB) / sizeof(uint32_t);
        err = mmf_window_ref(window, at, numbers->count * sizeof(uint32_t), &data);
        numbers->first = data;
        err = err ? err : mmf_guard_run(add_up, numbers, NULL);
        err = err ? err : mmf_window_info(&details, window);
        err = err ? err : mmf_window_unref(window, data);
        most[0] = details.mapped > most[0] ? details.mapped : most[0];
        if (at / MIB % 256 == 255) {
            const uint64_t mapped = mapped_of(path);
            most[1] = mapped > most[1] ? mapped : most[1];
            forget(map, at > budget ? at - budget : 0);
        }
    }
    mmf_window_close(&window);
    mmf_map_close(&map);
    return err;
}

int main(int argc, char **argv)
{
    struct numbers numbers = {0};
    uint64_t most[2] = {0};
    long mib;
    if (argc != 3 || !parse_number(&mib, argv[2], 4, 1024))
        return fprintf(stderr, "usage: %s FILE MIB\n", argv[0]), 2;
    int err = add_up_file(argv[1], (uint64_t)mib * MIB, &numbers, most);
    if (err)
        return explain(argv[1], err), 1;
    printf("the sum of the 32-bit numbers in %" PRId64 " bytes is %" PRIu64 "\n", file_length(argv[1]), numbers.sum);
    printf("mapped at a time, at most: %" PRIu64 " bytes as the window counts, %" PRIu64 " as the system does;"
           " the budget is %" PRIu64 "\n",
           most[0], most[1], (uint64_t)mib * MIB);
    return most[0] <= (uint64_t)mib * MIB && most[1] <= (uint64_t)mib * MIB ? 0 : 1;
}
