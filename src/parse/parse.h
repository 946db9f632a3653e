/* parse.h - STEP 3: plain bytes --split--> chunks of whole records --convert--> typed batches
 * plus rejected records.
 *
 * Two phases, so that several workers can share one object: `split` runs under the stream's lock,
 * is cheap, and finds where records end; `convert` runs outside the lock, on the worker that took
 * the chunk, and does the expensive part column by column. All that depends on what came before
 * (open quotes, line numbers, header lines, recovery after a bad record) is settled by split. */
#ifndef PEN_PARSE_PARSE_H
#define PEN_PARSE_PARSE_H

#include "batch/batch.h"
#include "tz/time_options.h"

/* Bytes that may be read (not used) before and behind a chunk's text by SIMD kernels. */
#define PEN_CHUNK_PADDING 64

/* A configured parser: immutable after open, shared by all threads of a job. */
struct pen_parse {
    const struct pen_parse_type *type;
    struct pen_schema schema; /* what convert produces; set by open */
    bool is_sample;           /* preview and guess: the text may be cut anywhere; a record broken by
                                 the cut is dropped silently instead of being an error */
    /* Set by open: how the bytes of an object become text (done by run/ before split). */
    const char
        *charset; /* NULL: UTF-8; PEN_CHARSET_JSON: found from the first bytes; else a name */
    bool is_malformed_fatal; /* malformed bytes fail the job; else each becomes U+FFFD */
    void *state;
};

/* parse->charset for "UTF-8, UTF-16 or UTF-32, told by the first bytes" (spec/parsers.md 4.1). */
#define PEN_CHARSET_JSON "json"

/* One logical file being split. Used under the lock of its stream. */
struct pen_parse_stream {
    const struct pen_parse *parse;
    const char *object; /* place for messages; borrowed */
    const char *etag;   /* set by the owner; NULL when unknown; borrowed */
    uint64_t object_index;
    uint64_t
        start_offset; /* of the first text byte in the decoded object: 3 behind a BOM, else 0 */
    struct pen_reject_sink *rejects;
    void *state; /* type->stream_size bytes, zeroed */
};

/* A run of whole records, owned by one worker at a time, reused. The worker owns `text`. */
struct pen_chunk {
    const char *text; /* PEN_CHUNK_PADDING readable bytes on both sides */
    size_t len;
    const char *object, *etag; /* set by split from its stream */
    uint64_t object_index;
    struct pen_reject_sink *rejects;
    void *state; /* type->chunk_size bytes, zeroed at creation; the index of the records */
};

struct pen_parse_type {
    struct pen_step_info info;
    size_t stream_size, chunk_size;
    /* open: config is the `parser` mapping; sets parse->schema. errors: PEN_ERR_CONFIG. */
    enum pen_code (*open)(struct pen_parse *parse, const struct pen_node *config,
                          const struct pen_bind *bind, struct pen_error *err);
    void (*close)(struct pen_parse *parse);
    enum pen_code (*stream_open)(struct pen_parse_stream *stream, struct pen_error *err);
    void (*stream_close)(struct pen_parse_stream *stream);
    /* split: indexes the whole records at the start of chunk->text.
     * in:     chunk->text/len: UTF-8 text that follows what was used before; is_eof: nothing
     * follows. out:    *ret_used bytes are done with (indexed, skipped or rejected); the caller
     * presents the rest again in front of new text. 0 with !is_eof: no record ends here, give more
     *         text. With is_eof *ret_used == len always. The text must not move until the chunk is
     *         converted or cleared.
     * errors: PEN_ERR_CORRUPT (data that fail the job), or what reject->report returned. */
    enum pen_code (*split)(struct pen_parse_stream *stream, struct pen_chunk *chunk, bool is_eof,
                           size_t *ret_used, struct pen_error *err);
    /* convert: appends records of the chunk to `into` until the chunk is exhausted (*ret_more
     * false) or `into` is full (*ret_more true: call again with an empty batch). Adds the origin.
     * Texts in `into` may point into chunk->text. */
    enum pen_code (*convert)(const struct pen_parse *parse, struct pen_chunk *chunk,
                             struct pen_batch *into, bool *ret_more, struct pen_error *err);
    void (*chunk_close)(struct pen_chunk *chunk); /* frees what state holds, not state itself */
};

/* pen_parse_new - an opened parser. bind->file and the node's lines give places in errors. */
PEN_MUST_USE enum pen_code pen_parse_new(const struct pen_parse_type *type,
                                         const struct pen_node *config, bool is_sample,
                                         const struct pen_bind *bind, struct pen_parse **ret_parse,
                                         struct pen_error *err);
void pen_parse_free(struct pen_parse *parse);
PEN_DEFINE_FREE_P(struct pen_parse *, pen_parse_free)

/* pen_parse_stream_new / pen_chunk_new - instances for that parser. `object` is borrowed. */
PEN_MUST_USE enum pen_code pen_parse_stream_new(const struct pen_parse *parse, const char *object,
                                                uint64_t object_index,
                                                struct pen_reject_sink *rejects,
                                                struct pen_parse_stream **ret_stream,
                                                struct pen_error *err);
void pen_parse_stream_free(struct pen_parse_stream *stream);
PEN_DEFINE_FREE_P(struct pen_parse_stream *, pen_parse_stream_free)
PEN_MUST_USE enum pen_code pen_chunk_new(const struct pen_parse *parse,
                                         struct pen_chunk **ret_chunk, struct pen_error *err);
void pen_chunk_free(const struct pen_parse *parse, struct pen_chunk *chunk);

/* pen_parse_schema - binds the `columns` list every parser has ({name, type, format?, timezone?,
 * date?}); errors name the entry: unknown type, missing name. Parsers read further keys of the
 * same nodes themselves. */
PEN_MUST_USE enum pen_code pen_parse_schema(const struct pen_node *columns,
                                            const struct pen_bind *bind, struct pen_schema *into,
                                            struct pen_error *err);

/* The options of timestamp columns that every parser has; `words`: where its option struct keeps a
 * struct pen_time_words. */
#define PEN_PARSE_TIME_OPTIONS(options, words)                                                     \
    {.key = "default_timezone",                                                                    \
     .kind = PEN_OPTION_TEXT,                                                                      \
     .offset = offsetof(options, words.timezone),                                                  \
     .default_text = "UTC",                                                                        \
     .help = "zone of timestamps that name none"},                                                 \
        {.key = "default_timestamp_format",                                                        \
         .kind = PEN_OPTION_TEXT,                                                                  \
         .offset = offsetof(options, words.format),                                                \
         .default_text = "%Y-%m-%d %H:%M:%S.%N %z",                                                \
         .help = "format of timestamp columns that state none"},                                   \
    {                                                                                              \
        .key = "default_date", .kind = PEN_OPTION_TEXT, .offset = offsetof(options, words.date),   \
        .default_text = "1970-01-01", .help = "date of timestamps that hold none"                  \
    }

/* pen_parse_time - the format of a timestamp column: the words of its entry (format, timezone,
 * date), else the parser's. errors: with the entry's place and the column's name. */
PEN_MUST_USE enum pen_code pen_parse_time(const struct pen_node *item, const char *column,
                                          struct pen_time_words otherwise,
                                          const struct pen_bind *bind,
                                          struct pen_time_format **ret_format,
                                          struct pen_error *err);

extern const struct pen_parse_type pen_parse_csv;  /* csv.c */
extern const struct pen_parse_type pen_parse_json; /* json_parse.c */

#endif
