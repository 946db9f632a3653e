/* load.h - a load configuration bound to its steps: what guess, preview and issue run.
 *
 *     {in, filters, out, exec} --bind--> source, decoders, parser, filters, options
 *
 * Everything that can be wrong in a configuration is found here, before the first request. */
#ifndef PEN_RUN_LOAD_H
#define PEN_RUN_LOAD_H

#include "filter/filter.h"
#include "parse/parse.h"
#include "run/byte_stream.h"
#include "source/source.h"

enum pen_mode { PEN_MODE_APPEND, PEN_MODE_REPLACE, PEN_MODE_REPLACE_ON_NEW_DATA };

/* The options of `out`. */
struct pen_out_options {
    int mode; /* enum pen_mode */
    char *time_column;
    int unix_timestamp_unit; /* enum pen_time_unit */
    bool ignore_alternative_time_if_time_exists;
    const struct pen_node *time_value;
    bool stop_on_invalid_record;
    int compression; /* enum pen_part_compression */
};

enum pen_time_unit { PEN_UNIT_SEC, PEN_UNIT_MILLI, PEN_UNIT_MICRO, PEN_UNIT_NANO };

/* The options of `exec`. */
struct pen_exec_options {
    int64_t max_threads; /* 0: as many as cores */
    int64_t guess_sample_buffer_bytes, preview_sample_buffer_bytes;
    const struct pen_node *guess_plugins, *exclude_guess_plugins;
    int64_t task_bytes;
    int64_t max_rejected_records; /* -1: no limit */
    double max_rejected_ratio;
    int64_t max_reject_file_bytes;
    int64_t task_retries;
    int64_t memory_bytes;
    int64_t max_record_bytes;
    int64_t max_inflate_ratio; /* 0: no limit */
};

extern const struct pen_option pen_out_option_table[];
extern const struct pen_option pen_exec_option_table[];

struct pen_load {
    const struct pen_node *in;
    struct pen_out_options out;
    struct pen_exec_options exec;
    struct pen_source *source;
    struct pen_decode_spec *decoders;
    size_t decoder_count;
    struct pen_parse *parse; /* NULL when bound for guess */
    struct pen_filter **filters;
    size_t filter_count;
    const struct pen_schema *schema; /* behind the last filter */
    struct pen_bind bind;
};

/* pen_load_new - binds a normalised configuration (a map with in, out, exec, filters).
 * in:     env: what the source gets; env->bind.arena holds all texts and outlives the load.
 *         is_sample: preview; is_guess: the parser need not be there, filters are not bound.
 * errors: PEN_ERR_CONFIG with file:line:column. No request is made. */
struct pen_load_options {
    bool is_sample, is_guess;
    int64_t started_us; /* upload time */
};
PEN_MUST_USE enum pen_code pen_load_new(const struct pen_node *config,
                                        const struct pen_source_env *env,
                                        const struct pen_load_options *options,
                                        struct pen_load **ret_load, struct pen_error *err);
void pen_load_free(struct pen_load *load);
PEN_DEFINE_FREE_P(struct pen_load *, pen_load_free)

#endif
