/* access.h: which access a map gives, which its views and duplicates may have, and what that means for memory. */
#ifndef MMF_SRC_ACCESS_H
#define MMF_SRC_ACCESS_H

#include "mmf/map.h"

bool access_reads(mmf_access access);  /* its bytes may be read through the library */
bool access_stores(mmf_access access); /* its bytes may be stored into, if only in a private copy */
bool access_writes(mmf_access access); /* stores reach the file */
bool access_executes(mmf_access access);
bool access_is_valid(uint32_t access);

/* Whether a view, or a duplicate, of that access may be made of a map of that access. */
bool access_allows_view(mmf_access map, mmf_access view);
bool access_allows_duplicate(mmf_access map, mmf_access copy);

/* The os_protection bits of a mapping. */
unsigned access_protection(mmf_access access);

#endif
