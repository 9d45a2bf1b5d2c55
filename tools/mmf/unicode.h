/* unicode.h: finds characters of UTF-8 in bytes that may be anything. */
#ifndef MMF_TOOLS_UNICODE_H
#define MMF_TOOLS_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character that `bytes` begin with, and its code; 0 when they begin with none (a stray byte, an
 * overlong form, a surrogate, above U+10FFFF, cut off). `bytes` end with a zero byte.
 */
size_t unicode_next(const char *bytes, uint32_t *character);

#endif
