/* unicode.c: finds characters of UTF-8 in bytes that may be anything. */
#include "unicode.h"

size_t unicode_next(const char *bytes, uint32_t *character)
{
    const unsigned char *byte = (const unsigned char *)bytes;
    static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = 0;
    uint32_t code = byte[0];

    if (code == 0)
        return 0;
    if (code < 0x80) {
        *character = code;
        return 1;
    }
    if (code >= 0xC2 && code < 0xE0) {
        length = 2;
        code &= 0x1F;
    } else if (code >= 0xE0 && code < 0xF0) {
        length = 3;
        code &= 0x0F;
    } else if (code >= 0xF0 && code < 0xF5) {
        length = 4;
        code &= 0x07;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (byte[i] & 0x3Fu);
    }
    if (code < lowest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0;
    *character = code;
    return length;
}
