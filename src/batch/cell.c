#include "batch/cell.h"

#include "base/civil.h"
#include "base/json.h"
#include "base/number.h"

#include <math.h>

static struct pen_cell double_cell(double value, struct pen_buf *scratch)
{
    char *text = scratch->ptr + scratch->len;
    size_t len = pen_print_double(value, text);
    scratch->len += len;
    /* not a number and infinities have no spelling in JSON: they are texts there */
    return (struct pen_cell){isfinite(value) ? PEN_CELL_BARE : PEN_CELL_TEXT, pen_slice(text, len)};
}

static struct pen_cell timestamp_cell(const struct pen_column *column, size_t row,
                                      struct pen_buf *scratch)
{
    char *text = scratch->ptr + scratch->len;
    uint16_t ns = column->nanos != NULL ? column->nanos[row] : 0;
    struct pen_instant instant = {pen_column_longs(column)[row], ns};
    size_t len = pen_instant_print(instant, text);
    scratch->len += len;
    return (struct pen_cell){PEN_CELL_TEXT, pen_slice(text, len)};
}

struct pen_cell pen_cell_of(const struct pen_column *column, size_t row, struct pen_buf *scratch)
{
    if (!pen_column_is_valid(column, row))
        return (struct pen_cell){PEN_CELL_NULL, {NULL, 0}};
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        return (struct pen_cell){PEN_CELL_BARE, pen_column_booleans(column)[row] != 0
                                                    ? PEN_LIT("true")
                                                    : PEN_LIT("false")};
    case PEN_TYPE_LONG: {
        char *text = scratch->ptr + scratch->len;
        size_t len = pen_print_long(pen_column_longs(column)[row], text);
        scratch->len += len;
        return (struct pen_cell){PEN_CELL_BARE, pen_slice(text, len)};
    }
    case PEN_TYPE_DOUBLE:
        return double_cell(pen_column_doubles(column)[row], scratch);
    case PEN_TYPE_TIMESTAMP:
        return timestamp_cell(column, row, scratch);
    case PEN_TYPE_STRING:
        return (struct pen_cell){PEN_CELL_TEXT, pen_string_slice(&pen_column_strings(column)[row])};
    case PEN_TYPE_JSON:
        break;
    }
    return (struct pen_cell){PEN_CELL_JSON, pen_string_slice(&pen_column_strings(column)[row])};
}

enum pen_code pen_cell_add_json(const struct pen_cell *cell, struct pen_buf *into,
                                struct pen_error *err)
{
    if (cell->kind == PEN_CELL_NULL)
        return pen_buf_add_str(into, "null", err);
    if (cell->kind == PEN_CELL_TEXT)
        return pen_json_add_foreign(into, cell->text, err);
    return pen_buf_add_slice(into, cell->text, err);
}

enum pen_code pen_cell_add_separated(const struct pen_cell *cell, char separator,
                                     struct pen_buf *into, struct pen_error *err)
{
    struct pen_slice text = cell->text;
    if (cell->kind == PEN_CELL_NULL)
        return PEN_OK;
    bool is_plain = text.len > 0 && strchr(" \t", text.ptr[0]) == NULL &&
                    strchr(" \t", text.ptr[text.len - 1]) == NULL;
    for (size_t i = 0; is_plain && i < text.len; i++)
        is_plain = text.ptr[i] != separator && text.ptr[i] != '"' && text.ptr[i] != '\n' &&
                   text.ptr[i] != '\r';
    if (is_plain)
        return pen_buf_add_slice(into, text, err);
    PEN_TRY(pen_buf_add_char(into, '"', err));
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            PEN_TRY(pen_buf_add_char(into, '"', err));
        PEN_TRY(pen_buf_add_char(into, text.ptr[i], err));
    }
    return pen_buf_add_char(into, '"', err);
}
