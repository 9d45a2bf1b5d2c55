/* truncation.c: the file is cut under eight threads for some seconds; fault/long/truncation has the full million. */
#define _GNU_SOURCE
#include "truncation.h"
#include "support.h"

TEST(truncation_under_threads)
{
    unsigned long faults = truncate_under_threads(200000, 4, choose_seed());
    printf("%lu faults met as errors\n", faults);
    assert_true(faults > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(truncation_under_threads)};
    return run_group(tests);
}
