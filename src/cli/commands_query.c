/* query -d DB "SQL" */
#include "cli/lake_scope.h"
#include "duck/duck_watch.h"
#include "lake/lake_query.h"

#include <stdio.h>
#include <unistd.h>

static enum pen_code print_result(struct pen_cli *cli, struct pen_duck_query *query,
                                  const struct pen_render_options *options, int64_t max_rows,
                                  struct pen_error *err)
{
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    const struct pen_batch *batch = NULL;
    PEN_TRY(
        pen_render_begin_schema(&render, &cli->out, options, pen_duck_query_schema(query), err));
    for (;;) {
        PEN_TRY(pen_duck_query_next(query, &batch, err));
        if (batch == NULL)
            break;
        size_t rows = batch->rows;
        if (max_rows >= 0 && (uint64_t)max_rows - render.rows < rows)
            rows = (size_t)((uint64_t)max_rows - render.rows);
        PEN_TRY(pen_render_batch(&render, batch, rows, err));
        if (max_rows >= 0 && render.rows >= (uint64_t)max_rows)
            break;
    }
    return pen_render_end(&render, err);
}

static enum pen_code open_session(struct pen_cli *cli, const char *database,
                                  struct pen_duck_session **ret_session, struct pen_error *err)
{
    PEN_CLEANUP(pen_lake_close_p) struct pen_lake *lake = NULL;
    PEN_CLEANUP(pen_lake_rollback_p) struct pen_lake_txn *txn = NULL;
    PEN_TRY(pen_cli_open_lake(cli, &lake, err));
    struct pen_duck_options options = {
        .threads = cli->settings.threads > 0 ? (unsigned)cli->settings.threads : 0,
        .memory_limit_bytes = (uint64_t)cli->settings.memory_bytes,
    };
    PEN_TRY(pen_cli_temp_folder(cli, &options.temp_dir, err));
    PEN_TRY(pen_lake_begin_read(lake, &txn, err));
    return pen_lake_session_open(txn, database, &options, ret_session, err);
}

enum pen_code pen_cli_query(struct pen_cli *cli, const char *database, struct pen_slice sql,
                            const struct pen_render_options *options, int64_t max_rows,
                            struct pen_error *err)
{
    PEN_CLEANUP(pen_duck_session_close_p) struct pen_duck_session *session = NULL;
    PEN_CLEANUP(pen_duck_query_free_p) struct pen_duck_query *query = NULL;
    PEN_TRY(open_session(cli, database, &session, err));
    PEN_CLEANUP(pen_duck_watch_stop_p) struct pen_duck_watch *watch = NULL;
    PEN_TRY(pen_duck_watch_start(session, &pen_cli_cancel, &watch, err));
    PEN_TRY(pen_duck_query(session, sql, &query, err));
    return print_result(cli, query, options, max_rows, err);
}

/* The statement: the words, or the file that --query names, "-" for stdin. */
static enum pen_code read_sql(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_buf *into, struct pen_error *err)
{
    const char *file = pen_args_value(args, "query");
    if (file == NULL && args->word_count == 0)
        return pen_cli_usage(cli, err, "no SQL given: write it as one quoted argument");
    if (file == NULL)
        return pen_buf_add_str(into, args->words[0], err);
    return pen_buf_read_file(into, strcmp(file, "-") == 0 ? "/dev/stdin" : file, err);
}

static enum pen_code run_query(struct pen_cli *cli, const struct pen_args *args,
                               struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf sql = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_render_options options = {.terminal_width = cli->terminal.width};
    int64_t max_rows = -1;
    PEN_TRY(pen_cli_format(cli, args, &options.format, err));
    PEN_TRY(pen_cli_int(cli, args, "limit", (struct pen_cli_range){0, INT64_MAX, max_rows},
                        &max_rows, err));
    PEN_TRY(read_sql(cli, args, &sql, err));
    return pen_cli_query(cli, pen_args_value(args, "database"), pen_buf_slice(&sql), &options,
                         max_rows, err);
}

static const struct pen_flag query_flags[] = {
    {"database", 'd', "DB", false, "where table names without a database are looked up"},
    PEN_FLAG_FORMAT,
    {"query", 'q', "FILE", false, "read the SQL from a file; - for stdin"},
    {"limit", 'l', "ROWS", false, "print at most that many rows"},
    {"wait", 'w', NULL, false, "accepted; queries are always waited for"},
    {"type", 'T', "TYPE", false, "accepted; there is one engine"},
    {NULL, 0, NULL, false, NULL},
};
static const char *const query_examples[] = {
    "query -d td_sample_db \"SELECT count(*) FROM td_sample_table\"",
    "query -d td_sample_db -f jsonl \"SELECT * FROM td_sample_table\" > rows.jsonl", NULL};

const struct pen_command pen_commands_query[] = {
    {.name = "query",
     .arguments = "<sql>",
     .max_words = 1,
     .description = "Run SQL over the tables; it can only read\n"
                    "The SQL is DuckDB's. Tables are database.table.",
     .examples = query_examples,
     .flags = query_flags,
     .run = run_query},
    {.name = NULL},
};
