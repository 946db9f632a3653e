/* time_print.c - strftime as Ruby does it.
 * source: spec/parsers.md 6.7; docs/formats/time.md. */
#include "tz/time_internal.h"

#include <stdio.h>

struct pen_time_reading pen_time_read_clock(struct pen_zone_ref zone, struct pen_instant instant)
{
    struct pen_time_reading r = {.offset_seconds = zone.offset_seconds};
    int64_t us = instant.utc_us % PEN_US_PER_SECOND;
    us += us < 0 ? PEN_US_PER_SECOND : 0;
    r.utc_seconds = instant.utc_us / PEN_US_PER_SECOND - (instant.utc_us % PEN_US_PER_SECOND < 0);
    r.ns = (int)us * 1000 + instant.ns;
    if (zone.region != NULL)
        r.offset_seconds = pen_zone_offset_at(zone.region, r.utc_seconds, &r.abbreviation);
    int64_t local = r.utc_seconds + r.offset_seconds;
    r.days = local / 86400 - (local % 86400 < 0);
    int second = (int)(local - r.days * 86400);
    r.civil = pen_time_date_of(r.days);
    r.civil.hour = second / 3600;
    r.civil.minute = second / 60 % 60;
    r.civil.second = second % 60;
    r.year_day = (int)(r.days - pen_days_from_civil(r.civil.year, 1, 1)) + 1;
    r.weekday = (int)(((r.days + 4) % 7 + 7) % 7);
    return r;
}

/* ISO 8601: weeks start on Monday, week 1 has the first Thursday. */
static int iso_week(const struct pen_time_reading *r, int64_t *ret_year)
{
    int monday = (r->weekday + 6) % 7; /* 0 Monday */
    int week = (r->year_day - 1 - monday + 10) / 7;
    int64_t year = r->civil.year;
    int days = 365 + pen_time_is_leap(year);
    if (r->year_day - 1 - monday + 3 < 0) { /* its Thursday lies in the year before */
        year--;
        days = 365 + pen_time_is_leap(year);
        week = (r->year_day - 1 + days - monday + 10) / 7;
    } else if (r->year_day - 1 - monday + 3 >= days) {
        year++;
        week = 1;
    }
    *ret_year = year;
    return week;
}

/* --- pieces ------------------------------------------------------------------------------------
 */

static enum pen_code add_padding(char c, size_t len, const struct pen_time_token *token,
                                 struct pen_buf *into, struct pen_error *err)
{
    size_t width = token->width < 0 || token->is_left ? 0 : (size_t)token->width;
    while (len++ < width)
        PEN_TRY(pen_buf_add_char(into, token->padding == 0 ? c : token->padding, err));
    return PEN_OK;
}

static enum pen_code add_text(const char *text, bool is_upper, bool is_lower,
                              const struct pen_time_token *token, struct pen_buf *into,
                              struct pen_error *err)
{
    PEN_TRY(add_padding(' ', strlen(text), token, into, err));
    for (const char *p = text; *p != '\0'; p++) {
        char c = *p;
        if (is_upper && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (is_lower && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        PEN_TRY(pen_buf_add_char(into, c, err));
    }
    return PEN_OK;
}

static enum pen_code add_name(const char *name, size_t len, const struct pen_time_token *token,
                              struct pen_buf *into, struct pen_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%.*s", (int)len, name); /* the longest name has 9 letters */
    return add_text(text, token->is_upper || token->is_swapped, false, token, into, err);
}

/* `digits`: the width without flags, a sign included. */
static enum pen_code add_number(int64_t value, char padding, int digits,
                                const struct pen_time_token *token, struct pen_buf *into,
                                struct pen_error *err)
{
    int width = token->is_left ? 1 : token->width > 0 ? token->width : digits;
    char pad = token->padding == 0 ? padding : token->padding;
    char text[64]; /* filled from its end: the digits, zeros, the sign, blanks */
    char *from = text + sizeof text;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        *--from = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    int len = (int)(text + sizeof text - from) + (value < 0);
    int inside = width < 40 ? width : 40;
    if (pad == '0') {
        for (; len < inside; len++)
            *--from = '0';
    }
    if (value < 0 && (pad != '0' || width <= inside))
        *--from = '-';
    else if (value < 0)
        PEN_TRY(pen_buf_add_char(into, '-', err));
    for (; len < width; len++) /* widths that do not fit, and blanks */
        PEN_TRY(pen_buf_add_char(into, pad, err));
    return pen_buf_add(into, from, (size_t)(text + sizeof text - from), err);
}

static enum pen_code add_fraction(const struct pen_time_reading *r, int digits,
                                  const struct pen_time_token *token, struct pen_buf *into,
                                  struct pen_error *err)
{
    char text[9];
    int rest = r->ns;
    for (size_t i = sizeof text; i > 0; i--) {
        text[i - 1] = (char)('0' + rest % 10);
        rest /= 10;
    }
    int width = token->width > 0 ? token->width : digits;
    PEN_TRY(pen_buf_add(into, text, (size_t)(width < 9 ? width : 9), err));
    for (int i = 9; i < width; i++)
        PEN_TRY(pen_buf_add_char(into, '0', err));
    return PEN_OK;
}

static char *put_two(char *at, int value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

/* +hhmm, +hh:mm, +hh:mm:ss, or as little of it as needed with three colons; a width widens the
 * hours. */
static enum pen_code add_offset(const struct pen_time_reading *r,
                                const struct pen_time_token *token, struct pen_buf *into,
                                struct pen_error *err)
{
    int offset = r->offset_seconds < 0 ? -r->offset_seconds : r->offset_seconds;
    int hours = offset / 3600, minutes = offset / 60 % 60, seconds = offset % 60;
    char sign = r->offset_seconds < 0 ? '-' : '+';
    char tail[16], *at = tail;
    bool has_seconds = token->colons == 2 || (token->colons == 3 && seconds != 0);
    if (token->colons < 3 || minutes != 0 || has_seconds) {
        if (token->colons > 0)
            *at++ = ':';
        at = put_two(at, minutes);
    }
    if (has_seconds) {
        *at++ = ':';
        at = put_two(at, seconds);
    }
    *at = '\0';
    if (!token->is_left && token->padding == 0 && token->width < 0) { /* as usual */
        char head[3] = {sign};
        (void)put_two(head + 1, hours); /* the end is known */
        PEN_TRY(pen_buf_add(into, head, sizeof head, err));
        return pen_buf_add(into, tail, (size_t)(at - tail), err);
    }
    int width = (token->width < 0 ? 0 : token->width) - (int)strlen(tail) - 1;
    if (token->is_left)
        return pen_buf_addf(into, err, "%c%d%s", sign, hours, tail);
    if (token->padding != ' ')
        return pen_buf_addf(into, err, "%c%0*d%s", sign, width < 2 ? 2 : width, hours, tail);
    for (int n = hours > 9 ? 2 : 1; n < (width < 2 ? 2 : width); n++)
        PEN_TRY(pen_buf_add_char(into, ' ', err));
    return pen_buf_addf(into, err, "%c%d%s", sign, hours, tail);
}

/* The zone database has no names for these; the original prints its own. */
static const char *original_name(const char *region, int32_t offset_seconds)
{
    static const struct {
        const char *region;
        int32_t offset_seconds;
        const char *name;
    } names[] = {
        {"America/Argentina/Buenos_Aires", -10800, "ART"},
        {"America/Bogota", -18000, "COT"},
        {"America/Caracas", -14400, "VET"},
        {"America/La_Paz", -14400, "BOT"},
        {"America/Lima", -18000, "PET"},
        {"America/Montevideo", -10800, "UYT"},
        {"America/Santiago", -14400, "CLT"},
        {"America/Santiago", -10800, "CLST"},
        {"America/Sao_Paulo", -10800, "BRT"},
        {"America/Sao_Paulo", -7200, "BRST"},
        {"Asia/Bangkok", 25200, "ICT"},
        {"Asia/Dhaka", 21600, "BDT"},
        {"Asia/Dubai", 14400, "GST"},
        {"Asia/Ho_Chi_Minh", 25200, "ICT"},
        {"Asia/Kabul", 16200, "AFT"},
        {"Asia/Kathmandu", 20700, "NPT"},
        {"Asia/Kuala_Lumpur", 28800, "MYT"},
        {"Asia/Riyadh", 10800, "AST"},
        {"Asia/Saigon", 25200, "ICT"},
        {"Asia/Singapore", 28800, "SGT"},
        {"Asia/Tashkent", 18000, "UZT"},
        {"Asia/Tehran", 12600, "IRST"},
        {"Asia/Tehran", 16200, "IRDT"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].offset_seconds == offset_seconds && strcmp(names[i].region, region) == 0)
            return names[i].name;
    }
    return NULL;
}

/* UTC, +09:00, +09:00:01 */
static void name_offset(int32_t offset_seconds, char *out, size_t size)
{
    int value = offset_seconds < 0 ? -offset_seconds : offset_seconds;
    (void)snprintf(out, size, "UTC"); /* all fit: at most 9 letters */
    if (value == 0)
        return;
    int n = snprintf(out, size, "%c%02d:%02d", offset_seconds < 0 ? '-' : '+', value / 3600,
                     value / 60 % 60);
    if (value % 60 != 0)
        (void)snprintf(out + n, size - (size_t)n, ":%02d", value % 60);
}

static enum pen_code add_zone_name(const struct pen_time_format *format,
                                   const struct pen_time_reading *r,
                                   const struct pen_time_token *token, struct pen_buf *into,
                                   struct pen_error *err)
{
    char text[16];
    const char *name = r->abbreviation;
    if (name != NULL && (*name == '+' || *name == '-')) {
        const char *original = original_name(pen_zone_name(format->zone.region), r->offset_seconds);
        name = original == NULL ? name : original;
    } else if (name == NULL) {
        name_offset(r->offset_seconds, text, sizeof text);
        name = text;
    }
    return add_text(name, token->is_upper, token->is_swapped, token, into, err);
}

/* --- directives --------------------------------------------------------------------------------
 */

static enum pen_code add_year_part(const struct pen_time_reading *r,
                                   const struct pen_time_token *token, struct pen_buf *into,
                                   struct pen_error *err)
{
    int64_t year = r->civil.year;
    if (token->letter == 'G' || token->letter == 'g')
        (void)iso_week(r, &year); /* only its year is wanted */
    int64_t century = year / 100 - (year % 100 < 0);
    switch (token->letter) {
    case 'C':
        return add_number(century, '0', 2, token, into, err);
    case 'y':
    case 'g':
        return add_number(year - century * 100, '0', 2, token, into, err);
    default:
        return add_number(year, '0', year < 0 ? 5 : 4, token, into, err);
    }
}

static enum pen_code add_week_part(const struct pen_time_reading *r,
                                   const struct pen_time_token *token, struct pen_buf *into,
                                   struct pen_error *err)
{
    int64_t year = 0;
    int day = r->year_day - 1;
    switch (token->letter) {
    case 'U':
        return add_number((day + 7 - r->weekday) / 7, '0', 2, token, into, err);
    case 'W':
        return add_number((day + 7 - (r->weekday + 6) % 7) / 7, '0', 2, token, into, err);
    case 'V':
        return add_number(iso_week(r, &year), '0', 2, token, into, err);
    case 'u':
        return add_number(r->weekday == 0 ? 7 : r->weekday, '0', 1, token, into, err);
    case 'w':
        return add_number(r->weekday, '0', 1, token, into, err);
    default:
        return add_name(pen_time_weekdays[r->weekday], token->letter == 'a' ? 3 : 9, token, into,
                        err);
    }
}

static enum pen_code add_clock_part(const struct pen_time_reading *r,
                                    const struct pen_time_token *token, struct pen_buf *into,
                                    struct pen_error *err)
{
    int hour = r->civil.hour;
    char padding = token->letter == 'k' || token->letter == 'l' ? ' ' : '0';
    bool is_lower =
        token->letter == 'p' ? token->is_swapped : !token->is_swapped && !token->is_upper;
    switch (token->letter) {
    case 'H':
    case 'k':
        return add_number(hour, padding, 2, token, into, err);
    case 'I':
    case 'l':
        return add_number(hour % 12 == 0 ? 12 : hour % 12, padding, 2, token, into, err);
    case 'M':
        return add_number(r->civil.minute, '0', 2, token, into, err);
    case 'S':
        return add_number(r->civil.second, '0', 2, token, into, err);
    default:
        return add_text(hour < 12 ? "AM" : "PM", false, is_lower, token, into, err);
    }
}

static enum pen_code add_token(const struct pen_time_format *format,
                               const struct pen_time_reading *r, const struct pen_time_token *token,
                               struct pen_buf *into, struct pen_error *err);

/* A composite is made whole, then padded; %^c changes its case. */
static enum pen_code add_composite(const struct pen_time_format *format,
                                   const struct pen_time_reading *r,
                                   const struct pen_time_token *token, struct pen_buf *into,
                                   struct pen_error *err)
{
    const char *pattern =
        token->letter == 'v' ? "%e-%^b-%4Y" : pen_strptime_composite(token->letter);
    struct pen_slice rest = pen_slice_str(pattern);
    PEN_CLEANUP(pen_buf_release) struct pen_buf whole = PEN_BUF(4096);
    while (rest.len > 0) {
        struct pen_time_token inner = pen_strptime_next_token(&rest);
        PEN_TRY(add_token(format, r, &inner, &whole, err));
    }
    return add_text(whole.ptr, token->is_upper, false, token, into, err);
}

static enum pen_code add_token(const struct pen_time_format *format,
                               const struct pen_time_reading *r, const struct pen_time_token *token,
                               struct pen_buf *into, struct pen_error *err)
{
    switch (token->letter) {
    case '%':
    case 'n':
    case 't':
        return add_text(token->letter == '%'   ? "%"
                        : token->letter == 'n' ? "\n"
                                               : "\t",
                        false, false, token, into, err);
    case 'C':
    case 'G':
    case 'g':
    case 'Y':
    case 'y':
        return add_year_part(r, token, into, err);
    case 'A':
    case 'a':
    case 'U':
    case 'u':
    case 'V':
    case 'W':
    case 'w':
        return add_week_part(r, token, into, err);
    case 'H':
    case 'I':
    case 'k':
    case 'l':
    case 'M':
    case 'P':
    case 'p':
    case 'S':
        return add_clock_part(r, token, into, err);
    case 'B':
        return add_name(pen_time_months[r->civil.month - 1], 9, token, into, err);
    case 'b':
    case 'h':
        return add_name(pen_time_months[r->civil.month - 1], 3, token, into, err);
    case 'd':
        return add_number(r->civil.day, '0', 2, token, into, err);
    case 'e':
        return add_number(r->civil.day, ' ', 2, token, into, err);
    case 'j':
        return add_number(r->year_day, '0', 3, token, into, err);
    case 'L':
        return add_fraction(r, 3, token, into, err);
    case 'm':
        return add_number(r->civil.month, '0', 2, token, into, err);
    case 'N':
        return add_fraction(r, 9, token, into, err);
    case 's':
        return add_number(r->utc_seconds, '0', 1, token, into, err);
    case 'Z':
        return add_zone_name(format, r, token, into, err);
    case 'z':
        if (token->colons <= 3)
            return add_offset(r, token, into, err);
        break;
    default:
        break;
    }
    if (pen_strptime_composite(token->letter) != NULL)
        return add_composite(format, r, token, into, err);
    return pen_buf_add_slice(into, token->text, err); /* literals, and %Q as typed */
}

enum pen_code pen_strptime_print(const struct pen_time_format *format, struct pen_instant instant,
                                 struct pen_buf *into, struct pen_error *err)
{
    struct pen_time_reading reading = pen_time_read_clock(format->zone, instant);
    for (size_t i = 0; i < format->token_count; i++)
        PEN_TRY(add_token(format, &reading, &format->tokens[i], into, err));
    return PEN_OK;
}
