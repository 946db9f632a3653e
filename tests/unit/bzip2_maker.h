/* bzip2_maker.h - bzip2 streams written symbol by symbol, and libbz2 as the judge of what they
 * hold. For the unit test and the fuzz target. */
#ifndef PEN_TESTS_BZIP2_MAKER_H
#define PEN_TESTS_BZIP2_MAKER_H

#include <bzlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAKER_BYTES   200 /* the bytes 0 .. 199 occur in a made block */
#define MAKER_SYMBOLS (MAKER_BYTES + 2)
#define MAKER_END     (MAKER_SYMBOLS - 1)

struct bit_writer {
    uint8_t *bytes;
    size_t cap;
    uint64_t bits;
};

static inline void write_bits(struct bit_writer *writer, uint64_t value, unsigned n)
{
    while (n-- > 0) {
        if (writer->bits / 8 >= writer->cap)
            abort();
        uint8_t bit = (uint8_t)(value >> n & 1), mask = (uint8_t)(0x80u >> writer->bits % 8);
        uint8_t *byte = &writer->bytes[writer->bits / 8];
        *byte = bit ? *byte | mask : (uint8_t)(*byte & ~mask);
        writer->bits++;
    }
}

struct made_block {
    const uint8_t *symbols; /* each < MAKER_END: two for runs, then positions; the end is added */
    size_t count;
    uint32_t start, crc;
    bool is_randomised;
};

/* A block all of whose codes have 8 bits, so that symbol n is the byte n of its bits. */
static inline void write_block(struct bit_writer *writer, const struct made_block *block)
{
    write_bits(writer, UINT64_C(0x314159265359), 48);
    write_bits(writer, block->crc, 32);
    write_bits(writer, block->is_randomised, 1);
    write_bits(writer, block->start, 24);
    for (unsigned group = 0; group < 16; group++)
        write_bits(writer, group * 16 < MAKER_BYTES, 1);
    for (unsigned byte = 0; byte < (MAKER_BYTES + 15) / 16 * 16; byte++)
        write_bits(writer, byte < MAKER_BYTES, 1);
    size_t selectors = (block->count + 1 + 49) / 50;
    write_bits(writer, 2, 3);
    write_bits(writer, selectors, 15);
    for (size_t i = 0; i < selectors; i++)
        write_bits(writer, 0, 1);
    for (unsigned table = 0; table < 2; table++) {
        write_bits(writer, 8, 5);
        for (unsigned symbol = 0; symbol < MAKER_SYMBOLS; symbol++)
            write_bits(writer, 0, 1);
    }
    for (size_t i = 0; i < block->count; i++)
        write_bits(writer, block->symbols[i], 8);
    write_bits(writer, MAKER_END, 8);
}

static inline void write_head(struct bit_writer *writer, unsigned level)
{
    write_bits(writer, 0x425a68, 24);
    write_bits(writer, '0' + level, 8);
}

static inline void write_end(struct bit_writer *writer, uint32_t crc)
{
    write_bits(writer, UINT64_C(0x177245385090), 48);
    write_bits(writer, crc, 32);
    while (writer->bits % 8 != 0)
        write_bits(writer, 0, 1);
}

static inline uint32_t bzip2_crc(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= (uint32_t)bytes[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? UINT32_C(0x04c11db7) : 0);
    }
    return ~crc;
}

/* library_decode - what libbz2 makes of the bytes: streams one behind another, then zeros.
 * out: the text up to `room` bytes, also of an object that is wrong further on; true: all is sound.
 * *ret_len > room: there was more, and it was not read on. */
static inline bool library_decode(const uint8_t *stored, size_t len, uint8_t *text, size_t room,
                                  size_t *ret_len)
{
    size_t at = 0, made = 0;
    bool is_sound = len > 0, is_first = true;
    while (is_sound && at < len && (is_first || stored[at] != 0)) {
        is_first = false;
        bz_stream stream = {.next_in = (char *)(uintptr_t)(stored + at),
                            .avail_in = (unsigned)(len - at)};
        if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
            abort();
        int code = BZ_OK;
        unsigned in_before = 1, out_before = 0;
        while (code == BZ_OK && (stream.avail_in != in_before || out_before == 0)) {
            in_before = stream.avail_in;
            stream.next_out = (char *)text + made;
            stream.avail_out = (unsigned)(room - made);
            code = BZ2_bzDecompress(&stream);
            out_before = stream.avail_out;
            made = room - stream.avail_out;
            if (made == room && code == BZ_OK)
                break;
        }
        at = len - stream.avail_in;
        (void)BZ2_bzDecompressEnd(&stream);
        if (made == room && code == BZ_OK) {
            *ret_len = room + 1;
            return false;
        }
        is_sound = code == BZ_STREAM_END;
    }
    for (; is_sound && at < len; at++)
        is_sound = stored[at] == 0;
    *ret_len = made;
    return is_sound;
}

#endif
