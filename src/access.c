/* access.c: which access a map gives, which its views and duplicates may have, and what that means for memory. */
#include "access.h"

#include "os/os.h"

bool access_is_valid(uint32_t access)
{
    return access <= MMF_READWRITE_EXECUTE;
}

bool access_writes(mmf_access access)
{
    return access == MMF_WRITE || access == MMF_READWRITE || access == MMF_READWRITE_EXECUTE;
}

bool access_stores(mmf_access access)
{
    return access_writes(access) || access == MMF_COPY_ON_WRITE;
}

bool access_reads(mmf_access access)
{
    return access != MMF_WRITE;
}

bool access_executes(mmf_access access)
{
    return access == MMF_READ_EXECUTE || access == MMF_READWRITE_EXECUTE;
}

/* Reading and private copies need no more than any map has; the rest needs the map's own rights. */
bool access_allows_view(mmf_access map, mmf_access view)
{
    if (view == MMF_READ || view == MMF_COPY_ON_WRITE)
        return true;
    return (!access_writes(view) || access_writes(map)) && (!access_executes(view) || access_executes(map));
}

bool access_allows_duplicate(mmf_access map, mmf_access copy)
{
    return copy != MMF_WRITE && access_allows_view(map, copy);
}

/* Processors that can store but not load do not exist: a view that only writes is refused by the library alone. */
unsigned access_protection(mmf_access access)
{
    unsigned protection = OS_PROTECT_READ;
    if (access_stores(access))
        protection |= OS_PROTECT_WRITE;
    if (access_executes(access))
        protection |= OS_PROTECT_EXECUTE;
    return protection;
}
