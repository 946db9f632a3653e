#include "meta/meta_internal.h"

enum pen_code pen_meta_enter(struct pen_db *db, bool *ret_is_own, struct pen_error *err)
{
    *ret_is_own = !pen_db_in_transaction(db);
    return *ret_is_own ? pen_db_begin(db, err) : PEN_OK;
}

enum pen_code pen_meta_leave(struct pen_db *db, bool is_own, enum pen_code code,
                             struct pen_error *err)
{
    if (!is_own)
        return code;
    if (code == PEN_OK)
        code = pen_db_commit(db, err);
    if (code != PEN_OK)
        pen_db_rollback(db);
    return code;
}

enum pen_code pen_meta_next_id(struct pen_db *db, const char *sql, int64_t *ret_id,
                               struct pen_error *err)
{
    bool is_found = false;
    int64_t greatest = 0;
    PEN_TRY(pen_db_query_int(db, &greatest, &is_found, err, sql, ""));
    *ret_id = greatest + 1;
    return PEN_OK;
}
