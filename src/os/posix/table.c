/* table.c: the table of calls when the POSIX back end stands alone. */
#include "posix.h"

#if defined(MMF_OS_posix)

#define OS_POSIX_ENTRY(name, parameters, arguments) .name = os_posix_##name,
#define OS_POSIX_QUERY_ENTRY(result, name, parameters, arguments) .name = os_posix_##name,
#define OS_POSIX_ENTRIES                                                                                               \
    OS_CALLS(OS_POSIX_ENTRY)                                                                                           \
    OS_QUERIES(OS_POSIX_QUERY_ENTRY)

/* Both are initialized before any code runs, so a constructor of the program may use the library. */
struct os_calls os = {OS_POSIX_ENTRIES};
const struct os_calls os_native = {OS_POSIX_ENTRIES};

#endif
