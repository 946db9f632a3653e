#include "filter/filter.h"

#include <stdlib.h>

enum pen_code pen_filter_new(const struct pen_filter_type *type, const struct pen_node *config,
                             const struct pen_bind *bind, int64_t started_us,
                             const struct pen_schema *in, struct pen_filter **ret_filter,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_filter_free_p) struct pen_filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL)
        return pen_fail_nomem(err);
    filter->type = type;
    filter->config = config;
    filter->bind = *bind;
    filter->started_us = started_us;
    filter->state = calloc(1, type->info.state_size > 0 ? type->info.state_size : 1);
    if (filter->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_schema_copy(in, &filter->in, err));
    PEN_TRY(type->open(filter, err));
    PEN_TRY(type->plan(filter, in, &filter->out, err));
    *ret_filter = PEN_TAKE(filter);
    return PEN_OK;
}

void pen_filter_free(struct pen_filter *filter)
{
    if (filter == NULL)
        return;
    if (filter->state != NULL)
        filter->type->close(filter);
    pen_schema_clear(&filter->in);
    pen_schema_clear(&filter->out);
    free(filter->state);
    free(filter);
}

enum pen_code pen_filter_local_new(const struct pen_filter *filter, struct pen_reject_sink *rejects,
                                   struct pen_filter_local **ret_local, struct pen_error *err)
{
    PEN_CLEANUP(pen_filter_local_free_p) struct pen_filter_local *local = calloc(1, sizeof *local);
    if (local == NULL)
        return pen_fail_nomem(err);
    local->filter = filter;
    local->rejects = rejects;
    local->state = calloc(1, filter->type->local_size > 0 ? filter->type->local_size : 1);
    if (local->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(filter->type->local_open(local, err));
    *ret_local = PEN_TAKE(local);
    return PEN_OK;
}

void pen_filter_local_free(struct pen_filter_local *local)
{
    if (local == NULL)
        return;
    if (local->state != NULL)
        local->filter->type->local_close(local);
    free(local->state);
    free(local);
}

enum pen_code pen_filter_none_open(struct pen_filter_local *local, struct pen_error *err)
{
    (void)local; /* nothing to set up */
    (void)err;
    return PEN_OK;
}

void pen_filter_none_close(struct pen_filter_local *local)
{
    (void)local; /* nothing to free */
}
