#include "unit.h"

#include "run/convert.h"

#include <math.h>

/* One value of one type, in a batch of one row. */
static struct pen_column one_value(struct pen_batch *batch, enum pen_type type)
{
    struct pen_schema schema = {0};
    assert_ok(pen_schema_add(&schema, PEN_LIT("v"), type, NULL, err));
    assert_ok(pen_batch_begin(batch, &schema, err));
    pen_schema_clear(&schema);
    batch->rows = 1;
    pen_column_set_valid(&batch->columns[0], 0, true);
    return batch->columns[0];
}

struct seen {
    struct pen_misfit_sink sink;
    unsigned count;
    char value[64];
};

static enum pen_code note(struct pen_misfit_sink *sink, size_t row, struct pen_slice value,
                          struct pen_error *err)
{
    (void)err;
    struct seen *seen = (struct seen *)(void *)sink;
    assert_int_equal(row, 0);
    (void)snprintf(seen->value, sizeof seen->value, "%.*s", PEN_ARG(value));
    seen->count++;
    return PEN_OK;
}

/* The converted value as text; "null", or "misfit". */
static void convert_to_text(struct pen_batch *batch, struct pen_column from, enum pen_type to,
                            char *text, size_t room)
{
    struct pen_convert convert = {0};
    assert_ok(pen_convert_init(&convert, err));
    uint64_t keep = UINT64_MAX;
    struct seen seen = {.sink = {&keep, note}};
    struct pen_column column = {0};
    assert_ok(pen_convert_column(&convert, batch, &from, to, &column, &seen.sink, err));
    assert_int_equal(seen.count, (keep & 1) == 0);
    char instant[PEN_INSTANT_TEXT];
    if (seen.count > 0)
        (void)snprintf(text, room, "misfit %s", seen.value);
    else if (!pen_column_is_valid(&column, 0))
        (void)snprintf(text, room, "null");
    else if (to == PEN_TYPE_BOOLEAN)
        (void)snprintf(text, room, "%d", pen_column_booleans(&column)[0]);
    else if (to == PEN_TYPE_LONG)
        (void)snprintf(text, room, "%lld", (long long)pen_column_longs(&column)[0]);
    else if (to == PEN_TYPE_DOUBLE)
        (void)snprintf(text, room, "%g", pen_column_doubles(&column)[0]);
    else if (to == PEN_TYPE_TIMESTAMP) {
        (void)pen_instant_print((struct pen_instant){pen_column_longs(&column)[0], column.nanos[0]},
                                instant);
        (void)snprintf(text, room, "%s", instant);
    } else
        (void)snprintf(text, room, "%.*s",
                       PEN_ARG(pen_string_slice(&pen_column_strings(&column)[0])));
    pen_convert_release(&convert);
}

#define assert_converts(batch, from, to, expected)                                                 \
    do {                                                                                           \
        char text_[128];                                                                           \
        convert_to_text(batch, from, to, text_, sizeof text_);                                     \
        assert_string_equal(text_, expected);                                                      \
    } while (0)

static int open_batch(void **state)
{
    struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(64, &batch, err));
    *state = batch;
    return 0;
}

static int close_batch(void **state)
{
    pen_batch_free(*state);
    return 0;
}

static struct pen_column text_value(struct pen_batch *batch, enum pen_type type, const char *text)
{
    struct pen_column column = one_value(batch, type);
    pen_column_strings(&column)[0] = pen_string_make(text, strlen(text));
    return column;
}

static struct pen_column long_value(struct pen_batch *batch, enum pen_type type, int64_t value)
{
    struct pen_column column = one_value(batch, type);
    if (type == PEN_TYPE_BOOLEAN)
        pen_column_booleans(&column)[0] = (uint8_t)value;
    else
        pen_column_longs(&column)[0] = value;
    return column;
}

static struct pen_column double_value(struct pen_batch *batch, double value)
{
    struct pen_column column = one_value(batch, PEN_TYPE_DOUBLE);
    pen_column_doubles(&column)[0] = value;
    return column;
}

static void convert_reads_texts_by_the_rules_of_the_parsers(void **state)
{
    struct pen_batch *b = *state;
    enum pen_type s = PEN_TYPE_STRING;
    assert_converts(b, text_value(b, s, "12"), PEN_TYPE_LONG, "12");
    assert_converts(b, text_value(b, s, "1.5"), PEN_TYPE_LONG, "misfit 1.5");
    assert_converts(b, text_value(b, s, ""), PEN_TYPE_LONG, "misfit ");
    assert_converts(b, text_value(b, s, "1.5"), PEN_TYPE_DOUBLE, "1.5");
    assert_converts(b, text_value(b, s, "true"), PEN_TYPE_BOOLEAN, "1");
    assert_converts(b, text_value(b, s, "maybe"), PEN_TYPE_BOOLEAN, "misfit maybe");
    assert_converts(b, text_value(b, s, "2015-03-31 06:12:37.25 +0900"), PEN_TYPE_TIMESTAMP,
                    "2015-03-30T21:12:37.25Z");
    assert_converts(b, text_value(b, s, "2015-03-31T06:12:37Z"), PEN_TYPE_TIMESTAMP,
                    "2015-03-31T06:12:37Z");
    assert_converts(b, text_value(b, s, "2015-03-31 06:12:37.123"), PEN_TYPE_TIMESTAMP,
                    "2015-03-31T06:12:37.123Z"); /* as timestamps are written to string columns */
    assert_converts(b, text_value(b, s, "1427782357"), PEN_TYPE_TIMESTAMP, "misfit 1427782357");
    assert_converts(b, text_value(b, PEN_TYPE_JSON, "\"2015-03-31\""), PEN_TYPE_TIMESTAMP,
                    "2015-03-31T00:00:00Z");
    assert_converts(b, text_value(b, s, "a \"b\""), PEN_TYPE_JSON, "\"a \\\"b\\\"\"");
}

static void convert_writes_values_as_text(void **state)
{
    struct pen_batch *b = *state;
    assert_converts(b, long_value(b, PEN_TYPE_LONG, -7), PEN_TYPE_STRING, "-7");
    assert_converts(b, long_value(b, PEN_TYPE_BOOLEAN, 1), PEN_TYPE_STRING, "true");
    assert_converts(b, double_value(b, 1e7), PEN_TYPE_STRING, "1.0E7");
    assert_converts(b, long_value(b, PEN_TYPE_TIMESTAMP, INT64_C(1427782357123456)),
                    PEN_TYPE_STRING, "2015-03-31 06:12:37.123");
    assert_converts(b, text_value(b, PEN_TYPE_JSON, "{\"a\":1}"), PEN_TYPE_STRING, "{\"a\":1}");
    assert_converts(b, text_value(b, PEN_TYPE_JSON, "\"a\\nb\""), PEN_TYPE_STRING, "a\nb");
    assert_converts(b, text_value(b, PEN_TYPE_JSON, "null"), PEN_TYPE_STRING, "null");
}

static void convert_takes_numbers_only_when_they_are_exact(void **state)
{
    struct pen_batch *b = *state;
    assert_converts(b, double_value(b, 3), PEN_TYPE_LONG, "3");
    assert_converts(b, double_value(b, 3.5), PEN_TYPE_LONG, "misfit 3.5");
    assert_converts(b, double_value(b, 9.3e18), PEN_TYPE_LONG, "misfit 9.3E18");
    assert_converts(b, double_value(b, NAN), PEN_TYPE_LONG, "misfit NaN");
    assert_converts(b, double_value(b, NAN), PEN_TYPE_JSON, "misfit NaN");
    assert_converts(b, long_value(b, PEN_TYPE_LONG, 5), PEN_TYPE_DOUBLE, "5");
    assert_converts(b, long_value(b, PEN_TYPE_LONG, 2), PEN_TYPE_BOOLEAN, "misfit 2");
    assert_converts(b, long_value(b, PEN_TYPE_LONG, 1), PEN_TYPE_TIMESTAMP, "1970-01-01T00:00:01Z");
    assert_converts(b, long_value(b, PEN_TYPE_LONG, INT64_MAX), PEN_TYPE_TIMESTAMP,
                    "misfit 9223372036854775807");
    assert_converts(b, long_value(b, PEN_TYPE_TIMESTAMP, -1), PEN_TYPE_LONG, "-1");
}

static void convert_keeps_nulls_and_leaves_dropped_rows_alone(void **state)
{
    struct pen_batch *b = *state;
    struct pen_column column = text_value(b, PEN_TYPE_STRING, "x");
    pen_column_set_valid(&column, 0, false);
    assert_converts(b, column, PEN_TYPE_LONG, "null");
    column = text_value(b, PEN_TYPE_STRING, "x");
    struct pen_convert convert = {0};
    assert_ok(pen_convert_init(&convert, err));
    uint64_t keep = 0;
    struct seen seen = {.sink = {&keep, note}};
    struct pen_column result = {0};
    assert_ok(pen_convert_column(&convert, b, &column, PEN_TYPE_LONG, &result, &seen.sink, err));
    assert_int_equal(seen.count, 0);
    pen_convert_release(&convert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert_reads_texts_by_the_rules_of_the_parsers),
        cmocka_unit_test(convert_writes_values_as_text),
        cmocka_unit_test(convert_takes_numbers_only_when_they_are_exact),
        cmocka_unit_test(convert_keeps_nulls_and_leaves_dropped_rows_alone),
    };
    return cmocka_run_group_tests(tests, open_batch, close_batch);
}
