#include "unit.h"

#include "run/conform.h"

/* A schema from "name:type name:type". */
static struct pen_schema schema_of(const char *text)
{
    struct pen_schema schema = {0};
    while (*text != '\0') {
        size_t name = strcspn(text, ":");
        size_t type_len = strcspn(text + name + 1, " ");
        enum pen_type type = PEN_TYPE_STRING;
        assert_true(pen_type_from_name(pen_slice(text + name + 1, type_len), &type));
        assert_ok(pen_schema_add(&schema, pen_slice(text, name), type, NULL, err));
        text += name + 1 + type_len;
        text += *text == ' ';
    }
    return schema;
}

static void schema_text(const struct pen_schema *schema, char *text, size_t room)
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < schema->count; i++)
        len += (size_t)snprintf(text + len, room - len, "%s%s:%s", i == 0 ? "" : " ",
                                schema->fields[i].name, pen_type_name(schema->fields[i].type));
}

struct setup {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_bind bind;
    struct pen_out_options out;
    struct pen_schema in, table;
    struct pen_conform *conform;
};

static void setup_init(struct setup *s, const char *in, const char *table)
{
    *s = (struct setup){.arena = PEN_ARENA(1 << 20), .warnings = {PEN_BUF(1 << 16)}};
    s->bind = (struct pen_bind){"load.yml", &s->arena, &s->warnings};
    s->in = schema_of(in);
    s->table = schema_of(table);
}

static enum pen_code conform(struct setup *s, struct pen_error *err)
{
    struct pen_conform_options options = {.in = &s->in,
                                          .table = &s->table,
                                          .out = &s->out,
                                          .upload_us = INT64_C(5000000),
                                          .bind = &s->bind};
    return pen_conform_new(&options, &s->conform, err);
}

static void setup_release(struct setup *s)
{
    pen_conform_free(s->conform);
    pen_schema_clear(&s->in);
    pen_schema_clear(&s->table);
    pen_buf_release(&s->warnings.text);
    pen_arena_release(&s->arena);
}

static void assert_plan(const char *in, const char *table, const char *time_column,
                        const char *expected, enum pen_time_source source)
{
    struct setup s;
    setup_init(&s, in, table);
    char name[64];
    if (time_column != NULL) {
        (void)snprintf(name, sizeof name, "%s", time_column);
        s.out.time_column = name;
    }
    assert_ok(conform(&s, err));
    char text[256];
    schema_text(&s.conform->schema, text, sizeof text);
    assert_string_equal(text, expected);
    assert_int_equal(s.conform->time_source, source);
    setup_release(&s);
}

static void conform_chooses_time_in_the_stated_order(void **state)
{
    (void)state;
    assert_plan("a:string created_at:timestamp", "", "created_at",
                "a:string created_at:timestamp time:long", PEN_TIME_COLUMN);
    assert_plan("n:long time:long", "", NULL, "n:long time:long", PEN_TIME_OWN);
    assert_plan("n:long time:timestamp", "", NULL, "n:long time:long", PEN_TIME_OWN);
    assert_plan("a:string n:long t:timestamp", "", NULL, "a:string n:long t:timestamp time:long",
                PEN_TIME_FIRST);
    assert_plan("a:string d:double", "", NULL, "a:string d:double time:long", PEN_TIME_UPLOAD);
}

static void conform_keeps_another_time_column_under_another_name(void **state)
{
    (void)state;
    assert_plan("time:string t:long", "", "t", "time_:string t:long time:long", PEN_TIME_COLUMN);
    assert_plan("time:string time_:string t:long", "", "t",
                "time__:string time_:string t:long time:long", PEN_TIME_COLUMN);
}

static void conform_never_changes_types_of_existing_columns(void **state)
{
    (void)state;
    assert_plan("a:string b:double", "time:long a:long", NULL, "a:long b:double time:long",
                PEN_TIME_UPLOAD);
}

static void assert_refused(const char *in, const char *time_column, const char *message)
{
    struct setup s;
    setup_init(&s, in, "");
    char name[64];
    if (time_column != NULL) {
        (void)snprintf(name, sizeof name, "%s", time_column);
        s.out.time_column = name;
    }
    struct pen_error failed = {0};
    assert_int_equal(conform(&s, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.message, message);
    setup_release(&s);
}

static void assert_hinted(const char *in, const char *time_column, const char *hint)
{
    struct setup s;
    char name[64];
    setup_init(&s, in, "");
    (void)snprintf(name, sizeof name, "%s", time_column);
    s.out.time_column = name;
    struct pen_error failed = {0};
    assert_int_equal(conform(&s, &failed), PEN_ERR_CONFIG);
    assert_string_equal(failed.hint, hint);
    setup_release(&s);
}

static void conform_says_which_columns_may_be_the_time(void **state)
{
    (void)state;
    assert_hinted("id:long name:string at:timestamp", "name",
                  "columns of type long or timestamp: 'id', 'at'");
    assert_hinted("id:long created_at:timestamp", "created", "did you mean 'created_at'?");
    assert_hinted("name:string", "name",
                  "no column is long or timestamp: leave it out to take the upload time, or make "
                  "one with an add_time filter");
}

static void conform_refuses_in_the_words_of_the_specification(void **state)
{
    (void)state;
    assert_refused("a:long", "b", "A specified time_column 'b' does not exist");
    assert_refused("a:string", "a", "Type of 'a' column must be long or timestamp but got string");
    assert_refused("time:string", NULL,
                   "Type of 'time' column must be long or timestamp but got string");
    assert_refused("a:string a:long", NULL, "column 'a' is there twice");
}

/* --- values ----------------------------------------------------------------------------------- */

struct seen {
    struct pen_reject_sink sink;
    char text[256];
};

static enum pen_code note(struct pen_reject_sink *sink, const struct pen_reject *reject,
                          struct pen_error *err)
{
    (void)err;
    struct seen *seen = (struct seen *)(void *)sink;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof seen->text - len, "%s:%llu %s %s|", reject->object,
                   (unsigned long long)reject->line, reject->column, reject->code);
    return PEN_OK;
}

/* Rows whose only column, a long, is i * 1000 for even i and null for odd i. */
static struct pen_batch *rows_of_longs(const struct pen_schema *schema, size_t rows)
{
    struct pen_batch *batch = NULL;
    assert_ok(pen_batch_new(64, &batch, err));
    assert_ok(pen_batch_begin(batch, schema, err));
    assert_ok(pen_batch_add_origin(
        batch, (struct pen_origin){.object = "s3://b/k", .text = "\n\n\n\n\n\n", .base_line = 1},
        err));
    for (size_t i = 0; i < rows; i++) {
        pen_column_longs(&batch->columns[0])[i] = (int64_t)i * 1000;
        pen_column_set_valid(&batch->columns[0], i, i % 2 == 0);
        batch->row_start[i] = batch->row_end[i] = (uint32_t)i;
    }
    batch->rows = rows;
    return batch;
}

static void conform_rejects_records_without_the_chosen_time(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, "n:long", "");
    char name[] = "n";
    s.out.time_column = name;
    s.out.unix_timestamp_unit = PEN_UNIT_MILLI;
    assert_ok(conform(&s, err));
    struct pen_batch *batch = rows_of_longs(&s.in, 4);
    struct seen seen = {.sink = {note}};
    uint64_t counter = 0;
    assert_ok(pen_conform_apply(s.conform, batch, &counter, &seen.sink, err));
    assert_int_equal(batch->rows, 2);
    assert_int_equal(pen_column_longs(&batch->columns[1])[0], 0);
    assert_int_equal(pen_column_longs(&batch->columns[1])[1], 2);
    assert_string_equal(seen.text, "s3://b/k:2 time null_time|s3://b/k:4 time null_time|");
    pen_batch_free(batch);
    setup_release(&s);
}

static void conform_loads_records_without_a_time_nobody_chose(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, "n:long", "");
    assert_ok(conform(&s, err));
    struct pen_batch *batch = rows_of_longs(&s.in, 2);
    struct seen seen = {.sink = {note}};
    uint64_t counter = 0;
    assert_ok(pen_conform_apply(s.conform, batch, &counter, &seen.sink, err));
    assert_int_equal(batch->rows, 2);
    assert_int_equal(pen_column_longs(&batch->columns[1])[1], 5);
    assert_string_equal(seen.text, "");
    pen_batch_free(batch);
    setup_release(&s);
}

static void conform_rejects_instants_that_no_table_can_hold(void **state)
{
    (void)state;
    struct setup s;
    setup_init(&s, "t:timestamp", "");
    s.out.ignore_alternative_time_if_time_exists = true;
    assert_ok(conform(&s, err));
    struct pen_batch *batch = rows_of_longs(&s.in, 5);
    static const int64_t values[] = {INT64_MIN, PEN_TIMESTAMP_MIN - 1, PEN_TIMESTAMP_MIN, INT64_MAX,
                                     PEN_TIMESTAMP_MAX};
    for (size_t i = 0; i < 5; i++) {
        pen_column_longs(&batch->columns[0])[i] = values[i];
        pen_column_set_valid(&batch->columns[0], i, i != 0);
    }
    struct seen seen = {.sink = {note}};
    uint64_t counter = 0;
    assert_ok(pen_conform_apply(s.conform, batch, &counter, &seen.sink, err));
    assert_int_equal(batch->rows, 3); /* what stands behind a null is nobody's business */
    assert_string_equal(seen.text, "s3://b/k:2 t timestamp_out_of_range|"
                                   "s3://b/k:4 t timestamp_out_of_range|");
    pen_batch_free(batch);
    setup_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conform_chooses_time_in_the_stated_order),
        cmocka_unit_test(conform_keeps_another_time_column_under_another_name),
        cmocka_unit_test(conform_rejects_instants_that_no_table_can_hold),
        cmocka_unit_test(conform_never_changes_types_of_existing_columns),
        cmocka_unit_test(conform_refuses_in_the_words_of_the_specification),
        cmocka_unit_test(conform_says_which_columns_may_be_the_time),
        cmocka_unit_test(conform_rejects_records_without_the_chosen_time),
        cmocka_unit_test(conform_loads_records_without_a_time_nobody_chose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
