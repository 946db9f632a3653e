#include "duck/duck_rewrite.h"

#include "base/civil.h"
#include "duck/duck_internal.h"

/* --- units of time -----------------------------------------------------------------------------
 */

bool pen_duck_unit_from_name(const char *name, enum pen_duck_unit *ret_unit)
{
    static const char *const names[] = {
        [PEN_DUCK_NO_UNIT] = "none",
        [PEN_DUCK_HOUR] = "hour",
        [PEN_DUCK_DAY] = "day",
        [PEN_DUCK_MONTH] = "month",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_unit = (enum pen_duck_unit)i;
            return true;
        }
    }
    return false;
}

#define SECONDS_OF_HOUR 3600
#define SECONDS_OF_DAY  86400

static int64_t month_start(int64_t time, int months_later)
{
    struct pen_civil civil = pen_civil_from_us(time * PEN_US_PER_SECOND);
    int month = civil.month + months_later;
    return pen_days_from_civil(civil.year + (month - 1) / 12, (month - 1) % 12 + 1, 1) *
           SECONDS_OF_DAY;
}

int64_t pen_duck_unit_start(enum pen_duck_unit unit, int64_t time)
{
    switch (unit) {
    case PEN_DUCK_HOUR:
        return time - time % SECONDS_OF_HOUR;
    case PEN_DUCK_DAY:
        return time - time % SECONDS_OF_DAY;
    case PEN_DUCK_MONTH:
        return month_start(time, 0);
    case PEN_DUCK_NO_UNIT:
        break;
    }
    return 0;
}

int64_t pen_duck_unit_end(enum pen_duck_unit unit, int64_t time)
{
    switch (unit) {
    case PEN_DUCK_HOUR:
        return pen_duck_unit_start(unit, time) + SECONDS_OF_HOUR;
    case PEN_DUCK_DAY:
        return pen_duck_unit_start(unit, time) + SECONDS_OF_DAY;
    case PEN_DUCK_MONTH:
        return month_start(time, 1);
    case PEN_DUCK_NO_UNIT:
        break;
    }
    return PEN_DUCK_LAST_SECOND + 1;
}

/* --- split -------------------------------------------------------------------------------------
 */

/* SQL for the first second of t's unit; NULL for what belongs to none. */
static const char *unit_sql(enum pen_duck_unit unit)
{
    switch (unit) {
    case PEN_DUCK_HOUR:
        return "t - t % 3600";
    case PEN_DUCK_DAY:
        return "t - t % 86400";
    case PEN_DUCK_MONTH:
        return "CAST(epoch(date_trunc('month', make_timestamp(t * 1000000))) AS BIGINT)";
    case PEN_DUCK_NO_UNIT:
        break;
    }
    return "CAST(0 AS BIGINT)";
}

static enum pen_code add_split(struct pen_buf *sql, const struct pen_duck_split *split,
                               struct pen_error *err)
{
    PEN_TRY(pen_buf_addf(sql, err,
                         "SELECT CASE WHEN t BETWEEN 0 AND %lld THEN %s END AS unit, count(*) "
                         "FROM (SELECT ",
                         (long long)PEN_DUCK_LAST_SECOND, unit_sql(split->unit)));
    PEN_TRY(pen_duck_add_name(sql, split->time_column, err));
    PEN_TRY(pen_buf_add_str(sql, " AS t FROM (", err));
    PEN_TRY(pen_duck_add_select(sql, split->view, err));
    return pen_buf_add_str(sql, ")) GROUP BY unit ORDER BY unit NULLS LAST", err);
}

static enum pen_code take_ranges(duckdb_data_chunk chunk, enum pen_duck_unit unit,
                                 struct pen_arena *arena, struct pen_duck_range **inout_ranges,
                                 size_t *inout_count, struct pen_error *err)
{
    duckdb_vector units = duckdb_data_chunk_get_vector(chunk, 0);
    const int64_t *starts = duckdb_vector_get_data(units);
    const int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    uint64_t *validity = duckdb_vector_get_validity(units);
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(chunk); i++) {
        PEN_TRY(pen_arena_grow(arena, inout_ranges, *inout_count, sizeof **inout_ranges, err));
        struct pen_duck_range *range = &(*inout_ranges)[(*inout_count)++];
        *range = (struct pen_duck_range){.rows = (uint64_t)rows[i]};
        range->is_rest = validity != NULL && !duckdb_validity_row_is_valid(validity, i);
        if (range->is_rest)
            continue;
        range->from = starts[i];
        range->to = pen_duck_unit_end(unit, starts[i]);
    }
    return PEN_OK;
}

static enum pen_code take_all_ranges(duckdb_result *result, enum pen_duck_unit unit,
                                     struct pen_arena *arena, struct pen_duck_range **ret_ranges,
                                     size_t *ret_count, struct pen_error *err)
{
    struct pen_duck_range *ranges = NULL;
    size_t count = 0;
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
        if (chunk == NULL)
            break;
        enum pen_code code = take_ranges(chunk, unit, arena, &ranges, &count, err);
        duckdb_destroy_data_chunk(&chunk);
        PEN_TRY(code);
    }
    *ret_ranges = ranges;
    *ret_count = count;
    return PEN_OK;
}

enum pen_code pen_duck_count_units(struct pen_duck *duck, const struct pen_duck_split *split,
                                   struct pen_arena *arena, struct pen_duck_range **ret_ranges,
                                   size_t *ret_count, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF((size_t)1 << 30);
    PEN_TRY(add_split(&sql, split, err));
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    duckdb_result result;
    enum pen_code code = pen_duck_run_result(connection, sql.ptr, split->cancel, &result, err);
    if (code == PEN_OK)
        code = take_all_ranges(&result, split->unit, arena, ret_ranges, ret_count, err);
    duckdb_destroy_result(&result);
    return code;
}

/* --- rewrite -----------------------------------------------------------------------------------
 */

static enum pen_code add_range(struct pen_buf *sql, const struct pen_duck_rewrite *rewrite,
                               struct pen_error *err)
{
    const struct pen_duck_range *range = rewrite->range;
    PEN_TRY(pen_buf_add_str(sql, " WHERE ", err));
    PEN_TRY(pen_duck_add_name(sql, rewrite->time_column, err));
    if (!range->is_rest) {
        PEN_TRY(pen_buf_addf(sql, err, " >= %lld AND ", (long long)range->from));
        PEN_TRY(pen_duck_add_name(sql, rewrite->time_column, err));
        return pen_buf_addf(sql, err, " < %lld", (long long)range->to);
    }
    PEN_TRY(pen_buf_add_str(sql, " IS NULL OR ", err));
    PEN_TRY(pen_duck_add_name(sql, rewrite->time_column, err));
    return pen_buf_addf(sql, err, " NOT BETWEEN 0 AND %lld", (long long)PEN_DUCK_LAST_SECOND);
}

static enum pen_code make_copy(struct pen_buf *sql, const struct pen_duck_rewrite *rewrite,
                               const char *path, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "COPY (SELECT * FROM (", err));
    PEN_TRY(pen_duck_add_select(sql, rewrite->view, err));
    PEN_TRY(pen_buf_add_char(sql, ')', err));
    if (rewrite->range != NULL)
        PEN_TRY(add_range(sql, rewrite, err));
    if (rewrite->time_column != NULL) {
        PEN_TRY(pen_buf_add_str(sql, " ORDER BY ", err));
        PEN_TRY(pen_duck_add_name(sql, rewrite->time_column, err));
        PEN_TRY(pen_buf_add_str(sql, " NULLS FIRST", err));
    }
    PEN_TRY(pen_buf_add_char(sql, ')', err));
    const struct pen_duck_copy_target target = {.path = path,
                                                .columns = rewrite->columns,
                                                .column_count = rewrite->view->column_count,
                                                .compression = rewrite->compression};
    return pen_duck_add_copy_target(sql, &target, err);
}

/* A COPY of no rows writes a file without rows: it is no part. */
static void drop_empty(struct pen_parts *parts, size_t count_before)
{
    if (parts->count > count_before && parts->parts[parts->count - 1].rows == 0)
        parts->count = count_before;
}

static enum pen_code run_copy(struct pen_duck *duck, const struct pen_duck_rewrite *rewrite,
                              const char *path, struct pen_parts *ret_parts, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF((size_t)1 << 30);
    PEN_TRY(make_copy(&sql, rewrite, path, err));
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    PEN_TRY(pen_duck_make_room(duck, connection, rewrite->view->column_count, err));
    duckdb_result result;
    size_t count = ret_parts->count;
    const struct pen_duck_copy_target target = {.path = rewrite->file_name,
                                                .columns = rewrite->columns,
                                                .column_count = rewrite->view->column_count};
    enum pen_code code = pen_duck_run_result(connection, sql.ptr, rewrite->cancel, &result, err);
    if (code == PEN_OK)
        code = pen_duck_take_part(&result, &target, ret_parts, err);
    else
        pen_error_where(err, "%s", path);
    duckdb_destroy_result(&result);
    drop_empty(ret_parts, count);
    return code;
}

enum pen_code pen_duck_rewrite(struct pen_duck *duck, const struct pen_duck_rewrite *rewrite,
                               struct pen_parts *ret_parts, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    size_t count = ret_parts->count;
    PEN_TRY(pen_part_begin_file(rewrite->folder, rewrite->file_name, &path, err));
    enum pen_code code = run_copy(duck, rewrite, path.ptr, ret_parts, err);
    return pen_part_end_file(rewrite->folder, path.ptr, code, count, ret_parts, err);
}
