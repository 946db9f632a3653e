/* lake_types.c - the format's type names, and the order of its statistics. */
#include "base/civil.h"
#include "base/number.h"
#include "lake/lake_internal.h"

#include <stdio.h>

enum order_kind { ORDER_NONE, ORDER_BOOLEAN, ORDER_DECIMAL, ORDER_DOUBLE, ORDER_TIME, ORDER_BYTES };

static const struct {
    const char *text, *sql;
    enum pen_type type;
    bool is_own;
    enum order_kind order;
} types[] = {
    {"boolean", "BOOLEAN", PEN_TYPE_BOOLEAN, true, ORDER_BOOLEAN},
    {"int64", "BIGINT", PEN_TYPE_LONG, true, ORDER_DECIMAL},
    {"float64", "DOUBLE", PEN_TYPE_DOUBLE, true, ORDER_DOUBLE},
    {"varchar", "VARCHAR", PEN_TYPE_STRING, true, ORDER_BYTES},
    {"timestamp", "TIMESTAMP", PEN_TYPE_TIMESTAMP, true, ORDER_TIME},
    {"json", "JSON", PEN_TYPE_JSON, true, ORDER_BYTES},
    {"int8", "TINYINT", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"int16", "SMALLINT", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"int32", "INTEGER", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"int128", "HUGEINT", PEN_TYPE_JSON, false, ORDER_DECIMAL},
    {"uint8", "UTINYINT", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"uint16", "USMALLINT", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"uint32", "UINTEGER", PEN_TYPE_LONG, false, ORDER_DECIMAL},
    {"uint64", "UBIGINT", PEN_TYPE_JSON, false, ORDER_DECIMAL},
    {"uint128", "UHUGEINT", PEN_TYPE_JSON, false, ORDER_DECIMAL},
    {"float32", "FLOAT", PEN_TYPE_DOUBLE, false, ORDER_DOUBLE},
    {"date", "DATE", PEN_TYPE_STRING, false, ORDER_TIME},
    {"time", "TIME", PEN_TYPE_STRING, false, ORDER_BYTES},
    {"timetz", "TIMETZ", PEN_TYPE_STRING, false, ORDER_NONE},
    {"timestamptz", "TIMESTAMPTZ", PEN_TYPE_TIMESTAMP, false, ORDER_NONE},
    {"timestamp_s", "TIMESTAMP_S", PEN_TYPE_TIMESTAMP, false, ORDER_TIME},
    {"timestamp_ms", "TIMESTAMP_MS", PEN_TYPE_TIMESTAMP, false, ORDER_TIME},
    {"timestamp_ns", "TIMESTAMP_NS", PEN_TYPE_TIMESTAMP, false, ORDER_NONE},
    {"interval", "INTERVAL", PEN_TYPE_STRING, false, ORDER_NONE},
    {"uuid", "UUID", PEN_TYPE_STRING, false, ORDER_BYTES},
    {"blob", "BLOB", PEN_TYPE_STRING, false, ORDER_NONE},
};

#define TYPE_COUNT (sizeof types / sizeof types[0])

const char *pen_lake_type_text(enum pen_type type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].is_own && types[i].type == type)
            return types[i].text;
    return "varchar"; /* not reached: every type of ours is in the table */
}

const char *pen_lake_sql_type(enum pen_type type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (types[i].is_own && types[i].type == type)
            return types[i].sql;
    return "VARCHAR"; /* not reached, as above */
}

static size_t find_type(const char *text)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(types[i].text, text) == 0)
            return i;
    return SIZE_MAX;
}

/* "decimal(10,2)": digits, comma, digits, and nothing else, for it goes into SQL. */
static bool is_decimal(const char *text)
{
    int precision = 0, scale = 0, used = 0;
    return sscanf(text, "decimal(%2d,%2d)%n", &precision, &scale, &used) == 2 &&
           (size_t)used == strlen(text) && precision >= 1 && scale >= 0;
}

enum pen_code pen_lake_type_fill(struct pen_lake_column *column, struct pen_arena *arena,
                                 struct pen_error *err)
{
    size_t at = find_type(column->type_text);
    column->is_own_type = at != SIZE_MAX && types[at].is_own;
    column->type = at == SIZE_MAX ? PEN_TYPE_JSON : types[at].type;
    column->sql_type = at == SIZE_MAX ? NULL : types[at].sql;
    if (at == SIZE_MAX && is_decimal(column->type_text))
        return pen_arena_text(arena, pen_slice_str(column->type_text), &column->sql_type, err);
    return PEN_OK;
}

/* --- the order of values -----------------------------------------------------------------------
 */

static int sign_of(int64_t value)
{
    return value < 0 ? -1 : value > 0;
}

/* Numbers in plain decimal digits; with a fraction, both have the same number of its digits. */
static bool compare_decimals(const char *a, const char *b, int *ret_order)
{
    if (strspn(a, "-0123456789.") != strlen(a) || strspn(b, "-0123456789.") != strlen(b))
        return false;
    bool is_a_minus = *a == '-', is_b_minus = *b == '-';
    if (is_a_minus != is_b_minus) {
        *ret_order = is_a_minus ? -1 : 1;
        return true;
    }
    a += strspn(a, "-0");
    b += strspn(b, "-0");
    size_t a_len = strlen(a), b_len = strlen(b);
    int order = a_len != b_len ? (a_len < b_len ? -1 : 1) : strcmp(a, b);
    *ret_order = is_a_minus ? -order : order;
    return true;
}

static bool read_double(const char *text, double *ret_value)
{
    bool is_minus = *text == '-';
    if (strcmp(text + is_minus, "inf") == 0) {
        *ret_value = is_minus ? -__builtin_inf() : __builtin_inf();
        return true;
    }
    return pen_parse_double(pen_slice_str(text), ret_value) && *ret_value == *ret_value;
}

static bool compare_doubles(const char *a, const char *b, int *ret_order)
{
    double x = 0, y = 0;
    if (!read_double(a, &x) || !read_double(b, &y))
        return false;
    *ret_order = x < y ? -1 : x > y;
    return true;
}

/* "[-]YYYY-MM-DD[ (BC)][ HH:MM:SS[.ffffff]]" as days and microseconds of the day. */
static bool read_time(const char *text, int64_t *ret_days, int64_t *ret_us)
{
    long long year = 0;
    int month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
    if (sscanf(text, "%lld-%2d-%2d%n", &year, &month, &day, &used) != 3 || month < 1 || month > 12)
        return false;
    text += used;
    if (strncmp(text, " (BC)", 5) == 0) {
        year = 1 - year;
        text += 5;
    }
    *ret_days = pen_days_from_civil(year, month, day);
    *ret_us = 0;
    if (*text == '\0')
        return true;
    if (sscanf(text, " %2d:%2d:%2d%n", &hour, &minute, &second, &used) != 3)
        return false;
    text += used;
    int64_t us = 0, unit = 100000;
    if (*text == '.')
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
            us += (*text - '0') * unit;
    *ret_us = ((hour * 60 + minute) * 60 + second) * PEN_US_PER_SECOND + us;
    return *text == '\0';
}

static bool compare_times(const char *a, const char *b, int *ret_order)
{
    int64_t a_days = 0, b_days = 0, a_us = 0, b_us = 0;
    if (!read_time(a, &a_days, &a_us) || !read_time(b, &b_days, &b_us))
        return false;
    *ret_order = a_days != b_days ? (a_days < b_days ? -1 : 1) : sign_of(a_us - b_us);
    return true;
}

static bool compare_booleans(const char *a, const char *b, int *ret_order)
{
    int x = *a == '1' || *a == 't', y = *b == '1' || *b == 't';
    *ret_order = x - y;
    return true;
}

bool pen_lake_compare_values(const char *type_text, const char *a, const char *b, int *ret_order)
{
    size_t at = find_type(type_text);
    enum order_kind order = at != SIZE_MAX          ? types[at].order
                            : is_decimal(type_text) ? ORDER_DECIMAL
                                                    : ORDER_NONE;
    switch (order) {
    case ORDER_BOOLEAN:
        return compare_booleans(a, b, ret_order);
    case ORDER_DECIMAL:
        return compare_decimals(a, b, ret_order);
    case ORDER_DOUBLE:
        return compare_doubles(a, b, ret_order);
    case ORDER_TIME:
        return compare_times(a, b, ret_order);
    case ORDER_BYTES:
        *ret_order = strcmp(a, b);
        return true;
    case ORDER_NONE:
        break;
    }
    return false;
}
