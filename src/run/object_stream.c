#include "run/object_stream.h"

#include "base/utf8.h"
#include "decode/charset.h"
#include "run/archive.h"

#include <assert.h>
#include <stdlib.h>

/* Plain bytes of another charset that wait for their conversion; also the head of a JSON object,
 * which tells its charset. */
#define RAW_BYTES   ((size_t)64 << 10)

#define SHOWN_PLACE 120 /* bytes of a place in a message */

struct pen_object_stream {
    const struct pen_object_stream_options *options;
    const char *object_place, *etag;
    uint64_t object_index;
    struct pen_archive *archive; /* NULL: the object is one text */
    struct pen_archive_options archive_options;
    struct pen_byte_stream_options entry_options; /* the decoders behind the archive's */
    struct pen_place *places;                     /* of its entries */
    const char *place;                            /* of the text: the object's, or an entry's */
    struct pen_byte_stream *bytes;                /* NULL between two entries */
    struct pen_parse_stream *parse;
    struct pen_crew_gate gate; /* guards everything below */
    struct pen_buf tail;       /* valid text behind the last record given out */
    char pending[4];           /* raw bytes of a character cut by the last read */
    size_t pending_len;
    struct pen_charset *charset; /* NULL: the bytes are UTF-8 */
    char *raw;                   /* RAW_BYTES, or NULL when never needed */
    struct pen_slice raw_rest;   /* of it, what is not used yet */
    bool is_started, is_end_of_bytes;
    uint64_t text_bytes; /* of the text so far */
    /* Of the first fill that failed: text was lost, so whoever waited at the gate must not go on
     * behind the gap, and says the same. */
    struct pen_error failure;
    _Atomic bool has_ended;
    _Atomic uint64_t replaced;
};

/* A cut sample lacks the archive's directory: its decoder reads what there is, as a stream. */
static bool is_archive(const struct pen_object_stream_options *options)
{
    const struct pen_byte_stream_options *bytes = &options->bytes;
    return bytes->decoder_count > 0 && bytes->decoders[0].type->is_archive &&
           (!bytes->is_cut || options->archive_sample_bytes > 0);
}

static enum pen_code open_archive(struct pen_object_stream *stream, struct pen_reader *reader,
                                  struct pen_error *err)
{
    const struct pen_byte_stream_options *bytes = &stream->options->bytes;
    stream->archive_options = (struct pen_archive_options){
        .spec = bytes->decoders,
        .bind = bytes->bind,
        .stored_bytes = bytes->stored_bytes,
        .sample_bytes = bytes->is_cut ? stream->options->archive_sample_bytes : 0};
    stream->entry_options = *bytes;
    stream->entry_options.decoders++;
    stream->entry_options.decoder_count--;
    stream->entry_options.stored_bytes = NULL; /* the archive counts */
    stream->entry_options.max_ratio = 0;       /* an entry says its size beforehand */
    return pen_archive_new(&stream->archive_options, reader, &stream->archive, err);
}

/* The object's text, or an entry's. */
static enum pen_code open_text(struct pen_object_stream *stream,
                               const struct pen_byte_stream_options *bytes,
                               struct pen_reader *reader, struct pen_error *err)
{
    PEN_TRY(pen_byte_stream_new(bytes, reader, &stream->bytes, err));
    PEN_TRY(pen_parse_stream_new(stream->options->parse, stream->place, stream->object_index,
                                 stream->options->rejects, &stream->parse, err));
    stream->parse->etag = stream->etag;
    return PEN_OK;
}

static void close_text(struct pen_object_stream *stream)
{
    pen_parse_stream_free(stream->parse);
    pen_byte_stream_free(stream->bytes);
    pen_charset_free(stream->charset);
    stream->parse = NULL;
    stream->bytes = NULL;
    stream->charset = NULL;
    stream->raw_rest = pen_slice(NULL, 0);
    stream->pending_len = 0;
    stream->is_started = stream->is_end_of_bytes = false;
    stream->text_bytes = 0;
    stream->place = stream->object_place;
    pen_buf_clear(&stream->tail);
}

enum pen_code pen_object_stream_new(const struct pen_object_stream_options *options,
                                    const char *place, uint64_t object_index,
                                    struct pen_reader *reader,
                                    struct pen_object_stream **ret_stream, struct pen_error *err)
{
    PEN_CLEANUP(pen_object_stream_free_p)
    struct pen_object_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        pen_reader_close(reader);
        return pen_fail_nomem(err);
    }
    stream->options = options;
    pen_crew_gate_init(options->crew, &stream->gate);
    stream->tail = PEN_BUF(SIZE_MAX / 2);
    stream->place = stream->object_place = place;
    stream->object_index = object_index;
    PEN_TRY(is_archive(options) ? open_archive(stream, reader, err)
                                : open_text(stream, &options->bytes, reader, err));
    *ret_stream = PEN_TAKE(stream);
    return PEN_OK;
}

void pen_object_stream_set_version(struct pen_object_stream *stream, const char *etag,
                                   uint64_t size_bytes)
{
    stream->etag = etag;
    stream->archive_options.size_bytes = size_bytes;
    if (stream->parse != NULL)
        stream->parse->etag = etag;
}

struct pen_place *pen_object_stream_take_places(struct pen_object_stream *stream)
{
    struct pen_place *places = stream->places;
    stream->places = NULL;
    return places;
}

void pen_object_stream_free(struct pen_object_stream *stream)
{
    if (stream == NULL)
        return;
    close_text(stream);
    pen_archive_free(stream->archive);
    while (stream->places != NULL) {
        struct pen_place *place = stream->places;
        stream->places = place->next;
        free(place);
    }
    free(stream->raw);
    pen_buf_release(&stream->tail);
    pen_crew_gate_release(stream->options->crew, &stream->gate);
    free(stream);
}

bool pen_object_stream_has_ended(const struct pen_object_stream *stream)
{
    return atomic_load_explicit(&stream->has_ended, memory_order_acquire);
}

uint64_t pen_object_stream_replaced(const struct pen_object_stream *stream)
{
    return atomic_load_explicit(&stream->replaced, memory_order_relaxed);
}

/* Reads until `room` is full or the bytes end; whole buffers keep the number of splits low. */
static enum pen_code read_fully(struct pen_object_stream *stream, char *into, size_t room,
                                size_t *ret_len, struct pen_error *err)
{
    size_t len = stream->pending_len;
    assert(room > len);
    memcpy(into, stream->pending, len);
    stream->pending_len = 0;
    if (stream->raw_rest.len > 0) { /* the head that told the charset */
        size_t head = stream->raw_rest.len < room - len ? stream->raw_rest.len : room - len;
        memcpy(into + len, stream->raw_rest.ptr, head);
        stream->raw_rest = pen_slice_skip(stream->raw_rest, head);
        len += head;
    }
    while (len < room && !stream->is_end_of_bytes) {
        size_t got = 0;
        PEN_TRY(pen_byte_stream_read(stream->bytes, into + len, room - len, &got, err));
        stream->is_end_of_bytes = got == 0;
        len += got;
    }
    *ret_len = len;
    return PEN_OK;
}

/* A character that the end of the read cut in two waits for the next read; at the end of a sample
 * it waits for ever: the sample's end is no mistake of the data. */
static size_t hold_back_cut_character(struct pen_object_stream *stream, const char *bytes,
                                      size_t len)
{
    if (stream->is_end_of_bytes && !stream->options->parse->is_sample)
        return len;
    size_t cut = pen_utf8_cut_len(pen_slice(bytes, len));
    memcpy(stream->pending, bytes + len - cut, cut);
    stream->pending_len = cut;
    return len - cut;
}

static size_t drop_byte_order_mark(struct pen_object_stream *stream, char *bytes, size_t len)
{
    bool is_first = !stream->is_started;
    stream->is_started = true;
    if (!is_first || len < 3 || memcmp(bytes, "\xEF\xBB\xBF", 3) != 0)
        return len;
    memmove(bytes, bytes + 3, len - 3);
    stream->parse->start_offset = 3;
    return len - 3;
}

/* The text being gathered for one chunk: [0, len) of what starts `at` in the buffer. */
struct gather {
    struct pen_text_buffer *buffer;
    size_t at, len;
    bool has_overflowed; /* the text went to the tail: behind other chunks no buffer may grow */
};

static char *gather_text(const struct gather *g)
{
    return pen_text_buffer_text(g->buffer) + g->at;
}

/* Malformed bytes are an error of JSON; `at`: where in the text that was read last. */
static enum pen_code fail_malformed(const struct pen_object_stream *stream, const char *charset,
                                    size_t at, struct pen_error *err)
{
    uint64_t offset = stream->parse->start_offset + stream->text_bytes + at;
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Failed to parse JSON: %.*s: malformed %s at byte %llu",
                   SHOWN_PLACE, stream->place, charset, (unsigned long long)offset);
    pen_error_where(err, "%s", stream->place);
    if (err != NULL)
        err->offset = offset;
    return PEN_ERR_CORRUPT;
}

/* Malformed bytes become U+FFFD, which may be longer than what they replace. */
static enum pen_code repair(struct pen_object_stream *stream, struct gather *g, size_t fresh,
                            struct pen_error *err)
{
    struct pen_slice raw = pen_slice(gather_text(g) + g->len, fresh);
    if (stream->options->parse->is_malformed_fatal)
        return fail_malformed(stream, "UTF-8", pen_utf8_valid_len(raw), err);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
    size_t used = 0;
    uint64_t replaced = 0;
    PEN_TRY(pen_utf8_repair(raw, true, &text, &used, &replaced, err));
    assert(used == fresh); /* a character cut by the read was held back */
    atomic_fetch_add_explicit(&stream->replaced, replaced, memory_order_relaxed);
    size_t need = g->at + g->len + text.len;
    if (g->at > 0 && need > g->buffer->cap) {
        g->has_overflowed = true;
        PEN_TRY(pen_buf_add(&stream->tail, gather_text(g), g->len, err));
        return pen_buf_add_slice(&stream->tail, pen_buf_slice(&text), err);
    }
    PEN_TRY(pen_text_buffer_grow(g->buffer, need, err));
    if (text.len > 0)
        memcpy(gather_text(g) + g->len, text.ptr, text.len);
    g->len += text.len;
    return PEN_OK;
}

static enum pen_code read_raw(struct pen_object_stream *stream, struct pen_error *err)
{
    if (stream->raw == NULL) {
        stream->raw = malloc(RAW_BYTES);
        if (stream->raw == NULL)
            return pen_fail_nomem(err);
    }
    size_t len = 0;
    PEN_TRY(pen_byte_stream_read(stream->bytes, stream->raw, RAW_BYTES, &len, err));
    stream->raw_rest = pen_slice(stream->raw, len);
    stream->is_end_of_bytes = len == 0;
    return PEN_OK;
}

/* Decides, before the first text, whether the bytes need converting. */
static enum pen_code open_charset(struct pen_object_stream *stream, struct pen_error *err)
{
    const char *name = stream->options->parse->charset;
    if (name != NULL && strcmp(name, PEN_CHARSET_JSON) == 0) {
        PEN_TRY(read_raw(stream, err));
        name = pen_charset_of_json(stream->raw_rest);
    }
    return pen_charset_is_utf8(name) ? PEN_OK : pen_charset_new(name, &stream->charset, err);
}

/* Text of another charset: converted, so valid; the end of the bytes is told only with the last of
 * the text. */
static enum pen_code read_converted(struct pen_object_stream *stream, struct gather *g, size_t room,
                                    struct pen_error *err)
{
    char *fresh = gather_text(g) + g->len;
    struct pen_out out = {.ptr = fresh, .room = room};
    uint64_t before = pen_charset_replaced(stream->charset);
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    bool is_eof = false, is_sample = stream->options->parse->is_sample;
    while (flow == PEN_FLOW_MORE_INPUT) {
        if (stream->raw_rest.len == 0 && !is_eof) {
            PEN_TRY(read_raw(stream, err));
            is_eof = stream->is_end_of_bytes;
        }
        PEN_TRY(pen_charset_convert(stream->charset, &stream->raw_rest, is_eof && !is_sample, &out,
                                    &flow, err));
        if (is_eof && is_sample && flow == PEN_FLOW_MORE_INPUT)
            flow = PEN_FLOW_END; /* a character that is cut is no mistake of the data */
    }
    stream->is_end_of_bytes = flow == PEN_FLOW_END;
    uint64_t replaced = pen_charset_replaced(stream->charset) - before;
    atomic_fetch_add_explicit(&stream->replaced, replaced, memory_order_relaxed);
    size_t len = drop_byte_order_mark(stream, fresh, (size_t)(out.ptr - fresh));
    if (replaced > 0 && stream->options->parse->is_malformed_fatal) {
        const char *first = memmem(fresh, len, "\xEF\xBF\xBD", 3);
        size_t at = first == NULL ? len : (size_t)(first - fresh);
        return fail_malformed(stream, pen_charset_name(stream->charset), at, err);
    }
    stream->text_bytes += len;
    g->len += len;
    return PEN_OK;
}

static enum pen_code read_text(struct pen_object_stream *stream, struct gather *g, size_t room,
                               struct pen_error *err)
{
    if (!stream->is_started)
        PEN_TRY(open_charset(stream, err));
    if (stream->charset != NULL)
        return read_converted(stream, g, room, err);
    char *fresh = gather_text(g) + g->len;
    size_t len = 0;
    PEN_TRY(read_fully(stream, fresh, room, &len, err));
    len = drop_byte_order_mark(stream, fresh, len);
    len = hold_back_cut_character(stream, fresh, len);
    if (!pen_utf8_is_valid(pen_slice(fresh, len)))
        return repair(stream, g, len, err);
    stream->text_bytes += len;
    g->len += len;
    return PEN_OK;
}

static enum pen_code keep_tail(struct pen_object_stream *stream, const struct gather *g,
                               size_t used, struct pen_error *err)
{
    pen_buf_clear(&stream->tail);
    return pen_buf_add(&stream->tail, gather_text(g) + used, g->len - used, err);
}

/* A record does not end in the buffer: doubles it, up to the limit for one record. */
static enum pen_code make_room(struct pen_object_stream *stream, struct gather *g,
                               struct pen_error *err)
{
    size_t limit = stream->options->max_record_bytes;
    if (g->len >= limit) {
        (void)pen_fail(err, PEN_ERR_TOO_LARGE, "a record is longer than %zu bytes", limit);
        pen_error_hint(err, "if it is one, raise exec.max_record_bytes");
        return PEN_ERR_TOO_LARGE;
    }
    size_t cap = g->buffer->cap * 2;
    return pen_text_buffer_grow(
        g->buffer,
        cap > limit + PEN_TEXT_BUFFER_MIN_BYTES ? limit + PEN_TEXT_BUFFER_MIN_BYTES : cap, err);
}

static enum pen_code present(struct pen_object_stream *stream, struct gather *g,
                             struct pen_chunk *chunk, size_t *ret_used, struct pen_error *err)
{
    chunk->text = gather_text(g);
    chunk->len = g->len;
    return stream->options->parse->type->split(stream->parse, chunk, stream->is_end_of_bytes,
                                               ret_used, err);
}

static enum pen_code fill_locked(struct pen_object_stream *stream, struct gather *g,
                                 struct pen_chunk *chunk, size_t *ret_used, struct pen_error *err)
{
    bool may_grow = g->at == 0;
    size_t tail = stream->tail.len;
    if (may_grow)
        PEN_TRY(pen_text_buffer_grow(g->buffer, tail + PEN_TEXT_BUFFER_MIN_BYTES, err));
    else if (g->at + tail + PEN_TEXT_BUFFER_MIN_BYTES > g->buffer->cap)
        return PEN_OK;
    if (tail > 0)
        memcpy(gather_text(g), stream->tail.ptr, tail);
    g->len = tail;
    pen_buf_clear(&stream->tail);
    for (;;) {
        if (!stream->is_end_of_bytes && g->buffer->cap - g->at - g->len > sizeof stream->pending)
            PEN_TRY(read_text(stream, g, g->buffer->cap - g->at - g->len, err));
        if (g->has_overflowed)
            return PEN_OK;
        size_t used = 0;
        PEN_TRY(present(stream, g, chunk, &used, err));
        if (used > 0 || stream->is_end_of_bytes || !may_grow) {
            *ret_used = used;
            return keep_tail(stream, g, used, err);
        }
        PEN_TRY(make_room(stream, g, err));
    }
}

/* --- entries of an archive ------------------------------------------------------------------- */

static enum pen_code set_entry_place(struct pen_object_stream *stream, const char *name,
                                     struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&text, err, "%s!%s", stream->object_place, name));
    struct pen_place *place = malloc(sizeof *place + text.len + 1);
    if (place == NULL)
        return pen_fail_nomem(err);
    memcpy(place->text, text.ptr, text.len + 1);
    place->next = stream->places;
    stream->places = place;
    stream->place = place->text;
    return PEN_OK;
}

/* Opens the next entry as a text of its own; without one the stream has ended. */
static enum pen_code next_entry(struct pen_object_stream *stream, struct pen_error *err)
{
    struct pen_reader *reader = NULL;
    const char *name = NULL;
    enum pen_code code = pen_archive_next(stream->archive, &reader, &name, err);
    if (name != NULL) {
        enum pen_code place_code = set_entry_place(stream, name, code == PEN_OK ? err : NULL);
        code = code == PEN_OK ? place_code : code;
    }
    if (code != PEN_OK || reader == NULL) {
        pen_reader_close(reader);
        atomic_store_explicit(&stream->has_ended, code == PEN_OK, memory_order_release);
        return code;
    }
    return open_text(stream, &stream->entry_options, reader, err);
}

/* One chunk with records in it, or the end; nothing at all when the buffer has no room. */
static enum pen_code fill_some(struct pen_object_stream *stream, struct gather *g,
                               struct pen_chunk *chunk, size_t *ret_used, struct pen_error *err)
{
    while (!pen_object_stream_has_ended(stream)) {
        if (stream->bytes == NULL) {
            PEN_TRY(next_entry(stream, err));
            continue;
        }
        PEN_TRY(fill_locked(stream, g, chunk, ret_used, err));
        bool is_text_done = stream->is_end_of_bytes && stream->tail.len == 0;
        if (is_text_done && stream->archive != NULL)
            close_text(stream);
        else if (is_text_done)
            atomic_store_explicit(&stream->has_ended, true, memory_order_release);
        if (*ret_used > 0 || !is_text_done)
            return PEN_OK;
    }
    return PEN_OK;
}

static void note_failure(struct pen_object_stream *stream, enum pen_code code,
                         struct pen_error *failure)
{
    failure->code = code;
    pen_error_where(failure, "%s", stream->place);
    stream->failure = *failure;
}

enum pen_code pen_object_stream_fill(struct pen_object_stream *stream,
                                     struct pen_text_buffer *buffer, size_t at,
                                     struct pen_chunk *chunk, size_t *ret_used, bool *ret_end,
                                     struct pen_error *err)
{
    struct gather g = {.buffer = buffer, .at = at};
    *ret_used = 0;
    chunk->len = 0;
    pen_crew_enter(stream->options->crew, &stream->gate);
    enum pen_code code = stream->failure.code;
    if (code == PEN_OK && !pen_object_stream_has_ended(stream)) {
        struct pen_error failure = {0};
        code = fill_some(stream, &g, chunk, ret_used, &failure);
        if (code != PEN_OK)
            note_failure(stream, code, &failure);
    }
    if (code != PEN_OK && err != NULL)
        *err = stream->failure;
    *ret_end = pen_object_stream_has_ended(stream);
    pen_crew_leave(stream->options->crew, &stream->gate);
    return code;
}
