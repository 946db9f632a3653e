/* raw sample --ucsdet--> charset name --pen_charset--> UTF-8 */
#include "guess/charset_guess.h"

#include "base/utf8.h"
#include "decode/charset.h"

#include <stdio.h>

#include <unicode/ucsdet.h>

#define LEAST_CONFIDENCE 50

/* ICU for Java's order of recognisers: among equally confident ones the later wins there. */
static const char *const recognisers[] = {
    "UTF-8",        "UTF-16BE",     "UTF-16LE",     "UTF-32BE",     "UTF-32LE",     "Shift_JIS",
    "ISO-2022-JP",  "ISO-2022-CN",  "ISO-2022-KR",  "GB18030",      "EUC-JP",       "EUC-KR",
    "Big5",         "ISO-8859-1",   "windows-1252", "ISO-8859-2",   "windows-1250", "ISO-8859-5",
    "ISO-8859-6",   "ISO-8859-7",   "windows-1253", "ISO-8859-8-I", "ISO-8859-8",   "windows-1255",
    "windows-1251", "windows-1256", "KOI8-R",       "ISO-8859-9",   "windows-1254",
};

static size_t rank_of(const char *name)
{
    size_t count = sizeof recognisers / sizeof *recognisers;
    for (size_t i = 0; i < count; i++)
        if (strcmp(recognisers[i], name) == 0)
            return i + 1;
    return 0;
}

static const char *mapped(const char *name)
{
    if (strcmp(name, "ISO-8859-1") == 0)
        return "UTF-8";
    if (strcmp(name, "Shift_JIS") == 0)
        return "MS932";
    return name;
}

static enum pen_code fail_icu(UErrorCode status, const char *what, struct pen_error *err)
{
    if (status == U_MEMORY_ALLOCATION_ERROR)
        return pen_fail_nomem(err);
    return pen_fail(err, PEN_ERR_INTERNAL, "%s: %s", what, u_errorName(status));
}

static enum pen_code best_match(UCharsetDetector *detector, struct charset_guess *guess,
                                struct pen_error *err)
{
    UErrorCode status = U_ZERO_ERROR;
    int32_t count = 0, best_confidence = -1;
    size_t best_rank = 0;
    const char *best = "UTF-8";
    const UCharsetMatch **matches = ucsdet_detectAll(detector, &count, &status);
    for (int32_t i = 0; U_SUCCESS(status) && i < count; i++) {
        int32_t confidence = ucsdet_getConfidence(matches[i], &status);
        const char *name = ucsdet_getName(matches[i], &status);
        if (U_FAILURE(status) || confidence < best_confidence)
            continue;
        size_t rank = rank_of(name);
        if (confidence > best_confidence || rank > best_rank) {
            best_confidence = confidence;
            best_rank = rank;
            best = name;
        }
    }
    if (U_FAILURE(status))
        return fail_icu(status, "charset detection", err);
    guess->name = best_confidence < LEAST_CONFIDENCE ? "UTF-8" : mapped(best);
    if (strcmp(guess->name, "UTF-8") == 0 && strcmp(best, "UTF-8") != 0)
        (void)snprintf(guess->remark, sizeof guess->remark,
                       "the sample is no valid UTF-8; %s is likely (confidence %d of 100)", best,
                       best_confidence);
    return PEN_OK;
}

/* Only bytes that mean the same in every charset ICU tells apart: no zero bytes (UTF-16), no
 * escape or shift (ISO-2022). */
static bool is_plain_ascii(struct pen_slice sample)
{
    for (size_t i = 0; i < sample.len; i++) {
        unsigned char c = (unsigned char)sample.ptr[i];
        if (c >= 0x80 || c == 0 || c == 0x1b || c == 0x0e || c == 0x0f)
            return false;
    }
    return true;
}

static bool is_utf8(struct pen_slice sample)
{
    bool has_multibyte = false, has_zero = false;
    for (size_t i = 0; i < sample.len; i++) {
        has_multibyte |= (unsigned char)sample.ptr[i] >= 0x80;
        has_zero |= sample.ptr[i] == 0;
    }
    sample.len -= pen_utf8_cut_len(sample);
    return has_multibyte && !has_zero && pen_utf8_is_valid(sample);
}

enum pen_code pen_guess_charset(struct pen_slice sample, struct charset_guess *ret_guess,
                                struct pen_error *err)
{
    *ret_guess = (struct charset_guess){.name = "UTF-8"};
    if (is_plain_ascii(sample) || is_utf8(sample))
        return PEN_OK;
    UErrorCode status = U_ZERO_ERROR;
    UCharsetDetector *detector = ucsdet_open(&status);
    if (U_FAILURE(status))
        return fail_icu(status, "charset detection", err);
    ucsdet_setText(detector, sample.ptr, (int32_t)sample.len, &status);
    enum pen_code code = U_FAILURE(status) ? fail_icu(status, "charset detection", err)
                                           : best_match(detector, ret_guess, err);
    ucsdet_close(detector);
    return code;
}

static void drop_bom(struct pen_buf *text, size_t from)
{
    if (text->len < from + 3 || memcmp(text->ptr + from, "\xef\xbb\xbf", 3) != 0)
        return;
    memmove(text->ptr + from, text->ptr + from + 3, text->len - from - 3 + 1);
    text->len -= 3;
}

static enum pen_code convert(struct pen_charset *charset, struct pen_slice sample, bool is_whole,
                             struct pen_buf *into, struct pen_error *err)
{
    enum pen_flow flow = PEN_FLOW_MORE_ROOM;
    while (flow == PEN_FLOW_MORE_ROOM) {
        const size_t room = 4096;
        PEN_TRY(pen_buf_reserve(into, room, err));
        struct pen_out out = {.ptr = into->ptr + into->len, .room = room};
        PEN_TRY(pen_charset_convert(charset, &sample, is_whole, &out, &flow, err));
        into->len += room - out.room;
        into->ptr[into->len] = '\0';
    }
    return PEN_OK;
}

enum pen_code pen_guess_decode(struct pen_slice sample, const char *name, bool is_whole,
                               struct pen_buf *into, struct pen_error *err)
{
    size_t from = into->len, used;
    PEN_TRY(pen_buf_add(into, "", 0, err)); /* never a NULL text */
    if (pen_charset_is_utf8(name)) {
        PEN_TRY(pen_utf8_repair(sample, is_whole, into, &used, NULL, err));
    } else {
        PEN_CLEANUP(pen_charset_free_p) struct pen_charset *charset = NULL;
        PEN_TRY(pen_charset_new(name, &charset, err));
        PEN_TRY(convert(charset, sample, is_whole, into, err));
    }
    drop_bom(into, from);
    return PEN_OK;
}
