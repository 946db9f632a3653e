/* duck_query.h - read-only SQL over Parquet tables; rows come as batches.
 * A session holds an engine of its own in memory. User SQL sees the given tables and nothing else:
 * no other files, no network, no changed settings, no writing. See lake/lake_query.h for opening
 * one over the lake.
 * thread: one at a time per session; pen_duck_session_interrupt from any thread. */
#ifndef PEN_DUCK_DUCK_QUERY_H
#define PEN_DUCK_DUCK_QUERY_H

#include "batch/batch.h"
#include "duck/duck.h"

struct pen_duck_session;
struct pen_duck_query;

/* A column of a table; files find it by field id, or by name in files with a mapping. */
struct pen_duck_view_column {
    int64_t field_id;
    const char *name, *sql_type;
    const char *default_text; /* value in files that lack the column; NULL: null */
};

struct pen_duck_view_file {
    const char *path; /* absolute */
    const char
        *delete_path; /* positions of deleted rows (Parquet: file_path, pos); NULL for none */
    const char *const *source_names; /* per view column the name in this file, NULL where absent;
                                        NULL: columns are matched by field id */
};

struct pen_duck_view {
    const char *database, *table;
    const struct pen_duck_view_column *columns;
    size_t column_count;
    const struct pen_duck_view_file *files;
    size_t file_count;
    const char *problem; /* why its rows cannot be read; NULL: they can */
};

struct pen_duck_session_options {
    struct pen_duck_options engine;
    const char *data_folder;      /* the only folder that may be read */
    const char *const *databases; /* all, also those without tables */
    size_t database_count;
    const char *default_database; /* NULL for none */
    const struct pen_duck_view *views;
    size_t view_count;
};

/* pen_duck_session_open - everything in options is copied. errors: PEN_ERR_INTERNAL. */
PEN_MUST_USE enum pen_code pen_duck_session_open(const struct pen_duck_session_options *options,
                                                 struct pen_duck_session **ret_session,
                                                 struct pen_error *err);
void pen_duck_session_close(struct pen_duck_session *session);
PEN_DEFINE_FREE_P(struct pen_duck_session *, pen_duck_session_close)

/* pen_duck_session_interrupt - the running query ends with PEN_ERR_CANCELLED. thread: any. */
void pen_duck_session_interrupt(struct pen_duck_session *session);

/* pen_duck_query - starts one statement that reads (SELECT, WITH, VALUES, SHOW, DESCRIBE, EXPLAIN).
 * errors: PEN_ERR_CONFIG with DuckDB's words for wrong SQL; PEN_ERR_AUTH for anything that would
 *         write or change settings; PEN_ERR_NOT_FOUND unknown table. */
PEN_MUST_USE enum pen_code pen_duck_query(struct pen_duck_session *session, struct pen_slice sql,
                                          struct pen_duck_query **ret_query, struct pen_error *err);
void pen_duck_query_free(struct pen_duck_query *query);
PEN_DEFINE_FREE_P(struct pen_duck_query *, pen_duck_query_free)

/* pen_duck_query_schema - names and types of the result; lives as long as the query.
 * Types map to ours: all integers up to 64 bits long; float and double double; timestamps
 * timestamp; lists, structs and maps json; hugeint and decimal json too (a bare number, exact);
 * date, time, uuid, interval and the rest string in DuckDB's text form. */
const struct pen_schema *pen_duck_query_schema(const struct pen_duck_query *query);

/* pen_duck_query_next - the next 1..PEN_BATCH_ROWS rows, valid until the next call or free;
 * *ret_batch NULL at the end. The batch has no origins. */
PEN_MUST_USE enum pen_code pen_duck_query_next(struct pen_duck_query *query,
                                               const struct pen_batch **ret_batch,
                                               struct pen_error *err);

#endif
