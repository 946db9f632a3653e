/* width.h - how many columns of a terminal a text takes, whatever the locale. */
#ifndef PEN_CLI_WIDTH_H
#define PEN_CLI_WIDTH_H

#include "base/slice.h"

/* pen_width - columns of valid UTF-8 text without control characters: wide East Asian characters
 * and emoji count 2, combining marks 0. cost: O(len), ASCII fast.
 * source: Unicode 15 EastAsianWidth.txt (W, F); marks: the commonly used blocks. */
size_t pen_width(struct pen_slice text);

/* pen_width_cut - bytes of the longest prefix that fits into `columns`. */
size_t pen_width_cut(struct pen_slice text, size_t columns);

#endif
