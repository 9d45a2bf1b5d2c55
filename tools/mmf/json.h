/* json.h: writes one JSON value, member by member, in the order of the calls. */
#ifndef MMF_TOOLS_JSON_H
#define MMF_TOOLS_JSON_H

#include "output.h"

/*
 * `key` is NULL inside an array and for the outermost value. What is opened "flat" stays on one line. A value that is
 * not known is json_unknown(): null, never 0.
 */
struct json {
    struct output *output;
    unsigned depth;
    unsigned flat; /* the depth from which everything stays on one line; 0: none */
    bool first;
};

void json_start(struct json *json, struct output *output);
void json_open_object(struct json *json, const char *key, bool flat);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *key, bool flat);
void json_close_array(struct json *json);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_decimal(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);
void json_unknown(struct json *json, const char *key);
void json_known(struct json *json, const char *key, bool known, uint64_t value); /* the number, or null */

/* Text; every byte that is no UTF-8 becomes U+FFFD. */
void json_text(struct json *json, const char *key, const char *text);

/* A path: as text, and when that is not exact, its bytes in hexadecimal as a second member, "KEY_hex". */
void json_path(struct json *json, const char *key, const char *path);

/* Ends the value: a line feed. */
void json_finish(struct json *json);

#endif
