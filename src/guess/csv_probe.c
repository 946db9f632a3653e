#include "guess/probe_internal.h"

#include "base/json.h"
#include "base/number.h"
#include "guess/time_guess.h"
#include "guess/type_remark.h"
#include "tz/time_format.h"

#include <stdlib.h>

#define EXACT_DOUBLE (INT64_C(1) << 53) /* every integer up to it is a double */

/* One value of so many may be wrong without changing its column's type: a load rejects its record,
 * as it would without the look at further pieces, and a comment says so. */
#define WRONG_ONE_IN 20

/* --- values ---------------------------------------------------------------------------------- */

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

static struct misfits find_misfits(const struct guess_probed *probed, size_t column,
                                   enum guess_kind kind)
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

static void remark_wrong(const struct guess_probed *probed, struct guess_type *type, size_t column,
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
static bool is_double_enough(const struct guess_probed *probed, size_t column)
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

static void widen(const struct guess_probed *probed, struct guess_type *type, enum guess_kind kind,
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

static enum pen_code collect_times(const struct guess_probed *probed, size_t column,
                                   struct times *times, size_t *ret_own, struct pen_error *err)
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
static void remark_order(const struct guess_probed *probed, struct guess_type *type, size_t column,
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

static enum pen_code probe_times(const struct guess_probed *probed, size_t column,
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
    return pen_arena_text(probed->probe->arena, pen_buf_slice(&format), &type->format, err);
}

/* --- columns ---------------------------------------------------------------------------------- */

/* The record that makes a long column one of doubles. */
static const struct guess_row *first_fraction(const struct guess_probed *probed, size_t column)
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
static enum pen_code probe_column(const struct guess_probed *probed, size_t column,
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
    struct guess_probed probed = {.probe = probe};
    for (size_t i = 0; i < probe->piece_count; i++)
        PEN_TRY(guess_probe_read(&probed, &probe->pieces[i], err));
    for (size_t c = 0; c < probe->column_count && !probe->is_all_strings; c++)
        PEN_TRY(probe_column(&probed, c, &types[c], err));
    *ret_remark = probed.remark;
    return PEN_OK;
}
