#include "decode/bzip2_block.h"

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

/* --- inverse Burrows-Wheeler ------------------------------------------------------------------ */

/* Node i of the links: its byte of the first column, and from bit 8 on the node that follows. */
#define MARK       UINT32_C(0x80000000) /* a walk begins here; the rest is the walk's number */
#define LANES      8
#define LANE_BYTES ((size_t)PEN_BZIP2_PACKED_MAX + 64)
#define MARKS_MAX  2400
#define MARK_EVERY 384 /* nodes; a block with less than LANES marks is walked plainly */

static void make_links(const uint8_t *column, size_t len, uint32_t *links)
{
    uint32_t first[256] = {0}, second[256] = {0};
    size_t half = len / 2;
    for (size_t i = 0; i < half; i++) {
        first[column[i]]++;
        second[column[half + i]]++;
    }
    if (len % 2 != 0)
        second[column[len - 1]]++;
    uint32_t sum = 0;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint32_t firsts = first[byte], seconds = second[byte];
        first[byte] = sum;
        second[byte] = sum + firsts;
        sum += firsts + seconds;
    }
    for (size_t i = 0; i < half; i++) { /* two chains of counters instead of one */
        uint8_t a = column[i], b = column[half + i];
        links[first[a]++] = (uint32_t)i << 8 | a;
        links[second[b]++] = (uint32_t)(half + i) << 8 | b;
    }
    if (len % 2 != 0)
        links[second[column[len - 1]]++] = (uint32_t)(len - 1) << 8 | column[len - 1];
}

static void walk_plainly(const uint32_t *links, uint32_t start, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t link = links[start];
        out[i] = (uint8_t)link;
        start = link >> 8;
    }
}

/* One walk from a mark to the next: its bytes, and which walk goes on from there. */
struct walk {
    uint32_t link; /* of the node where it begins; there the mark stands instead */
    uint32_t next;
    const uint8_t *bytes;
    size_t len;
};

struct walker {
    uint32_t links[PEN_BZIP2_PACKED_MAX];
    uint8_t lanes[LANES * LANE_BYTES];
    struct walk walks[MARKS_MAX];
    size_t count, begun;
    size_t in_lane[LANES]; /* the walk that a lane is on */
};

static void set_marks(struct walker *walker, uint32_t start, size_t len, size_t wanted)
{
    walker->count = walker->begun = 0;
    for (size_t i = 0; i < wanted; i++) {
        size_t node = i == 0 ? start : i * len / wanted;
        if (i > 0 && node == start)
            continue;
        walker->walks[walker->count].link = walker->links[node];
        walker->links[node] = MARK | (uint32_t)walker->count++;
    }
}

/* The next walk, in that lane: writes its first byte and returns the link of its second node. */
static uint32_t begin_walk(struct walker *walker, size_t lane, uint8_t *out)
{
    struct walk *walk = &walker->walks[walker->begun];
    walker->in_lane[lane] = walker->begun++;
    walk->bytes = out;
    *out = (uint8_t)walk->link;
    return walker->links[walk->link >> 8];
}

/* The lane came to a marked node. */
static void end_walk(struct walker *walker, size_t lane, const uint8_t *out, uint32_t mark)
{
    struct walk *walk = &walker->walks[walker->in_lane[lane]];
    walk->len = (size_t)(out - walk->bytes);
    walk->next = mark & ~MARK;
}

static uint8_t *finish_walk(struct walker *walker, size_t lane, uint32_t link, uint8_t *out)
{
    while ((link & MARK) == 0) {
        *out++ = (uint8_t)link;
        link = walker->links[link >> 8];
    }
    end_walk(walker, lane, out, link);
    return out;
}

/* All lanes one node on; some of them are at a mark and begin another walk. */
static void step_over_marks(struct walker *walker, uint32_t *lane_links, size_t at)
{
    for (size_t lane = 0; lane < LANES; lane++) {
        uint8_t *out = walker->lanes + lane * LANE_BYTES + at;
        uint32_t link = lane_links[lane];
        if ((link & MARK) != 0) {
            end_walk(walker, lane, out, link);
            lane_links[lane] = begin_walk(walker, lane, out);
        } else {
            *out = (uint8_t)link;
            lane_links[lane] = walker->links[link >> 8];
        }
    }
}

/* Until a lane is at a mark: eight loads that do not wait for each other. */
static size_t step_together(struct walker *walker, uint32_t *lane_links, size_t at)
{
    const uint32_t *links = walker->links;
    uint32_t a = lane_links[0], b = lane_links[1], c = lane_links[2], d = lane_links[3];
    uint32_t e = lane_links[4], f = lane_links[5], g = lane_links[6], h = lane_links[7];
    uint8_t *out = walker->lanes + at;
    while (((a | b | c | d | e | f | g | h) & MARK) == 0) {
        out[0 * LANE_BYTES] = (uint8_t)a;
        out[1 * LANE_BYTES] = (uint8_t)b;
        out[2 * LANE_BYTES] = (uint8_t)c;
        out[3 * LANE_BYTES] = (uint8_t)d;
        out[4 * LANE_BYTES] = (uint8_t)e;
        out[5 * LANE_BYTES] = (uint8_t)f;
        out[6 * LANE_BYTES] = (uint8_t)g;
        out[7 * LANE_BYTES] = (uint8_t)h;
        a = links[a >> 8];
        b = links[b >> 8];
        c = links[c >> 8];
        d = links[d >> 8];
        e = links[e >> 8];
        f = links[f >> 8];
        g = links[g >> 8];
        h = links[h >> 8];
        out++;
    }
    const uint32_t ended[LANES] = {a, b, c, d, e, f, g, h};
    memcpy(lane_links, ended, sizeof ended);
    return (size_t)(out - walker->lanes);
}

static size_t count_marked(const uint32_t *lane_links)
{
    size_t marked = 0;
    for (size_t lane = 0; lane < LANES; lane++)
        marked += (lane_links[lane] & MARK) != 0;
    return marked;
}

static void walk_lanes(struct walker *walker)
{
    uint32_t lane_links[LANES];
    for (size_t lane = 0; lane < LANES; lane++)
        lane_links[lane] = begin_walk(walker, lane, walker->lanes + lane * LANE_BYTES);
    size_t at = step_together(walker, lane_links, 1);
    while (walker->begun + count_marked(lane_links) <= walker->count) {
        step_over_marks(walker, lane_links, at);
        at = step_together(walker, lane_links, at + 1);
    }
    uint8_t *out = NULL;
    for (size_t lane = 0; lane < LANES; lane++)
        out = finish_walk(walker, lane, lane_links[lane], walker->lanes + lane * LANE_BYTES + at);
    while (walker->begun < walker->count) {
        uint32_t link = begin_walk(walker, LANES - 1, out);
        out = finish_walk(walker, LANES - 1, link, out + 1);
    }
}

/* The text is the walks one behind another. When it repeats itself the links are several rings, of
 * which the start's is walked again and again. */
static void join_walks(const struct walker *walker, uint8_t *out, size_t len)
{
    const struct walk *walk = &walker->walks[0];
    while (len > 0) {
        size_t n = walk->len < len ? walk->len : len;
        memcpy(out, walk->bytes, n);
        out += n;
        len -= n;
        walk = &walker->walks[walk->next];
    }
}

/* In place: from the last column to the text. */
static void transform_back(struct walker *walker, uint8_t *bytes, size_t len, uint32_t start)
{
    make_links(bytes, len, walker->links);
    size_t marks = len / MARK_EVERY < MARKS_MAX ? len / MARK_EVERY : MARKS_MAX;
    if (marks <= LANES) {
        walk_plainly(walker->links, start, bytes, len);
        return;
    }
    set_marks(walker, start, len, marks);
    walk_lanes(walker);
    join_walks(walker, bytes, len);
}

/* --- randomised blocks ------------------------------------------------------------------------ */

/* Old encoders changed one byte in each stretch of so many when a block was too regular. */
static const uint16_t stretches[512] = {
    619, 720, 127, 481, 931, 816, 813, 233, 566, 247, 985, 724, 205, 454, 863, 491, 741, 242, 949,
    214, 733, 859, 335, 708, 621, 574, 73,  654, 730, 472, 419, 436, 278, 496, 867, 210, 399, 680,
    480, 51,  878, 465, 811, 169, 869, 675, 611, 697, 867, 561, 862, 687, 507, 283, 482, 129, 807,
    591, 733, 623, 150, 238, 59,  379, 684, 877, 625, 169, 643, 105, 170, 607, 520, 932, 727, 476,
    693, 425, 174, 647, 73,  122, 335, 530, 442, 853, 695, 249, 445, 515, 909, 545, 703, 919, 874,
    474, 882, 500, 594, 612, 641, 801, 220, 162, 819, 984, 589, 513, 495, 799, 161, 604, 958, 533,
    221, 400, 386, 867, 600, 782, 382, 596, 414, 171, 516, 375, 682, 485, 911, 276, 98,  553, 163,
    354, 666, 933, 424, 341, 533, 870, 227, 730, 475, 186, 263, 647, 537, 686, 600, 224, 469, 68,
    770, 919, 190, 373, 294, 822, 808, 206, 184, 943, 795, 384, 383, 461, 404, 758, 839, 887, 715,
    67,  618, 276, 204, 918, 873, 777, 604, 560, 951, 160, 578, 722, 79,  804, 96,  409, 713, 940,
    652, 934, 970, 447, 318, 353, 859, 672, 112, 785, 645, 863, 803, 350, 139, 93,  354, 99,  820,
    908, 609, 772, 154, 274, 580, 184, 79,  626, 630, 742, 653, 282, 762, 623, 680, 81,  927, 626,
    789, 125, 411, 521, 938, 300, 821, 78,  343, 175, 128, 250, 170, 774, 972, 275, 999, 639, 495,
    78,  352, 126, 857, 956, 358, 619, 580, 124, 737, 594, 701, 612, 669, 112, 134, 694, 363, 992,
    809, 743, 168, 974, 944, 375, 748, 52,  600, 747, 642, 182, 862, 81,  344, 805, 988, 739, 511,
    655, 814, 334, 249, 515, 897, 955, 664, 981, 649, 113, 974, 459, 893, 228, 433, 837, 553, 268,
    926, 240, 102, 654, 459, 51,  686, 754, 806, 760, 493, 403, 415, 394, 687, 700, 946, 670, 656,
    610, 738, 392, 760, 799, 887, 653, 978, 321, 576, 617, 626, 502, 894, 679, 243, 440, 680, 879,
    194, 572, 640, 724, 926, 56,  204, 700, 707, 151, 457, 449, 797, 195, 791, 558, 945, 679, 297,
    59,  87,  824, 713, 663, 412, 693, 342, 606, 134, 108, 571, 364, 631, 212, 174, 643, 304, 329,
    343, 97,  430, 751, 497, 314, 983, 374, 822, 928, 140, 206, 73,  263, 980, 736, 876, 478, 430,
    305, 170, 514, 364, 692, 829, 82,  855, 953, 676, 246, 369, 970, 294, 750, 807, 827, 150, 790,
    288, 923, 804, 378, 215, 828, 592, 281, 565, 555, 710, 82,  896, 831, 547, 261, 524, 462, 293,
    465, 502, 56,  661, 821, 976, 991, 658, 869, 905, 758, 745, 193, 768, 550, 608, 933, 378, 286,
    215, 979, 792, 961, 61,  688, 793, 644, 986, 403, 106, 366, 905, 644, 372, 567, 466, 434, 645,
    210, 389, 550, 919, 135, 780, 773, 635, 389, 707, 100, 626, 958, 165, 504, 920, 176, 193, 713,
    857, 265, 203, 50,  668, 108, 645, 990, 626, 197, 510, 357, 358, 850, 858, 364, 936, 638,
};

static void undo_randomising(uint8_t *bytes, size_t len)
{
    size_t end = 0;
    for (size_t i = 0;; i = (i + 1) % 512) {
        end += stretches[i];
        if (end - 2 >= len)
            return;
        bytes[end - 2] ^= 1;
    }
}

/* --- a block ---------------------------------------------------------------------------------- */

struct scratch {
    struct work work;
    struct walker walker;
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
    transform_back(&scratch->walker, block->packed, block->packed_len, start);
    if (is_randomised)
        undo_randomising(block->packed, block->packed_len);
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
