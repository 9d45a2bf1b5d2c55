/* demo.c: the job `demo`: a tour of the library: runs the example programs on real data and tells what happened. */
#include "arguments.h"
#include "child.h"
#include "failure.h"
#include "jobs.h"
#include "sizes.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define JOB "demo"
#define PICTURE "/usr/share/gocode/src/github.com/disintegration/imaging/testdata/flowers.png"
#define PICTURE_PACKAGE "golang-github-disintegration-imaging-dev"
#define BEFORE "before.png"
#define AFTER "after.png"
#define IMAGE "ExtremelyLargeImage.data"
#define HELPER "helper.dat"

/* The image, a copy of a part of it, and a little for everything else. */
#define NEEDED_MIB 960 /* the help says so too */
static const uint64_t space_needed = (uint64_t)NEEDED_MIB << 20;

enum { MOST_ARGUMENTS = 7 };

static const char picture_argument[] = "PICTURE";
static const char text_argument[] = "TEXT";

static const struct stage {
    const char *title;
    const char *program;
    const char *arguments[MOST_ARGUMENTS];
    const char *meaning; /* lines */
} stages[] = {
    {"A file grows to the capacity it is mapped with",
     "growing_file",
     {"grown.dat"},
     "Mapping an empty file with a capacity of 100 made it 100 bytes long, at once. What cannot be, such as a\n"
     "read-only map that would have to grow, was an error of the call."},
    {"A private view: the changes stay in memory",
     "copy_on_write",
     {picture_argument},
     "Two bytes of a photo were changed in a copy-on-write view. The file and another view kept theirs."},
    {"File, map and view are closed in any order",
     "early_close",
     {"early.dat"},
     "The file was closed first, then the map; the view went on working and its bytes are in the file."},
    {"Two processes, overlapping views",
     "two_processes",
     {"shared.dat"},
     "One memory under both views: what a process wrote, the other read, at its own position."},
    {"Counting with C11 atomics in a file",
     "atomics",
     {"counter.dat", "4", "2", "1000000"},
     "Eight threads in four processes shared one variable, and not a single count was lost."},
    {"A file becomes shorter while it is read",
     "truncated",
     {"cut.dat"},
     "With mmap alone this is SIGBUS, the end of the program. Here it was an error that names the byte; for the\n"
     "view opened with MMF_FAULT_ZERO it was zeros, and the view has told of it since."},
    {"A window of 8 MiB on a file of more than 4 GiB",
     "file_helper",
     {HELPER, "4160"},
     "Ranges were referenced, two at a time, read and written wherever they lay. What was mapped never exceeded\n"
     "8 MiB, so a program of 32 bits does the same."},
    {"All numbers of that file are added up, 16 MiB of it mapped at a time",
     "big_sum",
     {HELPER, "16"},
     "Two texts of a few bytes are all that is not zero there. The file may be larger than the memory as well."},
    {"The lines of a text, by stdio and by a stream",
     "text_lines",
     {text_argument},
     "The FILE is one of the C library: getline() worked on mapped memory, and a lost page would be EIO."},
    {"A line in front of a photo, by views of 64 KiB",
     "prepend_views",
     {"A line in front of everything.", picture_argument, "prepended.dat"},
     "This is what a port keeps whose views must begin at multiples of 64 KiB: the text takes a whole block."},
    {"A large image: a photo, laid out as tiles over 800 MiB",
     "make_image",
     {picture_argument, IMAGE},
     "The disk blocks were reserved when the map was made, so a full disk would have been an error then."},
    {"Is copying by mapping 30 times faster than by read and write?",
     "copy_compare",
     {IMAGE, "copy.dat", "1", "16", "128"},
     "Read and write with a buffer of a sensible size are hard to beat for copying. What mapping gains, it gains\n"
     "where bytes are used in place."},
    {"The same beyond 4 GiB",
     "copy_compare",
     {HELPER, "copy.dat", "4160"},
     "Nearly all of it is a hole, and both ways looked at every byte of that. No size is too large for a window."},
    {"The place to watch, before",
     "image_to_png",
     {IMAGE, "0", "1848", "600", "400", BEFORE},
     "Row 2048, the middle of this picture, begins at byte 268,435,456: at offset 256 MiB."},
    {"512 MiB of the image are brightened, a call for each read and write",
     "large_image",
     {IMAGE, "6000"},
     "Each of the 134 million calls would have answered with an error, had the file been cut or the disk failed."},
    {"The same with the raw pointer, under the guard",
     "large_image",
     {IMAGE, "6000", "pointer"},
     "The view is plain memory as well. mmf_guard_run turns a lost page into an error here too."},
    {"One process brightens bytes 4,000,000 to 6,000,000, another one looks on",
     "looking_on",
     {IMAGE, "3000"},
     "The one that looks on has a read-only view of the same bytes, and saw them change."},
    {"The place to watch, after",
     "image_to_png",
     {IMAGE, "0", "1848", "600", "400", AFTER},
     "The upper half is as it was; the lower half, from offset 256 MiB on, is brighter."},
};
enum { STAGES = sizeof stages / sizeof stages[0] };

struct demo {
    const char *base;     /* --directory */
    const char *programs; /* --examples */
    const char *picture;  /* --picture */
    bool keep;
    bool as_json;
    char *examples;  /* where the programs are, absolute */
    char *photo;     /* the picture, absolute */
    char *directory; /* of this run; NULL: not yet made */
    bool made_base;
    uint64_t space; /* free where the directory is */
    double seconds;
    struct output output;
    struct json json;
    struct failure failure;
    const char *culprit; /* the program or path the failure is about; NULL */
};

/* Two parts of a path with a slash between; the caller frees it. NULL: no memory. */
static char *join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);

    if (path) {
        snprintf(path, size, "%s/%s", directory, name);
    }
    return path;
}

static bool can_run(const char *directory, const char *program)
{
    char *path = join(directory, program);
    bool can = path && access(path, X_OK) == 0;

    free(path);
    return can;
}

/* The directory the command itself lies in, as the system knows it; the caller frees it. NULL: it does not tell. */
static char *own_directory(void)
{
    char *path = realpath("/proc/self/exe", NULL);
    char *slash = path ? strrchr(path, '/') : NULL;

    if (slash) {
        *slash = '\0';
    }
    return path;
}

/* Finds the programs: where --examples says, else beside the command as built, else where they are installed. */
static int find_programs(struct demo *demo)
{
    static const char *const places[] = {"examples", "../libexec/mmf"};
    char *own = demo->programs ? NULL : own_directory();

    if (demo->programs) {
        demo->examples = realpath(demo->programs, NULL);
    }
    for (size_t i = 0; own && !demo->examples && i < sizeof places / sizeof places[0]; i++) {
        char *place = join(own, places[i]);
        if (place && can_run(place, stages[0].program)) {
            demo->examples = realpath(place, NULL);
        }
        free(place);
    }
    free(own);
    demo->culprit = demo->programs;
    if (!demo->examples) {
        return failure_of_job(&demo->failure, MMF_ENOTFOUND,
                              demo->programs ? "no such directory"
                                             : "the example programs are not beside the command; --examples names "
                                               "their directory");
    }
    for (size_t i = 0; i < STAGES; i++) {
        demo->culprit = stages[i].program;
        if (!can_run(demo->examples, stages[i].program)) {
            return failure_of_job(&demo->failure, MMF_ENOTFOUND,
                                  "the program is not there (make_image and image_to_png are built with libpng only)");
        }
    }
    demo->culprit = NULL;
    return MMF_OK;
}

static int find_picture(struct demo *demo)
{
    demo->culprit = demo->picture ? demo->picture : PICTURE;
    demo->photo = realpath(demo->culprit, NULL);
    if (!demo->photo && errno == ENOENT && !demo->picture) {
        return failure_of_job(&demo->failure, MMF_ENOTFOUND,
                              "the photo is not there: install the package %s, or name another PNG file by --picture",
                              PICTURE_PACKAGE);
    }
    if (!demo->photo || access(demo->photo, R_OK) != 0) {
        return failure_of_system(&demo->failure, "open", errno);
    }
    demo->culprit = NULL;
    return MMF_OK;
}

/* Makes the fresh directory of this run, where there is room for it. */
static int make_directory(struct demo *demo)
{
    const char *temporary = getenv("TMPDIR");
    struct statvfs storage;
    char *absolute = NULL;
    char *directory = NULL;
    int err = MMF_OK;

    demo->culprit = demo->base ? demo->base : temporary && *temporary ? temporary : "/var/tmp";
    demo->made_base = demo->base && mkdir(demo->base, 0777) == 0;
    absolute = realpath(demo->culprit, NULL);
    if (!absolute || statvfs(absolute, &storage) != 0) {
        err = failure_of_system(&demo->failure, "statvfs", errno);
        goto done;
    }
    demo->space = (uint64_t)storage.f_bavail * storage.f_frsize;
    if (demo->space < space_needed) {
        char needed[SIZE_TEXT], there[SIZE_TEXT];
        err = failure_of_job(&demo->failure, MMF_ENOSPACE,
                             "%s are needed and %s are free; --directory names another place",
                             size_text(needed, space_needed), size_text(there, demo->space));
        goto done;
    }
    directory = join(absolute, "mmf-demo-XXXXXX");
    if (!directory || !mkdtemp(directory)) {
        err = failure_of_system(&demo->failure, "mkdtemp", directory ? errno : ENOMEM);
        goto done;
    }
    demo->directory = directory;
    directory = NULL;
    demo->culprit = NULL;
done:
    free(directory);
    free(absolute);
    return err;
}

/* Removes what the programs have left in the run's own directory; the two pictures stay after a success. */
static int clean_up(struct demo *demo, bool succeeded)
{
    DIR *directory = opendir(demo->directory);
    int os_error = directory ? 0 : errno;
    struct dirent *entry = NULL;

    while (directory && (entry = readdir(directory)) != NULL) {
        bool is_picture = strcmp(entry->d_name, BEFORE) == 0 || strcmp(entry->d_name, AFTER) == 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || (succeeded && is_picture)) {
            continue;
        }
        if (unlinkat(dirfd(directory), entry->d_name, 0) != 0) {
            os_error = errno;
        }
    }
    if (directory) {
        closedir(directory);
    }
    if (!succeeded && os_error == 0 && rmdir(demo->directory) != 0) {
        os_error = errno;
    }
    if (!succeeded && os_error == 0 && demo->made_base) {
        rmdir(demo->base);
    }
    return os_error;
}

/* Prints text with every line pushed to the right. What programs say may hold anything: it is made safe to show. */
static void print_lines(struct output *output, const char *margin, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char line[1024];
        snprintf(line, sizeof line, "%.*s", (int)(length < sizeof line ? length : sizeof line - 1), text);
        output_text(output, margin);
        output_shown(output, line);
        output_text(output, "\n");
        text += length + (text[length] == '\n');
    }
}

static void print_command(struct demo *demo, char *const *arguments)
{
    output_text(&demo->output, "  $");
    for (size_t i = 0; arguments[i]; i++) {
        output_text(&demo->output, " ");
        output_shown(&demo->output, arguments[i]);
    }
    output_text(&demo->output, "\n");
}

static void tell_json(struct demo *demo, const struct stage *stage, char *const *arguments, const struct child *child)
{
    struct json *json = &demo->json;

    json_open_object(json, NULL, false);
    json_text(json, "title", stage->title);
    json_text(json, "program", stage->program);
    json_open_array(json, "command", true);
    for (size_t i = 0; arguments[i]; i++) {
        json_text(json, NULL, arguments[i]);
    }
    json_close_array(json);
    json_signed(json, "exit_code", child->exit_code);
    json_signed(json, "signal", child->signal);
    json_decimal(json, "seconds", child->seconds);
    json_text(json, "said", child->said);
    json_close_object(json);
}

/* What is wrong with how a program ended; MMF_OK: nothing. */
static int judge(struct demo *demo, const struct stage *stage, const struct child *child)
{
    demo->culprit = stage->program;
    if (child_interrupted()) {
        demo->culprit = NULL;
        return failure_of_job(&demo->failure, FAILURE_OF_COMMAND, "interrupted");
    }
    if (child->signal) {
        return failure_of_job(&demo->failure, FAILURE_OF_COMMAND, "the program was ended by signal %d", child->signal);
    }
    if (child->exit_code != 0) {
        return failure_of_job(&demo->failure, FAILURE_OF_COMMAND, "the program ended with exit code %d",
                              child->exit_code);
    }
    demo->culprit = NULL;
    return MMF_OK;
}

/* A text that every system has; the last one is there always. */
static char *text_file(void)
{
    static char license[] = "/usr/share/common-licenses/GPL-3", users[] = "/etc/passwd";

    return access(license, R_OK) == 0 ? license : users;
}

static char *argument_of(const struct demo *demo, const char *argument)
{
    if (argument == text_argument) {
        return text_file();
    }
    return argument == picture_argument ? demo->photo : (char *)argument;
}

static int run_stage(struct demo *demo, size_t number)
{
    const struct stage *stage = &stages[number];
    char *arguments[MOST_ARGUMENTS + 2] = {join(demo->examples, stage->program)};
    struct child child = {0};
    int os_error = arguments[0] ? 0 : ENOMEM;
    int err = MMF_OK;

    for (size_t i = 0; i < MOST_ARGUMENTS && stage->arguments[i]; i++) {
        arguments[i + 1] = argument_of(demo, stage->arguments[i]);
    }
    if (!demo->as_json && !os_error) {
        output_format(&demo->output, "\n%zu of %d: %s\n", number + 1, STAGES, stage->title);
        print_command(demo, arguments);
        output_finish(&demo->output);
    }
    if (!os_error) {
        os_error = child_run(&child, arguments, demo->directory);
    }
    if (os_error && !child_interrupted()) {
        demo->culprit = stage->program;
        err = failure_of_system(&demo->failure, "run", os_error);
        goto done;
    }
    err = judge(demo, stage, &child);
    if (child.said && demo->as_json) {
        tell_json(demo, stage, arguments, &child);
    } else if (child.said) {
        print_lines(&demo->output, "  | ", child.said);
        print_lines(&demo->output, "  ", err ? "" : stage->meaning);
        output_format(&demo->output, "  (%.2f seconds)\n", child.seconds);
    }
    demo->seconds += child.seconds;
done:
    free(child.said);
    free(arguments[0]);
    return err;
}

static void begin_telling(struct demo *demo)
{
    char space[SIZE_TEXT];

    output_start(&demo->output, STDOUT_FILENO);
    if (demo->as_json) {
        json_start(&demo->json, &demo->output);
        json_open_object(&demo->json, NULL, false);
        json_open_array(&demo->json, "programs", false);
    } else if (demo->directory) {
        output_text(&demo->output, "A tour of memory-mapped files. The programs are run here:\n  $ cd ");
        output_shown(&demo->output, demo->directory);
        output_format(&demo->output, "\n  (%s are free there; this needs %d MiB for a while)\n",
                      size_text(space, demo->space), NEEDED_MIB);
    }
}

static void end_telling(struct demo *demo, bool succeeded)
{
    char *before = succeeded ? join(demo->directory, BEFORE) : NULL;
    char *after = succeeded ? join(demo->directory, AFTER) : NULL;
    bool both = before && after;

    if (demo->as_json) {
        json_close_array(&demo->json);
        json_decimal(&demo->json, "seconds", demo->seconds);
        if (demo->directory && (succeeded || demo->keep)) {
            json_path(&demo->json, "directory", demo->directory);
        } else {
            json_unknown(&demo->json, "directory");
        }
        if (both) {
            json_path(&demo->json, "before", before);
            json_path(&demo->json, "after", after);
        } else {
            json_unknown(&demo->json, "before");
            json_unknown(&demo->json, "after");
        }
        failure_json(&demo->failure, &demo->json);
        json_close_object(&demo->json);
        json_finish(&demo->json);
    } else if (both) {
        output_format(&demo->output,
                      "\nAll %d programs did what they should, in %.1f seconds. The photo before and after:\n  ",
                      STAGES, demo->seconds);
        output_shown(&demo->output, before);
        output_text(&demo->output, "\n  ");
        output_shown(&demo->output, after);
        output_text(&demo->output, "\n");
        if (demo->keep) {
            output_text(&demo->output, "Everything else is kept there too.\n");
        }
        output_text(&demo->output, "To remove them:\n  $ rm -r ");
        output_shown(&demo->output, demo->directory);
        output_text(&demo->output, "\n");
    }
    free(before);
    free(after);
}

/* The tour: returns the exit code. The directory is cleaned before the end is told, so that the end tells the truth. */
static int run_demo(struct demo *demo)
{
    int err = find_programs(demo);

    if (!err) {
        err = find_picture(demo);
    }
    if (!err) {
        child_catch_signals();
        err = make_directory(demo);
    }
    begin_telling(demo);
    for (size_t i = 0; !err && i < STAGES; i++) {
        err = run_stage(demo, i);
    }
    if (demo->directory && !demo->keep) {
        int os_error = clean_up(demo, !err);
        if (os_error && !err) {
            demo->culprit = demo->directory;
            err = failure_of_system(&demo->failure, "unlink", os_error);
        }
    }
    end_telling(demo, !err);
    int exit_code = finish_output(&demo->output, JOB, err ? EXIT_FAILED : EXIT_DONE);
    if (err) {
        failure_report(&demo->failure, JOB, demo->culprit);
    }
    return exit_code;
}

int job_demo(int argc, char **argv)
{
    static struct demo demo;
    const struct option_rule rules[] = {
        {"directory", 0, "DIR", OPTION_TEXT, &demo.base,
         "work in a fresh directory inside this one, which is made\nif it is missing; default: $TMPDIR, else /var/tmp"},
        {"keep", 0, NULL, OPTION_FLAG, &demo.keep, "keep all files, also after a failure"},
        {"picture", 0, "FILE", OPTION_TEXT, &demo.picture,
         "the photo, a PNG file; default: the one of the package\n" PICTURE_PACKAGE},
        {"examples", 0, "DIR", OPTION_TEXT, &demo.programs,
         "where the example programs are; default: beside the\ncommand, or where they are installed"},
        {"json", 0, NULL, OPTION_FLAG, &demo.as_json, "tell it as one JSON object"},
    };
    const struct usage usage = {
        JOB,
        "[OPTION...]",
        "A tour of the library, in some seconds, or a minute on a slow disk: runs the\n"
        "example programs on real data and tells what happened and how long it took.\n"
        "Needs 960 MiB of disk for a while; at the end only the two small pictures\n"
        "before.png and after.png stay, in a directory that is yours to remove.\n"
        "The first program that fails ends the tour with exit code 1, and nothing stays.\n"
        "An interrupt cleans up as well.\n",
        "  mmf demo\n"
        "  mmf demo --directory /data --keep\n",
        rules,
        sizeof rules / sizeof rules[0],
        0,
        0,
    };
    int operands = 0;
    int exit_code = arguments_read(&usage, argc, argv, &operands);

    if (exit_code >= 0) {
        return exit_code;
    }
    exit_code = run_demo(&demo);
    free(demo.examples);
    free(demo.photo);
    free(demo.directory);
    if (child_interrupted()) {
        child_die(child_interrupted());
    }
    return exit_code;
}
