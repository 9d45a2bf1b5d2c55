/* support.c: what the tests share: files with a known pattern, child processes, checks of codes, visible skips. */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Codes ------------------------------------------------------------------------------------------------------- */

static void say_last_error(void)
{
    const mmf_error *last = mmf_last_error();
    print_error("  last error: %s, operation %s, os error %d (%s), path %s, offset %llu, done %llu, cause %d\n",
                mmf_error_name(last->code), last->operation ? last->operation : "none", last->os_error,
                strerror(last->os_error), last->path ? last->path : "none", (unsigned long long)last->offset,
                (unsigned long long)last->done, (int)last->cause);
}

void support_check_code(int expected, int got, bool recorded, const char *text, const char *file, int line)
{
    if (got != expected) {
        print_error("%s is %s (%d), not %s\n", text, got ? mmf_error_name(got) : "MMF_OK", got,
                    expected ? mmf_error_name(expected) : "MMF_OK");
        if (got)
            say_last_error();
        _fail(file, line);
    }
    if (!expected || !recorded)
        return;
    if (mmf_last_error()->code != expected || !mmf_last_error()->operation) {
        print_error("%s is %s, but that was not recorded\n", text, mmf_error_name(got));
        say_last_error();
        _fail(file, line);
    }
}

void support_check_same(uint64_t expected, uint64_t got, const char *text, const char *file, int line)
{
    if (expected == got)
        return;
    print_error("not so: %s (%llu and %llu)\n", text, (unsigned long long)expected, (unsigned long long)got);
    _fail(file, line);
}

/* --- Files ------------------------------------------------------------------------------------------------------- */

struct text {
    struct text *next;
    char text[];
};

static struct text *texts;
static char temp_directory[256];
static char fast_directory[256];
static pid_t owner;
static struct mount *mounts[16];

static void remove_directory(const char *directory)
{
    char path[1024];
    DIR *list = opendir(directory);
    struct dirent *entry;
    while (list && (entry = readdir(list))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (unlink(path) && (errno == EISDIR || errno == EPERM))
            remove_directory(path);
    }
    if (list)
        closedir(list);
    rmdir(directory);
}

static void clean_up(void)
{
    if (getpid() != owner)
        return;
    for (size_t i = 0; i < COUNT(mounts); i++)
        if (mounts[i])
            unmount(mounts[i]);
    if (*temp_directory)
        remove_directory(temp_directory);
    if (*fast_directory)
        remove_directory(fast_directory);
    while (texts) {
        struct text *next = texts->next;
        free(texts);
        texts = next;
    }
}

/* A time-out of ctest, or Ctrl-C: nothing may stay mounted. */
static void clean_up_and_end(int number)
{
    clean_up();
    signal(number, SIG_DFL);
    raise(number);
}

static void remember_to_clean_up(void)
{
    if (owner)
        return;
    owner = getpid();
    atexit(clean_up);
    signal(SIGTERM, clean_up_and_end);
    signal(SIGINT, clean_up_and_end);
}

static const char *path_in(char directory[256], const char *parent, const char *name)
{
    remember_to_clean_up();
    if (!*directory) {
        snprintf(directory, 256, "%s/mmf-test-XXXXXX", parent);
        if (!mkdtemp(directory)) {
            fprintf(stderr, "mkdtemp %s: %s\n", directory, strerror(errno));
            exit(1);
        }
        chmod(directory, 0777); /* some tests become another user */
    }
    size_t room = strlen(directory) + strlen(name) + 2;
    struct text *text = malloc(sizeof *text + room);
    if (!text)
        abort();
    snprintf(text->text, room, "%s/%s", directory, name);
    text->next = texts;
    texts = text;
    return text->text;
}

const char *temp_path(const char *name)
{
    const char *parent = getenv("TMPDIR");
    return path_in(temp_directory, parent && *parent ? parent : "/tmp", name);
}

const char *fast_path(const char *name)
{
    if (access("/dev/shm", W_OK | X_OK))
        return temp_path(name);
    return path_in(fast_directory, "/dev/shm", name);
}

unsigned char pattern(uint64_t offset)
{
    return (unsigned char)(1 + (offset * 167 + (offset >> 8) * 13 + (offset >> 16) * 5 + (offset >> 24)) % 255);
}

void fill_pattern(unsigned char *to, uint64_t offset, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = pattern(offset + i);
}

size_t match_pattern(const unsigned char *bytes, uint64_t offset, size_t size)
{
    size_t i = 0;
    while (i < size && bytes[i] == pattern(offset + i))
        i++;
    return i;
}

static void must(bool done, const char *what, const char *path)
{
    if (done)
        return;
    fprintf(stderr, "the test's own %s of %s: %s\n", what, path, strerror(errno));
    exit(1);
}

void write_pattern(const char *path, uint64_t size)
{
    static unsigned char block[65536];
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(file >= 0, "open", path);
    for (uint64_t at = 0; at < size;) {
        size_t part = size - at < sizeof block ? (size_t)(size - at) : sizeof block;
        fill_pattern(block, at, part);
        must(write(file, block, part) == (ssize_t)part, "write", path);
        at += part;
    }
    must(!close(file), "close", path);
}

const char *pattern_file(const char *name, uint64_t size)
{
    const char *path = temp_path(name);
    write_pattern(path, size);
    return path;
}

const char *sparse_file(const char *name, uint64_t size)
{
    const char *path = temp_path(name);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(file >= 0, "open", path);
    must(!ftruncate(file, (off_t)size), "ftruncate", path);
    must(!close(file), "close", path);
    return path;
}

bool file_holds(const char *path, uint64_t size, uint64_t pattern_size)
{
    static unsigned char block[65536];
    bool good = file_length(path) == size;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0, "open", path);
    for (uint64_t at = 0; good && at < size;) {
        ssize_t got = pread(file, block, sizeof block, (off_t)at);
        if (got <= 0) {
            good = false;
            break;
        }
        for (ssize_t i = 0; i < got && good; i++, at++)
            good = block[i] == (at < pattern_size ? pattern(at) : 0);
    }
    close(file);
    return good;
}

uint64_t file_length(const char *path)
{
    struct stat about;
    return stat(path, &about) ? UINT64_MAX : (uint64_t)about.st_size;
}

uint64_t file_allocated(const char *path)
{
    struct stat about;
    return stat(path, &about) ? UINT64_MAX : (uint64_t)about.st_blocks * 512;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

void set_length(const char *path, uint64_t size)
{
    must(!truncate(path, (off_t)size), "truncate", path);
}

unsigned char file_byte(const char *path, uint64_t offset)
{
    unsigned char byte = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    must(file >= 0, "open", path);
    must(pread(file, &byte, 1, (off_t)offset) == 1, "pread", path);
    close(file);
    return byte;
}

uint64_t free_space(const char *path)
{
    struct statvfs about;
    return statvfs(path, &about) ? 0 : (uint64_t)about.f_bavail * about.f_frsize;
}

/* --- What a process holds ------------------------------------------------------------------------------------------
 */

static size_t entries(const char *directory)
{
    size_t count = 0;
    DIR *list = opendir(directory);
    while (list && readdir(list))
        count++;
    if (list)
        closedir(list);
    return count;
}

bool have_proc(void)
{
    return access("/proc/self/maps", R_OK) == 0;
}

size_t open_descriptors(void)
{
    if (have_proc())
        return entries("/proc/self/fd");
    size_t count = 0;
    for (int file = 0; file < 1024; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

size_t entries_in_directory_of(const char *path)
{
    char directory[512];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    return entries(directory);
}

size_t mappings_of(const char *text)
{
    size_t count = 0;
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, text) != NULL;
    if (maps)
        fclose(maps);
    return count;
}

/* --- Processes --------------------------------------------------------------------------------------------------- */

int in_child(int (*body)(void *), void *argument)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (!child)
        _exit(body(argument));
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_command(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(command, sizeof command - 32, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof command - 32)
        return -1;
    memcpy(command + size, " >/dev/null 2>&1", sizeof " >/dev/null 2>&1");
    int status = system(command);
    return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- Mounts ------------------------------------------------------------------------------------------------------ */

static void remember_mount(struct mount *mount)
{
    for (size_t i = 0; i < COUNT(mounts); i++)
        if (!mounts[i] || mounts[i] == mount) {
            mounts[i] = mount;
            mount->used = true;
            return;
        }
    abort();
}

static bool may_mount(void)
{
    if (geteuid() == 0)
        return true;
    printf("only root can mount\n");
    return false;
}

bool loop_device(struct mount *mount, uint64_t size)
{
    char command[512];
    if (!may_mount())
        return false;
    snprintf(mount->image, sizeof mount->image, "%s", temp_path("image"));
    snprintf(mount->image + strlen(mount->image), 32, "-%p", (void *)mount);
    int file = open(mount->image, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(file >= 0, "open", mount->image);
    must(!ftruncate(file, (off_t)size), "ftruncate", mount->image);
    close(file);
    remember_mount(mount);
    snprintf(command, sizeof command, "losetup -f --show '%s' 2>/dev/null", mount->image);
    FILE *answer = popen(command, "re");
    mount->device[0] = 0;
    if (answer) {
        if (!fgets(mount->device, sizeof mount->device, answer))
            mount->device[0] = 0;
        pclose(answer);
        mount->device[strcspn(mount->device, "\n")] = 0;
    }
    if (!mount->device[0])
        printf("no loop device\n");
    return mount->device[0] != 0;
}

static void make_mount_point(struct mount *mount)
{
    snprintf(mount->directory, sizeof mount->directory, "%s", temp_path("mounted"));
    snprintf(mount->directory + strlen(mount->directory), 32, "-%p", (void *)mount);
    must(!mkdir(mount->directory, 0777) || errno == EEXIST, "mkdir", mount->directory);
    remember_mount(mount);
}

bool mount_image(struct mount *mount_, const char *type, uint64_t size)
{
    memset(mount_, 0, sizeof *mount_);
    if (!loop_device(mount_, size))
        return false;
    if (run_command("mkfs.%s -%c '%s'", type, strcmp(type, "ext4") ? 'f' : 'F', mount_->device)) {
        printf("mkfs.%s is not there or does not work\n", type);
        unmount(mount_);
        return false;
    }
    make_mount_point(mount_);
    if (mount(mount_->device, mount_->directory, type, 0, NULL)) {
        printf("mounting %s: %s\n", type, strerror(errno));
        unmount(mount_);
        return false;
    }
    mount_->mounted = true;
    return true;
}

bool mount_tmpfs(struct mount *mount_, const char *options)
{
    memset(mount_, 0, sizeof *mount_);
    if (!may_mount())
        return false;
    make_mount_point(mount_);
    if (mount("tmpfs", mount_->directory, "tmpfs", 0, options)) {
        printf("mounting tmpfs: %s\n", strerror(errno));
        unmount(mount_);
        return false;
    }
    mount_->mounted = true;
    return true;
}

bool remount(struct mount *mount_, const char *options)
{
    return !run_command("mount -o remount,%s '%s'", options, mount_->directory);
}

void unmount(struct mount *mount_)
{
    if (mount_->mounted && umount2(mount_->directory, 0) && umount2(mount_->directory, MNT_DETACH))
        fprintf(stderr, "unmounting %s: %s\n", mount_->directory, strerror(errno));
    if (mount_->directory[0])
        rmdir(mount_->directory);
    if (mount_->device[0] && run_command("losetup -d '%s'", mount_->device))
        fprintf(stderr, "losetup -d %s failed\n", mount_->device);
    if (mount_->image[0])
        unlink(mount_->image);
    for (size_t i = 0; i < COUNT(mounts); i++)
        if (mounts[i] == mount_)
            mounts[i] = NULL;
    memset(mount_, 0, sizeof *mount_);
}

/* --- Programs ---------------------------------------------------------------------------------------------------- */

static size_t skipped;

void support_say_skip(const char *test, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("SKIP %s: ", test);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    skipped++;
}

bool have(mmf_feature feature)
{
    return mmf_capability(feature) == MMF_OK;
}

uint32_t share_all(void)
{
    return have(MMF_FEATURE_SHARE_MODES) ? MMF_SHARE_READ | MMF_SHARE_WRITE : 0;
}

static struct sigaction found_bus, found_segv;

/* What the program was started with: the system's default, or a sanitizer's handler. */
__attribute__((constructor)) static void remember_handlers(void)
{
    sigaction(SIGBUS, NULL, &found_bus);
    sigaction(SIGSEGV, NULL, &found_segv);
}

void support_begin_test(void)
{
    sigaction(SIGBUS, &found_bus, NULL);
    sigaction(SIGSEGV, &found_segv, NULL);
    if (mmf_guard_check() != MMF_ENOTFOUND)
        mmf_guard_install(MMF_GUARD_SIGNAL);
}

int support_finish(int failed, size_t count)
{
    if (failed)
        return 1;
    return skipped == count ? 77 : 0;
}
