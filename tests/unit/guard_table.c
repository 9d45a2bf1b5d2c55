/* guard_table.c: the capability query knows whether the guard that was built in has an exception table. */
#include "support.h"

TEST(capability)
{
    const bool portable = strncmp(MMF_ARCH_HEADER, "portable/", strlen("portable/")) == 0;
    assert_code_only(portable ? MMF_ENOTSUP : MMF_OK, mmf_capability(MMF_FEATURE_GUARD_TABLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {unit(capability)};
    return run_group(tests);
}
