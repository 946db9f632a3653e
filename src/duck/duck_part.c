/* duck_part.c - one task into one Parquet file:
 *     COPY (SELECT columns FROM pen_stream(feed)) TO 'file' --statistics--> struct pen_part */
#include "base/uuid.h"
#include "duck/duck_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Statistics of longer texts are shortened by the writer: such a bound is not the true minimum or
 * maximum, so it is not handed on. */
#define MAX_STATISTICS_TEXT 255

/* A column with more distinct values in a row group gets no dictionary. The writer's own limit is
 * 24,576: columns of unlike values then cost a tenth of a load in vain, and columns between the two
 * limits are rare (measured on the benchmark: files of the same size). */
#define DICTIONARY_VALUES 8192

void pen_duck_part_name(char *out)
{
    pen_uuid_v7(out);
    memcpy(out + PEN_UUID_TEXT - 1, ".parquet", sizeof ".parquet");
}

/* --- the file's life ---------------------------------------------------------------------------
 */

static enum pen_code fail_file(const char *path, const char *what, struct pen_error *err)
{
    int sys_errno = errno;
    enum pen_code code = sys_errno == EACCES || sys_errno == EROFS ? PEN_ERR_AUTH : PEN_ERR_IO;
    code = pen_fail_errno(err, code, sys_errno, "%s", what);
    pen_error_where(err, "%s", path);
    return code;
}

/* Syncs a folder, so that a name made in it survives a power cut. */
static enum pen_code sync_path(const char *path, int flags, struct pen_error *err)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return fail_file(path, "cannot be opened to sync it", err);
    enum pen_code code = fsync(fd) == 0 ? PEN_OK : fail_file(path, "cannot be synced", err);
    (void)close(fd); /* everything is on disk, or the error is known */
    return code;
}

/* Makes one folder when it is missing, and syncs its name into its parent. in: no slash at the end
 */
static enum pen_code make_one_folder(char *path, struct pen_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return PEN_OK;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail_file(path, "folder cannot be made", err);
    char *slash = strrchr(path, '/');
    if (slash == path)
        return sync_path("/", O_RDONLY | O_DIRECTORY, err);
    *slash = '\0';
    enum pen_code code = sync_path(path, O_RDONLY | O_DIRECTORY, err);
    *slash = '/';
    return code;
}

/* Makes the folder and its parents. */
static enum pen_code make_folders(const char *folder, struct pen_error *err)
{
    PEN_CLEANUP(pen_free_p) char *path = strdup(folder);
    if (path == NULL)
        return pen_fail_nomem(err);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        PEN_TRY(make_one_folder(path, err));
        *slash = '/';
    }
    return pen_slice_ends(pen_slice_str(path), PEN_LIT("/")) ? PEN_OK : make_one_folder(path, err);
}

/* The file exists before DuckDB opens it, so that nobody else may read it. */
static enum pen_code make_file(const char *path, struct pen_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_file(path, "part cannot be made", err);
    (void)close(fd); /* nothing was written */
    return PEN_OK;
}

/* --- the statement -----------------------------------------------------------------------------
 */

static enum pen_code add_columns(struct pen_buf *sql, const struct pen_schema *schema,
                                 const struct pen_duck_column *columns, struct pen_error *err)
{
    for (size_t i = 0; i < schema->count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "" : ", ", err));
        const char *type = columns[i].sql_type;
        /* types without a direct cast meet as texts; unlike types that do have one, those two
         * would be a mistake of the program's, not a value that does not fit */
        bool is_via_text = type != NULL && schema->fields[i].type == PEN_TYPE_TIMESTAMP &&
                           strcmp(type, "VARCHAR") != 0 && strncmp(type, "TIMESTAMP", 9) != 0 &&
                           strcmp(type, "DATE") != 0;
        if (type == NULL)
            PEN_TRY(pen_buf_addf(sql, err, "c%zu", i));
        else if (is_via_text)
            PEN_TRY(pen_buf_addf(sql, err, "TRY_CAST(CAST(c%zu AS VARCHAR) AS %s)", i, type));
        else
            PEN_TRY(pen_buf_addf(sql, err, "TRY_CAST(c%zu AS %s)", i, type));
        PEN_TRY(pen_buf_add_str(sql, " AS ", err));
        PEN_TRY(pen_duck_add_name(sql, columns[i].name, err));
    }
    return PEN_OK;
}

static enum pen_code add_field_ids(struct pen_buf *sql, size_t count,
                                   const struct pen_duck_column *columns, struct pen_error *err)
{
    PEN_TRY(pen_buf_add_str(sql, "FIELD_IDS {", err));
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(pen_buf_add_str(sql, i == 0 ? "" : ", ", err));
        PEN_TRY(pen_duck_add_name(sql, columns[i].name, err));
        PEN_TRY(pen_buf_addf(sql, err, ": %lld", (long long)columns[i].field_id));
    }
    return pen_buf_add_char(sql, '}', err);
}

static enum pen_code make_copy(struct pen_buf *sql, const struct pen_duck_feed *feed,
                               const struct pen_duck_part_options *options, const char *path,
                               struct pen_error *err)
{
    static const char *const compressions[] = {
        [PEN_DUCK_ZSTD] = "zstd",
        [PEN_DUCK_SNAPPY] = "snappy",
        [PEN_DUCK_UNCOMPRESSED] = "uncompressed",
    };
    const struct pen_schema *schema = feed->stream->schema;
    PEN_TRY(pen_buf_add_str(sql, "COPY (SELECT ", err));
    PEN_TRY(add_columns(sql, schema, options->columns, err));
    PEN_TRY(pen_buf_addf(sql, err, " FROM pen_stream(%lld)) TO ", (long long)(intptr_t)feed));
    PEN_TRY(pen_duck_add_literal(sql, path, err));
    PEN_TRY(pen_buf_addf(sql, err,
                         " (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION %s, RETURN_STATS, "
                         "USE_TMP_FILE false, DICTIONARY_SIZE_LIMIT %d, ",
                         compressions[options->compression], DICTIONARY_VALUES));
    PEN_TRY(add_field_ids(sql, schema->count, options->columns, err));
    return pen_buf_add_char(sql, ')', err);
}

/* --- what RETURN_STATS says --------------------------------------------------------------------
 */

static struct pen_slice string_at(duckdb_vector vector, idx_t row)
{
    duckdb_string_t *value = (duckdb_string_t *)duckdb_vector_get_data(vector) + row;
    return pen_slice(duckdb_string_t_data(value), duckdb_string_t_length(*value));
}

static uint64_t number_of(struct pen_slice text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    return value;
}

/* A bound as text; NULL (unknown) when it was shortened or cannot be a C text. */
static enum pen_code take_bound(struct pen_arena *arena, struct pen_slice text,
                                const char **ret_bound, struct pen_error *err)
{
    *ret_bound = NULL;
    if (text.len > MAX_STATISTICS_TEXT || (text.len > 0 && memchr(text.ptr, '\0', text.len)))
        return PEN_OK;
    *ret_bound = pen_arena_copy(arena, text);
    return *ret_bound == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static enum pen_code take_statistic(struct pen_arena *arena, struct pen_slice key,
                                    struct pen_slice value, struct pen_part_column *column,
                                    struct pen_error *err)
{
    if (pen_slice_is(key, "min"))
        return take_bound(arena, value, &column->min, err);
    if (pen_slice_is(key, "max"))
        return take_bound(arena, value, &column->max, err);
    if (pen_slice_is(key, "num_values"))
        column->value_count = number_of(value);
    else if (pen_slice_is(key, "null_count"))
        column->null_count = number_of(value);
    else if (pen_slice_is(key, "column_size_bytes"))
        column->size_bytes = number_of(value);
    else if (pen_slice_is(key, "has_nan")) {
        column->has_nan_info = true;
        column->contains_nan = pen_slice_is(value, "true");
    }
    return PEN_OK;
}

/* The column that a statistics key ("name", quoted as an identifier) speaks of. */
static size_t find_column(const struct pen_duck_column *columns, size_t count, struct pen_slice key)
{
    for (size_t i = 0; i < count; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf quoted = PEN_BUF(PEN_BUF_TEXT_MAX);
        if (pen_duck_add_name(&quoted, columns[i].name, NULL) == PEN_OK &&
            pen_slice_equal(pen_buf_slice(&quoted), key))
            return i;
    }
    return SIZE_MAX;
}

/* shape: one row; column 4 is MAP(column name -> MAP(statistic -> text)). */
static enum pen_code take_columns(duckdb_vector map, const struct pen_duck_column *names,
                                  struct pen_arena *arena, struct pen_part *part,
                                  struct pen_error *err)
{
    duckdb_vector entries = duckdb_list_vector_get_child(map);
    duckdb_vector keys = duckdb_struct_vector_get_child(entries, 0);
    duckdb_vector values = duckdb_struct_vector_get_child(entries, 1);
    duckdb_vector inner = duckdb_list_vector_get_child(values);
    duckdb_vector inner_keys = duckdb_struct_vector_get_child(inner, 0);
    duckdb_vector inner_values = duckdb_struct_vector_get_child(inner, 1);
    const duckdb_list_entry *outer = duckdb_vector_get_data(map);
    const duckdb_list_entry *lists = duckdb_vector_get_data(values);
    for (idx_t i = outer->offset; i < outer->offset + outer->length; i++) {
        size_t at = find_column(names, part->column_count, string_at(keys, i));
        if (at == SIZE_MAX)
            continue; /* a field inside a nested column */
        for (idx_t k = lists[i].offset; k < lists[i].offset + lists[i].length; k++)
            PEN_TRY(take_statistic(arena, string_at(inner_keys, k), string_at(inner_values, k),
                                   &part->columns[at], err));
    }
    return PEN_OK;
}

/* Values that arrived and are null in the file: the cast could not take them. */
static void take_losses(const struct pen_duck_feed *feed, struct pen_part *part)
{
    for (size_t i = 0; i < part->column_count; i++) {
        struct pen_part_column *column = &part->columns[i];
        uint64_t came_null = atomic_load(&feed->nulls[i]);
        column->lost_count = column->null_count > came_null ? column->null_count - came_null : 0;
    }
}

static enum pen_code take_part(duckdb_result *result, const struct pen_duck_feed *feed,
                               const struct pen_duck_part_options *options,
                               struct pen_parts *ret_parts, struct pen_error *err)
{
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
    if (chunk == NULL || duckdb_data_chunk_get_size(chunk) != 1) {
        duckdb_destroy_data_chunk(&chunk);
        return pen_fail(err, PEN_ERR_INTERNAL, "duckdb: COPY returned no statistics");
    }
    const size_t count = feed->stream->schema->count;
    const uint64_t *numbers[4] = {NULL};
    for (idx_t i = 1; i < 4; i++)
        numbers[i] = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i));
    PEN_CLEANUP(pen_free_p) char *path = strdup(options->file_name);
    PEN_CLEANUP(pen_free_p) struct pen_part_column *columns = calloc(count + 1, sizeof *columns);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_part part = {.path = path,
                            .rows = numbers[1][0],
                            .size_bytes = numbers[2][0],
                            .footer_bytes = numbers[3][0],
                            .columns = columns,
                            .column_count = count};
    enum pen_code code = path == NULL || columns == NULL ? pen_fail_nomem(err) : PEN_OK;
    if (code == PEN_OK)
        code = take_columns(duckdb_data_chunk_get_vector(chunk, 4), options->columns, &arena, &part,
                            err);
    duckdb_destroy_data_chunk(&chunk);
    PEN_TRY(code);
    take_losses(feed, &part);
    if (part.rows != atomic_load(&feed->rows))
        return pen_fail(err, PEN_ERR_INTERNAL, "%llu rows went into the part, %llu are in it",
                        (unsigned long long)atomic_load(&feed->rows),
                        (unsigned long long)part.rows);
    return pen_parts_add(ret_parts, &part, err);
}

/* --- all together ------------------------------------------------------------------------------
 */

static enum pen_code run_copy(struct pen_duck *duck, struct pen_duck_feed *feed, const char *path,
                              const struct pen_duck_part_options *options,
                              struct pen_parts *ret_parts, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(make_copy(&sql, feed, options, path, err));
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    duckdb_result result;
    enum pen_code code = PEN_OK;
    if (duckdb_query(connection, sql.ptr, &result) != DuckDBSuccess)
        code = pen_duck_fail_result(&result, err);
    /* the stream's own words are worth more than DuckDB's */
    if (atomic_load(&feed->has_failed)) {
        code = feed->err.code;
        if (err != NULL)
            *err = feed->err;
    } else if (code != PEN_OK) {
        pen_error_where(err, "%s", path);
    }
    if (code == PEN_OK && atomic_load(&feed->rows) > 0)
        code = take_part(&result, feed, options, ret_parts, err);
    duckdb_destroy_result(&result);
    return code;
}

static enum pen_code write_file(struct pen_duck *duck, struct pen_duck_feed *feed, const char *path,
                                const struct pen_duck_part_options *options,
                                struct pen_parts *ret_parts, struct pen_error *err)
{
    size_t count = ret_parts->count;
    enum pen_code code = run_copy(duck, feed, path, options, ret_parts, err);
    if (code == PEN_OK && ret_parts->count > count)
        code = sync_path(path, O_RDONLY, err);
    if (code == PEN_OK && ret_parts->count > count)
        code = sync_path(options->folder, O_RDONLY | O_DIRECTORY, err);
    if (code != PEN_OK)
        ret_parts->count = count;
    if (ret_parts->count == count && unlink(path) != 0 && errno != ENOENT && code == PEN_OK)
        code = fail_file(path, "empty part cannot be removed", err);
    return code;
}

enum pen_code pen_duck_write_part(struct pen_duck *duck, struct pen_task_stream *stream,
                                  const struct pen_duck_part_options *options,
                                  struct pen_parts *ret_parts, struct pen_error *err)
{
    PEN_TRY(make_folders(options->folder, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(PEN_BUF_TEXT_MAX);
    bool has_slash = pen_slice_ends(pen_slice_str(options->folder), PEN_LIT("/"));
    PEN_TRY(pen_buf_addf(&path, err, "%s%s%s", options->folder, has_slash ? "" : "/",
                         options->file_name));
    struct pen_duck_feed feed = {.stream = stream, .cancel = options->cancel};
    PEN_CLEANUP(pen_free_p)
    atomic_uint_fast64_t *nulls = calloc(stream->schema->count + 1, sizeof *nulls);
    feed.nulls = nulls;
    if (nulls == NULL || mtx_init(&feed.lock, mtx_plain) != thrd_success)
        return pen_fail_nomem(err);
    enum pen_code code = make_file(path.ptr, err);
    if (code == PEN_OK)
        code = write_file(duck, &feed, path.ptr, options, ret_parts, err);
    mtx_destroy(&feed.lock);
    return code;
}
