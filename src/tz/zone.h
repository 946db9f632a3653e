/* zone.h - time zones: fixed offsets, and regions of the IANA time zone database.
 *
 *     TZif file --read--> transitions (+ 400 years of the footer's rule) --> offset at a time
 *
 * The files come from TZDIR, else /usr/share/zoneinfo (package tzdata). A zone is read once per
 * process and never changes afterwards. The machine's own zone (TZ, /etc/localtime) is never used.
 * thread: any; zones are immutable and live until the process ends. */
#ifndef PEN_TZ_ZONE_H
#define PEN_TZ_ZONE_H

#include "base/error.h"
#include "base/slice.h"

struct pen_zone; /* a region: its offset depends on the time */

/* A zone as a value: a region, or a fixed offset when region is NULL. */
struct pen_zone_ref {
    const struct pen_zone *region;
    int32_t offset_seconds; /* east of UTC; within +-18 h */
};

#define PEN_ZONE_MAX_OFFSET (18 * 3600)

/* pen_zone_load - the region of an IANA name ("Asia/Tokyo", "CET"); case-sensitive.
 * out:    *ret_zone is borrowed, for ever.
 * errors: PEN_ERR_CONFIG "Invalid time zone ID '...'" for a name that is none (also every name that
 *         tries to leave the folder); PEN_ERR_CORRUPT a file that is no TZif; PEN_ERR_NOMEM.
 * cost:   one small file at the first use of a name, a list walk afterwards. */
PEN_MUST_USE enum pen_code pen_zone_load(struct pen_slice name, const struct pen_zone **ret_zone,
                                         struct pen_error *err);

/* pen_zone_read - as pen_zone_load from an explicit folder and without the memory of earlier reads;
 * the caller frees the zone. For tests. */
PEN_MUST_USE enum pen_code pen_zone_read(const char *folder, struct pen_slice name,
                                         struct pen_zone **ret_zone, struct pen_error *err);
void pen_zone_free(struct pen_zone *zone);

/* pen_zone_name - the name it was loaded by; borrowed from the zone. */
const char *pen_zone_name(const struct pen_zone *zone);

/* pen_zone_offset_at_local - seconds east of UTC for a clock reading (seconds since 1970-01-01
 * 00:00:00 on the zone's clock). A reading that a gap skips takes the offset before the gap (so the
 * time moves forward by the gap); one that happens twice takes the earlier offset (summer time).
 * cost: O(log transitions). */
int32_t pen_zone_offset_at_local(const struct pen_zone *zone, int64_t local_seconds);

/* pen_zone_offset_at - seconds east of UTC at an instant; *ret_abbreviation (may be NULL) becomes
 * the zone's short name at that time ("CEST"), borrowed from the zone. */
int32_t pen_zone_offset_at(const struct pen_zone *zone, int64_t utc_seconds,
                           const char **ret_abbreviation);

/* pen_zone_next_change - the first instant after `utc_seconds` from which another entry of the
 * zone's table holds (its offset may be the same); INT64_MAX when there is none.
 * cost: O(log transitions). */
int64_t pen_zone_next_change(const struct pen_zone *zone, int64_t utc_seconds);

/* pen_zone_ref_utc - UTC seconds of a clock reading in a zone. */
static inline int64_t pen_zone_ref_utc(struct pen_zone_ref zone, int64_t local_seconds)
{
    return local_seconds - (zone.region == NULL
                                ? zone.offset_seconds
                                : pen_zone_offset_at_local(zone.region, local_seconds));
}

#endif
