/* json_parse.c - the type `json`: its options, and the tree of members that its columns want.
 * source: spec/parsers.md 4, 6.1. Differences from the original: docs/formats/json.md. */
#include "parse/json_parse_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX_BYTES ((size_t)64 << 20)

struct json_options {
    const struct pen_node *columns;
    char *root;
    struct pen_time_words times;
    int invalid_string_escapes;
    bool flatten_json_array, stop_on_invalid_record;
};

static const char *const escape_choices[] = {"PASSTHROUGH", "SKIP", "UNESCAPE", NULL};

#define OPTION(name, option_kind, default_value, help_text)                                        \
    {                                                                                              \
        .key = #name, .kind = (option_kind), .offset = offsetof(struct json_options, name),        \
        .default_text = (default_value), .help = help_text                                         \
    }

static const struct pen_option json_option_table[] = {
    OPTION(columns, PEN_OPTION_NODE, NULL,
           "list of {name, type, element_at, format, timezone, date}; element_at is a JSON pointer "
           "into the record, else the member called name; without a list one json column 'record'"),
    OPTION(root, PEN_OPTION_TEXT, NULL,
           "JSON pointer to the part of each value that is the record, or the array of records"),
    OPTION(flatten_json_array, PEN_OPTION_BOOL, "false",
           "each value is an array, and each of its elements a record"),
    OPTION(stop_on_invalid_record, PEN_OPTION_BOOL, "false",
           "an invalid record fails the job instead of being rejected and counted"),
    {.key = "invalid_string_escapes",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct json_options, invalid_string_escapes),
     .default_text = "PASSTHROUGH",
     .choices = escape_choices,
     .help = "backslashes before other characters than JSON knows: an error, dropped with the "
             "character, or dropped alone"},
    PEN_PARSE_TIME_OPTIONS(struct json_options, times),
    {.key = NULL},
};

/* What open works on. */
struct opening {
    struct pen_parse *parse;
    struct pen_json_parser *parser;
    const struct pen_bind *bind;
    struct json_options options;
    uint32_t leaf_count;
};

/* ---- columns ---- */

/* Puts the place of a node on an error that has none. */
static enum pen_code placed(const struct opening *o, const struct pen_node *node,
                            const char *subject, enum pen_code code, struct pen_error *err)
{
    if (code == PEN_OK || err == NULL)
        return code;
    char message[sizeof err->message];
    memcpy(message, err->message, sizeof message);
    (void)pen_fail_at(o->bind, node, err, "%s: %s", subject, message);
    err->code = code;
    return code;
}

static enum pen_code set_path(const struct opening *o, const struct pen_node *item,
                              struct pen_json_column *column, struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(item, "element_at");
    struct pen_arena *arena = &o->parser->arena;
    if (node != NULL && node->kind != PEN_NODE_NULL)
        return placed(o, node, "element_at",
                      pen_json_pointer_parse(node->text, arena, &column->path, err), err);
    struct pen_json_token *token = pen_arena_alloc(arena, sizeof *token);
    if (token == NULL)
        return pen_fail_nomem(err);
    /* a name is taken as it is, never as an array index: a record is an object */
    *token = (struct pen_json_token){.key = pen_slice_str(column->name), .index = -1};
    column->path = (struct pen_json_pointer){.tokens = token, .count = 1};
    return PEN_OK;
}

static enum pen_code set_column(const struct opening *o, const struct pen_node *item,
                                struct pen_json_column *column, struct pen_error *err)
{
    PEN_TRY(set_path(o, item, column, err));
    if (column->type != PEN_TYPE_TIMESTAMP)
        return PEN_OK;
    return pen_parse_time(item, column->name, o->options.times, o->bind, &column->time, err);
}

static enum pen_code add_record_column(struct opening *o, struct pen_error *err)
{
    PEN_TRY(pen_schema_add(&o->parse->schema, PEN_LIT("record"), PEN_TYPE_JSON, NULL, err));
    o->parser->columns = calloc(1, sizeof *o->parser->columns);
    if (o->parser->columns == NULL)
        return pen_fail_nomem(err);
    o->parser->column_count = 1;
    o->parser->columns[0].type = PEN_TYPE_JSON;
    o->parser->columns[0].name = o->parse->schema.fields[0].name;
    return PEN_OK; /* the empty path: the record itself */
}

static enum pen_code set_columns(struct opening *o, struct pen_error *err)
{
    const struct pen_node *list = o->options.columns;
    bool is_unset = list == NULL || list->kind == PEN_NODE_NULL;
    if (is_unset || (list->kind == PEN_NODE_LIST && list->count == 0))
        return add_record_column(o, err);
    PEN_TRY(pen_parse_schema(list, o->bind, &o->parse->schema, err));
    size_t count = o->parse->schema.count;
    o->parser->columns = calloc(count + 1, sizeof *o->parser->columns);
    if (o->parser->columns == NULL)
        return pen_fail_nomem(err);
    o->parser->column_count = count;
    const struct pen_node *item = list->first;
    for (size_t c = 0; c < count; c++, item = item->next) {
        o->parser->columns[c].name = o->parse->schema.fields[c].name;
        o->parser->columns[c].type = o->parse->schema.fields[c].type;
        PEN_TRY(set_column(o, item, &o->parser->columns[c], err));
    }
    return PEN_OK;
}

/* ---- the tree of wanted members ---- */

static void set_token(struct pen_json_node *node, const struct pen_json_token *token)
{
    node->token = *token;
    size_t len = token->key.len;
    node->is_short = len < PEN_JSON_KEY_BYTES;
    for (size_t i = 0; i < len && node->is_short; i++) /* in the text they would be escaped */
        node->is_short = token->key.ptr[i] != '"' && token->key.ptr[i] != '\\' &&
                         (unsigned char)token->key.ptr[i] >= 0x20;
    if (!node->is_short)
        return;
    if (len > 0)
        memcpy(node->short_key, token->key.ptr, len);
    node->short_key[len] = '"';
    memset(node->short_mask, 0xff, len + 1);
}

static bool same_start(const struct pen_json_pointer *a, const struct pen_json_pointer *b,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!pen_slice_equal(a->tokens[i].key, b->tokens[i].key))
            return false;
    return true;
}

/* Children of the node that column `of` leads to in `level` steps: one for each different next
 * step of the columns that share these steps. */
static void add_children(struct opening *o, struct pen_json_node *node, size_t of, size_t level)
{
    struct pen_json_parser *parser = o->parser;
    const struct pen_json_column *columns = parser->columns;
    node->first_child = (uint32_t)parser->node_count;
    node->first_column = o->leaf_count;
    for (size_t c = 0; c < parser->column_count; c++) {
        const struct pen_json_pointer *path = &columns[c].path;
        if (path->count < level || !same_start(path, &columns[of].path, level))
            continue;
        if (path->count == level) {
            parser->leaves[o->leaf_count++] = (uint32_t)c;
            node->column_count++;
            continue;
        }
        bool is_known = false;
        for (size_t b = 0; b < c && !is_known; b++)
            is_known =
                columns[b].path.count > level && same_start(&columns[b].path, path, level + 1);
        if (is_known)
            continue;
        struct pen_json_node *child = &parser->nodes[parser->node_count++];
        set_token(child, &path->tokens[level]);
        child->first_column = (uint32_t)c; /* until its own turn: a column that leads here */
        node->child_count++;
    }
}

#define MANY_CHILDREN 8 /* fewer are compared one by one */

/* A table of twice as many slots as children, or more. */
static void add_slots(struct pen_json_parser *parser, struct pen_json_node *node,
                      uint32_t *slot_count)
{
    if (node->child_count < MANY_CHILDREN)
        return;
    uint32_t size = 2 * MANY_CHILDREN;
    while (size < 2 * node->child_count)
        size *= 2;
    node->slot_mask = size - 1;
    node->first_slot = *slot_count;
    *slot_count += size;
    for (uint32_t i = 0; i < node->child_count; i++) {
        uint32_t number = node->first_child + i;
        uint32_t at = pen_json_key_hash(parser->nodes[number].token.key);
        while (parser->slots[node->first_slot + (at & node->slot_mask)] != 0)
            at++;
        parser->slots[node->first_slot + (at & node->slot_mask)] = number;
    }
}

static enum pen_code finish_nodes(struct pen_json_parser *parser, struct pen_error *err)
{
    uint32_t slot_count = 0;
    parser->slots = calloc(4 * parser->node_count + 1, sizeof *parser->slots);
    if (parser->slots == NULL)
        return pen_fail_nomem(err);
    for (size_t n = 0; n < parser->node_count; n++) {
        struct pen_json_node *node = &parser->nodes[n];
        node->number = (uint32_t)n;
        node->is_plain = node->child_count == 0 && node->column_count == 1;
        if (node->is_plain)
            node->column = parser->leaves[node->first_column];
        add_slots(parser, node, &slot_count);
    }
    return PEN_OK;
}

static enum pen_code build_tree(struct opening *o, struct pen_error *err)
{
    struct pen_json_parser *parser = o->parser;
    size_t most = 1;
    for (size_t c = 0; c < parser->column_count; c++)
        most += parser->columns[c].path.count;
    parser->nodes = calloc(most + 1, sizeof *parser->nodes);
    parser->leaves = calloc(parser->column_count + 1, sizeof *parser->leaves);
    PEN_CLEANUP(pen_free_p) uint32_t *levels = calloc(most + 1, sizeof *levels);
    if (parser->nodes == NULL || parser->leaves == NULL || levels == NULL)
        return pen_fail_nomem(err);
    parser->node_count = 1;
    for (size_t n = 0; n < parser->node_count; n++) {
        struct pen_json_node *node = &parser->nodes[n];
        add_children(o, node, node->first_column, levels[n]);
        for (uint32_t i = 0; i < node->child_count; i++)
            levels[node->first_child + i] = levels[n] + 1;
    }
    return finish_nodes(parser, err);
}

/* ---- the type ---- */

static enum pen_code json_open(struct pen_parse *parse, const struct pen_node *config,
                               const struct pen_bind *bind, struct pen_error *err)
{
    /* guess writes the last two, as the original's does; the encoding is found from the bytes */
    static const char *const also[] = {"type", "charset", "newline", NULL};
    struct opening o = {.parse = parse, .parser = parse->state, .bind = bind};
    o.parser->arena = PEN_ARENA(ARENA_MAX_BYTES);
    PEN_TRY(
        pen_options_bind(parse->type->info.options, config, "parser", also, &o.options, bind, err));
    parse->charset = PEN_CHARSET_JSON;
    parse->is_malformed_fatal = true;
    o.parser->is_flat = o.options.flatten_json_array;
    o.parser->is_strict = o.options.stop_on_invalid_record;
    o.parser->escapes = (enum pen_json_escapes)o.options.invalid_string_escapes;
    o.parser->has_root = o.options.root != NULL && o.options.root[0] != '\0';
    if (o.parser->has_root)
        PEN_TRY(placed(&o, pen_node_get(config, "root"), "root",
                       pen_json_pointer_parse(pen_slice_str(o.options.root), &o.parser->arena,
                                              &o.parser->root, err),
                       err));
    PEN_TRY(set_columns(&o, err));
    return build_tree(&o, err);
}

static void json_close(struct pen_parse *parse)
{
    struct pen_json_parser *parser = parse->state;
    for (size_t c = 0; c < parser->column_count; c++)
        pen_time_format_free(parser->columns[c].time);
    free(parser->columns);
    free(parser->nodes);
    free(parser->leaves);
    free(parser->slots);
    pen_arena_release(&parser->arena);
}

static enum pen_code json_stream_open(struct pen_parse_stream *stream, struct pen_error *err)
{
    (void)stream;
    (void)err;
    return PEN_OK;
}

static void json_stream_close(struct pen_parse_stream *stream)
{
    (void)stream;
}

static void json_chunk_close(struct pen_chunk *chunk)
{
    struct pen_json_chunk *state = chunk->state;
    free(state->runs);
    free(state->stamps);
    pen_buf_release(&state->scratch);
    pen_buf_release(&state->reason);
    pen_buf_release(&state->repaired);
}

const struct pen_parse_type pen_parse_json = {
    .info = {.name = "json",
             .summary = "JSON values: one per line, pretty-printed, back to back, or in one array",
             .options = json_option_table,
             .state_size = sizeof(struct pen_json_parser)},
    .stream_size = sizeof(struct pen_json_stream),
    .chunk_size = sizeof(struct pen_json_chunk),
    .open = json_open,
    .close = json_close,
    .stream_open = json_stream_open,
    .stream_close = json_stream_close,
    .split = pen_json_split,
    .convert = pen_json_convert,
    .chunk_close = json_chunk_close,
};
