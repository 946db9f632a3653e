/* fuzz.h - what the fuzz targets share. A target defines LLVMFuzzerTestOneInput; linked with
 * libFuzzer it hunts, linked with replay.c it runs the committed corpus as a test. */
#ifndef PEN_TESTS_FUZZ_H
#define PEN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz_check - a promise that the input broke. */
#define fuzz_check(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* fuzz_take - the next byte of the input as a choice; 0 at its end. */
static inline uint8_t fuzz_take(struct pen_slice *input)
{
    if (input->len == 0)
        return 0;
    uint8_t byte = (uint8_t)*input->ptr;
    *input = pen_slice_skip(*input, 1);
    return byte;
}

#endif
