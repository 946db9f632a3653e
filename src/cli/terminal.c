#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A variable that is set to something. */
static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0';
}

static size_t width_of(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long value = columns != NULL ? strtol(columns, NULL, 10) : 0;
    return value > 0 && value < 10000 ? (size_t)value : 80;
}

struct pen_terminal pen_terminal_look(void)
{
    const char *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");
    bool is_dumb = term != NULL && strcmp(term, "dumb") == 0;
    struct pen_terminal terminal = {
        .is_stdout_terminal = isatty(STDOUT_FILENO) == 1,
        .is_stderr_terminal = isatty(STDERR_FILENO) == 1,
    };
    terminal.has_bar = terminal.is_stderr_terminal && !is_dumb;
    terminal.has_color = terminal.has_bar && !is_set("NO_COLOR");
    if (force != NULL && force[0] != '\0' && strcmp(force, "0") != 0 && !is_set("NO_COLOR"))
        terminal.has_color = true;
    if (terminal.is_stdout_terminal)
        terminal.width = width_of(STDOUT_FILENO);
    return terminal;
}

size_t pen_terminal_width(void)
{
    return width_of(STDERR_FILENO);
}
