/* time_fast.c - the usual shapes in one go: %Y-%m-%d %H:%M:%S with any one-character separators,
 * perhaps a fraction, perhaps an offset.
 *
 *     YYYY-MM-DD HH:MM:SS      three 8-byte windows at 0, 8 and 11: all 19 bytes are tested and
 *     |------||------|         turned into numbers with a dozen word operations
 *                |------|
 *
 * Whatever does not look exactly like that (one-digit months, hour 24, second 60, other zones ...)
 * is left to the general way, so this code can only be right or silent. */
#include "tz/time_internal.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the windows are read little-endian"
#endif

#define CHARS      19
#define DATE_CHARS 10

static uint64_t load8(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* A window's expected bytes: '0' where a digit stands, the separator elsewhere. */
static uint64_t make_mask(const char *template)
{
    return load8(template);
}

/* Bytes to add so that bit 7 shows a byte beyond 9 in a digit's place, beyond 0 elsewhere. */
#define DATE_ADD  UINT64_C(0x7f76767f76767676) /* YYYY-MM- */
#define DAY_ADD   UINT64_C(0x76767f76767f7676) /* DD HH:MM */
#define CLOCK_ADD UINT64_C(0x76767f76767f7676) /* HH:MM:SS */
#define HIGH_BITS UINT64_C(0x8080808080808080)

static uint64_t misfit(uint64_t x, uint64_t add)
{
    return (((x & ~HIGH_BITS) + add) | x) & HIGH_BITS;
}

/* Two digits at each even distance become one number in the byte of the first. */
static uint64_t pair_up(uint64_t x)
{
    return x * 10 + (x >> 8);
}

static unsigned byte_of(uint64_t x, unsigned index)
{
    return (unsigned)(x >> (8 * index)) & 0xff;
}

/* Days since 1970-01-01 for years 0..9999 in 32-bit arithmetic; a day past the month's end runs on.
 */
static int32_t quick_days(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t is_early = month <= 2;
    uint32_t y = year + 400 - is_early; /* years start in March; never negative */
    uint32_t m = month + (is_early ? 9 : 0) - (is_early ? 0 : 3);
    uint32_t century = y / 100;
    uint32_t days = y * 365 + y / 4 - century + century / 4 + (153 * m + 2) / 5 + day - 1;
    return (int32_t)days - 719468 - 146097;
}

/* The next 8 bytes; those behind the end are 0. At least 8 bytes lie before the end. */
static uint64_t load_rest(const char *at, const char *end)
{
    size_t rest = (size_t)(end - at);
    if (rest >= 8)
        return load8(at);
    return rest == 0 ? 0 : load8(end - 8) >> (8 * (8 - rest));
}

/* Eight digits, the first in the lowest byte, to their number: by pairs, fours, eights. */
static uint64_t eight_digits(uint64_t x)
{
    const uint64_t lanes = UINT64_C(0x000000ff000000ff);
    x = pair_up(x);
    return ((x & lanes) * UINT64_C(0x000f424000000064) +
            ((x >> 16) & lanes) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* `separator` and digits, as nanoseconds; those past the ninth are dropped. */
static const char *skip_fraction(const char *at, const char *end, char separator, int64_t *ret_ns)
{
    if (at == end || *at != separator)
        return NULL;
    at++;
    uint64_t x = load_rest(at, end) ^ UINT64_C(0x3030303030303030);
    uint64_t others = misfit(x, UINT64_C(0x7676767676767676));
    if (others != 0) { /* fewer than eight digits: the rest counts as zeros */
        unsigned bits = (unsigned)__builtin_ctzll(others) / 8 * 8;
        *ret_ns = (int64_t)eight_digits(x & ((UINT64_C(1) << bits) - 1)) * 10;
        return bits == 0 ? NULL : at + bits / 8;
    }
    *ret_ns = (int64_t)eight_digits(x) * 10;
    at += 8;
    if (at < end && (unsigned char)(*at - '0') <= 9)
        *ret_ns += *at - '0';
    while (at < end && (unsigned char)(*at - '0') <= 9)
        at++;
    return at;
}

static bool two_digits(const char *p, unsigned limit, int32_t *ret)
{
    unsigned high = (unsigned char)(p[0] - '0'), low = (unsigned char)(p[1] - '0');
    unsigned value = high * 10 + low;
    *ret = (int32_t)value;
    return high <= 9 && low <= 9 && value <= limit;
}

/* Z, UTC, GMT, +hhmm or +hh:mm at the end of the text. */
static bool read_offset(const char *at, const char *end, int32_t *ret_offset)
{
    size_t len = (size_t)(end - at);
    int32_t hours = 0, minutes = 0;
    if ((len == 1 && *at == 'Z') ||
        (len == 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0))) {
        *ret_offset = 0;
        return true;
    }
    if (len < 5 || len > 6 || (*at != '+' && *at != '-') || (len == 6 && at[3] != ':'))
        return false;
    if (!two_digits(at + 1, 17, &hours) || !two_digits(end - 2, 59, &minutes))
        return false;
    int32_t offset = hours * 3600 + minutes * 60;
    *ret_offset = *at == '-' ? -offset : offset;
    return true;
}

/* Letters to the end of the text: a name, by the legacy rules. */
static bool read_name(const struct pen_time_format *format, const char *at, const char *end,
                      struct pen_zone_ref *ret_zone)
{
    if (at == end || format->dialect != PEN_TIME_LEGACY)
        return false;
    for (const char *p = at; p < end; p++) {
        if ((unsigned char)((*p | 0x20) - 'a') > 'z' - 'a')
            return false;
    }
    return pen_zone_from_text(pen_slice(at, (size_t)(end - at)), ret_zone);
}

static bool read_tail(const struct pen_time_format *format, const char *at, const char *end,
                      int64_t *ret_ns, struct pen_zone_ref *ret_zone)
{
    const struct pen_time_shape *shape = &format->shape;
    if (shape->has_fraction) {
        at = skip_fraction(at, end, shape->fraction_separator, ret_ns);
        if (at == NULL)
            return false;
    }
    if (!shape->has_zone)
        return true; /* text behind the pattern is ignored */
    if (shape->has_zone_space) {
        if (at == end || *at != ' ')
            return false;
        at++;
    }
    int32_t offset = 0;
    if (!read_offset(at, end, &offset))
        return read_name(format, at, end, ret_zone);
    *ret_zone = (struct pen_zone_ref){NULL, offset};
    return true;
}

/* Whether the date exists; in legacy formats the 31st of February means something, too. */
static bool is_date(const struct pen_time_format *format, uint32_t year, uint32_t month,
                    uint32_t day)
{
    if (month - 1 > 11 || day - 1 > 30)
        return false;
    return day <= 28 || format->dialect == PEN_TIME_LEGACY ||
           (int)day <= pen_time_month_days(year, (int)month);
}

/* YYYY-MM-DD: windows at 0 and 2 */
static bool fast_date(const struct pen_time_format *format, struct pen_slice text,
                      int64_t *ret_local_seconds)
{
    if (text.len < DATE_CHARS)
        return false;
    uint64_t date = load8(text.ptr) ^ format->shape.date_mask;
    uint64_t day = load8(text.ptr + 2) ^ format->shape.day_mask;
    if ((misfit(date, DATE_ADD) | misfit(day, CLOCK_ADD)) != 0)
        return false;
    date = pair_up(date);
    uint32_t year = byte_of(date, 0) * 100 + byte_of(date, 2), month = byte_of(date, 5);
    uint32_t day_of_month = byte_of(pair_up(day), 6);
    if (!is_date(format, year, month, day_of_month))
        return false;
    *ret_local_seconds = (int64_t)quick_days(year, month, day_of_month) * 86400;
    return true;
}

static bool fast_clock(const struct pen_time_format *format, struct pen_slice text,
                       int64_t *ret_local_seconds)
{
    const struct pen_time_shape *shape = &format->shape;
    if (text.len < CHARS)
        return false;
    uint64_t date = load8(text.ptr) ^ shape->date_mask;
    uint64_t day = load8(text.ptr + 8) ^ shape->day_mask;
    uint64_t clock = load8(text.ptr + 11) ^ shape->clock_mask;
    if ((misfit(date, DATE_ADD) | misfit(day, DAY_ADD) | misfit(clock, CLOCK_ADD)) != 0)
        return false;
    date = pair_up(date);
    clock = pair_up(clock);
    uint32_t year = byte_of(date, 0) * 100 + byte_of(date, 2), month = byte_of(date, 5);
    uint32_t day_of_month = byte_of(pair_up(day), 0);
    uint32_t hour = byte_of(clock, 0), minute = byte_of(clock, 3), second = byte_of(clock, 6);
    if (!is_date(format, year, month, day_of_month) || hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_local_seconds = (int64_t)quick_days(year, month, day_of_month) * 86400 +
                         (int64_t)(hour * 3600 + minute * 60 + second);
    return true;
}

size_t pen_time_fast_reading(const struct pen_time_format *format, struct pen_slice text,
                             int64_t *ret_local_seconds)
{
    if (format->shape.is_date)
        return fast_date(format, text, ret_local_seconds) ? DATE_CHARS : 0;
    return fast_clock(format, text, ret_local_seconds) ? CHARS : 0;
}

bool pen_time_fast(const struct pen_time_format *format, struct pen_slice text,
                   struct pen_instant *ret_instant)
{
    const struct pen_time_shape *shape = &format->shape;
    int64_t seconds = 0, ns = 0;
    if (!(shape->is_date ? fast_date : fast_clock)(format, text, &seconds))
        return false;
    struct pen_zone_ref zone = format->zone;
    if ((shape->has_fraction || shape->has_zone) &&
        !read_tail(format, text.ptr + CHARS, text.ptr + text.len, &ns, &zone))
        return false;
    *ret_instant = (struct pen_instant){
        pen_zone_ref_utc(zone, seconds) * PEN_US_PER_SECOND + ns / 1000, (uint16_t)(ns % 1000)};
    return true;
}

/* --- is it such a format? --------------------------------------------------------------------- */

/* The next op is a literal of one character that cannot be taken for a digit. */
static bool take_separator(const struct pen_time_format *format, size_t *at, char *ret)
{
    if (*at >= format->op_count)
        return false;
    const struct pen_time_op *op = &format->ops[*at];
    if (op->kind != PEN_TIME_OP_LITERAL || op->literal.len != 1 || op->is_numeric ||
        (op->literal.ptr[0] & 0x80) != 0)
        return false;
    /* any blank of the pattern matches any blanks; here only the usual single space */
    char c = op->literal.ptr[0];
    *ret = c >= '\t' && c <= '\r' ? ' ' : c;
    (*at)++;
    return true;
}

static bool take_field(const struct pen_time_format *format, size_t *at, enum pen_time_op_kind kind,
                       enum pen_time_field field)
{
    if (*at >= format->op_count || format->ops[*at].kind != kind || format->ops[*at].field != field)
        return false;
    (*at)++;
    return true;
}

/* Numbers with `separator` between them. */
static bool take_clock(const struct pen_time_format *format, size_t *at, char *ret_separator)
{
    char second = '\0';
    return take_field(format, at, PEN_TIME_OP_NUMBER, PEN_TIME_HOUR) &&
           format->ops[*at - 1].low == 0 && take_separator(format, at, ret_separator) &&
           take_field(format, at, PEN_TIME_OP_NUMBER, PEN_TIME_MINUTE) &&
           take_separator(format, at, &second) && second == *ret_separator &&
           take_field(format, at, PEN_TIME_OP_NUMBER, PEN_TIME_SECOND);
}

static bool take_date(const struct pen_time_format *format, size_t *at, char *ret_separator)
{
    char second = '\0';
    return take_field(format, at, PEN_TIME_OP_YEAR, PEN_TIME_YEAR) &&
           take_separator(format, at, ret_separator) &&
           take_field(format, at, PEN_TIME_OP_NUMBER, PEN_TIME_MONTH) &&
           take_separator(format, at, &second) && second == *ret_separator &&
           take_field(format, at, PEN_TIME_OP_NUMBER, PEN_TIME_DAY);
}

/* [fraction] [[space] zone], and nothing else. */
static bool take_tail(const struct pen_time_format *format, size_t at, struct pen_time_shape *shape)
{
    char separator = '\0';
    if (at == format->op_count)
        return true;
    bool is_separated = take_separator(format, &at, &separator);
    if (is_separated && separator != ' ') {
        shape->has_fraction = true;
        shape->fraction_separator = separator;
        if (!take_field(format, &at, PEN_TIME_OP_FRACTION, PEN_TIME_FRACTION_NS) ||
            format->ops[at - 1].max_digits != UINT8_MAX)
            return false;
        if (at == format->op_count)
            return true;
        is_separated = take_separator(format, &at, &separator);
    }
    shape->has_zone = true;
    shape->has_zone_space = is_separated;
    return (!is_separated || separator == ' ') &&
           take_field(format, &at, PEN_TIME_OP_ZONE, PEN_TIME_ZONE) && at == format->op_count;
}

void pen_time_shape_fill(struct pen_time_format *format, struct pen_time_shape shape)
{
    char d = shape.date_separator, m = shape.middle, t = shape.time_separator;
    const char date[8] = {'0', '0', '0', '0', d, '0', '0', d};
    const char day[8] = {'0', '0', m, '0', '0', t, '0', '0'};
    const char clock[8] = {'0', '0', t, '0', '0', t, '0', '0'};
    const char date_end[8] = {'0', '0', d, '0', '0', d, '0', '0'};
    shape.date_mask = make_mask(date);
    shape.day_mask = make_mask(shape.is_date ? date_end : day);
    shape.clock_mask = make_mask(clock);
    shape.is_usable = true;
    format->shape = shape;
}

void pen_time_shape_of(struct pen_time_format *format)
{
    struct pen_time_shape shape = {.is_usable = false};
    size_t at = 0;
    if (!take_date(format, &at, &shape.date_separator))
        return;
    shape.is_date = at == format->op_count;
    if (!shape.is_date &&
        (!take_separator(format, &at, &shape.middle) ||
         !take_clock(format, &at, &shape.time_separator) || !take_tail(format, at, &shape)))
        return;
    pen_time_shape_fill(format, shape);
}
