#include "guess/csv_rows.h"

#include <stdlib.h>

struct cells {
    struct pen_slice *at;
    size_t count, cap;
    bool is_bad; /* the record's quoting is broken */
};

void guess_rows_release(struct guess_rows *rows)
{
    free(rows->at);
    *rows = (struct guess_rows){0};
}

static void free_cells(struct cells *cells)
{
    free(cells->at);
}

/* Room for one more in a growing array; NULL when there is no memory. */
static void *grown(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    size_t more = *cap == 0 ? 64 : *cap * 2;
    void *bigger = realloc(array, more * size);
    if (bigger != NULL)
        *cap = more;
    return bigger;
}

static enum pen_code add_cell(struct cells *cells, const struct pen_csv_reader *reader,
                              const struct pen_csv_field *field,
                              const struct pen_slice *null_string, struct pen_arena *arena,
                              struct pen_error *err)
{
    struct pen_slice *bigger = grown(cells->at, cells->count, &cells->cap, sizeof *cells->at);
    if (bigger == NULL)
        return pen_fail_nomem(err);
    cells->at = bigger;
    struct pen_slice value = field->text.len == 0 ? PEN_LIT("") : field->text;
    bool is_null = null_string != NULL && !field->is_quoted && pen_slice_equal(value, *null_string);
    uintptr_t from = (uintptr_t)reader->text.ptr, at = (uintptr_t)value.ptr;
    bool is_scratch = at < from || at >= from + reader->text.len;
    if (is_null) {
        value = (struct pen_slice){0};
    } else if (is_scratch && value.len > 0) {
        value.ptr = pen_arena_copy(arena, value);
        if (value.ptr == NULL)
            return pen_fail_nomem(err);
    }
    cells->at[cells->count++] = value;
    return PEN_OK;
}

static enum pen_code add_row(struct guess_rows *rows, const struct cells *cells, uint64_t line,
                             struct pen_arena *arena, struct pen_error *err)
{
    struct guess_row *bigger = grown(rows->at, rows->count, &rows->cap, sizeof *rows->at);
    if (bigger == NULL)
        return pen_fail_nomem(err);
    rows->at = bigger;
    struct pen_slice *kept = pen_arena_alloc(arena, cells->count * sizeof *kept);
    if (kept == NULL)
        return pen_fail_nomem(err);
    if (cells->count > 0)
        memcpy(kept, cells->at, cells->count * sizeof *kept);
    rows->at[rows->count++] =
        (struct guess_row){.cells = kept, .count = cells->count, .line = line};
    return PEN_OK;
}

/* A quote that is still open at the end: of the cut, or a stray one further up. */
static bool is_open_at_cut(const struct guess_rows_request *request,
                           const struct pen_csv_reader *reader)
{
    return request->is_cut && reader->problem == PEN_CSV_EOF_IN_QUOTES &&
           reader->record_start >= request->text.len / 2;
}

static enum pen_code read_cells(struct pen_csv_reader *reader, const struct pen_slice *null_string,
                                struct pen_arena *arena, struct cells *cells, struct pen_error *err)
{
    struct pen_csv_field field;
    enum pen_csv_status status;
    cells->count = 0;
    while ((status = pen_csv_next_field(reader, &field)) == PEN_CSV_OK)
        PEN_TRY(add_cell(cells, reader, &field, null_string, arena, err));
    cells->is_bad = status == PEN_CSV_BAD;
    return status == PEN_CSV_NOMEM ? pen_fail_nomem(err) : PEN_OK;
}

enum pen_code guess_rows_read(const struct guess_rows_request *request, struct pen_arena *arena,
                              struct guess_rows *ret_rows, struct pen_error *err)
{
    PEN_CLEANUP(pen_csv_reader_release) struct pen_csv_reader reader = {0};
    PEN_CLEANUP(guess_rows_release) struct guess_rows rows = {0};
    PEN_CLEANUP(free_cells) struct cells cells = {0};
    pen_csv_reader_init(&reader, request->syntax, request->text, true, request->first_line);
    while (pen_csv_next_record(&reader) == PEN_CSV_OK) {
        uint64_t line = reader.line.number;
        PEN_TRY(read_cells(&reader, request->null_string, arena, &cells, err));
        if (!cells.is_bad) {
            PEN_TRY(add_row(&rows, &cells, line, arena, err));
            continue;
        }
        if (is_open_at_cut(request, &reader))
            break;
        (void)pen_csv_recover(&reader); /* the line is dropped, as the parser would */
        rows.bad++;
    }
    *ret_rows = rows;
    rows = (struct guess_rows){0};
    return PEN_OK;
}

enum pen_code guess_lines_split(struct pen_slice text, enum pen_csv_line_end line_end,
                                struct pen_arena *arena, struct guess_lines *ret_lines,
                                struct pen_error *err)
{
    struct pen_csv_line line = {0};
    size_t count = 0;
    for (size_t at = 0; at < text.len; at = line.next, count++)
        (void)pen_csv_find_line(line_end, text, true, at, &line); /* at eof it always finds one */
    struct guess_lines lines = {.at = pen_arena_alloc(arena, (count + 1) * sizeof *lines.at)};
    if (lines.at == NULL)
        return pen_fail_nomem(err);
    for (size_t at = 0; at < text.len; at = line.next) {
        (void)pen_csv_find_line(line_end, text, true, at, &line); /* as above */
        lines.at[lines.count++] = pen_slice(text.ptr + line.start, line.end - line.start);
    }
    *ret_lines = lines;
    return PEN_OK;
}
