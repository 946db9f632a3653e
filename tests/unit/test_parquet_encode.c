/* Every encoder is read back by a decoder written here from the format's description, one value at
 * a time. */
#include "unit.h"

#include "parquet/encode.h"
#include "random.h"

#include <stdlib.h>

#define MOST 3000

struct reader {
    const uint8_t *at, *end;
};

static struct reader read_all(const struct pen_buf *buf)
{
    return (struct reader){(const uint8_t *)buf->ptr, (const uint8_t *)buf->ptr + buf->len};
}

static uint64_t read_varint(struct reader *reader)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        assert_true(reader->at < reader->end && shift < 64);
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static int64_t read_zigzag(struct reader *reader)
{
    uint64_t value = read_varint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Value `index` of packed ones of `width` bits, bit by bit. */
static uint64_t packed_at(const uint8_t *bytes, size_t index, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        size_t bit = index * width + i;
        value |= (uint64_t)(bytes[bit / 8] >> bit % 8 & 1) << i;
    }
    return value;
}

static const uint8_t *take(struct reader *reader, size_t bytes)
{
    assert_true((size_t)(reader->end - reader->at) >= bytes);
    reader->at += bytes;
    return reader->at - bytes;
}

static size_t decode_delta(struct reader *reader, int64_t *values)
{
    size_t block = read_varint(reader), minis = read_varint(reader), count = read_varint(reader);
    int64_t last = read_zigzag(reader);
    assert_true(block % 128 == 0 && block / minis % 32 == 0);
    size_t n = 0;
    if (count > 0)
        values[n++] = last;
    while (n < count) {
        int64_t least = read_zigzag(reader);
        const uint8_t *widths = take(reader, minis);
        for (size_t m = 0; m < minis; m++) {
            const uint8_t *mini = take(reader, (size_t)widths[m] * (block / minis) / 8);
            for (size_t i = 0; i < block / minis && n < count; i++) {
                uint64_t delta = packed_at(mini, i, widths[m]) + (uint64_t)least;
                last = (int64_t)((uint64_t)last + delta);
                values[n++] = last;
            }
        }
    }
    return count;
}

/* The hybrid of runs and packed groups, to the end of the bytes or `count` values. */
static void decode_hybrid(struct reader *reader, unsigned width, uint16_t *values, size_t count)
{
    for (size_t n = 0; n < count;) {
        uint64_t header = read_varint(reader);
        if (header & 1) {
            size_t groups = header >> 1;
            const uint8_t *packed = take(reader, groups * width);
            for (size_t i = 0; i < groups * 8 && n < count; i++)
                values[n++] = (uint16_t)packed_at(packed, i, width);
            continue;
        }
        const uint8_t *value = take(reader, (width + 7) / 8);
        size_t run = header >> 1;
        assert_true(run <= count - n);
        for (size_t i = 0; i < run; i++)
            values[n++] = (uint16_t)packed_at(value, 0, width);
    }
}

static const size_t counts[] = {0,  1,  2,   7,   8,   9,   31,  32,   33,  63,
                                64, 65, 127, 128, 129, 130, 257, 1000, MOST};
#define COUNTS (sizeof counts / sizeof counts[0])

static void levels_come_back(void **state)
{
    (void)state;
    static uint64_t bits[MOST / 64 + 2];
    static uint16_t back[MOST];
    uint64_t seed = 1;
    for (size_t round = 0; round < 3 * COUNTS; round++) {
        size_t count = counts[round % COUNTS], set = 0, percent = round / COUNTS * 50;
        memset(bits, 0xff, sizeof bits); /* what is behind the rows must not matter */
        for (size_t i = 0; i < count; i++) {
            bool is_set = random_below(&seed, 100) < percent;
            set += is_set;
            if (!is_set)
                bits[i / 64] &= ~(UINT64_C(1) << i % 64);
        }
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
        assert_ok(pen_encode_levels(bits, count, set, &buf, err));
        struct reader reader = read_all(&buf);
        uint32_t len;
        memcpy(&len, take(&reader, 4), 4);
        assert_int_equal(len, reader.end - reader.at);
        decode_hybrid(&reader, 1, back, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(back[i], bits[i / 64] >> i % 64 & 1);
    }
}

static int64_t delta_value(int kind, size_t i, uint64_t *seed)
{
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0, -1, 1};
    switch (kind) {
    case 0:
        return 42;
    case 1:
        return (int64_t)i * 1000000;
    case 2:
        return -(int64_t)i + (int64_t)random_below(seed, 5);
    case 3:
        return (int64_t)random_next(seed);
    case 4:
        return ends[random_below(seed, 5)];
    default: /* another width in each miniblock */
        return (int64_t)(random_next(seed) >> (i / 32 * 3 % 64));
    }
}

static void deltas_come_back(void **state)
{
    (void)state;
    static int64_t values[MOST], back[MOST];
    uint64_t seed = 2;
    for (int kind = 0; kind < 6; kind++)
        for (size_t c = 0; c < COUNTS; c++) {
            for (size_t i = 0; i < counts[c]; i++)
                values[i] = delta_value(kind, i, &seed);
            PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
            assert_ok(pen_encode_delta(values, counts[c], &buf, err));
            struct reader reader = read_all(&buf);
            assert_int_equal(decode_delta(&reader, back), counts[c]);
            assert_true(reader.at == reader.end);
            if (counts[c] > 0)
                assert_memory_equal(back, values, counts[c] * sizeof *values);
        }
}

static void ascending_deltas_take_no_bits(void **state)
{
    (void)state;
    static int64_t values[MOST];
    for (size_t i = 0; i < MOST; i++)
        values[i] = (int64_t)i * 7;
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
    assert_ok(pen_encode_delta(values, MOST, &buf, err));
    assert_true(buf.len < 10 + (MOST / 128 + 1) * 6);
}

static void lengths_and_bytes_come_back(void **state)
{
    (void)state;
    static uint32_t lengths[MOST];
    static int64_t back[MOST];
    static char bytes[MOST * 40];
    uint64_t seed = 3;
    for (size_t c = 0; c < COUNTS; c++) {
        size_t total = 0;
        for (size_t i = 0; i < counts[c]; i++) {
            lengths[i] = (uint32_t)random_below(&seed, 40);
            for (uint32_t k = 0; k < lengths[i]; k++)
                bytes[total++] = (char)random_next(&seed);
        }
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
        assert_ok(pen_encode_delta_lengths(lengths, counts[c], pen_slice(bytes, total), &buf, err));
        struct reader reader = read_all(&buf);
        assert_int_equal(decode_delta(&reader, back), counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            assert_int_equal(back[i], lengths[i]);
        assert_int_equal(reader.end - reader.at, total);
        if (total > 0)
            assert_memory_equal(reader.at, bytes, total);
    }
}

static void split_bytes_come_back(void **state)
{
    (void)state;
    static uint64_t values[MOST];
    uint64_t seed = 4;
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = random_next(&seed);
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
        assert_ok(pen_encode_split(values, counts[c], &buf, err));
        assert_int_equal(buf.len, counts[c] * 8);
        for (size_t i = 0; i < counts[c]; i++)
            for (size_t k = 0; k < 8; k++)
                assert_int_equal((uint8_t)buf.ptr[k * counts[c] + i],
                                 (uint8_t)(values[i] >> 8 * k));
    }
}

static void booleans_come_back(void **state)
{
    (void)state;
    static uint8_t values[MOST];
    uint64_t seed = 5;
    for (size_t c = 0; c < COUNTS; c++) {
        for (size_t i = 0; i < counts[c]; i++)
            values[i] = (uint8_t)random_below(&seed, 2);
        PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
        assert_ok(pen_encode_booleans(values, counts[c], &buf, err));
        assert_int_equal(buf.len, (counts[c] + 7) / 8);
        for (size_t i = 0; i < counts[c]; i++)
            assert_int_equal((uint8_t)buf.ptr[i / 8] >> i % 8 & 1, values[i]);
    }
}

/* `run`: how many equal values come in a row, on average. */
static void check_indices(size_t count, unsigned width, size_t run, uint64_t *seed)
{
    static uint16_t values[MOST], back[MOST];
    uint16_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (random_below(seed, run) == 0)
            value = (uint16_t)random_below(seed, UINT64_C(1) << width);
        values[i] = value;
    }
    PEN_CLEANUP(pen_buf_release) struct pen_buf buf = PEN_BUF(1 << 20);
    assert_ok(pen_encode_indices(values, count, width, &buf, err));
    struct reader reader = read_all(&buf);
    assert_int_equal(*take(&reader, 1), width);
    decode_hybrid(&reader, width, back, count);
    assert_true(reader.at == reader.end);
    if (count > 0)
        assert_memory_equal(back, values, count * sizeof *values);
}

static void indices_come_back(void **state)
{
    (void)state;
    static const size_t runs[] = {1, 3, 9, 50, 1000};
    uint64_t seed = 6;
    for (unsigned width = 0; width <= 16; width++)
        for (size_t c = 0; c < COUNTS; c++)
            for (size_t r = 0; r < sizeof runs / sizeof runs[0]; r++)
                check_indices(counts[c], width, runs[r], &seed);
}

static void widths_hold_the_greatest(void **state)
{
    (void)state;
    assert_int_equal(pen_encode_width(0), 0);
    assert_int_equal(pen_encode_width(1), 1);
    assert_int_equal(pen_encode_width(255), 8);
    assert_int_equal(pen_encode_width(256), 9);
    assert_int_equal(pen_encode_width(UINT64_MAX), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_come_back),
        cmocka_unit_test(deltas_come_back),
        cmocka_unit_test(ascending_deltas_take_no_bits),
        cmocka_unit_test(lengths_and_bytes_come_back),
        cmocka_unit_test(split_bytes_come_back),
        cmocka_unit_test(booleans_come_back),
        cmocka_unit_test(indices_come_back),
        cmocka_unit_test(widths_hold_the_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
