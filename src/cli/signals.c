#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

volatile int pen_cli_cancel;

/* The first signal asks to stop, the second does not ask. */
static void on_signal(int number)
{
    (void)number;
    if (pen_cli_cancel != 0)
        _exit(PEN_EXIT_INTERRUPTED);
    pen_cli_cancel = 1;
}

enum pen_code pen_cli_catch_signals(struct pen_error *err)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigemptyset(&action.sa_mask) != 0 || sigaction(SIGINT, &action, NULL) != 0 ||
        sigaction(SIGTERM, &action, NULL) != 0 || sigaction(SIGPIPE, &ignore, NULL) != 0 ||
        sigaction(SIGXFSZ, &ignore, NULL) != 0) /* `ulimit -f`: the write fails and is told */
        return pen_fail_errno(err, PEN_ERR_INTERNAL, errno, "cannot catch signals");
    return PEN_OK;
}
