/* time_guess.h - the time format of sample texts.
 *
 *     texts --four patterns--> matches --largest group, merged--> strptime format
 *
 * source: spec/guess.md section 7. No state, any thread. */
#ifndef PEN_GUESS_TIME_GUESS_H
#define PEN_GUESS_TIME_GUESS_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

/* pen_time_guess - one format for all of the values that look like times; empty values and those
 * that are no times are passed over.
 * out:    *ret_found; when true the format ("%Y-%m-%d %H:%M:%S") is appended to ret_format;
 *         *ret_members (may be NULL): how many of the values are written in that form, whichever
 *         of day and month comes first.
 * errors: PEN_ERR_NOMEM, PEN_ERR_TOO_LARGE (ret_format's maximum).
 * cost:   O(values x formats found); one allocation of 128 bytes a value. */
PEN_MUST_USE enum pen_code pen_time_guess(const struct pen_slice *values, size_t count,
                                          struct pen_buf *ret_format, size_t *ret_members,
                                          bool *ret_found, struct pen_error *err);

/* pen_time_guess_is_time - would pen_time_guess find a format in this value alone? No allocation;
 * values that do not begin like a time are refused after a character or two. */
bool pen_time_guess_is_time(struct pen_slice value);

#endif
