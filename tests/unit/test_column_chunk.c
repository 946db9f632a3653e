/* What a column chunk decides at its borders: when the dictionary stays and goes, when pages are
 * compressed, what it holds in memory. That the values are right is test_parquet_read_back's. */
#include "unit.h"

#include "batch/schema.h"
#include "parquet/column_chunk.h"
#include "random.h"

#include <stdlib.h>

struct rig {
    enum pen_type type;
    struct pen_schema schema;
    struct pen_batch *batch;
    struct pen_page_room *room;
    struct pen_column_chunk chunk;
};

static void rig_init(struct rig *rig, enum pen_type type)
{
    *rig = (struct rig){.type = type, .room = malloc(sizeof *rig->room)};
    assert_non_null(rig->room);
    *rig->room = PEN_PAGE_ROOM;
    assert_ok(pen_schema_add(&rig->schema, PEN_LIT("c"), type, NULL, err));
    assert_ok(pen_batch_new(PEN_BATCH_ROWS, &rig->batch, err));
    assert_ok(pen_batch_begin(rig->batch, &rig->schema, err));
    pen_column_chunk_init(&rig->chunk, type, PEN_PART_SNAPPY);
}

static void rig_release(struct rig *rig)
{
    pen_column_chunk_release(&rig->chunk);
    pen_page_room_release(rig->room);
    free(rig->room);
    pen_batch_free(rig->batch);
    pen_schema_clear(&rig->schema);
}

/* Hands the batch's rows on and begins the next one. */
static void flush(struct rig *rig)
{
    assert_ok(pen_column_chunk_add(&rig->chunk, rig->room, &rig->batch->columns[0],
                                   rig->batch->rows, err));
    assert_ok(pen_batch_begin(rig->batch, &rig->schema, err));
}

static struct pen_column *next_row(struct rig *rig, size_t *ret_row)
{
    if (rig->batch->rows == PEN_BATCH_ROWS)
        flush(rig);
    *ret_row = rig->batch->rows++;
    return &rig->batch->columns[0];
}

static void add_null(struct rig *rig)
{
    size_t row;
    (void)next_row(rig, &row);
}

static void add_word(struct rig *rig, uint64_t word)
{
    size_t row;
    struct pen_column *column = next_row(rig, &row);
    memcpy((char *)column->data + row * sizeof word, &word, sizeof word);
    pen_column_set_valid(column, row, true);
}

/* A text of `len` bytes that begins with a number of 8 digits. */
static void add_text(struct rig *rig, unsigned number, size_t len)
{
    size_t row;
    struct pen_column *column = next_row(rig, &row);
    char *text = pen_arena_alloc(&rig->batch->arena, len + 9);
    assert_non_null(text);
    memset(text, 'x', len + 9);
    (void)snprintf(text, 9, "%08u", number);
    text[8] = 'x';
    pen_column_strings(column)[row] = pen_string_make(text, len);
    pen_column_set_valid(column, row, true);
}

static void finish(struct rig *rig)
{
    flush(rig);
    assert_ok(pen_column_chunk_finish(&rig->chunk, rig->room, err));
}

static bool has_encoding(const struct rig *rig, enum pen_parquet_encoding encoding)
{
    return rig->chunk.encodings >> encoding & 1;
}

static uint64_t scrambled(uint64_t number)
{
    return random_next(&number);
}

/* Each of `distinct` doubles twice, in no order: then the column is worth its dictionary. */
static void add_pairs(struct rig *rig, size_t distinct)
{
    for (size_t i = 0; i < 2 * distinct; i++)
        add_word(rig, scrambled(i / 2));
}

static void the_last_place_of_a_dictionary_is_used(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_DOUBLE);
    add_pairs(&rig, PEN_DICT_VALUES); /* a page, to the row */
    for (size_t i = 0; i < 100; i++)
        add_word(&rig, scrambled(i));
    finish(&rig);
    assert_int_equal(rig.chunk.encodings, 1u << PEN_PARQUET_RLE_DICTIONARY);
    assert_int_equal(rig.chunk.dict.count, PEN_DICT_VALUES);
    assert_int_equal(rig.chunk.dict_pages, 2);
    rig_release(&rig);
}

static void one_value_more_ends_it_for_the_pages_behind(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_DOUBLE);
    add_pairs(&rig, PEN_DICT_VALUES);
    for (size_t i = 0; i < 100; i++)
        add_word(&rig, scrambled(i));
    add_word(&rig, scrambled(PEN_DICT_VALUES));
    add_word(&rig, scrambled(0));
    finish(&rig);
    assert_int_equal(rig.chunk.encodings,
                     1u << PEN_PARQUET_RLE_DICTIONARY | 1u << PEN_PARQUET_SPLIT);
    assert_int_equal(rig.chunk.dict_pages, 1);
    assert_true(rig.chunk.dict_page.len > 0);
    rig_release(&rig);
}

/* 1,024 texts of 1 KiB fill it exactly, each of them twice. */
static void texts_of_a_mebibyte_fit_a_dictionary_and_a_byte_more_does_not(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct rig rig;
        rig_init(&rig, PEN_TYPE_STRING);
        for (unsigned i = 0; i < 2048; i++)
            add_text(&rig, i / 2, i / 2 == 1023 ? 1024 + more : 1024);
        finish(&rig);
        assert_int_equal(has_encoding(&rig, PEN_PARQUET_RLE_DICTIONARY), more == 0);
        assert_int_equal(has_encoding(&rig, PEN_PARQUET_DELTA_LENGTHS), more == 1);
        assert_int_equal(rig.chunk.bounds.value_count, 2048);
        rig_release(&rig);
    }
}

/* Pages that begin with a dictionary say nothing about how the texts behind it compress. */
static void texts_behind_a_full_dictionary_are_compressed(void **state)
{
    (void)state;
    struct rig rig;
    uint64_t seed = 1;
    rig_init(&rig, PEN_TYPE_STRING);
    for (size_t i = 0; i < PEN_PAGE_ROWS; i++)
        add_text(&rig, (unsigned)random_below(&seed, 5000), 100);
    for (unsigned i = 0; i < PEN_PAGE_ROWS; i++)
        add_text(&rig, 10000 + i, 100);
    finish(&rig);
    assert_true(has_encoding(&rig, PEN_PARQUET_RLE_DICTIONARY));
    assert_true(has_encoding(&rig, PEN_PARQUET_DELTA_LENGTHS));
    assert_int_equal(rig.chunk.codec, PEN_PARQUET_SNAPPY);
    assert_true(rig.chunk.dict_page.len + rig.chunk.pages.len < rig.chunk.plain_bytes / 3);
    rig_release(&rig);
}

static void noise_is_stored_as_it_is(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_LONG);
    for (size_t i = 0; i < 5000; i++)
        add_word(&rig, scrambled(i));
    finish(&rig);
    assert_int_equal(rig.chunk.codec, PEN_PARQUET_NONE);
    assert_int_equal(rig.chunk.pages.len, rig.chunk.plain_bytes);
    rig_release(&rig);
}

static void a_column_of_nulls_has_no_dictionary(void **state)
{
    (void)state;
    static const enum pen_type types[] = {PEN_TYPE_LONG, PEN_TYPE_DOUBLE, PEN_TYPE_STRING};
    for (size_t t = 0; t < 3; t++) {
        struct rig rig;
        rig_init(&rig, types[t]);
        for (size_t i = 0; i < PEN_PAGE_ROWS + 1; i++)
            add_null(&rig);
        finish(&rig);
        assert_int_equal(rig.chunk.dict_page.len, 0);
        assert_int_equal(rig.chunk.encodings, 1u << PEN_PARQUET_PLAIN);
        assert_int_equal(rig.chunk.bounds.null_count, PEN_PAGE_ROWS + 1);
        assert_true(rig.chunk.pages.len < 200);
        rig_release(&rig);
    }
}

static void a_first_page_of_nulls_does_not_decide_about_the_dictionary(void **state)
{
    (void)state;
    static const enum pen_type types[] = {PEN_TYPE_DOUBLE, PEN_TYPE_STRING};
    for (size_t t = 0; t < 2; t++) {
        struct rig rig;
        rig_init(&rig, types[t]);
        for (size_t i = 0; i < PEN_PAGE_ROWS; i++)
            add_null(&rig);
        for (unsigned i = 0; i < 5000; i++)
            if (types[t] == PEN_TYPE_STRING)
                add_text(&rig, i % 7, 30);
            else
                add_word(&rig, scrambled(i % 7));
        finish(&rig);
        assert_true(has_encoding(&rig, PEN_PARQUET_RLE_DICTIONARY));
        assert_int_equal(rig.chunk.dict.count, 7);
        rig_release(&rig);
    }
}

/* Of three values that are all different nothing is saved by numbers; of a hundred alike much is.
 */
static void a_single_page_bears_its_whole_dictionary(void **state)
{
    (void)state;
    static const enum pen_type types[] = {PEN_TYPE_DOUBLE, PEN_TYPE_STRING};
    for (size_t t = 0; t < 2; t++)
        for (unsigned alike = 0; alike < 2; alike++) {
            struct rig rig;
            rig_init(&rig, types[t]);
            for (unsigned i = 0; i < (alike ? 100 : 3); i++)
                if (types[t] == PEN_TYPE_STRING)
                    add_text(&rig, i % 3, 30);
                else
                    add_word(&rig, scrambled(i % 3));
            finish(&rig);
            assert_int_equal(rig.chunk.dict_page.len > 0, alike);
            assert_int_equal(has_encoding(&rig, PEN_PARQUET_RLE_DICTIONARY), alike);
            rig_release(&rig);
        }
}

/* 900 values a page, each of them again in every page: the second page is not taken for new ones.
 */
static void a_sample_counts_the_values_of_the_pages_before(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_DOUBLE);
    for (size_t page = 0; page < 4; page++)
        for (size_t i = 0; i < PEN_PAGE_ROWS; i++)
            if (i < 900 + 100 * page)
                add_word(&rig, scrambled(i));
            else
                add_null(&rig);
    finish(&rig);
    assert_int_equal(rig.chunk.encodings, 1u << PEN_PARQUET_RLE_DICTIONARY);
    assert_int_equal(rig.chunk.dict_pages, 4);
    rig_release(&rig);
}

static void different_values_give_their_dictionary_back_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_LONG);
    for (size_t i = 0; i < PEN_BATCH_ROWS; i++)
        add_word(&rig, scrambled(i));
    flush(&rig);
    assert_false(rig.chunk.is_dict);
    assert_int_equal(rig.chunk.dict.cap, 0);
    rig_release(&rig);
}

/* Else every batch of a table of hundreds of columns would be a row group of its own. */
static void what_clear_keeps_does_not_count_as_content(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, PEN_TYPE_DOUBLE);
    add_pairs(&rig, PEN_DICT_VALUES);
    finish(&rig);
    assert_true(pen_column_chunk_bytes(&rig.chunk) > PEN_DICT_VALUES * 24);
    size_t held = pen_column_chunk_held(&rig.chunk);
    assert_true(held > pen_column_chunk_bytes(&rig.chunk));
    pen_column_chunk_clear(&rig.chunk, PEN_PART_SNAPPY);
    assert_int_equal(pen_column_chunk_bytes(&rig.chunk), 0);
    assert_int_equal(pen_column_chunk_held(&rig.chunk), held);
    pen_column_chunk_release(&rig.chunk);
    assert_int_equal(pen_column_chunk_held(&rig.chunk), 0);
    rig_release(&rig);
}

/* --- values made to meet ---------------------------------------------------------------------- */

/* The number that value_dict.c's step turns into `mixed`. */
static uint64_t unmix(uint64_t mixed)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t inverse = factor;
    for (int i = 0; i < 6; i++) /* Newton's: each step doubles the bits that are right */
        inverse *= 2 - factor * inverse;
    return (mixed ^ mixed >> 32) * inverse;
}

/* Whoever knows the hash can send thousands of values to one slot; looking them up would take a
 * thousand times as long. When this fails the hash is another one: mend unmix. */
static void values_chosen_to_meet_in_one_slot_end_the_dictionary(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_value_dict_release) struct pen_value_dict dict = PEN_VALUE_DICT;
    static uint64_t words[1000];
    static uint16_t indices[1000];
    size_t done = 0;
    for (uint64_t i = 0; i < 1000; i++)
        words[i] = unmix(unmix(i << 20));
    assert_ok(pen_value_dict_add_words(&dict, words, 1000, indices, &done, err));
    assert_in_range(done, 200, 300);
    for (size_t i = 0; i < done; i++)
        assert_int_equal(indices[i], i);
    size_t again = 0;
    assert_ok(pen_value_dict_add_words(&dict, words, done, indices, &again, err));
    assert_int_equal(again, done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_place_of_a_dictionary_is_used),
        cmocka_unit_test(one_value_more_ends_it_for_the_pages_behind),
        cmocka_unit_test(texts_of_a_mebibyte_fit_a_dictionary_and_a_byte_more_does_not),
        cmocka_unit_test(texts_behind_a_full_dictionary_are_compressed),
        cmocka_unit_test(noise_is_stored_as_it_is),
        cmocka_unit_test(a_column_of_nulls_has_no_dictionary),
        cmocka_unit_test(a_first_page_of_nulls_does_not_decide_about_the_dictionary),
        cmocka_unit_test(a_single_page_bears_its_whole_dictionary),
        cmocka_unit_test(a_sample_counts_the_values_of_the_pages_before),
        cmocka_unit_test(different_values_give_their_dictionary_back_at_once),
        cmocka_unit_test(what_clear_keeps_does_not_count_as_content),
        cmocka_unit_test(values_chosen_to_meet_in_one_slot_end_the_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
