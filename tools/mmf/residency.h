/* residency.h: how much of a file is in memory, where, and how much of it is dirty. */
#ifndef MMF_TOOLS_RESIDENCY_H
#define MMF_TOOLS_RESIDENCY_H

#include "source.h"

enum { CHART_COLUMNS = 60 };

/*
 * `known` is false where the kernel does not tell, and `refused` says that it is because the caller neither owns nor
 * may write the file (Linux 5.2); dirty and writeback are bytes, UINT64_MAX when not known.
 */
struct residency {
    bool known;
    bool refused;
    uint64_t page_size;
    uint64_t pages; /* that the range touches */
    uint64_t resident;
    uint64_t dirty;
    uint64_t writeback;
    unsigned columns; /* the range in at most CHART_COLUMNS pieces of whole pages */
    uint64_t column_pages[CHART_COLUMNS];
    uint64_t column_resident[CHART_COLUMNS];
};

/* Looks at a range. What cannot be told is not an error; MMF_EIO, MMF_ENOMEMORY and the like are. */
int residency_measure(struct residency *residency, const struct source *source, mmf_range range,
                      struct failure *failure);

/* "[OOo  ]": O: a piece is in memory, o: a part of it. Room for CHART_COLUMNS + 3 bytes. */
char *residency_chart(char to[CHART_COLUMNS + 3], const struct residency *residency);

/* Bytes of memory that the pages take. */
uint64_t residency_bytes(const struct residency *residency);

#endif
