/* lake_change.c - creating, dropping, renaming and emptying tables; their properties. */
#include "base/uuid.h"
#include "lake/lake_internal.h"

#include <stdio.h>

/* --- create ------------------------------------------------------------------------------------
 */

enum pen_code pen_lake_make_table(struct pen_lake_txn *txn, const char *database, const char *table,
                                  int64_t *ret_table_id, struct pen_error *err)
{
    int64_t schema_id = 0, table_id = txn->next_catalog_id++;
    PEN_TRY(pen_lake_schema_id(txn, database, &schema_id, err));
    char uuid[PEN_UUID_TEXT], path[300];
    pen_uuid_v7(uuid);
    (void)snprintf(path, sizeof path, "%s/", table); /* a checked name fits */
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "INSERT INTO ducklake_table VALUES ($1, $2, $3, NULL, $4, $5, $6, 1)",
                       "itiitt", table_id, uuid, txn->view, schema_id, table, path));
    PEN_TRY(pen_lake_note_schema(txn, table_id, err));
    *ret_table_id = table_id;
    return pen_lake_note_change(txn, err, "created_table:\"%s\".\"%s\"", database, table);
}

enum pen_code pen_lake_make_column(struct pen_lake_txn *txn, int64_t table_id, int64_t column_id,
                                   const char *name, const char *source_name, enum pen_type type,
                                   struct pen_error *err)
{
    int64_t order = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(txn->db, &order, &is_found, err,
                             "SELECT max(column_order) FROM ducklake_column WHERE table_id = $1",
                             "i", table_id));
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "INSERT INTO ducklake_column VALUES ($1, $2, NULL, $3, $4, $5, $6, NULL, "
                       "'NULL', 1, NULL, 'literal', 'duckdb')",
                       "iiiitt", column_id, txn->view, table_id, order + 1, name,
                       pen_lake_type_text(type)));
    if (strcmp(name, source_name) == 0)
        return PEN_OK;
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "DELETE FROM column_source WHERE table_id = $1 AND column_id = $2", "ii",
                       table_id, column_id));
    return pen_db_run(txn->db, NULL, err, "INSERT INTO column_source VALUES ($1, $2, $3)", "iit",
                      table_id, column_id, source_name);
}

enum pen_code pen_lake_table_create(struct pen_lake_txn *txn, const char *database,
                                    const char *table, const struct pen_schema *schema,
                                    struct pen_error *err)
{
    static const struct pen_schema none = {0};
    if (schema == NULL)
        schema = &none;
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(table), err));
    int64_t table_id = 0;
    PEN_TRY(pen_lake_table_id(txn, database, table, &table_id, err));
    if (table_id != 0)
        return pen_fail(err, PEN_ERR_CONFLICT, "Table '%s.%s' already exists.", database, table);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    const char **names = NULL;
    PEN_TRY(pen_lake_aliases(schema, NULL, 0, &arena, &names, err));
    PEN_TRY(pen_lake_make_table(txn, database, table, &table_id, err));
    int64_t column_id = 1;
    if (pen_schema_find(schema, PEN_LIT("time")) == SIZE_MAX)
        PEN_TRY(
            pen_lake_make_column(txn, table_id, column_id++, "time", "time", PEN_TYPE_LONG, err));
    for (size_t i = 0; i < schema->count; i++)
        PEN_TRY(pen_lake_make_column(txn, table_id, column_id++, names[i], schema->fields[i].name,
                                     schema->fields[i].type, err));
    return PEN_OK;
}

/* --- empty and drop ----------------------------------------------------------------------------
 */

static enum pen_code end_inlined(struct pen_lake_txn *txn, const char *inlined_table, void *context,
                                 struct pen_error *err)
{
    (void)context;
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_buf_addf(&sql, err,
                         "UPDATE \"%s\" SET end_snapshot = $1 WHERE end_snapshot IS NULL",
                         inlined_table));
    return pen_db_run(txn->db, NULL, err, sql.ptr, "i", txn->view);
}

enum pen_code pen_lake_end_files(struct pen_lake_txn *txn, int64_t table_id, struct pen_error *err)
{
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_data_file", "table_id", table_id, err));
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_delete_file", "table_id", table_id, err));
    return pen_lake_each_inlined(txn, table_id, end_inlined, NULL, err);
}

static enum pen_code find_id(struct pen_lake_txn *txn, const char *database, const char *table,
                             int64_t *ret_id, struct pen_error *err)
{
    PEN_TRY(pen_lake_table_id(txn, database, table, ret_id, err));
    return *ret_id == 0 ? pen_lake_fail_no_table(database, table, err) : PEN_OK;
}

enum pen_code pen_lake_table_empty(struct pen_lake_txn *txn, const char *database,
                                   const char *table, struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(find_id(txn, database, table, &id, err));
    PEN_TRY(pen_lake_end_files(txn, id, err));
    return pen_lake_note_change(txn, err, "deleted_from_table:%lld", (long long)id);
}

enum pen_code pen_lake_table_drop(struct pen_lake_txn *txn, const char *database, const char *table,
                                  struct pen_error *err)
{
    static const char *const parts[] = {"ducklake_table", "ducklake_column",
                                        "ducklake_partition_info", "ducklake_sort_info",
                                        "ducklake_column_tag"};
    int64_t id = 0;
    PEN_TRY(find_id(txn, database, table, &id, err));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        PEN_TRY(pen_lake_end_rows(txn, parts[i], "table_id", id, err));
    PEN_TRY(pen_lake_end_rows(txn, "ducklake_tag", "object_id", id, err));
    PEN_TRY(pen_lake_end_files(txn, id, err));
    txn->is_schema_changed = true;
    return pen_lake_note_change(txn, err, "dropped_table:%lld", (long long)id);
}

/* --- rename ------------------------------------------------------------------------------------
 */

/* A new row version with another name; folder and identity stay. */
static enum pen_code set_name(struct pen_lake_txn *txn, int64_t table_id, const char *database,
                              const char *name, struct pen_error *err)
{
    int64_t changes = 0;
    PEN_TRY(pen_db_run(txn->db, &changes, err,
                       "UPDATE ducklake_table SET table_name = $1 "
                       "WHERE table_id = $2 AND begin_snapshot = $3 AND end_snapshot IS NULL",
                       "tii", name, table_id, txn->view));
    if (changes == 0) {
        PEN_TRY(pen_db_run(txn->db, NULL, err,
                           "INSERT INTO ducklake_table SELECT table_id, table_uuid, $1, NULL, "
                           "schema_id, $2, path, path_is_relative FROM ducklake_table "
                           "WHERE table_id = $3 AND end_snapshot IS NULL",
                           "iti", txn->view, name, table_id));
        PEN_TRY(pen_db_run(txn->db, NULL, err,
                           "UPDATE ducklake_table SET end_snapshot = $1 WHERE table_id = $2 AND "
                           "end_snapshot IS NULL AND begin_snapshot < $1",
                           "ii", txn->view, table_id));
    }
    PEN_TRY(pen_lake_note_schema(txn, table_id, err));
    return pen_lake_note_change(txn, err, "created_table:\"%s\".\"%s\"", database, name);
}

enum pen_code pen_lake_table_rename(struct pen_lake_txn *txn, const char *database,
                                    const char *from, const char *to, bool is_overwrite,
                                    struct pen_error *err)
{
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(to), err));
    int64_t id = 0, other = 0;
    PEN_TRY(find_id(txn, database, from, &id, err));
    PEN_TRY(pen_lake_table_id(txn, database, to, &other, err));
    if (other == id)
        return PEN_OK;
    if (other != 0 && !is_overwrite) {
        pen_fail(err, PEN_ERR_CONFLICT, "Table '%s.%s' already exists.", database, to);
        pen_error_hint(err, "use '--overwrite' to replace it");
        return PEN_ERR_CONFLICT;
    }
    if (other != 0)
        PEN_TRY(pen_lake_table_drop(txn, database, to, err));
    return set_name(txn, id, database, to, err);
}

enum pen_code pen_lake_table_swap(struct pen_lake_txn *txn, const char *database, const char *one,
                                  const char *other, struct pen_error *err)
{
    int64_t one_id = 0, other_id = 0;
    PEN_TRY(find_id(txn, database, one, &one_id, err));
    PEN_TRY(find_id(txn, database, other, &other_id, err));
    if (one_id == other_id)
        return PEN_OK;
    PEN_TRY(set_name(txn, one_id, database, other, err));
    return set_name(txn, other_id, database, one, err);
}

/* --- properties --------------------------------------------------------------------------------
 */

static enum pen_code set_property(struct pen_lake_txn *txn, int64_t table_id, const char *name,
                                  const char *value, struct pen_error *err)
{
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "DELETE FROM table_property WHERE table_id = $1 AND name = $2", "it",
                       table_id, name));
    if (value == NULL)
        return PEN_OK;
    return pen_db_run(txn->db, NULL, err, "INSERT INTO table_property VALUES ($1, $2, $3)", "itt",
                      table_id, name, value);
}

enum pen_code pen_lake_table_set_time_column(struct pen_lake_txn *txn, int64_t table_id,
                                             const char *column, struct pen_error *err)
{
    return set_property(txn, table_id, "time_column", column, err);
}

enum pen_code pen_lake_table_set_time_partition(struct pen_lake_txn *txn, int64_t table_id,
                                                const char *unit, struct pen_error *err)
{
    static const char *const units[] = {"none", "hour", "day", "month"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i]) == 0)
            return set_property(txn, table_id, "time_partition", unit, err);
    return pen_fail(err, PEN_ERR_CONFIG,
                    "time_partition must be none, hour, day or month, not '%s'", unit);
}

enum pen_code pen_lake_table_set_expire_days(struct pen_lake_txn *txn, int64_t table_id,
                                             int64_t days, struct pen_error *err)
{
    if (days < 0)
        return pen_fail(err, PEN_ERR_CONFIG, "expire days must not be negative");
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)days); /* always fits */
    return set_property(txn, table_id, "expire_days", days == 0 ? NULL : text, err);
}

enum pen_code pen_lake_note_updated(struct pen_lake_txn *txn, int64_t table_id, int64_t snapshot_id,
                                    int64_t updated_us, struct pen_error *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)snapshot_id); /* always fits */
    PEN_TRY(set_property(txn, table_id, "updated_snapshot", text, err));
    (void)snprintf(text, sizeof text, "%lld", (long long)updated_us); /* always fits */
    return set_property(txn, table_id, "updated_us", text, err);
}

enum pen_code pen_lake_keep_updated(struct pen_lake_txn *txn, int64_t table_id, int64_t snapshot_id,
                                    int64_t updated_us, struct pen_error *err)
{
    int64_t found = 0;
    bool is_noted = false;
    PEN_TRY(pen_db_query_int(txn->db, &found, &is_noted, err,
                             "SELECT 1 FROM table_property WHERE table_id = $1 AND "
                             "name = 'updated_snapshot' AND CAST(value AS BIGINT) = $2",
                             "ii", table_id, snapshot_id));
    return is_noted ? PEN_OK : pen_lake_note_updated(txn, table_id, snapshot_id, updated_us, err);
}
