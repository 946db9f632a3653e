/* guess_run.c - a seed completed from a sample: source --sample--> bytes --guess--> configuration.
 */
#include "guess/guess.h"
#include "guess/sample.h"
#include "registry.h"
#include "run/run_scope.h"

static enum pen_code put(struct pen_node *config, const char *key, const struct pen_node *value,
                         struct pen_arena *arena, struct pen_error *err)
{
    if (value == NULL)
        return PEN_OK;
    struct pen_node *copy = pen_node_copy(value, arena);
    return copy == NULL ? pen_fail_nomem(err) : pen_node_set(config, arena, key, copy, err);
}

static enum pen_code complete(const struct pen_run_env *env, const struct pen_sample *sample,
                              struct pen_node **ret_config, struct pen_error *err)
{
    const struct pen_node *config = env->config;
    struct pen_guess_request request = {
        .in = pen_node_get(config, "in"),
        .exec = pen_node_get(config, "exec"),
        .filters = pen_node_get(config, "filters"),
        .sample = pen_buf_slice(&sample->bytes),
        .is_whole = sample->is_whole,
        .decoders = pen_decode_types,
        .bind = &env->bind,
    };
    struct pen_guess guess = {0};
    enum pen_code code = pen_guess(&request, env->bind.arena, &guess, err);
    if (code != PEN_OK) {
        pen_error_where(err, "%s", sample->place.ptr);
        return code;
    }
    struct pen_arena *arena = env->bind.arena;
    struct pen_node *completed = pen_node_new_map(arena);
    if (completed == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(put(completed, "in", guess.in, arena, err));
    PEN_TRY(put(completed, "filters", guess.filters, arena, err));
    PEN_TRY(put(completed, "out", pen_node_get(config, "out"), arena, err));
    PEN_TRY(put(completed, "exec", pen_node_get(config, "exec"), arena, err));
    *ret_config = completed;
    return PEN_OK;
}

static enum pen_code guess_in(const struct pen_run_env *env, struct pen_run_scope *scope,
                              struct pen_node **ret_config, struct pen_error *err)
{
    size_t bytes = 0;
    PEN_TRY(pen_sample_size(pen_node_get(env->config, "exec"), "guess_sample_buffer_bytes",
                            &env->bind, &bytes, err));
    struct pen_sample sample = {0};
    enum pen_code code = pen_sample_take(scope->load->source, bytes, env->bind.arena, &sample, err);
    if (code == PEN_OK)
        code = complete(env, &sample, ret_config, err);
    pen_sample_release(&sample);
    return code;
}

enum pen_code pen_run_guess(const struct pen_run_env *env, struct pen_node **ret_config,
                            struct pen_error *err)
{
    struct pen_load_options options = {.is_guess = true};
    struct pen_run_scope scope;
    PEN_TRY(pen_run_scope_open(env, &options, &scope, err));
    enum pen_code code = guess_in(env, &scope, ret_config, err);
    pen_run_scope_close(&scope);
    return code;
}
