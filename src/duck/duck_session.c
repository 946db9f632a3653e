/* duck_session.c - a locked engine over the tables of the lake. Every table starts as an empty one
 * with the right columns (cheap, and enough for SHOW TABLES); it becomes a view of its files when a
 * query's text holds its name. */
#include "duck/duck_session.h"

#include "base/arena.h"

#include <stdlib.h>
#include <strings.h>

/* --- copies ------------------------------------------------------------------------------------
 */

static enum pen_code copy_text(struct pen_arena *arena, const char *text, const char **ret_copy,
                               struct pen_error *err)
{
    *ret_copy = NULL;
    return text == NULL ? PEN_OK : pen_arena_text(arena, pen_slice_str(text), ret_copy, err);
}

static enum pen_code copy_file(struct pen_arena *arena, const struct pen_duck_view_file *from,
                               size_t column_count, struct pen_duck_view_file *to,
                               struct pen_error *err)
{
    PEN_TRY(copy_text(arena, from->path, &to->path, err));
    PEN_TRY(copy_text(arena, from->delete_path, &to->delete_path, err));
    to->source_names = NULL;
    if (from->source_names == NULL)
        return PEN_OK;
    const char **names = pen_arena_alloc(arena, (column_count + 1) * sizeof *names);
    if (names == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < column_count; i++)
        PEN_TRY(copy_text(arena, from->source_names[i], &names[i], err));
    to->source_names = names;
    return PEN_OK;
}

static enum pen_code copy_view(struct pen_arena *arena, const struct pen_duck_view *from,
                               struct pen_duck_view *to, struct pen_error *err)
{
    struct pen_duck_view_column *columns =
        pen_arena_alloc(arena, (from->column_count + 1) * sizeof *columns);
    struct pen_duck_view_file *files =
        pen_arena_alloc(arena, (from->file_count + 1) * sizeof *files);
    if (columns == NULL || files == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < from->column_count; i++) {
        columns[i].field_id = from->columns[i].field_id;
        PEN_TRY(copy_text(arena, from->columns[i].name, &columns[i].name, err));
        PEN_TRY(copy_text(arena, from->columns[i].sql_type, &columns[i].sql_type, err));
        PEN_TRY(copy_text(arena, from->columns[i].default_text, &columns[i].default_text, err));
    }
    for (size_t i = 0; i < from->file_count; i++)
        PEN_TRY(copy_file(arena, &from->files[i], from->column_count, &files[i], err));
    *to = (struct pen_duck_view){.columns = columns,
                                 .column_count = from->column_count,
                                 .files = files,
                                 .file_count = from->file_count};
    PEN_TRY(copy_text(arena, from->problem, &to->problem, err));
    PEN_TRY(copy_text(arena, from->database, &to->database, err));
    return copy_text(arena, from->table, &to->table, err);
}

static enum pen_code copy_views(struct pen_duck_session *session,
                                const struct pen_duck_session_options *options,
                                struct pen_error *err)
{
    session->views = calloc(options->view_count + 1, sizeof *session->views);
    session->is_made = calloc(options->view_count + 1, sizeof *session->is_made);
    if (session->views == NULL || session->is_made == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < options->view_count; i++)
        PEN_TRY(copy_view(&session->arena, &options->views[i], &session->views[i], err));
    session->view_count = options->view_count;
    return PEN_OK;
}

/* --- the locked engine -------------------------------------------------------------------------
 */

static enum pen_code add_if_outside(struct pen_buf *sql, const char *data_folder, const char *path,
                                    struct pen_error *err)
{
    if (path == NULL || pen_slice_starts(pen_slice_str(path), pen_slice_str(data_folder)))
        return PEN_OK;
    if (sql->ptr[sql->len - 1] != '[')
        PEN_TRY(pen_buf_add_char(sql, ',', err));
    return pen_duck_add_literal(sql, path, err);
}

/* Files outside the data folder (other programs may add such) are allowed one by one. */
static enum pen_code add_allowed_paths(struct pen_buf *sql,
                                       const struct pen_duck_session_options *options,
                                       struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "SET allowed_directories = [", err));
    PEN_TRY(pen_duck_add_literal(sql, options->data_folder, err));
    PEN_TRY(pen_buf_add_str(sql, "]; SET allowed_paths = [", err));
    for (size_t v = 0; v < options->view_count; v++) {
        for (size_t f = 0; f < options->views[v].file_count; f++) {
            const struct pen_duck_view_file *file = &options->views[v].files[f];
            PEN_TRY(add_if_outside(sql, options->data_folder, file->path, err));
            PEN_TRY(add_if_outside(sql, options->data_folder, file->delete_path, err));
        }
    }
    return pen_buf_add_str(sql, "]; SET enable_external_access = false;", err);
}

static enum pen_code make_names(struct pen_duck_session *session,
                                const struct pen_duck_session_options *options,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF((size_t)1 << 30);
    PEN_TRY(add_allowed_paths(&sql, options, err));
    for (size_t i = 0; i < options->database_count; i++) {
        PEN_TRY(pen_buf_add_str(&sql, "CREATE SCHEMA IF NOT EXISTS ", err));
        PEN_TRY(pen_duck_add_name(&sql, options->databases[i], err));
        PEN_TRY(pen_buf_add_char(&sql, ';', err));
    }
    for (size_t i = 0; i < session->view_count; i++)
        PEN_TRY(pen_duck_add_shell(&sql, &session->views[i], err));
    if (options->default_database != NULL) {
        PEN_TRY(pen_buf_add_str(&sql, "SET schema = ", err));
        PEN_TRY(pen_duck_add_literal(&sql, options->default_database, err));
        PEN_TRY(pen_buf_add_char(&sql, ';', err));
    }
    PEN_TRY(pen_buf_add_str(&sql, "SET lock_configuration = true", err));
    return pen_duck_run(session->connection, sql.ptr, err);
}

enum pen_code pen_duck_session_open(const struct pen_duck_session_options *options,
                                    struct pen_duck_session **ret_session, struct pen_error *err)
{
    PEN_CLEANUP(pen_duck_session_close_p)
    struct pen_duck_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return pen_fail_nomem(err);
    session->arena = PEN_ARENA((size_t)1 << 30);
    PEN_TRY(pen_duck_start(&options->engine, true, &session->duck, err));
    if (duckdb_connect(session->duck->database, &session->connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    PEN_TRY(copy_views(session, options, err));
    PEN_TRY(make_names(session, options, err));
    *ret_session = PEN_TAKE(session);
    return PEN_OK;
}

void pen_duck_session_close(struct pen_duck_session *session)
{
    if (session == NULL)
        return;
    pen_duck_disconnect(&session->connection);
    pen_duck_close(session->duck);
    pen_arena_release(&session->arena);
    free(session->views);
    free(session->is_made);
    free(session);
}

void pen_duck_session_interrupt(struct pen_duck_session *session)
{
    duckdb_interrupt(session->connection);
}

/* --- tables of a query -------------------------------------------------------------------------
 */

/* Whether `word` occurs anywhere, whatever the case: more than enough, and never too little, for no
 * table can be named without its name standing in the text, but by the functions query and
 * query_table, which take a text that may be put together. */
static bool holds_word(struct pen_slice text, const char *word)
{
    size_t len = strlen(word);
    for (size_t at = 0; at + len <= text.len; at++)
        if (strncasecmp(text.ptr + at, word, len) == 0)
            return true;
    return false;
}

enum pen_code pen_duck_session_make_tables(struct pen_duck_session *session, struct pen_slice text,
                                           struct pen_error *err)
{
    bool is_all = holds_word(text, "query");
    for (size_t i = 0; i < session->view_count; i++) {
        const struct pen_duck_view *view = &session->views[i];
        /* a name with a quote in it is written doubled: those few are made in any case */
        bool is_odd = strchr(view->table, '"') != NULL;
        bool is_needed = is_all || is_odd || holds_word(text, view->table);
        if (is_needed && view->problem != NULL)
            return pen_fail(err, PEN_ERR_CONFIG, "table '%s.%s' %s", view->database, view->table,
                            view->problem);
        if (!is_needed || session->is_made[i] || view->file_count == 0)
            continue;
        PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF((size_t)1 << 30);
        PEN_TRY(pen_duck_add_view(&sql, view, err));
        enum pen_code code = pen_duck_run(session->connection, sql.ptr, err);
        if (code != PEN_OK)
            return pen_wrap(err, code, "table '%s.%s'", view->database, view->table);
        session->is_made[i] = true;
    }
    return PEN_OK;
}
