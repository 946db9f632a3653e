/* A sample of a file, and two pieces that may contradict it: guess never fails on content, and what
 * it writes reads back as the same, comments included. */
#include "fuzz.h"

#include "guess/guess.h"
#include "registry.h"

/* The second half is a piece of the same object, and the head of another one. */
static void add_pieces(struct pen_slice input, struct pen_guess_piece *pieces,
                       struct pen_guess_request *request)
{
    struct pen_slice rest = pen_slice_skip(input, input.len / 2);
    pieces[0] = (struct pen_guess_piece){rest, "the object", 1000, true};
    pieces[1] = (struct pen_guess_piece){rest, "another\nobject", 0, rest.len % 2 == 0};
    request->pieces = pieces;
    request->piece_count = 2;
    request->place = "the object";
    request->sample.len = input.len / 2;
    request->is_whole = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_bind bind = {.file = "fuzz", .arena = &arena};
    struct pen_node *in = NULL;
    fuzz_check(pen_tree_parse(PEN_LIT("{type: file, path_prefix: x}"), "fuzz", &arena, &in, NULL) ==
               PEN_OK);
    struct pen_guess_piece pieces[2];
    struct pen_guess_request request = {.in = in,
                                        .sample = pen_slice(data, size),
                                        .is_whole = size % 2 == 0,
                                        .decoders = pen_decode_types,
                                        .bind = &bind};
    if (size % 3 != 0)
        add_pieces(request.sample, pieces, &request);
    struct pen_guess guess = {0};
    if (pen_guess(&request, &arena, &guess, NULL) != PEN_OK)
        return 0;
    const struct pen_guess_account *a = &guess.account;
    fuzz_check(a->blank <= a->lines);
    fuzz_check(a->preamble + a->header + a->record_lines + a->blank + a->bad + a->cut == a->lines);
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    fuzz_check(pen_tree_write_yaml(guess.in, &text, NULL) == PEN_OK);
    struct pen_node *again = NULL;
    fuzz_check(pen_tree_parse(pen_buf_slice(&text), "again", &arena, &again, NULL) == PEN_OK);
    fuzz_check(pen_node_equal(guess.in, again));
    return 0;
}
