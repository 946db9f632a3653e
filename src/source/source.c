#include "source/source.h"

#include <stdlib.h>

enum pen_code pen_source_new(const struct pen_source_type *type, const struct pen_node *config,
                             const struct pen_source_env *env, struct pen_source **ret_source,
                             struct pen_error *err)
{
    PEN_CLEANUP(pen_source_free_p) struct pen_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return pen_fail_nomem(err);
    source->type = type;
    source->env = *env;
    source->config = config;
    source->state = calloc(1, type->info.state_size);
    if (source->state == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(type->open(source, err));
    *ret_source = PEN_TAKE(source);
    return PEN_OK;
}

void pen_source_free(struct pen_source *source)
{
    if (source == NULL)
        return;
    if (source->state != NULL)
        source->type->close(source);
    free(source->state);
    free(source);
}
