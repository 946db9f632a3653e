/* number.h - numbers in text, both ways, exact and independent of the locale.
 * The readers follow the original's Java rules (spec/parsers.md 3.5). No allocation, any thread. */
#ifndef PEN_BASE_NUMBER_H
#define PEN_BASE_NUMBER_H

#include "base/slice.h"

/* Room for any printed double or int64, with NUL. */
#define PEN_NUMBER_TEXT 32

/* pen_parse_long - optional sign, decimal digits (also non-ASCII Unicode decimal digits), int64.
 * out: *ret_value, only on true. No spaces, no underscores; empty is false. cost: ~8 ns. */
bool pen_parse_long(struct pen_slice text, int64_t *ret_value);

/* pen_parse_double - Java's Double.parseDouble: trims bytes <= 0x20 at both ends; decimal or hex
 * float (with p exponent), NaN, Infinity, optional suffix f F d D; overflow gives infinity.
 * Correctly rounded. out: *ret_value, only on true. cost: ~12 ns for short decimals. */
bool pen_parse_double(struct pen_slice text, double *ret_value);

/* pen_parse_digits - a fixed number of ASCII digits (at most 9) as a number; -1 when one is none.
 */
int pen_parse_digits(const char *at, int count);

/* pen_print_long - decimal text into out (PEN_NUMBER_TEXT bytes); returns the length. */
size_t pen_print_long(int64_t value, char *out);

/* pen_print_double - the shortest text that reads back as the same double, JSON style
 * (1.0 prints "1.0", 1e300 "1e300"); NaN, Infinity, -Infinity as words. Returns the length. */
size_t pen_print_double(double value, char *out);

/* pen_print_double_java - as Java's Double.toString: 1.0, 1.0E7, 1.0E-4, NaN, Infinity. */
size_t pen_print_double_java(double value, char *out);

#endif
