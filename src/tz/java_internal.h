/* java_internal.h - the program of a "java:" pattern, shared by its compiler, parser and printer.
 * source: spec/parsers.md 6.6; the rules are those of java.time.format.DateTimeFormatter. */
#ifndef PEN_TZ_JAVA_INTERNAL_H
#define PEN_TZ_JAVA_INTERNAL_H

#include "tz/time_internal.h"

enum pen_java_field {
    PEN_JAVA_ERA, /* 0 BC, 1 AD */
    PEN_JAVA_YEAR_OF_ERA,
    PEN_JAVA_YEAR,
    PEN_JAVA_QUARTER,
    PEN_JAVA_MONTH,
    PEN_JAVA_YEAR_DAY,
    PEN_JAVA_DAY,
    PEN_JAVA_WEEKDAY, /* 1 Monday .. 7 Sunday */
    PEN_JAVA_AM_PM,   /* 0, 1 */
    PEN_JAVA_HOUR,
    PEN_JAVA_CLOCK_HOUR,      /* 1..24 */
    PEN_JAVA_HALF_HOUR,       /* 0..11: hour of am or pm */
    PEN_JAVA_CLOCK_HALF_HOUR, /* 1..12 */
    PEN_JAVA_MINUTE,
    PEN_JAVA_SECOND,
    PEN_JAVA_NANO,
    PEN_JAVA_MILLI_OF_DAY,
    PEN_JAVA_NANO_OF_DAY,
    PEN_JAVA_OFFSET,        /* seconds */
    PEN_JAVA_WEEK_YEAR,     /* the three week fields only print */
    PEN_JAVA_WEEK,          /* of the week year; weeks start on Sunday, week 1 has 1 January */
    PEN_JAVA_WEEK_OF_MONTH, /* likewise */
    PEN_JAVA_FIELD_COUNT
};

struct pen_java_fields {
    uint32_t set;
    int64_t value[PEN_JAVA_FIELD_COUNT];
};

enum pen_java_op_kind {
    PEN_JAVA_LITERAL,
    PEN_JAVA_NUMBER,
    PEN_JAVA_SHORT_YEAR,    /* two digits: 2000..2099 */
    PEN_JAVA_LOCAL_WEEKDAY, /* a number, 1 Sunday .. 7 Saturday */
    PEN_JAVA_FRACTION,      /* exactly `min` digits */
    PEN_JAVA_TEXT,
    PEN_JAVA_OFFSET_ID,      /* +hh.. in the shape `style` */
    PEN_JAVA_OFFSET_NAME,    /* GMT+8 (style 1) or GMT+08:00 (style 4) */
    PEN_JAVA_ZONE_ID,        /* only offsets are taken */
    PEN_JAVA_OPTIONAL_START, /* `end`: index of the matching end */
    PEN_JAVA_OPTIONAL_END
};

enum pen_java_sign { PEN_JAVA_SIGN_NORMAL, PEN_JAVA_SIGN_NONE, PEN_JAVA_SIGN_EXCEEDS };

struct pen_java_op {
    uint8_t kind, field, sign, style;
    uint8_t min, max; /* digits */
    int reserved;     /* > 0: digits that the fixed numbers right behind need; -1: fixed itself */
    size_t end;
    struct pen_slice literal;
    const char *no_offset; /* what offset 0 is written as */
    const char *const *names;
    size_t name_count, name_len; /* name_len: letters of each name that count, 0 for all */
    int64_t first_value;         /* of names[0] */
};

struct pen_java_program {
    struct pen_java_op *ops;
    size_t count, cap;
    char *literals; /* quoted parts without their quotes; as long as the pattern */
    size_t literals_len;
    size_t shape_ops; /* how many ops the format's fast shape stands for */
};

/* pen_java_compile - pattern to program. errors: PEN_ERR_CONFIG, PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_java_compile(const char *pattern, struct pen_java_program **ret,
                                            struct pen_error *err);
void pen_java_program_free(struct pen_java_program *program);

/* pen_java_shape_of - finds out whether a program begins with a fast shape (time_fast.c). */
void pen_java_shape_of(struct pen_time_format *format);

/* pen_java_parse - a whole text to an instant. */
bool pen_java_parse(const struct pen_time_format *format, struct pen_slice text,
                    struct pen_instant *ret_instant, struct pen_time_failure *failure);

/* pen_java_resolve - fields to instant, ResolverStyle.STRICT. */
bool pen_java_resolve(const struct pen_time_format *format, struct pen_java_fields *fields,
                      struct pen_instant *ret_instant, struct pen_time_failure *failure);

/* pen_java_print - appends an instant in the format's zone. */
PEN_MUST_USE enum pen_code pen_java_print(const struct pen_time_format *format,
                                          struct pen_instant instant, struct pen_buf *into,
                                          struct pen_error *err);

static inline bool pen_java_has(const struct pen_java_fields *fields, enum pen_java_field field)
{
    return (fields->set >> field) & 1;
}

#endif
