/* Messages for people, and errors for people or programs. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

void pen_cli_say(const struct pen_cli *cli, const char *format, ...)
{
    if (cli->is_quiet)
        return;
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(PEN_BUF_TEXT_MAX);
    /* when stderr is gone there is nobody to tell */
    if (!cli->is_json)
        (void)fprintf(stderr, "%s\n", text);
    else if (pen_json_add_text(&json, pen_slice_str(text), NULL) == PEN_OK)
        (void)fprintf(stderr, "{\"message\":%s}\n", json.ptr);
}

enum pen_code pen_cli_print(struct pen_cli *cli, struct pen_error *err, const char *format, ...)
{
    PEN_CLEANUP(pen_free_p) char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        text = NULL;
        return pen_fail_nomem(err);
    }
    if (cli->out.is_gone)
        return PEN_OK;
    enum pen_code code = pen_output_addf(&cli->out, err, "%s\n", text);
    return code != PEN_OK && cli->out.is_gone ? PEN_OK : code;
}

void pen_cli_warn(struct pen_cli *cli)
{
    struct pen_slice rest = pen_buf_slice(&cli->warnings.text);
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        pen_cli_say(cli, "%sWarning:%s %.*s", cli->terminal.has_color ? "\033[33m" : "",
                    cli->terminal.has_color ? "\033[0m" : "", (int)len, rest.ptr);
        rest = pen_slice_skip(rest, end != NULL ? len + 1 : len);
    }
    pen_buf_clear(&cli->warnings.text);
}

static enum pen_code add_member(struct pen_buf *into, const char *name, const char *text)
{
    if (text[0] == '\0')
        return PEN_OK;
    PEN_TRY(pen_buf_addf(into, NULL, ",\"%s\":", name));
    return pen_json_add_text(into, pen_slice_str(text), NULL);
}

static enum pen_code error_as_json(const struct pen_error *error, struct pen_buf *into)
{
    PEN_TRY(
        pen_buf_addf(into, NULL, "{\"error\":{\"code\":\"%s\"", pen_error_code_name(error->code)));
    PEN_TRY(add_member(into, "where", error->where));
    PEN_TRY(add_member(into, "message", error->message));
    PEN_TRY(add_member(into, "hint", error->hint));
    return pen_buf_addf(into, NULL, ",\"is_retryable\":%s}}",
                        error->is_retryable ? "true" : "false");
}

void pen_cli_print_error(const struct pen_cli *cli, const struct pen_error *error)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (cli->is_json && error_as_json(error, &json) == PEN_OK) {
        (void)fprintf(stderr, "%s\n", json.ptr);
        return;
    }
    bool has_place = error->where[0] != '\0' && strstr(error->message, error->where) == NULL;
    (void)fprintf(stderr, "%sError:%s %s%s%s\n", cli->terminal.has_color ? "\033[31m" : "",
                  cli->terminal.has_color ? "\033[0m" : "", has_place ? error->where : "",
                  has_place ? ": " : "", error->message);
    if (error->hint[0] != '\0')
        (void)fprintf(stderr, "Hint: %s\n", error->hint);
}
