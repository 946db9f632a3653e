/* lake_query.h - SQL over the lake: a read-only query session on the newest snapshot. */
#ifndef PEN_LAKE_LAKE_QUERY_H
#define PEN_LAKE_LAKE_QUERY_H

#include "duck/duck_query.h"
#include "lake/lake.h"

/* pen_lake_session_open - a session that sees all databases and tables of the transaction's
 * snapshot. in: default_database: where unqualified names are looked up; NULL for none;
 * PEN_ERR_NOT_FOUND when it does not exist. The transaction may end before the session.
 *     pen_lake_session_open(txn, "td_sample_db", NULL, &session, err)
 *     pen_duck_query(session, sql, &query, err) ... pen_duck_query_next(...)  (duck_query.h) */
PEN_MUST_USE enum pen_code pen_lake_session_open(struct pen_lake_txn *txn,
                                                 const char *default_database,
                                                 const struct pen_duck_options *options,
                                                 struct pen_duck_session **ret_session,
                                                 struct pen_error *err);

/* pen_lake_tail_sql - the SQL for the rows of a table with the greatest `time`, oldest first.
 * in: names as they are; appended to `into`. */
PEN_MUST_USE enum pen_code pen_lake_tail_sql(const char *database, const char *table, int64_t rows,
                                             struct pen_buf *into, struct pen_error *err);

#endif
