#include "cli/render.h"

#include "base/json.h"
#include "base/number.h"

#include <stdio.h>

#define HELD_MAX ((size_t)512 << 20)

static const char *const format_names[] = {"table", "csv", "tsv", "json", "jsonl"};

bool pen_format_from_name(const char *name, enum pen_format *ret_format)
{
    for (size_t i = 0; i < sizeof format_names / sizeof format_names[0]; i++) {
        if (strcmp(name, format_names[i]) != 0)
            continue;
        *ret_format = (enum pen_format)i;
        return true;
    }
    return false;
}

static enum pen_code start(struct pen_render *render, struct pen_output *out,
                           const struct pen_render_options *options, size_t count,
                           struct pen_error *err)
{
    *render = (struct pen_render){.options = *options,
                                  .out = out,
                                  .arena = PEN_ARENA((size_t)64 << 20),
                                  .column_count = count,
                                  .scratch = PEN_BUF((size_t)1 << 30),
                                  .held = PEN_BUF(HELD_MAX)};
    render->heads = pen_arena_alloc(&render->arena, count * sizeof *render->heads);
    render->names = pen_arena_alloc(&render->arena, count * sizeof *render->names);
    render->cells = pen_arena_alloc(&render->arena, count * sizeof *render->cells);
    render->widths = pen_arena_alloc(&render->arena, count * sizeof *render->widths);
    if (render->heads == NULL || render->names == NULL || render->cells == NULL ||
        render->widths == NULL)
        return pen_fail_nomem(err);
    memset(render->widths, 0, count * sizeof *render->widths);
    return PEN_OK;
}

static enum pen_code copy_text(struct pen_render *render, struct pen_slice text,
                               struct pen_slice *ret_copy, struct pen_error *err)
{
    const char *copy = pen_arena_copy(&render->arena, text);
    if (copy == NULL)
        return pen_fail_nomem(err);
    *ret_copy = pen_slice(copy, text.len);
    return PEN_OK;
}

static enum pen_code separated_head(struct pen_render *render, char separator,
                                    struct pen_error *err)
{
    for (size_t i = 0; i < render->column_count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(&render->out->buf, separator, err));
        const struct pen_cell name = {PEN_CELL_TEXT, render->names[i]};
        PEN_TRY(pen_cell_add_separated(&name, separator, &render->out->buf, err));
    }
    return pen_output_add(render->out, PEN_LIT("\n"), err);
}

static enum pen_code separated_row(struct pen_render *render, const struct pen_cell *cells,
                                   char separator, struct pen_error *err)
{
    for (size_t i = 0; i < render->column_count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(&render->out->buf, separator, err));
        PEN_TRY(pen_cell_add_separated(&cells[i], separator, &render->out->buf, err));
    }
    return pen_output_add(render->out, PEN_LIT("\n"), err);
}

static enum pen_code json_row(struct pen_render *render, const struct pen_cell *cells,
                              struct pen_error *err)
{
    struct pen_buf *into = &render->out->buf;
    bool is_array = render->options.format == PEN_FORMAT_JSON;
    if (is_array)
        PEN_TRY(pen_buf_add_str(into, render->rows == 0 ? "[\n" : ",\n", err));
    PEN_TRY(pen_buf_add_char(into, '{', err));
    for (size_t i = 0; i < render->column_count; i++) {
        if (i > 0)
            PEN_TRY(pen_buf_add_char(into, ',', err));
        PEN_TRY(pen_json_add_string(into, render->names[i], err));
        PEN_TRY(pen_buf_add_char(into, ':', err));
        PEN_TRY(pen_cell_add_json(&cells[i], into, err));
    }
    return pen_output_add(render->out, is_array ? PEN_LIT("}") : PEN_LIT("}\n"), err);
}

static enum pen_code print_head(struct pen_render *render, struct pen_error *err)
{
    if (render->options.format == PEN_FORMAT_CSV)
        return separated_head(render, ',', err);
    if (render->options.format == PEN_FORMAT_TSV)
        return separated_head(render, '\t', err);
    return PEN_OK;
}

enum pen_code pen_render_begin(struct pen_render *render, struct pen_output *out,
                               const struct pen_render_options *options, const char *const *names,
                               size_t count, struct pen_error *err)
{
    PEN_TRY(start(render, out, options, count, err));
    for (size_t i = 0; i < count; i++) {
        PEN_TRY(copy_text(render, pen_slice_str(names[i]), &render->names[i], err));
        render->heads[i] = render->names[i];
    }
    return print_head(render, err);
}

enum pen_code pen_render_begin_schema(struct pen_render *render, struct pen_output *out,
                                      const struct pen_render_options *options,
                                      const struct pen_schema *schema, struct pen_error *err)
{
    PEN_TRY(start(render, out, options, schema->count, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf head = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < schema->count; i++) {
        const struct pen_field *field = &schema->fields[i];
        PEN_TRY(copy_text(render, pen_slice_str(field->name), &render->names[i], err));
        render->heads[i] = render->names[i];
        if (!options->is_inspected)
            continue;
        pen_buf_clear(&head);
        PEN_TRY(pen_buf_addf(&head, err, "%s:%s", field->name, pen_type_name(field->type)));
        PEN_TRY(copy_text(render, pen_buf_slice(&head), &render->heads[i], err));
    }
    return print_head(render, err);
}

enum pen_code pen_render_row(struct pen_render *render, const struct pen_cell *cells,
                             struct pen_error *err)
{
    switch (render->options.format) {
    case PEN_FORMAT_TABLE:
        PEN_TRY(pen_render_table_row(render, cells, err));
        break;
    case PEN_FORMAT_CSV:
        PEN_TRY(separated_row(render, cells, ',', err));
        break;
    case PEN_FORMAT_TSV:
        PEN_TRY(separated_row(render, cells, '\t', err));
        break;
    case PEN_FORMAT_JSON:
    case PEN_FORMAT_JSONL:
        PEN_TRY(json_row(render, cells, err));
        break;
    }
    render->rows++;
    return PEN_OK;
}

enum pen_code pen_render_batch(struct pen_render *render, const struct pen_batch *batch,
                               size_t rows, struct pen_error *err)
{
    for (size_t row = 0; row < rows; row++) {
        pen_buf_clear(&render->scratch);
        PEN_TRY(pen_buf_reserve(&render->scratch, render->column_count * PEN_CELL_TEXT_BYTES, err));
        for (size_t c = 0; c < render->column_count; c++)
            render->cells[c] = pen_cell_of(&batch->columns[c], row, &render->scratch);
        PEN_TRY(pen_render_row(render, render->cells, err));
    }
    return PEN_OK;
}

enum pen_code pen_render_end(struct pen_render *render, struct pen_error *err)
{
    if (render->out == NULL) /* never begun */
        return PEN_OK;
    if (render->options.format == PEN_FORMAT_TABLE)
        return pen_render_table_end(render, err);
    if (render->options.format != PEN_FORMAT_JSON)
        return PEN_OK;
    return pen_output_add(render->out, render->rows == 0 ? PEN_LIT("[]\n") : PEN_LIT("\n]\n"), err);
}

void pen_render_release(struct pen_render *render)
{
    if (render == NULL)
        return;
    pen_arena_release(&render->arena);
    pen_buf_release(&render->scratch);
    pen_buf_release(&render->held);
}

enum pen_code pen_render_object(struct pen_output *out, const struct pen_member *members,
                                size_t count, struct pen_error *err)
{
    struct pen_buf *into = &out->buf;
    for (size_t i = 0; i < count; i++) {
        const struct pen_cell *cell = &members[i].cell;
        PEN_TRY(pen_buf_add_char(into, i == 0 ? '{' : ',', err));
        PEN_TRY(pen_json_add_string(into, pen_slice_str(members[i].name), err));
        PEN_TRY(pen_buf_add_char(into, ':', err));
        PEN_TRY(pen_cell_add_json(cell, into, err));
    }
    return pen_output_add(out, PEN_LIT("}\n"), err);
}

struct pen_cell pen_cell_number(struct pen_arena *arena, int64_t value)
{
    char text[PEN_NUMBER_TEXT];
    size_t len = pen_print_long(value, text);
    const char *copy = pen_arena_copy(arena, pen_slice(text, len));
    return (struct pen_cell){copy == NULL ? PEN_CELL_NULL : PEN_CELL_BARE, pen_slice(copy, len)};
}

struct pen_cell pen_cell_json(const char *text)
{
    bool is_there = text != NULL && text[0] != '\0';
    return (struct pen_cell){is_there ? PEN_CELL_JSON : PEN_CELL_NULL, pen_slice_str(text)};
}
