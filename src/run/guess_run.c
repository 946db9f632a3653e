/* guess_run.c - a seed completed from a sample.
 *
 *     source --head of one object--> sample --guess--> configuration --pieces, trial--> comments
 *            --tail and middle of it, the same of two others--> pieces */
#include "guess/guess.h"
#include "guess/sample.h"
#include "registry.h"
#include "run/guess_trial.h"
#include "run/run_scope.h"

/* head, tail and middle of each object; the sample's own head is no piece */
#define MAX_PIECES (3 * (1 + PEN_SAMPLE_OTHERS) - 1)

struct guess_run {
    const struct pen_run_env *env;
    struct pen_source *source;
    size_t most; /* bytes of a piece */
    struct pen_sample sample;
    struct pen_object others[PEN_SAMPLE_OTHERS];
    size_t other_count;
    struct pen_guess_piece pieces[MAX_PIECES];
    struct pen_buf bytes[MAX_PIECES]; /* of the pieces */
    size_t piece_count;
    struct pen_buf places[PEN_SAMPLE_OTHERS];
};

static void release_run(struct guess_run *run)
{
    pen_sample_release(&run->sample);
    for (size_t i = 0; i < MAX_PIECES; i++)
        pen_buf_release(&run->bytes[i]);
    for (size_t i = 0; i < PEN_SAMPLE_OTHERS; i++)
        pen_buf_release(&run->places[i]);
}

static enum pen_code put(struct pen_node *config, const char *key, const struct pen_node *value,
                         struct pen_arena *arena, struct pen_error *err)
{
    if (value == NULL)
        return PEN_OK;
    struct pen_node *copy = pen_node_copy(value, arena);
    return copy == NULL ? pen_fail_nomem(err) : pen_node_set(config, arena, key, copy, err);
}

static enum pen_code complete(const struct guess_run *run, const struct pen_guess *guess,
                              struct pen_node **ret_config, struct pen_error *err)
{
    const struct pen_node *config = run->env->config;
    struct pen_arena *arena = run->env->bind.arena;
    struct pen_node *completed = pen_node_new_map(arena);
    if (completed == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(put(completed, "in", guess->in, arena, err));
    PEN_TRY(put(completed, "filters", guess->filters, arena, err));
    PEN_TRY(put(completed, "out", pen_node_get(config, "out"), arena, err));
    PEN_TRY(put(completed, "exec", pen_node_get(config, "exec"), arena, err));
    *ret_config = completed;
    return PEN_OK;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static void add_piece(struct guess_run *run, const char *place, uint64_t offset,
                      struct pen_buf *bytes, bool is_end)
{
    struct pen_buf *kept = &run->bytes[run->piece_count];
    *kept = *bytes;
    *bytes = PEN_BUF(0);
    run->pieces[run->piece_count++] = (struct pen_guess_piece){
        .bytes = pen_buf_slice(kept), .place = place, .offset = offset, .is_end = is_end};
}

static enum pen_code read_tail(struct pen_reader *reader, size_t len, struct pen_buf *into,
                               struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(into, len, err));
    for (size_t got = 1; into->len < len && got > 0; into->len += got)
        PEN_TRY(reader->read(reader, into->ptr + into->len, len - into->len, &got, err));
    return PEN_OK;
}

static enum pen_code read_middle(struct pen_reader *reader, const struct pen_sample_range *range,
                                 struct pen_buf *into, struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(into, range->len, err));
    PEN_TRY(reader->read_at(reader, range->offset, into->ptr, range->len, err));
    into->len = range->len;
    return PEN_OK;
}

/* Tail and middle, each by a GET of its own range. */
static enum pen_code add_midst(struct guess_run *run, const struct pen_object *object,
                               const char *place, struct pen_error *err)
{
    struct pen_sample_range ranges[2];
    size_t count = pen_sample_ranges(object->size_bytes, run->most, ranges);
    if (count == 0)
        return PEN_OK;
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
    PEN_TRY(run->source->type->read(run->source, object, ranges[0].offset, &reader, err));
    for (size_t i = 0; i < count; i++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf bytes = PEN_BUF(run->most);
        PEN_TRY(i == 0 ? read_tail(reader, ranges[i].len, &bytes, err)
                       : read_middle(reader, &ranges[i], &bytes, err));
        add_piece(run, place, ranges[i].offset, &bytes, i == 0);
    }
    return PEN_OK;
}

static enum pen_code add_other(struct guess_run *run, size_t index, bool is_plain,
                               struct pen_error *err)
{
    const struct pen_object *object = &run->others[index];
    struct pen_sample head = {0};
    PEN_TRY(pen_sample_read(run->source, object, run->most, &head, err));
    run->places[index] = head.place;
    add_piece(run, run->places[index].ptr, 0, &head.bytes, head.is_whole);
    return is_plain ? add_midst(run, object, run->places[index].ptr, err) : PEN_OK;
}

/* The midst of compressed objects cannot be read by itself. */
static enum pen_code take_pieces(struct guess_run *run, const struct pen_guess *guess,
                                 struct pen_error *err)
{
    const struct pen_node *decoders = pen_node_get(guess->in, "decoders");
    bool is_plain = decoders == NULL || decoders->count == 0;
    if (is_plain)
        PEN_TRY(add_midst(run, &run->sample.object, run->sample.place.ptr, err));
    for (size_t i = 0; i < run->other_count; i++)
        PEN_TRY(add_other(run, i, is_plain, err));
    return PEN_OK;
}

/* --- guess ------------------------------------------------------------------------------------ */

static enum pen_code guess_with_pieces(const struct guess_run *run, struct pen_guess *ret_guess,
                                       struct pen_error *err)
{
    const struct pen_node *config = run->env->config;
    struct pen_guess_request request = {
        .in = pen_node_get(config, "in"),
        .exec = pen_node_get(config, "exec"),
        .filters = pen_node_get(config, "filters"),
        .sample = pen_buf_slice(&run->sample.bytes),
        .is_whole = run->sample.is_whole,
        .place = run->sample.place.ptr,
        .pieces = run->pieces,
        .piece_count = run->piece_count,
        .decoders = pen_decode_types,
        .bind = &run->env->bind,
    };
    return pen_guess(&request, run->env->bind.arena, ret_guess, err);
}

static enum pen_code guess_sample(struct guess_run *run, struct pen_node **ret_config,
                                  struct pen_guess_report *ret_report, struct pen_error *err)
{
    struct pen_guess guess = {0};
    PEN_TRY(guess_with_pieces(run, &guess, err));
    PEN_TRY(take_pieces(run, &guess, err));
    if (run->piece_count > 0)
        PEN_TRY(guess_with_pieces(run, &guess, err));
    PEN_TRY(pen_guess_trial(run->env, &run->sample, &guess, err));
    *ret_report = (struct pen_guess_report){.sample_bytes = run->sample.bytes.len,
                                            .pieces = run->piece_count,
                                            .account = guess.account};
    return complete(run, &guess, ret_config, err);
}

static enum pen_code guess_in(const struct pen_run_env *env, struct pen_source *source,
                              struct pen_node **ret_config, struct pen_guess_report *ret_report,
                              struct pen_error *err)
{
    PEN_CLEANUP(release_run) struct guess_run run = {.env = env, .source = source};
    struct pen_object object;
    PEN_TRY(pen_sample_size(pen_node_get(env->config, "exec"), "guess_sample_buffer_bytes",
                            &env->bind, &run.most, err));
    PEN_TRY(pen_sample_find(source, env->bind.arena, &object, run.others, &run.other_count, err));
    PEN_TRY(pen_sample_read(source, &object, run.most, &run.sample, err));
    enum pen_code code = guess_sample(&run, ret_config, ret_report, err);
    if (code != PEN_OK)
        pen_error_where(err, "%s", run.sample.place.ptr);
    return code;
}

enum pen_code pen_run_guess(const struct pen_run_env *env, struct pen_node **ret_config,
                            struct pen_guess_report *ret_report, struct pen_error *err)
{
    struct pen_load_options options = {.is_guess = true};
    struct pen_run_scope scope;
    PEN_TRY(pen_run_scope_open(env, &options, &scope, err));
    enum pen_code code = guess_in(env, scope.load->source, ret_config, ret_report, err);
    pen_run_scope_close(&scope);
    return code;
}
