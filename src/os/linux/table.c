/* table.c: the table of calls of the Linux back end. */
#include "linux.h"

#define OS_LINUX_ENTRY(name, parameters, arguments) .name = os_linux_##name,
#define OS_LINUX_QUERY_ENTRY(result, name, parameters, arguments) .name = os_linux_##name,
#define OS_LINUX_ENTRIES                                                                                               \
    OS_CALLS(OS_LINUX_ENTRY)                                                                                           \
    OS_QUERIES(OS_LINUX_QUERY_ENTRY)

/* Both are initialized before any code runs, so a constructor of the program may use the library. */
struct os_calls os = {OS_LINUX_ENTRIES};
const struct os_calls os_native = {OS_LINUX_ENTRIES};
