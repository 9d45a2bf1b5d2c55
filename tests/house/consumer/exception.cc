// exception.cc: an exception that leaves a body under mmf_guard_run() takes the body's guard with it.
#include <mmf/mmf.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

static volatile unsigned char *lost;

static int throws(void *)
{
    throw std::runtime_error("out of the body");
}

static int throws_inside(void *caught)
{
    try {
        mmf_guard_run(throws, nullptr, nullptr);
    } catch (const std::runtime_error &) {
        *static_cast<bool *>(caught) = true;
    }
    return *lost;
}

// The place of the dead frame is used by something else.
static int __attribute__((noinline)) overwrite(int depth)
{
    volatile char bytes[512];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = static_cast<char>(depth);
    return depth > 0 ? overwrite(depth - 1) + bytes[3] : bytes[5];
}

// A fault that nobody guards ends the process by SIGBUS; a jump into a frame that is gone does anything else.
static int unguarded()
{
    try {
        mmf_guard_run(throws, nullptr, nullptr);
        return 1;
    } catch (const std::runtime_error &) {
    }
    overwrite(8);
    return *lost;
}

int main()
{
    mmf_map_options options;
    mmf_map_options_init(&options);
    char path[] = "exception-XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || unlink(path) != 0 || ftruncate(file, 1 << 20) != 0)
        return 2;
    mmf_map *map = nullptr;
    mmf_view *view = nullptr;
    if (mmf_map_from_handle(&map, file, &options) || mmf_view_open(&view, map, 0, 0, nullptr) || ftruncate(file, 0) != 0)
        return 3;
    lost = static_cast<unsigned char *>(mmf_view_mutable(view));

    // The body around it is still guarded, and is the one that ends.
    bool caught = false;
    int err = mmf_guard_run(throws_inside, &caught, nullptr);
    if (err != MMF_EFAULT || !caught) {
        std::fprintf(stderr, "the body around it: %s, caught %d\n", mmf_error_name(err), caught);
        return 4;
    }
    std::fflush(nullptr);
    pid_t child = fork();
    if (child == 0) {
        if (ftruncate(file, 1 << 20) != 0 || mmf_map_from_handle(&map, file, &options) ||
            mmf_view_open(&view, map, 0, 0, nullptr) || ftruncate(file, 0) != 0)
            _exit(6);
        lost = static_cast<unsigned char *>(mmf_view_mutable(view));
        alarm(20);
        _exit(7 + unguarded());
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return 8;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGBUS) {
        std::fprintf(stderr, "an unguarded fault after the exception ended by status %x, not by SIGBUS\n", status);
        return 9;
    }
    return 0;
}
