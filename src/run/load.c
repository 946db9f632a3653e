#include "run/load.h"

#include "decode/charset.h"
#include "duck/duck.h"
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const mode_names[] = {"append", "replace", "replace_on_new_data", NULL};
static const char *const compression_names[] = {
    [PEN_PART_SNAPPY] = "snappy",
    [PEN_PART_ZSTD] = "zstd",
    [PEN_PART_UNCOMPRESSED] = "uncompressed",
    NULL,
};
static const char *const unit_names[] = {"sec", "milli", "micro", "nano", NULL};

#define OUT(member) offsetof(struct pen_out_options, member)

const struct pen_option pen_out_option_table[] = {
    {.key = "mode",
     .kind = PEN_OPTION_ENUM,
     .offset = OUT(mode),
     .default_text = "append",
     .choices = mode_names,
     .help = "append adds records; replace empties the table first; replace_on_new_data does so "
             "only when at least one record is loaded"},
    {.key = "time_column",
     .kind = PEN_OPTION_TEXT,
     .offset = OUT(time_column),
     .help = "the long or timestamp column that is copied to `time`"},
    {.key = "unix_timestamp_unit",
     .kind = PEN_OPTION_ENUM,
     .offset = OUT(unix_timestamp_unit),
     .default_text = "sec",
     .choices = unit_names,
     .help = "the unit of a long time column; `time` is in seconds"},
    {.key = "ignore_alternative_time_if_time_exists",
     .kind = PEN_OPTION_BOOL,
     .offset = OUT(ignore_alternative_time_if_time_exists),
     .default_text = "false",
     .help = "when there is a column `time`, time_column and time_value are ignored"},
    {.key = "time_value",
     .kind = PEN_OPTION_NODE,
     .offset = OUT(time_value),
     .help = "a generated `time`: {mode: fixed_time, value} or {mode: incremental_time, from, to}"},
    {.key = "stop_on_invalid_record",
     .kind = PEN_OPTION_BOOL,
     .offset = OUT(stop_on_invalid_record),
     .default_text = "false",
     .help = "a record whose values do not fit the table fails the job instead of being rejected"},
    {.key = "compression",
     .kind = PEN_OPTION_ENUM,
     .offset = OUT(compression),
     .default_text = "snappy",
     .choices = compression_names,
     .help =
         "of the Parquet files; zstd makes them a quarter smaller and takes half as much processor "
         "time again for a whole load"},
    {.key = "type", .kind = PEN_OPTION_IGNORED, .help = "the output is the lake"},
    {.key = "apikey", .kind = PEN_OPTION_IGNORED, .help = "there is no remote service"},
    {.key = "endpoint", .kind = PEN_OPTION_IGNORED, .help = "there is no remote service"},
    {.key = "database", .kind = PEN_OPTION_IGNORED, .help = "given with --database"},
    {.key = "table", .kind = PEN_OPTION_IGNORED, .help = "given with --table"},
    {.key = "auto_create_table", .kind = PEN_OPTION_IGNORED, .help = "use --auto-create-table"},
    {.key = "file_split_size", .kind = PEN_OPTION_IGNORED, .help = "parts are sized by tasks"},
    {.key = "upload_concurrency", .kind = PEN_OPTION_IGNORED, .help = "nothing is uploaded"},
    {.key = "retry_limit", .kind = PEN_OPTION_IGNORED, .help = "nothing is uploaded"},
    {.key = "retry_initial_interval_millis", .kind = PEN_OPTION_IGNORED, .help = "as above"},
    {.key = "retry_max_interval_millis", .kind = PEN_OPTION_IGNORED, .help = "as above"},
    {.key = "pool_name", .kind = PEN_OPTION_IGNORED, .help = "one machine has one pool"},
    {.key = "tmpdir", .kind = PEN_OPTION_IGNORED, .help = "no temporary files are made"},
    {.key = "http_proxy", .kind = PEN_OPTION_IGNORED, .help = "belongs to `in`"},
    {.key = "session", .kind = PEN_OPTION_IGNORED, .help = "jobs resume by their own number"},
    {.key = "column_options", .kind = PEN_OPTION_IGNORED, .help = "set types in parser.columns"},
    {.key = "default_timezone",
     .kind = PEN_OPTION_IGNORED,
     .help = "timestamps are stored as such"},
    {.key = "default_timestamp_format",
     .kind = PEN_OPTION_IGNORED,
     .help = "timestamps are stored as such"},
    {.key = "default_boolean_type_convert_to",
     .kind = PEN_OPTION_IGNORED,
     .help = "booleans are stored as such"},
    {.key = "default_timestamp_type_convert_to",
     .kind = PEN_OPTION_IGNORED,
     .help = "timestamps are stored as such"},
    {.key = "displayed_error_records_count_limit",
     .kind = PEN_OPTION_IGNORED,
     .help = "see job:rejects"},
    {.key = NULL},
};

#define EXEC(member) offsetof(struct pen_exec_options, member)

const struct pen_option pen_exec_option_table[] = {
    {.key = "max_threads",
     .kind = PEN_OPTION_INT,
     .offset = EXEC(max_threads),
     .default_text = "0",
     .help = "worker threads; 0: one a core"},
    {.key = "guess_sample_buffer_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(guess_sample_buffer_bytes),
     .default_text = "32768",
     .unit = "bytes",
     .help = "stored bytes that guess looks at"},
    {.key = "preview_sample_buffer_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(preview_sample_buffer_bytes),
     .default_text = "32768",
     .unit = "bytes",
     .help = "stored bytes that preview reads"},
    {.key = "guess_plugins",
     .kind = PEN_OPTION_NODE,
     .offset = EXEC(guess_plugins),
     .help = "guessers to add, such as csv_all_strings"},
    {.key = "exclude_guess_plugins",
     .kind = PEN_OPTION_NODE,
     .offset = EXEC(exclude_guess_plugins),
     .help = "guessers to leave out"},
    {.key = "task_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(task_bytes),
     .default_text = "256MiB",
     .unit = "bytes",
     .help = "small objects are grouped into tasks of about this size; in.min_task_size wins"},
    {.key = "max_rejected_records",
     .kind = PEN_OPTION_INT,
     .offset = EXEC(max_rejected_records),
     .default_text = "-1",
     .help = "more rejected records fail the job; -1: no limit"},
    {.key = "max_rejected_ratio",
     .kind = PEN_OPTION_DOUBLE,
     .offset = EXEC(max_rejected_ratio),
     .default_text = "1",
     .help = "a larger share of rejected records fails the job before commit"},
    {.key = "max_reject_file_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(max_reject_file_bytes),
     .default_text = "64MiB",
     .unit = "bytes",
     .help = "the rejects file stops growing here; counting goes on"},
    {.key = "task_retries",
     .kind = PEN_OPTION_INT,
     .offset = EXEC(task_retries),
     .default_text = "2",
     .help = "how often a failed task is tried again when that may help"},
    {.key = "memory_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(memory_bytes),
     .default_text = "64MiB",
     .unit = "bytes",
     .help = "received bytes that wait to be parsed, over all connections"},
    {.key = "max_record_bytes",
     .kind = PEN_OPTION_BYTES,
     .offset = EXEC(max_record_bytes),
     .default_text = "64MiB",
     .unit = "bytes",
     .help = "a longer record fails the job; up to 512KiB always fit"},
    {.key = "max_inflate_ratio",
     .kind = PEN_OPTION_INT,
     .offset = EXEC(max_inflate_ratio),
     .default_text = "1000",
     .help = "an object that expands to more than so many times its size (and 64 MiB) fails the "
             "job; 0: no limit"},
    {.key = "min_output_tasks", .kind = PEN_OPTION_IGNORED, .help = "workers share objects anyway"},
    {.key = "preview_sample_rows", .kind = PEN_OPTION_IGNORED, .help = "use --rows"},
    {.key = "type", .kind = PEN_OPTION_IGNORED, .help = "there is one executor"},
    {.key = NULL},
};

void pen_load_free(struct pen_load *load)
{
    if (load == NULL)
        return;
    for (size_t i = 0; i < load->filter_count; i++)
        pen_filter_free(load->filters[i]);
    free(load->filters);
    pen_parse_free(load->parse);
    free(load->decoders);
    pen_source_free(load->source);
    free(load);
}

static enum pen_code fail_no_mapping(const struct pen_bind *bind, const struct pen_node *node,
                                     const char *what, struct pen_error *err)
{
    bool is_entry = strcmp(what, "decoders") == 0;
    (void)pen_fail_at(bind, node, err, "%s'%s' must be a mapping with a 'type'",
                      is_entry ? "an entry of " : "", what);
    if (node != NULL && node->kind == PEN_NODE_TEXT && node->text.len <= 32)
        pen_error_hint(err, "write {type: %.*s} instead of %.*s", PEN_ARG(node->text),
                       PEN_ARG(node->text));
    return PEN_ERR_CONFIG;
}

/* The `type` member of a step's mapping. */
static enum pen_code step_type(const struct pen_bind *bind, const struct pen_node *node,
                               const char *what, struct pen_slice *ret_type, struct pen_error *err)
{
    if (node == NULL || node->kind != PEN_NODE_MAP)
        return fail_no_mapping(bind, node, what, err);
    const struct pen_node *type = pen_node_get(node, "type");
    if (type == NULL || type->kind == PEN_NODE_NULL)
        return pen_fail_at(bind, node, err, "field 'type' of '%s' is required but not set", what);
    if (type->kind == PEN_NODE_LIST || type->kind == PEN_NODE_MAP)
        return pen_fail_at(bind, type, err, "'type' of '%s' must be a text", what);
    *ret_type = type->text;
    return PEN_OK;
}

static enum pen_code fail_unknown_type(const struct pen_bind *bind, const struct pen_node *node,
                                       const char *what, struct pen_slice name,
                                       const char *const *names, size_t count,
                                       struct pen_error *err)
{
    (void)pen_fail_at(bind, pen_node_get(node, "type"), err, "unknown %s type '%.*s'", what,
                      PEN_ARG(name));
    const char *close = pen_did_you_mean(name, names, count);
    char list[128] = "";
    for (size_t i = 0, len = 0; i < count && len < sizeof list; i++)
        len +=
            (size_t)snprintf(list + len, sizeof list - len, "%s%s", i == 0 ? "" : ", ", names[i]);
    if (strcmp(what, "parser") == 0 && pen_slice_is(name, "tsv"))
        pen_error_hint(err, "TSV is type: csv with delimiter: \"\\t\"");
    else if (close != NULL)
        pen_error_hint(err, "did you mean '%s'?", close);
    else
        pen_error_hint(err, "types are %s", list);
    return PEN_ERR_CONFIG;
}

/* The names of a registry list, for "did you mean". */
#define COLLECT_NAMES(list, names, count)                                                          \
    const char *names[64];                                                                         \
    size_t count = 0;                                                                              \
    while ((list)[count] != NULL && count < 64) {                                                  \
        names[count] = (list)[count]->info.name;                                                   \
        count++;                                                                                   \
    }

static enum pen_code bind_source(struct pen_load *load, const struct pen_source_env *env,
                                 struct pen_error *err)
{
    struct pen_slice name = {0};
    PEN_TRY(step_type(&load->bind, load->in, "in", &name, err));
    const struct pen_source_type *type = pen_find_source(name);
    if (type == NULL) {
        COLLECT_NAMES(pen_source_types, names, count)
        while (count > 0 && strcmp(names[count - 1], "rejects") == 0)
            count--; /* nobody writes it: job:replay does */
        return fail_unknown_type(&load->bind, load->in, "input", name, names, count, err);
    }
    return pen_source_new(type, load->in, env, &load->source, err);
}

static enum pen_code bind_decoder(struct pen_load *load, const struct pen_node *item,
                                  struct pen_error *err)
{
    struct pen_slice name = {0};
    PEN_TRY(step_type(&load->bind, item, "decoders", &name, err));
    const struct pen_decode_type *type = pen_find_decode(name);
    if (type == NULL) {
        COLLECT_NAMES(pen_decode_types, names, count)
        return fail_unknown_type(&load->bind, item, "decoder", name, names, count, err);
    }
    if (type->is_archive && load->decoder_count > 0) {
        (void)pen_fail_at(&load->bind, item, err, "decoder '%s' must be the first one",
                          type->info.name);
        pen_error_hint(err, "an archive inside another compression cannot be read: its directory "
                            "stands at its end; decoders behind it apply to its entries");
        return PEN_ERR_CONFIG;
    }
    PEN_CLEANUP(pen_decode_free_p) struct pen_decode *trial = NULL; /* only to check its options */
    PEN_TRY(pen_decode_new(type, item, &load->bind, &trial, err));
    load->decoders[load->decoder_count++] = (struct pen_decode_spec){.type = type, .config = item};
    return PEN_OK;
}

static enum pen_code bind_decoders(struct pen_load *load, struct pen_error *err)
{
    const struct pen_node *list = pen_node_get(load->in, "decoders");
    if (list == NULL || list->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (list->kind != PEN_NODE_LIST)
        return pen_fail_at(&load->bind, list, err, "'decoders' must be a list");
    load->decoders = calloc(list->count + 1, sizeof *load->decoders);
    if (load->decoders == NULL)
        return pen_fail_nomem(err);
    for (const struct pen_node *item = list->first; item != NULL; item = item->next)
        PEN_TRY(bind_decoder(load, item, err));
    return PEN_OK;
}

static enum pen_code bind_parser(struct pen_load *load, bool is_sample, struct pen_error *err)
{
    const struct pen_node *node = pen_node_get(load->in, "parser");
    if (node == NULL) {
        (void)pen_fail_at(&load->bind, load->in, err, "'in' has no 'parser'");
        pen_error_hint(err, "let connector:guess write it");
        return PEN_ERR_CONFIG;
    }
    struct pen_slice name = {0};
    PEN_TRY(step_type(&load->bind, node, "parser", &name, err));
    const struct pen_parse_type *type = pen_find_parse(name);
    if (type == NULL) {
        COLLECT_NAMES(pen_parse_types, names, count)
        return fail_unknown_type(&load->bind, node, "parser", name, names, count, err);
    }
    PEN_TRY(pen_parse_new(type, node, is_sample, &load->bind, &load->parse, err));
    const char *charset = load->parse->charset;
    if (charset == NULL || strcmp(charset, PEN_CHARSET_JSON) == 0 || pen_charset_is_known(charset))
        return PEN_OK;
    (void)pen_fail_at(&load->bind, pen_node_get(node, "charset"), err, "unknown charset '%s'",
                      charset);
    pen_error_hint(err, "UTF-8, Shift_JIS, EUC-JP, ISO-2022-JP, UTF-16, windows-1252, GB18030: any "
                        "name that ICU knows");
    return PEN_ERR_CONFIG;
}

static enum pen_code bind_filter(struct pen_load *load, const struct pen_node *item,
                                 int64_t started_us, struct pen_error *err)
{
    struct pen_slice name = {0};
    PEN_TRY(step_type(&load->bind, item, "filters", &name, err));
    const struct pen_filter_type *type = pen_find_filter(name);
    if (type == NULL) {
        COLLECT_NAMES(pen_filter_types, names, count)
        return fail_unknown_type(&load->bind, item, "filter", name, names, count, err);
    }
    struct pen_filter **filter = &load->filters[load->filter_count];
    PEN_TRY(pen_filter_new(type, item, &load->bind, started_us, load->schema, filter, err));
    load->filter_count++;
    load->schema = &(*filter)->out;
    return PEN_OK;
}

static enum pen_code bind_filters(struct pen_load *load, const struct pen_node *config,
                                  int64_t started_us, struct pen_error *err)
{
    load->schema = &load->parse->schema;
    const struct pen_node *list = pen_node_get(config, "filters");
    if (list == NULL || list->kind == PEN_NODE_NULL)
        return PEN_OK;
    if (list->kind != PEN_NODE_LIST)
        return pen_fail_at(&load->bind, list, err, "'filters' must be a list");
    load->filters = calloc(list->count + 1, sizeof(struct pen_filter *));
    if (load->filters == NULL)
        return pen_fail_nomem(err);
    for (const struct pen_node *item = list->first; item != NULL; item = item->next)
        PEN_TRY(bind_filter(load, item, started_us, err));
    return PEN_OK;
}

static enum pen_code bind_all(struct pen_load *load, const struct pen_node *config,
                              const struct pen_source_env *env,
                              const struct pen_load_options *options, struct pen_error *err)
{
    PEN_TRY(pen_options_bind(pen_exec_option_table, pen_node_get(config, "exec"), "exec", NULL,
                             &load->exec, &load->bind, err));
    PEN_TRY(bind_source(load, env, err));
    if (options->is_guess)
        return PEN_OK;
    PEN_TRY(pen_options_bind(pen_out_option_table, pen_node_get(config, "out"), "out", NULL,
                             &load->out, &load->bind, err));
    PEN_TRY(bind_decoders(load, err));
    PEN_TRY(bind_parser(load, options->is_sample, err));
    return bind_filters(load, config, options->started_us, err);
}

enum pen_code pen_load_new(const struct pen_node *config, const struct pen_source_env *env,
                           const struct pen_load_options *options, struct pen_load **ret_load,
                           struct pen_error *err)
{
    PEN_CLEANUP(pen_load_free_p) struct pen_load *load = calloc(1, sizeof *load);
    if (load == NULL)
        return pen_fail_nomem(err);
    load->bind = env->bind;
    load->in = pen_node_get(config, "in");
    PEN_TRY(bind_all(load, config, env, options, err));
    *ret_load = PEN_TAKE(load);
    return PEN_OK;
}
