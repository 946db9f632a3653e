#include "guess/header_guess.h"

#include "base/utf8.h"

#include <math.h>

/* Values of about one length below a first value of another: a header of a text column. */
static bool has_header_length(const struct guess_rows *rows, size_t column)
{
    if (rows->at[0].cells[column].ptr == NULL)
        return false;
    double first = (double)pen_utf16_len(rows->at[0].cells[column]);
    double n = 0, sum = 0, squares = 0;
    for (size_t i = 1; i < rows->count; i++) {
        if (column >= rows->at[i].count || rows->at[i].cells[column].ptr == NULL)
            continue;
        double length = (double)pen_utf16_len(rows->at[i].cells[column]);
        n++;
        sum += length;
        squares += length * length;
    }
    if (n == 0)
        return false;
    double average = sum / n, variance = squares / n - average * average;
    if (variance > 0.2)
        return false;
    return average == 0 ? first > 1 : fabs(average - first) / average > 0.7;
}

bool guess_is_header(const struct guess_rows *rows, const struct guess_type *first,
                     size_t first_count, const struct guess_type *others, size_t other_count)
{
    bool is_text = true;
    for (size_t i = 0; i < first_count; i++)
        is_text &= first[i].kind == GUESS_STRING || first[i].kind == GUESS_BOOLEAN;
    if (is_text && !guess_types_equal(first, first_count, others, other_count))
        return true;
    for (size_t c = 0; c < rows->at[0].count; c++)
        if (has_header_length(rows, c))
            return true;
    return false;
}

static bool has_digit(struct pen_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= '0' && text.ptr[i] <= '9')
            return true;
    return false;
}

/* A word above numbers that are no numbers to a table: with leading zeros, dots or signs. */
static bool is_word_above_digits(const struct guess_rows *rows, size_t column)
{
    size_t values = 0;
    if (has_digit(rows->at[0].cells[column]))
        return false;
    for (size_t i = 1; i < rows->count; i++) {
        if (column >= rows->at[i].count || rows->at[i].cells[column].len == 0)
            continue;
        if (!has_digit(rows->at[i].cells[column]))
            return false;
        values++;
    }
    return values >= 3;
}

const struct pen_slice *guess_unsure_header(const struct guess_rows *rows)
{
    const struct guess_row *first = &rows->at[0];
    const struct pen_slice *word = NULL;
    for (size_t c = 0; c < first->count; c++) {
        if (first->cells[c].len == 0)
            return NULL;
        if (word == NULL && is_word_above_digits(rows, c))
            word = &first->cells[c];
    }
    return word;
}
