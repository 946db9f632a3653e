/* strptime_scan.c - runs a strptime program over one value: text --> fields. */
#include "tz/time_internal.h"

struct scan {
    const char *start, *at, *end;
    struct pen_time_fields *fields;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool scan_literal(struct scan *scan, struct pen_slice literal)
{
    for (size_t i = 0; i < literal.len; i++) {
        if (is_blank(literal.ptr[i])) {
            while (scan->at < scan->end && is_blank(*scan->at))
                scan->at++;
        } else if (scan->at < scan->end && *scan->at == literal.ptr[i]) {
            scan->at++;
        } else {
            return false;
        }
    }
    return true;
}

/* At least one digit, at most max; false also when the value passes `limit`. */
static bool scan_digits(struct scan *scan, size_t max, int64_t limit, int64_t *ret)
{
    size_t n = 0;
    int64_t value = 0;
    while (n < max && scan->at < scan->end && is_digit(*scan->at)) {
        int digit = *scan->at - '0';
        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
        scan->at++;
        n++;
    }
    *ret = value;
    return n > 0 && value <= limit;
}

static size_t max_digits(const struct pen_time_op *op)
{
    return op->max_digits == UINT8_MAX ? SIZE_MAX : op->max_digits;
}

static bool scan_number(struct scan *scan, const struct pen_time_op *op)
{
    size_t max = max_digits(op);
    int64_t value = 0;
    if (op->takes_blank && scan->at < scan->end && *scan->at == ' ') {
        scan->at++;
        max = 1;
    }
    if (!scan_digits(scan, max, op->high, &value) || value < op->low)
        return false;
    pen_time_put(scan->fields, op->field, value);
    return true;
}

/* Takes a sign: -1 or 1; 1 when there is none. */
static int scan_sign(struct scan *scan, bool takes_plus)
{
    if (scan->at < scan->end && (*scan->at == '-' || (takes_plus && *scan->at == '+')))
        return *scan->at++ == '-' ? -1 : 1;
    return 1;
}

static bool scan_year(struct scan *scan, const struct pen_time_op *op)
{
    int sign = scan_sign(scan, true);
    int64_t value = 0;
    if (!scan_digits(scan, max_digits(op), 999999999, &value))
        return false;
    pen_time_put(scan->fields, op->field, sign * value);
    return true;
}

static bool scan_short_year(struct scan *scan, const struct pen_time_op *op)
{
    int64_t value = 0;
    if (!scan_digits(scan, 2, 99, &value))
        return false;
    pen_time_put(scan->fields, op->field, value);
    if (!pen_time_has(scan->fields, PEN_TIME_CENTURY))
        pen_time_put(scan->fields, PEN_TIME_CENTURY, value >= 69 ? 19 : 20);
    return true;
}

static bool scan_fraction(struct scan *scan, const struct pen_time_op *op)
{
    int sign = scan_sign(scan, true);
    size_t n = 0, max = max_digits(op);
    int64_t value = 0, unit = 1000000000;
    while (n < max && scan->at < scan->end && is_digit(*scan->at)) {
        if (n++ < 9) {
            value = value * 10 + (*scan->at - '0');
            unit /= 10;
        }
        scan->at++;
    }
    pen_time_put(scan->fields, PEN_TIME_FRACTION_NS, sign * value * unit);
    return n > 0;
}

static bool scan_epoch(struct scan *scan, const struct pen_time_op *op)
{
    int sign = scan_sign(scan, false);
    int64_t value = 0, scale = op->low;
    if (!scan_digits(scan, SIZE_MAX, INT64_MAX / scale, &value))
        return false;
    pen_time_put(scan->fields, PEN_TIME_EPOCH_MS, sign * value * scale);
    return true;
}

static bool scan_name(struct scan *scan, const struct pen_time_op *op)
{
    bool is_month = op->kind == PEN_TIME_OP_MONTH_NAME;
    size_t index = 0;
    size_t len =
        pen_time_match_name(scan->at, scan->end, is_month ? pen_time_months : pen_time_weekdays,
                            is_month ? 12 : 7, &index);
    scan->at += len;
    if (len > 0)
        pen_time_put(scan->fields, op->field, (int64_t)index + is_month);
    return len > 0;
}

static bool scan_meridian(struct scan *scan)
{
    static const char *const words[] = {"am", "pm", "a.m.", "p.m."};
    for (size_t i = 0; i < 4; i++) {
        size_t len = pen_time_match_word(scan->at, scan->end, words[i], strlen(words[i]));
        if (len > 0) {
            pen_time_put(scan->fields, PEN_TIME_MERIDIAN, i % 2 == 0 ? 0 : 12);
            scan->at += len;
            return true;
        }
    }
    return false;
}

/* --- zones: the three forms of the spec's regular expression, tried in this order ------------- */

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* [gmt|ut|utc] sign digits [(, . :) digits [: digits]] */
static const char *match_offset(const char *at, const char *end)
{
    size_t prefix = pen_time_match_word(at, end, "gmt", 3);
    if (prefix == 0)
        prefix = pen_time_match_word(at, end, "utc", 3);
    if (prefix == 0)
        prefix = pen_time_match_word(at, end, "ut", 2);
    at += prefix;
    if (at == end || (*at != '+' && *at != '-'))
        return NULL;
    const char *digits = skip_digits(at + 1, end);
    if (digits == at + 1)
        return NULL;
    at = digits;
    if (at < end && (*at == ',' || *at == '.' || *at == ':')) {
        digits = skip_digits(at + 1, end);
        if (digits == at + 1)
            return at;
        at = digits;
        if (at < end && *at == ':' && (digits = skip_digits(at + 1, end)) != at + 1)
            at = digits;
    }
    return at;
}

/* No letter, digit or underscore follows. */
static bool is_word_end(const char *at, const char *end)
{
    return at == end || !(is_letter(*at) || is_digit(*at) || *at == '_');
}

/* The end of "standard time" or "daylight time" at `at`, any blanks between; else NULL. */
static const char *match_time_words(const char *at, const char *end)
{
    size_t len = pen_time_match_word(at, end, "standard", 8);
    if (len == 0)
        len = pen_time_match_word(at, end, "daylight", 8);
    const char *word = at + len;
    const char *next = word;
    while (next < end && is_blank(*next))
        next++;
    if (len == 0 || next == word || pen_time_match_word(next, end, "time", 4) == 0)
        return NULL;
    return is_word_end(next + 4, end) ? next + 4 : NULL;
}

/* Letters, dots and blanks, then the words above; the longest. */
static const char *match_long_name(const char *at, const char *end)
{
    const char *run = at, *found = NULL;
    while (run < end && (is_letter(*run) || is_blank(*run) || *run == '.'))
        run++;
    if (run - at < 14) /* " standard time" */
        return NULL;
    for (const char *p = run; p > at && found == NULL; p--)
        found = match_time_words(p, end);
    return found;
}

/* Letters, perhaps " dst". */
static const char *match_short_name(const char *at, const char *end)
{
    const char *letters = at;
    while (letters < end && is_letter(*letters))
        letters++;
    if (letters == at)
        return NULL;
    const char *next = letters;
    while (next < end && is_blank(*next))
        next++;
    if (next > letters && pen_time_match_word(next, end, "dst", 3) > 0 &&
        is_word_end(next + 3, end))
        return next + 3;
    return is_word_end(letters, end) ? letters : NULL;
}

static bool scan_zone(struct scan *scan)
{
    const char *found = match_offset(scan->at, scan->end);
    if (found == NULL)
        found = match_long_name(scan->at, scan->end);
    if (found == NULL)
        found = match_short_name(scan->at, scan->end);
    if (found == NULL)
        return false;
    pen_time_put(scan->fields, PEN_TIME_ZONE, 0);
    scan->fields->zone = pen_slice(scan->at, (size_t)(found - scan->at));
    scan->at = found;
    return true;
}

static bool scan_op(struct scan *scan, const struct pen_time_op *op)
{
    switch ((enum pen_time_op_kind)op->kind) {
    case PEN_TIME_OP_LITERAL:
        return scan_literal(scan, op->literal);
    case PEN_TIME_OP_NUMBER:
        return scan_number(scan, op);
    case PEN_TIME_OP_YEAR:
        return scan_year(scan, op);
    case PEN_TIME_OP_SHORT_YEAR:
        return scan_short_year(scan, op);
    case PEN_TIME_OP_FRACTION:
        return scan_fraction(scan, op);
    case PEN_TIME_OP_EPOCH:
        return scan_epoch(scan, op);
    case PEN_TIME_OP_WEEKDAY:
    case PEN_TIME_OP_MONTH_NAME:
        return scan_name(scan, op);
    case PEN_TIME_OP_MERIDIAN:
        return scan_meridian(scan);
    case PEN_TIME_OP_ZONE:
        return scan_zone(scan);
    case PEN_TIME_OP_FAIL:
        break;
    }
    return false;
}

bool pen_strptime_scan(const struct pen_time_format *format, struct pen_slice text,
                       struct pen_time_fields *ret_fields, struct pen_time_failure *failure)
{
    const char *start = text.ptr == NULL ? "" : text.ptr;
    struct scan scan = {start, start, start + text.len, ret_fields};
    ret_fields->set = 0;
    bool is_good = text.len > 0;
    for (size_t i = 0; is_good && i < format->op_count; i++)
        is_good = scan_op(&scan, &format->ops[i]);
    if (!is_good) {
        failure->cause = PEN_TIME_BAD_TEXT;
        failure->at = (size_t)(scan.at - scan.start);
    }
    return is_good;
}
