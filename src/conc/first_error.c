#include "conc/first_error.h"

void pen_first_error_note(struct pen_first_error *first, const struct pen_error *err)
{
    (void)pthread_mutex_lock(&first->lock); /* a valid mutex: cannot fail */
    if (!atomic_load(&first->has_failed) || first->err.code == PEN_ERR_CANCELLED)
        first->err = *err;
    atomic_store(&first->has_failed, true);
    (void)pthread_mutex_unlock(&first->lock);
}

enum pen_code pen_first_error_get(const struct pen_first_error *first, struct pen_error *err)
{
    if (!atomic_load(&first->has_failed))
        return PEN_OK;
    if (err != NULL)
        *err = first->err;
    return first->err.code;
}
