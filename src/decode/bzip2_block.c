#include "decode/bzip2_block.h"

#include "decode/bzip2_invert.h"

#define SYMBOLS_MAX    258 /* two for runs, 255 positions, the end */
#define TABLES_MAX     6
#define LENGTH_MAX     20
#define GROUP_SYMBOLS  50
#define SELECTORS_MAX  18002 /* what 900,000 bytes and the end need; more are never used */
#define LOOKUP_BITS    10
#define RUN_POWERS_MAX 21 /* a longer run cannot fit in a block */

/* --- bits ------------------------------------------------------------------------------------- */

struct bits {
    const uint8_t *start, *at, *last; /* last: where the last load of 8 bytes may be */
    uint64_t word;                    /* the next bits, from the top */
    unsigned count;                   /* of word, how many are known to be there */
};

static inline uint64_t load_big_endian(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(word) : word;
}

/* At least 56 bits are there afterwards. Behind the last bytes it stands still: whoever reads
 * checks is_behind often enough that it never matters. */
static inline void refill(struct bits *bits)
{
    bits->word |= load_big_endian(bits->at) >> bits->count;
    bits->at += (63 - bits->count) >> 3;
    bits->at = bits->at < bits->last ? bits->at : bits->last;
    bits->count |= 56;
}

static inline void drop(struct bits *bits, unsigned n)
{
    bits->word <<= n;
    bits->count -= n;
}

/* n: 1 to 32 */
static inline uint32_t take(struct bits *bits, unsigned n)
{
    refill(bits);
    uint32_t value = (uint32_t)(bits->word >> (64 - n));
    drop(bits, n);
    return value;
}

static uint64_t used_bits(const struct bits *bits)
{
    return (uint64_t)(bits->at - bits->start) * 8 - bits->count;
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A code of up to LOOKUP_BITS is found by its first bits, a longer one by comparing. */
struct table {
    uint16_t lookup[1 << LOOKUP_BITS]; /* symbol << 4 | length; 0: a longer code, or none */
    uint32_t limit[LENGTH_MAX + 1];    /* codes of this length are below, as 20 bits */
    int32_t base[LENGTH_MAX + 1];      /* index in `symbols` = code + base */
    uint16_t symbols[SYMBOLS_MAX];
};

struct work {
    struct bits bits;
    unsigned symbol_count; /* of the alphabet: with runs and end */
    unsigned table_count, selector_count;
    uint8_t used[256]; /* the bytes that occur, ascending */
    uint8_t lengths[SYMBOLS_MAX];
    uint8_t selectors[SELECTORS_MAX];
    struct table tables[TABLES_MAX];
};

static void fill_lookup(struct table *table, unsigned symbol, unsigned length, uint32_t code)
{
    if (length > LOOKUP_BITS)
        return;
    unsigned shift = LOOKUP_BITS - length;
    for (uint32_t i = code << shift; i < (code + 1) << shift; i++)
        table->lookup[i] = (uint16_t)(symbol << 4 | length);
}

/* Codes ascend with length and symbol. A set of lengths that leaves codes unused, or has no room
 * for all, is no error until such a code is met: so the reference decoder does it. */
static void make_table(struct table *table, const uint8_t *lengths, unsigned symbol_count)
{
    memset(table->lookup, 0, sizeof table->lookup);
    uint32_t code = 0;
    int32_t placed = 0;
    for (unsigned length = 1; length <= LENGTH_MAX; length++) {
        code <<= 1;
        table->base[length] = placed - (int32_t)code;
        uint32_t room = UINT32_C(1) << length;
        for (unsigned symbol = 0; symbol < symbol_count; symbol++) {
            if (lengths[symbol] != length || code >= room)
                continue;
            fill_lookup(table, symbol, length, code);
            table->symbols[placed++] = (uint16_t)symbol;
            code++;
        }
        table->limit[length] = code << (LENGTH_MAX - length);
    }
}

/* A code longer than LOOKUP_BITS; 0 when there is none like it. */
static unsigned find_long(const struct table *table, uint64_t word)
{
    uint32_t code = (uint32_t)(word >> (64 - LENGTH_MAX));
    for (unsigned length = LOOKUP_BITS + 1; length <= LENGTH_MAX; length++)
        if (code < table->limit[length]) {
            int32_t index = (int32_t)(code >> (LENGTH_MAX - length)) + table->base[length];
            return (unsigned)table->symbols[index] << 5 | length;
        }
    return 0;
}

/* --- the head of a block ---------------------------------------------------------------------- */

static const char *read_alphabet(struct work *work)
{
    uint32_t groups = take(&work->bits, 16);
    unsigned count = 0;
    for (unsigned group = 0; group < 16; group++) {
        if ((groups & (UINT32_C(0x8000) >> group)) == 0)
            continue;
        uint32_t members = take(&work->bits, 16);
        for (unsigned i = 0; i < 16; i++)
            if ((members & (UINT32_C(0x8000) >> i)) != 0)
                work->used[count++] = (uint8_t)(group * 16 + i);
    }
    work->symbol_count = count + 2;
    return count == 0 ? "a block without bytes" : NULL;
}

static bool is_behind(const struct work *work, const struct pen_bzip2_block *block)
{
    return used_bits(&work->bits) > (uint64_t)block->len * 8;
}

/* Which table each group of 50 symbols uses, as moves to the front of a list of tables. */
static const char *read_selectors(struct work *work, const struct pen_bzip2_block *block)
{
    work->table_count = take(&work->bits, 3);
    if (work->table_count < 2 || work->table_count > TABLES_MAX)
        return "wrong number of code tables";
    uint32_t count = take(&work->bits, 15);
    if (count == 0)
        return "no table selectors";
    uint8_t order[TABLES_MAX] = {0, 1, 2, 3, 4, 5};
    for (uint32_t i = 0; i < count; i++) {
        refill(&work->bits);
        unsigned ones = (unsigned)__builtin_clzll(~work->bits.word | 1);
        if (ones >= work->table_count)
            return "wrong table selector";
        drop(&work->bits, ones + 1);
        uint8_t front = order[ones];
        memmove(order + 1, order, ones);
        order[0] = front;
        if (i < SELECTORS_MAX)
            work->selectors[i] = front;
        if (i % 64 == 0 && is_behind(work, block))
            return NULL;
    }
    work->selector_count = count < SELECTORS_MAX ? count : SELECTORS_MAX;
    return NULL;
}

/* One symbol's code length: from the one before, by steps. */
static unsigned read_length(struct work *work, unsigned length)
{
    while (length >= 1 && length <= LENGTH_MAX) {
        refill(&work->bits);
        if (work->bits.word >> 63 == 0) {
            drop(&work->bits, 1);
            return length;
        }
        length += work->bits.word >> 62 == 2 ? 1U : -1U;
        drop(&work->bits, 2);
    }
    return 0;
}

static const char *read_tables(struct work *work, const struct pen_bzip2_block *block)
{
    for (unsigned t = 0; t < work->table_count && !is_behind(work, block); t++) {
        unsigned length = take(&work->bits, 5);
        for (unsigned symbol = 0; symbol < work->symbol_count; symbol++) {
            length = read_length(work, length);
            if (length == 0)
                return "wrong code length";
            work->lengths[symbol] = (uint8_t)length;
        }
        make_table(&work->tables[t], work->lengths, work->symbol_count);
    }
    return NULL;
}

/* --- the last column -------------------------------------------------------------------------- */

/* The bytes in order of their last use. The first eight, which are most of what is asked for, stand
 * in one word: moving one to the front takes no loop and no memory. */
struct recent {
    uint64_t first;
    uint8_t rest[256]; /* from the ninth on */
};

static void recent_init(struct recent *recent, const uint8_t *used)
{
    recent->first = 0;
    for (unsigned i = 8; i-- > 0;)
        recent->first = recent->first << 8 | used[i];
    memcpy(recent->rest, used + 8, 248);
}

static inline uint8_t recent_take(struct recent *recent, unsigned at)
{
    uint64_t first = recent->first;
    if (at < 8) {
        uint64_t below = (UINT64_C(1) << (8 * at)) - 1; /* what is before it moves up */
        uint64_t byte = first >> (8 * at) & 0xff;
        uint64_t above = ~below << 8 & -(uint64_t)(at < 7);
        recent->first = (first & above) | (first & below) << 8 | byte;
        return (uint8_t)byte;
    }
    uint8_t byte = recent->rest[at - 8];
    memmove(recent->rest + 1, recent->rest, at - 8);
    recent->rest[0] = (uint8_t)(first >> 56);
    recent->first = first << 8 | byte;
    return byte;
}

/* A run that is being read, and the column so far. */
struct column {
    uint8_t *bytes;
    size_t len;
    uint32_t run, power;
    struct recent recent;
};

static inline bool end_run(struct column *column)
{
    memset(column->bytes + column->len, (int)(column->recent.first & 0xff), 16);
    if (column->run > 16) {
        if (column->run > PEN_BZIP2_PACKED_MAX - column->len)
            return false;
        memset(column->bytes + column->len, (int)(column->recent.first & 0xff), column->run);
    }
    column->len += column->run;
    column->run = column->power = 0;
    return true;
}

enum group_end { GROUP_FULL, GROUP_LAST, GROUP_WRONG };

/* Up to 50 symbols of one table. */
static enum group_end read_group(struct work *work, const struct table *table,
                                 struct column *column)
{
    unsigned end_symbol = work->symbol_count - 1;
    struct bits bits = work->bits;
    enum group_end end = GROUP_FULL;
    for (unsigned i = 0; i < GROUP_SYMBOLS; i++) {
        if (i % 2 == 0)
            refill(&bits);
        unsigned entry = table->lookup[bits.word >> (64 - LOOKUP_BITS)];
        unsigned symbol = entry >> 4, length = entry & 15;
        if (__builtin_expect(entry == 0, 0)) {
            entry = find_long(table, bits.word);
            symbol = entry >> 5;
            length = entry & 31;
            if (entry == 0) {
                end = GROUP_WRONG;
                break;
            }
        }
        drop(&bits, length);
        if (symbol < 2) {
            if (column->power >= RUN_POWERS_MAX) {
                end = GROUP_WRONG;
                break;
            }
            column->run += (symbol + 1) << column->power++;
            continue;
        }
        if (__builtin_expect(!end_run(column), 0)) {
            end = GROUP_WRONG;
            break;
        }
        if (__builtin_expect(symbol == end_symbol, 0)) {
            end = GROUP_LAST;
            break;
        }
        column->bytes[column->len++] = recent_take(&column->recent, symbol - 1);
    }
    work->bits = bits;
    return end;
}

static const char *read_column(struct work *work, struct pen_bzip2_block *block)
{
    struct column column = {.bytes = block->packed};
    recent_init(&column.recent, work->used);
    for (unsigned group = 0; group < work->selector_count; group++) {
        enum group_end end = read_group(work, &work->tables[work->selectors[group]], &column);
        if (is_behind(work, block))
            return NULL;
        if (end == GROUP_WRONG)
            return "wrong code in a block";
        if (column.len > PEN_BZIP2_PACKED_MAX)
            return "a block is too long";
        if (end == GROUP_LAST) {
            block->packed_len = column.len;
            return NULL;
        }
    }
    return "a block does not end";
}

/* --- a block ---------------------------------------------------------------------------------- */

struct scratch {
    struct work work;
    struct pen_bzip2_walker walker;
};

static const char *decode(struct pen_bzip2_block *block, struct scratch *scratch)
{
    struct work *work = &scratch->work;
    drop(&work->bits, PEN_BZIP2_MAGIC_BITS); /* which the caller has seen */
    block->crc = take(&work->bits, 32);
    bool is_randomised = take(&work->bits, 1) != 0;
    uint32_t start = take(&work->bits, 24);
    const char *problem = read_alphabet(work);
    if (problem == NULL)
        problem = read_selectors(work, block);
    if (problem == NULL)
        problem = read_tables(work, block);
    if (problem == NULL && !is_behind(work, block))
        problem = read_column(work, block);
    if (problem != NULL || is_behind(work, block))
        return problem;
    if (start >= block->packed_len)
        return "wrong start in a block";
    pen_bzip2_invert(&scratch->walker, block->packed, block->packed_len, start);
    if (is_randomised)
        pen_bzip2_undo_randomising(block->packed, block->packed_len);
    return NULL;
}

void pen_bzip2_block_decode(struct pen_bzip2_block *block, struct pen_decode_scratch *scratch)
{
    block->packed_len = 0;
    block->is_short = false;
    struct scratch *memory = pen_decode_scratch_get(scratch, sizeof *memory);
    block->has_no_memory = memory == NULL;
    if (memory == NULL)
        return;
    struct bits *bits = &memory->work.bits;
    *bits = (struct bits){.start = block->bits,
                          .at = block->bits,
                          .last = block->bits + block->len + PEN_BZIP2_PADDING - 8};
    refill(bits);
    drop(bits, block->skip);
    refill(bits);
    block->problem = decode(block, memory);
    block->used_bits = used_bits(bits) - block->skip;
    if (is_behind(&memory->work, block)) { /* what was wrong there may have been the padding */
        block->problem = NULL;
        block->is_short = true;
        block->packed_len = 0;
    }
    if (block->problem != NULL)
        block->packed_len = 0;
}
