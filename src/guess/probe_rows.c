/* probe_rows.c - a piece of the data --where does a record begin?--> its records, and what is odd
 * about their shape or about the header. */
#include "guess/probe_internal.h"
#include "guess/type_remark.h"

#include <stdio.h>

static size_t count_good(const struct guess_probe *probe, const struct guess_rows *rows)
{
    size_t good = 0;
    for (size_t i = 0; i < rows->count; i++)
        good += rows->at[i].count == probe->column_count;
    return good;
}

/* The text without the part of a line that stands at its end, unless nothing follows there. */
static enum pen_code whole_lines(const struct guess_probe *probe, const struct guess_piece *piece,
                                 struct guess_lines *ret_lines, struct pen_slice *ret_text,
                                 struct pen_error *err)
{
    struct pen_slice text = piece->text;
    PEN_TRY(guess_lines_split(text, probe->syntax->line_end, probe->scratch, ret_lines, err));
    bool is_line_end =
        text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r');
    if (!piece->is_end && !is_line_end && ret_lines->count > 0) {
        ret_lines->count--;
        text.len = (size_t)(ret_lines->at[ret_lines->count].ptr - text.ptr);
    }
    *ret_text = text;
    return PEN_OK;
}

/* An object's head: behind the skipped lines; with the header as first row when there is one. */
static enum pen_code read_head(const struct guess_probe *probe, const struct guess_piece *piece,
                               struct guess_rows *ret_rows, struct pen_error *err)
{
    struct guess_lines lines;
    struct pen_slice text;
    PEN_TRY(whole_lines(probe, piece, &lines, &text, err));
    size_t skip = probe->skip_lines - (probe->header != NULL ? 1 : 0);
    if (skip >= lines.count)
        return PEN_OK;
    text = pen_slice_skip(text, (size_t)(lines.at[skip].ptr - text.ptr));
    const struct guess_rows_request request = {.text = text,
                                               .syntax = probe->syntax,
                                               .null_string = probe->null_string,
                                               .place = piece->place,
                                               .first_line = skip + 1,
                                               .is_cut = !piece->is_end};
    return guess_rows_read(&request, probe->scratch, ret_rows, err);
}

/* A piece from the midst of an object may begin inside a quoted value. It is read both ways; the
 * way that gives more records of the right width is right. The first record is only a part. */
static enum pen_code read_midst(const struct guess_probe *probe, const struct guess_piece *piece,
                                struct guess_rows *ret_rows, struct pen_error *err)
{
    struct guess_lines lines;
    struct pen_slice text, quote = probe->syntax->quote;
    PEN_TRY(whole_lines(probe, piece, &lines, &text, err));
    if (lines.count < 2)
        return PEN_OK;
    size_t first = (size_t)(lines.at[1].ptr - text.ptr);
    struct guess_rows_request request = {.text = pen_slice_skip(text, first),
                                         .syntax = probe->syntax,
                                         .null_string = probe->null_string,
                                         .place = piece->place,
                                         .first_byte =
                                             piece->offset + (piece->is_exact ? first : 0),
                                         .is_byte_exact = piece->is_exact,
                                         .is_cut = !piece->is_end};
    PEN_CLEANUP(guess_rows_release) struct guess_rows plain = {0}, inside = {0};
    PEN_TRY(guess_rows_read(&request, probe->scratch, &plain, err));
    if (quote.len > 0) {
        char *quoted = pen_arena_alloc(probe->scratch, quote.len + text.len);
        if (quoted == NULL)
            return pen_fail_nomem(err);
        memcpy(quoted, quote.ptr, quote.len);
        memcpy(quoted + quote.len, text.ptr, text.len);
        request.text = pen_slice(quoted, quote.len + text.len);
        request.first_byte = piece->offset - (piece->is_exact ? quote.len : 0);
        PEN_TRY(guess_rows_read(&request, probe->scratch, &inside, err));
    }
    bool is_inside = count_good(probe, &inside) > count_good(probe, &plain) + 1;
    struct guess_rows *right = is_inside ? &inside : &plain;
    if (is_inside && right->count > 0)
        memmove(right->at, right->at + 1, --right->count * sizeof *right->at);
    *ret_rows = *right;
    *right = (struct guess_rows){0};
    return PEN_OK;
}

static void remark_header(struct guess_probed *probed, const struct guess_piece *piece,
                          const struct guess_row *header)
{
    const struct guess_row *own = probed->probe->header;
    struct pen_arena *arena = probed->probe->arena;
    if (header->count != own->count) {
        probed->remark = guess_remark(arena, probed->remark,
                                      "check this: the header of %s has %zu columns instead of %zu",
                                      piece->place, header->count, own->count);
        return;
    }
    for (size_t c = 0; c < own->count; c++) {
        struct pen_slice here = pen_slice_trim(own->cells[c]),
                         there = pen_slice_trim(header->cells[c]);
        char shown[GUESS_SHOWN_BYTES], shown_there[GUESS_SHOWN_BYTES];
        if (pen_slice_equal(here, there))
            continue;
        guess_show_value(here, shown);
        guess_show_value(there, shown_there);
        probed->remark =
            guess_remark(arena, probed->remark,
                         "check this: the header of %s names column %zu '%s' instead of '%s'; "
                         "columns are taken by position",
                         piece->place, c + 1, shown_there, shown);
        return;
    }
}

static void remark_shape(struct guess_probed *probed, const struct guess_piece *piece, size_t good,
                         size_t all)
{
    const struct guess_probe *probe = probed->probe;
    char from[64] = "";
    if (!piece->is_head)
        (void)snprintf(from, sizeof from, " from byte %llu on", (unsigned long long)piece->offset);
    probed->remark = guess_remark(
        probe->arena, probed->remark,
        "check this: records of %s%s with another number of fields than %zu, which would be "
        "rejected: %zu of %zu",
        piece->place, from, probe->column_count, all - good, all);
}

static enum pen_code keep_rows(struct guess_probed *probed, const struct guess_rows *rows,
                               size_t from, struct pen_error *err)
{
    for (size_t i = from; i < rows->count; i++) {
        if (rows->at[i].count != probed->probe->column_count)
            continue;
        PEN_TRY(pen_arena_grow(probed->probe->scratch, &probed->rows, probed->count,
                               sizeof *probed->rows, err));
        probed->rows[probed->count++] = rows->at[i];
    }
    return PEN_OK;
}

enum pen_code guess_probe_read(struct guess_probed *probed, const struct guess_piece *piece,
                               struct pen_error *err)
{
    const struct guess_probe *probe = probed->probe;
    PEN_CLEANUP(guess_rows_release) struct guess_rows rows = {0};
    PEN_TRY(piece->is_head ? read_head(probe, piece, &rows, err)
                           : read_midst(probe, piece, &rows, err));
    size_t from = piece->is_head && probe->header != NULL && rows.count > 0 ? 1 : 0;
    if (from > 0)
        remark_header(probed, piece, &rows.at[0]);
    size_t good = count_good(probe, &rows), all = rows.count - from + rows.bad;
    good -= from > 0 && rows.at[0].count == probe->column_count ? 1 : 0;
    if (good < all)
        remark_shape(probed, piece, good, all);
    return good * 2 < all ? PEN_OK : keep_rows(probed, &rows, from, err);
}
