#include "cli/words.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *pen_word_count(uint64_t count, char *out)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *pen_word_bytes(uint64_t bytes, char *out)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        (void)snprintf(out, PEN_WORD_TEXT, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    for (; value >= 999.995 && unit < 5; unit++)
        value /= 1000;
    (void)snprintf(out, PEN_WORD_TEXT, "%.*f %s", value < 10 ? 2 : 1, value, units[unit]);
    return out;
}

const char *pen_word_elapsed(int64_t elapsed_us, char *out)
{
    int64_t s = elapsed_us / PEN_US_PER_SECOND;
    if (s >= 3600)
        (void)snprintf(out, PEN_WORD_TEXT, "%" PRId64 "h %2" PRId64 "m %2" PRId64 "sec", s / 3600,
                       s % 3600 / 60, s % 60);
    else if (s >= 60)
        (void)snprintf(out, PEN_WORD_TEXT, "%2" PRId64 "m %2" PRId64 "sec", s / 60, s % 60);
    else
        (void)snprintf(out, PEN_WORD_TEXT, "%2" PRId64 "sec", s);
    return out;
}

const char *pen_word_duration(int64_t elapsed_us, char *out)
{
    int64_t s = elapsed_us / PEN_US_PER_SECOND;
    (void)snprintf(out, PEN_WORD_TEXT, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600,
                   s % 3600 / 60, s % 60);
    return out;
}

const char *pen_word_time(int64_t utc_us, char *out)
{
    struct pen_civil c = pen_civil_from_us(utc_us);
    out[0] = '\0';
    if (utc_us != 0)
        (void)snprintf(out, PEN_WORD_TEXT, "%04" PRId64 "-%02d-%02d %02d:%02d:%02d +0000", c.year,
                       c.month, c.day, c.hour, c.minute, c.second);
    return out;
}

const char *pen_word_instant(int64_t utc_us, char *out)
{
    struct pen_instant instant = {utc_us, 0};
    if (utc_us == 0)
        return NULL;
    out[pen_instant_print(instant, out)] = '\0';
    return out;
}
