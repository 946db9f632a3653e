/* tests/cases/guess/<case>/: input + seed.yaml --pen_guess--> expect.yaml, or the message of
 * expect.err. The sample is the first exec.guess_sample_buffer_bytes of input. A file `other`, when
 * there is one, stands for a second object: then the guess is checked against its head, and against
 * tail and middle of both. */
#include "case_files.h"

#include "guess/guess.h"
#include "guess/sample.h"
#include "registry.h"

/* Tail and middle of an object. */
static void add_midst(struct pen_slice object, size_t most, const char *place,
                      struct pen_guess_request *request, struct pen_guess_piece *pieces)
{
    struct pen_sample_range ranges[2];
    size_t count = pen_sample_ranges(object.len, most, ranges);
    for (size_t i = 0; i < count; i++)
        pieces[request->piece_count++] =
            (struct pen_guess_piece){pen_slice(object.ptr + ranges[i].offset, ranges[i].len), place,
                                     ranges[i].offset, i == 0};
}

static enum pen_code guess_case(const char *folder, struct pen_arena *arena, struct pen_buf *out,
                                struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf input = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf seed = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (!case_read(folder, "input", &input))
        fail_msg("%s: no input", folder);
    if (!case_read(folder, "seed.yaml", &seed))
        PEN_TRY(pen_buf_add_str(&seed, "in: {type: file, path_prefix: d}\n", err));
    struct pen_node *root = NULL;
    PEN_TRY(pen_tree_parse(pen_buf_slice(&seed), "seed.yaml", arena, &root, err));
    struct pen_bind bind = {.file = "seed.yaml", .arena = arena};
    struct pen_guess_request request = {
        .in = pen_node_get(root, "in"),
        .exec = pen_node_get(root, "exec"),
        .filters = pen_node_get(root, "filters"),
        .sample = pen_buf_slice(&input),
        .decoders = pen_decode_types,
        .bind = &bind,
    };
    size_t most;
    PEN_CLEANUP(pen_buf_release) struct pen_buf other = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_guess_piece pieces[5];
    PEN_TRY(pen_sample_size(request.exec, "guess_sample_buffer_bytes", &bind, &most, err));
    if (case_read(folder, "other", &other)) {
        request.place = "d/input";
        request.pieces = pieces;
        size_t head = other.len < most ? other.len : most;
        pieces[request.piece_count++] =
            (struct pen_guess_piece){pen_slice(other.ptr, head), "d/other", 0, head == other.len};
        add_midst(pen_buf_slice(&input), most, "d/input", &request, pieces);
        add_midst(pen_buf_slice(&other), most, "d/other", &request, pieces);
    }
    request.is_whole = request.sample.len <= most;
    request.sample.len = request.is_whole ? request.sample.len : most;
    struct pen_guess guess = {0};
    PEN_TRY(pen_guess(&request, arena, &guess, err));
    struct pen_node *result = pen_node_new_map(arena);
    assert_non_null(result);
    PEN_TRY(pen_node_set(result, arena, "in", guess.in, err));
    if (guess.filters != NULL)
        PEN_TRY(pen_node_set(result, arena, "filters", guess.filters, err));
    return pen_tree_write_yaml(result, out, err);
}

static void run_case(void **state)
{
    const char *folder = *state;
    PEN_CLEANUP(pen_buf_release) struct pen_buf want = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf got = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_arena_release) struct pen_arena arena = PEN_ARENA((size_t)64 << 20);
    struct pen_error err = {0};
    enum pen_code code = guess_case(folder, &arena, &got, &err);
    if (case_read(folder, "expect.err", &want)) {
        if (code == PEN_OK)
            fail_msg("no error, but:\n%s", got.ptr);
        assert_int_equal(pen_buf_add_str(&got, err.message, NULL), PEN_OK);
        assert_int_equal(pen_buf_add_str(&got, "\n", NULL), PEN_OK);
    } else if (code != PEN_OK) {
        fail_msg("%s: %s", err.where, err.message);
    } else if (!case_read(folder, "expect.yaml", &want)) {
        fail_msg("no expect.yaml; the guess is:\n%s", got.ptr);
    }
    if (strcmp(got.ptr, want.ptr) != 0)
        fail_msg("expected:\n%s\ngot:\n%s", want.ptr, got.ptr);
}

int main(int argc, char **argv)
{
    return argc == 2 ? case_run_all(argv[1], run_case) : 2;
}
