/* zone_name.h - what a zone is called: in configurations, and in the values themselves.
 * The order in which names are tried is docs/formats/time.md, "Zones". No allocation, any thread.
 */
#ifndef PEN_TZ_ZONE_NAME_H
#define PEN_TZ_ZONE_NAME_H

#include "tz/zone.h"

/* pen_zone_from_option - the zone of a `timezone` option (strptime formats): every name of
 * pen_zone_from_text, and any IANA name.
 * errors: PEN_ERR_CONFIG "Invalid time zone ID '<name>'"; as pen_zone_load. */
PEN_MUST_USE enum pen_code
pen_zone_from_option(struct pen_slice name, struct pen_zone_ref *ret_zone, struct pen_error *err);

/* pen_zone_from_fixed_option - the zone of a `timezone` option of ruby: and java: formats: UTC, Z
 * or an offset. errors: PEN_ERR_CONFIG. */
PEN_MUST_USE enum pen_code pen_zone_from_fixed_option(struct pen_slice name,
                                                      struct pen_zone_ref *ret_zone,
                                                      struct pen_error *err);

/* pen_zone_from_text - the zone of a name found in a value, legacy rules: Z, American aliases, Java
 * zone ids without a slash, offsets, the Ruby names and offsets. false: there is no such zone.
 * cost: offsets ~5 ns, names ~50 ns; reads one file when a name like CET is met the first time. */
bool pen_zone_from_text(struct pen_slice name, struct pen_zone_ref *ret_zone);

/* pen_zone_from_text_ruby - the offset of a name found in a value, rules of `ruby:` formats.
 * false: the name means nothing, so the default offset is used. */
bool pen_zone_from_text_ruby(struct pen_slice name, int32_t *ret_offset_seconds);

/* pen_zone_is_offset_shape - +hh, +hhmm, +hh:mm, +hhmmss or +hh:mm:ss with any digits. */
bool pen_zone_is_offset_shape(struct pen_slice text);

/* pen_zone_parse_offset - a Java offset: Z, +h, +hh, +hhmm, +hh:mm, +hhmmss, +hh:mm:ss within +-18
 * h. The whole text must be one. */
bool pen_zone_parse_offset(struct pen_slice text, int32_t *ret_offset_seconds);

#endif
