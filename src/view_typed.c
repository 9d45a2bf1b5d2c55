/*
 * view_typed.c: one value at a time.
 *
 * The hot path is a few instructions: a range check against a size that is 0 where the access is refused, a
 * comparison that sees a thread's first use, a forked child and a view without signals, and one guarded load or store.
 * Everything else goes through the general way, which finds out what was wrong.
 */
#include "error.h"
#include "view_bytes.h"

#include <string.h>

#define DECIMAL_RESERVED UINT32_C(0x7F00FFFF)
#define DECIMAL_SCALE_MAX 28

/* Kept apart, so that nothing of it weighs on the hot path. */
#define COLD static __attribute__((noinline, cold))

/* Hands a value, or zeros, to the caller. Its memory may be a view's, whose page is missing: that is no signal either.
 */
static int give(const mmf_view *view, void *to, const void *value, size_t size)
{
    if (!view || view->without_signals) {
        memcpy(to, value, size);
        return MMF_OK;
    }
    guard_enter();
    return guard_copy(to, value, size) == size ? MMF_OK : error_set(MMF_EFAULT, "buffer of the caller");
}

COLD int read_slowly(const mmf_view *view, uint64_t position, void *value, size_t size)
{
    unsigned char bytes[sizeof(uint64_t)] = {0};
    if (!value)
        return error_set(MMF_EINVAL, "value");
    int err = mmf_view_read(view, position, bytes, size);
    if (err) {
        static const unsigned char nothing[sizeof bytes];
        mmf_error found = *mmf_last_error();
        (void)give(view, value, nothing, size);
        return error_set_full(&found);
    }
    return give(view, value, bytes, size);
}

/* By value: the address of a parameter would put it on the stack of the hot path. */
#define DEFINE_WRITE_SLOWLY(bits)                                                                                      \
    COLD int write_slowly_##bits(mmf_view *view, uint64_t position, uint##bits##_t raw)                                \
    {                                                                                                                  \
        return mmf_view_write(view, position, &raw, sizeof raw);                                                       \
    }
DEFINE_WRITE_SLOWLY(8)
DEFINE_WRITE_SLOWLY(16)
DEFINE_WRITE_SLOWLY(32)
DEFINE_WRITE_SLOWLY(64)
#undef DEFINE_WRITE_SLOWLY

/* A type with the unsigned integer of its size. Nothing is kept across the slow way, so it costs no stack. */
#define DEFINE_TYPED(suffix, type, bits)                                                                               \
    int mmf_view_get_##suffix(const mmf_view *view, uint64_t position, type *value)                                    \
    {                                                                                                                  \
        uint##bits##_t raw;                                                                                            \
        if (!view || !value || !view_is_hot(view, view->readable[VALUE_##bits], position) ||                           \
            !guard_load_##bits(view->data + position, &raw) || !guard_store_##bits(value, raw))                        \
            return read_slowly(view, position, value, sizeof raw);                                                     \
        return MMF_OK;                                                                                                 \
    }                                                                                                                  \
    int mmf_view_put_##suffix(mmf_view *view, uint64_t position, type value)                                           \
    {                                                                                                                  \
        uint##bits##_t raw;                                                                                            \
        memcpy(&raw, &value, sizeof raw);                                                                              \
        if (!view || !view_is_hot(view, view->writable[VALUE_##bits], position) ||                                     \
            !guard_store_##bits(view->data + position, raw))                                                           \
            return write_slowly_##bits(view, position, raw);                                                           \
        return MMF_OK;                                                                                                 \
    }

DEFINE_TYPED(i8, int8_t, 8)
DEFINE_TYPED(u8, uint8_t, 8)
DEFINE_TYPED(i16, int16_t, 16)
DEFINE_TYPED(u16, uint16_t, 16)
DEFINE_TYPED(i32, int32_t, 32)
DEFINE_TYPED(u32, uint32_t, 32)
DEFINE_TYPED(i64, int64_t, 64)
DEFINE_TYPED(u64, uint64_t, 64)
DEFINE_TYPED(f32, float, 32)
DEFINE_TYPED(f64, double, 64)

COLD int read_bool_slowly(const mmf_view *view, uint64_t position, bool *value)
{
    uint8_t byte = 0;
    if (!value)
        return error_set(MMF_EINVAL, "value");
    int err = read_slowly(view, position, &byte, sizeof byte);
    const bool truth = byte != 0;
    int given = give(view, value, &truth, sizeof truth);
    return err ? err : given;
}

int mmf_view_get_bool(const mmf_view *view, uint64_t position, bool *value)
{
    uint8_t byte;
    if (!value || !view || !view_is_hot(view, view->readable[VALUE_8], position) ||
        !guard_load_8(view->data + position, &byte) || !guard_store_8(value, byte != 0))
        return read_bool_slowly(view, position, value);
    return MMF_OK;
}

int mmf_view_put_bool(mmf_view *view, uint64_t position, bool value)
{
    const uint8_t byte = value ? 1 : 0;
    if (!view || !view_is_hot(view, view->writable[VALUE_8], position) || !guard_store_8(view->data + position, byte))
        return write_slowly_8(view, position, byte);
    return MMF_OK;
}

static bool decimal_is_valid(const mmf_decimal *value)
{
    return (value->flags & DECIMAL_RESERVED) == 0 && (value->flags >> 16 & 0xFF) <= DECIMAL_SCALE_MAX;
}

COLD int read_decimal_slowly(const mmf_view *view, uint64_t position, mmf_decimal *value)
{
    static const mmf_decimal zero;
    mmf_decimal read;
    if (!value)
        return error_set(MMF_EINVAL, "value");
    int err = give(view, value, &zero, sizeof zero);
    if (!err && !view)
        return error_set(MMF_EINVAL, "view");
    if (!err)
        err = mmf_view_read(view, position, &read, sizeof read);
    if (err)
        return err;
    if (!decimal_is_valid(&read))
        return error_set_full(&(mmf_error){.code = MMF_ECORRUPT,
                                           .operation = "read decimal",
                                           .path = view->backing->path,
                                           .offset = view->offset + position});
    return give(view, value, &read, sizeof read);
}

int mmf_view_get_decimal(const mmf_view *view, uint64_t position, mmf_decimal *value)
{
    uint64_t halves[2];
    mmf_decimal read;
    unsigned char *to = (unsigned char *)value;
    if (!value || !view || !view_is_hot(view, view->readable[VALUE_128], position) ||
        !guard_load_64(view->data + position, &halves[0]) || !guard_load_64(view->data + position + 8, &halves[1]))
        return read_decimal_slowly(view, position, value);
    memcpy(&read, halves, sizeof read);
    if (!decimal_is_valid(&read) || !guard_store_64(to, halves[0]) || !guard_store_64(to + 8, halves[1]))
        return read_decimal_slowly(view, position, value);
    return MMF_OK;
}

COLD int write_decimal_slowly(mmf_view *view, uint64_t position, const mmf_decimal *value)
{
    int err = view_check_writable(view);
    if (!err && !decimal_is_valid(value))
        err = error_set(MMF_EINVAL, "decimal");
    return err ? err : mmf_view_write(view, position, value, sizeof *value);
}

int mmf_view_put_decimal(mmf_view *view, uint64_t position, mmf_decimal value)
{
    uint64_t halves[2];
    memcpy(halves, &value, sizeof halves);
    if (!view || !decimal_is_valid(&value) || !view_is_hot(view, view->writable[VALUE_128], position) ||
        !guard_store_64(view->data + position, halves[0]) || !guard_store_64(view->data + position + 8, halves[1]))
        return write_decimal_slowly(view, position, &value);
    return MMF_OK;
}
