/* Tables as Hirb draws them:
 *
 *     +----+-------+
 *     | id | name  |
 *     +----+-------+
 *     | 1  | David |
 *     +----+-------+
 *     1 row in set
 *
 * Rows are kept as (length, width, bytes) until the widest cell of each column is known. */
#include "cli/render.h"
#include "cli/width.h"

#include <inttypes.h>

struct held {
    uint32_t bytes, width;
};

/* Appends a cell to `held` and answers its width. */
static enum pen_code hold(struct pen_render *render, const struct pen_cell *cell, size_t *ret_width,
                          struct pen_error *err)
{
    struct pen_buf *held = &render->held;
    struct held head = {0};
    size_t at = held->len;
    PEN_TRY(pen_buf_add(held, &head, sizeof head, err));
    if (render->options.is_inspected)
        PEN_TRY(pen_inspect(cell, held, err));
    else if (cell->kind != PEN_CELL_NULL)
        PEN_TRY(pen_buf_add_visible(held, cell->text, err));
    head.bytes = (uint32_t)(held->len - at - sizeof head);
    head.width = (uint32_t)pen_width(pen_slice(held->ptr + at + sizeof head, head.bytes));
    memcpy(held->ptr + at, &head, sizeof head);
    *ret_width = head.width;
    return PEN_OK;
}

enum pen_code pen_render_table_row(struct pen_render *render, const struct pen_cell *cells,
                                   struct pen_error *err)
{
    for (size_t i = 0; i < render->column_count; i++) {
        size_t width = 0;
        struct pen_error local = {0};
        enum pen_code code = hold(render, &cells[i], &width, &local);
        if (code == PEN_ERR_TOO_LARGE) {
            (void)pen_fail(err, code, "the rows are too many for a table");
            pen_error_hint(err, "use -f csv or -f jsonl, which need no memory");
        } else if (code != PEN_OK && err != NULL) {
            *err = local;
        }
        PEN_TRY(code);
        if (width > render->widths[i])
            render->widths[i] = width;
    }
    return PEN_OK;
}

/* Takes columns from the widest cells until the table fits, never below 3. */
static void shrink(struct pen_render *render)
{
    size_t total = 1;
    for (size_t i = 0; i < render->column_count; i++)
        total += render->widths[i] + 3;
    while (render->options.terminal_width > 0 && total > render->options.terminal_width) {
        size_t widest = 0;
        for (size_t i = 1; i < render->column_count; i++)
            if (render->widths[i] > render->widths[widest])
                widest = i;
        if (render->widths[widest] <= 3)
            return;
        render->widths[widest]--;
        total--;
    }
}

static enum pen_code add_fill(struct pen_buf *into, char c, size_t count, struct pen_error *err)
{
    for (size_t i = 0; i < count; i++)
        PEN_TRY(pen_buf_add_char(into, c, err));
    return PEN_OK;
}

static enum pen_code print_border(struct pen_render *render, struct pen_error *err)
{
    struct pen_buf *into = &render->out->buf;
    for (size_t i = 0; i < render->column_count; i++) {
        PEN_TRY(pen_buf_add_char(into, '+', err));
        PEN_TRY(add_fill(into, '-', render->widths[i] + 2, err));
    }
    return pen_output_add(render->out, PEN_LIT("+\n"), err);
}

static enum pen_code print_cell(struct pen_render *render, struct pen_slice text, size_t width,
                                size_t column_width, struct pen_error *err)
{
    struct pen_buf *into = &render->out->buf;
    PEN_TRY(pen_buf_add_str(into, "| ", err));
    if (width > column_width) {
        size_t dots = column_width < 3 ? column_width : 3;
        text.len = pen_width_cut(text, column_width - dots);
        PEN_TRY(pen_buf_add_slice(into, text, err));
        PEN_TRY(add_fill(into, '.', dots, err));
        width = pen_width(text) + dots;
    } else {
        PEN_TRY(pen_buf_add_slice(into, text, err));
    }
    return add_fill(into, ' ', column_width - width + 1, err);
}

static enum pen_code print_heads(struct pen_render *render, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf head = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < render->column_count; i++) {
        pen_buf_clear(&head);
        PEN_TRY(pen_buf_add_visible(&head, render->heads[i], err));
        struct pen_slice text = pen_buf_slice(&head);
        PEN_TRY(print_cell(render, text, pen_width(text), render->widths[i], err));
    }
    return pen_output_add(render->out, PEN_LIT("|\n"), err);
}

static enum pen_code print_rows(struct pen_render *render, struct pen_error *err)
{
    const char *at = render->held.ptr;
    for (uint64_t row = 0; row < render->rows; row++) {
        for (size_t i = 0; i < render->column_count; i++) {
            struct held head;
            memcpy(&head, at, sizeof head);
            struct pen_slice text = pen_slice(at + sizeof head, head.bytes);
            PEN_TRY(print_cell(render, text, head.width, render->widths[i], err));
            at += sizeof head + head.bytes;
        }
        PEN_TRY(pen_output_add(render->out, PEN_LIT("|\n"), err));
    }
    return PEN_OK;
}

enum pen_code pen_render_table_end(struct pen_render *render, struct pen_error *err)
{
    if (render->rows == 0 || render->column_count == 0)
        return pen_output_addf(render->out, err, "%" PRIu64 " rows in set\n", render->rows);
    for (size_t i = 0; i < render->column_count; i++) {
        size_t width = pen_width(render->heads[i]);
        if (width > render->widths[i])
            render->widths[i] = width;
    }
    shrink(render);
    PEN_TRY(print_border(render, err));
    PEN_TRY(print_heads(render, err));
    PEN_TRY(print_border(render, err));
    PEN_TRY(print_rows(render, err));
    PEN_TRY(print_border(render, err));
    return pen_output_addf(render->out, err, "%" PRIu64 " %s in set\n", render->rows,
                           render->rows == 1 ? "row" : "rows");
}
