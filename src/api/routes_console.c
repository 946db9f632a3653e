/* routes_console.c - /api/v1/...: what the console needs and the original's client does not know:
 * logs as they are written, rejected records, loaded objects, the server itself, option tables. */
#include "api/api_words.h"
#include "api/log_stream.h"
#include "api/routes_internal.h"

#include "base/json.h"
#include "meta/ledger.h"
#include "registry.h"
#include "run/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REPLY_MAX_BYTES ((size_t)128 << 20)
#define PAGE_MAX        10000

/* --- pages ------------------------------------------------------------------------------------ */

static enum pen_code read_page(struct pen_api_call *call, int64_t *ret_skip, int64_t *ret_max,
                               struct pen_error *err)
{
    struct pen_node *form = NULL;
    PEN_TRY(pen_api_form(call, &form, err));
    PEN_TRY(pen_api_int(form, "skip", (struct pen_api_range){0, INT64_MAX, 0}, ret_skip, err));
    return pen_api_int(form, "max", (struct pen_api_range){1, PAGE_MAX, 100}, ret_max, err);
}

static enum pen_code find_job(struct pen_api_call *call, struct pen_job *ret_job,
                              struct pen_error *err)
{
    int64_t job_id = 0;
    PEN_TRY(pen_api_param_id(call, 0, "job", &job_id, err));
    return pen_job_get(pen_lake_db(call->lake), job_id, call->arena, ret_job, err);
}

/* --- logs ------------------------------------------------------------------------------------- */

static enum pen_code get_log(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job job;
    struct pen_http_stream stream;
    PEN_TRY(find_job(call, &job, err));
    struct pen_log_stream_options options = {
        .home = call->api->home,
        .job_id = job.job_id,
        .last_event_id = pen_http_exchange_header(call->exchange, "Last-Event-ID"),
        .lake_of = pen_api_local_lake,
    };
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Content-Type", "text/event-stream", err));
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "Cache-Control", "no-store", err));
    PEN_TRY(pen_http_exchange_add_header(call->exchange, "X-Accel-Buffering", "no", err));
    PEN_TRY(pen_log_stream_open(&options, &stream, err));
    pen_http_exchange_send_stream(call->exchange, 200, &stream);
    return PEN_OK;
}

/* --- rejected records ------------------------------------------------------------------------- */

/* Lines of rejects.jsonl are JSON objects already. */
static enum pen_code add_lines(FILE *file, int64_t skip, int64_t max, struct pen_json_writer *w)
{
    PEN_CLEANUP(pen_free_p) char *line = NULL;
    size_t cap = 0;
    int64_t number = 0;
    for (ssize_t len; number < skip + max && (len = getline(&line, &cap, file)) > 0; number++) {
        if (number >= skip && line[len - 1] == '\n')
            pen_jw_raw(w, pen_slice(line, (size_t)len - 1));
    }
    return PEN_OK;
}

static enum pen_code get_rejects(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job job;
    int64_t skip = 0, max = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf path = PEN_BUF(65536);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(read_page(call, &skip, &max, err));
    PEN_TRY(find_job(call, &job, err));
    PEN_TRY(pen_job_folder(call->api->home, job.job_id, &path, err));
    PEN_TRY(pen_buf_add_str(&path, "/rejects.jsonl", err));
    pen_jw_begin_object(&w);
    pen_jw_member_int(&w, "rejected", (int64_t)job.counts.rejected);
    pen_jw_key(&w, "rejects");
    pen_jw_begin_array(&w);
    FILE *file = fopen(path.ptr, "re"); /* none when nothing was rejected */
    if (file != NULL) {
        PEN_TRY(add_lines(file, skip, max, &w));
        (void)fclose(file); /* only read from */
    }
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- objects ---------------------------------------------------------------------------------- */

static enum pen_code get_objects(struct pen_api_call *call, struct pen_error *err)
{
    struct pen_job job;
    struct pen_ledger_entry *list = NULL;
    size_t count = 0;
    int64_t skip = 0, max = 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    PEN_TRY(read_page(call, &skip, &max, err));
    PEN_TRY(find_job(call, &job, err));
    PEN_TRY(pen_ledger_list(pen_lake_db(call->lake), job.job_id,
                            (struct pen_ledger_page){(size_t)skip, (size_t)max}, call->arena, &list,
                            &count, err));
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "objects");
    pen_jw_begin_array(&w);
    for (size_t i = 0; i < count; i++) {
        pen_jw_begin_object(&w);
        pen_jw_member_text(&w, "bucket", list[i].bucket);
        pen_jw_member_text(&w, "key", list[i].key);
        pen_jw_member_text(&w, "etag", list[i].etag);
        pen_jw_member_int(&w, "size", (int64_t)list[i].size_bytes);
        pen_jw_member_int(&w, "rows", (int64_t)list[i].rows);
        pen_jw_member_int(&w, "rejected", (int64_t)list[i].rejected);
        pen_jw_member_int(&w, "filtered", (int64_t)list[i].filtered);
        pen_jw_end_object(&w);
    }
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- option tables ---------------------------------------------------------------------------- */

static void write_options(struct pen_json_writer *w, const struct pen_option *options);

static void write_choices(struct pen_json_writer *w, const char *const *choices)
{
    if (choices == NULL)
        return;
    pen_jw_key(w, "choices");
    pen_jw_begin_array(w);
    for (; *choices != NULL; choices++)
        pen_jw_text(w, *choices);
    pen_jw_end_array(w);
}

/* Tables end in tables of plain values: the depth is that of the program's own tables. */
static void write_option(struct pen_json_writer *w, const struct pen_option *option)
{
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "key", option->key);
    pen_jw_member_text(w, "kind", pen_option_kind_name(option->kind));
    pen_jw_member_bool(w, "is_secret", option->kind == PEN_OPTION_SECRET);
    pen_jw_member_bool(w, "is_required", option->is_required);
    pen_jw_member_text(w, "default", option->default_text);
    pen_jw_member_text(w, "unit", option->unit);
    pen_jw_member_text(w, "help", option->help);
    write_choices(w, option->choices);
    if (option->entries != NULL) {
        pen_jw_key(w, "entries");
        write_options(w, option->entries);
    }
    if (option->variants != NULL) {
        pen_jw_member_text(w, "variant_key", option->variant_key);
        pen_jw_key(w, "variants");
        pen_jw_begin_object(w);
        for (const struct pen_option_variant *v = option->variants; v->name != NULL; v++) {
            pen_jw_key(w, v->name);
            write_options(w, v->options);
        }
        pen_jw_end_object(w);
    }
    pen_jw_end_object(w);
}

static void write_options(struct pen_json_writer *w, const struct pen_option *options)
{
    pen_jw_begin_array(w);
    for (; options != NULL && options->key != NULL; options++)
        if (options->kind != PEN_OPTION_IGNORED && strncmp(options->key, "__", 2) != 0)
            write_option(w, options);
    pen_jw_end_array(w);
}

static void write_type(struct pen_json_writer *w, const struct pen_step_info *info)
{
    pen_jw_begin_object(w);
    pen_jw_member_text(w, "name", info->name);
    pen_jw_member_text(w, "summary", info->summary);
    pen_jw_member_text(w, "example", info->example);
    pen_jw_key(w, "options");
    write_options(w, info->options);
    pen_jw_end_object(w);
}

static enum pen_code get_options(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    pen_jw_begin_object(&w);
    pen_jw_key(&w, "sources");
    pen_jw_begin_array(&w);
    for (size_t i = 0; pen_source_types[i] != NULL; i++)
        write_type(&w, &pen_source_types[i]->info);
    pen_jw_end_array(&w);
    pen_jw_key(&w, "decoders");
    pen_jw_begin_array(&w);
    for (size_t i = 0; pen_decode_types[i] != NULL; i++)
        write_type(&w, &pen_decode_types[i]->info);
    pen_jw_end_array(&w);
    pen_jw_key(&w, "parsers");
    pen_jw_begin_array(&w);
    for (size_t i = 0; pen_parse_types[i] != NULL; i++)
        write_type(&w, &pen_parse_types[i]->info);
    pen_jw_end_array(&w);
    pen_jw_key(&w, "filters");
    pen_jw_begin_array(&w);
    for (size_t i = 0; pen_filter_types[i] != NULL; i++)
        write_type(&w, &pen_filter_types[i]->info);
    pen_jw_end_array(&w);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

/* --- the server ------------------------------------------------------------------------------- */

/* A setting as it is bound now; secrets stay inside. */
static void write_setting(struct pen_json_writer *w, const struct pen_option *option,
                          const struct pen_settings *settings)
{
    const char *at = (const char *)settings + option->offset;
    pen_jw_key(w, option->key);
    switch (option->kind) {
    case PEN_OPTION_TEXT: {
        const char *text = NULL;
        memcpy(&text, at, sizeof text);
        pen_jw_text(w, text);
        return;
    }
    case PEN_OPTION_BOOL: {
        bool value = false;
        memcpy(&value, at, sizeof value);
        pen_jw_bool(w, value);
        return;
    }
    case PEN_OPTION_INT:
    case PEN_OPTION_BYTES: {
        int64_t value = 0;
        memcpy(&value, at, sizeof value);
        pen_jw_int(w, value);
        return;
    }
    case PEN_OPTION_DOUBLE: {
        double value = 0;
        memcpy(&value, at, sizeof value);
        pen_jw_double(w, value);
        return;
    }
    case PEN_OPTION_ENUM: {
        int index = 0;
        memcpy(&index, at, sizeof index);
        pen_jw_text(w, option->choices[index]);
        return;
    }
    case PEN_OPTION_SECRET: {
        const char *text = NULL;
        memcpy(&text, at, sizeof text);
        pen_jw_text(w, text == NULL ? NULL : "***");
        return;
    }
    case PEN_OPTION_NODE:
    case PEN_OPTION_MAP:
    case PEN_OPTION_LIST:
    case PEN_OPTION_IGNORED:
        break;
    }
    pen_jw_null(w);
}

static enum pen_code get_settings(struct pen_api_call *call, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(REPLY_MAX_BYTES);
    struct pen_json_writer w = PEN_JSON_WRITER(&json);
    pen_jw_begin_object(&w);
    pen_jw_member_text(&w, "version", PEN_VERSION);
    pen_jw_member_text(&w, "home", call->api->home);
    pen_jw_key(&w, "settings");
    pen_jw_begin_object(&w);
    for (const struct pen_option *o = pen_settings_option_table; o->key != NULL; o++)
        write_setting(&w, o, call->api->settings);
    pen_jw_end_object(&w);
    pen_jw_key(&w, "options");
    write_options(&w, pen_settings_option_table);
    pen_jw_end_object(&w);
    PEN_TRY(pen_jw_done(&w, err));
    return pen_api_reply_json(call, 200, &json, err);
}

const struct pen_api_route pen_routes_console[] = {
    {"GET", "/api/v1/jobs/:job_id/log", PEN_API_VIEWER, 0, get_log,
     "A job's logs and figures as server-sent events"},
    {"GET", "/api/v1/jobs/:job_id/rejects", PEN_API_VIEWER, 0, get_rejects,
     "The records that a job rejected"},
    {"GET", "/api/v1/jobs/:job_id/objects", PEN_API_VIEWER, 0, get_objects,
     "The objects that a job loaded"},
    {"GET", "/api/v1/options", PEN_API_VIEWER, 0, get_options,
     "The options of every source, decoder, parser and filter"},
    {"GET", "/api/v1/settings", PEN_API_ADMIN, 0, get_settings, "The settings of the server"},
    {.method = NULL},
};
