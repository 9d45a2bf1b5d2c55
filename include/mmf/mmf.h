/* mmf/mmf.h: all of libmmf, memory-mapped files for C. */
#ifndef MMF_MMF_H
#define MMF_MMF_H

#include "mmf/base.h"
#include "mmf/capability.h"
#include "mmf/error.h"
#include "mmf/guard.h"
#include "mmf/map.h"
#include "mmf/stream.h"
#include "mmf/view.h"
#include "mmf/window.h"

#endif
