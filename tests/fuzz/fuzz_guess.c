/* A sample of a file: guess never fails on content, and what it writes reads back as the same. */
#include "fuzz.h"

#include "guess/guess.h"
#include "registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)256 << 20);
    struct pen_bind bind = {.file = "fuzz", .arena = &arena};
    struct pen_node *in = NULL;
    fuzz_check(pen_tree_parse(PEN_LIT("{type: file, path_prefix: x}"), "fuzz", &arena, &in, NULL) ==
               PEN_OK);
    struct pen_guess_request request = {.in = in,
                                        .sample = pen_slice(data, size),
                                        .is_whole = size % 2 == 0,
                                        .decoders = pen_decode_types,
                                        .bind = &bind};
    struct pen_guess guess = {0};
    if (pen_guess(&request, &arena, &guess, NULL) != PEN_OK)
        return 0;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    fuzz_check(pen_tree_write_yaml(guess.in, &text, NULL) == PEN_OK);
    struct pen_node *again = NULL;
    fuzz_check(pen_tree_parse(pen_buf_slice(&text), "again", &arena, &again, NULL) == PEN_OK);
    fuzz_check(pen_node_equal(guess.in, again));
    return 0;
}
