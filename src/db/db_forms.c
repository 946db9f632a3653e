/* db_forms.c - statements in one line: SQL and typed arguments --prepare, bind, step--> a row, a
 * number, a count of changes. Over db.h alone, whatever the driver. */
#include "db/db.h"

#include <stdarg.h>

static enum pen_code query_v(struct pen_db *db, struct pen_stmt **ret_stmt, struct pen_error *err,
                             const char *sql, const char *types, va_list args)
{
    struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_prepare(db, sql, &stmt, err));
    for (int index = 1; types[index - 1] != '\0'; index++) {
        switch (types[index - 1]) {
        case 'i':
            pen_stmt_bind_int(stmt, index, va_arg(args, int64_t));
            break;
        case 'd':
            pen_stmt_bind_double(stmt, index, va_arg(args, double));
            break;
        case 't':
            pen_stmt_bind_text(stmt, index, va_arg(args, const char *));
            break;
        case 's':
            pen_stmt_bind_slice(stmt, index, va_arg(args, struct pen_slice));
            break;
        case 'b':
            pen_stmt_bind_bytes(stmt, index, va_arg(args, struct pen_slice));
            break;
        default:
            pen_stmt_bind_null(stmt, index);
            break;
        }
    }
    *ret_stmt = stmt;
    return PEN_OK;
}

enum pen_code pen_db_query(struct pen_db *db, struct pen_stmt **ret_stmt, struct pen_error *err,
                           const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    enum pen_code code = query_v(db, ret_stmt, err, sql, types, args);
    va_end(args);
    return code;
}

enum pen_code pen_db_query_int(struct pen_db *db, int64_t *ret_value, bool *ret_is_found,
                               struct pen_error *err, const char *sql, const char *types, ...)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    va_list args;
    va_start(args, types);
    enum pen_code code = query_v(db, &stmt, err, sql, types, args);
    va_end(args);
    PEN_TRY(code);
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    *ret_is_found = has_row && !pen_stmt_is_null(stmt, 0);
    if (*ret_is_found)
        *ret_value = pen_stmt_int(stmt, 0);
    return PEN_OK;
}

enum pen_code pen_db_run(struct pen_db *db, int64_t *ret_changes, struct pen_error *err,
                         const char *sql, const char *types, ...)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    va_list args;
    va_start(args, types);
    enum pen_code code = query_v(db, &stmt, err, sql, types, args);
    va_end(args);
    PEN_TRY(code);
    bool has_row = false;
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    if (ret_changes != NULL)
        *ret_changes = pen_db_changes(db);
    return PEN_OK;
}

enum pen_code pen_db_has_table(struct pen_db *db, const char *name, bool *ret_has,
                               struct pen_error *err)
{
    int64_t found = 0;
    return pen_db_query_int(db, &found, ret_has, err,
                            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1", "t",
                            name);
}
