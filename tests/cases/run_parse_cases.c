/* tests/cases/parse_<type>/<case>/: input + options.yaml (the parser mapping) --> expect.jsonl, or
 * the message of expect.err. A file `sample` marks the input as one that may be cut. Every case
 * runs at every cut (pieces of 1, 2, 3 ... bytes), with small and large batches, and with every
 * kernel that this machine has; all must give the same. */
#include "case_files.h"
#include "parse_drive.h"

#include "base/cpu.h"
#include "registry.h"

#define OUT_MAX ((size_t)16 << 20)

struct parse_case {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_buf input, options, want;
    bool is_error_wanted, is_sample;
};

static void open_case(const char *folder, struct parse_case *c)
{
    struct pen_buf mark = PEN_BUF(OUT_MAX);
    if (!case_read(folder, "input", &c->input) || !case_read(folder, "options.yaml", &c->options))
        fail_msg("%s: input or options.yaml is missing", folder);
    c->is_sample = case_read(folder, "sample", &mark);
    c->is_error_wanted = case_read(folder, "expect.err", &c->want);
    if (!c->is_error_wanted && !case_read(folder, "expect.jsonl", &c->want))
        fail_msg("%s: neither expect.jsonl nor expect.err", folder);
    pen_buf_release(&mark);
}

static enum pen_code open_parser(struct parse_case *c, struct pen_parse **ret_parse,
                                 struct pen_error *err)
{
    struct pen_node *root = NULL;
    struct pen_bind bind = {.file = "options.yaml", .arena = &c->arena, .warnings = &c->warnings};
    PEN_TRY(pen_tree_parse(pen_buf_slice(&c->options), "options.yaml", &c->arena, &root, err));
    const struct pen_node *type_name = pen_node_get(root, "type");
    assert_non_null(type_name);
    const struct pen_parse_type *type = pen_find_parse(type_name->text);
    assert_non_null(type);
    return pen_parse_new(type, root, c->is_sample, &bind, ret_parse, err);
}

static void compare(const struct parse_case *c, const struct drive *drive, const char *kernel,
                    enum pen_code code, const struct pen_error *err)
{
    struct pen_buf got = PEN_BUF(OUT_MAX);
    if (code != PEN_OK) {
        assert_int_equal(pen_buf_addf(&got, NULL, "%s\n", err->message), PEN_OK);
    } else {
        assert_int_equal(pen_buf_add_slice(&got, pen_buf_slice(&drive->rows), NULL), PEN_OK);
        assert_int_equal(pen_buf_add_slice(&got, pen_buf_slice(&drive->rejects), NULL), PEN_OK);
    }
    if (c->is_error_wanted != (code != PEN_OK) ||
        !pen_slice_equal(pen_buf_slice(&got), pen_buf_slice(&c->want)))
        fail_msg("pieces of %zu, batches of %zu, %s\nexpected:\n%.*sgot:\n%.*s", drive->piece,
                 drive->capacity, kernel, PEN_ARG(pen_buf_slice(&c->want)),
                 PEN_ARG(pen_buf_slice(&got)));
    pen_buf_release(&got);
}

static void run_at_every_cut(const struct parse_case *c, const struct pen_parse *parse,
                             const char *kernel)
{
    static const size_t capacities[] = {2048, 1, 3};
    for (size_t piece = c->input.len; piece > 0 || c->input.len == 0; piece--) {
        for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
            struct drive drive = {.parse = parse,
                                  .input = pen_buf_slice(&c->input),
                                  .piece = piece,
                                  .capacity = capacities[i]};
            struct pen_error err = {0};
            enum pen_code code = drive_parse(&drive, &err);
            compare(c, &drive, kernel, code, &err);
            drive_release(&drive);
        }
        if (piece == 0)
            break;
    }
}

static void run_case(void **state)
{
    struct parse_case c = {.arena = PEN_ARENA((size_t)64 << 20),
                           .warnings = {.text = PEN_BUF(PEN_BUF_TEXT_MAX)},
                           .input = PEN_BUF(OUT_MAX),
                           .options = PEN_BUF(OUT_MAX),
                           .want = PEN_BUF(OUT_MAX)};
    open_case(*state, &c);
    for (int level = 0; level < PEN_SIMD_COUNT; level++) {
        if (pen_simd_force((enum pen_simd)level) != (enum pen_simd)level)
            continue;
        struct pen_parse *parse = NULL;
        struct pen_error err = {0};
        enum pen_code code = open_parser(&c, &parse, &err);
        if (code != PEN_OK)
            compare(&c, &(struct drive){0}, "open", code, &err);
        else
            run_at_every_cut(&c, parse, pen_simd_name((enum pen_simd)level));
        pen_parse_free(parse);
    }
    pen_buf_release(&c.input);
    pen_buf_release(&c.options);
    pen_buf_release(&c.want);
    pen_buf_release(&c.warnings.text);
    pen_arena_release(&c.arena);
}

int main(int argc, char **argv)
{
    return argc == 2 ? case_run_all(argv[1], run_case) : 2;
}
