/* sample.h - objects of a source --first with enough bytes--> one buffer of raw bytes.
 * Shared by guess and preview, so that both look at the same bytes (spec/guess.md 1 and 9). */
#ifndef PEN_GUESS_SAMPLE_H
#define PEN_GUESS_SAMPLE_H

#include "source/source.h"

/* The default of exec.guess_sample_buffer_bytes and exec.preview_sample_buffer_bytes. */
#define PEN_SAMPLE_BYTES 32768

/* An object with at least so many bytes ends the search. */
#define PEN_SAMPLE_LEAST_BYTES 40

struct pen_sample {
    struct pen_object object; /* texts live in the arena */
    struct pen_buf bytes;     /* its first bytes, as stored */
    struct pen_buf place;     /* "s3://bucket/key" or the path */
    bool is_whole;            /* bytes is the complete object */
};

/* pen_sample_release - frees the buffers; half-built samples are fine. */
void pen_sample_release(struct pen_sample *sample);

/* pen_sample_size - reads `key` of the exec mapping (NULL: defaults).
 * errors: PEN_ERR_CONFIG not a number, or not greater than PEN_SAMPLE_LEAST_BYTES. */
PEN_MUST_USE enum pen_code pen_sample_size(const struct pen_node *exec, const char *key,
                                           const struct pen_bind *bind, size_t *ret_bytes,
                                           struct pen_error *err);

/* pen_sample_take - lists until an object is chosen, and reads its first `most` bytes.
 * in:     source is open; arena keeps the object's texts. *ret_sample is overwritten.
 * out:    the first object with at least PEN_SAMPLE_LEAST_BYTES, else the largest non-empty one;
 *         the listing stops as soon as that is decided.
 * errors: PEN_ERR_NOT_FOUND "No input files to read sample data" or "All input files are empty";
 *         what the source reports. */
PEN_MUST_USE enum pen_code pen_sample_take(struct pen_source *source, size_t most,
                                           struct pen_arena *arena, struct pen_sample *ret_sample,
                                           struct pen_error *err);

#endif
