#include "tz/zone.h"

#include "tz/zone_internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ZONE_FILE_MAX ((size_t)1 << 20)
#define ZONE_NAME_MAX 64

/* Every region read so far, newest first. Entries are only ever added, so readers need no lock. */
static _Atomic(struct pen_zone *) known_zones;

void pen_zone_free(struct pen_zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->name);
    free(zone->changes);
    free(zone);
}

PEN_DEFINE_FREE_P(struct pen_zone *, pen_zone_free)

const char *pen_zone_name(const struct pen_zone *zone)
{
    return zone->name;
}

enum pen_code pen_zone_reserve(struct pen_zone *zone, size_t count, struct pen_error *err)
{
    if (count <= zone->cap)
        return PEN_OK;
    struct pen_zone_change *changes = realloc(zone->changes, count * sizeof *changes);
    if (changes == NULL)
        return pen_fail_nomem(err);
    zone->changes = changes;
    zone->cap = count;
    return PEN_OK;
}

void pen_zone_add_change(struct pen_zone *zone, int64_t at, int32_t offset_seconds,
                         uint16_t abbreviation)
{
    assert(zone->changes != NULL && zone->count < zone->cap);
    struct pen_zone_change *last = zone->count == 0 ? NULL : &zone->changes[zone->count - 1];
    if (last != NULL && last->at == at && zone->count > 1) {
        zone->count--;
        last--;
    }
    int64_t local_at = INT64_MIN;
    if (last != NULL) {
        int32_t before = last->offset_seconds;
        local_at = at + (before > offset_seconds ? before : offset_seconds);
        if (local_at < last->local_at)
            local_at = last->local_at; /* changes closer than their jumps: keep the order */
    }
    zone->changes[zone->count++] =
        (struct pen_zone_change){at, local_at, offset_seconds, abbreviation};
}

bool pen_zone_add_abbreviation(struct pen_zone *zone, struct pen_slice name, uint16_t *ret_index)
{
    if (name.len >= sizeof zone->abbreviations - zone->abbreviations_len)
        return false;
    *ret_index = (uint16_t)zone->abbreviations_len;
    if (name.len > 0)
        memcpy(zone->abbreviations + zone->abbreviations_len, name.ptr, name.len);
    zone->abbreviations_len += name.len;
    zone->abbreviations[zone->abbreviations_len++] = '\0';
    return true;
}

/* Times past the table are moved back by whole cycles of the calendar into its last 400 years. */
static int64_t into_table(const struct pen_zone *zone, int64_t seconds, int64_t table_end)
{
    if (!zone->is_cyclic || seconds < table_end)
        return seconds;
    int64_t cycles = (seconds - table_end) / PEN_ZONE_CYCLE_SECONDS + 1;
    return seconds - cycles * PEN_ZONE_CYCLE_SECONDS;
}

static size_t find_local(const struct pen_zone *zone, int64_t seconds)
{
    const struct pen_zone_change *changes = zone->changes;
    size_t low = 0, len = zone->count;
    while (len > 1) { /* changes[low] holds at `seconds` or earlier; no branch to mispredict */
        size_t half = len / 2;
        low += changes[low + half].local_at <= seconds ? half : 0;
        len -= half;
    }
    return low;
}

static void fill_nearby(struct pen_zone *zone)
{
    for (size_t i = 0; i < PEN_ZONE_NEARBY_COUNT; i++)
        zone->nearby[i] = (uint16_t)find_local(zone, (int64_t)i << PEN_ZONE_NEARBY_SHIFT);
}

int32_t pen_zone_offset_at_local(const struct pen_zone *zone, int64_t local_seconds)
{
    const struct pen_zone_change *changes = zone->changes;
    uint64_t place = (uint64_t)local_seconds >> PEN_ZONE_NEARBY_SHIFT;
    if (place < PEN_ZONE_NEARBY_COUNT) { /* the usual times: no search */
        size_t i = zone->nearby[place];
        while (i + 1 < zone->count && changes[i + 1].local_at <= local_seconds)
            i++;
        return changes[i].offset_seconds;
    }
    int64_t seconds = into_table(zone, local_seconds, changes[zone->count - 1].local_at);
    return changes[find_local(zone, seconds)].offset_seconds;
}

static size_t find_utc(const struct pen_zone *zone, int64_t seconds)
{
    const struct pen_zone_change *changes = zone->changes;
    size_t low = 0, len = zone->count;
    while (len > 1) {
        size_t half = len / 2;
        low += changes[low + half].at <= seconds ? half : 0;
        len -= half;
    }
    return low;
}

int32_t pen_zone_offset_at(const struct pen_zone *zone, int64_t utc_seconds,
                           const char **ret_abbreviation)
{
    const struct pen_zone_change *changes = zone->changes;
    int64_t seconds = into_table(zone, utc_seconds, changes[zone->count - 1].at);
    const struct pen_zone_change *change = &changes[find_utc(zone, seconds)];
    if (ret_abbreviation != NULL)
        *ret_abbreviation = zone->abbreviations + change->abbreviation;
    return change->offset_seconds;
}

int64_t pen_zone_next_change(const struct pen_zone *zone, int64_t utc_seconds)
{
    const struct pen_zone_change *changes = zone->changes;
    int64_t seconds = into_table(zone, utc_seconds, changes[zone->count - 1].at);
    size_t next = find_utc(zone, seconds) + 1;
    return next < zone->count ? changes[next].at + (utc_seconds - seconds) : INT64_MAX;
}

static enum pen_code fail_unknown(struct pen_slice name, struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_CONFIG, "Invalid time zone ID '%.*s'",
                    (int)(name.len < 128 ? name.len : 128), name.ptr == NULL ? "" : name.ptr);
}

/* Names are file names below the folder: letters first, no empty, hidden or parent component, and
 * none of the folder's entries that are not zones (or count leap seconds). */
static bool is_zone_name(struct pen_slice name)
{
    static const char *const excluded[] = {"Factory", "localtime", "posixrules"};
    if (name.len < 2 || name.len > ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool is_first = i == 0 || name.ptr[i - 1] == '/';
        if (is_first ? !is_letter
                     : !is_letter && !(c >= '0' && c <= '9') && strchr("/~._+-", c) == NULL)
            return false;
        if (c == '\0' || (c == '.' && name.ptr[i - 1] == '.'))
            return false;
    }
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++) {
        if (pen_slice_is(name, excluded[i]))
            return false;
    }
    return !pen_slice_starts(name, PEN_LIT("posix/")) && !pen_slice_starts(name, PEN_LIT("right/"));
}

enum pen_code pen_zone_read(const char *folder, struct pen_slice name, struct pen_zone **ret_zone,
                            struct pen_error *err)
{
    if (!is_zone_name(name))
        return fail_unknown(name, err);
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(4096);
    PEN_TRY(pen_buf_addf(&path, err, "%s/%.*s", folder, PEN_ARG(name)));
    PEN_CLEANUP(pen_buf_release) struct pen_buf file = PEN_BUF(ZONE_FILE_MAX);
    if (pen_buf_read_file(&file, path.ptr, NULL) != PEN_OK || file.len < 4 ||
        memcmp(file.ptr, "TZif", 4) != 0) {
        enum pen_code code = fail_unknown(name, err);
        pen_error_hint(err, "zones are read from '%s' (package tzdata, or set TZDIR)", folder);
        return code;
    }
    PEN_CLEANUP(pen_zone_free_p) struct pen_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL || (zone->name = strndup(name.ptr, name.len)) == NULL)
        return pen_fail_nomem(err);
    enum pen_code code = pen_tzif_read(pen_buf_slice(&file), zone, err);
    if (code != PEN_OK) {
        pen_error_where(err, "%s", path.ptr);
        return code;
    }
    if (zone->count > UINT16_MAX)
        return pen_fail(err, PEN_ERR_CORRUPT, "time zone file: too many changes");
    fill_nearby(zone);
    *ret_zone = PEN_TAKE(zone);
    return PEN_OK;
}

static const struct pen_zone *find_known(struct pen_slice name)
{
    for (const struct pen_zone *z = atomic_load(&known_zones); z != NULL; z = z->next) {
        if (pen_slice_is(name, z->name))
            return z;
    }
    return NULL;
}

enum pen_code pen_zone_load(struct pen_slice name, const struct pen_zone **ret_zone,
                            struct pen_error *err)
{
    const struct pen_zone *known = find_known(name);
    if (known == NULL) {
        const char *folder = getenv("TZDIR");
        struct pen_zone *zone = NULL;
        PEN_TRY(pen_zone_read(folder == NULL || *folder == '\0' ? "/usr/share/zoneinfo" : folder,
                              name, &zone, err));
        /* two threads may both add the same zone: both copies are right and live for ever */
        zone->next = atomic_load(&known_zones);
        while (!atomic_compare_exchange_weak(&known_zones, &zone->next, zone)) {
        }
        known = zone;
    }
    *ret_zone = known;
    return PEN_OK;
}
