#include "parquet/value_dict.h"

#include <stdlib.h>

#define FIRST_VALUES 64

/* The most slots between a value's own and the one it gets. By chance some 50 of a half full table
 * of this size; the hash has no secret, so that data can be made to meet in one place. */
#define MOST_STEPS 256

static uint64_t mix(uint64_t value)
{
    value *= UINT64_C(0x9e3779b97f4a7c15);
    return value ^ value >> 32;
}

static uint64_t hash_bytes(const char *at, size_t len)
{
    uint64_t hash = len, word = 0;
    for (; len >= 8; at += 8, len -= 8) {
        memcpy(&word, at, 8);
        hash = mix(hash ^ word);
    }
    word = 0;
    memcpy(&word, at, len);
    return mix(hash ^ word);
}

static bool is_long(const struct pen_dict_value *value)
{
    return value->text.len > sizeof value->text.inlined;
}

void pen_value_dict_release(struct pen_value_dict *dict)
{
    free(dict->values);
    free(dict->slots);
    pen_arena_release(&dict->texts);
    *dict = PEN_VALUE_DICT;
}

void pen_value_dict_clear(struct pen_value_dict *dict)
{
    if (dict->count > 0)
        memset(dict->slots, 0, (dict->slot_mask + 1) * sizeof *dict->slots);
    dict->count = dict->text_bytes = 0;
    pen_arena_clear(&dict->texts);
}

/* --- growing ---------------------------------------------------------------------------------- */

static uint64_t hash_value(const struct pen_dict_value *value, bool is_text)
{
    if (is_text && is_long(value))
        return hash_bytes(value->text.ptr, value->text.len);
    return mix(mix(value->word) ^ value->rest);
}

/* Twice the room; every value finds its slot anew. */
static enum pen_code grow(struct pen_value_dict *dict, bool is_text, struct pen_error *err)
{
    size_t cap = dict->cap == 0 ? FIRST_VALUES : dict->cap * 2;
    uint32_t *slots = calloc(cap * 2, sizeof *slots);
    struct pen_dict_value *values =
        slots == NULL ? NULL : realloc(dict->values, cap * sizeof *values);
    if (values == NULL) {
        free(slots);
        return pen_fail_nomem(err);
    }
    free(dict->slots);
    dict->values = values;
    dict->slots = slots;
    dict->cap = cap;
    dict->slot_mask = cap * 2 - 1;
    for (size_t i = 0; i < dict->count; i++) {
        size_t at = hash_value(&values[i], is_text) & dict->slot_mask;
        while (slots[at] != 0)
            at = (at + 1) & dict->slot_mask;
        slots[at] = (uint32_t)i + 1;
    }
    return PEN_OK;
}

/* A value that is not there yet. out: *ret_is_full: it cannot be taken in. */
static enum pen_code take_in(struct pen_value_dict *dict, struct pen_dict_value value, bool is_text,
                             bool *ret_is_full, struct pen_error *err)
{
    size_t bytes = is_text ? value.text.len : 0;
    *ret_is_full = dict->count == PEN_DICT_VALUES || bytes > PEN_DICT_BYTES - dict->text_bytes;
    if (*ret_is_full)
        return PEN_OK;
    if (dict->count == dict->cap)
        PEN_TRY(grow(dict, is_text, err));
    size_t at = hash_value(&value, is_text) & dict->slot_mask, steps = 0;
    for (; dict->slots[at] != 0; steps++)
        at = (at + 1) & dict->slot_mask;
    *ret_is_full = steps > MOST_STEPS;
    if (*ret_is_full)
        return PEN_OK;
    if (is_text && is_long(&value)) {
        value.text.ptr = pen_arena_copy(&dict->texts, pen_slice(value.text.ptr, bytes));
        if (value.text.ptr == NULL)
            return pen_fail_nomem(err);
    }
    dict->text_bytes += bytes;
    dict->values[dict->count++] = value;
    dict->slots[at] = (uint32_t)dict->count;
    return PEN_OK;
}

/* --- looking up ------------------------------------------------------------------------------- */

static bool is_same(const struct pen_dict_value *a, const struct pen_dict_value *b, bool is_text)
{
    if (a->word != b->word) /* the number, or length and first four bytes */
        return false;
    if (is_text && is_long(a))
        return memcmp(a->text.ptr, b->text.ptr, a->text.len) == 0;
    return a->rest == b->rest;
}

/* The number of a value; dict->count when it is not there. */
static inline size_t find(const struct pen_value_dict *dict, const struct pen_dict_value *value,
                          bool is_text)
{
    if (dict->cap == 0)
        return 0;
    size_t at = hash_value(value, is_text) & dict->slot_mask;
    for (; dict->slots[at] != 0; at = (at + 1) & dict->slot_mask)
        if (is_same(value, &dict->values[dict->slots[at] - 1], is_text))
            return dict->slots[at] - 1;
    return dict->count;
}

static inline enum pen_code add(struct pen_value_dict *dict, const struct pen_dict_value *value,
                                bool is_text, uint16_t *ret_index, bool *ret_is_full,
                                struct pen_error *err)
{
    size_t index = find(dict, value, is_text);
    *ret_index = (uint16_t)index;
    *ret_is_full = false;
    return index < dict->count ? PEN_OK : take_in(dict, *value, is_text, ret_is_full, err);
}

enum pen_code pen_value_dict_add_words(struct pen_value_dict *dict, const void *words, size_t count,
                                       uint16_t *ret_indices, size_t *ret_done,
                                       struct pen_error *err)
{
    size_t i = 0;
    for (bool is_full = false; i < count; i++) {
        struct pen_dict_value value = {.rest = 0};
        memcpy(&value.word, (const char *)words + i * sizeof value.word, sizeof value.word);
        PEN_TRY(add(dict, &value, false, &ret_indices[i], &is_full, err));
        if (is_full)
            break;
    }
    *ret_done = i;
    return PEN_OK;
}

enum pen_code pen_value_dict_add_texts(struct pen_value_dict *dict, const struct pen_string *texts,
                                       size_t count, uint16_t *ret_indices, size_t *ret_done,
                                       struct pen_error *err)
{
    size_t i = 0;
    for (bool is_full = false; i < count; i++) {
        const struct pen_dict_value value = {.text = texts[i]};
        PEN_TRY(add(dict, &value, true, &ret_indices[i], &is_full, err));
        if (is_full)
            break;
    }
    *ret_done = i;
    return PEN_OK;
}
