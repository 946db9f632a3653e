#include "base/number.h"

#include "base/number_digits.h"
#include "base/power_table.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- long ---- */

/* The zeros of the decimal digits of the basic plane beyond ASCII (Unicode category Nd): what
 * Java's Character.digit knows. */
static const uint16_t digit_zeros[] = {
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
};

/* Digit value of the 2 or 3 byte sequence at *at, which moves behind it; -1 when it is none. */
static int wide_digit(const char **at, const char *end)
{
    const uint8_t *p = (const uint8_t *)*at;
    size_t left = (size_t)(end - *at);
    uint32_t point;
    if (left >= 2 && (p[0] & 0xE0) == 0xC0) {
        point = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F);
        *at += 2;
    } else if (left >= 3 && (p[0] & 0xF0) == 0xE0) {
        point = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
        *at += 3;
    } else {
        return -1;
    }
    for (size_t i = 0; i < sizeof digit_zeros / sizeof digit_zeros[0]; i++)
        if (point >= digit_zeros[i] && point < digit_zeros[i] + 10u)
            return (int)(point - digit_zeros[i]);
    return -1;
}

/* The general reader: any digits, exact overflow check. `is_negative` decides the limit. */
static bool parse_long_slow(const char *at, const char *end, bool is_negative, int64_t *ret_value)
{
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t value = 0;
    while (at < end) {
        int digit = (uint8_t)(*at - '0');
        if (digit <= 9)
            at++;
        else if ((digit = wide_digit(&at, end)) < 0)
            return false;
        if (value > (limit - (uint64_t)digit) / 10)
            return false;
        value = value * 10 + (uint64_t)digit;
    }
    *ret_value = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

bool pen_parse_long(struct pen_slice text, int64_t *ret_value)
{
    if (text.len == 0)
        return false;
    const char *at = text.ptr, *end = text.ptr + text.len;
    bool is_negative = *at == '-';
    if (is_negative || *at == '+')
        at++;
    if (at == end)
        return false;
    if (end - at > 18)
        return parse_long_slow(at, end, is_negative, ret_value);
    const char *digits = at;
    uint64_t value = 0;
    while (end - at >= 8 && pen_is_8_digits(at)) {
        value = value * 100000000 + pen_read_8_digits(at);
        at += 8;
    }
    while (at < end && (uint8_t)(*at - '0') <= 9)
        value = value * 10 + (uint8_t)(*at++ - '0');
    if (at != end)
        return parse_long_slow(digits, end, is_negative, ret_value);
    *ret_value = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

/* ---- double ---- */

#define MAX_DIGITS      19  /* decimal digits that always fit uint64 */
#define MAX_KEPT_DIGITS 770 /* more digits cannot move a double except as "not zero" */

/* A decimal number as written: w x 10^exponent, exactly when !is_cut. */
struct decimal {
    uint64_t w;                      /* the first MAX_DIGITS significant digits */
    int64_t exponent;                /* of w */
    bool is_cut;                     /* digits follow that w does not hold */
    const char *digits, *digits_end; /* all digits with the point, from the first non-zero one */
};

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Bits of the double nearest to w x 10^q, w != 0. D. Lemire, "Number Parsing at a Gigabyte per
 * Second" (2021); that no fallback is needed: N. Mushtak, D. Lemire (2022). */
static uint64_t eisel_lemire(uint64_t w, int64_t q)
{
    if (q < PEN_POWER_FIRST)
        return 0;
    if (q > 308)
        return UINT64_C(0x7FF) << 52;
    int lz = __builtin_clzll(w);
    w <<= lz;
    const struct pen_power *power = pen_power_of_ten((int)q);
    pen_uint128 product = (pen_uint128)w * power->high;
    uint64_t lower = (uint64_t)product, upper = (uint64_t)(product >> 64);
    if ((upper & 0x1FF) == 0x1FF) {
        product = (pen_uint128)w * power->low;
        uint64_t second = (uint64_t)(product >> 64);
        lower += second;
        upper += lower < second;
    }
    int upper_bit = (int)(upper >> 63);
    int shift = upper_bit + 64 - 52 - 3;
    uint64_t mantissa = upper >> shift;
    int power2 = (int)((217706 * q) >> 16) + 63 + upper_bit - lz + 1023;
    if (power2 <= 0) {
        if (1 - power2 >= 64)
            return 0;
        mantissa >>= 1 - power2;
        mantissa += mantissa & 1;
        return mantissa >> 1; /* a carry into bit 52 makes it the smallest normal by itself */
    }
    /* exactly half way between two doubles: round to even needs to know that nothing was cut */
    if (lower <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == upper)
        mantissa &= ~UINT64_C(1);
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= UINT64_C(2) << 52) {
        mantissa = UINT64_C(1) << 52;
        power2++;
    }
    if (power2 >= 0x7FF)
        return UINT64_C(0x7FF) << 52;
    return (mantissa & ~(UINT64_C(1) << 52)) | (uint64_t)power2 << 52;
}

/* The last resort, for more than 19 digits near a tie: a bounded copy "ddd...e+x" for strtod.
 * Without a decimal point it means the same in every locale. */
static double from_long_decimal(const struct decimal *number)
{
    char text[MAX_KEPT_DIGITS + 32];
    size_t len = 0;
    int64_t exponent = number->exponent + MAX_DIGITS; /* of 0.ddd... */
    bool is_more = false;
    for (const char *p = number->digits; p < number->digits_end; p++) {
        if (*p == '.')
            continue;
        if (len < MAX_KEPT_DIGITS)
            text[len++] = *p;
        else
            is_more = is_more || *p != '0';
    }
    if (is_more)
        text[len++] = '1';
    (void)snprintf(text + len, sizeof text - len, "e%lld", (long long)exponent - (long long)len);
    return strtod(text, NULL);
}

static double from_decimal(const struct decimal *number)
{
    static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->w == 0)
        return 0;
    if (number->w <= UINT64_C(1) << 53 && number->exponent >= -22 && number->exponent <= 22) {
        /* both exactly representable, so one rounding (W. Clinger 1990) */
        double w = (double)number->w;
        return number->exponent < 0 ? w / exact_powers[-number->exponent]
                                    : w * exact_powers[number->exponent];
    }
    uint64_t bits = eisel_lemire(number->w, number->exponent);
    if (number->is_cut && eisel_lemire(number->w + 1, number->exponent) != bits)
        return from_long_decimal(number);
    return from_bits(bits);
}

/* More than 19 digits between `start` and `end`: leading zeros do not count, the first 19 make w.
 */
static void take_first_digits(const char *start, const char *end, const char *point,
                              struct decimal *number)
{
    while (start < end && (*start == '0' || *start == '.'))
        start++;
    number->digits = start;
    number->digits_end = end;
    number->w = 0;
    const char *q = start;
    for (size_t kept = 0; q < end && kept < MAX_DIGITS; q++) {
        if (*q != '.') {
            number->w = number->w * 10 + (uint8_t)(*q - '0');
            kept++;
        }
    }
    if (q == end)
        return;
    number->is_cut = true;
    /* every digit dropped in front of the point (or the end) is a factor of ten */
    const char *whole_end = point != NULL ? point : end;
    number->exponent = q <= whole_end ? whole_end - q : whole_end + 1 - q;
}

/* Reads "[digits][.digits]" from *at; at least one digit. */
static bool read_digits(const char **at, const char *end, struct decimal *number)
{
    const char *p = *at, *point = NULL, *start = *at;
    uint64_t w = 0;
    while (end - p >= 8 && p - start < 16 && pen_is_8_digits(p)) {
        w = w * 100000000 + pen_read_8_digits(p);
        p += 8;
    }
    for (; p < end; p++) {
        if ((uint8_t)(*p - '0') <= 9)
            w = w * 10 + (uint8_t)(*p - '0'); /* may wrap; counted below */
        else if (*p == '.' && point == NULL)
            point = p;
        else
            break;
    }
    size_t digits = (size_t)(p - start) - (point != NULL);
    if (digits == 0)
        return false;
    *at = p;
    *number = (struct decimal){.w = w, .exponent = point == NULL ? 0 : point + 1 - p};
    if (digits <= MAX_DIGITS)
        return true;
    take_first_digits(start, p, point, number);
    return true;
}

/* Reads "[eE|pP][+-]digits"; false when the letter stands without digits. */
static bool read_exponent(const char **at, const char *end, int64_t *ret_exponent)
{
    const char *p = *at + 1;
    bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || (uint8_t)(*p - '0') > 9)
        return false;
    int64_t value = 0;
    for (; p < end && (uint8_t)(*p - '0') <= 9; p++)
        if (value < INT64_MAX / 20)
            value = value * 10 + (*p - '0');
    *at = p;
    *ret_exponent = is_negative ? -value : value;
    return true;
}

static bool is_suffix_or_end(const char *at, const char *end)
{
    return at == end || (end - at == 1 && memchr("fFdD", *at, 4) != NULL);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* mantissa x 2^exponent (is_sticky: and something below its last bit), correctly rounded. */
static double from_binary(uint64_t mantissa, int64_t exponent, bool is_sticky)
{
    if (mantissa == 0)
        return 0;
    int lz = __builtin_clzll(mantissa);
    mantissa <<= lz;
    exponent += 63 - lz; /* now 1.xxx x 2^exponent */
    if (exponent > 1023)
        return from_bits(UINT64_C(0x7FF) << 52);
    if (exponent < -1076)
        return 0;
    int drop = exponent < -1022 ? (int)(11 - 1022 - exponent) : 11; /* bits to round away */
    uint64_t kept = drop >= 64 ? 0 : mantissa >> drop;
    uint64_t half = drop > 64 ? 0 : UINT64_C(1) << (drop - 1);
    uint64_t rest = drop >= 64 ? mantissa : mantissa & ((UINT64_C(1) << drop) - 1);
    bool is_up = half != 0 && (rest > half || (rest == half && (is_sticky || (kept & 1))));
    kept += is_up;
    uint64_t biased = exponent < -1022 ? 0 : (uint64_t)(exponent + 1022); /* kept has bit 52 */
    return from_bits((biased << 52) + kept);
}

/* "0x" is behind us: hex digits with an optional point, then a mandatory p exponent. */
static bool parse_hex(const char *at, const char *end, double *ret_value)
{
    uint64_t mantissa = 0;
    int64_t exponent = 0;
    bool is_sticky = false, is_point = false, is_any = false;
    for (; at < end; at++) {
        int digit = hex_digit(*at);
        if (digit >= 0) {
            bool has_room = mantissa >> 60 == 0;
            mantissa = has_room ? mantissa << 4 | (uint64_t)digit : mantissa;
            is_sticky = is_sticky || (!has_room && digit != 0);
            exponent += (has_room ? 0 : 4) - (is_point ? 4 : 0);
            is_any = true;
        } else if (*at == '.' && !is_point) {
            is_point = true;
        } else {
            break;
        }
    }
    int64_t power = 0;
    if (!is_any || at == end || (*at | 0x20) != 'p' || !read_exponent(&at, end, &power) ||
        !is_suffix_or_end(at, end))
        return false;
    *ret_value = from_binary(mantissa, exponent + power, is_sticky);
    return true;
}

static bool parse_unsigned(const char *at, const char *end, double *ret_value)
{
    struct pen_slice rest = pen_slice(at, (size_t)(end - at));
    if (pen_slice_is(rest, "NaN") || pen_slice_is(rest, "Infinity")) {
        *ret_value = from_bits(*at == 'N' ? UINT64_C(0x7FF8) << 48 : UINT64_C(0x7FF) << 52);
        return true;
    }
    if (rest.len > 2 && at[0] == '0' && (at[1] | 0x20) == 'x')
        return parse_hex(at + 2, end, ret_value);
    struct decimal number;
    if (!read_digits(&at, end, &number))
        return false;
    if (at < end && (*at | 0x20) == 'e') {
        int64_t exponent;
        if (!read_exponent(&at, end, &exponent))
            return false;
        number.exponent += exponent;
    }
    if (!is_suffix_or_end(at, end))
        return false;
    *ret_value = from_decimal(&number);
    return true;
}

bool pen_parse_double(struct pen_slice text, double *ret_value)
{
    text = pen_slice_trim(text);
    const char *at = text.ptr, *end = text.ptr + text.len;
    bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    double value;
    if (at == end || !parse_unsigned(at, end, &value))
        return false;
    *ret_value = is_negative ? -value : value;
    return true;
}

int pen_parse_digits(const char *at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}
