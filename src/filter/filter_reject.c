#include "filter/filter_reject.h"

#include "conf/suggest.h"

#include <stdarg.h>
#include <stdio.h>

enum pen_code pen_filter_reject(struct pen_filter_local *local, const struct pen_batch *batch,
                                size_t row, const struct pen_filter_problem *problem,
                                struct pen_keep *keep, struct pen_error *err)
{
    if (!pen_keep_has(keep, row))
        return PEN_OK;
    pen_keep_drop(keep, row);
    const struct pen_origin *origin = pen_batch_origin(batch, row);
    struct pen_reject rejected = {
        .object = origin->object,
        .object_index = origin->object_index,
        .line = pen_batch_line(batch, row),
        .offset = origin->base_offset + batch->row_start[row],
        .step = local->filter->type->info.name,
        .column = problem->column,
        .code = problem->code,
        .reason = problem->reason,
        .raw = pen_batch_raw(batch, row),
    };
    return local->rejects->report(local->rejects, &rejected, err);
}

static const char *closest(const struct pen_schema *schema, struct pen_slice column)
{
    struct pen_suggest suggest = pen_suggest_start(column);
    for (size_t i = 0; i < schema->count; i++)
        pen_suggest_try(&suggest, schema->fields[i].name);
    return pen_suggest_best(&suggest);
}

enum pen_code pen_filter_fail_column(const struct pen_filter *filter, const struct pen_node *node,
                                     const struct pen_schema *schema, struct pen_slice column,
                                     struct pen_error *err, const char *format, ...)
{
    char message[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args); /* error texts are cut */
    va_end(args);
    (void)pen_fail_at(&filter->bind, node, err, "%s", message);
    const char *close = closest(schema, column);
    if (close != NULL)
        pen_error_hint(err, "did you mean '%s'?", close);
    return PEN_ERR_CONFIG;
}

void pen_filter_warn_column(const struct pen_filter *filter, const struct pen_node *node,
                            const struct pen_schema *schema, struct pen_slice column)
{
    const char *close = closest(schema, column);
    if (close == NULL)
        pen_warn_at(&filter->bind, node, "%s: column '%.*s' is not found", filter->type->info.name,
                    PEN_ARG(column));
    else
        pen_warn_at(&filter->bind, node, "%s: column '%.*s' is not found, did you mean '%s'?",
                    filter->type->info.name, PEN_ARG(column), close);
}
