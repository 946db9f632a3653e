/* Ruby's inspect of the values that JSON has. */
#include "base/json.h"
#include "base/number.h"
#include "cli/render.h"

#include <stdio.h>
#include <stdlib.h>

static enum pen_code inspect_text(struct pen_slice text, struct pen_buf *into,
                                  struct pen_error *err)
{
    static const char names[] = "abtnvfr";
    PEN_TRY(pen_buf_add_char(into, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';
        if (c >= 7 && c <= 13)
            PEN_TRY(pen_buf_addf(into, err, "\\%c", names[c - 7]));
        else if (c == 0x1B)
            PEN_TRY(pen_buf_add_str(into, "\\e", err));
        else if (c < 0x20 || c == 0x7F)
            PEN_TRY(pen_buf_addf(into, err, c == 0x7F ? "\\x%02X" : "\\u%04X", c));
        else if (c == 0xC2 && (unsigned char)next < 0xA0 && next != '\0')
            PEN_TRY(pen_buf_addf(into, err, "\\u%04X", (unsigned char)text.ptr[++i]));
        else if (c == '"' || c == '\\' || (c == '#' && (next == '{' || next == '$' || next == '@')))
            PEN_TRY(pen_buf_addf(into, err, "\\%c", c));
        else
            PEN_TRY(pen_buf_add_char(into, (char)c, err));
    }
    return pen_buf_add_char(into, '"', err);
}

/* Digits and exponent of the shortest text, "1.5e-7" or "0.00012", as d.ddd x 10^e. */
static size_t split_digits(const char *text, char *digits, int *ret_exponent)
{
    size_t count = 0;
    int exponent = -1, shift = 0;
    bool is_behind_point = false;
    for (; *text != '\0'; text++) {
        if (*text == '.') {
            is_behind_point = true;
        } else if (*text == 'e' || *text == 'E') {
            shift = (int)strtol(text + 1, NULL, 10);
            break;
        } else if (count > 0 || *text != '0') {
            digits[count++] = *text;
            exponent += !is_behind_point;
        } else if (is_behind_point) {
            exponent--; /* a zero right behind the point */
        }
    }
    while (count > 1 && digits[count - 1] == '0')
        count--;
    *ret_exponent = exponent + shift;
    return count;
}

/* 1.0, 100.0, 1.0e+16, 1.0e-05: an exponent from 10^16 on and below 10^-4. */
static enum pen_code inspect_double(double value, struct pen_buf *into, struct pen_error *err)
{
    char text[PEN_NUMBER_TEXT], digits[PEN_NUMBER_TEXT];
    text[pen_print_double(value < 0 ? -value : value, text)] = '\0';
    int exponent = 0;
    size_t count = value == 0 ? 0 : split_digits(text, digits, &exponent);
    if (value < 0 || (value == 0 && 1 / value < 0))
        PEN_TRY(pen_buf_add_char(into, '-', err));
    if (count == 0)
        return pen_buf_add_str(into, "0.0", err);
    if (exponent >= 16 || exponent < -4)
        return pen_buf_addf(into, err, "%c.%.*se%c%02d", digits[0], count > 1 ? (int)count - 1 : 1,
                            count > 1 ? digits + 1 : "0", exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0)
        return pen_buf_addf(into, err, "0.%.*s%.*s", -exponent - 1, "000", (int)count, digits);
    for (int i = 0; i <= exponent; i++)
        PEN_TRY(pen_buf_add_char(into, (size_t)i < count ? digits[i] : '0', err));
    size_t whole = (size_t)exponent + 1;
    return pen_buf_addf(into, err, ".%.*s", count > whole ? (int)(count - whole) : 1,
                        count > whole ? digits + whole : "0");
}

static enum pen_code inspect_json(const struct pen_json *value, struct pen_buf *into,
                                  struct pen_error *err);

static enum pen_code inspect_children(const struct pen_json *value, struct pen_buf *into,
                                      struct pen_error *err)
{
    bool is_object = value->kind == PEN_JSON_OBJECT;
    PEN_TRY(pen_buf_add_char(into, is_object ? '{' : '[', err));
    for (const struct pen_json *child = value->first; child != NULL; child = child->next) {
        if (child != value->first)
            PEN_TRY(pen_buf_add_str(into, ", ", err));
        if (is_object) {
            PEN_TRY(inspect_text(child->key, into, err));
            PEN_TRY(pen_buf_add_str(into, "=>", err));
        }
        PEN_TRY(inspect_json(child, into, err));
    }
    return pen_buf_add_char(into, is_object ? '}' : ']', err);
}

static enum pen_code inspect_json(const struct pen_json *value, struct pen_buf *into,
                                  struct pen_error *err)
{
    char text[PEN_NUMBER_TEXT];
    switch (value->kind) {
    case PEN_JSON_NULL:
        return pen_buf_add_str(into, "nil", err);
    case PEN_JSON_BOOLEAN:
        return pen_buf_add_str(into, value->boolean ? "true" : "false", err);
    case PEN_JSON_LONG:
        return pen_buf_add(into, text, pen_print_long(value->integer, text), err);
    case PEN_JSON_DOUBLE:
        return inspect_double(value->number, into, err);
    case PEN_JSON_STRING:
        return inspect_text(value->text, into, err);
    case PEN_JSON_ARRAY:
    case PEN_JSON_OBJECT:
        break;
    }
    return inspect_children(value, into, err);
}

enum pen_code pen_inspect(const struct pen_cell *cell, struct pen_buf *into, struct pen_error *err)
{
    if (cell->kind == PEN_CELL_NULL)
        return pen_buf_add_str(into, "nil", err);
    if (cell->kind == PEN_CELL_TEXT)
        return inspect_text(cell->text, into, err);
    struct pen_arena arena = PEN_ARENA((size_t)1 << 30);
    struct pen_json *value = NULL;
    size_t used = 0;
    enum pen_code code = pen_json_read(cell->text, &arena, &value, &used, err);
    if (code == PEN_OK)
        code = inspect_json(value, into, err);
    else if (code != PEN_ERR_NOMEM) /* a number beyond ours, such as a decimal: as it is */
        code = pen_buf_add_slice(into, cell->text, err);
    pen_arena_release(&arena);
    return code;
}
