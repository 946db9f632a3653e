/* tests/cases/filter/<case>/: input + config.yaml (parser, filters) --> expect.jsonl (rows, then
 * rejected records, then what was filtered out, then values that became null for want of sense), or
 * expect.err (place, message and hint). Warnings of the configuration must be those of expect.warn,
 * none without it. Every case runs with small and large pieces and batches; all must give the same.
 * The input is s3://the-bucket/a/key of one.jsonl. The job started at 2026-01-02T03:04:05.678901Z.
 */
#include "case_files.h"
#include "parse_drive.h"

#include "filter/filter.h"
#include "registry.h"

#define OUT_MAX     ((size_t)16 << 20)
#define FILTERS_MAX 8
#define STARTED_US  INT64_C(1767323045678901)

struct filter_case {
    struct pen_arena arena;
    struct pen_warnings warnings;
    struct pen_buf input, config, want, want_warnings;
    bool is_error_wanted;
    struct pen_parse *parse;
    struct pen_filter *filters[FILTERS_MAX];
    struct pen_filter_local *locals[FILTERS_MAX];
    size_t count;
};

static void open_case(const char *folder, struct filter_case *c)
{
    if (!case_read(folder, "input", &c->input) || !case_read(folder, "config.yaml", &c->config))
        fail_msg("%s: input or config.yaml is missing", folder);
    c->is_error_wanted = case_read(folder, "expect.err", &c->want);
    if (!c->is_error_wanted && !case_read(folder, "expect.jsonl", &c->want))
        fail_msg("%s: neither expect.jsonl nor expect.err", folder);
    (void)case_read(folder, "expect.warn", &c->want_warnings); /* without it: no warnings */
}

static enum pen_code open_chain(struct filter_case *c, struct pen_error *err)
{
    struct pen_node *root = NULL;
    struct pen_bind bind = {.file = "config.yaml", .arena = &c->arena, .warnings = &c->warnings};
    PEN_TRY(pen_tree_parse(pen_buf_slice(&c->config), "config.yaml", &c->arena, &root, err));
    const struct pen_node *parser = pen_node_get(root, "parser");
    const struct pen_parse_type *parse_type = pen_find_parse(pen_node_get(parser, "type")->text);
    assert_non_null(parse_type);
    PEN_TRY(pen_parse_new(parse_type, parser, false, &bind, &c->parse, err));
    const struct pen_schema *schema = &c->parse->schema;
    for (const struct pen_node *node = pen_node_get(root, "filters")->first; node != NULL;
         node = node->next) {
        const struct pen_filter_type *type = pen_find_filter(pen_node_get(node, "type")->text);
        assert_non_null(type);
        assert_true(c->count < FILTERS_MAX);
        struct pen_filter *filter = NULL;
        PEN_TRY(pen_filter_new(type, node, &bind, STARTED_US, schema, &filter, err));
        c->filters[c->count++] = filter;
        schema = &filter->out;
    }
    return PEN_OK;
}

static enum pen_code change(struct drive *drive, struct pen_batch *batch, struct pen_error *err)
{
    const struct filter_case *c = drive->change_state;
    for (size_t i = 0; i < c->count; i++)
        PEN_TRY(c->filters[i]->type->apply(c->locals[i], batch, err));
    return PEN_OK;
}

static enum pen_code run_chain(struct filter_case *c, struct drive *drive, struct pen_error *err)
{
    struct drive_sink sink = {.sink = {.report = drive_reject}, .drive = drive};
    uint64_t filtered = 0, nulled = 0;
    for (size_t i = 0; i < c->count; i++)
        assert_int_equal(pen_filter_local_new(c->filters[i], &sink.sink, &c->locals[i], err),
                         PEN_OK);
    enum pen_code code = drive_parse(drive, err);
    for (size_t i = 0; i < c->count; i++) {
        filtered += c->locals[i]->filtered_rows;
        nulled += c->locals[i]->nulled_values;
        pen_filter_local_free(c->locals[i]);
    }
    if (filtered > 0)
        PEN_TRY(pen_buf_addf(&drive->rejects, err, "{\"filtered\":%" PRIu64 "}\n", filtered));
    if (nulled > 0)
        PEN_TRY(pen_buf_addf(&drive->rejects, err, "{\"nulled\":%" PRIu64 "}\n", nulled));
    return code;
}

static void compare(const struct filter_case *c, const struct drive *drive, enum pen_code code,
                    const struct pen_error *err)
{
    struct pen_buf got = PEN_BUF(OUT_MAX);
    if (code != PEN_OK) {
        assert_int_equal(pen_buf_addf(&got, NULL, "%s: %s\n%s%s", err->where, err->message,
                                      err->hint, err->hint[0] == '\0' ? "" : "\n"),
                         PEN_OK);
    } else {
        assert_int_equal(pen_buf_add_slice(&got, pen_buf_slice(&drive->rows), NULL), PEN_OK);
        assert_int_equal(pen_buf_add_slice(&got, pen_buf_slice(&drive->rejects), NULL), PEN_OK);
    }
    if (c->is_error_wanted != (code != PEN_OK) ||
        !pen_slice_equal(pen_buf_slice(&got), pen_buf_slice(&c->want)))
        fail_msg("pieces of %zu, batches of %zu\nexpected:\n%.*sgot:\n%.*s", drive->piece,
                 drive->capacity, PEN_ARG(pen_buf_slice(&c->want)), PEN_ARG(pen_buf_slice(&got)));
    pen_buf_release(&got);
}

static void run_all(struct filter_case *c)
{
    static const size_t capacities[] = {2048, 1, 3}, pieces[] = {SIZE_MAX, 64, 7};
    for (size_t i = 0; i < 9; i++) {
        struct drive drive = {
            .parse = c->parse,
            .change = change,
            .change_state = c,
            .object = "s3://the-bucket/a/key of one.jsonl",
            .etag = "9b2cf535f27731c974343645a3985328",
            .schema = c->count == 0 ? NULL : &c->filters[c->count - 1]->out,
            .input = pen_buf_slice(&c->input),
            .piece = pieces[i / 3] < c->input.len ? pieces[i / 3] : c->input.len,
            .capacity = capacities[i % 3],
        };
        struct pen_error err = {0};
        enum pen_code code = run_chain(c, &drive, &err);
        compare(c, &drive, code, &err);
        drive_release(&drive);
    }
}

static void run_case(void **state)
{
    struct filter_case c = {.arena = PEN_ARENA((size_t)64 << 20),
                            .warnings = {.text = PEN_BUF(PEN_BUF_TEXT_MAX)},
                            .input = PEN_BUF(OUT_MAX),
                            .config = PEN_BUF(OUT_MAX),
                            .want = PEN_BUF(OUT_MAX),
                            .want_warnings = PEN_BUF(OUT_MAX)};
    open_case(*state, &c);
    struct pen_error err = {0};
    enum pen_code code = open_chain(&c, &err);
    if (code != PEN_OK)
        compare(&c, &(struct drive){0}, code, &err);
    else
        run_all(&c);
    if (!pen_slice_equal(pen_buf_slice(&c.warnings.text), pen_buf_slice(&c.want_warnings)))
        fail_msg("warnings expected:\n%.*sgot:\n%.*s", PEN_ARG(pen_buf_slice(&c.want_warnings)),
                 PEN_ARG(pen_buf_slice(&c.warnings.text)));
    for (size_t i = 0; i < c.count; i++)
        pen_filter_free(c.filters[i]);
    pen_parse_free(c.parse);
    pen_buf_release(&c.input);
    pen_buf_release(&c.config);
    pen_buf_release(&c.want);
    pen_buf_release(&c.want_warnings);
    pen_buf_release(&c.warnings.text);
    pen_arena_release(&c.arena);
}

int main(int argc, char **argv)
{
    return argc == 2 ? case_run_all(argv[1], run_case) : 2;
}
