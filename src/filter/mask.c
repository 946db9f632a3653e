/* mask.c - hides the middle of texts: the first and last characters stay, each of the others
 * becomes one character. Ours; the original has no such filter.
 *
 *     "4111222233334444" --first: 0, last: 4, character: "*"--> "************4444"
 *
 * A text that is not longer than what would stay is hidden wholly: it would be shown wholly
 * otherwise. Characters are code points. Nulls stay null. */
#include "filter/filter_reject.h"

struct masked {
    char *name, *character;
    int64_t first, last;
    size_t column;
};

struct mask {
    const struct pen_node *columns_node;
    struct masked *columns;
    size_t count;
};

static const struct pen_option column_options[] = {
    {.key = "name",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct masked, name),
     .is_required = true,
     .help = "string column to mask"},
    {.key = "first",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct masked, first),
     .default_text = "0",
     .help = "characters that stay at the start"},
    {.key = "last",
     .kind = PEN_OPTION_INT,
     .offset = offsetof(struct masked, last),
     .default_text = "0",
     .help = "characters that stay at the end"},
    {.key = "character",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct masked, character),
     .default_text = "*",
     .help = "what each other character becomes"},
    {.key = NULL},
};

static const struct pen_option options[] = {
    {.key = "columns",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct mask, columns_node),
     .is_required = true,
     .help = "string columns to mask",
     .entries = column_options},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* In valid UTF-8 every character has one byte that is no continuation. */
static bool is_start(char byte)
{
    return ((unsigned char)byte & 0xC0) != 0x80;
}

static size_t count_characters(struct pen_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += is_start(text.ptr[i]);
    return count;
}

/* The bytes of the first `characters` (there are more). */
static size_t head_bytes(struct pen_slice text, size_t characters)
{
    size_t at = 0;
    for (size_t seen = 0; !is_start(text.ptr[at]) || seen++ < characters;)
        at++;
    return at;
}

/* The bytes of the last `characters` (there are more). */
static size_t tail_bytes(struct pen_slice text, size_t characters)
{
    size_t at = text.len;
    for (size_t seen = 0; seen < characters;)
        seen += is_start(text.ptr[--at]);
    return text.len - at;
}

static enum pen_code check_column(const struct pen_filter *filter, const struct pen_node *item,
                                  const struct masked *column, struct pen_error *err)
{
    if (column->first < 0 || column->last < 0 || column->first > INT32_MAX ||
        column->last > INT32_MAX)
        return pen_fail_at(&filter->bind, item, err,
                           "'first' and 'last' must be between 0 and 2147483647");
    if (count_characters(pen_slice_str(column->character)) != 1)
        return pen_fail_at(&filter->bind, item, err, "'character' must be one character");
    return PEN_OK;
}

static enum pen_code mask_open(struct pen_filter *filter, struct pen_error *err)
{
    struct mask *mask = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, mask, &filter->bind, err));
    const struct pen_node *list = mask->columns_node, *item = list->first;
    PEN_TRY(pen_options_bind_list(column_options, list, "columns", sizeof *mask->columns,
                                  &filter->bind, &mask->columns, err));
    mask->count = list->count;
    for (size_t i = 0; i < mask->count; i++, item = item->next)
        PEN_TRY(check_column(filter, item, &mask->columns[i], err));
    return PEN_OK;
}

static enum pen_code mask_plan(struct pen_filter *filter, const struct pen_schema *in,
                               struct pen_schema *ret_out, struct pen_error *err)
{
    struct mask *mask = filter->state;
    const struct pen_node *item = mask->columns_node->first;
    for (size_t i = 0; i < mask->count; i++, item = item->next) {
        struct masked *column = &mask->columns[i];
        column->column = pen_schema_find(in, pen_slice_str(column->name));
        if (column->column == SIZE_MAX)
            return pen_filter_fail_column(filter, item, in, pen_slice_str(column->name), err,
                                          "mask: column '%s' is not found", column->name);
        if (in->fields[column->column].type != PEN_TYPE_STRING)
            return pen_fail_at(&filter->bind, item, err,
                               "mask: column '%s' must be string but it is %s", column->name,
                               pen_type_name(in->fields[column->column].type));
    }
    return pen_schema_copy(in, ret_out, err);
}

/* text: not empty. Writes the masked text to the batch's arena. */
static enum pen_code mask_text(const struct masked *column, struct pen_slice text,
                               struct pen_arena *arena, struct pen_string *ret_value,
                               struct pen_error *err)
{
    size_t count = count_characters(text), width = strlen(column->character);
    size_t first = (size_t)column->first, last = (size_t)column->last;
    if (count <= first + last)
        first = last = 0;
    size_t head = head_bytes(text, first), tail = tail_bytes(text, last);
    size_t hidden = (count - first - last) * width;
    char *out = pen_arena_alloc(arena, head + hidden + tail);
    if (out == NULL)
        return pen_fail_nomem(err);
    memcpy(out, text.ptr, head);
    if (width == 1)
        memset(out + head, column->character[0], hidden);
    for (size_t i = 0; width > 1 && i < hidden; i += width)
        memcpy(out + head + i, column->character, width);
    memcpy(out + head + hidden, text.ptr + text.len - tail, tail);
    *ret_value = pen_string_make(out, head + hidden + tail);
    return PEN_OK;
}

static enum pen_code mask_column(const struct masked *column, struct pen_batch *batch,
                                 struct pen_error *err)
{
    const struct pen_column from = batch->columns[column->column];
    struct pen_column into;
    PEN_TRY(pen_batch_new_column(batch, PEN_TYPE_STRING, &into, err));
    for (size_t row = 0; row < batch->rows; row++) {
        if (!pen_column_is_valid(&from, row))
            continue;
        struct pen_string *value = &pen_column_strings(&into)[row];
        *value = pen_column_strings(&from)[row];
        pen_column_set_valid(&into, row, true);
        struct pen_slice text = pen_string_slice(&pen_column_strings(&from)[row]);
        if (text.len > 0)
            PEN_TRY(mask_text(column, text, &batch->arena, value, err));
    }
    batch->columns[column->column] = into;
    return PEN_OK;
}

static enum pen_code mask_apply(struct pen_filter_local *local, struct pen_batch *batch,
                                struct pen_error *err)
{
    const struct mask *mask = local->filter->state;
    for (size_t i = 0; i < mask->count; i++)
        PEN_TRY(mask_column(&mask->columns[i], batch, err));
    return PEN_OK;
}

static void mask_close(struct pen_filter *filter)
{
    (void)filter; /* everything is in the arena */
}

const struct pen_filter_type pen_filter_mask = {
    .info = {.name = "mask",
             .summary = "hides texts but for their first and last characters",
             .options = options,
             .example = "columns:\n  - {name: card, last: 4}\n",
             .state_size = sizeof(struct mask)},
    .open = mask_open,
    .plan = mask_plan,
    .local_open = pen_filter_none_open,
    .local_close = pen_filter_none_close,
    .apply = mask_apply,
    .close = mask_close,
};
