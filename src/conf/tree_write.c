/* nodes --> YAML or JSON text. */
#include "conf/tree_internal.h"

#include "base/number.h"

#include <inttypes.h>
#include <math.h>

struct writer {
    struct pen_buf *into;
    bool is_compact; /* maps of only numbers and texts on one line */
    struct pen_error *err;
};

/* The bytes of the UTF-8 character at the start of text; 0 when they are none. */
static size_t character_len(struct pen_slice text)
{
    unsigned char first = (unsigned char)text.ptr[0];
    if (first < 0x80)
        return 1;
    size_t len = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.len < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (((unsigned char)text.ptr[i] & 0xC0) != 0x80)
            return 0;
    unsigned char second = (unsigned char)text.ptr[1];
    bool is_overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    bool is_outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return is_overlong || is_outside ? 0 : len;
}

/* A double quoted text that is the same in JSON and YAML; broken bytes become U+FFFD. */
static enum pen_code add_double_quoted(struct pen_buf *into, struct pen_slice text,
                                       struct pen_error *err)
{
    static const char escaped[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    PEN_TRY(pen_buf_add_char(into, '"', err));
    while (text.len > 0) {
        size_t len = character_len(text);
        unsigned char c = (unsigned char)text.ptr[0];
        const char *found = c != 0 && c < 0x80 ? strchr(escaped, c) : NULL;
        bool is_c1 = len == 2 && c == 0xC2 && (unsigned char)text.ptr[1] < 0xA0;
        bool is_break = len == 3 && (memcmp(text.ptr, "\xE2\x80\xA8", 3) == 0 ||
                                     memcmp(text.ptr, "\xE2\x80\xA9", 3) == 0 ||
                                     memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0);
        bool is_noncharacter =
            len == 3 && memcmp(text.ptr, "\xEF\xBF", 2) == 0 && (unsigned char)text.ptr[2] >= 0xBE;
        if (found != NULL)
            PEN_TRY(pen_buf_addf(into, err, "\\%c", names[found - escaped]));
        else if (c < 0x20 || c == 0x7F)
            PEN_TRY(pen_buf_addf(into, err, "\\u%04x", c));
        else if (is_c1)
            PEN_TRY(pen_buf_addf(into, err, "\\u%04x", (unsigned char)text.ptr[1]));
        else if (is_noncharacter) /* U+FFFE and U+FFFF are no YAML text */
            PEN_TRY(pen_buf_add_str(into, text.ptr[2] == '\xBE' ? "\\ufffe" : "\\uffff", err));
        else if (is_break)
            PEN_TRY(pen_buf_add_str(into,
                                    text.ptr[0] == '\xEF'   ? "\\ufeff"
                                    : text.ptr[2] == '\xA8' ? "\\u2028"
                                                            : "\\u2029",
                                    err));
        else
            PEN_TRY(
                pen_buf_add(into, len == 0 ? "\xEF\xBF\xBD" : text.ptr, len == 0 ? 3 : len, err));
        text = pen_slice_skip(text, len == 0 ? 1 : len);
    }
    return pen_buf_add_char(into, '"', err);
}

static enum pen_code add_single_quoted(struct pen_buf *into, struct pen_slice text,
                                       struct pen_error *err)
{
    PEN_TRY(pen_buf_add_char(into, '\'', err));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            PEN_TRY(pen_buf_add_char(into, '\'', err));
        PEN_TRY(pen_buf_add_char(into, text.ptr[i], err));
    }
    return pen_buf_add_char(into, '\'', err);
}

static bool is_utf8(struct pen_slice text)
{
    while (text.len > 0) {
        size_t len = character_len(text);
        if (len == 0)
            return false;
        text = pen_slice_skip(text, len);
    }
    return true;
}

static enum pen_code add_text(struct writer *writer, struct pen_slice text)
{
    enum pen_scalar_style style = is_utf8(text) ? pen_scalar_style(text) : PEN_SCALAR_DOUBLE;
    if (style == PEN_SCALAR_DOUBLE)
        return add_double_quoted(writer->into, text, writer->err);
    if (style == PEN_SCALAR_SINGLE)
        return add_single_quoted(writer->into, text, writer->err);
    return pen_buf_add_slice(writer->into, text, writer->err);
}

/* As it was written, but 1,000 as 1000: a comma would end it in flow style. */
static enum pen_code add_number(struct writer *writer, struct pen_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ',')
            PEN_TRY(pen_buf_add_char(writer->into, text.ptr[i], writer->err));
    return PEN_OK;
}

/* 1e5 is a number in JSON; in YAML 1.1 it takes a point and a sign: 1.0e+5. */
static enum pen_code add_double(struct writer *writer, const struct pen_node *node)
{
    struct pen_node probe = {.text = node->text};
    pen_scalar_resolve(&probe);
    if (probe.kind == PEN_NODE_DOUBLE)
        return add_number(writer, node->text);
    size_t mantissa = 0;
    while (mantissa < node->text.len && strchr("eE", node->text.ptr[mantissa]) == NULL)
        mantissa++;
    struct pen_slice exponent = pen_slice_skip(node->text, mantissa);
    PEN_TRY(pen_buf_add(writer->into, node->text.ptr, mantissa, writer->err));
    if (memchr(node->text.ptr, '.', mantissa) == NULL)
        PEN_TRY(pen_buf_add_str(writer->into, ".0", writer->err));
    if (exponent.len < 2)
        return PEN_OK;
    exponent = pen_slice_skip(exponent, 1);
    PEN_TRY(pen_buf_add_str(writer->into, strchr("+-", exponent.ptr[0]) == NULL ? "e+" : "e",
                            writer->err));
    return pen_buf_add_slice(writer->into, exponent, writer->err);
}

/* Numbers and booleans as they were written, so that an option that wants the text keeps it. */
static enum pen_code add_scalar(struct writer *writer, const struct pen_node *node)
{
    if (node->kind == PEN_NODE_NULL)
        return pen_buf_add_str(writer->into, "null", writer->err);
    if (node->kind == PEN_NODE_TEXT)
        return add_text(writer, node->text);
    if (node->kind == PEN_NODE_DOUBLE)
        return add_double(writer, node);
    if (node->kind == PEN_NODE_INT)
        return add_number(writer, node->text);
    return pen_buf_add_slice(writer->into, node->text, writer->err);
}

static bool is_container(const struct pen_node *node)
{
    return node->kind == PEN_NODE_LIST || node->kind == PEN_NODE_MAP;
}

/* Empty, or a map of only numbers and texts. */
static bool is_flow(const struct writer *writer, const struct pen_node *node)
{
    if (node->count == 0)
        return true;
    if (node->kind == PEN_NODE_LIST || !writer->is_compact)
        return false;
    for (const struct pen_node *child = node->first; child != NULL; child = child->next)
        if (is_container(child) || child->kind == PEN_NODE_NULL || child->kind == PEN_NODE_BOOL ||
            child->comment != NULL)
            return false;
    return true;
}

static enum pen_code add_flow(struct writer *writer, const struct pen_node *node)
{
    if (node->kind == PEN_NODE_LIST)
        return pen_buf_add_str(writer->into, "[]", writer->err);
    PEN_TRY(pen_buf_add_char(writer->into, '{', writer->err));
    for (const struct pen_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first)
            PEN_TRY(pen_buf_add_str(writer->into, ", ", writer->err));
        PEN_TRY(add_text(writer, child->key));
        PEN_TRY(pen_buf_add_str(writer->into, ": ", writer->err));
        PEN_TRY(add_scalar(writer, child));
    }
    return pen_buf_add_char(writer->into, '}', writer->err);
}

static enum pen_code add_indent(struct writer *writer, size_t indent)
{
    for (size_t i = 0; i < indent; i++)
        PEN_TRY(pen_buf_add_char(writer->into, ' ', writer->err));
    return PEN_OK;
}

/* One "# " line per line of the comment, each behind an indentation. */
static enum pen_code add_comment(struct writer *writer, const char *comment, size_t indent)
{
    struct pen_slice rest = pen_slice_str(comment);
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        PEN_TRY(pen_buf_add_str(writer->into, "# ", writer->err));
        PEN_TRY(pen_buf_add(writer->into, rest.ptr, len, writer->err));
        PEN_TRY(pen_buf_add_char(writer->into, '\n', writer->err));
        PEN_TRY(add_indent(writer, indent));
        rest = pen_slice_skip(rest, end != NULL ? len + 1 : len);
    }
    return PEN_OK;
}

static enum pen_code add_block(struct writer *writer, const struct pen_node *node, size_t indent,
                               bool is_first_indented);

/* What follows "key:" or "-": on the same line when it is short, else on the next lines. */
static enum pen_code add_block_value(struct writer *writer, const struct pen_node *node,
                                     size_t indent, bool is_in_list)
{
    if (!is_container(node) || is_flow(writer, node)) {
        PEN_TRY(pen_buf_add_char(writer->into, ' ', writer->err));
        PEN_TRY(is_container(node) ? add_flow(writer, node) : add_scalar(writer, node));
        return pen_buf_add_char(writer->into, '\n', writer->err);
    }
    if (is_in_list) { /* the first member stands behind "- " */
        PEN_TRY(pen_buf_add_char(writer->into, ' ', writer->err));
        return add_block(writer, node, indent + 2, true);
    }
    PEN_TRY(pen_buf_add_char(writer->into, '\n', writer->err));
    return add_block(writer, node, node->kind == PEN_NODE_LIST ? indent : indent + 2, false);
}

static enum pen_code add_block(struct writer *writer, const struct pen_node *node, size_t indent,
                               bool is_first_indented)
{
    bool is_list = node->kind == PEN_NODE_LIST;
    for (const struct pen_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first || !is_first_indented)
            PEN_TRY(add_indent(writer, indent));
        if (child->comment != NULL)
            PEN_TRY(add_comment(writer, child->comment, indent));
        if (!is_list)
            PEN_TRY(add_text(writer, child->key));
        PEN_TRY(pen_buf_add_char(writer->into, is_list ? '-' : ':', writer->err));
        PEN_TRY(add_block_value(writer, child, indent, is_list));
    }
    return PEN_OK;
}

static enum pen_code write_yaml(struct writer *writer, const struct pen_node *root)
{
    if (root == NULL || root->kind == PEN_NODE_NULL)
        return pen_buf_add_str(writer->into, "--- \n...\n", writer->err);
    PEN_TRY(pen_buf_add_str(writer->into, "---", writer->err));
    if (is_container(root) && !is_flow(writer, root)) {
        PEN_TRY(pen_buf_add_char(writer->into, '\n', writer->err));
        if (root->comment != NULL)
            PEN_TRY(add_comment(writer, root->comment, 0));
        return add_block(writer, root, 0, false);
    }
    return add_block_value(writer, root, 0, false);
}

enum pen_code pen_tree_write_yaml(const struct pen_node *root, struct pen_buf *into,
                                  struct pen_error *err)
{
    struct writer writer = {into, true, err};
    return write_yaml(&writer, root);
}

enum pen_code pen_tree_write_block_yaml(const struct pen_node *root, struct pen_buf *into,
                                        struct pen_error *err)
{
    struct writer writer = {into, false, err};
    return write_yaml(&writer, root);
}

enum pen_code pen_json_add_text(struct pen_buf *into, struct pen_slice text, struct pen_error *err)
{
    return add_double_quoted(into, text, err);
}

static enum pen_code add_json_double(struct pen_buf *into, const struct pen_node *node,
                                     struct pen_error *err)
{
    if (pen_scalar_is_json_number(node->text))
        return pen_buf_add_slice(into, node->text, err);
    if (isnan(node->number))
        return pen_buf_add_str(into, "\"NaN\"", err);
    if (isinf(node->number))
        return pen_buf_add_str(into, node->number > 0 ? "\"Infinity\"" : "\"-Infinity\"", err);
    char text[PEN_NUMBER_TEXT];
    return pen_buf_add(into, text, pen_print_double(node->number, text), err);
}

static enum pen_code add_json_break(struct pen_buf *into, bool is_pretty, size_t depth,
                                    struct pen_error *err)
{
    if (!is_pretty)
        return PEN_OK;
    PEN_TRY(pen_buf_add_char(into, '\n', err));
    for (size_t i = 0; i < depth; i++)
        PEN_TRY(pen_buf_add_str(into, "  ", err));
    return PEN_OK;
}

static enum pen_code add_json(struct pen_buf *into, const struct pen_node *node, bool is_pretty,
                              size_t depth, struct pen_error *err)
{
    bool is_map = node->kind == PEN_NODE_MAP;
    if (node->kind == PEN_NODE_NULL)
        return pen_buf_add_str(into, "null", err);
    if (node->kind == PEN_NODE_BOOL)
        return pen_buf_add_str(into, node->boolean ? "true" : "false", err);
    if (node->kind == PEN_NODE_INT)
        return pen_buf_addf(into, err, "%" PRId64, node->integer);
    if (node->kind == PEN_NODE_DOUBLE)
        return add_json_double(into, node, err);
    if (node->kind == PEN_NODE_TEXT)
        return add_double_quoted(into, node->text, err);
    if (node->count == 0)
        return pen_buf_add_str(into, is_map ? "{}" : "[]", err);
    PEN_TRY(pen_buf_add_char(into, is_map ? '{' : '[', err));
    for (const struct pen_node *child = node->first; child != NULL; child = child->next) {
        if (child != node->first)
            PEN_TRY(pen_buf_add_char(into, ',', err));
        PEN_TRY(add_json_break(into, is_pretty, depth + 1, err));
        if (is_map) {
            PEN_TRY(add_double_quoted(into, child->key, err));
            PEN_TRY(pen_buf_add_str(into, is_pretty ? ": " : ":", err));
        }
        PEN_TRY(add_json(into, child, is_pretty, depth + 1, err));
    }
    PEN_TRY(add_json_break(into, is_pretty, depth, err));
    return pen_buf_add_char(into, is_map ? '}' : ']', err);
}

enum pen_code pen_tree_write_json(const struct pen_node *root, bool is_pretty, struct pen_buf *into,
                                  struct pen_error *err)
{
    if (root == NULL)
        return pen_buf_add_str(into, "null", err);
    return add_json(into, root, is_pretty, 0, err);
}
