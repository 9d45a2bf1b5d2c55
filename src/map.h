/* map.h: inside the library, a map handle: an access to a backing. */
#ifndef MMF_SRC_MAP_H
#define MMF_SRC_MAP_H

#include "backing.h"

struct mmf_map {
    struct backing *backing;
    mmf_access access;
};

#endif
