/* value_dict.h - the distinct values of a column, numbered from 0 in the order they came.
 *
 *     value --hash, compare--> its number
 *
 * It gives up at PEN_DICT_VALUES values or PEN_DICT_BYTES of texts, and when somebody chose the
 * values so that they get into each other's way.
 * thread: one at a time.   cost: 3-6 ns a value that is known; memory grows with what is in it. */
#ifndef PEN_PARQUET_VALUE_DICT_H
#define PEN_PARQUET_VALUE_DICT_H

#include "batch/batch.h"

/* Columns with more values are better off without: the table no longer fits the cache, and few
 * values come again. Measured on the benchmark's columns. */
#define PEN_DICT_VALUES 8192
#define PEN_DICT_BYTES  ((size_t)1 << 20)

/* A value: the 8 bytes of a number and zeros, or a text as pen_string has it; the bytes of long
 * texts are in the dictionary's arena. */
struct pen_dict_value {
    union {
        struct {
            uint64_t word, rest;
        };
        struct pen_string text;
    };
};
static_assert(sizeof(struct pen_dict_value) == 16, "compared as two words");

struct pen_value_dict {
    struct pen_dict_value *values;
    size_t count, cap;
    size_t text_bytes; /* of all texts */
    uint32_t *slots;   /* number + 1; 0: free; a power of two of them, at least 2 * count */
    size_t slot_mask;
    struct pen_arena texts;
};

/* PEN_VALUE_DICT - an empty dictionary; nothing is allocated yet. */
#define PEN_VALUE_DICT ((struct pen_value_dict){.texts = {NULL, NULL, NULL, 0, 2 * PEN_DICT_BYTES}})

void pen_value_dict_release(struct pen_value_dict *dict);

/* pen_value_dict_clear - forgets the values, keeps the memory. cost: O(slots). */
void pen_value_dict_clear(struct pen_value_dict *dict);

/* pen_value_dict_add_words / _texts - (words: of 8 bytes, whatever they are) the numbers of `count`
 * values, appended to ret_indices; new values are taken in. out: *ret_done: how many were numbered;
 * fewer than `count` when it is full. errors: PEN_ERR_NOMEM. */
PEN_MUST_USE enum pen_code pen_value_dict_add_words(struct pen_value_dict *dict, const void *words,
                                                    size_t count, uint16_t *ret_indices,
                                                    size_t *ret_done, struct pen_error *err);
PEN_MUST_USE enum pen_code pen_value_dict_add_texts(struct pen_value_dict *dict,
                                                    const struct pen_string *texts, size_t count,
                                                    uint16_t *ret_indices, size_t *ret_done,
                                                    struct pen_error *err);

#endif
