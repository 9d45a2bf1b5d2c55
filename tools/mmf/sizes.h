/* sizes.h: numbers of bytes and lengths of time, as people write them and as they are shown. */
#ifndef MMF_TOOLS_SIZES_H
#define MMF_TOOLS_SIZES_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads a number of bytes: "512", "0x1000", "4K", "4KiB" (1024), "4KB" (1000), up to E. Returns NULL, or what is wrong
 * with the text: a phrase in static memory; `bytes` is then 0.
 */
const char *size_parse(const char *text, uint64_t *bytes);

/* Reads seconds, with up to nine decimals, into nanoseconds: "10", "0.25". Returns as size_parse(). */
const char *seconds_parse(const char *text, uint64_t *nanoseconds);

/* "1.5 GiB": three figures at most, "1023 bytes" below 1 KiB. Room for 24 bytes is always enough. */
enum { SIZE_TEXT = 24 };
char *size_text(char to[SIZE_TEXT], uint64_t bytes);

/* part of whole in percent with one decimal, never rounded up to 100 or down to 0: "99.9 %". Whole 0: "0 %". */
char *percent_text(char to[SIZE_TEXT], uint64_t part, uint64_t whole);

#endif
