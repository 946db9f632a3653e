/* Which commands there are, and how their help looks. */
#include "cli/cli.h"
#include "cli/version.h"
#include "conf/suggest.h"

#include <stdio.h>

const struct pen_command *const pen_command_groups[] = {
    pen_commands_connector, pen_commands_schedule,   pen_commands_job,    pen_commands_db,
    pen_commands_table,     pen_commands_query,      pen_commands_doctor, pen_commands_config,
    pen_commands_filter,    pen_commands_connection, pen_commands_notify, pen_commands_user,
    pen_commands_lake,      pen_commands_server,     pen_commands_misc,   NULL,
};

const char *pen_cli_version(void)
{
    return PEN_VERSION " (" PEN_BUILD ")";
}

static bool has_name(const struct pen_command *command, const char *name)
{
    if (strcmp(command->name, name) == 0)
        return true;
    for (const char *const *alias = command->aliases; alias != NULL && *alias != NULL; alias++)
        if (strcmp(*alias, name) == 0)
            return true;
    return false;
}

const struct pen_command *pen_command_find(const char *name)
{
    for (size_t g = 0; pen_command_groups[g] != NULL; g++)
        for (const struct pen_command *c = pen_command_groups[g]; c->name != NULL; c++)
            if (has_name(c, name))
                return c;
    return NULL;
}

const char *pen_command_suggest(const char *name)
{
    struct pen_suggest suggest = pen_suggest_start(pen_slice_str(name));
    for (size_t g = 0; pen_command_groups[g] != NULL; g++) {
        for (const struct pen_command *c = pen_command_groups[g]; c->name != NULL; c++) {
            pen_suggest_try(&suggest, c->name);
            for (const char *const *alias = c->aliases; alias != NULL && *alias != NULL; alias++)
                pen_suggest_try(&suggest, *alias);
        }
    }
    return pen_suggest_best(&suggest);
}

/* "-o, --out FILE" */
static enum pen_code add_flag(const struct pen_flag *flag, struct pen_buf *into,
                              struct pen_error *err)
{
    char left[64], letter[5] = "    ";
    if (flag->letter != 0)
        (void)snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    (void)snprintf(left, sizeof left, "%s--%s%s%s%s%s", letter, flag->name,
                   flag->value == NULL ? ""
                   : flag->is_optional ? " ["
                                       : " ",
                   flag->value == NULL ? "" : flag->value,
                   flag->value != NULL && flag->is_optional ? "]" : "", "");
    return pen_buf_addf(into, err, "  %-30s %s\n", left, flag->help);
}

static const char *first_line_end(const char *text)
{
    return strchrnul(text, '\n');
}

enum pen_code pen_command_usage(const struct pen_command *command, struct pen_buf *into,
                                struct pen_error *err)
{
    bool has_flags = command->flags[0].name != NULL, has_arguments = command->arguments[0] != '\0';
    PEN_TRY(pen_buf_addf(into, err, "usage:\n  $ penstock %s%s%s%s\n", command->name,
                         has_arguments ? " " : "", command->arguments,
                         has_flags ? " [options]" : ""));
    if (command->examples != NULL)
        PEN_TRY(pen_buf_add_str(into, "\nexample:\n", err));
    for (const char *const *e = command->examples; e != NULL && *e != NULL; e++)
        PEN_TRY(pen_buf_addf(into, err, "  $ penstock %s\n", *e));
    PEN_TRY(pen_buf_add_str(into, "\ndescription:\n", err));
    for (const char *line = command->description; *line != '\0';) {
        const char *end = first_line_end(line);
        PEN_TRY(pen_buf_addf(into, err, "  %.*s\n", (int)(end - line), line));
        line = *end == '\n' ? end + 1 : end;
    }
    if (has_flags)
        PEN_TRY(pen_buf_add_str(into, "\noptions:\n", err));
    for (const struct pen_flag *flag = command->flags; flag->name != NULL; flag++)
        PEN_TRY(add_flag(flag, into, err));
    if (command->aliases != NULL)
        PEN_TRY(pen_buf_add_str(into, "\nalso known as:\n", err));
    for (const char *const *a = command->aliases; a != NULL && *a != NULL; a++)
        PEN_TRY(pen_buf_addf(into, err, "  %s\n", *a));
    return PEN_OK;
}

enum pen_code pen_command_list(struct pen_buf *into, struct pen_error *err)
{
    static const char head[] =
        "usage:\n"
        "  $ penstock [--home DIR] [--json] [--trace PARTS] COMMAND [arguments] [options]\n"
        "\n"
        "example:\n"
        "  $ penstock connector:guess seed.yml -o load.yml\n"
        "  $ penstock connector:preview load.yml\n"
        "  $ penstock connector:issue load.yml --database td_sample_db --table td_sample_table \\\n"
        "      --time-column created_at --auto-create-table\n"
        "  $ penstock query -d td_sample_db \"SELECT count(*) FROM td_sample_table\"\n"
        "\n"
        "commands:\n";
    static const char foot[] = "\n"
                               "Run 'penstock help COMMAND' for more about a command.\n";
    PEN_TRY(pen_buf_add_str(into, head, err));
    for (size_t g = 0; pen_command_groups[g] != NULL; g++)
        for (const struct pen_command *c = pen_command_groups[g]; c->name != NULL; c++)
            PEN_TRY(pen_buf_addf(into, err, "  %-20s %.*s\n", c->name,
                                 (int)(first_line_end(c->description) - c->description),
                                 c->description));
    return pen_buf_add_str(into, foot, err);
}
