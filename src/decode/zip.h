/* zip.h - archives: many files in one object, each a logical file of its own.
 *
 *     object's tail --directory--> entries --choose--> those wanted, in the directory's order
 *     stored bytes of one entry --zip_body.c--> plain bytes
 *
 * An archive is read by its directory, which stands at the end: run/archive.c does that, since only
 * it can ask for any part of an object. As a decoder of a stream (`step`) zip gives the text of the
 * first entry that is wanted: that is what guess and preview need of the head of an object. */
#ifndef PEN_DECODE_ZIP_H
#define PEN_DECODE_ZIP_H

#include "base/arena.h"
#include "decode/decode.h"

#include <isa-l/igzip_lib.h>

struct pen_zip_entry {
    const char *name;                   /* UTF-8, as messages print it */
    uint64_t offset;                    /* of the local header */
    uint64_t stored_bytes, plain_bytes; /* 0 and unknown in a stream, when has_descriptor */
    uint32_t crc;
    uint16_t method;
    bool is_encrypted, has_descriptor;
};

struct pen_zip_directory {
    struct pen_zip_entry *entries;
    size_t count;
    uint64_t offset;        /* of the directory: entries end before it */
    struct pen_arena names; /* owns the entries' names */
};

/* Any part of the stored object. */
struct pen_zip_file {
    enum pen_code (*read_at)(void *context, uint64_t offset, void *buf, size_t len,
                             struct pen_error *err);
    void *context;
    uint64_t size_bytes;
};

/* pen_zip_directory_read - all entries, checked: each lies in front of the directory, none overlaps
 * another.
 * errors: PEN_ERR_CORRUPT no archive (says what the bytes look like), a damaged or hostile one, one
 *         of several files; PEN_ERR_TOO_LARGE more than `most` entries, or 64 MiB of directory.
 * cost: two or three reads; O(n log n). */
PEN_MUST_USE enum pen_code pen_zip_directory_read(const struct pen_zip_file *file, uint64_t most,
                                                  struct pen_zip_directory *ret_directory,
                                                  struct pen_error *err);
void pen_zip_directory_release(struct pen_zip_directory *directory);

/* The fixed part of a local header. Name and extra fields follow, then the data. */
#define PEN_ZIP_LOCAL_BYTES 30

/* pen_zip_local_check - that the local header is the entry's.
 * out: *ret_skip: bytes from the header's start to the data. errors: PEN_ERR_CORRUPT. */
PEN_MUST_USE enum pen_code pen_zip_local_check(const struct pen_zip_entry *entry,
                                               const uint8_t *header, uint64_t *ret_skip,
                                               struct pen_error *err);

/* --- choosing; `zip` is an opened decoder of type pen_decode_zip --------------------------------
 */

/* pen_zip_wants - false for folders, empty files, what macOS adds (__MACOSX/), and names that
 * match_name does not match as a whole.
 * errors: for a wanted entry that cannot be read: encrypted, unknown method (PEN_ERR_CORRUPT), or
 *         more than max_ratio times as large as its stored bytes (PEN_ERR_TOO_LARGE); match_name
 *         takes too many steps (PEN_ERR_CONFIG). thread: one at a time per decoder. */
PEN_MUST_USE enum pen_code pen_zip_wants(struct pen_decode *zip, const struct pen_zip_entry *entry,
                                         bool *ret_wanted, struct pen_error *err);
uint64_t pen_zip_max_entries(const struct pen_decode *zip);
/* pen_zip_match_name - NULL when there is none. */
const char *pen_zip_match_name(const struct pen_decode *zip);

/* --- the data of one entry ----------------------------------------------------------------------
 */

#define PEN_ZIP_STORED  0
#define PEN_ZIP_DEFLATE 8

struct pen_zip_body {
    struct pen_zip_entry entry;
    uint64_t at; /* of the next stored byte in the object */
    uint64_t used, made;
    uint32_t crc;
    char behind[8]; /* bytes behind the data that were taken, when a stream has_descriptor */
    size_t behind_len;
    struct inflate_state inflate;
};

void pen_zip_body_init(struct pen_zip_body *body, const struct pen_zip_entry *entry, uint64_t at);

/* pen_zip_body_step - as pen_decode_step, for the data of one entry; takes nothing that is behind.
 * PEN_FLOW_END: complete, with the size and the checksum that the directory says. When a stream
 * has_descriptor they are not checked, and bytes behind may be taken: body->behind. */
PEN_MUST_USE enum pen_code pen_zip_body_step(struct pen_zip_body *body, struct pen_slice *in,
                                             bool is_eof, struct pen_out *out,
                                             enum pen_flow *ret_flow, struct pen_error *err);

/* --- bytes; shared by the files of this format --------------------------------------------------
 */

static inline uint16_t pen_zip_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t pen_zip_u32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t pen_zip_u64(const uint8_t *p)
{
    return pen_zip_u32(p) | (uint64_t)pen_zip_u32(p + 4) << 32;
}

/* pen_zip_set_flags - what the 16 flags of a header mean for the entry. */
void pen_zip_set_flags(struct pen_zip_entry *entry, uint16_t flags);

/* pen_zip_name - a name as it is stored, as UTF-8: flag 11 says UTF-8, else it is code page 437.
 * Control characters become U+FFFD. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_zip_name(struct pen_slice stored, uint16_t flags,
                                        struct pen_arena *arena, const char **ret_name,
                                        struct pen_error *err);

/* pen_zip_sizes64 - replaces sizes (and, when not NULL, the offset) of 0xffffffff by those of the
 * extra field for large files. false: the field is damaged or missing. */
bool pen_zip_sizes64(struct pen_slice extra, uint64_t *plain, uint64_t *stored, uint64_t *offset);

/* pen_zip_fail - PEN_ERR_CORRUPT "zip: <problem> at byte <at>", with err->offset. */
enum pen_code pen_zip_fail(uint64_t at, struct pen_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
