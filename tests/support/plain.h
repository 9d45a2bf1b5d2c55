/* plain.h: checks for test programs that are also built where there is no cmocka, such as under an emulator. */
#ifndef MMF_TESTS_PLAIN_H
#define MMF_TESTS_PLAIN_H

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the place and the two numbers. */
#define CHECK_EQUAL(got, wanted)                                                                                       \
    do {                                                                                                               \
        unsigned long long check_got = (unsigned long long)(got);                                                      \
        unsigned long long check_wanted = (unsigned long long)(wanted);                                                \
        if (check_got != check_wanted) {                                                                               \
            fprintf(stderr, "%s:%d: %s is %llu, should be %llu\n", __FILE__, __LINE__, #got, check_got, check_wanted); \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                  \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
