#include "meta/audit.h"

#include "meta/meta_internal.h"

static enum pen_code insert(struct pen_db *db, const struct pen_audit *entry, struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(audit_id) FROM audit", &id, err));
    return pen_db_run(db, NULL, err, "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7)",
                      "iitttti", id, entry->at_us, entry->user_name, entry->action, entry->subject,
                      entry->peer, entry->status);
}

enum pen_code pen_audit_add(struct pen_db *db, const struct pen_audit *entry, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, entry, err), err);
}

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_audit *entry = item;
    (void)context;
    *entry = (struct pen_audit){
        .audit_id = pen_stmt_int(stmt, 0),
        .at_us = pen_stmt_int(stmt, 1),
        .status = pen_stmt_int(stmt, 6),
    };
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &entry->user_name, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &entry->action, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 4), &entry->subject, err));
    return pen_arena_text(arena, pen_stmt_text(stmt, 5), &entry->peer, err);
}

enum pen_code pen_audit_list(struct pen_db *db, const struct pen_audit_filter *filter,
                             struct pen_arena *arena, struct pen_audit **ret_entries,
                             size_t *ret_count, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_audit), read_row, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT audit_id, at_us, user_name, action, subject, peer, status "
                         "FROM audit WHERE $1 = 0 OR audit_id < $1 ORDER BY audit_id DESC LIMIT $2",
                         "ii", filter->before_id, (int64_t)filter->max));
    return pen_stmt_list(stmt, &reader, arena, ret_entries, ret_count, err);
}

enum pen_code pen_audit_failed_logins(struct pen_db *db, const char *name, const char *peer,
                                      int64_t since_us, int64_t *ret_of_name, int64_t *ret_of_peer,
                                      struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    bool has_row = false;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         "SELECT count(CASE WHEN subject = $1 THEN 1 END), "
                         "count(CASE WHEN peer = $2 THEN 1 END) FROM audit "
                         "WHERE action = 'login' AND at_us >= $3 AND status = 401",
                         "tti", name, peer, since_us));
    PEN_TRY(pen_stmt_step(stmt, &has_row, err));
    *ret_of_name = has_row ? pen_stmt_int(stmt, 0) : 0;
    *ret_of_peer = has_row ? pen_stmt_int(stmt, 1) : 0;
    return PEN_OK;
}
