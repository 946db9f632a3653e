#include "parse/parse.h"

#include <stdlib.h>

static void *zeroed(size_t size)
{
    return calloc(1, size > 0 ? size : 1);
}

enum pen_code pen_parse_new(const struct pen_parse_type *type, const struct pen_node *config,
                            bool is_sample, const struct pen_bind *bind,
                            struct pen_parse **ret_parse, struct pen_error *err)
{
    PEN_CLEANUP(pen_parse_free_p) struct pen_parse *parse = calloc(1, sizeof *parse);
    if (parse == NULL)
        return pen_fail_nomem(err);
    parse->type = type;
    parse->is_sample = is_sample;
    parse->state = zeroed(type->info.state_size);
    if (parse->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(type->open(parse, config, bind, err));
    *ret_parse = PEN_TAKE(parse);
    return PEN_OK;
}

void pen_parse_free(struct pen_parse *parse)
{
    if (parse == NULL)
        return;
    if (parse->state != NULL)
        parse->type->close(parse);
    pen_schema_clear(&parse->schema);
    free(parse->state);
    free(parse);
}

enum pen_code pen_parse_stream_new(const struct pen_parse *parse, const char *object,
                                   uint64_t object_index, struct pen_reject_sink *rejects,
                                   struct pen_parse_stream **ret_stream, struct pen_error *err)
{
    PEN_CLEANUP(pen_parse_stream_free_p)
    struct pen_parse_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return pen_fail_nomem(err);
    stream->parse = parse;
    stream->object = object;
    stream->object_index = object_index;
    stream->rejects = rejects;
    stream->state = zeroed(parse->type->stream_size);
    if (stream->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(parse->type->stream_open(stream, err));
    *ret_stream = PEN_TAKE(stream);
    return PEN_OK;
}

void pen_parse_stream_free(struct pen_parse_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->state != NULL)
        stream->parse->type->stream_close(stream);
    free(stream->state);
    free(stream);
}

enum pen_code pen_chunk_new(const struct pen_parse *parse, struct pen_chunk **ret_chunk,
                            struct pen_error *err)
{
    struct pen_chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL)
        return pen_fail_nomem(err);
    chunk->state = zeroed(parse->type->chunk_size);
    if (chunk->state == NULL) {
        free(chunk);
        return pen_fail_nomem(err);
    }
    *ret_chunk = chunk;
    return PEN_OK;
}

void pen_chunk_free(const struct pen_parse *parse, struct pen_chunk *chunk)
{
    if (chunk == NULL)
        return;
    parse->type->chunk_close(chunk);
    free(chunk->state);
    free(chunk);
}

static enum pen_code add_column(const struct pen_node *item, const struct pen_bind *bind,
                                struct pen_schema *into, struct pen_error *err)
{
    const struct pen_node *name = pen_node_get(item, "name");
    const struct pen_node *type = pen_node_get(item, "type");
    const struct pen_node *format = pen_node_get(item, "format");
    if (name == NULL || name->kind == PEN_NODE_NULL)
        return pen_fail_at(bind, item, err, "a column has no 'name'");
    if (name->kind == PEN_NODE_LIST || name->kind == PEN_NODE_MAP)
        return pen_fail_at(bind, name, err, "'name' of a column must be a text");
    if (type == NULL)
        return pen_fail_at(bind, item, err, "column '%.*s' has no 'type'", PEN_ARG(name->text));
    enum pen_type value;
    if (!pen_type_from_name(type->text, &value)) {
        (void)pen_fail_at(bind, type, err, "column '%.*s': unknown type '%.*s'",
                          PEN_ARG(name->text), PEN_ARG(type->text));
        pen_error_hint(err, "types are boolean, long, double, string, timestamp, json");
        return PEN_ERR_CONFIG;
    }
    return pen_schema_add(into, name->text, value, format == NULL ? NULL : format->text.ptr, err);
}

/* The original ignores what it does not know of a column, and so do we, but not silently: a
 * misspelt `format` would reject every record. */
static void warn_of_unknown(const struct pen_node *item, const struct pen_bind *bind,
                            unsigned *left)
{
    static const char *const known[] = {"name", "type", "format", "timezone", "date", "element_at"};
    static const size_t count = sizeof known / sizeof known[0];
    for (const struct pen_node *child = item->first; child != NULL && *left > 0;
         child = child->next) {
        size_t i = 0;
        while (i < count && !pen_slice_is(child->key, known[i]))
            i++;
        if (item->kind != PEN_NODE_MAP || i < count)
            continue;
        const char *close = pen_did_you_mean(child->key, known, count);
        pen_warn_at(bind, child, "'%.*s' of a column has no meaning and is ignored%s%s%s",
                    child->key.len < 64 ? (int)child->key.len : 64, child->key.ptr,
                    close == NULL ? "" : ", did you mean '", close == NULL ? "" : close,
                    close == NULL ? "" : "'?");
        (*left)--;
    }
}

enum pen_code pen_parse_schema(const struct pen_node *columns, const struct pen_bind *bind,
                               struct pen_schema *into, struct pen_error *err)
{
    if (columns->kind != PEN_NODE_LIST)
        return pen_fail_at(bind, columns, err, "'columns' must be a list");
    unsigned remarks_left = 3;
    for (const struct pen_node *item = columns->first; item != NULL; item = item->next) {
        PEN_TRY(add_column(item, bind, into, err));
        warn_of_unknown(item, bind, &remarks_left);
    }
    return PEN_OK;
}

static const char *word(const struct pen_node *item, const char *key)
{
    const struct pen_node *node = pen_node_get(item, key);
    return node == NULL || node->kind == PEN_NODE_NULL ? NULL : node->text.ptr;
}

enum pen_code pen_parse_time(const struct pen_node *item, const char *column,
                             struct pen_time_words otherwise, const struct pen_bind *bind,
                             struct pen_time_format **ret_format, struct pen_error *err)
{
    const struct pen_time_words own = {word(item, "format"), word(item, "timezone"),
                                       word(item, "date")};
    return pen_time_words_compile(pen_time_words_or(own, otherwise), column, item, bind, ret_format,
                                  err);
}
