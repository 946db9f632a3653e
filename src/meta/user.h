/* user.h - who may use the server, and the secrets that stand for them.
 *
 *     user --has--> tokens: API keys, login sessions        only their digests are stored
 *     no user yet --one-time link--> the first admin
 *
 * Nothing here knows how passwords are hashed or what a request looks like. All functions as in
 * job.h: inside the caller's transaction when one is open, else in one of their own; times are UTC
 * microseconds and come from the caller. */
#ifndef PEN_META_USER_H
#define PEN_META_USER_H

#include "base/arena.h"
#include "db/db.h"
#include "vault/password.h"

/* Each may do what those before it may. */
enum pen_role {
    PEN_ROLE_NONE,
    PEN_ROLE_VIEWER,   /* sees */
    PEN_ROLE_OPERATOR, /* runs jobs, changes tables, schedules and connections */
    PEN_ROLE_ADMIN     /* users, other people's keys, settings, the audit log */
};

/* pen_role_name - "none", "viewer", "operator", "admin".
 * pen_role_from_name - errors: PEN_ERR_CONFIG "role must be ...". */
const char *pen_role_name(enum pen_role role);
PEN_MUST_USE enum pen_code pen_role_from_name(const char *name, enum pen_role *ret_role,
                                              struct pen_error *err);

/* Bytes of a user's name. */
#define PEN_USER_NAME_MAX 64

struct pen_user {
    int64_t user_id; /* from 1 */
    const char *name;
    enum pen_role role;
    const char *password_hash; /* "" for none: only keys */
    bool is_disabled;
    int64_t created_us, login_us; /* login_us: the last one; 0 for none */
};

/* pen_user_create - in: name, role, password_hash, created_us. out: *ret_id.
 * errors: PEN_ERR_CONFIG the name (1 to 64 of letters, digits and . _ @ + -); PEN_ERR_CONFLICT
 *         "user 'x' already exists". */
PEN_MUST_USE enum pen_code pen_user_create(struct pen_db *db, const struct pen_user *user,
                                           int64_t *ret_id, struct pen_error *err);

/* pen_user_get - by name. errors: PEN_ERR_NOT_FOUND "user 'x' does not exist".
 * pen_user_list - all, by name. pen_user_count - how many there are. */
PEN_MUST_USE enum pen_code pen_user_get(struct pen_db *db, const char *name,
                                        struct pen_arena *arena, struct pen_user *ret_user,
                                        struct pen_error *err);
PEN_MUST_USE enum pen_code pen_user_list(struct pen_db *db, struct pen_arena *arena,
                                         struct pen_user **ret_users, size_t *ret_count,
                                         struct pen_error *err);
PEN_MUST_USE enum pen_code pen_user_count(struct pen_db *db, int64_t *ret_count,
                                          struct pen_error *err);

/* What changes; the rest stays. */
struct pen_user_change {
    enum pen_role role;        /* PEN_ROLE_NONE: unchanged */
    const char *password_hash; /* NULL: unchanged */
    int is_disabled;           /* -1: unchanged */
};

/* pen_user_update - a new password, and being disabled, end the user's login sessions.
 * pen_user_delete - with all keys and sessions.
 * errors: PEN_ERR_NOT_FOUND; PEN_ERR_CONFLICT when no enabled admin would be left. */
PEN_MUST_USE enum pen_code pen_user_update(struct pen_db *db, const char *name,
                                           const struct pen_user_change *change,
                                           struct pen_error *err);
PEN_MUST_USE enum pen_code pen_user_delete(struct pen_db *db, const char *name,
                                           struct pen_error *err);

/* pen_user_logged_in - notes the time of a login. */
PEN_MUST_USE enum pen_code pen_user_logged_in(struct pen_db *db, int64_t user_id, int64_t now_us,
                                              struct pen_error *err);

/* --- tokens (access_token.c) ------------------------------------------------------------------ */

enum pen_token_kind { PEN_TOKEN_KEY, PEN_TOKEN_SESSION, PEN_TOKEN_LINK };

struct pen_token {
    int64_t token_id; /* from 1 */
    enum pen_token_kind kind;
    int64_t user_id;
    struct pen_slice digest; /* 32 bytes; not read back */
    const char *label;       /* what the user calls it */
    const char *hint;        /* its first characters, to tell keys apart */
    const char *user_name;   /* read only */
    enum pen_role role;      /* of the user; read only */
    int64_t created_us, expires_us, used_us;
};

/* pen_token_add - in: kind, user_id, digest, label, hint, created_us, expires_us (0: never). A new
 * link takes the place of the one before. */
PEN_MUST_USE enum pen_code pen_token_add(struct pen_db *db, const struct pen_token *token,
                                         int64_t *ret_id, struct pen_error *err);

/* What a new API key is to be. */
struct pen_key_wish {
    int64_t user_id;
    const char *label; /* NULL: none */
    int64_t days;      /* that it works; 0: until it is deleted */
    int64_t now_us;
};

/* pen_token_add_key - makes a key. out: text: the key itself, which is stored nowhere; *ret_token:
 * as it was stored, but user_name, role and digest; its texts live in the arena. */
PEN_MUST_USE enum pen_code pen_token_add_key(struct pen_db *db, const struct pen_key_wish *wish,
                                             struct pen_arena *arena, char text[PEN_TOKEN_TEXT],
                                             struct pen_token *ret_token, struct pen_error *err);

/* pen_token_find - the key or session with that digest, with its user.
 * out: *ret_is_found false: unknown, expired, or of a disabled user. cost: one index look-up. */
PEN_MUST_USE enum pen_code pen_token_find(struct pen_db *db, struct pen_slice digest,
                                          int64_t now_us, struct pen_arena *arena,
                                          struct pen_token *ret_token, bool *ret_is_found,
                                          struct pen_error *err);

/* pen_token_touch - notes a use, and moves the end of a session (0: unchanged). Call it now and
 * then, not for each request. */
PEN_MUST_USE enum pen_code pen_token_touch(struct pen_db *db, int64_t token_id, int64_t now_us,
                                           int64_t expires_us, struct pen_error *err);

/* pen_token_take - uses a link up. out: *ret_is_valid: it was there and had not expired. */
PEN_MUST_USE enum pen_code pen_token_take(struct pen_db *db, struct pen_slice digest,
                                          int64_t now_us, bool *ret_is_valid,
                                          struct pen_error *err);

/* pen_token_list - API keys, oldest first, of one user or of all (0). */
PEN_MUST_USE enum pen_code pen_token_list(struct pen_db *db, int64_t user_id,
                                          struct pen_arena *arena, struct pen_token **ret_tokens,
                                          size_t *ret_count, struct pen_error *err);

/* pen_token_delete - of that user, or of anybody (0). errors: PEN_ERR_NOT_FOUND "key 3 ...". */
PEN_MUST_USE enum pen_code pen_token_delete(struct pen_db *db, int64_t token_id, int64_t user_id,
                                            struct pen_error *err);

/* pen_token_sweep - forgets what has expired. */
PEN_MUST_USE enum pen_code pen_token_sweep(struct pen_db *db, int64_t now_us,
                                           struct pen_error *err);

#endif
