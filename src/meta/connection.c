#include "meta/connection.h"

#include "base/number.h"
#include "base/utf8.h"
#include "meta/meta_internal.h"

static bool is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static enum pen_code check_name(const char *name, struct pen_error *err)
{
    struct pen_slice text = pen_slice_str(name);
    bool is_good = text.len > 0 && text.len <= PEN_CONNECTION_NAME_MAX && !is_digits(name) &&
                   pen_utf8_is_valid(text);
    for (size_t i = 0; i < text.len; i++)
        is_good = is_good && (unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != '/' &&
                  text.ptr[i] != 0x7F;
    return is_good ? PEN_OK
                   : pen_fail(err, PEN_ERR_CONFIG,
                              "the name of a connection is 1 to %d bytes of UTF-8 without slashes "
                              "and control characters, and not digits alone",
                              PEN_CONNECTION_NAME_MAX);
}

static enum pen_code fail_missing(const char *name, struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_NOT_FOUND, "connection '%.128s' does not exist", name);
    pen_error_hint(err, "'penstock connection:list' shows all connections");
    return PEN_ERR_NOT_FOUND;
}

static enum pen_code insert(struct pen_db *db, const struct pen_connection *c, int64_t *ret_id,
                            struct pen_error *err)
{
    int64_t id = 0;
    bool is_taken = false;
    PEN_TRY(check_name(c->name, err));
    PEN_TRY(pen_db_query_int(db, &id, &is_taken, err,
                             "SELECT connection_id FROM connection WHERE name = $1", "t", c->name));
    if (is_taken)
        return pen_fail(err, PEN_ERR_CONFLICT, "connection '%s' already exists", c->name);
    PEN_TRY(pen_meta_next_id(db, "SELECT max(connection_id) FROM connection", &id, err));
    PEN_TRY(pen_db_run(db, NULL, err, "INSERT INTO connection VALUES ($1, $2, $3, $4, $5, $5)",
                       "ittbi", id, c->name, c->config, c->sealed_config, c->created_us));
    if (ret_id != NULL)
        *ret_id = id;
    return PEN_OK;
}

enum pen_code pen_connection_create(struct pen_db *db, const struct pen_connection *connection,
                                    int64_t *ret_id, struct pen_error *err)
{
    bool is_own = false;
    PEN_TRY(pen_meta_enter(db, &is_own, err));
    return pen_meta_leave(db, is_own, insert(db, connection, ret_id, err), err);
}

#define COLUMNS "SELECT connection_id, name, config, created_us, updated_us, "

static enum pen_code read_row(struct pen_stmt *stmt, struct pen_arena *arena, void *context,
                              void *item, struct pen_error *err)
{
    struct pen_connection *c = item;
    const char *sealed = NULL;
    (void)context;
    *c = (struct pen_connection){
        .connection_id = pen_stmt_int(stmt, 0),
        .created_us = pen_stmt_int(stmt, 3),
        .updated_us = pen_stmt_int(stmt, 4),
    };
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 1), &c->name, err));
    PEN_TRY(pen_arena_text(arena, pen_stmt_text(stmt, 2), &c->config, err));
    struct pen_slice bytes = pen_stmt_bytes(stmt, 5);
    PEN_TRY(pen_arena_text(arena, bytes, &sealed, err));
    c->sealed_config = pen_slice(sealed, bytes.len);
    return PEN_OK;
}

enum pen_code pen_connection_get(struct pen_db *db, const char *name, struct pen_arena *arena,
                                 struct pen_connection *ret_connection, struct pen_error *err)
{
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    int64_t id = 0;
    bool is_found = false;
    if (is_digits(name) && pen_parse_long(pen_slice_str(name), &id))
        PEN_TRY(pen_db_query(db, &stmt, err,
                             COLUMNS "sealed_config FROM connection WHERE connection_id = $1", "i",
                             id));
    else
        PEN_TRY(pen_db_query(db, &stmt, err,
                             COLUMNS "sealed_config FROM connection WHERE name = $1", "t", name));
    PEN_TRY(pen_stmt_step(stmt, &is_found, err));
    return is_found ? read_row(stmt, arena, NULL, ret_connection, err) : fail_missing(name, err);
}

enum pen_code pen_connection_list(struct pen_db *db, struct pen_arena *arena,
                                  struct pen_connection **ret_list, size_t *ret_count,
                                  struct pen_error *err)
{
    static const struct pen_row_reader reader = {sizeof(struct pen_connection), read_row, NULL};
    PEN_CLEANUP(pen_stmt_finish_p) struct pen_stmt *stmt = NULL;
    PEN_TRY(pen_db_query(db, &stmt, err, COLUMNS "NULL FROM connection ORDER BY name", ""));
    return pen_stmt_list(stmt, &reader, arena, ret_list, ret_count, err);
}

enum pen_code pen_connection_update(struct pen_db *db, const struct pen_connection *connection,
                                    struct pen_error *err)
{
    int64_t changed = 0;
    PEN_TRY(pen_db_run(db, &changed, err,
                       "UPDATE connection SET config = $1, sealed_config = $2, updated_us = $3 "
                       "WHERE connection_id = $4",
                       "tbii", connection->config, connection->sealed_config,
                       connection->updated_us, connection->connection_id));
    return changed > 0 ? PEN_OK : fail_missing(connection->name, err);
}

enum pen_code pen_connection_delete(struct pen_db *db, const char *name, struct pen_error *err)
{
    int64_t deleted = 0;
    PEN_TRY(pen_db_run(db, &deleted, err, "DELETE FROM connection WHERE name = $1", "t", name));
    return deleted > 0 ? PEN_OK : fail_missing(name, err);
}
