/* Messages for people, and errors for people or programs. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line on stderr: names and texts of others stand in it, so nothing but text reaches the
 * terminal. When stderr is gone there is nobody to tell. */
static void put_line(const struct pen_cli *cli, const char *prefix, const char *color,
                     const char *text)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf line = PEN_BUF(PEN_BUF_TEXT_MAX);
    bool has_color = cli->terminal.has_color && color[0] != '\0';
    if (pen_buf_add_visible(&line, pen_slice_str(text), NULL) != PEN_OK)
        return;
    (void)fprintf(stderr, "%s%s%s%s\n", has_color ? color : "", prefix, has_color ? "\033[0m" : "",
                  line.ptr != NULL ? line.ptr : "");
}

/* A message of several lines; the prefix stands before the first. */
static void put_lines(const struct pen_cli *cli, const char *prefix, const char *color, char *text)
{
    for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1, prefix = color = "") {
        *end = '\0';
        put_line(cli, prefix, color, text);
    }
    put_line(cli, prefix, color, text);
}

static void say(const struct pen_cli *cli, const char *prefix, const char *color, char *text)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf whole = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_CLEANUP(pen_buf_release) struct pen_buf json = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (cli->is_quiet)
        return;
    if (!cli->is_json)
        put_lines(cli, prefix, color, text);
    else if (pen_buf_addf(&whole, NULL, "%s%s", prefix, text) == PEN_OK &&
             pen_json_add_text(&json, pen_buf_slice(&whole), NULL) == PEN_OK)
        (void)fprintf(stderr, "{\"message\":%s}\n", json.ptr);
}

void pen_cli_say(const struct pen_cli *cli, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut on purpose */
    va_end(args);
    say(cli, "", "", text);
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
        char text[2048];
        (void)snprintf(text, sizeof text, " %.*s", (int)len, rest.ptr); /* cut on purpose */
        say(cli, "Warning:", "\033[33m", text);
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
    char text[sizeof error->where + sizeof error->message + 4];
    (void)snprintf(text, sizeof text, " %s%s%s", has_place ? error->where : "",
                   has_place ? ": " : "", error->message);
    put_line(cli, "Error:", "\033[31m", text);
    if (error->hint[0] != '\0')
        put_line(cli, "Hint: ", "", error->hint);
}
