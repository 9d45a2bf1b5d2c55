/*
 * copy_compare.c: is copying by mapping 30 times faster than by read and write? Measures it, and checks every copy.
 *
 * usage: copy_compare SOURCE COPY MIB...      (copies the first MiBs of SOURCE; COPY is replaced, and stays)
 *
 * Every way leaves out blocks of zeros. The bytes are in memory when the clock starts, and nobody waits for the disk.
 */
#include "example.h"

#include <fcntl.h>
#include <unistd.h>

#define MIB ((uint64_t)1024 * 1024)

static const char *source, *target;
static char buffer[MIB], other[MIB], zeros[MIB];

/* Two windows, so the size of the file does not matter. A page that is gone on either side is an error. */
static bool copy_by_map(uint64_t size)
{
    mmf_map *from = NULL, *to = NULL;
    mmf_window *reader = NULL, *writer = NULL;
    int order = 0, err = mmf_map_from_file(&from, source, MMF_MAP_OPTIONS(.access = MMF_READ));
    mmf_map_options *fresh = MMF_MAP_OPTIONS(.mode = MMF_CREATE, .capacity = size, .sparse = true);
    err = err ? err : mmf_map_from_file(&to, target, fresh);
    err = err ? err : mmf_window_open(&reader, from, NULL);
    err = err ? err : mmf_window_open(&writer, to, NULL);
    for (uint64_t at = 0; !err && at < size; at += MIB) {
        void *data = NULL;
        err = mmf_window_ref(reader, at, MIB, &data);
        err = err ? err : mmf_guard_compare(data, zeros, MIB, &order, NULL);
        err = err || order == 0 ? err : mmf_window_write(writer, at, data, MIB);
        mmf_window_unref(reader, data); /* NULL, after a failure, is refused */
    }
    mmf_window_close(&writer);
    mmf_window_close(&reader);
    mmf_map_close(&to);
    mmf_map_close(&from);
    return err ? explain("copying by mapping", err), false : true;
}

/* Reads SOURCE block by block, and writes COPY or, with `check`, compares it: whichever way it came. */
static bool walk(uint64_t size, size_t block, bool check)
{
    int from = open(source, O_RDONLY), to = open(target, check ? O_RDONLY : O_RDWR | O_CREAT | O_TRUNC, 0666);
    bool right = from >= 0 && to >= 0 && (check ? file_length(target) == (int64_t)size : !ftruncate(to, (off_t)size));
    for (uint64_t at = 0; right && at < size; at += block) {
        right = read(from, buffer, block) == (ssize_t)block;
        right = right && (check ? read(to, other, block) == (ssize_t)block && !memcmp(buffer, other, block)
                          : memcmp(buffer, zeros, block) ? write(to, buffer, block) == (ssize_t)block
                                                         : lseek(to, (off_t)block, SEEK_CUR) >= 0);
        if (check)
            posix_fadvise(to, 0, (off_t)at, POSIX_FADV_DONTNEED); /* a copy of any size is checked in little memory */
    }
    close(from);
    close(to);
    return right ? true : (fprintf(stderr, "%s: %s\n", target, check ? "a wrong copy" : "cannot be copied"), false);
}

/* MiB a second, the best of three copies, of one above 256 MiB; block 0: by mapping; 0: one went wrong. */
static double rate(uint64_t size, size_t block)
{
    double best = 0;
    for (int i = 0; i < (size > 256 * MIB ? 1 : 3); i++) {
        unlink(target);
        const double start = seconds();
        if (!(block > 0 ? walk(size, block, false) : copy_by_map(size)))
            return 0;
        const double speed = (double)size / (double)MIB / (seconds() - start);
        best = speed > best ? speed : best;
    }
    return walk(size, MIB, true) ? best : 0;
}

static void tell(const char *blocks, double speed, double map)
{
    printf("  read/write in blocks of %s: %.1f MiB/s; mapping is %.2f times as fast: %s\n", blocks, speed, map / speed,
           map / speed < 30 ? "not 30 times" : "30 times or more");
}

int main(int argc, char **argv)
{
    long mib = 0;
    if (argc < 4)
        return fprintf(stderr, "usage: %s SOURCE COPY MIB...\n", argv[0]), 2;
    source = argv[1], target = argv[2];
    for (int i = 3; i < argc; i++) {
        if (!parse_number(&mib, argv[i], 1, 1 << 20) ||
            !walk((uint64_t)mib * MIB, MIB, false)) /* now it is in memory */
            return 2;
        double small = rate(MIB, 16), large = rate((uint64_t)mib * MIB, MIB), map = rate((uint64_t)mib * MIB, 0);
        if (map <= 0 || small <= 0 || large <= 0)
            return 1;
        printf("%ld MiB by mapping: %.0f MiB/s\n", mib, map);
        tell("1 MiB", large, map);
        tell("16 bytes", small, map);
    }
    return puts("What is 30 times faster than tiny blocks tells what a system call costs, not what mapping gains.") < 0;
}
