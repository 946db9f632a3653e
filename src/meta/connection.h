/* connection.h - connections: stored credentials, and where they are good, under a name.
 * Nothing here knows what is in them or how they are sealed: see run/connection_use.h.
 * All functions as in job.h. */
#ifndef PEN_META_CONNECTION_H
#define PEN_META_CONNECTION_H

#include "base/arena.h"
#include "db/db.h"

struct pen_connection {
    int64_t connection_id; /* from 1: the td_authentication_id of configurations */
    const char *name;
    const char *config;             /* as shown (JSON): secrets masked */
    struct pen_slice sealed_config; /* as used: sealed by the caller */
    int64_t created_us, updated_us;
};

/* The longest name, in bytes. */
#define PEN_CONNECTION_NAME_MAX 128

/* pen_connection_create - name, config, sealed_config and created_us are used. out: *ret_id (may be
 * NULL). errors: PEN_ERR_CONFIG the name: 1 to PEN_CONNECTION_NAME_MAX bytes of UTF-8 without
 * control characters and slashes, not digits only; PEN_ERR_CONFLICT "connection 'x' exists". */
PEN_MUST_USE enum pen_code pen_connection_create(struct pen_db *db,
                                                 const struct pen_connection *connection,
                                                 int64_t *ret_id, struct pen_error *err);

/* pen_connection_get - by name, or by id when `name` is digits only.
 * errors: PEN_ERR_NOT_FOUND "connection 'x' does not exist".
 * pen_connection_list - by name; sealed_config is left out. */
PEN_MUST_USE enum pen_code pen_connection_get(struct pen_db *db, const char *name,
                                              struct pen_arena *arena,
                                              struct pen_connection *ret_connection,
                                              struct pen_error *err);
PEN_MUST_USE enum pen_code pen_connection_list(struct pen_db *db, struct pen_arena *arena,
                                               struct pen_connection **ret_list, size_t *ret_count,
                                               struct pen_error *err);

/* pen_connection_update - config, sealed_config and updated_us of the one with that id.
 * pen_connection_delete - errors: PEN_ERR_NOT_FOUND. */
PEN_MUST_USE enum pen_code pen_connection_update(struct pen_db *db,
                                                 const struct pen_connection *connection,
                                                 struct pen_error *err);
PEN_MUST_USE enum pen_code pen_connection_delete(struct pen_db *db, const char *name,
                                                 struct pen_error *err);

#endif
