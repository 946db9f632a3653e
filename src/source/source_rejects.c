/* source_rejects.c - objects are the records that a job rejected: what job:replay loads.
 *
 *     rejects.jsonl --a line each--> object: the raw text of one record, and where it came from
 *
 * Each record is an object of its own, so that one that is still wrong (an open quote) cannot
 * swallow the next. The key is "<offset in the file>:<line>:<byte>:<object>", the last three of the
 * place where the record was. Records that are not in the file as a whole cannot be loaded from it;
 * they are counted and said. */
#include "source/source_rejects.h"

#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The longest line that is read: the raw text is at most 1 MiB, each byte up to six in JSON. */
#define LINE_MAX_BYTES ((size_t)16 << 20)

struct rejects_state {
    char *path;
    bool is_elements;
};

static const struct pen_option rejects_options[] = {
    {.key = "path",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct rejects_state, path),
     .is_required = true,
     .help = "a rejects.jsonl; job:replay writes this source by itself"},
    {.key = "elements",
     .kind = PEN_OPTION_BOOL,
     .offset = offsetof(struct rejects_state, is_elements),
     .default_text = "false",
     .help = "the records were elements of arrays (flatten_json_array): whole documents are left "
             "out"},
    {.key = NULL},
};

static enum pen_code rejects_open(struct pen_source *source, struct pen_error *err)
{
    static const char *const also[] = {"type", "parser", NULL};
    source->min_task_size_bytes = -1;
    return pen_options_bind(rejects_options, source->config, "in", also, source->state,
                            &source->env.bind, err);
}

static void rejects_close(struct pen_source *source)
{
    (void)source; /* all texts are the arena's */
}

/* --- one line --------------------------------------------------------------------------------- */

struct record {
    struct pen_slice raw;
    const char *object;
    int64_t line, offset;
    bool is_whole;
};

static int64_t integer_of(const struct pen_json *object, const char *key)
{
    const struct pen_json *member = pen_json_member(object, pen_slice_str(key));
    return member != NULL && member->kind == PEN_JSON_LONG ? member->integer : 0;
}

static struct pen_slice text_of(const struct pen_json *object, const char *key)
{
    const struct pen_json *member = pen_json_member(object, pen_slice_str(key));
    return member != NULL && member->kind == PEN_JSON_STRING ? member->text : PEN_LIT("");
}

static enum pen_code read_record(const struct rejects_state *state, struct pen_slice line,
                                 struct pen_arena *arena, struct record *ret_record,
                                 struct pen_error *err)
{
    struct pen_json *object = NULL;
    size_t used = 0;
    PEN_TRY(pen_json_read(line, arena, &object, &used, err));
    struct pen_slice code = text_of(object, "code");
    bool is_document = pen_slice_is(code, "no_root") || pen_slice_is(code, "not_an_array");
    *ret_record = (struct record){
        .raw = text_of(object, "raw"),
        .object = pen_arena_copy(arena, text_of(object, "object")),
        .line = integer_of(object, "line"),
        .offset = integer_of(object, "offset"),
        .is_whole = pen_json_member(object, PEN_LIT("raw")) != NULL &&
                    pen_json_member(object, PEN_LIT("raw_bytes")) == NULL &&
                    !(state->is_elements && is_document),
    };
    return ret_record->object == NULL ? pen_fail_nomem(err) : PEN_OK;
}

/* --- list ------------------------------------------------------------------------------------- */

struct listing {
    struct pen_source *source;
    pen_object_fn fn;
    void *context;
    struct pen_arena arena; /* of one line */
    struct pen_buf key;
    uint64_t left_out;
};

/* The file is ours, but others may have cut or edited it. */
static enum pen_code say_damaged(const struct listing *listing, enum pen_code code, int64_t at,
                                 struct pen_error *err)
{
    const struct rejects_state *state = listing->source->state;
    if (code != PEN_ERR_CORRUPT)
        return code;
    pen_error_where(err, "%s", state->path);
    pen_error_hint(err, "remove the damaged lines from the file to load the others");
    return pen_wrap(err, code, "the rejects file is damaged in its line at byte %" PRId64, at);
}

static enum pen_code offer(struct listing *listing, struct pen_slice line, int64_t at,
                           struct pen_error *err)
{
    static char nothing[1];
    struct record record;
    pen_arena_clear(&listing->arena);
    enum pen_code code = read_record(listing->source->state, line, &listing->arena, &record, err);
    if (code != PEN_OK)
        return say_damaged(listing, code, at, err);
    if (!record.is_whole) {
        listing->left_out++;
        return PEN_OK;
    }
    pen_buf_clear(&listing->key);
    PEN_TRY(pen_buf_addf(&listing->key, err, "%012" PRId64 ":%" PRId64 ":%" PRId64 ":%s", at,
                         record.line, record.offset, record.object));
    const struct pen_object object = {.key = listing->key.ptr,
                                      .etag = nothing,
                                      .version_id = nothing,
                                      .size_bytes = record.raw.len + 1};
    return listing->fn(listing->context, &object, err);
}

static enum pen_code list_lines(struct listing *listing, FILE *file, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    const volatile int *cancel = listing->source->env.cancel;
    size_t cap = 0;
    int64_t at = 0;
    for (ssize_t len; (len = getline(&line, &cap, file)) > 0; at += len) {
        if (cancel != NULL && *cancel != 0)
            return pen_fail(err, PEN_ERR_CANCELLED, "cancelled while listing");
        PEN_TRY(offer(listing, pen_slice(line, (size_t)len), at, err));
    }
    return ferror(file) == 0
               ? PEN_OK
               : pen_fail_errno(err, PEN_ERR_IO, errno, "cannot read rejected records");
}

static enum pen_code rejects_list(struct pen_source *source, pen_object_fn fn, void *context,
                                  struct pen_error *err)
{
    const struct rejects_state *state = source->state;
    struct listing listing = {.source = source,
                              .fn = fn,
                              .context = context,
                              .arena = PEN_ARENA((size_t)64 << 20),
                              .key = PEN_BUF((size_t)1 << 20)};
    FILE *file = fopen(state->path, "re");
    if (file == NULL)
        return pen_fail_errno(err, errno == ENOENT ? PEN_ERR_NOT_FOUND : PEN_ERR_IO, errno,
                              "cannot open '%s'", state->path);
    enum pen_code code = list_lines(&listing, file, err);
    (void)fclose(file); /* only read */
    pen_arena_release(&listing.arena);
    pen_buf_release(&listing.key);
    if (code == PEN_OK && listing.left_out > 0 && source->env.log != NULL) {
        char text[120];
        (void)snprintf(text, sizeof text, /* fits */
                       "%" PRIu64 " rejected records cannot be loaded again: they are not kept as "
                       "a whole",
                       listing.left_out);
        source->env.log(source->env.log_context, "warn", text);
    }
    return code;
}

static enum pen_code rejects_next(struct pen_source *source, struct pen_arena *arena,
                                  struct pen_node *into, struct pen_error *err)
{
    (void)source, (void)arena, (void)into, (void)err; /* the next load has nothing to go on from */
    return PEN_OK;
}

/* --- read ------------------------------------------------------------------------------------- */

struct rejects_reader {
    struct pen_reader base;
    char *text; /* the record and a line end */
    size_t len, at;
    struct pen_error failed; /* of opening; reported by the first read */
};

static enum pen_code reader_read(struct pen_reader *base, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    struct rejects_reader *reader = (struct rejects_reader *)base;
    if (reader->failed.code != PEN_OK) {
        if (err != NULL)
            *err = reader->failed;
        return reader->failed.code;
    }
    size_t left = reader->len - reader->at;
    *ret_len = left < cap ? left : cap;
    if (*ret_len > 0)
        memcpy(buf, reader->text + reader->at, *ret_len);
    reader->at += *ret_len;
    return PEN_OK;
}

static enum pen_code reader_read_at(struct pen_reader *base, uint64_t offset, void *buf, size_t len,
                                    struct pen_error *err)
{
    const struct rejects_reader *reader = (struct rejects_reader *)base;
    if (offset > reader->len || len > reader->len - offset)
        return pen_fail(err, PEN_ERR_CORRUPT, "bytes past the end of the record");
    memcpy(buf, reader->text + offset, len);
    return PEN_OK;
}

static void reader_close(struct pen_reader *base)
{
    struct rejects_reader *reader = (struct rejects_reader *)base;
    free(reader->text);
    free(reader);
}

static void file_close_p(FILE **file)
{
    if (*file != NULL)
        (void)fclose(*file); /* only read */
}

static enum pen_code fetch(const struct rejects_state *state, const char *key,
                           struct pen_arena *arena, struct rejects_reader *reader,
                           struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    PEN_CLEANUP(file_close_p) FILE *file = fopen(state->path, "re");
    size_t cap = 0;
    struct record record;
    if (file == NULL)
        return pen_fail_errno(err, PEN_ERR_IO, errno, "cannot open '%s'", state->path);
    ssize_t len = -1;
    if (fseeko(file, (off_t)strtoll(key, NULL, 10), SEEK_SET) == 0)
        len = getline(&line, &cap, file);
    if (len <= 0)
        return pen_fail(err, PEN_ERR_CONFLICT, "'%s' changed since it was listed", state->path);
    PEN_TRY(read_record(state, pen_slice(line, (size_t)len), arena, &record, err));
    reader->text = malloc(record.raw.len + 1);
    if (reader->text == NULL)
        return pen_fail_nomem(err);
    memcpy(reader->text, record.raw.ptr, record.raw.len);
    reader->text[record.raw.len] = '\n';
    reader->len = record.raw.len + 1;
    return PEN_OK;
}

static enum pen_code rejects_read(struct pen_source *source, const struct pen_object *object,
                                  uint64_t offset, struct pen_reader **ret_reader,
                                  struct pen_error *err)
{
    struct rejects_reader *reader = calloc(1, sizeof *reader);
    struct pen_arena arena = PEN_ARENA(LINE_MAX_BYTES * 4);
    if (reader == NULL)
        return pen_fail_nomem(err);
    reader->base = (struct pen_reader){reader_read, reader_read_at, reader_close};
    /* reported by the first read, as with sources that ask over the network */
    (void)fetch(source->state, object->key, &arena, reader, &reader->failed);
    reader->at = offset < reader->len ? (size_t)offset : reader->len;
    pen_arena_release(&arena);
    *ret_reader = &reader->base;
    return PEN_OK;
}

bool pen_rejects_origin(const char *key, uint64_t *ret_line, uint64_t *ret_offset,
                        const char **ret_object)
{
    char *end = NULL;
    const char *at = strchr(key, ':');
    if (at == NULL)
        return false;
    *ret_line = strtoull(at + 1, &end, 10);
    if (*end != ':')
        return false;
    *ret_offset = strtoull(end + 1, &end, 10);
    if (*end != ':')
        return false;
    *ret_object = end + 1;
    return true;
}

static enum pen_code rejects_place(struct pen_source *source, const struct pen_object *object,
                                   struct pen_buf *into, struct pen_error *err)
{
    uint64_t line = 0, offset = 0;
    const char *name = object->key;
    (void)source; /* the key says it all */
    if (!pen_rejects_origin(object->key, &line, &offset, &name))
        return pen_buf_add_str(into, object->key, err);
    return pen_buf_addf(into, err, "%s:%" PRIu64, name, line);
}

const struct pen_source_type pen_source_rejects = {
    .info = {.name = "rejects",
             .summary = "the records that a job rejected (job:replay)",
             .options = rejects_options,
             .state_size = sizeof(struct rejects_state)},
    .open = rejects_open,
    .list = rejects_list,
    .next = rejects_next,
    .read = rejects_read,
    .place = rejects_place,
    .close = rejects_close,
};
