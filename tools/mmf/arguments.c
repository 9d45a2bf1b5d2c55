/* arguments.c: the options of a job, declared once for reading them and for the help. */
#include "arguments.h"

#include "failure.h"
#include "jobs.h"
#include "output.h"
#include "sizes.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RULES = 24, HELP_COLUMN = 24, LETTER_BASE = 256 };

static const char common_help[] = "Sizes and offsets are bytes: 4096, 0x1000, 4K or 4KiB (1024), 4KB (1000), to E.\n"
                                  "Exit codes: 0 done, 1 failed, 2 wrong usage.\n";

/* Prints the help text of an option, further lines under the first. */
static void print_indented(struct output *output, const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        output_bytes(output, line, length);
        output_text(output, "\n");
        line += length;
        if (*line == '\n') {
            line++;
            output_format(output, "%*s", HELP_COLUMN, "");
        }
    }
}

static void print_rule(struct output *output, const struct option_rule *rule)
{
    char names[64];
    char letter[8] = "    ";

    if (rule->letter)
        snprintf(letter, sizeof letter, "-%c, ", rule->letter);
    snprintf(names, sizeof names, "  %s--%s%s%s", letter, rule->name, rule->argument ? " " : "",
             rule->argument ? rule->argument : "");
    if (strlen(names) + 2 > HELP_COLUMN) {
        output_format(output, "%s\n%*s", names, HELP_COLUMN, "");
    } else {
        output_format(output, "%-*s", HELP_COLUMN, names);
    }
    print_indented(output, rule->help);
}

static int print_help(const struct usage *usage)
{
    static const struct option_rule help = {"help", 'h', NULL, OPTION_FLAG, NULL, "show this"};
    struct output output;

    output_start(&output, STDOUT_FILENO);
    output_format(&output, "usage: mmf %s %s\n\n", usage->job, usage->synopsis);
    output_format(&output, "%s\nOptions:\n", usage->summary);
    for (size_t i = 0; i < usage->count; i++)
        print_rule(&output, &usage->rules[i]);
    print_rule(&output, &help);
    output_format(&output, "\n%s\nExamples:\n%s", common_help, usage->examples);
    return finish_output(&output, usage->job, EXIT_DONE);
}

int arguments_wrong(const char *job, const char *format, ...)
{
    struct output error;
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    output_start(&error, STDERR_FILENO);
    output_format(&error, "mmf %s: ", job);
    output_shown(&error, text);
    output_format(&error, "\nTry 'mmf %s --help'.\n", job);
    output_finish(&error);
    return EXIT_USAGE;
}

/* Stores one option's value. Returns NULL or what is wrong with it. */
static const char *store(const struct option_rule *rule, const char *argument)
{
    struct optional *number = rule->value;
    const char *wrong = NULL;

    switch (rule->kind) {
    case OPTION_FLAG:
        *(bool *)rule->value = true;
        break;
    case OPTION_TEXT:
        *(const char **)rule->value = argument;
        break;
    case OPTION_SIZE:
        wrong = size_parse(argument, &number->value);
        number->given = true;
        break;
    case OPTION_SECONDS:
        wrong = seconds_parse(argument, &number->value);
        number->given = true;
        break;
    }
    return wrong;
}

/* The two lists getopt_long wants: long names, and letters behind a '+' or ':' of its own. */
static void make_lists(const struct usage *usage, struct option *names, char *letters)
{
    size_t used = 0;

    letters[used++] = ':'; /* a missing argument is told apart from an unknown option */
    letters[used++] = 'h';
    for (size_t i = 0; i < usage->count && i < MOST_RULES; i++) {
        const struct option_rule *rule = &usage->rules[i];
        names[i] =
            (struct option){rule->name, rule->argument ? required_argument : no_argument, NULL, LETTER_BASE + (int)i};
        if (rule->letter) {
            letters[used++] = rule->letter;
            if (rule->argument)
                letters[used++] = ':';
        }
    }
    names[usage->count] = (struct option){"help", no_argument, NULL, 'h'};
    names[usage->count + 1] = (struct option){0};
    letters[used] = '\0';
}

static const struct option_rule *find_rule(const struct usage *usage, int found)
{
    if (found >= LETTER_BASE)
        return &usage->rules[found - LETTER_BASE];
    for (size_t i = 0; i < usage->count; i++) {
        if (usage->rules[i].letter == found)
            return &usage->rules[i];
    }
    return NULL;
}

/* getopt_long takes a long option by the first letters of its name as well, which a later version could read otherwise.
 */
static bool is_whole(const char *word, const char *name)
{
    size_t length = strlen(name);

    if (strncmp(word, "--", 2) != 0)
        return true; /* by its letter */
    return strncmp(word + 2, name, length) == 0 && (word[length + 2] == '\0' || word[length + 2] == '=');
}

/* What getopt_long could not take: named as the user wrote it where that is known. */
static int unknown_option(const struct usage *usage, char **argv, int found)
{
    const struct option_rule *rule = optopt ? find_rule(usage, optopt) : NULL;
    const char *word = argv[optind - 1];

    if (rule && !is_whole(word, rule->name))
        return arguments_wrong(usage->job, "unknown option %s", word);
    if (found == ':')
        return arguments_wrong(usage->job, "the option --%s needs a value", rule ? rule->name : "?");
    if (rule)
        return arguments_wrong(usage->job, "the option --%s takes no value", rule->name);
    if (optopt == 'h')
        return arguments_wrong(usage->job, "the option --help takes no value");
    if (optopt)
        return arguments_wrong(usage->job, "unknown option -%c", optopt);
    return arguments_wrong(usage->job, "unknown option %s", word);
}

int arguments_read(const struct usage *usage, int argc, char **argv, int *operands)
{
    struct option names[MOST_RULES + 2];
    char letters[2 * MOST_RULES + 4];
    bool given[MOST_RULES] = {false};
    int found = 0;

    make_lists(usage, names, letters);
    opterr = 0;
    optind = 1;
    while ((found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
        if (found == '?' || found == ':')
            return unknown_option(usage, argv, found);
        const struct option_rule *rule = find_rule(usage, found);
        const char *word = argv[optarg && optarg == argv[optind - 1] ? optind - 2 : optind - 1];
        if (!is_whole(word, rule ? rule->name : "help"))
            return arguments_wrong(usage->job, "unknown option %s", word);
        if (!rule)
            return print_help(usage);
        if (given[rule - usage->rules])
            return arguments_wrong(usage->job, "the option --%s is given twice", rule->name);
        given[rule - usage->rules] = true;
        const char *wrong = store(rule, optarg);
        if (wrong)
            return arguments_wrong(usage->job, "--%s %s: %s", rule->name, optarg ? optarg : "", wrong);
    }
    if (argc - optind < usage->least)
        return arguments_wrong(usage->job, "a file is missing");
    if (usage->most >= 0 && argc - optind > usage->most)
        return arguments_wrong(usage->job, "unexpected argument %s", argv[optind + usage->most]);
    *operands = optind;
    return -1;
}
