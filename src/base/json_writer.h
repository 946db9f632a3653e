/* json_writer.h - JSON text piece by piece: commas, quotes and escapes are the writer's business.
 *
 *     struct pen_json_writer w = PEN_JSON_WRITER(&buf);
 *     pen_jw_begin_object(&w);
 *     pen_jw_key(&w, "job_id");  pen_jw_int(&w, 17);
 *     pen_jw_end_object(&w);
 *     PEN_TRY(pen_jw_done(&w, err));
 *
 * The first failure sticks and is told by pen_jw_done; what follows it does nothing.
 * Text that is not valid UTF-8 is written with U+FFFD. thread: one at a time. */
#ifndef PEN_BASE_JSON_WRITER_H
#define PEN_BASE_JSON_WRITER_H

#include "base/buf.h"

struct pen_json_writer {
    struct pen_buf *into; /* borrowed */
    bool needs_comma;     /* something stands before in this object or array */
    enum pen_code code;
    struct pen_error err;
};

/* PEN_JSON_WRITER - a writer that appends to the buffer. */
#define PEN_JSON_WRITER(buf) ((struct pen_json_writer){.into = (buf)})

void pen_jw_begin_object(struct pen_json_writer *writer);
void pen_jw_end_object(struct pen_json_writer *writer);
void pen_jw_begin_array(struct pen_json_writer *writer);
void pen_jw_end_array(struct pen_json_writer *writer);

/* pen_jw_key - the name of the member whose value comes next. */
void pen_jw_key(struct pen_json_writer *writer, const char *key);

/* Values. A NULL text is null. pen_jw_raw - JSON text that is there already, one value.
 * pen_jw_double - NaN and infinities as null. */
void pen_jw_null(struct pen_json_writer *writer);
void pen_jw_bool(struct pen_json_writer *writer, bool value);
void pen_jw_int(struct pen_json_writer *writer, int64_t value);
void pen_jw_double(struct pen_json_writer *writer, double value);
void pen_jw_text(struct pen_json_writer *writer, const char *value);
void pen_jw_slice(struct pen_json_writer *writer, struct pen_slice value);
void pen_jw_raw(struct pen_json_writer *writer, struct pen_slice json);

/* Members: a key and its value. */
void pen_jw_member_null(struct pen_json_writer *writer, const char *key);
void pen_jw_member_bool(struct pen_json_writer *writer, const char *key, bool value);
void pen_jw_member_int(struct pen_json_writer *writer, const char *key, int64_t value);
void pen_jw_member_text(struct pen_json_writer *writer, const char *key, const char *value);

/* pen_jw_member_instant - UTC microseconds as RFC 3339 text; null for 0, which means never. */
void pen_jw_member_instant(struct pen_json_writer *writer, const char *key, int64_t utc_us);

/* pen_jw_done - whether all of it was written. errors: as pen_buf_reserve. */
PEN_MUST_USE enum pen_code pen_jw_done(const struct pen_json_writer *writer, struct pen_error *err);

#endif
