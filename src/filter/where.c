/* where.c - keeps the rows for which all conditions of `all` and at least one of `any` hold; the
 * others are dropped on purpose and counted as filtered. Ours; the original has no such filter.
 *
 *     row --{column, operator, value} ...--> kept | filtered_rows + 1
 *
 * As in SQL, a comparison with null does not hold, whatever the operator; is_null and is_not_null
 * ask for null. Texts compare by bytes. */
#include "filter/filter_reject.h"
#include "filter/node_value.h"

#include "tz/time_options.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>

enum op { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, IN, MATCHES, NUL, NOT_NUL };
static const char *const operator_names[] = {
    "==", "!=", "<", "<=", ">", ">=", "in", "matches", "is_null", "is_not_null", NULL};

struct condition {
    char *name;
    int op;
    const struct pen_node *node; /* value */
    size_t column;
    enum pen_type type;
    struct pen_node_value *values; /* in the configuration's arena */
    size_t count;
    pcre2_code *regex;
};

struct where {
    const struct pen_node *all, *any;
    struct pen_time_words times;
    struct pen_time_format *format;
    struct condition *conditions; /* those of `all`, then those of `any` */
    size_t count, all_count;
};

static const struct pen_option condition_options[] = {
    {.key = "column",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct condition, name),
     .is_required = true,
     .help = "the column to look at"},
    {.key = "operator",
     .kind = PEN_OPTION_ENUM,
     .offset = offsetof(struct condition, op),
     .default_text = "==",
     .choices = operator_names,
     .help = "how to compare"},
    {.key = "value",
     .kind = PEN_OPTION_NODE,
     .offset = offsetof(struct condition, node),
     .help = "what to compare with; a list for `in`"},
    {.key = NULL},
};

static const struct pen_option options[] = {
    {.key = "all",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct where, all),
     .help = "conditions that must all hold",
     .entries = condition_options},
    {.key = "any",
     .kind = PEN_OPTION_LIST,
     .offset = offsetof(struct where, any),
     .help = "conditions of which at least one must hold",
     .entries = condition_options},
    {.key = "timestamp_format",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct where, times.format),
     .default_text = "%Y-%m-%d %H:%M:%S %z",
     .help = "how values for timestamp columns are written"},
    {.key = "timezone",
     .kind = PEN_OPTION_TEXT,
     .offset = offsetof(struct where, times.timezone),
     .default_text = "UTC",
     .help = "zone of such values that say none"},
    {.key = NULL},
};

static const char *const also[] = {"type", NULL};

/* --- configuration ---------------------------------------------------------------------------- */

static enum pen_code add_conditions(struct pen_filter *filter, const struct pen_node *list,
                                    const char *name, struct pen_error *err)
{
    struct where *where = filter->state;
    if (list == NULL)
        return PEN_OK;
    if (list->count == 0)
        return pen_fail_at(&filter->bind, list, err, "'%s' must be a list of conditions", name);
    struct condition *conditions = NULL;
    PEN_TRY(pen_options_bind_list(condition_options, list, name, sizeof *conditions, &filter->bind,
                                  &conditions, err));
    memcpy(where->conditions + where->count, conditions, list->count * sizeof *conditions);
    where->count += list->count;
    return PEN_OK;
}

static enum pen_code where_open(struct pen_filter *filter, struct pen_error *err)
{
    struct where *where = filter->state;
    PEN_TRY(pen_options_bind(options, filter->config, "filters", also, where, &filter->bind, err));
    if (where->all == NULL && where->any == NULL)
        return pen_fail_at(&filter->bind, filter->config, err, "where needs 'all' or 'any'");
    PEN_TRY(pen_time_words_compile(where->times, NULL, filter->config, &filter->bind,
                                   &where->format, err));
    size_t count =
        (where->all == NULL ? 0 : where->all->count) + (where->any == NULL ? 0 : where->any->count);
    where->conditions = calloc(count + 1, sizeof *where->conditions);
    if (where->conditions == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(add_conditions(filter, where->all, "all", err));
    where->all_count = where->count;
    return add_conditions(filter, where->any, "any", err);
}

static enum pen_code compile_regex(const struct pen_filter *filter, struct condition *condition,
                                   struct pen_error *err)
{
    int code = 0;
    PCRE2_SIZE offset = 0;
    const struct pen_node *node = condition->node;
    if (condition->type != PEN_TYPE_STRING)
        return pen_fail_at(&filter->bind, node, err, "where: 'matches' needs a string column");
    if (node->kind == PEN_NODE_LIST || node->kind == PEN_NODE_MAP || node->text.ptr == NULL)
        return pen_fail_at(&filter->bind, node, err, "where: 'matches' needs a text");
    condition->regex =
        pcre2_compile((PCRE2_SPTR)node->text.ptr, node->text.len, PCRE2_UTF, &code, &offset, NULL);
    if (condition->regex != NULL)
        return PEN_OK;
    PCRE2_UCHAR reason[128];
    (void)pcre2_get_error_message(code, reason, sizeof reason); /* cut at worst */
    return pen_fail_at(&filter->bind, node, err, "bad regular expression near index %zu: %s",
                       offset, (const char *)reason);
}

static enum pen_code read_values(const struct pen_filter *filter, struct condition *condition,
                                 struct pen_error *err)
{
    const struct where *where = filter->state;
    const struct pen_node *node = condition->node;
    bool is_list = condition->op == IN;
    if (is_list != (node->kind == PEN_NODE_LIST))
        return pen_fail_at(&filter->bind, node, err, "where: 'value' must be %s for '%s'",
                           is_list ? "a list" : "one value", operator_names[condition->op]);
    const struct pen_node *item = is_list ? node->first : node;
    size_t count = is_list ? node->count : 1;
    condition->values =
        pen_arena_alloc(filter->bind.arena, (count + 1) * sizeof(struct pen_node_value));
    if (condition->values == NULL)
        return pen_fail_nomem(err);
    for (; condition->count < count; condition->count++, item = is_list ? item->next : item)
        if (condition->type == PEN_TYPE_JSON ||
            !pen_node_value_read(item, condition->type, where->format, filter->bind.arena,
                                 &condition->values[condition->count]))
            return pen_fail_at(&filter->bind, item, err,
                               "where: value '%.*s' cannot be compared with column '%s' (%s)",
                               PEN_ARG(item->text), condition->name,
                               pen_type_name(condition->type));
    return PEN_OK;
}

static enum pen_code plan_condition(struct pen_filter *filter, struct condition *condition,
                                    const struct pen_node *item, const struct pen_schema *in,
                                    struct pen_error *err)
{
    condition->column = pen_schema_find(in, pen_slice_str(condition->name));
    if (condition->column == SIZE_MAX)
        return pen_filter_fail_column(filter, item, in, pen_slice_str(condition->name), err,
                                      "where: column '%s' is not found", condition->name);
    condition->type = in->fields[condition->column].type;
    bool is_null_test = condition->op == NUL || condition->op == NOT_NUL;
    if (is_null_test != (condition->node == NULL))
        return pen_fail_at(&filter->bind, item, err, "where: operator '%s' %s a 'value'",
                           operator_names[condition->op], is_null_test ? "does not take" : "needs");
    if (is_null_test)
        return PEN_OK;
    return condition->op == MATCHES ? compile_regex(filter, condition, err)
                                    : read_values(filter, condition, err);
}

static enum pen_code where_plan(struct pen_filter *filter, const struct pen_schema *in,
                                struct pen_schema *ret_out, struct pen_error *err)
{
    struct where *where = filter->state;
    const struct pen_node *item = where->all == NULL ? NULL : where->all->first;
    for (size_t i = 0; i < where->count; i++, item = item == NULL ? NULL : item->next) {
        if (i == where->all_count)
            item = where->any->first;
        assert(item != NULL); /* there is one entry a condition */
        PEN_TRY(plan_condition(filter, &where->conditions[i], item, in, err));
    }
    return pen_schema_copy(in, ret_out, err);
}

static void where_close(struct pen_filter *filter)
{
    struct where *where = filter->state;
    for (size_t i = 0; i < where->count; i++)
        pcre2_code_free(where->conditions[i].regex);
    free(where->conditions);
    pen_time_format_free(where->format);
}

/* --- batches ---------------------------------------------------------------------------------- */

struct local {
    pcre2_match_data *match;
};

static enum pen_code where_local_open(struct pen_filter_local *filter_local, struct pen_error *err)
{
    struct local *local = filter_local->state;
    local->match = pcre2_match_data_create(1, NULL);
    return local->match == NULL ? pen_fail_nomem(err) : PEN_OK;
}

static void where_local_close(struct pen_filter_local *filter_local)
{
    pcre2_match_data_free(((struct local *)filter_local->state)->match);
}

/* -1, 0, 1; 2 when they have no order (NaN). */
static int compare(const struct pen_column *column, size_t row, const struct pen_node_value *value)
{
    int64_t integer = 0;
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        integer = pen_column_booleans(column)[row];
        break;
    case PEN_TYPE_LONG:
        integer = pen_column_longs(column)[row];
        break;
    case PEN_TYPE_TIMESTAMP:
        integer = pen_column_longs(column)[row];
        if (integer == value->integer)
            return (column->nanos[row] > value->ns) - (column->nanos[row] < value->ns);
        break;
    case PEN_TYPE_DOUBLE: {
        double number = pen_column_doubles(column)[row];
        int order = (number > value->number) - (number < value->number);
        return order == 0 && !(number >= value->number) ? 2 : order;
    }
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        integer =
            pen_slice_compare(pen_string_slice(&pen_column_strings(column)[row]), value->text);
        return (integer > 0) - (integer < 0);
    }
    return (integer > value->integer) - (integer < value->integer);
}

static bool is_in(const struct condition *condition, const struct pen_column *column, size_t row)
{
    for (size_t i = 0; i < condition->count; i++)
        if (compare(column, row, &condition->values[i]) == 0)
            return true;
    return false;
}

/* 1: it holds, 0: it does not, -1: the regular expression gave up. */
static int holds(const struct condition *condition, const struct local *local,
                 const struct pen_column *column, size_t row)
{
    bool is_valid = pen_column_is_valid(column, row);
    if (condition->op == NUL || condition->op == NOT_NUL)
        return is_valid == (condition->op == NOT_NUL);
    if (!is_valid)
        return 0;
    if (condition->op == IN)
        return is_in(condition, column, row);
    if (condition->op == MATCHES) {
        struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
        int result = pcre2_match(condition->regex, (PCRE2_SPTR)(text.len == 0 ? "" : text.ptr),
                                 text.len, 0, PCRE2_NO_UTF_CHECK, local->match, NULL);
        if (result >= 0 || result == PCRE2_ERROR_NOMATCH)
            return result >= 0;
        return -1;
    }
    int order = compare(column, row, &condition->values[0]);
    switch ((enum op)condition->op) {
    case EQUAL:
        return order == 0;
    case UNEQUAL:
        return order != 0;
    case LESS:
        return order == -1;
    case LESS_EQUAL:
        return order <= 0;
    case GREATER:
        return order == 1;
    case GREATER_EQUAL:
        return order == 0 || order == 1;
    case IN:
    case MATCHES:
    case NUL:
    case NOT_NUL:
        break;
    }
    return 0;
}

static int keeps(const struct where *where, const struct local *local,
                 const struct pen_batch *batch, size_t row)
{
    for (size_t i = 0; i < where->all_count; i++) {
        const struct condition *condition = &where->conditions[i];
        int result = holds(condition, local, &batch->columns[condition->column], row);
        if (result != 1)
            return result;
    }
    if (where->count == where->all_count)
        return 1;
    for (size_t i = where->all_count; i < where->count; i++) {
        const struct condition *condition = &where->conditions[i];
        int result = holds(condition, local, &batch->columns[condition->column], row);
        if (result != 0)
            return result;
    }
    return 0;
}

static enum pen_code where_apply(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                 struct pen_error *err)
{
    const struct where *where = filter_local->filter->state;
    struct pen_keep keep;
    pen_keep_all(&keep);
    for (size_t row = 0; row < batch->rows; row++) {
        int result = keeps(where, filter_local->state, batch, row);
        if (result < 0) {
            struct pen_slice reason = PEN_LIT("the regular expression gave up on this value");
            const struct pen_filter_problem problem = {NULL, "match_limit", reason};
            PEN_TRY(pen_filter_reject(filter_local, batch, row, &problem, &keep, err));
        } else if (result == 0) {
            pen_keep_drop(&keep, row);
            filter_local->filtered_rows++;
        }
    }
    pen_batch_keep(batch, keep.bits);
    return PEN_OK;
}

const struct pen_filter_type pen_filter_where = {
    .info = {.name = "where",
             .summary = "keeps the rows for which conditions hold",
             .options = options,
             .example = "all:\n  - {column: status, operator: \">=\", value: 200}\n",
             .state_size = sizeof(struct where)},
    .local_size = sizeof(struct local),
    .open = where_open,
    .plan = where_plan,
    .local_open = where_local_open,
    .local_close = where_local_close,
    .apply = where_apply,
    .close = where_close,
};
