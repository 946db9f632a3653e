/* Our bzip2 decoder against libbz2: the same text, and the same objects refused, whatever the cut,
 * with and without a crew that decodes blocks ahead. */
#include "unit.h"

#include <pthread.h>

#include "base/buf.h"
#include "bzip2_maker.h"
#include "decode/decode.h"
#include "random.h"
#include "run/crew.h"

#define TEXT_MAX ((size_t)3 << 20)

static struct pen_decode *decoder;
static uint8_t *expected;

static int set_up(void **state)
{
    (void)state;
    expected = malloc(TEXT_MAX);
    return expected != NULL &&
                   pen_decode_new(&pen_decode_bzip2, NULL, NULL, &decoder, NULL) == PEN_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    pen_decode_free(decoder);
    free(expected);
    return 0;
}

/* Decodes with `room` bytes of output a call; the input comes in pieces of `piece` bytes, the first
 * of which has `cut`. */
static enum pen_code decode(struct pen_slice stored, size_t cut, size_t piece, size_t room,
                            struct pen_buf *text, struct pen_error *err)
{
    decoder->type->reset(decoder);
    pen_buf_clear(text);
    struct pen_slice in = pen_slice(stored.ptr, cut);
    stored = pen_slice_skip(stored, cut);
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    while (flow != PEN_FLOW_END) {
        PEN_TRY(pen_buf_reserve(text, room, err));
        struct pen_out out = {.ptr = text->ptr + text->len, .room = room};
        bool is_eof = stored.len == 0;
        PEN_TRY(pen_decode_step(decoder, &in, is_eof, &out, &flow, err));
        assert_true(flow != PEN_FLOW_MORE_ROOM || out.room == 0);
        text->len += room - out.room;
        if (flow == PEN_FLOW_MORE_INPUT) {
            assert_int_equal(in.len, 0);
            assert_false(is_eof);
            in = pen_slice(stored.ptr, stored.len < piece ? stored.len : piece);
            stored = pen_slice_skip(stored, in.len);
        }
    }
    return PEN_OK;
}

/* The judge's text, and its verdict, for one way of cutting. */
static void expect_same(struct pen_slice stored, size_t cut, size_t piece, size_t room)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    size_t len = 0;
    bool is_sound =
        library_decode((const uint8_t *)stored.ptr, stored.len, expected, TEXT_MAX, &len);
    struct pen_error failed = {0};
    enum pen_code code = decode(stored, cut, piece, room, &text, &failed);
    if (is_sound && code != PEN_OK)
        fail_msg("refused: %s", failed.message);
    assert_int_equal(is_sound, code == PEN_OK);
    if (!is_sound) {
        assert_int_equal(code, PEN_ERR_CORRUPT);
        assert_true(failed.offset <= stored.len);
        return;
    }
    assert_int_equal(text.len, len);
    if (len > 0)
        assert_memory_equal(text.ptr, expected, len);
}

static void compress(struct pen_buf *into, const void *text, size_t len, int level)
{
    unsigned room = (unsigned)(len + len / 50 + 700);
    assert_ok(pen_buf_reserve(into, room, err));
    assert_int_equal(BZ2_bzBuffToBuffCompress(into->ptr + into->len, &room, (char *)(uintptr_t)text,
                                              (unsigned)len, level, 0, 0),
                     BZ_OK);
    into->len += room;
}

/* --- texts ------------------------------------------------------------------------------------ */

enum kind { KIND_RANDOM, KIND_ROWS, KIND_EQUAL, KIND_PERIOD, KIND_RUNS, KIND_FEW, KINDS };

static void make_text(uint8_t *text, size_t len, enum kind kind)
{
    uint64_t random = len + kind;
    for (size_t i = 0; i < len; i++) {
        static const char row[] = "12345,some text,2020-01-01 00:00:00,true\n";
        uint64_t r = random_next(&random);
        switch (kind) {
        case KIND_RANDOM:
            text[i] = (uint8_t)r;
            break;
        case KIND_ROWS:
            text[i] = r % 4 == 0 ? (uint8_t)('0' + r / 4 % 10) : (uint8_t)row[i % (sizeof row - 1)];
            break;
        case KIND_EQUAL:
            text[i] = 'x';
            break;
        case KIND_PERIOD:
            text[i] = (uint8_t) "abcde"[i % 5];
            break;
        case KIND_RUNS: /* of lengths around those where counting begins and ends */
            text[i] = i == 0 || r % 100 == 0 ? (uint8_t)(r >> 8) : text[i - 1];
            break;
        case KIND_FEW:
        case KINDS:
            text[i] = (uint8_t)("\0\1"[r % 2]);
            break;
        }
    }
}

static void bzip2_gives_what_was_compressed_at_every_level(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 5, 3455, 3457, 99999, 100001, 260000, 1000000};
    PEN_CLEANUP(pen_free_p) uint8_t *text = malloc(TEXT_MAX);
    assert_non_null(text);
    for (enum kind kind = KIND_RANDOM; kind < KINDS; kind++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
            make_text(text, lengths[l], kind);
            int level = 1 + (int)((l * 5 + kind) % 9);
            compress(&stored, text, lengths[l], level);
            expect_same(pen_buf_slice(&stored), stored.len, 1, 65536);
            expect_same(pen_buf_slice(&stored), stored.len / 3, 70001, 1009);
        }
    }
    for (int level = 1; level <= 9; level++) { /* blocks that are full */
        PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
        make_text(text, 1000000, KIND_ROWS);
        compress(&stored, text, 1000000, level);
        expect_same(pen_buf_slice(&stored), stored.len, 1, 65536);
    }
}

/* Streams of several levels, an empty one among them, and padding. */
static void make_streams(struct pen_buf *stored)
{
    uint8_t text[700];
    make_text(text, sizeof text, KIND_ROWS);
    compress(stored, text, 300, 9);
    compress(stored, "", 0, 5);
    compress(stored, text + 100, 90, 1);
    make_text(text, sizeof text, KIND_RUNS);
    compress(stored, text, sizeof text, 3);
    assert_ok(pen_buf_add(stored, "\0\0\0\0\0", 5, err));
}

static void bzip2_reads_streams_one_behind_another_at_every_cut(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
    make_streams(&stored);
    for (size_t cut = 0; cut <= stored.len; cut++)
        expect_same(pen_buf_slice(&stored), cut, stored.len, 1 + cut % 300);
    expect_same(pen_buf_slice(&stored), 0, 1, 64);
}

static void bzip2_refuses_every_truncation(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    uint8_t rows[600];
    make_text(rows, sizeof rows, KIND_ROWS);
    compress(&stored, rows, sizeof rows, 9);
    for (size_t len = 4; len < stored.len; len++) {
        struct pen_error failed = {0};
        assert_int_equal(decode(pen_slice(stored.ptr, len), len, 1, 4096, &text, &failed),
                         PEN_ERR_CORRUPT);
        assert_non_null(strstr(failed.message, "truncated"));
        assert_int_equal(failed.offset, len);
    }
}

static void bzip2_judges_damaged_bytes_as_the_library_does(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
    make_streams(&stored);
    for (size_t i = 0; i < stored.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            stored.ptr[i] = (char)(stored.ptr[i] ^ (1 << bit));
            expect_same(pen_buf_slice(&stored), stored.len, 1, 4096);
            stored.ptr[i] = (char)(stored.ptr[i] ^ (1 << bit));
        }
}

static void bzip2_says_what_other_bytes_look_like(void **state)
{
    (void)state;
    static const struct {
        const char *stored, *message;
    } cases[] = {
        {"", "Not in bzip2 format: the bytes look like nothing"},
        {"PK\3\4xxxxxxxxxxxxxxxxxxxxx", "Not in bzip2 format: the bytes look like zip"},
        {"\x1f\x8b", "Not in bzip2 format: the bytes look like gzip"},
        {"BZ", "Not in bzip2 format: the bytes look like plain text"},
        {"BZh", "bzip2: truncated: the data end at byte 3"},
        {"BZh0AAAAAAAAAAAAAAAAAA", "bzip2: unknown block size in a head at byte 0"},
        {"BZh9AAAAAAAAAAAAAAAAAA", "bzip2: neither a block nor the end of the stream at byte 4"},
    };
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pen_slice stored = pen_slice_str(cases[i].stored);
        for (size_t cut = 0; cut <= stored.len; cut++) {
            struct pen_error failed = {0};
            assert_int_equal(decode(stored, cut, 1, 64, &text, &failed), PEN_ERR_CORRUPT);
            assert_string_equal(failed.message, cases[i].message);
        }
    }
}

/* --- made blocks ------------------------------------------------------------------------------ */

static uint8_t made_bytes[4 << 20];

/* A stream of that block, its checksums taken from what the library gives out before it refuses. */
static struct pen_slice make_stream(struct made_block block, unsigned level)
{
    for (int round = 0; round < 2; round++) {
        struct bit_writer writer = {.bytes = made_bytes, .cap = sizeof made_bytes};
        write_head(&writer, level);
        write_block(&writer, &block);
        write_end(&writer, block.crc);
        size_t len = 0;
        bool is_sound = library_decode(made_bytes, writer.bits / 8, expected, TEXT_MAX, &len);
        assert_int_equal(is_sound, round == 1);
        block.crc = bzip2_crc(expected, len);
        if (round == 1)
            return pen_slice(made_bytes, writer.bits / 8);
    }
    return pen_slice("", 0);
}

static void fill_symbols(uint8_t *symbols, size_t count)
{
    uint64_t random = count;
    for (size_t i = 0; i < count; i++)
        symbols[i] = (uint8_t)(1 + random_below(&random, MAKER_END - 1));
}

static void bzip2_reads_randomised_blocks(void **state)
{
    (void)state;
    static uint8_t symbols[400000];
    fill_symbols(symbols, sizeof symbols);
    static const size_t counts[] = {100, 616, 617, 618, 619, 1400, 20000, 400000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct pen_slice stored = make_stream(
            (struct made_block){.symbols = symbols, .count = counts[i], .is_randomised = true}, 9);
        expect_same(stored, stored.len, 1, 65536);
    }
}

/* The 48 bits that a block begins with, inside blocks: near their start, their end, many times. */
static void bzip2_is_not_misled_by_a_magic_inside_a_block(void **state)
{
    (void)state;
    static const uint8_t magic[] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59};
    static uint8_t symbols[30000];
    for (size_t times = 1; times <= 4000; times *= 4) {
        fill_symbols(symbols, sizeof symbols);
        for (size_t i = 0; i < times; i++)
            memcpy(symbols + i * 7, magic, sizeof magic);
        memcpy(symbols + sizeof symbols - 6, magic, sizeof magic);
        struct pen_slice stored = make_stream(
            (struct made_block){.symbols = symbols, .count = sizeof symbols, .start = 7}, 1);
        expect_same(stored, stored.len, 1, 65536);
        expect_same(stored, 50, 333, 4096);
        PEN_CLEANUP(pen_buf_release) struct pen_buf twice = PEN_BUF(TEXT_MAX);
        assert_ok(pen_buf_add_slice(&twice, stored, err));
        assert_ok(pen_buf_add_slice(&twice, stored, err));
        expect_same(pen_buf_slice(&twice), 0, 1000, 65536);
        expect_same(pen_slice(twice.ptr, twice.len - 3), twice.len / 2, 1000, 65536);
    }
}

static void bzip2_refuses_a_block_larger_than_its_level(void **state)
{
    (void)state;
    static uint8_t symbols[101000];
    fill_symbols(symbols, sizeof symbols);
    struct bit_writer writer = {.bytes = made_bytes, .cap = sizeof made_bytes};
    struct made_block block = {.symbols = symbols, .count = sizeof symbols};
    write_head(&writer, 1);
    write_block(&writer, &block);
    write_end(&writer, 0);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    struct pen_slice stored = pen_slice(made_bytes, writer.bits / 8);
    struct pen_error failed = {0};
    expect_same(stored, stored.len, 1, 65536);
    assert_int_equal(decode(stored, stored.len, 1, 65536, &text, &failed), PEN_ERR_CORRUPT);
    assert_string_equal(failed.message,
                        "bzip2: a block is longer than its stream allows at byte 4");
}

static void bzip2_ends_a_block_that_never_ends(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_free_p) uint8_t *stored = calloc(1, (size_t)4 << 20);
    assert_non_null(stored);
    struct bit_writer writer = {.bytes = stored, .cap = (size_t)4 << 20};
    write_head(&writer, 9);
    write_bits(&writer, UINT64_C(0x314159265359), 48);
    write_bits(&writer, 0, 32 + 1 + 24);
    write_bits(&writer, 0x8000, 16);
    write_bits(&writer, 0x8000, 16);
    write_bits(&writer, 2, 3);
    write_bits(&writer, 1, 15);
    write_bits(&writer, 0, 1);
    write_bits(&writer, 10, 5);
    while (writer.bits / 8 < writer.cap - 8) /* a code length that goes up and down for ever */
        write_bits(&writer, 0xb, 4);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    struct pen_error failed = {0};
    assert_int_equal(decode(pen_slice(stored, writer.cap), 0, 262144, 4096, &text, &failed),
                     PEN_ERR_CORRUPT);
    assert_string_equal(failed.message, "bzip2: a block is too long at byte 4");
}

/* --- a crew ----------------------------------------------------------------------------------- */

#define HELPERS 3

struct rig {
    struct pen_crew *crew;
    struct pen_crew_gate gate;
};

/* Waits at the gate until whoever is inside has left; decodes meanwhile. */
static void *help(void *context)
{
    struct rig *rig = context;
    pen_crew_enter(rig->crew, &rig->gate);
    pen_crew_leave(rig->crew, &rig->gate);
    return NULL;
}

static void with_crew(struct pen_slice stored, void (*inside)(struct pen_slice stored))
{
    struct rig rig;
    pthread_t threads[HELPERS];
    assert_ok(pen_crew_new(&rig.crew, err));
    pen_crew_gate_init(rig.crew, &rig.gate);
    pen_crew_enter(rig.crew, &rig.gate);
    decoder->team = pen_crew_team(rig.crew);
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, help, &rig), 0);
    while (decoder->team->width(decoder->team) != 1 + 2 * HELPERS)
        (void)sched_yield();
    inside(stored);
    decoder->type->reset(decoder); /* with blocks under way */
    decoder->team = NULL;
    pen_crew_leave(rig.crew, &rig.gate);
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pen_crew_gate_release(rig.crew, &rig.gate);
    pen_crew_free(rig.crew);
}

static void read_in_many_ways(struct pen_slice stored)
{
    expect_same(stored, stored.len, 1, 65536);
    expect_same(stored, 0, 4096, 4096);
    for (size_t len = 1; len < stored.len; len += stored.len / 20 + 1)
        expect_same(pen_slice(stored.ptr, len), 0, 65536, 65536);
}

static void bzip2_decodes_blocks_ahead_with_a_crew(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_free_p) uint8_t *text = malloc(TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
    assert_non_null(text);
    make_text(text, 1200000, KIND_ROWS);
    compress(&stored, text, 1200000, 1);
    with_crew(pen_buf_slice(&stored), read_in_many_ways);
    static uint8_t symbols[90000];
    fill_symbols(symbols, sizeof symbols);
    for (size_t at = 0; at + 6 <= sizeof symbols; at += 30000)
        memcpy(symbols + at, "\x31\x41\x59\x26\x53\x59", 6);
    struct pen_slice misleading =
        make_stream((struct made_block){.symbols = symbols, .count = sizeof symbols}, 9);
    pen_buf_clear(&stored);
    for (int i = 0; i < 4; i++)
        assert_ok(pen_buf_add_slice(&stored, misleading, err));
    with_crew(pen_buf_slice(&stored), read_in_many_ways);
}

/* The text before the damage comes out, then the error, though later blocks were decoded long ago.
 */
static void expect_damage(struct pen_slice stored)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(TEXT_MAX);
    struct pen_error failed = {0};
    assert_int_equal(decode(stored, 0, 65536, 1000, &text, &failed), PEN_ERR_CORRUPT);
    assert_true(text.len > 500000 && text.len < 1100000);
    assert_true(failed.offset > stored.len / 2 && failed.offset <= stored.len);
}

static void bzip2_tells_errors_in_order_with_a_crew(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_free_p) uint8_t *text = malloc(TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf stored = PEN_BUF(TEXT_MAX);
    assert_non_null(text);
    make_text(text, 1200000, KIND_ROWS);
    compress(&stored, text, 1200000, 1);
    stored.ptr[stored.len * 2 / 3] ^= 16;
    with_crew(pen_buf_slice(&stored), expect_damage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bzip2_gives_what_was_compressed_at_every_level),
        cmocka_unit_test(bzip2_reads_streams_one_behind_another_at_every_cut),
        cmocka_unit_test(bzip2_refuses_every_truncation),
        cmocka_unit_test(bzip2_judges_damaged_bytes_as_the_library_does),
        cmocka_unit_test(bzip2_says_what_other_bytes_look_like),
        cmocka_unit_test(bzip2_reads_randomised_blocks),
        cmocka_unit_test(bzip2_is_not_misled_by_a_magic_inside_a_block),
        cmocka_unit_test(bzip2_refuses_a_block_larger_than_its_level),
        cmocka_unit_test(bzip2_ends_a_block_that_never_ends),
        cmocka_unit_test(bzip2_decodes_blocks_ahead_with_a_crew),
        cmocka_unit_test(bzip2_tells_errors_in_order_with_a_crew),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
