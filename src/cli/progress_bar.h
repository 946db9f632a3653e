/* progress_bar.h - how far a job is: a line that is redrawn on a terminal, a line every ten seconds
 * otherwise, nothing with --quiet. Shows bytes, rows, files, rate and time to go.
 * thread: any; lines for people that appear meanwhile go through pen_bar_say. */
#ifndef PEN_CLI_PROGRESS_BAR_H
#define PEN_CLI_PROGRESS_BAR_H

#include "cli/cli.h"
#include "run/task.h"

#include <pthread.h>

struct pen_bar {
    const struct pen_cli *cli;
    pthread_mutex_t lock;
    int64_t last_us; /* elapsed when the last line was printed */
    bool is_drawn;   /* the terminal's last line is the bar */
    uint64_t rate;   /* bytes a second, smoothed */
    uint64_t last_bytes;
};

/* What a line is made of; apart from struct pen_progress so that it can be tested. */
struct pen_bar_state {
    uint64_t bytes, total_bytes, rows, objects, total_objects, rejected, rate;
    int64_t elapsed_us;
};

/* pen_bar_print - the line without its end. in: columns: 0: no bar, no limit. */
PEN_MUST_USE enum pen_code pen_bar_print(const struct pen_bar_state *state, size_t columns,
                                         struct pen_buf *into, struct pen_error *err);

void pen_bar_init(struct pen_bar *bar, const struct pen_cli *cli);

/* pen_bar_update - draws when it is time to. */
void pen_bar_update(struct pen_bar *bar, const struct pen_progress *progress, int64_t elapsed_us);

/* pen_bar_say - a line on stderr above the bar; printed with --quiet too. */
void pen_bar_say(struct pen_bar *bar, const char *text);

/* pen_bar_finish - removes the bar. */
void pen_bar_finish(struct pen_bar *bar);

#endif
