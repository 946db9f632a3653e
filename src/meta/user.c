#include "meta/user.h"

#include "meta/meta_internal.h"

#include <ctype.h>

static const char *const role_names[] = {
    [PEN_ROLE_NONE] = "none",
    [PEN_ROLE_VIEWER] = "viewer",
    [PEN_ROLE_OPERATOR] = "operator",
    [PEN_ROLE_ADMIN] = "admin",
};

const char *pen_role_name(enum pen_role role)
{
    return role_names[role];
}

enum pen_code pen_role_from_name(const char *name, enum pen_role *ret_role, struct pen_error *err)
{
    for (enum pen_role role = PEN_ROLE_VIEWER; role <= PEN_ROLE_ADMIN; role++)
        if (strcmp(role_names[role], name) == 0) {
            *ret_role = role;
            return PEN_OK;
        }
    return pen_fail(err, PEN_ERR_CONFIG, "role must be viewer, operator or admin, not '%.40s'",
                    name);
}

/* A value that another program wrote is no reason to let anybody in. */
static enum pen_role stored_role(struct pen_slice text)
{
    enum pen_role role = PEN_ROLE_NONE;
    (void)!pen_role_from_name(text.ptr == NULL ? "" : text.ptr, &role, NULL);
    return role;
}

static enum pen_code check_name(const char *name, struct pen_error *err)
{
    size_t len = strlen(name);
    bool is_good = len > 0 && len <= PEN_USER_NAME_MAX;
    for (size_t i = 0; i < len; i++)
        is_good =
            is_good && (isalnum((unsigned char)name[i]) != 0 || strchr("._@+-", name[i]) != NULL);
    return is_good ? PEN_OK
                   : pen_fail(err, PEN_ERR_CONFIG,
                              "the name of a user has 1 to %d of a-z, A-Z, 0-9 and . _ @ + -",
                              PEN_USER_NAME_MAX);
}

static enum pen_code fail_missing(const char *name, struct pen_error *err)
{
    return pen_fail(err, PEN_ERR_NOT_FOUND, "user '%.64s' does not exist", name);
}

/* --- create, read ----------------------------------------------------------------------------- */

static enum pen_code insert(struct pen_db *db, const struct pen_user *user, int64_t *ret_id,
                            struct pen_error *err)
{
    int64_t id = 0;
    bool is_taken = false;
    PEN_TRY(check_name(user->name, err));
    PEN_TRY(pen_db_query_int(db, &id, &is_taken, err, "SELECT user_id FROM account WHERE name = $1",
                             "t", user->name));
    if (is_taken)
        return pen_fail(err, PEN_ERR_CONFLICT, "user '%s' already exists", user->name);
    PEN_TRY(pen_meta_next_id(db, "SELECT max(user_id) FROM account", &id, err));
    PEN_TRY(pen_db_run(db, NULL, err, "INSERT INTO account VALUES ($1, $2, $3, $4, 0, $5, 0)",
                       "ittti", id, user->name, pen_role_name(user->role),
                       user->password_hash == NULL ? "" : user->password_hash, user->created_us));
    if (ret_id != NULL)
        *ret_id = id;
    return PEN_OK;
}

enum pen_code pen_user_create(struct pen_db *db, const struct pen_user *user, int64_t *ret_id,
                              struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, user, ret_id, err), err);
}

#define SELECT_USER                                                                                \
    "SELECT user_id, name, role, password_hash, is_disabled, created_us, login_us FROM account "

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_user *user = item;
    (void)context;
    *user = (struct pen_user){
        .user_id = pen_stmt_int(stmt, 0),
        .role = stored_role(pen_stmt_text(stmt, 2)),
        .is_disabled = pen_stmt_int(stmt, 4) != 0,
        .created_us = pen_stmt_int(stmt, 5),
        .login_us = pen_stmt_int(stmt, 6),
    };
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &user->name, err));
    return pen_arena_text(arena, pen_stmt_text(stmt, 3), &user->password_hash, err);
}

enum pen_code pen_user_get(struct pen_db *db, const char *name, struct pen_arena *arena,
                           struct pen_user *ret_user, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    bool is_found = false;
    PEN_TRY(pen_db_query(db, &stmt, err, SELECT_USER "WHERE name = $1", "t", name));
    PEN_TRY(pen_stmt_step(stmt, &is_found, err));
    return is_found ? read_row(stmt, arena, NULL, ret_user, err) : fail_missing(name, err);
}

enum pen_code pen_user_list(struct pen_db *db, struct pen_arena *arena, struct pen_user **ret_users,
                            size_t *ret_count, struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_user), read_row, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err, SELECT_USER "ORDER BY name", ""));
    return pen_stmt_list(stmt, &reader, arena, ret_users, ret_count, err);
}

enum pen_code pen_user_count(struct pen_db *db, int64_t *ret_count, struct pen_error *err)
{
    bool is_found = false;
    *ret_count = 0;
    return pen_db_query_int(db, ret_count, &is_found, err, "SELECT count(*) FROM account", "");
}

/* --- change ----------------------------------------------------------------------------------- */

/* Whoever takes away the last admin locks everybody out. */
static enum pen_code check_admin_left(struct pen_db *db, struct pen_error *err)
{
    int64_t admins = 0;
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, &admins, &is_found, err,
                             "SELECT count(*) FROM account WHERE role = 'admin' AND "
                             "is_disabled = 0",
                             ""));
    if (admins > 0)
        return PEN_OK;
    (void)pen_fail(err, PEN_ERR_CONFLICT, "that would leave no admin");
    pen_error_hint(err, "make another user an admin first");
    return PEN_ERR_CONFLICT;
}

static enum pen_code end_sessions(struct pen_db *db, int64_t user_id, struct pen_error *err)
{
    return pen_db_run(db, NULL, err,
                      "DELETE FROM access_token WHERE user_id = $1 AND kind = 'session'", "i",
                      user_id);
}

static enum pen_code find_id(struct pen_db *db, const char *name, int64_t *ret_id,
                             struct pen_error *err)
{
    bool is_found = false;
    PEN_TRY(pen_db_query_int(db, ret_id, &is_found, err,
                             "SELECT user_id FROM account WHERE name = $1", "t", name));
    return is_found ? PEN_OK : fail_missing(name, err);
}

static enum pen_code update(struct pen_db *db, const char *name,
                            const struct pen_user_change *change, struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(find_id(db, name, &id, err));
    if (change->role != PEN_ROLE_NONE)
        PEN_TRY(pen_db_run(db, NULL, err, "UPDATE account SET role = $1 WHERE user_id = $2", "ti",
                           pen_role_name(change->role), id));
    if (change->password_hash != NULL)
        PEN_TRY(pen_db_run(db, NULL, err,
                           "UPDATE account SET password_hash = $1 WHERE user_id = $2", "ti",
                           change->password_hash, id));
    if (change->is_disabled >= 0)
        PEN_TRY(pen_db_run(db, NULL, err, "UPDATE account SET is_disabled = $1 WHERE user_id = $2",
                           "ii", (int64_t)(change->is_disabled != 0), id));
    if (change->password_hash != NULL || change->is_disabled > 0)
        PEN_TRY(end_sessions(db, id, err));
    return check_admin_left(db, err);
}

enum pen_code pen_user_update(struct pen_db *db, const char *name,
                              const struct pen_user_change *change, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, update(db, name, change, err), err);
}

static enum pen_code delete_user(struct pen_db *db, const char *name, struct pen_error *err)
{
    int64_t id = 0;
    PEN_TRY(find_id(db, name, &id, err));
    PEN_TRY(pen_db_run(db, NULL, err, "DELETE FROM access_token WHERE user_id = $1", "i", id));
    PEN_TRY(pen_db_run(db, NULL, err, "DELETE FROM account WHERE user_id = $1", "i", id));
    return check_admin_left(db, err);
}

enum pen_code pen_user_delete(struct pen_db *db, const char *name, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, delete_user(db, name, err), err);
}

enum pen_code pen_user_logged_in(struct pen_db *db, int64_t user_id, int64_t now_us,
                                 struct pen_error *err)
{
    return pen_db_run(db, NULL, err, "UPDATE account SET login_us = $1 WHERE user_id = $2", "ii",
                      now_us, user_id);
}
