/* terminal.h - what the streams are: a terminal or not, its width, whether colour is wanted. */
#ifndef PEN_CLI_TERMINAL_H
#define PEN_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

struct pen_terminal {
    bool is_stdout_terminal, is_stderr_terminal;
    bool has_color; /* on stderr: terminal and not NO_COLOR or TERM=dumb, or CLICOLOR_FORCE */
    bool has_bar;   /* a line on stderr can be redrawn */
    size_t width;   /* of stdout; 0 when it is no terminal */
};

/* pen_terminal_look - asks the streams and the environment (NO_COLOR, CLICOLOR_FORCE, TERM,
 * COLUMNS). */
struct pen_terminal pen_terminal_look(void);

/* pen_terminal_width - of stderr now: it may have been resized; 80 when unknown. */
size_t pen_terminal_width(void);

#endif
