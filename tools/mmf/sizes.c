/* sizes.c: numbers of bytes and lengths of time, as people write them and as they are shown. */
#include "sizes.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char units[] = "KMGTPE";

static int digit_value(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return 16;
}

/* Reads digits of `base` and moves `text` behind them. Returns NULL or what is wrong. */
static const char *digits_parse(const char **text, unsigned base, uint64_t *value)
{
    const char *start = *text;
    uint64_t sum = 0;

    for (; digit_value(**text) < (int)base; ++*text) {
        unsigned digit = (unsigned)digit_value(**text);
        if (sum > (UINT64_MAX - digit) / base)
            return "the number is too large";
        sum = sum * base + digit;
    }
    if (*text == start)
        return "a number is expected";
    *value = sum;
    return NULL;
}

/* The factor that a suffix stands for; 0 when it is none. */
static uint64_t suffix_factor(const char *suffix)
{
    if (*suffix == '\0' || strcasecmp(suffix, "B") == 0)
        return 1;
    const char *unit = strchr(units, *suffix >= 'a' && *suffix <= 'z' ? *suffix - 'a' + 'A' : *suffix);
    if (unit == NULL)
        return 0;
    uint64_t base = 1024;
    if (strcasecmp(suffix + 1, "B") == 0) {
        base = 1000;
    } else if (suffix[1] != '\0' && strcasecmp(suffix + 1, "iB") != 0) {
        return 0;
    }
    uint64_t factor = 1;
    for (const char *smaller = units; smaller <= unit; smaller++)
        factor *= base;
    return factor;
}

const char *size_parse(const char *text, uint64_t *bytes)
{
    uint64_t value = 0;
    uint64_t factor = 1;
    const char *wrong = NULL;

    *bytes = 0;
    if (*text == '-')
        return "it must not be negative";
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        wrong = digits_parse(&text, 16, &value);
        if (!wrong && *text != '\0')
            wrong = "a hexadecimal number takes no unit";
    } else {
        wrong = digits_parse(&text, 10, &value);
        if (!wrong && *text == '.')
            wrong = "whole numbers only";
        if (!wrong) {
            factor = suffix_factor(text);
            wrong = factor == 0 ? "unknown unit (K, M, G, T, P, E, also KiB = 1024 and KB = 1000)" : NULL;
        }
    }
    if (wrong)
        return wrong;
    if (value > UINT64_MAX / factor)
        return "the number is too large";
    *bytes = value * factor;
    return NULL;
}

const char *seconds_parse(const char *text, uint64_t *nanoseconds)
{
    const uint64_t second = 1000000000;
    uint64_t whole = 0;
    uint64_t fraction = 0;

    *nanoseconds = 0;
    if (*text == '-')
        return "it must not be negative";
    const char *wrong = digits_parse(&text, 10, &whole);
    if (wrong)
        return wrong;
    if (*text == '.') {
        uint64_t place = second;
        for (text++; *text >= '0' && *text <= '9'; text++) {
            place /= 10;
            fraction += place * (uint64_t)(*text - '0');
        }
    }
    if (*text != '\0')
        return "seconds are a number, as 10 or 0.25";
    if (whole > (UINT64_MAX - fraction) / second)
        return "the number is too large";
    *nanoseconds = whole * second + fraction;
    return NULL;
}

char *size_text(char to[SIZE_TEXT], uint64_t bytes)
{
    if (bytes < 1024) {
        snprintf(to, SIZE_TEXT, bytes == 1 ? "%u byte" : "%u bytes", (unsigned)bytes);
        return to;
    }
    const char *unit = units;
    double value = (double)bytes / 1024;
    while (value >= 1023.5 && unit[1] != '\0') {
        value /= 1024;
        unit++;
    }
    snprintf(to, SIZE_TEXT, value < 9.95 ? "%.1f %ciB" : "%.0f %ciB", value, *unit);
    return to;
}

char *percent_text(char to[SIZE_TEXT], uint64_t part, uint64_t whole)
{
    if (part == 0 || whole == 0) {
        snprintf(to, SIZE_TEXT, "0 %%");
    } else if (part >= whole) {
        snprintf(to, SIZE_TEXT, part == whole ? "100 %%" : "%.0f %%", 100.0 * (double)part / (double)whole);
    } else {
        double percent = 100.0 * (double)part / (double)whole;
        percent = percent > 99.9 ? 99.9 : percent;
        snprintf(to, SIZE_TEXT, percent < 0.05 ? "<0.1 %%" : "%.1f %%", percent);
    }
    return to;
}
