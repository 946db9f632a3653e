#include "filter/column_json.h"

#include "base/number.h"

#include <stdlib.h>

struct pen_column_json {
    struct pen_column_json_entry *entries;
    size_t count, cap;
};

/* Which entries still apply at a place of the value: one bit each would do, but lists are short. */
#define ENTRIES_MAX 256

struct active {
    const struct pen_column_json_entry *entries[ENTRIES_MAX];
    size_t count;
};

void pen_column_json_scratch_init(struct pen_column_json_scratch *scratch)
{
    scratch->arena = PEN_ARENA((size_t)256 << 20);
    scratch->text = PEN_BUF((size_t)256 << 20);
}

void pen_column_json_scratch_release(struct pen_column_json_scratch *scratch)
{
    pen_arena_release(&scratch->arena);
    pen_buf_release(&scratch->text);
}

void pen_column_json_free(struct pen_column_json *json)
{
    if (json == NULL)
        return;
    free(json->entries);
    free(json);
}

/* --- entries ---------------------------------------------------------------------------------- */

static bool same_step(const struct pen_json_step *a, const struct pen_json_step *b)
{
    return a->kind == b->kind && a->index == b->index && pen_slice_equal(a->name, b->name);
}

/* `src` must be a sibling: the same parent, another last member. */
static enum pen_code bind_src(struct pen_column_json_entry *entry, const struct pen_bind *bind,
                              struct pen_error *err)
{
    const struct pen_column_entry *written = entry->written;
    if (written->src == NULL)
        return PEN_OK;
    const struct pen_node *src = pen_node_get(written->node, "src");
    struct pen_json_path path;
    struct pen_error reason = {0};
    if (pen_json_path_compile(pen_slice_str(written->src), bind->arena, &path, &reason) != PEN_OK)
        return pen_fail_at(bind, src, err, "%s", reason.message);
    bool is_sibling =
        path.count == entry->count + 1 && path.steps[path.count - 1].kind == PEN_JSON_STEP_MEMBER;
    for (size_t i = 0; is_sibling && i + 1 < entry->count; i++)
        is_sibling = same_step(&path.steps[i + 1], &entry->steps[i]);
    if (!is_sibling)
        return pen_fail_at(bind, src, err, "\"src\" must be a member of the same parent");
    entry->src = path.steps[path.count - 1].name;
    return PEN_OK;
}

static enum pen_code default_as_json(const struct pen_node *node, enum pen_type type,
                                     struct pen_buf *text, struct pen_error *err)
{
    int64_t integer = 0;
    double number = 0;
    char printed[PEN_NUMBER_TEXT];
    switch (type) {
    case PEN_TYPE_STRING:
        return pen_json_add_string(text, node->text, err);
    case PEN_TYPE_BOOLEAN:
        if (node->kind == PEN_NODE_BOOL)
            return pen_buf_add_str(text, node->boolean ? "true" : "false", err);
        break;
    case PEN_TYPE_LONG:
        integer = node->integer;
        if (node->kind == PEN_NODE_INT || pen_parse_long(node->text, &integer))
            return pen_buf_add(text, printed, pen_print_long(integer, printed), err);
        break;
    case PEN_TYPE_DOUBLE:
        if (pen_parse_double(node->text, &number))
            return pen_buf_add(text, printed, pen_print_double_java(number, printed), err);
        break;
    case PEN_TYPE_JSON:
    case PEN_TYPE_TIMESTAMP:
        return pen_buf_add_slice(text, node->text, err);
    }
    return pen_buf_add_str(text, "!", err); /* no JSON: refused by the check that follows */
}

static enum pen_code bind_default(struct pen_column_json_entry *entry, const struct pen_bind *bind,
                                  struct pen_error *err)
{
    const struct pen_column_entry *written = entry->written;
    const struct pen_node *node = written->default_value;
    enum pen_type type = written->has_type ? (enum pen_type)written->type : PEN_TYPE_JSON;
    if (type == PEN_TYPE_TIMESTAMP)
        return pen_fail_at(bind, pen_node_get(written->node, "type"), err,
                           "type: timestamp is not supported in json columns");
    if (entry->kind == PEN_COLUMN_JSON_ADD && entry->src.len == 0 &&
        (node == NULL || !written->has_type))
        return pen_fail_at(bind, written->node, err,
                           "add_columns: Column '%s' does not have \"type\" and \"default\"",
                           written->name);
    if (node == NULL)
        return PEN_OK;
    PEN_CLEANUP(pen_buf_release) struct pen_buf text = PEN_BUF(PEN_BUF_TEXT_MAX);
    if (node->kind == PEN_NODE_NULL)
        PEN_TRY(pen_buf_add_str(&text, "null", err));
    else
        PEN_TRY(default_as_json(node, type, &text, err));
    PEN_CLEANUP(pen_buf_release) struct pen_buf scratch = PEN_BUF(PEN_BUF_TEXT_MAX);
    struct pen_slice canonical;
    size_t used = 0;
    if (pen_json_canonical(pen_buf_slice(&text), &scratch, &canonical, &used, NULL) != PEN_OK ||
        !pen_json_is_blank(pen_slice_skip(pen_buf_slice(&text), used)))
        return pen_fail_at(bind, node, err, "default '%.*s' is no %s", PEN_ARG(node->text),
                           pen_type_name(type));
    char *copy = pen_arena_copy(bind->arena, canonical);
    if (copy == NULL)
        return pen_fail_nomem(err);
    entry->default_text = pen_slice(copy, canonical.len);
    return PEN_OK;
}

enum pen_code pen_column_json_add(struct pen_column_json **json,
                                  const struct pen_column_json_entry *entry,
                                  const struct pen_bind *bind, struct pen_error *err)
{
    if (*json == NULL)
        *json = calloc(1, sizeof **json);
    struct pen_column_json *self = *json;
    if (self == NULL)
        return pen_fail_nomem(err);
    if (self->count == ENTRIES_MAX)
        return pen_fail_at(bind, entry->written->node, err,
                           "more than %d entries for one json column", ENTRIES_MAX);
    if (self->count == self->cap) {
        size_t cap = self->cap == 0 ? 8 : self->cap * 2;
        struct pen_column_json_entry *grown = realloc(self->entries, cap * sizeof *grown);
        if (grown == NULL)
            return pen_fail_nomem(err);
        self->entries = grown;
        self->cap = cap;
    }
    struct pen_column_json_entry bound = *entry;
    PEN_TRY(bind_src(&bound, bind, err));
    PEN_TRY(bind_default(&bound, bind, err));
    self->entries[self->count++] = bound;
    return PEN_OK;
}

/* --- values ----------------------------------------------------------------------------------- */

static enum pen_code edit(const struct active *active, size_t depth, const struct pen_json *value,
                          struct pen_buf *into, struct pen_error *err);

/* The entries that go on below the child reached by a member name, or by an index. */
static void descend(const struct active *active, size_t depth, const struct pen_slice *name,
                    size_t index, struct active *below)
{
    below->count = 0;
    for (size_t i = 0; i < active->count; i++) {
        const struct pen_json_step *step = &active->entries[i]->steps[depth];
        bool is_match =
            step->kind == PEN_JSON_STEP_ALL ||
            (name != NULL ? step->kind == PEN_JSON_STEP_MEMBER && pen_slice_equal(step->name, *name)
                          : step->kind == PEN_JSON_STEP_ELEMENT && step->index == index);
        if (is_match && active->entries[i]->count > depth + 1)
            below->entries[below->count++] = active->entries[i];
    }
}

/* The entry of that kind that ends exactly at the child; NULL when there is none. */
static const struct pen_column_json_entry *ending_at(const struct active *active, size_t depth,
                                                     enum pen_column_json_kind kind,
                                                     const struct pen_slice *name, size_t index)
{
    for (size_t i = 0; i < active->count; i++) {
        const struct pen_column_json_entry *entry = active->entries[i];
        const struct pen_json_step *step = &entry->steps[depth];
        bool is_match =
            step->kind == PEN_JSON_STEP_ALL ||
            (name != NULL ? step->kind == PEN_JSON_STEP_MEMBER && pen_slice_equal(step->name, *name)
                          : step->kind == PEN_JSON_STEP_ELEMENT && step->index == index);
        if (is_match && entry->kind == kind && entry->count == depth + 1)
            return entry;
    }
    return NULL;
}

static bool is_retaining(const struct active *active, size_t depth)
{
    for (size_t i = 0; i < active->count; i++)
        if (active->entries[i]->kind == PEN_COLUMN_JSON_RETAIN &&
            active->entries[i]->count == depth + 1)
            return true;
    return false;
}

static enum pen_code put_key(struct pen_buf *into, struct pen_slice name, struct pen_error *err)
{
    if (into->ptr[into->len - 1] != '{')
        PEN_TRY(pen_buf_add_char(into, ',', err));
    PEN_TRY(pen_json_add_string(into, name, err));
    return pen_buf_add_char(into, ':', err);
}

static enum pen_code put_child(const struct active *active, size_t depth, struct pen_slice name,
                               const struct pen_json *value, struct pen_buf *into,
                               struct pen_error *err)
{
    struct active below;
    PEN_TRY(put_key(into, name, err));
    descend(active, depth, &name, 0, &below);
    return edit(&below, depth + 1, value, into, err);
}

static const struct pen_json empty_object = {.kind = PEN_JSON_OBJECT};

/* Whether a retained member below `name` has a default, so that its parents are made. */
static bool makes_below(const struct active *active, size_t depth, struct pen_slice name)
{
    for (size_t i = 0; i < active->count; i++) {
        const struct pen_column_json_entry *entry = active->entries[i];
        if (entry->kind == PEN_COLUMN_JSON_RETAIN && entry->count > depth + 1 &&
            entry->steps[depth].kind == PEN_JSON_STEP_MEMBER &&
            pen_slice_equal(entry->steps[depth].name, name) && entry->default_text.len > 0)
            return true;
    }
    return false;
}

/* A member that an entry asks for and that may have to be made: from src, or from the default. */
static enum pen_code put_wanted(const struct active *active, size_t depth,
                                const struct pen_column_json_entry *entry,
                                const struct pen_json *object, struct pen_buf *into,
                                struct pen_error *err)
{
    struct pen_slice name = entry->steps[depth].name;
    struct pen_slice from = entry->src.len > 0 ? entry->src : name;
    const struct pen_json *value = pen_json_member(object, from);
    bool is_null = value == NULL || value->kind == PEN_JSON_NULL;
    if (is_null && entry->default_text.len > 0) {
        PEN_TRY(put_key(into, name, err));
        return pen_buf_add_slice(into, entry->default_text, err);
    }
    if (value == NULL && makes_below(active, depth, name))
        value = &empty_object; /* the parent of a member with a default */
    return value == NULL ? PEN_OK : put_child(active, depth, name, value, into, err);
}

static enum pen_code retain_members(const struct active *active, size_t depth,
                                    const struct pen_json *object, struct pen_buf *into,
                                    struct pen_error *err)
{
    for (size_t i = 0; i < active->count; i++) {
        const struct pen_column_json_entry *entry = active->entries[i];
        if (entry->kind != PEN_COLUMN_JSON_RETAIN || entry->count != depth + 1)
            continue;
        if (entry->steps[depth].kind == PEN_JSON_STEP_MEMBER)
            PEN_TRY(put_wanted(active, depth, entry, object, into, err));
        else if (entry->steps[depth].kind == PEN_JSON_STEP_ALL)
            for (const struct pen_json *m = object->first; m != NULL; m = m->next)
                PEN_TRY(put_child(active, depth, m->key, m, into, err));
    }
    return PEN_OK;
}

static enum pen_code keep_members(const struct active *active, size_t depth,
                                  const struct pen_json *object, struct pen_buf *into,
                                  struct pen_error *err)
{
    for (const struct pen_json *m = object->first; m != NULL; m = m->next) {
        if (ending_at(active, depth, PEN_COLUMN_JSON_DROP, &m->key, 0) == NULL)
            PEN_TRY(put_child(active, depth, m->key, m, into, err));
    }
    return PEN_OK;
}

static bool is_first_with_name(const struct active *active, size_t at, size_t depth)
{
    for (size_t i = 0; i < at; i++)
        if (active->entries[i]->kind == PEN_COLUMN_JSON_ADD &&
            pen_slice_equal(active->entries[i]->steps[depth].name,
                            active->entries[at]->steps[depth].name))
            return false;
    return true;
}

/* Members to add that the object lacks; a missing parent becomes an object. */
static enum pen_code add_members(const struct active *active, size_t depth,
                                 const struct pen_json *object, struct pen_buf *into,
                                 struct pen_error *err)
{
    for (size_t i = 0; i < active->count; i++) {
        const struct pen_column_json_entry *entry = active->entries[i];
        const struct pen_json_step *step = &entry->steps[depth];
        if (entry->kind != PEN_COLUMN_JSON_ADD || step->kind != PEN_JSON_STEP_MEMBER ||
            pen_json_member(object, step->name) != NULL || !is_first_with_name(active, i, depth))
            continue;
        if (entry->count == depth + 1)
            PEN_TRY(put_wanted(active, depth, entry, object, into, err));
        else
            PEN_TRY(put_child(active, depth, step->name, &empty_object, into, err));
    }
    return PEN_OK;
}

static enum pen_code edit_object(const struct active *active, size_t depth,
                                 const struct pen_json *object, struct pen_buf *into,
                                 struct pen_error *err)
{
    PEN_TRY(pen_buf_add_char(into, '{', err));
    if (is_retaining(active, depth))
        PEN_TRY(retain_members(active, depth, object, into, err));
    else
        PEN_TRY(keep_members(active, depth, object, into, err));
    PEN_TRY(add_members(active, depth, object, into, err));
    return pen_buf_add_char(into, '}', err);
}

static enum pen_code edit_array(const struct active *active, size_t depth,
                                const struct pen_json *array, struct pen_buf *into,
                                struct pen_error *err)
{
    bool retains = is_retaining(active, depth);
    size_t index = 0;
    PEN_TRY(pen_buf_add_char(into, '[', err));
    for (const struct pen_json *e = array->first; e != NULL; e = e->next, index++) {
        enum pen_column_json_kind kind = retains ? PEN_COLUMN_JSON_RETAIN : PEN_COLUMN_JSON_DROP;
        bool is_listed = ending_at(active, depth, kind, NULL, index) != NULL;
        if (is_listed != retains)
            continue;
        struct active below;
        if (into->ptr[into->len - 1] != '[')
            PEN_TRY(pen_buf_add_char(into, ',', err));
        descend(active, depth, NULL, index, &below);
        PEN_TRY(edit(&below, depth + 1, e, into, err));
    }
    return pen_buf_add_char(into, ']', err);
}

/* Recursion ends with the entries: a value without any is written as it is. */
static enum pen_code edit(const struct active *active, size_t depth, const struct pen_json *value,
                          struct pen_buf *into, struct pen_error *err)
{
    if (active->count > 0 && value->kind == PEN_JSON_OBJECT)
        return edit_object(active, depth, value, into, err);
    if (active->count > 0 && value->kind == PEN_JSON_ARRAY)
        return edit_array(active, depth, value, into, err);
    return pen_json_write(value, into, err);
}

static enum pen_code edit_row(const struct active *active, struct pen_column_json_scratch *scratch,
                              struct pen_batch *batch, const struct pen_column *from, size_t row,
                              struct pen_column *into, struct pen_error *err)
{
    struct pen_slice text = pen_string_slice(&pen_column_strings(from)[row]);
    struct pen_json *root = NULL;
    size_t used = 0;
    pen_arena_clear(&scratch->arena);
    pen_buf_clear(&scratch->text);
    PEN_TRY(pen_json_read(text, &scratch->arena, &root, &used, err));
    PEN_TRY(edit(active, 0, root, &scratch->text, err));
    const char *copy = pen_arena_copy(&batch->arena, pen_buf_slice(&scratch->text));
    if (copy == NULL)
        return pen_fail_nomem(err);
    pen_column_strings(into)[row] = pen_string_make(copy, scratch->text.len);
    pen_column_set_valid(into, row, true);
    return PEN_OK;
}

enum pen_code pen_column_json_apply(const struct pen_column_json *json,
                                    struct pen_column_json_scratch *scratch,
                                    struct pen_batch *batch, size_t index, struct pen_error *err)
{
    struct active active = {.count = json->count};
    for (size_t i = 0; i < json->count; i++)
        active.entries[i] = &json->entries[i];
    const struct pen_column from = batch->columns[index];
    struct pen_column into;
    PEN_TRY(pen_batch_new_column(batch, PEN_TYPE_JSON, &into, err));
    for (size_t row = 0; row < batch->rows; row++)
        if (pen_column_is_valid(&from, row))
            PEN_TRY(edit_row(&active, scratch, batch, &from, row, &into, err));
    batch->columns[index] = into;
    return PEN_OK;
}
