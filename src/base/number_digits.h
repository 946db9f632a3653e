/* number_digits.h - eight ASCII digits at a time in a general register, without any instruction
 * set extension. Little-endian reading is made explicit, so any machine gives the same. */
#ifndef PEN_BASE_NUMBER_DIGITS_H
#define PEN_BASE_NUMBER_DIGITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t pen_load_8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* pen_word_is_digits - are all 8 bytes of the word '0'..'9'? */
static inline bool pen_word_is_digits(uint64_t word)
{
    return ((word & (word + UINT64_C(0x0606060606060606)) & UINT64_C(0xF0F0F0F0F0F0F0F0)) ==
            UINT64_C(0x3030303030303030));
}

/* pen_word_digits - the number that 8 digits write; the first character is the lowest byte. */
static inline uint64_t pen_word_digits(uint64_t word)
{
    word -= UINT64_C(0x3030303030303030);
    word = word * 10 + (word >> 8); /* pairs in the even bytes */
    return ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
            ((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
           32;
}

static inline bool pen_is_8_digits(const char *p)
{
    return pen_word_is_digits(pen_load_8(p));
}

static inline uint64_t pen_read_8_digits(const char *p)
{
    return pen_word_digits(pen_load_8(p)) & UINT32_MAX;
}

#endif
