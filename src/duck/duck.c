#include "duck/duck.h"

#include "duck/duck_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

/* What helps most of the lines behind the first: other names, else where in the SQL it is. */
static void advise(const char *text, struct pen_error *err)
{
    static const char *const starts[] = {"Did you mean", "Candidate bindings"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        const char *advice = strstr(text, starts[i]);
        if (advice != NULL)
            pen_error_hint(err, "%.*s", (int)strcspn(advice, "\n"), advice);
    }
    const char *line = strstr(text, "\nLINE ");
    if (line != NULL)
        pen_error_hint(err, "look at line %.*s", (int)strcspn(line + 6, "\n"), line + 6);
}

/* The text's first line as the message, the best of the others as the advice. */
static enum pen_code fail_in_words(enum pen_code code, const char *prefix, const char *text,
                                   struct pen_error *err)
{
    const char *words = strstr(text, "Error: ");
    words = words == NULL ? text : words + strlen("Error: ");
    const char *end = strchr(words, '\n');
    int len = end == NULL ? (int)strlen(words) : (int)(end - words);
    pen_fail(err, code, "%s%.*s", prefix, len, words);
    advise(text, err);
    return code;
}

enum pen_code pen_duck_fail_text(duckdb_error_type kind, const char *text, struct pen_error *err)
{
    if (text == NULL)
        text = "unknown error";
    if (strstr(text, "No space left on device") != NULL)
        return pen_fail_errno(err, PEN_ERR_IO, ENOSPC, "duckdb cannot write");
    switch ((int)kind) {
    case DUCKDB_ERROR_IO:
        return fail_in_words(PEN_ERR_IO, "duckdb: ", text, err);
    case DUCKDB_ERROR_OUT_OF_MEMORY:
        (void)fail_in_words(PEN_ERR_NOMEM, "duckdb: ", text, err); /* the code is this line's */
        pen_error_hint(err,
                       "a load needs less with a lower exec.max_threads, a query more 'memory' in "
                       "<home>/penstock.yml");
        return PEN_ERR_NOMEM;
    case DUCKDB_ERROR_INTERRUPT:
        return pen_fail(err, PEN_ERR_CANCELLED, "cancelled");
    case DUCKDB_ERROR_PERMISSION:
        return fail_in_words(PEN_ERR_AUTH, "", text, err);
    case DUCKDB_ERROR_CATALOG:
        return fail_in_words(PEN_ERR_NOT_FOUND, "", text, err);
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_SYNTAX:
    case DUCKDB_ERROR_BINDER:
    case DUCKDB_ERROR_CONVERSION:
    case DUCKDB_ERROR_OUT_OF_RANGE:
    case DUCKDB_ERROR_INVALID_INPUT:
    case DUCKDB_ERROR_MISMATCH_TYPE:
    case DUCKDB_ERROR_DIVIDE_BY_ZERO:
    case DUCKDB_ERROR_INVALID_TYPE:
    case DUCKDB_ERROR_NOT_IMPLEMENTED:
    case DUCKDB_ERROR_EXPRESSION:
        return fail_in_words(PEN_ERR_CONFIG, "", text, err);
    default:
        return fail_in_words(PEN_ERR_INTERNAL, "duckdb: ", text, err);
    }
}

enum pen_code pen_duck_fail_words(const char *text, struct pen_error *err)
{
    static const struct {
        const char *start;
        duckdb_error_type kind;
    } kinds[] = {{"Parser Error", DUCKDB_ERROR_PARSER},
                 {"Syntax Error", DUCKDB_ERROR_SYNTAX},
                 {"Binder Error", DUCKDB_ERROR_BINDER},
                 {"Catalog Error", DUCKDB_ERROR_CATALOG},
                 {"Conversion Error", DUCKDB_ERROR_CONVERSION},
                 {"Invalid Input Error", DUCKDB_ERROR_INVALID_INPUT},
                 {"Not implemented Error", DUCKDB_ERROR_NOT_IMPLEMENTED},
                 {"Permission Error", DUCKDB_ERROR_PERMISSION},
                 {"Out of Range Error", DUCKDB_ERROR_OUT_OF_RANGE},
                 {"IO Error", DUCKDB_ERROR_IO}};
    for (size_t i = 0; text != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(text, kinds[i].start, strlen(kinds[i].start)) == 0)
            return pen_duck_fail_text(kinds[i].kind, text, err);
    return pen_duck_fail_text(DUCKDB_ERROR_INTERNAL, text, err);
}

enum pen_code pen_duck_fail_result(duckdb_result *result, struct pen_error *err)
{
    return pen_duck_fail_text(duckdb_result_error_type(result), duckdb_result_error(result), err);
}

enum pen_code pen_duck_run(duckdb_connection connection, const char *sql, struct pen_error *err)
{
    duckdb_result result;
    enum pen_code code = PEN_OK;
    if (duckdb_query(connection, sql, &result) != DuckDBSuccess)
        code = pen_duck_fail_result(&result, err);
    duckdb_destroy_result(&result);
    return code;
}

static enum pen_code add_quoted(struct pen_buf *sql, const char *text, char quote,
                                struct pen_error *err)
{
    PEN_TRY(pen_buf_add_char(sql, quote, err));
    for (; *text != '\0'; text++) {
        if (*text == quote)
            PEN_TRY(pen_buf_add_char(sql, quote, err));
        PEN_TRY(pen_buf_add_char(sql, *text, err));
    }
    return pen_buf_add_char(sql, quote, err);
}

enum pen_code pen_duck_add_name(struct pen_buf *sql, const char *name, struct pen_error *err)
{
    return add_quoted(sql, name, '"', err);
}

enum pen_code pen_duck_add_literal(struct pen_buf *sql, const char *text, struct pen_error *err)
{
    return add_quoted(sql, text, '\'', err);
}

static enum pen_code set_option(duckdb_config config, const char *name, const char *value,
                                struct pen_error *err)
{
    if (duckdb_set_config(config, name, value) != DuckDBSuccess)
        return pen_fail(err, PEN_ERR_INTERNAL, "duckdb: option '%s' is not accepted", name);
    return PEN_OK;
}

static uint64_t memory_limit(const struct pen_duck_options *options)
{
    return options->memory_limit_bytes == 0 ? UINT64_C(1) << 30 : options->memory_limit_bytes;
}

/* Results depend on nothing around us: no extensions from disk, no configuration of the user. */
static enum pen_code fill_config(duckdb_config config, const struct pen_duck_options *options,
                                 bool keeps_row_order, struct pen_error *err)
{
    char text[32];
    PEN_TRY(set_option(config, "autoinstall_known_extensions", "false", err));
    PEN_TRY(set_option(config, "autoload_known_extensions", "false", err));
    PEN_TRY(
        set_option(config, "preserve_insertion_order", keeps_row_order ? "true" : "false", err));
    PEN_TRY(set_option(config, "temp_directory", options->temp_dir == NULL ? "" : options->temp_dir,
                       err));
    (void)snprintf(text, sizeof text, "%" PRIu64 "B", memory_limit(options)); /* always fits */
    PEN_TRY(set_option(config, "memory_limit", text, err));
    if (options->threads == 0)
        return PEN_OK;
    (void)snprintf(text, sizeof text, "%u", options->threads); /* always fits */
    return set_option(config, "threads", text, err);
}

static enum pen_code open_database(struct pen_duck *duck, duckdb_config config,
                                   struct pen_error *err)
{
    char *text = NULL;
    if (duckdb_open_ext(NULL, &duck->database, config, &text) == DuckDBSuccess)
        return PEN_OK;
    enum pen_code code = pen_fail(err, PEN_ERR_INTERNAL, "duckdb cannot start: %s",
                                  text == NULL ? "unknown error" : text);
    duckdb_free(text);
    return code;
}

enum pen_code pen_duck_start(const struct pen_duck_options *options, bool keeps_row_order,
                             struct pen_duck **ret_duck, struct pen_error *err)
{
    static const struct pen_duck_options defaults = {0};
    PEN_CLEANUP(pen_duck_close_p) struct pen_duck *duck = calloc(1, sizeof *duck);
    if (duck == NULL)
        return pen_fail_nomem(err);
    if (options == NULL)
        options = &defaults;
    duck->memory_limit_bytes = memory_limit(options);
    duck->threads = options->threads > 0 ? options->threads : (unsigned)get_nprocs();
    duckdb_config config = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return pen_fail_nomem(err);
    enum pen_code code = fill_config(config, options, keeps_row_order, err);
    if (code == PEN_OK)
        code = open_database(duck, config, err);
    duckdb_destroy_config(&config);
    PEN_TRY(code);
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    PEN_TRY(pen_duck_run(connection, "SET GLOBAL TimeZone = 'UTC'", err));
    *ret_duck = PEN_TAKE(duck);
    return PEN_OK;
}

enum pen_code pen_duck_open(const struct pen_duck_options *options, struct pen_duck **ret_duck,
                            struct pen_error *err)
{
    PEN_CLEANUP(pen_duck_close_p) struct pen_duck *duck = NULL;
    PEN_TRY(pen_duck_start(options, false, &duck, err));
    PEN_CLEANUP(pen_duck_disconnect) duckdb_connection connection = NULL;
    if (duckdb_connect(duck->database, &connection) != DuckDBSuccess)
        return pen_fail_nomem(err);
    PEN_TRY(pen_duck_add_stream_function(connection, err));
    *ret_duck = PEN_TAKE(duck);
    return PEN_OK;
}

void pen_duck_close(struct pen_duck *duck)
{
    if (duck == NULL)
        return;
    if (duck->database != NULL)
        duckdb_close(&duck->database);
    free(duck);
}
