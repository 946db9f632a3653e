/* JSON text --recursive descent, at most PEN_TREE_MAX_DEPTH deep--> nodes. */
#include "conf/tree_internal.h"

#include "base/number.h"
#include "base/utf8.h"

struct reader {
    struct pen_slice text;
    size_t at, line_start; /* line_start: offset of the line `at` is in */
    uint32_t line;
    const char *name;
    struct pen_arena *arena;
    struct pen_buf *scratch; /* a string while it is unescaped */
    size_t depth, nodes_left;
    struct pen_error *err;
};

static enum pen_code fail(struct reader *reader, const char *message)
{
    (void)pen_fail(reader->err, PEN_ERR_CONFIG, "%s", message);
    pen_error_where(reader->err, "%s:%u:%zu", reader->name, reader->line,
                    reader->at - reader->line_start + 1);
    return PEN_ERR_CONFIG;
}

static int peek(const struct reader *reader)
{
    return reader->at < reader->text.len ? (unsigned char)reader->text.ptr[reader->at] : -1;
}

static void skip_space(struct reader *reader)
{
    for (;; reader->at++) {
        int c = peek(reader);
        if (c == '\n') {
            reader->line++;
            reader->line_start = reader->at + 1;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
    }
}

static enum pen_code new_node(struct reader *reader, enum pen_node_kind kind,
                              struct pen_node **ret_node)
{
    if (reader->nodes_left == 0) {
        (void)fail(reader, "the document has more than 1048576 values");
        return PEN_ERR_TOO_LARGE;
    }
    reader->nodes_left--;
    struct pen_node *node = pen_node_new_kind(reader->arena, kind);
    if (node == NULL)
        return pen_fail_nomem(reader->err);
    node->line = reader->line;
    node->column = (uint32_t)(reader->at - reader->line_start + 1);
    *ret_node = node;
    return PEN_OK;
}

static bool read_hex(struct reader *reader, unsigned *ret_unit)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        int c = peek(reader);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 99;
        if (digit == 99)
            return false;
        unit = unit * 16 + digit;
    }
    *ret_unit = unit;
    return true;
}

static enum pen_code add_code_point(struct reader *reader, unsigned point)
{
    char utf8[4];
    size_t len = 0;
    if (point < 0x80) {
        utf8[len++] = (char)point;
    } else if (point < 0x800) {
        utf8[len++] = (char)(0xC0 | point >> 6);
        utf8[len++] = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        utf8[len++] = (char)(0xE0 | point >> 12);
        utf8[len++] = (char)(0x80 | (point >> 6 & 0x3F));
        utf8[len++] = (char)(0x80 | (point & 0x3F));
    } else {
        utf8[len++] = (char)(0xF0 | point >> 18);
        utf8[len++] = (char)(0x80 | (point >> 12 & 0x3F));
        utf8[len++] = (char)(0x80 | (point >> 6 & 0x3F));
        utf8[len++] = (char)(0x80 | (point & 0x3F));
    }
    return pen_buf_add(reader->scratch, utf8, len, reader->err);
}

/* Behind "\u". */
static enum pen_code read_unicode(struct reader *reader)
{
    unsigned unit = 0, low = 0;
    if (!read_hex(reader, &unit))
        return fail(reader, "\\u needs four hexadecimal digits");
    if (unit < 0xD800 || unit > 0xDFFF)
        return add_code_point(reader, unit);
    bool has_low = unit < 0xDC00 && reader->text.len - reader->at >= 6 &&
                   memcmp(reader->text.ptr + reader->at, "\\u", 2) == 0;
    reader->at += has_low ? 2 : 0;
    if (!has_low || !read_hex(reader, &low) || low < 0xDC00 || low > 0xDFFF)
        return fail(reader, "half of a surrogate pair");
    return add_code_point(reader, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
}

/* Behind the backslash. */
static enum pen_code read_escape(struct reader *reader)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(reader);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (c != 'u' && found == NULL)
        return fail(reader, "unknown escape in a string");
    reader->at++;
    if (c == 'u')
        return read_unicode(reader);
    return pen_buf_add_char(reader->scratch, values[found - names], reader->err);
}

/* Into scratch, then into the arena. */
static enum pen_code read_string(struct reader *reader, struct pen_slice *ret_text)
{
    pen_buf_clear(reader->scratch);
    for (reader->at++; peek(reader) != '"';) {
        int c = peek(reader);
        if (c < 0x20)
            return fail(reader, c < 0 ? "unclosed string" : "control character in a string");
        reader->at++;
        if (c == '\\')
            PEN_TRY(read_escape(reader));
        else
            PEN_TRY(pen_buf_add_char(reader->scratch, (char)c, reader->err));
    }
    reader->at++;
    const char *copy = pen_arena_copy(reader->arena, pen_buf_slice(reader->scratch));
    if (copy == NULL)
        return pen_fail_nomem(reader->err);
    *ret_text = pen_slice(copy, reader->scratch->len);
    return PEN_OK;
}

static enum pen_code read_word(struct reader *reader, struct pen_node *node)
{
    size_t start = reader->at;
    while (peek(reader) > 0 && strchr("+-.", peek(reader)) != NULL)
        reader->at++;
    for (int c = peek(reader); (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                               (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '.';
         c = peek(reader))
        reader->at++;
    struct pen_slice word = pen_slice(reader->text.ptr + start, reader->at - start);
    bool is_word =
        pen_slice_is(word, "true") || pen_slice_is(word, "false") || pen_slice_is(word, "null");
    bool is_number = pen_scalar_is_json_number(word);
    if (!is_word && !is_number) {
        reader->at = start;
        return fail(reader, "not a JSON value");
    }
    const char *copy = pen_arena_copy(reader->arena, word);
    if (copy == NULL)
        return pen_fail_nomem(reader->err);
    node->text = pen_slice(copy, word.len);
    pen_scalar_resolve(node);
    if (is_number && node->kind == PEN_NODE_TEXT) { /* 1e5: no number in YAML 1.1 */
        node->kind = PEN_NODE_DOUBLE;
        (void)pen_parse_double(word, &node->number); /* its grammar was checked */
    }
    return PEN_OK;
}

static enum pen_code read_value(struct reader *reader, struct pen_node **ret_node);

static enum pen_code read_member(struct reader *reader, struct pen_node *map)
{
    uint32_t line = reader->line, column = (uint32_t)(reader->at - reader->line_start + 1);
    struct pen_slice key = {0};
    if (peek(reader) != '"')
        return fail(reader, "expected a key in double quotes");
    PEN_TRY(read_string(reader, &key));
    if (memchr(key.ptr, '\0', key.len) != NULL)
        return fail(reader, "a key must not hold a NUL character");
    skip_space(reader);
    if (peek(reader) != ':')
        return fail(reader, "expected ':' behind a key");
    reader->at++;
    struct pen_node *value = NULL;
    PEN_TRY(read_value(reader, &value));
    value->key = key;
    value->line = line;
    value->column = column;
    pen_node_append(map, value);
    return PEN_OK;
}

/* Behind the opening bracket. */
static enum pen_code read_children(struct reader *reader, struct pen_node *node)
{
    bool is_map = node->kind == PEN_NODE_MAP;
    char end = is_map ? '}' : ']';
    skip_space(reader);
    while (peek(reader) != end) {
        if (is_map) {
            PEN_TRY(read_member(reader, node));
        } else {
            struct pen_node *item = NULL;
            PEN_TRY(read_value(reader, &item));
            pen_node_append(node, item);
        }
        skip_space(reader);
        if (peek(reader) == end)
            break;
        if (peek(reader) != ',')
            return fail(reader, "expected ',' or the end of the list or mapping");
        reader->at++;
        skip_space(reader);
        if (peek(reader) == end)
            return fail(reader, "a value is missing behind ','");
    }
    reader->at++;
    return is_map ? pen_tree_settle_map(node, NULL, reader->name, reader->err) : PEN_OK;
}

static enum pen_code read_value(struct reader *reader, struct pen_node **ret_node)
{
    skip_space(reader);
    int c = peek(reader);
    enum pen_node_kind kind = c == '{' ? PEN_NODE_MAP : c == '[' ? PEN_NODE_LIST : PEN_NODE_TEXT;
    struct pen_node *node = NULL;
    PEN_TRY(new_node(reader, kind, &node));
    *ret_node = node;
    if (c == '"') {
        node->is_quoted = true;
        return read_string(reader, &node->text);
    }
    if (kind == PEN_NODE_TEXT)
        return read_word(reader, node);
    if (reader->depth == PEN_TREE_MAX_DEPTH) {
        (void)fail(reader, "the document is nested deeper than 64 levels");
        return PEN_ERR_TOO_LARGE;
    }
    reader->depth++;
    reader->at++;
    PEN_TRY(read_children(reader, node));
    reader->depth--;
    return PEN_OK;
}

enum pen_code pen_tree_parse_json(struct pen_slice text, const char *name, struct pen_arena *arena,
                                  struct pen_node **ret_root, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(text.len + 4);
    struct reader reader = {.text = text,
                            .line = 1,
                            .name = name,
                            .arena = arena,
                            .scratch = &scratch,
                            .nodes_left = PEN_TREE_MAX_NODES,
                            .err = err};
    struct pen_node *root = NULL;
    reader.at = pen_utf8_valid_len(text);
    if (reader.at < text.len)
        return fail(&reader, "invalid UTF-8");
    reader.at = 0;
    PEN_TRY(pen_buf_reserve(&scratch, 1, err));
    PEN_TRY(read_value(&reader, &root));
    skip_space(&reader);
    if (reader.at < text.len)
        return fail(&reader, "text behind the end of the document");
    *ret_root = root;
    return PEN_OK;
}
