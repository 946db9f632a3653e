#include "tz/time_options.h"

enum pen_code pen_time_words_compile(struct pen_time_words words, const char *column,
                                     const struct pen_node *node, const struct pen_bind *bind,
                                     struct pen_time_format **ret_format, struct pen_error *err)
{
    struct pen_error reason = {0};
    enum pen_code code =
        pen_time_format_new(words.format, words.timezone, words.date, ret_format, &reason);
    if (code == PEN_OK)
        return PEN_OK;
    if (column == NULL)
        (void)pen_fail_at(bind, node, err, "%s", reason.message);
    else
        (void)pen_fail_at(bind, node, err, "column '%s': %s", column, reason.message);
    if (err != NULL)
        err->code = code;
    if (reason.hint[0] != '\0')
        pen_error_hint(err, "%s", reason.hint);
    return code;
}
