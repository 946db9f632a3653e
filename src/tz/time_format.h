/* time_format.h - time formats compiled once, used per value without allocation.
 *
 *     "%Y-%m-%d %H:%M:%S" + zone + date --compile--> struct pen_time_format --parse--> instant
 *
 * Three dialects (spec/parsers.md 6.1): "java:..." DateTimeFormatter patterns, "ruby:..." strptime
 * with the new resolver, anything else strptime with the legacy resolver. */
#ifndef PEN_TZ_TIME_FORMAT_H
#define PEN_TZ_TIME_FORMAT_H

#include "base/buf.h"
#include "base/civil.h"
#include "base/error.h"
#include "base/slice.h"

struct pen_time_format;

/* pen_time_format_new - compiles a format.
 * in:     timezone: default zone ("UTC" when NULL), for ruby: and java: UTC or an offset;
 *         date: default date "1970-01-01" when NULL, without effect for ruby: and java:.
 * errors: PEN_ERR_CONFIG (bad zone, bad date, bad java pattern), PEN_ERR_NOMEM.
 * thread: the result is immutable; any number of threads may use it at once. */
PEN_MUST_USE enum pen_code pen_time_format_new(const char *format, const char *timezone,
                                               const char *date,
                                               struct pen_time_format **ret_format,
                                               struct pen_error *err);
void pen_time_format_free(struct pen_time_format *format);
PEN_DEFINE_FREE_P(struct pen_time_format *, pen_time_format_free)

/* pen_time_format_parse - one value. out: *ret_instant only on true; on false *ret_index (may be
 * NULL) is the index in characters where the text stopped making sense.
 * cost: the %Y-%m-%d %H:%M:%S family under 30 ns, no allocation. */
bool pen_time_format_parse(const struct pen_time_format *format, struct pen_slice text,
                           struct pen_instant *ret_instant, size_t *ret_index);

/* pen_time_format_reason - the text for a rejected value, in the words of the specification
 * (Text '...' could not be parsed at index N / Invalid time zone ID '...' / ...), appended. */
PEN_MUST_USE enum pen_code pen_time_format_reason(const struct pen_time_format *format,
                                                  struct pen_slice text, struct pen_buf *into,
                                                  struct pen_error *err);

/* pen_time_format_print - strftime as Ruby does it (spec/parsers.md 6.7), or the java: pattern, in
 * the format's zone; appends to `into`. */
PEN_MUST_USE enum pen_code pen_time_format_print(const struct pen_time_format *format,
                                                 struct pen_instant instant, struct pen_buf *into,
                                                 struct pen_error *err);

#endif
