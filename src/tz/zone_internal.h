/* zone_internal.h - the table of a region, for the files of this folder that fill it. */
#ifndef PEN_TZ_ZONE_INTERNAL_H
#define PEN_TZ_ZONE_INTERNAL_H

#include "base/buf.h"
#include "tz/zone.h"

#define PEN_ZONE_CYCLE_YEARS   400
#define PEN_ZONE_CYCLE_SECONDS (INT64_C(146097) * 86400)
#define PEN_ZONE_MAX_NAMES     512 /* bytes of abbreviations, with their NULs */

#define PEN_ZONE_NEARBY_SHIFT  23
#define PEN_ZONE_NEARBY_COUNT  512

struct pen_zone_change {
    int64_t at;       /* UTC second from which it holds */
    int64_t local_at; /* the clock reading from which it holds, gaps and overlaps considered */
    int32_t offset_seconds;
    uint16_t abbreviation; /* index into pen_zone.abbreviations */
};

struct pen_zone {
    struct pen_zone *next; /* in the process's list */
    char *name;
    struct pen_zone_change *changes; /* ascending; changes[0] holds from the beginning of time */
    size_t count, cap;
    char abbreviations[PEN_ZONE_MAX_NAMES];
    size_t abbreviations_len;
    /* for readings from 1970 to 2106: the change that holds at the start of each 97 days */
    uint16_t nearby[PEN_ZONE_NEARBY_COUNT];
    bool is_cyclic; /* the last 400 years of the table repeat for ever */
};

/* pen_zone_add_change - appends a change; `at` must not be before the last one's. The caller made
 * room. Changes at the same second replace each other. */
void pen_zone_add_change(struct pen_zone *zone, int64_t at, int32_t offset_seconds,
                         uint16_t abbreviation);

/* pen_zone_reserve - room for that many changes in all. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_zone_reserve(struct pen_zone *zone, size_t count,
                                            struct pen_error *err);

/* pen_zone_add_abbreviation - false when the names no longer fit. */
bool pen_zone_add_abbreviation(struct pen_zone *zone, struct pen_slice name, uint16_t *ret_index);

/* pen_tzif_read - fills an empty zone from the bytes of a TZif file (RFC 8536, any version).
 * errors: PEN_ERR_CORRUPT, PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_tzif_read(struct pen_slice file, struct pen_zone *zone,
                                         struct pen_error *err);

/* pen_posix_zone_extend - adds what the footer of a TZif file says about the time after its last
 * change: "EST5EDT,M3.2.0,M11.1.0". An empty footer adds nothing.
 * errors: PEN_ERR_CORRUPT, PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_posix_zone_extend(struct pen_zone *zone, struct pen_slice footer,
                                                 struct pen_error *err);

#endif
