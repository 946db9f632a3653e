/* power_table.h - 128-bit powers of ten, shared by the reader and the printer of doubles. */
#ifndef PEN_BASE_POWER_TABLE_H
#define PEN_BASE_POWER_TABLE_H

#include <stdint.h>

/* The 128-bit product of two words. */
__extension__ typedef unsigned __int128 pen_uint128;

#define PEN_POWER_FIRST (-342)
#define PEN_POWER_LAST  324

/* The 128 most significant bits of 10^q: exact for 0 <= q <= 55, rounded up for -27 <= q < 0,
 * truncated elsewhere. */
struct pen_power {
    uint64_t high, low;
};

extern const struct pen_power pen_powers[PEN_POWER_LAST - PEN_POWER_FIRST + 1];

static inline const struct pen_power *pen_power_of_ten(int q)
{
    return &pen_powers[q - PEN_POWER_FIRST];
}

#endif
