/* chunk --record by record--> rows of a batch; rejects in the order of the records */
#include "parse/json_parse_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One call of convert. */
struct converting {
    const struct pen_json_parser *parser;
    struct pen_chunk *chunk;
    struct pen_json_chunk *state;
    struct pen_batch *into;
    bool is_sample;
    struct pen_error *err;
};

static uint64_t offset_of(const struct converting *c, size_t at)
{
    return c->state->base_offset + at;
}

/* Rejects and errors come in the order of the text, so lines are counted once. */
static uint64_t line_of(struct converting *c, size_t at)
{
    struct pen_json_chunk *state = c->state;
    if (at < state->line_at) {
        state->line_at = 0;
        state->line = state->base_line;
    }
    state->line += pen_count_lines(pen_slice(c->chunk->text + state->line_at, at - state->line_at));
    state->line_at = at;
    return state->line;
}

/* A syntax error: the job fails. In a sample that gave a record before, the text ends here: the
 * sample's end may have broken it. */
static enum pen_code fail_at(struct converting *c, size_t at, const char *problem)
{
    struct pen_json_chunk *state = c->state;
    if (c->is_sample && (state->records > 0 || state->is_after_other_runs)) {
        state->run_at = state->run_count;
        state->run = (struct pen_json_run){0}; /* nothing is due at its end */
        state->at = 0;
        return PEN_OK;
    }
    return pen_json_fail(c->chunk->object, problem, offset_of(c, at), line_of(c, at), c->err);
}

struct rejection {
    const char *column, *code;
    struct pen_slice reason;
};

static enum pen_code fail_strict(const struct converting *c, const struct pen_reject *what)
{
    const char *object = c->chunk->object == NULL ? "-" : c->chunk->object;
    (void)pen_fail(c->err, PEN_ERR_CORRUPT, "Invalid record in %s: %.*s", object,
                   PEN_ARG(what->raw));
    pen_error_where(c->err, "%s:%" PRIu64, object, what->line);
    if (c->err != NULL) {
        c->err->offset = what->offset;
        c->err->row = what->line;
    }
    return PEN_ERR_CORRUPT;
}

static enum pen_code reject(struct converting *c, size_t start, size_t end,
                            const struct rejection *why)
{
    const struct pen_reject what = {
        .object = c->chunk->object,
        .object_index = c->chunk->object_index,
        .line = line_of(c, start),
        .offset = offset_of(c, start),
        .step = "json",
        .column = why->column,
        .code = why->code,
        .reason = why->reason,
        .raw = pen_slice(c->chunk->text + start, end - start),
    };
    PEN_TRY(c->chunk->rejects->report(c->chunk->rejects, &what, c->err));
    return c->parser->is_strict ? fail_strict(c, &what) : PEN_OK;
}

static enum pen_code reject_kind(struct converting *c, size_t start, size_t end, const char *p,
                                 const char *p_end)
{
    char reason[80];
    int len = snprintf(reason, sizeof reason, "A Json record must represent map value but it's %s",
                       pen_json_type_word(p, p_end));
    const struct rejection why = {.code = "not_an_object",
                                  .reason = pen_slice(reason, (size_t)len)};
    return reject(c, start, end, &why);
}

static enum pen_code reject_no_root(struct converting *c, size_t start, size_t end)
{
    static const char reason[] = "A Json record doesn't have given 'JSON pointer to root'.";
    const struct rejection why = {.code = "no_root", .reason = pen_slice_str(reason)};
    c->state->records++;
    return reject(c, start, end, &why);
}

static enum pen_code reject_no_array(struct converting *c, size_t start, size_t end,
                                     const char *found)
{
    char reason[128];
    int len = snprintf(reason, sizeof reason,
                       "A Json record must represent array value with 'flatten_json_array' option, "
                       "but it's %s",
                       found);
    const struct rejection why = {.code = "not_an_array", .reason = pen_slice(reason, (size_t)len)};
    c->state->records++;
    return reject(c, start, end, &why);
}

/* The value misfits its column: forgets what the row has so far. */
static enum pen_code reject_misfit(struct converting *c, const struct pen_json_reading *r,
                                   size_t start, size_t end)
{
    for (size_t i = 0; i < c->parser->column_count; i++)
        pen_column_set_valid(&c->into->columns[i], r->row, false);
    PEN_CLEANUP(pen_buf_release) struct pen_buf reason = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_json_misfit_reason(r, &reason, c->err));
    const struct rejection why = {.column = r->misfit->name,
                                  .code = pen_json_misfit_code(r->misfit->type),
                                  .reason = pen_buf_slice(&reason)};
    return reject(c, start, end, &why);
}

/* Where a value's text is when it had to be repaired or its record lies inside it. */
struct view {
    const char *at, *end; /* of the record; PEN_CHUNK_PADDING readable bytes behind end */
    bool is_copy;         /* not the chunk's own bytes */
};

/* A repaired copy in the batch's arena, when the value has escapes that JSON does not know. */
static enum pen_code repair(struct converting *c, struct view *view)
{
    struct pen_buf *repaired = &c->state->repaired;
    bool is_changed;
    pen_buf_clear(repaired);
    PEN_TRY(pen_json_repair(pen_slice(view->at, (size_t)(view->end - view->at)), c->parser->escapes,
                            repaired, &is_changed, c->err));
    if (!is_changed)
        return PEN_OK;
    char *copy = pen_arena_alloc(&c->into->arena, repaired->len + PEN_CHUNK_PADDING);
    if (copy == NULL)
        return pen_fail_nomem(c->err);
    memcpy(copy, repaired->ptr, repaired->len);
    memset(copy + repaired->len, 0, PEN_CHUNK_PADDING);
    *view = (struct view){.at = copy, .end = copy + repaired->len, .is_copy = true};
    return PEN_OK;
}

/* The value's end in the chunk; SIZE_MAX when fail_at dealt with it. */
static enum pen_code find_end(struct converting *c, size_t start, size_t *ret_end)
{
    const char *text = c->chunk->text;
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, text + start, text + c->state->run.end, true);
    skip.is_escape_free = c->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH;
    enum pen_json_status status = pen_json_skip_run(&skip);
    *ret_end = SIZE_MAX;
    if (status == PEN_JSON_MORE)
        return fail_at(c, c->state->run.end, "unexpected end");
    if (status != PEN_JSON_DONE)
        return fail_at(c, (size_t)(skip.at - text), skip.problem);
    *ret_end = (size_t)(skip.at - text);
    return PEN_OK;
}

/* Steps into the value as `root` says. *ret_found false: there is nothing. */
static bool seek_root(const struct converting *c, struct view *view)
{
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, view->at, view->end, true);
    if (pen_json_seek(&skip, &c->parser->root) != PEN_JSON_FOUND)
        return false;
    view->at = skip.at;
    return true;
}

static void add_row(struct converting *c, size_t start, size_t end)
{
    struct pen_batch *into = c->into;
    into->row_start[into->rows] = (uint32_t)start;
    into->row_end[into->rows] = (uint32_t)end;
    into->rows++;
}

/* Reads the record that is seen, raw text [start, end) in the chunk (end SIZE_MAX: not known yet,
 * the view is the chunk's own). */
static enum pen_code read_record(struct converting *c, const struct view *view, size_t start,
                                 size_t end)
{
    struct pen_json_reading r = {.parser = c->parser,
                                 .state = c->state,
                                 .batch = c->into,
                                 .row = c->into->rows,
                                 .end = view->end,
                                 .err = c->err};
    const char *text = c->chunk->text;
    const char *p = pen_json_read_record(&r, view->at);
    if (p != NULL && p > view->end) { /* only bytes behind the text closed it */
        p = NULL;
        r.problem = "unexpected end";
        r.at = view->end;
    }
    if (r.code != PEN_OK)
        return r.code;
    if (p == NULL && r.misfit == NULL)
        return fail_at(c, view->is_copy ? start : (size_t)(r.at - text), r.problem);
    if (p == NULL && end == SIZE_MAX) {
        PEN_TRY(find_end(c, start, &end));
        if (end == SIZE_MAX)
            return PEN_OK;
    }
    if (end == SIZE_MAX)
        end = (size_t)(p - text);
    c->state->records++;
    c->state->at = end;
    if (p == NULL)
        return reject_misfit(c, &r, start, end);
    add_row(c, start, end);
    return PEN_OK;
}

/* The whole value must be known first: to find the record in it, or to repair it. */
static enum pen_code read_within(struct converting *c, size_t start)
{
    size_t end;
    PEN_TRY(find_end(c, start, &end));
    if (end == SIZE_MAX)
        return PEN_OK;
    struct view view = {.at = c->chunk->text + start, .end = c->chunk->text + end};
    if (c->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH)
        PEN_TRY(repair(c, &view));
    if (c->parser->has_root && !c->parser->is_flat && !seek_root(c, &view)) {
        c->state->at = end;
        return reject_no_root(c, start, end);
    }
    if (*view.at == '{')
        return read_record(c, &view, start, end);
    c->state->at = end;
    return reject_kind(c, start, end, view.at, view.end);
}

static enum pen_code read_value(struct converting *c)
{
    size_t start = c->state->at;
    bool is_whole_needed = c->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH ||
                           (c->parser->has_root && !c->parser->is_flat);
    if (is_whole_needed || c->chunk->text[start] != '{')
        return read_within(c, start);
    struct view view = {.at = c->chunk->text + start, .end = c->chunk->text + c->state->run.end};
    return read_record(c, &view, start, SIZE_MAX);
}

static void skip_space(struct converting *c)
{
    struct pen_json_chunk *state = c->state;
    while (state->at < state->run.end && pen_json_is_space(c->chunk->text[state->at]))
        state->at++;
}

/* Between elements: the comma. Between values: nothing. */
static enum pen_code step_to_value(struct converting *c)
{
    struct pen_json_chunk *state = c->state;
    skip_space(c);
    if (!state->is_comma_due || state->at == state->run.end)
        return PEN_OK;
    if (c->chunk->text[state->at] != ',')
        return fail_at(c, state->at, "unexpected character");
    state->at++;
    skip_space(c);
    state->is_comma_due = false;
    if (state->at < state->run.end)
        return PEN_OK;
    return fail_at(c, state->at, state->run.is_cut_off ? "unexpected end" : "unexpected character");
}

/* The next run; those that are one bad value are dealt with here. *ret_end: there is none. */
static enum pen_code next_run(struct converting *c, bool *ret_end)
{
    struct pen_json_chunk *state = c->state;
    if (state->run.is_cut_off) {
        state->run.is_cut_off = false;
        PEN_TRY(fail_at(c, state->run.end, "unexpected end"));
    }
    *ret_end = state->run_at == state->run_count;
    if (*ret_end)
        return PEN_OK;
    const struct pen_json_run *run = &state->runs[state->run_at++];
    if (run->kind == PEN_JSON_RUN_NO_ROOT)
        return reject_no_root(c, run->start, run->end);
    if (run->kind == PEN_JSON_RUN_NO_ARRAY)
        return reject_no_array(c, run->start, run->end, run->found);
    state->run = *run;
    state->at = run->start;
    state->is_comma_due = run->kind == PEN_JSON_RUN_ELEMENTS && !run->is_first;
    return PEN_OK;
}

static enum pen_code begin(struct converting *c)
{
    struct pen_json_chunk *state = c->state;
    if (state->stamps == NULL) {
        state->stamps = calloc(c->parser->node_count, sizeof *state->stamps);
        if (state->stamps == NULL)
            return pen_fail_nomem(c->err);
        state->scratch = state->reason = state->repaired = PEN_BUF((size_t)1 << 30);
    }
    const struct pen_origin origin = {.object = c->chunk->object,
                                      .etag = c->chunk->etag,
                                      .object_index = c->chunk->object_index,
                                      .text = c->chunk->text,
                                      .base_offset = state->base_offset,
                                      .base_line = state->base_line};
    return pen_batch_add_origin(c->into, origin, c->err);
}

enum pen_code pen_json_convert(const struct pen_parse *parse, struct pen_chunk *chunk,
                               struct pen_batch *into, bool *ret_more, struct pen_error *err)
{
    struct converting c = {.parser = pen_json_parser_of(parse),
                           .chunk = chunk,
                           .state = chunk->state,
                           .into = into,
                           .is_sample = parse->is_sample,
                           .err = err};
    struct pen_json_chunk *state = c.state;
    *ret_more = false;
    PEN_TRY(begin(&c));
    for (bool is_end = false; !is_end;) {
        PEN_TRY(step_to_value(&c));
        if (state->at >= state->run.end) {
            PEN_TRY(next_run(&c, &is_end));
            continue;
        }
        if (into->rows == into->capacity) {
            *ret_more = true;
            return PEN_OK;
        }
        PEN_TRY(read_value(&c));
        state->is_comma_due = state->run.kind == PEN_JSON_RUN_ELEMENTS;
    }
    return PEN_OK;
}
