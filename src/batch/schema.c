#include "batch/schema.h"

#include <stdlib.h>

const char *const pen_type_choices[PEN_TYPE_COUNT + 1] = {
    [PEN_TYPE_BOOLEAN] = "boolean",     [PEN_TYPE_LONG] = "long",
    [PEN_TYPE_DOUBLE] = "double",       [PEN_TYPE_STRING] = "string",
    [PEN_TYPE_TIMESTAMP] = "timestamp", [PEN_TYPE_JSON] = "json",
};

const char *pen_type_name(enum pen_type type)
{
    return pen_type_choices[type];
}

bool pen_type_from_name(struct pen_slice name, enum pen_type *ret_type)
{
    for (size_t i = 0; i < PEN_TYPE_COUNT; i++) {
        if (pen_slice_is(name, pen_type_choices[i])) {
            *ret_type = (enum pen_type)i;
            return true;
        }
    }
    return false;
}

void pen_schema_clear(struct pen_schema *schema)
{
    if (schema == NULL)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        free(schema->fields[i].name);
        free(schema->fields[i].format);
    }
    free(schema->fields);
    *schema = (struct pen_schema){0};
}

static enum pen_code grow(struct pen_schema *schema, struct pen_error *err)
{
    if (schema->count < schema->cap)
        return PEN_OK;
    size_t cap = schema->cap == 0 ? 16 : schema->cap * 2;
    struct pen_field *fields = realloc(schema->fields, cap * sizeof *fields);
    if (fields == NULL)
        return pen_fail_nomem(err);
    schema->fields = fields;
    schema->cap = cap;
    return PEN_OK;
}

enum pen_code pen_schema_add(struct pen_schema *schema, struct pen_slice name, enum pen_type type,
                             const char *format, struct pen_error *err)
{
    if (schema->count == PEN_SCHEMA_MAX_COLUMNS)
        return pen_fail(err, PEN_ERR_TOO_LARGE, "more than %d columns", PEN_SCHEMA_MAX_COLUMNS);
    PEN_TRY(grow(schema, err));
    struct pen_field field = {.name = strndup(name.ptr == NULL ? "" : name.ptr, name.len),
                              .type = type,
                              .format = format == NULL ? NULL : strdup(format)};
    if (field.name == NULL || (format != NULL && field.format == NULL)) {
        free(field.name);
        free(field.format);
        return pen_fail_nomem(err);
    }
    schema->fields[schema->count++] = field;
    return PEN_OK;
}

enum pen_code pen_schema_copy(const struct pen_schema *from, struct pen_schema *ret,
                              struct pen_error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct pen_field *field = &from->fields[i];
        enum pen_code code =
            pen_schema_add(ret, pen_slice_str(field->name), field->type, field->format, err);
        if (code != PEN_OK) {
            pen_schema_clear(ret);
            return code;
        }
    }
    return PEN_OK;
}

size_t pen_schema_find(const struct pen_schema *schema, struct pen_slice name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (pen_slice_is(name, schema->fields[i].name))
            return i;
    return SIZE_MAX;
}
