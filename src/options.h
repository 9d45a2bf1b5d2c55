/* options.h: reading an options struct that may be older or newer than this library. */
#ifndef MMF_SRC_OPTIONS_H
#define MMF_SRC_OPTIONS_H

#include <stddef.h>

/*
 * Copies the caller's struct (NULL: all defaults) into `to` of `size` bytes, both starting with a uint32_t
 * struct_size. `oldest` is the size of the first release. A larger struct is accepted when the extra bytes are zero.
 * Returns MMF_OK, or MMF_EINVAL, recorded.
 */
int options_read(void *to, size_t size, size_t oldest, const void *from);

/*
 * The other way, for structs that the library fills: writes at most the caller's struct_size bytes and keeps that
 * member. A larger struct gets zeros in the bytes this library does not know. MMF_EINVAL, recorded.
 */
int options_write(void *to, size_t oldest, const void *from, size_t size);

#endif
