/* duck_internal.h - what the files of duck/ share. */
#ifndef PEN_DUCK_DUCK_INTERNAL_H
#define PEN_DUCK_DUCK_INTERNAL_H

#include "base/buf.h"
#include "conc/first_error.h"
#include "duck/duck.h"

#include <duckdb.h>
#include <stdatomic.h>

struct pen_duck {
    duckdb_database database;
    uint64_t memory_limit_bytes;
    unsigned threads;
};

static inline void pen_duck_disconnect(duckdb_connection *connection)
{
    if (*connection != NULL)
        duckdb_disconnect(connection);
}

/* pen_duck_run - runs statements whose results do not matter. errors: PEN_ERR_INTERNAL or IO with
 * DuckDB's words. */
PEN_MUST_USE enum pen_code pen_duck_run(duckdb_connection connection, const char *sql,
                                        struct pen_error *err);

/* pen_duck_fail_result - the error of a failed result, by its kind: a full disk is PEN_ERR_IO. */
enum pen_code pen_duck_fail_result(duckdb_result *result, struct pen_error *err);

/* pen_duck_fail_text - as above from kind and text; the text's "Xyz Error: " is dropped. */
enum pen_code pen_duck_fail_text(duckdb_error_type kind, const char *text, struct pen_error *err);

/* pen_duck_add_name / pen_duck_add_literal - "quoted" identifier and 'quoted' text. */
PEN_MUST_USE enum pen_code pen_duck_add_name(struct pen_buf *sql, const char *name,
                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_duck_add_literal(struct pen_buf *sql, const char *text,
                                                struct pen_error *err);

/* pen_duck_fail_words - from a text alone, whose first word tells the kind ("Parser Error: ...").
 */
enum pen_code pen_duck_fail_words(const char *text, struct pen_error *err);

/* pen_duck_start - an engine in memory with the given options, nothing registered in it. */
PEN_MUST_USE enum pen_code pen_duck_start(const struct pen_duck_options *options,
                                          bool keeps_row_order, struct pen_duck **ret_duck,
                                          struct pen_error *err);

/* pen_duck_add_view - the statement(s) that make a table of the lake readable. `add_shell` gives an
 * empty table with the same columns, for names that a query does not use. */
struct pen_duck_view;
PEN_MUST_USE enum pen_code pen_duck_add_view(struct pen_buf *sql, const struct pen_duck_view *view,
                                             struct pen_error *err);
PEN_MUST_USE enum pen_code pen_duck_add_shell(struct pen_buf *sql, const struct pen_duck_view *view,
                                              struct pen_error *err);

/* pen_duck_add_select - "SELECT columns FROM files": the table's rows, without a name. */
PEN_MUST_USE enum pen_code
pen_duck_add_select(struct pen_buf *sql, const struct pen_duck_view *view, struct pen_error *err);

/* --- parts (duck_copy.c) --- */

/* Where a COPY writes to. */
struct pen_duck_copy_target {
    const char *path;
    const struct pen_part_field *columns; /* sql_type is not looked at */
    size_t column_count;
    enum pen_part_compression compression;
};

/* pen_duck_make_room - before a COPY into a part of so many columns: raises the memory limit when
 * they are very many, since the writer holds some blocks of each column, however few rows come.
 * pen_duck_add_copy_target - " TO 'path' (FORMAT parquet, ...)".
 * pen_duck_take_part - the one row that such a statement returns, as a part called target->path. */
PEN_MUST_USE enum pen_code pen_duck_make_room(const struct pen_duck *duck,
                                              duckdb_connection connection, size_t column_count,
                                              struct pen_error *err);
PEN_MUST_USE enum pen_code pen_duck_add_copy_target(struct pen_buf *sql,
                                                    const struct pen_duck_copy_target *target,
                                                    struct pen_error *err);
PEN_MUST_USE enum pen_code pen_duck_take_part(duckdb_result *result,
                                              const struct pen_duck_copy_target *target,
                                              struct pen_parts *ret_parts, struct pen_error *err);

/* --- duck_run.c --- */

/* pen_duck_run_result - runs one statement; `cancel` (may be NULL) ends it within moments.
 * out: *ret_result, to be destroyed by the caller also after an error.
 * errors: DuckDB's; PEN_ERR_CANCELLED. */
PEN_MUST_USE enum pen_code pen_duck_run_result(duckdb_connection connection, const char *sql,
                                               const volatile int *cancel,
                                               duckdb_result *ret_result, struct pen_error *err);

/* pen_duck_text_at - a text of a result's chunk; false when it is null. */
bool pen_duck_text_at(duckdb_vector vector, idx_t row, struct pen_slice *ret_text);

/* What the table function of duck_stream.c needs; its address is the function's argument. */
struct pen_duck_feed {
    struct pen_task_stream *stream;
    const volatile int *cancel;
    atomic_uint next_worker;
    struct pen_first_error first;
    atomic_uint_fast64_t rows;
    atomic_uint_fast64_t *nulls; /* per column, as delivered */
};

/* pen_duck_add_stream_function - makes SQL's pen_stream(<address of a feed>) known: one column
 * c0, c1, ... per field of the stream. */
PEN_MUST_USE enum pen_code pen_duck_add_stream_function(duckdb_connection connection,
                                                        struct pen_error *err);

#endif
