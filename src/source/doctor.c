#include "source/doctor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/doctor_internal.h"

#define POLICY_MAX_BYTES ((size_t)64 << 10)

const char *pen_check_status_name(enum pen_check_status status)
{
    static const char *const names[] = {[PEN_CHECK_OK] = "ok",
                                        [PEN_CHECK_WARNING] = "warning",
                                        [PEN_CHECK_FAILED] = "failed",
                                        [PEN_CHECK_SKIPPED] = "skipped"};
    return names[status];
}

struct pen_check *pen_doctor_add(struct pen_doctor_report *report, const char *name,
                                 enum pen_check_status status, const char *format, ...)
{
    assert(report->count < PEN_DOCTOR_CHECKS_MAX);
    struct pen_check *check = &report->checks[report->count++];
    *check = (struct pen_check){.name = name, .status = status};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(check->detail, sizeof check->detail, format, args); /* cut on purpose */
    va_end(args);
    return check;
}

struct pen_check *pen_doctor_fail(struct pen_doctor_report *report, const char *name,
                                  const struct pen_error *failed)
{
    struct pen_check *check =
        pen_doctor_add(report, name, PEN_CHECK_FAILED, "%s%s%s", failed->where,
                       failed->where[0] == '\0' ? "" : ": ", failed->message);
    check->code = failed->code;
    (void)snprintf(check->hint, sizeof check->hint, "%s", failed->hint);
    return check;
}

void pen_doctor_report_release(struct pen_doctor_report *report)
{
    if (report != NULL)
        pen_buf_release(&report->policy);
}

enum pen_code pen_doctor_code(const struct pen_doctor_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->checks[i].status == PEN_CHECK_FAILED)
            return report->checks[i].code;
    return PEN_OK;
}

/* Keeps the first object and ends the listing. */
struct first {
    struct pen_source *source;
    struct pen_reader *reader;
    char key[256];
};

static enum pen_code take_first(void *context, const struct pen_object *object,
                                struct pen_error *err)
{
    struct first *first = context;
    (void)snprintf(first->key, sizeof first->key, "%s", object->key);
    PEN_TRY(first->source->type->read(first->source, object, 0, &first->reader, err));
    return pen_fail(err, PEN_ERR_CANCELLED, "one object is enough");
}

/* Any source: list up to the first object, read its first byte. */
static void check_plain(struct pen_source *source, struct pen_doctor_report *report)
{
    struct first first = {.source = source};
    struct pen_error failed = {0};
    enum pen_code code = source->type->list(source, take_first, &first, &failed);
    PEN_CLEANUP(pen_reader_close_p) struct pen_reader *reader = first.reader;
    if (code != PEN_OK && reader == NULL) {
        (void)pen_doctor_fail(report, "list", &failed);
        return;
    }
    if (reader == NULL) {
        struct pen_check *check =
            pen_doctor_add(report, "list", PEN_CHECK_WARNING, "no object is found");
        (void)snprintf(check->hint, sizeof check->hint,
                       "check path_prefix, path_match_pattern and last_path");
        return;
    }
    (void)pen_doctor_add(report, "list", PEN_CHECK_OK, "the first object is '%s'", first.key);
    char byte;
    size_t len = 0;
    if (reader->read(reader, &byte, 1, &len, &failed) != PEN_OK)
        (void)pen_doctor_fail(report, "get", &failed);
    else
        (void)pen_doctor_add(report, "get", PEN_CHECK_OK, "'%s' can be read", first.key);
}

/* The configuration with retries switched off: a check is to fail soon. */
static enum pen_code without_retries(const struct pen_node *config, struct pen_arena *arena,
                                     struct pen_node **ret_config, struct pen_error *err)
{
    struct pen_node *copy = pen_node_copy(config, arena);
    struct pen_node *zero = pen_node_new_int(arena, 0);
    if (copy == NULL || zero == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_node_set(copy, arena, "maximum_retries", zero, err));
    *ret_config = copy;
    return PEN_OK;
}

enum pen_code pen_doctor_run(const struct pen_source_type *type, const struct pen_node *config,
                             const struct pen_source_env *env, struct pen_doctor_report *ret_report,
                             struct pen_error *err)
{
    *ret_report = (struct pen_doctor_report){.policy = PEN_BUF(POLICY_MAX_BYTES)};
    bool is_s3 = type == &pen_source_s3;
    struct pen_node *changed = NULL;
    if (is_s3 && config != NULL && config->kind == PEN_NODE_MAP)
        PEN_TRY(without_retries(config, env->bind.arena, &changed, err));
    PEN_CLEANUP(pen_source_free_p) struct pen_source *source = NULL;
    struct pen_error failed = {0};
    if (pen_source_new(type, changed != NULL ? changed : config, env, &source, &failed) != PEN_OK) {
        (void)pen_doctor_fail(ret_report, "configuration", &failed);
        return PEN_OK;
    }
    (void)pen_doctor_add(ret_report, "configuration", PEN_CHECK_OK, "type %s", type->info.name);
    if (is_s3)
        return pen_doctor_s3(source, ret_report, err);
    check_plain(source, ret_report);
    return PEN_OK;
}
