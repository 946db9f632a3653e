/* Shortest decimals after R. Giulietti, "The Schubfach way to render doubles" (2020), with the
 * 128-bit powers that the reader uses. */
#include "base/number.h"

#include "base/power_table.h"

/* digits x 10^exponent, no trailing zeros. */
struct shortest {
    uint64_t digits;
    int exponent;
};

static uint64_t round_to_odd(struct pen_power g, uint64_t value)
{
    pen_uint128 x = (pen_uint128)g.low * value;
    pen_uint128 y = (pen_uint128)g.high * value;
    y += (uint64_t)(x >> 64);
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* The power rounded up, as the method wants it; the table is truncated where not exact. */
static struct pen_power power_ceiling(int q)
{
    struct pen_power power = *pen_power_of_ten(q);
    if (q < -27 || q > 55) {
        power.low++;
        power.high += power.low == 0;
    }
    return power;
}

/* value = significand x 2^exponent2 > 0. min_short: the least the one digit shorter candidate is
 * made of; 10 gives the shortest text, 100 the shortest of at least two digits (Java's choice). */
static struct shortest shorten(uint64_t significand, int exponent2, bool is_lower_closer,
                               uint64_t min_short)
{
    if (exponent2 <= 0 && exponent2 > -53 && (significand & ((UINT64_C(1) << -exponent2) - 1)) == 0)
        return (struct shortest){significand >> -exponent2, 0};
    bool is_odd = significand & 1;
    int k = (exponent2 * 1262611 - (is_lower_closer ? 524031 : 0)) >> 22;
    int h = exponent2 + ((-k * 1741647) >> 19) + 1;
    struct pen_power g = power_ceiling(-k);
    uint64_t lower = round_to_odd(g, (4 * significand - 2 + is_lower_closer) << h) + is_odd;
    uint64_t middle = round_to_odd(g, (4 * significand) << h);
    uint64_t upper = round_to_odd(g, (4 * significand + 2) << h) - is_odd;
    uint64_t s = middle / 4;
    if (s >= min_short) {
        uint64_t t = s / 10;
        bool is_t_in = lower <= 40 * t, is_next_in = 40 * t + 40 <= upper;
        if (is_t_in != is_next_in)
            return (struct shortest){t + is_next_in, k + 1};
    }
    bool is_s_in = lower <= 4 * s, is_next_in = 4 * s + 4 <= upper;
    if (is_s_in != is_next_in)
        return (struct shortest){s + is_next_in, k};
    uint64_t half = 4 * s + 2;
    return (struct shortest){s + (middle > half || (middle == half && (s & 1))), k};
}

/* finite, not zero, sign ignored */
static struct shortest shortest_of(uint64_t bits, uint64_t min_short)
{
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int biased = (int)(bits >> 52 & 0x7FF);
    struct shortest result;
    if (biased > 0) {
        bool is_lower_closer = fraction == 0 && biased > 1;
        result = shorten(fraction | UINT64_C(1) << 52, biased - 1075, is_lower_closer, min_short);
    } else if (fraction < 3 && min_short > 10) {
        /* one digit names the two smallest values; ten times as large they get their two */
        result = shorten(10 * fraction, -1074, false, min_short);
        result.exponent--;
    } else {
        result = shorten(fraction, -1074, false, min_short);
    }
    while (result.digits % 10 == 0) {
        result.digits /= 10;
        result.exponent++;
    }
    return result;
}

static size_t print_digits(uint64_t value, char *out)
{
    char reversed[20];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

size_t pen_print_long(int64_t value, char *out)
{
    size_t at = 0;
    if (value < 0)
        out[at++] = '-';
    at += print_digits(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, out + at);
    out[at] = '\0';
    return at;
}

/* digits with the point after `whole` of them (may be <= 0 or past the end), always x.y */
static size_t print_plain(const char *digits, size_t count, int whole, char *out)
{
    size_t at = 0;
    if (whole <= 0)
        out[at++] = '0';
    for (int i = 0; i < whole; i++)
        out[at++] = (size_t)i < count ? digits[i] : '0';
    out[at++] = '.';
    for (int i = whole; i < 0; i++)
        out[at++] = '0';
    size_t from = whole > 0 ? (size_t)whole : 0;
    if (from >= count)
        out[at++] = '0';
    for (size_t i = from; i < count; i++)
        out[at++] = digits[i];
    return at;
}

/* How a double is laid out: plain while low <= decimal exponent < high. */
struct layout {
    int low, high;
    uint64_t min_short;
    char letter;
    bool is_fraction_always; /* 1.0E7 instead of 1e7 */
};

static size_t print_double(double value, const struct layout *layout, char *out)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t at = 0;
    if (value != value) {
        memcpy(out, "NaN", 4);
        return 3;
    }
    if (bits >> 63)
        out[at++] = '-';
    bits &= UINT64_MAX >> 1;
    if (bits == 0 || bits == UINT64_C(0x7FF) << 52) {
        const char *word = bits == 0 ? "0.0" : "Infinity";
        memcpy(out + at, word, strlen(word) + 1);
        return at + strlen(word);
    }
    struct shortest number = shortest_of(bits, layout->min_short);
    char digits[20];
    size_t count = print_digits(number.digits, digits);
    int exponent = number.exponent + (int)count - 1; /* of d.ddd */
    if (exponent >= layout->low && exponent < layout->high) {
        at += print_plain(digits, count, exponent + 1, out + at);
    } else {
        bool is_bare = count == 1 && !layout->is_fraction_always;
        at += is_bare ? 1 : print_plain(digits, count, 1, out + at);
        if (is_bare)
            out[at - 1] = digits[0];
        out[at++] = layout->letter;
        if (exponent < 0)
            out[at++] = '-';
        at += print_digits((uint64_t)(exponent < 0 ? -exponent : exponent), out + at);
    }
    out[at] = '\0';
    return at;
}

size_t pen_print_double(double value, char *out)
{
    static const struct layout json = {
        .low = -5, .high = 16, .min_short = 10, .letter = 'e', .is_fraction_always = false};
    return print_double(value, &json, out);
}

size_t pen_print_double_java(double value, char *out)
{
    static const struct layout java = {
        .low = -3, .high = 7, .min_short = 100, .letter = 'E', .is_fraction_always = true};
    return print_double(value, &java, out);
}
