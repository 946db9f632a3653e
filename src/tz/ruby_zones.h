/* ruby_zones.h - the zone names that Ruby's strptime knows: upper case, inner blanks collapsed,
 * without " STANDARD TIME", " DAYLIGHT TIME" or " DST"; sorted by name in byte order. */
#ifndef PEN_TZ_RUBY_ZONES_H
#define PEN_TZ_RUBY_ZONES_H

#include <stddef.h>
#include <stdint.h>

struct pen_ruby_zone {
    const char *name;
    int32_t offset_seconds;
    uint32_t len; /* of the name */
};

extern const struct pen_ruby_zone pen_ruby_zones[];
extern const size_t pen_ruby_zone_count;

#endif
