/* time_internal.h - what the files of this folder share about a compiled time format.
 *
 *     text --scan (strptime or java program)--> fields --resolve (legacy, ruby, java)--> instant
 *
 * The usual formats skip both steps: time_fast.c reads them in one go. */
#ifndef PEN_TZ_TIME_INTERNAL_H
#define PEN_TZ_TIME_INTERNAL_H

#include "tz/time_format.h"
#include "tz/zone_name.h"

enum pen_time_dialect { PEN_TIME_LEGACY, PEN_TIME_RUBY, PEN_TIME_JAVA };

/* What a value can state. The last statement of a field wins. */
enum pen_time_field {
    PEN_TIME_YEAR,
    PEN_TIME_CENTURY,
    PEN_TIME_MONTH,
    PEN_TIME_DAY,
    PEN_TIME_YEAR_DAY,
    PEN_TIME_HOUR,
    PEN_TIME_MERIDIAN, /* 0 am, 12 pm */
    PEN_TIME_MINUTE,
    PEN_TIME_SECOND,
    PEN_TIME_FRACTION_NS, /* may be negative */
    PEN_TIME_EPOCH_MS,
    PEN_TIME_ZONE,    /* its text is in `zone` */
    PEN_TIME_IGNORED, /* checked and forgotten: weeks and weekdays */
    PEN_TIME_FIELD_COUNT
};

struct pen_time_fields {
    uint32_t set; /* bit per field */
    int64_t value[PEN_TIME_FIELD_COUNT];
    struct pen_slice zone;
};

static inline bool pen_time_has(const struct pen_time_fields *fields, enum pen_time_field field)
{
    return (fields->set >> field) & 1;
}

static inline void pen_time_put(struct pen_time_fields *fields, enum pen_time_field field,
                                int64_t value)
{
    fields->set |= UINT32_C(1) << field;
    fields->value[field] = value;
}

/* The value of a field, or what stands in for it. */
static inline int64_t pen_time_get(const struct pen_time_fields *fields, enum pen_time_field field,
                                   int64_t otherwise)
{
    return pen_time_has(fields, field) ? fields->value[field] : otherwise;
}

/* Why a value is none. */
enum pen_time_cause {
    PEN_TIME_BAD_TEXT,     /* at byte `at` */
    PEN_TIME_LEFTOVER,     /* java: text behind the pattern, at byte `at` */
    PEN_TIME_BAD_ZONE,     /* `zone` names none */
    PEN_TIME_BAD_DATE,     /* year, month, day do not make a date */
    PEN_TIME_BAD_YEAR_DAY, /* day 366 of a common year */
    PEN_TIME_NO_TIME,      /* ruby: the pattern states nothing */
    PEN_TIME_OUT_OF_RANGE, /* beyond int64 microseconds */
    PEN_TIME_BAD_VALUE,    /* `field` cannot be `value` */
    PEN_TIME_CONFLICT,     /* java: `field` contradicts the others */
    PEN_TIME_REGION        /* java: a zone that is no offset */
};

struct pen_time_failure {
    enum pen_time_cause cause;
    size_t at; /* byte index */
    struct pen_slice zone;
    int64_t year;
    int month, day;
    const char *field, *span; /* java's name of the field, and the values it may have */
    int64_t value;
};

/* One step of a strptime program. */
enum pen_time_op_kind {
    PEN_TIME_OP_LITERAL,
    PEN_TIME_OP_NUMBER,     /* digits into `field` */
    PEN_TIME_OP_YEAR,       /* optional sign, digits */
    PEN_TIME_OP_SHORT_YEAR, /* two digits; sets the century too, unless there is one */
    PEN_TIME_OP_FRACTION,
    PEN_TIME_OP_EPOCH, /* `scale` milliseconds a unit */
    PEN_TIME_OP_WEEKDAY,
    PEN_TIME_OP_MONTH_NAME,
    PEN_TIME_OP_MERIDIAN,
    PEN_TIME_OP_ZONE,
    PEN_TIME_OP_FAIL /* a directive that only formats */
};

struct pen_time_op {
    uint8_t kind, field;
    uint8_t max_digits; /* UINT8_MAX: any number */
    bool takes_blank;   /* one space may stand for the first of two digits */
    bool is_numeric;    /* counts as a number for the element before it */
    uint32_t low, high;
    struct pen_slice literal;
};

/* A directive or literal as written, for printing. */
struct pen_time_token {
    char letter; /* 0: literal */
    uint8_t colons;
    bool is_left, is_upper, is_swapped; /* flags - ^ # */
    char padding;                       /* '0', ' ', or 0: the directive's own */
    int width;                          /* -1: none */
    bool has_format_flags;              /* parsing such a directive fails */
    struct pen_slice text;              /* the literal, or the directive as typed */
};

/* Which of the fast shapes a program is; see time_fast.c. */
struct pen_time_shape {
    bool is_usable, is_date, has_fraction, has_zone, has_zone_space;
    char date_separator, middle, time_separator, fraction_separator;
    uint64_t date_mask, day_mask, clock_mask; /* expected bytes of the three 8-byte windows */
};

struct pen_java_program;

struct pen_time_format {
    enum pen_time_dialect dialect;
    char *text;    /* the format as given */
    char *pattern; /* behind the prefix, inside text */
    struct pen_zone_ref zone;
    int64_t default_year;
    int default_month, default_day;
    struct pen_time_op *ops; /* strptime: composites unfolded */
    size_t op_count;
    struct pen_time_token *tokens; /* strptime: as written */
    size_t token_count;
    struct pen_java_program *java;
    struct pen_time_shape shape;
};

/* pen_strptime_compile - fills ops and tokens from format->pattern. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_strptime_compile(struct pen_time_format *format,
                                                struct pen_error *err);

/* pen_strptime_composite - what %c, %D and the like stand for; NULL for other letters. */
const char *pen_strptime_composite(char letter);

/* pen_strptime_next_token - takes one token off a pattern (not empty). */
struct pen_time_token pen_strptime_next_token(struct pen_slice *rest);

/* pen_strptime_scan - runs the program over a text. */
bool pen_strptime_scan(const struct pen_time_format *format, struct pen_slice text,
                       struct pen_time_fields *ret_fields, struct pen_time_failure *failure);

/* pen_time_resolve_* - fields to instant by the dialect's rules (spec/parsers.md 6.3, 6.5). */
bool pen_time_resolve_legacy(const struct pen_time_format *format,
                             const struct pen_time_fields *fields, struct pen_instant *ret_instant,
                             struct pen_time_failure *failure);
bool pen_time_resolve_ruby(const struct pen_time_format *format,
                           const struct pen_time_fields *fields, struct pen_instant *ret_instant,
                           struct pen_time_failure *failure);

/* pen_time_make_instant - UTC seconds and nanoseconds (any size, any sign) to an instant; false
 * beyond int64 microseconds. */
bool pen_time_make_instant(int64_t utc_seconds, int64_t ns, struct pen_instant *ret_instant);

/* pen_time_date_of - the date of a day since 1970-01-01; any day that an instant can fall on, and a
 * few more on both sides. */
struct pen_civil pen_time_date_of(int64_t days);

/* pen_time_month_days - days of a month, proleptic Gregorian. */
int pen_time_month_days(int64_t year, int month);
bool pen_time_is_leap(int64_t year);

/* English names, upper case first letter: weekdays from Sunday, months from January. */
extern const char *const pen_time_weekdays[7];
extern const char *const pen_time_months[12];

/* pen_strptime_print - strftime, spec/parsers.md 6.7; in the format's zone; appends to `into`. */
PEN_MUST_USE enum pen_code pen_strptime_print(const struct pen_time_format *format,
                                              struct pen_instant instant, struct pen_buf *into,
                                              struct pen_error *err);

/* What printing needs to know about an instant on a zone's clock. */
struct pen_time_reading {
    struct pen_civil civil; /* us is not filled: see ns */
    int64_t days, utc_seconds;
    int32_t offset_seconds;
    const char *abbreviation; /* NULL: a fixed offset */
    int ns;                   /* 0..999999999 */
    int year_day;             /* 1..366 */
    int weekday;              /* 0 Sunday .. 6 */
};

/* pen_time_read_clock - the reading of a zone's clock at an instant. */
struct pen_time_reading pen_time_read_clock(struct pen_zone_ref zone, struct pen_instant instant);

/* pen_time_match_word - length of `word` when the text at `at` starts with its first `len` letters,
 * whatever their case; 0 otherwise. */
size_t pen_time_match_word(const char *at, const char *end, const char *word, size_t len);

/* pen_time_match_name - tries all full names, then all three-letter ones. Returns the length of the
 * match and its index, or 0. */
size_t pen_time_match_name(const char *at, const char *end, const char *const *names, size_t count,
                           size_t *ret_index);

/* pen_time_shape_of - finds out whether a program is one of the fast shapes. */
void pen_time_shape_of(struct pen_time_format *format);

/* pen_time_shape_fill - makes a shape usable: its separators and is_date are set. */
void pen_time_shape_fill(struct pen_time_format *format, struct pen_time_shape shape);

/* pen_time_fast_reading - reads the date and clock of the format's shape at the start of a text.
 * out: the clock reading in seconds since 1970-01-01 00:00:00. Returns the bytes it took; 0: the
 * general way must decide. */
size_t pen_time_fast_reading(const struct pen_time_format *format, struct pen_slice text,
                             int64_t *ret_local_seconds);

/* pen_time_fast - reads a value of the format's fast shape. false: the general way must decide. */
bool pen_time_fast(const struct pen_time_format *format, struct pen_slice text,
                   struct pen_instant *ret_instant);

#endif
