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

/* The objects that guess looks at besides the sample's own, at most. */
#define PEN_SAMPLE_OTHERS 2

/* pen_sample_find - lists until the sample's object is chosen: the first with at least
 * PEN_SAMPLE_LEAST_BYTES, else the largest non-empty one.
 * in:     ret_others: NULL, or room for PEN_SAMPLE_OTHERS: then the listing goes on over up to
 * 1,000 further objects of that size, and the middle one and the last of them are the others. out:
 * *ret_count: others found. Texts live in the arena. errors: as pen_sample_take. */
PEN_MUST_USE enum pen_code pen_sample_find(struct pen_source *source, struct pen_arena *arena,
                                           struct pen_object *ret_object,
                                           struct pen_object *ret_others, size_t *ret_count,
                                           struct pen_error *err);

/* pen_sample_read - the first `most` bytes of an object; of a bzip2 or zstd object at least its
 * first block, because there is no text before its end. errors: what the source reports. */
PEN_MUST_USE enum pen_code pen_sample_read(struct pen_source *source,
                                           const struct pen_object *object, size_t most,
                                           struct pen_sample *ret_sample, struct pen_error *err);

/* A part of an object behind its head. */
struct pen_sample_range {
    uint64_t offset;
    size_t len;
};

/* pen_sample_ranges - the tail and the middle of an object whose first `most` bytes are the sample,
 * each up to `most` bytes, none of them twice. Offsets are multiples of 4, so that UTF-16 and
 * UTF-32 are not cut. Returns how many there are (the tail comes first). */
size_t pen_sample_ranges(uint64_t size_bytes, size_t most, struct pen_sample_range ret_ranges[2]);

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
