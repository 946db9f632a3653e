/* text --scan--> the last record end --> one run of whole records for convert
 *
 * flatten_json_array: top --[--> elements, run by run --]--> tail (what surrounds it) --> top
 * so that an array of any length passes in constant memory; only the part in front of the array
 * (with `root`) and one element at a time must fit the buffer. */
#include "parse/json_parse_internal.h"

#include <stdlib.h>

#define CHECK_BYTES ((size_t)256 << 10) /* from here on, a record without end is checked */
#define SHOWN_PLACE 120                 /* bytes of the object's place in a message */

enum pen_code pen_json_fail(const char *object, const char *problem, uint64_t offset, uint64_t line,
                            struct pen_error *err)
{
    (void)pen_fail(err, PEN_ERR_CORRUPT, "Failed to parse JSON: %.*s: %s at byte %llu (line %llu)",
                   SHOWN_PLACE, object, problem, (unsigned long long)offset,
                   (unsigned long long)line);
    pen_error_where(err, "%s", object);
    if (err != NULL) {
        err->offset = offset;
        err->row = line;
    }
    return PEN_ERR_CORRUPT;
}

const char *pen_json_type_word(const char *p, const char *end)
{
    bool is_double = false;
    switch (*p) {
    case '{':
        return pen_json_kind_name(PEN_JSON_OBJECT);
    case '[':
        return pen_json_kind_name(PEN_JSON_ARRAY);
    case '"':
        return pen_json_kind_name(PEN_JSON_STRING);
    case 't':
    case 'f':
        return pen_json_kind_name(PEN_JSON_BOOLEAN);
    case 'n':
        return pen_json_kind_name(PEN_JSON_NULL);
    default:
        (void)pen_json_number_end(p, end, &is_double); /* only the kind matters */
        return pen_json_kind_name(is_double ? PEN_JSON_DOUBLE : PEN_JSON_LONG);
    }
}

/* What one call of split works on. */
struct splitting {
    struct pen_parse_stream *stream;
    const struct pen_json_parser *parser;
    struct pen_json_stream *state;
    struct pen_json_chunk *chunk;
    struct pen_slice text;
    bool is_eof;
    size_t at; /* done with, in this call */
    struct pen_error *err;
};

static uint64_t line_of(const struct splitting *s, size_t at)
{
    return s->state->line + pen_json_lines(pen_slice(s->text.ptr, at));
}

static uint64_t offset_of(const struct splitting *s, size_t at)
{
    return s->stream->start_offset + s->state->used_bytes + at;
}

/* A syntax error that split met: the job fails; a sample that gave records ends here. */
static enum pen_code fail_at(struct splitting *s, size_t at, const char *problem)
{
    if (s->stream->parse->is_sample && s->state->runs > 0) {
        s->at = s->text.len;
        return PEN_OK;
    }
    return pen_json_fail(s->stream->object, problem, offset_of(s, at), line_of(s, at), s->err);
}

static enum pen_code add_run(struct splitting *s, const struct pen_json_run *run)
{
    struct pen_json_chunk *chunk = s->chunk;
    if (chunk->run_count == chunk->run_cap) {
        size_t cap = chunk->run_cap == 0 ? 16 : chunk->run_cap * 2;
        struct pen_json_run *runs = realloc(chunk->runs, cap * sizeof *runs);
        if (runs == NULL)
            return pen_fail_nomem(s->err);
        chunk->runs = runs;
        chunk->run_cap = cap;
    }
    chunk->runs[chunk->run_count++] = *run;
    s->state->runs++;
    return PEN_OK;
}

static bool is_all_space(struct pen_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!pen_json_is_space(text.ptr[i]))
            return false;
    return true;
}

/* ---- values one behind the other ---- */

/* Behind the last container: whole scalars, and white space. */
static size_t cut_behind_scalars(const struct splitting *s, size_t cut)
{
    const char *end = s->text.ptr + s->text.len;
    struct pen_json_skip skip;
    for (;;) {
        pen_json_skip_init(&skip, s->text.ptr + cut, end, false);
        skip.is_escape_free = s->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH;
        enum pen_json_status status = pen_json_skip_run(&skip);
        if (status == PEN_JSON_MORE)
            return cut;
        if (status != PEN_JSON_DONE)
            return s->text.len; /* convert meets the error */
        cut = (size_t)(skip.at - s->text.ptr);
    }
}

/* No record ends in a long text: is it a long record, or is something wrong with it? */
static bool is_broken(struct splitting *s)
{
    size_t known = s->state->checked_bytes < CHECK_BYTES ? CHECK_BYTES : s->state->checked_bytes;
    if (s->text.len < 2 * known)
        return false;
    s->state->checked_bytes = s->text.len;
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, s->text.ptr, s->text.ptr + s->text.len, false);
    skip.is_escape_free = s->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH;
    enum pen_json_status status = pen_json_skip_run(&skip);
    return status == PEN_JSON_BAD || status == PEN_JSON_TOO_DEEP;
}

static size_t find_cut(struct splitting *s)
{
    if (s->is_eof)
        return s->text.len;
    struct pen_json_scan scan = pen_json_scan(s->text);
    if (scan.close != SIZE_MAX)
        return scan.close + 1; /* convert meets the error */
    size_t cut = scan.is_inside ? scan.cut : cut_behind_scalars(s, scan.cut);
    if (cut > 0) {
        s->state->checked_bytes = 0;
        return cut;
    }
    return is_all_space(s->text) || is_broken(s) ? s->text.len : 0;
}

static enum pen_code split_values(struct splitting *s)
{
    s->at = find_cut(s);
    const struct pen_json_run run = {.kind = PEN_JSON_RUN_VALUES, .end = s->at};
    return s->at == 0 ? PEN_OK : add_run(s, &run);
}

/* ---- elements of an array ---- */

/* The skipper stopped early: more text, or an error. *ret_stop: this call of split is over. */
static enum pen_code stop_or_fail(struct splitting *s, const struct pen_json_skip *skip,
                                  enum pen_json_status status, bool *ret_stop)
{
    *ret_stop = true;
    size_t at = (size_t)(skip->at - s->text.ptr);
    if (status == PEN_JSON_MORE && !s->is_eof)
        return PEN_OK;
    return fail_at(s, status == PEN_JSON_MORE ? s->text.len : at,
                   status == PEN_JSON_MORE ? "unexpected end" : skip->problem);
}

/* A top-level value that has no array for us is rejected as a whole. `skip` stands in it. */
static enum pen_code reject_value(struct splitting *s, struct pen_json_skip *skip,
                                  struct pen_json_run *run, bool *ret_stop)
{
    if (run->kind == PEN_JSON_RUN_NO_ARRAY) {
        run->found = pen_json_type_word(skip->at, skip->end);
        enum pen_json_status status = pen_json_skip_run(skip);
        if (status != PEN_JSON_DONE)
            return stop_or_fail(s, skip, status, ret_stop);
    }
    s->at = run->end = (size_t)(skip->at - s->text.ptr);
    return add_run(s, run);
}

/* From a top-level value into its array. */
static enum pen_code enter_array(struct splitting *s, bool *ret_stop)
{
    struct pen_json_run run = {.kind = PEN_JSON_RUN_NO_ROOT, .start = s->at};
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, s->text.ptr + s->at, s->text.ptr + s->text.len, s->is_eof);
    skip.is_escape_free = s->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH;
    enum pen_json_found found = pen_json_seek(&skip, &s->parser->root);
    if (found == PEN_JSON_FIND_MORE)
        return stop_or_fail(s, &skip, PEN_JSON_MORE, ret_stop);
    if (found == PEN_JSON_FIND_BAD)
        return stop_or_fail(s, &skip, PEN_JSON_BAD, ret_stop);
    if (found == PEN_JSON_FOUND && *skip.at != '[')
        run.kind = PEN_JSON_RUN_NO_ARRAY;
    if (found == PEN_JSON_ABSENT || run.kind == PEN_JSON_RUN_NO_ARRAY)
        return reject_value(s, &skip, &run, ret_stop);
    s->at = (size_t)(skip.at - s->text.ptr) + 1;
    s->state->outer = skip;
    s->state->outer.expect = PEN_JSON_WANT_NEXT; /* behind the array */
    s->state->phase = PEN_JSON_IN_ARRAY;
    s->state->is_first_element = true;
    return PEN_OK;
}

static enum pen_code at_top(struct splitting *s, bool *ret_stop)
{
    while (s->at < s->text.len && pen_json_is_space(s->text.ptr[s->at]))
        s->at++;
    if (s->at < s->text.len)
        return enter_array(s, ret_stop);
    *ret_stop = true;
    return PEN_OK;
}

/* Elements that are no containers, behind the last one that is. */
static size_t cut_behind_elements(const struct splitting *s, size_t cut)
{
    struct pen_json_skip skip;
    pen_json_skip_init(&skip, s->text.ptr + cut, s->text.ptr + s->text.len, false);
    skip.is_escape_free = s->parser->escapes != PEN_JSON_ESCAPES_PASSTHROUGH;
    skip.depth = 1;
    skip.is_object[0] = 0;
    skip.expect =
        cut == s->at && s->state->is_first_element ? PEN_JSON_WANT_FIRST_VALUE : PEN_JSON_WANT_NEXT;
    for (;;) {
        const char *before = skip.at;
        if (pen_json_skip_token(&skip) != PEN_JSON_MORE)
            return s->text.len; /* convert meets the error */
        if (skip.at == before)
            return cut;
        if (skip.depth == 1 && skip.expect == PEN_JSON_WANT_NEXT)
            cut = (size_t)(skip.at - s->text.ptr);
    }
}

static enum pen_code in_array(struct splitting *s, bool *ret_stop)
{
    struct pen_json_scan scan = pen_json_scan(pen_slice_skip(s->text, s->at));
    struct pen_json_run run = {.kind = PEN_JSON_RUN_ELEMENTS,
                               .start = s->at,
                               .end = s->at + scan.cut,
                               .is_first = s->state->is_first_element};
    *ret_stop = scan.close == SIZE_MAX;
    if (scan.close != SIZE_MAX) {
        run.end = s->at + scan.close;
        s->at = run.end + 1;
        if (s->text.ptr[run.end] != ']')
            run.end++; /* convert meets the error */
        s->state->phase = s->state->outer.depth > 0 ? PEN_JSON_IN_TAIL : PEN_JSON_AT_TOP;
    } else if (s->is_eof) {
        run.is_cut_off = true;
        s->at = run.end = s->text.len;
    } else {
        if (!scan.is_inside)
            run.end = cut_behind_elements(s, run.end);
        s->at = run.end;
    }
    s->state->is_first_element &= run.end == run.start;
    bool is_empty = is_all_space(pen_slice(s->text.ptr + run.start, run.end - run.start));
    return is_empty && !run.is_cut_off ? PEN_OK : add_run(s, &run);
}

/* What surrounds the array: checked and dropped. */
static enum pen_code in_tail(struct splitting *s, bool *ret_stop)
{
    struct pen_json_skip *skip = &s->state->outer;
    skip->at = s->text.ptr + s->at;
    skip->end = s->text.ptr + s->text.len;
    skip->is_eof = s->is_eof;
    enum pen_json_status status = pen_json_skip_run(skip);
    s->at = (size_t)(skip->at - s->text.ptr);
    if (status != PEN_JSON_DONE)
        return stop_or_fail(s, skip, status, ret_stop);
    s->state->phase = PEN_JSON_AT_TOP;
    return PEN_OK;
}

static enum pen_code split_elements(struct splitting *s)
{
    bool is_stopped = false;
    while (!is_stopped) {
        switch (s->state->phase) {
        case PEN_JSON_AT_TOP:
            PEN_TRY(at_top(s, &is_stopped));
            break;
        case PEN_JSON_IN_ARRAY:
            PEN_TRY(in_array(s, &is_stopped));
            break;
        case PEN_JSON_IN_TAIL:
            PEN_TRY(in_tail(s, &is_stopped));
            break;
        }
    }
    return PEN_OK;
}

static void reset_chunk(struct splitting *s)
{
    struct pen_json_chunk *chunk = s->chunk;
    chunk->run_count = chunk->run_at = chunk->at = chunk->line_at = 0;
    chunk->run = (struct pen_json_run){0};
    chunk->records = 0;
    chunk->is_comma_due = false;
    chunk->is_after_other_runs = s->state->runs > 0;
    chunk->base_line = chunk->line = s->state->line;
    chunk->base_offset = offset_of(s, 0);
}

enum pen_code pen_json_split(struct pen_parse_stream *stream, struct pen_chunk *chunk, bool is_eof,
                             size_t *ret_used, struct pen_error *err)
{
    struct splitting s = {
        .stream = stream,
        .parser = pen_json_parser_of(stream->parse),
        .state = stream->state,
        .chunk = chunk->state,
        .text = pen_slice(chunk->len == 0 ? "" : chunk->text, chunk->len),
        .is_eof = is_eof,
        .err = err,
    };
    chunk->object = stream->object;
    chunk->etag = stream->etag;
    chunk->object_index = stream->object_index;
    chunk->rejects = stream->rejects;
    if (s.state->line == 0)
        s.state->line = 1;
    reset_chunk(&s);
    PEN_TRY(s.parser->is_flat ? split_elements(&s) : split_values(&s));
    s.state->line += pen_json_lines(pen_slice(s.text.ptr, s.at));
    s.state->used_bytes += s.at;
    *ret_used = s.at;
    return PEN_OK;
}
