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
    if (condition->regex != NULL) {
        (void)pcre2_jit_compile(condition->regex, PCRE2_JIT_COMPLETE); /* else interpreted */
        return PEN_OK;
    }
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
    for (; condition->count < count; condition->count++, item = is_list ? item->next : item) {
        bool is_value = false;
        if (condition->type != PEN_TYPE_JSON)
            PEN_TRY(pen_node_value_read(item, condition->type, where->format, filter->bind.arena,
                                        &condition->values[condition->count], &is_value, err));
        if (!is_value)
            return pen_fail_at(&filter->bind, item, err,
                               "where: value '%.*s' cannot be compared with column '%s' (%s)",
                               PEN_ARG(item->text), condition->name,
                               pen_type_name(condition->type));
    }
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

/* How a value stands to another, plus 1: less, equal, greater, without order (NaN). */
enum { LESS_BIT = 1, EQUAL_BIT = 2, GREATER_BIT = 4, UNORDERED_BIT = 8 };

static const uint8_t accepted[] = {
    [EQUAL] = EQUAL_BIT,     [UNEQUAL] = LESS_BIT | GREATER_BIT | UNORDERED_BIT,
    [LESS] = LESS_BIT,       [LESS_EQUAL] = LESS_BIT | EQUAL_BIT,
    [GREATER] = GREATER_BIT, [GREATER_EQUAL] = GREATER_BIT | EQUAL_BIT,
    [IN] = EQUAL_BIT,
};

static void order_doubles(const double *values, size_t rows, double other, uint8_t *orders)
{
    for (size_t row = 0; row < rows; row++) {
        uint8_t order = (uint8_t)(1 + (values[row] > other) - (values[row] < other));
        bool is_ordered = values[row] >= other || values[row] <= other;
        orders[row] = is_ordered ? order : 3;
    }
}

static void order_strings(const struct pen_column *column, size_t rows, struct pen_slice other,
                          uint8_t *orders)
{
    for (size_t row = 0; row < rows; row++) {
        orders[row] = 0;
        if (!pen_column_is_valid(column, row))
            continue; /* what stands there is no text */
        int order = pen_slice_compare(pen_string_slice(&pen_column_strings(column)[row]), other);
        orders[row] = (uint8_t)(1 + (order > 0) - (order < 0));
    }
}

static bool is_text(const struct pen_string *value, const struct pen_string *other)
{
    if (memcmp(value, other, 8) != 0) /* length and first bytes */
        return false;
    return other->len <= sizeof other->inlined ? memcmp(value, other, sizeof *value) == 0
                                               : memcmp(value->ptr, other->ptr, other->len) == 0;
}

/* Only whether they are equal: without order otherwise. */
static void equal_strings(const struct pen_column *column, size_t rows, struct pen_slice other,
                          uint8_t *orders)
{
    const struct pen_string text = pen_string_make(other.ptr, other.len);
    const struct pen_string *values = pen_column_strings(column);
    for (size_t row = 0; row < rows; row++) /* what stands where null is is no text */
        orders[row] = pen_column_is_valid(column, row) && is_text(&values[row], &text) ? 1 : 3;
}

/* orders[row]: of the column's value to `value`; of null any. One loop a type, without branches. */
static void order_column(const struct pen_column *column, size_t rows,
                         const struct pen_node_value *value, uint8_t *orders)
{
    const int64_t *longs = pen_column_longs(column), other = value->integer;
    const uint8_t *booleans = pen_column_booleans(column);
    switch (column->type) {
    case PEN_TYPE_BOOLEAN:
        for (size_t row = 0; row < rows; row++)
            orders[row] = (uint8_t)(1 + (booleans[row] > other) - (booleans[row] < other));
        break;
    case PEN_TYPE_LONG:
        for (size_t row = 0; row < rows; row++)
            orders[row] = (uint8_t)(1 + (longs[row] > other) - (longs[row] < other));
        break;
    case PEN_TYPE_TIMESTAMP:
        for (size_t row = 0; row < rows; row++) {
            int us = (longs[row] > other) - (longs[row] < other);
            int ns = (column->nanos[row] > value->ns) - (column->nanos[row] < value->ns);
            orders[row] = (uint8_t)(1 + (us != 0 ? us : ns));
        }
        break;
    case PEN_TYPE_DOUBLE:
        order_doubles(pen_column_doubles(column), rows, value->number, orders);
        break;
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        order_strings(column, rows, value->text, orders);
        break;
    }
}

/* Adds to `holds` the rows whose order is accepted. */
static void accept(const uint8_t *orders, size_t rows, uint8_t accepted_orders,
                   struct pen_keep *holds)
{
    for (size_t row = 0; row < rows; row++)
        holds->bits[row / 64] |= (uint64_t)((accepted_orders >> orders[row]) & 1) << (row % 64);
}

/* The compiled code's stack is small; the interpreter takes what it needs. */
static int match(const pcre2_code *regex, struct pen_slice text, const struct local *local)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.len == 0 ? "" : text.ptr);
    int result = pcre2_match(regex, subject, text.len, 0, PCRE2_NO_UTF_CHECK, local->match, NULL);
    if (result != PCRE2_ERROR_JIT_STACKLIMIT)
        return result;
    return pcre2_match(regex, subject, text.len, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, local->match,
                       NULL);
}

/* The rows of `asked` whose text matches; rows on which the regular expression gave up. */
static void match_column(const struct condition *condition, const struct local *local,
                         const struct pen_column *column, const struct pen_keep *asked,
                         struct pen_keep *holds, struct pen_keep *gave_up)
{
    for (size_t word = 0; word < PEN_BATCH_ROWS / 64; word++) {
        for (uint64_t left = asked->bits[word]; left != 0; left &= left - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(left);
            struct pen_slice text = pen_string_slice(&pen_column_strings(column)[row]);
            int result = match(condition->regex, text, local);
            uint64_t bit = left & -left;
            holds->bits[word] |= result >= 0 ? bit : 0;
            gave_up->bits[word] |= result < 0 && result != PCRE2_ERROR_NOMATCH ? bit : 0;
        }
    }
}

/* out: holds: the rows of `candidates` for which the condition holds; gave_up grows. */
static void test_condition(const struct condition *condition, const struct local *local,
                           const struct pen_batch *batch, const struct pen_keep *candidates,
                           struct pen_keep *holds, struct pen_keep *gave_up)
{
    const struct pen_column *column = &batch->columns[condition->column];
    size_t words = (batch->rows + 63) / 64;
    bool is_equality = condition->op == EQUAL || condition->op == UNEQUAL || condition->op == IN;
    struct pen_keep asked = *candidates;
    uint8_t orders[PEN_BATCH_ROWS];
    *holds = (struct pen_keep){{0}};
    for (size_t word = 0; word < words; word++)
        asked.bits[word] &= condition->op == NUL ? ~column->validity[word] : column->validity[word];
    if (condition->op == NUL || condition->op == NOT_NUL) {
        *holds = asked;
        return;
    }
    if (condition->op == MATCHES) {
        match_column(condition, local, column, &asked, holds, gave_up);
        return;
    }
    for (size_t i = 0; i < condition->count; i++) {
        if (is_equality && condition->type == PEN_TYPE_STRING)
            equal_strings(column, batch->rows, condition->values[i].text, orders);
        else
            order_column(column, batch->rows, &condition->values[i], orders);
        accept(orders, batch->rows, accepted[condition->op], holds);
    }
    for (size_t word = 0; word < words; word++)
        holds->bits[word] &= asked.bits[word];
}

/* The rows that stay; those on which a regular expression gave up are in neither. */
static void test_rows(const struct where *where, const struct local *local,
                      const struct pen_batch *batch, struct pen_keep *kept,
                      struct pen_keep *gave_up)
{
    struct pen_keep holds, left, some = {{0}};
    size_t i = 0;
    for (; i < where->all_count; i++) {
        test_condition(&where->conditions[i], local, batch, kept, &holds, gave_up);
        *kept = holds;
    }
    if (i == where->count)
        return;
    left = *kept;
    for (; i < where->count; i++) {
        test_condition(&where->conditions[i], local, batch, &left, &holds, gave_up);
        for (size_t word = 0; word < PEN_BATCH_ROWS / 64; word++) {
            some.bits[word] |= holds.bits[word];
            left.bits[word] &= ~(holds.bits[word] | gave_up->bits[word]);
        }
    }
    *kept = some;
}

static enum pen_code reject_row(struct pen_filter_local *filter_local,
                                const struct pen_batch *batch, size_t row, struct pen_keep *keep,
                                struct pen_error *err)
{
    struct pen_slice reason = PEN_LIT("the regular expression gave up on this value");
    const struct pen_filter_problem problem = {NULL, "match_limit", reason};
    return pen_filter_reject(filter_local, batch, row, &problem, keep, err);
}

static enum pen_code where_apply(struct pen_filter_local *filter_local, struct pen_batch *batch,
                                 struct pen_error *err)
{
    struct pen_keep kept = {{0}}, gave_up = {{0}}, rejecting;
    for (size_t row = 0; row < batch->rows; row += 64)
        kept.bits[row / 64] =
            batch->rows - row < 64 ? (UINT64_C(1) << (batch->rows - row)) - 1 : UINT64_MAX;
    test_rows(filter_local->filter->state, filter_local->state, batch, &kept, &gave_up);
    pen_keep_all(&rejecting);
    filter_local->filtered_rows += batch->rows;
    for (size_t word = 0; word < PEN_BATCH_ROWS / 64; word++) {
        filter_local->filtered_rows -= (uint64_t)__builtin_popcountll(kept.bits[word]);
        for (uint64_t left = gave_up.bits[word]; left != 0; left &= left - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(left);
            PEN_TRY(reject_row(filter_local, batch, row, &rejecting, err));
            filter_local->filtered_rows--;
        }
    }
    pen_batch_keep(batch, kept.bits);
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
