/* system.c: what can be asked about the library and the system it runs on. */
#include "arch/arch.h"
#include "os/os.h"

#include "mmf/error.h"

uint32_t mmf_version(void)
{
    return MMF_VERSION_MAJOR << 16 | MMF_VERSION_MINOR << 8 | MMF_VERSION_PATCH;
}

size_t mmf_page_size(void)
{
    return os.page_size();
}

size_t mmf_granularity(void)
{
    return os.granularity();
}

/* Whether the processor's folder of src/arch keeps an exception table: its header defines how entries are written. */
static bool has_guard_table(void)
{
#if defined(GUARD_TABLE_ENTRY)
    return true;
#else
    return false;
#endif
}

int mmf_capability(mmf_feature feature)
{
    if ((unsigned)feature > MMF_FEATURE_STDIO)
        return MMF_EINVAL;
    if (feature == MMF_FEATURE_GUARD_TABLE)
        return has_guard_table() ? MMF_OK : MMF_ENOTSUP;
    return os.capability(feature) == 0 ? MMF_OK : MMF_ENOTSUP;
}
