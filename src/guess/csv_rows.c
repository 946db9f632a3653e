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

static enum pen_code add_row(struct guess_rows *rows, const struct cells *cells,
                             struct guess_row row, struct pen_arena *arena, struct pen_error *err)
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
    row.cells = kept;
    row.count = cells->count;
    rows->at[rows->count++] = row;
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

/* Where the open record begins. */
static struct guess_row row_place(const struct guess_rows_request *request,
                                  const struct pen_csv_reader *reader)
{
    uint64_t byte = request->first_byte + (request->is_byte_exact ? reader->record_start : 0);
    return (struct guess_row){.place = request->place,
                              .line = request->first_line > 0 ? reader->line.number : 0,
                              .byte = byte};
}

/* Reads on behind a record with broken quoting: its line is dropped, as the parser would. */
static void pass_bad(struct pen_csv_reader *reader, uint64_t first_line, struct guess_rows *rows)
{
    struct pen_csv_line dropped = pen_csv_recover(reader);
    rows->bad++;
    rows->bad_lines += dropped.number - first_line + 1;
}

enum pen_code guess_rows_read(const struct guess_rows_request *request, struct pen_arena *arena,
                              struct guess_rows *ret_rows, struct pen_error *err)
{
    PEN_CLEANUP(pen_csv_reader_release) struct pen_csv_reader reader = {0};
    PEN_CLEANUP(guess_rows_release) struct guess_rows rows = {0};
    PEN_CLEANUP(free_cells) struct cells cells = {0};
    uint64_t first_line = request->first_line > 0 ? request->first_line : 1;
    pen_csv_reader_init(&reader, request->syntax, request->text, true, first_line);
    while (pen_csv_next_record(&reader) == PEN_CSV_OK) {
        struct guess_row row = row_place(request, &reader);
        uint64_t line = reader.line.number;
        PEN_TRY(read_cells(&reader, request->null_string, arena, &cells, err));
        if (cells.is_bad && is_open_at_cut(request, &reader)) {
            rows.cut_lines = reader.line.number - line + 1;
            break;
        }
        if (cells.is_bad) {
            pass_bad(&reader, line, &rows);
            continue;
        }
        rows.record_lines += reader.line.number - line + 1;
        PEN_TRY(add_row(&rows, &cells, row, arena, err));
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
