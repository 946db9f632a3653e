#include "batch/pack.h"

#include "base/civil.h"
#include "base/number.h"

static enum pen_code pack_json(struct pen_slice text, struct pen_arena *scratch,
                               struct pen_buf *into, struct pen_error *err)
{
    struct pen_json *value = NULL;
    size_t used = 0;
    double number = 0;
    pen_arena_clear(scratch);
    if (pen_json_read(text, scratch, &value, &used, NULL) == PEN_OK)
        return pen_msgpack_add_json(into, value, err);
    if (pen_parse_double(text, &number))
        return pen_msgpack_add_double(into, number, err);
    return pen_msgpack_add_text(into, text, err);
}

static enum pen_code pack_instant(const struct pen_column *column, size_t row, struct pen_buf *into,
                                  struct pen_error *err)
{
    char text[PEN_INSTANT_TEXT];
    struct pen_instant instant = {pen_column_longs(column)[row],
                                  column->nanos != NULL ? column->nanos[row] : 0};
    size_t len = pen_instant_print(instant, text);
    return pen_msgpack_add_text(into, pen_slice(text, len), err);
}

enum pen_code pen_pack_value(const struct pen_column *column, size_t row, struct pen_arena *scratch,
                             struct pen_buf *into, struct pen_error *err)
{
    if (!pen_column_is_valid(column, row))
        return pen_msgpack_add_nil(into, err);
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        return pen_msgpack_add_bool(into, pen_column_booleans(column)[row] != 0, err);
    case PEN_TYPE_LONG:
        return pen_msgpack_add_int(into, pen_column_longs(column)[row], err);
    case PEN_TYPE_DOUBLE:
        return pen_msgpack_add_double(into, pen_column_doubles(column)[row], err);
    case PEN_TYPE_TIMESTAMP:
        return pack_instant(column, row, into, err);
    case PEN_TYPE_STRING:
        return pen_msgpack_add_text(into, pen_string_slice(&pen_column_strings(column)[row]), err);
    case PEN_TYPE_JSON:
        break;
    }
    return pack_json(pen_string_slice(&pen_column_strings(column)[row]), scratch, into, err);
}
