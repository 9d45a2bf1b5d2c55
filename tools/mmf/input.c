/* input.c: where the bytes of a job come from: standard input, a file, or the command line. */
#include "input.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int input_open(struct input *input, const char *path, const char *text, struct failure *failure)
{
    struct stat about;

    *input = (struct input){.file = -1, .name = "--text", .text = text};
    if (text) {
        input->known = true;
        input->size = strlen(text);
        return MMF_OK;
    }
    input->file = STDIN_FILENO;
    input->name = "standard input";
    if (path && strcmp(path, "-") != 0) {
        input->name = path;
        input->file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (input->file < 0)
            return failure_of_system(failure, "open", errno);
    }
    if (fstat(input->file, &about)) {
        int err = failure_of_system(failure, "fstat", errno);
        input_close(input);
        return err;
    }
    if (S_ISREG(about.st_mode)) {
        input->device = (uint64_t)about.st_dev;
        input->inode = (uint64_t)about.st_ino;
        off_t read_already = lseek(input->file, 0, SEEK_CUR);
        /* A length of 0 says nothing: files as those of /proc have bytes all the same. */
        input->known = about.st_size > 0 && read_already >= 0 && read_already <= about.st_size;
        input->size = input->known ? (uint64_t)(about.st_size - read_already) : 0;
    }
    return MMF_OK;
}

static void read_text(struct input *input, void *to, size_t size, size_t *done)
{
    size_t left = strlen(input->text);

    *done = left < size ? left : size;
    memcpy(to, input->text, *done);
    input->text += *done;
}

int input_read(struct input *input, void *to, size_t size, size_t *done, struct failure *failure)
{
    char *next = to;

    *done = 0;
    if (input->file < 0) {
        read_text(input, to, size, done);
        return MMF_OK;
    }
    while (*done < size) {
        ssize_t got = read(input->file, next + *done, size - *done);
        if (got == 0)
            break;
        if (got > 0) {
            *done += (size_t)got;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd ready = {.fd = input->file, .events = POLLIN};
            if (poll(&ready, 1, -1) < 0 && errno != EINTR)
                return failure_of_system(failure, "poll", errno);
        } else if (errno != EINTR) {
            return failure_of_system(failure, "read", errno);
        }
    }
    return MMF_OK;
}

void input_close(struct input *input)
{
    if (input->file > STDIN_FILENO)
        close(input->file);
    input->file = -1;
}
