/* mmf/typed.h: mmf_get() and mmf_put(), which choose the typed call by the type that is pointed to. */
#ifndef MMF_TYPED_H
#define MMF_TYPED_H

#include "mmf/view.h"

/*
 * mmf_get(view, position, &x) and mmf_put(view, position, &x): the typed call for x, by its size, for every basic type
 * (bool, the char, short, int, long and long long kinds, float, double) and mmf_decimal. Errors as the typed calls.
 */

/* C type, name of its helper, kind: the compiler drops the branches for other sizes. */
#define MMF_BASIC_INTEGERS(X)                                                                                          \
    X(char, char, uint)                                                                                                \
    X(signed char, signed_char, int)                                                                                   \
    X(unsigned char, unsigned_char, uint)                                                                              \
    X(short, short, int)                                                                                               \
    X(unsigned short, unsigned_short, uint)                                                                            \
    X(int, int, int)                                                                                                   \
    X(unsigned int, unsigned_int, uint)                                                                                \
    X(long, long, int)                                                                                                 \
    X(unsigned long, unsigned_long, uint)                                                                              \
    X(long long, long_long, int)                                                                                       \
    X(unsigned long long, unsigned_long_long, uint)

#define MMF_INLINE static inline

#define MMF_DEFINE_BASIC(type, name, kind)                                                                             \
    MMF_INLINE int mmf_get_##name(const mmf_view *view, uint64_t position, type *value)                                \
    {                                                                                                                  \
        int err;                                                                                                       \
        if (!value)                                                                                                    \
            return mmf_view_get_u8(view, position, NULL);                                                              \
        if (sizeof(type) == 1) {                                                                                       \
            kind##8_t part;                                                                                            \
            err = MMF_GET_##kind(8)(view, position, &part);                                                            \
            *value = MMF_CAST(type, part);                                                                             \
        } else if (sizeof(type) == 2) {                                                                                \
            kind##16_t part;                                                                                           \
            err = MMF_GET_##kind(16)(view, position, &part);                                                           \
            *value = MMF_CAST(type, part);                                                                             \
        } else if (sizeof(type) == 4) {                                                                                \
            kind##32_t part;                                                                                           \
            err = MMF_GET_##kind(32)(view, position, &part);                                                           \
            *value = MMF_CAST(type, part);                                                                             \
        } else {                                                                                                       \
            kind##64_t part;                                                                                           \
            err = MMF_GET_##kind(64)(view, position, &part);                                                           \
            *value = MMF_CAST(type, part);                                                                             \
        }                                                                                                              \
        return err;                                                                                                    \
    }                                                                                                                  \
    MMF_INLINE int mmf_put_##name(mmf_view *view, uint64_t position, const type *value)                                \
    {                                                                                                                  \
        if (!value)                                                                                                    \
            return mmf_view_write(view, position, NULL, sizeof(type));                                                 \
        if (sizeof(type) == 1)                                                                                         \
            return MMF_PUT_##kind(8)(view, position, MMF_CAST(kind##8_t, *value));                                     \
        if (sizeof(type) == 2)                                                                                         \
            return MMF_PUT_##kind(16)(view, position, MMF_CAST(kind##16_t, *value));                                   \
        if (sizeof(type) == 4)                                                                                         \
            return MMF_PUT_##kind(32)(view, position, MMF_CAST(kind##32_t, *value));                                   \
        return MMF_PUT_##kind(64)(view, position, MMF_CAST(kind##64_t, *value));                                       \
    }
#define MMF_GET_int(bits) mmf_view_get_i##bits
#define MMF_GET_uint(bits) mmf_view_get_u##bits
#define MMF_PUT_int(bits) mmf_view_put_i##bits
#define MMF_PUT_uint(bits) mmf_view_put_u##bits
MMF_BASIC_INTEGERS(MMF_DEFINE_BASIC)
#undef MMF_DEFINE_BASIC
#undef MMF_GET_int
#undef MMF_GET_uint
#undef MMF_PUT_int
#undef MMF_PUT_uint

#define MMF_BASIC_OTHERS(X)                                                                                            \
    X(bool, bool)                                                                                                      \
    X(float, f32)                                                                                                      \
    X(double, f64)                                                                                                     \
    X(mmf_decimal, decimal)
#define MMF_DEFINE_OTHER(type, suffix)                                                                                 \
    MMF_INLINE int mmf_get_##suffix(const mmf_view *view, uint64_t position, type *value)                              \
    {                                                                                                                  \
        return mmf_view_get_##suffix(view, position, value);                                                           \
    }                                                                                                                  \
    MMF_INLINE int mmf_put_##suffix(mmf_view *view, uint64_t position, const type *value)                              \
    {                                                                                                                  \
        return value ? mmf_view_put_##suffix(view, position, *value)                                                   \
                     : mmf_view_write(view, position, NULL, sizeof(type));                                             \
    }
MMF_BASIC_OTHERS(MMF_DEFINE_OTHER)
#undef MMF_DEFINE_OTHER

#ifdef __cplusplus

#define MMF_OVERLOAD_INTEGER(type, name, kind) MMF_OVERLOAD(type, name)
#define MMF_OVERLOAD(type, name)                                                                                       \
    MMF_INLINE int mmf_get(const mmf_view *view, uint64_t position, type *value)                                       \
    {                                                                                                                  \
        return mmf_get_##name(view, position, value);                                                                  \
    }                                                                                                                  \
    MMF_INLINE int mmf_put(mmf_view *view, uint64_t position, const type *value)                                       \
    {                                                                                                                  \
        return mmf_put_##name(view, position, value);                                                                  \
    }
MMF_BASIC_INTEGERS(MMF_OVERLOAD_INTEGER)
MMF_BASIC_OTHERS(MMF_OVERLOAD)
#undef MMF_OVERLOAD_INTEGER
#undef MMF_OVERLOAD

#else

/* clang-format off */
#define MMF_CHOOSE(call, pointer)                                                                                      \
    _Generic(*(pointer),                                                                                               \
        char: call##_char, signed char: call##_signed_char, unsigned char: call##_unsigned_char,                       \
        short: call##_short, unsigned short: call##_unsigned_short, int: call##_int,                                   \
        unsigned int: call##_unsigned_int, long: call##_long, unsigned long: call##_unsigned_long,                     \
        long long: call##_long_long, unsigned long long: call##_unsigned_long_long,                                    \
        bool: call##_bool, float: call##_f32, double: call##_f64, mmf_decimal: call##_decimal)
#define mmf_get(view, position, pointer) MMF_CHOOSE(mmf_get, pointer)(view, position, pointer)
#define mmf_put(view, position, pointer) MMF_CHOOSE(mmf_put, pointer)(view, position, pointer)
/* clang-format on */

#endif

#endif
