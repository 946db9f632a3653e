/* zip.c - the decoder type: which entries are wanted, and the text of the first of them in a
 * stream.
 *
 *     stored bytes --local headers, one by one--> first wanted entry --zip_body.c--> plain bytes
 *
 * A stream of an archive is only read where its directory is out of reach: in samples. Entries that
 * are not wanted are stepped over by their size; where that stands behind the data they are
 * inflated away and the next header is looked for. */
#include "decode/zip.h"
#include "conf/path_pattern.h"

#include <stdlib.h>

#define SIGNATURE_BYTES 4
#define HEADER_MAX      ((size_t)PEN_ZIP_LOCAL_BYTES + 2 * 65535)
#define NAMES_MAX       ((size_t)1 << 20)
#define HEAD_BYTES      ((size_t)16)
#define MACOS_FOLDER    "__MACOSX/"

/* An entry this small may have any ratio. */
#define RATIO_FREE_BYTES ((uint64_t)1 << 20)

enum phase {
    PHASE_HEADER, /* a local header with name and extra fields is being collected */
    PHASE_SKIP,   /* stored bytes of an entry that is not wanted */
    PHASE_AWAY,   /* the same, and only inflating tells where they end */
    PHASE_SEARCH, /* the next header */
    PHASE_TEXT,
    PHASE_END
};

struct zip_options {
    char *match_name;
    int64_t max_ratio, max_entries;
};

struct zip {
    struct zip_options options;
    struct pen_arena texts;           /* of the options: decoders are opened by any thread */
    struct pen_path_pattern *pattern; /* NULL: every name */
    /* the stream: */
    enum phase phase;
    uint64_t at; /* stored bytes consumed */
    uint64_t skip_left;
    uint8_t *header; /* HEADER_MAX */
    size_t header_len;
    uint32_t last; /* the last four bytes, while a header is looked for */
    bool is_begun; /* a local header was seen */
    struct pen_zip_body *body;
    struct pen_arena names;
};

/* --- choosing --------------------------------------------------------------------------------- */

static bool ends_with_slash(struct pen_slice name)
{
    return name.len > 0 && name.ptr[name.len - 1] == '/';
}

static enum pen_code check(const struct zip *zip, const struct pen_zip_entry *entry,
                           struct pen_error *err)
{
    if (entry->is_encrypted) {
        (void)pen_zip_fail(entry->offset, err, "entry '%.120s' is encrypted", entry->name);
        pen_error_hint(err, "encrypted archives are not read; leave the entry out by match_name");
        return PEN_ERR_CORRUPT;
    }
    if (entry->method != PEN_ZIP_STORED && entry->method != PEN_ZIP_DEFLATE) {
        (void)pen_zip_fail(entry->offset, err, "entry '%.100s' has the compression method %u",
                           entry->name, entry->method);
        pen_error_hint(err, "stored (0) and deflate (8) are read");
        return PEN_ERR_CORRUPT;
    }
    uint64_t ratio = entry->plain_bytes / (entry->stored_bytes == 0 ? 1 : entry->stored_bytes);
    if (entry->plain_bytes > RATIO_FREE_BYTES && ratio >= (uint64_t)zip->options.max_ratio) {
        (void)pen_fail(err, PEN_ERR_TOO_LARGE,
                       "zip: entry '%.100s' is %llu times as large as its stored bytes",
                       entry->name, (unsigned long long)ratio);
        pen_error_hint(err, "set max_ratio of the decoder when the archive is trusted");
        return PEN_ERR_TOO_LARGE;
    }
    return PEN_OK;
}

enum pen_code pen_zip_wants(struct pen_decode *decode, const struct pen_zip_entry *entry,
                            bool *ret_wanted, struct pen_error *err)
{
    struct zip *zip = decode->state;
    struct pen_slice name = pen_slice_str(entry->name);
    bool is_empty = entry->plain_bytes == 0 && entry->crc == 0 && !entry->has_descriptor;
    *ret_wanted = false;
    if (is_empty || ends_with_slash(name) || pen_slice_starts(name, PEN_LIT(MACOS_FOLDER)))
        return PEN_OK;
    if (zip->pattern != NULL) {
        bool is_found = false;
        if (pen_path_pattern_find(zip->pattern, name, &is_found, NULL) != PEN_OK)
            return pen_fail(err, PEN_ERR_CONFIG,
                            "zip: match_name takes too many steps for '%.120s'", entry->name);
        if (!is_found)
            return PEN_OK;
    }
    *ret_wanted = true;
    return check(zip, entry, err);
}

uint64_t pen_zip_max_entries(const struct pen_decode *decode)
{
    return (uint64_t)((const struct zip *)decode->state)->options.max_entries;
}

const char *pen_zip_match_name(const struct pen_decode *decode)
{
    return ((const struct zip *)decode->state)->options.match_name;
}

/* --- a stream --------------------------------------------------------------------------------- */

static void take(struct zip *zip, struct pen_slice *in, size_t n)
{
    zip->at += n;
    *in = pen_slice_skip(*in, n);
}

static enum pen_code fail_not_zip(const struct zip *zip, struct pen_error *err)
{
    size_t len = zip->header_len < HEAD_BYTES ? zip->header_len : HEAD_BYTES;
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Not in zip format: the bytes look like %s",
                   pen_decode_looks_like(pen_slice(zip->header, len)));
    pen_error_hint(err, "set 'decoders' to what the objects are, or remove it for plain files");
    return PEN_ERR_CORRUPT;
}

/* How many bytes the header has, as far as that is known. */
static size_t header_bytes(const struct zip *zip)
{
    if (zip->header_len < PEN_ZIP_LOCAL_BYTES)
        return PEN_ZIP_LOCAL_BYTES;
    return PEN_ZIP_LOCAL_BYTES + (size_t)pen_zip_u16(zip->header + 26) +
           pen_zip_u16(zip->header + 28);
}

static enum pen_code read_header(struct zip *zip, struct pen_zip_entry *entry,
                                 struct pen_error *err)
{
    const uint8_t *header = zip->header;
    size_t name_len = pen_zip_u16(header + 26), extra_len = pen_zip_u16(header + 28);
    uint16_t flags = pen_zip_u16(header + 6);
    *entry = (struct pen_zip_entry){.offset = zip->at - zip->header_len,
                                    .method = pen_zip_u16(header + 8),
                                    .crc = pen_zip_u32(header + 14),
                                    .stored_bytes = pen_zip_u32(header + 18),
                                    .plain_bytes = pen_zip_u32(header + 22)};
    pen_zip_set_flags(entry, flags);
    pen_arena_clear(&zip->names);
    PEN_TRY(pen_zip_name(pen_slice(header + PEN_ZIP_LOCAL_BYTES, name_len), flags, &zip->names,
                         &entry->name, err));
    struct pen_slice extra = pen_slice(header + PEN_ZIP_LOCAL_BYTES + name_len, extra_len);
    if (!entry->has_descriptor &&
        !pen_zip_sizes64(extra, &entry->plain_bytes, &entry->stored_bytes, NULL))
        return pen_zip_fail(entry->offset, err, "the large sizes of '%.80s' are missing",
                            entry->name);
    return PEN_OK;
}

/* The header is complete: text, or something to step over. */
static enum pen_code begin_entry(struct pen_decode *decode, struct pen_error *err)
{
    struct zip *zip = decode->state;
    struct pen_zip_entry entry;
    bool is_wanted = false;
    PEN_TRY(read_header(zip, &entry, err));
    PEN_TRY(pen_zip_wants(decode, &entry, &is_wanted, err));
    if (entry.has_descriptor && entry.method != PEN_ZIP_DEFLATE) {
        (void)pen_zip_fail(entry.offset, err, "the size of '%.80s' stands behind it", entry.name);
        pen_error_hint(err, "a sample of this archive cannot be read; a run can");
        return PEN_ERR_CORRUPT;
    }
    zip->is_begun = true;
    zip->header_len = 0;
    zip->phase = is_wanted ? PHASE_TEXT : entry.has_descriptor ? PHASE_AWAY : PHASE_SKIP;
    zip->skip_left = entry.stored_bytes;
    pen_zip_body_init(zip->body, &entry, zip->at);
    return PEN_OK;
}

/* Collects a header; behind the entries the directory begins with another signature. */
static enum pen_code header_phase(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                                  struct pen_error *err)
{
    struct zip *zip = decode->state;
    while (in->len > 0 && zip->header_len < header_bytes(zip)) {
        size_t want = zip->header_len < HEAD_BYTES ? HEAD_BYTES : header_bytes(zip);
        size_t n = want - zip->header_len < in->len ? want - zip->header_len : in->len;
        memcpy(zip->header + zip->header_len, in->ptr, n);
        zip->header_len += n;
        take(zip, in, n);
        if (zip->header_len >= HEAD_BYTES && memcmp(zip->header, "PK\3\4", SIGNATURE_BYTES) != 0)
            break;
    }
    bool is_entry =
        zip->header_len >= SIGNATURE_BYTES && memcmp(zip->header, "PK\3\4", SIGNATURE_BYTES) == 0;
    bool is_directory = zip->header_len >= SIGNATURE_BYTES &&
                        (memcmp(zip->header, "PK\1\2", SIGNATURE_BYTES) == 0 ||
                         memcmp(zip->header, "PK\5\6", SIGNATURE_BYTES) == 0);
    if (is_directory) {
        zip->phase = PHASE_END;
        return PEN_OK;
    }
    if (!is_entry && (zip->header_len >= HEAD_BYTES || (is_eof && in->len == 0)))
        return zip->is_begun ? pen_zip_fail(zip->at - zip->header_len, err,
                                            "neither an entry nor the directory")
                             : fail_not_zip(zip, err);
    if (is_entry && zip->header_len == header_bytes(zip))
        return begin_entry(decode, err);
    return is_eof && in->len == 0 ? pen_zip_fail(zip->at, err, "truncated: the data end") : PEN_OK;
}

/* The signature of the next header, behind the sizes. */
static void search_phase(struct zip *zip, struct pen_slice *in)
{
    while (in->len > 0 && zip->phase == PHASE_SEARCH) {
        zip->last = zip->last << 8 | (uint8_t)*in->ptr;
        take(zip, in, 1);
        if (zip->last == 0x504b0304) {
            memcpy(zip->header, "PK\3\4", SIGNATURE_BYTES);
            zip->header_len = SIGNATURE_BYTES;
            zip->phase = PHASE_HEADER;
        } else if (zip->last == 0x504b0102) {
            zip->phase = PHASE_END;
        }
    }
}

/* What inflating took from behind the data may hold a header already. */
static void search_behind(struct zip *zip)
{
    struct pen_slice behind = pen_slice(zip->body->behind, zip->body->behind_len);
    zip->last = 0;
    zip->phase = PHASE_SEARCH;
    zip->at -= behind.len;
    search_phase(zip, &behind);
    size_t n = zip->phase == PHASE_HEADER ? behind.len : 0;
    if (n > 0)
        memcpy(zip->header + zip->header_len, behind.ptr, n);
    zip->header_len += n;
    zip->at += behind.len;
}

static enum pen_code away_phase(struct zip *zip, struct pen_slice *in, bool is_eof,
                                struct pen_error *err)
{
    char space[4096];
    enum pen_flow flow = PEN_FLOW_MORE_ROOM;
    while (flow == PEN_FLOW_MORE_ROOM) {
        struct pen_out out = {.ptr = space, .room = sizeof space};
        size_t before = in->len;
        PEN_TRY(pen_zip_body_step(zip->body, in, is_eof, &out, &flow, err));
        zip->at += before - in->len;
    }
    if (flow == PEN_FLOW_END)
        search_behind(zip);
    return PEN_OK;
}

static enum pen_code text_phase(struct zip *zip, struct pen_slice *in, bool is_eof,
                                struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    size_t before = in->len;
    PEN_TRY(pen_zip_body_step(zip->body, in, is_eof, out, ret_flow, err));
    zip->at += before - in->len;
    if (*ret_flow == PEN_FLOW_END)
        zip->phase = PHASE_END;
    return PEN_OK;
}

static enum pen_code skip_phase(struct zip *zip, struct pen_slice *in, bool is_eof,
                                struct pen_error *err)
{
    size_t n = zip->skip_left < in->len ? (size_t)zip->skip_left : in->len;
    take(zip, in, n);
    zip->skip_left -= n;
    if (zip->skip_left == 0)
        zip->phase = PHASE_HEADER;
    else if (is_eof)
        return pen_zip_fail(zip->at, err, "truncated: the data end");
    return PEN_OK;
}

static enum pen_code quiet_phase(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                                 struct pen_error *err)
{
    struct zip *zip = decode->state;
    if (zip->phase == PHASE_HEADER)
        return header_phase(decode, in, is_eof, err);
    if (zip->phase == PHASE_SKIP)
        return skip_phase(zip, in, is_eof, err);
    if (zip->phase == PHASE_AWAY)
        return away_phase(zip, in, is_eof, err);
    search_phase(zip, in);
    if (is_eof && zip->phase == PHASE_SEARCH)
        return pen_zip_fail(zip->at, err, "truncated: the data end");
    return PEN_OK;
}

static enum pen_code zip_step(struct pen_decode *decode, struct pen_slice *in, bool is_eof,
                              struct pen_out *out, enum pen_flow *ret_flow, struct pen_error *err)
{
    struct zip *zip = decode->state;
    for (;;) {
        if (zip->phase == PHASE_TEXT) {
            PEN_TRY(text_phase(zip, in, is_eof, out, ret_flow, err));
            if (*ret_flow != PEN_FLOW_END)
                return PEN_OK;
        }
        if (zip->phase == PHASE_END) {
            take(zip, in, in->len);
            *ret_flow = PEN_FLOW_END;
            return PEN_OK;
        }
        enum phase before = zip->phase;
        PEN_TRY(quiet_phase(decode, in, is_eof, err));
        if (in->len == 0 && zip->phase == before && !is_eof) {
            *ret_flow = PEN_FLOW_MORE_INPUT;
            return PEN_OK;
        }
    }
}

/* --- the decoder ------------------------------------------------------------------------------ */

static bool zip_magic(struct pen_slice head)
{
    return pen_slice_starts(head, PEN_LIT("PK\3\4"));
}

static void zip_reset(struct pen_decode *decode)
{
    struct zip *zip = decode->state;
    zip->phase = PHASE_HEADER;
    zip->at = zip->skip_left = zip->header_len = 0;
    zip->is_begun = false;
}

/* A whole name must match, as Java's matches() has it. */
static enum pen_code compile(struct zip *zip, const struct pen_node *config,
                             const struct pen_bind *bind, struct pen_error *err)
{
    if (zip->options.match_name == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf whole = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_error reason = {0};
    PEN_TRY(pen_buf_addf(&whole, err, "\\A(?:%s)\\z", zip->options.match_name));
    /* first as it was written, so that an error shows that */
    enum pen_code code =
        pen_path_pattern_new(pen_slice_str(zip->options.match_name), &zip->pattern, &reason);
    if (code == PEN_OK) {
        pen_path_pattern_free(zip->pattern);
        zip->pattern = NULL;
        code = pen_path_pattern_new(pen_buf_slice(&whole), &zip->pattern, &reason);
    }
    if (code == PEN_ERR_CONFIG)
        return pen_fail_at(bind, pen_node_get(config, "match_name"), err, "match_name: %s",
                           reason.message);
    return code == PEN_OK ? PEN_OK : pen_fail_nomem(err);
}

static enum pen_code zip_open(struct pen_decode *decode, const struct pen_node *config,
                              const struct pen_bind *bind, struct pen_error *err)
{
    static const char *const also[] = {"type", NULL};
    struct zip *zip = decode->state;
    zip->texts = PEN_ARENA(PEN_BUF_TEXT_MAX);
    struct pen_bind own = {.file = bind == NULL ? NULL : bind->file, .arena = &zip->texts};
    PEN_TRY(pen_options_bind(decode->type->info.options, config, "decoder", also, &zip->options,
                             &own, err));
    if (zip->options.max_ratio < 1)
        return pen_fail_at(bind, pen_node_get(config, "max_ratio"), err,
                           "max_ratio must be positive");
    if (zip->options.max_entries < 1)
        return pen_fail_at(bind, pen_node_get(config, "max_entries"), err,
                           "max_entries must be positive");
    zip->names = PEN_ARENA(NAMES_MAX);
    zip->header = malloc(HEADER_MAX);
    zip->body = malloc(sizeof *zip->body);
    if (zip->header == NULL || zip->body == NULL)
        return pen_fail_nomem(err);
    zip_reset(decode);
    return compile(zip, config, bind, err);
}

static void zip_close(struct pen_decode *decode)
{
    struct zip *zip = decode->state;
    pen_path_pattern_free(zip->pattern);
    pen_arena_release(&zip->names);
    pen_arena_release(&zip->texts);
    free(zip->header);
    free(zip->body);
}

#define ZIP(member) offsetof(struct zip_options, member)

static const struct pen_option options[] = {
    {.key = "match_name",
     .kind = PEN_OPTION_TEXT,
     .offset = ZIP(match_name),
     .help = "regular expression (Java) that the whole name of an entry must match; all entries "
             "when not given"},
    {.key = "max_ratio",
     .kind = PEN_OPTION_INT,
     .offset = ZIP(max_ratio),
     .default_text = "500",
     .help = "an entry over 1 MiB that is so many times as large as its stored bytes is an error"},
    {.key = "max_entries",
     .kind = PEN_OPTION_INT,
     .offset = ZIP(max_entries),
     .default_text = "100000",
     .help = "an archive of more entries is an error"},
    {.key = NULL},
};

const struct pen_decode_type pen_decode_zip = {
    .info = {.name = "zip",
             .summary = "zip archives, each entry a logical file; must be the first decoder",
             .options = options,
             .state_size = sizeof(struct zip)},
    .is_archive = true,
    .magic = zip_magic,
    .open = zip_open,
    .step = zip_step,
    .reset = zip_reset,
    .close = zip_close,
};
