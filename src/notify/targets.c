/* targets.c - from the settings to targets. */
#include "notify/notify_internal.h"

const char *const pen_event_names[PEN_EVENT_COUNT + 1] = {"job_error", "rejects", "schedule_late",
                                                          NULL};

static enum pen_code bind_events(const struct pen_node *on, const struct pen_bind *bind,
                                 bool wants[PEN_EVENT_COUNT], struct pen_error *err)
{
    for (size_t i = 0; i < PEN_EVENT_COUNT; i++)
        wants[i] = on == NULL;
    for (const struct pen_node *word = on == NULL ? NULL : on->first; word != NULL;
         word = word->next) {
        size_t i = 0;
        while (i < PEN_EVENT_COUNT && !pen_slice_is(word->text, pen_event_names[i]))
            i++;
        if (i == PEN_EVENT_COUNT)
            return pen_fail_at(bind, word, err,
                               "unknown event '%.40s': job_error, rejects or schedule_late",
                               word->text.ptr == NULL ? "" : word->text.ptr);
        wants[i] = true;
    }
    return PEN_OK;
}

static enum pen_code name_target(struct pen_target *target, struct pen_slice words,
                                 struct pen_arena *arena, struct pen_error *err)
{
    return pen_arena_text(arena, words, &target->name, err);
}

/* One address as text, or a list of them. */
static enum pen_code bind_recipients(const struct pen_node *to, const struct pen_bind *bind,
                                     struct pen_target *target, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    bool is_list = to->kind == PEN_NODE_LIST;
    size_t count = is_list ? to->count : 1, at = 0;
    const char **list = pen_arena_alloc(bind->arena, (count + 1) * sizeof *list);
    if (list == NULL)
        return pen_fail_nomem(err);
    PEN_TRY(pen_buf_add_str(&name, "mail", err));
    for (const struct pen_node *one = is_list ? to->first : to; one != NULL;
         one = is_list ? one->next : NULL) {
        struct pen_error reason = {0};
        const char *text = one->text.ptr == NULL ? "" : one->text.ptr;
        if (pen_mail_check_address(text, &reason) != PEN_OK)
            return pen_fail_at(bind, one, err, "%s", reason.message);
        list[at++] = text;
        PEN_TRY(pen_buf_addf(&name, err, " %s", text));
    }
    list[at] = NULL;
    if (at == 0)
        return pen_fail_at(bind, to, err, "'to' names nobody");
    target->mail_to = list;
    return name_target(target, pen_buf_slice(&name), bind->arena, err);
}

static enum pen_code bind_mail(const struct pen_node *map, const struct pen_bind *bind,
                               struct pen_target *target, struct pen_error *err)
{
    PEN_TRY(pen_options_bind(pen_mail_option_table, map, "mail", NULL, &target->mail, bind, err));
    struct pen_slice url = pen_slice_str(target->mail.server);
    if (!pen_slice_starts(url, PEN_LIT("smtp://")) && !pen_slice_starts(url, PEN_LIT("smtps://")))
        return pen_fail_at(bind, pen_node_get(map, "server"), err,
                           "a mail server is smtp://host:port or smtps://host:port");
    struct pen_error reason = {0};
    if (pen_mail_check_address(target->mail.from, &reason) != PEN_OK)
        return pen_fail_at(bind, pen_node_get(map, "from"), err, "%s", reason.message);
    return bind_recipients(target->mail.to, bind, target, err);
}

static enum pen_code bind_webhook(const struct pen_node *map, const struct pen_bind *bind,
                                  struct pen_target *target, struct pen_error *err)
{
    PEN_CLEANUP(pen_buf_release) struct pen_buf name = PEN_BUF(PEN_BUF_TEXT_MAX);
    PEN_TRY(pen_options_bind(pen_webhook_option_table, map, "webhook", NULL, &target->webhook, bind,
                             err));
    const char *url = target->webhook.url;
    if (!pen_slice_starts(pen_slice_str(url), PEN_LIT("http://")) &&
        !pen_slice_starts(pen_slice_str(url), PEN_LIT("https://")))
        return pen_fail_at(bind, pen_node_get(map, "url"), err,
                           "a webhook's url begins with http:// or https://");
    /* what stands behind '?' is often a secret */
    PEN_TRY(pen_buf_addf(&name, err, "webhook %.*s", (int)strcspn(url, "?#"), url));
    return name_target(target, pen_buf_slice(&name), bind->arena, err);
}

static enum pen_code bind_entry(const struct pen_notification *entry, const struct pen_node *node,
                                const struct pen_bind *bind, struct pen_targets *into,
                                struct pen_error *err)
{
    struct pen_target target = {.rejects_above = entry->rejects_above,
                                .late_after_us = entry->late_after_s * PEN_US_PER_SECOND};
    PEN_TRY(bind_events(entry->on, bind, target.wants, err));
    if (entry->mail == NULL && entry->webhook == NULL)
        return pen_fail_at(bind, node, err, "a notification needs 'mail' or 'webhook'");
    if (entry->mail != NULL) {
        into->list[into->count] = target;
        PEN_TRY(bind_mail(entry->mail, bind, &into->list[into->count++], err));
    }
    if (entry->webhook != NULL) {
        into->list[into->count] = target;
        PEN_TRY(bind_webhook(entry->webhook, bind, &into->list[into->count++], err));
    }
    return PEN_OK;
}

enum pen_code pen_targets_bind(const struct pen_node *config, const struct pen_bind *bind,
                               struct pen_targets *ret_targets, struct pen_error *err)
{
    struct pen_notification *entries = NULL;
    size_t count = config == NULL ? 0 : config->count;
    *ret_targets = (struct pen_targets){.count = 0};
    PEN_TRY(pen_options_bind_list(pen_notification_option_table, config, "notifications",
                                  sizeof *entries, bind, &entries, err));
    ret_targets->list = pen_arena_alloc(bind->arena, (2 * count + 1) * sizeof *ret_targets->list);
    if (ret_targets->list == NULL)
        return pen_fail_nomem(err);
    const struct pen_node *node = config == NULL ? NULL : config->first;
    for (size_t i = 0; i < count; i++, node = node->next)
        PEN_TRY(bind_entry(&entries[i], node, bind, ret_targets, err));
    return PEN_OK;
}
