#include "parquet/column_chunk.h"

#include "parquet/encode.h"

/* After so many values it is known whether nearly all are different. */
#define SAMPLE_VALUES 1024

/* Buffers of a page; one text more than a page's bytes may be in them. */
#define BUFFER_MAX (PEN_PAGE_MAX / 2)

/* Texts that a page of numbers may stand for: they are written out when the dictionary is given up.
 */
#define DICT_PAGE_BYTES (8 * PEN_PAGE_BYTES)

void pen_column_chunk_init(struct pen_column_chunk *chunk, enum pen_type type,
                           enum pen_part_compression compression)
{
    *chunk = (struct pen_column_chunk){
        .type = type,
        .present = PEN_BUF(BUFFER_MAX),
        .words = PEN_BUF(BUFFER_MAX),
        .lengths = PEN_BUF(BUFFER_MAX),
        .bytes = PEN_BUF(BUFFER_MAX),
        .indices = PEN_BUF(BUFFER_MAX),
        .dict = PEN_VALUE_DICT,
        .pages = PEN_BUF(SIZE_MAX / 2),
        .dict_page = PEN_BUF(BUFFER_MAX),
    };
    pen_column_chunk_clear(chunk, compression);
}

static void clear_page(struct pen_column_chunk *chunk)
{
    chunk->rows = chunk->values = 0;
    chunk->text_bytes = 0;
    pen_buf_clear(&chunk->present);
    pen_buf_clear(&chunk->words);
    pen_buf_clear(&chunk->lengths);
    pen_buf_clear(&chunk->bytes);
    pen_buf_clear(&chunk->indices);
}

void pen_column_chunk_clear(struct pen_column_chunk *chunk, enum pen_part_compression compression)
{
    static const enum pen_parquet_codec codecs[] = {[PEN_PART_SNAPPY] = PEN_PARQUET_SNAPPY,
                                                    [PEN_PART_ZSTD] = PEN_PARQUET_ZSTD,
                                                    [PEN_PART_UNCOMPRESSED] = PEN_PARQUET_NONE};
    clear_page(chunk);
    pen_buf_clear(&chunk->pages);
    pen_buf_clear(&chunk->dict_page);
    pen_value_dict_clear(&chunk->dict);
    chunk->is_dict = chunk->type != PEN_TYPE_BOOLEAN;
    chunk->is_sampled = chunk->is_codec_kept = false;
    chunk->dict_pages = 0;
    chunk->codec = codecs[compression];
    chunk->encodings = 0;
    chunk->plain_bytes = 0;
    chunk->bounds = (struct pen_bounds){.type = chunk->type};
}

void pen_column_chunk_release(struct pen_column_chunk *chunk)
{
    pen_buf_release(&chunk->present);
    pen_buf_release(&chunk->words);
    pen_buf_release(&chunk->lengths);
    pen_buf_release(&chunk->bytes);
    pen_buf_release(&chunk->indices);
    pen_buf_release(&chunk->pages);
    pen_buf_release(&chunk->dict_page);
    pen_value_dict_release(&chunk->dict);
}

/* A value and two slots. */
#define DICT_VALUE_BYTES (sizeof(struct pen_dict_value) + 2 * sizeof(uint32_t))

size_t pen_column_chunk_bytes(const struct pen_column_chunk *chunk)
{
    return chunk->words.len + chunk->lengths.len + chunk->bytes.len + chunk->indices.len +
           chunk->dict.text_bytes + chunk->dict.count * DICT_VALUE_BYTES + chunk->pages.len;
}

size_t pen_column_chunk_held(const struct pen_column_chunk *chunk)
{
    return chunk->present.cap + chunk->words.cap + chunk->lengths.cap + chunk->bytes.cap +
           chunk->indices.cap + chunk->dict.texts.used_bytes + chunk->dict.cap * DICT_VALUE_BYTES +
           chunk->pages.cap + chunk->dict_page.cap;
}

/* --- values without a dictionary ---------------------------------------------------------------
 */

static enum pen_code put_words(struct pen_column_chunk *chunk, const void *words, size_t count,
                               struct pen_error *err)
{
    chunk->values += count;
    return pen_buf_add(&chunk->words, words, count * sizeof(uint64_t), err);
}

static enum pen_code put_texts(struct pen_column_chunk *chunk, const struct pen_string *texts,
                               size_t count, struct pen_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += texts[i].len;
    PEN_TRY(pen_buf_reserve(&chunk->lengths, count * sizeof(uint32_t), err));
    PEN_TRY(pen_buf_reserve(&chunk->bytes, total + sizeof(uint64_t), err)); /* see bounds.h */
    uint32_t *lengths = (uint32_t *)(void *)(chunk->lengths.ptr + chunk->lengths.len);
    char *at = chunk->bytes.ptr + chunk->bytes.len;
    for (size_t i = 0; i < count; i++) {
        struct pen_slice text = pen_string_slice(&texts[i]);
        lengths[i] = (uint32_t)text.len;
        if (text.len > 0)
            memcpy(at, text.ptr, text.len);
        at += text.len;
    }
    chunk->lengths.len += count * sizeof(uint32_t);
    chunk->bytes.len += total;
    chunk->values += count;
    return PEN_OK;
}

/* --- values with a dictionary ------------------------------------------------------------------
 */

/* The open page's numbers become values again. The dictionary stays for the pages before it. */
static enum pen_code give_up_dict(struct pen_column_chunk *chunk, struct pen_error *err)
{
    const uint16_t *indices = (const uint16_t *)(const void *)chunk->indices.ptr;
    size_t count = chunk->values;
    chunk->is_dict = false;
    chunk->values = 0;
    for (size_t i = 0; i < count; i++) {
        const struct pen_dict_value *value = &chunk->dict.values[indices[i]];
        if (pen_type_is_text(chunk->type))
            PEN_TRY(put_texts(chunk, &value->text, 1, err));
        else
            PEN_TRY(put_words(chunk, &value->word, 1, err));
    }
    pen_buf_clear(&chunk->indices);
    chunk->text_bytes = 0;
    if (chunk->dict_pages == 0) /* of hundreds of columns: give the memory back */
        pen_value_dict_release(&chunk->dict);
    return PEN_OK;
}

/* out: *ret_done: how many of the values found a place before the dictionary was full. */
static enum pen_code put_indices(struct pen_column_chunk *chunk, const void *values, size_t count,
                                 size_t *ret_done, struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(&chunk->indices, count * sizeof(uint16_t), err));
    uint16_t *at = (uint16_t *)(void *)(chunk->indices.ptr + chunk->indices.len);
    if (pen_type_is_text(chunk->type)) {
        const struct pen_string *texts = values;
        PEN_TRY(pen_value_dict_add_texts(&chunk->dict, texts, count, at, ret_done, err));
        for (size_t i = 0; i < *ret_done; i++)
            chunk->text_bytes += texts[i].len;
    } else {
        PEN_TRY(pen_value_dict_add_words(&chunk->dict, values, count, at, ret_done, err));
    }
    chunk->indices.len += *ret_done * sizeof *at;
    chunk->values += *ret_done;
    return PEN_OK;
}

/* Nearly all of the first values are different: the others will be. Pages of nulls and long texts
 * have few values, so that those of the pages before count, too. */
static bool is_hopeless(struct pen_column_chunk *chunk)
{
    size_t seen = chunk->bounds.value_count - chunk->bounds.null_count + chunk->values;
    if (chunk->is_sampled || seen < SAMPLE_VALUES)
        return false;
    chunk->is_sampled = true;
    return chunk->dict.count > seen - seen / 20;
}

/* --- runs --------------------------------------------------------------------------------------
 */

/* Takes in values without nulls. */
static enum pen_code put_values(struct pen_column_chunk *chunk, const void *values, size_t count,
                                struct pen_error *err)
{
    size_t done = 0;
    if (chunk->is_dict) {
        PEN_TRY(put_indices(chunk, values, count, &done, err));
        if (done < count || is_hopeless(chunk))
            PEN_TRY(give_up_dict(chunk, err));
    }
    if (done == count)
        return PEN_OK;
    const void *rest = (const char *)values + done * pen_value_bytes(chunk->type);
    if (pen_type_is_text(chunk->type))
        return put_texts(chunk, rest, count - done, err);
    return put_words(chunk, rest, count - done, err);
}

/* 64 bits from `at` on; those behind the end of the row's words may be anything. */
static inline uint64_t bits_at(const uint64_t *bits, size_t at, size_t end)
{
    uint64_t word = bits[at / 64] >> at % 64;
    if (at % 64 != 0 && (at / 64 + 1) * 64 < end)
        word |= bits[at / 64 + 1] << (64 - at % 64);
    return end - at >= 64 ? word : word & ((UINT64_C(1) << (end - at)) - 1);
}

/* Appends the bits [from, from + count) to the page's. out: *ret_set: how many are set. */
static enum pen_code put_bits(struct pen_column_chunk *chunk, const uint64_t *bits, size_t from,
                              size_t count, size_t *ret_set, struct pen_error *err)
{
    size_t need = (chunk->rows + count + 63) / 64 * 8 + 8;
    size_t have = chunk->present.len;
    if (need > have) {
        PEN_TRY(pen_buf_reserve(&chunk->present, need - have, err));
        memset(chunk->present.ptr + have, 0, need - have);
        chunk->present.len = need;
    }
    uint64_t *to = (uint64_t *)(void *)chunk->present.ptr;
    size_t set = 0;
    for (size_t i = 0; i < count; i += 64) {
        uint64_t word = bits_at(bits, from + i, from + count);
        size_t at = chunk->rows + i;
        set += (size_t)__builtin_popcountll(word);
        to[at / 64] |= word << at % 64;
        if (at % 64 != 0)
            to[at / 64 + 1] |= word >> (64 - at % 64);
    }
    *ret_set = set;
    return PEN_OK;
}

/* Those of [from, from + count) that are there, one behind the other, moved as bytes. out: to has
 * room for all of them. Returns how many. bytes: of a value; a constant in every call. */
static inline size_t gather(const struct pen_column *column, size_t from, size_t count,
                            size_t bytes, void *to)
{
    const char *values = column->data;
    char *at = to;
    for (size_t i = from; i < from + count; i++) {
        memcpy(at, values + i * bytes, bytes);
        at += pen_column_is_valid(column, i) ? bytes : 0;
    }
    return (size_t)(at - (char *)to) / bytes;
}

static enum pen_code put_booleans(struct pen_column_chunk *chunk, const struct pen_column *column,
                                  size_t from, size_t count, struct pen_error *err)
{
    PEN_TRY(pen_buf_reserve(&chunk->words, count, err));
    size_t n = gather(column, from, count, 1, chunk->words.ptr + chunk->words.len);
    chunk->words.len += n;
    chunk->values += n;
    return PEN_OK;
}

/* The rows [from, from + count) of a batch, which fit into the open page. */
static enum pen_code put_run(struct pen_column_chunk *chunk, struct pen_page_room *room,
                             const struct pen_column *column, size_t from, size_t count,
                             struct pen_error *err)
{
    size_t set = 0;
    PEN_TRY(put_bits(chunk, column->validity, from, count, &set, err));
    chunk->rows += count;
    if (chunk->type == PEN_TYPE_BOOLEAN)
        return put_booleans(chunk, column, from, count, err);
    const void *values = &room->dense;
    if (set == count)
        values = (const char *)column->data + from * pen_value_bytes(chunk->type);
    else if (pen_type_is_text(chunk->type))
        (void)gather(column, from, count, sizeof(struct pen_string), room->dense.texts);
    else
        (void)gather(column, from, count, sizeof(uint64_t), room->dense.words);
    return put_values(chunk, values, set, err);
}

/* --- pages -------------------------------------------------------------------------------------
 */

static unsigned index_width(const struct pen_column_chunk *chunk)
{
    return pen_encode_width(chunk->dict.count > 0 ? chunk->dict.count - 1 : 0);
}

/* Whether the first page is smaller with its dictionary: with a share of it when pages follow, else
 * with all of it and the header of one page more. */
static enum pen_code is_dict_worth_it(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                      bool is_last, bool *ret_is_worth, struct pen_error *err)
{
    const size_t share = is_last ? 1 : 4, header = is_last ? 30 : 0;
    size_t entries = pen_type_is_text(chunk->type) ? chunk->dict.text_bytes + 4 * chunk->dict.count
                                                   : 8 * chunk->dict.count;
    size_t bytes = chunk->values * index_width(chunk) / 8 + entries / share + header;
    if (pen_type_is_text(chunk->type)) {
        *ret_is_worth = bytes < chunk->text_bytes + chunk->values;
    } else if (chunk->type == PEN_TYPE_DOUBLE) {
        *ret_is_worth = bytes < chunk->values * 6;
    } else { /* deltas of numbers that ascend are small, those of others are not: try */
        PEN_TRY(pen_buf_reserve(&room->packed, chunk->values * 8, err));
        int64_t *values = (int64_t *)(void *)room->packed.ptr;
        const uint16_t *indices = (const uint16_t *)(const void *)chunk->indices.ptr;
        for (size_t i = 0; i < chunk->values; i++)
            values[i] = (int64_t)chunk->dict.values[indices[i]].word;
        PEN_TRY(pen_encode_delta(values, chunk->values, &room->body, err));
        *ret_is_worth = bytes < room->body.len;
        pen_buf_clear(&room->body);
    }
    return PEN_OK;
}

static enum pen_code encode_values(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                   enum pen_parquet_encoding *ret_encoding, struct pen_error *err)
{
    const void *words = chunk->words.ptr;
    const uint32_t *lengths = (const uint32_t *)(const void *)chunk->lengths.ptr;
    if (chunk->values == 0) { /* only nulls: no bytes, and nothing to judge a dictionary by */
        *ret_encoding = PEN_PARQUET_PLAIN;
        return PEN_OK;
    }
    if (chunk->is_dict) {
        *ret_encoding = PEN_PARQUET_RLE_DICTIONARY;
        return pen_encode_indices((const uint16_t *)(const void *)chunk->indices.ptr, chunk->values,
                                  index_width(chunk), &room->body, err);
    }
    switch (chunk->type) {
    case PEN_TYPE_BOOLEAN:
        *ret_encoding = PEN_PARQUET_PLAIN;
        pen_bounds_add_booleans(&chunk->bounds, words, chunk->values);
        return pen_encode_booleans(words, chunk->values, &room->body, err);
    case PEN_TYPE_LONG:
    case PEN_TYPE_TIMESTAMP:
        *ret_encoding = PEN_PARQUET_DELTA;
        pen_bounds_add_longs(&chunk->bounds, words, chunk->values);
        return pen_encode_delta(words, chunk->values, &room->body, err);
    case PEN_TYPE_DOUBLE:
        *ret_encoding = PEN_PARQUET_SPLIT;
        pen_bounds_add_doubles(&chunk->bounds, words, chunk->values);
        return pen_encode_split(words, chunk->values, &room->body, err);
    case PEN_TYPE_STRING:
    case PEN_TYPE_JSON:
        break;
    }
    *ret_encoding = PEN_PARQUET_DELTA_LENGTHS;
    pen_bounds_add_texts(&chunk->bounds, lengths, chunk->values, chunk->bytes.ptr);
    return pen_encode_delta_lengths(lengths, chunk->values, pen_buf_slice(&chunk->bytes),
                                    &room->body, err);
}

/* Packs room->body and appends it as a page. The codec is the chunk's from its first page on. A
 * page of indices does not decide it: it may be noise, and the dictionary or the pages behind it,
 * when that is full, texts that shrink to a tenth. */
static enum pen_code add_page(struct pen_column_chunk *chunk, struct pen_page_room *room,
                              const struct pen_page *page, struct pen_buf *into,
                              struct pen_error *err)
{
    struct pen_slice bytes;
    bool may_change = !chunk->is_codec_kept && page->encoding != PEN_PARQUET_RLE_DICTIONARY;
    PEN_TRY(pen_page_pack(room, may_change, &chunk->codec, &bytes, err));
    chunk->is_codec_kept = true;
    return pen_page_add(room, page, bytes, into, &chunk->plain_bytes, err);
}

static enum pen_code close_page(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                bool is_last, struct pen_error *err)
{
    bool is_worth = true;
    pen_buf_clear(&room->body);
    if (chunk->is_dict && chunk->dict_pages == 0 && chunk->values > 0)
        PEN_TRY(is_dict_worth_it(chunk, room, is_last, &is_worth, err));
    if (!is_worth)
        PEN_TRY(give_up_dict(chunk, err));
    struct pen_page page = {.value_count = (uint32_t)chunk->rows};
    PEN_TRY(pen_encode_levels((const uint64_t *)(const void *)chunk->present.ptr, chunk->rows,
                              chunk->values, &room->body, err));
    PEN_TRY(encode_values(chunk, room, &page.encoding, err));
    PEN_TRY(add_page(chunk, room, &page, &chunk->pages, err));
    chunk->dict_pages += page.encoding == PEN_PARQUET_RLE_DICTIONARY;
    chunk->encodings |= 1u << page.encoding;
    chunk->bounds.value_count += chunk->rows;
    chunk->bounds.null_count += chunk->rows - chunk->values;
    clear_page(chunk);
    return PEN_OK;
}

/* How many of the rows from `from` on go into the open page: at least one. */
static size_t rows_for_page(const struct pen_column_chunk *chunk, const struct pen_column *column,
                            size_t from, size_t rows)
{
    size_t room = PEN_PAGE_ROWS - chunk->rows;
    size_t end = rows - from < room ? rows : from + room;
    if (!pen_type_is_text(chunk->type))
        return end - from;
    const struct pen_string *texts = column->data;
    size_t limit = chunk->is_dict ? DICT_PAGE_BYTES : PEN_PAGE_BYTES;
    size_t bytes = chunk->bytes.len + chunk->text_bytes, at = from;
    while (at < end && bytes < limit) {
        bytes += pen_column_is_valid(column, at) ? texts[at].len : 0;
        at++;
    }
    return at > from ? at - from : 1;
}

enum pen_code pen_column_chunk_add(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                   const struct pen_column *column, size_t rows,
                                   struct pen_error *err)
{
    assert(column->type == chunk->type);
    for (size_t from = 0; from < rows;) {
        size_t count = rows_for_page(chunk, column, from, rows);
        PEN_TRY(put_run(chunk, room, column, from, count, err));
        from += count;
        if (chunk->rows >= PEN_PAGE_ROWS || chunk->bytes.len >= PEN_PAGE_BYTES ||
            chunk->text_bytes >= DICT_PAGE_BYTES)
            PEN_TRY(close_page(chunk, room, false, err));
    }
    return PEN_OK;
}

/* --- the end -----------------------------------------------------------------------------------
 */

static enum pen_code put_dict_page(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                   struct pen_error *err)
{
    const struct pen_value_dict *dict = &chunk->dict;
    pen_buf_clear(&room->body);
    for (size_t i = 0; i < dict->count; i++) {
        const struct pen_dict_value *value = &dict->values[i];
        if (!pen_type_is_text(chunk->type)) {
            PEN_TRY(pen_buf_add(&room->body, &value->word, sizeof value->word, err));
            continue;
        }
        PEN_TRY(pen_buf_add(&room->body, &value->text.len, sizeof value->text.len, err));
        PEN_TRY(pen_buf_add_slice(&room->body, pen_string_slice(&value->text), err));
    }
    const struct pen_page page = {
        .is_dictionary = true, .value_count = (uint32_t)dict->count, .encoding = PEN_PARQUET_PLAIN};
    return add_page(chunk, room, &page, &chunk->dict_page, err);
}

/* Of the values of all pages that used the dictionary; each is in one of them. */
static void add_dict_bounds(struct pen_column_chunk *chunk)
{
    for (size_t i = 0; i < chunk->dict.count; i++) {
        const struct pen_dict_value *value = &chunk->dict.values[i];
        int64_t number;
        double real;
        memcpy(&number, &value->word, sizeof number);
        memcpy(&real, &value->word, sizeof real);
        if (pen_type_is_text(chunk->type))
            pen_bounds_add_text(&chunk->bounds, pen_string_slice(&value->text));
        else if (chunk->type == PEN_TYPE_DOUBLE)
            pen_bounds_add_doubles(&chunk->bounds, &real, 1);
        else
            pen_bounds_add_longs(&chunk->bounds, &number, 1);
    }
}

enum pen_code pen_column_chunk_finish(struct pen_column_chunk *chunk, struct pen_page_room *room,
                                      struct pen_error *err)
{
    if (chunk->rows > 0)
        PEN_TRY(close_page(chunk, room, true, err));
    if (chunk->dict_pages == 0)
        return PEN_OK;
    add_dict_bounds(chunk);
    return put_dict_page(chunk, room, err);
}
