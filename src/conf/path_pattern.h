/* path_pattern.h - a Java regular expression that is searched in a key: path_match_pattern, and
 * match_name of archives.
 *
 *     pattern --checked and rewritten--> PCRE2 (JIT) --find--> found anywhere in the key, or not
 *
 * Java's dialect differs from PCRE2's in a few places: what both write alike but mean differently
 * (class unions and intersections, the flag U) is refused with a reason instead of being read
 * wrongly; \uXXXX is rewritten. `.` does not match line ends, `$` matches before a last one.
 * Keys are matched as UTF-8; a key that is not valid UTF-8 is matched byte by byte. */
#ifndef PEN_CONF_PATH_PATTERN_H
#define PEN_CONF_PATH_PATTERN_H

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"

/* The most steps one search may take; a pattern that needs more is "catastrophic". */
#define PEN_PATH_PATTERN_LIMIT 2000000u

struct pen_path_pattern;

/* pen_path_pattern_new - compiles the pattern.
 * errors: PEN_ERR_CONFIG with the reason and the byte index in the pattern; PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_path_pattern_new(struct pen_slice pattern,
                                                struct pen_path_pattern **ret_pattern,
                                                struct pen_error *err);
void pen_path_pattern_free(struct pen_path_pattern *pattern);
PEN_DEFINE_FREE_P(struct pen_path_pattern *, pen_path_pattern_free)

/* pen_path_pattern_find - whether the pattern occurs anywhere in `key`.
 * errors: PEN_ERR_CONFIG when the search passes PEN_PATH_PATTERN_LIMIT (key and limit named).
 * thread: one at a time per pattern.  cost: no allocation. */
PEN_MUST_USE enum pen_code pen_path_pattern_find(struct pen_path_pattern *pattern,
                                                 struct pen_slice key, bool *ret_found,
                                                 struct pen_error *err);

#endif
