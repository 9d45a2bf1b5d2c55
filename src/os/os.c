/* os.c: finds an entry of the table of system calls by its name. The table itself is in the back end's table.c. */
#include "os/os.h"

#include <string.h>

struct entry {
    const char *name;
    size_t offset;
};

static const struct entry entries[] = {
#define OS_ENTRY(name, parameters, arguments) {#name, offsetof(struct os_calls, name)},
#define OS_QUERY_ENTRY(result, name, parameters, arguments) {#name, offsetof(struct os_calls, name)},
    OS_CALLS(OS_ENTRY) OS_QUERIES(OS_QUERY_ENTRY)
#undef OS_ENTRY
#undef OS_QUERY_ENTRY
};

os_any_call **os_entry(const char *name)
{
    for (size_t i = 0; name && i < sizeof entries / sizeof entries[0]; i++) {
        if (strcmp(entries[i].name, name) == 0)
            return (os_any_call **)(void *)((unsigned char *)&os + entries[i].offset);
    }
    return NULL;
}
