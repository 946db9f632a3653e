/* lake_load.c - a load against the table:
 *     schema of the load --layout--> names, ids, types (before the first part is written)
 *     parts + layout --load--> data files (in the transaction of the commit, all checked again) */
#include "lake/lake_internal.h"

#include <strings.h>

/* --- layout ------------------------------------------------------------------------------------
 */

static const struct pen_lake_column *find_by_name(const struct pen_lake_table *table,
                                                  const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcasecmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

/* The column that the load's `source` belongs to: by the name the data used, else by its own. */
static size_t match(const struct pen_lake_table *table, const bool *is_used, const char *source)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (!is_used[i] && strcmp(table->columns[i].source_name, source) == 0)
            return i;
    for (size_t i = 0; i < table->column_count; i++)
        if (!is_used[i] && strcasecmp(table->columns[i].name, source) == 0)
            return i;
    return SIZE_MAX;
}

static enum pen_code fill_existing(const struct pen_lake_column *column, enum pen_type type,
                                   struct pen_lake_target *target, struct pen_error *err)
{
    if (column->sql_type == NULL)
        return pen_fail(err, PEN_ERR_CONFIG,
                        "column '%s' has the type %s, into which nothing can be loaded",
                        column->name, column->type_text);
    *target = (struct pen_lake_target){
        .column_id = column->column_id,
        .name = column->name,
        .type = type,
        .type_text = column->type_text,
        .sql_type = column->is_own_type && column->type == type ? NULL : column->sql_type,
    };
    return PEN_OK;
}

/* Matches what exists. out: targets with a name are done; *ret_new: the schema of the others. */
static enum pen_code match_existing(const struct pen_lake_table *table,
                                    const struct pen_schema *schema, struct pen_arena *arena,
                                    struct pen_lake_target *targets, struct pen_schema *ret_new,
                                    struct pen_error *err)
{
    bool *is_used = pen_arena_alloc(arena, table->column_count + 1);
    if (is_used == NULL)
        return pen_fail_nomem(err);
    memset(is_used, 0, table->column_count + 1);
    for (size_t i = 0; i < schema->count; i++) {
        const struct pen_field *field = &schema->fields[i];
        size_t at = match(table, is_used, field->name);
        if (at >= table->column_count) {
            targets[i] = (struct pen_lake_target){.name = NULL};
            PEN_TRY(pen_schema_add(ret_new, pen_slice_str(field->name), field->type, NULL, err));
        } else {
            is_used[at] = true;
            PEN_TRY(fill_existing(&table->columns[at], field->type, &targets[i], err));
        }
        PEN_TRY(pen_arena_text(arena, pen_slice_str(field->name), &targets[i].source, err));
    }
    return PEN_OK;
}

static enum pen_code plan_new(const struct pen_lake_table *table, const struct pen_schema *fresh,
                              struct pen_arena *arena, struct pen_lake_target *targets,
                              struct pen_error *err)
{
    size_t bytes = (table->column_count + 1) * sizeof(char *);
    const char **taken = pen_arena_alloc(arena, bytes);
    if (taken == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < table->column_count; i++)
        taken[i] = table->columns[i].name;
    const char **names = NULL;
    PEN_TRY(pen_lake_aliases(fresh, taken, table->column_count, arena, &names, err));
    for (size_t i = 0, at = 0; i < fresh->count; at++) {
        if (targets[at].name != NULL)
            continue;
        targets[at].column_id = table->next_column_id + (int64_t)i;
        targets[at].name = names[i];
        targets[at].type = fresh->fields[i].type;
        targets[at].type_text = pen_lake_type_text(fresh->fields[i].type);
        targets[at].is_new = true;
        i++;
    }
    return PEN_OK;
}

/* A table that is still to be made: nothing in it, `time` first unless the load brings it. */
static enum pen_code imagine_table(struct pen_lake_txn *txn, const struct pen_lake_wish *wish,
                                   struct pen_arena *arena, struct pen_lake_table *ret_table,
                                   struct pen_error *err)
{
    PEN_TRY(pen_lake_check_name("Table", pen_slice_str(wish->table), err));
    struct pen_lake_database found;
    PEN_TRY(pen_lake_database_find(txn, wish->database, arena, &found, err));
    bool has_time = pen_schema_find(wish->schema, PEN_LIT("time")) != SIZE_MAX;
    *ret_table = (struct pen_lake_table){.next_column_id = has_time ? 1 : 2};
    return pen_lake_join_path(arena, found.folder, pen_slice_str(wish->table), true,
                              &ret_table->folder, err);
}

static enum pen_code look_up_table(struct pen_lake_txn *txn, const struct pen_lake_wish *wish,
                                   struct pen_arena *arena, struct pen_lake_table *ret_table,
                                   struct pen_error *err)
{
    int64_t table_id = 0;
    PEN_TRY(pen_lake_table_id(txn, wish->database, wish->table, &table_id, err));
    if (table_id != 0)
        return pen_lake_table_find(txn, wish->database, wish->table, arena, ret_table, err);
    if (!wish->may_create)
        return pen_lake_fail_no_table(wish->database, wish->table, err);
    return imagine_table(txn, wish, arena, ret_table, err);
}

enum pen_code pen_lake_layout(struct pen_lake_txn *txn, const struct pen_lake_wish *wish,
                              struct pen_arena *arena, struct pen_lake_layout *ret_layout,
                              struct pen_error *err)
{
    struct pen_lake_table table = {0};
    PEN_TRY(look_up_table(txn, wish, arena, &table, err));
    struct pen_lake_layout layout = {
        .table_id = table.table_id,
        .folder = table.folder,
        .time_partition = table.time_partition == NULL ? "none" : table.time_partition};
    PEN_TRY(pen_arena_text(arena, pen_slice_str(wish->database), &layout.database, err));
    PEN_TRY(pen_arena_text(arena, pen_slice_str(wish->table), &layout.table, err));
    layout.target_count = wish->schema->count;
    layout.targets = pen_arena_alloc(arena, (layout.target_count + 1) * sizeof *layout.targets);
    if (layout.targets == NULL)
        return pen_fail_nomem(err);
    PEN_CLEANUP(pen_schema_clear) struct pen_schema fresh = {0};
    PEN_TRY(match_existing(&table, wish->schema, arena, layout.targets, &fresh, err));
    PEN_TRY(plan_new(&table, &fresh, arena, layout.targets, err));
    *ret_layout = layout;
    return PEN_OK;
}

/* --- load --------------------------------------------------------------------------------------
 */

static enum pen_code fail_changed(const struct pen_lake_layout *layout, const char *what,
                                  struct pen_error *err)
{
    pen_fail(err, PEN_ERR_CONFLICT, "Table '%s.%s' %s while the load was running.",
             layout->database, layout->table, what);
    pen_error_hint(err, "nothing was loaded; run the load again");
    return PEN_ERR_CONFLICT;
}

static enum pen_code make_table(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                                struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(pen_lake_make_table(txn, layout->database, layout->table, &id, err));
    for (size_t i = 0; i < layout->target_count; i++)
        if (strcmp(layout->targets[i].name, "time") == 0)
            return PEN_OK; /* the load brings it */
    return pen_lake_make_column(txn, id, 1, "time", "time", PEN_TYPE_LONG, err);
}

/* The table as it is now, made when it was to be made. */
static enum pen_code settle_table(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                                  struct pen_arena *arena, struct pen_lake_table *ret_table,
                                  struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(pen_lake_table_id(txn, layout->database, layout->table, &id, err));
    if (layout->table_id != 0 && id != layout->table_id)
        return fail_changed(layout, id == 0 ? "was deleted or renamed" : "was replaced by another",
                            err);
    if (id == 0)
        PEN_TRY(make_table(txn, layout, err));
    return pen_lake_table_find(txn, layout->database, layout->table, arena, ret_table, err);
}

/* The planned id when nobody has used it, else a fresh one. */
static enum pen_code choose_id(struct pen_lake_txn *txn, const struct pen_lake_table *table,
                               int64_t planned, int64_t *inout_next, int64_t *ret_id,
                               struct pen_error *err)
{
    bool is_used = false;
    int64_t found = 0;
    PEN_TRY(pen_db_query_int(txn->db, &found, &is_used, err,
                             "SELECT column_id FROM ducklake_column WHERE table_id = $1 AND "
                             "column_id = $2",
                             "ii", table->table_id, planned));
    *ret_id = is_used ? *inout_next : planned;
    if (*ret_id >= *inout_next)
        *inout_next = *ret_id + 1;
    return PEN_OK;
}

static enum pen_code settle_column(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                                   const struct pen_lake_table *table, size_t index,
                                   int64_t *inout_next, int64_t *ret_id, struct pen_error *err)
{
    const struct pen_lake_target *target = &layout->targets[index];
    const struct pen_lake_column *column = find_by_name(table, target->name);
    if (column == NULL && !target->is_new)
        return fail_changed(layout, "lost a column", err);
    if (column != NULL) {
        *ret_id = column->column_id;
        if (strcmp(column->type_text, target->type_text) != 0)
            return fail_changed(layout, "got a column of the same name and another type", err);
        return PEN_OK;
    }
    PEN_TRY(choose_id(txn, table, target->column_id, inout_next, ret_id, err));
    PEN_TRY(pen_lake_make_column(txn, table->table_id, *ret_id, target->name, target->source,
                                 target->type, err));
    PEN_TRY(pen_lake_note_schema(txn, table->table_id, err));
    if (table->table_id >= txn->first_own_id)
        return PEN_OK; /* made by this very transaction: it says so already */
    return pen_lake_note_change(txn, err, "altered_table:%lld", (long long)table->table_id);
}

/* Finds or makes the columns. out: ret_ids the actual id per target; *ret_is_planned whether the
 * parts' field ids are these. */
static enum pen_code settle_columns(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                                    const struct pen_lake_table *table, int64_t *ret_ids,
                                    bool *ret_is_planned, struct pen_error *err)
{
    int64_t next = table->next_column_id;
    for (size_t i = 0; i < layout->target_count; i++)
        if (layout->targets[i].is_new && layout->targets[i].column_id >= next)
            next = layout->targets[i].column_id + 1;
    *ret_is_planned = true;
    for (size_t i = 0; i < layout->target_count; i++) {
        PEN_TRY(settle_column(txn, layout, table, i, &next, &ret_ids[i], err));
        if (ret_ids[i] != layout->targets[i].column_id)
            *ret_is_planned = false;
    }
    return PEN_OK;
}

/* The parts were written with field ids that now belong to others: readers go by name instead. */
static enum pen_code make_mapping(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                                  int64_t table_id, const int64_t *ids, int64_t *ret_mapping_id,
                                  struct pen_error *err)
{
    int64_t mapping_id = txn->next_file_id++;
    PEN_TRY(pen_db_run(txn->db, NULL, err,
                       "INSERT INTO ducklake_column_mapping VALUES ($1, $2, 'map_by_name')", "ii",
                       mapping_id, table_id));
    for (size_t i = 0; i < layout->target_count; i++)
        PEN_TRY(pen_db_run(txn->db, NULL, err,
                           "INSERT INTO ducklake_name_mapping VALUES ($1, $2, $3, $4, NULL, 0)",
                           "iiti", mapping_id, (int64_t)i, layout->targets[i].name, ids[i]));
    *ret_mapping_id = mapping_id;
    return PEN_OK;
}

static enum pen_code check_parts(const struct pen_lake_layout *layout, const struct pen_part *parts,
                                 size_t part_count, struct pen_error *err)
{
    for (size_t i = 0; i < part_count; i++)
        if (parts[i].column_count != layout->target_count)
            return pen_fail(err, PEN_ERR_INTERNAL, "part '%s' has %zu columns, the load has %zu",
                            parts[i].path, parts[i].column_count, layout->target_count);
    return PEN_OK;
}

enum pen_code pen_lake_load(struct pen_lake_txn *txn, const struct pen_lake_layout *layout,
                            enum pen_lake_mode mode, const struct pen_part *parts,
                            size_t part_count, int64_t *ret_table_id, struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_lake_table table = {0};
    PEN_TRY(check_parts(layout, parts, part_count, err));
    PEN_TRY(settle_table(txn, layout, &arena, &table, err));
    const long long id = (long long)table.table_id;
    int64_t *ids = pen_arena_alloc(&arena, (layout->target_count + 1) * sizeof *ids);
    if (ids == NULL)
        return pen_fail_nomem(err);
    bool is_planned = true;
    PEN_TRY(settle_columns(txn, layout, &table, ids, &is_planned, err));
    if (mode == PEN_LAKE_REPLACE) {
        PEN_TRY(pen_lake_end_files(txn, table.table_id, err));
        PEN_TRY(pen_lake_note_change(txn, err, "deleted_from_table:%lld", id));
    }
    /* once more: columns may have been made */
    PEN_TRY(pen_lake_table_find(txn, layout->database, layout->table, &arena, &table, err));
    int64_t mapping_id = -1;
    if (!is_planned && part_count > 0)
        PEN_TRY(make_mapping(txn, layout, table.table_id, ids, &mapping_id, err));
    for (size_t i = 0; i < part_count; i++)
        PEN_TRY(pen_lake_add_file(txn, &table, layout, ids, mapping_id, &parts[i], err));
    if (part_count > 0)
        PEN_TRY(pen_lake_note_change(txn, err, "inserted_into_table:%lld", id));
    if (ret_table_id != NULL)
        *ret_table_id = table.table_id;
    return PEN_OK;
}
