/* bzip2, zstd and xz: what the original tools wrote comes back whole at every cut, and nothing that
 * is damaged does. The samples are made with the libraries' own compressors. */
#include "decode_cut.h"

#include <bzlib.h>
#include <lzma.h>
#include <stdlib.h>
#include <zstd.h>

#include "decode/decode.h"

static const char text[] = "id,name\n1,one\n2,two\n3,three three three three three three\n";
#define TEXT_LEN (sizeof text - 1)

static size_t compress_bzip2(char *into, size_t room)
{
    unsigned len = (unsigned)room;
    char source[sizeof text];
    memcpy(source, text, sizeof text);
    assert_int_equal(BZ2_bzBuffToBuffCompress(into, &len, source, TEXT_LEN, 1, 0, 0), BZ_OK);
    return len;
}

static size_t compress_zstd(char *into, size_t room)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t len = ZSTD_compress2(context, into, room, text, TEXT_LEN);
    assert_false(ZSTD_isError(len));
    (void)ZSTD_freeCCtx(context);
    return len;
}

static size_t compress_xz(char *into, size_t room)
{
    size_t len = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, (const uint8_t *)text,
                                             TEXT_LEN, (uint8_t *)into, &len, room),
                     LZMA_OK);
    return len;
}

static const struct {
    const struct pen_decode_type *type;
    size_t (*compress)(char *into, size_t room);
} formats[] = {
    {&pen_decode_bzip2, compress_bzip2},
    {&pen_decode_zstd, compress_zstd},
    {&pen_decode_xz, compress_xz},
};
#define FORMATS (sizeof formats / sizeof formats[0])

static void members_come_back_whole_at_every_cut(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        struct pen_decode *decoder = NULL;
        assert_ok(pen_decode_new(formats[f].type, NULL, NULL, &decoder, err));
        char stored[1024];
        size_t one = formats[f].compress(stored, 400);
        memcpy(stored + one, stored, one); /* two members and padding */
        memset(stored + 2 * one, 0, 5);
        struct pen_slice in = pen_slice(stored, 2 * one + 5);
        assert_true(formats[f].type->magic(in));
        PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
        for (size_t cut = 0; cut <= in.len; cut++) {
            for (size_t room = 1; room <= 256; room += 85) {
                assert_ok(decode_cut(decoder, in, cut, room, &out, err));
                assert_int_equal(out.len, 2 * TEXT_LEN);
                assert_memory_equal(out.ptr, text, TEXT_LEN);
                assert_memory_equal(out.ptr + TEXT_LEN, text, TEXT_LEN);
            }
        }
        pen_decode_free(decoder);
    }
}

static void members_truncated_anywhere_are_an_error(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        struct pen_decode *decoder = NULL;
        assert_ok(pen_decode_new(formats[f].type, NULL, NULL, &decoder, err));
        char stored[1024];
        size_t len = formats[f].compress(stored, sizeof stored);
        PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
        for (size_t cut = 0; cut < len; cut++) {
            struct pen_error failed = {0};
            struct pen_slice in = pen_slice(stored, cut);
            assert_int_equal(decode_cut(decoder, in, cut, 256, &out, &failed), PEN_ERR_CORRUPT);
        }
        pen_decode_free(decoder);
    }
}

static void members_with_any_byte_changed_never_give_wrong_text(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++) {
        struct pen_decode *decoder = NULL;
        assert_ok(pen_decode_new(formats[f].type, NULL, NULL, &decoder, err));
        char stored[1024];
        size_t len = formats[f].compress(stored, sizeof stored);
        PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
        for (size_t i = 0; i < len; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                stored[i] = (char)(stored[i] ^ (1 << bit));
                struct pen_slice in = pen_slice(stored, len);
                if (decode_cut(decoder, in, len, 256, &out, NULL) == PEN_OK) {
                    assert_int_equal(out.len, TEXT_LEN);
                    assert_memory_equal(out.ptr, text, TEXT_LEN);
                }
                stored[i] = (char)(stored[i] ^ (1 << bit));
            }
        }
        pen_decode_free(decoder);
    }
}

static void members_of_another_format_say_what_they_look_like(void **state)
{
    (void)state;
    struct pen_decode *decoder = NULL;
    assert_ok(pen_decode_new(&pen_decode_bzip2, NULL, NULL, &decoder, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_error failed = {0};
    struct pen_slice in = PEN_LIT("id,name\n1,a\n");
    assert_int_equal(decode_cut(decoder, in, in.len, 256, &out, &failed), PEN_ERR_CORRUPT);
    assert_string_equal(failed.message, "Not in bzip2 format: the bytes look like plain text");
    char stored[1024];
    size_t len = compress_bzip2(stored, sizeof stored);
    memcpy(stored + len, "rest", 4);
    in = pen_slice(stored, len + 4);
    assert_int_equal(decode_cut(decoder, in, in.len, 256, &out, &failed), PEN_ERR_CORRUPT);
    assert_non_null(strstr(failed.message, "bytes behind the last member"));
    assert_int_equal(failed.offset, len);
    pen_decode_free(decoder);
}

static void members_say_where_foreign_bytes_begin(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMATS; f++)
        for (size_t cut = 0; cut < 12; cut++) {
            struct pen_decode *decoder = NULL;
            struct pen_error failed = {0};
            PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF(PEN_BUF_TEXT_MAX);
            char stored[1024];
            size_t len = formats[f].compress(stored, 400);
            memcpy(stored + len, "other bytes", 11);
            assert_ok(pen_decode_new(formats[f].type, NULL, NULL, &decoder, err));
            assert_int_equal(
                decode_cut(decoder, pen_slice(stored, len + 11), len + cut, 256, &out, &failed),
                PEN_ERR_CORRUPT);
            assert_int_equal(failed.offset, len);
            pen_decode_free(decoder);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_back_whole_at_every_cut),
        cmocka_unit_test(members_truncated_anywhere_are_an_error),
        cmocka_unit_test(members_with_any_byte_changed_never_give_wrong_text),
        cmocka_unit_test(members_of_another_format_say_what_they_look_like),
        cmocka_unit_test(members_say_where_foreign_bytes_begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
