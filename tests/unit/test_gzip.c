#include "unit.h"

#include <stdlib.h>

#include "decode/decode.h"
#include "gzip_samples.h"

#define MOST 65536

static struct pen_decode *decoder;

static int open_decoder(void **state)
{
    (void)state;
    return pen_decode_new(&pen_decode_gzip, NULL, NULL, &decoder, NULL) == PEN_OK ? 0 : -1;
}

static int close_decoder(void **state)
{
    (void)state;
    pen_decode_free(decoder);
    return 0;
}

/* Decodes `in` handed over in two pieces, with `room` bytes of output a call. */
static enum pen_code decode_cut(struct pen_slice in, size_t cut, size_t room, struct pen_buf *out,
                                struct pen_error *err)
{
    decoder->type->reset(decoder);
    struct pen_slice piece = pen_slice(in.ptr, cut);
    bool is_eof = cut == in.len;
    for (;;) {
        char space[MOST];
        struct pen_out to = {.ptr = space, .room = room};
        enum pen_flow flow;
        PEN_TRY(pen_decode_step(decoder, &piece, is_eof, &to, &flow, err));
        assert_int_equal((size_t)(to.ptr - space) + to.room, room);
        PEN_TRY(pen_buf_add(out, space, room - to.room, err));
        if (flow == PEN_FLOW_MORE_ROOM)
            assert_int_equal(to.room, 0);
        if (flow == PEN_FLOW_END)
            return PEN_OK;
        if (flow == PEN_FLOW_MORE_INPUT) {
            assert_int_equal(piece.len, 0);
            assert_false(is_eof);
            piece = pen_slice_skip(in, cut);
            is_eof = true;
        }
    }
}

static enum pen_code decode_all(struct pen_slice in, struct pen_buf *out, struct pen_error *err)
{
    return decode_cut(in, in.len, MOST, out, err);
}

/* Everything in one stream: five members, padding between and behind. */
static void make_stream(struct pen_buf *stored, struct pen_buf *plain)
{
#define ADD(member) assert_ok(pen_buf_add(stored, member, sizeof(member), err))
    ADD(plain_member);
    ADD(all_fields_member);
    assert_ok(pen_buf_add(stored, "\0\0\0", 3, err));
    ADD(stored_member);
    ADD(empty_member);
    ADD(dynamic_member);
    assert_ok(pen_buf_add(stored, "\0\0\0\0\0\0\0\0\0", 9, err));
    assert_ok(pen_buf_add_str(plain, "id,name\n1,a\n2,b\n3,stored\n", err));
    assert_ok(pen_buf_add_str(plain, dynamic_plain, err));
}

static void gzip_reads_all_members_at_every_cut(void **state)
{
    (void)state;
    struct pen_buf stored = PEN_BUF(MOST), plain = PEN_BUF(MOST);
    make_stream(&stored, &plain);
    for (size_t cut = 0; cut <= stored.len; cut++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(MOST);
        assert_ok(decode_cut(pen_buf_slice(&stored), cut, MOST, &out, err));
        assert_true(pen_slice_equal(pen_buf_slice(&out), pen_buf_slice(&plain)));
    }
    pen_buf_release(&stored);
    pen_buf_release(&plain);
}

static void gzip_gives_the_same_at_every_output_room(void **state)
{
    (void)state;
    struct pen_buf stored = PEN_BUF(MOST), plain = PEN_BUF(MOST);
    make_stream(&stored, &plain);
    for (size_t room = 1; room <= plain.len + 1; room += room < 300 ? 1 : 37) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(MOST);
        assert_ok(decode_cut(pen_buf_slice(&stored), stored.len / 2, room, &out, err));
        assert_true(pen_slice_equal(pen_buf_slice(&out), pen_buf_slice(&plain)));
    }
    pen_buf_release(&stored);
    pen_buf_release(&plain);
}

static void gzip_reads_input_byte_by_byte(void **state)
{
    (void)state;
    struct pen_buf stored = PEN_BUF(MOST), plain = PEN_BUF(MOST);
    make_stream(&stored, &plain);
    decoder->type->reset(decoder);
    char space[MOST];
    struct pen_out to = {.ptr = space, .room = sizeof space};
    enum pen_flow flow = PEN_FLOW_MORE_INPUT;
    for (size_t i = 0; i < stored.len; i++) {
        struct pen_slice byte = pen_slice(stored.ptr + i, 1);
        assert_ok(pen_decode_step(decoder, &byte, false, &to, &flow, err));
        assert_int_equal(flow, PEN_FLOW_MORE_INPUT);
        assert_int_equal(byte.len, 0);
    }
    struct pen_slice none = pen_slice("", 0);
    assert_ok(pen_decode_step(decoder, &none, true, &to, &flow, err));
    assert_int_equal(flow, PEN_FLOW_END);
    assert_int_equal(sizeof space - to.room, plain.len);
    assert_memory_equal(space, plain.ptr, plain.len);
    pen_buf_release(&stored);
    pen_buf_release(&plain);
}

static void gzip_refuses_every_truncation_with_its_offset(void **state)
{
    (void)state;
    struct pen_slice members[] = {
        pen_slice(plain_member, sizeof plain_member),
        pen_slice(all_fields_member, sizeof all_fields_member),
        pen_slice(stored_member, sizeof stored_member),
        pen_slice(dynamic_member, sizeof dynamic_member),
    };
    for (size_t m = 0; m < 4; m++) {
        for (size_t len = 1; len < members[m].len; len++) {
            PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(MOST);
            struct pen_error err = {0};
            assert_int_equal(decode_all(pen_slice(members[m].ptr, len), &out, &err),
                             PEN_ERR_CORRUPT);
            assert_non_null(strstr(err.message, "truncated"));
            assert_int_equal(err.offset, len);
        }
    }
}

/* Bytes that may differ without a trace in the data: time, extra flags and system of the header,
 * its name and comment. The rest must be noticed, whatever bit is wrong. */
static void gzip_never_gives_wrong_data_for_a_damaged_byte(void **state)
{
    (void)state;
    struct pen_buf stored = PEN_BUF(MOST), plain = PEN_BUF(MOST);
    make_stream(&stored, &plain);
    for (size_t at = 0; at < stored.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(1 << 20);
            stored.ptr[at] = (char)(stored.ptr[at] ^ (1 << bit));
            enum pen_code code = decode_all(pen_buf_slice(&stored), &out, NULL);
            stored.ptr[at] = (char)(stored.ptr[at] ^ (1 << bit));
            if (code == PEN_OK)
                assert_true(pen_slice_equal(pen_buf_slice(&out), pen_buf_slice(&plain)));
            else
                assert_int_equal(code, PEN_ERR_CORRUPT);
        }
    }
    pen_buf_release(&stored);
    pen_buf_release(&plain);
}

static void expect_problem(struct pen_slice in, const char *text)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(MOST);
    for (size_t cut = 0; cut <= in.len; cut++) {
        struct pen_error err = {0};
        assert_int_equal(decode_cut(in, cut, MOST, &out, &err), PEN_ERR_CORRUPT);
        if (strstr(err.message, text) == NULL)
            fail_msg("'%s' does not say '%s'", err.message, text);
    }
}

static void gzip_names_each_kind_of_damage(void **state)
{
    (void)state;
    uint8_t bytes[sizeof all_fields_member + 8];
    size_t len = sizeof all_fields_member;
#define DAMAGE(at, text)                                                                           \
    do {                                                                                           \
        memcpy(bytes, all_fields_member, len);                                                     \
        bytes[at] ^= 0x40;                                                                         \
        expect_problem(pen_slice(bytes, len), text);                                               \
    } while (0)
    DAMAGE(2, "unknown compression method");
    DAMAGE(3, "reserved flags");
    DAMAGE(14, "wrong checksum of a header");
    DAMAGE(len - 8, "wrong checksum (CRC-32)");
    DAMAGE(len - 1, "wrong length");
    memcpy(bytes, all_fields_member, len);
    memcpy(bytes + len, "garbage!", 8);
    expect_problem(pen_slice(bytes, len + 1), "behind the last member");
    expect_problem(pen_slice(bytes, len + 8), "behind the last member");
    memcpy(bytes + len, "\0\0\0x", 4);
    expect_problem(pen_slice(bytes, len + 4), "behind the last member");
    memcpy(bytes + len, "\x1f\x8b\x08", 3);
    expect_problem(pen_slice(bytes, len + 3), "truncated");
    memcpy(bytes + len, "\x1fz", 2);
    expect_problem(pen_slice(bytes, len + 2), "behind the last member");
}

static void gzip_says_what_other_bytes_look_like(void **state)
{
    (void)state;
    expect_problem(PEN_LIT("id,name\n1,a\n"), "Not in GZIP format: the bytes look like plain text");
    expect_problem(PEN_LIT("BZh91AY&SY0123456789"),
                   "Not in GZIP format: the bytes look like bzip2");
    expect_problem(PEN_LIT("PK\x03\x04xxxxxxxxxxxxxxxxxx"), "look like zip");
    expect_problem(PEN_LIT("\x28\xb5\x2f\xfd"), "look like zstd");
    expect_problem(PEN_LIT(""), "look like nothing");
}

static void gzip_reset_makes_it_ready_after_an_error(void **state)
{
    (void)state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(MOST);
    assert_int_equal(decode_all(pen_slice(dynamic_member, 100), &out, NULL), PEN_ERR_CORRUPT);
    pen_buf_clear(&out);
    assert_ok(decode_all(pen_slice(plain_member, sizeof plain_member), &out, err));
    assert_string_equal(out.ptr, "id,name\n1,a\n");
}

static void looks_like_names_formats_by_their_first_bytes(void **state)
{
    (void)state;
    assert_string_equal(pen_decode_looks_like(PEN_LIT("\x1f\x8b\x08")), "gzip");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("\xfd"
                                                      "7zXZ\0..")),
                        "xz");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("PAR1")), "parquet");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("\xef\xbb\xbfid")), "UTF-8 text");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("\xff\xfei\0")), "UTF-16 text");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("{\"a\":\t1}\r\n\xe6\x97\xa5")),
                        "plain text");
    assert_string_equal(pen_decode_looks_like(PEN_LIT("ab\x01\x02")), "unknown binary data");
    assert_true(decoder->type->magic(PEN_LIT("\x1f\x8b")));
    assert_false(decoder->type->magic(PEN_LIT("\x1f")));
}

static void compressed_as_is_sure_or_silent(void **state)
{
    (void)state;
    const struct {
        struct pen_slice head;
        const char *type;
    } cases[] = {{PEN_LIT("\x1f\x8b\x08\0\0\0\0\0\0\x03"), "gzip"},
                 {PEN_LIT("PK\x03\x04\x14\0\0\0\x08\0"), "zip"},
                 {PEN_LIT("\x28\xb5\x2f\xfd\x24\0"), "zstd"},
                 {PEN_LIT("\xfd"
                          "7zXZ\0\0\4"),
                  "xz"},
                 {PEN_LIT("BZh91AY&SY"), "bzip2"},
                 {PEN_LIT("BZh91AY&S"), NULL},
                 {PEN_LIT("BZhang,BZh"), NULL},
                 {PEN_LIT("PK,name,PK"), NULL},
                 {PEN_LIT("\xef\xbb\xbf\x1f\x8b\x08"), NULL},
                 {PEN_LIT("\x1f\x8b"), NULL},
                 {PEN_LIT(""), NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *type = pen_decode_compressed_as(cases[i].head);
        assert_true((type == NULL) == (cases[i].type == NULL));
        if (type != NULL)
            assert_string_equal(type, cases[i].type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_reads_all_members_at_every_cut),
        cmocka_unit_test(gzip_gives_the_same_at_every_output_room),
        cmocka_unit_test(gzip_reads_input_byte_by_byte),
        cmocka_unit_test(gzip_refuses_every_truncation_with_its_offset),
        cmocka_unit_test(gzip_never_gives_wrong_data_for_a_damaged_byte),
        cmocka_unit_test(gzip_names_each_kind_of_damage),
        cmocka_unit_test(gzip_says_what_other_bytes_look_like),
        cmocka_unit_test(gzip_reset_makes_it_ready_after_an_error),
        cmocka_unit_test(looks_like_names_formats_by_their_first_bytes),
        cmocka_unit_test(compressed_as_is_sure_or_silent),
    };
    return cmocka_run_group_tests(tests, open_decoder, close_decoder);
}
