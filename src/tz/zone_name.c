#include "tz/zone_name.h"

#include "tz/ruby_zones.h"

#include <stdatomic.h>

#define NAME_MAX_BYTES 48 /* longer than every known name */

struct short_name {
    const char *name;
    int32_t offset_seconds;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool two_digits(const char *p, int32_t limit, int32_t *ret)
{
    if (!is_digit(p[0]) || !is_digit(p[1]))
        return false;
    *ret = (p[0] - '0') * 10 + (p[1] - '0');
    return *ret <= limit;
}

bool pen_zone_parse_offset(struct pen_slice text, int32_t *ret_offset_seconds)
{
    if (text.len == 1 && text.ptr[0] == 'Z') {
        *ret_offset_seconds = 0;
        return true;
    }
    const char *p = text.ptr;
    if (text.len < 2 || (p[0] != '+' && p[0] != '-'))
        return false;
    int32_t hours = 0, minutes = 0, seconds = 0;
    bool is_good = false;
    if (text.len == 2) {
        is_good = is_digit(p[1]);
        hours = p[1] - '0';
    } else if (two_digits(p + 1, 18, &hours)) {
        switch (text.len) {
        case 3:
            is_good = true;
            break;
        case 5:
            is_good = two_digits(p + 3, 59, &minutes);
            break;
        case 6:
            is_good = p[3] == ':' && two_digits(p + 4, 59, &minutes);
            break;
        case 7:
            is_good = two_digits(p + 3, 59, &minutes) && two_digits(p + 5, 59, &seconds);
            break;
        case 9:
            is_good = p[3] == ':' && p[6] == ':' && two_digits(p + 4, 59, &minutes) &&
                      two_digits(p + 7, 59, &seconds);
            break;
        default:
            break;
        }
    }
    int32_t value = hours * 3600 + minutes * 60 + seconds;
    if (!is_good || value > PEN_ZONE_MAX_OFFSET)
        return false;
    *ret_offset_seconds = p[0] == '-' ? -value : value;
    return true;
}

bool pen_zone_is_offset_shape(struct pen_slice text)
{
    static const char *const shapes[] = {"+00", "+0000", "+00:00", "+000000", "+00:00:00"};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t n = strlen(shapes[s]), i = 1;
        if (text.len != n || (text.ptr[0] != '+' && text.ptr[0] != '-'))
            continue;
        while (i < n && (shapes[s][i] == ':' ? text.ptr[i] == ':' : is_digit(text.ptr[i])))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

/* The names that upstream took from another library before all else; its daylight names equal the
 * standard ones. ROC is left out here: it is a region. */
static bool find_alias(struct pen_slice name, int32_t *ret_offset)
{
    static const struct short_name aliases[] = {
        {"EST", -18000}, {"EDT", -18000}, {"CST", -21600}, {"CDT", -21600}, {"MST", -25200},
        {"MDT", -25200}, {"PST", -28800}, {"PDT", -28800}, {"HST", -36000},
    };
    if (name.len != 3)
        return false;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (name.ptr[0] == aliases[i].name[0] && memcmp(name.ptr, aliases[i].name, 3) == 0) {
            *ret_offset = aliases[i].offset_seconds;
            return true;
        }
    }
    return false;
}

/* UTC, GMT, UT, alone or with a Java offset behind (UTC+9). */
static bool find_prefixed(struct pen_slice name, int32_t *ret_offset)
{
    size_t prefix = 0;
    if (pen_slice_starts(name, PEN_LIT("UTC")) || pen_slice_starts(name, PEN_LIT("GMT")))
        prefix = 3;
    else if (pen_slice_starts(name, PEN_LIT("UT")))
        prefix = 2;
    else
        return false;
    if (name.len == prefix) {
        *ret_offset = 0;
        return true;
    }
    return name.ptr[prefix] != 'Z' &&
           pen_zone_parse_offset(pen_slice_skip(name, prefix), ret_offset);
}

/* --- the Ruby table and the Ruby offsets ----------------------------------------------------- */

/* Trims, collapses inner blanks to one space, upper-cases. Returns 0 when it does not fit. */
static size_t normalise(struct pen_slice name, char *out)
{
    size_t len = 0;
    bool is_gap = false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            is_gap = len > 0;
            continue;
        }
        if (len + 2 > NAME_MAX_BYTES)
            return 0;
        if (is_gap)
            out[len++] = ' ';
        is_gap = false;
        out[len++] = to_upper(c);
    }
    return len;
}

static bool strip_suffix(struct pen_slice *name, struct pen_slice suffix)
{
    if (!pen_slice_ends(*name, suffix))
        return false;
    name->len -= suffix.len;
    return true;
}

static bool find_in_table(struct pen_slice name, int32_t *ret_offset)
{
    size_t low = 0, high = pen_ruby_zone_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct pen_slice other = pen_slice(pen_ruby_zones[middle].name, pen_ruby_zones[middle].len);
        int order = pen_slice_compare(name, other);
        if (order == 0) {
            *ret_offset = pen_ruby_zones[middle].offset_seconds;
            return true;
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

static bool take_number(struct pen_slice *rest, int64_t *ret)
{
    size_t n = 0;
    int64_t value = 0;
    while (n < rest->len && is_digit(rest->ptr[n]) && n < 10)
        value = value * 10 + (rest->ptr[n++] - '0');
    *rest = pen_slice_skip(*rest, n);
    *ret = value;
    return n > 0;
}

/* h[h], hmm, hhmm, hmmss, hhmmss */
static bool packed_offset(struct pen_slice digits, int64_t *ret_seconds)
{
    int64_t value = 0;
    size_t count = digits.len;
    if (count == 0 || count > 6 || !take_number(&digits, &value) || digits.len > 0)
        return false;
    if (count <= 2)
        *ret_seconds = value * 3600;
    else if (count <= 4)
        *ret_seconds = value / 100 * 3600 + value % 100 * 60;
    else
        *ret_seconds = value / 10000 * 3600 + value / 100 % 100 * 60 + value % 100;
    return true;
}

static bool fraction_of_hour(struct pen_slice digits, int64_t *ret_seconds)
{
    int64_t value = 0, unit = 3600;
    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (!is_digit(digits.ptr[i]))
            return false;
        if (i >= 9)
            continue; /* far below a second */
        value = value * 10 + (digits.ptr[i] - '0');
        unit *= 10;
    }
    *ret_seconds = value * 3600 / (unit / 3600);
    return true;
}

static bool take_char(struct pen_slice *rest, char c)
{
    if (rest->len == 0 || rest->ptr[0] != c)
        return false;
    *rest = pen_slice_skip(*rest, 1);
    return true;
}

/* h:m or h:m:s, any digits */
static bool colon_offset(struct pen_slice rest, int64_t *ret_seconds)
{
    int64_t hours = 0, minutes = 0, seconds = 0;
    if (!take_number(&rest, &hours) || !take_char(&rest, ':') || !take_number(&rest, &minutes))
        return false;
    if (take_char(&rest, ':') && !take_number(&rest, &seconds))
        return false;
    *ret_seconds = hours * 3600 + minutes * 60 + seconds;
    return rest.len == 0;
}

/* h.fraction or h,fraction */
static bool decimal_offset(struct pen_slice rest, int64_t *ret_seconds)
{
    int64_t hours = 0, part = 0;
    if (!take_number(&rest, &hours) || (!take_char(&rest, '.') && !take_char(&rest, ',')) ||
        !fraction_of_hour(rest, &part))
        return false;
    *ret_seconds = hours * 3600 + part;
    return true;
}

static bool ruby_offset(struct pen_slice text, int32_t *ret_offset)
{
    if (pen_slice_starts(text, PEN_LIT("GMT")) || pen_slice_starts(text, PEN_LIT("UTC")))
        text = pen_slice_skip(text, 3);
    bool is_negative = take_char(&text, '-');
    if (!is_negative && !take_char(&text, '+'))
        return false;
    int64_t seconds = 0;
    if (!colon_offset(text, &seconds) && !decimal_offset(text, &seconds) &&
        !packed_offset(text, &seconds))
        return false;
    if (seconds > PEN_ZONE_MAX_OFFSET)
        return false;
    *ret_offset = (int32_t)(is_negative ? -seconds : seconds);
    return true;
}

static bool find_ruby(struct pen_slice name, int32_t *ret_offset)
{
    char buffer[NAME_MAX_BYTES];
    struct pen_slice main = pen_slice(buffer, normalise(name, buffer));
    int32_t summer = 0, offset = 0;
    if (strip_suffix(&main, PEN_LIT(" DAYLIGHT TIME")) || strip_suffix(&main, PEN_LIT(" DST")))
        summer = 3600;
    else
        (void)strip_suffix(&main, PEN_LIT(" STANDARD TIME")); /* changes nothing but the name */
    if (find_in_table(main, &offset)) {
        *ret_offset = offset + summer;
        return true;
    }
    return ruby_offset(main, ret_offset);
}

/* --- regions whose names a value can hold ---------------------------------------------------- */

/* %z reads letters only, so of the IANA names these can occur in data. Each is read when it is met
 * first; a machine that lacks the file falls back to the Ruby table. */
static const char *const plain_regions[] = {
    "CET",      "Cuba",      "EET",    "Egypt",  "Eire",      "GB",     "Greenwich",
    "Hongkong", "Iceland",   "Iran",   "Israel", "Jamaica",   "Japan",  "Kwajalein",
    "Libya",    "MET",       "NZ",     "Navajo", "PRC",       "Poland", "Portugal",
    "ROK",      "Singapore", "Turkey", "UCT",    "Universal", "WET",    "Zulu",
};
#define PLAIN_REGION_COUNT (sizeof plain_regions / sizeof plain_regions[0])

static _Atomic(const struct pen_zone *) plain_region_zones[PLAIN_REGION_COUNT];
static _Atomic(const struct pen_zone *) taipei_zone; /* for ROC */

static bool load_region(struct pen_slice name, _Atomic(const struct pen_zone *) *slot,
                        struct pen_zone_ref *ret_zone)
{
    const struct pen_zone *zone = atomic_load_explicit(slot, memory_order_acquire);
    if (zone == NULL) {
        if (pen_zone_load(name, &zone, NULL) != PEN_OK)
            return false;
        atomic_store_explicit(slot, zone, memory_order_release);
    }
    *ret_zone = (struct pen_zone_ref){zone, 0};
    return true;
}

static bool find_plain_region(struct pen_slice name, struct pen_zone_ref *ret_zone)
{
    if (name.len < 2)
        return false;
    if (pen_slice_is(name, "ROC"))
        return load_region(PEN_LIT("Asia/Taipei"), &taipei_zone, ret_zone);
    for (size_t i = 0; i < PLAIN_REGION_COUNT; i++) {
        if (name.ptr[0] == plain_regions[i][0] && pen_slice_is(name, plain_regions[i]))
            return load_region(name, &plain_region_zones[i], ret_zone);
    }
    return false;
}

bool pen_zone_from_text(struct pen_slice name, struct pen_zone_ref *ret_zone)
{
    int32_t offset = 0;
    if (find_alias(name, &offset) || pen_zone_parse_offset(name, &offset) ||
        find_prefixed(name, &offset)) {
        *ret_zone = (struct pen_zone_ref){NULL, offset};
        return true;
    }
    if (find_plain_region(name, ret_zone))
        return true;
    if (!find_ruby(name, &offset))
        return false;
    *ret_zone = (struct pen_zone_ref){NULL, offset};
    return true;
}

enum pen_code pen_zone_from_option(struct pen_slice name, struct pen_zone_ref *ret_zone,
                                   struct pen_error *err)
{
    int32_t offset = 0;
    bool is_fixed = find_alias(name, &offset) || pen_zone_parse_offset(name, &offset) ||
                    find_prefixed(name, &offset);
    if (is_fixed) {
        *ret_zone = (struct pen_zone_ref){NULL, offset};
        return PEN_OK;
    }
    struct pen_slice region = pen_slice_is(name, "ROC") ? PEN_LIT("Asia/Taipei") : name;
    const struct pen_zone *zone = NULL;
    enum pen_code code = pen_zone_load(region, &zone, err);
    if (code == PEN_OK) {
        *ret_zone = (struct pen_zone_ref){zone, 0};
        return PEN_OK;
    }
    if (code != PEN_ERR_CONFIG || !find_ruby(name, &offset))
        return code;
    *ret_zone = (struct pen_zone_ref){NULL, offset};
    return PEN_OK;
}

enum pen_code pen_zone_from_fixed_option(struct pen_slice name, struct pen_zone_ref *ret_zone,
                                         struct pen_error *err)
{
    int32_t offset = 0;
    if (!pen_slice_is(name, "UTC") && !pen_zone_parse_offset(name, &offset)) {
        enum pen_code code =
            pen_fail(err, PEN_ERR_CONFIG, "Invalid time zone ID '%.*s'",
                     (int)(name.len < 128 ? name.len : 128), name.ptr == NULL ? "" : name.ptr);
        pen_error_hint(err, "'ruby:' and 'java:' formats take UTC or an offset such as '+09:00'");
        return code;
    }
    *ret_zone = (struct pen_zone_ref){NULL, offset};
    return PEN_OK;
}

bool pen_zone_from_text_ruby(struct pen_slice name, int32_t *ret_offset_seconds)
{
    static const struct short_name names[] = {
        {"UTC", 0},      {"UT", 0},       {"GMT", 0},      {"EST", -18000},
        {"EDT", -14400}, {"CST", -21600}, {"CDT", -18000}, {"MST", -25200},
        {"MDT", -21600}, {"PST", -28800}, {"PDT", -25200},
    };
    if (name.len >= 3 && (name.ptr[0] == '+' || name.ptr[0] == '-'))
        return pen_zone_parse_offset(name, ret_offset_seconds);
    char upper[4];
    if (name.len == 0 || name.len >= sizeof upper)
        return false;
    for (size_t i = 0; i < name.len; i++)
        upper[i] = to_upper(name.ptr[i]);
    struct pen_slice key = pen_slice(upper, name.len);
    if (name.len == 1)
        return find_in_table(key, ret_offset_seconds); /* the military letters and Z */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (pen_slice_is(key, names[i].name)) {
            *ret_offset_seconds = names[i].offset_seconds;
            return true;
        }
    }
    return false;
}
