/* add_time_internal.h - what the files of the add_time filter share. */
#ifndef PEN_FILTER_ADD_TIME_INTERNAL_H
#define PEN_FILTER_ADD_TIME_INTERNAL_H

#include "filter/filter.h"

#include "tz/time_options.h"

enum pen_add_time_unit {
    PEN_ADD_TIME_SEC,
    PEN_ADD_TIME_MILLI,
    PEN_ADD_TIME_MICRO,
    PEN_ADD_TIME_NANO
};
enum pen_add_time_mode { PEN_ADD_TIME_FIXED, PEN_ADD_TIME_INCREMENTAL, PEN_ADD_TIME_UPLOAD };

struct pen_add_time_to {
    char *name;
    char *type;
    int unit; /* enum pen_add_time_unit */
};

/* from_column and from_value have most options in common. */
struct pen_add_time_from {
    char *name;
    int unit, mode;
    struct pen_time_words own, otherwise; /* timezone and default_timezone, ... */
    char *json_key;
    const struct pen_node *value, *from, *to;
};

/* The filter's state. */
struct pen_add_time {
    const struct pen_node *to_node, *column_node, *value_node;
    struct pen_add_time_to to;
    struct pen_add_time_from from;
    struct pen_time_format *format;
    enum pen_type to_type, from_type;
    size_t from_column;             /* SIZE_MAX: from_value; set by plan */
    struct pen_instant first, last; /* fixed: first; incremental: both */
};

/* The option table, and open: binds and checks all that needs no schema (add_time_options.c). */
extern const struct pen_option pen_add_time_options[];
enum pen_code pen_add_time_open(struct pen_filter *filter, struct pen_error *err);

/* pen_add_time_from_epoch - an epoch in a unit as an instant; false when it is out of range.
 * pen_add_time_to_epoch - the reverse: whole units, floor. */
bool pen_add_time_from_epoch(int64_t epoch, int unit, struct pen_instant *ret_instant);
bool pen_add_time_to_epoch(struct pen_instant instant, int unit, int64_t *ret_epoch);

#endif
