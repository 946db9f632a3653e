/* notify:test - whether the notifications of penstock.yml reach anybody. */
#include "cli/cli.h"
#include "notify/notify.h"

static enum pen_code print_result(struct pen_cli *cli, const char *target,
                                  const struct pen_error *failed, struct pen_error *err)
{
    if (failed == NULL)
        return pen_cli_print(cli, err, "ok       %s", target);
    PEN_TRY(pen_cli_print(cli, err, "failed   %s", target));
    return pen_cli_print(cli, err, "         %s%s%s", failed->where,
                         failed->where[0] == '\0' ? "" : ": ", failed->message);
}

static enum pen_code run_test(struct pen_cli *cli, const struct pen_args *args,
                              struct pen_error *err)
{
    PEN_CLEANUP(pen_notifier_free_p) struct pen_notifier *notifier = NULL;
    (void)args;
    PEN_TRY(pen_cli_open_home(cli, true, err));
    struct pen_notifier_options options = {
        .home = cli->home,
        .config = cli->settings.notifications,
        .bind = {"penstock.yml", &cli->arena, &cli->warnings},
        .log = cli->log,
    };
    PEN_TRY(pen_notifier_new(&options, &notifier, err));
    if (pen_notifier_targets(notifier) == 0) {
        (void)pen_fail(err, PEN_ERR_CONFIG, "penstock.yml has no notifications");
        pen_error_hint(err, "docs/notifications.md shows how they look");
        return PEN_ERR_CONFIG;
    }
    for (size_t i = 0; i < pen_notifier_targets(notifier); i++) {
        struct pen_error failed = {0};
        enum pen_code code = pen_notifier_try(notifier, i, &failed);
        if (code != PEN_OK)
            cli->exit_code = PEN_EXIT_FAILED;
        PEN_TRY(print_result(cli, pen_notifier_target_name(notifier, i),
                             code == PEN_OK ? NULL : &failed, err));
    }
    return PEN_OK;
}

static const struct pen_flag no_flags[] = {{NULL, 0, NULL, false, NULL}};

const struct pen_command pen_commands_notify[] = {
    {.name = "notify:test",
     .arguments = "",
     .description = "Send a test message to everybody whom penstock.yml notifies",
     .flags = no_flags,
     .run = run_test},
    {.name = NULL},
};
