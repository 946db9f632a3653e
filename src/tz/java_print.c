/* java_print.c - an instant by a "java:" pattern, in the format's offset. */
#include "tz/java_internal.h"

#include <stdio.h>

/* Weeks as in the United States: from Sunday, the first is the one of 1 January. */
static int64_t us_week(const struct pen_time_reading *r, int64_t *ret_year)
{
    int year_days = 365 + pen_time_is_leap(r->civil.year);
    int days_to_saturday = 6 - r->weekday;
    bool is_next_year = r->year_day + days_to_saturday > year_days;
    int first_weekday = (r->weekday - (r->year_day - 1) % 7 + 7) % 7;
    *ret_year = r->civil.year + is_next_year;
    return is_next_year ? 1 : (r->year_day - 1 + first_weekday) / 7 + 1;
}

static int64_t us_week_of_month(const struct pen_time_reading *r)
{
    int first_weekday = (r->weekday - (r->civil.day - 1) % 7 + 7) % 7;
    return (r->civil.day - 1 + first_weekday) / 7 + 1;
}

static int64_t week_year(const struct pen_time_reading *r)
{
    int64_t year = 0;
    (void)us_week(r, &year); /* only its year is wanted */
    return year;
}

static int64_t field_value(const struct pen_time_reading *r, enum pen_java_field field)
{
    const struct pen_civil *c = &r->civil;
    int64_t second_of_day = c->hour * 3600 + c->minute * 60 + c->second;
    switch (field) {
    case PEN_JAVA_ERA:
        return c->year > 0;
    case PEN_JAVA_YEAR_OF_ERA:
        return c->year > 0 ? c->year : 1 - c->year;
    case PEN_JAVA_YEAR:
        return c->year;
    case PEN_JAVA_QUARTER:
        return (c->month + 2) / 3;
    case PEN_JAVA_MONTH:
        return c->month;
    case PEN_JAVA_YEAR_DAY:
        return r->year_day;
    case PEN_JAVA_DAY:
        return c->day;
    case PEN_JAVA_WEEKDAY:
        return r->weekday == 0 ? 7 : r->weekday;
    case PEN_JAVA_AM_PM:
        return c->hour / 12;
    case PEN_JAVA_HOUR:
        return c->hour;
    case PEN_JAVA_CLOCK_HOUR:
        return c->hour == 0 ? 24 : c->hour;
    case PEN_JAVA_HALF_HOUR:
        return c->hour % 12;
    case PEN_JAVA_CLOCK_HALF_HOUR:
        return c->hour % 12 == 0 ? 12 : c->hour % 12;
    case PEN_JAVA_MINUTE:
        return c->minute;
    case PEN_JAVA_SECOND:
        return c->second;
    case PEN_JAVA_NANO:
        return r->ns;
    case PEN_JAVA_MILLI_OF_DAY:
        return second_of_day * 1000 + r->ns / 1000000;
    case PEN_JAVA_NANO_OF_DAY:
        return second_of_day * 1000000000 + r->ns;
    case PEN_JAVA_OFFSET:
        return r->offset_seconds;
    case PEN_JAVA_WEEK_YEAR:
        return week_year(r);
    case PEN_JAVA_WEEK:
        return us_week(r, &(int64_t){0});
    case PEN_JAVA_WEEK_OF_MONTH:
        return us_week_of_month(r);
    case PEN_JAVA_FIELD_COUNT:
        break;
    }
    return 0;
}

static enum pen_code print_number(const struct pen_java_op *op, int64_t value, struct pen_buf *into,
                                  struct pen_error *err)
{
    long long digits = value < 0 ? -(long long)value : (long long)value;
    char text[32];
    int len = snprintf(text, sizeof text, "%0*lld", op->min, digits);
    if (value < 0)
        PEN_TRY(pen_buf_add_char(into, '-', err));
    else if (op->sign == PEN_JAVA_SIGN_EXCEEDS && len > op->min)
        PEN_TRY(pen_buf_add_char(into, '+', err));
    return pen_buf_add(into, text, (size_t)len, err);
}

static enum pen_code print_fraction(const struct pen_java_op *op, const struct pen_time_reading *r,
                                    struct pen_buf *into, struct pen_error *err)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%09d", r->ns); /* nine digits always fit */
    return pen_buf_add(into, text, op->min, err);
}

static enum pen_code print_text(const struct pen_java_op *op, const struct pen_time_reading *r,
                                struct pen_buf *into, struct pen_error *err)
{
    int64_t value = field_value(r, (enum pen_java_field)op->field) - op->first_value;
    const char *name = op->names[value];
    return pen_buf_add(into, name, op->name_len == 0 ? strlen(name) : op->name_len, err);
}

static enum pen_code print_offset_id(const struct pen_java_op *op, const struct pen_time_reading *r,
                                     struct pen_buf *into, struct pen_error *err)
{
    int offset = r->offset_seconds < 0 ? -r->offset_seconds : r->offset_seconds;
    int minutes = offset / 60 % 60, seconds = offset % 60;
    const char *colon = op->style % 2 == 0 ? ":" : "";
    bool has_minutes = op->style >= 3 || (op->style >= 1 && minutes > 0);
    bool has_seconds = op->style >= 5 && seconds > 0;
    if (offset / 3600 == 0 && (!has_minutes || minutes == 0) && !has_seconds)
        return pen_buf_add_str(into, op->no_offset, err);
    PEN_TRY(pen_buf_addf(into, err, "%c%02d", r->offset_seconds < 0 ? '-' : '+', offset / 3600));
    if (has_minutes)
        PEN_TRY(pen_buf_addf(into, err, "%s%02d", colon, minutes));
    if (has_seconds)
        PEN_TRY(pen_buf_addf(into, err, "%s%02d", colon, seconds));
    return PEN_OK;
}

static enum pen_code print_offset_name(const struct pen_java_op *op,
                                       const struct pen_time_reading *r, struct pen_buf *into,
                                       struct pen_error *err)
{
    int offset = r->offset_seconds < 0 ? -r->offset_seconds : r->offset_seconds;
    int minutes = offset / 60 % 60, seconds = offset % 60;
    PEN_TRY(pen_buf_add_str(into, "GMT", err));
    if (offset == 0)
        return PEN_OK;
    PEN_TRY(pen_buf_addf(into, err, "%c%0*d", r->offset_seconds < 0 ? '-' : '+',
                         op->style == 4 ? 2 : 1, offset / 3600));
    if (op->style == 4 || minutes != 0 || seconds != 0)
        PEN_TRY(pen_buf_addf(into, err, ":%02d", minutes));
    if (seconds != 0)
        PEN_TRY(pen_buf_addf(into, err, ":%02d", seconds));
    return PEN_OK;
}

static enum pen_code print_op(const struct pen_java_op *op, const struct pen_time_reading *r,
                              struct pen_buf *into, struct pen_error *err)
{
    int64_t value = field_value(r, (enum pen_java_field)op->field);
    switch ((enum pen_java_op_kind)op->kind) {
    case PEN_JAVA_LITERAL:
        return pen_buf_add_slice(into, op->literal, err);
    case PEN_JAVA_NUMBER:
        return print_number(op, value, into, err);
    case PEN_JAVA_SHORT_YEAR:
        return print_number(op, (value < 0 ? -value : value) % 100, into, err);
    case PEN_JAVA_LOCAL_WEEKDAY:
        return print_number(op, value % 7 + 1, into, err);
    case PEN_JAVA_FRACTION:
        return print_fraction(op, r, into, err);
    case PEN_JAVA_TEXT:
        return print_text(op, r, into, err);
    case PEN_JAVA_OFFSET_ID:
        return print_offset_id(op, r, into, err);
    case PEN_JAVA_OFFSET_NAME:
        return print_offset_name(op, r, into, err);
    case PEN_JAVA_ZONE_ID: {
        static const struct pen_java_op id = {.style = 6, .no_offset = "Z"};
        return print_offset_id(&id, r, into, err);
    }
    case PEN_JAVA_OPTIONAL_START:
    case PEN_JAVA_OPTIONAL_END:
        break;
    }
    return PEN_OK;
}

enum pen_code pen_java_print(const struct pen_time_format *format, struct pen_instant instant,
                             struct pen_buf *into, struct pen_error *err)
{
    struct pen_time_reading reading = pen_time_read_clock(format->zone, instant);
    for (size_t i = 0; i < format->java->count; i++)
        PEN_TRY(print_op(&format->java->ops[i], &reading, into, err));
    return PEN_OK;
}
