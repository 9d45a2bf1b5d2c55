/* load_store.h: guarded loads and stores where there is no exception table: functions with sigsetjmp() inside. */
#ifndef MMF_SRC_ARCH_PORTABLE_LOAD_STORE_H
#define MMF_SRC_ARCH_PORTABLE_LOAD_STORE_H

bool guard_load_8(const void *from, uint8_t *value);
bool guard_load_16(const void *from, uint16_t *value);
bool guard_load_32(const void *from, uint32_t *value);
bool guard_load_64(const void *from, uint64_t *value);
bool guard_store_8(void *to, uint8_t value);
bool guard_store_16(void *to, uint16_t value);
bool guard_store_32(void *to, uint32_t value);
bool guard_store_64(void *to, uint64_t value);

#endif
