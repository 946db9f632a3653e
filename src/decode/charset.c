#include "decode/charset.h"

#include <stdlib.h>
#include <strings.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#define PIVOT_UNITS 4096

struct pen_charset {
    UConverter *from, *to;
    UChar pivot[PIVOT_UNITS];
    UChar *pivot_source, *pivot_target;
    bool is_started;
    uint64_t replaced;
};

bool pen_charset_is_utf8(const char *name)
{
    return name == NULL || strcasecmp(name, "utf-8") == 0 || strcasecmp(name, "utf8") == 0;
}

/* Java's names that ICU does not know. */
static const char *icu_name(const char *name)
{
    static const struct {
        const char *java, *icu;
    } names[] = {
        {"MS932", "windows-31j"},     {"x-windows-31j", "windows-31j"}, {"SJIS", "Shift_JIS"},
        {"MS949", "windows-949"},     {"x-windows-949", "windows-949"}, {"MS936", "windows-936"},
        {"MS950", "windows-950"},     {"x-windows-950", "windows-950"}, {"EUCJIS", "EUC-JP"},
        {"x-euc-jp-linux", "EUC-JP"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i].java) == 0)
            return names[i].icu;
    return name;
}

/* Always U+FFFD: ICU's own callback gives U+001A for some bytes of some charsets. */
static void U_CALLCONV substitute(const void *context, UConverterToUnicodeArgs *args,
                                  const char *bytes, int32_t length,
                                  UConverterCallbackReason reason, UErrorCode *status)
{
    static const UChar replacement[] = {0xFFFD};
    (void)bytes;  /* whatever they are */
    (void)length; /* however many */
    if (reason > UCNV_IRREGULAR)
        return; /* the converter is reset, cloned or closed */
    struct pen_charset *charset = (struct pen_charset *)(uintptr_t)context;
    charset->replaced++;
    *status = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(args, replacement, 1, 0, status);
}

void pen_charset_free(struct pen_charset *charset)
{
    if (charset == NULL)
        return;
    ucnv_close(charset->from);
    ucnv_close(charset->to);
    free(charset);
}

bool pen_charset_is_known(const char *name)
{
    UErrorCode status = U_ZERO_ERROR;
    UConverter *converter = ucnv_open(icu_name(name), &status);
    ucnv_close(converter);
    return U_SUCCESS(status);
}

enum pen_code pen_charset_new(const char *name, struct pen_charset **ret_charset,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_charset_free_p) struct pen_charset *charset = calloc(1, sizeof *charset);
    if (charset == NULL)
        return pen_fail_nomem(err);
    UErrorCode status = U_ZERO_ERROR;
    charset->from = ucnv_open(icu_name(name), &status);
    if (U_FAILURE(status)) {
        (void)pen_fail(err, PEN_ERR_CONFIG, "unknown charset '%s'", name);
        pen_error_hint(err, "UTF-8, Shift_JIS, EUC-JP, ISO-2022-JP, UTF-16, windows-1252, GB18030 "
                            "and every other name that ICU knows will do");
        return PEN_ERR_CONFIG;
    }
    charset->to = ucnv_open("UTF-8", &status);
    UConverterToUCallback old = NULL;
    const void *old_context = NULL;
    ucnv_setToUCallBack(charset->from, substitute, charset, &old, &old_context, &status);
    if (U_FAILURE(status))
        return pen_fail_nomem(err);
    charset->pivot_source = charset->pivot_target = charset->pivot;
    *ret_charset = PEN_TAKE(charset);
    return PEN_OK;
}

enum pen_code pen_charset_convert(struct pen_charset *charset, struct pen_slice *in, bool is_eof,
                                  struct pen_out *out, enum pen_flow *ret_flow,
                                  struct pen_error *err)
{
    UErrorCode status = U_ZERO_ERROR;
    const char *source = in->ptr == NULL ? "" : in->ptr;
    const char *source_end = source + in->len;
    char *target = out->ptr;
    ucnv_convertEx(charset->to, charset->from, &target, out->ptr + out->room, &source, source_end,
                   charset->pivot, &charset->pivot_source, &charset->pivot_target,
                   charset->pivot + PIVOT_UNITS, (UBool)!charset->is_started, (UBool)is_eof,
                   &status);
    charset->is_started = true;
    out->room -= (size_t)(target - out->ptr);
    out->ptr = target;
    *in = pen_slice(source, (size_t)(source_end - source));
    if (status == U_BUFFER_OVERFLOW_ERROR) {
        *ret_flow = PEN_FLOW_MORE_ROOM;
        return PEN_OK;
    }
    if (U_FAILURE(status))
        return pen_fail(err, PEN_ERR_INTERNAL, "charset conversion failed: %s",
                        u_errorName(status));
    *ret_flow = is_eof ? PEN_FLOW_END : PEN_FLOW_MORE_INPUT;
    return PEN_OK;
}

uint64_t pen_charset_replaced(const struct pen_charset *charset)
{
    return charset->replaced;
}

const char *pen_charset_name(const struct pen_charset *charset)
{
    UErrorCode status = U_ZERO_ERROR;
    const char *name = ucnv_getName(charset->from, &status);
    return U_SUCCESS(status) ? name : "text";
}

const char *pen_charset_of_json(struct pen_slice head)
{
    unsigned char b[4] = {1, 1, 1, 1};
    for (size_t i = 0; i < 4 && i < head.len; i++)
        b[i] = (unsigned char)head.ptr[i];
    if (head.len >= 4) {
        if (b[0] == 0xFF && b[1] == 0xFE && b[2] == 0 && b[3] == 0)
            return "UTF-32LE";
        if (b[0] == 0 && b[1] == 0 && (b[2] == 0 || (b[2] == 0xFE && b[3] == 0xFF)))
            return "UTF-32BE";
        if (b[0] != 0 && b[1] == 0 && b[2] == 0 && b[3] == 0)
            return "UTF-32LE";
    }
    if (head.len >= 2) {
        if ((b[0] == 0xFE && b[1] == 0xFF) || (b[0] == 0 && b[1] != 0))
            return "UTF-16BE";
        if ((b[0] == 0xFF && b[1] == 0xFE) || (b[0] != 0 && b[1] == 0))
            return "UTF-16LE";
    }
    return "UTF-8";
}
