/* truncation_million.c: the file is cut under eight threads until one million faults were met as errors. */
#define _GNU_SOURCE
#include "support.h"
#include "truncation.h"

#define FAULTS 1000000

TEST(one_million_faults)
{
    unsigned long faults = truncate_under_threads(FAULTS, 280, choose_seed());
    printf("%lu faults met as errors\n", faults);
    assert_true(faults >= FAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(one_million_faults)};
    return run_group(tests);
}
