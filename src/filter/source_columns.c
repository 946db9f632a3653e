/* source_columns.c - appends where each row came from: _source_bucket, _source_key, _source_etag,
 * _source_line, any of them. Ours; the original has no such filter.
 *
 *     origin ("s3://bucket/key", etag, first line) --> constant texts per origin, a line per row
 *
 * Objects that are no S3 objects have no bucket (null); their key is their path. A name that is not
 * UTF-8 gives null. */
#include "filter/filter_reject.h"

#include "base/utf8.h"

enum source_column { BUCKET, KEY, ETAG, LINE, SOURCE_COLUMNS };
static const char *const words[] = {"bucket", "key", "etag", "line"};
static const char *const names[] = {"_source_bucket", "_source_key", "_source_etag",
                                    "_source_line"};

struct source_columns {
    const struct pen_node *list;
    enum source_column columns[SOURCE_COLUMNS];
    size_t count;
};

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct source_columns, list),
     .help = "any of bucket, key, etag, line; all four when not given"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

static enum pen_code add_word(struct pen_filter *filter, const struct pen_node *item,
                              struct pen_error *err)
{
    struct source_columns *state = filter->state;
    size_t column = 0;
    while (column < SOURCE_COLUMNS && !pen_slice_is(item->text, words[column]))
        column++;
    if (column == SOURCE_COLUMNS)
        return pen_fail_at(&filter->bind, item, err,
                           "source_columns: '%.*s' is none of bucket, key, etag, line",
                           PEN_ARG(item->text));
    for (size_t i = 0; i < state->count; i++)
        if (state->columns[i] == (enum source_column)column)
            return pen_fail_at(&filter->bind, item, err, "source_columns: '%s' is listed twice",
                               words[column]);
    state->columns[state->count++] = (enum source_column)column;
    return PEN_OK;
}

static enum pen_code source_open(struct pen_filter *filter, struct pen_error *err)
{
    struct source_columns *state = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, state, &filter->bind, err));
    if (state->list == NULL) {
        for (; state->count < SOURCE_COLUMNS; state->count++)
            state->columns[state->count] = (enum source_column)state->count;
        return PEN_OK;
    }
    if (state->list->count == 0)
        return pen_fail_at(&filter->bind, state->list, err, "'columns' must not be empty");
    for (const struct pen_node *item = state->list->first; item != NULL; item = item->next)
        PEN_TRY(add_word(filter, item, err));
    return PEN_OK;
}

static enum pen_code source_plan(struct pen_filter *filter, const struct pen_schema *in,
                                 struct pen_schema *ret_out, struct pen_error *err)
{
    const struct source_columns *state = filter->state;
    PEN_TRY(pen_schema_copy(in, ret_out, err));
    for (size_t i = 0; i < state->count; i++) {
        const char *name = names[state->columns[i]];
        if (pen_schema_find(in, pen_slice_str(name)) != SIZE_MAX)
            return pen_fail_at(&filter->bind, filter->config, err,
                               "source_columns: there is a column '%s' already", name);
        PEN_TRY(pen_schema_add(ret_out, pen_slice_str(name),
                               state->columns[i] == LINE ? PEN_TYPE_LONG : PEN_TYPE_STRING, NULL,
                               err));
    }
    return PEN_OK;
}

/* The text of a column for all rows of an origin; ptr NULL: null. Borrowed from the origin. */
static struct pen_slice origin_text(const struct pen_origin *origin, enum source_column column)
{
    static const char scheme[] = "s3://";
    const struct pen_slice none = {NULL, 0}, place = pen_slice_str(origin->object);
    if (column == ETAG)
        return origin->etag == NULL || origin->etag[0] == '\0' ? none : pen_slice_str(origin->etag);
    if (!pen_slice_starts(place, PEN_LIT("s3://")))
        return column == KEY ? place : none;
    struct pen_slice rest = pen_slice_skip(place, sizeof scheme - 1);
    const char *slash = rest.len == 0 ? NULL : memchr(rest.ptr, '/', rest.len);
    size_t bucket = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
    if (column == BUCKET)
        return pen_slice(rest.ptr, bucket);
    return slash == NULL ? none : pen_slice_skip(rest, bucket + 1);
}

static size_t origin_end(const struct pen_batch *batch, size_t origin)
{
    return origin + 1 < batch->origin_count ? batch->origins[origin + 1].first_row : batch->rows;
}

/* The text goes into the batch's arena once per origin: the origin's may die before the batch. */
static enum pen_code fill_text(struct pen_batch *batch, size_t index, enum source_column which,
                               struct pen_column *column, struct pen_error *err)
{
    struct pen_slice text = origin_text(&batch->origins[index], which);
    size_t row = batch->origins[index].first_row, end = origin_end(batch, index);
    if (row >= end || text.ptr == NULL || !pen_utf8_is_valid(text))
        return PEN_OK;
    const char *copy = pen_arena_copy(&batch->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    struct pen_string value = pen_string_make(copy, text.len);
    for (; row < end; row++) {
        pen_column_strings(column)[row] = value;
        pen_column_set_valid(column, row, true);
    }
    return PEN_OK;
}

/* Counts on from row to row, so that each byte of the chunk is looked at once. */
static void fill_lines(const struct pen_batch *batch, size_t index, struct pen_column *column)
{
    const struct pen_origin *origin = &batch->origins[index];
    uint64_t line = origin->base_line;
    uint32_t at = 0;
    for (size_t row = origin->first_row, end = origin_end(batch, index); row < end; row++) {
        uint32_t start = batch->row_start[row];
        line += pen_origin_lines(origin, pen_slice(origin->text + at, start - at));
        at = start;
        pen_column_longs(column)[row] = (int64_t)line;
        pen_column_set_valid(column, row, true);
    }
}

static enum pen_code source_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                  struct pen_error *err)
{
    const struct source_columns *state = local->filter->state;
    size_t old = batch->column_count, count = old + state->count;
    struct pen_column *columns = pen_arena_alloc(&batch->arena, count * sizeof *columns);
    if (columns == NULL)
        return pen_fail_nomem(err);
    if (old > 0)
        memcpy(columns, batch->columns, old * sizeof *columns);
    for (size_t i = 0; i < state->count; i++) {
        enum source_column which = state->columns[i];
        struct pen_column *column = &columns[old + i];
        PEN_TRY(pen_batch_new_column(batch, which == LINE ? PEN_TYPE_LONG : PEN_TYPE_STRING, column,
                                     err));
        for (size_t o = 0; o < batch->origin_count; o++) {
            if (which == LINE)
                fill_lines(batch, o, column);
            else
                PEN_TRY(fill_text(batch, o, which, column, err));
        }
    }
    return pen_batch_set_columns(batch, columns, count, err);
}

static void source_close(struct pen_filter *filter)
{
    (void)filter; /* nothing to free */
}

const struct pen_filter_type pen_filter_source_columns = {
    .info = {.name = "source_columns",
             .summary = "appends bucket, key, etag and line of each row",
             .options = options,
             .example = "columns: [bucket, key, line]\n",
             .state_size = sizeof(struct source_columns)},
    .open = source_open,
    .plan = source_plan,
    .local_open = pen_filter_none_open,
    .local_close = pen_filter_none_close,
    .apply = source_apply,
    .close = source_close,
};
