/* system.c: what can be asked about the library and the system it runs on. */
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

int mmf_capability(mmf_feature feature)
{
    if ((unsigned)feature > MMF_FEATURE_STDIO)
        return MMF_EINVAL;
    return os.capability(feature) == 0 ? MMF_OK : MMF_ENOTSUP;
}
