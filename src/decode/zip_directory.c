/* zip_directory.c - the directory at the end of an archive.
 *
 *     end record --(its form for large archives)--> place of the directory --> entries --checks-->
 *
 * Nothing of it is believed: counts, sizes and places are checked against the object's size, and
 * entries may not overlap, which is how small archives unfold into endless data. */
#include "decode/zip.h"

#include <stdlib.h>

#define END_BYTES       ((size_t)22)
#define LOCATOR_BYTES   ((size_t)20)
#define END64_BYTES     ((size_t)56)
#define HEADER_BYTES    ((size_t)46)
#define COMMENT_MAX     ((size_t)65535)
#define DIRECTORY_MAX   ((uint64_t)64 << 20)
#define NAMES_MAX       ((size_t)256 << 20)
#define SIGNATURE_BYTES 4

struct place {
    uint64_t offset, bytes, count;
    uint64_t end; /* the directory may reach up to here */
};

static bool has_signature(const uint8_t *p, const char *signature)
{
    return memcmp(p, signature, SIGNATURE_BYTES) == 0;
}

/* --- where it is ------------------------------------------------------------------------------ */

static enum pen_code fail_not_zip(const struct pen_zip_file *file, struct pen_error *err)
{
    uint8_t head[16];
    size_t len = file->size_bytes < sizeof head ? (size_t)file->size_bytes : sizeof head;
    if (len > 0)
        PEN_TRY(file->read_at(file->context, 0, head, len, err));
    if (len >= 4 && has_signature(head, "PK\3\4")) {
        (void)pen_zip_fail(file->size_bytes, err, "no directory at the end of the archive");
        pen_error_hint(err, "the object was cut, or bytes were added behind the archive");
        return PEN_ERR_CORRUPT;
    }
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in zip format: the bytes look like %s",
                   pen_decode_looks_like(pen_slice(head, len)));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

static enum pen_code fail_split(uint64_t at, struct pen_error *err)
{
    return pen_zip_fail(at, err, "the archive is split over several files");
}

/* Bytes in front of an archive change what its places mean: the directory must end where the end
 * record begins. */
static enum pen_code fail_behind(uint64_t at, struct pen_error *err)
{
    (void)pen_zip_fail(at, err, "the directory does not end where its end record begins");
    pen_error_hint(err, "bytes were put in front of the archive, or archives one behind another");
    return PEN_ERR_CORRUPT;
}

/* The form for large archives; its place is told by a locator in front of the end record. */
static enum pen_code read_end64(const struct pen_zip_file *file, const uint8_t *locator,
                                uint64_t locator_at, struct place *place, struct pen_error *err)
{
    uint8_t end[END64_BYTES];
    uint64_t at = pen_zip_u64(locator + 8);
    if (locator_at < END64_BYTES || at > locator_at - END64_BYTES)
        return pen_zip_fail(locator_at, err, "the end record's place is out of range");
    PEN_TRY(file->read_at(file->context, at, end, sizeof end, err));
    if (!has_signature(end, "PK\6\6"))
        return pen_zip_fail(at, err, "no end record for large archives");
    if (pen_zip_u64(end + 4) != locator_at - at - 12) /* its length, but for the first 12 bytes */
        return fail_behind(locator_at, err);
    place->count = pen_zip_u64(end + 32);
    place->bytes = pen_zip_u64(end + 40);
    place->offset = pen_zip_u64(end + 48);
    place->end = at;
    bool is_split = pen_zip_u32(end + 16) != 0 || pen_zip_u32(end + 20) != 0 ||
                    pen_zip_u64(end + 24) != place->count;
    return is_split ? fail_split(at, err) : PEN_OK;
}

/* tail: the object's last bytes; end: where in it the end record is. */
static enum pen_code read_end(const struct pen_zip_file *file, const uint8_t *tail, size_t end,
                              uint64_t tail_at, struct place *place, struct pen_error *err)
{
    const uint8_t *record = tail + end;
    *place = (struct place){.count = pen_zip_u16(record + 10),
                            .bytes = pen_zip_u32(record + 12),
                            .offset = pen_zip_u32(record + 16),
                            .end = tail_at + end};
    if (end >= LOCATOR_BYTES && has_signature(record - LOCATOR_BYTES, "PK\6\7"))
        return read_end64(file, record - LOCATOR_BYTES, place->end - LOCATOR_BYTES, place, err);
    bool is_split = pen_zip_u16(record + 4) != 0 || pen_zip_u16(record + 6) != 0 ||
                    pen_zip_u16(record + 8) != place->count;
    return is_split ? fail_split(place->end, err) : PEN_OK;
}

/* The last end record whose comment fills the rest of the object. */
static bool find_end(const uint8_t *tail, size_t len, size_t *ret_end)
{
    for (size_t at = len - END_BYTES + 1; at-- > 0;)
        if (has_signature(tail + at, "PK\5\6") &&
            pen_zip_u16(tail + at + 20) == len - at - END_BYTES) {
            *ret_end = at;
            return true;
        }
    return false;
}

static enum pen_code find_directory(const struct pen_zip_file *file, struct place *place,
                                    struct pen_error *err)
{
    size_t len = LOCATOR_BYTES + END_BYTES + COMMENT_MAX;
    len = file->size_bytes < len ? (size_t)file->size_bytes : len;
    if (len < END_BYTES)
        return fail_not_zip(file, err);
    PEN_CLEANUP(pen_free_p) uint8_t *tail = malloc(len);
    if (tail == NULL)
        return pen_fail_nomem(err);
    uint64_t tail_at = file->size_bytes - len;
    size_t end = 0;
    PEN_TRY(file->read_at(file->context, tail_at, tail, len, err));
    if (!find_end(tail, len, &end))
        return fail_not_zip(file, err);
    PEN_TRY(read_end(file, tail, end, tail_at, place, err));
    if (place->offset > place->end || place->bytes > place->end - place->offset)
        return pen_zip_fail(place->end, err, "the directory's place is out of range");
    return place->bytes == place->end - place->offset ? PEN_OK : fail_behind(place->end, err);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The fixed part of a header, then name, extra fields, comment; all in `rest`. */
static enum pen_code read_entry(struct pen_zip_directory *directory, struct pen_slice *rest,
                                uint64_t at, struct pen_error *err)
{
    const uint8_t *header = (const uint8_t *)rest->ptr;
    if (rest->len < HEADER_BYTES || !has_signature(header, "PK\1\2"))
        return pen_zip_fail(at, err, "no entry in the directory");
    size_t name_len = pen_zip_u16(header + 28), extra_len = pen_zip_u16(header + 30);
    size_t len = HEADER_BYTES + name_len + extra_len + pen_zip_u16(header + 32);
    if (len > rest->len)
        return pen_zip_fail(at, err, "an entry reaches over the directory's end");
    struct pen_zip_entry *entry = &directory->entries[directory->count];
    *entry = (struct pen_zip_entry){.method = pen_zip_u16(header + 10),
                                    .crc = pen_zip_u32(header + 16),
                                    .stored_bytes = pen_zip_u32(header + 20),
                                    .plain_bytes = pen_zip_u32(header + 24),
                                    .offset = pen_zip_u32(header + 42)};
    uint16_t flags = pen_zip_u16(header + 8);
    pen_zip_set_flags(entry, flags);
    entry->has_descriptor = false; /* the directory has the sizes */
    PEN_TRY(pen_zip_name(pen_slice(header + HEADER_BYTES, name_len), flags, &directory->names,
                         &entry->name, err));
    struct pen_slice extra = pen_slice(header + HEADER_BYTES + name_len, extra_len);
    if (!pen_zip_sizes64(extra, &entry->plain_bytes, &entry->stored_bytes, &entry->offset))
        return pen_zip_fail(at, err, "the large sizes of '%.80s' are missing", entry->name);
    uint64_t room = directory->offset;
    if (room < PEN_ZIP_LOCAL_BYTES || entry->offset > room - PEN_ZIP_LOCAL_BYTES ||
        entry->stored_bytes > room - PEN_ZIP_LOCAL_BYTES - entry->offset)
        return pen_zip_fail(at, err, "the place of '%.80s' is out of range", entry->name);
    directory->count++;
    *rest = pen_slice_skip(*rest, len);
    return PEN_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct pen_zip_entry *const *left = a, *const *right = b;
    return ((*left)->offset > (*right)->offset) - ((*left)->offset < (*right)->offset);
}

static enum pen_code check_overlaps(const struct pen_zip_directory *directory,
                                    struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p)
    const struct pen_zip_entry **order = calloc(directory->count + 1, sizeof *order);
    if (order == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < directory->count; i++)
        order[i] = &directory->entries[i];
    qsort(order, directory->count, sizeof *order, compare_places);
    for (size_t i = 1; i < directory->count; i++) {
        uint64_t end = order[i - 1]->offset + PEN_ZIP_LOCAL_BYTES + order[i - 1]->stored_bytes;
        if (end > order[i]->offset)
            return pen_zip_fail(order[i]->offset, err, "'%.60s' and '%.60s' overlap",
                                order[i - 1]->name, order[i]->name);
    }
    return PEN_OK;
}

static enum pen_code check_size(const struct place *place, uint64_t most, struct pen_error *err)
{
    if (place->count > most) {
        (void)pen_fail(err, PEN_ERR_TOO_LARGE, "zip: %llu entries, more than max_entries (%llu)",
                       (unsigned long long)place->count, (unsigned long long)most);
        pen_error_hint(err, "set max_entries of the decoder when the archive is trusted");
        return PEN_ERR_TOO_LARGE;
    }
    if (place->bytes > DIRECTORY_MAX)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "zip: a directory of %llu bytes, at most %llu",
                        (unsigned long long)place->bytes, (unsigned long long)DIRECTORY_MAX);
    if (place->count > place->bytes / HEADER_BYTES)
        return pen_zip_fail(place->offset, err, "the directory is too small for its %llu entries",
                            (unsigned long long)place->count);
    return PEN_OK;
}

static enum pen_code read_entries(const struct pen_zip_file *file, const struct place *place,
                                  struct pen_zip_directory *directory, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) uint8_t *bytes = calloc(1, (size_t)place->bytes + 1);
    directory->entries = calloc((size_t)place->count + 1, sizeof *directory->entries);
    if (bytes == NULL || directory->entries == NULL)
        return pen_fail_nomem(err);
    if (place->bytes > 0)
        PEN_TRY(file->read_at(file->context, place->offset, bytes, (size_t)place->bytes, err));
    struct pen_slice rest = pen_slice(bytes, (size_t)place->bytes);
    while (directory->count < place->count)
        PEN_TRY(read_entry(directory, &rest, place->offset + (place->bytes - rest.len), err));
    if (rest.len > 0 && !pen_slice_starts(rest, PEN_LIT("PK\5\5"))) /* a signature may follow */
        return pen_zip_fail(place->offset + (place->bytes - rest.len), err,
                            "the directory has more than the %llu entries it tells of",
                            (unsigned long long)place->count);
    return check_overlaps(directory, err);
}

enum pen_code pen_zip_directory_read(const struct pen_zip_file *file, uint64_t most,
                                     struct pen_zip_directory *ret_directory, struct pen_error *err)
{
    struct place place = {0};
    PEN_TRY(find_directory(file, &place, err));
    PEN_TRY(check_size(&place, most, err));
    struct pen_zip_directory directory = {.names = PEN_ARENA(NAMES_MAX), .offset = place.offset};
    enum pen_code code = read_entries(file, &place, &directory, err);
    if (code != PEN_OK)
        pen_zip_directory_release(&directory);
    else
        *ret_directory = directory;
    return code;
}

void pen_zip_directory_release(struct pen_zip_directory *directory)
{
    free(directory->entries);
    pen_arena_release(&directory->names);
    *directory = (struct pen_zip_directory){0};
}

enum pen_code pen_zip_local_check(const struct pen_zip_entry *entry, const uint8_t *header,
                                  uint64_t *ret_skip, struct pen_error *err)
{
    if (!has_signature(header, "PK\3\4"))
        return pen_zip_fail(entry->offset, err, "no entry where the directory says");
    struct pen_zip_entry local = {0};
    pen_zip_set_flags(&local, pen_zip_u16(header + 6));
    if (local.is_encrypted != entry->is_encrypted || pen_zip_u16(header + 8) != entry->method)
        return pen_zip_fail(entry->offset, err, "the entry is not what the directory says");
    *ret_skip = PEN_ZIP_LOCAL_BYTES + (uint64_t)pen_zip_u16(header + 26) + pen_zip_u16(header + 28);
    return PEN_OK;
}
