#include "parse/csv_internal.h"

/* One record being read. */
struct pass {
    const struct pen_csv_parser *parser;
    struct pen_csv_reader *reader;
    const struct pen_csv_sink *sink;
    struct pen_csv_verdict *verdict;
    bool is_endable; /* BAD: more text could have made it good */
};

static struct pen_csv_target target_of(const struct pass *pass, size_t c)
{
    struct pen_batch *batch = pass->sink->batch;
    return (struct pen_csv_target){
        .column = &batch->columns[c],
        .row = batch->rows,
        .arena = &batch->arena,
        .stable = pass->reader->text,
    };
}

/* A null, or a value; BAD in the verdict when the text is no value of the column. */
static enum pen_code take_field(struct pass *pass, size_t c, const struct pen_csv_field *field,
                                struct pen_error *err)
{
    const struct pen_csv_column *column = &pass->parser->columns[c];
    struct pen_batch *batch = pass->sink->batch;
    bool is_null = field == NULL || pen_csv_is_null(field, pass->parser->null_string);
    if (batch != NULL)
        pen_column_set_valid(&batch->columns[c], batch->rows, !is_null);
    if (is_null || (batch == NULL && !pass->sink->is_checked))
        return PEN_OK;
    struct pen_csv_target target = {0};
    if (batch != NULL)
        target = target_of(pass, c);
    bool is_good = false;
    PEN_TRY(pen_csv_put(column, field->text, batch == NULL ? NULL : &target, pass->sink->scratch,
                        &is_good, err));
    if (is_good)
        return PEN_OK;
    pass->verdict->status = PEN_CSV_BAD;
    pass->is_endable = !pass->reader->is_record_open; /* it may have been cut short itself */
    pass->verdict->column = column->name;
    pass->verdict->code = pen_csv_value_code(column->type);
    pen_buf_clear(pass->sink->reason);
    return pen_csv_value_reason(column, field->text, pass->sink->scratch, pass->sink->reason, err);
}

static enum pen_code set_problem(struct pass *pass, enum pen_csv_problem problem, size_t c,
                                 struct pen_error *err)
{
    bool is_in_column = c < pass->parser->column_count && problem != PEN_CSV_TOO_FEW_COLUMNS;
    pass->verdict->status = PEN_CSV_BAD;
    pass->is_endable = problem == PEN_CSV_EOF_IN_QUOTES || problem == PEN_CSV_TOO_FEW_COLUMNS;
    pass->verdict->column = is_in_column ? pass->parser->columns[c].name : NULL;
    pass->verdict->code = pen_csv_problem_code(problem);
    pen_buf_clear(pass->sink->reason);
    return pen_csv_problem_reason(pass->reader, problem, pass->sink->reason, err);
}

/* Reads the field of column c; the verdict's status stays OK when there is a next one to read. */
static enum pen_code read_column(struct pass *pass, size_t c, struct pen_error *err)
{
    struct pen_csv_field field;
    enum pen_csv_status status = pen_csv_next_field(pass->reader, &field);
    switch (status) {
    case PEN_CSV_OK:
        return take_field(pass, c, &field, err);
    case PEN_CSV_END:
        if (pass->parser->is_optional_allowed)
            return take_field(pass, c, NULL, err);
        return set_problem(pass, PEN_CSV_TOO_FEW_COLUMNS, c, err);
    case PEN_CSV_BAD:
        return set_problem(pass, pass->reader->problem, c, err);
    case PEN_CSV_MORE:
        pass->verdict->status = PEN_CSV_MORE;
        return PEN_OK;
    case PEN_CSV_NOMEM:
        break;
    }
    return pen_fail_nomem(err);
}

static enum pen_code read_columns(struct pass *pass, struct pen_error *err)
{
    struct pen_csv_verdict *verdict = pass->verdict;
    size_t count = pass->parser->column_count;
    for (size_t c = 0; c < count && verdict->status == PEN_CSV_OK; c++)
        PEN_TRY(read_column(pass, c, err));
    if (verdict->status != PEN_CSV_OK || !pass->reader->is_record_open)
        return PEN_OK;
    if (!pass->parser->is_extra_allowed)
        return set_problem(pass, PEN_CSV_TOO_MANY_COLUMNS, count, err);
    pen_csv_drop_rest(pass->reader);
    return PEN_OK;
}

/* The row is not used: a later record at the same place must find its bits clear. */
static void clear_row(struct pen_batch *batch)
{
    for (size_t c = 0; batch != NULL && c < batch->column_count; c++)
        pen_column_set_valid(&batch->columns[c], batch->rows, false);
}

enum pen_code pen_csv_read_record(const struct pen_csv_parser *parser,
                                  struct pen_csv_reader *reader, const struct pen_csv_sink *sink,
                                  struct pen_csv_verdict *ret_verdict, struct pen_error *err)
{
    *ret_verdict = (struct pen_csv_verdict){.status = pen_csv_next_record(reader)};
    if (ret_verdict->status == PEN_CSV_NOMEM)
        return pen_fail_nomem(err);
    if (ret_verdict->status != PEN_CSV_OK) {
        ret_verdict->start = reader->line.next;
        ret_verdict->start_line = reader->line.number + 1;
        return PEN_OK;
    }
    ret_verdict->start = reader->record_start;
    ret_verdict->start_line = reader->line.number;
    struct pass pass = {.parser = parser, .reader = reader, .sink = sink, .verdict = ret_verdict};
    PEN_TRY(read_columns(&pass, err));
    ret_verdict->is_multi_line = reader->line.number != ret_verdict->start_line;
    ret_verdict->is_at_end = reader->line.end == reader->text.len;
    ret_verdict->is_cut = ret_verdict->is_at_end && pass.is_endable;
    ret_verdict->reached = reader->line.next;
    if (ret_verdict->status == PEN_CSV_BAD)
        ret_verdict->line = pen_csv_recover(reader);
    if (ret_verdict->status != PEN_CSV_OK)
        clear_row(sink->batch);
    return PEN_OK;
}
