#include "guess/pieces.h"

#include "base/utf8.h"
#include "decode/charset.h"
#include "guess/charset_guess.h"
#include "guess/sample_decode.h"
#include "guess/type_remark.h"

void guess_pieces_release(struct guess_pieces *pieces)
{
    pen_arena_release(&pieces->arena);
}

/* May text of the charset be read from the midst? Not when a byte order mark or an escape in front
 * says how. */
static bool has_midst(const char *charset)
{
    static const char *const stateful[] = {"UTF-16", "UTF-32", "UTF-7", "ISO-2022", "HZ", "SCSU"};
    PEN_CLEANUP(pen_charset_free_p) struct pen_charset *opened = NULL;
    if (pen_charset_is_utf8(charset))
        return true;
    if (pen_charset_new(charset, &opened, NULL) != PEN_OK)
        return false;
    struct pen_slice name = pen_slice_str(pen_charset_name(opened));
    if (pen_slice_starts(name, PEN_LIT("UTF-16")) || pen_slice_starts(name, PEN_LIT("UTF-32")))
        return name.len > strlen("UTF-16"); /* UTF-16LE and so on */
    for (size_t i = 0; i < sizeof stateful / sizeof *stateful; i++)
        if (pen_slice_starts(name, pen_slice_str(stateful[i])))
            return false;
    return true;
}

/* UTF-8 from the midst may begin inside a character: its bytes are left out. */
static struct pen_slice behind_cut_character(struct pen_slice bytes)
{
    for (int i = 0; i < 3 && bytes.len > 0 && ((unsigned char)bytes.ptr[0] & 0xc0) == 0x80; i++)
        bytes = pen_slice_skip(bytes, 1);
    return bytes;
}

static enum pen_code keep(struct guess_pieces *pieces, const struct pen_guess_piece *raw,
                          const char *charset, struct pen_slice bytes, bool is_whole,
                          struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(SIZE_MAX / 2);
    struct pen_slice from = bytes;
    bool is_utf8 = pen_charset_is_utf8(charset), is_head = raw->offset == 0;
    if (is_utf8 && !is_head)
        from = behind_cut_character(bytes);
    PEN_TRY(pen_guess_decode(from, charset, is_whole, &text, err));
    struct pen_slice cut = from;
    cut.len -= pen_utf8_cut_len(from);
    struct guess_piece piece = {.place = guess_show_place(raw->place, &pieces->arena),
                                .offset = raw->offset + (bytes.len - from.len),
                                .is_head = is_head,
                                .is_end = is_whole,
                                .is_exact = is_utf8 && pen_utf8_is_valid(cut)};
    piece.text = pen_slice(pen_arena_copy(&pieces->arena, pen_buf_slice(&text)), text.len);
    if (piece.text.ptr == NULL || piece.place == NULL)
        return pen_fail_nomem(err);
    pieces->at[pieces->count++] = piece;
    return PEN_OK;
}

static enum pen_code decode_piece(const struct pen_guess_request *request,
                                  const struct pen_node *in, size_t most,
                                  const struct pen_guess_piece *raw, struct guess_pieces *pieces,
                                  struct pen_error *err)
{
    const struct pen_node *list = pen_node_get(in, "decoders");
    const char *charset = pen_node_get(pen_node_get(in, "parser"), "charset")->text.ptr;
    bool has_decoders = list != NULL && list->count > 0, is_whole = raw->is_end;
    if (raw->offset > 0 && (has_decoders || !has_midst(charset)))
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf plain = PEN_BUF(SIZE_MAX / 2);
    struct pen_error problem = {0};
    if (guess_decode(request, list, raw->bytes, most, &is_whole, &plain, &problem) != PEN_OK) {
        const char *place = guess_show_place(raw->place, &pieces->arena);
        pieces->remark = guess_remark(&pieces->arena, pieces->remark,
                                      "check this: %s cannot be decoded like the sample: %s",
                                      place != NULL ? place : "an object", problem.message);
        return problem.code == PEN_ERR_NOMEM ? pen_fail_nomem(err) : PEN_OK;
    }
    return keep(pieces, raw, charset, pen_buf_slice(&plain), is_whole, err);
}

enum pen_code guess_pieces_decode(const struct pen_guess_request *request,
                                  const struct pen_node *in, size_t most,
                                  struct guess_pieces *ret_pieces, struct pen_error *err)
{
    PEN_CLEANUP(guess_pieces_release)
    struct guess_pieces pieces = {.arena = PEN_ARENA(SIZE_MAX / 2)};
    pieces.place = guess_show_place(request->place, &pieces.arena);
    pieces.at = pen_arena_alloc(&pieces.arena, (request->piece_count + 1) * sizeof *pieces.at);
    if (pieces.at == NULL)
        return pen_fail_nomem(err);
    for (size_t i = 0; i < request->piece_count; i++)
        PEN_TRY(decode_piece(request, in, most, &request->pieces[i], &pieces, err));
    *ret_pieces = pieces;
    pieces.arena = PEN_ARENA(SIZE_MAX / 2);
    return PEN_OK;
}
