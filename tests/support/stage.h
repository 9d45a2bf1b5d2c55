/* stage.h: memory with a missing end, for the tests of the guard. */
#ifndef MMF_TESTS_STAGE_H
#define MMF_TESTS_STAGE_H

#include "guard.h"

/* The thread sanitizer runs every handler with all signals blocked, and takes a mapping for a store into the range. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_THREAD_SANITIZER true
#endif
#endif
#if !defined(UNDER_THREAD_SANITIZER)
#define UNDER_THREAD_SANITIZER false
#endif

/*
 * `good` pages of a file, and behind them as many `missing` ones that raise SIGBUS, because the file ends before. The
 * file stays open, so that it can be made longer and shorter.
 */
struct stage {
    unsigned char *start;
    unsigned char *border; /* the first missing byte */
    unsigned char *end;
    int file;
    size_t page;
};

/* Ends the program if it cannot. Byte i of the good part is stage_byte(i). */
void stage_make(struct stage *stage, size_t good, size_t missing);
void stage_drop(struct stage *stage);
unsigned char stage_byte(size_t at);

/* Registers all of it, as if a view of the file from offset 4096 times 16 on, whose first byte is 100 bytes in. */
enum { STAGE_OFFSET = 65536, STAGE_FIRST = 100 };
struct guard_region *stage_register(const struct stage *stage, bool zero);

/*
 * For a child: the default action for SIGBUS and SIGSEGV (cmocka and sanitizers have handlers of their own), none of
 * the signals blocked, and no core file from a death that is wanted.
 */
void stage_plain_signals(void);

#endif
