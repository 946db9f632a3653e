#include "base/json_writer.h"

#include "base/civil.h"
#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>

static void keep(struct pen_json_writer *writer, enum pen_code code)
{
    if (writer->code == PEN_OK)
        writer->code = code;
}

static void add(struct pen_json_writer *writer, const char *bytes, size_t len)
{
    if (writer->code == PEN_OK)
        keep(writer, pen_buf_add(writer->into, bytes, len, &writer->err));
}

enum pen_code pen_json_add_foreign(struct pen_buf *into, struct pen_slice text,
                                   struct pen_error *err)
{
    if (pen_utf8_is_valid(text))
        return pen_json_add_string(into, text, err);
    PEN_CLEANUP(pen_buf_release) struct pen_buf repaired = PEN_BUF(3 * text.len);
    size_t used = 0;
    PEN_TRY(pen_utf8_repair(text, true, &repaired, &used, NULL, err));
    return pen_json_add_string(into, pen_buf_slice(&repaired), err);
}

static void add_string(struct pen_json_writer *writer, struct pen_slice text)
{
    if (writer->code == PEN_OK)
        keep(writer, pen_json_add_foreign(writer->into, text, &writer->err));
}

/* What stands before a value or a key. */
static void separate(struct pen_json_writer *writer)
{
    if (writer->needs_comma)
        add(writer, ",", 1);
    writer->needs_comma = true;
}

static void open_with(struct pen_json_writer *writer, const char *bracket)
{
    separate(writer);
    add(writer, bracket, 1);
    writer->needs_comma = false;
}

static void close_with(struct pen_json_writer *writer, const char *bracket)
{
    add(writer, bracket, 1);
    writer->needs_comma = true;
}

void pen_jw_begin_object(struct pen_json_writer *writer)
{
    open_with(writer, "{");
}

void pen_jw_end_object(struct pen_json_writer *writer)
{
    close_with(writer, "}");
}

void pen_jw_begin_array(struct pen_json_writer *writer)
{
    open_with(writer, "[");
}

void pen_jw_end_array(struct pen_json_writer *writer)
{
    close_with(writer, "]");
}

void pen_jw_key(struct pen_json_writer *writer, const char *key)
{
    separate(writer);
    add_string(writer, pen_slice_str(key));
    add(writer, ":", 1);
    writer->needs_comma = false;
}

void pen_jw_raw(struct pen_json_writer *writer, struct pen_slice json)
{
    separate(writer);
    add(writer, json.ptr, json.len);
}

void pen_jw_null(struct pen_json_writer *writer)
{
    pen_jw_raw(writer, PEN_LIT("null"));
}

void pen_jw_bool(struct pen_json_writer *writer, bool value)
{
    pen_jw_raw(writer, value ? PEN_LIT("true") : PEN_LIT("false"));
}

void pen_jw_int(struct pen_json_writer *writer, int64_t value)
{
    char text[PEN_NUMBER_TEXT];
    pen_jw_raw(writer, pen_slice(text, pen_print_long(value, text)));
}

void pen_jw_double(struct pen_json_writer *writer, double value)
{
    char text[PEN_NUMBER_TEXT];
    if (isfinite(value))
        pen_jw_raw(writer, pen_slice(text, pen_print_double(value, text)));
    else
        pen_jw_null(writer);
}

void pen_jw_slice(struct pen_json_writer *writer, struct pen_slice value)
{
    separate(writer);
    add_string(writer, value);
}

void pen_jw_text(struct pen_json_writer *writer, const char *value)
{
    if (value == NULL)
        pen_jw_null(writer);
    else
        pen_jw_slice(writer, pen_slice_str(value));
}

void pen_jw_member_null(struct pen_json_writer *writer, const char *key)
{
    pen_jw_key(writer, key);
    pen_jw_null(writer);
}

void pen_jw_member_bool(struct pen_json_writer *writer, const char *key, bool value)
{
    pen_jw_key(writer, key);
    pen_jw_bool(writer, value);
}

void pen_jw_member_int(struct pen_json_writer *writer, const char *key, int64_t value)
{
    pen_jw_key(writer, key);
    pen_jw_int(writer, value);
}

void pen_jw_member_text(struct pen_json_writer *writer, const char *key, const char *value)
{
    pen_jw_key(writer, key);
    pen_jw_text(writer, value);
}

void pen_jw_member_instant(struct pen_json_writer *writer, const char *key, int64_t utc_us)
{
    char text[PEN_INSTANT_TEXT];
    (void)pen_instant_print((struct pen_instant){.utc_us = utc_us}, text);
    pen_jw_member_text(writer, key, utc_us == 0 ? NULL : text);
}

enum pen_code pen_jw_done(const struct pen_json_writer *writer, struct pen_error *err)
{
    if (writer->code != PEN_OK && err != NULL)
        *err = writer->err;
    return writer->code;
}
