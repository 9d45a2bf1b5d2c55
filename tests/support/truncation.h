/* truncation.h: eight threads use a file that another process makes shorter and longer all the time. */
#ifndef MMF_TESTS_TRUNCATION_H
#define MMF_TESTS_TRUNCATION_H

/*
 * Goes on until so many faults were met as errors, or the time is over; returns how many there were. Whatever is
 * reported done is checked byte by byte. `seed` chooses offsets and sizes.
 */
unsigned long truncate_under_threads(unsigned long faults, unsigned seconds, unsigned seed);

/* The seed from MMF_SEED, else from the clock; printed. */
unsigned choose_seed(void);

#endif
