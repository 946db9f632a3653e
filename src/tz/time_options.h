/* time_options.h - time formats out of a configuration, with the place in errors. */
#ifndef PEN_TZ_TIME_OPTIONS_H
#define PEN_TZ_TIME_OPTIONS_H

#include "conf/options.h"
#include "tz/time_format.h"

/* What a time format is made of; NULL: not said. */
struct pen_time_words {
    const char *format, *timezone, *date;
};

/* pen_time_words_or - each word of `own`, else that of `otherwise`. */
static inline struct pen_time_words pen_time_words_or(struct pen_time_words own,
                                                      struct pen_time_words otherwise)
{
    return (struct pen_time_words){
        .format = own.format != NULL ? own.format : otherwise.format,
        .timezone = own.timezone != NULL ? own.timezone : otherwise.timezone,
        .date = own.date != NULL ? own.date : otherwise.date,
    };
}

/* pen_time_words_compile - pen_time_format_new with the node's place in its errors.
 * in: column: named in the error; NULL: none. */
PEN_MUST_USE enum pen_code pen_time_words_compile(struct pen_time_words words, const char *column,
                                                  const struct pen_node *node,
                                                  const struct pen_bind *bind,
                                                  struct pen_time_format **ret_format,
                                                  struct pen_error *err);

#endif
