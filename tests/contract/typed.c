/* typed.c: values of every basic type at any position, arrays of elements, and .NET's decimal. */
#define _GNU_SOURCE
#include "support.h"

#include <limits.h>
#include <math.h>

#define LENGTH (2 * 65536)

static mmf_map *map;
static mmf_view *view;

static int open_zeros(void **state)
{
    (void)state;
    return mmf_map_create(&map, NULL, LENGTH, NULL) || mmf_view_open(&view, map, 0, 0, NULL);
}

static int close_zeros(void **state)
{
    (void)state;
    return mmf_view_close(&view) || mmf_map_close(&map);
}

/* One type at aligned and odd positions, around a page border and up to the last byte; the bytes must be the machine's.
 */
#define CHECK_TYPE(suffix, type, ...)                                                                                  \
    TEST(typed_##suffix)                                                                                               \
    {                                                                                                                  \
        static const type values[] = {__VA_ARGS__};                                                                    \
        const uint64_t positions[] = {0,    1,    2,    3,    4,    5,     8,     9,      4088,                        \
                                      4089, 4095, 4096, 4097, 8191, 65535, 65536, 100001, LENGTH - sizeof(type)};      \
        for (size_t i = 0; i < COUNT(positions); i++)                                                                  \
            for (size_t j = 0; j < COUNT(values); j++) {                                                               \
                type got;                                                                                              \
                memset(&got, 0x5A, sizeof got);                                                                        \
                unsigned char around[sizeof(type) + 2];                                                                \
                assert_ok(mmf_view_zero(view, 0, 0));                                                                  \
                assert_ok(mmf_view_put_##suffix(view, positions[i], values[j]));                                       \
                assert_memory_equal((const unsigned char *)mmf_view_data(view) + positions[i], &values[j],             \
                                    sizeof(type));                                                                     \
                assert_ok(mmf_view_get_##suffix(view, positions[i], &got));                                            \
                assert_memory_equal(&got, &values[j], sizeof(type));                                                   \
                if (positions[i] && positions[i] + sizeof(type) < LENGTH) {                                            \
                    assert_ok(mmf_view_read(view, positions[i] - 1, around, sizeof around));                           \
                    assert_int_equal(0, around[0]);                                                                    \
                    assert_int_equal(0, around[sizeof around - 1]);                                                    \
                }                                                                                                      \
            }                                                                                                          \
        for (size_t beyond = 1; beyond <= sizeof(type) + 1; beyond++) {                                                \
            type got;                                                                                                  \
            static const type nothing;                                                                                 \
            memset(&got, 0x5A, sizeof got);                                                                            \
            assert_code(MMF_ERANGE, mmf_view_get_##suffix(view, LENGTH - sizeof(type) + beyond, &got));                \
            assert_memory_equal(&got, &nothing, sizeof got);                                                           \
            assert_code(MMF_ERANGE, mmf_view_put_##suffix(view, LENGTH - sizeof(type) + beyond, values[0]));           \
        }                                                                                                              \
        type got;                                                                                                      \
        static const type nothing;                                                                                     \
        assert_code(MMF_ERANGE, mmf_view_get_##suffix(view, UINT64_MAX, &got));                                        \
        assert_code(MMF_ERANGE, mmf_view_put_##suffix(view, UINT64_MAX, values[0]));                                   \
        assert_code(MMF_ERANGE, mmf_view_get_##suffix(view, UINT64_MAX - sizeof(type) + 1, &got));                     \
        assert_code(MMF_ERANGE, mmf_view_put_##suffix(view, UINT64_MAX - sizeof(type) + 1, values[0]));                \
        assert_code(MMF_EINVAL, mmf_view_get_##suffix(view, 0, NULL));                                                 \
        assert_code(MMF_EINVAL, mmf_view_get_##suffix(NULL, 0, &got));                                                 \
        assert_memory_equal(&got, &nothing, sizeof got);                                                               \
        assert_code(MMF_EINVAL, mmf_view_put_##suffix(NULL, 0, values[0]));                                            \
    }

CHECK_TYPE(bool, bool, true)
CHECK_TYPE(i8, int8_t, INT8_MIN, -1, 1, INT8_MAX)
CHECK_TYPE(u8, uint8_t, 1, 0x80, UINT8_MAX)
CHECK_TYPE(i16, int16_t, INT16_MIN, -1, 0x1234, INT16_MAX)
CHECK_TYPE(u16, uint16_t, 0x1234, 0x8001, UINT16_MAX)
CHECK_TYPE(i32, int32_t, INT32_MIN, -1, 0x12345678, INT32_MAX)
CHECK_TYPE(u32, uint32_t, 0x12345678, 0x80000001, UINT32_MAX)
CHECK_TYPE(i64, int64_t, INT64_MIN, -1, 0x123456789ABCDEF0, INT64_MAX)
CHECK_TYPE(u64, uint64_t, 0x123456789ABCDEF0, 0x8000000000000001, UINT64_MAX)
CHECK_TYPE(f32, float, 1.5F, -0.0F, 3.4e38F, 1e-45F, INFINITY)
CHECK_TYPE(f64, double, 1.5, -0.0, 1.7e308, 5e-324, -INFINITY)
CHECK_TYPE(decimal, mmf_decimal, {1, 0, 0, 0}, {UINT32_MAX, UINT32_MAX, UINT32_MAX, 0x80000000},
           {0x12345678, 0x9ABCDEF0, 0x0FEDCBA9, 28U << 16}, {5, 6, 7, 0x80000000U | 1U << 16})

TEST(bool_is_one_byte)
{
    bool value = false;
    uint8_t byte = 9;
    assert_ok(mmf_view_put_bool(view, 10, true));
    assert_ok(mmf_view_get_u8(view, 10, &byte));
    assert_int_equal(1, byte);
    assert_ok(mmf_view_get_u8(view, 11, &byte));
    assert_int_equal(0, byte);
    assert_ok(mmf_view_put_bool(view, 10, false));
    assert_ok(mmf_view_get_u8(view, 10, &byte));
    assert_int_equal(0, byte);
    for (unsigned number = 0; number < 256; number++) {
        assert_ok(mmf_view_put_u8(view, 10, (uint8_t)number));
        assert_ok(mmf_view_get_bool(view, 10, &value));
        memcpy(&byte, &value, 1);
        assert_int_equal(number != 0, byte);
    }
}

/* NaNs keep their bits. */
TEST(not_a_number_keeps_its_bits)
{
    static const uint64_t wide[] = {0x7FF8000000000001, 0xFFF8123456789ABC, 0x7FF0000000000001};
    static const uint32_t narrow[] = {0x7FC00001, 0xFFC12345};
    for (size_t i = 0; i < COUNT(wide); i++) {
        double value;
        assert_ok(mmf_view_put_u64(view, 4093, wide[i]));
        assert_ok(mmf_view_get_f64(view, 4093, &value));
        if (i < 2) { /* passing a signalling NaN in a register of the 387 would quieten it */
            uint64_t bits;
            memcpy(&bits, &value, sizeof bits);
            assert_same(wide[i], bits);
        }
        assert_true(isnan(value));
    }
    for (size_t i = 0; i < COUNT(narrow); i++) {
        float value;
        uint32_t bits;
        assert_ok(mmf_view_put_u32(view, 4093, narrow[i]));
        assert_ok(mmf_view_get_f32(view, 4093, &value));
        memcpy(&bits, &value, sizeof bits);
        assert_same(narrow[i], bits);
    }
}

TEST(decimals)
{
    const mmf_decimal good = {1, 2, 3, 0x80000000U | 28U << 16};
    const mmf_decimal nothing = {0, 0, 0, 0};
    mmf_decimal got = good;
    for (unsigned bit = 0; bit < 32; bit++) {
        mmf_decimal value = {1, 2, 3, 1U << bit};
        bool valid = bit == 31 || (bit >= 16 && bit <= 20);
        assert_code(valid ? MMF_OK : MMF_EINVAL, mmf_view_put_decimal(view, 33, value));
        assert_ok(mmf_view_write(view, 33, &value, sizeof value));
        got = good;
        assert_code(valid ? MMF_OK : MMF_ECORRUPT, mmf_view_get_decimal(view, 33, &got));
        assert_memory_equal(&got, valid ? &value : &nothing, sizeof got);
    }
    for (unsigned scale = 0; scale < 256; scale++) {
        mmf_decimal value = {1, 2, 3, scale << 16};
        assert_code(scale <= 28 ? MMF_OK : MMF_EINVAL, mmf_view_put_decimal(view, 33, value));
        assert_ok(mmf_view_write(view, 33, &value, sizeof value));
        assert_code(scale <= 28 ? MMF_OK : MMF_ECORRUPT, mmf_view_get_decimal(view, 33, &got));
    }
    /* A refused one writes nothing. */
    assert_ok(mmf_view_put_decimal(view, 33, good));
    assert_code(MMF_EINVAL, mmf_view_put_decimal(view, 33, (mmf_decimal){9, 9, 9, 1}));
    assert_ok(mmf_view_get_decimal(view, 33, &got));
    assert_memory_equal(&got, &good, sizeof got);
    /* The layout: low, middle, high, flags. */
    assert_same(16, sizeof(mmf_decimal));
    uint32_t word = 0;
    assert_ok(mmf_view_get_u32(view, 33, &word));
    assert_same(1, word);
    assert_ok(mmf_view_get_u32(view, 33 + 12, &word));
    assert_same(good.flags, word);
}

/* mmf_get() and mmf_put() choose by type; the number of bytes shows which. */
#define CHECK_GENERIC(type, number)                                                                                    \
    do {                                                                                                               \
        type value = (type)(number), got = 0;                                                                          \
        unsigned char bytes[sizeof(type) + 1];                                                                         \
        assert_ok(mmf_view_zero(view, 0, 100));                                                                        \
        assert_ok(mmf_put(view, 5, &value));                                                                           \
        assert_ok(mmf_get(view, 5, &got));                                                                             \
        assert_true(got == value);                                                                                     \
        assert_ok(mmf_view_read(view, 5, bytes, sizeof bytes));                                                        \
        assert_memory_equal(bytes, &value, sizeof value);                                                              \
        assert_int_equal(0, bytes[sizeof value]);                                                                      \
        assert_code(MMF_ERANGE, mmf_put(view, LENGTH - sizeof(type) + 1, &value));                                     \
        assert_code(MMF_ERANGE, mmf_get(view, LENGTH - sizeof(type) + 1, &got));                                       \
        assert_true(got == 0);                                                                                         \
        type *null = NULL;                                                                                             \
        assert_code(MMF_EINVAL, mmf_put(view, 5, null));                                                               \
        assert_code(MMF_EINVAL, mmf_get(view, 5, null));                                                               \
    } while (0)

TEST(generic_access)
{
    CHECK_GENERIC(bool, 1);
    CHECK_GENERIC(char, 'x');
    CHECK_GENERIC(signed char, -5);
    CHECK_GENERIC(unsigned char, 250);
    CHECK_GENERIC(short, -12345);
    CHECK_GENERIC(unsigned short, 54321);
    CHECK_GENERIC(int, INT_MIN);
    CHECK_GENERIC(unsigned int, UINT_MAX);
    CHECK_GENERIC(long, LONG_MIN);
    CHECK_GENERIC(unsigned long, ULONG_MAX);
    CHECK_GENERIC(long long, LLONG_MIN);
    CHECK_GENERIC(unsigned long long, ULLONG_MAX);
    CHECK_GENERIC(float, 1.25F);
    CHECK_GENERIC(double, -1e300);
    mmf_decimal value = {1, 2, 3, 0}, got = {0};
    assert_ok(mmf_put(view, 5, &value));
    assert_ok(mmf_get(view, 5, &got));
    assert_memory_equal(&got, &value, sizeof got);
}

struct odd {
    unsigned char bytes[13];
};

TEST(arrays)
{
    static struct odd written[1000], got[1100];
    for (size_t i = 0; i < COUNT(written); i++)
        fill_pattern(written[i].bytes, i * sizeof *written, sizeof *written);
    size_t done = 77;
    assert_ok(mmf_view_write_array(view, 7, written, sizeof *written, COUNT(written)));
    assert_ok(mmf_view_read_array(view, 7, got, sizeof *got, COUNT(written), &done));
    assert_same(COUNT(written), done);
    assert_memory_equal(written, got, sizeof written);
    assert_ok(mmf_view_read_array(view, 7, got, sizeof *got, COUNT(written), NULL));
    /* Elements lie without gaps. */
    assert_same(sizeof written, match_pattern((const unsigned char *)mmf_view_data(view) + 7, 0, sizeof written));
    /* Fewer where the view ends: whole ones only, and the room behind them untouched. */
    for (size_t left = 0; left < 3 * sizeof *got + 5; left++) {
        memset(got, 0xA5, sizeof got);
        done = 77;
        if (left == 0) {
            assert_code(MMF_ERANGE, mmf_view_read_array(view, LENGTH, got, sizeof *got, 10, &done));
            assert_same(0, done);
            continue;
        }
        assert_ok(mmf_view_read_array(view, LENGTH - left, got, sizeof *got, 10, &done));
        assert_same(left / sizeof *got, done);
        assert_int_equal(0xA5, got[done].bytes[0]);
        assert_int_equal(0xA5, got[9].bytes[0]);
    }
    assert_code(MMF_ERANGE, mmf_view_read_array(view, LENGTH + 1, got, 1, 0, &done));
    assert_code(MMF_ERANGE, mmf_view_read_array(view, UINT64_MAX, got, 1, 1, &done));
    assert_ok(mmf_view_read_array(view, 5, got, 1, 0, &done));
    assert_same(0, done);
    done = 77;
    assert_code(MMF_EINVAL, mmf_view_read_array(view, 5, got, 0, 1, &done));
    assert_same(0, done);
    assert_code(MMF_EINVAL, mmf_view_write_array(view, 5, got, 0, 1));
}

/* element * count must not wrap: here it would become 8 or 0. */
TEST(array_sizes_do_not_wrap)
{
    static unsigned char bytes[LENGTH + 64];
    size_t done = 77;
    const size_t half = SIZE_MAX / 2 + 1;
    assert_code(MMF_ERANGE, mmf_view_write_array(view, 0, bytes, half + 4, 2));
    assert_code(MMF_ERANGE, mmf_view_write_array(view, 0, bytes, half, 2));
    assert_code(MMF_ERANGE, mmf_view_write_array(view, 0, bytes, 2, half));
    assert_ok(mmf_view_read_array(view, 0, bytes, half, 2, &done));
    assert_same(0, done); /* not even one fits */
    done = 77;
    assert_ok(mmf_view_read_array(view, LENGTH - 64, bytes, 16, half, &done));
    assert_same(4, done);
}

TEST(array_writes_are_all_or_nothing)
{
    static unsigned char bytes[100];
    memset(bytes, 0xFF, sizeof bytes);
    assert_ok(mmf_view_zero(view, 0, 0));
    for (size_t beyond = 1; beyond <= 16; beyond++)
        assert_code(MMF_ERANGE, mmf_view_write_array(view, LENGTH - 32 + beyond, bytes, 16, 2));
    unsigned char tail[64];
    assert_ok(mmf_view_read(view, LENGTH - 64, tail, sizeof tail));
    for (size_t i = 0; i < sizeof tail; i++)
        assert_int_equal(0, tail[i]);
    assert_ok(mmf_view_write_array(view, LENGTH - 32, bytes, 16, 2));
    assert_code(MMF_ERANGE, mmf_view_write_array(view, LENGTH, bytes, 16, 1));
    assert_code(MMF_ERANGE, mmf_view_write_array(view, LENGTH + 1, bytes, 16, 0));
    assert_ok(mmf_view_write_array(view, 100, bytes, 16, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(typed_bool),
        unit(typed_i8),
        unit(typed_u8),
        unit(typed_i16),
        unit(typed_u16),
        unit(typed_i32),
        unit(typed_u32),
        unit(typed_i64),
        unit(typed_u64),
        unit(typed_f32),
        unit(typed_f64),
        unit(typed_decimal),
        unit(bool_is_one_byte),
        unit(not_a_number_keeps_its_bits),
        unit(decimals),
        unit(generic_access),
        unit(arrays),
        unit(array_sizes_do_not_wrap),
        unit(array_writes_are_all_or_nothing),
    };
    int failed = cmocka_run_group_tests(tests, open_zeros, close_zeros);
    return support_finish(failed, COUNT(tests));
}
