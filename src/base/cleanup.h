/* cleanup.h - scope cleanup: a local is released when it leaves scope, whichever way.
 *     PEN_CLEANUP(pen_buf_release) struct pen_buf text = ...;
 *     PEN_CLEANUP(pen_schema_free_p) struct pen_schema *s = NULL;
 *     *ret_schema = PEN_TAKE(s);            // hands it on; s becomes NULL
 * Every destructor accepts NULL and half-built objects. */
#ifndef PEN_BASE_CLEANUP_H
#define PEN_BASE_CLEANUP_H

#include <stddef.h>

#define PEN_CLEANUP(destructor) __attribute__((cleanup(destructor)))

/* The one statement expression of the tree: reads a pointer and leaves NULL behind. */
#define PEN_TAKE(pointer)                                                                          \
    __extension__({                                                                                \
        __typeof__(pointer) pen_taken_ = (pointer);                                                \
        (pointer) = NULL;                                                                          \
        pen_taken_;                                                                                \
    })

/* PEN_DEFINE_FREE_P - makes `<name>_p(T **)` from `<name>(T *)`, for PEN_CLEANUP. */
#define PEN_DEFINE_FREE_P(type, name)                                                              \
    static inline void name##_p(type *pointer)                                                     \
    {                                                                                              \
        name(*pointer);                                                                            \
        *pointer = NULL;                                                                           \
    }

/* pen_free_p - frees a malloc'ed pointer variable of any type and clears it. */
void pen_free_p(void *pointer_variable);

#endif
