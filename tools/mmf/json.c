/* json.c: writes one JSON value, member by member, in the order of the calls. */
#include "json.h"

#include "unicode.h"

#include <string.h>

void json_start(struct json *json, struct output *output)
{
    *json = (struct json){.output = output, .first = true};
}

/* Writes text in quotes. Returns whether it was exact, that is, UTF-8 throughout. */
static bool quoted(struct output *output, const char *text)
{
    static const char shorts[] = "\b\t\n\f\r"; /* the control characters that have a letter of their own */
    bool exact = true;

    output_text(output, "\"");
    while (*text != '\0') {
        uint32_t character = 0;
        size_t length = unicode_next(text, &character);
        if (length == 0) {
            output_text(output, "\\ufffd");
            exact = false;
            length = 1;
        } else if (character == '"' || character == '\\') {
            output_format(output, "\\%c", (char)character);
        } else if (character > 0 && character < 0x20 && strchr(shorts, (char)character)) {
            output_format(output, "\\%c", "btnfr"[strchr(shorts, (char)character) - shorts]);
        } else if (character < 0x20 || (character >= 0x7F && character < 0xA0) || character == 0x2028 ||
                   character == 0x2029) {
            output_format(output, "\\u%04x", (unsigned)character);
        } else {
            output_bytes(output, text, length);
        }
        text += length;
    }
    output_text(output, "\"");
    return exact;
}

static void new_line(struct json *json)
{
    if (json->flat > 0 && json->depth > json->flat - 1)
        return;
    output_text(json->output, "\n");
    for (unsigned i = 0; i < json->depth; i++)
        output_text(json->output, "  ");
}

/* What stands before every value: the comma, the line, the key. */
static void begin(struct json *json, const char *key)
{
    bool one_line = json->flat > 0 && json->depth >= json->flat;

    if (!json->first)
        output_text(json->output, one_line ? ", " : ",");
    if (json->depth > 0)
        new_line(json);
    json->first = false;
    if (key) {
        quoted(json->output, key);
        output_text(json->output, ": ");
    }
}

static void open_value(struct json *json, const char *key, const char *bracket, bool flat)
{
    begin(json, key);
    output_text(json->output, bracket);
    json->depth++;
    json->first = true;
    if (flat && json->flat == 0)
        json->flat = json->depth;
}

static void close_value(struct json *json, const char *bracket)
{
    bool empty = json->first;

    json->depth--;
    if (json->flat == json->depth + 1) {
        json->flat = 0;
    } else if (!empty) {
        new_line(json);
    }
    output_text(json->output, bracket);
    json->first = false;
}

void json_open_object(struct json *json, const char *key, bool flat)
{
    open_value(json, key, "{", flat);
}

void json_close_object(struct json *json)
{
    close_value(json, "}");
}

void json_open_array(struct json *json, const char *key, bool flat)
{
    open_value(json, key, "[", flat);
}

void json_close_array(struct json *json)
{
    close_value(json, "]");
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    begin(json, key);
    output_format(json->output, "%llu", (unsigned long long)value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
    begin(json, key);
    output_format(json->output, "%lld", (long long)value);
}

void json_decimal(struct json *json, const char *key, double value)
{
    begin(json, key);
    output_format(json->output, "%.3f", value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    output_text(json->output, value ? "true" : "false");
}

void json_unknown(struct json *json, const char *key)
{
    begin(json, key);
    output_text(json->output, "null");
}

void json_known(struct json *json, const char *key, bool known, uint64_t value)
{
    if (known) {
        json_number(json, key, value);
    } else {
        json_unknown(json, key);
    }
}

void json_text(struct json *json, const char *key, const char *text)
{
    begin(json, key);
    quoted(json->output, text);
}

void json_path(struct json *json, const char *key, const char *path)
{
    begin(json, key);
    if (quoted(json->output, path))
        return;
    begin(json, NULL);
    output_format(json->output, "\"%s_hex\": \"", key);
    for (const unsigned char *byte = (const unsigned char *)path; *byte; byte++)
        output_format(json->output, "%02x", *byte);
    output_text(json->output, "\"");
}

void json_finish(struct json *json)
{
    output_text(json->output, "\n");
}
