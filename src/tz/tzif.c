/* tzif.c - reads TZif files (RFC 8536); every length is checked, the file is not trusted.
 *
 *     header (44 bytes) | times | type indexes | types (6 bytes) | names | leap seconds | flags
 *
 * Version 2 and later repeat the whole with 64-bit times and end with a POSIX rule ("footer"). */
#include "tz/zone_internal.h"

#define HEADER_BYTES 44
#define TYPE_BYTES   6

struct tzif_block {
    uint32_t utc_flags, standard_flags, leaps, times, types, names;
    size_t time_bytes;                          /* 4 or 8 */
    struct pen_slice at, indexes, type_records; /* the parts that matter */
    struct pen_slice name_bytes, rest;          /* rest: behind the block */
};

static uint32_t read_u32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t read_time(const char *p, size_t bytes)
{
    if (bytes == 4)
        return (int32_t)read_u32(p);
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static enum pen_code fail_corrupt(struct pen_error *err, const char *what)
{
    return pen_fail(err, PEN_ERR_CORRUPT, "time zone file: %s", what);
}

static bool take(struct pen_slice *rest, uint64_t len, struct pen_slice *ret)
{
    if (len > rest->len)
        return false;
    *ret = pen_slice(rest->ptr, (size_t)len);
    *rest = pen_slice_skip(*rest, (size_t)len);
    return true;
}

static enum pen_code read_block(struct pen_slice file, size_t time_bytes, struct tzif_block *ret,
                                struct pen_error *err)
{
    struct pen_slice rest = file, header, skipped;
    if (!take(&rest, HEADER_BYTES, &header) || memcmp(header.ptr, "TZif", 4) != 0)
        return fail_corrupt(err, "no TZif header");
    struct tzif_block b = {
        .utc_flags = read_u32(header.ptr + 20),
        .standard_flags = read_u32(header.ptr + 24),
        .leaps = read_u32(header.ptr + 28),
        .times = read_u32(header.ptr + 32),
        .types = read_u32(header.ptr + 36),
        .names = read_u32(header.ptr + 40),
        .time_bytes = time_bytes,
    };
    if (!take(&rest, (uint64_t)b.times * time_bytes, &b.at) || !take(&rest, b.times, &b.indexes) ||
        !take(&rest, (uint64_t)b.types * TYPE_BYTES, &b.type_records) ||
        !take(&rest, b.names, &b.name_bytes) ||
        !take(&rest, (uint64_t)b.leaps * (time_bytes + 4), &skipped) ||
        !take(&rest, b.standard_flags, &skipped) || !take(&rest, b.utc_flags, &skipped))
        return fail_corrupt(err, "truncated");
    if (b.types == 0 || b.names == 0 || b.name_bytes.ptr[b.names - 1] != '\0')
        return fail_corrupt(err, "no types or names");
    b.rest = rest;
    *ret = b;
    return PEN_OK;
}

static enum pen_code add_change(const struct tzif_block *block, int64_t at, uint8_t type,
                                struct pen_zone *zone, struct pen_error *err)
{
    if (type >= block->types)
        return fail_corrupt(err, "type index out of range");
    const char *record = block->type_records.ptr + (size_t)type * TYPE_BYTES;
    int32_t offset = (int32_t)read_u32(record);
    uint8_t name = (uint8_t)record[5];
    if (offset < -26 * 3600 || offset > 26 * 3600 || name >= block->names)
        return fail_corrupt(err, "type out of range");
    if (zone->count > 1 && at < zone->changes[zone->count - 1].at)
        return fail_corrupt(err, "times are not in order");
    pen_zone_add_change(zone, at, offset, name);
    return PEN_OK;
}

static enum pen_code add_changes(const struct tzif_block *block, struct pen_zone *zone,
                                 struct pen_error *err)
{
    if (block->names > sizeof zone->abbreviations / 2)
        return fail_corrupt(err, "too many names");
    memcpy(zone->abbreviations, block->name_bytes.ptr, block->names);
    zone->abbreviations_len = block->names;
    PEN_TRY(pen_zone_reserve(zone, (size_t)block->times + 1, err));
    PEN_TRY(add_change(block, INT64_MIN, 0, zone, err));
    for (uint32_t i = 0; i < block->times; i++) {
        int64_t at = read_time(block->at.ptr + (size_t)i * block->time_bytes, block->time_bytes);
        /* far outside the calendar only "the big bang" of old files: sums must not overflow */
        if (at < -(INT64_C(1) << 59))
            at = -(INT64_C(1) << 59);
        if (at > INT64_C(1) << 59)
            return fail_corrupt(err, "time out of range");
        PEN_TRY(add_change(block, at, (uint8_t)block->indexes.ptr[i], zone, err));
    }
    return PEN_OK;
}

enum pen_code pen_tzif_read(struct pen_slice file, struct pen_zone *zone, struct pen_error *err)
{
    struct tzif_block block;
    PEN_TRY(read_block(file, 4, &block, err));
    if (file.ptr[4] < '2')
        return add_changes(&block, zone, err);
    PEN_TRY(read_block(block.rest, 8, &block, err));
    PEN_TRY(add_changes(&block, zone, err));
    struct pen_slice footer = block.rest;
    if (footer.len < 2 || footer.ptr[0] != '\n' || footer.ptr[footer.len - 1] != '\n')
        return fail_corrupt(err, "no footer");
    return pen_posix_zone_extend(zone, pen_slice(footer.ptr + 1, footer.len - 2), err);
}
