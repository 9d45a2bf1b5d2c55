/* arch.h: the guarded loads and stores of the processor this is built for (see guard.h). */
#ifndef MMF_SRC_ARCH_ARCH_H
#define MMF_SRC_ARCH_ARCH_H

#include MMF_ARCH_HEADER

#endif
