/* options.c: reading an options struct that may be older or newer than this library. */
#include "options.h"

#include "error.h"

#include <string.h>

/* No struct will ever be larger: what claims to be is garbage, and reading it would end in unmapped memory. */
#define LARGEST 4096

static bool all_zero(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

int options_read(void *to, size_t size, size_t oldest, const void *from)
{
    const uint32_t own_size = (uint32_t)size;
    memset(to, 0, size);
    if (from) {
        uint32_t given;
        memcpy(&given, from, sizeof given);
        if (given < oldest || given > LARGEST)
            return error_set(MMF_EINVAL, "options: struct_size");
        if (given > size && !all_zero((const unsigned char *)from + size, given - size))
            return error_set(MMF_EINVAL, "options: a member that this version does not know");
        memcpy(to, from, given < size ? given : size);
    }
    memcpy(to, &own_size, sizeof own_size);
    return MMF_OK;
}

int options_write(void *to, size_t oldest, const void *from, size_t size)
{
    uint32_t given;
    memcpy(&given, to, sizeof given);
    if (given < oldest || given > LARGEST)
        return error_set(MMF_EINVAL, "struct_size");
    size_t known = given < size ? given : size;
    memcpy((unsigned char *)to + sizeof given, (const unsigned char *)from + sizeof given, known - sizeof given);
    memset((unsigned char *)to + known, 0, given - known);
    return MMF_OK;
}
