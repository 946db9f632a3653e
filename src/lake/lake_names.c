/* lake_names.c - which names may be created, and aliases for columns. source: spec/storage.md 2. */
#include "base/buf.h"
#include "lake/lake.h"

#include <strings.h>

#define NAME_MIN        3
#define NAME_MAX_CREATE 128
#define NAME_MAX_READ   255

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static size_t count_characters(struct pen_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

enum pen_code pen_lake_check_name(const char *what, struct pen_slice name, struct pen_error *err)
{
    size_t count = count_characters(name);
    if (count < NAME_MIN || count > NAME_MAX_CREATE) {
        /* the client states 255; what it would take and we do not is told the true limit */
        bool is_between = count > NAME_MAX_CREATE && count <= NAME_MAX_READ;
        return pen_fail(err, PEN_ERR_CONFIG,
                        "%s name must be between %d and %d characters long. Got %zu characters.",
                        what, NAME_MIN, is_between ? NAME_MAX_CREATE : NAME_MAX_READ, count);
    }
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.ptr[i]))
            return pen_fail(err, PEN_ERR_CONFIG,
                            "%s name must only consist of lower-case alpha-numeric characters and "
                            "'_'.",
                            what);
    return PEN_OK;
}

bool pen_lake_is_column_name(struct pen_slice name)
{
    if (name.len == 0 || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.ptr[i]))
            return false;
    return true;
}

static bool is_word_byte(char c)
{
    return is_name_byte(c) || (c >= 'A' && c <= 'Z');
}

enum pen_code pen_lake_alias(struct pen_slice name, struct pen_buf *into, struct pen_error *err)
{
    if (name.len == 0)
        return pen_buf_add_char(into, '_', err);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_word_byte(c) || (i == 0 && is_digit)) {
            /* a run of foreign characters is one '_'; a leading digit is a run of its own */
            while (!is_word_byte(c) && i + 1 < name.len && !is_word_byte(name.ptr[i + 1]))
                i++;
            c = '_';
        } else if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        PEN_TRY(pen_buf_add_char(into, c, err));
    }
    return PEN_OK;
}

static bool is_taken(const char *name, const char *const *taken, size_t taken_count,
                     const char *const *names, size_t name_count)
{
    for (size_t i = 0; i < taken_count; i++)
        if (strcasecmp(taken[i], name) == 0)
            return true;
    for (size_t i = 0; i < name_count; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The alias, with _1, _2 ... behind it when it is taken. */
static enum pen_code free_name(struct pen_slice wanted, const char *const *taken,
                               size_t taken_count, const char *const *names, size_t name_count,
                               struct pen_buf *into, struct pen_error *err)
{
    pen_buf_clear(into);
    PEN_TRY(pen_lake_alias(wanted, into, err));
    size_t len = into->len;
    for (unsigned number = 1; is_taken(into->ptr, taken, taken_count, names, name_count);
         number++) {
        into->len = len;
        PEN_TRY(pen_buf_addf(into, err, "_%u", number));
    }
    return PEN_OK;
}

enum pen_code pen_lake_aliases(const struct pen_schema *schema, const char *const *taken,
                               size_t taken_count, struct pen_arena *arena, const char ***ret_names,
                               struct pen_error *err)
{
    const size_t count = schema->count;
    const char **names = pen_arena_alloc(arena, (count + 1) * sizeof *names);
    if (names == NULL)
        return pen_fail_nomem(err);
    memset(names, 0, (count + 1) * sizeof *names);
    /* names that need no alias keep theirs, wherever they stand; the others give way */
    for (size_t i = 0; i < count; i++) {
        const char *name = schema->fields[i].name;
        if (pen_lake_is_column_name(pen_slice_str(name)) &&
            !is_taken(name, taken, taken_count, names, count))
            names[i] = name;
    }
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        if (names[i] == NULL) {
            PEN_TRY(free_name(pen_slice_str(schema->fields[i].name), taken, taken_count, names,
                              count, &text, err));
            names[i] = pen_arena_copy(arena, pen_buf_slice(&text));
        } else {
            names[i] = pen_arena_copy(arena, pen_slice_str(names[i]));
        }
        if (names[i] == NULL)
            return pen_fail_nomem(err);
    }
    *ret_names = names;
    return PEN_OK;
}
