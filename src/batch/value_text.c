#include "batch/value_text.h"

struct pen_slice pen_value_text(const struct pen_column *column, size_t row, char *memory)
{
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        return pen_column_booleans(column)[row] ? PEN_LIT("true") : PEN_LIT("false");
    case PEN_TYPE_LONG:
        return pen_slice(memory, pen_print_long(pen_column_longs(column)[row], memory));
    case PEN_TYPE_DOUBLE:
        return pen_slice(memory, pen_print_double_java(pen_column_doubles(column)[row], memory));
    case PEN_TYPE_TIMESTAMP:
        assert(false); /* the caller's */
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    return pen_string_slice(&pen_column_strings(column)[row]);
}
