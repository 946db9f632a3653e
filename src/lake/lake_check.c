#include "lake/lake_check.h"

#include "lake/lake_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

/* Texts from this length on may have been shortened by other writers: such a bound need not be a
 * value, only a bound. */
#define SHORTENED_TEXT 200

enum pen_code pen_finding_say(pen_finding_fn fn, void *context, const struct pen_finding *base,
                              struct pen_error *err, const char *format, ...)
{
    struct pen_finding finding = *base;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof finding.text, format, args); /* may be cut */
    va_end(args);
    return fn(context, &finding, err);
}

/* What the catalog says of a column of a file. */
struct stored_column {
    int64_t column_id;
    const char *type_text; /* NULL: the table never had such a column */
    bool has_value_count, has_null_count;
    uint64_t value_count, null_count;
    const char *min, *max;
    int contains_nan;        /* -1 unknown */
    const char *source_name; /* in files with a mapping */
};

/* A file and what the catalog says of it, read before the file is opened. */
struct checked_file {
    const struct pen_lake_file *file;
    struct stored_column *columns;
    size_t column_count;
};

struct check {
    const struct pen_lake_check *options;
    struct pen_arena arena; /* the catalog's words */
    struct pen_lake_table table;
    struct checked_file *files;
    size_t file_count;
    int64_t *known_ids; /* column ids that the table has or had */
    size_t known_count;
    struct pen_finding base; /* of the file being looked at */
};

#define SAY(check, word, ...)                                                                      \
    ((check)->base.kind = (word),                                                                  \
     pen_finding_say((check)->options->on_finding, (check)->options->context, &(check)->base, err, \
                     __VA_ARGS__))

/* --- the catalog's words -----------------------------------------------------------------------
 */

static enum pen_code copy_or_null(struct pen_arena *arena, struct pen_stmt *stmt, int column,
                                  const char **ret_text, struct pen_error *err)
{
    *ret_text = NULL;
    return pen_stmt_is_null(stmt, column)
               ? PEN_OK
               : pen_arena_text(arena, pen_stmt_text(stmt, column), ret_text, err);
}

static enum pen_code read_stored(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                                 void *item, struct pen_error *err)
{
    (void)context; /* none */
    struct stored_column *column = item;
    *column = (struct stored_column){
        .column_id = pen_stmt_int(stmt, 0),
        .has_value_count = !pen_stmt_is_null(stmt, 1),
        .has_null_count = !pen_stmt_is_null(stmt, 2),
        .value_count = (uint64_t)pen_stmt_int(stmt, 1),
        .null_count = (uint64_t)pen_stmt_int(stmt, 2),
        .contains_nan = pen_stmt_is_null(stmt, 5) ? -1 : pen_stmt_int(stmt, 5) != 0};
    PEN_TRY(copy_or_null(arena, stmt, 3, &column->min, err));
    PEN_TRY(copy_or_null(arena, stmt, 4, &column->max, err));
    PEN_TRY(copy_or_null(arena, stmt, 6, &column->type_text, err));
    return copy_or_null(arena, stmt, 7, &column->source_name, err);
}

static enum pen_code read_file_columns(struct check *check, struct pen_lake_txn *txn,
                                       struct checked_file *checked, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct stored_column), read_stored, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT s.column_id, s.value_count, s.null_count, s.min_value, "
                         "s.max_value, s.contains_nan, (SELECT c.column_type FROM ducklake_column "
                         "c WHERE c.table_id = $1 AND c.column_id = s.column_id "
                         "AND c.parent_column IS NULL ORDER BY c.begin_snapshot DESC LIMIT 1), "
                         "(SELECT m.source_name FROM ducklake_name_mapping m WHERE "
                         "m.mapping_id = $2 AND m.target_field_id = s.column_id LIMIT 1) "
                         "FROM ducklake_file_column_stats s WHERE s.data_file_id = $3 "
                         "ORDER BY s.column_id",
                         "iii", check->table.table_id, checked->file->mapping_id,
                         checked->file->data_file_id));
    return pen_stmt_list(stmt, &reader, &check->arena, &checked->columns, &checked->column_count,
                         err);
}

static enum pen_code read_id(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                             void *item, struct pen_error *err)
{
    (void)arena, (void)context, (void)err; /* a number only */
    *(int64_t *)item = pen_stmt_int(stmt, 0);
    return PEN_OK;
}

static enum pen_code read_known_ids(struct check *check, struct pen_lake_txn *txn,
                                    struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(int64_t), read_id, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT DISTINCT column_id FROM ducklake_column WHERE table_id = $1", "i",
                         check->table.table_id));
    return pen_stmt_list(stmt, &reader, &check->arena, &check->known_ids, &check->known_count, err);
}

/* --- the table's own statistics ----------------------------------------------------------------
 */

/* Bounds of the table hold those of every visible file: others would be left out by readers. */
static enum pen_code check_bounds(struct check *check, const struct stored_column *table,
                                  const struct stored_column *file, struct pen_error *err)
{
    int order = 0;
    if (table->contains_nan == 1)
        return PEN_OK; /* no reader goes by the bounds of a column with NaN */
    if (table->min != NULL && file->min != NULL &&
        pen_lake_compare_values(file->type_text, file->min, table->min, &order) && order < 0)
        PEN_TRY(SAY(check, "table_statistics",
                    "column %" PRId64 ": the table's minimum %.60s is greater than the file's "
                    "%.60s",
                    file->column_id, table->min, file->min));
    if (table->max != NULL && file->max != NULL &&
        pen_lake_compare_values(file->type_text, file->max, table->max, &order) && order > 0)
        PEN_TRY(SAY(check, "table_statistics",
                    "column %" PRId64 ": the table's maximum %.60s is less than the file's %.60s",
                    file->column_id, table->max, file->max));
    return PEN_OK;
}

static enum pen_code check_table_statistics(struct check *check, struct pen_lake_txn *txn,
                                            struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct stored_column), read_stored, NULL};
    struct stored_column *columns = NULL;
    size_t count = 0;
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(txn->db, &stmt, err,
                         "SELECT column_id, NULL, NULL, min_value, max_value, contains_nan, NULL, "
                         "NULL FROM ducklake_table_column_stats WHERE table_id = $1",
                         "i", check->table.table_id));
    PEN_TRY(pen_stmt_list(stmt, &reader, &check->arena, &columns, &count, err));
    int64_t next_row_id = 0;
    bool has_stats = false;
    PEN_TRY(pen_db_query_int(txn->db, &next_row_id, &has_stats, err,
                             "SELECT next_row_id FROM ducklake_table_stats WHERE table_id = $1",
                             "i", check->table.table_id));
    for (size_t f = 0; f < check->file_count; f++) {
        const struct checked_file *checked = &check->files[f];
        const struct pen_lake_file *file = checked->file;
        check->base.path = file->path;
        if (file->row_id_start >= 0 && file->row_id_start + (int64_t)file->rows > next_row_id)
            PEN_TRY(SAY(check, "table_statistics",
                        "its row ids end at %" PRId64 ", the table's next is %" PRId64,
                        file->row_id_start + (int64_t)file->rows, next_row_id));
        for (size_t s = 0; s < checked->column_count && !file->is_ended; s++)
            for (size_t t = 0; t < count; t++)
                if (columns[t].column_id == checked->columns[s].column_id &&
                    checked->columns[s].type_text != NULL)
                    PEN_TRY(check_bounds(check, &columns[t], &checked->columns[s], err));
    }
    return PEN_OK;
}

static enum pen_code look(struct check *check, const char *database, const char *table,
                          struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    struct pen_lake_file *files = NULL;
    PEN_TRY(pen_lake_begin_read(check->options->lake, &txn, err));
    PEN_TRY(pen_lake_table_find(txn, database, table, &check->arena, &check->table, err));
    check->base =
        (struct pen_finding){.database = check->table.database, .table = check->table.name};
    PEN_TRY(pen_lake_file_list(txn, &check->table, PEN_LAKE_ALL_FILES, &check->arena, &files,
                               &check->file_count, err));
    check->files = pen_arena_alloc(&check->arena, (check->file_count + 1) * sizeof *check->files);
    if (check->files == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < check->file_count; i++) {
        check->files[i] = (struct checked_file){.file = &files[i]};
        PEN_TRY(read_file_columns(check, txn, &check->files[i], err));
    }
    PEN_TRY(read_known_ids(check, txn, err));
    return check_table_statistics(check, txn, err);
}

/* --- a file against the catalog's words --------------------------------------------------------
 */

static enum pen_code check_bound(struct check *check, const struct stored_column *stored,
                                 const struct pen_duck_file_column *column, bool is_min,
                                 struct pen_error *err)
{
    const char *said = is_min ? stored->min : stored->max;
    const char *is = is_min ? column->min : column->max;
    int order = 0;
    if (said == NULL || !column->has_bounds)
        return PEN_OK; /* unknown is never wrong */
    if (is != NULL && !pen_lake_compare_values(stored->type_text, said, is, &order))
        return PEN_OK; /* a type without an order of its own */
    bool is_loose = strlen(said) >= SHORTENED_TEXT && (is_min ? order < 0 : order > 0);
    if (is != NULL && (order == 0 || is_loose))
        return PEN_OK;
    return SAY(check, "statistics", "column '%s': the %s is %.80s, the catalog says %.80s",
               column->name, is_min ? "minimum" : "maximum", is == NULL ? "unknown" : is, said);
}

static enum pen_code check_column(struct check *check, const struct stored_column *stored,
                                  const struct pen_duck_file_column *column, struct pen_error *err)
{
    if (stored->has_null_count && stored->null_count != column->null_count)
        PEN_TRY(SAY(check, "statistics",
                    "column '%s' has %" PRIu64 " nulls, the catalog says %" PRIu64, column->name,
                    column->null_count, stored->null_count));
    if (stored->contains_nan == 0 && column->contains_nan)
        PEN_TRY(SAY(check, "statistics", "column '%s' has a NaN, the catalog says it has none",
                    column->name));
    PEN_TRY(check_bound(check, stored, column, true, err));
    return check_bound(check, stored, column, false, err);
}

static const struct pen_duck_file_column *find_column(const struct pen_duck_file_facts *facts,
                                                      const struct pen_lake_file *file,
                                                      const struct stored_column *stored)
{
    for (size_t i = 0; i < facts->column_count; i++) {
        const struct pen_duck_file_column *column = &facts->columns[i];
        if (file->mapping_id < 0
                ? column->field_id == stored->column_id
                : stored->source_name != NULL && strcmp(column->name, stored->source_name) == 0)
            return column;
    }
    return NULL;
}

static enum pen_code check_columns(struct check *check, const struct checked_file *checked,
                                   const struct pen_duck_file_facts *facts, struct pen_error *err)
{
    for (size_t i = 0; i < checked->column_count; i++) {
        const struct stored_column *stored = &checked->columns[i];
        if (stored->type_text == NULL)
            continue; /* a leaf of a nested column */
        /* other writers do not count nulls */
        bool is_count_right = !stored->has_value_count ||
                              stored->value_count == checked->file->rows ||
                              stored->value_count + stored->null_count == checked->file->rows;
        if (!is_count_right)
            PEN_TRY(SAY(check, "statistics",
                        "column %" PRId64 " has %" PRIu64 " values, the catalog says %" PRIu64,
                        stored->column_id, checked->file->rows, stored->value_count));
        const struct pen_duck_file_column *column = find_column(facts, checked->file, stored);
        if (column != NULL && column->has_values)
            PEN_TRY(check_column(check, stored, column, err));
        else if (column == NULL && stored->has_null_count &&
                 stored->null_count != checked->file->rows)
            PEN_TRY(SAY(check, "field_id",
                        "it lacks column %" PRId64 ", of which the catalog says %" PRIu64 " values",
                        stored->column_id, checked->file->rows - stored->null_count));
    }
    return PEN_OK;
}

static bool is_known_id(const struct check *check, int64_t id)
{
    for (size_t i = 0; i < check->known_count; i++)
        if (check->known_ids[i] == id)
            return true;
    return false;
}

/* Readers find columns by field id; one that the table never had is lost to them. */
static enum pen_code check_field_ids(struct check *check, const struct pen_duck_file_facts *facts,
                                     struct pen_error *err)
{
    for (size_t i = 0; i < facts->column_count; i++) {
        const struct pen_duck_file_column *column = &facts->columns[i];
        if (strncmp(column->name, "_ducklake_internal_", 19) == 0)
            continue; /* row ids and snapshots that another program keeps with the rows */
        if (column->field_id < 0)
            PEN_TRY(SAY(check, "field_id", "column '%s' has no field id", column->name));
        else if (!is_known_id(check, column->field_id))
            PEN_TRY(SAY(check, "field_id",
                        "column '%s' has the field id %" PRId64 ", which the table never had",
                        column->name, column->field_id));
    }
    return PEN_OK;
}

/* *ret_facts columns NULL and an own finding when it cannot be read. */
static enum pen_code inspect(struct check *check, const char *path, bool is_deep,
                             struct pen_arena *arena, struct pen_duck_file_facts *ret_facts,
                             bool *ret_is_readable, struct pen_error *err)
{
    const struct pen_duck_inspect what = {
        .path = path, .is_deep = is_deep, .cancel = check->options->cancel};
    struct pen_error failed = {0};
    enum pen_code code =
        pen_duck_inspect_file(check->options->duck, &what, arena, ret_facts, &failed);
    *ret_is_readable = code == PEN_OK;
    if (code == PEN_ERR_CANCELLED || code == PEN_ERR_NOMEM) {
        if (err != NULL)
            *err = failed;
        return code;
    }
    return code == PEN_OK ? PEN_OK : SAY(check, "unreadable", "%s", failed.message);
}

/* Whether it is there with the size that the catalog says. */
static enum pen_code check_size(struct check *check, const char *path, uint64_t size_bytes,
                                const char *still_there_sql, int64_t id, bool *ret_is_there,
                                struct pen_error *err)
{
    struct stat info;
    *ret_is_there = stat(path, &info) == 0;
    if (!*ret_is_there) {
        int sys_errno = errno;
        int64_t found = 0;
        bool is_needed = false; /* the catalog may have let go of it since it was read */
        PEN_TRY(pen_db_query_int(pen_lake_db(check->options->lake), &found, &is_needed, err,
                                 still_there_sql, "i", id));
        if (!is_needed)
            return PEN_OK;
        if (sys_errno == ENOENT)
            return SAY(check, "missing", "the file is missing");
        return SAY(check, "unreadable", "%s", strerror(sys_errno));
    }
    if ((uint64_t)info.st_size == size_bytes)
        return PEN_OK;
    return SAY(check, "size", "it has %lld bytes, the catalog says %" PRIu64,
               (long long)info.st_size, size_bytes);
}

static enum pen_code check_footer(struct check *check, const struct pen_lake_file *file,
                                  const struct pen_duck_file_facts *facts, struct pen_error *err)
{
    if (file->footer_bytes >= 0 && facts->footer_bytes != (uint64_t)file->footer_bytes)
        PEN_TRY(SAY(check, "footer", "its footer has %" PRIu64 " bytes, the catalog says %" PRId64,
                    facts->footer_bytes, file->footer_bytes));
    if (facts->rows != file->rows)
        PEN_TRY(SAY(check, "rows", "it has %" PRIu64 " rows, the catalog says %" PRIu64,
                    facts->rows, file->rows));
    return PEN_OK;
}

static enum pen_code check_deletes(struct check *check, const struct pen_lake_file *file,
                                   struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_duck_file_facts facts = {0};
    bool is_there = false, is_readable = false;
    check->base.path = file->delete_path;
    PEN_TRY(check_size(check, file->delete_path, file->delete_size_bytes,
                       "SELECT 1 FROM ducklake_delete_file WHERE delete_file_id = $1",
                       file->delete_file_id, &is_there, err));
    if (!is_there)
        return PEN_OK;
    PEN_TRY(inspect(check, file->delete_path, false, &arena, &facts, &is_readable, err));
    if (is_readable && facts.rows != file->deleted_rows)
        return SAY(check, "rows", "it has %" PRIu64 " deleted rows, the catalog says %" PRIu64,
                   facts.rows, file->deleted_rows);
    return PEN_OK;
}

static enum pen_code check_file(struct check *check, const struct checked_file *checked,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    const struct pen_lake_file *file = checked->file;
    struct pen_duck_file_facts facts = {0};
    bool is_there = false, is_readable = false;
    check->base.path = file->path;
    PEN_TRY(check_size(check, file->path, file->size_bytes,
                       "SELECT 1 FROM ducklake_data_file WHERE data_file_id = $1",
                       file->data_file_id, &is_there, err));
    if (!is_there)
        return PEN_OK;
    if (file->is_encrypted || strcmp(file->format, "parquet") != 0) {
        check->base.is_note = true;
        enum pen_code code = SAY(check, "unchecked", "%s files are not looked into",
                                 file->is_encrypted ? "encrypted" : file->format);
        check->base.is_note = false;
        return code;
    }
    PEN_TRY(
        inspect(check, file->path, !check->options->is_quick, &arena, &facts, &is_readable, err));
    if (!is_readable)
        return PEN_OK;
    PEN_TRY(check_footer(check, file, &facts, err));
    if (file->mapping_id < 0)
        PEN_TRY(check_field_ids(check, &facts, err));
    return check_columns(check, checked, &facts, err);
}

static enum pen_code check_files(struct check *check, uint64_t *ret_files, uint64_t *ret_bytes,
                                 struct pen_error *err)
{
    for (size_t i = 0; i < check->file_count; i++) {
        const struct pen_lake_file *file = check->files[i].file;
        PEN_TRY(check_file(check, &check->files[i], err));
        if (file->delete_file_id >= 0)
            PEN_TRY(check_deletes(check, file, err));
        *ret_files += file->delete_file_id >= 0 ? 2 : 1;
        *ret_bytes += file->size_bytes;
    }
    return PEN_OK;
}

enum pen_code pen_lake_check_table(const struct pen_lake_check *options, const char *database,
                                   const char *table, uint64_t *ret_files, uint64_t *ret_bytes,
                                   struct pen_error *err)
{
    struct check check = {.options = options, .arena = PEN_ARENA((size_t)2 << 30)};
    enum pen_code code = look(&check, database, table, err);
    if (code == PEN_OK)
        code = check_files(&check, ret_files, ret_bytes, err);
    pen_arena_release(&check.arena);
    return code;
}
