/* Archives, sound and hostile, read by their directory and as streams. */
#include "run/archive.h"

#include <stdlib.h>

#include "conf/tree.h"
#include "decode/zip.h"
#include "decode_cut.h"
#include "zip_maker.h"

/* --- an object in memory ---------------------------------------------------------------------- */

struct object {
    struct pen_reader reader; /* first member */
    struct pen_slice bytes;
    size_t at, piece, streamed;
    size_t ranged; /* read_at calls */
};

static enum pen_code object_read(struct pen_reader *reader, void *buf, size_t cap, size_t *ret_len,
                                 struct pen_error *err)
{
    (void)err;
    struct object *object = (struct object *)(void *)reader;
    size_t len = object->bytes.len - object->at;
    len = len < cap ? len : cap;
    len = len < object->piece ? len : object->piece;
    if (len > 0)
        memcpy(buf, object->bytes.ptr + object->at, len);
    object->at += len;
    object->streamed += len;
    *ret_len = len;
    return PEN_OK;
}

static enum pen_code object_read_at(struct pen_reader *reader, uint64_t offset, void *buf,
                                    size_t len, struct pen_error *err)
{
    (void)err;
    struct object *object = (struct object *)(void *)reader;
    assert_true(offset <= object->bytes.len && len <= object->bytes.len - offset && len > 0);
    memcpy(buf, object->bytes.ptr + offset, len);
    object->ranged++;
    return PEN_OK;
}

static void object_close(struct pen_reader *reader)
{
    (void)reader; /* on the test's stack */
}

/* --- reading ---------------------------------------------------------------------------------- */

struct rig {
    struct object object;
    struct pen_arena arena;
    struct pen_bind bind;
    struct pen_decode_spec spec;
    struct pen_archive_options options;
    struct pen_buf out; /* "<name>\n<text>\n" of every entry */
    struct pen_error failed;
};

static enum pen_code read_entry(struct pen_reader *reader, struct pen_buf *out, size_t room,
                                struct pen_error *err)
{
    size_t len = 1;
    while (len > 0) {
        char space[8192];
        PEN_TRY(reader->read(reader, space, room, &len, err));
        PEN_TRY(pen_buf_add(out, space, len, err));
    }
    return PEN_OK;
}

static enum pen_code read_all(struct pen_archive *archive, struct pen_buf *out, size_t room,
                              struct pen_error *err)
{
    for (;;) {
        PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = NULL;
        const char *name = NULL;
        PEN_TRY(pen_archive_next(archive, &reader, &name, err));
        if (reader == NULL)
            return PEN_OK;
        PEN_TRY(pen_buf_addf(out, err, "%s\n", name));
        PEN_TRY(read_entry(reader, out, room, err));
        PEN_TRY(pen_buf_add_char(out, '\n', err));
    }
}

/* The first wanted entry's first `sample` stored bytes; 0: all wanted entries. */
static enum pen_code read_sample(struct rig *rig, struct pen_slice bytes, const char *yaml,
                                 size_t piece, size_t room, uint64_t sample)
{
    *rig = (struct rig){.arena = PEN_ARENA((size_t)1 << 20), .out = PEN_BUF((size_t)64 << 20)};
    rig->object = (struct object){
        .reader = {object_read, object_read_at, object_close}, .bytes = bytes, .piece = piece};
    rig->bind = (struct pen_bind){.file = "load.yml", .arena = &rig->arena};
    struct pen_node *config = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(yaml), "load.yml", &rig->arena, &config, err));
    rig->spec = (struct pen_decode_spec){&pen_decode_zip, config};
    rig->options = (struct pen_archive_options){
        .spec = &rig->spec, .bind = &rig->bind, .size_bytes = bytes.len, .sample_bytes = sample};
    PEN_CLEANUP(pen_archive_free_p) struct pen_archive *archive = NULL;
    PEN_TRY(pen_archive_new(&rig->options, &rig->object.reader, &archive, &rig->failed));
    return read_all(archive, &rig->out, room, &rig->failed);
}

static enum pen_code read_archive(struct rig *rig, struct pen_slice bytes, const char *yaml,
                                  size_t piece, size_t room)
{
    return read_sample(rig, bytes, yaml, piece, room, 0);
}

static void rig_release(struct rig *rig)
{
    pen_arena_release(&rig->arena);
    pen_buf_release(&rig->out);
}

static void expect_entries(struct pen_slice bytes, const char *yaml, const char *expected)
{
    static const size_t pieces[] = {1, 7, 100000};
    for (size_t i = 0; i < 3; i++) {
        PEN_CLEANUP(rig_release) struct rig rig;
        if (read_archive(&rig, bytes, yaml, pieces[i], pieces[i] < 8192 ? pieces[i] : 8192) !=
            PEN_OK)
            fail_msg("refused: %s", rig.failed.message);
        assert_string_equal(rig.out.ptr == NULL ? "" : rig.out.ptr, expected);
    }
}

static void expect_failure(struct pen_slice bytes, const char *yaml, enum pen_code code,
                           const char *words)
{
    PEN_CLEANUP(rig_release) struct rig rig;
    assert_int_equal(read_archive(&rig, bytes, yaml, 1000, 1000), code);
    if (strstr(rig.failed.message, words) == NULL)
        fail_msg("'%s' does not say '%s'", rig.failed.message, words);
}

/* --- sound archives --------------------------------------------------------------------------- */

static const struct made_entry entries[] = {
    {.name = "folder/", .text = ""},
    {.name = "folder/a.csv", .text = "id,name\n1,stored\n"},
    {.name = "__MACOSX/folder/._a.csv", .text = "rubbish"},
    {.name = "b.csv", .text = "id,name\n2,two\n2,two\n2,two\n2,two\n2,two\n2,two\n", .method = 8},
    {.name = "empty.csv", .text = ""},
    {.name = "c.tsv", .text = "id\tname\n3\tthree\n", .method = 8, .flags = 8},
    {.name = "d.csv", .text = "id,name\n4,large form\n", .method = 8, .is_64 = true},
    {.name = "../../e.csv", .text = "id,name\n5,just a name\n"},
};

static void make_archive(struct zip_maker *maker, bool is_64, const char *comment)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        zip_add(maker, &entries[i]);
    zip_end(maker, is_64, comment);
}

static const char all_entries[] = "folder/a.csv\nid,name\n1,stored\n\n"
                                  "b.csv\nid,name\n2,two\n2,two\n2,two\n2,two\n2,two\n2,two\n\n"
                                  "c.tsv\nid\tname\n3\tthree\n\n"
                                  "d.csv\nid,name\n4,large form\n\n"
                                  "../../e.csv\nid,name\n5,just a name\n\n";

static void archive_gives_every_entry_that_is_a_file(void **state)
{
    (void)state;
    static const char *const comments[] = {"", "a comment",
                                           "PK\5\6 in a comment, long enough to be one"};
    for (size_t i = 0; i < 6; i++) {
        PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
        make_archive(&maker, i % 2 == 1, comments[i / 2]);
        expect_entries(pen_buf_slice(&maker.bytes), "{type: zip}", all_entries);
    }
}

static void archive_without_files_gives_nothing(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    zip_end(&maker, false, "");
    expect_entries(pen_buf_slice(&maker.bytes), "{type: zip}", "");
}

static void archive_chooses_by_the_whole_name(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    make_archive(&maker, false, "");
    struct pen_slice bytes = pen_buf_slice(&maker.bytes);
    expect_entries(bytes, "{type: zip, match_name: '.*\\.tsv'}", "c.tsv\nid\tname\n3\tthree\n\n");
    expect_entries(bytes, "{type: zip, match_name: 'd.csv|c.tsv'}",
                   "c.tsv\nid\tname\n3\tthree\n\nd.csv\nid,name\n4,large form\n\n");
    expect_failure(bytes, "{type: zip, match_name: 'a.csv'}", PEN_ERR_NOT_FOUND,
                   "match_name 'a.csv' matches none of the archive's 8 entries");
    expect_failure(bytes, "{type: zip, match_name: '('}", PEN_ERR_CONFIG,
                   "match_name: bad regular");
    expect_failure(bytes, "{type: zip, match_nam: a}", PEN_ERR_CONFIG, "match_nam");
}

static void archive_reads_in_order_without_asking_for_ranges(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    make_archive(&maker, false, "");
    PEN_CLEANUP(rig_release) struct rig rig;
    assert_int_equal(read_archive(&rig, pen_buf_slice(&maker.bytes), "{type: zip}", 999, 999),
                     PEN_OK);
    assert_int_equal(rig.object.ranged, 2);                 /* the end and the directory */
    assert_int_equal(rig.object.streamed, maker.bytes.len); /* so its digest was checked */
}

static void archive_asks_for_an_entry_that_is_far_ahead(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    PEN_CLEANUP(pen_free_p) char *large = calloc(1, (size_t)3 << 20);
    assert_non_null(large);
    struct made_entry first = {.name = "large", .text = large, .text_len = (size_t)3 << 20};
    struct made_entry last = {.name = "last.csv", .text = "id\n9\n", .method = 8};
    zip_add(&maker, &first);
    zip_add(&maker, &last);
    zip_end(&maker, false, "");
    PEN_CLEANUP(rig_release) struct rig rig;
    assert_int_equal(read_archive(&rig, pen_buf_slice(&maker.bytes),
                                  "{type: zip, match_name: last.csv}", 999, 999),
                     PEN_OK);
    assert_string_equal(rig.out.ptr, "last.csv\nid\n9\n\n");
    assert_int_equal(rig.object.streamed, 0);
    assert_int_equal(rig.object.ranged, 4); /* end, directory, local header, data */
}

static void archive_sample_is_the_head_of_the_first_wanted_entry(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *yaml, *expected;
    } cases[] = {
        {9, "{type: zip}", "folder/a.csv\nid,name\n1\n"},
        {1, "{type: zip}", "folder/a.csv\ni\n"},
        {1000, "{type: zip}", "folder/a.csv\nid,name\n1,stored\n\n"},
        {4, "{type: zip, match_name: '.*e.csv'}", "../../e.csv\nid,n\n"},
    };
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    make_archive(&maker, false, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PEN_CLEANUP(rig_release) struct rig rig;
        assert_int_equal(
            read_sample(&rig, pen_buf_slice(&maker.bytes), cases[i].yaml, 3, 5, cases[i].bytes),
            PEN_OK);
        assert_string_equal(rig.out.ptr, cases[i].expected);
    }
}

static void archive_names_are_utf8_or_code_page_437(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    struct made_entry old = {.name = "caf\x82", .text = "1"};
    struct made_entry fresh = {.name = "caf\xc3\xa9", .text = "2", .flags = 0x800};
    struct made_entry broken = {.name = "a\xff\n", .text = "3", .flags = 0x800};
    zip_add(&maker, &old);
    zip_add(&maker, &fresh);
    zip_add(&maker, &broken);
    zip_end(&maker, false, "");
    expect_entries(pen_buf_slice(&maker.bytes), "{type: zip}",
                   "caf\xc3\xa9\n1\ncaf\xc3\xa9\n2\na\xef\xbf\xbd\xef\xbf\xbd\n3\n");
}

/* --- damaged and hostile ones ----------------------------------------------------------------- */

static void archive_truncated_anywhere_is_an_error(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    make_archive(&maker, true, "");
    for (size_t len = 0; len < maker.bytes.len; len++)
        expect_failure(pen_slice(maker.bytes.ptr, len), "{type: zip}", PEN_ERR_CORRUPT,
                       len < 4 ? "Not in zip format" : "no directory at the end of the archive");
}

/* Two archives of one layout: the places in the second's directory exist in the first, too. */
static void archive_behind_other_bytes_is_an_error(void **state)
{
    (void)state;
    for (int is_large = 0; is_large < 2; is_large++) {
        PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
        PEN_CLEANUP(pen_buf_release) struct pen_buf twice = PEN_BUF((size_t)1 << 20);
        make_archive(&maker, is_large != 0, "");
        assert_ok(pen_buf_add_slice(&twice, pen_buf_slice(&maker.bytes), err));
        assert_ok(pen_buf_add_slice(&twice, pen_buf_slice(&maker.bytes), err));
        expect_failure(pen_buf_slice(&twice), "{type: zip}", PEN_ERR_CORRUPT,
                       "the directory does not end where its end record begins");
    }
}

/* Whether the byte belongs to a name in the directory, which nothing protects. */
static bool is_in_a_name(const struct zip_maker *maker, size_t at)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        size_t len = strlen(entries[i].name);
        const char *last = NULL;
        for (size_t p = 0; p + len <= maker->bytes.len; p++)
            if (memcmp(maker->bytes.ptr + p, entries[i].name, len) == 0)
                last = maker->bytes.ptr + p;
        if (last != NULL && maker->bytes.ptr + at >= last && maker->bytes.ptr + at < last + len)
            return true;
    }
    return false;
}

static void archive_with_any_bit_changed_never_gives_wrong_text(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    make_archive(&maker, true, "x");
    for (size_t at = 0; at < maker.bytes.len; at++) {
        if (is_in_a_name(&maker, at))
            continue;
        for (unsigned bit = 0; bit < 8; bit++) {
            maker.bytes.ptr[at] = (char)(maker.bytes.ptr[at] ^ (1 << bit));
            PEN_CLEANUP(rig_release) struct rig rig;
            enum pen_code code =
                read_archive(&rig, pen_buf_slice(&maker.bytes), "{type: zip}", 500, 500);
            maker.bytes.ptr[at] = (char)(maker.bytes.ptr[at] ^ (1 << bit));
            if (code == PEN_OK)
                assert_string_equal(rig.out.ptr, all_entries);
            else
                assert_true(code == PEN_ERR_CORRUPT || code == PEN_ERR_TOO_LARGE);
        }
    }
}

static void expect_entry_failure(struct made_entry entry, enum pen_code code, const char *words)
{
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    struct made_entry good = {.name = "good", .text = "g"};
    if (entry.name == NULL)
        entry.name = "bad.csv";
    if (entry.text == NULL)
        entry.text = "some text of the entry\n";
    zip_add(&maker, &good);
    zip_add(&maker, &entry);
    zip_end(&maker, false, "");
    expect_failure(pen_buf_slice(&maker.bytes), "{type: zip}", code, words);
}

static void archive_says_what_is_wrong_with_an_entry(void **state)
{
    (void)state;
    expect_entry_failure((struct made_entry){.flags = 1}, PEN_ERR_CORRUPT,
                         "entry 'bad.csv' is encrypted at byte");
    expect_entry_failure((struct made_entry){.method = 12}, PEN_ERR_CORRUPT,
                         "entry 'bad.csv' has the compression method 12");
    expect_entry_failure((struct made_entry){.crc_xor = 1, .method = 8}, PEN_ERR_CORRUPT,
                         "wrong checksum (CRC-32)");
    expect_entry_failure((struct made_entry){.crc_xor = 1}, PEN_ERR_CORRUPT,
                         "wrong checksum (CRC-32)");
    expect_entry_failure((struct made_entry){.plain_add = 1, .method = 8}, PEN_ERR_CORRUPT,
                         "wrong length");
    expect_entry_failure((struct made_entry){.plain_add = 1}, PEN_ERR_CORRUPT, "wrong length");
    expect_entry_failure((struct made_entry){.plain_add = UINT32_MAX, .method = 8}, PEN_ERR_CORRUPT,
                         "more data than the directory says");
    expect_entry_failure((struct made_entry){.stored_add = UINT32_MAX, .method = 8},
                         PEN_ERR_CORRUPT, "do not end with the entry");
    expect_entry_failure((struct made_entry){.stored_add = 100}, PEN_ERR_CORRUPT, "out of range");
    expect_entry_failure((struct made_entry){.offset_add = 100000}, PEN_ERR_CORRUPT,
                         "the place of 'bad.csv' is out of range");
    expect_entry_failure((struct made_entry){.offset_add = 3}, PEN_ERR_CORRUPT,
                         "no entry where the directory says");
    expect_entry_failure((struct made_entry){.offset_add = (uint32_t)-20}, PEN_ERR_CORRUPT,
                         "'good' and 'bad.csv' overlap");
}

static void archive_limits_ratio_and_count(void **state)
{
    (void)state;
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    PEN_CLEANUP(pen_free_p) char *zeros = calloc(1, (size_t)4 << 20);
    assert_non_null(zeros);
    struct made_entry bomb = {
        .name = "bomb", .text = zeros, .text_len = (size_t)4 << 20, .method = 8};
    zip_add(&maker, &bomb);
    zip_add(&maker, &entries[1]);
    zip_end(&maker, false, "");
    struct pen_slice bytes = pen_buf_slice(&maker.bytes);
    expect_failure(bytes, "{type: zip, max_ratio: 50}", PEN_ERR_TOO_LARGE, "entry 'bomb' is ");
    expect_failure(bytes, "{type: zip, max_entries: 1}", PEN_ERR_TOO_LARGE,
                   "2 entries, more than max_entries (1)");
    expect_failure(bytes, "{type: zip, max_ratio: 0}", PEN_ERR_CONFIG, "max_ratio");
    PEN_CLEANUP(rig_release) struct rig rig;
    assert_int_equal(
        read_archive(&rig, bytes, "{type: zip, max_ratio: 2000, max_entries: 2}", 100000, 8192),
        PEN_OK);
    assert_int_equal(rig.out.len, ((size_t)4 << 20) + strlen("bomb\n\n") +
                                      strlen("folder/a.csv\nid,name\n1,stored\n\n"));
}

static void archive_of_other_bytes_says_what_they_look_like(void **state)
{
    (void)state;
    expect_failure(PEN_LIT("id,name\n1,a\n"), "{type: zip}", PEN_ERR_CORRUPT,
                   "Not in zip format: the bytes look like plain text");
    expect_failure(PEN_LIT("BZh91AY&SY0000000000000000000000"), "{type: zip}", PEN_ERR_CORRUPT,
                   "the bytes look like bzip2");
    expect_failure(PEN_LIT(""), "{type: zip}", PEN_ERR_CORRUPT, "the bytes look like nothing");
}

/* --- as a stream ------------------------------------------------------------------------------ */

static void expect_stream(const char *yaml, const char *expected)
{
    struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
    struct pen_bind bind = {.file = "load.yml", .arena = &arena};
    struct pen_node *config = NULL;
    struct pen_decode *decoder = NULL;
    assert_ok(pen_tree_parse(pen_slice_str(yaml), "load.yml", &arena, &config, err));
    assert_ok(pen_decode_new(&pen_decode_zip, config, &bind, &decoder, err));
    PEN_CLEANUP(zip_maker_release) struct zip_maker maker = ZIP_MAKER;
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF((size_t)1 << 20);
    make_archive(&maker, false, "");
    struct pen_slice bytes = pen_buf_slice(&maker.bytes);
    for (size_t cut = 0; cut <= bytes.len; cut++)
        for (size_t room = 1; room <= 256; room += 85) {
            assert_ok(decode_cut(decoder, bytes, cut, room, &out, err));
            assert_int_equal(out.len, strlen(expected));
            assert_memory_equal(out.len == 0 ? "" : out.ptr, expected, out.len);
        }
    pen_decode_free(decoder);
    pen_arena_release(&arena);
}

static void archive_as_a_stream_gives_the_first_wanted_entry_at_every_cut(void **state)
{
    (void)state;
    expect_stream("{type: zip}", entries[1].text);
    expect_stream("{type: zip, match_name: b.csv}", entries[3].text);
    expect_stream("{type: zip, match_name: c.tsv}", entries[5].text);
    expect_stream("{type: zip, match_name: d.csv}", entries[6].text); /* behind sizes behind data */
    expect_stream("{type: zip, match_name: none}", "");
}

static void archive_as_a_stream_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *words;
    } cases[] = {
        {"id,name\n1,a\n", "Not in zip format: the bytes look like plain text"},
        {"id,name\n1,a\n2,b and much more of it\n", "the bytes look like plain text"},
        {"", "the bytes look like nothing"},
        {"PK\3\4", "truncated"},
    };
    struct pen_decode *decoder = NULL;
    struct pen_arena arena = PEN_ARENA((size_t)1 << 20);
    struct pen_bind bind = {.arena = &arena};
    PEN_CLEANUP(pen_buf_release) struct pen_buf out = PEN_BUF((size_t)1 << 20);
    assert_ok(pen_decode_new(&pen_decode_zip, NULL, &bind, &decoder, err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pen_error failed = {0};
        struct pen_slice bytes = pen_slice_str(cases[i].bytes);
        assert_int_equal(decode_cut(decoder, bytes, bytes.len / 2, 100, &out, &failed),
                         PEN_ERR_CORRUPT);
        assert_non_null(strstr(failed.message, cases[i].words));
    }
    pen_decode_free(decoder);
    pen_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archive_gives_every_entry_that_is_a_file),
        cmocka_unit_test(archive_without_files_gives_nothing),
        cmocka_unit_test(archive_chooses_by_the_whole_name),
        cmocka_unit_test(archive_reads_in_order_without_asking_for_ranges),
        cmocka_unit_test(archive_asks_for_an_entry_that_is_far_ahead),
        cmocka_unit_test(archive_sample_is_the_head_of_the_first_wanted_entry),
        cmocka_unit_test(archive_names_are_utf8_or_code_page_437),
        cmocka_unit_test(archive_truncated_anywhere_is_an_error),
        cmocka_unit_test(archive_behind_other_bytes_is_an_error),
        cmocka_unit_test(archive_with_any_bit_changed_never_gives_wrong_text),
        cmocka_unit_test(archive_says_what_is_wrong_with_an_entry),
        cmocka_unit_test(archive_limits_ratio_and_count),
        cmocka_unit_test(archive_of_other_bytes_says_what_they_look_like),
        cmocka_unit_test(archive_as_a_stream_gives_the_first_wanted_entry_at_every_cut),
        cmocka_unit_test(archive_as_a_stream_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
