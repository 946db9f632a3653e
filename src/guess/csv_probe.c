#include "guess/csv_probe.h"

#include "base/json.h"
#include "base/number.h"
#include "guess/time_guess.h"
#include "guess/type_remark.h"
#include "tz/time_format.h"

#include <stdio.h>
#include <stdlib.h>

#define EXACT_DOUBLE (INT64_C(1) << 53) /* every integer up to it is a double */

/* One value of so many may be wrong without changing its column's type: a load rejects its record,
 * as it would without the look at further pieces, and a comment says so. */
#define WRONG_ONE_IN 20

/* The records of all pieces that have the right number of fields. */
struct probed {
    const struct guess_probe *probe;
    struct guess_row *rows; /* in the scratch arena */
    size_t count;
    const char *remark;
};

/* --- records ---------------------------------------------------------------------------------- */

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

static struct pen_slice trimmed(struct pen_slice text)
{
    while (text.len > 0 && (unsigned char)text.ptr[0] <= ' ')
        text = pen_slice_skip(text, 1);
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ')
        text.len--;
    return text;
}

static void remark_header(struct probed *probed, const struct guess_piece *piece,
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
        struct pen_slice here = trimmed(own->cells[c]), there = trimmed(header->cells[c]);
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

static void remark_shape(struct probed *probed, const struct guess_piece *piece, size_t good,
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

static enum pen_code keep_rows(struct probed *probed, const struct guess_rows *rows, size_t from,
                               struct pen_error *err)
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

/* Values of a piece count only when most of its records look like those of the sample: otherwise
 * it is other data, and that is said. */
static enum pen_code read_piece(struct probed *probed, const struct guess_piece *piece,
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

/* --- values ------------------------------------------------------------------------------------
 */

static bool is_boolean_number(struct pen_slice value)
{
    return pen_slice_is(value, "1") || pen_slice_is(value, "0");
}

static bool is_any_json(struct pen_slice value)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice text;
    size_t used;
    return pen_json_canonical(value, &scratch, &text, &used, NULL) == PEN_OK;
}

/* Would a load store the value as it is meant? Times are looked at by themselves. */
static bool fits(enum guess_kind kind, struct pen_slice value)
{
    int64_t integer;
    double number;
    switch (kind) {
    case GUESS_BOOLEAN:
        return guess_value_kind(value) == GUESS_BOOLEAN || is_boolean_number(value);
    case GUESS_LONG:
        return pen_parse_long(value, &integer) && !guess_is_zero_led(value);
    case GUESS_DOUBLE:
        return pen_parse_double(value, &number) && !guess_is_zero_led(value);
    case GUESS_JSON:
        return is_any_json(value);
    case GUESS_NOTHING:
    case GUESS_TIMESTAMP:
    case GUESS_STRING:
        break;
    }
    return true;
}

/* What the values of a column's pieces are to a type. */
struct misfits {
    const struct guess_row *first; /* the first record whose value it does not take; NULL: none */
    size_t values, count;          /* not empty; not taken */
    bool is_any_silent;            /* one would not be rejected but stored as another value */
};

static struct misfits find_misfits(const struct probed *probed, size_t column, enum guess_kind kind)
{
    struct misfits misfits = {.first = NULL};
    for (size_t i = 0; i < probed->count; i++) {
        struct pen_slice value = probed->rows[i].cells[column];
        misfits.values += value.len > 0;
        if (value.len == 0 || fits(kind, value))
            continue;
        misfits.first = misfits.first == NULL ? &probed->rows[i] : misfits.first;
        misfits.count++;
        misfits.is_any_silent = misfits.is_any_silent || guess_is_zero_led(value);
    }
    return misfits;
}

/* Mistakes of the data, not its way of writing. */
static bool are_few(const struct misfits *misfits)
{
    return !misfits->is_any_silent && misfits->count * WRONG_ONE_IN <= misfits->values;
}

static void remark_wrong(const struct probed *probed, struct guess_type *type, size_t column,
                         const struct misfits *misfits)
{
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    guess_show_value(misfits->first->cells[column], shown);
    guess_show_row(misfits->first, where);
    type->comment = guess_remark(probed->probe->arena, type->comment,
                                 "check this: %zu of %zu further values would be rejected, the "
                                 "first '%s' %s",
                                 misfits->count, misfits->values, shown, where);
}

static bool is_exact_double(struct pen_slice value)
{
    int64_t integer;
    return !pen_parse_long(value, &integer) ||
           (integer <= EXACT_DOUBLE && integer >= -EXACT_DOUBLE);
}

/* Would a double hold every integer of a long column, of sample and pieces? */
static bool is_double_enough(const struct probed *probed, size_t column)
{
    const struct guess_probe *probe = probed->probe;
    for (size_t i = 0; i < probe->row_count; i++)
        if (column < probe->rows[i].count && !is_exact_double(probe->rows[i].cells[column]))
            return false;
    for (size_t i = 0; i < probed->count; i++)
        if (!is_exact_double(probed->rows[i].cells[column]))
            return false;
    return true;
}

static void widen(const struct probed *probed, struct guess_type *type, enum guess_kind kind,
                  const struct guess_row *why, size_t column)
{
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    guess_show_value(why->cells[column], shown);
    guess_show_row(why, where);
    type->comment =
        guess_remark(probed->probe->arena, NULL, "%s because of '%s' %s; the sample alone says %s",
                     guess_kind_name(kind), shown, where, guess_kind_name(type->kind));
    type->kind = kind;
    type->format = NULL;
}

/* --- times ------------------------------------------------------------------------------------ */

/* The values of one column, of the sample and behind them those of the pieces. */
struct times {
    const struct guess_row **rows;
    struct pen_slice *values;
    size_t count;
};

static void free_times(struct times *times)
{
    free(times->rows);
    free(times->values);
}

static void add_times(struct times *times, const struct guess_row *rows, size_t count,
                      size_t column)
{
    for (size_t i = 0; i < count; i++) {
        if (column >= rows[i].count || rows[i].cells[column].len == 0)
            continue;
        times->rows[times->count] = &rows[i];
        times->values[times->count++] = rows[i].cells[column];
    }
}

static enum pen_code collect_times(const struct probed *probed, size_t column, struct times *times,
                                   size_t *ret_own, struct pen_error *err)
{
    const struct guess_probe *probe = probed->probe;
    size_t most = probe->row_count + probed->count + 1;
    times->rows = calloc(most, sizeof(*times->rows));
    times->values = calloc(most, sizeof(*times->values));
    if (times->rows == NULL || times->values == NULL)
        return pen_fail_nomem(err);
    add_times(times, probe->rows, probe->row_count, column);
    *ret_own = times->count;
    add_times(times, probed->rows, probed->count, column);
    return PEN_OK;
}

/* The first value that a format does not take; NULL when all are times by it. */
static enum pen_code first_not_parsed(const struct times *times, const char *format,
                                      const struct guess_row **ret_row, struct pen_error *err)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *compiled = NULL;
    PEN_TRY(pen_time_format_new(format, NULL, NULL, &compiled, err));
    struct pen_instant instant;
    *ret_row = NULL;
    for (size_t i = 0; i < times->count && *ret_row == NULL; i++)
        if (!pen_time_format_parse(compiled, times->values[i], &instant, NULL))
            *ret_row = times->rows[i];
    return PEN_OK;
}

/* Which values of the pieces does the sample's format not take? */
static enum pen_code count_not_parsed(const struct times *times, size_t own, const char *format,
                                      struct misfits *misfits, struct pen_error *err)
{
    PEN_CLEANUP(pen_time_format_free_p) struct pen_time_format *compiled = NULL;
    PEN_TRY(pen_time_format_new(format, NULL, NULL, &compiled, err));
    struct pen_instant instant;
    for (size_t i = own; i < times->count; i++) {
        if (pen_time_format_parse(compiled, times->values[i], &instant, NULL))
            continue;
        misfits->first = misfits->first == NULL ? times->rows[i] : misfits->first;
        misfits->count++;
    }
    return PEN_OK;
}

/* Which value is written in another way than those before it? */
static enum pen_code first_of_other_form(const struct times *times, size_t own,
                                         const struct guess_row **ret_row, struct pen_error *err)
{
    *ret_row = NULL;
    for (size_t n = own; n < times->count; n++) {
        PEN_CLEANUP(pen_buf_release) struct pen_buf format = PEN_BUF(1 << 16);
        const struct pen_slice pair[2] = {times->values[0], times->values[n]};
        size_t members;
        bool is_found;
        PEN_TRY(pen_time_guess(pair, 2, &format, &members, &is_found, err));
        if (members == 2)
            continue;
        *ret_row = times->rows[n];
        break;
    }
    return PEN_OK;
}

/* A date order that the sample left open is settled by a piece, or still open. */
static void remark_order(const struct probed *probed, struct guess_type *type, size_t column,
                         const char *format)
{
    char shown[GUESS_SHOWN_BYTES], where[GUESS_WHERE_BYTES];
    const struct guess_probe *probe = probed->probe;
    bool is_month_first = guess_is_month_first(format);
    if ((!is_month_first && !guess_is_day_first(format)) ||
        guess_day_month_proof(probe->rows, probe->row_count, column) != NULL)
        return;
    const struct guess_row *proof = guess_day_month_proof(probed->rows, probed->count, column);
    if (proof == NULL)
        return;
    guess_show_value(proof->cells[column], shown);
    guess_show_row(proof, where);
    type->comment = guess_remark(probe->arena, NULL, "the %s comes first because of '%s' %s",
                                 is_month_first ? "month" : "day", shown, where);
}

/* Times of digits alone may be numbers after all. */
static bool is_long_enough(const struct times *times)
{
    for (size_t i = 0; i < times->count; i++)
        if (!fits(GUESS_LONG, times->values[i]))
            return false;
    return true;
}

static enum pen_code probe_times(const struct probed *probed, size_t column,
                                 struct guess_type *type, struct pen_error *err)
{
    PEN_CLEANUP(free_times) struct times times = {0};
    PEN_CLEANUP(pen_buf_release) struct pen_buf format = PEN_BUF(1 << 16);
    const struct guess_row *misfit = NULL;
    size_t own = 0, members = 0;
    bool is_found = false;
    PEN_TRY(collect_times(probed, column, &times, &own, err));
    if (own == 0 || times.count == own)
        return PEN_OK;
    /* the sample itself is not of one form: what it decided stays */
    PEN_TRY(pen_time_guess(times.values, own, &format, &members, &is_found, err));
    if (members < own)
        return PEN_OK;
    PEN_TRY(first_of_other_form(&times, own, &misfit, err));
    pen_buf_clear(&format);
    PEN_TRY(pen_time_guess(times.values, times.count, &format, &members, &is_found, err));
    if (misfit == NULL)
        PEN_TRY(first_not_parsed(&times, format.ptr, &misfit, err));
    const struct guess_row *proof = guess_day_month_proof(probed->rows, probed->count, column);
    if (misfit != NULL && misfit < probed->probe->rows + probed->probe->row_count &&
        misfit >= probed->probe->rows && proof != NULL)
        misfit = proof; /* a value of the sample, by the order that this one proves */
    struct misfits wrong = {.values = times.count - own};
    if (misfit != NULL)
        PEN_TRY(count_not_parsed(&times, own, type->format, &wrong, err));
    if (misfit != NULL && wrong.count > 0 && are_few(&wrong)) {
        remark_wrong(probed, type, column, &wrong);
        return PEN_OK;
    }
    if (misfit != NULL) {
        bool is_long = is_long_enough(&times);
        widen(probed, type, is_long ? GUESS_LONG : GUESS_STRING, misfit, column);
        return PEN_OK;
    }
    remark_order(probed, type, column, format.ptr);
    type->format = pen_arena_copy(probed->probe->arena, pen_buf_slice(&format));
    return type->format == NULL ? pen_fail_nomem(err) : PEN_OK;
}

/* --- columns ---------------------------------------------------------------------------------- */

/* The record that makes a long column one of doubles. */
static const struct guess_row *first_fraction(const struct probed *probed, size_t column)
{
    for (size_t i = 0; i < probed->count; i++) {
        struct pen_slice value = probed->rows[i].cells[column];
        if (value.len > 0 && !fits(GUESS_LONG, value) && fits(GUESS_DOUBLE, value))
            return &probed->rows[i];
    }
    return NULL;
}

/* Integers with some fractions are doubles; where some values are wrong, the type that takes more
 * of them stays. */
static enum pen_code probe_column(const struct probed *probed, size_t column,
                                  struct guess_type *type, struct pen_error *err)
{
    if (type->kind == GUESS_TIMESTAMP)
        return probe_times(probed, column, type, err);
    struct misfits misfits = find_misfits(probed, column, type->kind);
    if (misfits.count == 0)
        return PEN_OK;
    struct misfits as_double = find_misfits(probed, column, GUESS_DOUBLE);
    bool is_double = type->kind == GUESS_LONG && as_double.count < misfits.count &&
                     (as_double.count == 0 || are_few(&as_double)) &&
                     is_double_enough(probed, column);
    if (is_double)
        widen(probed, type, GUESS_DOUBLE, first_fraction(probed, column), column);
    else if (!are_few(&misfits))
        widen(probed, type, GUESS_STRING, misfits.first, column);
    if (is_double && as_double.count > 0)
        remark_wrong(probed, type, column, &as_double);
    else if (!is_double && are_few(&misfits))
        remark_wrong(probed, type, column, &misfits);
    return PEN_OK;
}

enum pen_code guess_probe_types(const struct guess_probe *probe, struct guess_type *types,
                                const char **ret_remark, struct pen_error *err)
{
    struct probed probed = {.probe = probe};
    for (size_t i = 0; i < probe->piece_count; i++)
        PEN_TRY(read_piece(&probed, &probe->pieces[i], err));
    for (size_t c = 0; c < probe->column_count && !probe->is_all_strings; c++)
        PEN_TRY(probe_column(&probed, c, &types[c], err));
    *ret_remark = probed.remark;
    return PEN_OK;
}
