/* words.h - figures as people read them. All write into `out` of PEN_WORD_TEXT bytes and return it.
 */
#ifndef PEN_CLI_WORDS_H
#define PEN_CLI_WORDS_H

#include <stdint.h>

#define PEN_WORD_TEXT 64

/* pen_word_count - 1,234,567. pen_word_bytes - "512 B", "1.25 kB", "3.4 GB" (powers of 1000).
 * pen_word_elapsed - as the original shows it: " 5sec", " 2m  5sec", "1h  0m  3sec".
 * pen_word_duration - HH:MM:SS. pen_word_time - "2015-04-18 00:10:05 +0000", UTC; "" for 0. */
const char *pen_word_count(uint64_t count, char *out);
const char *pen_word_bytes(uint64_t bytes, char *out);
const char *pen_word_elapsed(int64_t elapsed_us, char *out);
const char *pen_word_duration(int64_t elapsed_us, char *out);
const char *pen_word_time(int64_t utc_us, char *out);

/* pen_word_instant - RFC 3339 for programs, NULL for 0. */
const char *pen_word_instant(int64_t utc_us, char *out);

#endif
