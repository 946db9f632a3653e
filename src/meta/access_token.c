#include "base/civil.h"
#include "meta/meta_internal.h"
#include "meta/user.h"

#include <inttypes.h>

/* Of a key, so that people can tell theirs apart. */
#define HINT_CHARACTERS 10

#define DAY_US          ((int64_t)24 * 3600 * PEN_US_PER_SECOND)

static const char *const kind_names[] = {
    [PEN_TOKEN_KEY] = "key",
    [PEN_TOKEN_SESSION] = "session",
    [PEN_TOKEN_LINK] = "link",
};

static enum pen_code insert(struct pen_db *db, const struct pen_token *token, int64_t *ret_id,
                            struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(pen_meta_next_id(db, "SELECT max(token_id) FROM access_token", &id, err));
    if (token->kind == PEN_TOKEN_LINK)
        PEN_TRY(pen_db_run(db, NULL, err, "DELETE FROM access_token WHERE kind = 'link'", ""));
    PEN_TRY(pen_db_run(
        db, NULL, err, "INSERT INTO access_token VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
        "ibtittii", id, token->digest, kind_names[token->kind], token->user_id,
        token->label == NULL ? "" : token->label, token->hint == NULL ? "" : token->hint,
        token->created_us, token->expires_us));
    if (ret_id != NULL)
        *ret_id = id;
    return PEN_OK;
}

enum pen_code pen_token_add(struct pen_db *db, const struct pen_token *token, int64_t *ret_id,
                            struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, token, ret_id, err), err);
}

enum pen_code pen_token_add_key(struct pen_db *db, const struct pen_key_wish *wish,
                                struct pen_arena *arena, char text[PEN_TOKEN_TEXT],
                                struct pen_token *ret_token, struct pen_error *err)
{
    uint8_t digest[PEN_TOKEN_DIGEST];
    struct pen_token token = {
        .kind = PEN_TOKEN_KEY,
        .user_id = wish->user_id,
        .digest = pen_slice((const char *)digest, sizeof digest),
        .created_us = wish->now_us,
        .expires_us = wish->days == 0 ? 0 : wish->now_us + wish->days * DAY_US,
    };
    pen_token_make(text);
    pen_token_digest(pen_slice_str(text), digest);
    PEN_TRY(pen_arena_text(arena, pen_slice(text, HINT_CHARACTERS), &token.hint, err));
    PEN_TRY(pen_arena_text(arena, pen_slice_str(wish->label == NULL ? "" : wish->label),
                           &token.label, err));
    PEN_TRY(pen_token_add(db, &token, &token.token_id, err));
    token.digest = pen_slice(NULL, 0);
    *ret_token = token;
    return PEN_OK;
}

#define SELECT_TOKEN                                                                               \
    "SELECT t.token_id, t.kind, t.user_id, t.label, t.hint, a.name, a.role, t.created_us, "        \
    "t.expires_us, t.used_us FROM access_token t JOIN account a ON a.user_id = t.user_id "

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_token *token = item;
    (void)context;
    *token = (struct pen_token){
        .token_id = pen_stmt_int(stmt, 0),
        .kind = pen_slice_is(pen_stmt_text(stmt, 1), "session") ? PEN_TOKEN_SESSION : PEN_TOKEN_KEY,
        .user_id = pen_stmt_int(stmt, 2),
        .created_us = pen_stmt_int(stmt, 7),
        .expires_us = pen_stmt_int(stmt, 8),
        .used_us = pen_stmt_int(stmt, 9),
    };
    const char *role = NULL;
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 3), &token->label, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 4), &token->hint, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 5), &token->user_name, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 6), &role, err));
    (void)!pen_role_from_name(role, &token->role, NULL); /* unknown: no role at all */
    return PEN_OK;
}

enum pen_code pen_token_find(struct pen_db *db, struct pen_slice digest, int64_t now_us,
                             struct pen_arena *arena, struct pen_token *ret_token,
                             bool *ret_is_found, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         SELECT_TOKEN "WHERE t.digest = $1 AND t.kind IN ('key', 'session') AND "
                                      "(t.expires_us = 0 OR t.expires_us > $2) AND "
                                      "a.is_disabled = 0",
                         "bi", digest, now_us));
    PEN_TRY(pen_stmt_step(stmt, ret_is_found, err));
    return *ret_is_found ? read_row(stmt, arena, NULL, ret_token, err) : PEN_OK;
}

enum pen_code pen_token_touch(struct pen_db *db, int64_t token_id, int64_t now_us,
                              int64_t expires_us, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "UPDATE access_token SET used_us = $1, expires_us = "
                      "CASE WHEN $2 = 0 THEN expires_us ELSE $2 END WHERE token_id = $3",
                      "iii", now_us, expires_us, token_id);
}

enum pen_code pen_token_take(struct pen_db *db, struct pen_slice digest, int64_t now_us,
                             bool *ret_is_valid, struct pen_error *err)
{
    int64_t deleted = 0;
    PEN_TRY(pen_db_run(db, &deleted, err,
                       "DELETE FROM access_token WHERE digest = $1 AND kind = 'link' AND "
                       "expires_us > $2",
                       "bi", digest, now_us));
    *ret_is_valid = deleted > 0;
    return PEN_OK;
}

enum pen_code pen_token_list(struct pen_db *db, int64_t user_id, struct pen_arena *arena,
                             struct pen_token **ret_tokens, size_t *ret_count,
                             struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_token), read_row, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err,
                         SELECT_TOKEN "WHERE t.kind = 'key' AND ($1 = 0 OR t.user_id = $1) "
                                      "ORDER BY t.token_id",
                         "i", user_id));
    return pen_stmt_list(stmt, &reader, arena, ret_tokens, ret_count, err);
}

enum pen_code pen_token_delete(struct pen_db *db, int64_t token_id, int64_t user_id,
                               struct pen_error *err)
{
    int64_t deleted = 0;
    PEN_TRY(pen_db_run(db, &deleted, err,
                       "DELETE FROM access_token WHERE token_id = $1 AND ($2 = 0 OR user_id = $2)",
                       "ii", token_id, user_id));
    return deleted > 0
               ? PEN_OK
               : pen_fail(err, PEN_ERR_NOT_FOUND, "key %" PRId64 " does not exist", token_id);
}

enum pen_code pen_token_sweep(struct pen_db *db, int64_t now_us, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "DELETE FROM access_token WHERE expires_us <> 0 AND expires_us <= $1", "i",
                      now_us);
}
