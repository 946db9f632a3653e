/* routes_table.c - /v3/database/... and /v3/table/...: names (spec/cli.md 4). */
#include "api/api_words.h"
#include "api/routes_internal.h"

#define REPLY_MAX_BYTES ((size_t)128 << 20)

/* What every change needs; lake transactions may run it again. */
struct change {
    struct pen_api_call *call;
    const char *database, *table, *other;
    bool is_overwrite, has_days;
    int64_t days;
    const struct pen_schema *schema;
};

static enum pen_code transact(struct change *change, pen_lake_fn fn, struct pen_error *err)
{
    return pen_lake_transact(change->call->lake, NULL, fn, change, NULL, err);
}

/* {"database": d, "table": t, "type": "log"}, as far as there are names. */
static enum pen_code reply_names(struct pen_api_call *call, const char *database, const char *table,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(65536);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "database", database);
    if (table != NULL) {
        pen_jw_member_text(&w, "table", table);
        pen_jw_member_text(&w, "type", "log");
    }
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- databases -------------------------------------------------------------------------------- */

static const char *permission_of(const struct pen_api_call *call)
{
    if (call->principal.role >= PEN_API_ADMIN)
        return "administrator";
    return call->principal.role >= PEN_API_OPERATOR ? "full_access" : "query_only";
}

static enum pen_code get_databases(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_lake_database *list = NULL;
    size_t count = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(pen_lake_begin_read(call->lake, &txn, err));
    PEN_TRY(pen_lake_database_list(txn, call->arena, &list, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "databases");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        pen_jw_begin_object(&w);
        pen_jw_member_text(&w, "name", list[i].name);
        pen_jw_member_int(&w, "count", (int64_t)list[i].rows);
        pen_api_member_time(&w, "created_at", list[i].created_us);
        pen_api_member_time(&w, "updated_at", list[i].created_us);
        pen_jw_member_null(&w, "organization");
        pen_jw_member_text(&w, "permission", permission_of(call));
        pen_jw_end_object(&w);
    }
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

static enum pen_code create_database(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_database_create(txn, change->database, err);
}

static enum pen_code drop_database(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_database_drop(txn, change->database, true, err);
}

static enum pen_code post_create_database(struct pen_api_call *call, struct pen_error *err)
{
    struct change change = {.call = call, .database = call->params[0]};
    PEN_TRY(pen_lake_check_name("Database", pen_slice_str(change.database), err));
    PEN_TRY(transact(&change, create_database, err));
    return reply_names(call, change.database, NULL, err);
}

static enum pen_code post_delete_database(struct pen_api_call *call, struct pen_error *err)
{
    struct change change = {.call = call, .database = call->params[0]};
    PEN_TRY(transact(&change, drop_database, err));
    return reply_names(call, change.database, NULL, err);
}

/* --- the list of tables ----------------------------------------------------------------------- */

/* What the original calls our types. */
static const char *column_type(const struct pen_lake_column *column)
{
    return column->is_own_type ? pen_type_name(column->type) : column->type_text;
}

/* A text that holds JSON: [[name, type], ...]; the column `time` is understood. */
static enum pen_code schema_text(const struct pen_lake_table *table, struct pen_buf *into,
                                 struct pen_error *err)
{
    struct pen_json_writer w = PEN_JSON_WRITER(into);
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        if (strcmp(column->name, "time") == 0)
            continue;
        pen_jw_begin_array(&w);
        pen_jw_text(&w, column->source_name);
        pen_jw_text(&w, column_type(column));
        if (strcmp(column->name, column->source_name) != 0)
            pen_jw_text(&w, column->name);
        pen_jw_end_array(&w);
    }
    pen_jw_end_array(&w);
    return pen_jw_done(&w, err);
}

static void write_last_time(struct pen_json_writer *w, const struct pen_lake_table *table)
{
    int64_t utc_us = 0;
    bool is_there = table->has_last_time &&
                    !__builtin_mul_overflow(table->last_time, PEN_US_PER_SECOND, &utc_us) &&
                    utc_us > -62135596800 * PEN_US_PER_SECOND &&
                    utc_us < 253402300800 * PEN_US_PER_SECOND;
    pen_api_member_time(w, "last_log_timestamp", is_there ? utc_us : 0);
}

static enum pen_code write_table(struct pen_json_writer *w, const struct pen_lake_table *table,
                                 struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf schema = PEN_BUF(REPLY_MAX_BYTES);
    PEN_TRY(schema_text(table, &schema, err));
    pen_jw_begin_object(w);
    pen_jw_member_int(w, "id", table->table_id);
    pen_jw_member_text(w, "name", table->name);
    pen_jw_member_text(w, "type", "log");
    pen_jw_member_int(w, "count", (int64_t)table->rows);
    pen_jw_member_text(w, "schema", schema.ptr);
    pen_api_member_time(w, "created_at", table->created_us);
    pen_api_member_time(w, "updated_at", table->updated_us);
    pen_api_member_time(w, "counter_updated_at", table->updated_us);
    write_last_time(w, table);
    pen_jw_member_int(w, "estimated_storage_size", (int64_t)table->size_bytes);
    if (table->expire_days > 0)
        pen_jw_member_int(w, "expire_days", table->expire_days);
    else
        pen_jw_member_null(w, "expire_days");
    pen_jw_member_bool(w, "include_v", false);
    pen_jw_end_object(w);
    return PEN_OK;
}

static enum pen_code get_tables(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_lake_table *list = NULL;
    size_t count = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(pen_lake_begin_read(call->lake, &txn, err));
    PEN_TRY(pen_lake_table_list(txn, call->params[0], call->arena, &list, &count, err));
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "database", call->params[0]);
    pen_jw_key(&w, "tables");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++)
        PEN_TRY(write_table(&w, &list[i], err));
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- one table -------------------------------------------------------------------------------- */

static enum pen_code create_table(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_create(txn, change->database, change->table, NULL, err);
}

static enum pen_code drop_table(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_drop(txn, change->database, change->table, err);
}

static enum pen_code swap_tables(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_swap(txn, change->database, change->table, change->other, err);
}

static enum pen_code rename_table(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    return pen_lake_table_rename(txn, change->database, change->table, change->other,
                                 change->is_overwrite, err);
}

static enum pen_code post_create_table(struct pen_api_call *call, struct pen_error *err)
{
    struct change change = {.call = call, .database = call->params[0], .table = call->params[1]};
    if (strcmp(call->params[2], "log") != 0)
        return pen_api_refuse(call, 422, err, "there are tables of type 'log' only, not '%.40s'",
                              call->params[2]);
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(change.table), err));
    PEN_TRY(transact(&change, create_table, err));
    return reply_names(call, change.database, change.table, err);
}

static enum pen_code post_delete_table(struct pen_api_call *call, struct pen_error *err)
{
    struct change change = {.call = call, .database = call->params[0], .table = call->params[1]};
    PEN_TRY(transact(&change, drop_table, err));
    return reply_names(call, change.database, change.table, err);
}

static enum pen_code post_swap_tables(struct pen_api_call *call, struct pen_error *err)
{
    struct change change = {.call = call,
                            .database = call->params[0],
                            .table = call->params[1],
                            .other = call->params[2]};
    PEN_TRY(transact(&change, swap_tables, err));
    return reply_names(call, change.database, change.table, err);
}

static enum pen_code post_rename_table(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *form = NULL;
    struct change change = {.call = call,
                            .database = call->params[0],
                            .table = call->params[1],
                            .other = call->params[2]};
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_bool(form, "overwrite", false, &change.is_overwrite, err));
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(change.other), err));
    PEN_TRY(transact(&change, rename_table, err));
    return reply_names(call, change.database, change.other, err);
}

static enum pen_code set_days(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    const struct change *change = context;
    struct pen_lake_table table = {0};
    PEN_TRY(pen_lake_table_find(txn, change->database, change->table, change->call->arena, &table,
                                err));
    return change->has_days ? pen_lake_table_set_expire_days(txn, table.table_id, change->days, err)
                            : PEN_OK;
}

static enum pen_code post_update_table(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_node *form = NULL;
    struct change change = {.call = call, .database = call->params[0], .table = call->params[1]};
    bool has_v = false;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_int(form, "expire_days", (struct pen_api_range){0, INT32_MAX, 0}, &change.days,
                        err));
    PEN_TRY(pen_api_bool(form, "include_v", false, &has_v, err));
    if (has_v)
        return pen_api_refuse(call, 422, err,
                              "parameter 'include_v': tables here have typed columns only, no 'v'");
    change.has_days = pen_node_get(form, "expire_days") != NULL;
    PEN_TRY(transact(&change, set_days, err));
    return reply_names(call, change.database, change.table, err);
}

static enum pen_code post_change_database(struct pen_api_call *call, struct pen_error *err)
{
    return pen_api_refuse(call, 422, err,
                          "a table cannot move to another database: its files are in the folder of "
                          "its own; load or create it there");
}

/* --- columns ---------------------------------------------------------------------------------- */

/* The original's words for types, which are more than ours. */
static bool type_of(struct pen_slice name, enum pen_type *ret_type)
{
    if (pen_type_from_name(name, ret_type))
        return true;
    bool is_int = pen_slice_is(name, "int");
    *ret_type = is_int ? PEN_TYPE_LONG : PEN_TYPE_DOUBLE;
    return is_int || pen_slice_is(name, "float");
}

static enum pen_code read_column(const struct pen_node *pair, struct pen_schema *schema,
                                 struct pen_error *err)
{
    const struct pen_node *name = pair->first;
    const struct pen_node *type_name = name == NULL ? NULL : name->next;
    enum pen_type type;
    if (pair->kind != PEN_NODE_LIST || type_name == NULL || name->kind != PEN_NODE_TEXT ||
        type_name->kind != PEN_NODE_TEXT)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "parameter 'schema' must be a JSON array of [name, type] pairs");
    if (!type_of(type_name->text, &type))
        return pen_fail(err, PEN_ERR_CONFIG,
                        "column '%.60s': unknown type '%.40s'; there are boolean, int, long, "
                        "float, double, string, timestamp, json",
                        name->text.ptr, type_name->text.ptr);
    if (pen_schema_find(schema, name->text) != SIZE_MAX)
        return pen_fail(err, PEN_ERR_CONFIG, "column '%.60s' is there twice", name->text.ptr);
    return pen_schema_add(schema, name->text, type, NULL, err);
}

static enum pen_code read_schema(struct pen_api_call *call, struct pen_schema *schema,
                                 struct pen_error *err)
{
    struct pen_node *form = NULL, *list = pen_node_new_list(call->arena);
    const char *text = NULL;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_need_text(form, "schema", &text, err));
    PEN_TRY(pen_tree_parse_json(pen_slice_str(text), "schema", call->arena, &list, err));
    if (list->kind != PEN_NODE_LIST)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "parameter 'schema' must be a JSON array of [name, type] pairs");
    for (const struct pen_node *pair = list->first; pair != NULL; pair = pair->next)
        PEN_TRY(read_column(pair, schema, err));
    return PEN_OK;
}

/* Columns can be added; they cannot go or change their type. */
static enum pen_code check_columns(struct change *change, const struct pen_lake_table *table,
                                   struct pen_error *err)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pen_lake_column *column = &table->columns[i];
        size_t at = pen_schema_find(change->schema, pen_slice_str(column->source_name));
        if (at == SIZE_MAX && strcmp(column->name, "time") != 0)
            return pen_api_refuse(change->call, 422, err,
                                  "column '%s' has data: it cannot be removed from the schema",
                                  column->name);
        if (at != SIZE_MAX && column->is_own_type &&
            change->schema->fields[at].type != column->type)
            return pen_api_refuse(change->call, 422, err,
                                  "column '%s' is %s: types of existing columns do not change",
                                  column->name, pen_type_name(column->type));
    }
    return PEN_OK;
}

static enum pen_code add_columns(struct pen_lake_txn *txn, void *context, struct pen_error *err)
{
    struct change *change = context;
    struct pen_lake_table table = {0};
    struct pen_lake_layout layout;
    struct pen_arena *arena = change->call->arena;
    struct pen_lake_wish wish = {
        .database = change->database, .table = change->table, .schema = change->schema};
    PEN_TRY(pen_lake_table_find(txn, change->database, change->table, arena, &table, err));
    PEN_TRY(check_columns(change, &table, err));
    PEN_TRY(pen_lake_layout(txn, &wish, arena, &layout, err));
    return pen_lake_load(txn, &layout, PEN_LAKE_APPEND, NULL, 0, NULL, err);
}

static enum pen_code post_update_schema(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_schema_clear) struct pen_schema schema = {0};
    struct change change = {
        .call = call, .database = call->params[0], .table = call->params[1], .schema = &schema};
    PEN_TRY(read_schema(call, &schema, err));
    PEN_TRY(transact(&change, add_columns, err));
    return reply_names(call, change.database, change.table, err);
}

#define CHANGES PEN_API_OPERATOR, PEN_API_SLOW

const struct pen_api_route pen_routes_table[] = {
    {"GET", "/v3/database/list", PEN_API_VIEWER, 0, get_databases, "All databases"},
    {"POST", "/v3/database/create/:database", CHANGES, post_create_database, "Create a database"},
    {"POST", "/v3/database/delete/:database", CHANGES, post_delete_database,
     "Delete a database with its tables"},
    {"GET", "/v3/table/list/:database", PEN_API_VIEWER, 0, get_tables, "The tables of a database"},
    {"POST", "/v3/table/create/:database/:table/:type", CHANGES, post_create_table,
     "Create a table"},
    {"POST", "/v3/table/delete/:database/:table", CHANGES, post_delete_table, "Delete a table"},
    {"POST", "/v3/table/swap/:database/:table/:other", CHANGES, post_swap_tables,
     "Exchange the names of two tables"},
    {"POST", "/v3/table/rename/:database/:table/:other", CHANGES, post_rename_table,
     "Rename a table"},
    {"POST", "/v3/table/update/:database/:table", CHANGES, post_update_table,
     "Change expire_days, which is kept and deletes nothing"},
    {"POST", "/v3/table/update-schema/:database/:table", CHANGES, post_update_schema,
     "Add columns to a table"},
    {"POST", "/v3/table/change_database/:database/:table", CHANGES, post_change_database,
     "Refused: tables do not move"},
    {.method = NULL},
};
