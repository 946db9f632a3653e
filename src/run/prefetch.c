#include "run/prefetch.h"

#include <pthread.h>
#include <stdlib.h>

struct pen_prefetch {
    struct pen_source *source;
    const struct pen_object *objects;
    size_t count, window;
    pthread_mutex_t lock; /* guards the readers and `opened` */
    struct pen_reader **readers;
    size_t opened; /* objects before this one have been opened */
};

enum pen_code pen_prefetch_new(struct pen_source *source, const struct pen_object *objects,
                               size_t count, size_t window, struct pen_prefetch **ret_prefetch,
                               struct pen_error *err)
{
    struct pen_prefetch *prefetch = calloc(1, sizeof *prefetch);
    if (prefetch == NULL)
        return pen_fail_nomem(err);
    *prefetch = (struct pen_prefetch){
        .source = source, .objects = objects, .count = count, .window = window};
    (void)pthread_mutex_init(&prefetch->lock, NULL); /* cannot fail with default attributes */
    prefetch->readers = calloc(count + 1, sizeof(struct pen_reader *));
    if (prefetch->readers == NULL) {
        pen_prefetch_free(prefetch);
        return pen_fail_nomem(err);
    }
    *ret_prefetch = prefetch;
    return PEN_OK;
}

void pen_prefetch_free(struct pen_prefetch *prefetch)
{
    if (prefetch == NULL)
        return;
    for (size_t i = 0; prefetch->readers != NULL && i < prefetch->count; i++)
        pen_reader_close(prefetch->readers[i]);
    free(prefetch->readers);
    (void)pthread_mutex_destroy(&prefetch->lock);
    free(prefetch);
}

void pen_prefetch_put(struct pen_prefetch *prefetch, size_t index, struct pen_reader *reader)
{
    prefetch->readers[index] = reader;
    if (prefetch->opened <= index)
        prefetch->opened = index + 1;
}

static enum pen_code open_until(struct pen_prefetch *prefetch, size_t end, struct pen_error *err)
{
    for (; prefetch->opened < end; prefetch->opened++) {
        size_t at = prefetch->opened;
        PEN_TRY(prefetch->source->type->read(prefetch->source, &prefetch->objects[at], 0,
                                             &prefetch->readers[at], err));
    }
    return PEN_OK;
}

enum pen_code pen_prefetch_take(struct pen_prefetch *prefetch, size_t index,
                                struct pen_reader **ret_reader, struct pen_error *err)
{
    size_t end = index + 1 + prefetch->window;
    (void)pthread_mutex_lock(&prefetch->lock);
    if (prefetch->opened < index)
        prefetch->opened = index; /* objects before it were done in an earlier attempt */
    enum pen_code code = open_until(prefetch, end < prefetch->count ? end : prefetch->count, err);
    if (code == PEN_OK && prefetch->readers[index] == NULL) /* taken before: a second attempt */
        code = prefetch->source->type->read(prefetch->source, &prefetch->objects[index], 0,
                                            &prefetch->readers[index], err);
    if (code == PEN_OK) {
        *ret_reader = prefetch->readers[index];
        prefetch->readers[index] = NULL;
    }
    (void)pthread_mutex_unlock(&prefetch->lock);
    return code;
}
