/* java_parse.c - runs a "java:" program over one value: text --> fields. The whole text must match;
 * letters match whatever their case. */
#include "tz/java_internal.h"

struct scan {
    const struct pen_java_program *program;
    const char *start, *end;
    struct pen_java_fields fields;
    const char *failed_at;
    bool is_region; /* the failure is a zone that is no offset */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Every step returns the position behind what it took, or NULL; the place is in failed_at then. */
static const char *fail_at(struct scan *scan, const char *at)
{
    scan->failed_at = at;
    return NULL;
}

/* A field stated twice must say the same. */
static const char *put(struct scan *scan, uint8_t field, int64_t value, const char *at,
                       const char *next)
{
    struct pen_java_fields *fields = &scan->fields;
    if (((fields->set >> field) & 1) != 0 && fields->value[field] != value)
        return fail_at(scan, at);
    fields->set |= UINT32_C(1) << field;
    fields->value[field] = value;
    return next;
}

static const char *skip_digits(const char *at, const char *end, size_t max)
{
    size_t n = 0;
    while (n < max && at + n < end && is_digit(at[n]))
        n++;
    return at + n;
}

/* The digits a number takes: what its width allows, less what the numbers behind it need. */
static const char *number_end(const struct pen_java_op *op, const char *digits, const char *end)
{
    size_t reserved = op->reserved > 0 ? (size_t)op->reserved : 0;
    const char *last = skip_digits(digits, end, op->max + reserved);
    size_t len = (size_t)(last - digits);
    if (len < op->min)
        return NULL;
    if (reserved > 0) {
        size_t left = len > reserved ? len - reserved : 0;
        len = left < op->min ? op->min : left;
    }
    return digits + (len > op->max ? op->max : len);
}

static bool to_value(const char *digits, const char *last, int64_t *ret)
{
    int64_t value = 0;
    for (const char *p = digits; p < last; p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *p - '0', &value))
            return false;
    }
    *ret = value;
    return true;
}

static const char *scan_number(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    if (op->field >= PEN_JAVA_WEEK_YEAR)
        return fail_at(scan, at);
    char sign = at < scan->end && (*at == '+' || *at == '-') ? *at : '\0';
    if ((sign == '+' && op->sign != PEN_JAVA_SIGN_EXCEEDS) ||
        (sign == '-' && op->sign == PEN_JAVA_SIGN_NONE))
        return fail_at(scan, at);
    const char *digits = at + (sign != '\0');
    const char *last = number_end(op, digits, scan->end);
    int64_t value = 0;
    if (last == NULL)
        return fail_at(scan, digits);
    if (!to_value(digits, last, &value))
        (void)to_value(digits, --last, &value); /* 19 digits too large: 18 are taken */
    if (sign == '-' && value == 0)
        return fail_at(scan, at);
    if (op->sign == PEN_JAVA_SIGN_EXCEEDS && sign != '-') {
        bool is_long = last - digits > op->min; /* then, and only then, with a plus */
        if (is_long != (sign == '+'))
            return fail_at(scan, at);
    }
    if (op->kind == PEN_JAVA_SHORT_YEAR)
        value += 2000;
    if (op->kind == PEN_JAVA_LOCAL_WEEKDAY) {
        if (value < 1 || value > 7)
            return fail_at(scan, at);
        value = value == 1 ? 7 : value - 1;
    }
    return put(scan, op->field, sign == '-' ? -value : value, at, last);
}

static const char *scan_fraction(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    const char *last = skip_digits(at, scan->end, op->min);
    int64_t value = 0;
    if (last - at < op->min || !to_value(at, last, &value))
        return fail_at(scan, at);
    for (int i = op->min; i < 9; i++)
        value *= 10;
    return put(scan, op->field, value, at, last);
}

static const char *scan_text(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    size_t found = 0, index = 0;
    if (op->name_len ==
        1) { /* first letters do not tell months apart: the original wants a number */
        struct pen_java_op number = {.kind = PEN_JAVA_NUMBER,
                                     .field = op->field,
                                     .sign = PEN_JAVA_SIGN_NORMAL,
                                     .min = 1,
                                     .max = 19};
        return scan_number(scan, &number, at);
    }
    for (size_t i = 0; i < op->name_count && found == 0; i++) {
        size_t len = op->name_len == 0 ? strlen(op->names[i]) : op->name_len;
        found = pen_time_match_word(at, scan->end, op->names[i], len);
        index = i;
    }
    if (found == 0)
        return fail_at(scan, at);
    return put(scan, op->field, op->first_value + (int64_t)index, at, at + found);
}

/* Two digits up to 59, perhaps behind a colon. NULL when they are not there. */
static const char *sixty(const char *at, const char *end, bool has_colon, int64_t *ret)
{
    if (has_colon) {
        if (at == end || *at != ':')
            return NULL;
        at++;
    }
    if (end - at < 2 || at[0] < '0' || at[0] > '5' || !is_digit(at[1]))
        return NULL;
    *ret = (at[0] - '0') * 10 + (at[1] - '0');
    return at + 2;
}

static const char *scan_offset_id(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    size_t none = pen_time_match_word(at, scan->end, op->no_offset, strlen(op->no_offset));
    if (none > 0)
        return put(scan, op->field, 0, at, at + none);
    if (at == scan->end || (*at != '+' && *at != '-'))
        return fail_at(scan, at);
    int64_t hours = 0, minutes = 0, seconds = 0;
    bool has_colon = op->style % 2 == 0;
    const char *next = sixty(at + 1, scan->end, false, &hours);
    if (next == NULL)
        return fail_at(scan, at);
    if (op->style >= 1) {
        const char *behind = sixty(next, scan->end, has_colon, &minutes);
        if (behind == NULL && op->style >= 3)
            return fail_at(scan, at);
        next = behind == NULL ? next : behind;
    }
    if (op->style >= 3) { /* as in the original, seconds are taken even by +HHMM */
        const char *behind = sixty(next, scan->end, has_colon, &seconds);
        next = behind == NULL ? next : behind;
    }
    int64_t value = hours * 3600 + minutes * 60 + seconds;
    return put(scan, op->field, *at == '-' ? -value : value, at, next);
}

/* GMT, GMT+8, GMT+8:30 (style 1); GMT, GMT+08:30 (style 4). */
static const char *scan_offset_name(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    size_t prefix = pen_time_match_word(at, scan->end, "GMT", 3);
    const char *next = at + prefix;
    if (prefix == 0)
        return fail_at(scan, at);
    if (next == scan->end || (*next != '+' && *next != '-'))
        return put(scan, op->field, 0, at, next);
    bool is_negative = *next == '-';
    int64_t hours = 0, minutes = 0, seconds = 0;
    const char *digits = next + 1;
    next = skip_digits(digits, scan->end, 2);
    if (next == digits || (op->style == 4 && next - digits < 2) || !to_value(digits, next, &hours))
        return fail_at(scan, at);
    const char *behind = sixty(next, scan->end, true, &minutes);
    if (behind == NULL && op->style == 4)
        return fail_at(scan, at);
    if (behind != NULL) {
        next = behind;
        behind = sixty(next, scan->end, true, &seconds);
        next = behind == NULL ? next : behind;
    }
    int64_t value = hours * 3600 + minutes * 60 + seconds;
    return put(scan, op->field, is_negative ? -value : value, at, next);
}

/* A zone id: offsets are taken, names of regions refused as a whole. */
static const char *scan_zone_id(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    const char *next = at;
    while (next < scan->end && *next != ' ' && *next != ']' && *next != ')')
        next++;
    for (size_t len = (size_t)(next - at); len > 0; len--) {
        int32_t offset = 0;
        if (pen_zone_parse_offset(pen_slice(at, len), &offset))
            return put(scan, op->field, offset, at, at + len);
    }
    scan->is_region = next > at && ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z'));
    return fail_at(scan, at);
}

static const char *scan_literal(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    size_t n = op->literal.len;
    if (pen_time_match_word(at, scan->end, op->literal.ptr, n) == 0)
        return fail_at(scan, at);
    return at + n;
}

static const char *scan_op(struct scan *scan, const struct pen_java_op *op, const char *at)
{
    switch ((enum pen_java_op_kind)op->kind) {
    case PEN_JAVA_LITERAL:
        return scan_literal(scan, op, at);
    case PEN_JAVA_NUMBER:
    case PEN_JAVA_SHORT_YEAR:
    case PEN_JAVA_LOCAL_WEEKDAY:
        return scan_number(scan, op, at);
    case PEN_JAVA_FRACTION:
        return scan_fraction(scan, op, at);
    case PEN_JAVA_TEXT:
        return scan_text(scan, op, at);
    case PEN_JAVA_OFFSET_ID:
        return scan_offset_id(scan, op, at);
    case PEN_JAVA_OFFSET_NAME:
        return scan_offset_name(scan, op, at);
    case PEN_JAVA_ZONE_ID:
        return scan_zone_id(scan, op, at);
    case PEN_JAVA_OPTIONAL_START:
    case PEN_JAVA_OPTIONAL_END:
        break;
    }
    return at;
}

/* Runs ops [from, to). An optional part that does not fit leaves no trace. Its nesting is bounded
 * by the compiler, and so is this recursion. */
static const char *scan_ops(struct scan *scan, size_t from, size_t to, const char *at)
{
    for (size_t i = from; i < to; i++) {
        const struct pen_java_op *op = &scan->program->ops[i];
        if (op->kind != PEN_JAVA_OPTIONAL_START) {
            at = scan_op(scan, op, at);
            if (at == NULL)
                return NULL;
            continue;
        }
        struct pen_java_fields kept = scan->fields;
        const char *next = scan_ops(scan, i + 1, op->end, at);
        if (next == NULL) {
            scan->fields = kept;
            scan->is_region = false;
        }
        at = next == NULL ? at : next;
        i = op->end;
    }
    return at;
}

/* --- the usual beginning in one go -------------------------------------------------------------
 */

static bool is_number(const struct pen_java_op *op, enum pen_java_field field, int digits)
{
    return op->kind == PEN_JAVA_NUMBER && op->field == field && op->min == digits &&
           (op->max == digits || field <= PEN_JAVA_YEAR) && op->reserved == 0;
}

static bool is_separator(const struct pen_java_op *op, char *inout)
{
    if (op->kind != PEN_JAVA_LITERAL || op->literal.len != 1 ||
        (*inout != '\0' && *inout != op->literal.ptr[0]))
        return false;
    *inout = op->literal.ptr[0];
    return (*inout & 0x80) == 0 && !is_digit(*inout);
}

/* uuuu-MM-dd HH:mm:ss with any separators, then at most literals, a fraction and offsets. */
void pen_java_shape_of(struct pen_time_format *format)
{
    const struct pen_java_program *program = format->java;
    const struct pen_java_op *ops = program->ops;
    struct pen_time_shape shape = {.is_usable = false};
    if (program->count < 5 ||
        !(is_number(&ops[0], PEN_JAVA_YEAR, 4) || is_number(&ops[0], PEN_JAVA_YEAR_OF_ERA, 4)) ||
        !is_separator(&ops[1], &shape.date_separator) || !is_number(&ops[2], PEN_JAVA_MONTH, 2) ||
        !is_separator(&ops[3], &shape.date_separator) || !is_number(&ops[4], PEN_JAVA_DAY, 2))
        return;
    size_t count = 5;
    if (program->count >= 11 && is_separator(&ops[5], &shape.middle)) {
        if (!is_number(&ops[6], PEN_JAVA_HOUR, 2) ||
            !is_separator(&ops[7], &shape.time_separator) ||
            !is_number(&ops[8], PEN_JAVA_MINUTE, 2) ||
            !is_separator(&ops[9], &shape.time_separator) ||
            !is_number(&ops[10], PEN_JAVA_SECOND, 2))
            return;
        count = 11;
    }
    for (size_t i = count; i < program->count; i++) {
        if (ops[i].kind != PEN_JAVA_LITERAL && ops[i].kind != PEN_JAVA_FRACTION &&
            ops[i].kind != PEN_JAVA_OFFSET_ID)
            return;
    }
    shape.is_date = count == 5;
    format->java->shape_ops = count;
    pen_time_shape_fill(format, shape);
}

/* false: the general way must decide. */
static bool parse_fast(const struct pen_time_format *format, struct pen_slice text,
                       struct pen_instant *ret_instant)
{
    int64_t local = 0;
    size_t used = pen_time_fast_reading(format, text, &local);
    if (used == 0 || text.ptr[0] == '0') /* year 0 may be none */
        return false;
    struct scan scan = {
        .program = format->java, .start = text.ptr, .end = text.ptr + text.len, .fields = {0}};
    const char *at = scan_ops(&scan, format->java->shape_ops, format->java->count, text.ptr + used);
    if (at != scan.end)
        return false;
    const struct pen_java_fields *fields = &scan.fields;
    int64_t offset = format->zone.offset_seconds;
    if (pen_java_has(fields, PEN_JAVA_OFFSET))
        offset = fields->value[PEN_JAVA_OFFSET];
    if (offset < -PEN_ZONE_MAX_OFFSET || offset > PEN_ZONE_MAX_OFFSET)
        return false;
    int64_t ns = pen_java_has(fields, PEN_JAVA_NANO) ? fields->value[PEN_JAVA_NANO] : 0;
    return pen_time_make_instant(local - offset, ns, ret_instant);
}

bool pen_java_parse(const struct pen_time_format *format, struct pen_slice text,
                    struct pen_instant *ret_instant, struct pen_time_failure *failure)
{
    if (format->shape.is_usable && parse_fast(format, text, ret_instant))
        return true;
    const char *start = text.ptr == NULL ? "" : text.ptr;
    struct scan scan = {.program = format->java, .start = start, .end = start + text.len};
    const char *at =
        text.len == 0 ? fail_at(&scan, start) : scan_ops(&scan, 0, format->java->count, start);
    if (at == NULL || at != scan.end) {
        failure->cause = at != NULL       ? PEN_TIME_LEFTOVER
                         : scan.is_region ? PEN_TIME_REGION
                                          : PEN_TIME_BAD_TEXT;
        failure->at = (size_t)((at != NULL ? at : scan.failed_at) - start);
        return false;
    }
    return pen_java_resolve(format, &scan.fields, ret_instant, failure);
}
