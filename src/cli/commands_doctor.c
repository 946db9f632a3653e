/* doctor LOAD.yml: why a source cannot be read, check by check. */
#include "cli/connector_internal.h"

static enum pen_code print_line(struct pen_cli *cli, const struct pen_check *check,
                                struct pen_error *err)
{
    PEN_TRY(pen_cli_print(cli, err, "%-8s %-12s %s", pen_check_status_name(check->status),
                          check->name, check->detail));
    if (check->hint[0] == '\0')
        return PEN_OK;
    return pen_cli_print(cli, err, "%-8s %-12s %s", "", "", check->hint);
}

static enum pen_code print_lines(struct pen_cli *cli, const struct pen_doctor_report *report,
                                 struct pen_error *err)
{
    for (size_t i = 0; i < report->count; i++)
        PEN_TRY(print_line(cli, &report->checks[i], err));
    if (report->policy.len == 0)
        return PEN_OK;
    return pen_cli_print(cli, err, "\nThe least policy that allows everything a load needs:\n%s",
                         report->policy.ptr);
}

static enum pen_code print_rows(struct pen_cli *cli, const struct pen_doctor_report *report,
                                enum pen_format format, struct pen_error *err)
{
    static const char *const names[] = {"check", "status", "detail", "hint"};
    PEN_CLEANUP(pen_render_release) struct pen_render render = {.rows = 0};
    struct pen_render_options options = {.format = format, .terminal_width = cli->terminal.width};
    PEN_TRY(pen_render_begin(&render, &cli->out, &options, names, 4, err));
    for (size_t i = 0; i < report->count; i++) {
        const struct pen_check *check = &report->checks[i];
        const struct pen_cell cells[] = {pen_cell_text(check->name),
                                         pen_cell_text(pen_check_status_name(check->status)),
                                         pen_cell_text(check->detail), pen_cell_text(check->hint)};
        PEN_TRY(pen_render_row(&render, cells, err));
    }
    PEN_TRY(pen_render_end(&render, err));
    if (report->policy.len == 0)
        return PEN_OK;
    /* rows only on stdout: programs read it */
    pen_cli_say(cli, "The least policy that allows everything a load needs:\n%s",
                report->policy.ptr);
    return PEN_OK;
}

static enum pen_code print_report(struct pen_cli *cli, const struct pen_args *args,
                                  const struct pen_doctor_report *report, struct pen_error *err)
{
    enum pen_format format = PEN_FORMAT_TABLE;
    if (!cli->is_json && !pen_args_has(args, "format"))
        return print_lines(cli, report, err);
    PEN_TRY(pen_cli_format(cli, args, &format, err));
    return print_rows(cli, report, format, err);
}

enum pen_code pen_cli_doctor(struct pen_cli *cli, const struct pen_args *args,
                             const struct pen_run_env *env, struct pen_error *err)
{
    PEN_CLEANUP(pen_doctor_report_release) struct pen_doctor_report report = {.count = 0};
    PEN_TRY(pen_run_doctor(env, &report, err));
    cli->exit_code = pen_cli_exit_code(pen_doctor_code(&report));
    return print_report(cli, args, &report, err);
}

static enum pen_code run_doctor(struct pen_cli *cli, const struct pen_args *args,
                                struct pen_error *err)
{
    struct pen_run_env env = {.home = NULL};
    PEN_TRY(pen_connector_load(cli, args, &env, err));
    return pen_cli_doctor(cli, args, &env, err);
}

static const struct pen_flag doctor_flags[] = {PEN_FLAG_FORMAT, {NULL, 0, NULL, false, NULL}};
static const char *const doctor_examples[] = {"doctor load.yml", NULL};

const struct pen_command pen_commands_doctor[] = {
    {.name = "doctor",
     .arguments = "<config>",
     .max_words = 1,
     .description = "Find out why a source cannot be read\n"
                    "Checks configuration, credentials, DNS, TLS, clock, region, listing and\n"
                    "reading, one after the other, and prints what is missing and the least\n"
                    "policy that grants it. Writes nothing.",
     .examples = doctor_examples,
     .flags = doctor_flags,
     .run = run_doctor},
    {.name = NULL},
};
