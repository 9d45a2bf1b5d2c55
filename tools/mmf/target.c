/* target.c: a file that appears whole or not at all. */
#include "target.h"

#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 100, SUFFIX = 32 };
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

/* What the signal handler removes; one target at a time. */
static const char *volatile unfinished;

static void remove_and_die(int number)
{
    const char *path = unfinished;

    if (path)
        unlink(path);
    signal(number, SIG_DFL);
    raise(number);
}

/* Signals that were ignored when the command started stay ignored. */
static void catch_signals(void)
{
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            struct sigaction action = {.sa_handler = remove_and_die};
            sigemptyset(&action.sa_mask);
            sigaction(signals[i], &action, NULL);
        }
    }
}

/* Creates ".mmf-XXXXXXXXXXXXXXXX.tmp" in the directory of the target. Returns 0 or errno. */
static int create_temporary(struct target *target, mode_t mode)
{
    const char *slash = strrchr(target->path, '/');
    int directory = slash ? (int)(slash - target->path) + 1 : 0;
    size_t room = (size_t)directory + SUFFIX;

    target->temporary = malloc(room);
    if (target->temporary == NULL)
        return ENOMEM;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint64_t number = 0;
        int err = os.random(&number, sizeof number);
        if (err)
            return err;
        snprintf(target->temporary, room, "%.*s.mmf-%016llx.tmp", directory, target->path, (unsigned long long)number);
        target->file = open(target->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (target->file >= 0) {
            unfinished = target->temporary;
            return 0;
        }
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

/* The new file gets the old one's owner and mode. Where the owner cannot be given, set-user-id bits are dropped. */
static int copy_owner_and_mode(int file, const struct stat *old)
{
    mode_t mode = old->st_mode & 07777;
    struct stat now;

    if (fstat(file, &now))
        return errno;
    if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) && fchown(file, old->st_uid, old->st_gid))
        mode &= 0777;
    return fchmod(file, mode) ? errno : 0;
}

static int open_beside(struct target *target, const struct stat *old)
{
    int err = create_temporary(target, old ? 0600 : 0666);

    if (!err && old)
        err = copy_owner_and_mode(target->file, old);
    return err;
}

int target_open(struct target *target, const char *path, bool fresh, struct failure *failure)
{
    struct stat old;
    struct stat link;
    int err = 0;

    *target = (struct target){.file = -1};
    if (path[0] == '\0')
        return failure_of_system(failure, "open", ENOENT);
    catch_signals();
    bool there = stat(path, &old) == 0;
    if (!there && errno != ENOENT)
        return failure_of_system(failure, "stat", errno);
    if (fresh && (there || lstat(path, &link) == 0))
        return failure_of_system(failure, "lstat", EEXIST);
    if (!there && lstat(path, &link) == 0)
        return failure_of_job(failure, MMF_ENOTFOUND, "a symbolic link that leads nowhere");
    if (there && S_ISDIR(old.st_mode))
        return failure_of_system(failure, "open", EISDIR);
    if (there && !S_ISREG(old.st_mode)) {
        target->direct = true;
        target->file = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return target->file < 0 ? failure_of_system(failure, "open", errno) : MMF_OK;
    }
    if (there && access(path, W_OK)) {
        return failure_of_system(failure, "access", errno); /* a rename would not ask */
    }
    target->replaces = there;
    target->path = there ? realpath(path, NULL) : strdup(path);
    err = target->path ? open_beside(target, there ? &old : NULL) : errno;
    if (err) {
        failure_of_system(failure, "open", err);
        target_discard(target);
        return failure->code;
    }
    return MMF_OK;
}

/* Gives the temporary file its name. A new file must not take the place of one that came meanwhile. */
static int put_in_place(struct target *target)
{
    if (!target->replaces) {
        if (link(target->temporary, target->path) == 0) {
            unlink(target->temporary);
            return 0;
        }
        if (errno == EEXIST)
            return errno;
        /* A file system without links: the name is looked up first instead. */
        struct stat meanwhile;
        if (lstat(target->path, &meanwhile) == 0)
            return EEXIST;
    }
    return rename(target->temporary, target->path) ? errno : 0;
}

int target_finish(struct target *target, struct failure *failure)
{
    const char *operation = "fsync";
    int err = 0;

    if (!target->direct)
        err = fsync(target->file) ? errno : 0;
    if (!err) {
        operation = "close";
        err = close(target->file) ? errno : 0;
        target->file = -1;
    }
    if (!err && !target->direct) {
        operation = "rename";
        err = put_in_place(target);
        if (!err) {
            unfinished = NULL;
            free(target->temporary);
            target->temporary = NULL;
            operation = "fsync of the directory";
            err = os.sync_directory(target->path);
        }
    }
    if (err)
        failure_of_system(failure, operation, err);
    target_discard(target);
    return err ? failure->code : MMF_OK;
}

void target_discard(struct target *target)
{
    if (target->file >= 0) {
        close(target->file);
        target->file = -1;
    }
    if (target->temporary) {
        if (unfinished == target->temporary) {
            unlink(target->temporary);
            unfinished = NULL;
        }
        free(target->temporary);
        target->temporary = NULL;
    }
    free(target->path);
    target->path = NULL;
}
